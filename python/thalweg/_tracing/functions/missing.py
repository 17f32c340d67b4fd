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


@implements(np.nansum)
def _nansum(
    trace: Trace,
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
) -> Any:
    plain("np.nansum", dtype, out)
    return reduce(SUM, trace, _filled(trace, a, 0.0), axis, keepdims)


@implements(np.nanprod)
def _nanprod(
    trace: Trace,
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
) -> Any:
    plain("np.nanprod", dtype, out)
    return reduce(PROD, trace, _filled(trace, a, 1.0), axis, keepdims)


@implements(np.nanmean)
def _nanmean(
    trace: Trace,
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
) -> Any:
    return _nansum(trace, a, axis, dtype, out, keepdims) / _known(trace, a, axis, keepdims)


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
    total = _nansum(trace, away**2, axis, keepdims=keepdims)
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


def _extreme(kind: Any, worst: float) -> Any:
    def extreme(
        trace: Trace, a: Any, axis: Any = None, out: Any = None, keepdims: bool = False
    ) -> Tracer:
        plain("np.nanmax and np.nanmin", out=out)
        value = reduce(kind, trace, _filled(trace, a, worst), axis, keepdims)
        return choose(trace, _known(trace, a, axis, keepdims) > 0, value, np.nan)

    return extreme


implements(np.nanmax)(_extreme(MAX, -np.inf))
implements(np.nanmin)(_extreme(MIN, np.inf))


@implements(np.nancumsum)
def _nancumsum(trace: Trace, a: Any, axis: Any = None) -> Any:
    return FUNCTIONS[np.cumsum](trace, _filled(trace, a, 0.0), axis)


@implements(np.nancumprod)
def _nancumprod(trace: Trace, a: Any, axis: Any = None) -> Any:
    return FUNCTIONS[np.cumprod](trace, _filled(trace, a, 1.0), axis)
