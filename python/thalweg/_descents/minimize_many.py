# SPDX-License-Identifier: BSD-3-Clause
"""Descend from many starts at once, in vector lanes that threads share."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from thalweg._descents.interrupts import Parts, carried, carries_result, ended
from thalweg._descents.lanes import Lanes, cores, lane_method
from thalweg._descents.progress import Progress
from thalweg._methods.stopping import FTOL, GTOL, XTOL, checked_given, defaults, limits_among
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
    """Find a minimum of `fun` from each of many starts, much faster than by a loop.

    Each descent is the one that `minimize` would make from that start, bit for bit.

    Parameters
    ----------
    fun : callable or Objective
        A function written in NumPy, or one that was traced before. It is called once.
    x0s : array_like, tuple or dict
        The k starts, with a leading axis of length k: ``(k,)`` for a function of one number,
        ``(k, n)`` for a function of n numbers, ``(k, ...)`` for a function of an array. In a tuple
        or dict, each array has the leading axis.
    method : str or method object
        As in `minimize`.
    args : tuple, optional
        Further arguments of `fun`, the same for all starts.
    lane_args : tuple of array_like, optional
        Further arguments after `args` that differ between starts: arrays ``(k, ...)`` with one
        entry for each start.
    bounds : optional
        As in `minimize`, the same for all starts.
    gtol, xtol, ftol, max_iter, max_nfev : optional
        Stopping limits of each descent, as in `minimize`.
    max_time : float, optional
        Maximum duration of all descents together, in seconds.
    threads : int, optional
        The number of threads that share the starts. The default is one for each core, or one if
        there are few starts. The results are the same for any number, bit for bit.
    progress : bool, default False
        Whether to show on stderr how many descents have ended.
    record : bool, default False
        Whether to keep the points of every descent in ``r[i].path``. The descents then run one
        after another.
    unpack : bool, optional
        As in `minimize`.
    **hyper
        The method's hyper-parameters: a number, or an array of length k with one value for each
        start. With a solver, starts with equal values run together.

    Returns
    -------
    Results
        Arrays with a leading axis of length k: `x`, `fun`, `jac`, `success`, `status`, `reason`,
        `nit`, `nfev`, `nhev`.

    Raises
    ------
    TraceError
        If `fun` cannot be traced.
    ValueError, TypeError
        If an argument is invalid; the message names it and says what was expected.
    KeyboardInterrupt
        On Ctrl-C, with the results so far in ``.result``. Descents that had not begun have the
        reason ``interrupted`` and a `fun` of NaN.

    See Also
    --------
    minimize : Descend from one start.
    multistart : Choose the starts in a box and merge the minima.
    sweep : Descend with every combination of hyper-parameters.
    least_squares_many : Minimize many sums of squares.

    References
    ----------
    .. [1] J. Nocedal and S. J. Wright, *Numerical Optimization*, 2nd ed., Springer, 2006,
       https://doi.org/10.1007/978-0-387-40065-5

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
    given = limits_among(locals())
    lanes = Lanes.of(fun, x0s, args, lane_args, unpack)
    chosen, by_lane = lane_method(method, hyper, len(lanes))
    stops = defaults(chosen) | checked_given(given)
    stops["threads"] = cores(threads)
    box = read_bounds(bounds, lanes.objective.structure, lanes.rows)

    def run(parts: Parts) -> None:
        with Progress(progress, len(lanes), "start") as shown:
            on_ended = shown.count if progress else None
            descend = lanes.recorded if record else lanes.descend
            descend(chosen, by_lane, box, stops, on_ended, parts=parts)

    def tell(parts: Parts, seconds: float) -> Results:
        return lanes.results(lanes.outcome(parts), stops["max_nfev"], seconds)

    return carried(began, run, tell, lambda parts: ended(parts, len(lanes)))
