# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of many fits share: known decays, gaps, and comparison to the bit."""

import numpy as np

T = np.linspace(0.0, 5.0, 20)
TIGHT = {"ftol": 1e-14, "xtol": 1e-14, "gtol": 1e-14}
STATES = ("popt", "pcov", "perr", "cost", "reason", "nit", "nfev", "n_missing")


def decay(x, a, b, c):
    return a * np.exp(-x / b) + c


def decays(k, noise=0.03, seed=0):
    """True parameters (k, 3) and data (k, 20)."""
    rng = np.random.default_rng(seed)
    true = np.column_stack([rng.uniform(1, 5, k), rng.uniform(0.5, 2, k), rng.uniform(-1, 1, k)])
    return true, decay(T, *true.T[:, :, None]) + noise * rng.standard_normal((k, T.size))


def with_gaps(y, share=0.05, seed=1):
    gone = np.random.default_rng(seed).random(y.shape) < share
    return np.where(gone, np.nan, y)


def same_bits(a, b):
    for name in STATES:
        assert np.array_equal(a[name], b[name], equal_nan=True), name


P0 = np.array([2.0, 1.0, 0.0])


def gauss(x, a, m, s, c):
    return a * np.exp(-0.5 * ((x - m) / s) ** 2) + c


def hill(x, top, k, n):
    return top * x**n / (k**n + x**n)


def wave(x, a, b, w, p):
    return a * np.exp(-b * x) * np.sin(w * x + p)


def logistic(x, top, k, x0):
    return top / (1 + np.exp(-k * (x - x0)))


# Model, predictor, ranges of the truth, noise: starts are the truth, up to a fifth away.
FAMILIES = {
    "decay": (decay, T, [(1, 5), (0.5, 2), (-1, 1)], 0.03),
    "peak": (gauss, np.linspace(-3, 3, 30), [(1, 5), (-1, 1), (0.4, 1), (0, 1)], 0.05),
    "hill": (hill, np.geomspace(0.05, 20, 16), [(1, 4), (0.5, 3), (0.8, 2.5)], 0.03),
    "damped wave": (wave, np.linspace(0, 6, 40), [(1, 3), (0.1, 0.4), (1.5, 3), (0, 1)], 0.05),
    "logistic": (logistic, np.linspace(-4, 4, 24), [(1, 5), (0.7, 2), (-1, 1)], 0.05),
}
