# SPDX-License-Identifier: BSD-3-Clause
"""Run the fits of a chunk that share a tape, try again if needed, and keep the best results."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from thalweg import _core
from thalweg._descents.interrupts import completed
from thalweg._fits.chunks import rows_in_chunk
from thalweg._fits.reading import FitReader
from thalweg._fits.settings import within_limits
from thalweg._fits.slots import Inputs
from thalweg._fits.soundness import (
    FACTORS,
    NOT_BEGUN,
    bent_down,
    beside_many,
    scales_of,
    size_of,
    undetermined,
    worse,
)
from thalweg._fits.spreads import Spreads
from thalweg._fits.tapes import FitTapes
from thalweg._fits.verdicts import AGAIN, CONVERGED, Arrays, bits_of, put_better, verdicts
from thalweg._objectives.points import FloatArray
from thalweg._results.reasons import Reason

__all__ = ["DescentSettings", "FitGroup"]

Outcome = tuple[Arrays, BaseException | None]


@dataclass(kw_only=True)
class DescentSettings:
    """The settings that the descents of all fits of a call share.

    Attributes
    ----------
    stopping : Stopping
        The stopping limits of a fit, and the number of threads.
    scale : ndarray, optional
        The unit of each fitted parameter.
    size : float, optional
        The largest |x| that all fits share. A fit that is not sound finally starts from the scale
        of its x. None if it must not.
    progress : callable, optional
        Called with the number of fits that have ended.
    """

    stopping: _core.Stopping
    scale: FloatArray | None
    size: float | None
    progress: Callable[[int], Any] | None = None

    def __post_init__(self) -> None:
        self.ends = time.monotonic() + self.stopping.max_time
        self.done = 0  # the number of fits that have ended

    def counter(self) -> Callable[[int], Any] | None:
        """Return the function that the core calls with the number of fits that have ended."""
        progress, done = self.progress, self.done
        return None if progress is None else lambda ended: progress(done + ended)

    def count(self, done: int) -> None:
        """Record and show the number of fits that are done."""
        self.done = done
        if self.progress is not None:
            self.progress(done)


class FitGroup:
    """Fits that share one set of tapes.

    Parameters
    ----------
    shared : DescentSettings
        The settings of the descents.
    reader : FitReader
        The reader of the inputs.
    tapes : FitTapes
        The tapes.
    inputs : Inputs
        The inputs of the fits, with their starts as `x`.
    """

    def __init__(
        self, shared: DescentSettings, reader: FitReader, tapes: FitTapes, inputs: Inputs
    ) -> None:
        self._shared, self._reader, self._tapes, self._inputs = shared, reader, tapes, inputs

    def fit(self) -> Outcome:
        """Run all fits, and return their results and the error that stopped them, or None."""
        layout, inputs = self._tapes.layout, self._inputs
        arrays, error = self._tried()
        self._shared.done += len(inputs)
        x, reason = arrays["popt"], arrays["reason"]
        inputs = inputs.with_arrays(x=x)
        if layout.ties:
            arrays["popt"] = self._tapes.all_parameters(inputs, self._shared.stopping.threads)
        elif layout.fixed:
            popt = arrays["popt"] = np.empty((len(inputs), layout.n))
            popt[:, list(layout.free)] = x
            popt[:, list(layout.fixed)] = inputs["fixed"]
        self._clear_unanswered(arrays, inputs)
        (lanes,) = np.nonzero((reason == Reason.stuck) & ~np.signbit(arrays["left"]))
        piece = rows_in_chunk(layout.m * x.shape[1])
        for first in range(0, lanes.size, piece):
            some = lanes[first : first + piece]
            at = self._tapes.linear(inputs.taken(some), self._shared.stopping.threads)
            reason[some[beside_many(at, x[some])]] = Reason.non_finite
        return arrays | verdicts(reason), error

    # ---- tries

    def _tried(self) -> Outcome:
        """Return for each fit its first sound ending, or else the best of all tries."""
        shared, n = self._shared, len(self._tapes.layout.free)
        flat = self._tapes.flat(self._inputs, shared.stopping.threads)
        best: Arrays = {}
        error: BaseException | None = None
        tries = within_limits(self._starts(), n, shared.stopping, shared.ends)
        for (x, factor), stopping in tries:
            if not best:
                best, error = self._descended(x, self._inputs, factor, stopping)
                best["worse"] = self._worse(best, flat, self._inputs)
                continue
            lanes = _unsound(best, factor)
            if error is not None or not lanes.size:
                continue
            own = self._inputs.taken(lanes)
            part, error = self._descended(x[lanes], own, factor, stopping)
            part["worse"] = self._worse(part, flat[lanes], own)
            put_better(best, part, lanes)
        return best | {"flat": flat}, error

    def _worse(self, part: Arrays, flat: FloatArray, inputs: Inputs) -> npt.NDArray[np.bool_]:
        """Whether the data would be fitted better by a constant; priors are no part of this."""
        ended = inputs.with_arrays(x=part["popt"])
        beside = self._tapes.prior_cost(ended, self._shared.stopping.threads)
        is_worse: npt.NDArray[np.bool_] = worse(part["cost"] - beside, flat)
        return is_worse

    def _starts(self) -> list[tuple[FloatArray, float]]:
        """Return the starts (k, n) of each try, and the factor that limits its first step."""
        x0, box = self._inputs["x"], self._tapes.box_of(self._inputs)
        starts = [(x0, factor) for factor in FACTORS]
        if self._shared.size is not None:
            sizes = np.full(len(x0), self._shared.size)
            for predictor in self._inputs.predictors:
                sizes = np.fmax(sizes, size_of(predictor))
            for size in scales_of(sizes):
                x = np.broadcast_to(size[:, None], x0.shape)
                starts.append((np.clip(x, *box) if box else x, FACTORS[0]))
        return starts

    def _descended(
        self, x: FloatArray, inputs: Inputs, factor: float, stopping: _core.Stopping
    ) -> Outcome:
        """Make one try: descend from x, for fits whose original starts are in `inputs`."""
        shared = self._shared
        out = self._tapes.minimize(
            inputs.with_arrays(x=np.ascontiguousarray(x)), factor, stopping, shared.scale,
            shared.counter(),
        )  # fmt: skip
        completed(out, x)
        ended = inputs.with_arrays(x=out["x"])
        spreads = Spreads(self._tapes, ended, stopping.threads)
        spreads.finish(out, stopping.max_nfev)
        open_, determined = np.zeros(len(x)), np.ones(len(x), dtype=np.bool_)
        if (lanes := spreads.unclear).size:
            left_open = self._left_open(out["reason"], spreads, ended, inputs["x"], lanes)
            open_[lanes] = bits_of(left_open)
            determined[lanes] = ~left_open.any(axis=1)
        arrays: Arrays = {name: out[name] for name in ("nit", "nfev", "left", "right", "reason")}
        arrays |= {
            "popt": out["x"], "cost": out["fun"], "pcov": spreads.pcov, "perr": spreads.perr,
            "n_missing": np.zeros(len(x), dtype=np.int64), "open": open_,
            "determined": determined,
        }  # fmt: skip
        return arrays, out["error"]

    def _left_open(
        self,
        reason: npt.NDArray[np.int8],
        spreads: Spreads,
        ended: Inputs,
        x0: FloatArray,
        lanes: npt.NDArray[np.intp],
    ) -> npt.NDArray[np.bool_]:
        """Return which parameters of the fits in `lanes` the data do not determine."""
        x, errors = ended["x"][lanes], spreads.errors[lanes]
        left_open, vague = undetermined(
            errors, spreads.loose[lanes], x, x0[lanes], self._shared.scale
        )
        doubtful = vague.any(axis=1) & ~left_open.any(axis=1) & CONVERGED[reason[lanes]]
        (which,) = np.nonzero(doubtful)
        piece = rows_in_chunk(self._tapes.layout.m * x.shape[1])
        for first in range(0, which.size, piece):
            some = which[first : first + piece]
            at = self._tapes.linear_many(ended.taken(lanes[some]), self._shared.stopping.threads)
            bent = some[bent_down(at, x[some], np.isnan(errors[some]))]
            left_open[bent] = vague[bent]
        return left_open

    # ---- fits that failed

    def _clear_unanswered(self, arrays: Arrays, inputs: Inputs) -> None:
        """Set NaN for fits whose start was not finite, and for fits that did not begin."""
        reason = arrays["reason"]
        lanes = np.flatnonzero((reason == Reason.non_finite) | (arrays["nfev"] == 0))
        if not lanes.size:
            return
        (begun,) = np.nonzero(reason[lanes] == Reason.non_finite)
        if begun.size:
            outside = self._tapes.outside(inputs.taken(lanes[begun]))
            reason[lanes[begun[outside]]] = Reason.left_domain
        for name in ("popt", "pcov", "perr", "cost"):
            arrays[name][lanes] = np.nan
        arrays["determined"][lanes] = arrays["worse"][lanes] = False
        arrays["open"][lanes] = 0.0


def _unsound(best: Arrays, factor: float) -> npt.NDArray[np.intp]:
    """Return the fits that must start again with a first step of `factor`."""
    sound = CONVERGED[best["reason"]] & best["determined"] & ~best["worse"]
    again = AGAIN[best["reason"]] & ~sound
    if factor != FACTORS[0]:
        again &= ~np.isin(best["reason"], NOT_BEGUN)
    return np.flatnonzero(again)
