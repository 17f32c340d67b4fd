# SPDX-License-Identifier: BSD-3-Clause
"""Trace NumPy's functions of elements: choices, reductions and averages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from thalweg._core import Reduction
from thalweg._tracing.errors import cannot_trace
from thalweg._tracing.operations import OPCODE, Shape
from thalweg._tracing.registry import ARGUMENTS, implements, plain
from thalweg._tracing.tracer import (
    WHERE,
    Tracer,
    Truth,
    apply,
    holds_tracer,
    is_truth,
)

if TYPE_CHECKING:
    from thalweg._tracing.trace import Trace


def op(trace: Trace, name: str, *operands: Any) -> Tracer:
    """Apply an operation of the core by its name."""
    return apply(trace, OPCODE[name], operands)


def choose(trace: Trace, condition: Any, x: Any, y: Any) -> Tracer:
    """Return x where the condition is true, and y elsewhere."""
    chosen = apply(trace, WHERE, (condition, x, y))
    return Truth(trace, chosen.node) if is_truth(x) and is_truth(y) else chosen


def along(ndim: int, axis: int, item: Any) -> tuple[Any, ...]:
    """Return the index that selects `item` along one axis."""
    return (*(slice(None),) * axis, item, *(slice(None),) * (ndim - axis - 1))


# ---- choices -------------------------------------------------------------------------------------


@implements(np.where)
def _where(trace: Trace, condition: Any, x: Any = None, y: Any = None) -> Tracer:
    if x is None or y is None:
        why = "the number of elements in its result is not known yet."
        raise cannot_trace("np.where(condition)", why, "Write np.where(condition, a, b).")
    return choose(trace, condition, x, y)


@implements(np.select)
def _select(trace: Trace, condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    if len(condlist) != len(choicelist):
        raise ValueError("list of cases must be same length as list of conditions")
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        default = choose(trace, condition, choice, default)
    return default


@implements(np.piecewise)
def _piecewise(trace: Trace, x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    if not holds_tracer(x) and np.asarray(x).dtype.kind in "biu":
        why = "NumPy truncates its values to integers if x holds integers."
        raise cannot_trace("np.piecewise of integers", why, "Write np.where, or 1.0 * x.")
    x = trace.wrap(x)
    if not isinstance(condlist, list | tuple):
        condlist = [condlist]
    pieces = [piece(x, *args, **kw) if callable(piece) else piece for piece in funclist]
    if len(pieces) not in (len(condlist), len(condlist) + 1):
        n = len(condlist)
        raise ValueError(f"with {n} condition(s), either {n} or {n + 1} functions are expected")
    value = pieces.pop() if len(pieces) > len(condlist) else 0.0
    for condition, piece in zip(condlist, pieces, strict=True):
        value = choose(trace, _of_leading_axes(trace, condition, x.shape), piece, value)
    return value


def _of_leading_axes(trace: Trace, condition: Any, shape: Shape) -> Any:
    """Append axes of length 1 to a condition, so that it broadcasts like x[condition]."""
    condition = trace.wrap(condition)
    own = condition.shape
    if own != shape[: len(own)]:
        raise IndexError(f"a condition must have the shape of x or of its rows, {shape}, got {own}")
    return condition.reshape(own + (1,) * (len(shape) - len(own)))


@implements(np.clip)
def _clip(
    trace: Trace,
    a: Any,
    a_min: Any = None,
    a_max: Any = None,
    out: Any = None,
    *,
    min: Any = None,
    max: Any = None,
) -> Any:
    plain("np.clip", out=out)
    lower, upper = (a_min if min is None else min), (a_max if max is None else max)
    if lower is not None:
        a = op(trace, "maximum", a, lower)
    return trace.wrap(a) if upper is None else op(trace, "minimum", a, upper)


@implements(np.nan_to_num)
def _nan_to_num(
    trace: Trace,
    x: Any,
    copy: bool = True,  # noqa: ARG001  (traced values are never changed in place)
    nan: Any = 0.0,
    posinf: Any = None,
    neginf: Any = None,
) -> Tracer:
    x = trace.wrap(x)
    if isinstance(x, Truth):  # NumPy does not even look at the rest
        return x
    for name, fill in (("nan", nan), ("posinf", posinf), ("neginf", neginf)):
        shape = np.shape(fill)
        if len(shape) > x.ndim or np.broadcast_shapes(shape, x.shape) != x.shape:
            raise ValueError(
                f"np.nan_to_num: {name} must broadcast to the shape {x.shape} of x, got {shape}"
            )
    huge = np.finfo(np.float64).max
    y = choose(trace, op(trace, "isnan", x), nan, x)
    y = choose(trace, op(trace, "equal", x, np.inf), huge if posinf is None else posinf, y)
    return choose(trace, op(trace, "equal", x, -np.inf), -huge if neginf is None else neginf, y)


@implements(np.round, np.around)
def _round(trace: Trace, a: Any, decimals: int = 0, out: Any = None) -> Tracer:
    plain("np.round", out=out)
    if decimals == 0:
        return op(trace, "rint", a)
    scale = 10.0 ** abs(decimals)
    a = trace.wrap(a)
    return (
        op(trace, "rint", a * scale) / scale
        if decimals > 0
        else op(trace, "rint", a / scale) * scale
    )


@implements(np.fix)
def _fix(trace: Trace, x: Any) -> Tracer:
    return op(trace, "trunc", x)


@implements(np.sinc)
def _sinc(trace: Trace, x: Any) -> Tracer:
    return op(trace, "sinc", x)


@implements(np.real, np.real_if_close)
def _real(trace: Trace, val: Any) -> Tracer:
    return trace.wrap(val)


@implements(np.imag)
def _imag(trace: Trace, val: Any) -> Any:
    return np.zeros(trace.wrap(val).shape)


# ---- reductions ----------------------------------------------------------------------------------


def axes_of(ndim: int, axis: Any) -> tuple[int, ...]:
    """Return the axes over which a reduction runs."""
    return tuple(range(ndim)) if axis is None else normalize_axis_tuple(axis, ndim)


def reduce(kind: Any, trace: Trace, a: Any, axis: Any, keepdims: bool) -> Tracer:
    """Apply a reduction of the core."""
    node = trace.lift(a)
    ndim = len(trace.graph.shape(node))
    axes = () if ndim == 0 and axis in (0, -1) else axes_of(ndim, axis)  # as in NumPy
    return Tracer(trace, trace.graph.reduce(kind, node, axes, keepdims))


SUM, PROD, MAX, MIN = Reduction.sum, Reduction.prod, Reduction.max, Reduction.min


@implements(np.sum)
def _sum(
    trace: Trace,
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
) -> Tracer:
    plain("np.sum", dtype, out)
    return reduce(SUM, trace, a, axis, keepdims)


@implements(np.prod)
def _prod(
    trace: Trace,
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
) -> Tracer:
    plain("np.prod", dtype, out)
    return reduce(PROD, trace, a, axis, keepdims)


@implements(np.max, np.amax)
def _max(trace: Trace, a: Any, axis: Any = None, out: Any = None, keepdims: bool = False) -> Tracer:
    plain("np.max", out=out)
    return reduce(MAX, trace, a, axis, keepdims)


@implements(np.min, np.amin)
def _min(trace: Trace, a: Any, axis: Any = None, out: Any = None, keepdims: bool = False) -> Tracer:
    plain("np.min", out=out)
    return reduce(MIN, trace, a, axis, keepdims)


@implements(np.any)
def _any(trace: Trace, a: Any, axis: Any = None, out: Any = None, keepdims: bool = False) -> Tracer:
    plain("np.any", out=out)
    return trace.wrap(reduce(SUM, trace, trace.wrap(a) != 0, axis, keepdims)) > 0


@implements(np.all)
def _all(trace: Trace, a: Any, axis: Any = None, out: Any = None, keepdims: bool = False) -> Tracer:
    plain("np.all", out=out)
    return reduce(SUM, trace, trace.wrap(a) == 0, axis, keepdims) == 0


@implements(np.count_nonzero)
def _count_nonzero(trace: Trace, a: Any, axis: Any = None, *, keepdims: bool = False) -> Tracer:
    return reduce(SUM, trace, trace.wrap(a) != 0, axis, keepdims)


@implements(np.ptp)
def _ptp(trace: Trace, a: Any, axis: Any = None, out: Any = None, keepdims: bool = False) -> Tracer:
    plain("np.ptp", out=out)
    return reduce(MAX, trace, a, axis, keepdims) - reduce(MIN, trace, a, axis, keepdims)


def count(shape: Shape, axis: Any) -> int:
    """Return the number of elements that a reduction combines."""
    return int(np.prod([shape[i] for i in axes_of(len(shape), axis)], dtype=np.int64))


@implements(np.mean)
def _mean(
    trace: Trace,
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
) -> Tracer:
    plain("np.mean", dtype, out)
    a = trace.wrap(a)
    return reduce(SUM, trace, a, axis, keepdims) / count(a.shape, axis)


@implements(np.var)
def _var(
    trace: Trace,
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    mean: Any = None,
    correction: float | None = None,
) -> Tracer:
    plain("np.var", dtype, out)
    a = trace.wrap(a)
    n = count(a.shape, axis)
    if mean is None:
        mean = reduce(SUM, trace, a, axis, True) / n
    deviation = a - mean
    left = max(n - (ddof if correction is None else correction), 0)
    return reduce(SUM, trace, deviation**2, axis, keepdims) / left


def root(trace: Trace, square: Tracer) -> Tracer:
    """Return the square root with slope 0 at 0, the corner of norm and std."""
    return choose(trace, square == 0, 0.0, op(trace, "sqrt", square))


@implements(np.std)
def _std(trace: Trace, a: Any, *args: Any, **kwargs: Any) -> Tracer:
    return root(trace, _var(trace, a, *args, **kwargs))


ARGUMENTS[np.std] = ARGUMENTS[np.var]


@implements(np.average)
def _average(
    trace: Trace,
    a: Any,
    axis: Any = None,
    weights: Any = None,
    returned: bool = False,
    *,
    keepdims: bool = False,
) -> Any:
    a = trace.wrap(a)
    total: Any
    if weights is None:
        value, total = _mean(trace, a, axis, keepdims=keepdims), float(count(a.shape, axis))
    else:
        w = trace.wrap(weights)
        axes = axes_of(a.ndim, axis)
        if w.shape != a.shape:
            if axis is None:
                raise TypeError("Axis must be specified when shapes of a and weights differ.")
            if w.shape != tuple(a.shape[i] for i in axes):
                raise ValueError(
                    "Shape of weights must be consistent with shape of a along specified axis."
                )
            order = np.argsort(axes)
            w = w.transpose(tuple(order)).reshape(
                [n if i in axes else 1 for i, n in enumerate(a.shape)]
            )
            w = Tracer(trace, trace.graph.broadcast_to(w.node, a.shape))
        total = reduce(SUM, trace, w, axis, keepdims)
        value = reduce(SUM, trace, a * w, axis, keepdims) / total
    return (value, trace.wrap(total) + 0.0 * value) if returned else value
