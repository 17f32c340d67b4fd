# SPDX-License-Identifier: BSD-3-Clause
"""Read predictors for guesses: one row for all data sets, or a row for each."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from thalweg._fits.chunks import LeadingRows, as_numbers, filled

__all__ = ["Predictors", "in_pieces"]

FloatArray = npt.NDArray[np.float64]

# The number of data that are guessed together: arrays of 1 MB stay in the cache, and NumPy's calls
# cost little beside them.
_PIECE = 1 << 17


def in_pieces(part: Callable[[int, int], FloatArray], k: int, m: int, threads: int) -> FloatArray:
    """Compute ``part(a, b)`` for data sets from a to b at a time, and join the results.

    NumPy releases the interpreter's lock in its loops, so threads share the work.
    """
    size = max(_PIECE // m, 1)
    firsts = range(0, k, size)
    ends = [min(a + size, k) for a in firsts]
    if threads == 1 or len(firsts) < 2:
        return np.concatenate(
            [part(a, b) for a, b in zip(firsts, ends, strict=True)] or [part(0, 0)]
        )
    with ThreadPoolExecutor(min(threads, len(firsts))) as pool:
        return np.concatenate(list(pool.map(part, firsts, ends)))


class Predictors:
    """The predictors of many data sets.

    Parameters
    ----------
    x : array_like or tuple of array_like
        The predictor, (m,) for all data sets or (*lead, m). A tuple holds several of this kind;
        any other two-dimensional array is (n, m), n predictors, as in SciPy.
    lead : tuple of int
        The leading axes of the data.
    m : int
        The length of a data set.

    Raises
    ------
    ValueError
        If a predictor has another shape.
    """

    def __init__(self, x: Any, lead: tuple[int, ...], m: int) -> None:
        self._several = isinstance(x, tuple) and any(np.ndim(part) for part in x)
        parts = list(x) if self._several else [x]
        if not self._several and np.ndim(x) == 2 and np.shape(x) != (*lead, m):
            self._several, parts = True, list(x)
        self._parts: list[FloatArray | LeadingRows] = []
        for i, part in enumerate(as_numbers(each, "x") for each in parts):
            if part.shape == (m,):
                self._parts.append(filled(part).reshape(1, m))
            elif part.shape == (*lead, m):
                self._parts.append(LeadingRows(part, lead))
            else:
                wanted = f"({m},)" + (f" or {(*lead, m)}" if lead else "")
                which = f"x[{i}]" if self._several else "x"
                raise ValueError(f"{which} must have shape {wanted}, got {part.shape}")

    @property
    def differ(self) -> bool:
        """Whether data sets have predictors of their own."""
        return any(isinstance(part, LeadingRows) for part in self._parts)

    def read(self, a: int, b: int) -> Any:
        """Return the predictors of the data sets from a to b, each (1, m) or (b - a, m)."""
        parts = [p.read(a, b) if isinstance(p, LeadingRows) else p for p in self._parts]
        return tuple(parts) if self._several else parts[0]
