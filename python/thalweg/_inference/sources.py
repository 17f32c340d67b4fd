# SPDX-License-Identifier: BSD-3-Clause
"""Read again, piece by piece, what fits were made from: data, errors and predictors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from thalweg._descents.lanes import cores
from thalweg._fits.arguments import is_data
from thalweg._fits.chunks import LeadingRows, filled, rows_in_chunk
from thalweg._fits.fits import Fits
from thalweg._fits.running import FitRun, ManyProblem
from thalweg._fits.settings import FREE, ManyFitSettings
from thalweg._fits.slots import Inputs
from thalweg._fits.tapes import FitTapes
from thalweg._objectives.points import FloatArray
from thalweg._parameters.named import plan_of
from thalweg._results.reasons import Reason

__all__ = [
    "Piece", "data_rows", "evaluated", "fits_at_once", "flat_lanes", "model_of", "pieces",
    "selected", "source_of",
]  # fmt: skip

# Statistics are of the data and the model alone.
_PLAIN: dict[str, Any] = {
    "out": None, "progress": False, "mask": None, "resume": False, "bounds": FREE, "priors": None,
}  # fmt: skip
# The model alone is evaluated, without data.
_BARE = _PLAIN | {
    "sigma": None, "absolute_sigma": False, "loss": "linear", "likelihood": "gaussian",
    "nan_policy": "propagate",
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
            "and do not exist with trace=False: fit again, or pass the model to tw.load and x to "
            "predict"
        )
    problem, settings = source
    return problem, settings


def model_of(fits: Fits) -> tuple[ManyProblem, ManyFitSettings]:
    """Return the problem and its settings where the model is enough, also of fits from a file."""
    if "source" not in fits._about and "elsewhere" in fits._about:
        problem, settings = fits._about["elsewhere"]
        return problem, settings
    return source_of(fits)


def flat_lanes(fits: Fits) -> Lanes | None:
    """Return the places of the fits in their call, (k,); None if they are all, in order."""
    lanes = fits._own.get("lane")
    return None if lanes is None else lanes.ravel()


def fits_at_once(problem: ManyProblem) -> int:
    """Return how many fits are copied at a time."""
    return rows_in_chunk(
        problem.data.shape[-1] * (3 + len(problem.varying)) + 8 * len(problem.names)
    )


def data_rows(fits: Fits, start: int, stop: int) -> FloatArray:
    """Return the data (k, m) of some of the fits, NaN where they are missing."""
    problem, lanes = source_of(fits)[0], flat_lanes(fits)
    rows = LeadingRows(problem.data, problem.lead)
    return rows.read(start, stop) if lanes is None else filled(rows.take(lanes[start:stop]))


def selected(
    problem: ManyProblem, settings: ManyFitSettings, lanes: Lanes, data: FloatArray | None = None
) -> tuple[ManyProblem, ManyFitSettings]:
    """Return the problem of some of the fits alone, along one axis, and its settings.

    Other data (k, m) may take the place of theirs.
    """
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
        problem, data=rows(problem.data) if data is None else data,
        varying=[rows(x) for x in problem.varying], start=start,
    )  # fmt: skip
    return part, replace(settings, **_PLAIN, sigma=sigma, fixed=fixed)


def pieces(fits: Fits) -> Iterator[Piece]:
    """Yield all fits that were made in pieces, with the inputs of their tapes at the results."""
    problem, settings = source_of(fits)
    lanes, p = flat_lanes(fits), len(fits.names)
    popt = fits.popt.reshape(-1, p)
    made = fits.reason.ravel() != Reason.not_run
    if lanes is None:
        mask = None if made.all() else made.reshape(problem.lead)
        run = FitRun(problem, replace(settings, **_PLAIN | {"mask": mask}), quiet=True)
        for a, b in run.reader.chunks():
            yield _piece(_places(run, a, b), run, run.reader.read(a, b), popt)
        return
    most = fits_at_once(problem)
    for a in range(0, lanes.size, most):
        some = np.flatnonzero(made[a : a + most]) + a
        if some.size:
            run = FitRun(*selected(problem, settings, lanes[some]), quiet=True)
            yield _piece(some, run, run.reader.read(0, some.size), popt)


def _places(run: FitRun, a: int, b: int) -> slice | Lanes:
    which = run.reader.which
    return slice(a, b) if which is None else which[a:b]


def _piece(where: slice | Lanes, run: FitRun, inputs: Inputs, popt: FloatArray) -> Piece:
    return Piece(where, run, inputs.with_arrays(**_parameters(run, popt[where])))


def _parameters(run: FitRun, popt: FloatArray) -> dict[str, FloatArray]:
    """Return the inputs that hold the fitted and the fixed parameters."""
    layout = run.reader.layout
    if layout.plan.whole:
        return {"x": np.ascontiguousarray(popt)}
    found = {"x": np.ascontiguousarray(popt[:, list(layout.free)])}
    if layout.fixed:
        found["fixed"] = np.ascontiguousarray(popt[:, list(layout.fixed)])
    return found


# ---- the model alone


class _Evaluation(FitRun):
    """A run that only evaluates, and so needs no number of data."""

    def check_number(self, free: int) -> None:
        """Accept any number of points."""


class _NoData(LeadingRows):
    """The place of the data where only the model is evaluated."""

    __slots__ = ("_zeros",)

    def __init__(self, count: int) -> None:
        self._zeros = np.zeros(count)

    def read(self, *_: int) -> FloatArray:
        """Return the same zeros for all fits."""
        return self._zeros


def evaluated(
    fits: Fits, compute: Callable[[Piece], Sequence[FloatArray]], x: Any = None
) -> list[FloatArray]:
    """Compute arrays (..., m) from the fitted model, without data; NaN for fits not made.

    Parameters
    ----------
    fits : Fits
        The fits.
    compute : callable
        Returns the arrays (k, m) of a piece.
    x : array_like or object, optional
        The points, by default those of the data.
    """
    count, problem, settings = _bare(fits, x)
    made = fits.reason != Reason.not_run
    settings = replace(settings, mask=None if made.all() else made)
    run = _Evaluation(problem, settings, quiet=True)
    run.reader.y = _NoData(count)
    popt = fits.popt.reshape(-1, len(fits.names))
    # What is computed is as large as a chunk of predictors that are read where they lie.
    in_place = settings.mask is None and all(
        each.dtype == np.float64 and each.flags.c_contiguous for each in problem.varying
    )
    found: list[FloatArray] = []
    for a, b in [(0, run.reader.k)] if in_place else run.reader.chunks():
        where = _places(run, a, b)
        part = compute(_piece(where, run, run.reader.read(a, b), popt))
        if in_place:
            found = list(part)
            break
        found = found or [np.full((fits.size, count), np.nan) for _ in part]
        for whole, values in zip(found, part, strict=True):
            whole[where] = values
    return [whole.reshape(*fits.shape, count) for whole in found]


def _bare(fits: Fits, x: Any) -> tuple[int, ManyProblem, ManyFitSettings]:
    """Return the number of points, and the problem of the fits with these instead of data."""
    problem, settings = source_of(fits) if x is None else model_of(fits)
    lanes, names = flat_lanes(fits), problem.names
    if x is None:
        count = problem.data.shape[-1]
        values, varying, tapes = problem.values, problem.varying, problem.tapes
        if lanes is not None:
            rows = [LeadingRows(each, problem.lead).take(lanes) for each in varying]
            varying = [each.reshape(*fits.shape, count) for each in rows]
    elif problem.elsewhere is None:
        raise ValueError(
            "the model's function is not known, because the model comes from a file: trace it again"
        )
    else:
        count, tapes = _count(x), {}
        values, varying = problem.elsewhere(x, fits.shape, count)
    plan = plan_of(names, settings.fixed, settings.ties)
    there = replace(
        problem, data=np.broadcast_to(0.0, (*fits.shape, count)), values=values, varying=varying,
        known=[], tapes=tapes, start=np.ones(len(names)), elsewhere=None,
    )  # fmt: skip
    fixed = tuple(names[k] for k in plan.fixed) or None
    return count, there, replace(settings, **_BARE, fixed=fixed)


def _count(x: Any) -> int:
    """Return the number of points, along the last axis of x or the rows of a table."""
    if isinstance(x, tuple) and any(np.ndim(part) for part in x):
        return int(max(np.shape(part)[-1] for part in x if np.ndim(part)))
    if is_data(x) and np.ndim(x):
        return int(np.shape(x)[-1])
    if hasattr(x, "__len__"):
        return len(x)
    raise ValueError(f"x must hold points along its last axis, got {type(x).__name__}")
