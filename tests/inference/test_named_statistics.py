# SPDX-License-Identifier: BSD-3-Clause
"""Statistics of fits with fixed or tied parameters, priors, bounds and masks."""

import re

import numpy as np
import pytest

import thalweg as tw


def line(x, a, b, c):
    return a + b * x + c * x * x


X = np.linspace(-1.0, 2.0, 25)
LINES = line(X, np.array([[1.0], [2.0], [3.0]]), 0.5, 0.2)
LINES = LINES + 0.1 * np.random.default_rng(2).normal(size=LINES.shape)
SAID = [
    {"fixed": {"c": 0.2}},
    {"ties": {"c": lambda b: b / 2}},
    {"fixed": {"c": 0.2}, "ties": {"b": lambda a, c: c + 0.1 * a}},
    {"priors": {"b": (0.5, 0.1)}, "sigma": 0.1},
    {"bounds": {"b": (0.6, None)}},
]


@pytest.mark.parametrize("said", SAID, ids=" ".join)
def test_one_fit_and_many_say_the_same(said):
    many = tw.curve_fit_many(line, X, LINES, [1.0, 1.0, 1.0], **said)
    for i, y in enumerate(LINES):
        one, among = tw.curve_fit(line, X, y, [1.0, 1.0, 1.0], **said), many[i]
        for name in ("chi2", "dof", "reduced_chi2", "aic", "bic", "r2", "condition"):
            assert getattr(one, name) == pytest.approx(getattr(among, name), rel=1e-9), name
        for name in ("residuals", "fitted", "perr", "correlations"):
            # One fit has its covariance by QR, many by the normal matrix.
            np.testing.assert_allclose(getattr(one, name), getattr(among, name), rtol=1e-6)
        np.testing.assert_allclose(one.fitted, line(X, *one.popt), rtol=1e-12)
        assert one.params == dict(zip("abc", one.popt.tolist(), strict=True))
        assert one.report().splitlines()[2:] == among.report().splitlines()[2:]
        popt, pcov = one
        assert popt.shape + pcov.shape == (3, 3, 3)


def test_degrees_of_freedom_count_what_is_fitted_and_priors():
    count = X.size
    fits = [tw.curve_fit(line, X, LINES[0], np.ones(3), **said) for said in SAID]
    assert [fit.dof for fit in fits] == [count - 2, count - 2, count - 1, count - 2, count - 2]


def test_reports_tell_fixed_and_tied_parameters():
    fit = tw.curve_fit(line, X, LINES[0], np.ones(3), fixed={"a": 1.0}, ties={"c": lambda b: b})
    text = fit.report()
    assert "a: 1.00000000 (fixed)" in text
    assert re.search(r"b: .* \(init = 1\)", text)
    assert re.search(r"c: .* \(tied\)", text)


def test_fits_that_were_not_made_say_nothing():
    mask = np.array([True, False, True])
    sigma = np.full(LINES.shape, 0.1)
    sigma[1] = 0.0  # nobody reads it
    fits = tw.curve_fit_many(line, X, LINES, np.ones(3), sigma=sigma, mask=mask)
    whole = tw.curve_fit_many(line, X, LINES[mask], np.ones(3), sigma=0.1)
    for name in ("chi2", "r2", "condition", "aic"):
        found = getattr(fits, name)
        assert np.isnan(found[1])
        np.testing.assert_allclose(found[mask], getattr(whole, name), rtol=1e-12)
    assert np.isnan(fits.residuals[1]).all()
    # Errors of one number and of an array are rounded otherwise.
    np.testing.assert_allclose(fits[1:].residuals[1], whole.residuals[1], atol=1e-12)


def test_priors_and_bounds_by_fit_are_those_of_each():
    means = np.array([0.4, 0.5, 0.6])
    said = {"priors": {"b": (means, 0.1)}, "bounds": {"c": (None, means)}, "sigma": 0.1}
    fits = tw.curve_fit_many(line, X, LINES, np.zeros(3), **said)
    np.testing.assert_allclose(fits[1:].condition, fits.condition[1:], rtol=1e-12)
    np.testing.assert_array_equal(fits[[2, 0]].residuals, fits.residuals[[2, 0]])


def test_fits_that_share_parameters_have_statistics_together():
    fits = tw.curve_fit_many(line, X, LINES, np.ones(3), shared=("b", "c"))
    with pytest.raises(ValueError, match="fits that share parameters"):
        _ = fits.chi2
    with pytest.raises(ValueError, match="fits that share parameters"):
        fits.report()
