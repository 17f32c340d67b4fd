# SPDX-License-Identifier: BSD-3-Clause
# ruff: noqa: B023  functions are called where they are written
"""Discrete Fourier transforms against NumPy, SciPy and mpmath: values, slopes, layouts."""

import pickle

import mpmath
import numpy as np
import pytest
import scipy.fft
from traced_values import check_slope, failing, traced

import thalweg as tw
from thalweg import TraceError

COMPLEX = [np.fft.fft, np.fft.ifft, np.fft.hfft, np.fft.irfft]
REAL = [np.fft.fft, np.fft.ifft, np.fft.rfft, np.fft.ihfft, np.fft.irfft]


def parts(z):
    """Real and imaginary parts in one vector."""
    return np.concatenate([np.real(z).ravel(), np.imag(z).ravel()])


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 8, 12, 30, 77, 101, 127, 128, 262])
def test_values_and_slopes_are_numpys(n):
    rng = np.random.default_rng(n)
    for length in {n, 1, 7, n + 3, max(1, n - 3)}:
        for norm in (None, "ortho", "forward"):
            for f in REAL:
                check_slope(lambda x: parts(f(x, length, norm=norm)), rng.normal(size=n))
            for f in COMPLEX:
                check_slope(
                    lambda x: parts(f(x[:n] + 1j * np.sin(x[n:]), length, norm=norm)),
                    rng.normal(size=2 * n),
                )
                check_slope(lambda x: parts(f(1j * x, length, norm=norm)), rng.normal(size=n))


SEVERAL = [
    *(np.fft.fft2, np.fft.ifft2, np.fft.rfft2, np.fft.irfft2),
    *(np.fft.fftn, np.fft.ifftn, np.fft.rfftn, np.fft.irfftn),
]
AXES = [{}, {"axes": (0, 2)}, {"axes": (1,), "norm": "ortho"}, {"s": (3, 5), "axes": (2, 1)}]


@pytest.mark.parametrize("f", SEVERAL, ids=lambda f: f.__name__)
def test_several_axes(f):
    x = np.random.default_rng(0).normal(size=60)
    for how in AXES:
        check_slope(lambda x: parts(f(x.reshape(3, 4, 5), **how)), x)
        if not f.__name__.startswith("rfft"):
            check_slope(lambda x: parts(f((x * (1 + 2j) + 1j * x**2).reshape(3, 4, 5), **how)), x)


@pytest.mark.parametrize("f", [np.fft.fftshift, np.fft.ifftshift], ids=lambda f: f.__name__)
def test_shifts(f):
    x = np.random.default_rng(0).normal(size=60)
    for axes in (None, 1, (0, 2)):
        check_slope(lambda x: f(x.reshape(3, 4, 5), axes), x)
        check_slope(lambda x: parts(f((x + 1j * x * x).reshape(3, 4, 5), axes)), x)


def test_scipys_functions_are_numpys():
    x = np.random.default_rng(0).normal(size=24)
    for name in ("fft", "ifft", "rfft", "irfft", "ihfft", "hfft", "fft2", "rfftn", "fftshift"):
        f = getattr(scipy.fft, name)  # a name of the function itself, and of the module
        check_slope(lambda x: parts(f(x.reshape(4, 6))), x)
        np.testing.assert_array_equal(
            traced(lambda x: parts(getattr(scipy.fft, name)(x.reshape(4, 6))), x),
            traced(lambda x: parts(getattr(np.fft, name)(x.reshape(4, 6))), x),
        )
    check_slope(lambda x: parts(scipy.fft.fft(x, 30, -1, "ortho", True, workers=2)), x)


