# SPDX-License-Identifier: BSD-3-Clause
"""Whether a small gradient is that of a minimum near by, where a descent began with none larger."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from thalweg._objectives.points import FloatArray

__all__ = ["backed"]

# Of a variable: the step that shows the curvature, and how near the minimum must be.
_STEP, _NEAR = 1e-8, 1e-6


def backed(
    gradients: Callable[[FloatArray], FloatArray], x: FloatArray, slopes: FloatArray, start: Any
) -> npt.NDArray[np.bool_]:
    """Tell of points (k, n) whether their slopes bend to zero near by, in units of the variables.

    Parameters
    ----------
    gradients : callable
        Gradients (k, n) at points (k, n); called once.
    x, slopes : ndarray, (k, n)
        The points and the gradients there.
    start : ndarray, (k, n)
        Where the descents began: a variable is measured by its size, or by how far it came.

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
