# SPDX-License-Identifier: BSD-3-Clause
"""Compute how well data fit where one or two parameters are held, and the others fitted again.

D. M. Bates and D. G. Watts 1988, Nonlinear Regression Analysis and Its Applications, chapter 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from thalweg._attached import attached
from thalweg._fits.fits import Fits
from thalweg._inference.quantiles import checked_level, fisher
from thalweg._inference.refits import Refits
from thalweg._inference.statistics import spread_scale, variance_dof
from thalweg._objectives.points import FloatArray

__all__ = ["Contour", "Profile", "contour", "profile"]


@dataclass(frozen=True, eq=False)
class Profile:
    """How well data fit along one parameter.

    Attributes
    ----------
    name : str
        The parameter.
    values : ndarray
        Its values (..., n).
    rise : ndarray
        By how much chi squared is larger there than at the fit (..., n), in units of the variance
        of the data. Where it is below 0 there is a better fit. NaN where a fit failed.
    popt : ndarray
        All parameters (..., n, p), those that are not held fitted again.
    estimate : ndarray
        The fitted value (...,).
    dof : ndarray
        The degrees of freedom (...,), infinite if errors are absolute.
    """

    name: str
    values: FloatArray
    rise: FloatArray
    popt: FloatArray
    estimate: FloatArray
    dof: FloatArray

    def limit(self, level: float = 0.95) -> Any:
        """Return the rise (...,) at the ends of the confidence interval of this level."""
        return fisher(checked_level(level), 1, self.dof)[()]

    def plot(self, level: float = 0.95, ax: Any = None) -> Any:
        """Draw the rise with Matplotlib, and the interval of this level. Of one fit only.

        Parameters
        ----------
        level : float
            The probability of the interval.
        ax : matplotlib.axes.Axes, optional
            The axes to draw on; by default those of a new figure.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.
        """
        return attached("Profile.plot")(self, level, ax)


@dataclass(frozen=True, eq=False)
class Contour:
    """How well data fit over the plane of two parameters.

    Attributes
    ----------
    names : tuple of str
        The two parameters.
    x, y : ndarray
        Their values, (..., n) and (..., m).
    rise : ndarray
        By how much chi squared is larger than at the fit (..., m, n), in units of the variance of
        the data. NaN where a fit failed.
    popt : ndarray
        All parameters (..., m, n, p), those that are not held fitted again.
    estimate : ndarray
        The fitted values (..., 2).
    dof : ndarray
        The degrees of freedom (...,), infinite if errors are absolute.
    """

    names: tuple[str, str]
    x: FloatArray
    y: FloatArray
    rise: FloatArray
    popt: FloatArray
    estimate: FloatArray
    dof: FloatArray

    def limit(self, level: float = 0.95) -> Any:
        """Return the rise (...,) at the border of the region of joint confidence of this level."""
        return fisher(checked_level(level), 2, self.dof)[()]

    def plot(self, level: float | Sequence[float] = (0.68, 0.95), ax: Any = None) -> Any:
        """Draw regions of joint confidence with Matplotlib. Of one fit only.

        Parameters
        ----------
        level : float or sequence of float
            The probabilities of the regions.
        ax : matplotlib.axes.Axes, optional
            The axes to draw on; by default those of a new figure.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.
        """
        return attached("Contour.plot")(self, level, ax)


def profile(fits: Fits, name: str, values: Any = None, n: int = 41, reach: float = 4.0) -> Profile:
    """Return the profile of chi squared along a parameter."""
    grid = _Grid(fits, (name,), (values,), n, reach)
    rise, popt = grid.computed()
    values = grid.axes[0].reshape(*rise.shape)
    return Profile(name, values, rise, popt, fits.popt[..., grid.js[0]], grid.free)


def contour(
    fits: Fits, first: str, second: str, values: Any = None, n: int = 31, reach: float = 3.5
) -> Contour:
    """Return chi squared over the plane of two parameters."""
    if values is None:
        values = (None, None)
    elif len(values) != 2:
        raise ValueError(f"values must be a pair of arrays, got {len(values)}")
    grid = _Grid(fits, (first, second), values, n, reach)
    rise, popt = grid.computed()
    x, y = (axis.reshape(*fits.shape, axis.shape[1]) for axis in grid.axes)
    return Contour((first, second), x, y, rise, popt, fits.popt[..., list(grid.js)], grid.free)


class _Grid:
    """Points at which parameters are held, the same number for each fit.

    Attributes
    ----------
    js : tuple of int
        The positions of the parameters.
    axes : list of ndarray
        The values of each (k, n) for k fits.
    free : ndarray
        The degrees of freedom (...,).
    """

    def __init__(
        self, fits: Fits, names: Sequence[str], values: Sequence[Any], n: int, reach: float
    ) -> None:
        self.free = np.broadcast_to(variance_dof(fits), fits.shape)
        self._fits, self._refits = fits, Refits(fits)
        self._size = fits.size
        self.js = tuple(_position(self._refits, name) for name in names)
        if len(set(self.js)) < len(self.js):
            raise ValueError(f"two different parameters are needed, got {names[0]!r} twice")
        if n != int(n) or n < 3:
            raise ValueError(f"n must be a whole number from 3, got {n!r}")
        if not 0 < reach < np.inf:
            raise ValueError(f"reach must be a finite number above 0, got {reach!r}")
        self.axes = [
            self._around(j, int(n), reach) if own is None else self._given(j, own)
            for j, own in zip(self.js, values, strict=True)
        ]

    def _around(self, j: int, n: int, reach: float) -> FloatArray:
        """Return values at up to `reach` standard errors from the estimate, within bounds."""
        refits = self._refits
        value, step = refits.popt[:, j], refits.errors(j)
        low = np.maximum(value - reach * step, refits.lower[:, j])
        high = np.minimum(value + reach * step, refits.upper[:, j])
        found: FloatArray = np.linspace(low, high, n, axis=1)
        return found

    def _given(self, j: int, own: Any) -> FloatArray:
        """Return the caller's values for each fit."""
        name = self._refits.names[j]
        array = np.asarray(own, dtype=np.float64)
        if array.ndim == 0 or not array.size or not np.isfinite(array).all():
            raise ValueError(f"values of {name!r} must be finite and along the last axis")
        try:
            array = np.broadcast_to(array, (*self._fits.shape, array.shape[-1]))
        except ValueError:
            raise ValueError(
                f"values of {name!r} must have shape (n,) or {(*self._fits.shape, 'n')}, "
                f"got {array.shape}"
            ) from None
        array = array.reshape(self._size, array.shape[-1])
        outside = (array < self._refits.lower[:, j, None]) | (
            array > self._refits.upper[:, j, None]
        )
        if outside.any():
            raise ValueError(
                f"values of {name!r} must lie within its bounds, got {array[outside][0]}"
            )
        return array

    def computed(self) -> tuple[FloatArray, FloatArray]:
        """Return the rise (..., *grid) and the parameters (..., *grid, p)."""
        refits = self._refits
        # The first parameter runs along the last axis, as in pictures.
        axes = self.axes[::-1]
        grid = (self._size, *(axis.shape[1] for axis in axes))
        along = [np.broadcast_to(self._on(axis, a), grid) for a, axis in enumerate(axes)]
        values = np.stack(along[::-1], axis=-1)
        which = np.broadcast_to(self._on(np.arange(self._size)), grid)
        cost, popt = self._fitted(which, values, refits.popt[which])
        # Each again from its neighbour that is nearer to the estimate, along each axis: where the
        # valley bends, that start is the better one.
        for a, axis in enumerate(axes):
            nearer = np.broadcast_to(self._on(self._nearer(axis, self.js[::-1][a]), a), grid)
            begin = np.take_along_axis(popt, nearer[..., None], axis=a + 1)
            again, there = self._fitted(which, values, begin)
            better = (again < cost) | np.isnan(cost)
            cost, popt = np.where(better, again, cost), np.where(better[..., None], there, popt)
        unit = np.broadcast_to(spread_scale(self._fits), self._fits.shape).reshape(-1)
        with np.errstate(divide="ignore", invalid="ignore"):
            rise = 2.0 * (cost - self._on(refits.cost)) / self._on(unit)
        whole = self._fits.shape + grid[1:]
        return rise.reshape(whole), popt.reshape(*whole, popt.shape[-1])

    def _on(self, array: npt.NDArray[Any], axis: int | None = None) -> npt.NDArray[Any]:
        """Return numbers of each fit (k,), or along an axis of the grid (k, n), for the grid."""
        shape = [self._size] + [1] * len(self.js)
        if axis is not None:
            shape[axis + 1] = array.shape[1]
        return array.reshape(shape)

    def _nearer(self, axis: FloatArray, j: int) -> npt.NDArray[np.intp]:
        """Return the place (k, n) of each value's neighbour on the side of the estimate."""
        far = axis - self._refits.popt[:, j, None]
        order = np.argsort(axis, axis=1, kind="stable")
        rank = np.argsort(order, axis=1, kind="stable")
        there = np.clip(rank - np.sign(far).astype(np.intp), 0, axis.shape[1] - 1)
        return np.take_along_axis(order, there, axis=1)

    def _fitted(
        self, which: Any, values: FloatArray, points: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Fit at all points of the grid, in lanes."""
        refits, p = self._refits, len(self._refits.names)
        lanes, held = which.reshape(-1), values.reshape(-1, len(self.js))
        starts = refits.along(self.js, lanes, points.reshape(-1, p), held)
        cost, popt = refits.held(self.js, lanes, held, starts)
        return cost.reshape(which.shape), popt.reshape(*which.shape, p)


def _position(refits: Refits, name: str) -> int:
    """Return the position of a parameter that was fitted."""
    if name not in refits.names:
        raise ValueError(f"there is no parameter {name!r}, only {', '.join(refits.names)}")
    j = refits.names.index(name)
    if j not in refits.free:
        raise ValueError(f"{name!r} was not fitted: it was fixed or tied")
    return j
