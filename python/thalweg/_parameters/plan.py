# SPDX-License-Identifier: BSD-3-Clause
"""Compute all parameters of a model from those that are fitted.

A parameter is fitted, fixed at a value, or tied to others by a traced function. Single fits and
many fits use the same plan.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from thalweg._objectives.grafting import grafted
from thalweg._objectives.objective import Objective
from thalweg._objectives.points import FloatArray
from thalweg._tracing.trace import Trace, Tracer, traced_node

__all__ = ["Expansion", "Plan", "Tie", "spread_of_all"]


@dataclass(frozen=True)
class Tie:
    """A parameter that is a function of others.

    Attributes
    ----------
    position : int
        The position of the parameter.
    function : callable
        The function, written in NumPy.
    arguments : tuple of str
        The names of the parameters that it takes.
    positions : tuple of int
        Their positions.
    """

    position: int
    function: Callable[..., Any]
    arguments: tuple[str, ...]
    positions: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """The positions of the parameters that are fitted, fixed and tied.

    Attributes
    ----------
    free, fixed : tuple of int
        The positions of the parameters that are fitted, and of those that are fixed.
    ties : tuple of Tie
        The other parameters, in an order in which each depends on earlier ones alone.
    """

    free: tuple[int, ...]
    fixed: tuple[int, ...] = ()
    ties: tuple[Tie, ...] = ()

    @property
    def n(self) -> int:
        """The number of all parameters."""
        return len(self.free) + len(self.fixed) + len(self.ties)

    @property
    def whole(self) -> bool:
        """Whether all parameters are fitted."""
        return not (self.fixed or self.ties)

    @cached_property
    def sources(self) -> dict[int, tuple[int, ...]]:
        """For each tied parameter, by position, the fitted ones (0 to n - 1) that it depends on."""
        place = {k: {i} for i, k in enumerate(self.free)} | {k: set() for k in self.fixed}
        for tie in self.ties:
            place[tie.position] = set().union(*(place[k] for k in tie.positions))
        return {tie.position: tuple(sorted(place[tie.position])) for tie in self.ties}

    def all_of(self, trace: Trace, free: Sequence[Any], fixed: Sequence[Any]) -> list[Any]:
        """Return all parameters of a model, traced, from the fitted and the fixed ones.

        Raises
        ------
        TraceError
            If the function of a tied parameter cannot be traced.
        ValueError
            If it does not return one number.
        """
        every: list[Any] = [None] * self.n
        for k, value in zip((*self.free, *self.fixed), (*free, *fixed), strict=True):
            every[k] = value
        for tie in self.ties:
            given = {name: every[k] for name, k in zip(tie.arguments, tie.positions, strict=True)}
            value = Tracer(trace, traced_node(trace, tie.function, (), given))
            if value.size != 1:
                raise ValueError(
                    f"a function in ties must return one number, got shape {value.shape}"
                )
            every[tie.position] = Tracer(trace, trace.graph.reshape(value.node, ()))
        return every


class Expansion:
    """All parameters of a model as a function of the fitted ones.

    Parameters
    ----------
    plan : Plan
        Which parameters are fitted, fixed and tied.
    fixed : ndarray
        The values of the fixed parameters.
    """

    def __init__(self, plan: Plan, fixed: FloatArray) -> None:
        self.plan, self.fixed = plan, fixed

    @cached_property
    def _objective(self) -> Objective:
        return self._traced(lambda _, p: p)

    def _traced(self, value: Callable[[Trace, int], int]) -> Objective:
        """Return the objective of the fitted parameters whose value is a node made from all."""
        plan = self.plan

        def function(x: Any, *fixed: Any) -> Tracer:
            trace = x.trace
            held = [fixed[0][i] for i in range(len(plan.fixed))] if plan.fixed else []
            every = plan.all_of(trace, [x[i] for i in range(len(plan.free))], held)
            p = trace.stack([trace.lift(each) for each in every])
            return Tracer(trace, value(trace, p))

        given = (self.fixed,) if plan.fixed else ()
        return Objective(function, np.ones(len(plan.free)), given, unpack=False)

    def of(self, objective: Objective) -> Objective:
        """Return an objective of all parameters as one of the fitted parameters.

        The values of the fixed parameters are the first of its `args`.
        """
        return self._traced(
            lambda trace, p: grafted(objective._graph, objective._f, trace.graph, {0: p})
        )

    def __call__(self, x: FloatArray) -> FloatArray:
        """Return all parameters (p,) for the fitted ones (n,)."""
        every: FloatArray = self._objective(x)
        return every

    def slopes(self, x: FloatArray) -> FloatArray:
        """Return the derivatives (p, n) of all parameters by the fitted ones."""
        slopes: FloatArray = self._objective.jacobian(x)
        return slopes

    def spread(self, x: FloatArray, covariance: FloatArray) -> FloatArray:
        """Return the covariance (p, p) of all parameters from that of the fitted ones at x."""
        tied = [tie.position for tie in self.plan.ties]
        return spread_of_all(self.plan, covariance, self.slopes(x)[tied])


def spread_of_all(plan: Plan, covariance: FloatArray, slopes: FloatArray) -> FloatArray:
    """Return the covariances (..., p, p) of all parameters from those of the fitted ones.

    They are T C T' with T = d(all parameters) / d(fitted parameters). A tied parameter has the
    NaN or infinities of the parameters that it depends on, and of no others.

    Parameters
    ----------
    plan : Plan
        Which parameters are fitted.
    covariance : ndarray (..., n, n)
        The covariances of the fitted parameters.
    slopes : ndarray (..., t, n)
        The derivatives of the tied parameters, in the order of `plan.ties`.
    """
    p, n, lead = plan.n, len(plan.free), covariance.shape[:-2]
    own = covariance.reshape(-1, n, n)
    slopes = slopes.reshape(len(own), len(plan.ties), n if plan.ties else 0)
    whole = np.zeros((len(own), p, p))
    free = np.array(plan.free)
    whole[:, free[:, None], free] = own
    known = [*plan.free]
    with np.errstate(invalid="ignore"):
        for row, tie in enumerate(plan.ties):  # each takes its place beside the earlier ones
            among, at = list(plan.sources[tie.position]), tie.position
            factors = slopes[:, row, among]
            whole[:, at] = whole[:, :, at] = np.einsum("ki,kij->kj", factors, whole[:, free[among]])
            whole[:, at, at] = np.einsum("ki,ki->k", factors, whole[:, at, free[among]])
            known.append(at)
            endless = np.isinf(np.diagonal(own, axis1=1, axis2=2)[:, among]).any(axis=1)
            for k in known if endless.any() else ():
                whole[endless, at, k] = whole[endless, k, at] = np.inf
    return whole.reshape(*lead, p, p)
