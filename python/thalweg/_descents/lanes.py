# SPDX-License-Identifier: BSD-3-Clause
"""Run many starts of one objective in the core and collect their results.

`minimize_many`, `multistart`, `basins` and `sweep` are built on this module. A lane is one start
with its own arguments.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from thalweg import _core
from thalweg._descents.backing import backed
from thalweg._descents.descent import Descent, not_begun, refuse_matrices
from thalweg._descents.ended import path_of
from thalweg._descents.interrupts import Parts, completed
from thalweg._methods.method import Method, SolverMethod, make
from thalweg._objectives.objective import Objective
from thalweg._objectives.points import FloatArray, Structure, any_in_rows, as_floats, check_finite
from thalweg._objectives.programs import checked_threads
from thalweg._results.reasons import Reason
from thalweg._results.results import Results

__all__ = ["Lanes", "cores", "lane_method", "lanes_of"]

# Called with the number of descents that have ended.
OnEnded = Callable[[int], None]
# The numbers of faults.
_NONE, _INFINITE, _OUTSIDE = (
    fault.value for fault in (_core.Fault.none, _core.Fault.infinite, _core.Fault.outside_domain)
)
# The arrays that the core returns, one entry for each descent.
_ARRAYS = ("x", "last_x", "fun", "last_fun", "nit", "nfev", "nhev", "reason", "left", "right")


def cores(threads: int | None) -> int:
    """Return the number of threads: `threads`, or one for each core this process may use.

    The environment variable THALWEG_NUM_THREADS replaces the latter.
    """
    if threads is not None:
        return checked_threads(threads)
    if asked := os.environ.get("THALWEG_NUM_THREADS"):
        if not asked.isdecimal() or int(asked) < 1:
            raise ValueError(f"THALWEG_NUM_THREADS must be a positive integer, got {asked!r}")
        return int(asked)
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def lane_method(method: Any, hyper: dict[str, Any], k: int) -> tuple[Method, dict[str, FloatArray]]:
    """Return the method, and the hyper-parameters that differ between starts, each (k,)."""
    by_lane: dict[str, FloatArray] = {}
    first: dict[str, Any] = {}
    for name, value in hyper.items():
        if not isinstance(value, np.ndarray | list | tuple) or np.ndim(value) == 0:
            first[name] = value
            continue
        numbers = as_floats(value, name)
        if numbers.shape != (k,):
            raise ValueError(
                f"{name} must be a number, or one for each of {k} starts, got shape {numbers.shape}"
            )
        if k:
            by_lane[name], first[name] = numbers, float(numbers[0])
    chosen = make("lbfgs" if method is None else method, first)
    for name, numbers in by_lane.items():
        chosen.check(name, numbers)
    return chosen, by_lane


@dataclass(frozen=True, slots=True)
class Lanes:
    """k starts of one traced objective.

    Attributes
    ----------
    objective : Objective
        The objective, with the `args` of the first start.
    rows : ndarray
        The starts, (k, n).
    args : list of ndarray
        The values of each argument of the objective: k rows, or one value for all starts.
    varying : list of bool
        Whether each argument has k rows.
    """

    objective: Objective
    rows: FloatArray
    args: list[FloatArray]
    varying: list[bool]

    @classmethod
    def of(
        cls,
        fun: Callable[..., Any] | Objective,
        x0s: Any,
        args: Any = (),
        lane_args: Any = (),
        unpack: bool | None = None,
        residuals: bool = False,
    ) -> Lanes:
        """Check the user's arguments and trace the function; `residuals` allows a vector value."""
        args = args if isinstance(args, tuple) else (args,)
        lane_args = lane_args if isinstance(lane_args, tuple) else (lane_args,)
        by_lane = [as_floats(a, f"lane_args[{i}]") for i, a in enumerate(lane_args)]
        for i, a in enumerate(by_lane):
            if not a.ndim:
                raise ValueError(
                    f"lane_args[{i}] must have the starts' axis in front, got a number"
                )
        firsts = tuple(a[0] if len(a) else np.zeros(a.shape[1:]) for a in by_lane)
        if isinstance(fun, Objective):
            if unpack is not None:
                raise TypeError("unpack= was fixed when the objective was traced; leave it out")
            objective = fun.with_args((*args, *firsts)) if args or firsts else fun
        else:
            objective = _traced(fun, x0s, (*args, *firsts), unpack)
        if not residuals and prod(objective.shape) != 1:
            raise ValueError(
                f"the function must return one value, got shape {objective.shape}; to minimize the "
                "sum of squares of residuals, use least_squares_many"
            )
        lead, rows = _rows(objective.structure, x0s)
        if len(lead) != 1:
            raise ValueError(
                f"x0s must have one leading axis, that of the starts, got leading axes {lead}"
            )
        for i, a in enumerate(by_lane):
            if len(a) != len(rows):
                raise ValueError(f"lane_args[{i}] must have {len(rows)} entries, got {len(a)}")
        check_finite(rows.ravel(), "x0s", objective.structure)
        shared = len(objective.args) - len(by_lane)
        return cls(
            objective,
            rows,
            [*objective.args[:shared], *(np.ascontiguousarray(a) for a in by_lane)],
            [False] * shared + [True] * len(by_lane),
        )

    def __len__(self) -> int:
        return len(self.rows)

    def taken(self, which: npt.NDArray[Any]) -> Lanes:
        """Return the selected starts."""
        args = [a[which] if v else a for a, v in zip(self.args, self.varying, strict=True)]
        return Lanes(self.objective, self.rows[which], args, self.varying)

    def alone(self, i: int) -> Objective:
        """Return the objective with the arguments of start i."""
        args = [a[i] if v else a for a, v in zip(self.args, self.varying, strict=True)]
        return self.objective.with_numbers([np.ascontiguousarray(a) for a in args])

    def starts(self) -> _core.Starts:
        """Convert the starts to the core's form."""
        return _core.Starts(self.rows, self.args, self.varying)

    # ---- descending

    def descend(
        self,
        method: Method,
        by_lane: dict[str, FloatArray],
        box: list[FloatArray],
        stops: dict[str, Any],
        on_ended: OnEnded | None = None,
        count_rises: bool = False,
        parts: Parts | None = None,
    ) -> Parts:
        """Descend from every start in the core, and append the core's output to `parts`.

        Returns
        -------
        list
            The parts, which `outcome` joins. A part holds for its descents `x`, `last_x` (k, n),
            `fun`, `last_fun`, `nit`, `nfev`, `nhev`, `reason`, `left`, `right` (k,); `jac` (k, n),
            or None if the core computed no gradients; and `error`. With `count_rises`, a rule also
            returns `not_falls`, how often the value did not fall, and `late_rises`, how often it
            rose after half of `max_iter`.
        """
        parts = [] if parts is None else parts
        if isinstance(method, SolverMethod):
            self._solved(parts, method, by_lane, box, stops, on_ended)
            return parts
        stepper = self.objective.stepper(method, bool(box), stops["gtol"] > 0, stops["xtol"] > 0)
        inputs = method.inputs(by_lane)
        object.__setattr__(self, "_gtol", 0.0 if box else stops["gtol"])
        stopping = _core.Stopping(**stops, count_rises=count_rises)
        parts.append((None, stepper.run(
            self.starts(), inputs, box, stopping, _core.Hooks(progress=on_ended),
        )))  # fmt: skip
        return parts

    def _solved(
        self,
        parts: Parts,
        method: SolverMethod,
        by_lane: dict[str, FloatArray],
        box: list[FloatArray],
        stops: dict[str, Any],
        on_ended: OnEnded | None,
        which: npt.NDArray[Any] | None = None,
    ) -> None:
        """Descend with a solver. Starts with equal settings run together."""
        if by_lane:
            settings = np.stack(list(by_lane.values()), axis=1)
            each, group = np.unique(settings, axis=0, return_inverse=True)
            for g, values in enumerate(each):
                own = type(method)(**{**method.hyper, **dict(zip(by_lane, values, strict=True))})
                some = np.flatnonzero(group == g)
                self.taken(some)._solved(parts, own, {}, box, stops, on_ended, some)
                if parts[-1][1]["error"] is not None:
                    break
            return
        refuse_matrices(method.name, self.rows.shape[1])
        minimizer, numbers = self.objective.solver(method.name), method.numbers()
        parts.append((which, minimizer.run(
            self.starts(), numbers, box, _core.Stopping(**stops),
            _core.Hooks(progress=on_ended),
        )))  # fmt: skip

    def outcome(self, parts: Parts) -> dict[str, Any]:
        """Join the parts, each of which covers some of the starts; the rest were not begun.

        The same parts give the same outcome again, so an interrupted call can be repeated.
        """
        if len(parts) == 1 and parts[0][0] is None:
            out = completed(parts[0][1], self.rows)
        else:
            out = not_begun(self.rows)
            for which, part in parts:
                some = completed(part, self.rows[which])
                for name in (*_ARRAYS, "jac"):
                    if some[name] is not None:
                        out[name][which] = some[name]
            out["begun"] = len(self)
        if any(part["path"] is not None for _, part in parts):
            out["path"] = self._paths(parts)
        self._name_faults(out)
        return out

    def _paths(self, parts: Parts) -> npt.NDArray[Any]:
        """Return the paths of descents that ran one by one."""
        paths = np.full(len(self), None, dtype=object)
        for which, part in parts:
            paths[which[0]] = path_of(part["path"], self.objective.structure)
        return paths

    def recorded(
        self,
        method: Method,
        by_lane: dict[str, FloatArray],
        box: list[FloatArray],
        stops: dict[str, Any],
        on_ended: OnEnded | None = None,
        parts: Parts | None = None,
    ) -> Parts:
        """Descend from one start after another and record every point as `path`.

        The descents are the same as those of `descend`, bit for bit.
        """
        parts = [] if parts is None else parts
        for i, row in enumerate(self.rows):
            own = {**method.hyper, **{name: float(v[i]) for name, v in by_lane.items()}}
            one = type(method)(**own) if by_lane else method
            alone = self.alone(i)
            answer = Descent(alone, one, stops, box, record=True).go(row[None, :], alone.args)
            parts.append((np.array([i]), _as_arrays(answer)))
            if on_ended:
                on_ended(i + 1)
            if parts[-1][1]["error"] is not None:
                break
        return parts

    # ---- results

    def values_and_grads(
        self, points: FloatArray, which: npt.NDArray[Any] | None = None, threads: int = 1
    ) -> tuple[FloatArray, FloatArray]:
        """Return values (k,) and gradients (k, n) at one point for each start in `which`."""
        of = self if which is None else self.taken(which)
        return of.objective.values_and_grads(points, of.args, of.varying, threads)

    def _name_faults(self, out: dict[str, Any]) -> None:
        """Refine the reason of descents that ended with a value that is not finite.

        The core ends such a descent if the value, the gradient or the next point is not finite, so
        the last value may still be a good one.
        """
        (which,) = np.nonzero(out["reason"] == Reason.non_finite)
        if not which.size:
            return
        last = np.ascontiguousarray(out["last_x"][which])
        of = self.taken(which)
        values, slopes = of.objective.values_and_grads(last, of.args, of.varying)
        good = np.isfinite(values) & np.isfinite(slopes).all(axis=1)
        fun = out["fun"][which]
        lower = np.isnan(fun) | (np.isfinite(values) & (values <= fun))
        out["x"][which[lower]], out["fun"][which[lower]] = last[lower], values[lower]
        out["last_fun"][which] = values
        if out["jac"] is not None:
            out["jac"][which[lower]] = np.nan
        # If no operation is at fault, the next step of a rule is, or the data are.
        unnamed = np.where(good, Reason.diverged, Reason.non_finite).astype(np.int8)
        named = unnamed.copy()
        for gradient in (False, True):
            (some,) = np.nonzero(np.isfinite(values) == gradient)
            if not some.size:
                continue
            part = of.taken(some)
            faults = part.objective.faults(last[some], part.args, part.varying, gradient)
            begun = out["nit"][which[some]] > 0
            named[some] = np.select(
                [faults == _OUTSIDE, (faults == _INFINITE) & begun, faults != _NONE],
                [Reason.left_domain, Reason.diverged, Reason.non_finite],
                unnamed[some],
            )
        out["reason"][which] = named

    # The gradient tolerance of a rule without bounds.
    _gtol: float = 0.0

    def _find_minima_at_starts(self, out: dict[str, Any], begun: int) -> None:
        """Mark descents as converged if a rule started at a minimum, with a gradient within `gtol`.

        The core requires a gradient that is also small relative to the gradient at the start.
        """
        (some,) = np.nonzero(out["reason"][:begun] == Reason.max_iterations)
        some = some[np.abs(out["jac"][some, 0]) <= self._gtol]  # most have no small component
        norms = np.max(np.abs(out["jac"][some]), axis=1, initial=0.0)
        some, norms = some[norms <= self._gtol], norms[norms <= self._gtol]
        if not some.size:
            return
        there = backed(
            lambda at: self.values_and_grads(at, some)[1],
            out["x"][some], out["jac"][some], self.rows[some],
        )  # fmt: skip
        out["reason"][some[there]] = Reason.gradient_small
        out["left"][some[there]], out["right"][some[there]] = norms[there], self._gtol

    def results(self, out: dict[str, Any], max_nfev: int, elapsed: float) -> Results:
        """Build the `Results` that users see from the core's output."""
        rows = [a if v else None for a, v in zip(self.args, self.varying, strict=True)]
        begun = out["begun"]
        missing = out["nfev"][:begun] > 0  # the others were not begun
        if out["jac"] is not None:
            missing &= any_in_rows(np.isnan(out["jac"][:begun]))
        if begun == len(self) and missing.all():
            out["jac"] = self.values_and_grads(out["x"])[1]
        else:
            if out["jac"] is None:
                out["jac"] = np.full(self.rows.shape, np.nan)
            if missing.any():
                (which,) = np.nonzero(missing)
                points = np.ascontiguousarray(out["x"][which])
                out["jac"][which] = self.values_and_grads(points, which)[1]
        if self._gtol > 0:
            self._find_minima_at_starts(out, begun)
        return Results.of_outcome(
            out, self.objective, max_nfev=max_nfev, elapsed=elapsed, lane_args=rows
        )


