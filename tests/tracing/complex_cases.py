"""Check functions of complex values: values and slopes, each kind of complex value as argument."""

import numpy as np

import thalweg as tw

rng = np.random.default_rng(2026)
C = rng.normal(size=6) + 1j * rng.normal(size=6)
M = rng.normal(size=(6, 6)) + 1j * rng.normal(size=(6, 6))
START = rng.normal(size=12)

# What complex values are made of: both parts, one of them, a constant and one, below the cut.
KINDS = {
    "both parts": lambda p: p[:6] + 1j * p[6:],
    "imaginary": lambda p: 1j * p[:6],
    "real": lambda p: p[:6].astype(complex),
    "constant real part": lambda p: 1 - 2j * p[:6],
    "near the branch cut": lambda p: -(p[:6] ** 2) - 1 + 1j * p[6:] * 1e-3,
}


def check(function, kind):
    """Compare with NumPy: the value, and the slope in one direction by extrapolated differences."""

    def f(p):
        return function(KINDS[kind](p))

    with np.errstate(all="ignore"):
        wanted = np.asarray(f(START))
    weights = np.random.default_rng(1).normal(size=wanted.shape)

    def g(p):
        return np.sum(weights * f(p))

    value = tw.objective(g, START)(START)
    np.testing.assert_allclose(value, g(START), rtol=1e-12, atol=1e-13)
    v = np.random.default_rng(2).normal(size=START.size)
    with np.errstate(all="ignore"):
        coarse, fine = ((g(START + h * v) - g(START - h * v)) / (2 * h) for h in (2e-4, 1e-4))
    slope = (4 * fine - coarse) / 3
    np.testing.assert_allclose(tw.grad(g)(START) @ v, slope, rtol=1e-8, atol=1e-8)
