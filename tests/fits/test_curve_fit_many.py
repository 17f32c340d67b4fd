# SPDX-License-Identifier: BSD-3-Clause
"""curve_fit_many: every fit as it would come out alone, and as SciPy's does; shapes, memory."""

import warnings

import numpy as np
import pytest
from fit_cases import FAMILIES, P0, TIGHT, T, decay, decays, with_gaps
from scipy import optimize

import thalweg as tw

# ---- against SciPy -------------------------------------------------------------------------------


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


# ---- options, one by one -------------------------------------------------------------------------


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


# ---- missing values ------------------------------------------------------------------------------


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


# ---- shapes and storage --------------------------------------------------------------------------


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


def test_no_fits_at_all():
    fits = tw.curve_fit_many(decay, T, np.empty((0, 20)), P0)
    assert fits.popt.shape == (0, 3)
    assert len(fits) == 0
    assert "fits" in repr(fits)
