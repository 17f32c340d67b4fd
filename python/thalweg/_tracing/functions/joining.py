# SPDX-License-Identifier: BSD-3-Clause
"""Trace NumPy's functions that join arrays: concatenate, stack, block, append, roll, pad."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from thalweg._tracing.errors import cannot_trace
from thalweg._tracing.functions.elements import along
from thalweg._tracing.operations import contiguous
from thalweg._tracing.registry import implements, plain
from thalweg._tracing.tracer import Tracer, Truth

if TYPE_CHECKING:
    from thalweg._tracing.trace import Trace


def join(trace: Trace, parts: Sequence[Tracer], axis: int) -> Tracer:
    """Join arrays along an axis."""
    if not parts:
        raise ValueError("need at least one array to concatenate")
    ndim = parts[0].ndim
    if ndim == 0:
        raise ValueError("zero-dimensional arrays cannot be concatenated")
    axis = normalize_axis_index(axis, ndim)
    for k, part in enumerate(parts):
        if part.ndim != ndim:
            raise ValueError(
                "all the input array dimensions except for the concatenation axis must match "
                f"exactly, but the array at index 0 has {ndim} dimension(s) and the array at index "
                f"{k} has {part.ndim} dimension(s)"
            )
        for d, (n, m) in enumerate(zip(parts[0].shape, part.shape, strict=True)):
            if d != axis and n != m:
                raise ValueError(
                    "all the input array dimensions except for the concatenation axis must match "
                    f"exactly, but along dimension {d}, the array at index 0 has size {n} and the "
                    f"array at index {k} has size {m}"
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
    """Convert a sequence of arrays, or the rows of one array, to traced values."""
    return [trace.wrap(a) for a in arrays]


@implements(np.concatenate)
def _concatenate(
    trace: Trace, arrays: Any, axis: Any = 0, out: Any = None, dtype: Any = None
) -> Tracer:
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
    return (
        trace.as_view(stacked, np.moveaxis(trace.dummy(stacked.shape)[0], 0, axis))
        if axis
        else stacked
    )


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
def _pad(
    trace: Trace, array: Any, pad_width: Any, mode: Any = "constant", *, constant_values: Any = 0
) -> Tracer:
    x = trace.wrap(array)
    if mode != "constant":
        if callable(mode) or mode in (
            "maximum",
            "mean",
            "median",
            "minimum",
            "linear_ramp",
            "empty",
        ):
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


@implements(np.roll)
def _roll(trace: Trace, a: Any, shift: Any, axis: Any = None) -> Tracer:
    x = trace.wrap(a)
    if axis is None:
        return _roll(trace, x.reshape(-1), shift, 0).reshape(x.shape)
    shifts = np.broadcast_to(shift, np.broadcast_shapes(np.shape(shift), np.shape(axis))).reshape(
        -1
    )
    axes = normalize_axis_tuple(axis, x.ndim, allow_duplicate=True)
    axes = axes * len(shifts) if len(axes) == 1 else axes
    for shift, over in zip(shifts.tolist(), axes, strict=True):
        n = x.shape[over]
        by = int(shift) % n if n else 0
        if by:
            end, start = (
                x[along(x.ndim, over, slice(n - by, None))],
                x[along(x.ndim, over, slice(None, n - by))],
            )
            x = join(trace, [end, start], over)
    return x
