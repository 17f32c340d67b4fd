# SPDX-License-Identifier: BSD-3-Clause
"""Trace what is computed for each fit at its result: bands, and condition numbers."""

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

__all__ = ["SMALL", "bands", "conditions"]

# Triangles of at most so many rows are decomposed in lanes.
SMALL = 16


def bands(
    tapes: FitTapes,
    inputs: Inputs,
    covariance: FloatArray,
    times: FloatArray,
    beside: FloatArray,
    counts: bool,
    threads: int,
) -> list[FloatArray]:
    """Return the model's values and the ends of a band, each (k, m).

    Parameters
    ----------
    covariance : ndarray
        The covariances (k, n, n) of the fitted parameters.
    times : ndarray
        How many standard deviations wide a half of the band is (k,).
    beside : ndarray
        What is added to the variances of the values, (k, 1) or (k, m).
    counts : bool
        Whether the values are added to their variances, as those of counts.
    """

    def build(trace: Trace, among: Any, times: Any, beside: Any) -> list[int]:
        value, columns = tapes.model, tapes.columns_of(tapes.model)
        n = len(tapes.layout.free)
        spread: Any = beside + trace.wrap(np.zeros(value.size))
        for i in range(n):
            own = [columns[i] * among[i, i], *(columns[j] * (2.0 * among[i, j]) for j in range(i))]
            spread = spread + columns[i] * reduce(add, own)
        if counts:
            spread = spread + np.maximum(value, 0.0)
        half = times * np.sqrt(np.maximum(spread, 0.0))
        return [value.node, (value - half).node, (value + half).node]

    own = beside.shape[1:]
    function = tapes.kept(("band", own, counts), build, covariance.shape[1:], (), own)
    given = [*inputs.arrays, *map(np.ascontiguousarray, (covariance, times, beside))]
    return function(given, [*inputs.varying, True, True, True], len(inputs), threads)


def conditions(
    tapes: FitTapes, inputs: Inputs, held: npt.NDArray[np.bool_], threads: int
) -> FloatArray:
    """Return the condition numbers (k,) of Jacobians without the columns that are held (k, n).

    Columns have length one. R of their QR factorization comes from the modified Gram-Schmidt
    process and is as accurate as Householder's (Bjorck 1967, BIT 7, 1-21).
    """

    def build(trace: Trace, held: Any) -> list[int]:
        columns, n = tapes.weighted_columns(), held.size
        sound = np.isfinite(np.sum(columns))
        rest: list[Any] = []
        for i in range(n):
            column: Any = np.where(sound & (held[i] == 0.0), columns[i], 0.0)
            rest.append(_over(column, np.sqrt(np.sum(column * column))))
        zero = trace.wrap(0.0)
        triangle: list[list[Any]] = []
        for i in range(n):
            length = np.sqrt(np.sum(rest[i] * rest[i]))
            q = _over(rest[i], length)
            # A column of length one, at a right angle to all others, leaves the condition as it is.
            row = [zero] * i + [np.where(held[i] == 0.0, length, 1.0)]
            for j in range(i + 1, n):
                row.append(np.sum(q * rest[j]))
                rest[j] = rest[j] - row[-1] * q
            triangle.append(row)
        least, most = _singular(trace, triangle)
        some = least > 0.0
        found = np.where(some, most / np.where(some, least, 1.0), np.inf)
        said: Any = np.where(sound, found, np.nan)
        return [said.node]

    n = len(tapes.layout.free)
    function = tapes.kept("condition", build, (n,))
    given = [*inputs.arrays, held.astype(np.float64)]
    (found,) = function(given, [*inputs.varying, True], len(inputs), threads)
    return found[:, 0]


def _over(vector: Any, length: Any) -> Any:
    """Divide by a length unless it is 0."""
    return vector * np.where(length > 0.0, 1.0 / np.where(length > 0.0, length, 1.0), 0.0)


def _singular(trace: Trace, rows: list[list[Any]]) -> tuple[Any, Any]:
    """Return the smallest and the largest singular value of a traced triangle.

    Few rows are rotated until they are at right angles, one after another in instructions of the
    tape (Hestenes 1958, J. SIAM 6, 51-90). The rows of R need fewer rotations than its columns
    (Drmac and Veselic 2008, SIAM J. Matrix Anal. Appl. 29, 1322-1342): six sweeps are more than
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


# Matrices with more rows are left to the core's routine.
_UNROLLED, _SWEEPS = 4, 6


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
