# SPDX-License-Identifier: BSD-3-Clause
"""`minimize_many`: descents from many starts, in lanes that threads share."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from thalweg._descents.interrupts import Parts, carried, carries_result, ended
from thalweg._descents.lanes import Lanes, cores, lane_method
from thalweg._descents.progress import Progress
from thalweg._methods.stopping import FTOL, GTOL, XTOL, checked_given, defaults
from thalweg._objectives.bounds import read_bounds
from thalweg._objectives.objective import Objective
from thalweg._results.results import Results

__all__ = ["minimize_many"]


@carries_result
def minimize_many(
    fun: Callable[..., Any] | Objective,
    x0s: Any,
    method: Any = "lbfgs",
    *,
    args: tuple[Any, ...] = (),
    lane_args: tuple[Any, ...] = (),
    bounds: Any = None,
    gtol: float | None = GTOL,
    xtol: float | None = XTOL,
    ftol: float | None = FTOL,
    max_iter: int | None = None,
    max_nfev: int | None = None,
    max_time: float | None = None,
    threads: int | None = None,
    progress: bool = False,
    record: bool = False,
    unpack: bool | None = None,
    **hyper: Any,
) -> Results:
    """Descend from every start to a minimum of `fun`: as `minimize` from each, much faster.

    Parameters
    ----------
    fun : callable or Objective
        A function written in NumPy, or one traced before; called once.
    x0s : array_like, tuple or dict
        The starts: a start's form with k in front, ``(k, ...)``; for a function of several numbers
        ``(k, n)``, for one number ``(k,)``. Each array of a tuple or dict has k in front.
    method : str or method object
        As in `minimize`.
    args : tuple, optional
        Further arguments of `fun`, the same for all.
    lane_args : tuple of array_like, optional
        Further arguments behind them, arrays ``(k, ...)`` of which each start has its own entry.
    bounds : optional
        As in `minimize`, the same for all.
    gtol, xtol, ftol, max_iter, max_nfev : optional
        As in `minimize`, for each.
    max_time : float, optional
        Seconds at most, for all together.
    threads : int, optional
        Threads that share the starts; by default one a core, or one for a few starts. Results do
        not depend on it, to the bit.
    progress : bool, default False
        Show on stderr how many have ended.
    record : bool, default False
        Keep every descent's points: ``r[i].path``. They then go one by one.
    unpack : bool, optional
        As in `minimize`.
    **hyper
        Hyper-parameters; arrays of length k where they differ from start to start. (Of a solver,
        starts with equal ones descend together.)

    Returns
    -------
    Results
        Arrays with k in front: `x`, `fun`, `jac`, `success`, `status`, `reason`, `nit`, `nfev`,
        `nhev`. Each start ends as it would alone, to the bit.

    Raises
    ------
    TraceError
        If `fun` cannot be traced.
    ValueError, TypeError
        If an argument does not fit; the message says what was wanted, what came, and which.
    KeyboardInterrupt
        On Ctrl-C, with what there is as ``.result``; those not begun have the reason
        ``interrupted`` and NaN for `fun`.

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> f = lambda x, y: (x**2 - 1) ** 2 + y**2
    >>> r = tw.minimize_many(f, np.array([[2.0, 1.0], [-0.5, 0.0]]))
    >>> r.x.round(6) + 0.0
    array([[ 1.,  0.],
           [-1.,  0.]])
    >>> bool(r.success.all())
    True
    """
    began = time.perf_counter()
    given = {
        "gtol": gtol, "xtol": xtol, "ftol": ftol, "max_iter": max_iter, "max_nfev": max_nfev,
        "max_time": max_time,
    }  # fmt: skip
    lanes = Lanes.of(fun, x0s, args, lane_args, unpack)
    chosen, by_lane = lane_method(method, hyper, len(lanes))
    stops = defaults(chosen) | checked_given(given)
    stops["threads"] = cores(threads)
    limits = read_bounds(bounds, lanes.objective.structure, lanes.rows)

    def run(parts: Parts) -> None:
        with Progress(progress, len(lanes), "start") as shown:
            told = shown.count if progress else None
            descend = lanes.recorded if record else lanes.descend
            descend(chosen, by_lane, limits, stops, told, parts=parts)

    def tell(parts: Parts, seconds: float) -> Results:
        return lanes.results(lanes.outcome(parts), stops["max_nfev"], seconds)

    return carried(began, run, tell, lambda parts: ended(parts, len(lanes)))
