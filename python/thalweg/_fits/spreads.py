# SPDX-License-Identifier: BSD-3-Clause
"""Compute the covariances of many fits, with one tape for all, or by QR for each fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from thalweg import _core
from thalweg._fits.chunks import rows_in_chunk
from thalweg._fits.slots import Inputs
from thalweg._fits.soundness import SINGULAR, refined_many
from thalweg._fits.tapes import ON_TAPE, FitTapes
from thalweg._objectives.bounds import at_bounds
from thalweg._objectives.points import FloatArray
from thalweg._parameters.plan import spread_of_all

__all__ = ["Spreads"]

# A piece is this share of a chunk: a round of QR takes some 20 ms.
_SHARE = 64


class Spreads:
    """Covariances, standard errors and dependent parameters of fits at their results.

    Parameters
    ----------
    tapes : FitTapes
        The tapes of the fits.
    inputs : Inputs
        The inputs, with the fitted parameters as `x`, in the array that the core filled.
    threads : int
        The number of threads.

    Attributes
    ----------
    pcov, perr : ndarray
        The covariances (k, p, p) and standard errors (k, p) of all parameters.
    unclear : ndarray of int
        The fits in which parameters may be undetermined or vague.
    loose : ndarray of bool
        Which of the fitted parameters depend on others (k, n).
    """

    def __init__(self, tapes: FitTapes, inputs: Inputs, threads: int) -> None:
        self._tapes, self._inputs, self._threads = tapes, inputs, threads
        layout, k = tapes.layout, len(inputs)
        self._free = np.array(layout.free)
        self.loose = np.zeros((k, self._free.size), dtype=bool)
        shape = (k, layout.n, layout.n)
        if self._free.size > ON_TAPE:
            self.pcov, self.perr = np.zeros(shape), np.zeros(shape[:2])
            self._doubtful = self.unclear = np.arange(k)
            return
        pcov, self.perr, doubtful, unclear = tapes.covariances(inputs, threads)
        self.pcov, self._doubtful = pcov.reshape(shape), np.flatnonzero(doubtful)
        self.unclear = np.flatnonzero((doubtful > 0) | (unclear > 0))

    @property
    def errors(self) -> FloatArray:
        """The standard errors of the fitted parameters (k, n)."""
        return self.perr if self._tapes.layout.plan.whole else self.perr[:, self._free]

    def finish(self, out: dict[str, Any], max_nfev: int) -> None:
        """Use QR for the fits that the tape cannot handle.

        Fits whose J'J is singular to rounding continue with J, and their endings in `out` change.
        """
        # There are usually few of them. They are handled in pieces, because Jacobians are large,
        # and an interrupt is seen only after a round of all fits of a piece.
        layout = self._tapes.layout
        piece = rows_in_chunk(_SHARE * layout.m * layout.n)
        for first in range(0, self._doubtful.size, piece):
            lanes = self._doubtful[first : first + piece]
            pivots = self._by_qr(lanes)
            self._by_qr(self._gone_on(lanes[pivots < SINGULAR], out, max_nfev))

    def _gone_on(
        self, lanes: npt.NDArray[np.intp], out: dict[str, Any], max_nfev: int
    ) -> npt.NDArray[np.intp]:
        """Continue by QR of J; return the fits that moved."""
        if not lanes.size:
            return lanes
        own = self._inputs.taken(lanes)
        at = self._tapes.linear(own, self._threads)
        return refined_many(at, out, lanes, self._tapes.box_of(own), max_nfev)

    def _by_qr(self, lanes: npt.NDArray[np.intp]) -> FloatArray:
        """Compute covariances and dependent parameters by QR; return the last pivots."""
        if not lanes.size:
            return np.ones(0)
        tapes, free = self._tapes, self._free
        own = self._inputs.taken(lanes)
        columns, cost = tapes.jacobians(own, self._threads)
        columns = columns.reshape(lanes.size, free.size, -1)
        scaled = not (tapes.absolute or tapes.layout.poisson)
        data = np.full(lanes.size, own["rows"] if scaled else 0.0).astype(np.int64)
        held = at_bounds(own["x"], tapes.box_of(own))
        inverses, pivots, loose = _core.covariances(columns, held, cost[:, 0], data)
        self.loose[lanes] = loose
        plan = tapes.layout.plan
        slopes = tapes.tied_slopes(own, self._threads) if plan.ties else np.zeros(0)
        self.pcov[lanes] = spread_of_all(plan, inverses, slopes)
        with np.errstate(invalid="ignore"):
            self.perr[lanes] = np.sqrt(np.diagonal(self.pcov[lanes], axis1=1, axis2=2))
        return pivots
