# SPDX-License-Identifier: BSD-3-Clause
"""Trace NumPy's functions of polynomials, which are given by their coefficients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg._tracing.errors import cannot_trace
from thalweg._tracing.registry import implements

if TYPE_CHECKING:
    from thalweg._tracing.trace import Trace


def _both(trace: Trace, a1: Any, a2: Any) -> tuple[Any, Any]:
    """Return two polynomials with equally many coefficients."""
    a, b = (np.atleast_1d(trace.wrap(p)) for p in (a1, a2))
    more = len(b) - len(a)
    if more > 0:
        return np.concatenate((np.zeros(more), a)), b
    return a, np.concatenate((np.zeros(-more), b)) if more else b


@implements(np.polyadd)
def _polyadd(trace: Trace, a1: Any, a2: Any) -> Any:
    a, b = _both(trace, a1, a2)
    return a + b


@implements(np.polysub)
def _polysub(trace: Trace, a1: Any, a2: Any) -> Any:
    a, b = _both(trace, a1, a2)
    return a - b


@implements(np.polymul)
def _polymul(trace: Trace, a1: Any, a2: Any) -> Any:
    a, b = (np.atleast_1d(trace.wrap(p)) for p in (a1, a2))
    return np.convolve(a, b)


@implements(np.polyder)
def _polyder(trace: Trace, p: Any, m: int = 1) -> Any:
    m = int(m)
    if m < 0:
        raise ValueError("Order of derivative must be positive (see polyint)")
    p = np.atleast_1d(trace.wrap(p))
    for _ in range(m):
        p = p[:-1] * np.arange(p.size - 1, 0, -1)
    return p


@implements(np.polyint)
def _polyint(trace: Trace, p: Any, m: int = 1, k: Any = None) -> Any:
    m = int(m)
    if m < 0:
        raise ValueError("Order of integral must be positive (see polyder)")
    constants = np.atleast_1d(trace.wrap(0.0 if k is None else k))
    if constants.size == 1 and m > 1:
        constants = np.broadcast_to(constants, (m,))
    if constants.size < m:
        raise ValueError("k must be a scalar or a rank-1 array of length 1 or >m.")
    p = np.atleast_1d(trace.wrap(p))
    for i in range(m):
        p = np.concatenate((p / np.arange(p.size, 0, -1), constants[i : i + 1]))
    return p


@implements(np.poly)
def _poly(trace: Trace, seq_of_zeros: Any) -> Any:
    zeros = np.atleast_1d(trace.wrap(seq_of_zeros))
    if zeros.ndim != 1:
        raise cannot_trace(
            "np.poly of a matrix", "its eigenvalues may be complex.", "Pass the zeros."
        )
    p: Any = trace.wrap([1.0])
    for k in range(zeros.size):
        p = np.concatenate((p, [0.0])) - np.concatenate(([0.0], zeros[k] * p))
    return p


@implements(np.polyfit)
def _polyfit(
    trace: Trace,
    x: Any,
    y: Any,
    deg: int,
    rcond: Any = None,
    full: bool = False,
    w: Any = None,
    cov: Any = False,
) -> Any:
    if full or cov is not False:
        raise cannot_trace("np.polyfit with full or cov", "only the coefficients are traced.")
    if deg < 0:
        raise ValueError("expected deg >= 0")
    if np.ndim(x) != 1 or np.ndim(y) not in (1, 2) or np.shape(x)[0] != np.shape(y)[0]:
        raise TypeError("expected x and y to have same length")
    powers, values = np.vander(x, deg + 1), trace.wrap(y)
    if w is not None:
        powers = powers * np.reshape(w, (-1, 1))
        values = values * (np.reshape(w, (-1, 1)) if values.ndim == 2 else w)
    scale = np.sqrt(np.sum(powers * powers, axis=0))
    if rcond is None:
        rcond = np.shape(x)[0] * np.finfo(np.float64).eps
    found = np.matmul(np.linalg.pinv(powers / scale, rcond), values)
    return found / (scale if values.ndim == 1 else np.reshape(scale, (-1, 1)))
