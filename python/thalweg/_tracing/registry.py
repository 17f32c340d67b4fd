# SPDX-License-Identifier: BSD-3-Clause
"""The table of NumPy's functions that have a traced form, and how others are refused.

The modules in functions/ enter functions here.
"""

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from thalweg._tracing.errors import TraceError, cannot_trace, no_masks

F = TypeVar("F", bound=Callable[..., Any])

# Handlers of NumPy's functions, each called with the trace and then as the function is; and the
# names of their arguments.
FUNCTIONS: dict[Any, Callable[..., Any]] = {}
ARGUMENTS: dict[Any, frozenset[str]] = {}


def implements(*functions: Any, arguments: str = "") -> Callable[[F], F]:
    """Enter a handler: called with the trace, then as NumPy's function is.

    Arguments that it does not have are refused by name.

    Parameters
    ----------
    functions
        NumPy's functions.
    arguments : str, optional
        Names of arguments that a handler of `*args, **kwargs` takes besides, spaces between.
    """

    def enter(handler: F) -> F:
        code = handler.__code__
        names = frozenset(code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount])
        for function in functions:
            FUNCTIONS[function] = handler
            ARGUMENTS[function] = names.union(arguments.split())
        return handler

    return enter


def call_function(trace: Any, function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """Call the handler of one of NumPy's functions."""
    handler = FUNCTIONS.get(function)
    if handler is None:
        raise no_traced_form(name_of(function))
    if kwargs:
        kwargs = accepted(name_of(function), kwargs, ARGUMENTS[function])
    code = handler.__code__
    if len(args) >= code.co_argcount and not code.co_flags & inspect.CO_VARARGS:
        raise no_such_argument(name_of(function), _argument(function, code.co_argcount - 1))
    for value in (*args, *kwargs.values()):
        if isinstance(value, np.ma.MaskedArray):
            refuse_masked(value)
    return handler(trace, *args, **kwargs)


def _argument(function: Any, position: int) -> str:
    """Return the name of an argument of NumPy's, by its position."""
    try:
        return list(inspect.signature(function).parameters)[position]
    except (ValueError, IndexError):
        return f"number {position + 1}"


def refuse_masked(array: np.ma.MaskedArray[Any, Any]) -> None:
    """Refuse an array of which something is masked."""
    if np.ma.is_masked(array):
        raise no_masks()


def plain(name: str, dtype: Any = None, out: Any = None) -> None:
    """Refuse a dtype or an out given by position."""
    if out is not None:
        raise no_such_argument(name, "out")
    if dtype is not None and np.dtype(dtype) != np.float64:
        raise no_such_argument(name, "dtype")


def name_of(function: Any) -> str:
    """Return the name that a user knows a function by."""
    module = str(getattr(function, "__module__", "")).replace("numpy", "np", 1)
    return f"{module}.{getattr(function, '__name__', function)}"


def no_traced_form(name: str) -> TraceError:
    """Make the error of a function that is not known here."""
    return cannot_trace(name, "it has no traced form.", _INSTEAD_OF.get(name, ""))


_INSTEAD_OF = {
    "np.linalg.solve": "Where the matrix is constant, invert it before and multiply.",
    "np.isclose": "Write abs(a - b) < tolerance.",
    "np.allclose": "Write np.all(abs(a - b) < tolerance).",
    "np.array_equal": "Write np.all(a == b).",
    "np.median": "np.mean and np.linalg.norm(x, 1) have one.",
}


def accepted(name: str, kwargs: dict[str, Any], known: frozenset[str]) -> dict[str, Any]:
    """Return the keywords that a handler takes; refuse others that would change anything."""
    left = {}
    for key, value in kwargs.items():
        if key in known:
            left[key] = value
        elif not (
            (key == "dtype" and (value is None or np.dtype(value) == np.float64))
            or (
                key == "out"
                and (value is None or (isinstance(value, tuple) and all(v is None for v in value)))
            )
            or (key == "where" and value is True)
            or (key in ("casting", "order", "subok", "like", "copy", "optimize", "device"))
        ):
            raise no_such_argument(name, key)
    return left


def no_such_argument(name: str, argument: str) -> TraceError:
    """Make the error of an argument that has no traced form."""
    better = {
        "out": "Leave it out and use what is returned; write a = a + x for a += x.",
        "where": "Write np.where(mask, x, 0) for the values left out.",
        "dtype": "Traced values are float64.",
    }
    return cannot_trace(
        f"{name}(..., {argument}=)",
        f"the argument `{argument}` has no traced form.",
        better.get(argument, ""),
    )
