# SPDX-License-Identifier: BSD-3-Clause
"""Explain how one descent ended: the entries of its `Result`, each made when it is first read.

What evaluates the function, and every warning, is done at once, since the function's arguments and
data may change afterwards.
"""

from __future__ import annotations

import functools
from math import isfinite, isnan
from typing import TYPE_CHECKING, Any, NamedTuple
from warnings import warn

import numpy as np

from thalweg import _core
from thalweg._descents.backing import backed
from thalweg._descents.state import State
from thalweg._objectives.bounds import active_mask
from thalweg._objectives.objective import Objective
from thalweg._objectives.points import FloatArray, Structure
from thalweg._objectives.untraced import Called
from thalweg._results.messages import blame, blamed, sentence
from thalweg._results.reasons import STATUS_MINIMIZE, SUCCESS, Reason
from thalweg._results.result import LastPoint, Path

if TYPE_CHECKING:
    from thalweg._descents.descent import Descent

__all__ = ["Ended", "path_of"]

_REASONS = tuple(Reason)


class _Point(NamedTuple):
    """A point, a row (1, n), with its value and gradient there."""

    x: FloatArray
    fun: float
    jac: FloatArray


class Ended:
    """The end of one descent, with an attribute for each entry of a `Result`.

    Parameters
    ----------
    run : Descent
        The method, its settings, and the objective unless `objective` is another one.
    answer : _core.Answer
        The core's output. Its last point is never passed on without a copy, as the state has it.
    start : ndarray, (1, n)
        Where the descent began.
    before : State or None
        The state from which it continued.
    objective : Objective or Called
        The function, with the `args` of this descent.
    elapsed : float
        The duration of the descent in seconds.
    interrupted : bool, default False
        Whether Ctrl-C ended it, perhaps while a callback or the function was running.
    """

    epochs = None
    # What is not found at once, because the core's output says it.
    _message: str | None = None
    _mask: Any = None  # at x
    _calls: tuple[int, int] | None = None
    _sides: tuple[float, float] | None = None  # of the inequality that ended it

    def __init__(
        self,
        run: Descent,
        answer: _core.Answer,
        start: FloatArray,
        before: State | None,
        objective: Objective | Called,
        elapsed: float,
        interrupted: bool = False,
    ) -> None:
        self._run, self._answer, self._before, self._objective = run, answer, before, objective
        self.elapsed = elapsed
        self.reason = _REASONS[answer.reason]
        self._best: _Point | _core.Answer = answer
        self._last: _Point | _core.Answer = answer
        at_limit = run.judges_limits and not SUCCESS[answer.reason]
        if interrupted or at_limit or not (answer.plain and run.traced):
            self._settle(start, interrupted)

    # ---- made when they are read

    x = property(lambda self: self._restored(self._best.x))
    fun = property(lambda self: self._best.fun)
    jac = property(lambda self: self._restored(self._best.jac))
    nit = property(lambda self: self._answer.nit)
    nfev = property(lambda self: self._counted()[0])
    njev = property(lambda self: self._counted()[1])
    nhev = property(lambda self: self._answer.nhev)
    success = property(lambda self: SUCCESS[self.reason])
    status = property(lambda self: STATUS_MINIMIZE[self.reason])

    def _counted(self) -> tuple[int, int]:
        """Return the numbers of evaluations of the value and of the gradient."""
        nfev, njev = self._calls or (self._answer.nfev, self._answer.nfev)
        return nfev, 0 if self._run.method.needs == "value" else njev

    def _restored(self, row: FloatArray) -> Any:
        return self._objective.structure.restore(row)

    @property
    def message(self) -> str:
        """The reason as a sentence."""
        if self._message is None:
            self._message = self._sentence()
        return self._message

    @property
    def last(self) -> LastPoint:
        """The last iterate."""
        end = self._last
        return LastPoint(self._restored(end.x.copy()), end.fun, self._restored(end.jac))

    @property
    def active_mask(self) -> Any:
        """Which variables lie at a bound; None without bounds."""
        box = self._run.box
        if not box:
            return None
        mask = active_mask(self._answer.last_x[0], box) if self._mask is None else self._mask
        return self._objective.structure.restore_int(mask)

    @property
    def path(self) -> Path | None:
        """Every point, if they were recorded."""
        pieces = self._answer.path
        return None if pieces is None else path_of(pieces, self._objective.structure)

    @property
    def state(self) -> State:
        """The state from which another descent continues."""
        memory = tuple(m[0] for m in self._answer.memory)
        x, before = self._answer.last_x[0].copy(), self._before
        return State(self._run.method.name, x, memory, self.nit + (before.nit if before else 0))

    # ---- done at once if the core's output does not say it all

    def _settle(self, start: FloatArray, interrupted: bool) -> None:
        """Find the best point and the reason, evaluating the function where this is necessary."""
        o = self._objective
        if isinstance(o, Called):
            self._calls = o.calls[0], o.calls[1]
        self._best, self._last = self._ends(interrupted)
        if self._run.box:
            self._mask = active_mask(self._best.x[0], self._run.box)
        if self.reason is Reason.max_iterations and self._was_there(start):
            self.reason = Reason.gradient_small
            self._sides = float(np.max(np.abs(self._best.jac))), self._run.stops["gtol"]
        if interrupted:
            self.reason = Reason.interrupted
        self._explain()

    def _ends(self, interrupted: bool) -> tuple[_Point, _Point]:
        """Return the best point and the last one, with their values and gradients."""
        o, answer = self._objective, self._answer
        x, fun, jac = answer.x, answer.fun, answer.jac
        if isnan(jac[0, 0]):  # the core has no gradient at x
            value, jac = _value_and_grad(o, x)
            fun = value if isnan(fun) else fun  # rounded as in the descent
        if isinstance(o, Called) and isnan(fun) and isfinite(answer.fun) and not interrupted:
            # `Called` remembers the lowest point only, and x may be another one.
            values, jac = o.again(x)
            fun = float(values[0])
        best = _Point(x, fun, jac)
        if x.tobytes() == answer.last_x.tobytes():
            return best, best
        end = _Point(answer.last_x.copy(), *_value_and_grad(o, answer.last_x))
        # The core reports f as NaN if the next point would not be finite, although f itself may be
        # the lowest.
        return (end if end.fun <= fun and isfinite(end.fun) else best), end

    def _was_there(self, start: FloatArray) -> bool:
        """Whether a rule started at a minimum, with a gradient within `gtol`.

        The core requires a gradient that is also small relative to the gradient at the start.
        """
        o, gtol, best = self._objective, self._run.stops["gtol"], self._best
        if self._run.method.solves or self._run.box or not gtol > 0 or isinstance(o, Called):
            return False
        if not (np.max(np.abs(best.jac)) <= gtol and isfinite(best.fun)):
            return False
        there = backed(lambda at: o.rows_value_and_grad(at)[1], best.x, best.jac, start)
        return bool(there[0])

    def _explain(self) -> None:
        """Find what made a value not finite, name a faulty schedule, and warn of a constant."""
        o, run, best, last, nit = self._objective, self._run, self._best, self._last, self.nit
        steps = nit + (self._before.nit if self._before else 0)
        if blamed(self.reason, last.fun):
            why = functools.partial(run.method.fault, steps)
            self.reason, self._message = blame(o, last.x, last.fun, nit, why=why)
        elif run.method.counts:
            self._message = self._sentence()
        if not SUCCESS[self.reason] or isinstance(o, Called):
            return
        if not np.isfinite(best.jac).all():  # the method used values alone
            self.reason, self._message = blame(o, best.x, best.fun, nit)
        elif nit == 0 and not np.any(best.jac) and not o.varies:
            warn(
                "the function does not depend on x, so the start was returned unchanged",
                RuntimeWarning,
                stacklevel=3,
            )

    def _sentence(self) -> str:
        """Return the sentence for the reason, with both sides of the inequality."""
        run, nit = self._run, self.nit
        sides = self._sides or (self._answer.left, self._answer.right)
        said = sentence(self.reason, *sides, nit, self.nfev, run.stops["max_nfev"], self._last.fun)
        if not SUCCESS[self.reason] and run.method.counts and nit:
            before = self._before.nit if self._before else 0
            fault = run.method.schedule_fault(before + nit - 1)
            said += fault and f"; {fault}"
        return said


def path_of(columns: tuple[list[FloatArray], ...], form: Structure) -> Path:
    """Join every point of a descent, which the core returns in pieces."""
    points, values, norms = (np.concatenate([np.empty(0), *pieces]) for pieces in columns)
    rows = points.reshape(len(values), form.size)
    return Path(form.restore(rows, (len(rows),)), values, norms)


def _value_and_grad(o: Objective | Called, row: FloatArray) -> tuple[float, FloatArray]:
    """Return value and gradient at one point, a row (1, n)."""
    values, slopes = o.rows_value_and_grad(row)
    return float(values[0]), slopes
