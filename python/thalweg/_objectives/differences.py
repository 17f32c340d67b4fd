# SPDX-License-Identifier: BSD-3-Clause
"""Approximate derivatives of functions that cannot be traced by central differences."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from thalweg._objectives.points import FloatArray

__all__ = ["central_differences"]

# The step at which truncation (h**2) and rounding (eps / h) meet.
_STEP = float(np.finfo(np.float64).eps) ** (1 / 3)


def central_differences(
    function: Callable[[FloatArray], Any], x: FloatArray, box: list[FloatArray]
) -> Iterator[Any]:
    """Yield the derivative of a function at x (n,) with respect to each variable in turn.

    The function is never called outside the box: near a bound, the difference is one-sided.
    """
    for i in range(x.size):
        h = _STEP * max(1.0, abs(x[i]))
        high, low = x.copy(), x.copy()
        high[i] += h
        low[i] -= h
        if box:
            high[i], low[i] = min(high[i], box[1][i]), max(low[i], box[0][i])
        width = high[i] - low[i]
        change = function(high) - function(low)
        yield change / width if width > 0 else 0.0