def _as_arrays(answer: _core.Answer) -> dict[str, Any]:
    """Return the ending of one descent in the form of those of many."""
    rows = ("x", "last_x", "jac")
    out = {name: np.array([getattr(answer, name)]) for name in _ARRAYS if name not in rows}
    out |= {name: getattr(answer, name) for name in (*rows, "path")}
    return out | {"begun": 1, "error": answer.take_error()}


def lanes_of(objective: Objective, rows: FloatArray) -> Lanes:
    """Return starts (k, n) of one objective, with the same arguments for all."""
    return Lanes(objective, rows, objective.args, [False] * len(objective.args))


def _rows(form: Structure, x0s: Any) -> tuple[tuple[int, ...], FloatArray]:
    """Return the leading axes and the starts as rows.

    A table (k, n) is accepted too if a start is a tuple of numbers.
    """
    if form.form == "tuple" and isinstance(x0s, np.ndarray) and not any(form.shapes):
        return Structure("whole", ((form.size,),)).flatten(x0s, "x0s")
    if form.form in ("tuple", "dict") and isinstance(x0s, tuple | dict):
        named = x0s.items() if isinstance(x0s, dict) else enumerate(x0s)
        counts = {name: np.shape(value)[:1] for name, value in named}
        if len(set(counts.values())) > 1:
            listed = ", ".join(f"{n[0] if n else 'none'} for {name}" for name, n in counts.items())
            raise ValueError(f"x0s must have equally many starts in each entry, got {listed}")
    return form.flatten(x0s, "x0s")


def _traced(
    function: Callable[..., Any], x0s: Any, args: tuple[Any, ...], unpack: bool | None
) -> Objective:
    """Trace the function at one start, whose form is that of x0s without its first axis."""

    def first(value: Any, what: str) -> FloatArray:
        array = as_floats(value, what)
        if not array.ndim:
            raise ValueError(f"{what} must have the starts' axis in front, got a number")
        return array[0] if len(array) else np.zeros(array.shape[1:])

    if isinstance(x0s, dict):
        return Objective(
            function, {k: first(v, f"x0s[{k!r}]") for k, v in x0s.items()}, args, unpack
        )
    if isinstance(x0s, tuple):
        # One array for each argument, or else the starts one by one.
        entries = tuple(first(v, f"x0s[{i}]") for i, v in enumerate(x0s))
        try:
            return Objective(function, entries, args, unpack)
        except TypeError:
            pass
    return Objective(function, first(x0s, "x0s"), args, unpack)
