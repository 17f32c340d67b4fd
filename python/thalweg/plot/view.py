# SPDX-License-Identifier: BSD-3-Clause
"""Choose what a picture shows: limits, contour levels, points, and the corner of the legend.

This module only computes numbers; other modules draw.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Corner = Literal["upper left", "upper right", "lower left", "lower right"]
CORNERS: tuple[Corner, ...] = ("upper left", "upper right", "lower left", "lower right")

_AT_REST = 0.02  # the star hides steps shorter than this share of the path's extent
DRAWN = 2000  # a line with more points than this looks the same but takes longer to draw
LEVELS = 25


class Trail(NamedTuple):
    """A descent as numbers: its points (k, n), values (k,), best point and last point (n,)."""

    points: FloatArray
    fun: FloatArray
    best: FloatArray
    best_fun: float
    last: FloatArray
    last_fun: float
    success: bool = False

    @property
    def settled(self) -> bool:
        """Return whether the descent settled at its best point, so that a star may mark it.

        A descent has settled if it converged, or if its last steps are too short to be seen. One
        that oscillates, diverges or left the domain also has a best point, but not a minimum.
        """
        if self.success:
            return True
        if not np.isfinite(self.last_fun):
            return False
        before = self.points[-2] if len(self.points) > 1 else self.best
        with np.errstate(all="ignore"):
            lengths = np.abs(np.stack([self.best - self.last, before - self.last]))
            whole = np.nanmax(np.abs(self.points - self.last), axis=0)
        whole = np.maximum(whole, np.abs(self.last)) if len(self.points) == 1 else whole
        return bool(np.all(lengths <= _AT_REST * whole.max()))

    @property
    def end(self) -> tuple[FloatArray, float]:
        """Return the point to mark as the end, and its value.

        This is the best point if the descent settled there, and otherwise the last point with a
        finite value.
        """
        finite = np.flatnonzero(np.isfinite(self.fun))
        if self.settled or not len(finite):
            return self.best, self.best_fun
        return self.points[finite[-1]], float(self.fun[finite[-1]])

    @property
    def start(self) -> FloatArray | None:
        """Return the first point, or None if the path was not recorded."""
        return self.points[0] if len(self.points) > 1 else None


def window(path: FloatArray, best: FloatArray) -> FloatArray:
    """Return limits (n, 2) around a path, which leave out points that are very far away."""
    finite = path[np.isfinite(path).all(axis=1)]
    points = np.vstack([finite, best[None]]) if np.isfinite(best).all() else finite
    if not len(points):
        return np.tile([-1.0, 1.0], (path.shape[1], 1))
    center = best if np.isfinite(best).all() else points[0]
    with np.errstate(over="ignore"):
        far = np.abs(points - center)
        # The distances of the first two points from the best one set the size of the picture.
        reach = 3 * np.max(far[:2], axis=0)
        scale = np.where(reach > 0, reach, np.inf)
        near = points[np.all(far <= scale, axis=1)]
    low, high = np.min(near, axis=0), np.max(near, axis=0)
    span = high - low
    least = 1e-6 * np.maximum(np.abs(low), np.abs(high))  # no resolution below
    span = np.where(span > least, span, np.where(center != 0, np.abs(center), 1.0))
    # No side is much shorter than the other, so that a straight path also shows what is beside it.
    if len(span) == 2 and span.max() < 50 * span.min():
        span = np.maximum(span, 0.75 * span.max())
    middle = (low + high) / 2
    return np.stack([middle - 0.75 * span, middle + 0.75 * span], axis=1)


def limits_of(box: Any, count: int, trails: Sequence[Trail]) -> FloatArray:
    """Check the given limits (n, 2), or else choose limits around the paths."""
    if box is None:
        if not trails:
            raise ValueError("a picture needs bounds, (low, high) for each variable, or a result")
        windows = np.stack([window(t.points, t.best) for t in trails])
        return np.stack([windows[:, :, 0].min(axis=0), windows[:, :, 1].max(axis=0)], axis=1)
    limits = np.asarray(list(box.values()) if isinstance(box, dict) else box, dtype=np.float64)
    if limits.shape == (2,) and count == 1:
        limits = limits[None]
    if limits.shape != (count, 2):
        raise ValueError(f"bounds must have shape ({count}, 2), got {limits.shape}")
    if not (np.isfinite(limits).all() and (limits[:, 0] < limits[:, 1]).all()):
        raise ValueError(
            f"bounds must be finite pairs (low, high) with low < high, got {limits.tolist()}"
        )
    return limits


def thinned(points: FloatArray) -> FloatArray:
    """Return at most 2,000 of the points: the first 100, and evenly spaced ones up to the last."""
    if len(points) <= DRAWN:
        return points
    later = np.linspace(100, len(points) - 1, DRAWN - 100).astype(int)
    return np.concatenate([points[:100], points[later]])


def free_corner(
    points: Sequence[FloatArray],
    limits: FloatArray,
    size: tuple[float, float] = (0.4, 0.3),
    low: FloatArray | None = None,
) -> Corner:
    """Return the corner where a legend hides the least.

    Parameters
    ----------
    points : sequence of ndarray
        The paths, each (k, 2).
    limits : ndarray
        The limits of the picture, (2, 2).
    size : tuple of float
        The width and height of the legend, as fractions of the picture's.
    low : ndarray, optional
        Points (k, 2) where the function is low, which should stay visible.
    """

    def share(at: FloatArray, corner: Corner) -> float:
        with np.errstate(all="ignore"):
            at = (at - limits[:, 0]) / (limits[:, 1] - limits[:, 0])
        x = at[:, 0] if "left" in corner else 1 - at[:, 0]
        y = at[:, 1] if "lower" in corner else 1 - at[:, 1]
        hidden = (x > -0.02) & (x < size[0]) & (y > -0.02) & (y < size[1])
        return float(hidden.mean()) if len(at) else 0.0

    cost: dict[Corner, float] = {}
    for corner in CORNERS:
        # Hiding an end of a path costs more than hiding its points, and hiding a valley costs less.
        cost[corner] = sum(
            8 * share(path[[0, -1]], corner) + 2 * share(_filled_in(path), corner)
            for path in points
        )
        if low is not None:
            cost[corner] += share(low, corner)
    return min(cost, key=lambda corner: cost[corner])


def _filled_in(path: FloatArray, between: int = 16) -> FloatArray:
    """Return the points of a path, and `between` - 1 points along each of its steps."""
    if len(path) < 2:
        return path
    path = thinned(path)
    t = np.linspace(0, 1, between, endpoint=False)[:, None, None]
    with np.errstate(all="ignore"):
        steps: FloatArray = path[:-1] + t * (path[1:] - path[:-1])
    return np.concatenate([steps.reshape(-1, path.shape[1]), path[-1:]])


def heights(
    curve: FloatArray, points: FloatArray, typical: float | None = None
) -> tuple[float, float]:
    """Return limits that show the curve and all points, but cut the curve off near a pole.

    `typical` is the fraction of the curve that must be visible. It is 0.5 by default if there are
    points, and 0.9 otherwise.
    """
    if typical is None:
        typical = 0.5 if len(points) else 0.9
    curve = curve[np.isfinite(curve)]
    every = np.concatenate([curve, points])
    if not len(every):
        return -1.0, 1.0
    bottom, top = float(every.min()), float(every.max())
    if len(curve):
        # There is a pole below if the lowest tenth of the curve spans more than three times the
        # height of the rest.
        low = float(min(np.quantile(curve, 0.1), points.min(initial=np.inf)))
        if low - bottom > 3 * (top - low) > 0:
            bottom = low
        # Near a pole above, the picture extends one and a half times the height of the rest.
        high = float(max(points.max(initial=bottom), np.quantile(curve, typical)))
        if high > bottom:
            top = max(high, min(top, bottom + 2.5 * (high - bottom)))
    pad = 0.06 * (top - bottom) or 0.5 * max(abs(top), 1.0)
    return bottom - pad, top + pad


def levels_of(z: FloatArray, count: int = LEVELS) -> FloatArray:
    """Return contour levels that are round numbers.

    The levels are evenly spaced, or denser near the minimum if the function is steep far from it.
    """
    from matplotlib.ticker import MaxNLocator

    z = np.clip(z, -1e200, 1e200)  # Matplotlib's own outermost levels are 1e250
    low, high = float(np.min(z)), float(np.max(z))
    rise = high - low
    if not rise > 1e-12 * max(abs(low), abs(high)):
        return np.asarray([low])
    if float(np.median(z)) - low < 0.15 * rise:
        first = max(float(np.quantile(z, 0.005)) - low, 1e-6 * rise)
        levels = _steep(low, first, rise, count)
        if len(levels) > 3:
            return levels
    return np.asarray(MaxNLocator(count, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high))


# Ways to divide a decade, from coarse to fine: (level, distance to the next level).
_DECADES = (
    ((1.0, 9.0),),
    ((1.0, 2.0), (3.0, 7.0)),
    ((1.0, 1.0), (2.0, 3.0), (5.0, 5.0)),
    ((1.0, 0.5), (1.5, 0.5), (2.0, 1.0), (3.0, 2.0), (5.0, 2.0), (7.0, 3.0)),
    (
        (1.0, 0.25), (1.25, 0.25), (1.5, 0.5), (2.0, 0.5), (2.5, 0.5), (3.0, 1.0), (4.0, 1.0),
        (5.0, 1.0), (6.0, 2.0), (8.0, 2.0),
    ),
)  # fmt: skip


def _steep(low: float, first: float, rise: float, count: int) -> FloatArray:
    """Return round levels from low + first to low + rise, whose distances grow with the height."""
    powers = np.arange(math.floor(math.log10(first)), math.ceil(math.log10(rise)) + 1)
    found = np.empty(0)
    for decade in _DECADES:
        parts = np.multiply.outer(10.0**powers, np.asarray(decade)).reshape(-1, 2)
        parts = parts[(parts[:, 0] >= 0.9 * first) & (parts[:, 0] <= rise)]
        # A level is a multiple of the distance to the next one, so it has few digits for any `low`.
        distance = np.minimum(parts[:, 1], parts[:, 0])
        levels = rounded(np.ceil(low / distance - 1e-9) * distance + parts[:, 0], distance)
        levels = np.unique(levels[(levels > low) & (levels <= low + rise)])
        if len(found) and len(levels) > 1.2 * count:
            break
        found = levels
    return found


def rounded(values: FloatArray, step: FloatArray | float) -> FloatArray:
    """Round values to a millionth of a step, which removes rounding errors."""
    digits = 6 - np.floor(np.log10(np.broadcast_to(step, np.shape(values)))).astype(int)
    clean = [round(float(v), int(d)) for v, d in zip(values, digits, strict=True)]
    return np.asarray(clean, dtype=np.float64)


def ticks_of(levels: FloatArray, most: int = 9) -> FloatArray:
    """Choose levels to label on a colour bar: those with the fewest digits, well apart."""
    if len(levels) <= most:
        return levels
    steps = np.diff(levels)
    if np.ptp(steps) < 1e-6 * steps[0]:
        for every in (2, 4, 5, 10):
            number = np.round(levels / steps[0]).astype(np.int64)
            if np.sum(number % every == 0) <= most and _digits(every * steps[0])[0] == 1:
                return np.asarray(levels[number % every == 0])
    apart = max(2, math.ceil(len(levels) / most))
    kept: list[int] = []
    for k in sorted(range(len(levels)), key=lambda k: _digits(float(levels[k]))):
        if all(abs(k - other) >= apart for other in kept):
            kept.append(k)
    return np.asarray(levels[sorted(kept)])


def _digits(value: float) -> tuple[int, int]:
    """Return the number of significant digits, and a rank of the first: 1, 5, 2, 3, then others."""
    mantissa = f"{abs(value):.10e}".split("e")[0].replace(".", "").rstrip("0") or "0"
    return len(mantissa), "1523".find(mantissa[0]) % 9
