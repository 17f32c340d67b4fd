# SPDX-License-Identifier: BSD-3-Clause
"""What users give as numbers, read as arrays of float64; what is none is refused by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["FloatArray", "as_array", "as_floats", "no_numbers", "place_in", "unmasked"]

FloatArray = npt.NDArray[np.float64]


def as_floats(value: Any, what: str) -> FloatArray:
    """`value` as an array of float64 in C order, or a clear error that names `what`."""
    array = as_array(value, what)
    floats: FloatArray = np.ascontiguousarray(array, dtype=np.float64).reshape(array.shape)
    return floats


def as_array(value: Any, what: str) -> npt.NDArray[Any]:
    """`value` as an array of real numbers of whatever type; nothing in it is masked."""
    if type(value) is not np.ndarray and _has_masks(value):
        value = unmasked(value, what)
    try:
        array = np.asarray(value)
    except ValueError as e:
        raise ValueError(f"{what} must be an array of numbers, got a ragged sequence") from e
    if array.dtype.kind == "O":
        array = _of_objects(array, value)
    if array.dtype.kind == "c":
        raise TypeError(f"{what} must be real, got {array.dtype}")
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{what} must be numbers, got {no_numbers(array, value)}")
    return array


def _has_masks(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(_has_masks(v) for v in value)
    return isinstance(value, np.ma.MaskedArray)


def unmasked(value: Any, what: str) -> Any:
    """The same without masks, where nothing is masked; else ValueError with the first place."""
    if isinstance(value, list | tuple):
        return [unmasked(v, f"{what}[{i}]") for i, v in enumerate(value)]
    if not isinstance(value, np.ma.MaskedArray):
        return value
    masked = np.argwhere(np.ma.getmaskarray(value))
    if len(masked):
        raise ValueError(
            f"{what} must not be masked, got a masked array, the first masked element"
            f"{place_in(masked[0])}: give its values, or leave masked rows out"
        )
    return value.data


def place_in(index: Any) -> str:
    """Where an element of an array stands, for a message: ` at index 3`, or nothing of a number."""
    at = tuple(int(i) for i in index)
    return f" at index {at[0] if len(at) == 1 else at}" if at else ""


def _of_objects(array: npt.NDArray[Any], value: Any) -> npt.NDArray[Any]:
    """Numbers of pandas' own types, missing ones as NaN; other objects as they are."""
    if not hasattr(value, "to_numpy"):
        return array
    types = [value.dtype] if hasattr(value, "dtype") else getattr(value, "dtypes", [None])
    if not all(getattr(each, "kind", "O") in "biuf" for each in types):
        return array
    return np.asarray(value.to_numpy(dtype=np.float64, na_value=np.nan))


def no_numbers(array: npt.NDArray[Any], value: Any) -> str:
    """What came in place of numbers: the type, and the first element that is to blame."""
    name = f"dtype {array.dtype}" if isinstance(value, np.ndarray) else type(value).__name__
    if array.dtype.kind != "O" or array.ndim == 0:
        return name
    for at in np.ndindex(array.shape):
        item = array[at]
        if not isinstance(item, int | float | np.number):
            return f"{name} with {type(item).__name__} {item!r:.60}{place_in(at)}"
    return name
