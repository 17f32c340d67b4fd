# SPDX-License-Identifier: BSD-3-Clause
"""LossRegressor follows scikit-learn's conventions and finds the minima of its estimators."""

import pickle
import sys

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="estimators need scikit-learn")
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression, PoissonRegressor, Ridge
from sklearn.utils.estimator_checks import parametrize_with_checks

import thalweg as tw
from thalweg.estimators import LossRegressor

rng = np.random.default_rng(17)
X = rng.normal(size=(400, 5)) * [1.0, 10.0, 0.1, 1.0, 1.0] + [0.0, 50.0, 1.0, 0.0, -3.0]
y = X @ [1.0, -0.2, 3.0, 0.0, 0.5] + 2.0 + rng.normal(size=400)
w = rng.uniform(0.1, 2.0, size=400)


@pytest.mark.filterwarnings("ignore")  # the checks make warnings on purpose
@parametrize_with_checks([LossRegressor(), LossRegressor("huber", alpha=0.1)])
def test_every_check_of_scikit_learn_passes(estimator, check):
    check(estimator)


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("alpha", [0.01, 10.0])
def test_squared_loss_is_ridge(alpha, intercept):
    ours = LossRegressor(alpha=alpha, fit_intercept=intercept).fit(X, y, w)
    peer = Ridge(alpha * w.sum() / 2, fit_intercept=intercept).fit(X, y, w)
    # A relative gradient of 1e-8 bounds the error of well-conditioned, scaled coefficients.
    np.testing.assert_allclose(ours.coef_, peer.coef_, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(ours.intercept_, peer.intercept_, rtol=1e-6, atol=1e-6)


def test_the_answer_does_not_depend_on_units_of_the_targets():
    small, large = (LossRegressor().fit(X, y * unit) for unit in (1e-8, 1e8))
    peer = LinearRegression().fit(X, y).coef_
    for found in (small.coef_ * 1e8, large.coef_ * 1e-8):
        np.testing.assert_allclose(found, peer, rtol=1e-6, atol=1e-6)  # as above


def test_poisson_loss_is_poisson_regression():
    counts = rng.poisson(np.exp(0.3 * X[:, 0] + 0.5)).astype(float)
    ours = LossRegressor("poisson", alpha=0.1).fit(X, counts, w)
    peer = PoissonRegressor(alpha=0.1, solver="newton-cholesky", tol=1e-12).fit(X, counts, w)
    np.testing.assert_allclose(ours.coef_, peer.coef_, rtol=1e-6, atol=1e-7)  # as for ridge
    np.testing.assert_allclose(ours.predict(X), peer.predict(X), rtol=1e-6)


def test_a_callable_is_the_loss_of_that_name():
    named = LossRegressor("huber", alpha=0.1).fit(X, y)
    called = LossRegressor(tw.losses.huber, alpha=0.1).fit(X, y)
    np.testing.assert_array_equal(named.coef_, called.coef_)
    copy = pickle.loads(pickle.dumps(called))
    np.testing.assert_array_equal(copy.predict(X), called.predict(X))


def test_a_fit_that_ends_early_warns_with_the_reason():
    with pytest.warns(ConvergenceWarning, match=r"did not converge: .*max_iter"):
        LossRegressor("huber", max_iter=2).fit(X, y)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"loss": "cubic"}, "loss must be one of 'squared', .*got 'cubic'"),
        ({"alpha": -1.0}, "alpha must be a finite number >= 0, got -1.0"),
    ],
)
def test_invalid_parameters_are_named_by_fit(wrong, message):
    with pytest.raises(ValueError, match=message):
        LossRegressor(**wrong).fit(X, y)


def test_negative_counts_are_refused():
    with pytest.raises(ValueError, match="y must be >= 0 with loss='poisson'"):
        LossRegressor("poisson").fit(X, -np.abs(y))


def test_without_scikit_learn_the_error_says_what_to_install(monkeypatch):
    monkeypatch.delitem(sys.modules, "thalweg.estimators.regressor")
    monkeypatch.delitem(vars(tw.estimators), "LossRegressor")
    monkeypatch.setitem(sys.modules, "sklearn.base", None)
    with pytest.raises(ImportError, match=r"LossRegressor needs scikit-learn; .*thalweg\[sklearn"):
        _ = tw.estimators.LossRegressor
