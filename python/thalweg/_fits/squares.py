# SPDX-License-Identifier: BSD-3-Clause
"""Run the core's Levenberg-Marquardt solver on residuals, which are traced or called.

The arguments of users are checked elsewhere, in settings.py, least_squares.py and curve_fit.py.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from thalweg import _core
from thalweg._descents.callbacks import Listener
from thalweg._fits.robust import LOSSES, Rho, curvature, weighted
from thalweg._fits.settings import SquaresSettings, within_limits
from thalweg._fits.soundness import (
    FACTORS,
    NOT_BEGUN,
    SINGULAR,
    again,
    bent_down,
    beside,
    better,
    clearly_determined,
    refined,
    undetermined,
    worse,
)
from thalweg._objectives.bounds import at_bounds
from thalweg._objectives.differences import central_differences
from thalweg._objectives.points import FloatArray, Structure, as_floats, structure_of
from thalweg._results.reasons import SUCCESS, Reason
from thalweg._tracing.errors import TraceError
from thalweg._tracing.numbers import first_bad
from thalweg._tracing.trace import Trace, Tracer

if TYPE_CHECKING:
    from thalweg._objectives.objective import Objective

__all__ = [
    "CalledSquares", "Ending", "Squares", "TracedSquares", "best_of", "cost_and_derivatives",
    "ending_of", "kept_sum_of_squares", "put_ending", "tries_from", "weights_and_cost",
]  # fmt: skip


class Ending(NamedTuple):
    """How a fit ended, in the order in which `_core.Fit.run` returns it."""

    x: FloatArray
    covariance: FloatArray
    rank: int  # -1 if there are as many parameters as data
    pivot: float  # the last pivot of J with columns of length one; 0 if columns are dependent
    loose: npt.NDArray[np.bool_]  # which parameters depend on others
    cost: float
    reason: int
    left: float  # the sides of the inequality that decided
    right: float
    nfev: int
    nit: int


# Names in the core's output of a run, in the order of `Ending`.
_OUTCOME = ("fun", "reason", "left", "right", "nfev", "nit")


def ending_of(out: dict[str, Any], lane: int = 0) -> Ending:
    """Return how one descent of a run ended, without a covariance."""
    x = out["x"][lane].copy()
    numbers = (out[name][lane].item() for name in _OUTCOME)
    return Ending(x, np.empty((0, 0)), 0, 1.0, np.zeros(x.size, dtype=bool), *numbers)


def put_ending(out: dict[str, Any], lane: int, ending: Ending) -> None:
    """Replace the ending of one descent in the core's output."""
    out["x"][lane] = ending.x
    for name, value in zip(_OUTCOME, ending[5:], strict=True):
        out[name][lane] = value


