# SPDX-License-Identifier: BSD-3-Clause
"""The result of one fit: SciPy's pair, and its attributes."""

import pickle

import numpy as np
import pytest
from fit_cases import P0, T, decay, decays

import thalweg as tw


def one(**setting):
    return tw.curve_fit(decay, T, decays(1)[1][0], P0, **setting)


def test_a_fit_is_scipys_pair():
    fit = one()
    popt, pcov = fit
    assert isinstance(fit, tuple)
    assert len(fit) == 2
    assert fit[0] is popt is fit.popt
    assert fit[1] is pcov is fit.pcov
    assert len(one(full_output=True)) == 5


def test_a_fit_has_its_outcome_as_attributes():
    fit = one()
    many = tw.curve_fit_many(decay, T, decays(1)[1], P0)[0]
    for name in ("cost", "nit", "nfev", "reason", "status", "success", "determined", "worse"):
        assert getattr(fit, name) == getattr(many, name), name
        assert type(getattr(fit, name)) is type(getattr(many, name)), name
    assert fit.message == many.message
    # One comes from QR of the Jacobian, the other from the normal matrix.
    np.testing.assert_allclose(fit.perr, many.perr, rtol=1e-12)
    assert fit.params == dict(zip("abc", fit.popt.tolist(), strict=True))
    with pytest.raises(AttributeError, match="no attribute 'errors'"):
        _ = fit.errors


def test_a_fit_is_pickled_with_what_it_says():
    fit = one()
    again = pickle.loads(pickle.dumps(fit))
    np.testing.assert_array_equal(again[1], fit.pcov)
    assert (again.message, again.chi2, again.names) == (fit.message, fit.chi2, fit.names)


def test_a_fit_prints_parameters_with_errors():
    shown = repr(one())
    assert "a: " in shown
    assert "±" in shown
    assert "largest cosine" in shown


def test_a_fit_of_a_called_function_has_statistics_and_residuals():
    y = decays(1)[1][0]
    fit, traced = tw.curve_fit(decay, T, y, P0, trace=False), one()
    np.testing.assert_allclose(fit.residuals, traced.residuals, atol=1e-6)  # of finite differences
    assert fit.r2 == pytest.approx(traced.r2)
    assert "R-squared" in fit.report()
    with pytest.raises(ValueError, match="do not exist with trace=False"):
        _ = fit.condition


def test_masked_data_have_no_residuals():
    y = np.ma.masked_array(decays(1)[1][0], np.arange(20) == 3)
    model = tw.model(decay, T, P0)
    fit = model.fit(y)
    assert np.isnan(fit.residuals[3])
    assert np.isfinite(np.delete(fit.residuals, 3)).all()
    assert (fit.dof, fit.n_missing) == (16, 1)


def test_residuals_have_the_shape_of_the_data():
    x = np.linspace(0, 1, 12).reshape(3, 4)
    fit = tw.curve_fit(lambda x, a, b: a + b * x, x, 1 + 2 * x + 0.01 * np.cos(50 * x))
    assert fit.residuals.shape == fit.fitted.shape == (3, 4)
    assert fit.chi2 == pytest.approx(np.sum(fit.residuals**2))
