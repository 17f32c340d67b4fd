# SPDX-License-Identifier: BSD-3-Clause
"""Look up the traced form of NumPy's functions, and refuse functions that have none.

The modules in functions/ register their functions here.
"""

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from thalweg._tracing.errors import TraceError, cannot_trace, no_masks

F = TypeVar("F", bound=Callable[..., Any])

# The handlers of NumPy's functions, and the names of their arguments. A handler is called with the
# trace and then with the arguments of the function.
FUNCTIONS: dict[Any, Callable[..., Any]] = {}
ARGUMENTS: dict[Any, frozenset[str]] = {}


# The same for complex values.
COMPLEX_FUNCTIONS: dict[Any, Callable[..., Any]] = {}
COMPLEX_ARGUMENTS: dict[Any, frozenset[str]] = {}


# The types of values that are not complex; traced real values enter here too.
REAL: set[type] = {float, int, bool, str, type(None), np.float64, slice}


def is_complex(value: Any) -> bool:
    """Whether a value is or contains complex numbers, traced or plain."""
    kind = type(value)
    if kind in REAL:
        return False
    if kind is np.ndarray:
        if value.dtype == object:
            return any(map(is_complex, value.ravel().tolist()))
        return bool(value.dtype.kind == "c")
    if isinstance(value, list | tuple):
        return any(map(is_complex, value))
    return isinstance(value, complex) or getattr(getattr(value, "dtype", None), "kind", None) == "c"


def implements(*functions: Any, arguments: str = "") -> Callable[[F], F]:
    """Register a handler for functions of NumPy.

    The handler is called with the trace and then with the arguments of the function. Arguments that
    it does not have are refused by name.

    Parameters
    ----------
    functions
        The functions of NumPy.
    arguments : str, optional
        The names of further arguments of a handler with `*args, **kwargs`, separated by spaces.
    """

    def enter(handler: F) -> F:
        names = names_of(handler).union(arguments.split())
        for function in functions:
            FUNCTIONS[function] = handler
            ARGUMENTS[function] = names
        return handler

    return enter


def names_of(handler: Callable[..., Any]) -> frozenset[str]:
    """Return the names of a handler's arguments, without the trace."""
    code = handler.__code__
    return frozenset(code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount])


def call_function(trace: Any, function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """Call the handler of a function of NumPy."""
    handler = FUNCTIONS.get(function)
    if handler is None:
        raise no_traced_form(name_of(function))
    special = [v for v in (*args, *kwargs.values()) if type(v) not in REAL]
    for value in special:
        if isinstance(value, np.ma.MaskedArray):
            refuse_masked(value)
    arguments = ARGUMENTS
    if special and any(map(is_complex, special)):
        handler, arguments = COMPLEX_FUNCTIONS.get(function), COMPLEX_ARGUMENTS
        if handler is None:
            raise no_traced_form(f"{name_of(function)} of complex values")
    if kwargs:
        kwargs = accepted(name_of(function), kwargs, arguments[function])
    code = handler.__code__
    if len(args) >= code.co_argcount and not code.co_flags & inspect.CO_VARARGS:
        raise no_such_argument(name_of(function), _argument(function, code.co_argcount - 1))
    return handler(trace, *args, **kwargs)


def _argument(function: Any, position: int) -> str:
    """Return the name of an argument of a NumPy function by its position."""
    try:
        return list(inspect.signature(function).parameters)[position]
    except (ValueError, IndexError):
        return f"number {position + 1}"


def refuse_masked(array: np.ma.MaskedArray[Any, Any]) -> None:
    """Raise an error if an element of an array is masked."""
    if np.ma.is_masked(array):
        raise no_masks()


def plain(name: str, dtype: Any = None, out: Any = None) -> None:
    """Raise an error if dtype or out was given."""
    if out is not None:
        raise no_such_argument(name, "out")
    if dtype is not None and np.dtype(dtype) != np.float64:
        raise no_such_argument(name, "dtype")


def name_of(function: Any) -> str:
    """Return the name by which users know a function."""
    module = str(getattr(function, "__module__", "")).replace("numpy", "np", 1)
    return f"{module}.{getattr(function, '__name__', function)}"


def no_traced_form(name: str) -> TraceError:
    """Build the error for a function without a traced form."""
    if name in _POSITIONS:
        why = f"its values are positions, which are not known yet. {_POSITIONS[name]}"
        return cannot_trace(name, why)
    return cannot_trace(name, "it has no traced form.", _INSTEAD_OF.get(name, ""))


_POSITIONS = {
    **dict.fromkeys(("np.argsort", "np.argpartition", "np.lexsort"), "np.sort orders elements."),
    **dict.fromkeys(("np.argmax", "np.argmin"), "np.max and np.min return the element."),
    **dict.fromkeys(
        ("np.nonzero", "np.flatnonzero", "np.argwhere", "np.unique"),
        "np.where(condition, a, b) keeps the shape.",
    ),
}
_INSTEAD_OF = {
    "np.linalg.eig": "If the matrix is symmetric, write np.linalg.eigh(A).",
    "np.linalg.eigvals": "If the matrix is symmetric, write np.linalg.eigvalsh(A).",
    "np.apply_along_axis": "Write the function for whole arrays, or np.stack a loop.",
    "np.copyto": "Write np.broadcast_to(value, shape) instead of np.full(shape, value, dtype).",
}


def accepted(name: str, kwargs: dict[str, Any], known: frozenset[str]) -> dict[str, Any]:
    """Return the keywords that a handler takes, and refuse others that would have an effect."""
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
    """Build the error for an argument without a traced form."""
    better = {
        "out": "Leave it out and use the return value; write a = a + x instead of a += x.",
        "where": "Write np.where(mask, x, 0) to leave out values.",
        "dtype": "Traced values are float64.",
    }
    return cannot_trace(
        f"{name}(..., {argument}=)",
        f"the argument `{argument}` has no traced form.",
        better.get(argument, ""),
    )
