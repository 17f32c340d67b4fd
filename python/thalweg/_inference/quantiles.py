# SPDX-License-Identifier: BSD-3-Clause
"""Compute quantiles of the distributions that intervals need, with the core's own functions."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import inf
from typing import Any

import numpy as np
import numpy.typing as npt

from thalweg import _core
from thalweg._objectives.points import FloatArray
from thalweg._tracing.trace import Trace, Tracer
from thalweg._tracing.ufuncs import operation, stdtrit

__all__ = ["checked_level", "chi_squared", "fisher", "student"]


def checked_level(level: Any) -> float:
    """Check that a confidence level lies between 0 and 1."""
    if isinstance(level, bool) or not isinstance(level, int | float | np.number):
        raise TypeError(f"level must be a number between 0 and 1, got {level!r}")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, such as 0.95, got {level}")
    return float(level)


def student(level: float, dof: Any) -> FloatArray:
    """Return t such that Student's variable lies within (-t, t) with probability `level`.

    Parameters
    ----------
    level : float
        The probability.
    dof : array_like
        The degrees of freedom; infinity means the normal distribution. The result is NaN if there
        are none.
    """
    return _each(lambda d: _student(level, d), dof)


@lru_cache(maxsize=1024)
def chi_squared(level: float, count: int) -> float:
    """Return the quantile of chi squared with `count` degrees of freedom."""
    return 2.0 * _evaluated(_gamma, 0.5 * count, level)


def fisher(level: float, count: int, dof: Any) -> FloatArray:
    """Return the quantile of `count` times Fisher's F(count, dof), which tends to chi squared.

    Abramowitz and Stegun 1964, Handbook of Mathematical Functions, 26.6.2.
    """
    return _each(lambda d: _fisher(level, count, d), dof)


def _each(quantile: Callable[[float], float], dof: Any) -> FloatArray:
    """Compute a quantile once for each different number of degrees of freedom."""
    dof = np.asarray(dof, dtype=np.float64)
    different, place = np.unique(dof, return_inverse=True)
    found = np.array([quantile(float(d)) if d > 0 else np.nan for d in different])
    each: FloatArray = found[place].reshape(dof.shape)
    return each


@lru_cache(maxsize=1024)
def _student(level: float, dof: float) -> float:
    if dof == inf:
        return float(np.sqrt(chi_squared(level, 1)))
    return _evaluated(_students, dof, 0.5 + 0.5 * level)


@lru_cache(maxsize=1024)
def _fisher(level: float, count: int, dof: float) -> float:
    if dof == inf:
        return chi_squared(level, count)
    if count == 1:
        return _student(level, dof) ** 2
    # The smaller of the shares x and 1 - x is computed, so that neither loses digits.
    share = _evaluated(_beta, 0.5 * dof, 0.5 * count, 1.0 - level)
    return dof * (1.0 - share) / share


def _students(p: list[Tracer]) -> Any:
    return stdtrit(p[0], p[1])


def _gamma(p: list[Tracer]) -> Any:
    return operation("gammaincinv")(*p)


def _beta(p: list[Tracer]) -> Any:
    return operation("betaincinv")(*p)


@lru_cache(maxsize=16)
def _function(build: Callable[[list[Tracer]], Any], count: int) -> _core.Function:
    trace = Trace()
    value = build([trace.input(i, ()) for i in range(count)])
    return _core.Function(trace.graph, [value.node], count)


def _evaluated(build: Callable[[list[Tracer]], Any], *numbers: float) -> float:
    """Evaluate a traced formula of numbers."""
    values: list[npt.NDArray[Any]] = [np.array(v) for v in numbers]
    (found,) = _function(build, len(numbers))(values, [False] * len(numbers), 1)
    return float(found.ravel()[0])
