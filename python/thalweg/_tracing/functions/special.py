# SPDX-License-Identifier: BSD-3-Clause
"""Trace functions of scipy.special that are no ufuncs, and so are not dispatched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from thalweg._tracing.errors import cannot_trace
from thalweg._tracing.functions.conversions import as_traced
from thalweg._tracing.functions.elements import axes_of, op
from thalweg._tracing.stand_ins import stands_for


def _shifted(x: Any, axis: Any) -> tuple[Any, Any]:
    """Return the largest element along axes, or 0 where it is infinite, and exp(x - it)."""
    top = np.max(x, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    return top, np.exp(x - top)


@stands_for("scipy.special", "logsumexp")
def _logsumexp(
    original: Callable[..., Any],
    a: Any,
    axis: Any = None,
    b: Any = None,
    keepdims: bool = False,
    return_sign: bool = False,
) -> Any:
    x, weights = as_traced(a), as_traced(b)
    if x is None and weights is None:
        return original(a, axis, b, keepdims, return_sign)
    trace = (weights if x is None else x).trace
    x = trace.wrap(a)
    axes = axes_of(x.ndim, axis)
    if b is not None:
        b = trace.wrap(b)
        x = np.where(b == 0, -np.inf, x)  # a weight of 0 leaves out even infinity
        axes = axes_of(x.ndim, axis)
    if not x.size:
        top, total = 0.0, np.sum(x, axis=axes, keepdims=True)
    else:
        top, terms = _shifted(x, axes)
        total = np.sum(terms if b is None else b * terms, axis=axes, keepdims=True)
    sign: Any = np.sign(total)
    value: Any = np.log(np.abs(total) if return_sign else total) + top
    if not keepdims:
        value, sign = np.squeeze(value, axis=axes), np.squeeze(sign, axis=axes)
    return (value, sign) if return_sign else value


@stands_for("scipy.special", "softmax")
def _softmax(original: Callable[..., Any], x: Any, axis: Any = None) -> Any:
    traced = as_traced(x)
    if traced is None:
        return original(x, axis)
    _, terms = _shifted(traced, axis)
    return terms / np.sum(terms, axis=axis, keepdims=True)


@stands_for("scipy.special", "log_softmax")
def _log_softmax(original: Callable[..., Any], x: Any, axis: Any = None) -> Any:
    traced = as_traced(x)
    if traced is None:
        return original(x, axis)
    top, terms = _shifted(traced, axis)
    return traced - top - np.log(np.sum(terms, axis=axis, keepdims=True))


@stands_for("scipy.special", "sinc")
def _sinc(original: Callable[..., Any], x: Any) -> Any:
    traced = as_traced(x)
    return original(x) if traced is None else op(traced.trace, "sinc", traced)


@stands_for("scipy.special", "spherical_jn")
def _spherical_jn(original: Callable[..., Any], n: Any, z: Any, derivative: bool = False) -> Any:
    traced = as_traced(z)
    if as_traced(n) is not None:
        raise cannot_trace("scipy.special.spherical_jn", "its order must be a whole constant.")
    if traced is None:
        return original(n, z, derivative)
    orders = np.asarray(n, dtype=float)

    def of_order(k: Any) -> Any:
        return op(traced.trace, "spherical_jn", k, traced)

    if not derivative:
        return of_order(orders)
    below = of_order(np.maximum(orders - 1, 0))
    return (orders * below - (orders + 1) * of_order(orders + 1)) / (2 * orders + 1)
