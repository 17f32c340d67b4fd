# SPDX-License-Identifier: BSD-3-Clause
# ruff: noqa: B023  functions are called where they are written
"""Convolutions and correlations against SciPy: values, slopes, accuracy."""

import time

import numpy as np
import pytest
import scipy.signal
from traced_values import check_slope, traced

import thalweg as tw

MODES = ["full", "same", "valid"]
METHODS = [{}, {"method": "direct"}, {"method": "fft"}]
OF_ARRAYS = {
    "fftconvolve": [{}],
    "oaconvolve": [{}],
    "convolve": METHODS,
    "correlate": METHODS,
}


def parts(z):
    """Real and imaginary parts in one vector."""
    return np.concatenate([np.real(z).ravel(), np.imag(z).ravel()])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", OF_ARRAYS)
def test_vectors(name, mode):
    f = getattr(scipy.signal, name)
    for n, m in ((1, 1), (5, 3), (3, 5), (8, 8), (40, 13), (13, 40)):
        rng = np.random.default_rng(n)
        kernel = rng.normal(size=m)
        for how in OF_ARRAYS[name]:
            check_slope(lambda x: f(x[:n], x[n:], mode, **how), rng.normal(size=n + m))
            check_slope(lambda x: f(kernel, x, mode, **how), rng.normal(size=n))
            check_slope(
                lambda x: parts(f(x[:n] + 1j * x[:n] ** 2, x[n:] * (1 - 2j), mode, **how)),
                rng.normal(size=n + m),
            )


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", OF_ARRAYS)
def test_several_axes(name, mode):
    f = getattr(scipy.signal, name)
    for s1, s2 in (((6, 7), (3, 2)), ((3, 2), (6, 7)), ((4, 5, 6), (2, 3, 3))):
        n, m = np.prod(s1), np.prod(s2)
        x = np.random.default_rng(n).normal(size=n + m)
        for how in OF_ARRAYS[name]:
            check_slope(lambda x: f(x[:n].reshape(s1), x[n:].reshape(s2), mode, **how), x)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("boundary", ["fill", "wrap", "symm"])
@pytest.mark.parametrize("name", ["convolve2d", "correlate2d"])
def test_pictures(name, boundary, mode):
    f = getattr(scipy.signal, name)
    for s1, s2 in (((6, 7), (3, 2)), ((2, 3), (6, 7)), ((5, 5), (4, 5))):
        n, m = np.prod(s1), np.prod(s2)
        if (mode != "valid" and s1 == (2, 3) and boundary != "fill") or (
            boundary == "fill" and mode == "valid" and s1 == (2, 3)
        ):
            continue
        x = np.random.default_rng(n).normal(size=n + m)
        check_slope(lambda x: f(x[:n].reshape(s1), x[n:].reshape(s2), mode, boundary, 1.5), x)


def test_some_axes_are_convolved():
    x = np.random.default_rng(0).normal(size=24)
    f = scipy.signal.fftconvolve
    check_slope(lambda x: f(x.reshape(3, 8), np.ones((1, 3)), axes=1), x)
    check_slope(lambda x: f(x.reshape(3, 8), np.ones((3, 3)), "same", axes=[-1]), x)


@pytest.mark.parametrize("n", [7, 8])
def test_the_analytic_signal(n):
    x = np.random.default_rng(n).normal(size=2 * n)
    check_slope(lambda x: parts(scipy.signal.hilbert(x)), x)
    check_slope(lambda x: np.abs(scipy.signal.hilbert(x.reshape(2, n), 11, axis=0)), x)


def test_direct_sums_keep_the_digits_of_small_elements():
    """A transform is right in the norm; np.convolve and method="direct" are in every element."""
    t = np.linspace(0.0, 200.0, 401)
    wanted = np.convolve(np.exp(-t), np.exp(-2 * t))
    for f in (np.convolve, lambda a, b: scipy.signal.convolve(a, b, method="direct")):
        got = traced(lambda t: f(np.exp(-t), np.exp(-2 * t)), t)
        np.testing.assert_allclose(got, wanted, rtol=1e-13)
    got = traced(lambda t: scipy.signal.fftconvolve(np.exp(-t), np.exp(-2 * t)), t)
    np.testing.assert_allclose(got, wanted, atol=1e-14)


@pytest.mark.parametrize("name", ["convolve", "fftconvolve"])
def test_a_model_with_a_response_is_fitted_in_milliseconds(name):
    f = getattr(scipy.signal, name)
    t = np.linspace(0, 9, 401)
    response = np.exp(-t)
    y = np.convolve(response, response)[:401]
    began = time.perf_counter()
    popt, _ = tw.curve_fit(lambda t, a: f(response, np.exp(-a * t))[:401], t, y)
    assert time.perf_counter() - began < 0.5  # on a busy machine; with arrays of objects 10.8
    np.testing.assert_allclose(popt, [1.0], rtol=1e-7)


def test_mistakes_are_scipys():
    def convolved(*args, **kwargs):
        tw.objective(lambda x: np.sum(scipy.signal.convolve(x, *args, **kwargs)), np.ones(5))

    with pytest.raises(ValueError, match="same dimensionality"):
        convolved(np.ones((2, 2)))
    with pytest.raises(ValueError, match="acceptable mode flags"):
        convolved(np.ones(2), mode="half")
    with pytest.raises(ValueError, match="Acceptable method flags"):
        convolved(np.ones(2), method="fast")
    with pytest.raises(ValueError, match="one must be at least as large"):
        tw.objective(
            lambda x: np.sum(scipy.signal.fftconvolve(x.reshape(2, 3), np.ones((3, 2)), "valid")),
            np.ones(6),
        )
