# SPDX-License-Identifier: BSD-3-Clause
"""LossClassifier follows scikit-learn's conventions and finds LogisticRegression's minimum."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="estimators need scikit-learn")
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

from thalweg.estimators import LossClassifier

rng = np.random.default_rng(17)
X = rng.normal(size=(500, 4)) * [1.0, 10.0, 0.1, 1.0]


@pytest.mark.filterwarnings("ignore")  # the checks make warnings on purpose
@parametrize_with_checks([LossClassifier(), LossClassifier(alpha=0.1)])
def test_every_check_of_scikit_learn_passes(estimator, check):
    check(estimator)


@pytest.mark.parametrize("classes", [2, 3])
def test_it_is_logistic_regression(classes):
    W = rng.normal(size=(4, classes))
    labels = np.array(["a", "b", "c"])[np.argmax(X @ W + rng.gumbel(size=(500, classes)), axis=1)]
    ours = LossClassifier(alpha=0.01).fit(X, labels)
    peer = LogisticRegression(C=1 / (0.01 * 500), solver="newton-cg", tol=1e-10, max_iter=1000)
    peer.fit(X, labels)
    # A relative gradient of 1e-8 bounds the error of well-conditioned, scaled coefficients.
    np.testing.assert_allclose(ours.coef_, peer.coef_, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(ours.predict_proba(X), peer.predict_proba(X), rtol=0, atol=1e-6)
    np.testing.assert_array_equal(ours.predict(X), peer.predict(X))
    assert ours.coef_.shape == peer.coef_.shape
    assert ours.intercept_.shape == peer.intercept_.shape


def test_a_fit_that_ends_early_warns_with_the_reason():
    with pytest.warns(ConvergenceWarning, match="did not converge"):
        LossClassifier(max_iter=1).fit(X, X[:, 0] + X[:, 3] ** 2 > 0.3)


def test_one_class_is_refused():
    with pytest.raises(ValueError, match="at least 2 classes, got 1 class"):
        LossClassifier().fit(X, np.zeros(500, dtype=int))


@pytest.mark.parametrize("classes", [2, 3])
def test_separable_classes_have_a_minimum_by_default(classes):
    labels = np.digitize(X[:, 0], np.linspace(-0.5, 0.5, classes - 1))
    ours = LossClassifier().fit(X, labels)
    peer = LogisticRegression(C=1 / (1e-4 * 500), solver="newton-cg", tol=1e-12, max_iter=1000)
    peer.fit(X, labels)
    # The penalty is the only curvature along the separating direction, 1e-4 of the scale of the
    # loss, so a relative gradient of 1e-8 leaves 1e-4 there.
    np.testing.assert_allclose(ours.coef_, peer.coef_, rtol=1e-4, atol=1e-3)
    assert np.mean(ours.predict(X) == labels) > 0.98
