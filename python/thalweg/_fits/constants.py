# SPDX-License-Identifier: BSD-3-Clause
"""Trace the cost of the constant that fits the data best, with which a fit is compared."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, sqrt
from typing import Any

import numpy as np

from thalweg._fits.soundness import ABOUT, ROUNDING
from thalweg._tracing.tracer import Tracer

__all__ = ["traced_cost", "traced_deviance"]


def traced_cost(data: Tracer, weights: Any, valid: Any, cost: Callable[[Any], Any]) -> Any:
    """Trace what `soundness.flat_cost` computes for one fit.

    Parameters
    ----------
    data : Tracer
        The data (m,).
    weights : Tracer, optional
        Their inverse errors, () or (m,).
    valid : Truth, optional
        Which data are not missing.
    cost : callable
        Returns the cost of residuals.
    """
    y: Any = data
    one: Any = np.ones(data.size) if weights is None else weights * np.ones(data.size)
    if valid is not None:
        y, one = np.where(valid, y, 0.0), np.where(valid, one, 0.0)
    y = y * one
    squares = np.sum(one * one)
    mean = np.sum(one * y) / (squares if valid is None else np.where(squares > 0, squares, 1.0))
    whole = cost(y - one * mean)
    return _varied(whole, (whole < inf) & (whole > ROUNDING * np.sum(y * y)))


def traced_deviance(counts: Tracer, valid: Any) -> Any:
    """Trace half the deviance of counts (m,) from their mean."""
    y: Any = counts
    count: Any = float(counts.size)
    if valid is not None:
        y = np.where(valid, y, 0.0)
        count = np.maximum(np.sum(np.where(valid, 1.0, 0.0)), 1.0)
    mean = np.sum(y) / count
    some = y > 0.0
    whole = np.sum(np.where(some, y * np.log(np.where(some, y, 1.0) / mean), 0.0))
    return _varied(whole, (whole < inf) & (whole > sqrt(ROUNDING) * mean))


def _varied(cost: Any, varies: Any) -> Any:
    """Return a little more than the cost, or infinity if the data do not vary."""
    return np.where(varies, cost * (1 + ABOUT), inf)
