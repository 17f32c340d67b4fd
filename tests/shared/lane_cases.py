# SPDX-License-Identifier: BSD-3-Clause
"""Many starts, some of them hostile, and how their results are compared."""

import numpy as np

import thalweg as tw

RULES, SOLVERS = tw.methods("rules"), tw.methods("solvers")
FIELDS = ("x", "fun", "jac", "success", "status", "reason", "nit", "nfev", "nhev")


def wells(x, y):
    """Three wells, a pole at x = -3 beyond which the logarithm is undefined."""
    return (
        -np.exp(-((x - 1) ** 2 + (y - 1) ** 2))
        - 0.8 * np.exp(-((x + 1) ** 2 + (y - 0.5) ** 2))
        + 0.01 * (x**2 + y**2)
        - 1e-3 * np.log(x + 3)
    )


def starts(k=150, seed=0):
    """Ordinary ones; beside them some outside the domain, some far away, one at the pole."""
    points = np.random.default_rng(seed).uniform(-2, 2, (k, 2))
    points[7::31] = [-4.0, 0.0]
    points[11::37] = [1e200, -1e200]
    points[3] = [-3.0, 0.0]
    return points


def settings(method):
    """Hyper-parameters that all rules can be run with."""
    return {"learning_rate": 0.05} if method in RULES else {}


def same(a, b, fields=FIELDS):
    for name in fields:
        assert np.array_equal(a[name], b[name], equal_nan=True), name
