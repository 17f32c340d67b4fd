# SPDX-License-Identifier: BSD-3-Clause
"""Issue the warnings of fits, and compute SciPy's `infodict`."""

from __future__ import annotations

import sys
import warnings
from math import inf
from typing import Any

import numpy as np

from thalweg._objectives.points import FloatArray

__all__ = ["OptimizeWarning", "condition_of", "information", "warn"]


class OptimizeWarning(UserWarning):
    """A warning about the result of a fit."""


def warn(message: str) -> None:
    """Warn at the user's line, with a class that is SciPy's too if SciPy is imported."""
    category: type[Warning] = OptimizeWarning
    scipy = sys.modules.get("scipy.optimize")
    if scipy is not None and hasattr(scipy, "OptimizeWarning"):
        category = type("OptimizeWarning", (OptimizeWarning, scipy.OptimizeWarning), {})
    depth = 1
    while sys._getframe(depth).f_globals.get("__name__", "").partition(".")[0] == "thalweg":
        depth += 1
    warnings.warn(message, category, stacklevel=depth + 1)


def information(nfev: int, r: FloatArray, jacobian: FloatArray, mask: Any) -> dict[str, Any]:
    """Return SciPy's `infodict`, with rank, condition number and `active_mask`."""
    free = jacobian[:, mask == 0]
    values = _singular_values(free)
    small = np.finfo(np.float64).eps * max(free.shape) * values.max(initial=0.0)
    rank = int(np.count_nonzero(values > small))
    cond = _condition(values)
    # MINPACK's R of J P = Q R, with columns in order of decreasing length, and Q'r.
    n = jacobian.shape[1]
    order = pivots(jacobian)
    q, upper = np.linalg.qr(jacobian[:, order])
    fjac = np.zeros((n, r.size))
    fjac[:, : upper.shape[0]] = upper.T
    return {
        "nfev": nfev, "fvec": r, "fjac": fjac, "ipvt": order, "qtf": q.T @ r,
        "rank": rank, "cond": cond, "active_mask": mask,
    }  # fmt: skip


def condition_of(jacobian: FloatArray) -> float:
    """Return the condition number of a Jacobian (m, n), with columns of length one."""
    if not np.isfinite(jacobian).all():
        return np.nan
    return _condition(_singular_values(jacobian)) if jacobian.size else 1.0


def _singular_values(jacobian: FloatArray) -> FloatArray:
    lengths = np.linalg.norm(jacobian, axis=0)
    scaled = jacobian / np.where(lengths > 0, lengths, 1.0)
    values: Any = np.linalg.svd(scaled, compute_uv=False) if jacobian.size else np.ones(0)
    return np.asarray(values, dtype=np.float64)


def _condition(values: FloatArray) -> float:
    worst = values.min(initial=inf) if values.size else 1.0
    return float(values.max(initial=0.0) / worst) if worst > 0 else inf


def pivots(jacobian: FloatArray) -> Any:
    """Return the order in which QR with pivoting takes the columns."""
    left = np.array(jacobian)
    order: list[int] = []
    for _ in range(left.shape[1]):
        lengths = np.linalg.norm(left, axis=0)
        lengths[order] = -1.0
        k = int(np.argmax(lengths))
        order.append(k)
        if lengths[k] > 0:
            v = left[:, k] / lengths[k]
            left -= np.outer(v, v @ left)
    return np.array(order, dtype=int)
