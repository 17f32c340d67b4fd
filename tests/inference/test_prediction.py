# SPDX-License-Identifier: BSD-3-Clause
"""Values of fitted models and their bands, at the data and elsewhere, of one fit and of many."""

import pickle

import numpy as np
import pytest

import thalweg as tw
from thalweg._inference.prediction import Prediction

RNG = np.random.default_rng(1)
X = np.linspace(0.0, 3.0, 30)
THERE = np.array([-0.5, 0.2, 1.0, 4.0])


def line(x, a, b):
    return a + b * x


def decay(x, a, b, c):
    return a * np.exp(-b * x) + c


Y = line(X, np.array([[1.0], [2.0], [3.0]]), 0.5) + 0.1 * RNG.normal(size=(3, 30))
DECAYS = decay(X, np.array([[1.0], [2.0], [3.0]]), 1.3, 0.2) + 0.05 * RNG.normal(size=(3, 30))


def test_bands_of_a_line_are_those_of_linear_regression():
    """Draper and Smith 1998, Applied Regression Analysis, 3rd ed., section 3.1."""
    stats = pytest.importorskip("scipy.stats", reason="SciPy is not installed")
    fit = tw.curve_fit(line, X, Y[0])
    s = np.sqrt(np.sum(fit.residuals**2) / (X.size - 2))
    t = stats.t.ppf(0.95, X.size - 2)  # of both sides: a level of 0.9
    lever = 1 / X.size + (THERE - X.mean()) ** 2 / np.sum((X - X.mean()) ** 2)
    for kind, share in (("confidence", lever), ("prediction", 1 + lever)):
        values, lower, upper = fit.predict(THERE, level=0.9, kind=kind)
        # The fit ends at 1e-10.
        np.testing.assert_allclose(values, line(THERE, *fit.popt), rtol=1e-12)
        np.testing.assert_allclose(upper - values, t * s * np.sqrt(share), rtol=1e-7)
        np.testing.assert_allclose(values - lower, t * s * np.sqrt(share), rtol=1e-7)


def test_values_at_the_data_are_those_fitted():
    fits = tw.curve_fit_many(decay, X, DECAYS)
    np.testing.assert_array_equal(fits.predict(), fits.fitted)
    band = fits.predict(level=0.95)
    assert isinstance(band, Prediction)
    assert band.lower.shape == DECAYS.shape
    assert (band.lower < band.values).all()


def test_bands_are_linear_in_the_errors():
    """Slopes by central differences."""
    fit = tw.curve_fit(decay, X, DECAYS[1], sigma=0.05, absolute_sigma=True)
    slopes = np.stack(
        [
            (decay(THERE, *(fit.popt + d)) - decay(THERE, *(fit.popt - d))) / 2e-6
            for d in 1e-6 * np.eye(3)
        ]
    )
    wanted = 1.959963984540054 * np.sqrt(np.einsum("im,ij,jm->m", slopes, fit.pcov, slopes))
    values, _, upper = fit.predict(THERE, level=0.95)
    np.testing.assert_allclose(upper - values, wanted, rtol=1e-6)  # of differences


@pytest.mark.parametrize(
    "said",
    [
        {}, {"fixed": {"c": 0.2}}, {"ties": {"c": lambda a: a / 10}}, {"sigma": 0.05},
        {"loss": "soft_l1"}, {"bounds": {"c": (0.25, None)}},
        {"sigma": np.linspace(0.04, 0.06, 30)},
        {"sigma": 0.05, "priors": {"b": (1.3, 0.05)}},
    ],
    ids=" ".join,
)  # fmt: skip
def test_one_fit_and_many_predict_the_same(said):
    many = tw.curve_fit_many(decay, X, DECAYS, [1.0, 1.0, 0.5], **said)
    whole = many.predict(THERE, level=0.95)
    part = many[1:].predict(THERE, level=0.95)
    for i, y in enumerate(DECAYS):
        one = tw.curve_fit(decay, X, y, [1.0, 1.0, 0.5], **said).predict(THERE, level=0.95)
        for a, b, c in zip(one, whole, many[i].predict(THERE, level=0.95), strict=True):
            # One fit has its covariance by QR, many by the normal matrix.
            np.testing.assert_allclose(a, b[i], rtol=1e-6)
            np.testing.assert_array_equal(b[i], c)
        if i:
            np.testing.assert_array_equal(part.upper[i - 1], whole.upper[i])


