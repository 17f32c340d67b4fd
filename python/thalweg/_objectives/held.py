# SPDX-License-Identifier: BSD-3-Clause
"""Name the array that holds NaN or infinity, among those that a traced function uses.

The arrays are searched only after a value was not finite.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Sequence
from types import CodeType, FunctionType, MethodType
from typing import Any
from weakref import WeakMethod, ref

import numpy as np
import numpy.typing as npt

from thalweg._tracing.numbers import FloatArray, place_in

__all__ = ["Held"]

# The number of elements that are searched at a time.
_PIECE = 1 << 20


class Held:
    """The arrays that a function used while it was traced.

    Their names are looked up when a message needs them. The function itself is not kept alive.

    Parameters
    ----------
    function : callable
        The traced function.
    read : list of (object, ndarray)
        Each object that became data of the graph, and its array.
    """

    __slots__ = ("_function", "_read")

    def __init__(
        self, function: Callable[..., Any], read: Sequence[tuple[Any, npt.NDArray[Any]]]
    ) -> None:
        self._read = read
        self._function: Callable[[], Any] | None = None
        with contextlib.suppress(TypeError):  # builtins and some objects with __slots__
            self._function = _reference(function)

    def not_finite(self, args: Sequence[FloatArray], names: Sequence[str] = ()) -> str:
        """Describe the first array, or argument, that holds NaN or infinity; "" if none does.

        `names` replace the default names ``args[i]`` of the arguments.
        """
        for given, array in self._read:
            if place := _first_bad(array):
                value, at = place
                name = self._name_of(given, array)
                which = f"`{name}`" if name else f"an array of shape {array.shape}"
                return f"the data contain {value} ({which}{place_in(at)})"
        for i, array in enumerate(args):
            if place := _first_bad(array):
                value, at = place
                name = names[i] if i < len(names) else f"args[{i}]"
                return f"the data contain {value} ({name}{place_in(at)})"
        return ""

    def _name_of(self, *values: Any) -> str:
        function = None if self._function is None else self._function()
        known = {id(value): name for name, value in _variables(function)}
        return next((known[id(v)] for v in values if id(v) in known), "").removeprefix("self._")


def _reference(function: Any) -> Callable[[], Any]:
    """Return a weak reference to a function, or to a method and its object."""
    return WeakMethod(function) if isinstance(function, MethodType) else ref(function)


def _variables(function: Any) -> list[tuple[str, Any]]:
    """List the variables that a function reads: attributes, globals, defaults, its closure."""
    found: list[tuple[str, Any]] = []
    while isinstance(function, functools.partial):
        found += function.keywords.items()
        function = function.func
    if not isinstance(function, FunctionType):
        own = getattr(function, "__self__", function)
        found += [(f"self.{name}", value) for name, value in getattr(own, "__dict__", {}).items()]
        function = getattr(function, "__func__", getattr(type(function), "__call__", None))  # noqa: B004
    if isinstance(function, FunctionType):
        found += _read_by(function)
    called = [value for _, value in found if isinstance(value, FunctionType)]
    for inner in called:
        if inner is not function:
            found += _read_by(inner)
    return found


def _read_by(function: FunctionType) -> list[tuple[str, Any]]:
    """List the globals, defaults and closure variables that a plain function reads."""
    code, known = function.__code__, function.__globals__
    found = [(name, known[name]) for name in _read_names(code) if name in known]
    defaults = function.__defaults__ or ()
    names = code.co_varnames[code.co_argcount - len(defaults) : code.co_argcount]
    found += zip(names, defaults, strict=True)
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        with contextlib.suppress(ValueError):  # the variable has no value yet
            found.append((name, cell.cell_contents))
    return found


def _read_names(code: CodeType) -> list[str]:
    names = list(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names += _read_names(constant)
    return names


def _first_bad(array: npt.NDArray[Any]) -> tuple[float, tuple[int, ...]] | None:
    """Return the first value that is NaN or infinite, and its index."""
    if array.dtype.kind not in "fc":
        return None
    flat = array.ravel() if array.flags.c_contiguous else array.flat
    for start in range(0, array.size, _PIECE):
        bad = np.flatnonzero(~np.isfinite(np.asarray(flat[start : start + _PIECE])))
        if len(bad):
            at = np.unravel_index(start + int(bad[0]), array.shape)
            return float(array[at]), tuple(int(i) for i in at)
    return None
