# SPDX-License-Identifier: BSD-3-Clause
"""Bind a method with its settings to an objective, and run one descent in the core."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from thalweg import _core
from thalweg._descents.callbacks import step_listener
from thalweg._descents.ended import Ended
from thalweg._descents.interrupts import with_result
from thalweg._descents.progress import Progress
from thalweg._descents.state import State
from thalweg._methods.method import Method, SolverMethod, matrices_of
from thalweg._methods.stopping import stopping_of
from thalweg._objectives.objective import Objective
from thalweg._objectives.points import FloatArray
from thalweg._objectives.programs import check_square
from thalweg._objectives.untraced import Called
from thalweg._results.reasons import Reason
from thalweg._results.result import Result

__all__ = ["Descent", "not_begun", "refuse_matrices"]

# What to use where the matrices of a solver do not fit into memory.
_INSTEAD = {
    "bfgs": "use lbfgs, which keeps some 30 vectors",
    "newton": "use newton_cg, which keeps some 10 vectors",
}


def refuse_matrices(method: str, n: int, starts: int = 1) -> None:
    """Raise MemoryError if a method's matrices for n variables do not fit into memory."""
    if kept := matrices_of(method):
        check_square(n, method, _INSTEAD[method], kept * starts)


class Descent:
    """A method with its settings, bound to an objective, that descends from one start at a time.

    Parameters
    ----------
    objective : Objective or Called
        The function.
    method : Method
        The method with its hyper-parameters.
    stops : dict
        Every stopping limit, and the number of threads.
    box : list of ndarray
        The bounds [lower, upper], or [].
    record : bool, default False
        Whether to keep every point.
    callback : callable, optional
        The user's function to call after each iteration.
    progress : bool, default False
        Whether to show the descent on stderr.
    """

    def __init__(
        self,
        objective: Objective | Called,
        method: Method,
        stops: dict[str, Any],
        box: list[FloatArray],
        record: bool = False,
        callback: Callable[..., Any] | None = None,
        progress: bool = False,
    ) -> None:
        self.objective, self.method, self.stops, self.box = objective, method, stops, box
        self.traced = isinstance(objective, Objective)
        # Whether a rule that ended at a limit began at a minimum, or a schedule is to blame.
        self.judges_limits = method.counts or (not (method.solves or box) and stops["gtol"] > 0)
        self._record, self._callback, self._progress = record, callback, progress
        told = record or progress or callback is not None
        self._silent = self.traced and not told
        if isinstance(objective, Called):
            objective.box = box
            stops = stops | {"max_nfev": max(1, stops["max_nfev"] // objective.cost)}
        self._descend = self._bound(stopping_of(*stops.values()), told)

    def _bound(self, stopping: _core.Stopping, told: bool) -> _core.Bound:
        o, method = self.objective, self.method
        gradient = None  # solvers have that of the last point, which is the best nearly always
        if isinstance(o, Objective) and not (method.solves and method.needs != "value"):
            gradient = o.gradient_function()
        if isinstance(method, SolverMethod):
            refuse_matrices(method.name, o.structure.size)
            return o.solver(method.name).bound(method.numbers(), self.box, stopping, gradient)
        stepper = o.stepper(
            method, bool(self.box), told or stopping.gtol > 0, stopping.xtol > 0, told
        )
        return stepper.bound(method.inputs(), self.box, stopping, gradient)

    def go(
        self, row: FloatArray, args: list[FloatArray], memory: Sequence[FloatArray | None] = ()
    ) -> _core.Answer:
        """Descend from a row (1, n) in the core."""
        if self._silent:
            return self._descend(row, args, memory)
        with Progress(self._progress, total=self.stops["max_iter"]) as shown:
            hooks = _core.Hooks(
                record=self._record,
                callback=step_listener(
                    self._callback, self.objective.structure, shown if self._progress else None
                ),
                function=getattr(self.objective, "rows_value_and_grad_one", None),
            )
            return self._descend(row, args, memory, hooks)

    def result(
        self,
        began: float,
        row: FloatArray,
        objective: Objective | Called,
        state: State | None = None,
        memory: Sequence[FloatArray | None] = (),
    ) -> Result:
        """Descend from a row (1, n) and return the result; an interrupt carries the partial one.

        Parameters
        ----------
        began : float
            The time of the call.
        row : ndarray
            The start.
        objective : Objective or Called
            The objective with the `args` of this descent.
        state : State, optional
            The state from which it continues.
        memory : list of ndarray, optional
            The memory of the method in that state.
        """
        answer: _core.Answer | None = None
        error: BaseException | None = None
        try:
            answer = self.go(row, objective.args, memory)
            error = answer.take_error()
            if error is None:
                seconds = time.perf_counter() - began
                return Result.of(Ended(self, answer, row, state, objective, seconds))
        except KeyboardInterrupt as interrupt:
            error = interrupt
        if not isinstance(error, KeyboardInterrupt):
            raise error
        seconds, so_far = time.perf_counter() - began, answer or _core.Answer(row)
        raise with_result(
            error,
            lambda: Result.of(Ended(self, so_far, row, state, objective, seconds, True)),
            f"the best point of {so_far.nit} iterations",
        ) from None


def not_begun(rows: FloatArray) -> dict[str, Any]:
    """Return the output of descents from rows (k, n) that the core has not begun."""
    k = len(rows)
    out: dict[str, Any] = {name: np.full(k, np.nan) for name in ("fun", "last_fun")}
    out |= {name: np.zeros(k) for name in ("left", "right")}
    out |= {name: np.zeros(k, dtype=np.int64) for name in ("nit", "nfev", "nhev")}
    return out | {
        "x": rows.copy(), "last_x": rows.copy(), "jac": np.full(rows.shape, np.nan),
        "reason": np.full(k, Reason.interrupted, dtype=np.int8), "error": None, "begun": 0,
        "memory": None, "path": None, "not_falls": None, "late_rises": None,
    }  # fmt: skip
