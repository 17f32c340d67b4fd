# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of single fits of curves share: a noisy decay, and errors of every shape."""

import warnings

import numpy as np
from scipy import optimize

import thalweg as tw

T = np.linspace(0.0, 4.0, 50)
X = np.array([1.0, 2.0, 3.0, 4.0])
Y = np.array([1.0, 3.2, 9.5, 13.7])

# SciPy ends at 1.5e-8 of the cost, which leaves 1e-5 of a deviation; asked for more, it agrees.
SCIPY = {"ftol": 1e-13, "xtol": 1e-13, "gtol": 1e-13}


def decay(x, a, b, c):
    return a * np.exp(-b * x) + c


def line(x, a, b):
    return a * x + b


def noisy(seed=0):
    return decay(T, 2.5, 1.3, 0.5) + 0.2 * np.random.default_rng(seed).normal(size=T.size)


def same_fit(f, x, y, **how):
    """Fit by both, and compare; ours."""
    quiet = how.pop("quiet", False)
    with warnings.catch_warnings():
        if quiet:
            warnings.simplefilter("ignore")
        ours, theirs = tw.curve_fit(f, x, y, **how), optimize.curve_fit(f, x, y, **(SCIPY | how))
    deviations = np.sqrt(np.diag(theirs[1]))
    assert ours[0].shape == theirs[0].shape
    assert ours[1].shape == theirs[1].shape
    # To a small part of the standard deviations; where these vanish, of the parameters.
    near = np.maximum(1e-5 * np.where(np.isfinite(deviations), deviations, 0), 1e-8)
    assert (np.abs(ours[0] - theirs[0]) <= near * np.maximum(1, np.abs(theirs[0]))).all()
    return ours, theirs


SIGMAS = {
    "none": None,
    "scalar": 0.2,
    "array of one": [0.2],
    "one each": np.linspace(0.1, 0.3, T.size),
    "integers": np.arange(1, 1 + T.size),
    "covariance": np.diag(np.linspace(0.1, 0.3, T.size) ** 2) + 0.01,
}
