# SPDX-License-Identifier: BSD-3-Clause
"""Check whether a gradient that was small from the start belongs to a nearby minimum."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from thalweg._objectives.points import FloatArray

__all__ = ["backed"]

# Relative to each variable: the step that measures curvature, and how near the minimum must be.
_STEP, _NEAR = 1e-8, 1e-6


def backed(
    gradients: Callable[[FloatArray], FloatArray], x: FloatArray, slopes: FloatArray, start: Any
) -> npt.NDArray[np.bool_]:
    """Tell for each point (k, n) whether curvature brings its gradient to zero nearby.

    Parameters
    ----------
    gradients : callable
        Returns the gradients (k, n) at points (k, n). It is called once.
    x, slopes : ndarray, (k, n)
        The points and the gradients there.
    start : ndarray, (k, n)
        Where the descents began. The unit of a variable is the larger of its absolute value and the
        distance it has moved.

    Returns
    -------
    ndarray of bool, (k,)
        Whether the secant along the gradient puts the minimum within 1e-6 of each variable.
    """
    units = np.maximum(np.abs(x), np.abs(x - start))
    known = (units > 0).all(axis=1)
    with np.errstate(all="ignore"):
        down = -slopes * units
        down /= np.max(np.abs(down), axis=1, keepdims=True)
        there = gradients(np.ascontiguousarray(x + _STEP * down * units)) * units
        bend = 1 - np.sum(there * down, axis=1) / np.sum(slopes * units * down, axis=1)
        found: npt.NDArray[np.bool_] = known & (_NEAR * bend >= _STEP)
    return found
