# SPDX-License-Identifier: BSD-3-Clause
"""Triangularize the blocks of a block-arrow Jacobian, with one lane for each data set.

The Jacobian of a set has columns for its own (local) parameters and for the shared ones. All that
a Gauss-Newton step needs of it, and of the residuals, is the triangular factor R of [A B r]; the
local columns of R are eliminated next, and what remains is joined with that of the other sets.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from thalweg import _core
from thalweg._objectives.points import FloatArray
from thalweg._tracing.trace import Trace, Tracer

__all__ = [
    "DEPENDENT", "Arrow", "arrow_of", "columns_of", "joined", "packed", "packed_places",
    "triangular", "unpacked",
]  # fmt: skip

# A local column of which so little is left after the elimination of the others depends on them to
# rounding: nothing is divided by what is left.
DEPENDENT = 1e-13


def triangular(columns: Sequence[Any], least: Sequence[Any] = ()) -> list[list[Any]]:
    """Return the rows of R in the QR factorization of traced columns, each from its diagonal on.

    This is the modified Gram-Schmidt process, in which every operation works on whole columns. Its
    R is as accurate as that of Householder's method (Björck 1967, BIT 7, 1-21). A column whose
    squared length is zero, or at most its entry of `least`, counts as dependent on those before it:
    its row of R is zero.
    """
    rest: list[Any] = list(columns)
    rows: list[list[Any]] = []
    for j, column in enumerate(rest):
        squares = np.sum(column * column)
        seen: Any = squares > (least[j] if j < len(least) else 0.0)
        length = np.where(seen, np.sqrt(squares), 0.0)
        q = column * np.where(seen, 1.0 / length, 0.0)
        row = [length]
        for k in range(j + 1, len(rest)):
            row.append(np.sum(q * rest[k]))
            rest[k] = rest[k] - row[-1] * q
        rows.append(row)
    return rows


def packed(trace: Trace, rows: list[list[Any]]) -> int:
    """Return the node with all entries of an upper triangle, row by row."""
    return trace.stack([trace.lift(entry) for row in rows for entry in row])


def unpacked(triangle: FloatArray) -> FloatArray:
    """Return packed triangles (..., n (n + 1) / 2) as matrices (..., n, n)."""
    n = int(np.sqrt(2 * triangle.shape[-1]))
    whole = np.zeros((*triangle.shape[:-1], n, n))
    whole[(..., *np.triu_indices(n))] = triangle
    return whole


def packed_places(n: int) -> npt.NDArray[np.int64]:
    """Return the places (n, n) of an upper triangle's entries in its packed form."""
    at = np.zeros((n, n), dtype=np.int64)
    at[np.triu_indices(n)] = np.arange(n * (n + 1) // 2)
    return at


def columns_of(trace: Trace, triangle: Tracer, n: int, below: int = 0) -> list[Any]:
    """Return the columns of a traced packed triangle, above `below` zeros."""
    at = packed_places(n)
    zero = trace.wrap(0.0).node
    entries = [triangle[i].node for i in range(n * (n + 1) // 2)]
    return [
        Tracer(trace, trace.stack(
            [entries[at[i, j]] if i <= j else zero for i in range(n)] + [zero] * below))
        for j in range(n)
    ]  # fmt: skip


def joined(triangles: FloatArray, threads: int) -> FloatArray:
    """Join packed triangles (k, ·) to the one of all their rows.

    Neighbours are joined in pairs, then neighbouring pairs, and so on: one tree, which depends
    only on k.
    """
    n = int(np.sqrt(2 * triangles.shape[1]))
    if not len(triangles):
        return np.zeros(triangles.shape[1])
    join = _joining(n)
    while len(triangles) > 1:
        even = len(triangles) // 2 * 2
        pairs = np.ascontiguousarray(triangles[:even]).reshape(even // 2, -1)
        (both,) = join([pairs], [True], even // 2, threads)
        triangles = np.concatenate([both, triangles[even:]])
    found: FloatArray = triangles[0]
    return found


@lru_cache(maxsize=32)
def _joining(n: int) -> _core.Function:
    """Return the function that joins two packed triangles of n columns."""
    trace, size = Trace(), n * (n + 1) // 2
    both = trace.input(0, (2 * size,))
    upper, lower = (columns_of(trace, half, n) for half in (both[:size], both[size:]))
    columns = [np.concatenate([a, b]) for a, b in zip(upper, lower, strict=True)]
    return _core.Function(trace.graph, [packed(trace, triangular(columns))], 1)


@lru_cache(maxsize=32)
def arrow_of(p: int, q: int) -> Arrow:
    """Return the functions for p local and q shared parameters, which no data enter."""
    return Arrow(p, q)


class Arrow:
    """What is computed from the packed triangles of sets with p local and q shared parameters.

    A triangle has the columns of the local parameters, of the shared ones, and of the residuals.
    Local parameters that are held do not move. `damping` is the length, relative to that of its
    column, by which each local column is extended (Levenberg-Marquardt).
    """

    def __init__(self, p: int, q: int) -> None:
        self.p, self.q, self.n = p, q, p + q
        self.size = (self.n + 1) * (self.n + 2) // 2

    def _eliminated(self, trace: Trace) -> tuple[list[list[Any]], list[Any], Any]:
        """Trace the elimination of the local columns of inputs 0 to 2.

        Return the rows of R, the lengths of the local columns, and which of them are held.
        """
        p, n = self.p, self.n
        triangle, damping = trace.input(0, (self.size,)), trace.input(1, (1,))
        held = trace.input(2, (max(p, 1),))
        columns = columns_of(trace, triangle, n + 1, below=p)
        zero, lengths, least = trace.wrap(0.0).node, [], []
        for j in range(p):
            free = 1.0 - held[j]
            length = np.sqrt(np.sum(columns[j] * columns[j]))
            extra = free * damping[0] * length + held[j]
            at = [zero] * (n + 1 + p)
            at[n + 1 + j] = trace.lift(extra)
            columns[j] = columns[j] * free + Tracer(trace, trace.stack(at))
            lengths.append(length)
            least.append((DEPENDENT * length) ** 2)
        return triangular(columns, least), lengths, held

    @cached_property
    def remainder(self) -> _core.Function:
        """The packed triangles of the shared columns and residuals, without the local columns.

        Inputs: triangles, damping (1,), held (p,).
        """
        trace = Trace()
        rows, _, _ = self._eliminated(trace)
        return _core.Function(trace.graph, [packed(trace, rows[self.p :])], 3)

    @cached_property
    def local_step(self) -> _core.Function:
        """The steps (p,) of the local parameters that belong to a step of the shared ones.

        Inputs: triangles, damping (1,), held (p,), the step (q,).
        """
        trace = Trace()
        rows, _, held = self._eliminated(trace)
        shared = trace.input(3, (self.q,))
        steps = self._solved(rows, [-row[-1] for row in rows[: self.p]], shared)
        moved = [np.where(held[j] > 0.0, 0.0, step) for j, step in enumerate(steps)]
        return _core.Function(trace.graph, [trace.stack([trace.lift(s) for s in moved])], 4)

    def _solved(self, rows: list[list[Any]], right: list[Any], shared: Any) -> list[Any]:
        """Solve R11 x = right - R12 shared for the local x; dependent ones are zero."""
        p = self.p
        x: list[Any] = [None] * p
        for j in reversed(range(p)):
            value = right[j]
            for k in range(j + 1, p):
                value = value - rows[j][k - j] * x[k]
            for k in range(self.q if shared is not None else 0):
                value = value - rows[j][p + k - j] * shared[k]
            x[j] = value * _inverse(rows[j][0])
        return x

    @cached_property
    def fall(self) -> _core.Function:
        """The fall of the cost (1,) that the linear model promises for steps (p + q,).

        Inputs: triangles, the steps of local and shared parameters. Nothing cancels in -c'u - u'u/2
        with the residuals c and their change u.
        """
        trace, n = Trace(), self.n
        triangle, steps = trace.input(0, (self.size,)), trace.input(1, (n,))
        *columns, c = columns_of(trace, triangle, n + 1)
        change = sum((column * steps[j] for j, column in enumerate(columns)), start=0.0 * c)
        fall = -np.sum(c * change) - 0.5 * np.sum(change * change)
        return _core.Function(trace.graph, [trace.stack([trace.lift(fall)])], 2)

    @cached_property
    def spread(self) -> _core.Function:
        """The covariances (n, n) of local and shared parameters of sets, and their least pivots.

        Inputs: triangles, damping (1,) of zero, held (p,), the factor of the local inverses (1,),
        and the covariance (q, q) of the shared parameters. With G = -R11^-1 R12, the covariance is
        [R11^-1 R11^-T factor + G C G', G C; C G', C].
        """
        trace, p, q, n = Trace(), self.p, self.q, self.n
        rows, lengths, held = self._eliminated(trace)
        factor, shared = trace.input(3, (1,)), trace.input(4, (q, q))
        # Columns of R11^-1, and of G.
        inverse = [
            self._solved(rows, [trace.wrap(float(i == j)) for i in range(p)], None)
            for j in range(p)
        ]
        follow = [
            self._solved(rows, [-row[p + k - i] for i, row in enumerate(rows[:p])], None)
            for k in range(q)
        ]
        whole: list[list[Any]] = [[None] * n for _ in range(n)]
        for i in range(q):
            for j in range(q):
                whole[p + i][p + j] = shared[i, j]
            for j in range(p):
                both = _total(shared[i, k] * follow[k][j] for k in range(q))
                whole[p + i][j] = whole[j][p + i] = both
        for i in range(p):
            for j in range(i + 1):
                own = factor[0] * _total(inverse[k][i] * inverse[k][j] for k in range(i, p))
                for k in range(q):
                    own = own + whole[p + k][i] * follow[k][j]
                whole[i][j] = whole[j][i] = own
        least: Any = trace.wrap(1.0)
        for j in range(p):
            share = np.where(held[j] > 0.0, 1.0, rows[j][0] * _inverse(lengths[j]))
            least = np.minimum(least, share)
        return _core.Function(
            trace.graph,
            [trace.stack([trace.lift(e) for row in whole for e in row]),
             trace.stack([trace.lift(least)])],
            5,
        )  # fmt: skip


def _inverse(value: Any) -> Any:
    """Return 1 / value, or 0 for 0."""
    return np.where(value > 0.0, 1.0 / np.where(value > 0.0, value, 1.0), 0.0)


def _total(terms: Any) -> Any:
    first, *rest = terms
    for term in rest:
        first = first + term
    return first
