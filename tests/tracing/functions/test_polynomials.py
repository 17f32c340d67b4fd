# SPDX-License-Identifier: BSD-3-Clause
"""Functions of polynomials: values and slopes against NumPy's."""

import numpy as np
import pytest
from traced_values import check_slope

import thalweg as tw

P = np.random.default_rng(0).normal(size=5)
T = np.linspace(-1.0, 2.0, 9)


@pytest.mark.parametrize(
    "f",
    [
        lambda p: np.polyadd(p, p[:3]),
        lambda p: np.polyadd([1.0, 2.0], p),
        lambda p: np.polysub(p[:2], p),
        lambda p: np.polymul(p, p[1:4]),
        lambda p: np.polymul(p, 2.0),
        lambda p: np.polyadd(p[None], p[None]),
        lambda p: np.polyint(p, 1.7),
        np.polyder,
        lambda p: np.polyder(p, 2),
        np.polyint,
        lambda p: np.polyint(p, 2),
        lambda p: np.polyint(p, 2, k=[1.0, 2.0]),
        np.poly,
        lambda p: np.polyval(np.polyder(p), p[0]),
        lambda p: np.polyfit(T, np.polyval(p, T) + np.sin(T), 3),
        lambda p: np.polyfit(T, np.outer(np.exp(T), p), 2),
        lambda p: np.polyfit(T, np.polyval(p, T), 2, w=np.exp(-T)),
        lambda p: np.polyfit(T + 0.1 * p[0], np.sin(T), 2),
    ],
)
def test_values_and_slopes(f):
    check_slope(f, P, rtol=1e-6)


@pytest.mark.parametrize(
    ("f", "error"),
    [
        (lambda p: np.polyder(p, -1), ValueError),
        (lambda p: np.polyint(p, -1), ValueError),
        (lambda p: np.polyint(p, 3, k=[1.0, 2.0]), ValueError),
        (lambda p: np.polyfit(T, p, 2), TypeError),
        (lambda p: np.polyfit(np.arange(5.0), p, 2, full=True)[0], tw.TraceError),
        (lambda p: np.poly(np.outer(p, p)), tw.TraceError),
    ],
)
def test_mistakes_are_named(f, error):
    with pytest.raises(error):
        tw.objective(lambda p: np.sum(f(p)), P)