class Squares:
    """Residuals with their loss, bounds and units, and descents on the sum of their squares.

    Attributes
    ----------
    structure : Structure
        The form of points for the user.
    shape : tuple of int
        The shape of the residuals.
    rho : callable or None
        The loss; None if it is linear.
    f_scale : float
        The scale of the loss.
    box : list of ndarray
        [lower, upper] bounds of the variables, or [].
    scale : ndarray, optional
        The unit of each variable; None if the norms of the Jacobian's columns decide.
    """

    structure: Structure
    shape: tuple[int, ...]
    threads: int

    def __init__(self, settings: SquaresSettings) -> None:
        self.rho, self.f_scale = settings.rho, settings.f_scale
        self.box: list[FloatArray] = []
        self.scale: FloatArray | None = None

    @property
    def n(self) -> int:
        """The number of variables."""
        return self.structure.size

    @property
    def loss(self) -> Callable[[Any], Any] | None:
        """The cost of each residual as a function; None if the loss is linear."""
        rho, f_scale = self.rho, self.f_scale
        return None if rho is None else lambda r: weighted(rho, r, f_scale)[0]

    def run(
        self,
        x: FloatArray,
        stopping: _core.Stopping,
        factor: float = FACTORS[0],
        listener: Listener | None = None,
    ) -> dict[str, Any]:
        """Descend from x (n,), and return the core's output, in arrays with one row."""
        raise NotImplementedError

    def fit(self, x: FloatArray, stopping: _core.Stopping, rows: int, factor: float) -> Ending:
        """Descend from x and compute the covariance.

        It is scaled by the variance of the data, of which there are `rows`; 0 means no scaling.
        """
        ending = self.descended(x, stopping, rows, factor)
        return self.further(ending, rows, stopping.max_nfev)

    def further(self, ending: Ending, rows: int, max_nfev: int) -> Ending:
        """Take further steps by QR of J if J'J is singular to rounding, and return the ending."""
        if ending.pivot >= SINGULAR:
            return ending
        further = refined(self.linear, ending, self.box, max_nfev)
        return further if further.nit == ending.nit else self.spread(further, rows)

    def descended(
        self, x: FloatArray, stopping: _core.Stopping, rows: int, factor: float
    ) -> Ending:
        """Do the same as `fit` with J'J alone."""
        out = self.run(x, stopping, factor)
        if out["error"] is not None:
            raise out["error"]
        return self.spread(ending_of(out), rows)

    def explained_stop(self, ending: Ending) -> Ending:
        """Return the ending, with reason `non_finite` if it is stuck next to such a point."""
        if (
            ending.reason == Reason.stuck
            and not np.signbit(ending.left)
            and beside(self.linear, ending.x) is not None
        ):
            return ending._replace(reason=int(Reason.non_finite))
        return ending

    def left_open(self, ending: Ending, x0: FloatArray) -> npt.NDArray[np.bool_]:
        """Return which parameters the data do not determine, for a descent from x0."""
        if ending.reason in NOT_BEGUN or clearly_determined(
            ending.covariance, ending.loose, ending.x
        ):
            return np.zeros(ending.x.size, dtype=bool)
        errors = np.sqrt(np.diag(ending.covariance))
        found, vague = undetermined(errors, ending.loose, ending.x, x0, self.scale)
        if found.any() or not vague.any() or not SUCCESS[ending.reason]:
            return found

        def at(x: FloatArray) -> tuple[FloatArray, FloatArray]:
            _, r, columns = self.linear(x[0])
            return r[None], columns[None]

        bent = bent_down(at, ending.x[None], np.isnan(errors)[None])
        return vague if bent[0] else found

    def spread(self, ending: Ending, rows: int) -> Ending:
        """Return the ending with its covariance."""
        held = at_bounds(ending.x, self.box)
        r, jacobian = self.at(ending.x)
        with np.errstate(all="ignore"):
            jacobian = self.curved(r, jacobian)
        covariance, rank, pivot, loose = _core.covariance(jacobian.T, held, ending.cost, rows)
        return ending._replace(covariance=covariance, rank=rank, pivot=pivot, loose=loose)

    def at(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return residuals (m,) and Jacobian (m, n) at x (n,)."""
        raise NotImplementedError

    def evaluations(self, counted: int) -> tuple[int, int]:
        """Return the numbers of evaluations of residuals and Jacobian from the core's count."""
        return counted, counted

    def blame(self, x: FloatArray) -> str:
        """Describe what made the residuals, or else their derivatives, non-finite at x."""
        raise NotImplementedError

    # ---- values with the loss

    def weigh(self, r: FloatArray) -> tuple[float, FloatArray | None]:
        """Return the cost of residuals, and their weights in the gradient, None without a loss."""
        if self.rho is None:
            return 0.5 * float(r @ r), None
        costs, share = (np.asarray(v) for v in weighted(self.rho, r, self.f_scale))
        return float(costs.sum()), share

    def curved(self, r: FloatArray, jacobian: FloatArray) -> FloatArray:
        """Scale the rows of the Jacobian so that J'J is the Gauss-Newton matrix of the cost."""
        if self.rho is None:
            return jacobian
        curved: FloatArray = jacobian * np.sqrt(curvature(self.rho, r, self.f_scale))[:, None]
        return curved

    def evaluate(self, x: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        """Return cost, gradient and normal matrix at x; the core calls this."""
        r, jacobian = self.at(x)
        with np.errstate(all="ignore"):  # the core handles points that are not finite
            cost, share = self.weigh(r)
            rows = jacobian if share is None else jacobian * share[:, None]
            return cost, rows.T @ r, rows.T @ jacobian

    def linear(self, x: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        """Return cost, residuals and J's columns (n, m), weighted so that J'r is the gradient."""
        r, jacobian = self.at(x)
        with np.errstate(all="ignore"):
            cost, share = self.weigh(r)
            if share is None:
                return cost, r, jacobian.T
            root = np.sqrt(np.maximum(share, 0.0))
            return cost, root * r, (jacobian * root[:, None]).T


def weights_and_cost(r: Tracer, rho: Rho | None, f_scale: Tracer | None) -> tuple[Any, Any]:
    """Return traced weights of the Jacobian's rows in the covariance, or None, and the cost."""
    if rho is None:
        return None, np.sum(r * r) * 0.5
    costs, _ = weighted(rho, r, f_scale)
    return curvature(rho, r, f_scale), np.sum(r.trace.wrap(costs))


def cost_and_derivatives(
    r: Tracer, x: int, rho: Rho | None, f_scale: Tracer | None
) -> tuple[Tracer, tuple[int, int]]:
    """Return the cost of traced residuals (m,), and nodes of its gradient and normal matrix."""
    trace, graph = r.trace, r.trace.graph
    if rho is None:
        return np.sum(r * r) * 0.5, graph.normal_equations(r.node, r.node, -1, x)
    costs, share = weighted(rho, r, f_scale)
    derivatives = graph.normal_equations(r.node, trace.lift(share * r), trace.lift(share), x)
    return np.sum(trace.wrap(costs)), derivatives


def kept_sum_of_squares(objective: Objective, rho: Rho | None) -> _core.Minimizer:
    """Return the core's solver for the residuals of an objective, built once for each loss.

    With a loss, its scale is an additional input.
    """

    def make(graph: _core.Graph, residuals: int, x: int, inputs: int) -> _core.Minimizer:
        m, n = prod(graph.shape(residuals)), prod(graph.shape(x))
        trace = Trace(graph)
        r = Tracer(trace, graph.reshape(residuals, (m,)))
        scale = None if rho is None else trace.input(inputs, ())
        cost, derivatives = cost_and_derivatives(r, x, rho, scale)
        squares = _core.Objective(graph, cost.node, n, inputs + (rho is not None))
        return _core.Minimizer("lm", squares, derivatives)

    return objective.kept_squares(rho, make)


def calling_minimizer(n: int) -> _core.Minimizer:
    """Return the core's solver for n variables whose residuals are called."""
    return _core.Minimizer("lm", _core.Objective(_core.Graph(), -1, n))


class TracedSquares(Squares):
    """Residuals that were traced; the objective keeps their tapes."""

    def __init__(
        self,
        objective: Objective,
        settings: SquaresSettings,
        args: list[FloatArray] | None = None,
        names: tuple[str, ...] = (),
    ) -> None:
        super().__init__(settings)
        self.names = names  # the names of the args in messages
        self.objective = objective
        self.args = objective.args if args is None else args
        self.structure, self.shape = objective.structure, objective.shape
        self.threads = objective.threads

    def run(
        self,
        x: FloatArray,
        stopping: _core.Stopping,
        factor: float = FACTORS[0],
        listener: Listener | None = None,
    ) -> dict[str, Any]:
        """Descend from x."""
        args = [*self.args]
        if self.rho is not None:
            args.append(np.array(self.f_scale))
        function = None
        try:
            minimizer = kept_sum_of_squares(self.objective, self.rho)
        except TraceError:
            if self.rho in LOSSES.values():
                raise
            # A user's own loss may fail to trace, for example if it fills an array: call it.
            minimizer, args, function = calling_minimizer(self.n), [], self.evaluate
        starts = _core.Starts(x[None, :], args)
        hooks = _core.Hooks(callback=listener, function=function)
        return minimizer.run(starts, [factor], self.box, stopping, hooks, self.scale)

    def descended(
        self, x: FloatArray, stopping: _core.Stopping, rows: int, factor: float
    ) -> Ending:
        """Do the same as `fit` with J'J alone, in one call of the core if there is no loss."""
        if self.rho is not None:
            return super().descended(x, stopping, rows, factor)
        return Ending(
            *self.objective.fit(x, self.args, self.box, self.scale, rows, stopping, factor)
        )

    def at(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return residuals and Jacobian at x."""
        return self.objective.with_numbers(self.args).residuals_and_jacobian(x[None, :])

    def blame(self, x: FloatArray) -> str:
        """Describe what made the residuals, or else their derivatives, non-finite at x."""
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
        settings: SquaresSettings,
    ) -> None:
        super().__init__(settings)
        self.structure, start = structure_of(x0, function, len(args), unpack)
        self._function, self._jac, self._args = function, jac, args
        self.threads = 1
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
        stopping: _core.Stopping,
        factor: float = FACTORS[0],
        listener: Listener | None = None,
    ) -> dict[str, Any]:
        """Descend from x."""
        starts = _core.Starts(x[None, :])
        hooks = _core.Hooks(callback=listener, function=self.evaluate)
        minimizer = calling_minimizer(self.n)
        return minimizer.run(starts, [factor], self.box, stopping, hooks, self.scale)

    def at(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return residuals and Jacobian at x."""
        key = x.tobytes()
        if key not in self._known:
            if key == self._first[0]:
                r = self._first[1].ravel()
            else:
                r = self._residuals(x).ravel()
                self.calls[0] += 1
            self.calls[1] += 1
            # Keep the latest two points: a trial, and the point that it did not improve.
            self._known = dict([*self._known.items()][-1:])
            self._known[key] = r, self._jacobian(x, r.size)
        return self._known[key]

    def evaluations(self, _: int) -> tuple[int, int]:
        """Return the numbers of calls so far, without those for finite differences."""
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
        slopes = central_differences(lambda at: self._residuals(at).ravel(), x, self.box)
        for i, slope in enumerate(slopes):
            jacobian[:, i] = slope
        return jacobian

    def blame(self, x: FloatArray) -> str:
        """Describe what made the residuals non-finite at x."""
        r = self.at(x)[0]
        return "their squares overflow" if np.isfinite(r).all() else f"their array {first_bad(r)}"


def tries_from(
    start: FloatArray, sizes: tuple[float, ...], box: list[FloatArray]
) -> list[tuple[FloatArray, float]]:
    """Return the start of each try of a fit, and the factor that limits its first step."""
    tries = [(start, factor) for factor in FACTORS]
    for size in sizes:
        x = np.full(start.size, size)
        tries.append((np.clip(x, *box) if box else x, FACTORS[0]))
    return tries


def best_of(
    squares: Squares,
    tries: list[tuple[FloatArray, float]],
    stopping: _core.Stopping,
    rows: int,
    flat: float,
) -> tuple[Ending, Any]:
    """Return the first sound ending, or else the best, and which parameters are undetermined.

    The latter is None if the data determine all of them.
    """
    start = tries[0][0]
    best: Ending | None = None
    left_open: Any = None
    nfev = 0
    for (x, factor), limited in within_limits(tries, start.size, stopping):
        if best is not None and factor != FACTORS[0] and best.reason in NOT_BEGUN:
            continue
        ending = squares.fit(x, limited, rows, factor)
        nfev += ending.nfev
        if best is None or better(
            SUCCESS[ending.reason], ending.cost, SUCCESS[best.reason], best.cost
        ):
            best = ending
            found = squares.left_open(ending, start)
            left_open = found if any(found.tolist()) else None
        if SUCCESS[best.reason] and left_open is None and not worse(best.cost, flat):
            break
        if not again(ending.reason):
            break
    assert best is not None
    if best.nfev != nfev:
        best = best._replace(nfev=nfev)
    return squares.explained_stop(best), left_open
