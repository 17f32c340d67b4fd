"""NumPy's functions of complex values, against NumPy's own."""

import numpy as np
import pytest
from traced_values import KINDS, C, M, check_complex

import thalweg as tw
from thalweg._tracing.errors import TraceError

FUNCTIONS = {
    "sum": lambda z: abs(z.sum()),
    "mean": lambda z: abs(np.mean(z)),
    "prod": lambda z: np.prod(z).real,
    "prod along an axis": lambda z: np.prod(z.reshape(2, 3), axis=1).imag,
    "z.prod()": lambda z: z.prod().imag,
    "vector @ constants": lambda z: (z @ C).real,
    "matrix @ vector": lambda z: (M @ z).imag,
    "vector @ matrix": lambda z: (z @ M).imag,
    "vdot": lambda z: np.vdot(z, C).imag,
    "vecdot": lambda z: np.vecdot(z, C).imag,
    "vdot, second": lambda z: np.vdot(C, z).imag,
    "inner": lambda z: np.inner(z, C).imag,
    "outer": lambda z: np.outer(z, C).imag,
    "kron": lambda z: np.kron(z, C).imag,
    "einsum": lambda z: np.einsum("i,ij,j->", z, M, z).real,
    "tensordot": lambda z: np.tensordot(z.reshape(2, 3), M[:3], 1).real,
    "cross": lambda z: np.cross(z[:3], z[3:]).imag,
    "convolve": lambda z: np.convolve(z, C).imag,
    "correlate, second": lambda z: np.correlate(C, z, "full").imag,
    "correlate": lambda z: np.correlate(z, C, "full").imag,
    "polyval of coefficients": lambda z: np.polyval(z, 0.3).imag,
    "polyval, complex coefficients": lambda z: np.polyval(C, z).imag,
    "polyval": lambda z: np.polyval([1, 2, 3.0], z).imag,
    "norm": lambda z: np.linalg.norm(z),
    "norm of order 1": lambda z: np.linalg.norm(z, 1),
    "largest": lambda z: np.linalg.norm(z, np.inf),
    "norm along an axis": lambda z: np.linalg.norm(z.reshape(2, 3), axis=0),
    "var": lambda z: np.var(z),
    "std": lambda z: np.std(z),
    "var along an axis": lambda z: z.reshape(2, 3).var(axis=1),
    "where": lambda z: np.where(z.real > 0, z, 2j).imag,
    "where of two": lambda z: np.where(abs(z) > 1, z, z.conj()).imag,
    "select": lambda z: np.select([z.real > 0], [z], C).imag,
    "concatenate": lambda z: np.concatenate([z, C, np.ones(2)]).imag,
    "stack": lambda z: np.stack([z, np.ones(6)]).imag,
    "hstack": lambda z: np.hstack([z, [1j]]).imag,
    "block": lambda z: (
        np.block(
            [[z[:1].reshape(1, 1), z[1:2].reshape(1, 1)], [np.ones((1, 1)), np.ones((1, 1))]]
        ).imag
    ),
    "append": lambda z: np.append(z, 1.0).imag,
    "array of a list": lambda z: abs(np.array([z[0] * 2, z[1], 1j])),
    "a list": lambda z: np.abs([z[0] * 2, z[1]]),
    "slice": lambda z: z[1:4].imag,
    "index array": lambda z: z[[0, 2, 0]].real,
    "an element": lambda z: z[3].real,
    "new axis, reversed": lambda z: z[None, ::-1].imag,
    "mask": lambda z: z[np.array([1, 0, 1, 0, 1, 0], bool)].real,
    "T": lambda z: z.reshape(2, 3).T.imag,
    "trace": lambda z: np.trace(z[:4].reshape(2, 2)).imag,
    "roll": lambda z: np.roll(z, 1).imag,
    "cumsum": lambda z: np.cumsum(z).imag,
    "cumprod": lambda z: np.cumprod(z).imag,
    "diff": lambda z: np.diff(z).imag,
    "trapezoid": lambda z: np.trapezoid(z, dx=0.1).imag,
    "pad": lambda z: np.pad(z, 2).imag,
    "triu": lambda z: np.triu(z[:4].reshape(2, 2)).imag,
    "diag": lambda z: np.diag(z).imag,
    "flip": lambda z: np.flip(z).imag,
    "split": lambda z: np.split(z, 2)[1].imag,
    "iteration": lambda z: sum(w.real * k for k, w in enumerate(z)),
    "Python's sum": lambda z: abs(sum(z)),
    "real": np.real,
    "imag": np.imag,
    "average": lambda z: np.average(z, weights=np.arange(6.0)).imag,
    "round": lambda z: np.round(z).imag,
    "interp": lambda z: np.interp(z.real, [-1, 0, 1.0], [1j, 2, 3.0]).imag,
    "multi_dot": lambda z: np.linalg.multi_dot([z, M, C]).imag,
    "any": lambda z: np.where(np.any(z), z.real, 0),
    "broadcast_to": lambda z: np.broadcast_to(z, (2, 6)).imag,
    "size, len, ndim": lambda z: z.real * np.size(z) * len(z) * z.ndim,
    "repeat": lambda z: np.repeat(z, 2).imag,
    "tile": lambda z: np.tile(z, 2).imag,
    "take": lambda z: z.take([0, 1]).imag,
    "iscomplexobj": lambda z: z.real * (2.0 if np.iscomplexobj(z) else 1.0),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_and_slopes_are_those_of_numpy(name, kind):
    check_complex(FUNCTIONS[name], kind)


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (lambda z: np.max(z), "np.max of complex values"),
        (lambda z: np.clip(z, 0, 1), "np.clip of complex values"),
        (lambda z: np.average(z, weights=z), "np.average with a complex argument"),
        (lambda z: np.linalg.multi_dot([z, z, out := z], out=out), "out"),
    ],
)
def test_what_has_no_complex_form_is_refused_by_name(function, name):
    with pytest.raises((TraceError, TypeError), match=name):
        tw.objective(lambda p: np.sum(abs(function(p + 1j * p))), np.ones(3))


def test_products_of_no_elements():
    value = tw.objective(lambda p: np.prod(1j * p[:0]).real + p[0], np.ones(2))
    assert value(np.ones(2)) == 2.0


MASKED = np.ma.masked_array([1.0, 2.0, 3.0], [False, True, False])


@pytest.mark.parametrize(
    "function",
    [
        lambda z: np.where(MASKED, z, 0.0),
        lambda z: np.dot(MASKED, z),
        lambda z: z * MASKED,
        lambda z: z + MASKED * 1j,
    ],
)
def test_masked_arrays_are_refused(function):
    with pytest.raises(TypeError, match="masked array"):
        tw.objective(lambda p: np.sum(abs(function(p + 1j * p))), np.ones(3))


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (lambda z: np.sum(z, where=[True, False, True]), "the argument `where`"),
        (lambda z: np.einsum("i->", z, out=np.zeros(())), "the argument `out`"),
        (lambda z: np.prod(z, initial=2.0), "the argument `initial`"),
        (lambda z: np.var(z, correction=1), "the argument `correction`"),
        (lambda z: np.sum(a=z), "by its keyword"),
    ],
)
def test_arguments_without_a_form_are_refused_as_for_real_values(function, text):
    with pytest.raises(TraceError, match=text):
        tw.objective(lambda p: abs(function(1j * p)), np.ones(3))
