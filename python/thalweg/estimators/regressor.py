# SPDX-License-Identifier: BSD-3-Clause
"""Fit a linear model that minimizes the mean of any loss, with a quadratic penalty."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from thalweg.estimators.linear import Linear, loss_named, positive, warn_if_not_converged

__all__ = ["LinearPrediction", "LossRegressor"]


class LinearPrediction(RegressorMixin, BaseEstimator):
    """What regressors with `coef_`, `intercept_` and a `loss` predict."""

    loss: Any
    coef_: Any
    intercept_: Any

    def predict(self, X: Any) -> Any:
        """Predict the targets of rows: ``X @ coef_ + intercept_``; for "poisson", its exponential.

        Parameters
        ----------
        X : array_like
            The rows, shape (n, features).

        Returns
        -------
        ndarray
            The predictions, shape (n,). With a callable loss, the linear prediction.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        linear = X @ self.coef_ + self.intercept_
        return np.exp(linear) if self.loss == "poisson" else linear


class LossRegressor(LinearPrediction):
    """Linear regression by the mean of any loss, with a quadratic penalty.

    Minimizes ``sum(w * loss(X @ coef + intercept, y)) / sum(w) + alpha / 2 * sum(coef**2)``, where
    w is `sample_weight`. The intercept has no penalty.

    Parameters
    ----------
    loss : str or callable, default "squared"
        ``"squared"``, ``"huber"`` (with delta 1) or ``"poisson"`` (of log rates), as in
        `thalweg.losses`, or a function of the predictions and the targets, both of shape (n,),
        written in NumPy, that returns the loss of each row.
    alpha : float, default 0
        The weight of the penalty. With it, "squared" is scikit-learn's ``Ridge`` with
        ``alpha * n / 2`` for n rows; "poisson" is ``PoissonRegressor`` with the same `alpha`.
    fit_intercept : bool, default True
        Whether to fit an intercept.
    method : str or method object, default "lbfgs"
        The method, as in `thalweg.minimize`.
    tol : float, default 1e-8
        Stop when the gradient is at most `tol` times that of coefficients of zero. It is that of
        features scaled to unit variance.
    max_iter : int, default 1000
        Maximum number of iterations.

    Attributes
    ----------
    coef_ : ndarray
        The coefficients, shape (features,).
    intercept_ : float
        The intercept.
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
    If the descent does not converge, `fit` gives a ``ConvergenceWarning`` with the reason.

    References
    ----------
    T. Hastie, R. Tibshirani and J. Friedman, *The Elements of Statistical Learning*, 2nd ed.,
    Springer (2009), chapter 3.

    Examples
    --------
    >>> import numpy as np
    >>> from thalweg.estimators import LossRegressor
    >>> X = np.arange(6.0)[:, None]
    >>> y = np.array([1.0, 3.0, 5.0, 7.0, 9.0, 100.0])
    >>> def pseudo_huber(prediction, y):
    ...     return np.sqrt(1 + 100 * (prediction - y) ** 2)
    >>> LossRegressor(pseudo_huber).fit(X, y).coef_.round(2)
    array([2.04])
    """

    def __init__(
        self,
        loss: Any = "squared",
        alpha: float = 0.0,
        fit_intercept: bool = True,
        method: Any = "lbfgs",
        tol: float = 1e-8,
        max_iter: int = 1000,
    ) -> None:
        self.loss = loss
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.method = method
        self.tol = tol
        self.max_iter = max_iter

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> LossRegressor:
        """Fit the coefficients.

        Parameters
        ----------
        X : array_like
            The rows, shape (n, features).
        y : array_like
            The targets, shape (n,).
        sample_weight : array_like, optional
            Weights of the rows, not negative, shape (n,).

        Returns
        -------
        LossRegressor
            The estimator itself.
        """
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        y = np.asarray(y, dtype=np.float64)
        loss, alpha = loss_named(self.loss), positive(self.alpha, "alpha")
        if self.loss == "poisson" and np.any(y < 0):
            raise ValueError(f"y must be >= 0 with loss='poisson', got {y.min()}")
        weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        model = Linear(loss, X, y, (), bool(self.fit_intercept))
        self.coef_, self.intercept_, r = model.fit(
            weights, alpha, self.method, self.tol, self.max_iter
        )
        self.n_iter_ = int(r.nit)
        warn_if_not_converged("LossRegressor", r.success, r.message)
        return self
