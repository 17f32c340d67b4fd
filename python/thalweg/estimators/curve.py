# SPDX-License-Identifier: BSD-3-Clause
"""Fit the parameters of a curve, as an estimator of scikit-learn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from thalweg._fits.curve_fit import curve_fit
from thalweg._fits.settings import FREE

__all__ = ["CurveRegressor"]


def _points(X: Any) -> Any:
    """Return rows of features as SciPy's xdata: (n,) for one feature, else (features, n)."""
    return X[:, 0] if X.shape[1] == 1 else np.ascontiguousarray(X.T)


class CurveRegressor(RegressorMixin, BaseEstimator):
    """Regression by a curve ``f(x, a, b, ...)``, fitted by `thalweg.curve_fit`.

    Parameters
    ----------
    f : callable
        The model, written in NumPy. x has shape (n,) if X has one feature, and (features, n)
        otherwise, as for `thalweg.curve_fit`. A function of a module can be pickled.
    p0 : array_like or dict, optional
        The start, as in `thalweg.curve_fit`.
    bounds : optional
        The bounds, as in `thalweg.curve_fit`; None means unbounded.
    loss : str, default "linear"
        The robust loss, as in `thalweg.curve_fit`.

    Attributes
    ----------
    params_ : ndarray
        The parameters, shape (parameters,).
    perr_ : ndarray
        Their standard errors, scaled so that the reduced chi squared is 1.
    n_features_in_ : int
        The number of features.

    Raises
    ------
    RuntimeError
        From `fit`, if no fit converges.
    ValueError, TypeError
        From `fit`, if a parameter or the data are invalid.

    References
    ----------
    J. J. Moré, in Numerical Analysis (1978), Lecture Notes in Mathematics 630, 105-116.

    Examples
    --------
    >>> import numpy as np
    >>> from thalweg.estimators import CurveRegressor
    >>> def decay(t, a, tau):
    ...     return a * np.exp(-t / tau)
    >>> t = np.linspace(0.0, 5.0, 20)
    >>> model = CurveRegressor(decay, p0=[1.0, 1.0]).fit(t[:, None], decay(t, 3.0, 2.0))
    >>> model.params_.round(6)
    array([3., 2.])
    """

    def __init__(
        self, f: Callable[..., Any], p0: Any = None, bounds: Any = None, loss: str = "linear"
    ) -> None:
        self.f = f
        self.p0 = p0
        self.bounds = bounds
        self.loss = loss

    def __sklearn_tags__(self) -> Any:
        """Say that how well data are fitted depends on `f`."""
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> CurveRegressor:
        """Fit the parameters.

        Parameters
        ----------
        X : array_like
            The rows, shape (n, features).
        y : array_like
            The targets, shape (n,).
        sample_weight : array_like, optional
            Weights of the squared residuals, not negative, shape (n,).

        Returns
        -------
        CurveRegressor
            The estimator itself.
        """
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        y, sigma = np.asarray(y, dtype=np.float64), None
        if sample_weight is not None:
            w = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
            X, y, sigma = X[w > 0], y[w > 0], 1.0 / np.sqrt(w[w > 0])
        bounds = FREE if self.bounds is None else self.bounds
        robust: dict[str, Any] = {} if self.loss == "linear" else {"loss": self.loss}
        popt, pcov = curve_fit(
            self.f, _points(X), y, self.p0, sigma, False, bounds=bounds, **robust
        )[:2]
        self.params_ = np.asarray(popt, dtype=np.float64)
        self.perr_ = np.sqrt(np.diag(pcov))
        return self

    def predict(self, X: Any) -> Any:
        """Return the curve at rows X, shape (n, features), as an array of shape (n,)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        values = self.f(_points(X), *self.params_)
        return np.array(np.broadcast_to(values, X.shape[:1]), dtype=np.float64)
