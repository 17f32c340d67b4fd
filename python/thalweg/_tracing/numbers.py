# SPDX-License-Identifier: BSD-3-Clause
"""Read the numbers that users pass as arrays of float64, and name what is not a number."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    "FloatArray", "as_array", "as_floats", "described", "first_bad", "has_masks", "hint_of",
    "holds_lazy", "is_lazy", "mask_of", "no_numbers", "numbers_of", "place_in", "unmasked",
    "without_masks",
]  # fmt: skip

FloatArray = npt.NDArray[np.float64]


def as_floats(value: Any, what: str) -> FloatArray:
    """Convert `value` to an array of float64 in C order, or raise an error that names `what`."""
    if type(value) is np.ndarray and value.dtype == np.float64 and value.flags.c_contiguous:
        return value
    array = as_array(value, what)
    floats: FloatArray = np.ascontiguousarray(array, dtype=np.float64).reshape(array.shape)
    return floats


def as_array(value: Any, what: str) -> npt.NDArray[Any]:
    """Convert `value` to an array of real numbers of any dtype without masked elements."""
    if type(value) is not np.ndarray and has_masks(value):
        value = unmasked(value, what)
    try:
        array = np.asarray(value)
    except ValueError as e:
        raise ValueError(f"{what} must be an array of numbers, got a ragged sequence") from e
    if array.dtype.kind == "O":
        array = numbers_of(array, value)
    if array.dtype.kind == "c":
        raise TypeError(f"{what} must be real, got {array.dtype}")
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{what} must be numbers, got {no_numbers(array, value)}")
    return array


def is_lazy(value: Any) -> bool:
    """Whether `value` is a Dask array. Dask is not imported: without it there are none."""
    dask = sys.modules.get("dask.array")
    return dask is not None and isinstance(value, dask.Array)


def holds_lazy(value: Any) -> bool:
    """Whether `value` is or contains a Dask array, at any depth of dicts and tuples."""
    if isinstance(value, dict):
        return any(map(holds_lazy, value.values()))
    return any(map(holds_lazy, value)) if isinstance(value, tuple) else is_lazy(value)


def has_masks(value: Any) -> bool:
    """Whether `value` is or contains a masked array, at any depth of lists and tuples."""
    if isinstance(value, list | tuple):
        return any(map(has_masks, value))
    return isinstance(value, np.ma.MaskedArray)


def unmasked(value: Any, what: str) -> Any:
    """Remove masks that mask nothing; raise ValueError with the place of a masked element."""
    if isinstance(value, list | tuple):
        return [unmasked(v, f"{what}[{i}]") for i, v in enumerate(value)]
    if not isinstance(value, np.ma.MaskedArray):
        return value
    masked = np.argwhere(np.ma.getmaskarray(value))
    if len(masked):
        raise ValueError(
            f"{what} must not be masked, got a masked array, whose first masked element is"
            f"{place_in(masked[0])}: fill in its values, or leave out masked rows"
        )
    return value.data


def mask_of(value: Any) -> npt.NDArray[np.bool_] | None:
    """Return which elements of an array, or of a list of arrays, are masked; None if none is."""
    if isinstance(value, list | tuple):
        masks = [mask_of(v) for v in value]
        if all(mask is None for mask in masks):
            return None
        return np.array([
            np.zeros(np.shape(v), bool) if mask is None else mask
            for v, mask in zip(value, masks, strict=True)
        ])  # fmt: skip
    if not isinstance(value, np.ma.MaskedArray) or not np.ma.is_masked(value):
        return None
    return np.ma.getmaskarray(value)


def without_masks(value: Any, fill: float = np.nan) -> Any:
    """Replace masked elements by `fill`."""
    if isinstance(value, list | tuple):
        return [without_masks(v, fill) for v in value]
    if not isinstance(value, np.ma.MaskedArray):
        return value
    return np.ma.filled(value.astype(np.float64), fill)


def first_bad(array: npt.NDArray[Any]) -> str:
    """Describe the first number that is NaN or infinite: `holds nan at index 3`."""
    bad = np.argwhere(~np.isfinite(array))
    return f"holds {array[tuple(bad[0])]}{place_in(bad[0])}" if len(bad) else "is finite"


def place_in(index: Any) -> str:
    """Format the index of an element for a message: ` at index 3`, or "" for a number."""
    at = tuple(int(i) for i in index)
    return f" at index {at[0] if len(at) == 1 else at}" if at else ""


def numbers_of(array: npt.NDArray[Any], value: Any) -> npt.NDArray[Any]:
    """Convert pandas' own numeric types, with missing values as NaN; keep other objects."""
    if not hasattr(value, "to_numpy"):
        return array
    types = [value.dtype] if hasattr(value, "dtype") else getattr(value, "dtypes", [None])
    if not all(getattr(each, "kind", "O") in "biuf" for each in types):
        return array
    return np.asarray(value.to_numpy(dtype=np.float64, na_value=np.nan))


def no_numbers(array: npt.NDArray[Any], value: Any) -> str:
    """Describe a value that is not numeric: its type, and its first element that is not."""
    name = f"dtype {array.dtype}" if isinstance(value, np.ndarray) else type(value).__name__
    if array.dtype.kind != "O" or array.ndim == 0:
        strings = array.dtype.kind in "US" and array.ndim and name[:5] != "dtype"
        return name + " of strings" * bool(strings) + hint_of(array)
    for k, item in enumerate(array.ravel().tolist()):
        if not isinstance(item, int | float):
            at = np.unravel_index(k, array.shape)
            return f"{name} with {described(item)}{place_in(at)}"
    return name


def hint_of(array: npt.NDArray[Any]) -> str:
    """Return a hint on how to convert dates to numbers."""
    if array.dtype.kind in "mM":
        return " (for days since the first, write (t - t[0]) / np.timedelta64(1, 'D'))"
    return ""


def described(item: Any) -> str:
    """Describe an object that is not a number, and what to write instead."""
    if hasattr(item, "toarray"):
        return f"the sparse {type(item).__name__}; A.toarray() returns its numbers"
    return f"{type(item).__name__} {item!r:.60}"
