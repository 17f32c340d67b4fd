# SPDX-License-Identifier: BSD-3-Clause
"""The distinct minima that many descents ended at, and which start led to which."""

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
# Endings that tell where a descent stood; elsewhere it was not at a stationary point.
_ASTRAY = (Reason.diverged, Reason.left_domain, Reason.non_finite)
# Where cells begin, off the round numbers that minima like to lie at.
_OFFSET = 0.3819660112501051
Labels = npt.NDArray[np.intp]


class Minima(Many):
    """The distinct minima of a function in a box, best first, and which start led to which.

    Slices, masks and sorting give others of the kind, whose labels follow.

    Attributes
    ----------
    x : ndarray, tuple or dict
        The m minima, in the structure of the starts, each array with (m,) in front.
    fun : ndarray
        The values there, shape (m,).
    jac : ndarray, tuple or dict
        The gradients there, as `x`: zero but for rounding, and where a bound holds.
    counts : ndarray of int
        How many starts ended at each, shape (m,).
    eigenvalues : ndarray
        Of the Hessian on the variables that no bound holds, ascending, NaN behind them; (m, n).
    flat : ndarray of bool
        Whether it has no curvature along some direction, shape (m,): it may then be one point of a
        line or a plain of minima, of which the starts found many.
    active_mask : ndarray, tuple or dict of int8
        -1, 0 or 1, as `x`: at the lower end of the box, inside, at its upper end.
    labels : ndarray of int
        For each start the number of its minimum, or -1: it ended elsewhere.
    kinds : ndarray of int8
        For each start what it ended at: values of `Kind`: a minimum 0, a saddle 1, a maximum 2, or
        nothing of the kind 3.
    best : One
        The lowest.
    elsewhere : dict
        What became of the starts without a minimum: ``"saddle"`` or the name of a reason, and how
        many.
    others : Many
        Saddles and maxima that descents ended at: `x`, `fun`, `kind`, `counts`, `eigenvalues`.
    ends : Results
        Where and why each descent ended.
    starts : ndarray, tuple or dict
        Where each began.
    elapsed : float
        Seconds.
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
        """Saddles and maxima that descents ended at."""
        others: Many = self._about["others"]
        return others

    @property
    def ends(self) -> Results:
        """Where and why each descent ended."""
        ends: Results = self._about["ends"]
        return ends

    @property
    def starts(self) -> Any:
        """Where each descent began."""
        return self._about["starts"]

    def _taken(self, lanes: npt.NDArray[np.intp]) -> Minima:
        taken = super()._taken(lanes)
        number = np.full(self.size + 1, -1, np.intp)  # the last is that of -1
        number[lanes.ravel()] = np.arange(lanes.size)
        taken._shared = self._shared | {"labels": number[self.labels]}
        return taken

    def _message(self, lane: int) -> str:
        ground = ", on flat ground" if self.flat[lane] else ""
        return f"a minimum{ground}: {self.counts[lane]:,} of {self.labels.size:,} starts ended here"

    @property
    def elsewhere(self) -> dict[str, int]:
        """What became of the starts that did not end at one of these minima, and how many."""
        away = self.labels.ravel() < 0
        kinds = self.kinds.ravel()
        told = {str(k): int((kinds[away] == k).sum()) for k in (Kind.saddle, Kind.maximum)}
        reasons = self.ends.reason.ravel()[away & (kinds == Kind.unfinished)]
        counts = np.bincount(reasons, minlength=len(Reason))
        told |= {str(r): int(counts[r]) for r in Reason}
        told["minimum left out here"] = int(away.sum()) - sum(told.values())
        return {name: n for name, n in told.items() if n}

    def _elsewhere(self) -> str:
        told = self.elsewhere
        listed = ", ".join(f"{name} {n:,}" for name, n in told.items())
        return f"{sum(told.values()):,} starts: {listed}" if told else "none"

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
                ("flat", f"{flat:,} of them: each may be one point of a continuum of minima")
            )
        rows.append(("elsewhere", self._elsewhere()))
        return [*rows, ("elapsed", seconds(self.elapsed))]


@np.errstate(all="ignore")  # points and curvatures may be huge, and Hessians not finite
def find_minima(
    objective: Objective, box: Box, out: dict[str, Any], tol: float
) -> tuple[dict[str, Any], dict[str, Any], Labels, npt.NDArray[np.int8]]:
    """What many descents ended at.

    Ends are rounded to cells of `tol` times the box's width. The lowest end of each cell is judged
    and, if it is near a minimum, polished by Newton's method; if that moved it by at most the same
    distance, all ends of its cell belong to where it came to. Of those, from the lowest value up,
    what lies within that distance of a lower one is the same minimum.

    Returns
    -------
    tuple
        Arrays of the minima and of other stationary points; for each end the number of its
        minimum or -1, and its kind.
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
    # What each cell's end is taken for: those of one kind within tol are one.
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
    minima, others = (_told(form, *chosen, at, box, some) for some in (here, away))
    return minima, others, labels, kinds


def _lowest_in_cells(
    x: FloatArray, values: FloatArray, box: Box, tol: float
) -> tuple[Labels, Labels]:
    """The index of the lowest point of each cell, and the number of each point's cell."""
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


def _told(
    form: Structure,
    x: FloatArray,
    f: FloatArray,
    jac: FloatArray,
    counts: npt.NDArray[np.int64],
    judged: Judged,
    box: Box,
    some: Labels,
) -> dict[str, Any]:
    """Arrays of some of the points, in the user's form."""
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
