# SPDX-License-Identifier: BSD-3-Clause
"""Read and write arrays with leading axes in chunks of rows.

Memory-mapped files, other dtypes than float64, and axes in any order are converted chunk by chunk,
never as a whole.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from thalweg._tracing.numbers import FloatArray, as_array, is_lazy

__all__ = [
    "CHUNK",
    "LeadingRows",
    "as_numbers",
    "at_hand",
    "filled",
    "numbers_or_lazy",
    "rows_in_chunk",
]

# The approximate size of a chunk in bytes, so large that its last, slow fits cost little.
CHUNK = 64e6


def rows_in_chunk(numbers: int) -> int:
    """Return how many rows of this many doubles fit into a chunk, at least one."""
    return max(int(CHUNK / 8 / numbers), 1)


def as_numbers(value: Any, what: str) -> npt.NDArray[Any]:
    """Convert `value` to an array of real numbers of any dtype; an array is not copied."""
    if not isinstance(value, np.ma.MaskedArray):
        return as_array(value, what)
    as_array(value.data, what)
    return value


def numbers_or_lazy(value: Any, what: str) -> Any:
    """Do the same as `as_numbers`, but leave a Dask array of numbers as it is."""
    if not is_lazy(value):
        return as_numbers(value, what)
    as_array(np.empty(0, value.dtype), what)
    if any(np.isnan(n) for n in value.shape):
        raise ValueError(
            f"{what} must have a known shape, got {value.shape}: call its compute_chunk_sizes()"
        )
    return value


def at_hand(value: Any, by_fit: tuple[int, ...] | None = None) -> Any:
    """Compute Dask arrays, also those in a tuple, but not those with the shape `by_fit`."""
    if isinstance(value, tuple):
        return tuple(at_hand(each, by_fit) for each in value)
    return value.compute() if is_lazy(value) and value.shape != by_fit else value


def filled(array: npt.NDArray[Any]) -> FloatArray:
    """Convert an array to float64, with NaN for masked elements."""
    if isinstance(array, np.ma.MaskedArray):
        array = np.ma.filled(array.astype(np.float64), np.nan)
    return np.ascontiguousarray(array, dtype=np.float64).reshape(array.shape)


class LeadingRows:
    """An array (*lead, *own), read and written as rows (k, *own) with k = prod(lead).

    Parameters
    ----------
    array : ndarray
        The array, of any numeric dtype. Masked elements are read as NaN.
    lead : tuple of int
        The shape of its leading axes.
    which : ndarray of int, optional
        The rows that are meant, in increasing order; by default all. They are then numbered from 0.
    """

    __slots__ = ("_array", "_flat", "_lead", "_which", "own")

    def __init__(
        self,
        array: npt.NDArray[Any],
        lead: tuple[int, ...],
        which: npt.NDArray[np.intp] | None = None,
    ) -> None:
        if not lead:
            array, lead = array[None], (1,)
        self.own = array.shape[len(lead) :]
        self._array, self._lead, self._which = array, lead, which
        self._flat: npt.NDArray[Any] | None = None  # a view as rows, if one is possible
        if _in_a_row(array, len(lead)) and not isinstance(array, np.ma.MaskedArray):
            self._flat = array.reshape(prod(lead), *self.own)

    def read(self, start: int, stop: int) -> FloatArray:
        """Return rows as float64 in C order, without a copy if possible."""
        return filled(self._target[self._places(start, stop)])

    def take(self, lanes: npt.NDArray[np.intp]) -> npt.NDArray[Any]:
        """Return a copy of the rows with these numbers (k,), in the array's own dtype."""
        taken: npt.NDArray[Any]
        if self._flat is not None:
            taken = np.take(self._flat, lanes, axis=0)
        else:
            taken = self._array[np.unravel_index(lanes, self._lead)]
        return taken

    def write(self, start: int, stop: int, rows: npt.NDArray[Any]) -> None:
        """Write rows to their places in the array."""
        self._target[self._places(start, stop)] = rows

    @property
    def _target(self) -> npt.NDArray[Any]:
        return self._array if self._flat is None else self._flat

    def _places(self, start: int, stop: int) -> Any:
        """Return the index of rows in the target."""
        if self._which is not None:
            which = self._which[start:stop]
            if which.size and which[-1] - which[0] == which.size - 1:  # in a row: a view
                start, stop = int(which[0]), int(which[-1]) + 1
            else:
                return which if self._flat is not None else np.unravel_index(which, self._lead)
        if self._flat is not None:
            return slice(start, stop)
        return np.unravel_index(np.arange(start, stop), self._lead)


def _in_a_row(array: npt.NDArray[Any], axes: int) -> bool:
    """Whether a view can join the first axes into one."""
    steps = [p for p in zip(array.shape[:axes], array.strides[:axes], strict=True) if p[0] != 1]
    inner = steps[1:]
    return array.size == 0 or all(
        outer == count * step for (_, outer), (count, step) in zip(steps, inner, strict=False)
    )
