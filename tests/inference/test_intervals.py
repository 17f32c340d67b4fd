# SPDX-License-Identifier: BSD-3-Clause
"""Confidence intervals by the profile of the likelihood, and from the standard errors."""

import pickle

import numpy as np
import pytest
from curve_cases import decay, line

import thalweg as tw
from thalweg._inference.intervals import End

RNG = np.random.default_rng(4)
X = np.linspace(0.0, 4.0, 40)
START = [2.0, 1.0, 0.0]


DECAYS = decay(X, np.array([[1.5], [2.0], [2.5]]), 1.3, 0.2) + 0.1 * RNG.normal(size=(3, 40))


def test_ends_are_where_the_cost_has_risen_by_the_quantile():
    """Each end by a root finder of SciPy over fits with the parameter held."""
    optimize = pytest.importorskip("scipy.optimize", reason="SciPy is not installed")
    stats = pytest.importorskip("scipy.stats", reason="SciPy is not installed")
    fit = tw.curve_fit(decay, X, DECAYS[0], START)
    lower, upper, ends = fit.interval(0.9)
    assert (ends == End.found).all()
    rise = stats.f.ppf(0.9, 1, 37) * fit.reduced_chi2

    for j, name in enumerate("abc"):

        def above(value, name=name):
            held = tw.curve_fit(decay, X, DECAYS[0], fit.popt, fixed={name: value})
            return held.chi2 - fit.chi2 - rise

        far = 5 * fit.perr[j]
        for end, sign in ((lower[j], -1), (upper[j], 1)):
            root = optimize.brentq(above, fit.popt[j], fit.popt[j] + sign * far, xtol=1e-12)
            assert end == pytest.approx(root, abs=2e-6 * fit.perr[j])  # found to 1e-6


def test_profiles_of_linear_models_are_parabolas():
    y = line(X, 1.0, 0.5) + 0.1 * RNG.normal(size=(4, 40))
    for known in ({}, {"sigma": 0.1, "absolute_sigma": True}):
        fits = tw.curve_fit_many(line, X, y, **known)
        profile, wald = fits.interval(), fits.interval(method="wald")
        np.testing.assert_allclose(profile.lower, wald.lower, atol=2e-6 * fits.perr.max())
        np.testing.assert_allclose(profile.upper, wald.upper, atol=2e-6 * fits.perr.max())
        t = 2.024394163911969 if not known else 1.959963984540054  # of 38, or without end
        np.testing.assert_allclose(wald.upper - fits.popt, t * fits.perr, rtol=1e-9)


@pytest.mark.parametrize(
    "said",
    [
        {}, {"fixed": {"c": 0.2}}, {"ties": {"c": lambda a: a / 10}},
        {"sigma": np.linspace(0.08, 0.12, 40), "absolute_sigma": True},
        {"loss": "soft_l1"}, {"sigma": 0.1, "priors": {"b": (1.3, 0.05)}},
        {"bounds": {"b": (0, None)}},
    ],
    ids=" ".join,
)  # fmt: skip
def test_intervals_are_the_same_alone_and_among_many(said):
    y = DECAYS.copy()
    y[1, 4] = np.nan
    many = tw.curve_fit_many(decay, X, y, START, **said)
    whole, part = many.interval(), many[1:].interval()
    for a, b in zip(whole, part, strict=True):
        np.testing.assert_array_equal(a[1:], b)
    np.testing.assert_array_equal(many[1].interval().upper, whole.upper[1])
    one = tw.curve_fit(decay, X, y[2], START, **said)
    # The standard errors, by which the search begins, are rounded otherwise.
    np.testing.assert_allclose(one.interval().upper, whole.upper[2], rtol=1e-5)
    free = [i for i in range(3) if i < 2 or not ("fixed" in said or "ties" in said)]
    assert (whole.ends[:, free] == End.found).all()
    assert (whole.lower[:, free] < many.popt[:, free]).all()
    if "fixed" in said:
        assert (whole.lower[:, 2] == 0.2).all()
    if "ties" in said:
        assert np.isnan(whole.lower[:, 2]).all()
        assert (whole.ends[:, 2] == End.not_fitted).all()


