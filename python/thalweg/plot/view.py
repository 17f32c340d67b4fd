# SPDX-License-Identifier: BSD-3-Clause
"""What of a function and a descent to show: limits, contour levels, points, the legend's corner.

Numbers alone; its neighbours draw.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Corner = Literal["upper left", "upper right", "lower left", "lower right"]
CORNERS: tuple[Corner, ...] = ("upper left", "upper right", "lower left", "lower right")

DRAWN = 2000  # points of a path beyond which lines only grow slower to draw
LEVELS = 25


class Trail(NamedTuple):
    """A descent as numbers: its points (k, n), their values (k,), the best and the last (n,)."""

    points: FloatArray
    fun: FloatArray
    best: FloatArray
    best_fun: float
    last: FloatArray
    last_fun: float

    @property
    def start(self) -> FloatArray | None:
        """Where it began; None where the path is not known."""
        return self.points[0] if len(self.points) > 1 else None


def window(path: FloatArray, best: FloatArray) -> FloatArray:
    """Limits (n, 2) about a path; points that fly far off are left outside."""
    finite = path[np.isfinite(path).all(axis=1)]
    points = np.vstack([finite, best[None]]) if np.isfinite(best).all() else finite
    if not len(points):
        return np.tile([-1.0, 1.0], (path.shape[1], 1))
    center = best if np.isfinite(best).all() else points[0]
    with np.errstate(over="ignore"):
        far = np.abs(points - center)
        # The distances of the start and of the first step say how large the picture is.
        reach = 3 * np.max(far[:2], axis=0)
        scale = np.where(reach > 0, reach, np.inf)
        near = points[np.all(far <= scale, axis=1)]
    low, high = np.min(near, axis=0), np.max(near, axis=0)
    span = high - low
    least = 1e-6 * np.maximum(np.abs(low), np.abs(high))  # no resolution below
    span = np.where(span > least, span, np.where(center != 0, np.abs(center), 1.0))
    # No side much shorter than the longest: a straight path still shows what lies beside it.
    if len(span) == 2 and span.max() < 50 * span.min():
        span = np.maximum(span, 0.75 * span.max())
    middle = (low + high) / 2
    return np.stack([middle - 0.75 * span, middle + 0.75 * span], axis=1)


def limits_of(box: Any, count: int, trails: Sequence[Trail]) -> FloatArray:
    """Limits (n, 2): those given, checked, or about the paths."""
    if box is None:
        if not trails:
            raise ValueError("a picture needs a box, (low, high) for each variable, or a result")
        windows = np.stack([window(t.points, t.best) for t in trails])
        return np.stack([windows[:, :, 0].min(axis=0), windows[:, :, 1].max(axis=0)], axis=1)
    limits = np.asarray(list(box.values()) if isinstance(box, dict) else box, dtype=np.float64)
    if limits.shape == (2,) and count == 1:
        limits = limits[None]
    if limits.shape != (count, 2):
        raise ValueError(f"box must have shape ({count}, 2): a pair each; got {limits.shape}")
    if not (np.isfinite(limits).all() and (limits[:, 0] < limits[:, 1]).all()):
        raise ValueError(f"box must hold finite pairs (low, high), got {limits.tolist()}")
    return limits


def thinned(points: FloatArray) -> FloatArray:
    """At most about 2,000 of them: the first hundred, then evenly, and the last."""
    if len(points) <= DRAWN:
        return points
    later = np.linspace(100, len(points) - 1, DRAWN - 100).astype(int)
    return np.concatenate([points[:100], points[later]])


def free_corner(points: FloatArray, limits: FloatArray) -> Corner:
    """The corner where a legend hides the fewest points; the ends, drawn large, count more."""
    with np.errstate(all="ignore"):
        at = (points - limits[:, 0]) / (limits[:, 1] - limits[:, 0])
    weight = np.ones(len(at))
    weight[[0, -1]] = len(at)
    hidden: dict[Corner, float] = {}
    for corner in CORNERS:
        x = at[:, 0] if "left" in corner else 1 - at[:, 0]
        y = at[:, 1] if "lower" in corner else 1 - at[:, 1]
        hidden[corner] = float(weight[(x < 0.4) & (y < 0.3)].sum())  # a legend's size, and some
    return min(hidden, key=lambda corner: hidden[corner])


def heights(
    curve: FloatArray, points: FloatArray, typical: float | None = None
) -> tuple[float, float]:
    """Limits that show the curve and every point, and cut what shoots up at a pole.

    `typical`: which part of the curve is to be seen for sure; half beside points, else more.
    """
    if typical is None:
        typical = 0.5 if len(points) else 0.9
    curve = curve[np.isfinite(curve)]
    every = np.concatenate([curve, points])
    if not len(every):
        return -1.0, 1.0
    bottom, top = float(every.min()), float(every.max())
    if len(curve):
        # A pole below: the lowest tenth of the curve is deeper than all else is high.
        low = float(min(np.quantile(curve, 0.1), points.min(initial=np.inf)))
        if low - bottom > 3 * (top - low) > 0:
            bottom = low
        # A pole above: beyond the points there is room for one and a half times their height.
        high = float(max(points.max(initial=bottom), np.quantile(curve, typical)))
        if high > bottom:
            top = max(high, min(top, bottom + 2.5 * (high - bottom)))
    pad = 0.06 * (top - bottom) or 0.5 * max(abs(top), 1.0)
    return bottom - pad, top + pad


def levels_of(z: FloatArray, count: int = LEVELS) -> FloatArray:
    """Contour levels: even, or denser towards the minimum where the function is steep far off."""
    from matplotlib.ticker import MaxNLocator

    z = np.clip(z, -1e200, 1e200)  # matplotlib's own outermost levels are 1e250
    low, high = float(np.min(z)), float(np.max(z))
    rise = high - low
    if not rise > 1e-12 * max(abs(low), abs(high)):
        return np.asarray([low])
    if float(np.median(z)) - low < 0.15 * rise:
        first = max(float(np.quantile(z, 0.005)) - low, 1e-6 * rise)
        return np.asarray(low + np.geomspace(first, rise, count))
    return np.asarray(MaxNLocator(count).tick_values(low, high))
