# SPDX-License-Identifier: BSD-3-Clause
"""`multistart`: descents from all over a box, and the distinct minima they end at."""

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
from thalweg._methods.stopping import FTOL, GTOL, XTOL, checked_given, defaults
from thalweg._objectives.bounds import read_limits
from thalweg._objectives.objective import Objective, objective_of
from thalweg._objectives.points import FloatArray, as_floats
from thalweg._results.results import Many, Results

__all__ = ["Asked", "multistart"]

T = TypeVar("T")

# Powers of two: of Sobol's points that are made together, and that there are.
_PIECE, _SOBOLS = 18, 30


class Asked:
    """What `multistart` and `basins` are asked, read and checked."""

    def __init__(
        self,
        fun: Callable[..., Any] | Objective,
        bounds: Any,
        method: Any,
        *,
        args: Any,
        bounded: bool,
        merge_tol: Any,
        threads: int | None,
        unpack: bool | None,
        stops: dict[str, Any],
        hyper: dict[str, Any],
    ) -> None:
        given = checked_given(stops)
        self.method: Method = make("lbfgs" if method is None else method, hyper)
        self.stops = defaults(self.method) | given | {"threads": cores(threads)}
        self.tol = _checked_tol(merge_tol)
        self.objective = _objective_in(bounds, fun, args, unpack)
        lower, upper = read_limits(bounds, self.objective.structure)
        with np.errstate(over="ignore"):
            wrong = np.flatnonzero(~np.isfinite(upper - lower))
        if wrong.size:
            i = wrong[0]
            raise ValueError(
                "bounds must be finite, since starts are taken all over the box, got "
                f"({lower[i]}, {upper[i]}) for {self.objective.structure.name_of(i)}"
            )
        if not (lower < upper).any():
            raise ValueError("bounds must leave room in some variable, got lower = upper in all")
        self.box = Box(np.ascontiguousarray(lower), np.ascontiguousarray(upper), bool(bounded))

    def run(
        self,
        rows: FloatArray,
        slopes: bool,
        progress: bool,
        tell: Callable[[dict[str, Any], Results], T],
    ) -> T:
        """Descend from rows (k, n) in the core: what is made of the outcome and of its `Results`.

        An interrupt carries the `Results` alone, also where it comes while more is made of them.
        """
        began, lanes = time.perf_counter(), lanes_of(self.objective, rows)

        def descend(parts: Parts) -> None:
            with Progress(progress, len(rows), "start") as shown:
                told = shown.count if progress else None
                lanes.descend(self.method, {}, self.box.limits, self.stops, told, parts=parts)

        def both(parts: Parts, seconds: float) -> tuple[dict[str, Any], Results]:
            out, most = lanes.outcome(parts), self.stops["max_nfev"]
            if slopes:
                return out, lanes.results(out, most, seconds)
            bare = out | {"jac": None}
            return out, Results.told(bare, self.objective, max_nfev=most, elapsed=seconds)

        return carried(
            began,
            descend,
            lambda parts, seconds: tell(*both(parts, seconds)),
            lambda parts: ended(parts, len(rows)),
            lambda parts, seconds: both(parts, seconds)[1],
        )

    def minima(self, out: dict[str, Any], ends: Results, starts: Any, began: float) -> Minima:
        """The minima that descents ended at."""
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
    """Descend from starts all over a box, and tell the distinct minima.

    Parameters
    ----------
    fun : callable or Objective
        A function written in NumPy; it is called once.
    bounds : sequence or dict of (lower, upper), or Bounds
        The box, finite. Its form is the form of the points (docs/api.md, "How x0 reaches the
        function"): a list of pairs for a function of several numbers or of one array, one pair for
        a function of a number, a dict by name whose ends may be arrays. A variable with equal ends
        is held.
    n : int, default 1000
        How many starts.
    method : str or method object
        As in `thalweg.minimize`, with hyper-parameters as further keywords.
    args : tuple, optional
        Further arguments of `fun`.
    seed : int, default 0
        Of the starts, >= 0.
    sampling : {"sobol", "uniform"}
        Sobol's sequence, scrambled (it fills the box evenly; needs SciPy), or independent uniform
        numbers.
    merge_tol : float, default 1e-3
        How far apart ends may be that are the same minimum, in every variable, as a share of the
        box's width.
    bounded : bool, default True
        Keep the descents inside the box: a minimum at its border is then a minimum. False: the
        bounds only say where to start.
    threads : int, optional
        Threads that share the starts; by default all cores. Results do not depend on it.
    progress : bool, default False
        Show on stderr how many descents have ended.
    unpack : bool, optional
        Whether the variables are passed one by one; by default as the signature says.
    gtol, xtol, ftol, max_iter, max_nfev, max_time : optional
        When a descent stops, as in `thalweg.minimize`.
    **hyper
        The method's hyper-parameters.

    Returns
    -------
    Minima
        `x`, `fun`, `counts`, best first; `labels`: for each start its minimum, or -1; `best`.

    Raises
    ------
    TraceError
        If `fun` cannot be traced.
    ValueError, TypeError
        If an argument does not fit; the message says what was wanted, what came, and which.
    ImportError
        If ``sampling="sobol"`` and SciPy is missing.
    KeyboardInterrupt
        On Ctrl-C, with the ends of the descents so far as ``.result``.

    Notes
    -----
    Ends are rounded to cells of `merge_tol` times the width of the bounds. The lowest end of each
    cell is judged by the signs of the Hessian's eigenvalues on the variables that no bound holds.
    Near a minimum (Newton's step is at most `merge_tol` times the width) it is polished by Newton's
    method, so that descents that were stopped early count as well; and if that moves it by no more,
    all ends of its cell belong to the polished point. From the lowest value up, an end within
    `merge_tol` times the width of a lower one, in every variable, is the same minimum. Where a
    function has a line or a plain of minima, the points found there stay apart at `merge_tol`, and
    `flat` says which they are.

    Sobol's points: S. Joe and F. Y. Kuo, SIAM J. Sci. Comput. 30(5), 2008, 2635-2654.

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
    stops = {
        "gtol": gtol, "xtol": xtol, "ftol": ftol, "max_iter": max_iter, "max_nfev": max_nfev,
        "max_time": max_time,
    }  # fmt: skip
    asked = Asked(
        fun, bounds, method, args=args, bounded=bounded, merge_tol=merge_tol,
        threads=threads, unpack=unpack, stops=stops, hyper=hyper,
    )  # fmt: skip
    rows = _starts(asked.box, _count("n", n, 1), _count("seed", seed, 0), sampling)
    starts = asked.objective.structure.restore(rows, (len(rows),))
    return asked.run(rows, True, progress, lambda out, ends: asked.minima(out, ends, starts, began))


def _objective_in(
    bounds: Any, fun: Callable[..., Any] | Objective, args: Any, unpack: bool | None
) -> Objective:
    """The function traced in the middle of its box; what does not fit is told of the bounds."""
    point = None if isinstance(fun, Objective) else _middle(bounds)
    try:
        return objective_of(fun, point, args, unpack)
    except (TypeError, ValueError) as error:
        if type(error) not in (TypeError, ValueError) or "x0" not in str(error):
            raise  # the function's own
        raise type(error)(str(error).replace("x0", "bounds")) from None


def _starts(box: Box, n: int, seed: int, sampling: str) -> FloatArray:
    """Rows (n, variables) all over the box."""
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
    # A power of two of them is balanced; the first n of these are asked for.
    try:
        try:
            points = qmc.Sobol(dimensions, scramble=True, rng=rng)
        except TypeError:  # before SciPy 1.15
            points = qmc.Sobol(dimensions, scramble=True, seed=rng)
        bits = int(n - 1).bit_length()
        if not _PIECE < bits <= _SOBOLS:
            shares: FloatArray = points.random_base2(bits)[:n]
        else:  # the same points, in pieces that Ctrl-C does not wait for
            count = 1 << _PIECE
            shares = np.concatenate([points.random(count) for _ in range(-(-n // count))])[:n]
    except ValueError as error:
        raise ValueError(f"sampling='sobol' of n = {n}: {error}; 'uniform' has no limits") from None
    return shares


def _middle(bounds: Any) -> Any:
    """The middle of a box in the form of its points: what the function is traced with."""
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
            f"{what} must be finite, since starts are taken all over the box, got {pair!r}"
        )
    try:
        middle = 0.5 * low + 0.5 * high
    except ValueError:
        raise ValueError(
            f"{what} must have ends of one shape, got {low.shape} and {high.shape}"
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
            f"merge_tol must be a share of the bounds' width, 1e-12 <= merge_tol < 1, got {number}"
        )
    return number
