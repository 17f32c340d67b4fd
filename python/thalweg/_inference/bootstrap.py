# SPDX-License-Identifier: BSD-3-Clause
"""Fit many times to data drawn anew, to see how far the parameters scatter.

B. Efron and R. J. Tibshirani 1993, An Introduction to the Bootstrap, chapters 9, 13 and 14.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from thalweg._fits.fits import Fits
from thalweg._inference.quantiles import checked_level
from thalweg._inference.refits import Refits
from thalweg._inference.sources import data_rows, fits_at_once, flat_lanes, source_of
from thalweg._inference.statistics import fitted, kind_of, spread_scale
from thalweg._objectives.points import FloatArray

__all__ = ["Bootstrap", "bootstrap"]

_KINDS = ("residual", "parametric", "pairs")
_METHODS = ("percentile", "basic")


@dataclass(frozen=True, eq=False)
class Bootstrap:
    """Fits to data drawn anew.

    Attributes
    ----------
    names : list of str
        The names of the parameters.
    popt : ndarray
        The parameters of each (..., n, p); NaN where a fit did not converge.
    failed : ndarray of int
        How many did not converge (...,).
    estimate : ndarray
        The parameters of the fit itself (..., p).
    """

    names: list[str]
    popt: FloatArray
    failed: npt.NDArray[np.int64]
    estimate: FloatArray

    @property
    def perr(self) -> FloatArray:
        """The standard deviations (..., p)."""
        return np.sqrt(np.diagonal(self.pcov, axis1=-2, axis2=-1))

    @property
    def pcov(self) -> FloatArray:
        """The covariances (..., p, p) of those that converged."""
        there = np.asarray(np.isfinite(self.popt).all(axis=-1))
        count = there.sum(axis=-1)[..., None, None].astype(np.float64)
        away = np.where(there[..., None], self.popt - self.estimate[..., None, :], 0.0)
        mean = away.sum(axis=-2, keepdims=True) / np.maximum(count, 1.0)
        away = np.where(there[..., None], away - mean, 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            found: FloatArray = np.where(
                count > 1, away.swapaxes(-1, -2) @ away / (count - 1.0), np.nan
            )
        return found

    @property
    def bias(self) -> FloatArray:
        """By how much the mean differs from the estimate (..., p)."""
        there = np.asarray(np.isfinite(self.popt).all(axis=-1))[..., None]
        away = np.where(there, self.popt - self.estimate[..., None, :], 0.0)
        with np.errstate(invalid="ignore"):
            found: FloatArray = away.sum(axis=-2) / there.sum(axis=-2)
        return found

    def interval(
        self, level: float = 0.95, method: str = "percentile"
    ) -> tuple[FloatArray, FloatArray]:
        """Return the ends (..., p) of confidence intervals.

        Parameters
        ----------
        level : float
            The probability with which an interval holds the true value.
        method : {'percentile', 'basic'}
            Quantiles of the parameters; or the estimate less the quantiles of their errors.

        Returns
        -------
        lower, upper : ndarray
            The ends; NaN where no fit converged.
        """
        level = checked_level(level)
        if method not in _METHODS:
            raise ValueError(f"method must be one of {_METHODS}, got {method!r}")
        there = np.isfinite(self.popt).all(axis=-1)
        shape = self.estimate.shape
        low, high = np.full((2, int(np.prod(shape[:-1])), shape[-1]), np.nan)
        rows = self.popt.reshape(-1, *self.popt.shape[-2:])
        for i, (points, known) in enumerate(zip(rows, there.reshape(len(rows), -1), strict=True)):
            if known.any():
                tails = [0.5 - 0.5 * level, 0.5 + 0.5 * level]
                low[i], high[i] = np.quantile(points[known], tails, axis=0)
        lower, upper = low.reshape(shape), high.reshape(shape)
        if method == "basic":
            lower, upper = 2.0 * self.estimate - upper, 2.0 * self.estimate - lower
        return lower, upper


def bootstrap(fits: Fits, n: int = 1000, kind: str = "residual", seed: int = 0) -> Bootstrap:
    """Fit to data drawn anew, n times for each fit."""
    if kind not in _KINDS:
        raise ValueError(f"kind must be one of {_KINDS}, got {kind!r}")
    if n != int(n) or n < 1:
        raise ValueError(f"n must be a whole number from 1, got {n!r}")
    if seed != int(seed) or seed < 0:
        raise ValueError(f"seed must be a whole number from 0, got {seed!r}")
    _check(fits, kind)
    draws = _Draws(fits, int(n), kind, int(seed))
    p = len(fits.names)
    popt = np.full((fits.size, n, p), np.nan)
    (begun,) = np.nonzero(np.isfinite(fits.cost.reshape(-1)))
    most = max(1, fits_at_once(source_of(fits)[0]) // n)
    for a in range(0, begun.size, most):
        which = begun[a : a + most]
        popt[which] = draws.fitted(which)
    failed = np.isnan(popt).any(axis=-1).sum(axis=-1)
    return Bootstrap(
        list(fits.names), popt.reshape(*fits.shape, n, p), failed.reshape(fits.shape), fits.popt
    )


def _check(fits: Fits, kind: str) -> None:
    """Refuse kinds that do not suit the data."""
    known = kind_of(fits)
    if known.poisson and kind != "parametric":
        raise ValueError(
            f"counts are drawn from their distribution: kind='parametric', got {kind!r}"
        )
    if kind == "pairs" and known.robust:
        raise ValueError("kind='pairs' weighs the data, which a robust loss does not allow")
    if kind == "pairs" and fits._about.get("whitened"):
        raise ValueError("kind='pairs' needs data whose errors do not correlate")


class _Draws:
    """Data drawn anew, with a stream of random numbers for each fit of the call."""

    def __init__(self, fits: Fits, n: int, kind: str, seed: int) -> None:
        self._refits, self._n, self._kind, self._seed = Refits(fits), n, kind, seed
        problem, settings = source_of(fits)
        self._count = kind_of(fits).poisson
        self._known = kind_of(fits).absolute
        lanes = flat_lanes(fits)
        self._lanes = np.arange(fits.size) if lanes is None else lanes
        self._model = fitted(fits).reshape(fits.size, problem.data.shape[-1])
        self._data = data_rows(fits, 0, fits.size)
        self._away = self._data - self._model
        self.m = self._data.shape[1]
        sigma = np.asarray(1.0 if settings.sigma is None else settings.sigma, dtype=np.float64)
        sigma = np.broadcast_to(sigma, (*problem.lead, self.m)).reshape(-1, self.m)
        self._sigma = sigma[self._lanes] if lanes is not None else sigma
        self._spread = np.sqrt(np.broadcast_to(spread_scale(fits), fits.shape).reshape(-1))
        self._free = len(self._refits.free)

    def fitted(self, which: npt.NDArray[np.intp]) -> FloatArray:
        """Return the parameters (a, n, p) of fits to data drawn anew."""
        y = np.empty((len(which), self._n, self.m))
        sigma = np.empty_like(y) if self._kind == "pairs" else None
        for k, i in enumerate(which):
            # A fit has its own stream, so that it has the same data alone and among others.
            random = np.random.default_rng(
                np.random.SeedSequence(self._seed, spawn_key=(int(self._lanes[i]),))
            )
            if sigma is None:
                y[k] = self._model[i] + self._errors(i, random)
                if self._count:
                    y[k] = random.poisson(np.maximum(self._model[i], 0.0), (self._n, self.m))
                y[k, :, np.isnan(self._away[i])] = np.nan
            else:
                y[k], sigma[k] = self._pairs(i, random)
        repeated = np.repeat(which, self._n)
        found = self._refits.to_data(
            repeated, y.reshape(-1, self.m), None if sigma is None else sigma.reshape(-1, self.m)
        )
        return found.reshape(len(which), self._n, -1)

    def _errors(self, i: int, random: np.random.Generator) -> FloatArray:
        """Return errors (n, m): those of the fit, or normal ones."""
        shape = (self._n, self.m)
        if self._count:
            return np.zeros(shape)
        if self._kind == "parametric":
            unit = 1.0 if self._known else self._spread[i]
            drawn: FloatArray = random.standard_normal(shape) * (unit * self._sigma[i])
            return drawn
        own = self._away[i] / self._sigma[i]
        own = own[np.isfinite(own)]
        own = (own - own.mean()) * np.sqrt(own.size / max(own.size - self._free, 1))
        found: FloatArray = own[random.integers(own.size, size=shape)] * self._sigma[i]
        return found

    def _pairs(self, i: int, random: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        """Return data and errors (n, m) of a draw of data: c times the same weighs c times."""
        there = np.flatnonzero(np.isfinite(self._away[i]))
        counts = np.zeros((self._n, self.m))
        counts[:, there] = random.multinomial(
            there.size, np.full(there.size, 1.0 / there.size), self._n
        )
        y = np.where(counts > 0, self._data[i], np.nan)
        return y, self._sigma[i] / np.sqrt(np.maximum(counts, 1.0))
