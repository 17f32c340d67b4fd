# SPDX-License-Identifier: BSD-3-Clause
"""Compute the statistics of fits, in arrays with their leading axes.

Those that follow from the cost read no data. The others read the data again, piece by piece.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from thalweg._fits.chunks import rows_in_chunk
from thalweg._fits.fits import Fits
from thalweg._fits.settings import FitKind
from thalweg._fits.soundness import ABOUT
from thalweg._fits.tapes import ON_TAPE
from thalweg._inference.conditions import conditions, dense_conditions
from thalweg._inference.sources import Piece, data_rows, evaluated, pieces
from thalweg._inference.traced import correlations_of
from thalweg._objectives.points import FloatArray

__all__ = [
    "aic", "bic", "chi2", "condition", "correlation_pairs", "correlations", "dof", "fitted",
    "fitted_count", "kind_of", "r2", "reduced_chi2", "residuals", "rows_of", "spread_scale",
    "variance_dof",
]  # fmt: skip


def kind_of(fits: Fits) -> FitKind:
    """Return what the statistics must know about the cost."""
    kind: FitKind = _known(fits, "kind")
    return kind


def _known(fits: Fits, name: str) -> Any:
    """Return what is known about the fits, or raise ValueError."""
    if name not in fits._about:
        raise ValueError("fits that share parameters, or are from older files, have no statistics")
    return fits._about[name]


def rows_of(fits: Fits) -> npt.NDArray[np.int64]:
    """Return the number of data that each fit used (...,)."""
    rows = _known(fits, "rows") + fits._about.get("priors", 0)
    missing = fits._arrays.get("n_missing")
    return np.asarray(np.broadcast_to(rows, fits.shape) if missing is None else rows - missing)


def fitted_count(fits: Fits) -> npt.NDArray[np.int64]:
    """Return the number of parameters (...,) that each fit determined: free and at no bound."""
    free = list(fits._about["free"])
    found = np.full(fits.shape, len(free))
    perr: Any = fits._arrays.get("perr")
    held = perr is not None and np.isnan(perr).any()
    for i in free if held else ():  # columns: rows are too short to be fast
        found -= np.isnan(perr[..., i])
    return found


def _begun(fits: Fits, values: Any) -> Any:
    """Return the values, NaN for fits without a result."""
    return np.where(np.isnan(fits.cost), np.nan, values)[()]


def dof(fits: Fits) -> Any:
    """Return the degrees of freedom."""
    return (rows_of(fits) - fitted_count(fits))[()]


def variance_dof(fits: Fits) -> Any:
    """Return the degrees of freedom of the variance of the data; infinity if it is known."""
    return np.inf if kind_of(fits).absolute else dof(fits)


def chi2(fits: Fits) -> Any:
    """Return the weighted sums of squares, or the deviances."""
    if "chi2" in fits._own:
        return fits._own["chi2"][()]
    if not kind_of(fits).robust:
        return (2.0 * fits.cost)[()]
    found = np.full(fits.size, np.nan)
    for piece in pieces(fits):
        r = piece.inputs["y"] - _values(piece)
        weights = piece.inputs.get("weights")
        found[piece.where] = np.nansum((r if weights is None else r * weights) ** 2, 1)
    return _begun(fits, found.reshape(fits.shape))


def reduced_chi2(fits: Fits) -> Any:
    """Return chi2 over the degrees of freedom."""
    free = np.asarray(dof(fits), dtype=np.float64)
    return (chi2(fits) / np.where(free > 0, free, np.nan))[()]


def spread_scale(fits: Fits) -> Any:
    """Return the variance of the data in units of their squared errors; 1 if these are known."""
    if kind_of(fits).absolute:
        return np.ones(fits.shape)[()]
    free = np.asarray(dof(fits), dtype=np.float64)
    return (2.0 * fits.cost / np.where(free > 0, free, np.nan))[()]


def _fit_term(fits: Fits) -> Any:
    """Return -2 log-likelihood at its maximum, up to a constant that the data determine."""
    if kind_of(fits).absolute:
        return chi2(fits)
    n = rows_of(fits)
    with np.errstate(divide="ignore", invalid="ignore"):
        return n * np.log(chi2(fits) / n)


def aic(fits: Fits) -> Any:
    """Return Akaike's criterion (Akaike 1974, IEEE Trans. Autom. Control 19, 716-723)."""
    return (_fit_term(fits) + 2.0 * fitted_count(fits))[()]


def bic(fits: Fits) -> Any:
    """Return Schwarz's criterion (Schwarz 1978, Ann. Statist. 6, 461-464)."""
    return (_fit_term(fits) + np.log(rows_of(fits)) * fitted_count(fits))[()]


