# SPDX-License-Identifier: BSD-3-Clause
"""Trace running sums and products, differences, and integrals along an axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from thalweg._tracing.functions.elements import SUM, along, choose, reduce
from thalweg._tracing.functions.joining import join
from thalweg._tracing.registry import FUNCTIONS, implements, plain
from thalweg._tracing.tracer import Tracer, Truth

if TYPE_CHECKING:
    from thalweg._tracing.trace import Trace


def running(
    trace: Trace, a: Any, axis: Any, combine: Callable[[Tracer, int], tuple[Any, Any]]
) -> Tracer:
    """Return s_k = p_k s_(k-1) + q_k along an axis; `combine` returns p and q."""
    x = trace.wrap(a)
    if axis is None or (x.ndim == 0 and axis in (0, -1)):
        x, axis = x.reshape(-1), 0
    axis = normalize_axis_index(axis, x.ndim)
    if x.size == 0:
        return x
    p, q = combine(x, axis)
    spread = trace.graph.broadcast_to
    return Tracer(trace, trace.graph.scan(spread(p, x.shape), spread(q, x.shape), axis))


@implements(np.cumsum)
def _cumsum(trace: Trace, a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Tracer:
    plain("np.cumsum", dtype, out)
    return running(trace, a, axis, lambda x, _: (trace.constant(1.0), x.node))


@implements(np.cumprod)
def _cumprod(trace: Trace, a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Tracer:
    plain("np.cumprod", dtype, out)

    def combine(x: Tracer, axis: int) -> tuple[int, int]:
        first = np.arange(x.shape[axis]).reshape((-1,) + (1,) * (x.ndim - axis - 1)) == 0
        return x.node, choose(trace, first, x, 0.0).node

    return running(trace, a, axis, combine)


@implements(np.diff)
def _diff(
    trace: Trace, a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None
) -> Tracer:
    if n < 0:
        raise ValueError(f"order must be non-negative but got {n!r}")
    x = trace.wrap(a)
    if n == 0:  # the axis does not matter
        return x
    if x.ndim == 0:
        raise ValueError("diff requires input that is at least one dimensional")
    axis = normalize_axis_index(axis, x.ndim)
    ends = []
    for end in (prepend, append):
        if end is not None:
            end = trace.wrap(end)
            if end.ndim == 0:
                shape = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
                end = Tracer(trace, trace.graph.broadcast_to(end.node, shape))
        ends.append(end)
    parts = [part for part in (ends[0], x, ends[1]) if part is not None]
    if len(parts) > 1:
        x = FUNCTIONS[np.concatenate](trace, parts, axis)
    for _ in range(n):
        later, earlier = (
            x[along(x.ndim, axis, slice(1, None))],
            x[along(x.ndim, axis, slice(None, -1))],
        )
        x = later != earlier if isinstance(x, Truth) else later - earlier
    return x


@implements(np.trapezoid)
def _trapezoid(trace: Trace, y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Tracer:
    y = trace.wrap(y)
    along_y = normalize_axis_index(axis, y.ndim)
    step = trace.wrap(dx)
    if x is not None:
        x = trace.wrap(x)
        step = _diff(trace, x, axis=-1 if x.ndim == 1 else axis)
        if x.ndim == 1:
            step = step.reshape((-1,) + (1,) * (y.ndim - along_y - 1))
    later, earlier = (y[along(y.ndim, along_y, part)] for part in (slice(1, None), slice(None, -1)))
    # As in NumPy, `axis` applies to y, to x and to their product, which may have more axes than y.
    return reduce(SUM, trace, step * (later + earlier) / 2.0, axis, False)


def _cumulative(name: str, function: Any, first: float) -> None:
    @implements(getattr(np, name))
    def handler(
        trace: Trace,
        x: Any,
        *,
        axis: Any = None,
        dtype: Any = None,
        out: Any = None,
        include_initial: bool = False,
    ) -> Tracer:
        plain(f"np.{name}", dtype, out)
        x = trace.wrap(x)
        if axis is None:
            if x.ndim != 1:
                raise ValueError(
                    f"For arrays which have more than one dimension ``axis`` argument is required, "
                    f"got {x.ndim} dimensions"
                )
            axis = 0
        result: Tracer = FUNCTIONS[function](trace, x, axis)
        if not include_initial:
            return result
        axis = normalize_axis_index(axis, x.ndim)
        shape = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
        begun = trace.graph.broadcast_to(trace.constant(first), shape)
        return join(trace, [Tracer(trace, begun), result], axis)


_cumulative("cumulative_sum", np.cumsum, 0.0)
_cumulative("cumulative_prod", np.cumprod, 1.0)


@implements(np.ediff1d)
def _ediff1d(trace: Trace, ary: Any, to_end: Any = None, to_begin: Any = None) -> Tracer:
    parts = [
        trace.wrap(part).reshape(-1)
        for part in (to_begin, _diff(trace, trace.wrap(ary).reshape(-1)), to_end)
        if part is not None
    ]
    return join(trace, parts, 0)
