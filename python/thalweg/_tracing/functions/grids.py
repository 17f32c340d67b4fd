# SPDX-License-Identifier: BSD-3-Clause
"""Trace NumPy's functions of samples on a grid: linspace, gradient, unwrap; and comparisons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from thalweg._tracing.errors import cannot_trace
from thalweg._tracing.functions.elements import along, choose, op
from thalweg._tracing.functions.joining import join
from thalweg._tracing.registry import FUNCTIONS, implements, plain
from thalweg._tracing.tracer import Tracer, holds_tracer

if TYPE_CHECKING:
    from thalweg._tracing.trace import Trace


@implements(np.linspace)
def _linspace(
    trace: Trace,
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    plain("np.linspace", dtype)
    if num < 0:
        raise ValueError(f"Number of samples, {num}, must be non-negative.")
    first, last = trace.wrap(start), trace.wrap(stop)
    count = num - 1 if endpoint else num
    step = (last - first) / count if count > 0 else trace.wrap(np.nan)
    shape = np.broadcast_shapes(first.shape, last.shape)
    at = np.arange(num, dtype=np.float64).reshape((-1,) + (1,) * len(shape))
    value: Any = first + at * step if count > 0 else first + at * 0.0
    if endpoint and num > 1:  # the end itself, without rounding
        value = choose(trace, at == count, last, value)
    value = FUNCTIONS[np.broadcast_to](trace, value, (num, *shape))
    if axis:
        value = FUNCTIONS[np.moveaxis](trace, value, 0, axis)
    return (value, step) if retstep else value


@implements(np.logspace)
def _logspace(
    trace: Trace,
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    base: Any = 10.0,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    plain("np.logspace", dtype)
    return trace.wrap(base) ** _linspace(trace, start, stop, num, endpoint, axis=axis)


@implements(np.geomspace)
def _geomspace(
    trace: Trace,
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    plain("np.geomspace", dtype)
    first, last = trace.wrap(start), trace.wrap(stop)
    share = np.arange(num) / max(num - 1 if endpoint else num, 1)
    shape = np.broadcast_shapes(first.shape, last.shape)
    value = first * (last / first) ** share.reshape((-1,) + (1,) * len(shape))
    return FUNCTIONS[np.moveaxis](trace, value, 0, axis) if axis else value


# ---- slopes along axes ---------------------------------------------------------------------------


@implements(np.gradient, arguments="axis edge_order")
def _gradient(trace: Trace, f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    y = trace.wrap(f)
    axes = tuple(range(y.ndim)) if axis is None else normalize_axis_tuple(axis, y.ndim)
    spacings: list[Any] = list(varargs) or [1.0]
    if len(spacings) == 1 and not np.ndim(spacings[0]):
        spacings *= len(axes)
    if len(spacings) != len(axes):
        raise TypeError("invalid number of arguments")
    if edge_order > 2:
        raise ValueError("'edge_order' greater than 2 not supported")
    found = [_slope(y, k, h, edge_order) for k, h in zip(axes, spacings, strict=True)]
    return found[0] if len(found) == 1 else tuple(found)


def _slope(y: Tracer, axis: int, spacing: Any, edge_order: int) -> Tracer:
    """Return second-order central differences, and one-sided ones at both ends."""
    n, trace = y.shape[axis], y.trace
    if n < edge_order + 1:
        raise ValueError(
            "Shape of array too small to calculate a numerical gradient, at least (edge_order + 1) "
            "elements are required."
        )
    h = trace.wrap(spacing)
    if h.ndim > 1 or (h.ndim == 1 and h.shape[0] != n):
        raise ValueError("when 1d, distances must match the length of the corresponding dimension")
    column = (-1,) + (1,) * (y.ndim - axis - 1)
    steps = h[1:] - h[:-1] if h.ndim else trace.wrap(np.ones(n - 1)) * h
    steps = steps.reshape(column)

    def at(which: Any) -> Tracer:
        return y[along(y.ndim, axis, which)]

    def width(k: Any) -> Tracer:
        return steps[(k, *(slice(None),) * (len(column) - 1))]

    before, after = width(slice(None, -1)), width(slice(1, None))
    inner = [
        -after / (before * (before + after)) * at(slice(None, -2))
        + (after - before) / (before * after) * at(slice(1, -1))
        + before / (after * (before + after)) * at(slice(2, None))
    ]
    if not h.ndim:  # as NumPy does where all steps are equal
        inner = [(at(slice(2, None)) - at(slice(None, -2))) / (2.0 * h)]
    one = slice(0, 1), slice(1, 2), slice(2, 3)
    if edge_order == 1:
        first = (at(one[1]) - at(one[0])) / width(one[0])
        last = (at(slice(-1, None)) - at(slice(-2, -1))) / width(slice(-1, None))
    else:
        a, b = width(one[0]), width(one[1])
        first = (
            -(2 * a + b) / (a * (a + b)) * at(one[0])
            + (a + b) / (a * b) * at(one[1])
            - a / (b * (a + b)) * at(one[2])
        )
        a, b = width(slice(-2, -1)), width(slice(-1, None))
        last = (
            b / (a * (a + b)) * at(slice(-3, -2))
            - (b + a) / (a * b) * at(slice(-2, -1))
            + (2 * b + a) / (b * (a + b)) * at(slice(-1, None))
        )
    return join(trace, [first, *(inner if n > 2 else []), last], axis)


@implements(np.unwrap)
def _unwrap(
    trace: Trace, p: Any, discont: Any = None, axis: int = -1, *, period: float = 2 * np.pi
) -> Tracer:
    x = trace.wrap(p)
    axis = normalize_axis_index(axis, x.ndim)
    jump = FUNCTIONS[np.diff](trace, x, axis=axis)
    half = period / 2
    wrapped = (jump + half) % period - half
    wrapped = choose(trace, op(trace, "equal", wrapped, -half) & (jump > 0), half, wrapped)
    small = abs(jump) < (half if discont is None else np.maximum(discont, half))
    correction = choose(trace, small, 0.0, wrapped - jump)
    rest = x[along(x.ndim, axis, slice(1, None))]
    rest = rest + FUNCTIONS[np.cumsum](trace, correction, axis)
    return join(trace, [x[along(x.ndim, axis, slice(0, 1))], rest], axis)


# ---- comparisons of arrays -----------------------------------------------------------------------


@implements(np.isclose)
def _isclose(
    trace: Trace, a: Any, b: Any, rtol: Any = 1e-5, atol: Any = 1e-8, equal_nan: bool = False
) -> Any:
    x, y = trace.wrap(a), trace.wrap(b)
    near = abs(x - y) <= atol + rtol * abs(y)
    close = (near & op(trace, "isfinite", y)) | (x == y)
    return close | (op(trace, "isnan", x) & op(trace, "isnan", y)) if equal_nan else close


@implements(np.allclose)
def _allclose(
    trace: Trace, a: Any, b: Any, rtol: Any = 1e-5, atol: Any = 1e-8, equal_nan: bool = False
) -> Any:
    return FUNCTIONS[np.all](trace, _isclose(trace, a, b, rtol, atol, equal_nan))


@implements(np.array_equal)
def _array_equal(trace: Trace, a1: Any, a2: Any, equal_nan: bool = False) -> Any:
    x, y = trace.wrap(a1), trace.wrap(a2)
    if x.shape != y.shape:
        return False
    same = x == y
    if equal_nan:
        same = same | (op(trace, "isnan", x) & op(trace, "isnan", y))
    return FUNCTIONS[np.all](trace, same)


@implements(np.array_equiv)
def _array_equiv(trace: Trace, a1: Any, a2: Any) -> Any:
    x, y = trace.wrap(a1), trace.wrap(a2)
    try:
        np.broadcast_shapes(x.shape, y.shape)
    except ValueError:
        return False
    return FUNCTIONS[np.all](trace, x == y)


@implements(np.isneginf)
def _isneginf(trace: Trace, x: Any, out: Any = None) -> Any:
    plain("np.isneginf", out=out)
    return trace.wrap(x) == -np.inf


@implements(np.isposinf)
def _isposinf(trace: Trace, x: Any, out: Any = None) -> Any:
    plain("np.isposinf", out=out)
    return trace.wrap(x) == np.inf


@implements(np.isreal)
def _isreal(trace: Trace, x: Any) -> Any:
    return np.ones(trace.wrap(x).shape, bool)


@implements(np.iscomplex)
def _iscomplex(trace: Trace, x: Any) -> Any:
    return np.zeros(trace.wrap(x).shape, bool)


@implements(np.choose)
def _choose(trace: Trace, a: Any, choices: Any, out: Any = None, mode: str = "raise") -> Any:
    plain("np.choose", out=out)
    n = len(choices)
    if not holds_tracer(a):
        a = np.asarray(a)
        if mode == "raise" and np.any((a < 0) | (a >= n)):
            raise ValueError("invalid entry in choice array")
        a = a % n if mode == "wrap" else np.clip(a, 0, n - 1)
    elif mode == "raise":
        why = "whether it is out of range is not known yet."
        raise cannot_trace("np.choose with a traced index", why, 'Write mode="clip" or "wrap".')
    else:
        a = a % n if mode == "wrap" else np.clip(a, 0, n - 1)
    value = choices[n - 1]
    for k in reversed(range(n - 1)):
        value = choose(trace, op(trace, "equal", a, float(k)), choices[k], value)
    return value