@pytest.mark.parametrize("n", [1, 2, 6, 64, 97, 251, 256, 480, 1009, 1021, 4096, 4099, 5040])
def test_the_transform_is_exact_to_rounding(n):
    """Against the definition in 30 digits, at some frequencies: normwise to 1e-15."""
    rng = np.random.default_rng(n)
    x = rng.normal(size=2 * n)
    got = traced(lambda x: parts(np.fft.fft(x[:n] + 1j * x[n:])), x)
    half = traced(lambda x: parts(np.fft.rfft(x[:n])), x)
    size = np.linalg.norm(x)  # of the transform, but for sqrt(n)
    with mpmath.workdps(30):
        z = [mpmath.mpc(a, b) for a, b in zip(x[:n], x[n:], strict=True)]
        errors, of_half = [], []
        for k in sorted({int(k) for k in rng.integers(0, n, 5)} | {0, n // 2}):
            roots = [mpmath.expjpi(mpmath.mpf(-2 * (j * k % n)) / n) for j in range(n)]
            wanted = mpmath.fsum(a * w for a, w in zip(z, roots, strict=True))
            errors.append(abs(wanted - mpmath.mpc(got[k], got[n + k])))
            wanted = mpmath.fsum(a.real * w for a, w in zip(z, roots, strict=True))
            if k <= n // 2:
                of_half.append(abs(wanted - mpmath.mpc(half[k], half[n // 2 + 1 + k])))
        assert max(map(float, errors)) < 1e-15 * size
        assert max(map(float, of_half)) < 1e-15 * size


def both(x):
    z = np.fft.fft(np.exp(1j * x) * x)
    back = np.fft.irfft(np.fft.rfft(x) ** 2, x.size)
    return np.sum(np.abs(z) ** 2 * np.arange(z.size)) + np.sum(np.sin(back))


@pytest.mark.parametrize("n", [7, 24, 600])  # 600 is too long for batches of lanes
def test_lanes_have_the_bits_of_one_lane(n):
    points = np.random.default_rng(n).normal(size=(19, n))
    F = tw.objective(both, points[0])
    values, slopes = F(points), F.grad(points)
    alone = [F.value_and_grad(x) for x in points]
    np.testing.assert_array_equal(values, [v for v, _ in alone])
    np.testing.assert_array_equal(slopes, [g for _, g in alone])
    again = pickle.loads(pickle.dumps(F))
    np.testing.assert_array_equal(again.grad(points[0]), slopes[0])


@pytest.mark.parametrize("n", [7, 24])
def test_second_derivatives(n):
    x = np.random.default_rng(n).normal(size=n)
    F = tw.objective(both, x)
    h = 1e-5
    differences = [(F.grad(x + h * e) - F.grad(x - h * e)) / (2 * h) for e in np.eye(n)]
    np.testing.assert_allclose(F.hessian(x), differences, rtol=1e-6, atol=1e-4)


def test_rows_of_a_long_array():
    x = np.random.default_rng(0).normal(size=(300, 8))

    def f(x):
        return np.sum(np.abs(np.fft.fft(np.sin(x), axis=1)) ** 2 * np.arange(8))

    F = tw.objective(f, x)
    assert F(x) == pytest.approx(f(x), rel=1e-13)
    v = np.random.default_rng(1).normal(size=x.shape)
    slope = (f(x + 1e-6 * v) - f(x - 1e-6 * v)) / 2e-6
    assert np.sum(F.grad(x) * v) == pytest.approx(slope, rel=1e-7)


def test_a_transform_is_one_node_and_its_adjoint_another():
    F = tw.objective(lambda x: np.sum(np.abs(np.fft.rfft(x)) ** 4), np.ones(4096))
    tape = str(F.tape)
    assert tape.count("= rfft(") == tape.count("= irfft(") == 1
    x = np.sin(np.arange(4096.0) ** 2)
    z = np.fft.rfft(x)
    slope = 4 * np.abs(z) ** 2 * z
    slope[1:-1] /= 2  # irfft adds the mirror images
    np.testing.assert_allclose(F.grad(x), 4096 * np.fft.irfft(slope), rtol=1e-11, atol=1e-3)


def test_mistakes_are_numpys():
    with pytest.raises(ValueError, match=r"Invalid number of FFT data points \(0\) specified"):
        failing(lambda x: np.fft.fft(x, 0), (4,))
    with pytest.raises(ValueError, match="Invalid norm value half"):
        failing(lambda x: np.fft.fft(x, norm="half"), (4,))
    with pytest.raises(TypeError, match="rfft"):
        failing(lambda x: np.fft.rfft(1j * x), (4,))
    with pytest.raises(TraceError, match="out"):
        failing(lambda x: np.fft.fft(x, out=np.zeros(4, complex)), (4,))
