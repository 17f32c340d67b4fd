# SPDX-License-Identifier: BSD-3-Clause
"""Trace NumPy's functions of the order of elements: sorting, quantiles, running extremes.

Few elements are sorted by a network of exchanges (K. E. Batcher 1968, AFIPS Spring Joint Computer
Conference, "Sorting networks and their applications"), many by a routine of the core. Either way
the order may differ from lane to lane, and slopes are those of the elements that stand there. NaN
goes last, as in NumPy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from thalweg._tracing.errors import cannot_trace
from thalweg._tracing.functions.elements import along, axes_of, choose, op
from thalweg._tracing.functions.joining import join
from thalweg._tracing.registry import implements, plain
from thalweg._tracing.tracer import Tracer, holds_tracer
from thalweg._tracing.ufuncs import METHODS, axis_of_running

if TYPE_CHECKING:
    from thalweg._tracing.trace import Trace


def joined(parts: Sequence[Tracer], axis: int = -1) -> Tracer:
    """Join arrays along an axis."""
    return join(parts[0].trace, parts, axis)


# Up to so many elements the network is faster in lanes, which exchange side by side, and in rows.
_FEW = 16


def sorted_last(trace: Trace, x: Tracer) -> Tracer:
    """Sort along the last axis: bitonic merges of ever longer runs, all in ascending order."""
    shape, n = x.shape, x.shape[-1]
    if n < 2 or not x.size:
        return x
    if n > _FEW:
        sizes = [math.prod(shape[:-1]), n]
        packed = trace.graph.routine("sort", [x.node], sizes, (*shape[:-1], 2, n))
        return Tracer(trace, packed)[..., 0, :]
    length = 1 << (n - 1).bit_length()
    if length > n:
        x = joined([x, trace.wrap(np.full((*shape[:-1], length - n), np.nan))])
    run = 2
    while run <= length:
        x = _exchanged(x, run, mirrored=True)
        step = run // 2
        while step > 1:
            x = _exchanged(x, step, mirrored=False)
            step //= 2
        run *= 2
    return x[..., :n]


def _exchanged(x: Tracer, run: int, mirrored: bool) -> Tracer:
    """Put the smaller of each pair first; pairs are halves of runs, or mirrored in their middle."""
    trace, half, shape = x.trace, run // 2, x.shape
    x = x.reshape((*shape[:-1], shape[-1] // run, run))
    low, high = x[..., :half], x[..., half:]
    if mirrored:
        high = high[..., ::-1]
    apart = ~(low <= high) & (high == high)
    small, large = choose(trace, apart, high, low), choose(trace, apart, low, high)
    if mirrored:
        large = large[..., ::-1]
    return joined([small, large]).reshape(shape)


def _flat_axes(trace: Trace, a: Any, axis: Any) -> tuple[Tracer, tuple[int, ...]]:
    """Move axes to the end and make one of them."""
    x = trace.wrap(a)
    axes = axes_of(x.ndim, axis)
    kept = [k for k in range(x.ndim) if k not in axes]
    x = x.transpose((*kept, *axes))
    return x.reshape([x.shape[k] for k in range(len(kept))] + [-1]), axes


@implements(np.sort)
def _sort(
    trace: Trace,
    a: Any,
    axis: int | None = -1,
    kind: Any = None,  # noqa: ARG001  (equal numbers are the same)
    order: Any = None,
    *,
    stable: Any = None,  # noqa: ARG001
) -> Tracer:
    if order is not None:
        raise cannot_trace("np.sort(..., order=)", "an array has no named columns.")
    x = trace.wrap(a)
    if axis is None:
        x, axis = x.reshape(-1), 0
    if not x.ndim:
        raise np.exceptions.AxisError(axis, 0)
    axis = normalize_axis_index(axis, x.ndim)
    order_of_axes = [k for k in range(x.ndim) if k != axis]
    back = (*range(axis), x.ndim - 1, *range(axis, x.ndim - 1))
    return sorted_last(trace, x.transpose((*order_of_axes, axis))).transpose(back)


@implements(np.partition)
def _partition(trace: Trace, a: Any, kth: Any, axis: int | None = -1, kind: Any = None) -> Tracer:  # noqa: ARG001
    n = trace.wrap(a).size if axis is None else trace.wrap(a).shape[axis]
    if np.any((np.asarray(kth) >= n) | (np.asarray(kth) < -n)):
        raise ValueError(f"kth(={np.max(kth)}) out of bounds ({n})")
    return _sort(trace, a, axis)


# ---- quantiles -----------------------------------------------------------------------------------


def _between(x: Tracer, place: Any) -> Tracer:
    """Return sorted elements at places that need not be whole, by linear interpolation."""
    low = np.floor(place).astype(int)
    high = np.minimum(low + 1, x.shape[-1] - 1)
    share = place - low
    if not np.any(share):
        return x[..., low]
    first, second = x[..., low], x[..., high]
    # As NumPy: exact at both ends, whatever rounding does in between.
    return choose(
        x.trace,
        share >= 0.5,
        second - (second - first) * (1 - share),
        first + (second - first) * share,
    )


def _quantiles(
    trace: Trace, a: Any, q: Any, axis: Any, method: str, keepdims: bool, name: str
) -> Tracer:
    x, axes = _flat_axes(trace, a, axis)
    n = x.shape[-1]
    if not n:
        raise IndexError(f"{name} of no elements")
    # NumPy's rule for the place of a quantile, whatever the method, seen on 0, 1, ….
    place = np.quantile(np.arange(n, dtype=np.float64), q, method=method)  # type: ignore[call-overload]
    ordered = sorted_last(trace, x)
    found = _between(ordered, place)
    missing = op(trace, "isnan", ordered[..., -1])
    found = choose(trace, missing.reshape(missing.shape + (1,) * q.ndim), np.nan, found)
    # The axes of q come first, as in NumPy.
    kept = found.ndim - q.ndim
    found = found.transpose((*range(kept, found.ndim), *range(kept))) if q.ndim else found
    return _with_axes(trace, a, axes, found, q.shape) if keepdims else found


def _of_what_is_known(
    trace: Trace, a: Any, q: Any, axis: Any, method: str, keepdims: bool, name: str
) -> Tracer:
    """Return quantiles of the elements that are not NaN; which these are may differ by lane."""
    if method != "linear" or q.ndim:
        raise cannot_trace(f"{name} with method= or several q", "it has no traced form.")
    x, axes = _flat_axes(trace, a, axis)
    missing = op(trace, "isnan", x)
    ordered = sorted_last(trace, choose(trace, missing, np.inf, x))
    known = np.sum(~missing, axis=-1, keepdims=True)
    place = (known - 1.0) * q
    share: Any = 1.0 - abs(place - np.arange(x.shape[-1]))
    value = np.sum(np.where(share > 0, share * np.where(share > 0, ordered, 0.0), 0.0), axis=-1)
    result = choose(trace, known[..., 0] > 0, value, np.nan)
    return _with_axes(trace, a, axes, result) if keepdims else result


def _with_axes(
    trace: Trace, a: Any, axes: tuple[int, ...], found: Tracer, first: tuple[int, ...] = ()
) -> Tracer:
    """Put axes of length 1 in the place of those that are gone, behind the axes `first`."""
    shape = trace.wrap(a).shape
    return found.reshape(first + tuple(1 if k in axes else n for k, n in enumerate(shape)))


def _of_places(function: Any, top: int, form: Callable[..., Tracer]) -> None:
    """Register a function of places from 0 to `top`."""
    name = f"np.{function.__name__}"
    kind = "Quantiles" if top == 1 else "Percentiles"

    def handler(
        trace: Trace,
        a: Any,
        q: Any,
        axis: Any = None,
        out: Any = None,
        overwrite_input: bool = False,  # noqa: ARG001
        method: str = "linear",
        keepdims: bool = False,
        *,
        weights: Any = None,
    ) -> Tracer:
        plain(name, out=out)
        if holds_tracer(q) or weights is not None:
            what = "with traced q" if weights is None else "with weights"
            raise cannot_trace(f"{name} {what}", "the places of its elements are not known yet.")
        q = np.asarray(q, dtype=np.float64) / top
        if np.any((q < 0) | (q > 1)):
            raise ValueError(f"{kind} must be in the range [0, {top}]")
        return form(trace, a, q, axis, method, keepdims, name)

    implements(function)(handler)


def _middle(function: Any, form: Callable[..., Tracer]) -> None:
    """Register the median."""
    name = f"np.{function.__name__}"

    def handler(
        trace: Trace,
        a: Any,
        axis: Any = None,
        out: Any = None,
        overwrite_input: bool = False,  # noqa: ARG001
        keepdims: bool = False,
    ) -> Tracer:
        plain(name, out=out)
        if not trace.wrap(a).size:
            return trace.wrap(np.nan)
        return form(trace, a, np.asarray(0.5), axis, "linear", keepdims, name)

    implements(function)(handler)


_of_places(np.quantile, 1, _quantiles)
_of_places(np.percentile, 100, _quantiles)
_of_places(np.nanquantile, 1, _of_what_is_known)
_of_places(np.nanpercentile, 100, _of_what_is_known)
_middle(np.median, _quantiles)
_middle(np.nanmedian, _of_what_is_known)


# ---- running extremes ----------------------------------------------------------------------------


def _running(choice: Callable[[Trace, Tracer, Tracer], Tracer]) -> Callable[..., Tracer]:
    """Return the accumulation of an operation that may be grouped in any way, by doubling."""

    def accumulate(trace: Trace, x: Any, axis: Any = 0) -> Tracer:
        value = trace.wrap(x)
        ndim, axis = value.ndim, axis_of_running(value, axis)
        step = 1
        while step < value.shape[axis]:
            first = value[along(ndim, axis, slice(step))]
            earlier = value[along(ndim, axis, slice(None, -step))]
            later = value[along(ndim, axis, slice(step, None))]
            value = joined([first, choice(trace, earlier, later)], axis)
            step *= 2
        return value

    return accumulate


def _extreme(sign: float, keeps_nan: bool) -> Callable[[Trace, Tracer, Tracer], Tracer]:
    """Return the larger of two, or the smaller; of equal ones the later, with its slope."""

    def choice(trace: Trace, earlier: Tracer, later: Tracer) -> Tracer:
        ahead = earlier > later if sign > 0 else earlier < later
        missing = op(trace, "isnan", earlier if keeps_nan else later)
        return choose(trace, ahead | missing, earlier, later)

    return choice


def _operation(name: str) -> Callable[[Trace, Tracer, Tracer], Tracer]:
    return lambda trace, earlier, later: op(trace, name, earlier, later)


METHODS["maximum", "accumulate"] = _running(_extreme(1.0, keeps_nan=True))
METHODS["minimum", "accumulate"] = _running(_extreme(-1.0, keeps_nan=True))
METHODS["fmax", "accumulate"] = _running(_extreme(1.0, keeps_nan=False))
METHODS["fmin", "accumulate"] = _running(_extreme(-1.0, keeps_nan=False))
for _name in ("logaddexp", "logaddexp2"):
    METHODS[_name, "accumulate"] = _running(_operation(_name))
