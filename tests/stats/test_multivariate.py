# SPDX-License-Identifier: BSD-3-Clause
"""Distributions of vectors in tw.stats against SciPy."""

import numpy as np
import pytest
import scipy.stats

import thalweg as tw

RNG = np.random.default_rng(0)
A = RNG.normal(size=(3, 3))
COV = A @ A.T + np.eye(3)
X = RNG.normal(size=(5, 3))
MEAN = np.array([0.3, -0.2, 1.0])


@pytest.mark.parametrize("cov", [COV, 2.0, np.array([1.0, 2.0, 3.0])])
def test_values_are_scipys(cov):
    ours, theirs = tw.stats.multivariate_normal, scipy.stats.multivariate_normal
    full = cov * np.eye(3) if np.ndim(cov) == 0 else cov
    np.testing.assert_allclose(ours.logpdf(X, MEAN, cov), theirs.logpdf(X, MEAN, full), rtol=1e-12)
    np.testing.assert_allclose(ours.pdf(X[0], MEAN, cov), theirs.pdf(X[0], MEAN, full), rtol=1e-12)
    F = tw.objective(lambda m: np.sum(ours.logpdf(X, m, cov)), MEAN)
    assert F(MEAN) == pytest.approx(np.sum(theirs.logpdf(X, MEAN, full)), rel=1e-12)


def test_slopes_in_the_covariance():
    def loss(p):
        return np.sum(tw.stats.multivariate_normal.logpdf(X, p[:3], p[3] * COV + p[4] * np.eye(3)))

    p = np.array([*MEAN, 1.0, 0.5])
    F = tw.objective(loss, p)
    for k in range(5):
        h = 1e-5 * np.eye(5)[k]
        assert F.grad(p)[k] == pytest.approx((loss(p + h) - loss(p - h)) / 2e-5, rel=1e-7, abs=1e-8)


def test_numbers_are_vectors_of_one():
    ours = tw.stats.multivariate_normal.logpdf(np.array([0.3, 1.0]), 0.1, 2.0)
    assert repr(tw.stats.multivariate_normal) == "tw.stats.multivariate_normal"
    wanted = scipy.stats.multivariate_normal.logpdf([0.3, 1.0], [0.1, 0.1], 2 * np.eye(2))
    np.testing.assert_allclose(ours, wanted, rtol=1e-13)
