# SPDX-License-Identifier: BSD-3-Clause
"""Convert points between the user's form and the core's flat vector.

Only this module knows the forms: one array, the elements of one array, a tuple with one entry for
each argument, or a dict with one entry for each name. numbers.py reads numbers and signatures.py
reads the parameters of a function.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import isfinite, prod
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from thalweg._objectives.signatures import Parameters, argument_names, parameter_count, split
from thalweg._tracing.numbers import FloatArray, as_floats

__all__ = [
    "FloatArray", "Form", "Structure", "any_in_rows", "argument_names", "as_floats",
    "check_finite", "one_start", "parameter_count", "structure_of",
]  # fmt: skip

Form = Literal["whole", "elements", "tuple", "dict"]


@dataclass(frozen=True, slots=True)
class Structure:
    """The form of a point: its arrays, and how they are passed to the function.

    Attributes
    ----------
    form : {"whole", "elements", "tuple", "dict"}
        Whether a point is one array, the elements of one array, a tuple, or a dict.
    shapes : tuple of tuple of int
        The shape of each entry.
    keys : tuple of str
        The names of the entries of a dict.
    packed : bool
        Whether the function takes a tuple or dict as one argument.
    named : tuple of str
        The keyword-only parameters that receive the last arguments.
    size : int
        The number of variables.
    own : tuple of int or None
        The shape of a point that is one array.
    """

    form: Form
    shapes: tuple[tuple[int, ...], ...]
    keys: tuple[str, ...] = ()
    packed: bool = False
    named: tuple[str, ...] = ()
    size: int = field(init=False)
    own: tuple[int, ...] | None = field(init=False)

    def __post_init__(self) -> None:
        size = sum(map(prod, self.shapes))
        one = {"whole": self.shapes[:1], "elements": ((size,),)}.get(self.form)
        object.__setattr__(self, "size", size)
        object.__setattr__(self, "own", one[0] if one else None)

    def name_of(self, index: int) -> str:
        """Return the name of a variable for messages: `variable 3`, or `W1[0, 2]` in a dict."""
        if self.form in ("whole", "elements"):
            return f"variable {index}"
        ends = np.cumsum([prod(shape) for shape in self.shapes])
        entry = int(np.searchsorted(ends, index, side="right"))
        shape = self.shapes[entry]
        at = index - (ends[entry] - prod(shape))
        name = self.keys[entry] if self.form == "dict" else f"entry {entry}"
        place = ", ".join(str(int(i)) for i in np.unravel_index(at, shape))
        return f"{name}[{place}]" if shape else name

    def labels(self, names: Sequence[str]) -> list[str]:
        """Return a name for each variable: the function's `names`, with indices inside arrays."""
        own = [str(name) for name in names] if self.form != "dict" else list(self.keys)
        if self.form == "elements":
            return own[: self.size] if len(own) >= self.size else _numbered(self.size)
        several = len(self.shapes) > 1
        labels = []
        for i, shape in enumerate(self.shapes):
            name = own[i] if i < len(own) else f"x{i}" if several else "x"
            where = [", ".join(map(str, index)) for index in np.ndindex(*shape)]
            labels += [f"{name}[{w}]" if w else name for w in where]
        return labels

    def arguments(
        self, function: Callable[..., Any], pieces: Sequence[Any], args: Sequence[Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the positional and keyword arguments that pass a point and `args` to `function`.

        The entries of a dict are passed by name. `args` then go to the remaining parameters, in
        order.
        """
        if self.packed:
            whole = dict(zip(self.keys, pieces, strict=True)) if self.keys else tuple(pieces)
            return split((whole, *args), self.named)
        if self.form != "dict":
            return split((*pieces, *args), self.named)
        named = dict(zip(self.keys, pieces, strict=True))
        if not args:
            return (), named
        known = Parameters.of(function)
        first = known.positional[: len(args)]
        if named.keys().isdisjoint(first) and (len(first) == len(args) or not known.named):
            return tuple(args), named
        others = [name for name in (*known.positional, *known.named) if name not in named]
        if len(others) < len(args):
            raise TypeError(
                f"the function takes {len(others)} arguments besides those in x0, "
                f"got {len(args)} in args"
            )
        return (), named | dict(zip(others, args, strict=False))

    def _entries(self, x: Any, what: str) -> list[Any]:
        if self.form == "dict":
            if not isinstance(x, dict) or set(x) != set(self.keys):
                got = sorted(x) if isinstance(x, dict) else type(x).__name__
                raise ValueError(f"{what} must be a dict with keys {list(self.keys)}, got {got}")
            return [x[k] for k in self.keys]
        if self.form == "tuple":
            if not isinstance(x, tuple | list) or len(x) != len(self.shapes):
                got = f"{len(x)} entries" if isinstance(x, tuple | list) else type(x).__name__
                raise ValueError(f"{what} must be a tuple of {len(self.shapes)} entries, got {got}")
            return list(x)
        return [x]

    def flatten(self, x: Any, what: str = "x") -> tuple[tuple[int, ...], FloatArray]:
        """Return the leading axes (lanes) and the points as rows (lanes, n)."""
        if self.own is not None:  # fast paths for one point
            if type(x) is np.ndarray and x.shape == self.own and x.dtype == np.float64:
                return (), x.reshape(1, self.size)
            if type(x) is float and self.own == ():
                return (), np.array([[x]])
        entries = [as_floats(e, what) for e in self._entries(x, what)]
        if self.own is not None and entries[0].shape == self.own:  # one point
            return (), entries[0].reshape(1, self.size)
        shapes = self.shapes if self.own is None else (self.own,)
        leads = []
        for e, shape in zip(entries, shapes, strict=True):
            cut = e.ndim - len(shape)
            if cut < 0 or e.shape[cut:] != shape:
                wanted = str(shape) if not shape else f"(..., {', '.join(map(str, shape))})"
                raise ValueError(f"{what} must have shape {wanted}, got {e.shape}")
            leads.append(e.shape[:cut])
        try:
            lead = np.broadcast_shapes(*leads)
        except ValueError:
            raise ValueError(f"the leading axes of {what} do not agree: {leads}") from None
        rows = [
            np.broadcast_to(e, lead + shape).reshape(prod(lead), prod(shape))
            for e, shape in zip(entries, shapes, strict=True)
        ]
        flat = rows[0] if len(rows) == 1 else np.concatenate(rows, axis=1)
        return lead, np.ascontiguousarray(flat)

    def call(self, function: Callable[..., Any], x: FloatArray, extra: tuple[Any, ...]) -> Any:
        """Call the user's function at one flat point (n,), converted to its form."""
        pieces: list[Any]
        if self.form == "elements":
            pieces = x.tolist()
        else:
            point = self.restore(x[None, :].copy())
            pieces = [point]
            if self.form != "whole":
                pieces = list(point.values() if self.form == "dict" else point)
        positional, named = self.arguments(function, pieces, extra)
        return function(*positional, **named)

    def restore(self, rows: FloatArray, lead: tuple[int, ...] = ()) -> Any:
        """Convert rows (lanes, n) to points in the user's form."""
        if self.own is not None:
            return rows.reshape(lead + self.own) if lead or self.own else float(rows[0, 0])
        parts, at = [], 0
        for shape in self.shapes:
            size = prod(shape)
            part = rows[:, at : at + size].reshape(lead + shape)
            parts.append(float(part) if part.ndim == 0 else part)
            at += size
        if self.form == "dict":
            return dict(zip(self.keys, parts, strict=True))
        return tuple(parts)

    def restore_int(self, flat: npt.NDArray[Any], lead: tuple[int, ...] = ()) -> Any:
        """Convert integers (n,), or rows (lanes, n) of them, to int8 in the user's form."""
        restored = self.restore(np.atleast_2d(flat).astype(np.float64), lead)
        if isinstance(restored, dict):
            return {k: np.asarray(v).astype(np.int8) for k, v in restored.items()}
        if isinstance(restored, tuple):
            return tuple(np.asarray(v).astype(np.int8) for v in restored)
        return np.asarray(restored).astype(np.int8)


def _numbered(count: int) -> list[str]:
    return [f"x{i}" for i in range(count)]


def structure_of(
    x0: Any, function: Callable[..., Any], n_args: int, unpack: bool | None
) -> tuple[Structure, FloatArray]:
    """Return the form in which `x0` is passed to `function`, and `x0` as one flat vector."""
    known = Parameters.of(function)
    if isinstance(x0, dict):
        if not x0:
            raise ValueError("x0 must not be empty, got {}")
        if not all(isinstance(k, str) for k in x0):
            raise TypeError("the keys of x0 must be names of parameters (str)")
        arrays = [as_floats(v, f"x0[{k!r}]") for k, v in x0.items()]
        packed = _takes_whole(known, x0, n_args) if unpack is None else not unpack
        if not packed:
            _check_names(known, x0)
        s = Structure("dict", tuple(a.shape for a in arrays), tuple(x0), packed, known.named)
    else:
        r = known.least - n_args if known.known else 1
        entries = isinstance(x0, tuple) and unpack is not False
        if entries and (r == len(x0) or unpack or (not known.known and len(x0) > 1)):
            arrays = [as_floats(v, f"x0[{i}]") for i, v in enumerate(x0)]
            s = Structure("tuple", tuple(a.shape for a in arrays), named=known.named)
        elif (unpack is False or (unpack is None and r == 1)) and _is_ragged(x0):
            arrays = [as_floats(v, f"x0[{i}]") for i, v in enumerate(x0)]
            s = Structure("tuple", tuple(a.shape for a in arrays), packed=True, named=known.named)
        else:
            array = as_floats(x0, "x0")
            arrays = [array]
            if unpack is False or (unpack is None and r == 1):
                s = Structure("whole", (array.shape,), named=known.named)
            elif array.ndim == 1 and (unpack or (r == array.size and r > 1)):
                s = Structure("elements", ((),) * array.size, named=known.named)
            else:
                form = f"{len(x0)} entries" if isinstance(x0, tuple) else f"shape {array.shape}"
                raise TypeError(
                    f"the function takes {max(r, 0)} positional argument{'s' * (r != 1)} from x0, "
                    f"got x0 with {form}; set unpack=True or unpack=False to say how to pass it"
                )
    flat = np.concatenate([a.ravel() for a in arrays]) if len(arrays) > 1 else arrays[0].ravel()
    if flat.size == 0:
        raise ValueError(f"x0 must not be empty, got shape {arrays[0].shape}")
    return s, flat


def _takes_whole(known: Parameters, x0: dict[str, Any], n_args: int) -> bool:
    """Whether a function takes a dict as one argument: one parameter that is not a key."""
    if not known.known:
        return known.variadic and not known.takes_any
    alone = known.least - n_args == 1 and not known.named
    return alone and x0.keys().isdisjoint(known.positional[: known.required])


def _check_names(known: Parameters, x0: dict[str, Any]) -> None:
    """Raise TypeError if a key is not a parameter of the function."""
    unknown = [k for k in x0 if not known.takes(k)]
    if unknown:
        own = ", ".join(known.all_named) or "none by name"
        raise TypeError(
            f"x0 has a key {unknown[0]!r} that is not a parameter of the function, which takes "
            f"{own}; unpack=False passes the dict as one argument"
        )


def _is_ragged(x0: Any) -> bool:
    """Whether x0 is a tuple of arrays with different shapes."""
    try:
        return isinstance(x0, tuple) and len({np.shape(v) for v in x0}) > 1
    except ValueError:
        return False


def any_in_rows(flags: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return which rows of `flags` (k, n) hold a True.

    `any` along an axis of few elements takes 20 times as long as the columns one by one.
    """
    few = 0 < flags.shape[1] <= 8
    found: npt.NDArray[np.bool_]
    found = functools.reduce(np.logical_or, flags.T) if few else np.logical_or.reduce(flags, axis=1)
    return found


def one_start(x0: Any, structure: Structure) -> FloatArray:
    """Return one start as a row (1, n), or raise an error if it is not one, or is not finite."""
    lead, row = structure.flatten(x0, "x0")
    if lead:
        raise ValueError(f"x0 must be one start, got {row.shape[0]} (leading axes {lead})")
    check_finite(row[0], "x0", structure)
    return row


def check_finite(flat: FloatArray, what: str, structure: Structure) -> None:
    """Raise ValueError if an entry is NaN or infinite."""
    few = flat.size <= 16  # faster without NumPy
    if not (all(map(isfinite, flat.tolist())) if few else np.isfinite(flat).all()):
        bad = np.flatnonzero(~np.isfinite(flat))
        where = f" at index {bad[0]}" if flat.size > 1 else ""
        if structure.form in ("tuple", "dict"):
            where = f" for {structure.name_of(bad[0])}"
        raise ValueError(f"{what} must be finite, got {flat[bad[0]]}{where}")
