# SPDX-License-Identifier: BSD-3-Clause
"""Fit logistic regression, with two classes or more, with a quadratic penalty."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from thalweg import losses
from thalweg.estimators.linear import Linear, positive, warn_if_not_converged

__all__ = ["LossClassifier"]


class LossClassifier(ClassifierMixin, BaseEstimator):
    """Logistic regression: the mean cross entropy with a quadratic penalty.

    Minimizes ``sum(w * loss) / sum(w) + alpha / 2 * sum(coef**2)``, where w is `sample_weight` and
    the loss is that of `thalweg.losses.logistic` for two classes, and of
    `thalweg.losses.softmax_cross_entropy` for more. Intercepts have no penalty.

    Parameters
    ----------
    alpha : float, default 1e-4
        The weight of the penalty: scikit-learn's ``LogisticRegression`` with
        ``C = 1 / (alpha * n)`` for n rows. The default is small, and enough for a minimum to
        exist where the classes can be separated.
    fit_intercept : bool, default True
        Whether to fit intercepts.
    method : str or method object, default "lbfgs"
        The method, as in `thalweg.minimize`.
    tol : float, default 1e-8
        Stop when the gradient is at most `tol` times that of coefficients of zero. It is that of
        features scaled to unit variance.
    max_iter : int, default 1000
        Maximum number of iterations.

    Attributes
    ----------
    classes_ : ndarray
        The classes, sorted.
    coef_ : ndarray
        The coefficients, shape (1, features) for two classes and (classes, features) for more.
    intercept_ : ndarray
        The intercepts, shape (1,) or (classes,).
    n_iter_ : int
        Iterations that the descent made.
    n_features_in_ : int
        The number of features.

    Raises
    ------
    ValueError, TypeError
        From `fit`, if a parameter or the data are invalid.

    Notes
    -----
    If the classes can be separated and `alpha` is 0, there is no minimum: the coefficients are
    merely large, and depend on rounding. If the descent does not converge, `fit` gives a
    ``ConvergenceWarning``.

    References
    ----------
    D. R. Cox, J. R. Stat. Soc. B 20 (1958), 215-242.

    Examples
    --------
    >>> import numpy as np
    >>> from thalweg.estimators import LossClassifier
    >>> X = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> model = LossClassifier(alpha=0.01).fit(X, ["no", "yes", "no", "yes"])
    >>> model.predict([[-1.0], [4.0]])
    array(['no', 'yes'], dtype='<U3')
    """

    def __init__(
        self,
        alpha: float = 1e-4,
        fit_intercept: bool = True,
        method: Any = "lbfgs",
        tol: float = 1e-8,
        max_iter: int = 1000,
    ) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.method = method
        self.tol = tol
        self.max_iter = max_iter

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> LossClassifier:
        """Fit the coefficients.

        Parameters
        ----------
        X : array_like
            The rows, shape (n, features).
        y : array_like
            The class of each row, shape (n,).
        sample_weight : array_like, optional
            Weights of the rows, not negative, shape (n,).

        Returns
        -------
        LossClassifier
            The estimator itself.
        """
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        alpha = positive(self.alpha, "alpha")
        weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        self.classes_, labels = np.unique(y, return_inverse=True)
        k = len(self.classes_)
        if k < 2:
            raise ValueError(f"y must have at least 2 classes, got 1 class: {self.classes_[0]!r}")
        loss = losses.logistic if k == 2 else losses.softmax_cross_entropy
        outputs = () if k == 2 else (k,)
        model = Linear(loss, X, labels.astype(np.float64), outputs, bool(self.fit_intercept))
        coef, intercept, r = model.fit(weights, alpha, self.method, self.tol, self.max_iter)
        self.coef_ = np.atleast_2d(coef.T)
        self.intercept_ = np.atleast_1d(intercept)
        self.n_iter_ = int(r.nit)
        warn_if_not_converged("LossClassifier", r.success, r.message)
        return self

    def decision_function(self, X: Any) -> Any:
        """Return the logits of rows: shape (n,) for two classes, (n, classes) for more."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        logits = X @ self.coef_.T + self.intercept_
        return logits[:, 0] if len(self.classes_) == 2 else logits

    def predict(self, X: Any) -> Any:
        """Return the most probable class of each row, shape (n,)."""
        z = self.decision_function(X)
        return self.classes_[(z > 0).astype(int) if z.ndim == 1 else np.argmax(z, axis=1)]

    def predict_log_proba(self, X: Any) -> Any:
        """Return the logarithm of the probability of each class, shape (n, classes)."""
        z = self.decision_function(X)
        if z.ndim == 1:
            return -np.logaddexp(0.0, np.column_stack([z, -z]))
        z = z - z.max(axis=1, keepdims=True)
        return z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))

    def predict_proba(self, X: Any) -> Any:
        """Return the probability of each class, shape (n, classes)."""
        return np.exp(self.predict_log_proba(X))
