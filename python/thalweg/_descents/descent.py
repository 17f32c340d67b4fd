# SPDX-License-Identifier: BSD-3-Clause
"""Run one descent in the core and build its `Result`; check states to continue from."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite, isnan
from typing import Any, NamedTuple
from warnings import warn

import numpy as np

from thalweg import _core
from thalweg._descents.backing import backed
from thalweg._descents.callbacks import Listener, listener
from thalweg._descents.interrupts import Parts
from thalweg._descents.progress import Progress
from thalweg._methods.method import Method, SolverMethod, matrices_of, memory_of
from thalweg._objectives.bounds import active_mask
from thalweg._objectives.objective import Objective
from thalweg._objectives.points import FloatArray, Structure
from thalweg._objectives.programs import check_square
from thalweg._objectives.untraced import Called
from thalweg._results.messages import blame, blamed, sentence
from thalweg._results.reasons import STATUS_MINIMIZE, SUCCESS, Reason
from thalweg._results.result import LastPoint, Path, Result

__all__ = ["Descent", "State", "continued", "not_begun", "path_of", "refuse_matrices"]

_NO_HOOKS = _core.Hooks()
# What to use where the matrices of a solver do not fit into memory.
_INSTEAD = {
    "bfgs": "use lbfgs, which keeps some 30 vectors",
    "newton": "use newton_cg, which keeps some 10 vectors",
}


def refuse_matrices(method: str, n: int, starts: int = 1) -> None:
    """Raise MemoryError if a method's matrices for n variables do not fit into memory."""
    if kept := matrices_of(method):
        check_square(n, method, _INSTEAD[method], kept * starts)


@dataclass(frozen=True, slots=True)
class State:
    """The state of a descent at its last iterate. `state=` continues from it, bit for bit.

    Attributes
    ----------
    method : str
        Name of the method.
    x : ndarray
        The last iterate, flat.
    memory : tuple of ndarray
        The method's memory. With schedules, its last entry is the number of steps.
    nit : int
        The number of iterations so far.
    """

    method: str
    x: FloatArray
    memory: tuple[FloatArray, ...]
    nit: int


def _check_kinds(state: Any) -> None:
    """Raise TypeError if the fields of a state, perhaps from a pickle, have wrong types."""
    if not isinstance(state.method, str):
        raise TypeError(f"state must name its method, got {type(state.method).__name__}")
    arrays = (state.x, *(state.memory if isinstance(state.memory, tuple) else (None,)))
    if not all(isinstance(a, np.ndarray) and a.ndim == 1 and a.dtype.kind == "f" for a in arrays):
        raise TypeError("state must hold x and memory as vectors of floats")
    if isinstance(state.nit, bool) or not isinstance(state.nit, int | np.integer):
        raise TypeError(f"state must count its iterations in nit, got {state.nit!r}")
    if not 0 <= state.nit < 1 << 53:
        raise ValueError(f"state must have a number of iterations nit, got {state.nit}")


def continued(
    state: State, method: Method, rows: FloatArray
) -> tuple[FloatArray, list[FloatArray | None]]:
    """Check a state, and return its start (1, n) and the method's memory."""
    if not isinstance(state, State):
        raise TypeError(f"state must be the state of a result, got {type(state).__name__}")
    _check_kinds(state)
    if state.method != method.name or state.x.shape != rows[0].shape:
        raise ValueError(
            f"state must come from {method.name} with {rows.shape[1]} variables, "
            f"got {state.method} with {state.x.size}"
        )
    if not np.isfinite(state.x).all() or any(m.size and np.isnan(m).all() for m in state.memory):
        raise ValueError("state must hold numbers, got NaN or an infinite x")
    if method.solves:
        return state.x[None, :], list(state.memory)
    n = state.x.size
    kept = {name: (n if each else 1,) for name, _, each, _ in memory_of(method.name)}
    shapes, wanted = [np.shape(m) for m in state.memory], list(kept.values())
    # `nit` counts the steps so far, whether or not a schedule used that count.
    if shapes not in (wanted, [*wanted, (1,)]):
        listed = " and ".join(f"{name} {shape}" for name, shape in kept.items()) or "nothing"
        raise ValueError(
            f"a state of {method.name} with {n} variables must hold {listed}, "
            f"got arrays of shapes {shapes}"
        )
    own = state.memory[: len(kept)]
    counter = [np.array([float(state.nit)])] if method.counts else []
    return state.x[None, :], [m[None, :] for m in (*own, *counter)]


