# SPDX-License-Identifier: BSD-3-Clause
"""Trace digital filters of scipy.signal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from thalweg._tracing.errors import cannot_trace
from thalweg._tracing.functions.conversions import as_traced
from thalweg._tracing.stand_ins import stands_for
from thalweg._tracing.tracer import Tracer, node_of


@stands_for("scipy.signal", "lfilter")
def _lfilter(
    original: Callable[..., Any], b: Any, a: Any, x: Any, axis: int = -1, zi: Any = None
) -> Any:
    traced = [t for t in map(as_traced, (b, a, x, zi)) if t is not None]
    if not traced:
        return original(b, a, x, axis, zi)
    trace = traced[0].trace
    b, a, x = (np.atleast_1d(trace.wrap(v)) for v in (b, a, x))
    if b.ndim != 1 or a.ndim != 1:
        raise ValueError(f"lfilter: b and a must be 1-d, got shapes {b.shape} and {a.shape}")
    if not x.size:
        raise cannot_trace("scipy.signal.lfilter", "x is empty.")
    b, a = b / a[0], a[1:] / a[0]
    rows = np.moveaxis(x, axis, -1)
    n = rows.shape[-1]
    driven = sum(b[i] * _delayed(rows, i) for i in range(min(b.size, n)))
    if zi is None:
        return np.moveaxis(recursion(trace, a, driven), -1, axis)
    state = np.moveaxis(trace.wrap(zi), axis, -1)
    order = max(b.size, a.size + 1) - 1
    if state.shape != (*rows.shape[:-1], order):
        expected = np.moveaxis(np.empty((*rows.shape[:-1], order)), -1, axis).shape
        raise ValueError(f"lfilter: zi must have shape {expected}, got {np.shape(zi)}")
    begun = state[..., :n]
    later = [(0, 0)] * (rows.ndim - 1) + [(0, n - begun.shape[-1])]
    y = recursion(trace, a, driven + np.pad(begun, later))
    final = [_left_over(b, a, rows, y, state, i) for i in range(order)]
    ends = np.stack(final, axis=-1) if final else state
    return np.moveaxis(y, -1, axis), np.moveaxis(ends, -1, axis)


def _left_over(b: Any, a: Any, x: Any, y: Any, state: Any, i: int) -> Any:
    """Return number i of the filter's state after the last element (direct form II, transposed)."""
    n = x.shape[-1]
    total = state[..., i + n] if i + n < state.shape[-1] else np.zeros_like(x[..., 0])
    for back in range(n):
        j = i + 1 + back
        if j < b.size:
            total = total + b[j] * x[..., n - 1 - back]
        if j - 1 < a.size:
            total = total - a[j - 1] * y[..., n - 1 - back]
        if j >= max(b.size, a.size + 1):
            break
    return total


def _delayed(rows: Any, by: int) -> Any:
    """Return rows shifted by some places toward their ends, with zeros before."""
    if not by:
        return rows
    return np.pad(rows[..., :-by], [(0, 0)] * (rows.ndim - 1) + [(by, 0)])


def recursion(trace: Any, a: Any, x: Any) -> Any:
    """Return y with y[t] = x[t] - sum over j of a[j] y[t - 1 - j], along the last axis.

    Parameters
    ----------
    trace
        The trace of the values.
    a : traced value, shape (p,)
        Coefficients, the nearest first.
    x : traced value, shape (..., n)
        What drives the recurrence.

    Returns
    -------
    traced value, shape (..., n)
    """
    if not a.size:
        return x
    n = x.shape[-1]
    batch = x.size // n
    coefficients = np.broadcast_to(a, (batch, a.size))
    nodes = [node_of(trace, coefficients), node_of(trace, x)]
    sizes = [batch, a.size, n, 0]
    return Tracer(trace, trace.graph.routine("recurrence", nodes, sizes, x.shape))
