# SPDX-License-Identifier: BSD-3-Clause
"""Run fits in chunks, with bounded memory, after checking their arguments."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from thalweg._attached import attached
from thalweg._descents.interrupts import Parts, carried, how_many
from thalweg._descents.lanes import cores
from thalweg._descents.progress import Progress
from thalweg._fits.arguments import between, parameter_structure
from thalweg._fits.arguments_many import (
    box_around,
    check_finite,
    check_starts,
    chosen_of,
    errors_of,
    fixed_of,
    outputs_of,
)
from thalweg._fits.chunks import LeadingRows
from thalweg._fits.fits import Fits
from thalweg._fits.groups import DescentSettings, FitGroup
from thalweg._fits.information import warn
from thalweg._fits.reading import FitReader
from thalweg._fits.settings import FREE, CurveFitSettings, ManyFitSettings, scale_of
from thalweg._fits.slots import Layout
from thalweg._fits.tapes import FitTapes, Values
from thalweg._fits.verdicts import SIDES, Arrays, failed, verdicts
from thalweg._objectives.grafting import grafted
from thalweg._objectives.objective import Objective
from thalweg._objectives.points import FloatArray
from thalweg._parameters.named import plan_of
from thalweg._parameters.priors import check_errors_known, priors_of
from thalweg._results.reasons import Reason
from thalweg._tracing.numbers import holds_lazy
from thalweg._tracing.trace import Trace, Tracer

__all__ = ["FitRun", "ManyProblem", "fit_many", "fit_with_priors", "problem_of"]


@dataclass(kw_only=True)
class ManyProblem:
    """A model, the data of many fits, and their starts.

    Attributes
    ----------
    values : callable
        The model, ``values(trace, predictors, parameters)``.
    names : list of str
        The names of its parameters.
    data : ndarray (..., m)
        The data.
    start : ndarray (p,) or (..., p), callable, or None
        The starts of the fits; None if the user gave none.
    varying : list of ndarray
        The predictors that differ between fits.
    known : list of ndarray
        The predictors that are the same for all fits and may contain NaN.
    size : float, optional
        The largest |x| that all fits share, if fits may start from the scale of their x.
    tapes : dict
        The tapes built so far, for a model that is kept.
    elsewhere : callable, optional
        ``elsewhere(xdata, lead, m)`` returns the model for other predictors, as `values`, and those
        predictors that differ between fits. None if the model's function is not known.
    name : str
        The name of the model's function.
    """

    values: Values
    names: list[str]
    data: npt.NDArray[Any]
    start: Any
    varying: list[npt.NDArray[Any]] = field(default_factory=list)
    known: list[FloatArray] = field(default_factory=list)
    size: float | None = None
    tapes: dict[Any, FitTapes] = field(default_factory=dict)
    elsewhere: Callable[[Any, tuple[int, ...], int], tuple[Values, list[Any]]] | None = None
    name: str = "f"

    @property
    def lead(self) -> tuple[int, ...]:
        """The leading axes of the data and of the results."""
        return self.data.shape[:-1]


def problem_of(
    objective: Objective, data: npt.NDArray[Any], start: Any, whitened: FloatArray | None = None
) -> ManyProblem:
    """Return the fits of a traced model, as a function of its parameters, to data (..., m).

    Data with correlated errors are whitened; the model is multiplied by the same matrix (m, m).
    """

    def values(trace: Trace, _: Any, parameters: list[Any]) -> Any:
        p = trace.stack([trace.lift(each) for each in parameters])
        value = Tracer(trace, grafted(objective._graph, objective._f, trace.graph, {0: p}))
        return value if whitened is None else whitened @ np.ravel(value)

    return ManyProblem(values=values, names=list(objective.names), data=data, start=start)


def fit_many(problem: ManyProblem, settings: ManyFitSettings) -> Fits:
    """Fit a model to many data sets."""
    settled = (settings.sigma, settings.mask, settings.fixed, settings.bounds, settings.priors)
    if holds_lazy((problem.data, *problem.varying, problem.start, *settled)):
        lazy: Fits = attached("fit_many(dask)")(problem, settings)
        return lazy
    if settings.shared is not None and settings.priors:
        raise ValueError("fits that share parameters take no priors yet, got both")
    if settings.shared is not None:
        together: Fits = attached("fit_many(shared=)")(problem, settings)
        return together
    began = time.perf_counter()
    run = FitRun(problem, settings)
    run.tapes(False)  # trace, and report errors, before any data are read
    if not settings.progress:
        return run.carried(began)
    with Progress(True, total=run.reader.k, unit="fits") as shown:
        run.descents.progress = shown.count
        return run.carried(began)


def fit_with_priors(
    problem: ManyProblem, sigma: Any, priors: Any, ties: Any, settings: CurveFitSettings
) -> tuple[Any, ...]:
    """Fit one data set with priors, as one among many; return a `Fit`.

    Raises
    ------
    ValueError
        If `sigma` is a covariance, or further output is asked for.
    RuntimeError
        If no minimum was found.
    """
    if np.ndim(sigma) > 1 and np.size(sigma) != problem.data.size:
        raise ValueError(
            "with priors sigma must be one number or one for each datum, got shape "
            f"{np.shape(sigma)}"
        )
    if settings.full_output:
        raise ValueError("priors take no full_output yet: leave one of them out")
    squares, names = settings.squares, problem.names
    own = {f.name: getattr(squares, f.name) for f in fields(squares) if f.init}
    own |= {
        "bounds": tuple(settings.box) or FREE, "priors": priors, "ties": ties,
        "fixed": tuple(names[k] for k in settings.plan.fixed), "threads": 1,
        "sigma": sigma if sigma is None else np.ravel(sigma),
    }  # fmt: skip
    fits = fit_many(problem, ManyFitSettings(**own))
    fit = fits[()]
    if not fit.success:
        raise RuntimeError(f"Optimal parameters not found: {fit.message}")
    if not fit.determined or fit.worse:
        warn(fit.message)
    alone: tuple[Any, ...] = attached("Fit").alone(fits)
    return alone


class FitRun:
    """One call of `curve_fit_many`: checks the arguments, then runs the fits chunk by chunk.

    Attributes
    ----------
    own_bounds : bool
        Whether the bounds may differ between fits.
    """

    own_bounds = True

    def __init__(
        self, problem: ManyProblem, settings: ManyFitSettings, quiet: bool = False
    ) -> None:
        self.problem, self.settings = problem, settings
        unknown = settings.sigma is None and not settings.poisson
        if settings.absolute_sigma and unknown and not quiet:
            warn(
                "absolute_sigma=True without sigma: the covariances assume that the errors of "
                "ydata are 1; pass sigma, or leave out absolute_sigma"
            )
        self._own: dict[Any, FitTapes] = {}
        p = len(problem.names)
        self.reader = self._planned()
        layout = self.reader.layout
        free = list(layout.free)
        stopping = settings.stopping(len(free), cores(settings.threads))
        scale = scale_of(settings.x_scale, parameter_structure(p))
        if settings.nan_policy == "raise":
            self._refuse_missing()
        self.arrays = outputs_of(settings.out, problem.lead, p)
        self._given = set() if settings.out is None else set(settings.out.keys())
        self.descents = DescentSettings(
            stopping=stopping, scale=None if scale is None else np.ascontiguousarray(scale[free]),
            size=problem.size,
        )  # fmt: skip
        self._done = 0

    def _planned(self) -> FitReader:
        """Check the arguments, and return the reader of the inputs."""
        problem, settings = self.problem, self.settings
        lead, names, m = problem.lead, problem.names, problem.data.shape[-1]
        which = self._which = chosen_of(settings.mask, settings.resume, settings.out, lead)
        errors, weights = errors_of(settings.sigma, lead, m)
        plan = plan_of(names, settings.fixed, settings.ties)
        priors, numbers = priors_of(settings.priors, names, plan, lead)
        self._priors = len(priors)
        check_errors_known(priors, settings.sigma is not None or settings.poisson)
        constant = fixed_of(settings.fixed, names, lead, which)
        free = plan.free
        self.check_number(max(len(free) - len(priors), 1))
        box = box_around(settings.bounds, names, plan, lead)
        each = bool(box) and box[0].ndim > 1  # whether fits have bounds of their own
        if each and not self.own_bounds:
            raise ValueError("bounds must be the same for all data that share parameters")
        start = problem.start
        if start is None:
            start = between(*box) if box else np.ones(len(names))
        begun = [k for k in plan.fixed if constant[names[k]] is None]
        check_starts(start, box, free, names, begun)
        if not callable(start) and start.ndim > 1:
            start = LeadingRows(start, lead, which)
        shape = (m,) if errors is not None else None if weights is None else weights.shape
        return FitReader(
            k=prod(lead) if which is None else which.size,
            start=start, box=[] if each else [end[list(free)] for end in box],
            bounds=[LeadingRows(end[..., list(free)], lead, which) for end in box] if each else [],
            layout=Layout(
                m, free, plan.fixed, len(problem.varying), shape, settings.rho, settings.poisson,
                plan.ties, priors, each,
            ),
            y=LeadingRows(problem.data, lead, which),
            predictors=[LeadingRows(x, lead, which) for x in problem.varying],
            known=problem.known if settings.nan_policy == "omit" else [],
            sigma=None if errors is None else LeadingRows(errors, lead, which),
            weights=weights,
            fixed=[constant[names[i]] for i in plan.fixed], f_scale=settings.f_scale,
            names=names, which=which,
            prior=LeadingRows(numbers, lead, which) if numbers.ndim > 2 else numbers,
        )  # fmt: skip

    def check_number(self, free: int) -> None:
        """Raise an error if no parameters remain to be fitted, or too many for the data."""
        _check_number(free, self.problem.data)

    def _refuse_missing(self) -> None:
        """Raise ValueError if data or predictors contain NaN or infinities."""
        if self.problem.known:
            raise ValueError("array must not contain infs or NaNs: xdata does")
        reader = self.reader
        for x, what in ((reader.y, "ydata"), *((x, "xdata") for x in reader.predictors)):
            check_finite(x, what, reader.k, reader.number)

    def tapes(self, missing: bool) -> FitTapes:
        """Return the tapes for complete data, or for data with missing values, built once."""
        reader = self.reader
        # What functions of ties and priors refer to may change, so such tapes serve one call.
        layout = reader.layout
        kept = self._own if layout.ties or layout.priors.functions else self.problem.tapes
        absolute = self.settings.absolute_sigma or len(reader.layout.priors) > 0
        key = (reader.layout, missing, *(end.tobytes() for end in reader.box), absolute)
        if key not in kept:
            kept[key] = FitTapes(
                self.problem.values, reader.layout, missing, reader.box, absolute, reader.known
            )
        return kept[key]

    # ---- chunk by chunk

    def carried(self, began: float) -> Fits:
        """Run all fits; an interrupt carries the results so far."""
        lead, k = self.problem.lead, self.reader.k
        # Where answers go elsewhere, memory is scarce: r2 then reads the data again.
        kept = [name for name in SIDES if name != "flat" or self.settings.out is None]
        sides: Arrays = {name: np.empty(lead) for name in kept}
        self.prepare(sides)

        def run(parts: Parts) -> None:
            for a, b in self.reader.chunks():
                part, error = self._chunk(a, b)
                self.write(a, b, part, sides)
                self._done = b
                if error is not None:
                    parts.append((None, {"error": error}))
                    return
                self.descents.count(b)

        def result(_: Parts, seconds: float) -> Fits:
            if self._done < k:
                rest = failed(1, len(self.problem.names), Reason.interrupted)
                for name, array in (self.arrays | sides).items():
                    LeadingRows(array, lead, self._which).write(self._done, k, rest[name])
            shared = {"names": list(self.problem.names), "elapsed": seconds}
            about = {
                "max_nfev": self.descents.stopping.max_nfev, "free": list(self.reader.layout.free),
                "rows": self.reader.layout.m, "priors": self._priors, "kind": self.settings.kind,
                "source": (self.problem, self.settings),
            }  # fmt: skip
            return Fits(self.arrays, lead, shared, sides, about)

        def holds(_: Parts) -> str:
            reasons = LeadingRows(self.arrays["reason"], lead, self._which).read(0, self._done)
            return how_many(int(np.count_nonzero(reasons != Reason.interrupted)), k)

        return carried(began, run, result, holds)

    def prepare(self, sides: Arrays) -> None:
        """Mark the fits as not run, so that another call can resume what this one leaves.

        If this call resumes another, the results of the fits that were made stay as they are.
        """
        lead, p, given = self.problem.lead, len(self.problem.names), self._given
        none = failed(1, p, Reason.not_run)
        if "reason" in given and not self.settings.resume:
            self.arrays["reason"][...] = Reason.not_run
        if self._which is None:
            return
        for name, array in (self.arrays | sides).items():
            if not (self.settings.resume and name in given):
                array[...] = none[name][0]
        if not self.settings.resume:
            return
        before = self.arrays["reason"]
        for name, values in verdicts(before).items():
            if name not in given:
                self.arrays[name][...] = values
        if isinstance(self.settings.out, Fits):
            for name, array in sides.items():
                if name in self.settings.out._own:
                    array[...] = self.settings.out._own[name].reshape(lead)

    def write(self, a: int, b: int, part: Arrays, sides: Arrays) -> None:
        """Store the results of the fits from a to b."""
        lead = self.problem.lead
        whole = b - a == self.reader.k and self._which is None
        for arrays in (sides, self.arrays):
            # The reason comes last: what has one is complete, also if the process is killed.
            for name in sorted(arrays, key="reason".__eq__):
                array = arrays[name]
                if whole and name not in self._given:  # one chunk: no copy
                    arrays[name] = part[name].reshape(array.shape)
                else:
                    LeadingRows(array, lead, self._which).write(a, b, part[name])

    def _chunk(self, a: int, b: int) -> tuple[Arrays, BaseException | None]:
        """Run the fits from a to b; return their results and the error that stopped them."""
        reader = self.reader
        inputs, m = reader.read(a, b), reader.layout.m
        counts = reader.missing(inputs)
        if counts is None:
            return FitGroup(self.descents, reader, self.tapes(False), inputs).fit()
        # Fits with missing values have tapes of their own, so that the others use simpler ones.
        whole = counts == 0
        enough = m - counts + len(reader.layout.priors) >= len(reader.layout.free)
        gaps = ~whole & enough if self.settings.nan_policy == "omit" else np.zeros_like(whole)
        answers: Arrays = {}
        error: BaseException | None = None
        for lanes, missing in ((whole, False), (gaps, True), (~(whole | gaps), None)):
            (which,) = np.nonzero(lanes)
            if not which.size:
                continue
            if missing is None or error is not None:
                reason = Reason.non_finite if missing is None else Reason.interrupted
                part = failed(which.size, reader.layout.n, reason)
            else:
                own = inputs.taken(which)
                if missing:
                    own = own.with_arrays(rows=(m - counts[which]).astype(np.float64))
                part, error = FitGroup(self.descents, reader, self.tapes(missing), own).fit()
            for name, values in part.items():
                if name not in answers:
                    answers[name] = np.empty((b - a, *values.shape[1:]), values.dtype)
                answers[name][which] = values
        answers["n_missing"] = counts
        return answers, error


def _check_number(free: int, data: npt.NDArray[Any]) -> None:
    """Raise an error if there are no parameters to fit, or more than data."""
    m = data.shape[-1]
    if not free:
        raise ValueError("`fixed` must leave a parameter to fit, got all of them")
    if free > m:
        raise TypeError(
            f"The number of func parameters={free} must not exceed the number of data "
            f"points={m}, of ydata of shape {data.shape}"
            + ": ravel() makes one fit of a column"
            * (m == 1)
        )
