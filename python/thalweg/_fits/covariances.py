# SPDX-License-Identifier: BSD-3-Clause
"""Compute covariances by inverting the normal matrix with traced operations, and scale them.

Matrices that are too ill-conditioned for this are marked, and are handled by QR of the Jacobian.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce
from operator import or_
from typing import Any

import numpy as np

from thalweg._parameters.plan import Plan
from thalweg._tracing.trace import Trace, Tracer

__all__ = ["held_of", "of_all_parameters", "traced_spread", "variance"]

# The normal matrix is scaled to ones on its diagonal. Its inverse is trusted if no diagonal element
# exceeds this limit: the rounding error of a variance is then below 1e-6.
TRUSTED = 1e9


def traced_spread(
    subject: Tracer,
    x: Tracer,
    weights: Tracer | None,
    box: list[Any],
    scale: Callable[[Any], tuple[Any, Any]],
) -> tuple[list[list[Any]], list[Any], Any]:
    """Compute the same as `covariances` for the variables x (n,) of a traced vector.

    Parameters
    ----------
    subject, x : Tracer
        The vector (m,) to differentiate, and the variables.
    weights : Tracer, optional
        Weights (m,) of the rows of the Jacobian.
    box : list of ndarray or Tracer
        [lower, upper] bounds. Variables at a bound are left out.
    scale : callable
        ``scale(free)`` returns the factor of the inverse and whether it is known, for this number
        of variables that are not at a bound.
    """
    trace, n = subject.trace, x.size
    node = -1 if weights is None else trace.lift(weights)
    _, normal = trace.graph.normal_equations(subject.node, subject.node, node, x.node)
    held, free = held_of(Tracer(trace, trace.graph.reshape(x.node, (n,))), n, box)
    factor, known = scale(free)
    matrix = Tracer(trace, trace.graph.reshape(normal, (n, n)))
    return covariances(matrix, n, factor, known, held)


def covariances(
    normal: Tracer, n: int, scale: Any, known: Any, held: list[Any] | None
) -> tuple[list[list[Any]], list[Any], Any]:
    """Compute covariance and standard errors of n variables, and whether they need QR.

    Parameters
    ----------
    normal : Tracer
        The normal matrix J'WJ, (n, n).
    scale : number or Tracer
        The factor of the inverse, the variance of the data.
    known : Truth
        False if there are too few data to estimate `scale`; all results are then infinite.
    held : list of Truth, optional
        Variables at a bound, whose rows are NaN.

    Returns
    -------
    covariance : list of lists of Tracer
        The covariance, (n, n).
    errors : list of Tracer
        The standard errors, (n,).
    doubtful : Tracer
        1 if the matrix is singular or nearly so, else 0.
    """
    one = normal.trace.wrap(1.0)
    unit = [1.0 / np.sqrt(normal[i, i]) for i in range(n)]

    def out(i: int, j: int) -> Any:
        return None if held is None else held[i] if i == j else held[i] | held[j]

    def scaled(i: int, j: int) -> Any:
        if i == j:
            return one
        entry = normal[i, j] * unit[i] * unit[j]
        return entry if held is None else np.where(out(i, j), 0.0, entry)

    inverse, pivots = _inverse([[scaled(i, j) for j in range(i + 1)] for i in range(n)])

    def entry(i: int, j: int) -> Any:
        value = np.where(known, inverse[i][j] * unit[i] * unit[j] * scale, np.inf)
        return value if held is None else np.where(out(i, j), np.nan, value)

    sound = one > 0.0
    for i in range(n):
        seen = normal[i, i] > 0.0  # whether the variable has any effect
        if held is not None:
            seen = seen | held[i]
        sound = sound & seen & (pivots[i] > 0.0) & (inverse[i][i] < TRUSTED)

    covariance: list[list[Any]] = [[None] * n for _ in range(n)]
    for i in range(n):
        for j in range(i + 1):
            covariance[i][j] = covariance[j][i] = entry(i, j)
    errors = [np.sqrt(covariance[i][i]) for i in range(n)]
    return covariance, errors, np.where(sound, 0.0, 1.0)


def variance(cost: Any, rows: Any, free: Any) -> tuple[Any, Any]:
    """Estimate the variance of the data from the residuals, and tell whether data suffice.

    Parameters
    ----------
    cost : number or Tracer
        Half the sum of squares of the residuals.
    rows, free : number or Tracer
        The number of data, and the number of parameters that are not at a bound.
    """
    known = rows > free
    return 2.0 * cost / (rows - free), known


def of_all_parameters(
    trace: Trace, plan: Plan, covariance: list[list[Any]], errors: list[Any], slopes: Any
) -> tuple[list[list[Any]], list[Any]]:
    """Trace what `spread_of_all` computes, and the standard errors of all parameters.

    Parameters
    ----------
    trace : Trace
        The trace.
    plan : Plan
        Which parameters are fitted, fixed and tied.
    covariance, errors : list
        The covariance (n, n) and the standard errors (n,) of the fitted parameters.
    slopes : Tracer (t, n), optional
        The derivatives of the tied parameters.
    """
    zero = trace.wrap(0.0)
    whole: list[list[Any]] = [[zero] * plan.n for _ in range(plan.n)]
    each: list[Any] = [zero] * plan.n
    for i, k in enumerate(plan.free):
        each[k] = errors[i]
        for j, l in enumerate(plan.free):
            whole[k][l] = covariance[i][j]
    known = [*plan.free]
    for row, tie in enumerate(plan.ties):
        among, at = plan.sources[tie.position], tie.position
        if not among:  # it depends on fixed parameters alone
            continue
        endless = reduce(or_, [errors[i] == np.inf for i in among])
        for k in known:
            total = _total(slopes[row, i] * whole[plan.free[i]][k] for i in among)
            whole[at][k] = whole[k][at] = np.where(endless, np.inf, total)
        total = _total(slopes[row, i] * whole[at][plan.free[i]] for i in among)
        whole[at][at] = np.where(endless, np.inf, total)
        each[at] = np.sqrt(whole[at][at])
        known.append(at)
    return whole, each


def held_of(x: Tracer, n: int, box: list[Any]) -> tuple[list[Any] | None, Any]:
    """Return which of n variables are at a bound, and how many are not."""
    if not box:
        return None, float(n)
    held = []
    for i in range(n):
        low, high = (end[i] if isinstance(end, Tracer) else float(end[i]) for end in box)
        held.append((x[i] <= low) | (x[i] >= high))
    count = x.trace.wrap(float(n))
    for h in held:
        count = count - np.where(h, 1.0, 0.0)
    return held, count


def _inverse(a: list[list[Any]]) -> tuple[list[list[Any]], list[Any]]:
    """Invert a symmetric matrix, given by its lower triangle, by L D L'; return D too.

    Higham 2002, Accuracy and Stability of Numerical Algorithms, chapters 10 and 14.
    """
    n = len(a)
    lower: list[list[Any]] = []
    pivots: list[Any] = []
    for i in range(n):
        row: list[Any] = []  # a row of L D
        for j in range(i):
            row.append(_less(a[i][j], (row[k] * lower[j][k] for k in range(j))))
        lower.append([row[k] / pivots[k] for k in range(i)])
        pivots.append(_less(a[i][i], (row[k] * lower[i][k] for k in range(i))))
    # M = L^-1, unit lower triangular, by rows; the inverse is M' D^-1 M.
    m: list[list[Any]] = []
    for i in range(n):
        row = [
            _less(-lower[i][j], (lower[i][k] * m[k][j] for k in range(j + 1, i)))
            for j in range(i)
        ]  # fmt: skip
        m.append([*row, 1.0])
    shares = [[entry / pivots[i] for entry in m[i]] for i in range(n)]
    inverse = [
        [_total(shares[k][i] * m[k][j] for k in range(i, n)) for j in range(i + 1)]
        for i in range(n)
    ]  # fmt: skip
    return inverse, pivots


def _less(value: Any, terms: Iterable[Any]) -> Any:
    for term in terms:
        value = value - term
    return value


def _total(terms: Iterable[Any]) -> Any:
    first, *rest = terms
    for term in rest:
        first = first + term
    return first
