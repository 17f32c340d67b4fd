# SPDX-License-Identifier: BSD-3-Clause
"""`sweep`: one descent for each combination of hyper-parameters, with a verdict on each."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import IntEnum
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from thalweg._attached import attached
from thalweg._descents.interrupts import Parts, carried, carries_result, ended
from thalweg._descents.lanes import cores, lanes_of
from thalweg._descents.progress import Progress
from thalweg._methods.method import Method, make
from thalweg._methods.stopping import FTOL, GTOL, XTOL, checked_given, defaults
from thalweg._objectives.bounds import read_bounds
from thalweg._objectives.objective import Objective, objective_of
from thalweg._objectives.points import FloatArray, as_floats, check_finite
from thalweg._results.reasons import Reason
from thalweg._results.record import seconds, text
from thalweg._results.results import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Sweep", "Verdict", "sweep"]

_MOST = 1 << 27  # runs whose endings fit into some GiB


class Verdict(IntEnum):
    """What became of one run of a sweep; an integer with a name.

    Examples
    --------
    >>> import thalweg as tw
    >>> print(tw.Verdict(2))
    oscillating
    """

    converged = 0
    too_small = 1
    oscillating = 2
    diverged = 3
    left_domain = 4
    non_finite = 5
    stuck = 6
    unfinished = 7

    def __str__(self) -> str:
        return self.name

    def __format__(self, spec: str) -> str:
        return format(self.name, spec)


_MEANING = {
    Verdict.converged: "it converged",
    Verdict.too_small: "the value fell at every step, and the gradient is not small yet",
    Verdict.oscillating: "the value rose in a quarter or more of the last half of the iterations",
    Verdict.diverged: "the value grew without end",
    Verdict.left_domain: "a step left the domain of the function",
    Verdict.non_finite: "a value or gradient is not finite",
    Verdict.stuck: "no lower value was found",
    Verdict.unfinished: "it neither converged nor went wrong",
}
# What a reason says by itself; -1: the values decide.
_BY_REASON = np.full(len(Reason), -1, np.int8)
_BY_REASON[[r for r in Reason if r.success]] = Verdict.converged
_BY_REASON[Reason.diverged] = Verdict.diverged
_BY_REASON[Reason.left_domain] = Verdict.left_domain
_BY_REASON[Reason.non_finite] = Verdict.non_finite
_BY_REASON[Reason.stuck] = Verdict.stuck


class Sweep(Results):
    """One descent for each combination of hyper-parameters, with a verdict on each.

    The arrays have an axis for each hyper-parameter that was given as a sequence, in that order.

    Attributes
    ----------
    verdict : ndarray of int8
        What became of each run: values of `thalweg.Verdict`.
    verdicts : ndarray of str
        The same by name.
    verdict_counts : dict
        How many runs there are of each verdict.
    axes : dict
        The values of each hyper-parameter that was swept, by name.
    best : One
        The fastest that converged: fewest iterations, then the lowest value.
    x, fun, jac, success, status, reason, nit, nfev, nhev, elapsed
        Where each descent ended, why, and what it cost, as in `Results`; and each hyper-parameter
        that was swept, by its name.
    """

    verdict: npt.NDArray[np.int8]
    axes: dict[str, FloatArray]

    __slots__ = ()

    @property
    def best(self) -> Any:
        """The fastest that converged: fewest iterations, then the lowest value."""
        return self._one(self._fastest())

    def _fastest(self) -> int:
        good = np.flatnonzero(self.verdict.ravel() == Verdict.converged)
        if not good.size:
            raise ValueError(f"none of {self.size:,} runs converged: {self._listed()}")
        nit, fun = self.nit.ravel()[good], self.fun.ravel()[good]
        return int(good[np.lexsort((fun, nit))[0]])

    @property
    def verdicts(self) -> npt.NDArray[np.str_]:
        """The verdicts by name."""
        return np.array([str(v) for v in Verdict])[self.verdict]

    @property
    def verdict_counts(self) -> dict[Verdict, int]:
        """How many runs there are of each verdict."""
        counts = np.bincount(self.verdict.ravel(), minlength=len(Verdict))
        return {v: int(counts[v]) for v in Verdict if counts[v]}

    def plot(self, **kw: Any) -> Axes:
        """Draw the verdicts and the iterations against the hyper-parameters.

        Parameters
        ----------
        **kw
            As in `thalweg.plot.sweep`.

        Returns
        -------
        matplotlib.axes.Axes
            What was drawn on.
        """
        axes: Axes = attached("Sweep.plot")(self, **kw)
        return axes

    def _one(self, lane: int) -> Any:
        one = super()._one(lane)
        one._entries["verdict"] = Verdict(one._entries["verdict"])
        return one

    def _message(self, lane: int) -> str:
        verdict = Verdict(int(self.verdict.flat[lane]))
        return f"{verdict}: {_MEANING[verdict]}; {super()._message(lane)}"

    def _taken(self, lanes: npt.NDArray[np.intp]) -> Sweep:
        taken = super()._taken(lanes)
        # Picked runs are no grid any more; each knows its own hyper-parameters.
        taken._shared = {k: v for k, v in self._shared.items() if k != "axes"}
        return taken

    def _listed(self) -> str:
        return ", ".join(f"{v} {n:,}" for v, n in self.verdict_counts.items())

    def _heading(self) -> tuple[str, str]:
        return "runs", " x ".join(f"{n:,}" for n in self.shape)

    def _rows(self) -> list[tuple[str, str]]:
        rows = [self._heading()]
        rows += [(name, _range(values)) for name, values in self._shared.get("axes", {}).items()]
        rows.append(("verdict", self._listed() or "none"))
        if self.size and (self.verdict == Verdict.converged).any():
            best, names = self.best, self._about["swept"]
            at = ", ".join(f"{name} {text(best[name])}" for name in names)
            told = f"{at}: {best.nit} iterations\nfun {text(best.fun)}\nx {text(best.x)}"
            rows.append(("best", told))
        return [*rows, ("elapsed", seconds(self.elapsed))]


@carries_result
def sweep(
    fun: Callable[..., Any] | Objective,
    x0: Any,
    method: Any = "gradient_descent",
    *,
    args: tuple[Any, ...] = (),
    bounds: Any = None,
    threads: int | None = None,
    progress: bool = False,
    unpack: bool | None = None,
    gtol: float | None = GTOL,
    xtol: float | None = XTOL,
    ftol: float | None = FTOL,
    max_iter: int | None = None,
    max_nfev: int | None = None,
    max_time: float | None = None,
    **hyper: Any,
) -> Sweep:
    """Descend from one start with every combination of hyper-parameters.

    Parameters
    ----------
    fun : callable or Objective
        A function written in NumPy; it is called once.
    x0 : array_like, tuple or dict
        The start, as in `thalweg.minimize`.
    method : str
        As in `thalweg.minimize`.
    args, bounds, unpack : optional
        As in `thalweg.minimize`.
    threads : int, optional
        Threads that share the runs; by default all cores. Results do not depend on it.
    progress : bool, default False
        Show on stderr how many runs have ended.
    gtol, xtol, ftol, max_iter, max_nfev, max_time : optional
        When a run stops, as in `thalweg.minimize`.
    **hyper
        Hyper-parameters: a sequence of numbers is swept, and makes an axis of the result, in the
        order given; a number (or a schedule) holds for all runs.

    Returns
    -------
    Sweep
        `verdict`, `x`, `fun`, `nit`, …, each with an axis for each sequence; `axes`; `best`.

    Raises
    ------
    TraceError
        If `fun` cannot be traced.
    ValueError, TypeError
        If an argument does not fit; the message says what was wanted, what came, and which.
    KeyboardInterrupt
        On Ctrl-C, with the ends of the runs so far as ``.result``.

    Notes
    -----
    The verdict on a run is the first of these that holds:

    ``converged``, ``left_domain``, ``non_finite``, ``stuck``
        By its reason.
    ``diverged``
        By its reason; or f rose in every iteration of the last half.
    ``too_small``
        f fell at every iteration.
    ``oscillating``
        f rose in a quarter or more of the last half of its iterations.
    ``unfinished``
        Any other, and every run of a solver that reached a limit.

    The last half are the iterations beyond ``max_iter / 2``; a run that `max_nfev` or `max_time`
    ended before is not called oscillating or diverged by its values.

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> s = tw.sweep(lambda x: np.exp(x) - np.log(x), 1.6, learning_rate=[0.001, 0.1, 0.3, 0.5],
    ...              max_iter=100)
    >>> s.verdicts.tolist()
    ['too_small', 'converged', 'converged', 'left_domain']
    >>> s.best.learning_rate, s.best.nit
    (0.3, 26)
    """
    began = time.perf_counter()
    given = {
        "gtol": gtol, "xtol": xtol, "ftol": ftol, "max_iter": max_iter, "max_nfev": max_nfev,
        "max_time": max_time,
    }  # fmt: skip
    axes = {name: _axis(name, value) for name, value in hyper.items() if _is_sequence(value)}
    chosen = _method(method, hyper, axes)
    stops = defaults(chosen) | checked_given(given)
    stops["threads"] = cores(threads)
    objective = objective_of(fun, x0, args, unpack)
    axes_in_front, row = objective.structure.flatten(x0, "x0")
    if len(row) != 1 or axes_in_front:
        raise ValueError(f"x0 must be one start, got {len(row)} (leading axes {axes_in_front})")
    check_finite(row[0], "x0", objective.structure)
    limits = read_bounds(bounds, objective.structure, row[0])

    shape = tuple(len(values) for values in axes.values())
    k = prod(shape)
    if k > _MOST:
        raise ValueError(f"a sweep has at most {_MOST:,} runs, got {k:,}: {shape}")
    grids = dict(zip(axes, np.meshgrid(*axes.values(), indexing="ij"), strict=True))
    by_lane = {name: grid.ravel().astype(np.float64) for name, grid in grids.items()}
    lanes = lanes_of(objective, np.repeat(row, k, axis=0))

    def run(parts: Parts) -> None:
        with Progress(progress, k, "run") as shown:
            told, rises = shown.count if progress else None, not chosen.solves
            lanes.descend(chosen, by_lane, limits, stops, told, count_rises=rises, parts=parts)

    def ends(parts: Parts, seconds: float) -> tuple[dict[str, Any], Results]:
        out = lanes.outcome(parts)
        return out, lanes.results(out, stops["max_nfev"], seconds)

    def tell(parts: Parts, seconds: float) -> Sweep:
        out, flat = ends(parts, seconds)
        verdict = verdicts_of(out, stops["max_iter"])
        arrays, own = flat._in_shape(shape)
        shared = {"axes": axes, "elapsed": time.perf_counter() - began}
        about = flat._about | {"method": chosen.name, "swept": tuple(axes), "gtol": stops["gtol"]}
        arrays = {**grids, "verdict": verdict.reshape(shape), **arrays}
        return Sweep(arrays, shape, shared, own, about)

    return carried(
        began, run, tell, lambda parts: ended(parts, k), lambda parts, s: ends(parts, s)[1]
    )


def verdicts_of(out: dict[str, Any], max_iter: int) -> npt.NDArray[np.int8]:
    """The verdict on each run, (k,), by the formulas in the notes of `sweep`."""
    verdict: npt.NDArray[np.int8] = _BY_REASON[out["reason"]]
    open_ = verdict < 0
    if out["late_rises"] is None:
        verdict[open_] = Verdict.unfinished
        return verdict
    late = max_iter - max_iter // 2
    rises, falls_always = out["late_rises"], out["not_falls"] == 0
    # From the last that is looked at to the first, which has the last word.
    told = np.full(len(verdict), Verdict.unfinished, np.int8)
    told[(4 * rises >= late) & (late > 0)] = Verdict.oscillating
    told[falls_always & (out["nit"] > 0)] = Verdict.too_small
    told[(rises >= late) & (late > 0)] = Verdict.diverged
    told[~open_] = verdict[~open_]
    return told


def _is_sequence(value: Any) -> bool:
    return isinstance(value, list | tuple | range) or getattr(value, "ndim", 0) > 0


def _axis(name: str, values: Any) -> FloatArray:
    """A hyper-parameter's values as they were given."""
    if not isinstance(values, np.ndarray) and any(callable(v) for v in values):
        raise TypeError(f"{name} must be a sequence of numbers to be swept, got a schedule in it")
    try:
        axis = as_floats(values, name).copy()
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a sequence of numbers, got {values!r}") from None
    if axis.ndim != 1:
        raise ValueError(f"{name} must be one sequence of numbers, got shape {axis.shape}")
    if not axis.size:
        raise ValueError(f"{name} must hold a number at least, got none")
    return axis


def _method(method: Any, hyper: dict[str, Any], axes: dict[str, Any]) -> Method:
    """The method with the first of each axis' values, all of which are checked."""
    if not axes:
        raise ValueError(
            "a sweep needs a sequence of values of a hyper-parameter, such as "
            "learning_rate=[0.01, 0.1, 1], got "
            + (", ".join(f"{name}={value!r}" for name, value in hyper.items()) or "none")
        )
    chosen = make(method, hyper | {name: float(axis[0]) for name, axis in axes.items()})
    for name, axis in axes.items():
        chosen.check(name, axis)
        if chosen.is_whole(name):
            axes[name] = axis.astype(np.int64)
    return chosen


def _range(values: FloatArray) -> str:
    if len(values) <= 4:
        return ", ".join(f"{v:g}" for v in values)
    return f"{values.min():g} to {values.max():g}, {len(values):,} values"