class _Point(NamedTuple):
    """A point, a row (1, n), with its value and gradient there."""

    x: FloatArray
    fun: float
    jac: FloatArray


class Descent:
    """Runs one descent in the core and builds its `Result`."""

    def __init__(
        self,
        objective: Objective | Called,
        method: Method,
        stops: dict[str, Any],
        box: list[FloatArray],
        record: bool,
        callback: Callable[..., Any] | None,
    ) -> None:
        self.objective, self.method, self.stops, self.box = objective, method, stops, box
        self.record, self.callback = record, callback

    def go(
        self, parts: Parts, rows: FloatArray, memory: list[FloatArray | None], progress: bool
    ) -> None:
        """Descend from rows (1, n) in the core, and append its output to `parts`."""
        o, stops = self.objective, self.stops
        if isinstance(o, Called):
            o.box = self.box
            stops = stops | {"max_nfev": max(1, stops["max_nfev"] // o.cost)}
        self._start = rows
        function = o.rows_value_and_grad_one if isinstance(o, Called) else None
        descend = self._solver if self.method.solves else self._rule
        if not progress:
            parts.append((None, descend(rows, memory, None, function, stops)))
            return
        with Progress(True, total=stops["max_iter"]) as shown:
            parts.append((None, descend(rows, memory, shown, function, stops)))

    def _solver(
        self,
        rows: FloatArray,
        memory: list[FloatArray | None],
        shown: Progress | None,
        function: Any,
        stops: dict[str, Any],
    ) -> dict[str, Any]:
        o, method = self.objective, self.method
        assert isinstance(method, SolverMethod)
        refuse_matrices(method.name, rows.shape[1])
        return o.minimizer(method.name).run(
            _core.Starts(rows, o.args, [], memory[:1]), method.numbers(), self.box,
            _core.Stopping(**stops), self._hooks(shown, function),
        )  # fmt: skip

    def _rule(
        self,
        rows: FloatArray,
        memory: list[FloatArray | None],
        shown: Progress | None,
        function: Any,
        stops: dict[str, Any],
    ) -> dict[str, Any]:
        o = self.objective
        value = self.record or shown is not None or self.callback is not None
        stepper = o.stepper(
            self.method, bool(self.box), value or stops["gtol"] > 0, stops["xtol"] > 0, value
        )
        return stepper.run(
            _core.Starts(rows, o.args, [], memory), self.method.inputs(), self.box,
            _core.Stopping(**stops), self._hooks(shown, function),
        )  # fmt: skip

    def _hooks(self, shown: Progress | None, function: Any) -> _core.Hooks:
        heard = self._listener(shown)
        if heard is None and function is None and not self.record:
            return _NO_HOOKS
        return _core.Hooks(record=self.record, callback=heard, function=function)

    def _listener(self, shown: Progress | None) -> Listener | None:
        """Return the function that the core calls after each iteration; True ends the descent."""
        heard = None
        if self.callback is not None:
            heard = listener(
                self.callback, self.objective.structure,
                lambda step, x, fun, norm: Intermediate(x=x, fun=fun, nit=step, grad_norm=norm),
            )  # fmt: skip
        if shown is None:
            return heard

        def listen(iteration: int, x: FloatArray, fun: float, norm: float) -> bool:
            shown.update(iteration, fun, norm)
            return heard is not None and heard(iteration, x, fun, norm)

        return listen

    def result(
        self, out: dict[str, Any], nit_before: int, seconds: float, state: State | None
    ) -> Result:
        """Build the result from the core's output; `state` is kept if the descent did not begin."""
        o, s = self.objective, self.objective.structure
        best, last = self._ends(out)
        reason = Reason(int(out["reason"][0]))
        if reason is Reason.max_iterations and self._was_there(*best, out):
            reason = Reason.gradient_small
        # Ctrl-C may also have arrived while a callback or the function was running.
        if isinstance(out["error"], KeyboardInterrupt):
            reason = Reason.interrupted
        nit, nfev = int(out["nit"][0]), int(out["nfev"][0])
        calls = o.calls if isinstance(o, Called) else [nfev, nfev]
        if self.method.needs == "value":
            calls = [calls[0], 0]
        reason, message = self._explained(reason, out, best, last, nit_before, calls[0])
        mask = None
        if self.box:
            mask = s.restore_int(active_mask(best.x[0], self.box))
        path = None
        if out["path"] is not None:
            path = path_of(out["path"], s)
        if out["memory"] is not None:
            memory = tuple(np.ascontiguousarray(m[0]) for m in out["memory"])
            state = State(self.method.name, last.x[0].copy(), memory, nit_before + nit)
        return Result(
            x=s.restore(best.x), fun=best.fun, jac=s.restore(best.jac), nit=nit,
            nfev=calls[0], njev=calls[1], nhev=int(out["nhev"][0]),
            success=SUCCESS[reason], status=STATUS_MINIMIZE[reason], message=message, reason=reason,
            last=LastPoint(s.restore(last.x), last.fun, s.restore(last.jac)),
            active_mask=mask, path=path,
            state=state, elapsed=seconds, _objective=o,
        )  # fmt: skip

    def _ends(self, out: dict[str, Any]) -> tuple[_Point, _Point]:
        """Return the best point and the last one, with their values and gradients."""
        o, x, last = self.objective, out["x"], out["last_x"]
        fun, jac = float(out["fun"][0]), out["jac"]
        if jac is None or isnan(jac[0, 0]):  # the core has no gradient at x
            value, jac = _value_and_grad(o, x)
            fun = value if isnan(fun) else fun  # rounded as in the descent
        if isinstance(o, Called) and isnan(fun) and isfinite(out["fun"][0]) and not out["error"]:
            # `Called` remembers the lowest point only, and x may be another one.
            values, jac = o.again(x)
            fun = float(values[0])
        best = _Point(x, fun, jac)
        if x.tobytes() == last.tobytes():
            return best, best
        end = _Point(last, *_value_and_grad(o, last))
        # The core reports f as NaN if the next point would not be finite, although f itself may be
        # the lowest.
        return (end if end.fun <= fun and isfinite(end.fun) else best), end

    def _explained(
        self,
        reason: Reason,
        out: dict[str, Any],
        best: _Point,
        last: _Point,
        nit_before: int,
        nfev: int,
    ) -> tuple[Reason, str]:
        """Return why the descent ended, and the sentence that says so."""
        o, nit = self.objective, int(out["nit"][0])
        if blamed(reason, last.fun):
            why = functools.partial(self.method.fault, nit_before + nit)
            reason, message = blame(o, last.x, last.fun, nit, why=why)
        else:
            left, right = float(out["left"][0]), float(out["right"][0])
            message = sentence(reason, left, right, nit, nfev, self.stops["max_nfev"], last.fun)
            if not SUCCESS[reason] and self.method.counts and nit:
                fault = self.method.schedule_fault(nit_before + nit - 1)
                message += fault and f"; {fault}"
        if SUCCESS[reason] and isinstance(o, Objective):
            if not np.isfinite(best.jac).all():  # the method used values alone
                reason, message = blame(o, best.x, best.fun, nit)
            elif nit == 0 and not np.any(best.jac) and not o.varies:
                warn(
                    "the function does not depend on x, so the start was returned unchanged",
                    RuntimeWarning,
                    stacklevel=3,
                )
        return reason, message

    def _was_there(self, x: FloatArray, fun: float, jac: FloatArray, out: dict[str, Any]) -> bool:
        """Whether a rule started at a minimum, with a gradient within `gtol`.

        The core requires a gradient that is also small relative to the gradient at the start.
        """
        o, gtol = self.objective, self.stops["gtol"]
        if self.method.solves or self.box or not gtol > 0 or not isinstance(o, Objective):
            return False
        norm = np.max(np.abs(jac))
        if not (norm <= gtol and isfinite(fun)):
            return False
        if not backed(lambda at: o.rows_value_and_grad(at)[1], x, jac, self._start)[0]:
            return False
        out["left"][0], out["right"][0] = norm, gtol
        return True


@dataclass(slots=True)
class Intermediate:
    """The argument of ``callback(intermediate_result=...)``."""

    x: Any
    fun: float
    nit: int
    grad_norm: float


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


def path_of(columns: tuple[list[FloatArray], ...], form: Structure) -> Path:
    """Join every point of a descent, which the core returns in pieces."""
    points, values, norms = (np.concatenate([np.empty(0), *pieces]) for pieces in columns)
    rows = points.reshape(len(values), form.size)
    return Path(form.restore(rows, (len(rows),)), values, norms)


def _value_and_grad(o: Objective | Called, row: FloatArray) -> tuple[float, FloatArray]:
    """Return value and gradient at one point, a row (1, n)."""
    values, slopes = o.rows_value_and_grad(row)
    return float(values[0]), slopes
