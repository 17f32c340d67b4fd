# SPDX-License-Identifier: BSD-3-Clause
"""Compute confidence intervals of parameters, by the profile of the likelihood or from the errors.

The profile: D. M. Bates and D. G. Watts 1988, Nonlinear Regression Analysis and Its Applications,
section 6.1; F. James 1980, Comput. Phys. Commun. 20, 29-35 (MINOS).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from thalweg._fits.fits import Fits
from thalweg._inference.quantiles import checked_level, fisher, student
from thalweg._inference.refits import Refits
from thalweg._inference.statistics import spread_scale, variance_dof
from thalweg._objectives.points import FloatArray

__all__ = ["End", "Interval", "interval"]

_METHODS = ("profile", "wald")
_CLOSE = 1e-6  # of the root of the profile, relative
_ROUNDS = 60
_FAR = 1e4  # a profile that is still low at so many errors is open


class End(IntEnum):
    """Why an interval ends where it does."""

    found = 0
    open = 1  # the profile never rises to the level: the end is infinite
    at_bound = 2  # the profile is still lower at the bound of the parameter
    not_fitted = 3  # a fixed or tied parameter, or a fit without a result
    failed = 4  # the fits with the parameter held did not converge

    def __str__(self) -> str:
        return self.name


class Interval(NamedTuple):
    """Confidence intervals of the parameters.

    Attributes
    ----------
    lower, upper : ndarray
        The ends (..., p).
    ends : ndarray of int8
        Why each end is where it is (..., p, 2), as values of `End`.
    """

    lower: FloatArray
    upper: FloatArray
    ends: npt.NDArray[np.int8]


def interval(fits: Fits, level: float = 0.95, method: str = "profile") -> Interval:
    """Return the confidence intervals of all parameters."""
    level = checked_level(level)
    if method not in _METHODS:
        raise ValueError(f"method must be one of {_METHODS}, got {method!r}")
    free = variance_dof(fits)
    if method == "wald":
        half = np.asarray(student(level, free))[..., None] * fits.perr
        ends = np.where(np.isinf(half), End.open, End.found)
        ends = np.where(np.isnan(half), End.not_fitted, ends)
        return Interval(fits.popt - half, fits.popt + half, np.stack([ends, ends], -1).astype("i1"))
    shape, p = fits.popt.shape, len(fits.names)
    goal = np.broadcast_to(np.sqrt(fisher(level, 1, free)), fits.shape).reshape(-1)
    unit = np.broadcast_to(spread_scale(fits), fits.shape).reshape(-1)
    refits = Refits(fits)
    lower, upper = np.full((2, fits.size, p), np.nan)
    ends = np.full((fits.size, p, 2), End.not_fitted, dtype=np.int8)
    (begun,) = np.nonzero(np.isfinite(refits.cost) & np.isfinite(goal) & (unit > 0))
    for j in refits.free:
        for side, out in ((0, lower), (1, upper)):
            search = _Search.of(refits, j, 2 * side - 1, begun, goal[begun], unit[begun])
            search.run()
            out[begun, j], ends[begun, j, side] = search.ends()
    for j in set(range(p)) - set(refits.free):
        same = refits.pcov[:, j, j] == 0  # fixed
        lower[same, j] = upper[same, j] = refits.popt[same, j]
    return Interval(lower.reshape(shape), upper.reshape(shape), ends.reshape(*shape, 2))


@dataclass
class _Search:
    """The search for one end of one parameter in many fits, a bracket for each.

    A profile z(t) is the root of the rise of twice the cost, in units of the variance, at a
    distance of t standard errors. It is nearly z = t, so it is interpolated linearly.
    """

    refits: Refits
    j: int
    sign: int
    which: npt.NDArray[np.intp]
    goal: FloatArray
    unit: FloatArray
    step: FloatArray  # the standard error
    most: FloatArray  # t at the bound
    low: FloatArray  # t and z below the goal, and above
    low_z: FloatArray
    high: FloatArray
    high_z: FloatArray
    t: FloatArray
    points: FloatArray  # the parameters at the latest point below the goal
    end: npt.NDArray[np.int8]
    same: npt.NDArray[np.int64]  # how often in a row the same end of the bracket moved

    @classmethod
    def of(
        cls, refits: Refits, j: int, sign: int, which: Any, goal: FloatArray, unit: FloatArray
    ) -> _Search:
        """Begin at the end that the standard errors give."""
        k = which.size
        value, step = refits.popt[which, j], refits.errors(j)[which]
        bound = (refits.upper if sign > 0 else refits.lower)[which, j]
        most = np.maximum(sign * (bound - value) / step, 0.0)
        zero = np.zeros(k)
        return cls(
            refits, j, sign, which, goal, unit, step, most, zero.copy(), zero.copy(),
            np.full(k, np.inf), np.full(k, np.inf), np.minimum(goal, most), refits.popt[which],
            np.full(k, -1, dtype=np.int8), np.zeros(k, dtype=np.int64),
        )  # fmt: skip

    def run(self) -> None:
        """Search until each end is found, or is known to be nowhere."""
        self.end[self.most == 0.0] = End.at_bound
        for _ in range(_ROUNDS):
            (live,) = np.nonzero(self.end < 0)
            if not live.size:
                return
            self._measure(live)
            self._propose(live[self.end[live] < 0])
        self.end[self.end < 0] = End.failed

    def _measure(self, live: npt.NDArray[np.intp]) -> None:
        """Compute the profile at the proposed points, and narrow the brackets."""
        which, t = self.which[live], self.t[live]
        values = self._value(live, t)
        starts = self.refits.along((self.j,), which, self.points[live], values[:, None])
        cost, popt = self.refits.held((self.j,), which, values[:, None], starts)
        rise = 2.0 * (cost - self.refits.cost[which]) / self.unit[live]
        z = np.sqrt(np.maximum(rise, 0.0))
        z = np.where(np.isnan(rise), np.inf, z)
        goal = self.goal[live]
        below = z < goal
        self.same[live] = np.where(
            below, np.maximum(self.same[live], 0) + 1, np.minimum(self.same[live], 0) - 1
        )
        at = live[below]
        self.low[at], self.low_z[at], self.points[at] = t[below], z[below], popt[below]
        at = live[~below]
        self.high[at], self.high_z[at] = t[~below], z[~below]
        narrow = self.high[live] <= (1 + _CLOSE) * self.low[live]
        known = np.isfinite(self.high_z[live])
        done = (np.abs(z - goal) <= _CLOSE * goal) | (narrow & known)
        self.end[live[done]] = End.found
        self.low[live[done & ~below]] = t[done & ~below]  # the end is read from `low`
        self.end[live[narrow & ~known & ~done]] = End.failed
        self.end[live[below & ~done & (t >= self.most[live])]] = End.at_bound
        self.end[live[below & ~done & (t > _FAR)]] = End.open

    def _value(self, live: npt.NDArray[np.intp], t: FloatArray) -> FloatArray:
        which = self.which[live]
        value = self.refits.popt[which, self.j] + self.sign * t * self.step[live]
        lower, upper = self.refits.lower[which, self.j], self.refits.upper[which, self.j]
        clipped: FloatArray = np.clip(value, lower, upper)
        return clipped

    def _propose(self, live: npt.NDArray[np.intp]) -> None:
        """Choose the next points: further out until there is a bracket, then within it."""
        low, high, goal = self.low[live], self.high[live], self.goal[live]
        low_z, high_z = self.low_z[live], self.high_z[live]
        with np.errstate(divide="ignore", invalid="ignore"):
            further = np.clip(low * goal / low_z, 1.2 * low, 8.0 * np.maximum(low, goal / 8))
            further = np.where(np.isfinite(further), further, 8.0 * np.maximum(low, goal))
            inside = low + (goal - low_z) * (high - low) / (high_z - low_z)
        width = np.where(np.isfinite(high), high - low, 0.0)
        inside = np.where(np.isfinite(high_z), inside, 0.5 * (low + high))
        # Where one end of the bracket stays, the curve is not straight: halve.
        stiff = np.abs(self.same[live]) >= 3
        inside = np.where(stiff, low + 0.5 * width, inside)
        inside = np.clip(inside, low + 1e-3 * width, high - 1e-3 * width)
        t = np.where(np.isfinite(high), inside, further)
        self.t[live] = np.minimum(t, self.most[live])

    def ends(self) -> tuple[FloatArray, npt.NDArray[np.int8]]:
        """Return the ends, and why they are there."""
        every = np.arange(self.which.size)
        value = self._value(every, self.low)
        bound = (self.refits.upper if self.sign > 0 else self.refits.lower)[self.which, self.j]
        value = np.where(self.end == End.at_bound, bound, value)
        value = np.where(self.end == End.open, self.sign * np.inf, value)
        return np.where(self.end == End.failed, np.nan, value), self.end
