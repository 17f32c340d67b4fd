# SPDX-License-Identifier: BSD-3-Clause
"""Fit the data sets of one model or of several together, after their arguments are checked."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np

from thalweg._descents.interrupts import Parts, carried
from thalweg._descents.progress import Progress
from thalweg._fits.endings import explained
from thalweg._fits.fits import Fits
from thalweg._fits.running import FitRun, ManyProblem
from thalweg._fits.settings import ManyFitSettings
from thalweg._fits.soundness import named
from thalweg._fits.verdicts import SIDES, Arrays, bits_of, verdicts
from thalweg._objectives.points import FloatArray
from thalweg._results.reasons import Reason
from thalweg._together.data_sets import DataSets
from thalweg._together.joint import Joint, SharedFits
from thalweg._together.joint_descent import JointDescent
from thalweg._together.spread import JointSpread, joint_spread, set_spread

__all__ = ["JointFit", "SetsRun", "checked_names", "fit_shared"]

R = TypeVar("R")


class SetsRun(FitRun):
    """The checked arguments of the sets of one model, some of whose parameters are shared."""

    own_bounds = False

    def __init__(
        self, problem: ManyProblem, settings: ManyFitSettings, shared: Sequence[str]
    ) -> None:
        self._shared = [name for name in problem.names if name in shared]
        super().__init__(problem, settings)

    def check_number(self, free: int) -> None:
        """Raise an error if a set has fewer data than parameters of its own."""
        data = self.problem.data
        m, local = data.shape[-1], free - len(self._shared)
        if local > m:
            raise TypeError(
                f"The number of parameters of each set, {local}, must not exceed its number of "
                f"data points, {m}, of ydata of shape {data.shape}"
            )


def checked_names(
    shared: Any, known: Sequence[str], fixed: Any = None, ties: Any = None
) -> list[str]:
    """Return the names of shared parameters as a list, in the order of `known`."""
    names = [shared] if isinstance(shared, str) else list(shared)
    for name in names:
        if name not in known:
            raise ValueError(f"shared names {name!r}, but the parameters are {', '.join(known)}")
        for kind, others in (("fixed", fixed), ("tied", ties)):
            if others is not None and name in others:
                raise ValueError(f"{name!r} must be shared or {kind}, not both")
    if not names:
        raise ValueError("shared must name at least one parameter, got none")
    return [name for name in dict.fromkeys(known) if name in names]


def fit_shared(problem: ManyProblem, settings: ManyFitSettings) -> Fits:
    """Fit many data sets that share some parameters of their model."""
    began = time.perf_counter()
    if settings.resume:
        raise ValueError(
            "shared does not take resume=True, because all data are fitted together: mask chooses "
            "the sets that are"
        )
    if getattr(settings, "priors", None):
        raise ValueError(
            "shared takes no priors: those of a shared parameter would count once for every set"
        )
    names = checked_names(settings.shared, problem.names, settings.fixed, settings.ties)
    whole = JointFit([SetsRun(problem, settings, names)], names, settings)

    def told(seconds: float) -> Fits:
        joint = whole.joint(seconds)
        return whole.fits(0, joint, partial(_shared_fits, joint))

    return whole.carried(began, told)


def _shared_fits(joint: Joint, arrays: Arrays, lead: Any, *given: Any) -> Fits:
    shared, sides, about = given
    return SharedFits(arrays, lead, shared, sides, {**about, "joint": joint})


class JointFit:
    """One fit of several groups of data sets together.

    Parameters
    ----------
    runs : list of SetsRun
        The checked arguments of each group.
    names : list of str
        The names of the shared parameters.
    settings : ManyFitSettings
        The settings that all groups share.
    """

    def __init__(self, runs: list[SetsRun], names: list[str], settings: ManyFitSettings) -> None:
        self.names, self.settings = names, settings
        self.groups = [DataSets(run, names) for run in runs]
        q = len(names)
        low, high = np.full(q, -np.inf), np.full(q, np.inf)
        units: FloatArray | None = None
        start = np.full(q, np.nan)
        for g, run in zip(self.groups, runs, strict=True):
            if g.reader.box:
                ends = [end[g.their] for end in g.reader.box]
                low[g.place] = np.maximum(low[g.place], ends[0])
                high[g.place] = np.minimum(high[g.place], ends[1])
            if run.descents.scale is not None:
                units = np.ones(q) if units is None else units
                units[g.place] = 1.0 / run.descents.scale[g.their]
            lacking = np.isnan(start[g.place])
            start[g.place[lacking]] = g.start[lacking]
        self.box = [low, high] if np.isfinite(low).any() or np.isfinite(high).any() else []
        self.start = start
        stopping = runs[0].descents.stopping
        self.descent = JointDescent(self.groups, start, self.box, units, stopping)
        self.spread: JointSpread | None = None

    def carried(self, began: float, told: Callable[[float], R]) -> R:
        """Descend, and build the result; an interrupt carries the result so far."""

        def run(_: Parts) -> None:
            with Progress(self.settings.progress) as shown:
                if self.settings.progress:
                    self.descent.progress = shown.update
                self.descent.run()

        def result(_: Parts, seconds: float) -> R:
            return told(seconds)

        return carried(began, run, result, lambda _: "the parameters so far, not converged")

    # ---- results

    def joint(self, seconds: float) -> Joint:
        """Compute the result of the shared parameters."""
        descent, settings = self.descent, self.settings
        verdict, s = descent.verdict, descent.s
        scaled = not (settings.absolute_sigma or settings.poisson)
        total = descent.total
        spread = self.spread = joint_spread(self.groups, s, self.start, self.box, scaled, total)
        most = verdict.reason == Reason.max_evaluations
        message = explained(
            verdict.reason, verdict.left, verdict.right,
            int(verdict.left) if most else descent.nfev, self._limit,
            lambda: "no set has a finite cost at the start",
        )  # fmt: skip
        if spread.loose.any():
            message += f"; the data do not determine {named(self.names, spread.loose)}"
        with np.errstate(divide="ignore", invalid="ignore"):
            reduced = float(np.divide(2.0 * total, max(spread.freedom, 0)))
        lost = verdict.reason == Reason.non_finite
        values = np.full(len(s), np.nan) if lost else s
        return Joint(
            shared=dict(zip(self.names, values.tolist(), strict=True)),
            errors=dict(zip(self.names, spread.errors.tolist(), strict=True)),
            names=list(self.names), covariance=spread.covariance, cost=total,
            dof=spread.freedom, reduced_chi2=reduced, reason=verdict.reason,
            success=verdict.reason.success, message=message,
            determined=not spread.loose.any(), nit=descent.nit, nfev=descent.nfev,
            elapsed=seconds,
        )  # fmt: skip

    @property
    def _limit(self) -> int:
        return self.groups[0].run.descents.stopping.max_nfev

    def fits(self, i: int, joint: Joint, make: Callable[..., Fits]) -> Fits:
        """Build the result of the sets of a group."""
        g, run = self.groups[i], self.groups[i].run
        part = self._arrays(i)
        sides: Arrays = {name: np.empty(run.problem.lead) for name in SIDES}
        run.prepare(sides)
        run.write(0, g.k, part, sides)
        shared = {"names": list(run.problem.names), "elapsed": joint.elapsed}
        about = {"max_nfev": self._limit, "free": list(g.reader.layout.free)}
        return make(run.arrays, run.problem.lead, shared, sides, about)

    def _arrays(self, i: int) -> Arrays:
        """Return the arrays of the results of a group's sets, and their sides."""
        g, descent, joint = self.groups[i], self.descent, self.spread
        assert joint is not None
        k, layout = g.k, g.reader.layout
        idle = ~g.active
        popt = g.all_parameters(descent.s)
        popt[np.ix_(np.flatnonzero(idle), np.array(g.local, dtype=np.intp))] = np.nan
        spread = set_spread(g, joint, descent.s)
        endings, verdict = descent.endings[i], descent.verdict
        reason, left, right = endings.reason.copy(), endings.left.copy(), endings.right.copy()
        if not verdict.reason.success or not g.p:
            reason[:], left[:], right[:] = verdict.reason, verdict.left, verdict.right
        reason[idle] = Reason.non_finite
        left[idle] = np.nan
        if verdict.reason == Reason.non_finite:
            popt[:] = np.nan
        worse = g.worse(descent.s)
        worse[idle] = False
        cost = np.where(idle, np.nan, g.cost)
        return {
            "popt": popt, "pcov": spread.pcov, "perr": spread.perr, "cost": cost,
            "nit": np.full(k, descent.nit), "nfev": descent.evaluations[i],
            "n_missing": layout.m - g.rows, "determined": np.logical_not(spread.open.any(axis=1)),
            "worse": worse, "left": left, "right": right,
            "open": bits_of(spread.open), "flat": np.full(k, np.nan), **verdicts(reason),
        }  # fmt: skip
