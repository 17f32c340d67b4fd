# SPDX-License-Identifier: BSD-3-Clause
"""Many fits run: chunk by chunk read, descended, told and written, so that memory stays bounded.

What the user's words mean is settled in curve_fit_many.py; the tapes are made in tapes.py.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf
from typing import Any

import numpy as np
import numpy.typing as npt

from thalweg import _core
from thalweg._descents.interrupts import completed
from thalweg._fits.chunks import Rows
from thalweg._fits.robust import weighted
from thalweg._fits.soundness import (
    FACTORS,
    NOT_BEGUN,
    SINGULAR,
    VAGUE,
    again,
    bent_down,
    beside,
    better,
    flat_costs,
    flat_deviances,
    refined,
    scales_of,
    shares,
    size_of,
    undetermined,
    worse,
)
from thalweg._fits.squares import Ending
from thalweg._fits.tapes import ON_TAPE, FitTapes, Layout
from thalweg._objectives.points import FloatArray, as_floats
from thalweg._results.reasons import STATUS_MANY, SUCCESS, Reason

__all__ = ["SIDES", "FitLanes", "failed", "fields_of", "verdicts"]

# Bytes of data that one chunk holds, about: enough that its last, slow fits do not count.
CHUNK = 64e6

# Numbers of which the constants' costs are made at a time.
_SOME = 2**16

_STATUS = np.array(STATUS_MANY, dtype=np.int8)
_SUCCESS = np.array(SUCCESS)
_AGAIN = np.array([again(reason) for reason in Reason])
# What tells how a fit ended, as in `Ending`.
_ENDING = ("cost", "reason", "left", "right", "nfev", "nit")

Arrays = dict[str, npt.NDArray[Any]]


# Both sides of the inequality that ended a fit, and the parameters that its data leave open: bit i
# for the i-th free one, as far as a number holds them.
SIDES = ("left", "right", "open")
_BITS = 52


def verdicts(reason: npt.NDArray[np.int8]) -> Arrays:
    """Reasons with what follows from them."""
    return {"reason": reason, "status": _STATUS[reason], "success": _SUCCESS[reason]}


def fields_of(p: int) -> dict[str, tuple[tuple[int, ...], type]]:
    """Arrays of an answer: their own shape, and the type of their numbers."""
    return {
        "popt": ((p,), np.float64), "pcov": ((p, p), np.float64), "perr": ((p,), np.float64),
        "cost": ((), np.float64), "success": ((), np.bool_), "status": ((), np.int8),
        "reason": ((), np.int8), "nit": ((), np.int64), "nfev": ((), np.int64),
        "n_missing": ((), np.int64), "determined": ((), np.bool_), "worse": ((), np.bool_),
    }  # fmt: skip


def failed(k: int, p: int, reason: Reason) -> Arrays:
    """Fits that were not made."""
    arrays: Arrays = {}
    for name, (own, kind) in fields_of(p).items():
        arrays[name] = np.full((k, *own), np.nan if kind is np.float64 else 0, dtype=kind)
    for name in SIDES:
        arrays[name] = np.full(k, np.nan)
    arrays["open"][:] = 0.0
    return arrays | verdicts(np.full(k, reason, dtype=np.int8))


@dataclass
class FitLanes:
    """All that a run of many fits needs, checked.

    Attributes
    ----------
    k : int
        How many fits.
    layout : Layout
    tapes : callable
        ``tapes(missing)``: the tapes for whole data, and for data with values missing.
    y : Rows
    predictors : list of Rows
        Those that differ from fit to fit.
    known : list of ndarray
        Those that do not and hold NaN where values are to be left out.
    start : ndarray (p,), Rows or callable
    box : list of ndarray
        Ends of the free parameters.
    sigma : Rows, optional
        Errors of the data, where they differ from fit to fit.
    weights : ndarray, optional
        Inverse errors, where they do not.
    fixed : list of float or Rows
    size : float, optional
        The largest |x| that all fits share: the last tries of a fit that is not sound start from
        the scale of its x. None: they do not.
    progress : callable, optional
        Told how many fits have ended.
    """

    k: int
    layout: Layout
    tapes: Callable[[bool], FitTapes]
    y: Rows
    start: Any
    box: list[FloatArray]
    stops: dict[str, Any]
    nan_policy: str
    f_scale: float = 1.0
    scale: FloatArray | None = None
    absolute: bool = False
    predictors: list[Rows] = field(default_factory=list)
    known: list[FloatArray] = field(default_factory=list)
    sigma: Rows | None = None
    weights: FloatArray | None = None
    fixed: list[Any] = field(default_factory=list)
    covariance: bool = True
    errors: bool = True
    threads: int = 1
    progress: Callable[[int], Any] | None = None
    size: float | None = None

    def __post_init__(self) -> None:
        self._done = 0
        self._ends = time.monotonic() + self.stops["max_time"]

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
        return max(int(CHUNK / 8 / numbers), 1)

    def tell(self, done: int) -> None:
        """Tell that so many fits are done."""
        self._done = done
        if self.progress is not None:
            self.progress(done)

    # ---- one chunk

    def run(self, a: int, b: int) -> tuple[Arrays, BaseException | None]:
        """The fits from a to b, and what stopped them."""
        inputs, varying = self._read(a, b)
        counts = self._missing(inputs)
        inputs[0] = self._starts(a, b, inputs[1])
        if counts is None:
            return self._group(False, inputs, varying, None)
        # Fits that lack values have a tape of their own, so that the others' is the plain one.
        whole = counts == 0
        enough = self.layout.m - counts >= len(self.layout.free)
        gaps = ~whole & enough if self.nan_policy == "omit" else np.zeros_like(whole)
        out: Arrays = {}
        error: BaseException | None = None
        for lanes, missing in ((whole, False), (gaps, True), (~(whole | gaps), None)):
            (which,) = np.nonzero(lanes)
            if not which.size:
                continue
            if missing is None or error is not None:
                reason = Reason.non_finite if missing is None else Reason.interrupted
                part = failed(which.size, self.layout.n, reason)
            else:
                own = _taken(inputs, varying, which)
                rows = (self.layout.m - counts[which]).astype(np.float64) if missing else None
                part, error = self._group(missing, own, varying, rows)
            for name, values in part.items():
                if name not in out:
                    out[name] = np.empty((b - a, *values.shape[1:]), values.dtype)
                out[name][which] = values
        out["n_missing"] = counts
        return out, error

    def _read(self, a: int, b: int) -> tuple[list[FloatArray], list[bool]]:
        """Inputs of the tapes, the parameters' still empty, and which of them differ by fit."""
        y = self.y.read(a, b)
        inputs, varying = [y[:, :0], y], [True, True]
        if self.fixed:
            columns = [v.read(a, b) if isinstance(v, Rows) else v for v in self.fixed]
            each = any(isinstance(v, Rows) for v in self.fixed)
            inputs.append(
                np.stack(np.broadcast_arrays(*columns), axis=-1) if each else np.array(columns)
            )
            varying.append(each)
        for rows in self.predictors:
            inputs.append(rows.read(a, b))
            varying.append(True)
        if self.sigma is not None:
            inputs.append(self._weights(a, self.sigma.read(a, b), y))
            varying.append(True)
        elif self.weights is not None:
            inputs.append(self.weights)
            varying.append(False)
        return inputs, varying

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
        if isinstance(self.start, Rows):
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
            start[..., self.layout.free] = np.clip(start[..., self.layout.free], *self.box)
        return np.broadcast_to(start, (k, p))

    # ---- missing values

    def _with_nan(self, inputs: list[FloatArray]) -> list[FloatArray]:
        first = 2 + bool(self.fixed)
        return [inputs[1], *inputs[first : first + len(self.predictors)]]

    def _missing(self, inputs: list[FloatArray]) -> npt.NDArray[np.int64] | None:
        """How many values each fit lacks, (k,); None where none lacks any."""
        lacks: Any = None
        with np.errstate(all="ignore"):
            for data in self._with_nan(inputs):
                # A sum is NaN where anything is, and quickly had.
                if np.isnan(data.sum()) and (nan := np.isnan(data)).any():
                    lacks = nan if lacks is None else lacks | nan
        for data in self.known:
            gone = np.isnan(data)
            lacks = np.broadcast_to(gone, inputs[1].shape) if lacks is None else lacks | gone
        return None if lacks is None else _counted(lacks)

    # ---- fits on one tape

    def _group(
        self,
        missing: bool,
        inputs: list[FloatArray],
        varying: list[bool],
        rows: FloatArray | None,
    ) -> tuple[Arrays, BaseException | None]:
        """Descend, and tell of the answers."""
        layout, start, k = self.layout, inputs[0], inputs[0].shape[0]
        tapes = self.tapes(missing)
        free = list(layout.free)
        x0 = np.ascontiguousarray(start[:, free] if layout.fixed else start)
        inputs = [*inputs, np.array(self.f_scale), np.array(float(layout.m))]
        varying = [*varying, False, False]
        if rows is not None:
            inputs[-1], varying[-1] = rows, True
        arrays, error = self._tried(tapes, x0, inputs, varying)
        self._done += k
        x, reason = arrays["popt"], arrays["reason"]
        if layout.fixed:
            popt = np.empty((k, layout.n))
            popt[:, free] = x
            popt[:, list(layout.fixed)] = inputs[2]
            arrays["popt"] = popt
        self._unanswered(tapes, arrays, reason, [x, *inputs[1:]], varying)
        for lane in np.flatnonzero((reason == Reason.stuck) & ~np.signbit(arrays["left"])):
            at = self._linear(tapes, [x, *inputs[1:]], varying, int(lane))
            if beside(at, x[lane]) is not None:
                reason[lane] = Reason.non_finite
        return arrays | verdicts(reason), error

    def _tried(
        self, tapes: FitTapes, x0: FloatArray, inputs: list[FloatArray], varying: list[bool]
    ) -> tuple[Arrays, BaseException | None]:
        """Each fit's first sound ending of some tries, else the best of them."""
        n = len(self.layout.free)
        flat = self._flat(inputs)
        tries = [(x0, factor) for factor in FACTORS]
        if self.size is not None:
            for size in scales_of(self._sizes(inputs)):
                x = np.broadcast_to(size[:, None], x0.shape)
                tries.append((np.clip(x, *self.box) if self.box else x, FACTORS[0]))
        shared = shares(self.stops["max_nfev"], n, len(tries))
        best: Arrays = {}
        error: BaseException | None = None
        for (x, factor), most in zip(tries, shared, strict=False):
            if not best:
                best, error = self._descended(tapes, x, x0, inputs, varying, factor, most)
                best["worse"] = worse(best["cost"], flat)
                continue
            lanes = self._unsound(best, factor)
            if error is not None or not lanes.size:
                continue
            own = _taken(inputs, varying, lanes)
            part, error = self._descended(tapes, x[lanes], x0[lanes], own, varying, factor, most)
            part["worse"] = worse(part["cost"], flat[lanes])
            _merge(best, part, lanes)
        return best, error

    def _unsound(self, best: Arrays, factor: float) -> npt.NDArray[np.intp]:
        """The fits to be begun again by `factor`."""
        sound = _SUCCESS[best["reason"]] & best["determined"] & ~best["worse"]
        again = _AGAIN[best["reason"]] & ~sound
        if factor != FACTORS[0]:
            again &= ~np.isin(best["reason"], NOT_BEGUN)
        return np.flatnonzero(again)

    def _descended(
        self,
        tapes: FitTapes,
        x: FloatArray,
        x0: FloatArray,
        inputs: list[FloatArray],
        varying: list[bool],
        factor: float,
        most: int,
    ) -> tuple[Arrays, BaseException | None]:
        """One try: descents from x, of fits whose start is x0."""
        k, layout = x.shape[0], self.layout
        count = tapes.inputs + (layout.rho is not None)
        left = max(self._ends - time.monotonic(), 0.0)
        stops = self.stops | {"max_nfev": most, "max_time": left, "threads": self.threads}
        out = tapes.minimizer.run_many(
            np.ascontiguousarray(x), [None, *inputs[1:count]], varying[:count], [factor],
            self.box, _core.Stopping(**stops), scale=self.scale, progress=self._told_how_many(),
        )  # fmt: skip
        completed(out, x)
        arrays: Arrays = {
            "popt": out["x"], "cost": out["fun"], "nit": out["nit"], "nfev": out["nfev"],
            "n_missing": np.zeros(k, dtype=np.int64), "left": out["left"], "right": out["right"],
            "reason": out["reason"],
        }  # fmt: skip
        told = self._told(tapes, arrays, [out["x"], *inputs[1:]], varying, most)
        loose = told.pop("loose")
        errors = told["perr"][:, list(layout.free)] if layout.fixed else told["perr"]
        open_to = undetermined(errors, loose, arrays["popt"], x0, self.scale)
        vague = undetermined(errors, loose, arrays["popt"], x0, self.scale, VAGUE)
        asked = vague.any(axis=1) & ~open_to.any(axis=1) & _SUCCESS[arrays["reason"]]
        for lane in np.flatnonzero(asked):
            at = self._linear(tapes, [out["x"], *inputs[1:]], varying, int(lane))
            if bent_down(at, arrays["popt"][lane], np.isnan(errors[lane])):
                open_to[lane] = vague[lane]
        arrays["determined"] = np.logical_not(open_to.any(axis=1))
        arrays["open"] = np.zeros(k)
        (some,) = np.nonzero(~arrays["determined"])
        bits = 2.0 ** np.arange(min(len(layout.free), _BITS))
        arrays["open"][some] = (open_to[some, :_BITS] * bits).sum(axis=1)
        return arrays | told, out["error"]

    def _sizes(self, inputs: list[FloatArray]) -> FloatArray:
        """The largest |x| of each fit, (k,)."""
        sizes = np.full(inputs[0].shape[0], self.size)
        first = 2 + bool(self.fixed)
        for x in inputs[first : first + len(self.predictors)]:
            sizes = np.fmax(sizes, size_of(x))
        return sizes

    def _flat(self, inputs: list[FloatArray]) -> FloatArray:
        """What a constant costs in each fit, (k,); some at a time, as memory is to stay bounded."""
        k = inputs[1].shape[0]
        flat = np.empty(k)
        step = max(_SOME // self.layout.m, 1)
        for a in range(0, k, step):
            flat[a : a + step] = self._flat_of(inputs, slice(a, a + step))
        return flat

    def _flat_of(self, inputs: list[FloatArray], some: slice) -> FloatArray:
        y, rho = inputs[1][some], self.layout.rho
        first = 2 + bool(self.fixed)
        predictors = inputs[first : first + len(self.predictors)]
        known = ~np.isnan(y)
        for x in [*(p[some] for p in predictors), *self.known]:
            known &= ~np.isnan(x)
        if self.layout.poisson:
            return flat_deviances(y, known)
        weights = None
        if self.layout.weights is not None:
            weights = inputs[first + len(predictors)]
            weights = weights[some] if weights.ndim > 1 else weights
        if rho is None:
            return flat_costs(y, weights, known, None)
        return flat_costs(y, weights, known, lambda r: weighted(rho, r, self.f_scale)[0])

    def _told_how_many(self) -> Callable[[int], Any] | None:
        progress, done = self.progress, self._done
        return None if progress is None else lambda ended: progress(done + ended)

    def _told(
        self,
        tapes: FitTapes,
        arrays: Arrays,
        inputs: list[FloatArray],
        varying: list[bool],
        most: int,
    ) -> Arrays:
        """Covariances, standard errors, and which parameters are dependent.

        Fits whose J'J is singular to rounding go on with J.
        """
        k, n = inputs[0].shape[0], self.layout.n
        loose = np.zeros((k, len(self.layout.free)), dtype=bool)
        if len(self.layout.free) <= ON_TAPE:
            pcov, perr, doubtful = tapes.told(inputs, varying, k, self.threads)
            pcov = pcov.reshape(k, n, n)
            again = np.flatnonzero(doubtful)
        else:
            pcov, perr = np.zeros((k, n, n)), np.zeros((k, n))
            again = np.arange(k)
        # Few; else in pieces, as Jacobians are large.
        piece = max(int(CHUNK / 8 / (self.layout.m * n)), 1)
        for first in range(0, again.size, piece):
            lanes = again[first : first + piece]
            pivots = self._by_qr(tapes, lanes, inputs, varying, pcov, perr, loose)
            further = self._gone_on(tapes, lanes[pivots < SINGULAR], arrays, inputs, varying, most)
            self._by_qr(tapes, further, inputs, varying, pcov, perr, loose)
        return {"pcov": pcov, "perr": perr, "loose": loose}

    def _linear(
        self, tapes: FitTapes, inputs: list[FloatArray], varying: list[bool], lane: int
    ) -> Callable[[FloatArray], tuple[float, FloatArray, FloatArray]]:
        """Cost, residuals and J's columns of one fit at a point, as `soundness.linear`."""
        own = _taken(inputs, varying, np.array([lane]))
        plain = self.layout.rho is None and not self.layout.poisson

        def at(x: FloatArray) -> tuple[float, FloatArray, FloatArray]:
            cost, r, columns = tapes.linear([x[None], *own[1:]], varying, 1, 1)
            told = 0.5 * float(r[0] @ r[0]) if plain else float(cost[0, 0])
            return told, r[0], columns.reshape(x.size, -1)

        return at

    def _gone_on(
        self,
        tapes: FitTapes,
        lanes: npt.NDArray[np.intp],
        arrays: Arrays,
        inputs: list[FloatArray],
        varying: list[bool],
        most: int,
    ) -> npt.NDArray[np.intp]:
        """Go on by QR of J, fit by fit; those that moved."""
        moved = []
        for lane in lanes:
            at = self._linear(tapes, inputs, varying, lane)
            before = Ending(
                inputs[0][lane].copy(), np.empty((0, 0)), 0, 0.0, np.empty(0, dtype=bool),
                *(arrays[name][lane] for name in _ENDING),
            )  # fmt: skip
            after = refined(at, before, self.box, most)
            if after.nit > before.nit:
                moved.append(lane)
            arrays["popt"][lane] = inputs[0][lane] = after.x
            for name, value in zip(_ENDING, after[5:], strict=True):
                arrays[name][lane] = value
        return np.array(moved, dtype=np.intp)

    def _by_qr(
        self,
        tapes: FitTapes,
        lanes: npt.NDArray[np.intp],
        inputs: list[FloatArray],
        varying: list[bool],
        pcov: FloatArray,
        perr: FloatArray,
        loose: npt.NDArray[np.bool_],
    ) -> FloatArray:
        """Fill in covariances by QR of the Jacobian, and dependent parameters; the last pivots."""
        pivots = np.ones(lanes.size)
        if not lanes.size:
            return pivots
        free = np.array(self.layout.free)
        own = _taken(inputs, varying, lanes)
        columns, cost = tapes.columns(own, varying, lanes.size, self.threads)
        columns = columns.reshape(lanes.size, free.size, self.layout.m)
        rows = np.broadcast_to(own[-1], (lanes.size,))
        for i, lane in enumerate(lanes):
            x = own[0][i]
            held = (x <= self.box[0]) | (x >= self.box[1]) if self.box else None
            left = free.size - (0 if held is None else int(np.count_nonzero(held)))
            inverse, rank, pivots[i], loose[lane] = _core.covariance(columns[i], held)
            if rank == left and not (self.absolute or self.layout.poisson):
                if rows[i] > left:
                    inverse *= 2.0 * cost[i, 0] / (rows[i] - left)
                else:
                    inverse[~np.isnan(inverse)] = inf
            pcov[lane][np.ix_(free, free)] = inverse
            with np.errstate(invalid="ignore"):
                perr[lane, free] = np.sqrt(np.diag(inverse))
        return pivots

    def _unanswered(
        self,
        tapes: FitTapes,
        arrays: Arrays,
        reason: npt.NDArray[np.int8],
        inputs: list[FloatArray],
        varying: list[bool],
    ) -> None:
        """NaN for fits whose start was not finite, and for those that were not begun."""
        lanes = np.flatnonzero((reason == Reason.non_finite) | (arrays["nfev"] == 0))
        if not lanes.size:
            return
        (begun,) = np.nonzero(reason[lanes] == Reason.non_finite)
        if begun.size:
            own = _taken(inputs, varying, lanes[begun])
            outside = tapes.outside(own, varying, begun.size)
            reason[lanes[begun[outside]]] = Reason.left_domain
        for name in ("popt", "pcov", "perr", "cost"):
            if name in arrays:
                arrays[name][lanes] = np.nan
        arrays["determined"][lanes] = arrays["worse"][lanes] = False
        arrays["open"][lanes] = 0.0


def _merge(best: Arrays, part: Arrays, lanes: npt.NDArray[np.intp]) -> None:
    """Put a later try's endings in place of those that they better; evaluations add up."""
    total = best["nfev"][lanes] + part["nfev"]
    which = better(
        _SUCCESS[part["reason"]], part["cost"], _SUCCESS[best["reason"][lanes]],
        best["cost"][lanes],
    )  # fmt: skip
    for name, values in part.items():
        best[name][lanes[which]] = values[which]
    best["nfev"][lanes] = total


def _taken(
    inputs: list[FloatArray], varying: list[bool], which: npt.NDArray[np.intp]
) -> list[FloatArray]:
    """The inputs of some fits."""
    return [
        np.take(v, which, axis=0) if each else v for v, each in zip(inputs, varying, strict=True)
    ]


def _counted(lacks: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """How many in each row; in bytes where they hold it, which is four times as quick."""
    if lacks.shape[1] < 256:
        few: npt.NDArray[np.uint8] = np.einsum("ij->i", lacks.view(np.uint8))
        return few.astype(np.int64)
    counts: npt.NDArray[np.int64] = np.count_nonzero(lacks, axis=1)
    return counts
