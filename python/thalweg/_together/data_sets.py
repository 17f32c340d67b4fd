# SPDX-License-Identifier: BSD-3-Clause
"""Hold the data sets of one model: their local parameters, and what is computed for all of them.

Data are read chunk by chunk in every evaluation, as in the fits that share nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from thalweg import _core
from thalweg._descents.interrupts import completed
from thalweg._fits.chunks import LeadingRows
from thalweg._fits.running import FitRun
from thalweg._fits.slots import Inputs, Layout
from thalweg._fits.tapes import FitTapes
from thalweg._objectives.points import FloatArray
from thalweg._together.arrow_tapes import ArrowTapes
from thalweg._together.triangles import arrow_of, packed_places

__all__ = ["DataSets", "Endings"]

Lanes = npt.NDArray[np.intp]


@dataclass
class _Block:
    """Sets of one chunk, from a to b, that share tapes: those with or without missing values."""

    a: int
    b: int
    lanes: Lanes | None  # their numbers among all sets; None for every set of the chunk
    missing: bool

    def within(self, lanes: Lanes | None) -> Lanes:
        """Return the numbers of its sets, or of those that are in the sorted `lanes` too."""
        mine = np.arange(self.a, self.b) if self.lanes is None else self.lanes
        if lanes is None:
            return mine
        some = lanes[np.searchsorted(lanes, self.a) : np.searchsorted(lanes, self.b)]
        return some if self.lanes is None else np.intersect1d(some, mine, assume_unique=True)


@dataclass
class Endings:
    """How the local descents of sets ended: arrays (k,) with the names of results."""

    reason: npt.NDArray[np.int8]
    left: FloatArray
    right: FloatArray


class DataSets:
    """The sets of one model.

    Parameters
    ----------
    run : FitRun
        The call that would fit each set alone: its checked arguments, and their reader.
    shared : list of str
        The names of all shared parameters.

    Attributes
    ----------
    k, p, q : int
        The numbers of sets, of fitted local parameters and of fitted shared ones.
    local, common : list of int
        The positions of the two kinds among all parameters of the model.
    start : ndarray (q,)
        The start of its shared parameters.
    own, their : list of int
        The positions of the two kinds among the fitted parameters.
    place : ndarray (q,)
        The positions of its shared parameters among all shared ones.
    x, first : ndarray (k, p)
        The local parameters, and where they started.
    rows : ndarray of int (k,)
        The numbers of data that are not missing.
    active : ndarray of bool (k,)
        The sets that take part.
    cost, triangles : ndarray (k,), (k, ·)
        The costs, and the packed triangles of [A B r].
    damping : ndarray (k, 1)
        The damping of each set's local step.
    """

    def __init__(self, run: FitRun, shared: list[str]) -> None:
        self.run, self.reader = run, run.reader
        layout, names = self.reader.layout, run.problem.names
        self.local = [i for i in layout.free if names[i] not in shared]
        self.common = [i for i in layout.free if names[i] in shared]
        self.place = np.array([shared.index(names[i]) for i in self.common], dtype=np.intp)
        self.k, self.p, self.q = self.reader.k, len(self.local), len(self.common)
        self.arrow = arrow_of(self.p, self.q)
        self.threads = run.descents.stopping.threads
        self._tapes: dict[Any, FitTapes] = {}
        free = list(layout.free)
        self.own = [free.index(i) for i in self.local]
        self.their = [free.index(i) for i in self.common]
        self.box = [end[self.own] for end in self.reader.box]
        scale = run.descents.scale
        self.scale = None if scale is None else np.ascontiguousarray(scale[self.own])
        self.damping = np.zeros((self.k, 1))
        self.held = np.zeros((self.k, max(self.p, 1)))
        self.cost = np.full(self.k, np.nan)
        self.triangles = np.zeros((self.k, self.arrow.size))
        self.joint(False)  # trace, and report errors, before any data are read
        self._read()

    # ---- tapes

    def joint(self, missing: bool) -> ArrowTapes:
        """Return the tapes of local and shared parameters."""
        key = ("joint", missing)
        if key not in self._tapes:
            reader = self.reader
            self._tapes[key] = ArrowTapes(
                [*self.own, *self.their], self.run.problem.values, reader.layout, missing,
                reader.box, True, reader.known,
            )  # fmt: skip
        tapes = self._tapes[key]
        assert isinstance(tapes, ArrowTapes)
        return tapes

    def alone(self, missing: bool) -> FitTapes:
        """Return the tapes of the local parameters, in which the shared ones are fixed."""
        key = ("alone", missing)
        if key not in self._tapes:
            reader, layout = self.reader, self.reader.layout
            fixed = tuple(sorted((*self.common, *layout.fixed)))
            self._tapes[key] = FitTapes(
                self.run.problem.values, replace(layout, free=tuple(self.local), fixed=fixed),
                missing, self.box, True, reader.known,
            )  # fmt: skip
        return self._tapes[key]

    # ---- inputs

    def _read(self) -> None:
        """Read the starts, and sort the sets by what is missing in them."""
        reader, m = self.reader, self.reader.layout.m
        self.x, starts = np.empty((self.k, self.p)), np.empty((self.k, self.q))
        self.rows = np.full(self.k, m, dtype=np.int64)
        self.active = np.ones(self.k, dtype=bool)
        self.blocks: list[_Block] = []
        omit = self.run.settings.nan_policy == "omit"
        asked = np.zeros((self.k, reader.layout.n)) if callable(reader.start) else None
        for a, b in reader.chunks():
            inputs = reader.read(a, b)
            if asked is not None:
                asked[a:b, list(reader.layout.free)] = inputs["x"]
                if reader.layout.fixed:
                    asked[a:b, list(reader.layout.fixed)] = inputs["fixed"]
            self.x[a:b] = inputs["x"][:, self.own]
            starts[a:b] = inputs["x"][:, self.their]
            counts = reader.missing(inputs)
            if counts is None:
                self.blocks.append(_Block(a, b, None, False))
                continue
            self.rows[a:b] -= counts
            gaps = counts > 0
            self.active[a:b] = (self.rows[a:b] >= max(self.p, 1)) & (omit | ~gaps)
            for lanes, missing in ((~gaps, False), (gaps & self.active[a:b], True)):
                which = a + np.flatnonzero(lanes)
                if which.size:
                    self.blocks.append(_Block(a, b, which, missing))
        self.first = self.x
        # Starts that differ between sets, as a function of the data may give, have a median.
        known = starts[np.isfinite(starts).all(axis=1)]
        self.start = np.median(known, axis=0) if len(known) else np.full(self.q, np.nan)
        if asked is not None:  # once is enough, also for what stays fixed at its start
            self.reader = replace(reader, start=LeadingRows(asked, (self.k,)))

    def _inputs(self, lanes: Lanes | None) -> Iterator[tuple[_Block, Lanes, Inputs]]:
        """Yield each block with the numbers of its sets in `lanes`, and their inputs."""
        for block in self.blocks:
            own = block.within(lanes)
            if not own.size:
                continue
            inputs = self.reader.read(block.a, block.b)
            if len(own) < block.b - block.a:
                inputs = inputs.taken(own - block.a)
            if block.missing:
                inputs = inputs.with_arrays(rows=self.rows[own].astype(np.float64))
            yield block, own, inputs

    def _points(self, x: FloatArray, s: FloatArray) -> FloatArray:
        """Return the fitted parameters (k, p + q) of sets in the order of the joint tapes."""
        points = np.empty((len(x), self.p + self.q))
        points[:, self.own], points[:, self.their] = x, s[self.place]
        return points

    def joint_inputs(
        self, x: FloatArray, s: FloatArray, lanes: Lanes | None = None
    ) -> Iterator[tuple[ArrowTapes, Lanes, Inputs]]:
        """Yield tapes, numbers and inputs of sets at local parameters (k, p) and shared ones."""
        for block, own, inputs in self._inputs(lanes):
            yield self.joint(block.missing), own, inputs.with_arrays(x=self._points(x[own], s))

    def all_parameters(self, s: FloatArray) -> FloatArray:
        """Return all parameters (k, n) of the model, the fixed and the tied ones too."""
        layout = self.reader.layout
        every = np.full((self.k, layout.n), np.nan)
        every[:, self.local], every[:, self.common] = self.x, s[self.place]
        if not layout.plan.whole:
            for tapes, own, inputs in self.joint_inputs(self.x, s):
                every[own] = tapes.all_parameters(inputs, self.threads)
        return every

    def tied_slopes(self, s: FloatArray) -> FloatArray:
        """Return the derivatives (k, t, n) of the tied parameters by the fitted ones."""
        layout = self.reader.layout
        slopes = np.zeros((self.k, len(layout.ties), len(layout.free)))
        for tapes, own, inputs in self.joint_inputs(self.x, s) if layout.ties else ():
            slopes[own] = tapes.tied_slopes(inputs, self.threads)
        return slopes

    # ---- evaluations

    def evaluated(
        self, x: FloatArray, s: FloatArray, lanes: Lanes | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """Return costs and triangles of all sets, or of some, at local and shared parameters.

        Sets that do not take part have zeros, and sets whose values are not finite have NaN.
        """
        count = self.k if lanes is None else len(lanes)
        cost, triangles = np.zeros(count), np.zeros((count, self.arrow.size))
        for tapes, own, inputs in self.joint_inputs(x, s, lanes):
            at = own if lanes is None else np.searchsorted(lanes, own)
            whole = len(own) == count
            c, t = tapes.triangles(inputs, self.threads)
            if whole:
                cost, triangles = c.copy(), t
            else:
                cost[at], triangles[at] = c, t
        bad = ~(np.isfinite(cost) & np.isfinite(triangles).all(axis=1))
        if bad.any():
            cost[bad] = np.nan
            triangles[bad] = 0.0
        idle = ~(self.active if lanes is None else self.active[lanes])
        if idle.any():
            cost[idle] = 0.0
            triangles[idle] = 0.0
        return cost, triangles

    def worse(self, s: FloatArray) -> npt.NDArray[np.bool_]:
        """Whether a constant would fit each set better."""
        worse = np.zeros(self.k, dtype=bool)
        for tapes, own, inputs in self.joint_inputs(self.x, s):
            worse[own] = self.cost[own] > tapes.flat(inputs, self.threads)
        return worse

    def relaxed(
        self,
        x: FloatArray,
        s: FloatArray,
        stopping: _core.Stopping,
        lanes: Lanes | None = None,
    ) -> tuple[FloatArray, Endings, npt.NDArray[np.int64]]:
        """Descend in the local parameters alone, each set on its own.

        Returns
        -------
        x : ndarray
            The new local parameters of the sets.
        endings : Endings
            How they ended.
        nfev : ndarray
            The numbers of evaluations.
        """
        which = np.arange(self.k) if lanes is None else lanes
        new, count = x[which].copy(), len(which)
        endings = Endings(np.zeros(count, dtype=np.int8), np.zeros(count), np.zeros(count))
        nfev = np.zeros(count, dtype=np.int64)
        if not self.p:
            return new, endings, nfev
        for block, own, inputs in self._inputs(lanes):
            tapes, at = self.alone(block.missing), np.searchsorted(which, own)
            here = Inputs(tapes.layout, self._alone_arrays(tapes.layout, inputs, x[own], s))
            out = tapes.minimize(here, 1.0, stopping, self.scale, None)
            completed(out, here["x"])
            if out["error"] is not None:
                raise out["error"]
            moved = np.isfinite(out["x"]).all(axis=1) & np.isfinite(out["fun"])
            new[at[moved]] = out["x"][moved]
            endings.reason[at], nfev[at] = out["reason"], out["nfev"]
            endings.left[at], endings.right[at] = out["left"], out["right"]
        return new, endings, nfev

    def _alone_arrays(
        self, layout: Layout, inputs: Inputs, x: FloatArray, s: FloatArray
    ) -> dict[str, FloatArray]:
        """Return the inputs of the tapes in which the shared parameters are fixed."""
        arrays = {name: inputs[name] for name in inputs.layout.shapes}
        before = inputs.get("fixed")
        lead = () if before is None or before.ndim == 1 else before.shape[:1]
        fixed = np.empty((*lead, len(layout.fixed)))
        at = list(layout.fixed)
        for i, column in enumerate(inputs.layout.fixed):
            assert before is not None
            fixed[..., at.index(column)] = before[..., i]
        for column, value in zip(self.common, s[self.place], strict=True):
            fixed[..., at.index(column)] = value
        return arrays | {"x": np.ascontiguousarray(x), "fixed": fixed}

    # ---- steps

    def set_state(self, x: FloatArray, cost: FloatArray, triangles: FloatArray) -> None:
        """Accept local parameters, with the costs and triangles there."""
        self.x, self.cost, self.triangles = x, cost, triangles
        self.held = self._held()

    def _held(self) -> FloatArray:
        """Return 1 for local parameters at a bound that the slope points across, (k, p)."""
        held = np.zeros((self.k, max(self.p, 1)))
        if not self.box:
            return held
        whole = _column_products(self.triangles, self.p, self.arrow.n)
        low, high = self.box
        held[:] = ((self.x <= low) & (whole > 0)) | ((self.x >= high) & (whole < 0))
        return held

    def remainders(self) -> FloatArray:
        """Return the packed triangles (k, ·) that the elimination of local columns leaves."""
        (rest,) = self.arrow.remainder(
            [self.triangles, self.damping, self.held], [True, True, True], self.k, self.threads
        )
        return rest

    def shared_squares(self) -> FloatArray:
        """Return the squared norms (q,) of the shared columns of all sets together."""
        at = packed_places(self.arrow.n + 1)
        return np.array([
            sum(float(np.sum(self.triangles[:, at[i, j]] ** 2)) for i in range(j + 1))
            for j in range(self.p, self.arrow.n)
        ])  # fmt: skip

    def stepped(self, step: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the local parameters that belong to a step of all shared ones, and the falls.

        The falls (k,) are those that the linear model promises for each set.
        """
        own = step[self.place]
        x = self.x
        if self.p:
            (local,) = self.arrow.local_step(
                [self.triangles, self.damping, self.held, own], [True, True, True, False],
                self.k, self.threads,
            )  # fmt: skip
            x = x + local
            if self.box:
                x = np.clip(x, *self.box)
        moves = np.concatenate([x - self.x, np.broadcast_to(own, (self.k, self.q))], axis=1)
        (falls,) = self.arrow.fall([self.triangles, moves], [True, True], self.k, self.threads)
        return x, falls[:, 0]


def _column_products(triangles: FloatArray, p: int, n: int) -> FloatArray:
    """Return the products (k, p) of the first columns of packed triangles with the last."""
    at = packed_places(n + 1)
    products = np.zeros((len(triangles), p))
    for j in range(p):
        for i in range(j + 1):
            products[:, j] += triangles[:, at[i, j]] * triangles[:, at[i, n]]
    return products