def test_a_prior_counts_where_its_parameter_is_held():
    """With a prior that is narrow beside the data, the interval is that of the prior."""
    normal = {"b": (1.3, 1e-4)}
    function = {"b": lambda b: 0.5 * ((b - 1.3) / 1e-4) ** 2}
    for priors in (normal, function):
        fit = tw.curve_fit(decay, X, DECAYS[0], START, sigma=0.1, priors=priors)
        lower, upper, _ = fit.interval()
        # The data move it by some 1e-3 of its width.
        np.testing.assert_allclose([lower[1] - 1.3, upper[1] - 1.3], [-1.96e-4, 1.96e-4], rtol=0.02)


def test_counts_have_the_intervals_of_their_likelihood():
    """The mean of n counts: the interval of a Poisson mean by its likelihood ratio."""
    counts = np.array([[4.0, 6.0, 2.0, 5.0, 3.0]])
    fits = tw.curve_fit_many(lambda x, m: m + 0 * x, np.arange(5.0), counts, [3.0],
                             likelihood="poisson")  # fmt: skip
    lower, upper, _ = fits.interval()
    for end in (lower[0, 0], upper[0, 0]):
        rise = 2 * (5 * end - 20 * np.log(end)) - 2 * (20 - 20 * np.log(4))
        assert rise == pytest.approx(3.841458820694124, rel=1e-5)


def test_an_end_that_the_data_do_not_give_is_open():
    x = np.arange(6.0)  # nothing is left of the decay at x = 1
    y = np.array([1.0, 0.001, -0.001, 0.0, 0.001, -0.001])
    fit = tw.curve_fit(lambda x, b: np.exp(-b * x), x, y, [3.0], sigma=0.01, absolute_sigma=True)
    lower, upper, ends = fit.interval()
    assert np.isfinite(lower[0])
    assert np.isposinf(upper[0])
    assert ends[0].tolist() == [End.found, End.open]


def test_an_end_beyond_a_bound_is_the_bound():
    fit = tw.curve_fit(decay, X, DECAYS[0], START)
    low, high = fit.popt[1] - 0.5 * fit.perr[1], fit.popt[1] + 0.3 * fit.perr[1]
    start = [2.0, fit.popt[1], 0.0]
    held = tw.curve_fit(decay, X, DECAYS[0], start, bounds={"b": (low, high)})
    lower, upper, ends = held.interval()
    assert (lower[1], upper[1]) == (low, high)
    assert ends[1].tolist() == [End.at_bound, End.at_bound]
    assert (ends[[0, 2]] == End.found).all()
    by_fit = tw.curve_fit_many(decay, X, DECAYS, START, bounds={"b": (None, [high, 9.0, 9.0])})
    assert by_fit.interval().upper[0, 1] == high


def test_fits_without_a_result_have_no_intervals():
    y = DECAYS.copy()
    y[1] = np.nan
    fits = tw.curve_fit_many(decay, X, y, START, mask=[True, True, False])
    lower, upper, ends = fits.interval()
    assert np.isnan(lower[1:]).all()
    assert np.isnan(upper[1:]).all()
    assert (ends[1:] == End.not_fitted).all()
    assert (ends[0] == End.found).all()


def test_intervals_hold_the_truth_as_often_as_they_say():
    truth = np.array([2.0, 1.3, 0.2])
    y = decay(X, *truth) + 0.1 * RNG.normal(size=(10_000, 40))
    for known in ({}, {"sigma": 0.1, "absolute_sigma": True}):
        lower, upper, ends = tw.curve_fit_many(decay, X, y, START, **known).interval()
        assert (ends == End.found).all()
        share = np.mean((lower < truth) & (truth < upper), axis=0)
        assert (np.abs(share - 0.95) < 0.01).all()  # 4.6 standard deviations


def test_what_is_asked_for_must_make_sense():
    fit = tw.curve_fit(decay, X, DECAYS[0], START)
    with pytest.raises(ValueError, match="method must be one of"):
        fit.interval(method="bayes")
    with pytest.raises(ValueError, match="level must lie between 0 and 1"):
        fit.interval(1.5)
    again = pickle.loads(pickle.dumps(fit))
    np.testing.assert_array_equal(
        again.interval(method="wald").upper, fit.interval(method="wald").upper
    )
    with pytest.raises(ValueError, match="not saved with them"):
        again.interval()
