# SPDX-License-Identifier: BSD-3-Clause
"""Reads what the fits of a chunk are given, so that memory stays bounded whatever their number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from thalweg._fits.chunks import LeadingRows, rows_in_chunk
from thalweg._fits.slots import Inputs, Layout
from thalweg._objectives.points import FloatArray, as_floats

__all__ = ["FitReader"]


@dataclass(kw_only=True)
class FitReader:
    """Data and starts of many fits.

    Attributes
    ----------
    k : int
        How many fits.
    layout : Layout
    y : LeadingRows
    predictors : list of LeadingRows
        Those that differ from fit to fit.
    known : list of ndarray
        Those that do not and hold NaN where values are to be left out.
    start : ndarray (p,), LeadingRows or callable
    box : list of ndarray
        Lower and upper bounds of the fitted parameters, or nothing.
    sigma : LeadingRows, optional
        Errors of the data, where they differ from fit to fit.
    weights : ndarray, optional
        Inverse errors, where they do not.
    fixed : list of float or LeadingRows
        Values of the parameters that are not fitted.
    f_scale : float
        Where the loss begins.
    """

    k: int
    layout: Layout
    y: LeadingRows
    predictors: list[LeadingRows]
    known: list[FloatArray]
    start: Any
    box: list[FloatArray]
    sigma: LeadingRows | None
    weights: FloatArray | None
    fixed: list[Any]
    f_scale: float

    def chunks(self) -> Iterator[tuple[int, int]]:
        """Where each chunk begins and ends."""
        count = max(-(-self.k // self.most), 1)
        ends = [self.k * i // count for i in range(count + 1)]
        return pairwise(ends)

    @property
    def most(self) -> int:
        """Fits of a chunk, at most."""
        layout = self.layout
        numbers = layout.m * (1 + layout.predictors + (self.sigma is not None))
        numbers += 12 + 8 * layout.n + 2 * layout.n**2
        return rows_in_chunk(numbers)

    def read(self, a: int, b: int) -> Inputs:
        """What the fits from a to b are given, none of their data missing."""
        layout, y = self.layout, self.y.read(a, b)
        arrays = {"y": y, "f_scale": np.array(self.f_scale), "rows": np.array(float(layout.m))}
        if self.fixed:
            arrays["fixed"] = self._fixed(a, b)
        for name, rows in zip(layout.predictor_names, self.predictors, strict=True):
            arrays[name] = rows.read(a, b)
        if self.sigma is not None:
            arrays["weights"] = self._weights(a, self.sigma.read(a, b), y)
        elif self.weights is not None:
            arrays["weights"] = self.weights
        start = self._starts(a, b, y)
        free = start[:, list(layout.free)] if layout.fixed else start
        return Inputs(layout, arrays | {"x": np.ascontiguousarray(free)})

    def _fixed(self, a: int, b: int) -> FloatArray:
        """The parameters that are not fitted: (f,), or (k, f) where one differs by fit."""
        each = any(isinstance(v, LeadingRows) for v in self.fixed)
        columns = [v.read(a, b) if isinstance(v, LeadingRows) else v for v in self.fixed]
        return np.stack(np.broadcast_arrays(*columns), axis=-1) if each else np.array(columns)

    def _weights(self, a: int, sigma: FloatArray, y: FloatArray) -> FloatArray:
        """Inverse errors, each positive but where the data are missing."""
        bad = ~(sigma > 0)
        if bad.any():
            wrong = np.argwhere(bad & ~np.isnan(y))
            if wrong.size:
                fit, at = wrong[0]
                raise ValueError(
                    f"`sigma` must be positive, got {sigma[fit, at]} for value {at} of fit "
                    f"{a + fit}"
                )
            sigma = np.where(bad, 1.0, sigma)
        return 1.0 / sigma

    def _starts(self, a: int, b: int, y: FloatArray) -> FloatArray:
        """Where the fits start, (k, p)."""
        k, p = b - a, self.layout.n
        if isinstance(self.start, LeadingRows):
            return self.start.read(a, b)
        if not callable(self.start):
            return np.broadcast_to(self.start, (k, p))
        data = y.view()
        data.flags.writeable = False  # they may be the user's own
        start = as_floats(self.start(data), "p0")
        if start.shape not in ((k, p), (p,)):
            raise ValueError(
                f"p0 must give shape ({k}, {p}) for data of shape {y.shape}, got {start.shape}"
            )
        start = np.where(np.isfinite(start), start, np.nan)  # ends alone, and at once
        if self.box:
            free = list(self.layout.free)
            start[..., free] = np.clip(start[..., free], *self.box)
        return np.broadcast_to(start, (k, p))

    # ---- missing values

    def missing(self, inputs: Inputs) -> npt.NDArray[np.int64] | None:
        """How many values each fit lacks, (k,); None where none lacks any."""
        lacks: Any = None
        with np.errstate(all="ignore"):
            for data in (inputs["y"], *inputs.predictors):
                # A sum is NaN where anything is, and quickly had.
                if np.isnan(data.sum()) and (nan := np.isnan(data)).any():
                    lacks = nan if lacks is None else lacks | nan
        for data in self.known:
            gone = np.isnan(data)
            lacks = np.broadcast_to(gone, inputs["y"].shape) if lacks is None else lacks | gone
        return None if lacks is None else _counted(lacks)

    def present(self, inputs: Inputs) -> npt.NDArray[np.bool_]:
        """Which data (k, m) have no NaN, nor have their predictors."""
        known: npt.NDArray[np.bool_] = ~np.isnan(inputs["y"])
        for x in (*inputs.predictors, *self.known):
            known &= ~np.isnan(x)
        return known


def _counted(lacks: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """How many in each row; in bytes where they hold it, which is four times as quick."""
    if lacks.shape[1] < 256:
        few: npt.NDArray[np.uint8] = np.einsum("ij->i", lacks.view(np.uint8))
        return few.astype(np.int64)
    counts: npt.NDArray[np.int64] = np.count_nonzero(lacks, axis=1)
    return counts
