# SPDX-License-Identifier: BSD-3-Clause
"""Whether a point is a local minimum: values, slopes and curvature with 90 digits."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from mpmath import mp, mpf
from precise import Precise

import thalweg as tw

FloatArray = npt.NDArray[np.float64]

BITS = 300
NEAR = mpf(2) ** -90  # central differences: 1e-54 of truncation, 1e-63 of rounding
SLOPES = 100  # that many slopes are computed; of more variables, those of 20
MOST_CONDITION = 1e13  # smaller eigenvalues are the rounding of the double Hessian


@dataclass(frozen=True)
class Bottom:
    """What is around a point, in the variables that bounds do not hold.

    Attributes
    ----------
    value : float
    fall : float
        By how much a Newton step, or half of one, would lower the value, or its model promises.
    curvature : float
        The least along an eigenvector of the Hessian whose diagonal was scaled to one.
    within : bool
        Whether the point is within the bounds.
    """

    value: float
    fall: float
    curvature: float
    within: bool


class Exact:
    """A function of numbers with 90 digits, moved from a point."""

    def __init__(self, function: Callable[[Any], Any], x: FloatArray) -> None:
        self.function, self.x = function, [mpf(float(v)) for v in x]

    def __call__(self, step: Any) -> Any:
        moved = np.array([a + s for a, s in zip(self.x, step, strict=True)], dtype=object)
        value = self.function(Precise(moved))
        return value.items.item() if isinstance(value, Precise) else mpf(value)

    def slope(self, k: int) -> float:
        step = [mpf(0)] * len(self.x)
        step[k] = NEAR
        return float((self(step) - self([-s for s in step])) / (2 * NEAR))

    def curvature(self, v: FloatArray) -> float:
        step = [NEAR * mpf(float(a)) for a in v]
        still = self([0] * len(step))
        return float((self(step) + self([-s for s in step]) - 2 * still) / NEAR**2)

    def fall(self, step: FloatArray) -> float:
        still = self([0] * len(step))
        return max(
            float(still - self([t * mpf(float(s)) for s in step])) for t in (mpf(1), mpf(1) / 2)
        )


def bottom(
    function: Callable[[Any], Any], x: FloatArray, bounds: tuple[Any, Any] | None = None
) -> Bottom:
    """Examine x. The Hessian's eigenvectors are in double precision; all else has 90 digits."""
    n = x.size
    lower, upper = (np.broadcast_to(b, n) for b in bounds or (-np.inf, np.inf))
    objective = tw.objective(function, x, unpack=False)
    with mp.workprec(BITS):
        exact = Exact(function, x)
        g = np.array(objective.grad(x), dtype=np.float64)
        few = np.random.default_rng(0).choice(n, 20, replace=False) if n > SLOPES else range(n)
        for k in few:
            g[k] = exact.slope(k)
        free = ~(((x <= lower) & (g > 0)) | ((x >= upper) & (g < 0)))
        value, within = float(exact([0] * n)), bool(np.all((x >= lower) & (x <= upper)))
        if not free.any():
            return Bottom(value, 0.0, 0.0, within)
        hessian = np.asarray(objective.hessian(x))[np.ix_(free, free)]
        unit = np.sqrt(np.abs(np.diag(hessian)))
        unit[unit == 0] = 1.0
        bends, along = np.linalg.eigh(hessian / unit[:, None] / unit)
        size = np.abs(bends)
        size = np.maximum(size, max(size.max() / MOST_CONDITION, 1e-300))
        slopes = along.T @ (g[free] / unit)
        step, least = np.zeros(n), np.zeros(n)
        step[free], least[free] = -(along @ (slopes / size)) / unit, along[:, 0] / unit
        step = np.clip(x + step, lower, upper) - x
        fall = max(float(np.sum(slopes**2 / size)) / 2, exact.fall(step))
        return Bottom(value, fall, exact.curvature(least), within)
