# SPDX-License-Identifier: BSD-3-Clause
"""Descend from starts spread over a box and collect the distinct minima."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from thalweg._descents.interrupts import Parts, carried, carries_result, ended
from thalweg._descents.lanes import cores, lanes_of
from thalweg._descents.minima import Minima, find_minima
from thalweg._descents.progress import Progress
from thalweg._descents.stationary import Box
from thalweg._methods.method import Method, make
from thalweg._methods.stopping import FTOL, GTOL, XTOL, checked_given, defaults, limits_among
from thalweg._objectives.bounds import box_from_pairs
from thalweg._objectives.making import objective_of
from thalweg._objectives.objective import Objective
from thalweg._objectives.points import FloatArray, as_floats
from thalweg._results.results import Many, Results

__all__ = ["BoxSearch", "multistart"]

T = TypeVar("T")

# Exponents of two: how many Sobol points are generated at a time, and how many exist at most.
_PIECE, _SOBOLS = 18, 30


class BoxSearch:
    """Descents that start inside a box: the checked arguments of `multistart` and `basins`."""

    def __init__(
        self,
        objective: Objective,
        bounds: Any,
        method: Method,
        stops: dict[str, Any],
        bounded: bool,
        merge_tol: Any,
    ) -> None:
        self.objective, self.method, self.stops = objective, method, stops
        self.tol = _checked_tol(merge_tol)
        lower, upper = box_from_pairs(bounds, self.objective.structure)
        with np.errstate(over="ignore"):
            wrong = np.flatnonzero(~np.isfinite(upper - lower))
        if wrong.size:
            i = wrong[0]
            raise ValueError(
                "bounds must be finite, because starts are spread over the whole box, got "
                f"({lower[i]}, {upper[i]}) for {self.objective.structure.name_of(i)}"
            )
        if not (lower < upper).any():
            raise ValueError("bounds must leave a variable free, got lower = upper in all of them")
        self.box = Box(np.ascontiguousarray(lower), np.ascontiguousarray(upper), bool(bounded))

    def run(
        self,
        rows: FloatArray,
        slopes: bool,
        progress: bool,
        tell: Callable[[dict[str, Any], Results], T],
    ) -> T:
        """Descend from rows (k, n) and return ``tell(outcome, results)``.

        An interrupt carries the `Results` alone, even if it arrives while `tell` runs.
        """
        began, lanes = time.perf_counter(), lanes_of(self.objective, rows)

        def descend(parts: Parts) -> None:
            with Progress(progress, len(rows), "start") as shown:
                on_ended = shown.count if progress else None
                lanes.descend(
                    self.method, {}, self.box.descent_box, self.stops, on_ended, parts=parts
                )

        def both(parts: Parts, seconds: float) -> tuple[dict[str, Any], Results]:
            out, most = lanes.outcome(parts), self.stops["max_nfev"]
            if slopes:
                return out, lanes.results(out, most, seconds)
            bare = out | {"jac": None}
            return out, Results.of_outcome(bare, self.objective, max_nfev=most, elapsed=seconds)

        return carried(
            began,
            descend,
            lambda parts, seconds: tell(*both(parts, seconds)),
            lambda parts: ended(parts, len(rows)),
            lambda parts, seconds: both(parts, seconds)[1],
        )

    def minima(self, out: dict[str, Any], ends: Results, starts: Any, began: float) -> Minima:
        """Find the minima that the descents reached."""
        found, others, labels, kinds = find_minima(self.objective, self.box, out, self.tol)
        del found["kind"]
        labels, kinds = labels.reshape(ends.shape), kinds.reshape(ends.shape)
        about = {
            "objective": self.objective, "ends": ends, "starts": starts, "box": self.box,
            "others": Many(others, others["fun"].shape),
        }  # fmt: skip
        shared = {"labels": labels, "kinds": kinds, "elapsed": time.perf_counter() - began}
        return Minima(found, found["fun"].shape, shared, about=about)


@carries_result
def multistart(
    fun: Callable[..., Any] | Objective,
    bounds: Any,
    n: int = 1000,
    method: Any = "lbfgs",
    *,
    args: tuple[Any, ...] = (),
    seed: int = 0,
    sampling: str = "sobol",
    merge_tol: float = 1e-3,
    bounded: bool = True,
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
) -> Minima:
    """Descend from starts spread over a box and find the distinct minima.

    Parameters
    ----------
    fun : callable or Objective
        A function written in NumPy. It is called once.
    bounds : sequence or dict of (lower, upper), or Bounds
        The box, which must be finite. Its form is the form of the points (see "How x0 reaches the
        function" in the documentation): a list of pairs for a function of several numbers or of
        one array, one pair for a function of one number, or a dict by name, whose bounds may be
        arrays. A variable whose bounds are equal is fixed.
    n : int, default 1000
        The number of starts.
    method : str or method object
        As in `thalweg.minimize`, with hyper-parameters as further keywords.
    args : tuple, optional
        Further arguments of `fun`.
    seed : int, default 0
        Seed for the starts, >= 0.
    sampling : {"sobol", "uniform"}
        How starts are chosen: a scrambled Sobol sequence, which fills the box evenly and needs
        SciPy, or independent uniform numbers.
    merge_tol : float, default 1e-3
        Endpoints are the same minimum if they differ in no variable by more than this fraction of
        the width of the box.
    bounded : bool, default True
        Whether the descents stay inside the box; a minimum on its border then counts as a minimum.
        If False, the bounds only say where to start.
    threads : int, optional
        The number of threads that share the starts; by default one for each core. The results are
        the same for any number, bit for bit.
    progress : bool, default False
        Whether to show on stderr how many descents have ended.
    unpack : bool, optional
        Whether to pass the variables as separate arguments. By default, the signature of `fun`
        decides.
    gtol, xtol, ftol, max_iter, max_nfev, max_time : optional
        Stopping limits of each descent, as in `thalweg.minimize`.
    **hyper
        The method's hyper-parameters.

    Returns
    -------
    Minima
        `x`, `fun` and `counts` of the minima, best first; `labels`, the index of the minimum of
        each start, or -1; and `best`, the lowest minimum.

    Raises
    ------
    TraceError
        If `fun` cannot be traced.
    ValueError, TypeError
        If an argument is invalid; the message names it and says what was expected.
    ImportError
        If ``sampling="sobol"`` and SciPy is not installed.
    KeyboardInterrupt
        On Ctrl-C, with the results of the descents so far in ``.result``.

    See Also
    --------
    basins : Descend from every point of a grid and draw which minimum each start leads to.
    minimize_many : Descend from given starts.
    minimize : Descend from one start.

    Notes
    -----
    Endpoints are rounded to cells of `merge_tol` times the width of the bounds. The lowest endpoint
    of each cell is classified by the signs of the Hessian's eigenvalues over the variables that are
    not at an active bound. If it is near a minimum, so that the Newton step is at most `merge_tol`
    times the width, it is polished with Newton's method; descents that were stopped early therefore
    count as well. If polishing moves it no further than that, all endpoints of its cell belong to
    the polished point. The points are then taken in order of increasing value. A point that
    lies within `merge_tol` times the width of a lower one, in every variable, is the same minimum.
    If a function has a line or plane of minima, points on it stay distinct at the distance
    `merge_tol`, and `flat` marks them.

    References
    ----------
    .. [1] A. H. G. Rinnooy Kan and G. T. Timmer, "Stochastic global optimization methods, part I:
       Clustering methods", Math. Program. 39, 1987, 27-56, https://doi.org/10.1007/BF02592070
    .. [2] S. Joe and F. Y. Kuo, "Constructing Sobol sequences with better two-dimensional
       projections", SIAM J. Sci. Comput. 30(5), 2008, 2635-2654, https://doi.org/10.1137/070709359

    Examples
    --------
    >>> import thalweg as tw
    >>> himmelblau = lambda x, y: (x**2 + y - 11)**2 + (x + y**2 - 7)**2
    >>> found = tw.multistart(himmelblau, [(-5, 5), (-5, 5)], n=256)
    >>> len(found), int(found.counts.sum())
    (4, 256)
    >>> found[found.x[:, 0] > 3.3].x.round(6)
    array([[ 3.584428, -1.848127]])
    """
    began = time.perf_counter()
    given = limits_among(locals())
    chosen = make("lbfgs" if method is None else method, hyper)
    stops = defaults(chosen) | checked_given(given) | {"threads": cores(threads)}
    objective = objective_in(bounds, fun, args, unpack)
    search = BoxSearch(objective, bounds, chosen, stops, bounded, merge_tol)
    rows = _starts(search.box, _count("n", n, 1), _count("seed", seed, 0), sampling)
    starts = search.objective.structure.restore(rows, (len(rows),))
    return search.run(
        rows, True, progress, lambda out, ends: search.minima(out, ends, starts, began)
    )


def objective_in(
    bounds: Any, fun: Callable[..., Any] | Objective, args: Any, unpack: bool | None
) -> Objective:
    """Trace the function at the centre of its box; errors about the point name the bounds."""
    point = None if isinstance(fun, Objective) else _middle(bounds)
    try:
        return objective_of(fun, point, args, unpack)
    except (TypeError, ValueError) as error:
        if type(error) not in (TypeError, ValueError) or "x0" not in str(error):
            raise  # raised by the function itself
        raise type(error)(str(error).replace("x0", "bounds")) from None


def _starts(box: Box, n: int, seed: int, sampling: str) -> FloatArray:
    """Return starts as rows (n, variables), spread over the box."""
    free = np.flatnonzero(box.upper > box.lower)
    rng = np.random.default_rng(seed)
    if sampling == "sobol":
        shares = _sobol(free.size, n, rng)
    elif sampling == "uniform":
        shares = rng.random((n, free.size))
    else:
        raise ValueError(f"sampling must be 'sobol' or 'uniform', got {sampling!r}")
    rows = np.tile(box.lower, (n, 1))
    rows[:, free] += shares * box.width[free]
    return np.minimum(rows, box.upper)


def _sobol(dimensions: int, n: int, rng: np.random.Generator) -> FloatArray:
    try:
        from scipy.stats import qmc
    except ImportError:
        raise ImportError(
            'sampling="sobol" needs SciPy: pip install "thalweg[scipy]", or sampling="uniform"'
        ) from None
    # A power of two of Sobol points is balanced, and the first n of them are used.
    try:
        try:
            points = qmc.Sobol(dimensions, scramble=True, rng=rng)
        except TypeError:  # before SciPy 1.15
            points = qmc.Sobol(dimensions, scramble=True, seed=rng)
        bits = int(n - 1).bit_length()
        if not _PIECE < bits <= _SOBOLS:
            shares: FloatArray = points.random_base2(bits)[:n]
        else:  # the same points in pieces, so that Ctrl-C need not wait
            count = 1 << _PIECE
            shares = np.concatenate([points.random(count) for _ in range(-(-n // count))])[:n]
    except ValueError as error:
        raise ValueError(
            f"sampling='sobol' with n = {n}: {error}; 'uniform' has no limit"
        ) from None
    return shares


def _middle(bounds: Any) -> Any:
    """Return the centre of a box in the form of its points, to trace the function with."""
    if hasattr(bounds, "lb") and hasattr(bounds, "ub"):
        return _between(bounds.lb, bounds.ub)
    if isinstance(bounds, dict):
        return {name: _mid(pair, f"bounds[{name!r}]") for name, pair in bounds.items()}
    if bounds is None or isinstance(bounds, str) or not hasattr(bounds, "__len__"):
        raise TypeError(
            f"bounds must be pairs (lower, upper), one for each variable, got {bounds!r}"
        )
    if len(bounds) == 2 and all(end is None or np.ndim(end) == 0 for end in bounds):
        return _mid(bounds, "bounds")
    if not len(bounds):
        raise ValueError(f"bounds must have a pair for each variable, got {bounds!r}")
    entries = [_mid(pair, f"bounds[{i}]") for i, pair in enumerate(bounds)]
    if any(np.ndim(entry) for entry in entries):
        return tuple(entries)
    return np.array(entries)


def _between(lower: Any, upper: Any) -> Any:
    if isinstance(lower, dict) and isinstance(upper, dict):
        return {name: _mid((lower[name], upper.get(name)), name) for name in lower}
    if isinstance(lower, tuple) and isinstance(upper, tuple):
        return tuple(_mid(pair, "bounds") for pair in zip(lower, upper, strict=True))
    return _mid((lower, upper), "bounds")


def _mid(pair: Any, what: str) -> Any:
    try:
        lower, upper = pair
    except (TypeError, ValueError):
        raise ValueError(f"{what} must be a pair (lower, upper), got {pair!r}") from None
    low, high = (
        as_floats(free if end is None else end, what)
        for end, free in ((lower, -np.inf), (upper, np.inf))
    )
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        raise ValueError(
            f"{what} must be finite, because starts are spread over the whole box, got {pair!r}"
        )
    try:
        middle = 0.5 * low + 0.5 * high
    except ValueError:
        raise ValueError(
            f"{what} must be two bounds of one shape, got shapes {low.shape} and {high.shape}"
        ) from None
    return float(middle) if middle.ndim == 0 else middle


def _count(name: str, value: Any, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    if value < least:
        raise ValueError(f"{name} must be >= {least}, got {value}")
    return int(value)


def _checked_tol(merge_tol: Any) -> float:
    try:
        number = float(merge_tol)
    except (TypeError, ValueError):
        raise TypeError(f"merge_tol must be a number, got {type(merge_tol).__name__}") from None
    if not 1e-12 <= number < 1.0:
        raise ValueError(
            "merge_tol must be a fraction of the width of the bounds, 1e-12 <= merge_tol < 1, got "
            f"{number}"
        )
    return number
