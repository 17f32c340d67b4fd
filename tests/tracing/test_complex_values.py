"""Complex values as arrays: where they come from, what they refuse, models that use them."""

import numpy as np
import pytest
from scipy import special
from traced_values import C

import thalweg as tw
from thalweg._tracing.errors import TraceError


@pytest.mark.parametrize(
    ("function", "advice"),
    [
        (lambda p: 1j * p, "z.real, z.imag or abs"),
        (lambda p: np.stack([1j * p[0], p[1]]), "z.real, z.imag or abs"),
        (lambda p: np.sum(p[1j * p > 0]), "np.greater of complex values.*abs"),
        (lambda p: np.sum(np.maximum(1j * p, p)), "np.maximum of complex values"),
        (lambda p: np.sum(np.where(1j * p[0], p, 0)), "truth value|real"),
        (lambda p: p[0] if 1j * p[0] else p[1], "truth value"),
        (lambda p: complex(p[0], p[1]).real, "a \\+ 1j \\* b"),
        (lambda p: complex(1j * p[0]).real, "a \\+ 1j \\* b"),
        (lambda p: float(1j * p[0]), "Leave out float"),
        (lambda p: int(1j * p[0]), "np.trunc"),
        (lambda p: np.sum((1j * p).astype(float)), "z.real"),
        (lambda p: np.sum(abs(special.hankel1(0, 1j * p))), "hankel1"),
        (lambda p: np.sum(abs(np.floor(1j * p))), "np.floor of complex values"),
        (lambda p: np.sum(abs(np.asarray(1j * p, dtype=float))), "z.real"),
        (lambda p: np.sum(abs(np.subtract.reduce(1j * p))), "np.subtract.reduce of complex"),
    ],
)
def test_refusals_say_what_to_write(function, advice):
    with pytest.raises(TraceError, match=advice):
        tw.objective(function, np.ones(2))


def test_a_complex_element_cannot_be_assigned():
    def f(p):
        z = 1j * p
        z[0] = 1.0
        return abs(z)[0]

    with pytest.raises(TraceError, match=r"np\.where"):
        tw.objective(f, np.ones(2))


def test_attributes_are_those_of_arrays():
    seen = {}

    def f(p):
        z = C[:4].reshape(2, 2) * p
        seen.update(shape=z.shape, ndim=z.ndim, size=z.size, dtype=z.dtype, text=repr(z))
        seen["flat"] = z.flat.shape
        seen["rows"] = [row.shape for row in z]
        with pytest.raises(TypeError, match="unsized"):
            len(z[0, 0])
        with pytest.raises(TypeError, match="0-d"):
            iter(z[0, 0])
        with pytest.raises(IndexError):
            z[2]
        return np.sum(abs(z.T) ** 2)

    assert tw.objective(f, 1.5)(1.5) == pytest.approx(2.25 * np.sum(abs(C[:4]) ** 2))
    assert seen == {
        "shape": (2, 2), "ndim": 2, "size": 4, "dtype": np.complex128, "flat": (4,),
        "rows": [(2,), (2,)], "text": "<traced complex128 array of shape (2, 2)>",
    }  # fmt: skip


def test_an_impedance_is_fitted():
    """A resistor in series with a parallel RC circuit, from its noisy spectrum."""
    omega = 2 * np.pi * np.logspace(1, 5, 40)

    def impedance(p):
        r, s, c = np.exp(p)
        return r + 1 / (1 / s + 1j * omega * c)

    rng = np.random.default_rng(5)
    true = np.log([20.0, 150.0, 1e-6])
    noise = rng.normal(size=40) + 1j * rng.normal(size=40)
    data = impedance(true) * (1 + 1e-3 * noise)

    def cost(p):
        return np.sum(np.abs(impedance(p) / data - 1) ** 2)

    result = tw.minimize(cost, np.log([10.0, 100.0, 2e-6]))
    assert result.success
    np.testing.assert_allclose(np.exp(result.x), np.exp(true), rtol=2e-3)
    many = tw.minimize_many(cost, np.log([10.0, 100.0, 2e-6]) + 0.1 * rng.normal(size=(50, 3)))
    np.testing.assert_allclose(many.x, np.tile(result.x, (50, 1)), rtol=1e-6)


def test_a_structure_factor_and_an_amplitude():
    h = np.arange(1, 7)[:, None]

    def intensities(x):
        return np.abs(np.sum(np.exp(2j * np.pi * h * x), axis=1)) ** 2

    x = np.array([0.1, 0.35, 0.8])
    np.testing.assert_allclose(
        tw.jacobian(intensities)(x),
        np.stack([
            (intensities(x + d) - intensities(x - d)) / 2e-6 for d in 1e-6 * np.eye(3)
        ], axis=1),
        rtol=1e-6, atol=1e-6,
    )  # fmt: skip

    def infidelity(angles):
        state = np.array([1.0, 0.0], dtype=complex)
        for a in angles:
            c, s = np.cos(a / 2), -1j * np.sin(a / 2)
            state = np.stack([c * state[0] + s * state[1], s * state[0] + c * state[1]])
            state = state * np.array([1.0, np.exp(0.3j)])
        return 1 - np.abs(np.vdot(np.array([0.0, 1.0]), state)) ** 2

    result = tw.minimize(infidelity, np.array([0.5, 0.4, 0.3]))
    assert result.fun < 1e-12
    assert infidelity(result.x) == pytest.approx(result.fun, abs=1e-14)