def test_new_data_lie_within_the_band_as_often_as_it_says():
    fits = tw.curve_fit_many(line, X, line(X, 1.0, 0.5) + 0.1 * RNG.normal(size=(4000, 30)))
    _, lower, upper = fits.predict(THERE, level=0.8, kind="prediction")
    new = line(THERE, 1.0, 0.5) + 0.1 * RNG.normal(size=(4000, 4))
    # 16,000 draws of which four each share a fit: a standard deviation below 0.005.
    assert abs(np.mean((lower < new) & (new < upper)) - 0.8) < 0.015


def test_predictors_may_be_several_or_differ_by_fit():
    def plane(at, a, b):
        return a * at[0] + b * at[1]

    at = RNG.normal(size=(2, 30))
    fits = tw.curve_fit_many(plane, at, plane(at, 2.0, 3.0) + np.zeros((4, 1)))
    np.testing.assert_allclose(fits.predict(np.ones((2, 5))), 5.0, rtol=1e-9)
    shifted = X + np.arange(3.0)[:, None]
    own = tw.curve_fit_many(line, shifted, line(shifted, 1.0, 2.0))
    np.testing.assert_allclose(
        own.predict(shifted[:, :2]), line(shifted[:, :2], 1.0, 2.0), rtol=1e-9
    )


def test_errors_of_single_data():
    sigma = np.linspace(0.05, 0.2, 30)
    fits = tw.curve_fit_many(line, X, Y, sigma=sigma, absolute_sigma=True)
    inner, outer = (fits.predict(level=0.9, kind=k) for k in ("confidence", "prediction"))
    q = 1.6448536269514722  # of both sides of the normal distribution
    wanted = np.hypot((inner.upper - inner.values) / q, sigma)
    np.testing.assert_allclose((outer.upper - outer.values) / q, wanted, rtol=1e-9)
    with pytest.raises(ValueError, match="the errors of new data are not known"):
        fits.predict(THERE, level=0.9, kind="prediction")
    counts = RNG.poisson(5.0, size=(2, 30)).astype(float)
    poisson = tw.curve_fit_many(line, X, counts, [5.0, 0.0], likelihood="poisson")
    inner, outer = (poisson.predict(level=0.9, kind=k) for k in ("confidence", "prediction"))
    wanted = np.sqrt(((inner.upper - inner.values) / q) ** 2 + inner.values)
    np.testing.assert_allclose((outer.upper - outer.values) / q, wanted, rtol=1e-9)


def test_what_is_not_determined_has_no_band():
    with pytest.warns(tw.OptimizeWarning, match="do not determine"):
        fit = tw.curve_fit(lambda x, a, b: (a + b) * x, X, X)
    assert np.isposinf(fit.predict(THERE, level=0.5).upper).all()


def test_what_cannot_be_predicted_is_named():
    fit = tw.curve_fit(line, X, Y[0])
    with pytest.raises(ValueError, match="kind must be one of"):
        fit.predict(kind="both")
    with pytest.raises(ValueError, match="level must lie between 0 and 1"):
        fit.predict(level=95)
    with pytest.raises(ValueError, match="not saved with them"):
        pickle.loads(pickle.dumps(fit)).predict(THERE)
    correlated = tw.curve_fit(line, X, Y[0], sigma=0.01 * np.eye(30), absolute_sigma=True)
    np.testing.assert_allclose(correlated.predict(THERE), fit.predict(THERE), rtol=1e-9)
    with pytest.raises(ValueError, match="predict needs x"):
        correlated.predict()


def test_some_fits_are_predicted_at_points_of_their_own():
    x = X + 0.1 * np.arange(3.0)[:, None]
    fits = tw.curve_fit_many(decay, x, DECAYS)
    whole = fits.predict(x + 0.5, level=0.9)
    some = fits[1:].predict(x[1:] + 0.5, level=0.9)
    for each, own in zip(whole, some, strict=True):
        np.testing.assert_array_equal(each[1:], own)
    np.testing.assert_array_equal(fits[2].predict(x[2] + 0.5), whole.values[2])
    np.testing.assert_array_equal(fits[[2, 0, 0]].predict(), fits.predict()[[2, 0, 0]])
    np.testing.assert_array_equal(fits[[2, 0, 0]].residuals, fits.residuals[[2, 0, 0]])


def test_fixed_parameters_keep_their_values_where_starts_come_from_a_function():
    starts = lambda y: np.stack([y[:, 0], np.ones(len(y)), y[:, -1]], axis=1)  # noqa: E731
    fits = tw.curve_fit_many(decay, X, DECAYS, starts, fixed=("c",))
    wanted = [decay(THERE, *p) for p in fits.popt]
    np.testing.assert_allclose(fits.predict(THERE), wanted, rtol=1e-12)
