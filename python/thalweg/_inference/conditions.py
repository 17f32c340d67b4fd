# SPDX-License-Identifier: BSD-3-Clause
"""Compute the condition numbers of Jacobians with columns of length one."""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import Any

import numpy as np
import numpy.typing as npt

from thalweg._fits.slots import Inputs
from thalweg._fits.tapes import FitTapes
from thalweg._objectives.points import FloatArray
from thalweg._tracing.trace import Trace, Tracer

__all__ = ["conditions", "dense_conditions", "traced_condition"]

# Matrices with more rows are left to the core's routine.
_UNROLLED, _SWEEPS = 4, 6


def conditions(
    tapes: FitTapes, inputs: Inputs, held: npt.NDArray[np.bool_], threads: int
) -> FloatArray:
    """Return the condition numbers (k,) of Jacobians without the columns that are held (k, n)."""

    def build(_: Trace, held: Any) -> list[int]:
        each = [held[i] != 0.0 for i in range(held.size)]
        return [traced_condition(tapes.weighted_columns(), each).node]

    n = len(tapes.layout.free)
    function = tapes.kept("condition", build, (n,))
    given = [*inputs.arrays, held.astype(np.float64)]
    (found,) = function(given, [*inputs.varying, True], len(inputs), threads)
    return found[:, 0]


def dense_conditions(columns: FloatArray, held: npt.NDArray[np.bool_]) -> FloatArray:
    """Return the condition numbers of matrices (k, n, m) without the rows that are held."""
    sound: Any = np.isfinite(columns).all(axis=(1, 2))
    columns = np.where(sound[:, None, None] & ~held[..., None], columns, 0.0)
    lengths = np.sqrt(np.sum(columns * columns, axis=2, keepdims=True))
    values = np.linalg.svd(columns / np.where(lengths > 0, lengths, 1.0), compute_uv=False)
    count = columns.shape[1] - held.sum(axis=1)
    # Rows that are held are 0, and give the smallest singular values.
    smallest = np.take_along_axis(
        values, np.minimum(np.maximum(count - 1, 0), values.shape[1] - 1)[:, None], axis=1
    )[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        found: FloatArray = values[:, 0] / smallest
    found = np.where(smallest > 0, found, np.inf)
    found = np.where(count > 0, found, 1.0)
    return np.where(sound, found, np.nan)


def traced_condition(columns: Tracer, held: list[Any] | None) -> Any:
    """Trace the condition number of the columns (n, m) of a Jacobian, scaled to length one.

    Those that are held are left out. R of the QR factorization comes from the modified Gram-Schmidt
    process and is as accurate as Householder's (Björck 1967, BIT 7, 1-21).
    """
    trace, n = columns.trace, columns.shape[0]
    sound = np.isfinite(np.sum(columns))
    rest: list[Any] = []
    for i in range(n):
        here = sound if held is None else sound & ~held[i]
        column: Any = np.where(here, columns[i], 0.0)
        rest.append(_over(column, np.sqrt(np.sum(column * column))))
    triangle: list[list[Any]] = []
    for i in range(n):
        length = np.sqrt(np.sum(rest[i] * rest[i]))
        q = _over(rest[i], length)
        # A column of length one, at a right angle to all others, leaves the condition as it is.
        row = [trace.wrap(0.0)] * i + [length if held is None else np.where(held[i], 1.0, length)]
        for j in range(i + 1, n):
            row.append(np.sum(q * rest[j]))
            rest[j] = rest[j] - row[-1] * q
        triangle.append(row)
    least, most = _singular(trace, triangle)
    some = least > 0.0
    found = np.where(some, most / np.where(some, least, 1.0), np.inf)
    return np.where(sound, found, np.nan)


def _over(vector: Any, length: Any) -> Any:
    """Divide by a length unless it is 0."""
    return vector * np.where(length > 0.0, 1.0 / np.where(length > 0.0, length, 1.0), 0.0)


def _singular(trace: Trace, rows: list[list[Any]]) -> tuple[Any, Any]:
    """Return the smallest and the largest singular value of a traced triangle.

    Few rows are rotated until they are at right angles, one after another in instructions of the
    tape (Hestenes 1958, J. SIAM 6, 51-90). The rows of R need fewer rotations than its columns
    (Drmač and Veselić 2008, SIAM J. Matrix Anal. Appl. 29, 1322-1342): six sweeps are more than
    enough.
    """
    n = len(rows)
    if n > _UNROLLED:
        whole = Tracer(trace, trace.stack([trace.lift(each) for row in rows for each in row]))
        values: Any = np.linalg.svd(whole.reshape(n, n), compute_uv=False)
        return values[n - 1], values[0]
    rows = [list(row) for row in rows]
    for _ in range(_SWEEPS):
        for i in range(n):
            for j in range(i + 1, n):
                _rotate(rows, i, j)
    squares = [_dot(row, row) for row in rows]
    return np.sqrt(reduce(np.minimum, squares)), np.sqrt(reduce(np.maximum, squares))


def _rotate(rows: list[list[Any]], i: int, j: int) -> None:
    """Rotate two rows so that they are at a right angle."""
    a, b = rows[i], rows[j]
    product = _dot(a, b)
    some = product != 0.0
    zeta = (_dot(b, b) - _dot(a, a)) / np.where(some, 2.0 * product, 1.0)
    tangent = np.where(zeta < 0.0, -1.0, 1.0) / (np.abs(zeta) + np.sqrt(1.0 + zeta * zeta))
    tangent = np.where(some, tangent, 0.0)
    cosine = 1.0 / np.sqrt(1.0 + tangent * tangent)
    sine = cosine * tangent
    rows[i] = [cosine * x - sine * y for x, y in zip(a, b, strict=True)]
    rows[j] = [sine * x + cosine * y for x, y in zip(a, b, strict=True)]


def _dot(a: list[Any], b: list[Any]) -> Any:
    return reduce(add, (x * y for x, y in zip(a, b, strict=True)))
