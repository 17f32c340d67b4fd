# SPDX-License-Identifier: BSD-3-Clause
"""Bounds in the forms that users write, as a lower and an upper vector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from thalweg.structure import FloatArray, Structure, as_floats

__all__ = ["Bounds", "read_bounds"]


@dataclass(frozen=True, slots=True)
class Bounds:
    """Lower and upper bounds of every variable.

    Parameters
    ----------
    lb, ub : array_like
        Broadcast to the shape of `x0`; ``-inf`` and ``inf`` leave an end free.

    Examples
    --------
    >>> import thalweg as tw
    >>> tw.Bounds(0.0, [1.0, 2.0])
    Bounds(lb=0.0, ub=[1.0, 2.0])
    """

    lb: Any = -np.inf
    ub: Any = np.inf


def read_bounds(bounds: Any, structure: Structure, start: FloatArray) -> list[FloatArray]:
    """[lower, upper], each (n,), or nothing without bounds; checked against the start."""
    if bounds is None:
        return []
    n = structure.size
    if hasattr(bounds, "lb") and hasattr(bounds, "ub"):
        lower, upper = (
            _spread(b, structure, name) for b, name in ((bounds.lb, "lb"), (bounds.ub, "ub"))
        )
    else:
        lower, upper = _pairs(bounds, structure, n)
    if np.isnan(lower).any() or np.isnan(upper).any():
        raise ValueError("bounds must not be NaN")
    wrong = np.flatnonzero(lower > upper)
    if wrong.size:
        i = wrong[0]
        raise ValueError(
            f"bounds must have lower <= upper, got ({lower[i]}, {upper[i]}) for variable {i}"
        )
    outside = np.flatnonzero((start < lower) | (start > upper))
    if outside.size:
        i = outside[0]
        raise ValueError(
            f"x0 must lie within the bounds, got {start[i]} outside "
            f"[{lower[i]}, {upper[i]}] for variable {i}"
        )
    return [lower, upper]


def _spread(value: Any, structure: Structure, name: str) -> FloatArray:
    if structure.form in ("dict", "tuple") and isinstance(value, dict | tuple):
        row: FloatArray = structure.flatten(value, name)[1][0]
        return row
    array = as_floats(value, name)
    shape = structure.shapes[0] if structure.form == "whole" else (structure.size,)
    try:
        return np.ascontiguousarray(np.broadcast_to(array, shape)).reshape(structure.size)
    except ValueError:
        raise ValueError(f"{name} must broadcast to shape {shape}, got {array.shape}") from None


def _pairs(bounds: Any, structure: Structure, n: int) -> tuple[FloatArray, FloatArray]:
    if isinstance(bounds, dict):
        if structure.form != "dict" or set(bounds) - set(structure.keys):
            raise ValueError(
                f"bounds must have keys among {list(structure.keys)}, got {sorted(bounds)}"
            )
        bounds = [bounds.get(k, (None, None)) for k in structure.keys]
        if len(bounds) != n:
            raise ValueError("bounds by name need scalar entries; use tw.Bounds for arrays")
    try:
        pairs = [tuple(p) for p in bounds]
    except TypeError:
        pairs = [tuple(bounds)] if n == 1 else []
    if any(len(p) != 2 for p in pairs) or len(pairs) != n:
        raise ValueError(f"bounds must be {n} pairs (lower, upper), got {_describe(bounds)}")
    lower = [-np.inf if p[0] is None else p[0] for p in pairs]
    upper = [np.inf if p[1] is None else p[1] for p in pairs]
    return as_floats(lower, "bounds"), as_floats(upper, "bounds")


def _describe(bounds: Any) -> str:
    try:
        return f"{len(bounds)} entries"
    except TypeError:
        return type(bounds).__name__
