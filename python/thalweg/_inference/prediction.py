# SPDX-License-Identifier: BSD-3-Clause
"""Evaluate fitted models where there are no data, with bands of confidence and of prediction.

The bands are linear in the parameters' errors (the delta method), with exact derivatives: G. A. F.
Seber and C. J. Wild 1989, Nonlinear Regression, section 5.1.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from thalweg._fits.fits import Fits
from thalweg._inference.quantiles import checked_level, student
from thalweg._inference.sources import Piece, evaluated, model_of, pieces
from thalweg._inference.statistics import spread_scale, variance_dof
from thalweg._inference.traced import bands
from thalweg._objectives.points import FloatArray

__all__ = ["Prediction", "predict"]

_KINDS = ("confidence", "prediction")


class Prediction(NamedTuple):
    """The values of a model and the ends of a band around them, each (..., m)."""

    values: FloatArray
    lower: FloatArray
    upper: FloatArray


def predict(fits: Fits, x: Any = None, level: float | None = None, kind: str = "confidence") -> Any:
    """Return the model's values, and a band around them if there is a level."""
    if kind not in _KINDS:
        raise ValueError(f"kind must be one of {_KINDS}, got {kind!r}")
    if x is None and fits._about.get("whitened"):
        raise ValueError("with a covariance of the data predict needs x: pass xdata")
    if level is None:
        (values,) = evaluated(fits, _values, x)
        return values
    if fits._about.get("tied") and "source" not in fits._about:
        raise ValueError("bands need the functions of the ties, which are not saved: fit again")
    quantile = student(checked_level(level), variance_dof(fits))
    times = np.broadcast_to(quantile, fits.shape).reshape(-1)
    covariance, endless = _covariances(fits)
    counts, beside = False, np.zeros((fits.size, 1))
    if kind == "prediction":
        counts, beside = _of_datum(fits, x)
    if endless.any():
        beside = np.where(endless[:, None], np.inf, beside)

    def compute(piece: Piece) -> list[FloatArray]:
        at, own = piece.where, piece.inputs
        return bands(piece.tapes, own, covariance[at], times[at], beside[at], counts, piece.threads)

    return Prediction(*evaluated(fits, compute, x))


def _values(piece: Piece) -> list[FloatArray]:
    return [piece.tapes.values(piece.inputs, piece.threads)]


def _covariances(fits: Fits) -> tuple[FloatArray, Any]:
    """Return the covariances (k, n, n) of the fitted parameters, and which fits have infinite ones.

    They are 0 for parameters at a bound, and for fits with infinite ones.
    """
    free = list(fits._about["free"])
    found: FloatArray = fits.pcov.reshape(-1, len(fits.names), len(fits.names))
    if len(free) < len(fits.names):
        found = found[:, free][:, :, free]
    sound: Any = np.isfinite(found)
    if sound.all():
        return found, np.zeros(fits.size, dtype=np.bool_)
    endless: Any = np.isinf(found).any(axis=(1, 2))
    return np.where(sound, found, 0.0), endless


def _of_datum(fits: Fits, x: Any) -> tuple[bool, FloatArray]:
    """Return the variances of single data around the model's values, (k, 1) or (k, m).

    Those of counts, for which the first is true, are the values.
    """
    _, settings = model_of(fits)
    scale: FloatArray = np.broadcast_to(spread_scale(fits), fits.shape).reshape(-1, 1)
    sigma = settings.sigma
    if settings.poisson:
        return True, np.zeros_like(scale)
    if sigma is None:
        return False, scale
    if x is not None and np.size(sigma) > 1:
        raise ValueError(
            "the errors of new data are not known, because sigma is an array: leave out x, or use "
            "kind='confidence'"
        )
    if np.size(sigma) == 1:
        return False, scale * float(np.reshape(sigma, ())) ** 2
    errors = np.full((fits.size, fits._about["rows"]), np.nan)
    for piece in pieces(fits):
        errors[piece.where] = 1.0 / piece.inputs["weights"]
    return False, scale * errors**2
