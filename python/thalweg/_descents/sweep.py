# SPDX-License-Identifier: BSD-3-Clause
"""Run one descent for each combination of hyper-parameters and give a verdict on each run."""

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
from thalweg._methods.stopping import FTOL, GTOL, XTOL, checked_given, defaults, limits_among
from thalweg._objectives.bounds import read_bounds
from thalweg._objectives.making import objective_of
from thalweg._objectives.objective import Objective
from thalweg._objectives.points import FloatArray, as_floats, check_finite
from thalweg._results.reasons import Reason
from thalweg._results.record import seconds, text
from thalweg._results.results import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Sweep", "Verdict", "sweep"]

_MOST = 1 << 27  # the results of this many runs fit into a few GiB


class Verdict(IntEnum):
    """The outcome of one run of a sweep, an integer with a name.

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
    Verdict.too_small: "the value fell at every step, but the gradient is not small yet",
    Verdict.oscillating: "the value rose in a quarter or more of the last half of the iterations",
    Verdict.diverged: "the value grew without bound",
    Verdict.left_domain: "a step left the domain of the function",
    Verdict.non_finite: "a value or gradient is not finite",
    Verdict.stuck: "no lower value was found",
    Verdict.unfinished: "it neither converged nor went wrong",
}
# The verdict that follows from the reason alone; -1 if the values decide.
_BY_REASON = np.full(len(Reason), -1, np.int8)
_BY_REASON[[r for r in Reason if r.success]] = Verdict.converged
_BY_REASON[Reason.diverged] = Verdict.diverged
_BY_REASON[Reason.left_domain] = Verdict.left_domain
_BY_REASON[Reason.non_finite] = Verdict.non_finite
_BY_REASON[Reason.stuck] = Verdict.stuck


class Sweep(Results):
    """The results of one descent for each combination of hyper-parameters.

    The arrays have one axis for each hyper-parameter that was given as a sequence, in that order.

    Attributes
    ----------
    verdict : ndarray of int8
        The verdict on each run, as values of `thalweg.Verdict`.
    verdicts : ndarray of str
        The verdicts as names.
    verdict_counts : dict
        The number of runs with each verdict.
    axes : dict
        The values of each hyper-parameter that was swept, by name.
    best : One
        The fastest run that converged: fewest iterations, then lowest value.
    x, fun, jac, success, status, reason, nit, nfev, nhev, elapsed
        Where each descent ended, why, and what it cost, as in `Results`. Each hyper-parameter that
        was swept is an attribute too.
    """

    verdict: npt.NDArray[np.int8]
    axes: dict[str, FloatArray]

    __slots__ = ()

    @property
    def best(self) -> Any:
        """The fastest run that converged: fewest iterations, then lowest value."""
        return self._one(self._fastest())

    def _fastest(self) -> int:
        good = np.flatnonzero(self.verdict.ravel() == Verdict.converged)
        if not good.size:
            raise ValueError(f"none of {self.size:,} runs converged: {self._listed()}")
        nit, fun = self.nit.ravel()[good], self.fun.ravel()[good]
        return int(good[np.lexsort((fun, nit))[0]])

    @property
    def verdicts(self) -> npt.NDArray[np.str_]:
        """The verdicts as names."""
        return np.array([str(v) for v in Verdict])[self.verdict]

    @property
    def verdict_counts(self) -> dict[Verdict, int]:
        """The number of runs with each verdict."""
        counts = np.bincount(self.verdict.ravel(), minlength=len(Verdict))
        return {v: int(counts[v]) for v in Verdict if counts[v]}

    def plot(self, **kw: Any) -> Axes:
        """Draw the verdicts and the iterations against the hyper-parameters.

        Parameters
        ----------
        **kw
            Keywords of `thalweg.plot.sweep`.

        Returns
        -------
        matplotlib.axes.Axes
            The axes that hold the picture.
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
        # A selection of runs is no longer a grid; each run keeps its own hyper-parameters.
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
            summary = f"{at}: {best.nit} iterations\nfun {text(best.fun)}\nx {text(best.x)}"
            rows.append(("best", summary))
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
        A function written in NumPy. It is called once.
    x0 : array_like, tuple or dict
        The start, as in `thalweg.minimize`.
    method : str
        As in `thalweg.minimize`.
    args, bounds, unpack : optional
        As in `thalweg.minimize`.
    threads : int, optional
        The number of threads that share the runs; by default one for each core. The results are
        the same for any number, bit for bit.
    progress : bool, default False
        Whether to show on stderr how many runs have ended.
    gtol, xtol, ftol, max_iter, max_nfev, max_time : optional
        Stopping limits of each run, as in `thalweg.minimize`.
    **hyper
        The method's hyper-parameters. A sequence of numbers is swept and becomes an axis of the
        result, in the order given; a number (or a schedule) applies to all runs.

    Returns
    -------
    Sweep
        `verdict`, `x`, `fun`, `nit`, …, with one axis for each sequence; `axes`; `best`.

    Raises
    ------
    TraceError
        If `fun` cannot be traced.
    ValueError, TypeError
        If an argument is invalid; the message names it and says what was expected.
    KeyboardInterrupt
        On Ctrl-C, with the results of the runs so far in ``.result``.

    See Also
    --------
    minimize : Descend once.
    minimize_many : Descend from many starts.
    thalweg.plot.sweep : Draw the verdicts and the iterations.

    Notes
    -----
    The verdict on a run is the first of these that applies:

    ``converged``, ``left_domain``, ``non_finite``, ``stuck``
        The reason why the descent ended says so.
    ``diverged``
        The reason says so, or f rose in every iteration of the last half.
    ``too_small``
        f fell at every iteration.
    ``oscillating``
        f rose in a quarter or more of the last half of the iterations.
    ``unfinished``
        None of the others applies, or a solver reached a limit.

    The last half consists of the iterations after ``max_iter / 2``. A run that `max_nfev` or
    `max_time` ended earlier is not judged oscillating or diverged by its values.

    References
    ----------
    .. [1] L. Bottou, F. E. Curtis and J. Nocedal, "Optimization methods for large-scale machine
       learning", SIAM Rev. 60(2), 2018, 223-311, https://doi.org/10.1137/16M1080173

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
    given = limits_among(locals())
    axes = {name: _axis(name, value) for name, value in hyper.items() if _is_sequence(value)}
    chosen = _method(method, hyper, axes)
    stops = defaults(chosen) | checked_given(given)
    stops["threads"] = cores(threads)
    objective = objective_of(fun, x0, args, unpack)
    axes_in_front, row = objective.structure.flatten(x0, "x0")
    if len(row) != 1 or axes_in_front:
        raise ValueError(f"x0 must be one start, got {len(row)} (leading axes {axes_in_front})")
    check_finite(row[0], "x0", objective.structure)
    box = read_bounds(bounds, objective.structure, row[0])

    shape = tuple(len(values) for values in axes.values())
    k = prod(shape)
    if k > _MOST:
        raise ValueError(f"a sweep has at most {_MOST:,} runs, got {k:,}: {shape}")
    grids = dict(zip(axes, np.meshgrid(*axes.values(), indexing="ij"), strict=True))
    by_lane = {name: grid.ravel().astype(np.float64) for name, grid in grids.items()}
    lanes = lanes_of(objective, np.repeat(row, k, axis=0))

    def run(parts: Parts) -> None:
        with Progress(progress, k, "run") as shown:
            on_ended, rises = shown.count if progress else None, not chosen.solves
            lanes.descend(chosen, by_lane, box, stops, on_ended, count_rises=rises, parts=parts)

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
    """Return the verdict on each run, (k,), by the rules in the notes of `sweep`."""
    verdict: npt.NDArray[np.int8] = _BY_REASON[out["reason"]]
    open_ = verdict < 0
    if out["late_rises"] is None:
        verdict[open_] = Verdict.unfinished
        return verdict
    late = max_iter - max_iter // 2
    rises, falls_always = out["late_rises"], out["not_falls"] == 0
    # The rules are applied in reverse order, so that the first one that applies wins.
    decided = np.full(len(verdict), Verdict.unfinished, np.int8)
    decided[(4 * rises >= late) & (late > 0)] = Verdict.oscillating
    decided[falls_always & (out["nit"] > 0)] = Verdict.too_small
    decided[(rises >= late) & (late > 0)] = Verdict.diverged
    decided[~open_] = verdict[~open_]
    return decided


def _is_sequence(value: Any) -> bool:
    return isinstance(value, list | tuple | range) or getattr(value, "ndim", 0) > 0


def _axis(name: str, values: Any) -> FloatArray:
    """Return the values of a hyper-parameter as an array, checked."""
    if not isinstance(values, np.ndarray) and any(callable(v) for v in values):
        raise TypeError(f"{name} must be a sequence of numbers, but it contains a schedule")
    try:
        axis = as_floats(values, name).copy()
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a sequence of numbers, got {values!r}") from None
    if axis.ndim != 1:
        raise ValueError(f"{name} must be one sequence of numbers, got shape {axis.shape}")
    if not axis.size:
        raise ValueError(f"{name} must hold at least one number, got none")
    return axis


def _method(method: Any, hyper: dict[str, Any], axes: dict[str, Any]) -> Method:
    """Check all values, and return the method with the first value of each axis."""
    if not axes:
        raise ValueError(
            "a sweep needs a sequence of values for a hyper-parameter, such as "
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
