# SPDX-License-Identifier: BSD-3-Clause
"""Evaluate fitted models where there are no data, with bands of confidence and of prediction.

The bands are linear in the parameters' errors (the delta method), with exact derivatives: G. A. F.
Seber and C. J. Wild 1989, Nonlinear Regression, section 5.1.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from thalweg._fits.arguments import is_data
from thalweg._fits.fits import Fits
from thalweg._fits.running import FitRun, ManyProblem
from thalweg._fits.settings import ManyFitSettings
from thalweg._inference.quantiles import checked_level, student
from thalweg._inference.sources import Piece, pieces, source_of
from thalweg._inference.statistics import dof, kind_of, spread_scale
from thalweg._objectives.points import FloatArray

__all__ = ["Prediction", "predict"]

_KINDS = ("confidence", "prediction")
# The model alone is evaluated, without weights.
_BARE: dict[str, Any] = {
    "sigma": None, "absolute_sigma": False, "loss": "linear", "likelihood": "gaussian",
    "nan_policy": "propagate",
}  # fmt: skip


class Prediction(NamedTuple):
    """The values of a model and the ends of a band around them, each (..., m)."""

    values: FloatArray
    lower: FloatArray
    upper: FloatArray


class _Evaluation(FitRun):
    """A run that only evaluates, and so needs no number of data."""

    def check_number(self, free: int) -> None:
        """Accept any number of points."""


def predict(fits: Fits, x: Any = None, level: float | None = None, kind: str = "confidence") -> Any:
    """Return the model's values, and a band around them if there is a level."""
    if kind not in _KINDS:
        raise ValueError(f"kind must be one of {_KINDS}, got {kind!r}")
    problem, settings, count = _problem(fits, x)
    values = np.full((fits.size, count), np.nan)
    spread = np.full((fits.size, count), np.nan)
    covariance = None if level is None else _covariances(fits)
    for piece in pieces(fits, (problem, settings), _Evaluation):
        values[piece.where] = piece.tapes.values(piece.inputs, piece.threads)
        if covariance is not None:
            spread[piece.where] = _variances(piece, covariance[piece.where])
    shape = (*fits.shape, count)
    if level is None:
        return values.reshape(shape)
    spread = spread.reshape(shape)
    if kind == "prediction":
        spread = spread + _of_datum(fits, x, values.reshape(shape))
    free = np.inf if kind_of(fits).absolute else dof(fits)
    half = np.asarray(student(checked_level(level), free))[..., None] * np.sqrt(spread)
    middle = values.reshape(shape)
    return Prediction(middle, middle - half, middle + half)


def _problem(fits: Fits, x: Any) -> tuple[ManyProblem, ManyFitSettings, int]:
    """Return the fits as a problem with the points x instead of data, and their number."""
    problem, settings = source_of(fits)
    bare = replace(settings, **_BARE)
    if x is None:
        if fits._about.get("whitened"):
            raise ValueError("with a covariance of the data predict needs x: pass xdata")
        return replace(problem, tapes={}), bare, problem.data.shape[-1]
    if problem.elsewhere is None:
        raise ValueError(
            "the model's function is not known, because the model comes from a file: trace it again"
        )
    count = _count(x)
    values, varying = problem.elsewhere(x, problem.lead, count)
    data = np.broadcast_to(0.0, (*problem.lead, count))
    there = replace(
        problem, data=data, values=values, varying=varying, known=[], tapes={}, elsewhere=None
    )
    return there, bare, count


def _count(x: Any) -> int:
    """Return the number of points, along the last axis of x or the rows of a table."""
    if isinstance(x, tuple) and any(np.ndim(part) for part in x):
        return int(max(np.shape(part)[-1] for part in x if np.ndim(part)))
    if is_data(x) and np.ndim(x):
        return int(np.shape(x)[-1])
    if hasattr(x, "__len__"):
        return len(x)
    raise ValueError(f"x must hold points along its last axis, got {type(x).__name__}")


def _covariances(fits: Fits) -> FloatArray:
    """Return the covariances (k, n, n) of the fitted parameters, 0 for those at a bound."""
    free = list(fits._about["free"])
    found: FloatArray = fits.pcov.reshape(-1, len(fits.names), len(fits.names))
    found = found[:, free][:, :, free]
    return np.where(np.isnan(found), 0.0, found)


def _variances(piece: Piece, covariance: FloatArray) -> FloatArray:
    """Return the variances (k, m) of the model's values."""
    columns, _ = piece.tapes.jacobians(piece.inputs, piece.threads)
    columns = columns.reshape(len(covariance), covariance.shape[1], -1)
    with np.errstate(invalid="ignore"):
        found: FloatArray = np.einsum("kim,kim->km", columns, covariance @ columns)
    endless: Any = np.isinf(covariance).any(axis=(1, 2))
    return np.where(endless[:, None], np.inf, np.maximum(found, 0.0))


def _of_datum(fits: Fits, x: Any, values: FloatArray) -> Any:
    """Return the variances of single data around the model's values."""
    _, settings = source_of(fits)
    if settings.poisson:
        return np.maximum(values, 0.0)
    scale = np.asarray(spread_scale(fits))[..., None]
    sigma = settings.sigma
    if sigma is None:
        return scale
    if x is not None and np.size(sigma) > 1:
        raise ValueError(
            "the errors of new data are not known, because sigma is an array: leave out x, or use "
            "kind='confidence'"
        )
    if np.size(sigma) == 1:
        return scale * float(np.reshape(sigma, ())) ** 2
    errors = np.full(values.shape, np.nan).reshape(fits.size, -1)
    for piece in pieces(fits):
        errors[piece.where] = 1.0 / piece.inputs["weights"]
    return scale * errors.reshape(values.shape) ** 2
