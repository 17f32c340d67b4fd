# SPDX-License-Identifier: BSD-3-Clause
"""Trace covariances and correlations of samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg._tracing.errors import cannot_trace
from thalweg._tracing.functions.conversions import as_traced
from thalweg._tracing.numbers import as_floats
from thalweg._tracing.registry import implements
from thalweg._tracing.stand_ins import stands_for
from thalweg._tracing.tracer import holds_tracer

if TYPE_CHECKING:
    from thalweg._tracing.trace import Trace


@implements(np.cov)
def _cov(
    trace: Trace,
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: Any = None,
    fweights: Any = None,
    aweights: Any = None,
) -> Any:
    x: Any = trace.wrap(m)
    if x.ndim > 2:
        raise ValueError("m has more than 2 dimensions")
    x = np.atleast_2d(x)
    if not rowvar and x.shape[0] != 1:
        x = np.transpose(x)
    if y is not None:
        other: Any = np.atleast_2d(trace.wrap(y))
        if not rowvar and other.shape[0] != 1:
            other = np.transpose(other)
        x = np.concatenate((x, other), axis=0)
    if ddof is None:
        ddof = 0 if bias else 1
    weights = _weights(fweights, aweights)
    if weights is None:
        factor = x.shape[1] - ddof
        centered = x - np.mean(x, axis=1, keepdims=True)
        weighted = centered
    else:
        total = weights.sum()
        squares = weights.sum() if aweights is None else (weights * _floats(aweights)).sum()
        factor = total if ddof == 0 else total - ddof * squares / total
        if aweights is None:
            factor = total - ddof
        centered = x - np.sum(x * weights, axis=1, keepdims=True) / total
        weighted = centered * weights
    return np.squeeze(np.matmul(weighted, np.transpose(centered)) / factor)


def _floats(weights: Any) -> Any:
    if holds_tracer(weights):
        raise cannot_trace("np.cov with traced weights", "they must be constants.")
    return as_floats(weights, "weights")


def _weights(fweights: Any, aweights: Any) -> Any:
    """Return the product of both kinds of weights, or None if there are none."""
    given = [_floats(w) for w in (fweights, aweights) if w is not None]
    return None if not given else given[0] if len(given) == 1 else given[0] * given[1]


@implements(np.corrcoef)
def _corrcoef(trace: Trace, x: Any, y: Any = None, rowvar: bool = True) -> Any:
    c = _cov(trace, x, y, rowvar)
    if not c.ndim:
        return c / c
    deviations = np.sqrt(np.diagonal(c))
    return np.clip(c / deviations[:, None] / deviations[None, :], -1.0, 1.0)


@stands_for("numpy", "cov", "corrcoef")
def _of_lists(original: Callable[..., Any], m: Any, y: Any = None, *args: Any, **how: Any) -> Any:
    """Join lists of traced values first: NumPy asks only arrays how they are to be treated."""
    joined = [v if (traced := as_traced(v)) is None else traced for v in (m, y)]
    return original(*joined, *args, **how)
