# SPDX-License-Identifier: BSD-3-Clause
"""NumPy's functions that move elements and compute nothing: views, gathers, joins, and arrays made after others.

What a function does is read off what NumPy itself does to a stand-in array: to an array of nothing where it gives a view, to
the array of positions where it copies. So NumPy's rules, and the texts of its errors, hold here.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple
from numpy.typing import NDArray

from thalweg.array_functions import along, choose, implements, plain
from thalweg.errors import cannot_trace
from thalweg.trace import Shape, Trace, Tracer, Truth, contiguous, is_truth

# ---- views -----------------------------------------------------------------------------------------------------------------


def _views(function: Any) -> None:
    def handler(trace: Trace, x: Any, *args: Any, **kwargs: Any) -> Any:
        x = trace.wrap(x)
        seen = function(trace.dummy(x.shape)[0], *args, **kwargs)
        if isinstance(seen, np.ndarray):
            return trace.as_view(x, seen)
        return [trace.as_view(x, part) for part in seen]

    implements(function)(handler)
    # The names of its arguments; what it has no name for, NumPy refuses.
    everything = frozenset("axis axes shape axis1 axis2 source destination offset k indices_or_sections".split())
    from thalweg.trace import ARGUMENTS

    ARGUMENTS[function] = everything


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
def _reshape(trace: Trace, a: Any, shape: Any, order: str = "C", copy: bool | None = None) -> Tracer:
    x = trace.wrap(a)
    if order == "F":
        turned = _reshape(trace, _transpose(x), _reversed_shape(x, shape))
        return _transpose(turned)
    if order not in ("C", "A"):
        raise ValueError(f"order must be one of 'C', 'F', 'A' (got {order!r})")
    return trace.as_view(x, trace.dummy(x.shape)[0].reshape(shape))


def _reversed_shape(x: Tracer, shape: Any) -> Shape:
    return x.trace.dummy(x.shape)[0].reshape(shape).shape[::-1]


def _transpose(x: Tracer) -> Tracer:
    return x.trace.as_view(x, x.trace.dummy(x.shape)[0].T)


@implements(np.ravel)
def _ravel(trace: Trace, a: Any, order: str = "C") -> Tracer:
    return _reshape(trace, a, -1, "C" if order == "K" else order)


def _as_it_is(trace: Trace, a: Any, dtype: Any = None, order: Any = None) -> Tracer:
    plain("np.copy", dtype)
    return trace.wrap(a)


implements(np.copy)(lambda trace, a, order="K": trace.wrap(a))  # noqa: ARG005


def _at_least(function: Any) -> None:
    def handler(trace: Trace, *arrays: Any) -> Any:
        made = []
        for array in arrays:
            x = trace.wrap(array)
            made.append(trace.as_view(x, function(trace.dummy(x.shape)[0])))
        return made[0] if len(made) == 1 else tuple(made)

    implements(function)(handler)


for _function in (np.atleast_1d, np.atleast_2d, np.atleast_3d):
    _at_least(_function)


def _broadcast(trace: Trace, arrays: Sequence[Any]) -> list[Tracer]:
    """Return arrays broadcast against one another."""
    traced = [trace.wrap(a) for a in arrays]
    shape = np.broadcast_shapes(*[x.shape for x in traced])
    return [x.__class__(trace, trace.graph.broadcast_to(x.node, shape)) for x in traced]


@implements(np.broadcast_arrays)
def _broadcast_arrays(trace: Trace, *arrays: Any) -> tuple[Tracer, ...]:
    return tuple(_broadcast(trace, arrays))


@implements(np.meshgrid)
def _meshgrid(trace: Trace, *xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> Any:
    flat = [trace.wrap(x).reshape(-1) for x in xi]
    axes = list(range(len(flat)))
    if indexing == "xy" and len(flat) > 1:
        axes[:2] = [1, 0]
    made = [x.reshape([-1 if i == axis else 1 for i in range(len(flat))]) for x, axis in zip(flat, axes, strict=True)]
    return tuple(made if sparse else _broadcast(trace, made))


# ---- gathers ---------------------------------------------------------------------------------------------------------------


def _gathers(function: Any) -> None:
    def handler(trace: Trace, x: Any, *args: Any, **kwargs: Any) -> Tracer:
        x = trace.wrap(x)
        return trace.gather(x, np.asarray(function(trace.positions(x.shape), *args, **kwargs)))

    implements(function)(handler)
    from thalweg.trace import ARGUMENTS

    ARGUMENTS[function] = frozenset("repeats axis reps indices mode shift obj".split())


for _function in (np.tile, np.repeat, np.take, np.take_along_axis, np.delete, np.resize):
    _gathers(_function)


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
        why = "how many elements a traced condition takes is not known yet."
        raise cannot_trace(name, why, "Write np.where(condition, x, 0).")


@implements(np.roll)
def _roll(trace: Trace, a: Any, shift: Any, axis: Any = None) -> Tracer:
    x = trace.wrap(a)
    if axis is None:
        return _roll(trace, x.reshape(-1), int(np.sum(shift)), 0).reshape(x.shape)
    shifts = np.broadcast_to(shift, np.broadcast_shapes(np.shape(shift), np.shape(axis))).reshape(-1)
    axes = normalize_axis_tuple(axis, x.ndim, allow_duplicate=True)
    axes = axes * len(shifts) if len(axes) == 1 else axes
    for by, over in zip(shifts.tolist(), axes, strict=True):
        n = x.shape[over]
        by = by % n if n else 0
        if by:
            end, start = x[along(x.ndim, over, slice(n - by, None))], x[along(x.ndim, over, slice(None, n - by))]
            x = join(trace, [end, start], over)
    return x


# ---- joins -----------------------------------------------------------------------------------------------------------------


def join(trace: Trace, parts: Sequence[Tracer], axis: int) -> Tracer:
    """Return arrays laid one after the other along an axis."""
    if not parts:
        raise ValueError("need at least one array to concatenate")
    ndim = parts[0].ndim
    if ndim == 0:
        raise ValueError("zero-dimensional arrays cannot be concatenated")
    axis = normalize_axis_index(axis, ndim)
    for k, part in enumerate(parts):
        if part.ndim != ndim:
            raise ValueError(
                "all the input array dimensions except for the concatenation axis must match exactly, but the array at "
                f"index 0 has {ndim} dimension(s) and the array at index {k} has {part.ndim} dimension(s)"
            )
        for d, (n, m) in enumerate(zip(parts[0].shape, part.shape, strict=True)):
            if d != axis and n != m:
                raise ValueError(
                    "all the input array dimensions except for the concatenation axis must match exactly, but along "
                    f"dimension {d}, the array at index 0 has size {n} and the array at index {k} has size {m}"
                )
    first = parts[0].shape
    shape = (*first[:axis], sum(p.shape[axis] for p in parts), *first[axis + 1 :])
    strides = contiguous(shape)
    nodes, places, start = [], [], 0
    for part in parts:
        if part.size:
            nodes.append(part.node)
            places.append((start * strides[axis], strides))
        start += part.shape[axis]
    truth = all(isinstance(p, Truth) for p in parts)
    node = trace.graph.assemble(shape, nodes, places) if nodes else trace.lift(np.zeros(shape))
    return (Truth if truth else Tracer)(trace, node)


def _all(trace: Trace, arrays: Any) -> list[Tracer]:
    """Return a sequence of arrays, or the rows of one, as traced values."""
    return [trace.wrap(a) for a in arrays]


@implements(np.concatenate)
def _concatenate(trace: Trace, arrays: Any, axis: Any = 0, out: Any = None, dtype: Any = None) -> Tracer:
    plain("np.concatenate", dtype, out)
    parts = _all(trace, arrays)
    if axis is None:
        parts, axis = [p.reshape(-1) for p in parts], 0
    return join(trace, parts, axis)


@implements(np.stack)
def _stack(trace: Trace, arrays: Any, axis: int = 0, out: Any = None, dtype: Any = None) -> Tracer:
    plain("np.stack", dtype, out)
    parts = _all(trace, arrays)
    if not parts:
        raise ValueError("need at least one array to stack")
    if any(p.shape != parts[0].shape for p in parts):
        raise ValueError("all input arrays must have the same shape")
    axis = normalize_axis_index(axis, parts[0].ndim + 1)
    node = trace.stack([p.node for p in parts])
    stacked = (Truth if all(isinstance(p, Truth) for p in parts) else Tracer)(trace, node)
    return trace.as_view(stacked, np.moveaxis(trace.dummy(stacked.shape)[0], 0, axis)) if axis else stacked


def _rows(trace: Trace, arrays: Any, least: Callable[[Any], Any]) -> list[Tracer]:
    parts = _all(trace, arrays)
    return [trace.as_view(p, least(trace.dummy(p.shape)[0])) for p in parts]


@implements(np.hstack)
def _hstack(trace: Trace, tup: Any, *, dtype: Any = None) -> Tracer:
    plain("np.hstack", dtype)
    parts = _rows(trace, tup, np.atleast_1d)
    return join(trace, parts, 0 if parts and parts[0].ndim == 1 else 1)


@implements(np.vstack)
def _vstack(trace: Trace, tup: Any, *, dtype: Any = None) -> Tracer:
    plain("np.vstack", dtype)
    return join(trace, _rows(trace, tup, np.atleast_2d), 0)


@implements(np.dstack)
def _dstack(trace: Trace, tup: Any) -> Tracer:
    return join(trace, _rows(trace, tup, np.atleast_3d), 2)


@implements(np.column_stack)
def _column_stack(trace: Trace, tup: Any) -> Tracer:
    return join(trace, _rows(trace, tup, lambda d: d if d.ndim > 1 else d.reshape(-1, 1)), 1)


@implements(np.append)
def _append(trace: Trace, arr: Any, values: Any, axis: Any = None) -> Tracer:
    return _concatenate(trace, [arr, values], axis)


@implements(np.block)
def _block(trace: Trace, arrays: Any) -> Tracer:
    def depth(item: Any) -> int:
        return 1 + max(map(depth, item)) if isinstance(item, list) else 0

    def build(item: Any, level: int) -> Tracer:
        if isinstance(item, list):
            parts = [build(i, level - 1) for i in item]
            return join(trace, parts, parts[0].ndim - level)
        x = trace.wrap(item)
        return x.reshape((1,) * (ndim - x.ndim) + x.shape)

    def widest(item: Any) -> int:
        return max(map(widest, item)) if isinstance(item, list) else trace.wrap(item).ndim

    ndim = max(depth(arrays), widest(arrays))
    return build(arrays, depth(arrays))


@implements(np.pad)
def _pad(trace: Trace, array: Any, pad_width: Any, mode: Any = "constant", *, constant_values: Any = 0) -> Tracer:
    x = trace.wrap(array)
    if mode != "constant":
        if callable(mode) or mode in ("maximum", "mean", "median", "minimum", "linear_ramp", "empty"):
            raise cannot_trace(f"np.pad(..., mode={mode!r})", "this mode has no traced form.")
        return trace.gather(x, np.pad(trace.positions(x.shape), pad_width, mode=mode))
    inside = np.pad(np.ones(x.shape, bool), pad_width)
    if not np.any(inside):
        return trace.wrap(np.pad(np.zeros(x.shape), pad_width, constant_values=constant_values))
    values = np.broadcast_to(np.asarray(constant_values, dtype=np.float64), (x.ndim, 2))
    if isinstance(pad_width, dict):
        widths = np.zeros((x.ndim, 2), int)
        for axis, width in pad_width.items():
            widths[axis] = width
    else:
        widths = np.broadcast_to(pad_width, (x.ndim, 2))
    for axis in range(x.ndim):
        before, after = (
            [trace.wrap(np.full((*x.shape[:axis], int(n), *x.shape[axis + 1 :]), value))]
            for n, value in zip(widths[axis], values[axis], strict=True)
        )
        x = join(trace, [*before, x, *after], axis)
    return x


# ---- triangles and diagonals ---------------------------------------------------------------------------------------------------


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
    return choose(trace, on, trace.gather(x, wide), 0.0) if x.size else trace.wrap(np.zeros(wide.shape))


@implements(np.diagflat)
def _diagflat(trace: Trace, v: Any, k: int = 0) -> Tracer:
    return _diag(trace, trace.wrap(v).reshape(-1), k)


@implements(np.trace)
def _trace(
    trace: Trace, a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: Any = None
) -> Tracer:
    plain("np.trace", dtype, out)
    x = trace.wrap(a)
    return trace.as_view(x, np.diagonal(trace.dummy(x.shape)[0], offset, axis1, axis2)).sum(-1)


@implements(np.linalg.trace)
def _linalg_trace(trace: Trace, x: Any, *, offset: int = 0, dtype: Any = None) -> Tracer:
    return _trace(trace, x, offset, -2, -1, dtype)


# ---- made after others; these hold no traced value ---------------------------------------------------------------------------------


def _like(function: Any, value: float) -> None:
    def handler(trace: Trace, a: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None) -> Any:
        x = trace.wrap(a)
        return np.full(x.shape if shape is None else shape, value, dtype or x.dtype)

    implements(function)(handler)


_like(np.zeros_like, 0.0)
_like(np.ones_like, 1.0)
_like(np.empty_like, 0.0)


@implements(np.full_like)
def _full_like(
    trace: Trace, a: Any, fill_value: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None
) -> Any:
    plain("np.full_like", dtype)
    shape = trace.wrap(a).shape if shape is None else shape
    if isinstance(fill_value, Tracer):
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        return fill_value.__class__(trace, trace.graph.broadcast_to(fill_value.node, shape))
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


@implements(np.iscomplexobj)
def _iscomplexobj(trace: Trace, x: Any) -> bool:
    return False


@implements(np.isrealobj)
def _isrealobj(trace: Trace, x: Any) -> bool:
    return True


@implements(np.result_type)
def _result_type(trace: Trace, *arrays_and_dtypes: Any) -> np.dtype[Any]:
    return np.result_type(*[a.dtype if isinstance(a, Tracer) else a for a in arrays_and_dtypes])
