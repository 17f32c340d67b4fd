# SPDX-License-Identifier: BSD-3-Clause
"""Trace NumPy's functions that leave out NaN."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg._tracing.functions.elements import (
    MAX,
    MIN,
    PROD,
    SUM,
    choose,
    op,
    reduce,
    root,
)
from thalweg._tracing.registry import FUNCTIONS, implements, plain
from thalweg._tracing.tracer import Tracer

if TYPE_CHECKING:
    from thalweg._tracing.trace import Trace


def _filled(trace: Trace, a: Any, value: float) -> Tracer:
    """Put a number in the place of NaN."""
    return choose(trace, op(trace, "isnan", a), value, a)


def _known(trace: Trace, a: Any, axis: Any, keepdims: bool) -> Tracer:
    """Count what is not NaN."""
    return reduce(SUM, trace, ~op(trace, "isnan", a), axis, keepdims)


def _sum_or_product(function: Any, kind: Any, fill: float) -> None:
    name = f"np.{function.__name__}"

    def handler(
        trace: Trace,
        a: Any,
        axis: Any = None,
        dtype: Any = None,
        out: Any = None,
        keepdims: bool = False,
    ) -> Tracer:
        plain(name, dtype, out)
        return reduce(kind, trace, _filled(trace, a, fill), axis, keepdims)

    implements(function)(handler)


_sum_or_product(np.nansum, SUM, 0.0)
_sum_or_product(np.nanprod, PROD, 1.0)


@implements(np.nanmean)
def _nanmean(
    trace: Trace,
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
) -> Any:
    total = FUNCTIONS[np.nansum](trace, a, axis, dtype, out, keepdims)
    return total / _known(trace, a, axis, keepdims)


@implements(np.nanvar)
def _nanvar(
    trace: Trace,
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: float = 0,
    keepdims: bool = False,
) -> Any:
    plain("np.nanvar", dtype, out)
    away = trace.wrap(a) - _nanmean(trace, a, axis, keepdims=True)
    left = _known(trace, a, axis, keepdims) - ddof
    some = left > 0  # NumPy gives NaN where nothing is left
    total = FUNCTIONS[np.nansum](trace, away**2, axis, keepdims=keepdims)
    return choose(trace, some, total / choose(trace, some, left, 1.0), np.nan)


@implements(np.nanstd)
def _nanstd(
    trace: Trace,
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: float = 0,
    keepdims: bool = False,
) -> Any:
    return root(trace, _nanvar(trace, a, axis, dtype, out, ddof, keepdims))


def _extreme(function: Any, kind: Any, worst: float) -> None:
    name = f"np.{function.__name__}"

    def handler(
        trace: Trace, a: Any, axis: Any = None, out: Any = None, keepdims: bool = False
    ) -> Tracer:
        plain(name, out=out)
        value = reduce(kind, trace, _filled(trace, a, worst), axis, keepdims)
        return choose(trace, _known(trace, a, axis, keepdims) > 0, value, np.nan)

    implements(function)(handler)


_extreme(np.nanmax, MAX, -np.inf)
_extreme(np.nanmin, MIN, np.inf)


@implements(np.nancumsum)
def _nancumsum(trace: Trace, a: Any, axis: Any = None) -> Any:
    return FUNCTIONS[np.cumsum](trace, _filled(trace, a, 0.0), axis)


@implements(np.nancumprod)
def _nancumprod(trace: Trace, a: Any, axis: Any = None) -> Any:
    return FUNCTIONS[np.cumprod](trace, _filled(trace, a, 1.0), axis)
