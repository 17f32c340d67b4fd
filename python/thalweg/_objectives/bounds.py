# SPDX-License-Identifier: BSD-3-Clause
"""Read bounds in the forms that users write and return them as two vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from thalweg._objectives.points import FloatArray, Structure, as_floats

__all__ = [
    "Bounds",
    "active_mask",
    "at_bounds",
    "box_from_pairs",
    "box_from_vectors",
    "check_inside",
    "checked_box",
    "read_bounds",
]


@dataclass(frozen=True, slots=True)
class Bounds:
    """The lower and upper bounds of every variable.

    Parameters
    ----------
    lb, ub : array_like, tuple or dict
        Lower and upper bounds, broadcast to the shape of `x0`; ``-inf`` and ``inf`` mean unbounded.
        If `x0` is a tuple or dict, they may be one too, with an array for each entry that is
        broadcast to the shape of the entry. Variables that a dict leaves out are unbounded.

    Examples
    --------
    >>> import thalweg as tw
    >>> tw.Bounds(0.0, [1.0, 2.0])
    Bounds(lb=0.0, ub=[1.0, 2.0])
    """

    lb: Any = -np.inf
    ub: Any = np.inf


def read_bounds(bounds: Any, structure: Structure, start: FloatArray) -> list[FloatArray]:
    """Read bounds as a box [lower, upper], or [] for None; check that starts lie inside."""
    if bounds is None:
        return []
    box = box_from_pairs(bounds, structure)
    check_inside(box, structure, start)
    return box


def check_inside(box: list[FloatArray], structure: Structure, start: FloatArray) -> None:
    """Raise ValueError if a start (n,), or one of several (k, n), lies outside a box."""
    lower, upper = box
    outside = np.argwhere((start < lower) | (start > upper))
    if outside.size:
        at, i = tuple(outside[0]), outside[0][-1]
        which = f"start {at[0]}" if start.ndim > 1 else "x0"
        raise ValueError(
            f"{which} must lie within the bounds, got {start[at]} outside "
            f"[{lower[i]}, {upper[i]}] for {structure.name_of(i)}"
        )


def box_from_pairs(bounds: Any, structure: Structure) -> list[FloatArray]:
    """Read pairs (lower, upper) or `Bounds` as a box [lower, upper], each (n,)."""
    n = structure.size
    if hasattr(bounds, "lb") and hasattr(bounds, "ub"):
        lower = _spread(bounds.lb, structure, "lb", -np.inf)
        upper = _spread(bounds.ub, structure, "ub", np.inf)
    else:
        lower, upper = _pairs(bounds, structure, n)
    if np.isnan(lower).any() or np.isnan(upper).any():
        raise ValueError("bounds must not be NaN")
    wrong = np.flatnonzero(lower > upper)
    if wrong.size:
        i = wrong[0]
        raise ValueError(
            f"bounds must have lower <= upper, got ({lower[i]}, {upper[i]}) "
            f"for {structure.name_of(i)}"
        )
    return [lower, upper]


def box_from_vectors(bounds: Any, structure: Structure) -> list[FloatArray]:
    """Read two vectors, `Bounds` or pairs by name, as in least squares, as a box [lower, upper].

    Vectors and `Bounds` are not checked.
    """
    if bounds is None:
        return []
    if isinstance(bounds, dict):
        return box_from_pairs(bounds, structure)
    if hasattr(bounds, "lb") and hasattr(bounds, "ub"):
        return [
            _spread(bounds.lb, structure, "lb", -np.inf),
            _spread(bounds.ub, structure, "ub", np.inf),
        ]
    if isinstance(bounds, tuple | list) and len(bounds) != 2:
        raise ValueError(f"`bounds` must contain 2 elements, got {len(bounds)}")
    ends = [as_floats(end, "bounds") for end in bounds]
    if any(end.ndim and end.shape != (structure.size,) for end in ends):
        raise ValueError(
            "Inconsistent shapes between bounds and `x0`: expected "
            f"({structure.size},), got {ends[0].shape} and {ends[1].shape}"
        )
    return [np.broadcast_to(end, (structure.size,)) for end in ends]


def checked_box(box: list[FloatArray], x: FloatArray, structure: Structure) -> list[FloatArray]:
    """Check that starts (..., n) lie inside; return the box, or [] if all bounds are infinite."""
    if not box or (np.isneginf(box[0]).all() and np.isposinf(box[1]).all()):
        return []
    lower, upper = box
    wrong = np.flatnonzero(~(lower < upper))
    if wrong.size:
        i = wrong[0]
        raise ValueError(
            "Each lower bound must be strictly less than each upper bound, got "
            f"({lower[i]}, {upper[i]}) for {structure.name_of(i)}"
        )
    outside = np.argwhere(~((x >= lower) & (x <= upper)))
    if outside.size:
        at, i = tuple(outside[0]), outside[0][-1]
        of = f" of start {at[0]}" if x.ndim > 1 else ""
        raise ValueError(
            f"Initial guess is outside of provided bounds: {x[at]} is outside "
            f"[{lower[i]}, {upper[i]}] for {structure.name_of(i)}{of}"
        )
    return [np.ascontiguousarray(lower), np.ascontiguousarray(upper)]


def active_mask(x: FloatArray, box: list[FloatArray]) -> Any:
    """Return -1, 0 or 1 per variable of points (..., n): at its lower bound, free, at its upper."""
    if not box:
        return np.zeros(x.shape, dtype=int)
    return np.where(x <= box[0], -1, np.where(x >= box[1], 1, 0))


def at_bounds(x: FloatArray, box: list[FloatArray]) -> npt.NDArray[np.bool_] | None:
    """Return which variables of points (..., n) lie at a bound, or None without bounds."""
    return (x <= box[0]) | (x >= box[1]) if box else None


def _spread(value: Any, structure: Structure, name: str, free: float) -> FloatArray:
    """Return the lower or the upper bounds as a flat vector."""
    if isinstance(value, dict):
        return _joined(_by_name(value, structure, name, free), structure, name)
    if structure.form == "tuple" and isinstance(value, tuple):
        if len(value) != len(structure.shapes):
            raise ValueError(
                f"{name} must be a tuple of {len(structure.shapes)} entries, got {len(value)}"
            )
        return _joined(list(value), structure, name)
    shape = structure.shapes[0] if structure.form == "whole" else (structure.size,)
    return _broadcast(value, shape, name)


def _by_name(named: dict[str, Any], structure: Structure, what: str, free: Any) -> list[Any]:
    """Return the entries of a dict in the order of those of x0; `free` replaces missing ones."""
    if structure.form != "dict" or set(named) - set(structure.keys):
        raise ValueError(f"{what} must have keys among {list(structure.keys)}, got {list(named)}")
    return [named.get(k, free) for k in structure.keys]


def _joined(ends: list[Any], structure: Structure, what: str) -> FloatArray:
    """Broadcast the bound of each entry of a tuple or dict to its shape, and join them."""
    labels = structure.keys or range(len(ends))
    parts = [
        _broadcast(end, shape, f"{what}[{label!r}]")
        for end, shape, label in zip(ends, structure.shapes, labels, strict=True)
    ]
    return np.concatenate(parts)


def _broadcast(value: Any, shape: tuple[int, ...], what: str) -> FloatArray:
    end = as_floats(value, what)
    if end.size == 1:  # SciPy's Bounds make an array of a number
        end = end.reshape(())
    try:
        return np.broadcast_to(end, shape).ravel()
    except ValueError:
        raise ValueError(f"{what} must broadcast to shape {shape}, got {end.shape}") from None


def _pairs(bounds: Any, structure: Structure, n: int) -> tuple[FloatArray, FloatArray]:
    if isinstance(bounds, dict):
        bounds = _by_name(bounds, structure, "bounds", (None, None))
    try:
        pairs = [tuple(p) for p in bounds]
    except TypeError:
        pairs = [tuple(bounds)] if n == 1 else []
    entries = len(structure.shapes)
    # There is one pair for each entry of a tuple or dict, or one for each variable.
    by_entry = structure.form in ("tuple", "dict") and len(pairs) == entries
    if any(len(p) != 2 for p in pairs) or not (by_entry or len(pairs) == n):
        wanted = n if entries == n or structure.form == "whole" else f"{entries} or {n}"
        raise ValueError(f"bounds must be {wanted} pairs (lower, upper), got {_describe(bounds)}")
    lower = [-np.inf if p[0] is None else p[0] for p in pairs]
    upper = [np.inf if p[1] is None else p[1] for p in pairs]
    if by_entry:
        return _joined(lower, structure, "bounds"), _joined(upper, structure, "bounds")
    return as_floats(lower, "bounds"), as_floats(upper, "bounds")


def _describe(bounds: Any) -> str:
    try:
        return f"{len(bounds)} entries"
    except TypeError:
        return type(bounds).__name__
