# SPDX-License-Identifier: BSD-3-Clause
"""Sums of squares as the core's Levenberg-Marquardt minimizes them: of traced or called residuals.

What the user's words mean is settled in least_squares.py and curve_fit.py.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from math import inf, prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from thalweg import _core
from thalweg._fits.robust import LOSSES, Rho, curvature, weighted
from thalweg._fits.soundness import (
    FACTORS,
    NOT_BEGUN,
    SINGULAR,
    VAGUE,
    bent_down,
    beside,
    linear,
    refined,
    undetermined,
)
from thalweg._objectives.points import FloatArray, Structure, as_floats, structure_of
from thalweg._results.reasons import SUCCESS, Reason
from thalweg._tracing.errors import TraceError
from thalweg._tracing.numbers import first_bad
from thalweg._tracing.trace import Trace, Tracer

if TYPE_CHECKING:
    from thalweg._objectives.objective import Objective

__all__ = ["FOREVER", "CalledSquares", "Ending", "Squares", "TracedSquares", "ending_of"]

FOREVER = 2**62
# Central differences: the step at which truncation (h**2) and rounding (eps / h) meet.
_STEP = float(np.finfo(np.float64).eps) ** (1 / 3)

Listener = Callable[[int, FloatArray, float, float], bool]


class Ending(NamedTuple):
    """How a fit ended: what `_core.Fit.fit` tells."""

    x: FloatArray
    covariance: FloatArray
    rank: int  # -1: there are as many parameters as data
    pivot: float  # the last one of J's columns, scaled to length one; 0: dependent
    loose: npt.NDArray[np.bool_]  # which parameters are dependent
    cost: float
    reason: int
    left: float  # both sides of the inequality that decided
    right: float
    nfev: int
    nit: int


def ending_of(out: dict[str, Any]) -> Ending:
    """The same of a run, without a covariance."""
    return Ending(
        out["x"][0], np.empty((0, 0)), 0, 1.0, np.zeros(out["x"].shape[1], dtype=bool),
        float(out["fun"][0]), int(out["reason"][0]),
        float(out["left"][0]), float(out["right"][0]), int(out["nfev"][0]), int(out["nit"][0]),
    )  # fmt: skip


class Squares:
    """Residuals, their loss, and what it takes to descend on them.

    Attributes
    ----------
    structure : Structure
        How points look to the user.
    shape : tuple of int
        Shape of the residuals.
    """

    structure: Structure
    shape: tuple[int, ...]
    rho: Rho | None
    f_scale: float
    threads: int

    @property
    def n(self) -> int:
        """Number of variables."""
        return self.structure.size

    def run(
        self,
        x: FloatArray,
        bounds: list[FloatArray],
        scale: FloatArray | None,
        stops: dict[str, Any],
        listener: Listener | None = None,
        factor: float = FACTORS[0],
    ) -> dict[str, Any]:
        """Descend from x (n,); what the core tells of the ending, each with one row."""
        raise NotImplementedError

    def fit(
        self,
        x: FloatArray,
        box: list[FloatArray],
        scale: FloatArray | None,
        stops: dict[str, Any],
        rows: int,
        factor: float = FACTORS[0],
    ) -> Ending:
        """Descend from x; the covariance too, scaled by what is left to so many data (0: not)."""
        ending = self.descended(x, box, scale, stops, rows, factor)
        return self.further(ending, box, rows, stops["max_nfev"])

    def further(self, ending: Ending, box: list[FloatArray], rows: int, max_nfev: int) -> Ending:
        """An ending, gone on with by J itself where J'J is singular to rounding."""
        if ending.pivot >= SINGULAR:
            return ending
        further = refined(functools.partial(linear, self), ending, box, max_nfev)
        return further if further.nit == ending.nit else self.spread(further, box, rows)

    def descended(
        self,
        x: FloatArray,
        box: list[FloatArray],
        scale: FloatArray | None,
        stops: dict[str, Any],
        rows: int,
        factor: float,
    ) -> Ending:
        """The same by J'J alone."""
        out = self.run(x, box, scale, stops, None, factor)
        if out["error"] is not None:
            raise out["error"]
        return self.spread(ending_of(out), box, rows)

    def explained_stop(self, ending: Ending) -> Ending:
        """The last ending of all tries: stuck beside what is not finite, it says so."""
        if (
            ending.reason == Reason.stuck
            and not np.signbit(ending.left)
            and beside(functools.partial(linear, self), ending.x) is not None
        ):
            return ending._replace(reason=int(Reason.non_finite))
        return ending

    def left_open(
        self, ending: Ending, x0: FloatArray, scale: FloatArray | None
    ) -> npt.NDArray[np.bool_]:
        """Which parameters the data do not determine at an ending from x0."""
        if ending.reason in NOT_BEGUN:
            return np.zeros(ending.x.size, dtype=bool)
        errors = np.sqrt(np.diag(ending.covariance))
        found = undetermined(errors, ending.loose, ending.x, x0, scale)
        vague = undetermined(errors, ending.loose, ending.x, x0, scale, VAGUE)
        if found.any() or not vague.any() or not SUCCESS[ending.reason]:
            return found
        held = np.isnan(errors)
        return vague if bent_down(functools.partial(linear, self), ending.x, held) else found

    def spread(self, ending: Ending, box: list[FloatArray], rows: int) -> Ending:
        """An ending with the covariance there."""
        r, jacobian = self.at(ending.x)
        if self.rho is not None:
            jacobian = jacobian * np.sqrt(curvature(self.rho, r, self.f_scale))[:, None]
        held = (ending.x <= box[0]) | (ending.x >= box[1]) if box else None
        covariance, rank, pivot, loose = _core.covariance(jacobian.T, held)
        free = self.n - (0 if held is None else int(np.count_nonzero(held)))
        if rows and rank == free:
            if rows > free:
                covariance *= 2.0 * ending.cost / (rows - free)
            elif free:
                covariance[~np.isnan(covariance)] = inf
                rank = -1
        return ending._replace(covariance=covariance, rank=rank, pivot=pivot, loose=loose)

    def at(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Residuals (m,) and Jacobian (m, n) at x (n,)."""
        raise NotImplementedError

    def evaluations(self, told: int) -> tuple[int, int]:
        """Evaluations of the residuals and of the Jacobian, of which the core counts `told`."""
        return told, told

    def blame(self, x: FloatArray) -> str:
        """What made the residuals, or else their derivatives, not finite at x."""
        raise NotImplementedError

    def told(self, x: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        """Cost, gradient and normal matrix at x."""
        r, jacobian = self.at(x)
        with np.errstate(all="ignore"):  # a point that is not finite ends as one
            if self.rho is None:
                return 0.5 * float(r @ r), jacobian.T @ r, jacobian.T @ jacobian
            cost, share = (np.asarray(v) for v in weighted(self.rho, r, self.f_scale))
            rows = jacobian * share[:, None]
            return float(cost.sum()), rows.T @ r, rows.T @ jacobian


def sum_of_squares(
    graph: _core.Graph, residuals: int, x: int, inputs: int, rho: Rho | None
) -> _core.Minimizer:
    """Cost, gradient and normal matrix of a traced vector as one tape, for the core to minimize."""
    m, n = prod(graph.shape(residuals)), prod(graph.shape(x))
    trace = Trace(graph)
    r = Tracer(trace, graph.reshape(residuals, (m,)))
    if rho is None:
        cost = np.sum(r * r) * 0.5
        derivatives = graph.normal_equations(r.node, r.node, -1, x)
    else:
        costs, share = weighted(rho, r, trace.input(inputs, ()))
        cost = np.sum(trace.wrap(costs))
        derivatives = graph.normal_equations(r.node, trace.lift(share * r), trace.lift(share), x)
        inputs += 1
    return _core.Minimizer("lm", graph, cost.node, n, inputs, derivatives)


def kept_sum_of_squares(objective: Objective, rho: Rho | None) -> _core.Minimizer:
    """The core's least squares on an objective's values as residuals; made once for each loss.

    With a loss, its scale is one more input.
    """
    return objective.kept_squares(
        rho, lambda graph, f, x, inputs: sum_of_squares(graph, f, x, inputs, rho)
    )


def told_minimizer(n: int) -> _core.Minimizer:
    """The core's least squares of n variables where values are told."""
    return _core.Minimizer("lm", _core.Graph(), -1, n, 1)


class TracedSquares(Squares):
    """Residuals that were traced; what is lowered for them stays with the objective."""

    def __init__(
        self,
        objective: Objective,
        rho: Rho | None = None,
        f_scale: float = 1.0,
        args: list[FloatArray] | None = None,
        names: tuple[str, ...] = (),
    ) -> None:
        self.names = names  # of the args, for messages
        self.objective, self.rho, self.f_scale = objective, rho, f_scale
        self.args = objective.args if args is None else args
        self.structure, self.shape = objective.structure, objective.shape
        self.threads = objective.threads

    def run(
        self,
        x: FloatArray,
        bounds: list[FloatArray],
        scale: FloatArray | None,
        stops: dict[str, Any],
        listener: Listener | None = None,
        factor: float = FACTORS[0],
    ) -> dict[str, Any]:
        """Descend from x."""
        args: list[FloatArray | None] = [None, *self.args]
        if self.rho is not None:
            args.append(np.array(self.f_scale))
        varying = [True] + [False] * (len(args) - 1)
        told = None
        try:
            minimizer = kept_sum_of_squares(self.objective, self.rho)
        except TraceError:
            if self.rho in LOSSES.values():
                raise
            # A loss of the user's own that fills an array, say: it is called with numbers.
            minimizer, args, varying, told = told_minimizer(self.n), [], [], self.told
        return minimizer.run(
            x[None, :], args, varying, [factor], bounds, None,
            _core.Stopping(**stops, threads=self.threads), record=False, callback=listener,
            function=told, scale=scale,
        )  # fmt: skip

    def descended(
        self,
        x: FloatArray,
        box: list[FloatArray],
        scale: FloatArray | None,
        stops: dict[str, Any],
        rows: int,
        factor: float,
    ) -> Ending:
        """As above, in one call of the core where there is no loss."""
        if self.rho is not None:
            return super().descended(x, box, scale, stops, rows, factor)
        return Ending(*self.objective.fit(x, self.args, box, scale, rows, stops, factor))

    def at(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Residuals and Jacobian at x."""
        return self.objective.with_numbers(self.args).residuals_and_jacobian(x[None, :])

    def blame(self, x: FloatArray) -> str:
        """What made the residuals, or else their derivatives, not finite at x."""
        for jacobian in (False, True):
            if found := self.objective.with_numbers(self.args).diagnose_residuals(
                x[None, :], jacobian
            ):
                name, inputs, value, _ = found
                given = ", ".join(f"{v:.6g}" for v in inputs) or "..."
                return f"{name}({given}) = {value:g}" + " in the Jacobian" * jacobian
        return self.objective.bad_data(self.args, self.names) or "their squares overflow"


class CalledSquares(Squares):
    """Residuals that are called at every evaluation (`trace=False`)."""

    def __init__(
        self,
        function: Callable[..., Any],
        x0: Any,
        args: tuple[Any, ...],
        jac: Callable[..., Any] | None,
        unpack: bool | None,
        rho: Rho | None = None,
        f_scale: float = 1.0,
    ) -> None:
        self.structure, start = structure_of(x0, function, len(args), unpack)
        self._function, self._jac, self._args = function, jac, args
        self.rho, self.f_scale, self.threads = rho, f_scale, 1
        self.limits: list[FloatArray] = []  # differences lean inwards at a bound
        self.calls = [0, 0]
        self._known: dict[bytes, tuple[FloatArray, FloatArray]] = {}
        self._first = (start.tobytes(), self._residuals(start))
        self.calls[0] = 1
        self.shape = self._first[1].shape

    def _call(self, function: Callable[..., Any], x: FloatArray) -> Any:
        return self.structure.call(function, x, self._args)

    def _residuals(self, x: FloatArray) -> FloatArray:
        return as_floats(self._call(self._function, x), "the residuals")

    def run(
        self,
        x: FloatArray,
        bounds: list[FloatArray],
        scale: FloatArray | None,
        stops: dict[str, Any],
        listener: Listener | None = None,
        factor: float = FACTORS[0],
    ) -> dict[str, Any]:
        """Descend from x."""
        self.limits = bounds
        return told_minimizer(self.n).run(
            x[None, :], [], [], [factor], bounds, None, _core.Stopping(**stops), record=False,
            callback=listener, function=self.told, scale=scale,
        )  # fmt: skip

    def at(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Residuals and Jacobian at x."""
        key = x.tobytes()
        if key not in self._known:
            if key == self._first[0]:
                r = self._first[1].ravel()
            else:
                r = self._residuals(x).ravel()
                self.calls[0] += 1
            self.calls[1] += 1
            # The latest two: a trial, and the point that it did not improve on.
            self._known = dict([*self._known.items()][-1:])
            self._known[key] = r, self._jacobian(x, r.size)
        return self._known[key]

    def evaluations(self, _: int) -> tuple[int, int]:
        """Calls so far; those for differences are not counted."""
        return self.calls[0], self.calls[1]

    def _jacobian(self, x: FloatArray, m: int) -> FloatArray:
        if self._jac is not None:
            given = as_floats(self._call(self._jac, x), "jac")
            if given.shape != (m, x.size) and not (x.size == 1 and given.size == m):
                raise ValueError(
                    f"The return value of `jac` has wrong shape: expected {(m, x.size)}, "
                    f"actual {given.shape}."
                )
            return given.reshape(m, x.size)
        jacobian = np.empty((m, x.size))
        for i in range(x.size):
            h = _STEP * max(1.0, abs(x[i]))
            high, low = x.copy(), x.copy()
            high[i] += h
            low[i] -= h
            if self.limits:
                high[i], low[i] = min(high[i], self.limits[1][i]), max(low[i], self.limits[0][i])
            width = high[i] - low[i]
            change = self._residuals(high).ravel() - self._residuals(low).ravel()
            jacobian[:, i] = change / width if width > 0 else 0.0
        return jacobian

    def blame(self, x: FloatArray) -> str:
        """What made the residuals not finite at x."""
        r = self.at(x)[0]
        return "their squares overflow" if np.isfinite(r).all() else f"their array {first_bad(r)}"
