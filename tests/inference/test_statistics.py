# SPDX-License-Identifier: BSD-3-Clause
"""The statistics of fits: as certified by NIST, as printed by lmfit, and alone as among others."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from fit_cases import P0, T, decay, decays, with_gaps

import thalweg as tw
from thalweg._inference.statistics import fitted_count, rows_of, spread_scale

NIST = [
    json.loads(p.read_text("utf-8"))
    for p in sorted((Path(__file__).parents[1] / "data" / "nist").glob("*.json"))
    if p.stem != "Lanczos1"  # whose residuals, 1e-13, are the rounding of the data
]
NAMES = {name: getattr(np, name) for name in ("exp", "log", "sin", "cos", "arctan", "sqrt", "pi")}
# Longley 1967, J. Amer. Statist. Assoc. 62, 819-841; the values that NIST certifies (StRD), as in
# the tests of GSL and of Apache Commons Math.
LONGLEY = np.array([
    [60323, 83.0, 234289, 2356, 1590, 107608, 1947],
    [61122, 88.5, 259426, 2325, 1456, 108632, 1948],
    [60171, 88.2, 258054, 3682, 1616, 109773, 1949],
    [61187, 89.5, 284599, 3351, 1650, 110929, 1950],
    [63221, 96.2, 328975, 2099, 3099, 112075, 1951],
    [63639, 98.1, 346999, 1932, 3594, 113270, 1952],
    [64989, 99.0, 365385, 1870, 3547, 115094, 1953],
    [63761, 100.0, 363112, 3578, 3350, 116219, 1954],
    [66019, 101.2, 397469, 2904, 3048, 117388, 1955],
    [67857, 104.6, 419180, 2822, 2857, 118734, 1956],
    [68169, 108.4, 442769, 2936, 2798, 120445, 1957],
    [66513, 110.8, 444546, 4681, 2637, 121950, 1958],
    [68655, 112.6, 482704, 3813, 2552, 123366, 1959],
    [69564, 114.2, 502601, 3931, 2514, 125368, 1960],
    [69331, 115.7, 518173, 4806, 2572, 127852, 1961],
    [70551, 116.9, 554894, 4007, 2827, 130081, 1962],
])  # fmt: skip


@pytest.mark.parametrize("told", NIST, ids=lambda told: told["name"])
def test_errors_and_residual_deviation_are_nists(told):
    certified = told["certified"]
    names = told.get("x_names", ["x"])
    given = ", ".join(f"b{i + 1}" for i in range(len(certified["b"])))
    inner = f"(lambda {', '.join(names)}: {told['model']})"
    f = eval(f"lambda data, {given}: {inner}({'data' if names == ['x'] else '*data'})", dict(NAMES))
    fit = tw.curve_fit(f, np.array(told["x"]), np.array(told["y"]), told["starts"][1])
    assert fit.dof == certified["dof"]
    # Four digits are what the default tolerances promise of the parameters; of a sum of squares,
    # whose slope is 0 there, twice as many.
    assert np.sqrt(fit.reduced_chi2) == pytest.approx(certified["residual_sd"], rel=1e-7)
    np.testing.assert_allclose(fit.perr, certified["sd"], rtol=1e-4)


def test_linear_regression_of_longley_has_nists_r2_and_errors():
    y, x = LONGLEY[:, 0], LONGLEY[:, 1:].T

    def plane(x, b0, b1, b2, b3, b4, b5, b6):
        return b0 + b1 * x[0] + b2 * x[1] + b3 * x[2] + b4 * x[3] + b5 * x[4] + b6 * x[5]

    fit = tw.curve_fit(plane, x, y, np.zeros(7))
    # The scaled columns have a condition number of 5e4; J'J loses twice its digits.
    assert fit.r2 == pytest.approx(0.995479004577296, abs=1e-9)
    assert np.sqrt(fit.reduced_chi2) == pytest.approx(304.854073561965, rel=1e-8)
    errors = [890420.383607373, 84.9149257747669, 0.0334910077722432, 0.488399681651699,
              0.214274163161675, 0.226073200069370, 455.478499142212]  # fmt: skip
    np.testing.assert_allclose(fit.perr, errors, rtol=1e-8)


def sample():
    rng = np.random.default_rng(0)
    x = np.linspace(0, 4, 50)
    return x, decay(x, 2.5, 0.8, 0.5) + 0.1 * rng.normal(size=50)


def test_criteria_are_those_that_lmfit_prints():
    """By lmfit 1.3.4, Model(decay).fit(y, x=x, a=1, b=1, c=0).fit_report()."""
    x, y = sample()
    fit = tw.curve_fit(decay, x, y, [1, 1, 0])
    printed = [fit.chi2, fit.reduced_chi2, fit.r2]
    np.testing.assert_allclose(printed, [0.34501592, 0.00734076, 0.98299787], atol=6e-9)
    assert (round(fit.aic, 6), round(fit.bic, 6)) == (-242.809387, -237.073318)
    np.testing.assert_allclose(fit.correlations[1, 2], -0.6993, atol=6e-5)


def test_a_fit_among_many_says_what_it_says_alone():
    _, y = decays(6)
    y = with_gaps(y).reshape(2, 3, 20)
    fits = tw.curve_fit_many(decay, T, y, P0)
    for at in np.ndindex(2, 3):
        one, alone = fits[at], tw.curve_fit_many(decay, T, y[at], P0)
        single = tw.curve_fit(decay, T, y[at], P0, nan_policy="omit")
        for name in ("dof", "chi2", "reduced_chi2", "aic", "bic", "r2", "condition"):
            assert getattr(one, name) == getattr(alone, name) == getattr(fits, name)[at], name
            # curve_fit leaves missing data out, and so adds its squares in another order.
            assert getattr(single, name) == pytest.approx(getattr(one, name), rel=1e-9), name
        np.testing.assert_array_equal(one.fitted, alone.fitted)
        np.testing.assert_array_equal(fits.residuals[at], one.residuals)
    some = fits[:, 1:]
    np.testing.assert_array_equal(some.residuals, fits.residuals[:, 1:])
    np.testing.assert_array_equal(some[1, 0].r2, fits.r2[1, 1])


def test_residuals_are_data_less_model_and_nan_where_missing():
    _, y = decays(3)
    y[1, 4] = np.nan
    fits = tw.curve_fit_many(decay, T, y, P0)
    expected = y - decay(T, *fits.popt.T[:, :, None])
    np.testing.assert_allclose(fits.residuals, expected, atol=1e-14)  # of order 0.03
    assert np.isnan(fits.residuals[1, 4])


def test_condition_is_that_of_infodict():
    x, y = sample()
    *_, info, _, _ = tw.curve_fit(decay, x, y, [1, 1, 0], full_output=True)
    assert tw.curve_fit(decay, x, y, [1, 1, 0]).condition == pytest.approx(info["cond"], rel=1e-9)


def test_weights_enter_chi2_and_the_mean_of_r2():
    x, y = sample()
    sigma = np.linspace(0.05, 0.2, 50)
    fit = tw.curve_fit(decay, x, y, [1, 1, 0], sigma, absolute_sigma=True)
    w = 1 / sigma**2
    assert fit.chi2 == pytest.approx(np.sum(w * fit.residuals**2), rel=1e-12)
    around = np.sum(w * (y - np.average(y, weights=w)) ** 2)
    assert fit.r2 == pytest.approx(1 - fit.chi2 / around, rel=1e-9)
    assert fit.aic == pytest.approx(fit.chi2 + 6)
    assert spread_scale(fit._evidence()) == 1.0


def test_with_a_loss_chi2_is_the_sum_of_squares():
    x, y = sample()
    y[7] += 3.0
    fit = tw.curve_fit(decay, x, y, [1, 1, 0], loss="soft_l1", f_scale=0.1)
    assert fit.chi2 == pytest.approx(np.sum(fit.residuals**2), rel=1e-12)
    assert fit.chi2 > 2 * fit.cost
    many = tw.curve_fit_many(decay, x, y[None], [1, 1, 0], loss="soft_l1", f_scale=0.1)
    assert many.r2[0] == pytest.approx(1 - fit.chi2 / np.sum((y - y.mean()) ** 2), rel=1e-9)


def test_counts_have_a_deviance():
    rng = np.random.default_rng(3)
    mean = decay(T, 50.0, 1.0, 5.0)
    fits = tw.curve_fit_many(decay, T, rng.poisson(mean, (4, 20)), [40, 1, 4], likelihood="poisson")
    y, mu = rng.poisson(mean, (4, 20)), fits.fitted
    assert y.shape == mu.shape
    np.testing.assert_allclose(fits.chi2, 2 * fits.cost)
    np.testing.assert_allclose(fits.aic, fits.chi2 + 6)
    assert ((fits.r2 > 0.8) & (fits.r2 < 1)).all()


def test_fixed_and_held_parameters_are_no_degrees_of_freedom():
    x, y = sample()
    held = tw.curve_fit(decay, x, y, [1, 1, 0.7], bounds=([0, 0, 0.65], [9, 9, 1]))
    assert held.popt[2] == 0.65
    assert held.dof == 48
    fixed = tw.curve_fit_many(decay, x, y, [1, 1, 0.5], fixed={"c": 0.5})
    assert (fixed.dof, rows_of(fixed), fitted_count(fixed)) == (48, 50, 2)
    assert held.condition == pytest.approx(
        tw.curve_fit_many(decay, x, y, [1, 1, 0.65], fixed={"c": 0.65}).condition, rel=1e-6
    )


def test_no_degrees_of_freedom_give_no_reduced_chi2():
    fits = tw.curve_fit_many(decay, T[:3], decays(2)[1][:, :3], P0)
    assert np.isnan(fits.reduced_chi2).all()


def test_fits_that_did_not_begin_have_no_statistics():
    _, y = decays(3)
    y[1] = np.inf
    fits = tw.curve_fit_many(decay, T, y, P0)
    for name in ("chi2", "reduced_chi2", "aic", "bic", "r2", "condition"):
        assert np.isnan(getattr(fits, name)).tolist() == [False, True, False], name


def test_data_with_correlated_errors_are_fitted_values_of_the_model():
    x, y = sample()
    distance = np.abs(np.subtract.outer(x, x))
    fit = tw.curve_fit(decay, x, y, [1, 1, 0], 0.01 * np.exp(-5 * distance))
    np.testing.assert_allclose(fit.fitted, decay(x, *fit.popt), rtol=1e-12)
    r = fit.residuals
    whole = r @ np.linalg.solve(0.01 * np.exp(-5 * distance), r)
    assert fit.chi2 == pytest.approx(whole, rel=1e-9)
    assert np.isfinite(fit.condition)


def test_r2_is_of_the_data_alone_where_there_are_priors():
    x, y = sample()
    said = {"sigma": 0.1, "priors": {"b": (2.0, 0.01)}}
    for loss in ("linear", "huber"):
        fits = tw.curve_fit_many(decay, x, y[None], [1, 1, 0], loss=loss, **said)
        squares = np.sum(fits.residuals**2, axis=1)
        wanted = 1 - squares / np.sum((y - y.mean()) ** 2)
        np.testing.assert_allclose(fits.r2, wanted, rtol=1e-9)
        if loss == "linear":  # the prior's term
            term = ((fits["b"] - 2.0) / 0.01) ** 2
            np.testing.assert_allclose(fits.chi2, squares / 0.01 + term, rtol=1e-9)
    counts = np.random.default_rng(3).poisson(decay(T, 50.0, 1.0, 5.0), (2, 20))
    said = {"likelihood": "poisson", "priors": {"a": (20.0, 1.0)}}
    fits = tw.curve_fit_many(decay, T, counts, [40, 1, 4], **said)
    mu, mean = fits.fitted, counts.mean(axis=1, keepdims=True)

    def deviance(mu):
        return 2 * np.sum(counts * np.log(np.maximum(counts, 1) / mu) - (counts - mu), axis=1)

    np.testing.assert_allclose(fits.r2, 1 - deviance(mu) / deviance(mean), rtol=1e-9)


def test_r2_needs_no_data_where_the_cost_of_a_constant_is_kept():
    _, y = decays(5)
    fits = tw.curve_fit_many(decay, T, y, P0)
    again = pickle.loads(pickle.dumps(fits))
    np.testing.assert_array_equal(again.r2, fits.r2)
    np.testing.assert_array_equal(fits[[3, 1]].r2, fits.r2[[3, 1]])
    out = {"popt": np.empty((5, 3))}  # memory is scarce: it is not kept
    np.testing.assert_array_equal(tw.curve_fit_many(decay, T, y, P0, out=out).r2, fits.r2)
    whole = np.sum((y - y.mean(axis=1, keepdims=True)) ** 2, axis=1)
    np.testing.assert_allclose(fits.r2, 1 - fits.chi2 / whole, rtol=1e-9)
