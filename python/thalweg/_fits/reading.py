# SPDX-License-Identifier: BSD-3-Clause
"""Read the inputs of fits chunk by chunk, so that memory stays bounded for any number of fits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from thalweg._fits.chunks import LeadingRows, rows_in_chunk
from thalweg._fits.slots import Inputs, Layout
from thalweg._objectives.points import FloatArray, as_floats
from thalweg._parameters.named import starts_by_name

__all__ = ["FitReader"]


@dataclass(kw_only=True)
class FitReader:
    """The data and starts of many fits.

    Attributes
    ----------
    k : int
        The number of fits.
    layout : Layout
        The inputs of the tapes.
    y : LeadingRows
        The data.
    predictors : list of LeadingRows
        The predictors that differ between fits.
    known : list of ndarray
        The predictors that are the same for all fits, and are NaN for values to leave out.
    start : ndarray (p,), LeadingRows or callable
        The starts.
    box : list of ndarray
        [lower, upper] bounds of the fitted parameters, or [].
    sigma : LeadingRows, optional
        The errors of the data, if they differ between fits.
    weights : ndarray, optional
        The inverse errors, if they are the same for all fits.
    fixed : list of float, LeadingRows or None
        The values of the fixed parameters; None for those that keep their starts.
    f_scale : float
        The scale of the loss.
    names : list of str
        The names of all parameters.
    bounds : list of LeadingRows
        The bounds of the fitted parameters, if they differ between fits.
    prior : LeadingRows or ndarray (2, q)
        The means and errors of normal priors.
    which : ndarray of int, optional
        The numbers of the fits among all; None if all are made.
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
    names: list[str] = field(default_factory=list)
    prior: Any = None
    bounds: list[LeadingRows] = field(default_factory=list)
    which: npt.NDArray[np.intp] | None = None

    def number(self, fit: int) -> int:
        """Return the number of a fit among all, for messages."""
        return fit if self.which is None else int(self.which[fit])

    def chunks(self) -> Iterator[tuple[int, int]]:
        """Yield the first fit of each chunk, and the first one after it."""
        if self.which is not None and not self.k:
            return iter(())
        count = max(-(-self.k // self.most), 1)
        ends = [self.k * i // count for i in range(count + 1)]
        return pairwise(ends)

    @property
    def most(self) -> int:
        """The maximum number of fits in a chunk."""
        layout = self.layout
        numbers = layout.m * (1 + layout.predictors + (self.sigma is not None))
        numbers += 12 + 8 * layout.n + 2 * layout.n**2
        return rows_in_chunk(numbers)

    def read(self, a: int, b: int) -> Inputs:
        """Read the inputs of the fits from a to b, as if no data were missing."""
        layout, y = self.layout, self.y.read(a, b)
        arrays = {"y": y, "f_scale": np.array(self.f_scale), "rows": np.array(float(layout.m))}
        for name, rows in zip(layout.predictor_names, self.predictors, strict=True):
            arrays[name] = rows.read(a, b)
        if self.sigma is not None:
            arrays["weights"] = self._weights(a, self.sigma.read(a, b), y)
        elif self.weights is not None:
            arrays["weights"] = self.weights
        if layout.priors.normal:
            prior = self.prior
            arrays["prior"] = prior.read(a, b) if isinstance(prior, LeadingRows) else prior
        for name, rows in zip(("lower", "upper"), self.bounds, strict=False):
            arrays[name] = rows.read(a, b)
        start = self._starts(a, b, y)
        if self.fixed:
            arrays["fixed"] = self._fixed(a, b, start)
        free = start if layout.plan.whole else start[:, list(layout.free)]
        return Inputs(layout, arrays | {"x": np.ascontiguousarray(free)})

    def _fixed(self, a: int, b: int, start: FloatArray) -> FloatArray:
        """Return the fixed parameters: (f,), or (k, f) if one differs by fit."""
        columns: list[Any] = []
        for position, value in zip(self.layout.fixed, self.fixed, strict=True):
            if value is not None:
                columns.append(value.read(a, b) if isinstance(value, LeadingRows) else value)
            elif isinstance(self.start, np.ndarray):  # one start for all
                columns.append(float(self.start[position]))
            else:
                columns.append(start[:, position])
        each = any(np.ndim(column) for column in columns)
        return np.stack(np.broadcast_arrays(*columns), axis=-1) if each else np.array(columns)

    def _weights(self, a: int, sigma: FloatArray, y: FloatArray) -> FloatArray:
        """Return inverse errors, which must be positive unless the data are missing."""
        bad = ~(sigma > 0)
        if bad.any():
            wrong = np.argwhere(bad & ~np.isnan(y))
            if wrong.size:
                fit, at = wrong[0]
                raise ValueError(
                    f"`sigma` must be positive, got {sigma[fit, at]} for value {at} of fit "
                    f"{self.number(a + int(fit))}"
                )
            sigma = np.where(bad, 1.0, sigma)
        return 1.0 / sigma

    def _starts(self, a: int, b: int, y: FloatArray) -> FloatArray:
        """Return the starts of the fits, (k, p)."""
        layout, names = self.layout, self.names
        k, p = b - a, layout.n
        if isinstance(self.start, LeadingRows):
            return self.start.read(a, b)
        if not callable(self.start):
            return np.broadcast_to(self.start, (k, p))
        data = y.view()
        data.flags.writeable = False  # the array may belong to the user
        start = self.start(data)
        if isinstance(start, dict):
            given = zip(layout.fixed, self.fixed, strict=True)
            held = [names[i] for i, value in given if value is not None]
            held += [names[tie.position] for tie in layout.ties]
            start = starts_by_name(start, names, (k,), held)
        start = as_floats(start, "p0")
        if start.shape not in ((k, p), (p,)):
            raise ValueError(
                f"p0 must return shape ({k}, {p}) for data of shape {y.shape}, got {start.shape}"
            )
        start = np.where(np.isfinite(start), start, np.nan)  # such a fit ends at once
        box = [rows.read(a, b) for rows in self.bounds] or self.box
        if box:
            start = np.array(np.broadcast_to(start, (k, p)))
            free = list(layout.free)
            start[:, free] = np.clip(start[:, free], *box)
        return np.broadcast_to(start, (k, p))

    # ---- missing values

    def missing(self, inputs: Inputs) -> npt.NDArray[np.int64] | None:
        """Return the number of missing values in each fit, (k,), or None if none is missing."""
        lacks: Any = None
        with np.errstate(all="ignore"):
            for data in (inputs["y"], *inputs.predictors):
                # A sum is NaN if any term is, and it is fast to compute.
                if np.isnan(data.sum()) and (nan := np.isnan(data)).any():
                    lacks = nan if lacks is None else lacks | nan
        for data in self.known:
            gone = np.isnan(data)
            lacks = np.broadcast_to(gone, inputs["y"].shape) if lacks is None else lacks | gone
        return None if lacks is None else _counted(lacks)


def _counted(lacks: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Count the true values in each row, in bytes if possible, which is four times as fast."""
    if lacks.shape[1] < 256:
        few: npt.NDArray[np.uint8] = np.einsum("ij->i", lacks.view(np.uint8))
        return few.astype(np.int64)
    counts: npt.NDArray[np.int64] = np.count_nonzero(lacks, axis=1)
    return counts
