# SPDX-License-Identifier: BSD-3-Clause
"""curve_fit_many: every fit as it would come out alone, and as SciPy's does; shapes, memory."""

import os
import pickle
import signal
import subprocess
import sys
import threading
import tracemalloc
import warnings

import numpy as np
import pytest
from scipy import optimize, stats

import thalweg as tw
from thalweg._fits import chunks, reading
from thalweg._fits.slots import Layout
from thalweg._fits.verdicts import fields_of
from thalweg._results.reasons import Reason

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


# ---- against SciPy


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


@pytest.mark.parametrize("family", FAMILIES)
def test_two_hundred_fits_agree_with_scipy(family):
    """1,000 over the families: where SciPy converges, so does every one of these, and to its
    answer: 1e-6 in the parameters, 1e-4 in their errors (its Jacobians are differences).
    """
    f, x, ranges, noise = FAMILIES[family]
    rng = np.random.default_rng(sum(map(ord, family)))
    true = np.column_stack([rng.uniform(*r, 200) for r in ranges])
    y = f(x, *true.T[:, :, None]) + noise * rng.standard_normal((200, x.size))
    p0 = true * rng.uniform(0.8, 1.2, true.shape)
    fits = tw.curve_fit_many(f, x, y, p0, **TIGHT)
    converged = 0
    for i in range(200):
        try:
            popt, pcov = optimize.curve_fit(f, x, y[i], p0[i], **TIGHT)
        except (RuntimeError, optimize.OptimizeWarning):
            continue
        converged += 1
        assert fits.success[i], fits[i].message
        np.testing.assert_allclose(fits.popt[i], popt, rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(fits.perr[i], np.sqrt(np.diag(pcov)), rtol=1e-4)
        np.testing.assert_allclose(
            fits.pcov[i], pcov, rtol=2e-4, atol=1e-4 * np.sqrt(np.outer(*[np.diag(pcov)] * 2)).max()
        )
    assert converged > 180


def test_each_is_as_curve_fit_finds_it():
    _, y = decays(50)
    fits = tw.curve_fit_many(decay, T, y, P0)
    for i, row in enumerate(y):
        popt, pcov, info, _, _ = tw.curve_fit(decay, T, row, P0, full_output=True)
        assert (popt == fits.popt[i]).all()
        # QR there, the normal matrix here: condition numbers of some hundred.
        np.testing.assert_allclose(fits.pcov[i], pcov, rtol=1e-10)
        assert info["nfev"] == fits.nfev[i]


# ---- options, one by one


HOW = {
    "bounds": {"bounds": ([0, 0.6, -0.5], [4, 1.5, 0.5])},
    "one-sided bounds": {"bounds": (-np.inf, [2.5, np.inf, np.inf])},
    "soft_l1": {"loss": "soft_l1", "f_scale": 0.05},
    "huber": {"loss": "huber", "f_scale": 0.05},
    "cauchy": {"loss": "cauchy", "f_scale": 0.05},
    "arctan": {"loss": "arctan", "f_scale": 0.2},
    "x_scale": {"x_scale": [1.0, 2.0, 0.5]},
    "one sigma": {"sigma": 0.03},
    "a sigma each": {"sigma": np.linspace(0.02, 0.05, T.size)},
    "absolute sigma": {"sigma": np.linspace(0.02, 0.05, T.size), "absolute_sigma": True},
    "bounds and loss": {"bounds": ([0, 0.6, -0.5], [4, 1.5, 0.5]), "loss": "soft_l1",
                        "f_scale": 0.05},
}  # fmt: skip


@pytest.mark.parametrize("how", HOW)
def test_options_mean_what_they_do_in_curve_fit(how):
    _, y = decays(40, seed=3)
    y[::4, 5] += 2.0  # outliers
    p0 = np.array([2.0, 1.0, 0.0])
    fits = tw.curve_fit_many(decay, T, y, p0, **HOW[how])
    settled = 0
    for i, row in enumerate(y):
        try:
            popt, pcov = tw.curve_fit(decay, T, row, p0, **HOW[how])
        except RuntimeError:
            assert not fits.success[i]
            continue
        settled += 1
        assert fits.success[i]
        np.testing.assert_array_equal(fits.popt[i], popt)
        np.testing.assert_allclose(fits.pcov[i], pcov, rtol=1e-7)
        np.testing.assert_allclose(fits.perr[i], np.sqrt(np.diag(pcov)), rtol=1e-7)
    assert settled > 35


def test_sigma_per_point_is_each_fits_own():
    _, y = decays(30)
    sigma = np.random.default_rng(2).uniform(0.02, 0.06, y.shape)
    fits = tw.curve_fit_many(decay, T, y, P0, sigma=sigma, absolute_sigma=True)
    for i, row in enumerate(y):
        popt, pcov = tw.curve_fit(decay, T, row, P0, sigma=sigma[i], absolute_sigma=True)
        np.testing.assert_array_equal(fits.popt[i], popt)
        np.testing.assert_allclose(fits.pcov[i], pcov, rtol=1e-9)


def test_a_parameter_at_its_bound_is_left_out_of_the_covariance():
    _, y = decays(60, seed=5)
    bounds = ([0, 0.9, -1], [6, 1.2, 1])
    fits = tw.curve_fit_many(decay, T, y, [2, 1, 0], bounds=bounds)
    pinned = np.isnan(fits.perr)
    assert pinned.any()
    assert not pinned.all(axis=1).any()
    np.testing.assert_array_equal(
        pinned, (fits.popt == np.array(bounds[0])) | (fits.popt == np.array(bounds[1]))
    )
    for i, row in enumerate(y):
        _, pcov = tw.curve_fit(decay, T, row, [2, 1, 0], bounds=bounds)
        np.testing.assert_allclose(fits.pcov[i], pcov, rtol=1e-8)


def test_fixed_parameters_are_not_fitted():
    _, y = decays(40)
    fits = tw.curve_fit_many(decay, T, y, P0, fixed={"c": 0.25})
    for i, row in enumerate(y):
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            popt, pcov = tw.curve_fit(lambda x, a, b: decay(x, a, b, 0.25), T, row, P0[:2])
        # Held there, some decays are worse than the mean of the data.
        assert bool(said) == fits.worse[i]
        np.testing.assert_allclose(fits.popt[i, :2], popt, rtol=1e-8)
        np.testing.assert_allclose(fits.pcov[i, :2, :2], pcov, rtol=1e-6)
    assert (fits.popt[:, 2] == 0.25).all()
    assert (fits.perr[:, 2] == 0).all()
    assert (fits.pcov[:, 2] == 0).all()


def test_fixed_parameters_may_differ_from_fit_to_fit():
    true, y = decays(40)
    fits = tw.curve_fit_many(decay, T, y, P0, fixed={"b": true[:, 1].astype(np.float32), "c": 0.1})
    for i, row in enumerate(y):
        b = float(np.float32(true[i, 1]))
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            popt, _ = tw.curve_fit(lambda x, a, b=b: decay(x, a, b, 0.1), T, row, [2.0])
        assert bool(said) == fits.worse[i]
        np.testing.assert_allclose(fits.popt[i], [popt[0], b, 0.1], rtol=1e-9)


def test_several_predictors_shared_and_of_each_fit():
    rng = np.random.default_rng(0)
    u, v = rng.uniform(0, 2, 15), rng.uniform(0, 2, (30, 15))

    def f(X, a, b):
        u, v = X
        return np.exp(-a * u) + b * v

    y = np.exp(-1.3 * u) + 0.7 * v + 0.01 * rng.standard_normal(v.shape)
    fits = tw.curve_fit_many(f, (u, v), y)
    for i, row in enumerate(y):
        np.testing.assert_array_equal(fits.popt[i], tw.curve_fit(f, (u, v[i]), row)[0])
    shared = np.stack([u, v[0]])
    for x in (shared, (u, v[0])):
        same_bits(tw.curve_fit_many(f, x, y), tw.curve_fit_many(f, shared, y))


def test_xdata_of_each_fit():
    rng = np.random.default_rng(0)
    x = np.sort(rng.uniform(0, 5, (30, 20)))
    y = decay(x, 2.0, 1.2, 0.3) + 0.01 * rng.standard_normal(x.shape)
    fits = tw.curve_fit_many(decay, x, y, P0)
    for i, row in enumerate(y):
        # There x is a constant of the graph, here an input: products fuse in other ways.
        np.testing.assert_allclose(fits.popt[i], tw.curve_fit(decay, x[i], row, P0)[0], rtol=1e-9)


def test_xdata_of_any_other_kind_is_handed_on():
    class Where:
        at = T

    _, y = decays(3)
    fits = tw.curve_fit_many(lambda w, a, b, c: decay(w.at, a, b, c), Where(), y, P0)
    np.testing.assert_array_equal(fits.popt, tw.curve_fit_many(decay, T, y, P0).popt)


# ---- starts


def test_starts_shared_of_each_and_from_the_data():
    _, y = decays(20)

    def guess(data):
        assert data.dtype == np.float64
        assert data.ndim == 2
        return np.column_stack([data[:, 0] - data[:, -1], np.ones(len(data)), data[:, -1]])

    by_hand = tw.curve_fit_many(decay, T, y, guess(y))
    same_bits(tw.curve_fit_many(decay, T, y, guess), by_hand)
    same_bits(tw.curve_fit_many(decay, T, y, lambda _: P0), tw.curve_fit_many(decay, T, y, P0))
    np.testing.assert_allclose(by_hand.popt, tw.curve_fit_many(decay, T, y, P0).popt, rtol=1e-6)


def test_starts_of_a_function_are_moved_into_the_bounds_and_nan_ends_alone():
    _, y = decays(4)

    def guess(data):
        start = np.tile([99.0, 1.0, 0.0], (len(data), 1))
        start[2] = np.nan
        return start

    bounds = ([0, 0.1, -2], [6, 9, 2])
    fits = tw.curve_fit_many(decay, T, y, guess, bounds=bounds)
    # One evaluation says where it began.
    once = tw.curve_fit_many(decay, T, y, guess, bounds=bounds, max_nfev=1)
    assert once.popt[0].tolist() == [6.0, 1.0, 0.0]
    assert once.cost[0] == pytest.approx(0.5 * np.sum((decay(T, 6, 1, 0) - y[0]) ** 2))
    assert fits.success.tolist() == [True, True, False, True]
    assert fits.reason[2] == Reason.non_finite
    assert np.isnan(fits.popt[2]).all()


def test_start_without_p0_lies_between_the_bounds():
    _, y = decays(3)
    bounds = ([0, 2, -1], [9, 4, 1])
    same_bits(
        tw.curve_fit_many(decay, T, y, bounds=bounds),
        tw.curve_fit_many(decay, T, y, [4.5, 3, 0], bounds=bounds),
    )


# ---- missing values


def test_missing_values_are_as_if_they_had_not_been_measured():
    _, y = decays(60)
    y = with_gaps(y, 0.1)
    fits = tw.curve_fit_many(decay, T, y, P0)
    assert 0 < np.count_nonzero(fits.n_missing) < 60
    for i, row in enumerate(y):
        there = ~np.isnan(row)
        popt, pcov = tw.curve_fit(decay, T[there], row[there], P0)
        assert fits.n_missing[i] == np.count_nonzero(~there)
        np.testing.assert_allclose(fits.popt[i], popt, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(fits.pcov[i], pcov, rtol=1e-8)


@pytest.mark.parametrize("how", ["bounds", "huber", "a sigma each", "one sigma"])
def test_missing_values_with_other_options(how):
    _, y = decays(40)
    y = with_gaps(y, 0.1)
    given = HOW[how]
    fits = tw.curve_fit_many(decay, T, y, P0 if how != "bounds" else [2, 1, 0], **given)
    for i, row in enumerate(y):
        there = ~np.isnan(row)
        own = dict(given)
        if np.ndim(own.get("sigma", 0)):
            own["sigma"] = own["sigma"][there]
        popt, pcov = tw.curve_fit(decay, T[there], row[there], P0, **own)
        np.testing.assert_allclose(fits.popt[i], popt, rtol=1e-7, atol=1e-8)
        np.testing.assert_allclose(fits.pcov[i], pcov, rtol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_fits_without_gaps_have_the_same_bits_beside_others_with_gaps(family):
    f, x, ranges, noise = FAMILIES[family]
    rng = np.random.default_rng(0)
    true = np.column_stack([rng.uniform(*r, 80) for r in ranges])
    y = f(x, *true.T[:, :, None]) + noise * rng.standard_normal((80, x.size))
    gaps = y.copy()
    gaps[::3] = with_gaps(y[::3], 0.3)
    whole, mixed = tw.curve_fit_many(f, x, y, true), tw.curve_fit_many(f, x, gaps, true)
    clean = mixed.n_missing == 0
    assert 20 < clean.sum() < 80
    same_bits(whole[clean], mixed[clean])


def test_gaps_in_predictors_leave_values_out_too():
    _, y = decays(10)
    x = np.tile(T, (10, 1))
    x[3, 4] = np.nan
    fits = tw.curve_fit_many(decay, x, y, P0)
    there = np.arange(T.size) != 4
    assert fits.n_missing.tolist() == [0, 0, 0, 1] + [0] * 6
    np.testing.assert_allclose(
        fits.popt[3], tw.curve_fit(decay, T[there], y[3, there], P0)[0], rtol=1e-9
    )
    shared = np.where(there, T, np.nan)
    fits = tw.curve_fit_many(decay, shared, y, P0)
    assert (fits.n_missing == 1).all()
    for i, row in enumerate(y):
        np.testing.assert_allclose(
            fits.popt[i], tw.curve_fit(decay, T[there], row[there], P0)[0], rtol=1e-9
        )


def test_gaps_are_counted_in_long_fits_too():
    x = np.linspace(0, 5, 900)
    y = np.tile(decay(x, 2, 1, 0), (3, 1))
    y[1, :300] = np.nan
    assert tw.curve_fit_many(decay, x, y, P0).n_missing.tolist() == [0, 300, 0]


def test_gaps_in_sigma_are_welcome_where_the_data_have_them():
    _, y = decays(5)
    sigma = np.full(y.shape, 0.03)
    y[2, 3] = np.nan
    sigma[2, 3] = np.nan
    assert tw.curve_fit_many(decay, T, y, P0, sigma=sigma).success.all()
    sigma[4, 7] = np.nan
    with pytest.raises(ValueError, match="`sigma` must be positive, got nan for value 7 of fit 4"):
        tw.curve_fit_many(decay, T, y, P0, sigma=sigma)


def test_fits_are_sorted_by_a_parameter():
    _, y = decays(5)
    by_name = tw.curve_fit_many(decay, T, y, P0).sort("b", descending=True)
    assert np.all(np.diff(by_name["b"]) < 0)


def test_masked_predictors_are_missing_as_masked_data_are():
    _, y = decays(3)
    gap = np.where(np.arange(T.size) == 4, np.nan, T)
    masked = np.ma.array(np.where(np.isnan(gap), -50.0, T), mask=np.isnan(gap))

    def pair(x, a, b, c):
        return a * np.exp(-x[0] / b) + c * x[1]

    for model, x, as_nan in ((decay, masked, gap), (pair, (masked, T), (gap, T))):
        fits = tw.curve_fit_many(model, x, y, P0)
        assert fits.n_missing.tolist() == [1, 1, 1]
        assert np.array_equal(fits.popt, tw.curve_fit_many(model, as_nan, y, P0).popt)
    each = np.ma.array(np.tile(masked.data, (3, 1)), mask=np.tile(masked.mask, (3, 1)))
    assert tw.curve_fit_many(decay, each, y, P0).n_missing.tolist() == [1, 1, 1]


def test_a_function_of_the_data_cannot_change_them():
    _, y = decays(3)
    before = y.copy()

    def guess(data):
        data -= data.min()
        return [1.0, 1.0, 0.0]

    for model in (decay, lambda x, *p: p[0] * x):
        with pytest.raises(ValueError, match="read-only"):
            tw.curve_fit_many(model, T, y, guess)
    assert np.array_equal(y, before)


def test_data_are_searched_for_infinities_without_a_warning():
    huge = np.full((3, 20), 1e308)
    tw.curve_fit_many(decay, T, huge, P0, nan_policy="raise")
    huge[1, :2] = np.inf, -np.inf
    with pytest.raises(ValueError, match="ydata of fit 1 holds inf at index 0"):
        tw.curve_fit_many(decay, T, huge, P0, nan_policy="raise")


def test_a_fit_with_too_few_data_is_nan_and_says_so():
    _, y = decays(4)
    y[1] = np.nan
    y[2, 2:] = np.nan
    fits = tw.curve_fit_many(decay, T, y, P0)
    assert fits.success.tolist() == [True, False, False, True]
    assert np.isnan(fits.popt[1:3]).all()
    assert np.isnan(fits.perr[1:3]).all()
    assert fits.n_missing.tolist() == [0, 20, 18, 0]
    assert (fits.status[1:3] == -3).all()
    assert "fewer data than parameters" in fits[1].message


def test_as_many_data_as_parameters_have_no_errors():
    _, y = decays(2)
    y[1, 3:] = np.nan
    fits = tw.curve_fit_many(decay, T, y, P0)
    assert fits.success.all()
    assert np.isinf(fits.pcov[1]).all()
    assert np.isfinite(fits.pcov[0]).all()


def test_masked_arrays_have_gaps():
    _, y = decays(6)
    mask = np.random.default_rng(0).random(y.shape) < 0.1
    same_bits(
        tw.curve_fit_many(decay, T, np.ma.array(y, mask=mask), P0),
        tw.curve_fit_many(decay, T, np.where(mask, np.nan, y), P0),
    )


def test_nan_policies():
    _, y = decays(4)
    y[2, 5] = np.nan
    with pytest.raises(ValueError, match="must not contain infs or NaNs: ydata of fit 2 holds"):
        tw.curve_fit_many(decay, T, y, P0, nan_policy="raise")
    fits = tw.curve_fit_many(decay, T, y, P0, nan_policy="propagate")
    assert np.isnan(fits.popt[2]).all()
    assert fits.success.tolist() == [True, True, False, True]
    same_bits(fits[[0, 1, 3]], tw.curve_fit_many(decay, T, y[[0, 1, 3]], P0))
    shared = np.where(np.arange(20) == 3, np.nan, T)
    with pytest.raises(ValueError, match="must not contain infs or NaNs: xdata does"):
        tw.curve_fit_many(decay, shared, y[:2], P0, nan_policy="raise")
    x = np.tile(shared, (4, 1))
    with pytest.raises(ValueError, match="must not contain infs or NaNs: xdata of fit 0 holds"):
        tw.curve_fit_many(decay, x, np.ones((4, 20)), P0, nan_policy="raise")
    with pytest.raises(ValueError, match="nan_policy must be one of"):
        tw.curve_fit_many(decay, T, y, P0, nan_policy="ignore")


# ---- counts


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


# ---- the same bits


HARD = {"bounds": ([0, 0.1, -2], [4.5, 5, 2]), "loss": "soft_l1", "f_scale": 0.05}


def hard_data(k=150):
    """With gaps, infinities, nothing at all, and fits that do not end well."""
    _, y = decays(k, seed=7)
    y[::5] = with_gaps(y[::5], 0.2)
    y[3] = np.inf
    y[10] = np.nan
    y[20] = 0.0
    y[30] = 1e200
    y[40] *= 1e-200
    return y


@pytest.mark.parametrize("how", [{}, HARD], ids=["plain", "bounds, loss"])
def test_same_bits_for_any_chunk_thread_and_order_and_one_by_one(how, monkeypatch):
    y = hard_data()
    whole = tw.curve_fit_many(decay, T, y, P0, threads=1, **how)
    same_bits(whole, tw.curve_fit_many(decay, T, y, P0, threads=2, **how))
    order = np.random.default_rng(0).permutation(len(y))
    same_bits(whole[order], tw.curve_fit_many(decay, T, y[order], P0, **how))
    for size in (64, 100):
        monkeypatch.setattr(reading.FitReader, "most", size)
        same_bits(whole, tw.curve_fit_many(decay, T, y, P0, **how))
    for i in [*range(0, 50, 7), 3, 10, 20, 30, 40]:
        alone = tw.curve_fit_many(decay, T, y[i], P0, **how)
        same_bits(whole[i : i + 1], alone[None])


# ---- kept models


def test_a_kept_model_fits_many():
    _, y = decays(30)
    gaps = with_gaps(y, 0.1)
    M = tw.model(decay, T, P0)
    for model in (M, pickle.loads(pickle.dumps(M))):
        same_bits(model.fit_many(y), tw.curve_fit_many(decay, T, y, P0))
        same_bits(model.fit_many(gaps), tw.curve_fit_many(decay, T, gaps, P0))
        how = {"fixed": {"c": 0.2}, "loss": "huber", "f_scale": 0.05, "sigma": 0.5}
        same_bits(model.fit_many(y, **how), tw.curve_fit_many(decay, T, y, P0, **how))
        same_bits(model.fit_many(y, 2 * P0), tw.curve_fit_many(decay, T, y, 2 * P0))
        bounds = ([0, 0.9, -1], [6, 1.2, 1])
        same_bits(
            model.fit_many(y, bounds=bounds), tw.curve_fit_many(decay, T, y, P0, bounds=bounds)
        )
    assert M.fit_many(y[0]).popt.tolist() == M.fit(y[0])[0].tolist()


def test_a_kept_model_is_the_one_that_was_traced():
    rate = [1.0]
    M = tw.model(lambda x, a: a * np.exp(-rate[0] * x), T)
    rate[0] = 2.0
    fits = M.fit_many(np.outer([1.0, 2.0], np.exp(-T)))
    np.testing.assert_allclose(fits.popt, [[1.0], [2.0]])


def test_a_model_that_is_not_traced_fits_no_many():
    with pytest.raises(TypeError, match="needs a traced model"):
        tw.model(decay, T, P0, trace=False).fit_many(np.ones((2, 20)))
    with pytest.raises(ValueError, match="p0 must have 3 entries, got 2"):
        tw.model(decay, T, P0).fit_many(np.ones((2, 20)), [1, 2])
    with pytest.raises(ValueError, match="ydata has 7 values along its last axis"):
        tw.model(decay, T, P0).fit_many(np.ones((2, 7)))


# ---- shapes and storage


def test_leading_axes_of_any_number():
    _, y = decays(24)
    whole = tw.curve_fit_many(decay, T, y, P0)
    for lead in [(24,), (4, 6), (2, 3, 4), (1, 24, 1)]:
        fits = tw.curve_fit_many(decay, T, y.reshape(*lead, -1), P0)
        assert fits.popt.shape == (*lead, 3)
        assert fits.pcov.shape == (*lead, 3, 3)
        assert fits.reason.shape == fits.cost.shape == fits.success.shape == lead
        assert (fits.popt.reshape(-1, 3) == whole.popt).all()
    one = tw.curve_fit_many(decay, T, y[0], P0)
    assert one.popt.shape == (3,)
    assert one.success.shape == ()


def test_a_chunk_of_long_fits_is_few_fits():
    reader = reading.FitReader.__new__(reading.FitReader)
    reader.layout = Layout(10**6, (0, 1, 2))
    reader.sigma = None
    assert 8e6 * reader.most <= chunks.CHUNK
    reader.layout = Layout(10**8, (0, 1, 2))
    assert reader.most == 1


def test_no_fits_at_all():
    fits = tw.curve_fit_many(decay, T, np.empty((0, 20)), P0)
    assert fits.popt.shape == (0, 3)
    assert len(fits) == 0
    assert "fits" in repr(fits)


def test_everything_that_differs_by_fit_is_read_chunk_by_chunk(monkeypatch):
    rng = np.random.default_rng(0)
    true, y = decays(150)
    y = with_gaps(y, 0.02).reshape(10, 15, 20)
    how = {
        "p0": true.reshape(10, 15, 3) * 1.1, "sigma": rng.uniform(0.02, 0.06, y.shape),
        "fixed": {"c": true[:, 2].reshape(10, 15)}, "xdata": T + 0.01 * rng.random(y.shape),
    }  # fmt: skip
    whole = tw.curve_fit_many(decay, ydata=y, **how)
    assert whole.success.all()
    monkeypatch.setattr(reading.FitReader, "most", 64)
    same_bits(whole, tw.curve_fit_many(decay, ydata=y, **how))


def test_any_storage_gives_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(reading.FitReader, "most", 64)
    _, y = decays(160)
    y = y.astype(np.float32).astype(np.float64).reshape(10, 16, 20)
    whole = tw.curve_fit_many(decay, T, y, P0)
    stack = np.ascontiguousarray(np.moveaxis(y, -1, 0))
    same_bits(whole, tw.curve_fit_many(decay, T, np.moveaxis(stack, 0, -1), P0))
    same_bits(whole, tw.curve_fit_many(decay, T, y.astype(np.float32), P0))
    same_bits(whole, tw.curve_fit_many(decay, T, y.astype(">f8"), P0))
    wide = np.zeros((20, 32, 40))
    wide[::2, ::2, ::2] = y
    same_bits(whole, tw.curve_fit_many(decay, T, wide[::2, ::2, ::2], P0))
    same_bits(whole, tw.curve_fit_many(decay, T, np.asfortranarray(y), P0))
    same_bits(whole, tw.curve_fit_many(decay, T, y.tolist(), P0))
    file = np.memmap(tmp_path / "y", np.float32, "w+", shape=stack.shape)
    file[:] = stack
    same_bits(whole, tw.curve_fit_many(decay, T, np.moveaxis(file, 0, -1), P0))
    whole = tw.curve_fit_many(decay, T, np.round(100 * y), P0)
    same_bits(whole, tw.curve_fit_many(decay, T, np.round(100 * y).astype(np.int16), P0))


def test_out_is_filled(tmp_path):
    _, y = decays(30)
    y = y.reshape(5, 6, 20)
    whole = tw.curve_fit_many(decay, T, y, P0)
    popt = np.memmap(tmp_path / "popt", np.float32, "w+", shape=(5, 6, 3))
    turned = np.zeros((3, 6, 5)).T
    fits = tw.curve_fit_many(decay, T, y, P0, out={"popt": popt, "perr": turned, "pcov": None})
    assert fits.popt is popt
    assert fits.perr is turned
    np.testing.assert_array_equal(popt, whole.popt.astype(np.float32))
    np.testing.assert_array_equal(turned, whole.perr)
    assert "pcov" not in fits
    with pytest.raises(AttributeError, match="has no 'pcov'"):
        fits.pcov  # noqa: B018
    again = tw.curve_fit_many(decay, T, y + 1, P0, out=whole)
    assert again.popt is whole.popt
    bad = {
        "out has 'q'": {"q": popt},
        "must be an array of shape": {"popt": np.zeros((5, 6))},
        "must be a writeable array": {"popt": np.zeros((5, 6, 3), int)},
        "None|must be an array": {"popt": None},
    }
    for text, out in bad.items():
        with pytest.raises(ValueError, match=text):
            tw.curve_fit_many(decay, T, y, P0, out=out)
    with pytest.raises(TypeError, match="out must be a dict"):
        tw.curve_fit_many(decay, T, y, P0, out=popt)


def test_memory_stays_bounded_whatever_the_number_of_fits(tmp_path, monkeypatch):
    """120,000 fits read from a file and written to one; 2 MB of doubles at a time are enough."""
    monkeypatch.setattr(chunks, "CHUNK", 2e6)
    k = 120_000
    y = np.memmap(tmp_path / "y", np.float32, "w+", shape=(T.size, 400, 300))
    rng = np.random.default_rng(0)
    for i, t in enumerate(T):
        y[i] = 2.5 * np.exp(-t / 1.2) + 0.3 + 0.02 * rng.standard_normal((400, 300))
    out = {
        name: np.memmap(tmp_path / name, kind, "w+", shape=(400, 300, *own))
        for name, (own, kind) in fields_of(3).items()
    }
    tracemalloc.start()
    try:
        fits = tw.curve_fit_many(decay, T, np.moveaxis(y, 0, -1), P0, out=out, threads=1)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # 19 MB in double, and 19 MB of answers. Both sides of what ended each fit stay: 1.9 MB.
    assert peak < 9e6
    assert fits.success.all()
    assert k == fits.size
    some = tw.curve_fit_many(decay, T, np.ascontiguousarray(y[:, 7, 11]), P0)
    np.testing.assert_array_equal(some.popt, fits.popt[7, 11])


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, and limits are POSIX's")
def test_fits_run_within_a_limit_of_memory(tmp_path):
    """A process that may take 100 MB more fits 1.2 million decays: 192 MB of data in double, and
    as much of answers.
    """
    code = f"""
import resource, numpy as np, thalweg as tw
from thalweg._fits.verdicts import fields_of
k, x = 1_200_000, np.linspace(0, 5, 20)
def f(x, a, b, c):
    return a * np.exp(-x / b) + c
def made(name, kind, shape):
    return np.lib.format.open_memmap(rf"{tmp_path}/{{name}}.npy", "w+", kind, shape)
y = made("y", np.float32, (k, 20))
for i in range(0, k, 100_000):
    y[i : i + 100_000] = f(x, 2.5, 1.2, 0.3)
out = {{name: made(name, kind, (k, *own)) for name, (own, kind) in fields_of(3).items()}}
tw.curve_fit_many(f, x, y[:100], [2.0, 1.0, 0.0])
(now,) = (line.split()[1] for line in open("/proc/self/status") if line.startswith("VmData"))
resource.setrlimit(resource.RLIMIT_DATA, ((int(now) << 10) + 100_000_000,) * 2)
tw.curve_fit_many(f, x, y, [2.0, 1.0, 0.0], out=out, threads=1)
for i in range(0, k, 100_000):
    assert out["success"][i : i + 100_000].all()
    assert (abs(out["popt"][i : i + 100_000] - [2.5, 1.2, 0.3]) < 1e-5).all()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


# ---- covariances that normal matrices cannot give


def test_singular_fits_have_infinite_errors_without_a_warning():
    def twice(x, a, b):
        return (a + b) * x

    fits = tw.curve_fit_many(twice, T, np.outer([1.0, 2.0], T) + np.sin(T))
    assert fits.success.all()
    assert np.isinf(fits.pcov).all()
    assert "infinite in 2 fits" in repr(fits)
    dead = tw.curve_fit_many(lambda x, a, b: a * x + 0 * b, T, np.outer([1.0, 2.0], T))
    assert np.isinf(dead.pcov).all()


def test_errors_of_ill_conditioned_fits_are_as_scipys():
    """Columns so nearly parallel that their normal matrix has lost every digit of the errors."""

    def nearly(x, a, b):
        return a * x + b * (x + 1e-7 * x**2)

    y = np.outer([1.0, 2.0, 3.0], T) + 1e-3 * np.random.default_rng(0).standard_normal((3, 20))
    fits = tw.curve_fit_many(nearly, T, y, x_scale=[1, 1])
    for i in range(3):
        jacobian = np.column_stack([T, T + 1e-7 * T**2])
        inverse = np.linalg.inv(np.linalg.qr(jacobian)[1])
        expected = np.sqrt(np.diag(inverse @ inverse.T) * 2 * fits.cost[i] / 18)
        # The condition number is some 1e7: QR keeps 9 digits.
        np.testing.assert_allclose(fits.perr[i], expected, rtol=1e-6)


def test_more_parameters_than_covariances_are_written_on_tapes():
    n = 18
    x = np.linspace(0, 1, 60)
    basis = np.cos(np.pi * np.arange(n)[:, None] * x)
    y = np.random.default_rng(0).standard_normal((4, 60))

    def f(x, *p):
        return sum(p[k] * basis[k] for k in range(n))

    fits = tw.curve_fit_many(f, x, y, np.zeros(n))
    popt, pcov = tw.curve_fit(f, x, y[2], np.zeros(n))
    np.testing.assert_allclose(fits.popt[2], popt, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(fits.pcov[2], pcov, rtol=1e-9, atol=1e-12)


# ---- what comes back


def test_fits_index_slice_save_and_print(tmp_path):
    _, y = decays(12)
    y[4, 2] = np.nan
    fits = tw.curve_fit_many(decay, T, y.reshape(3, 4, 20), P0)
    assert fits.names == ["a", "b", "c"]
    assert fits["b"].shape == (3, 4)
    one = fits[1, 2]
    np.testing.assert_array_equal(one.popt, fits.popt[1, 2])
    assert "largest cosine" in one.message
    assert "nan" not in one.message
    assert fits[1:].popt.shape == (2, 4, 3)
    assert fits[fits.success].popt.shape == (12, 3)
    np.savez(tmp_path / "f.npz", **fits)
    with np.load(tmp_path / "f.npz") as saved:
        np.testing.assert_array_equal(saved["pcov"], fits.pcov)
        assert saved["names"].tolist() == ["a", "b", "c"]
    again = pickle.loads(pickle.dumps(fits))
    same_bits(again, fits)
    best = fits[0].sort()
    assert (np.diff(best.cost) >= 0).all()
    table = fits.to_dataframe()
    assert table["b"].tolist() == fits["b"].ravel().tolist()
    assert {"a", "perr[c]", "pcov[a, b]", "cost", "reason"} <= set(table.columns)
    text = repr(fits)
    for word in ("fits: 3 x 4", "a = ", "±", "missing: 1 values in 1 fits", "reason", "nfev"):
        assert word in text, text
    with pytest.raises(ValueError, match="two leading axes"):
        fits[0].plot()
    axes = fits.plot()
    assert axes.shape == (2, 3)
    assert [ax.get_title() for ax in axes[0]] == ["a", "b", "c"]


def test_limits_end_fits_alone():
    _, y = decays(30)
    fits = tw.curve_fit_many(decay, T, y, P0, max_nfev=5)
    assert (fits.nfev <= 5).all()
    assert 0 < np.count_nonzero(~fits.success) <= 30
    ended = fits[~fits.success]
    assert (ended.reason == Reason.max_evaluations).all()
    assert (ended.status == -2).all()
    assert np.isfinite(ended.perr).all()
    assert "max_nfev = 5" in ended[0].message
    none = tw.curve_fit_many(decay, T, np.tile(y, (50, 1)), P0, max_time=0.0)
    assert not none.success.any()
    assert (none.reason == Reason.max_time).all()


def test_interrupt_keeps_what_is_done(monkeypatch):
    monkeypatch.setattr(reading.FitReader, "most", 64)
    _, y = decays(300)
    y[70, 3] = np.nan
    whole = tw.curve_fit_many(decay, T, y, P0)
    seen = []

    def guess(data):
        seen.append(len(data))
        if len(seen) == 3:
            raise KeyboardInterrupt
        return P0

    with pytest.raises(KeyboardInterrupt) as stop:
        tw.curve_fit_many(decay, T, y, guess)
    fits = stop.value.result
    done = sum(seen[:2])
    same_bits(fits[:done], whole[:done])
    assert (fits.reason[done:] == Reason.interrupted).all()
    assert np.isnan(fits.popt[done:]).all()
    assert (fits.status[done:] == -4).all()


@pytest.mark.skipif(os.name != "posix", reason="sends itself a signal")
def test_a_signal_keeps_what_is_done():
    _, y = decays(2000)
    many = np.broadcast_to(y, (1000, 2000, T.size))  # two million fits
    alarm = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    alarm.start()
    try:
        with pytest.raises(KeyboardInterrupt) as stop:
            tw.curve_fit_many(decay, T, many, P0, threads=1)
    finally:
        alarm.cancel()
    fits = stop.value.result
    unfinished = fits.reason == Reason.interrupted
    assert unfinished.any()
    assert not fits.success[unfinished].any()
    assert np.isnan(fits.perr[fits.nfev == 0]).all()
    at, lanes = (i[:1000] for i in np.nonzero(~unfinished))
    if lanes.size:
        same_bits(fits[at, lanes], tw.curve_fit_many(decay, T, y[lanes], P0))


def test_python_threads_share_a_kept_model():
    _, y = decays(2000)
    M = tw.model(decay, T, P0)
    expected = tw.curve_fit_many(decay, T, y, P0)
    told = []

    def work():
        told.extend(M.fit_many(y, threads=2) for _ in range(3))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert len(told) == 12
    for fits in told:
        same_bits(fits, expected)


def test_progress_counts_fits(capsys, monkeypatch):
    monkeypatch.setattr(reading.FitReader, "most", 64)
    _, y = decays(200)
    y[3, 3] = np.nan
    fits = tw.curve_fit_many(decay, T, y, P0, progress=True)
    told = capsys.readouterr().err.splitlines()
    assert told[-1] == "fits 200 of 200"
    same_bits(fits, tw.curve_fit_many(decay, T, y, P0))
    assert capsys.readouterr().err == ""


# ---- what is refused


def test_what_does_not_fit_is_told():
    _, y = decays(4)
    cases = [
        (TypeError, "ydata must be real", {"ydata": y + 1j}),
        (TypeError, "ydata must be numbers", {"ydata": np.array([["a"] * 20])}),
        (TypeError, "ydata must be numbers", {"ydata": y.astype(object)}),
        (ValueError, "ydata must be an array of numbers, got a ragged",
         {"ydata": [[1.0, 2.0], [1.0]]}),
        (ValueError, "single number", {"ydata": 3.0}),
        (ValueError, "must not be empty", {"ydata": np.empty((4, 0))}),
        (TypeError, "must not exceed the number of data", {"ydata": y[:, :2], "xdata": T[:2]}),
        (ValueError, "ydata has 20 values along its last axis", {"xdata": T[:7]}),
        (TypeError, "xdata must be numbers", {"xdata": np.array(["a", "b"])}),
        (ValueError, r"xdata\[1\] must have shape", {"xdata": (T, T[:3])}),
        (TypeError, r"xdata\[1\] must be real", {"xdata": (T, T + 1j)}),
        (ValueError, "p0 must have 3|a value|p0 must", {"p0": np.ones((4, 2, 3))}),
        (ValueError, "p0 must have shape", {"p0": np.ones((3, 3))}),
        (ValueError, "p0 must not be empty", {"p0": []}),
        (ValueError, "p0 must be finite, got nan for b", {"p0": [1, np.nan, 1]}),
        (ValueError, "p0 must be finite, got inf for a of fit 2",
         {"p0": np.where(np.arange(12).reshape(4, 3) == 6, np.inf, 1)}),
        (TypeError, "p0 must be real", {"p0": [1j, 1, 1]}),
        (ValueError, r"p0 must return shape \(4, 3\)", {"p0": lambda _: np.ones((2, 3))}),
        (ValueError, r"p0 must return shape \(4, 3\)", {"p0": lambda _: 1.0}),
        (TypeError, "p0 must be real", {"p0": lambda _: 1j * P0}),
        (ValueError, "strictly less.*for b", {"bounds": ([0, 2, 0], [1, 1, 1])}),
        (ValueError, "strictly less.*nan", {"bounds": ([0, np.nan, 0], [1, 1, 1])}),
        (ValueError, "Inconsistent shapes", {"bounds": ([0, 0], [1, 1])}),
        (ValueError, "must contain 2 elements", {"bounds": (0, 1, 2)}),
        (ValueError, "outside of provided bounds: 2.0 is outside .* for a of fit 0",
         {"bounds": ([5, 0, -1], [9, 9, 1]), "p0": P0}),
        (ValueError, "sigma` must be positive, got 0", {"sigma": 0.0}),
        (ValueError, "sigma` must be positive, got -1", {"sigma": np.full(20, -1.0)}),
        (ValueError, "sigma` must be positive, got 0.0 for value 3 of fit 1",
         {"sigma": np.where(np.arange(80).reshape(4, 20) == 23, 0.0, 1.0)}),
        (ValueError, "sigma` has incorrect shape", {"sigma": np.ones(7)}),
        (TypeError, "sigma must be real", {"sigma": 1j}),
        (TypeError, "fixed must be a dict", {"fixed": ["c"]}),
        (ValueError, "fixed names 'd', but the parameters are a, b, c", {"fixed": {"d": 1.0}}),
        (ValueError, "must leave a parameter", {"fixed": {"a": 1.0, "b": 1.0, "c": 1.0}}),
        (ValueError, r"fixed\['c'\] must be a number or have shape", {"fixed": {"c": [1, 2, 3]}}),
        (ValueError, r"fixed\['c'\] must be finite", {"fixed": {"c": np.nan}}),
        (ValueError, "`loss` must be one of", {"loss": "l2"}),
        (ValueError, "`f_scale` must be a positive", {"f_scale": -1.0}),
        (ValueError, "`x_scale` must be", {"x_scale": [1, 2]}),
        (ValueError, "tolerances must be higher", {"ftol": None, "xtol": None, "gtol": None}),
        (ValueError, "`max_nfev` must be", {"max_nfev": 0}),
        (TypeError, "threads must be a whole number", {"threads": 1.5}),
        (ValueError, "threads must be >= 1", {"threads": 0}),
        (TypeError, "f must be a function", {"f": 3}),
        (tw.TraceError, "if", {"f": lambda x, a: x if a > 0 else a}),
        (ValueError, "Unable to determine", {"f": lambda x, *p: x * p[0]}),
    ]  # fmt: skip
    for kind, text, change in cases:
        how = {"f": decay, "xdata": T, "ydata": y} | change
        with pytest.raises(kind, match=text):
            tw.curve_fit_many(**how)


def test_infinite_data_fail_alone():
    _, y = decays(4)
    y[1, 2] = np.inf
    y[2, 2] = 1e200  # its square overflows
    fits = tw.curve_fit_many(decay, T, y, P0)
    assert fits.success.tolist() == [True, False, False, True]
    assert (fits.reason[1:3] == Reason.non_finite).all()


def test_absolute_sigma_without_sigma_warns_once():
    _, y = decays(3)
    with pytest.warns(tw.OptimizeWarning, match="absolute_sigma=True without sigma") as told:
        fits = tw.curve_fit_many(decay, T, y, P0, absolute_sigma=True)
    assert len(told) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ones = tw.curve_fit_many(decay, T, y, P0, sigma=1.0, absolute_sigma=True)
    np.testing.assert_allclose(fits.pcov, ones.pcov, rtol=1e-12)
