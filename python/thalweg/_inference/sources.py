# SPDX-License-Identifier: BSD-3-Clause
"""Read again, piece by piece, what fits were made from: data, errors and predictors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from thalweg._descents.lanes import cores
from thalweg._fits.chunks import LeadingRows, rows_in_chunk
from thalweg._fits.fits import Fits
from thalweg._fits.running import FitRun, ManyProblem
from thalweg._fits.settings import FREE, ManyFitSettings
from thalweg._fits.slots import Inputs
from thalweg._fits.tapes import FitTapes
from thalweg._results.reasons import Reason

__all__ = ["Piece", "flat_lanes", "pieces", "selected", "source_of"]

# Statistics are of the data and the model alone.
_PLAIN: dict[str, Any] = {
    "out": None, "progress": False, "mask": None, "resume": False, "bounds": FREE, "priors": None,
}  # fmt: skip

Lanes = npt.NDArray[np.intp]


class Piece(NamedTuple):
    """Some of the fits, with the inputs of their tapes at the results.

    Attributes
    ----------
    where : slice or ndarray of int
        The flat indices of the fits.
    run : FitRun
        A call of these fits.
    inputs : Inputs
        The inputs of the tapes, with the fitted parameters as `x`.
    """

    where: slice | Lanes
    run: FitRun
    inputs: Inputs

    @property
    def tapes(self) -> FitTapes:
        """The tapes, which know no missing values: these give NaN."""
        return self.run.tapes(False)

    @property
    def threads(self) -> int:
        """The number of threads."""
        return cores(self.run.settings.threads)


def source_of(fits: Fits) -> tuple[ManyProblem, ManyFitSettings]:
    """Return the problem that the fits solved, and its settings.

    Raises
    ------
    ValueError
        If they are not known.
    """
    source = fits._about.get("source")
    if source is None:
        raise ValueError(
            "this needs the traced model and the data of the fits, which are not saved with them, "
            "and do not exist with trace=False: fit again"
        )
    problem, settings = source
    return problem, settings


def flat_lanes(fits: Fits) -> Lanes | None:
    """Return the places of the fits in their call, (k,); None if they are all, in order."""
    lanes = fits._own.get("lane")
    return None if lanes is None else lanes.ravel()


def selected(
    problem: ManyProblem, settings: ManyFitSettings, lanes: Lanes
) -> tuple[ManyProblem, ManyFitSettings]:
    """Return the problem of some of the fits alone, along one axis, and its settings."""
    lead = problem.lead
    m = problem.data.shape[-1]

    def rows(array: Any) -> Any:
        return LeadingRows(array, lead).take(lanes)

    def number(value: Any) -> Any:
        value = np.asarray(value)
        return rows(np.broadcast_to(value, lead)) if value.size > 1 else value

    sigma = settings.sigma
    if sigma is not None and np.size(sigma) > 1 and np.shape(sigma) != (m,):
        sigma = rows(np.broadcast_to(np.ma.asanyarray(sigma), (*lead, m), subok=True))
    fixed = settings.fixed
    if isinstance(fixed, dict):
        fixed = {name: number(value) for name, value in fixed.items()}
    start = problem.start
    if start is not None and not callable(start) and np.ndim(start) > 1:
        start = rows(start)
    part = replace(
        problem, data=rows(problem.data), varying=[rows(x) for x in problem.varying], start=start
    )
    return part, replace(settings, **_PLAIN, sigma=sigma, fixed=fixed)


def pieces(
    fits: Fits,
    source: tuple[ManyProblem, ManyFitSettings] | None = None,
    call: type[FitRun] = FitRun,
) -> Iterator[Piece]:
    """Yield all fits that were made in pieces, with the inputs of their tapes at the results.

    Another problem with the same parameters may take the place of the one that they solved.
    """
    problem, settings = source_of(fits) if source is None else source
    lanes, p = flat_lanes(fits), len(fits.names)
    popt = fits.popt.reshape(-1, p)
    made = fits.reason.ravel() != Reason.not_run
    if lanes is None:
        mask = None if made.all() else made.reshape(problem.lead)
        run = call(problem, replace(settings, **_PLAIN | {"mask": mask}), quiet=True)
        which = run.reader.which
        for a, b in run.reader.chunks():
            where = slice(a, b) if which is None else which[a:b]
            yield _piece(where, run, run.reader.read(a, b), popt)
        return
    most = rows_in_chunk(problem.data.shape[-1] * (3 + len(problem.varying)) + 8 * p)
    for a in range(0, lanes.size, most):
        some = np.flatnonzero(made[a : a + most]) + a
        if some.size:
            run = call(*selected(problem, settings, lanes[some]), quiet=True)
            yield _piece(some, run, run.reader.read(0, some.size), popt)


def _piece(where: slice | Lanes, run: FitRun, inputs: Inputs, popt: Any) -> Piece:
    free = list(run.reader.layout.free)
    x = popt[where] if len(free) == popt.shape[1] else popt[where][:, free]
    return Piece(where, run, inputs.with_arrays(x=np.ascontiguousarray(x)))
