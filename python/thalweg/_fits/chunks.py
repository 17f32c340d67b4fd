# SPDX-License-Identifier: BSD-3-Clause
"""Reads and writes arrays with leading axes in chunks of rows.

Memory-mapped files, other types than doubles and axes in any order are never converted whole.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from thalweg._tracing.numbers import FloatArray, as_array

__all__ = ["CHUNK", "LeadingRows", "as_numbers", "filled", "rows_in_chunk"]

# About how many bytes of data a chunk holds: so many that its last, slow fits cost little.
CHUNK = 64e6


def rows_in_chunk(numbers: int) -> int:
    """How many rows of so many doubles fit in a chunk; at least one."""
    return max(int(CHUNK / 8 / numbers), 1)


def as_numbers(value: Any, what: str) -> npt.NDArray[Any]:
    """`value` as an array of real numbers of any type; an array is not copied."""
    if not isinstance(value, np.ma.MaskedArray):
        return as_array(value, what)
    as_array(value.data, what)
    return value


def filled(array: npt.NDArray[Any]) -> FloatArray:
    """The array as float64, with NaN for masked elements."""
    if isinstance(array, np.ma.MaskedArray):
        array = np.ma.filled(array.astype(np.float64), np.nan)
    return np.ascontiguousarray(array, dtype=np.float64).reshape(array.shape)


class LeadingRows:
    """An array (lead, own) as rows (k, own), k = prod(lead).

    Parameters
    ----------
    array : ndarray
        Of any type of number; a masked array's masked elements are read as NaN.
    lead : tuple of int
        Its leading axes.
    """

    __slots__ = ("_array", "_flat", "_lead", "own")

    def __init__(self, array: npt.NDArray[Any], lead: tuple[int, ...]) -> None:
        if not lead:
            array, lead = array[None], (1,)
        self.own = array.shape[len(lead) :]
        self._array, self._lead = array, lead
        self._flat: npt.NDArray[Any] | None = None  # a view as rows, if there is one
        if _in_a_row(array, len(lead)) and not isinstance(array, np.ma.MaskedArray):
            self._flat = array.reshape(prod(lead), *self.own)

    def read(self, start: int, stop: int) -> FloatArray:
        """Rows as float64 in C order; a view where they are that already."""
        if self._flat is not None:
            rows = self._flat[start:stop]
        else:
            rows = self._array[np.unravel_index(np.arange(start, stop), self._lead)]
        return filled(rows)

    def write(self, start: int, stop: int, rows: npt.NDArray[Any]) -> None:
        """Write rows to their place in the array."""
        if self._flat is not None:
            self._flat[start:stop] = rows
        else:
            self._array[np.unravel_index(np.arange(start, stop), self._lead)] = rows


def _in_a_row(array: npt.NDArray[Any], axes: int) -> bool:
    """Whether a view can join the first axes into one."""
    steps = [p for p in zip(array.shape[:axes], array.strides[:axes], strict=True) if p[0] != 1]
    inner = steps[1:]
    return array.size == 0 or all(
        outer == count * step for (_, outer), (count, step) in zip(steps, inner, strict=False)
    )