def r2(fits: Fits) -> Any:
    """Return the share of the variation that is explained."""
    if "r2" in fits._own:
        return fits._own["r2"][()]
    robust = kind_of(fits).robust
    flat = fits._own.get("flat", fits._about.get("flat"))  # the cost of the best constant
    if flat is None or robust or (np.isnan(flat) & ~np.isnan(fits.cost)).any():
        flat = np.full(fits.size, np.nan)
        for piece in pieces(fits):
            flat[piece.where] = _flat(piece)
        flat = flat.reshape(fits.shape)
    squares = chi2(fits)
    if fits._about.get("priors") and not robust:  # these are no data
        squares = np.full(fits.size, np.nan)
        for piece in pieces(fits):
            missing = piece.run.reader.missing(piece.inputs) is not None
            squares[piece.where] = 2.0 * piece.run.tapes(missing).costs(piece.inputs, piece.threads)
        squares = squares.reshape(fits.shape)
    whole = np.where(np.isfinite(flat), 2.0 / (1 + ABOUT) * flat, np.nan)
    return _begun(fits, 1.0 - squares / whole)


def _flat(piece: Piece) -> FloatArray:
    """Return half the weighted sum of squares around the mean; infinite if data do not vary."""
    inputs, missing = piece.inputs, piece.run.reader.missing(piece.inputs)
    if piece.run.settings.rho is None:
        return piece.run.tapes(missing is not None).flat(inputs, piece.threads)
    y = inputs["y"]
    one = np.where(np.isnan(_values(piece) + y), 0.0, 1.0)
    weights = inputs.get("weights")
    one = one if weights is None else one * weights
    squares = np.sum(one**2, axis=1, keepdims=True)
    y = np.where(one > 0, y, 0.0)
    mean = np.sum(one**2 * y, axis=1, keepdims=True) / np.where(squares > 0, squares, 1.0)
    whole: FloatArray = 0.5 * (1 + ABOUT) * np.sum((one * (y - mean)) ** 2, axis=1)
    return np.where(whole > 0, whole, np.inf)


def correlations(fits: Fits) -> FloatArray:
    """Return the correlations of the parameters."""
    pcov = fits.pcov
    if pcov.shape[-1] <= ON_TAPE:
        (found,) = correlations_of(pcov.reshape(-1, *pcov.shape[-2:]))
        return found.reshape(pcov.shape)
    with np.errstate(invalid="ignore", divide="ignore"):
        one = 1.0 / np.sqrt(np.diagonal(pcov, axis1=-2, axis2=-1))
        whole: FloatArray = pcov * (one[..., None] * one[..., None, :])
    n = range(whole.shape[-1])
    whole[..., n, n] = np.where(np.isfinite(whole[..., n, n]), 1.0, np.nan)
    return whole


def correlation_pairs(fits: Fits) -> list[FloatArray]:
    """Return the correlations of each pair of parameters (k,), row by row of the lower triangle."""
    pcov = fits.pcov.reshape(-1, *fits.pcov.shape[-2:])
    if pcov.shape[-1] <= ON_TAPE:
        return correlations_of(pcov, apart=True)
    whole = correlations(fits).reshape(pcov.shape)
    return [whole[:, i, j] for i in range(pcov.shape[-1]) for j in range(i)]


def condition(fits: Fits) -> Any:
    """Return the condition numbers of the Jacobians, with columns of length one."""
    if "condition" in fits._own:
        return fits._own["condition"][()]
    found = np.full(fits.size, np.nan)
    free = list(fits._about["free"])
    perr: Any = fits._arrays.get("perr")
    held = np.zeros((fits.size, len(free)), dtype=np.bool_)
    if perr is not None:
        held[:] = np.reshape(np.isnan(perr[..., free]), held.shape)
    for piece in pieces(fits):
        reader, own = piece.run.reader, held[piece.where]
        tapes = piece.run.tapes(reader.missing(piece.inputs) is not None)
        if len(free) <= ON_TAPE:
            found[piece.where] = conditions(tapes, piece.inputs, own, piece.threads)
            continue
        columns, _ = tapes.jacobians(piece.inputs, piece.threads)
        found[piece.where] = dense_conditions(columns.reshape(*own.shape, reader.layout.m), own)
    return _begun(fits, found.reshape(fits.shape))


def _values(piece: Piece) -> FloatArray:
    """Return the model's values (k, m)."""
    return piece.tapes.values(piece.inputs, piece.threads)


def fitted(fits: Fits) -> FloatArray:
    """Return the model's values at the data."""
    if not fits._about.get("whitened"):
        return evaluated(fits, lambda piece: [_values(piece)])[0]
    found = np.full((fits.size, fits._about["rows"]), np.nan)
    for piece in pieces(fits):
        found[piece.where] = _values(piece)
    return found.reshape(*fits.shape, -1)


def residuals(fits: Fits) -> FloatArray:
    """Return the data less the model's values."""
    found = fitted(fits)
    rows, most = found.reshape(fits.size, -1), rows_in_chunk(found.shape[-1])
    for a in range(0, fits.size, most):
        part = rows[a : a + most]
        np.subtract(data_rows(fits, a, a + len(part)), part, out=part)
    return found
