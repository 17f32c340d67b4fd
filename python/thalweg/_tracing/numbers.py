# SPDX-License-Identifier: BSD-3-Clause
"""What users give as numbers, read as arrays of float64; what is none is refused by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    "FloatArray", "as_array", "as_floats", "described", "first_bad", "has_masks", "hint_of",
    "mask_of", "no_numbers", "numbers_of", "place_in", "unmasked", "without_masks",
]  # fmt: skip

FloatArray = npt.NDArray[np.float64]


def as_floats(value: Any, what: str) -> FloatArray:
    """`value` as an array of float64 in C order, or a clear error that names `what`."""
    if type(value) is np.ndarray and value.dtype == np.float64 and value.flags.c_contiguous:
        return value
    array = as_array(value, what)
    floats: FloatArray = np.ascontiguousarray(array, dtype=np.float64).reshape(array.shape)
    return floats


def as_array(value: Any, what: str) -> npt.NDArray[Any]:
    """`value` as an array of real numbers of whatever type; nothing in it is masked."""
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


def has_masks(value: Any) -> bool:
    """Whether a masked array may be inside, at any depth of lists and tuples."""
    if isinstance(value, list | tuple):
        return any(map(has_masks, value))
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


def mask_of(value: Any) -> npt.NDArray[np.bool_] | None:
    """Which elements of an array are masked, or of the arrays of a list; None where none is."""
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
    """The same with `fill` where something is masked."""
    if isinstance(value, list | tuple):
        return [without_masks(v, fill) for v in value]
    if not isinstance(value, np.ma.MaskedArray):
        return value
    return np.ma.filled(value.astype(np.float64), fill)


def first_bad(array: npt.NDArray[Any]) -> str:
    """Which number is NaN or infinite, and where: `holds nan at index 3`."""
    bad = np.argwhere(~np.isfinite(array))
    return f"holds {array[tuple(bad[0])]}{place_in(bad[0])}" if len(bad) else "is finite"


def place_in(index: Any) -> str:
    """Where an element of an array stands, for a message: ` at index 3`, or nothing of a number."""
    at = tuple(int(i) for i in index)
    return f" at index {at[0] if len(at) == 1 else at}" if at else ""


def numbers_of(array: npt.NDArray[Any], value: Any) -> npt.NDArray[Any]:
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
        strings = array.dtype.kind in "US" and array.ndim and name[:5] != "dtype"
        return name + " of strings" * bool(strings) + hint_of(array)
    for k, item in enumerate(array.ravel().tolist()):
        if not isinstance(item, int | float):
            at = np.unravel_index(k, array.shape)
            return f"{name} with {described(item)}{place_in(at)}"
    return name


def hint_of(array: npt.NDArray[Any]) -> str:
    """What to write for dates."""
    if array.dtype.kind in "mM":
        return " (in days from the first: (t - t[0]) / np.timedelta64(1, 'D'))"
    return ""


def described(item: Any) -> str:
    """An object that is no number, and what to write for it."""
    if hasattr(item, "toarray"):
        return f"the sparse {type(item).__name__}, of which A.toarray() has numbers"
    return f"{type(item).__name__} {item!r:.60}"
