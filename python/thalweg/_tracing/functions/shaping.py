# SPDX-License-Identifier: BSD-3-Clause
"""Trace NumPy's functions that move elements, by views or gathers, and the `*_like` functions.

NumPy itself is applied to a stand-in: an array that is never read if the function returns a view,
and the array of positions if it copies. NumPy's rules and error messages therefore apply here too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg._tracing.errors import cannot_trace, no_number
from thalweg._tracing.functions.elements import SUM, choose, reduce
from thalweg._tracing.operations import Shape
from thalweg._tracing.registry import implements, plain
from thalweg._tracing.tracer import Tracer, holds_tracer

if TYPE_CHECKING:
    from thalweg._tracing.trace import Trace

# ---- views ---------------------------------------------------------------------------------------


_function: Any


def _check_known(args: Sequence[Any], kwargs: dict[str, Any]) -> None:
    """Refuse traced values where NumPy takes positions, counts or shapes."""
    if holds_tracer([*args, *kwargs.values()]):
        raise no_number("index")


def _views(function: Any) -> None:
    def handler(trace: Trace, x: Any, *args: Any, **kwargs: Any) -> Any:
        x = trace.wrap(x)
        _check_known(args, kwargs)
        seen = function(trace.dummy(x.shape)[0], *args, **kwargs)
        if isinstance(seen, np.ndarray):
            return trace.as_view(x, seen)
        if isinstance(seen, np.generic):  # the only element of an array without axes
            return x
        return [trace.as_view(x, part) for part in seen]

    # NumPy itself refuses the arguments that a function does not have.
    everything = "axis axes shape axis1 axis2 source destination offset k indices_or_sections"
    implements(function, arguments=everything)(handler)


for _function in (
    np.transpose,
    np.permute_dims,
    np.matrix_transpose,
    np.linalg.matrix_transpose,
    np.swapaxes,
    np.moveaxis,
    np.rollaxis,
    np.squeeze,
    np.expand_dims,
    np.broadcast_to,
    np.flip,
    np.fliplr,
    np.flipud,
    np.rot90,
    np.diagonal,
    np.split,
    np.array_split,
    np.hsplit,
    np.vsplit,
    np.dsplit,
):
    _views(_function)


@implements(np.linalg.diagonal)
def _linalg_diagonal(trace: Trace, x: Any, *, offset: int = 0) -> Tracer:
    x = trace.wrap(x)
    return trace.as_view(x, np.diagonal(trace.dummy(x.shape)[0], offset, -2, -1))


@implements(np.reshape)
def _reshape(trace: Trace, a: Any, shape: Any, order: str = "C") -> Tracer:
    x = trace.wrap(a)
    if order == "F":
        turned = _reshape(trace, _transpose(x), _reversed_shape(x, shape))
        return _transpose(turned)
    if order not in ("C", "A"):
        raise ValueError(f"order must be one of 'C', 'F', 'A' (got {order!r})")
    return trace.as_view(x, trace.dummy(x.shape)[0].reshape(shape))


def _reversed_shape(x: Tracer, shape: Any) -> Shape:
    wanted: Shape = x.trace.dummy(x.shape)[0].reshape(shape).shape
    return wanted[::-1]


def _transpose(x: Tracer) -> Tracer:
    return x.trace.as_view(x, x.trace.dummy(x.shape)[0].T)


@implements(np.ravel)
def _ravel(trace: Trace, a: Any, order: str = "C") -> Tracer:
    return _reshape(trace, a, -1, "C" if order == "K" else order)


@implements(np.copy)
def _copy(trace: Trace, a: Any) -> Tracer:
    return trace.wrap(a)


def _at_least(function: Any) -> None:
    def handler(trace: Trace, *arrays: Any) -> Any:
        result = []
        for array in arrays:
            x = trace.wrap(array)
            result.append(trace.as_view(x, function(trace.dummy(x.shape)[0])))
        return result[0] if len(result) == 1 else tuple(result)

    implements(function)(handler)


for _function in (np.atleast_1d, np.atleast_2d, np.atleast_3d):
    _at_least(_function)


def _broadcast(trace: Trace, arrays: Sequence[Any]) -> list[Tracer]:
    """Broadcast arrays against one another."""
    traced = [trace.wrap(a) for a in arrays]
    shape = np.broadcast_shapes(*[x.shape for x in traced])
    return [x.like(trace.graph.broadcast_to(x.node, shape)) for x in traced]


@implements(np.broadcast_arrays)
def _broadcast_arrays(trace: Trace, *arrays: Any) -> tuple[Tracer, ...]:
    return tuple(_broadcast(trace, arrays))


@implements(np.meshgrid)
def _meshgrid(trace: Trace, *xi: Any, sparse: bool = False, indexing: str = "xy") -> Any:
    flat = [trace.wrap(x).reshape(-1) for x in xi]
    axes = list(range(len(flat)))
    if indexing == "xy" and len(flat) > 1:
        axes[:2] = [1, 0]
    result = [
        x.reshape([-1 if i == axis else 1 for i in range(len(flat))])
        for x, axis in zip(flat, axes, strict=True)
    ]
    return tuple(result if sparse else _broadcast(trace, result))


# ---- gathers -------------------------------------------------------------------------------------


def _gathers(function: Any) -> None:
    def handler(trace: Trace, x: Any, *args: Any, **kwargs: Any) -> Tracer:
        x = trace.wrap(x)
        _check_known(args, kwargs)
        return trace.gather(x, np.asarray(function(trace.positions(x.shape), *args, **kwargs)))

    implements(function, arguments="repeats axis reps indices mode shift obj")(handler)


for _function in (np.tile, np.repeat, np.take, np.take_along_axis, np.delete):
    _gathers(_function)


@implements(np.resize)
def _resize(trace: Trace, a: Any, new_shape: Any) -> Tracer:
    x = trace.wrap(a)
    if not x.size:
        return trace.wrap(np.resize(np.zeros(x.shape), new_shape))
    return trace.gather(x, np.resize(trace.positions(x.shape), new_shape))


@implements(np.compress)
def _compress(trace: Trace, condition: Any, a: Any, axis: Any = None, out: Any = None) -> Tracer:
    plain("np.compress", out=out)
    _constant("np.compress", condition)
    x = trace.wrap(a)
    return trace.gather(x, np.compress(condition, trace.positions(x.shape), axis))


@implements(np.extract)
def _extract(trace: Trace, condition: Any, arr: Any) -> Tracer:
    _constant("np.extract", condition)
    x = trace.wrap(arr)
    return trace.gather(x, np.extract(condition, trace.positions(x.shape)))


def _constant(name: str, condition: Any) -> None:
    if isinstance(condition, Tracer):
        why = "the number of elements that a traced condition selects is not known yet."
        raise cannot_trace(name, why, "Write np.where(condition, x, 0).")


# ---- triangles and diagonals ---------------------------------------------------------------------


@implements(np.triu)
def _triu(trace: Trace, m: Any, k: int = 0) -> Tracer:
    x = trace.wrap(m)
    return choose(trace, np.triu(np.ones(x.shape[-2:], bool), k), x, 0.0)


@implements(np.tril)
def _tril(trace: Trace, m: Any, k: int = 0) -> Tracer:
    x = trace.wrap(m)
    return choose(trace, np.tril(np.ones(x.shape[-2:], bool), k), x, 0.0)


@implements(np.diag)
def _diag(trace: Trace, v: Any, k: int = 0) -> Tracer:
    x = trace.wrap(v)
    if x.ndim == 2:
        return trace.as_view(x, np.diagonal(trace.dummy(x.shape)[0], k))
    if x.ndim != 1:
        raise ValueError("Input must be 1- or 2-d.")
    wide = np.diag(trace.positions(x.shape), k)
    on = np.diag(np.ones(x.shape, bool), k)
    return (
        choose(trace, on, trace.gather(x, wide), 0.0)
        if x.size
        else trace.wrap(np.zeros(wide.shape))
    )


@implements(np.diagflat)
def _diagflat(trace: Trace, v: Any, k: int = 0) -> Tracer:
    return _diag(trace, trace.wrap(v).reshape(-1), k)


@implements(np.trace)
def _trace(
    trace: Trace,
    a: Any,
    offset: int = 0,
    axis1: int = 0,
    axis2: int = 1,
    dtype: Any = None,
    out: Any = None,
) -> Tracer:
    plain("np.trace", dtype, out)
    x = trace.wrap(a)
    diagonal = trace.as_view(x, np.diagonal(trace.dummy(x.shape)[0], offset, axis1, axis2))
    return reduce(SUM, trace, diagonal, -1, False)


@implements(np.linalg.trace)
def _linalg_trace(trace: Trace, x: Any, *, offset: int = 0, dtype: Any = None) -> Tracer:
    return _trace(trace, x, offset, -2, -1, dtype)


# ---- arrays like others, which contain no traced value -------------------------------------------


def _like(function: Any, value: float) -> None:
    def handler(
        trace: Trace,
        a: Any,
        dtype: Any = None,
        shape: Any = None,
    ) -> Any:
        x = trace.wrap(a)
        return np.full(x.shape if shape is None else shape, value, dtype or x.dtype)

    implements(function)(handler)


_like(np.zeros_like, 0.0)
_like(np.ones_like, 1.0)
_like(np.empty_like, 0.0)


@implements(np.full_like)
def _full_like(
    trace: Trace,
    a: Any,
    fill_value: Any,
    dtype: Any = None,
    shape: Any = None,
) -> Any:
    plain("np.full_like", dtype)
    shape = trace.wrap(a).shape if shape is None else shape
    if isinstance(fill_value, Tracer):
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        own, more = fill_value.shape, fill_value.ndim - len(shape)
        if more > 0 and set(own[:more]) == {1}:  # NumPy drops these axes too
            fill_value = fill_value.reshape(own[more:])
        return fill_value.like(trace.graph.broadcast_to(fill_value.node, shape))
    return np.full(shape, fill_value, np.float64)


@implements(np.shape)
def _shape(trace: Trace, a: Any) -> Shape:
    return trace.wrap(a).shape


@implements(np.ndim)
def _ndim(trace: Trace, a: Any) -> int:
    return trace.wrap(a).ndim


@implements(np.size)
def _size(trace: Trace, a: Any, axis: Any = None) -> int:
    shape = trace.wrap(a).shape
    return int(np.size(np.empty(shape, np.int8), axis))


implements(np.iscomplexobj)(lambda *_: False)
implements(np.isrealobj)(lambda *_: True)


@implements(np.result_type)
def _result_type(_: Trace, *operands: Any) -> np.dtype[Any]:
    return np.result_type(*[a.dtype if isinstance(a, Tracer) else a for a in operands])
