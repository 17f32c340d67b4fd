# SPDX-License-Identifier: BSD-3-Clause
"""Issue the warnings of fits, and compute SciPy's `infodict`."""

from __future__ import annotations

import sys
import warnings
from math import inf
from typing import Any

import numpy as np

from thalweg._objectives.points import FloatArray

__all__ = ["OptimizeWarning", "information", "warn"]


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
    lengths = np.linalg.norm(free, axis=0)
    scaled = free / np.where(lengths > 0, lengths, 1.0)
    values = np.linalg.svd(scaled, compute_uv=False) if free.size else np.ones(0)
    small = np.finfo(np.float64).eps * max(free.shape) * values.max(initial=0.0)
    rank = int(np.count_nonzero(values > small))
    worst = values.min(initial=inf) if values.size else 1.0
    cond = float(values.max(initial=0.0) / worst) if worst > 0 else inf
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
