# SPDX-License-Identifier: BSD-3-Clause
"""Tapes that many fits share: likelihoods of counts, values left out, and domains."""

import numpy as np
import pytest
from fit_cases import P0, TIGHT, T, decay, with_gaps
from scipy import optimize, stats

import thalweg as tw
from thalweg._results.reasons import Reason


def counts(k=30, seed=0):
    rng = np.random.default_rng(seed)
    true = np.column_stack([rng.uniform(5, 40, k), rng.uniform(0.5, 2, k), rng.uniform(0.5, 3, k)])
    return true, rng.poisson(decay(T, *true.T[:, :, None]))


def test_poisson_is_the_maximum_of_the_likelihood():
    true, y = counts()
    assert (y == 0).any()
    fits = tw.curve_fit_many(decay, T, y, true, likelihood="poisson", **TIGHT)
    assert fits.success.all()
    for i, row in enumerate(y):

        def negative_log(p, row=row):
            mean = decay(T, *p)
            return -stats.poisson.logpmf(row, mean).sum() if (mean > 0).all() else np.inf

        best = optimize.minimize(
            negative_log, fits.popt[i], method="Nelder-Mead",
            options={"xatol": 1e-9, "fatol": 1e-13, "maxiter": 4000, "maxfev": 8000},
        )  # fmt: skip
        # Values of a function that is flat at its minimum tell a point to half their digits; its
        # slopes tell better.
        np.testing.assert_allclose(fits.popt[i], best.x, rtol=1e-5, atol=1e-5)
        a, b, c = fits.popt[i]
        e = np.exp(-T / b)
        score = np.stack([e, a * T / b**2 * e, np.ones_like(T)]) @ (1 - row / decay(T, a, b, c))
        assert (np.abs(fits.pcov[i] @ score) < 1e-6 * fits.perr[i]).all()
        assert negative_log(fits.popt[i]) <= best.fun + 1e-12 * abs(best.fun)
        saturated = -stats.poisson.logpmf(row, np.maximum(row, 1e-300)).sum()
        np.testing.assert_allclose(fits.cost[i], best.fun - saturated, rtol=1e-9)


def test_poisson_errors_are_the_inverse_of_fishers_information():
    true, y = counts(10)
    fits = tw.curve_fit_many(decay, T, y, true, likelihood="poisson")
    for i in range(10):
        a, b, c = fits.popt[i]
        e = np.exp(-T / b)
        jacobian = np.column_stack([e, a * T / b**2 * e, np.ones_like(T)])
        fisher = jacobian.T @ (jacobian / decay(T, a, b, c)[:, None])
        np.testing.assert_allclose(fits.pcov[i], np.linalg.inv(fisher), rtol=1e-8)


def test_poisson_estimates_scatter_as_their_errors_say():
    rng = np.random.default_rng(0)
    truth = np.array([30.0, 1.0, 3.0])
    y = rng.poisson(decay(T, *truth), (4000, T.size))
    fits = tw.curve_fit_many(decay, T, y, truth, likelihood="poisson")
    pulls = (fits.popt - truth) / fits.perr
    # Bias and skewness of order 1 / counts; 4000 pulls know a deviation to 1 %.
    assert fits.success.all()
    assert (np.abs(pulls.mean(axis=0)) < 0.15).all()
    assert (np.abs(pulls.std(axis=0) - 1) < 0.06).all()


def test_poisson_with_gaps_bounds_and_fixed():
    true, y = counts(12)
    gaps = with_gaps(y.astype(float), 0.1)
    how = {"likelihood": "poisson", "bounds": ([0, 0.1, 0.1], [99, 9, 9])}
    fits = tw.curve_fit_many(decay, T, gaps, true, **how)
    for i, row in enumerate(gaps):
        there = ~np.isnan(row)
        alone = tw.curve_fit_many(decay, T[there], row[there], true[i], **how)
        np.testing.assert_allclose(fits.popt[i], alone.popt, rtol=1e-7)
        np.testing.assert_allclose(fits.pcov[i], alone.pcov, rtol=1e-6)
    fits = tw.curve_fit_many(decay, T, y, true, likelihood="poisson", fixed={"c": true[:, 2]})
    assert (fits.popt[:, 2] == true[:, 2]).all()
    assert fits.success.all()


def test_poisson_outside_its_domain():
    _, y = counts(4)
    y[1, 3] = -1
    start = np.array([[20.0, 1, 1], [20, 1, 1], [20, 1, -30], [20, 1, 1]])
    fits = tw.curve_fit_many(decay, T, y, start, likelihood="poisson")
    assert fits.success.tolist() == [True, False, False, True]
    assert (fits.reason[1:3] == Reason.left_domain).all()
    assert "counts must be >= 0" in fits[1].message
    # A step to where the model is not positive is a step too far, not an end.
    wild = tw.curve_fit_many(decay, T, y[[0, 3]], [1.0, 0.05, 0.5], likelihood="poisson")
    assert not (wild.reason == Reason.left_domain).any()


def test_poisson_takes_neither_sigma_nor_loss():
    _, y = counts(2)
    with pytest.raises(ValueError, match="takes no `sigma`"):
        tw.curve_fit_many(decay, T, y, P0, likelihood="poisson", sigma=1.0)
    with pytest.raises(ValueError, match="takes no `loss`"):
        tw.curve_fit_many(decay, T, y, P0, likelihood="poisson", loss="huber")
    with pytest.raises(ValueError, match="likelihood must be one of"):
        tw.curve_fit_many(decay, T, y, P0, likelihood="binomial")
