# SPDX-License-Identifier: BSD-3-Clause
"""Trace what is computed for each fit at its result: bands, and condition numbers."""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import Any

import numpy as np
import numpy.typing as npt

from thalweg._fits.covariances import traced_condition
from thalweg._fits.slots import Inputs
from thalweg._fits.tapes import FitTapes
from thalweg._objectives.points import FloatArray
from thalweg._tracing.trace import Trace

__all__ = ["bands", "conditions"]


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
    """Return the condition numbers (k,) of Jacobians without the columns that are held (k, n)."""

    def build(_: Trace, held: Any) -> list[int]:
        each = [held[i] != 0.0 for i in range(held.size)]
        return [traced_condition(tapes.weighted_columns(), each).node]

    n = len(tapes.layout.free)
    function = tapes.kept("condition", build, (n,))
    given = [*inputs.arrays, held.astype(np.float64)]
    (found,) = function(given, [*inputs.varying, True], len(inputs), threads)
    return found[:, 0]
