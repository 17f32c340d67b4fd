# SPDX-License-Identifier: BSD-3-Clause
"""Trace what is computed for each fit at its result: bands and correlations."""

from __future__ import annotations

from functools import lru_cache, reduce
from operator import add
from typing import Any

import numpy as np

from thalweg import _core
from thalweg._fits.slots import Inputs
from thalweg._fits.tapes import FitTapes
from thalweg._objectives.points import FloatArray
from thalweg._tracing.trace import Trace

__all__ = ["bands", "correlations_of"]


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


# ---- correlations


def correlations_of(pcov: FloatArray, apart: bool = False) -> list[FloatArray]:
    """Return the correlations (k, n, n) that belong to covariances, NaN without a variance.

    `apart` asks for the n (n - 1) / 2 different ones instead, each (k,), row by row of the lower
    triangle.
    """
    k, n = pcov.shape[:2]
    flat = np.ascontiguousarray(pcov, dtype=np.float64).reshape(k, n * n)
    found = _correlations(n, apart)([flat], [True], k, 1)
    return [each[:, 0] for each in found] if apart else [found[0].reshape(k, n, n)]


@lru_cache(maxsize=16)
def _correlations(n: int, apart: bool) -> _core.Function:
    trace = Trace()
    pcov = trace.input(0, (n * n,))
    one: list[Any] = [1.0 / np.sqrt(pcov[i * n + i]) for i in range(n)]
    pairs = {
        (i, j): trace.lift(pcov[i * n + j] * (one[i] * one[j])) for i in range(n) for j in range(i)
    }
    if apart:
        return _core.Function(trace.graph, list(pairs.values()), 1)
    for i in range(n):
        own: Any = np.where(np.isfinite(pcov[i * n + i] * (one[i] * one[i])), 1.0, np.nan)
        pairs[i, i] = own.node
    nodes = [pairs[max(i, j), min(i, j)] for i in range(n) for j in range(n)]
    return _core.Function(trace.graph, [trace.stack(nodes)], 1)
