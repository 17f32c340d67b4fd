# SPDX-License-Identifier: BSD-3-Clause
"""Decays that share two lifetimes, and the dense problem of all their parameters."""

import numpy as np

T = np.linspace(0.0, 10.0, 40)
NOISE = 0.02
LIFETIMES = (1.0, 4.0)
SHARED = ("t1", "t2")
START = [1.0, 1.0, 0.5, 6.0]


def decay(t, a, b, t1, t2):
    """Two exponentials."""
    return a * np.exp(-t / t1) + b * np.exp(-t / t2)


def decays(k, seed=0, noise=NOISE):
    """Data (k, 40) of sets whose amplitudes are their own."""
    rng = np.random.default_rng(seed)
    a, b = rng.uniform(1.0, 3.0, (2, k, 1))
    return decay(T, a, b, *LIFETIMES) + noise * rng.normal(size=(k, T.size))


def dense_truth(k, seed=0):
    """The parameters that `decays` made its data from, in the order of the dense problem."""
    amplitudes = np.random.default_rng(seed).uniform(1.0, 3.0, (2, k))
    return np.concatenate([LIFETIMES, amplitudes.T.ravel()])


def dense_jacobian(x):
    """The whole Jacobian for x = (t1, t2, a, b, a, b, ...), one row for each of the data."""
    a, b = x[2::2, None], x[3::2, None]
    first, second = np.exp(-T / x[0]), np.exp(-T / x[1])
    k = a.size
    jac = np.zeros((k, T.size, x.size))
    jac[:, :, 0], jac[:, :, 1] = a * first * T / x[0] ** 2, b * second * T / x[1] ** 2
    for i in range(k):
        jac[i, :, 2 + 2 * i], jac[i, :, 3 + 2 * i] = first, second
    return jac.reshape(k * T.size, -1)


def dense_residuals(x, y):
    """The residuals of all data at the same x."""
    return (decay(T, x[2::2, None], x[3::2, None], x[0], x[1]) - y).ravel()


def dense_point(fits):
    """The parameters of fits in the order of the dense problem."""
    return np.concatenate([fits.popt[0, 2:], fits.popt[:, :2].ravel()])
