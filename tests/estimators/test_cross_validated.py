# SPDX-License-Identifier: BSD-3-Clause
"""LossRegressorCV follows scikit-learn's conventions and chooses as a loop over folds does."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="estimators need scikit-learn")
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import KFold
from sklearn.utils.estimator_checks import parametrize_with_checks

import thalweg as tw
from thalweg.estimators import LossRegressor, LossRegressorCV

rng = np.random.default_rng(17)
X = rng.normal(size=(60, 12))
y = X @ rng.normal(size=12) + 4.0 * rng.normal(size=60)


@pytest.mark.filterwarnings("ignore")  # the checks make warnings on purpose
@parametrize_with_checks([LossRegressorCV()])
def test_every_check_of_scikit_learn_passes(estimator, check):
    check(estimator)


@pytest.mark.parametrize("loss", ["squared", "huber"])
def test_losses_left_out_are_those_of_a_loop(loss):
    alphas, folds = [0.001, 0.3, 3.0, 300.0], KFold(4)
    ours = LossRegressorCV(alphas, loss, cv=folds).fit(X, y)
    value = getattr(tw.losses, loss)
    for i, alpha in enumerate(alphas):
        for j, (train, test) in enumerate(folds.split(X)):
            fit = LossRegressor(loss, alpha).fit(X[train], y[train])
            left_out = np.mean(value(fit.predict(X[test]), y[test]))
            # Two descents that stop at a relative gradient of 1e-8.
            assert ours.cv_losses_[i, j] == pytest.approx(left_out, rel=1e-6)
    assert ours.alpha_ == alphas[int(np.argmin(ours.cv_losses_.mean(axis=1)))]
    chosen = LossRegressor(loss, ours.alpha_).fit(X, y)
    np.testing.assert_array_equal(ours.coef_, chosen.coef_)


def test_no_penalties_are_refused():
    with pytest.raises(ValueError, match="at least one penalty"):
        LossRegressorCV([]).fit(X, y)


def test_a_fold_that_ends_early_is_named_with_the_reason():
    with pytest.warns(ConvergenceWarning) as told:
        LossRegressorCV([0.5], "huber", max_iter=1).fit(X, y)
    assert "penalty 0.5 without fold 0 did not converge" in str(told[0].message)
