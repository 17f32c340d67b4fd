# SPDX-License-Identifier: BSD-3-Clause
"""Choose the penalty of a linear model by cross-validation, all fits as lanes of one call."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.model_selection import check_cv
from sklearn.utils.validation import _check_sample_weight, validate_data

from thalweg._descents.minimize_many import minimize_many
from thalweg._objectives.making import objective
from thalweg.estimators.linear import Linear, loss_named, positive, warn_if_not_converged
from thalweg.estimators.regressor import LinearPrediction

__all__ = ["LossRegressorCV"]


class LossRegressorCV(LinearPrediction):
    """`LossRegressor` with the penalty that has the smallest mean loss in cross-validation.

    The fits of all folds and penalties are the lanes of one `thalweg.minimize_many`.

    Parameters
    ----------
    alphas : array_like, default (0.001, 0.01, 0.1, 1, 10)
        The penalties to choose from.
    loss : str or callable, default "squared"
        As in `LossRegressor`.
    fit_intercept : bool, default True
        Whether to fit an intercept.
    cv : int, splitter or iterable, optional
        The folds, as in scikit-learn's ``GridSearchCV``; None means 5.
    method, tol, max_iter : optional
        As in `LossRegressor`.

    Attributes
    ----------
    alpha_ : float
        The penalty chosen. Of equal losses, the first of `alphas`.
    cv_losses_ : ndarray
        The mean loss of the rows left out, shape (alphas, folds).
    coef_, intercept_, n_iter_, n_features_in_
        Of the fit to all rows with `alpha_`, as in `LossRegressor`.

    Raises
    ------
    ValueError, TypeError
        From `fit`, if a parameter or the data are invalid.

    References
    ----------
    M. Stone, J. R. Stat. Soc. B 36 (1974), 111-147.

    Examples
    --------
    >>> import numpy as np
    >>> from thalweg.estimators import LossRegressorCV
    >>> x = np.arange(20.0)
    >>> X, y = np.column_stack([x, np.sin(x)]), 3 * x + np.cos(5 * x)
    >>> LossRegressorCV([0.0, 100.0, 1e4]).fit(X, y).alpha_
    0.0
    """

    def __init__(
        self,
        alphas: Any = (0.001, 0.01, 0.1, 1.0, 10.0),
        loss: Any = "squared",
        fit_intercept: bool = True,
        cv: Any = None,
        method: Any = "lbfgs",
        tol: float = 1e-8,
        max_iter: int = 1000,
    ) -> None:
        self.alphas = alphas
        self.loss = loss
        self.fit_intercept = fit_intercept
        self.cv = cv
        self.method = method
        self.tol = tol
        self.max_iter = max_iter

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> LossRegressorCV:
        """Choose the penalty and fit all rows with it.

        Parameters
        ----------
        X : array_like
            The rows, shape (n, features).
        y : array_like
            The targets, shape (n,).
        sample_weight : array_like, optional
            Weights of the rows, not negative, shape (n,), in fits and in the losses left out.

        Returns
        -------
        LossRegressorCV
            The estimator itself.
        """
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        y, loss = np.asarray(y, dtype=np.float64), loss_named(self.loss)
        alphas = [positive(a, "alphas") for a in np.atleast_1d(self.alphas)]
        if not alphas:
            raise ValueError("alphas must hold at least one penalty, got none")
        if self.loss == "poisson" and np.any(y < 0):
            raise ValueError(f"y must be >= 0 with loss='poisson', got {y.min()}")
        weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        folds = [test for _, test in check_cv(self.cv).split(X, y)]
        model = Linear(loss, X, y, (), bool(self.fit_intercept))
        self.cv_losses_ = self._losses(model, weights, alphas, folds)
        self.alpha_ = alphas[int(np.argmin(self.cv_losses_.mean(axis=1)))]
        self.coef_, self.intercept_, r = model.fit(
            weights, self.alpha_, self.method, self.tol, self.max_iter
        )
        self.n_iter_ = int(r.nit)
        warn_if_not_converged("LossRegressorCV", r.success, r.message)
        return self

    def _losses(self, model: Linear, weights: Any, alphas: Any, folds: Any) -> Any:
        """Return the mean loss of each fold's rows under the fits to the others."""
        lanes = []
        for alpha in alphas:
            for test in folds:
                w = weights.copy()
                w[test] = 0.0
                w /= w.sum()
                lanes.append((w, alpha, *model.units(w, alpha)))
        stacked = tuple(np.array(part) for part in zip(*lanes, strict=True))
        starts = {name: np.stack([zero] * len(lanes)) for name, zero in model.start().items()}
        data = (model.X, model.y)
        F = objective(model.value(), model.start(), args=(*data, *lanes[0], 1.0))
        units = [model.unit(F.with_args((*data, *lane, 1.0))) for lane in lanes]
        r = minimize_many(
            model.value(), starts, self.method, args=data,
            lane_args=(*stacked, np.array(units)), gtol=self.tol, max_iter=self.max_iter,
        )  # fmt: skip
        for i in np.flatnonzero(~r.success)[:1]:
            fold = f"the fit of penalty {lanes[i][1]:g} without fold {i % len(folds)}"
            warn_if_not_converged(f"LossRegressorCV: {fold}", False, r[int(i)].message)
        found = np.empty((len(alphas), len(folds)))
        for i, (_, _, mean, scale) in enumerate(lanes):
            x = {name: values[i] for name, values in r.x.items()}
            coef, intercept = model.original(x, mean, scale)
            test = folds[i % len(folds)]
            rows = model.loss(model.X[test] @ coef + intercept, model.y[test])
            total = np.sum(weights[test])
            found[divmod(i, len(folds))] = weights[test] @ rows / total if total else 0.0
        return found
