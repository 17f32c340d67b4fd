# SPDX-License-Identifier: BSD-3-Clause
"""Find the distinct minima that many descents reached, and which start led to which minimum."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from thalweg._descents.merging import cells_of, grouped, merged
from thalweg._descents.stationary import Box, Judged, Kind, judge, polished
from thalweg._objectives.bounds import active_mask
from thalweg._objectives.objective import Objective
from thalweg._objectives.points import FloatArray, Structure
from thalweg._results.reasons import Reason
from thalweg._results.record import seconds, text
from thalweg._results.results import Many, Results

__all__ = ["Minima", "find_minima"]

_SHOWN = 8
# Descents that ended for these reasons were not at a stationary point.
_ASTRAY = (Reason.diverged, Reason.left_domain, Reason.non_finite)
# Cells begin at this offset, because minima often lie at round numbers.
_OFFSET = 0.3819660112501051
Labels = npt.NDArray[np.intp]


class Minima(Many):
    """The distinct minima of a function in a box, best first, and which start led to which.

    Slices, masks and sorting return `Minima` too, with labels renumbered to match.

    Attributes
    ----------
    x : ndarray, tuple or dict
        The m minima, in the form of the starts. Each array has the leading axis (m,).
    fun : ndarray
        The value at each minimum, shape (m,).
    jac : ndarray, tuple or dict
        The gradient at each minimum, in the form of `x`. It is zero except for rounding, and except
        for variables at an active bound.
    counts : ndarray of int
        How many starts ended at each minimum, shape (m,).
    eigenvalues : ndarray
        The eigenvalues of the Hessian over the variables that are not at an active bound, in
        ascending order and padded with NaN, shape (m, n).
    flat : ndarray of bool
        Whether the curvature is zero along some direction, shape (m,). The point may then belong to
        a line or plane of minima, of which the starts found many points.
    active_mask : ndarray, tuple or dict of int8
        -1 at the lower bound, 0 inside, 1 at the upper bound, in the form of `x`.
    labels : ndarray of int
        The index of the minimum that each start reached, or -1 if it ended elsewhere.
    kinds : ndarray of int8
        The kind of the point where each start ended, as values of `Kind`: 0 for a minimum, 1 for a
        saddle, 2 for a maximum, 3 for none of these.
    best : One
        The lowest minimum.
    elsewhere : dict
        The number of starts that reached none of these minima, by ``"saddle"``, ``"maximum"`` or
        the name of a reason.
    others : Many
        The saddles and maxima where descents ended: `x`, `fun`, `kind`, `counts`, `eigenvalues`.
    ends : Results
        Where and why each descent ended.
    starts : ndarray, tuple or dict
        The start of each descent.
    elapsed : float
        The duration of the call in seconds.
    """

    x: Any
    fun: FloatArray
    jac: Any
    counts: npt.NDArray[np.int64]
    eigenvalues: FloatArray
    flat: npt.NDArray[np.bool_]
    active_mask: Any
    labels: npt.NDArray[np.intp]
    kinds: npt.NDArray[np.int8]
    elapsed: float

    __slots__ = ()

    @property
    def best(self) -> Any:
        """The lowest minimum."""
        if not self.size:
            raise ValueError(f"no start ended at a minimum: {self._elsewhere()}")
        return self._one(int(np.argmin(self.fun)))

    @property
    def others(self) -> Many:
        """The saddles and maxima where descents ended."""
        others: Many = self._about["others"]
        return others

    @property
    def ends(self) -> Results:
        """Where and why each descent ended."""
        ends: Results = self._about["ends"]
        return ends

    @property
    def starts(self) -> Any:
        """The start of each descent."""
        return self._about["starts"]

    def _taken(self, lanes: npt.NDArray[np.intp]) -> Minima:
        taken = super()._taken(lanes)
        number = np.full(self.size + 1, -1, np.intp)  # label -1 indexes the last entry
        number[lanes.ravel()] = np.arange(lanes.size)
        taken._shared = self._shared | {"labels": number[self.labels]}
        return taken

    def _message(self, lane: int) -> str:
        ground = " with a flat direction" if self.flat[lane] else ""
        return f"a minimum{ground}: {self.counts[lane]:,} of {self.labels.size:,} starts ended here"

    @property
    def elsewhere(self) -> dict[str, int]:
        """How many starts reached none of these minima, by what they reached instead."""
        away = self.labels.ravel() < 0
        kinds = self.kinds.ravel()
        numbers = {str(k): int((kinds[away] == k).sum()) for k in (Kind.saddle, Kind.maximum)}
        reasons = self.ends.reason.ravel()[away & (kinds == Kind.unfinished)]
        counts = np.bincount(reasons, minlength=len(Reason))
        numbers |= {str(r): int(counts[r]) for r in Reason}
        numbers["minimum left out here"] = int(away.sum()) - sum(numbers.values())
        return {name: n for name, n in numbers.items() if n}

    def _elsewhere(self) -> str:
        numbers = self.elsewhere
        listed = ", ".join(f"{name} {n:,}" for name, n in numbers.items())
        return f"{sum(numbers.values()):,} starts: {listed}" if numbers else "none"

    def _rows(self) -> list[tuple[str, str]]:
        rows = [("minima", f"{self.size:,}, from {self.labels.size:,} starts")]
        for i in range(min(self.size, _SHOWN)):
            one = self._one(i)
            at = f"fun {text(one.fun)} at {text(one.x)}, {one.counts:,} starts"
            rows.append((str(i), at + (", flat" if one.flat else "")))
        if self.size > _SHOWN:
            rows.append(("...", f"{self.size - _SHOWN:,} more"))
        if flat := int(self.flat.sum()):
            rows.append(
                ("flat", f"{flat:,}, each of which may be one point of a continuum of minima")
            )
        rows.append(("elsewhere", self._elsewhere()))
        return [*rows, ("elapsed", seconds(self.elapsed))]


@np.errstate(all="ignore")  # points and curvatures may be huge, Hessians may be non-finite
def find_minima(
    objective: Objective, box: Box, out: dict[str, Any], tol: float
) -> tuple[dict[str, Any], dict[str, Any], Labels, npt.NDArray[np.int8]]:
    """Find the distinct minima among the endpoints of many descents.

    Endpoints are rounded to cells of `tol` times the width of the box. The lowest endpoint of each
    cell is classified and, if it is near a minimum, polished with Newton's method. If that moves it
    by at most one cell width, all endpoints of its cell belong to the polished point. Polished
    points are then taken in order of increasing value, and a point within one cell width of a lower
    point is the same minimum.

    Returns
    -------
    tuple
        Arrays of the minima, arrays of other stationary points, the index of the minimum of each
        endpoint (or -1), and the kind of each endpoint.
    """
    k, n = out["x"].shape
    reason, x, f = out["reason"], out["x"], out["fun"]
    astray = (reason >= min(_ASTRAY)) & (reason <= max(_ASTRAY)) | ~np.isfinite(f)
    standing: Any = slice(None)  # all of them, without copies
    if astray.any():
        standing = np.flatnonzero(~astray)
        reason, x, f = reason[standing], x[standing], f[standing]
    cell, number = _lowest_in_cells(x, f, box, tol)
    settled = np.zeros(len(cell), bool)
    stuck = (reason[cell] == Reason.stuck) | (reason[cell] == Reason.kink)
    settled[number[reason <= Reason.precision_limit]] = True

    x, f, jac = x[cell], f[cell], np.full((len(cell), n), np.nan)
    judged = judge(objective, x, settled, stuck, box, tol)
    down = np.flatnonzero(judged.kind == Kind.minimum)
    x[down], f[down], jac[down] = polished(objective, x[down], box, tol)
    # Endpoints of one kind within tol of each other are one point.
    same = np.arange(len(x))
    for one in (Kind.minimum, Kind.saddle, Kind.maximum):
        own = np.flatnonzero(judged.kind == one)
        same[own] = own[merged(box.scaled(x[own], tol), f[own])]
    heads = np.flatnonzero((same == np.arange(len(x))) & (judged.kind != Kind.unfinished))
    at = judge(objective, x[heads], ~stuck[heads], stuck[heads], box, tol)
    kind = np.full(len(x), Kind.unfinished, np.int8)
    kind[heads] = at.kind
    kind = np.where(judged.kind == Kind.unfinished, judged.kind, kind[same])

    label = np.full(len(x), -1, np.intp)
    here = np.flatnonzero(at.kind == Kind.minimum)
    here = here[np.argsort(f[heads[here]], kind="stable")]
    label[heads[here]] = np.arange(len(here))
    labels, kinds = np.full(k, -1, np.intp), np.full(k, Kind.unfinished, np.int8)
    labels[standing], kinds[standing] = label[same][number], kind[number]
    counts = np.bincount(same, np.bincount(number, minlength=len(x)), len(x)).astype(np.int64)
    away = np.flatnonzero((at.kind == Kind.saddle) | (at.kind == Kind.maximum))
    form, chosen = objective.structure, (x[heads], f[heads], jac[heads], counts[heads])
    minima, others = (_arrays_of(form, *chosen, at, box, some) for some in (here, away))
    return minima, others, labels, kinds


def _lowest_in_cells(
    x: FloatArray, values: FloatArray, box: Box, tol: float
) -> tuple[Labels, Labels]:
    """Return the index of the lowest point of each cell, and the cell number of each point."""
    scale = 1.0 / (tol * box.width)
    first = grouped(cells_of(x, scale, _OFFSET - box.lower * scale))
    index = np.arange(len(x))
    cells = np.flatnonzero(first == index)
    index[cells] = np.arange(len(cells))
    number = index[first]
    least = np.full(len(cells), np.inf)
    np.minimum.at(least, number, values)
    lowest = np.flatnonzero(values == least[number])[::-1]  # the first of equals is written last
    chosen = np.empty(len(cells), np.intp)
    chosen[number[lowest]] = lowest
    return chosen, number


def _arrays_of(
    form: Structure,
    x: FloatArray,
    f: FloatArray,
    jac: FloatArray,
    counts: npt.NDArray[np.int64],
    judged: Judged,
    box: Box,
    some: Labels,
) -> dict[str, Any]:
    """Return arrays of the selected points in the user's form."""
    x, lead = x[some], (len(some),)
    return {
        "x": form.restore(x, lead),
        "fun": f[some],
        "jac": form.restore(jac[some], lead),
        "counts": counts[some],
        "kind": judged.kind[some],
        "eigenvalues": judged.eigenvalues[some],
        "flat": judged.flat[some],
        "active_mask": form.restore_int(active_mask(x, [box.lower, box.upper]), lead),
    }
