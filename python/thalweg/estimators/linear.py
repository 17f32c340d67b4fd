# SPDX-License-Identifier: BSD-3-Clause
"""The penalized mean loss of a linear model, and its minimum; for regressors and classifiers."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from thalweg import losses
from thalweg._descents.minimize import minimize
from thalweg._objectives.making import objective
from thalweg._objectives.objective import Objective
from thalweg._objectives.points import FloatArray

__all__ = ["LOSSES", "Linear", "loss_named", "positive", "warn_if_not_converged"]

LOSSES: dict[str, Callable[[Any, Any], Any]] = {
    "squared": losses.squared,
    "huber": losses.huber,
    "poisson": losses.poisson,
}


def loss_named(loss: Any) -> Callable[[Any, Any], Any]:
    """Return the function of a loss's name, or the callable itself."""
    if callable(loss):
        return loss  # type: ignore[no-any-return]
    if not isinstance(loss, str) or loss not in LOSSES:
        names = ", ".join(map(repr, LOSSES))
        raise ValueError(f"loss must be one of {names}, or a callable, got {loss!r}")
    return LOSSES[loss]


def positive(value: Any, name: str) -> float:
    """Return a finite number that is not negative."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a number >= 0, got {value!r}") from None
    if not 0.0 <= number < np.inf:
        raise ValueError(f"{name} must be a finite number >= 0, got {value!r}")
    return number


def warn_if_not_converged(name: str, success: bool, message: str) -> None:
    """Warn as scikit-learn does, with the reason for which the descent ended."""
    if not success:
        warnings.warn(
            f"{name} did not converge: {message}; raise max_iter or scale the features",
            ConvergenceWarning,
            stacklevel=3,
        )


@dataclass(frozen=True)
class Linear:
    """Data of a linear model: rows, targets, weights that sum to 1, and outputs of a row.

    The variables are those of centered and scaled features, which conditions the descent; the
    penalty is that of the coefficients themselves, so the minimum is the same.
    """

    loss: Callable[[Any, Any], Any]
    X: FloatArray
    y: FloatArray
    outputs: tuple[int, ...]  # () for one number a row, (k,) for k classes
    fit_intercept: bool

    def units(self, weights: FloatArray, alpha: float) -> tuple[FloatArray, FloatArray]:
        """Return the center and the scale of each feature, under weights that sum to 1."""
        mean = weights @ self.X
        square = np.maximum(weights @ np.square(self.X - mean), 0.0)
        if not self.fit_intercept:
            square, mean = square + mean**2, np.zeros_like(mean)
        scale = np.sqrt(square + alpha)
        tiny = scale <= 1e-12 * (1.0 + np.abs(mean))  # a constant feature has only rounding
        return mean, np.where(tiny, 1.0, scale)

    def start(self) -> dict[str, FloatArray]:
        """Return coefficients of zero."""
        begin = {"b": np.zeros((self.X.shape[1], *self.outputs))}
        if self.fit_intercept:
            begin["c"] = np.zeros(self.outputs)
        return begin

    def value(self) -> Callable[..., Any]:
        """Return the objective of (b, c, data, weights, alpha, center, scale, unit)."""
        loss, wide = self.loss, bool(self.outputs)

        def objective(
            b: Any, c: Any, X: Any, y: Any, w: Any, alpha: Any, mean: Any, scale: Any, unit: Any
        ) -> Any:
            coef = b / (scale[:, None] if wide else scale)
            rows = loss(X @ coef + (c - mean @ coef), y)
            return (np.sum(w * rows) + 0.5 * alpha * np.sum(coef**2)) * unit

        if self.fit_intercept:
            return objective

        def without(
            b: Any, X: Any, y: Any, w: Any, alpha: Any, mean: Any, scale: Any, unit: Any
        ) -> Any:
            return objective(b, 0.0, X, y, w, alpha, mean, scale, unit)

        return without

    def fit(
        self, weights: FloatArray, alpha: float, method: Any, tol: float, max_iter: int
    ) -> tuple[FloatArray, Any, Any]:
        """Return coefficients, intercept and the result of the descent."""
        w = weights / np.sum(weights)
        mean, scale = self.units(w, alpha)
        args = (self.X, self.y, w, alpha, mean, scale)
        F = objective(self.value(), self.start(), args=(*args, 1.0))
        unit = self.unit(F)
        r = minimize(F, self.start(), method, args=(*args, unit), gtol=tol, max_iter=max_iter)
        coef, intercept = self.original(r.x, mean, scale)
        return coef, intercept, r

    def unit(self, F: Objective) -> float:
        """Return what to multiply a loss by, so that `tol` means the same in any units of y."""
        slopes = F.grad(self.start())
        steepest = max(float(np.max(np.abs(g), initial=0.0)) for g in slopes.values())
        return 1.0 / steepest if 0.0 < steepest < np.inf else 1.0

    def original(self, x: Any, mean: FloatArray, scale: FloatArray) -> tuple[FloatArray, Any]:
        """Return the coefficients and the intercept of the features as they were given."""
        coef = (x["b"].T / scale).T
        if not self.fit_intercept:
            return coef, np.zeros(self.outputs) if self.outputs else 0.0
        intercept = x["c"] - mean @ coef
        return coef, intercept if self.outputs else float(intercept)
