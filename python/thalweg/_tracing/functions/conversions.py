# SPDX-License-Identifier: BSD-3-Clause
"""Trace NumPy's functions that make arrays of their arguments, which NumPy does not dispatch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from thalweg._tracing.complex_values import complex_of
from thalweg._tracing.registry import is_complex
from thalweg._tracing.stand_ins import module_of, stands_for
from thalweg._tracing.traced import Traced
from thalweg._tracing.tracer import holds_tracer


def _all_in(value: Any) -> Iterator[Any]:
    if isinstance(value, np.ndarray):
        value = value.ravel().tolist()
    if isinstance(value, list | tuple):
        for item in value:
            yield from _all_in(item)
    elif isinstance(value, Traced):
        yield value


def as_traced(value: Any) -> Any:
    """Return a traced value, or lists and arrays of objects with some, as one traced array.

    Arrays of objects without a traced value, and what is no number, give None.
    """
    if isinstance(value, Traced):
        return value
    if not holds_tracer(value):
        return None
    first = next(_all_in(value), None)
    if first is None:
        return None
    return complex_of(first.trace, value) if is_complex(value) else first.trace.wrap(value)


@stands_for("numpy", "array", "asarray", "asanyarray", "ascontiguousarray", "asfortranarray")
def _array(original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    value = args[0] if args else kwargs.get("a", kwargs.get("object"))
    dtype = args[1] if len(args) > 1 else kwargs.get("dtype")
    if dtype is not None and np.dtype(dtype) == object:
        return original(*args, **kwargs)
    traced = as_traced(value)
    if traced is None:
        return original(*args, **kwargs)
    if dtype is not None:
        traced = traced.astype(dtype)
    least = kwargs.get("ndmin", 0)
    if original.__name__ in ("ascontiguousarray", "asfortranarray"):
        least = 1
    return traced.reshape((1,) * (least - traced.ndim) + traced.shape)


@stands_for("numpy", "asarray_chkfinite")
def _asarray_chkfinite(original: Callable[..., Any], a: Any, *args: Any, **kwargs: Any) -> Any:
    traced = as_traced(a)
    return original(a, *args, **kwargs) if traced is None else traced


@stands_for("numpy", "full")
def _full(original: Callable[..., Any], shape: Any, fill_value: Any, *args: Any, **kw: Any) -> Any:
    traced = as_traced(fill_value)
    if traced is None:
        return original(shape, fill_value, *args, **kw)
    return np.broadcast_to(traced, shape)


@stands_for("numpy", "isscalar")
def _isscalar(original: Callable[..., Any], element: Any) -> Any:
    return False if isinstance(element, Traced) else original(element)


@stands_for("scipy._lib._array_api", "array_namespace")
def _array_namespace(original: Callable[..., Any], *arrays: Any, **kwargs: Any) -> Any:
    """Return NumPy with its forms, for SciPy's own Python functions such as `rosen`."""
    return module_of(np) if any(map(holds_tracer, arrays)) else original(*arrays, **kwargs)


@stands_for("scipy._lib._array_api", "xp_promote")
def _xp_promote(original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    if not any(map(holds_tracer, args)):
        return original(*args, **kwargs)
    arrays = [a if (traced := as_traced(a)) is None else traced for a in args]
    return arrays[0] if len(arrays) == 1 else tuple(arrays)
