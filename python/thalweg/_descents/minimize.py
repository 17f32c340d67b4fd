# SPDX-License-Identifier: BSD-3-Clause
"""Check the arguments of `minimize` and run one descent or one training."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from thalweg._attached import attached
from thalweg._descents.arguments import Arguments
from thalweg._descents.descent import Descent
from thalweg._descents.interrupts import carries_result
from thalweg._descents.state import State, continued
from thalweg._methods.method import make
from thalweg._methods.stopping import FTOL, GTOL, XTOL, checked_given, defaults, is_given
from thalweg._objectives.bounds import read_bounds
from thalweg._objectives.making import objective_of
from thalweg._objectives.objective import Objective
from thalweg._objectives.points import FloatArray, check_finite, one_start
from thalweg._objectives.programs import checked_threads
from thalweg._objectives.untraced import Called
from thalweg._results.result import Result

__all__ = ["State", "minimize"]

# SciPy's names of options, and our names for them.
_OPTIONS = {
    "maxiter": "max_iter", "maxfev": "max_nfev", "maxfun": "max_nfev", "gtol": "gtol",
    "xtol": "xtol",
    "ftol": "ftol", "xatol": "xtol", "fatol": "ftol", "disp": "progress",
    "max_iter": "max_iter", "max_nfev": "max_nfev", "max_time": "max_time",
}  # fmt: skip
_REFUSED = {
    "constraints": "every method accepts bounds=, but no other constraints: "
    "add a penalty to the function",
    "hess": "second derivatives are computed from the traced function; leave it out",
    "hessp": "second derivatives are computed from the traced function; leave it out",
}


@carries_result
def minimize(
    fun: Callable[..., Any] | Objective,
    x0: Any = None,
    method: Any = "lbfgs",
    *,
    args: tuple[Any, ...] = (),
    bounds: Any = None,
    gtol: float | None = GTOL,
    xtol: float | None = XTOL,
    ftol: float | None = FTOL,
    max_iter: int | None = None,
    max_nfev: int | None = None,
    max_time: float | None = None,
    callback: Callable[..., Any] | None = None,
    progress: bool = False,
    record: bool = False,
    state: State | None = None,
    trace: bool = True,
    jac: Any = None,
    unpack: bool | None = None,
    threads: int | None = None,
    tol: float | None = None,
    options: dict[str, Any] | None = None,
    data: Any = None,
    batch_size: int | None = None,
    epochs: int | None = None,
    seed: int | None = None,
    shuffle: bool = True,
    drop_last: bool = False,
    average: bool = False,
    holdout: Any = None,
    patience: float | None = None,
    **hyper: Any,
) -> Result:
    """Find a minimum of `fun` by descending from `x0`.

    Parameters
    ----------
    fun : callable or Objective
        A function written in NumPy, or one that was traced before. It is called once. The values
        in its closure and in globals are frozen at that moment; `args` remain inputs.
    x0 : array_like, tuple or dict
        The start. Its form decides how the function is called (see "How x0 reaches the function"
        in the documentation).
    method : str or method object
        A name such as ``"lbfgs"``, ``"gradient_descent"`` or ``"adam"`` (`thalweg.methods` lists
        them all), with hyper-parameters as further keywords, or an object such as
        ``tw.Adam(learning_rate=0.1)``.
    args : tuple, optional
        Further arguments of `fun`.
    bounds : sequence or dict of (lower, upper), or Bounds, optional
        Lower and upper bounds of the variables; None means unbounded. Arrays are broadcast to the
        entries of `x0`. Projection keeps every evaluation inside the bounds.
    gtol : float, default 1e-8
        Stop when the largest component of the projected gradient is at most `gtol`, and is at most
        `gtol` times the largest component met during the descent. Zero switches this test off, as
        it does for `xtol` and `ftol`.
    xtol : float, default 0
        Stop when no variable changes by more than ``xtol * (1 + max|x|)``.
    ftol : float, default 0
        Stop when the value changes by at most ``ftol * max(|f_k|, |f_k+1|, 1)``.
    max_iter : int, optional
        Maximum number of iterations; by default 1000 for a rule and 10,000 for a solver.
    max_nfev : int, optional
        Maximum number of evaluations. A joint value and gradient counts once.
    max_time : float, optional
        Maximum duration in seconds.
    callback : callable, optional
        Called after each iteration as ``callback(xk)``, or as ``callback(intermediate_result=...)``
        if that is the name of its parameter. It ends the descent by raising StopIteration or by
        returning True.
    progress : bool, default False
        Whether to show the iteration, value and gradient norm on stderr.
    record : bool, default False
        Whether to keep every point in ``result.path``.
    state : State, optional
        The ``state`` of another result, to continue from. `x0` then only gives the form.
    trace : bool, default True
        If False, `fun` is not traced but called at every evaluation.
    jac : callable or True, optional
        With ``trace=False``, the gradient of `fun`, or True if `fun` returns value and gradient.
        Without it, finite differences are used.
    threads : int, optional
        The number of threads that share the rows of long arrays, which have 256 elements or more
        along the leading axis. The default is 1, or the setting of the objective. The results are
        the same for any number, bit for bit.
    unpack : bool, optional
        Whether to pass the elements of `x0` as separate arguments. By default, the signature of
        `fun` decides.
    tol, options : optional
        SciPy's spellings: `tol` sets `gtol`, and `options` may hold ``maxiter``, ``gtol``,
        ``ftol``, ….
    data : tuple of array_like, optional
        Arrays of training data for minibatches, with equally many rows along their first axis.
        `fun` takes them after the parameters and before `args`, and must return the **mean** of a
        loss over the rows it is given. It is traced once for full batches and once more for an
        incomplete batch. Arrays of float64, float32, integers and booleans are read without a copy,
        including memory-mapped and strided arrays; other dtypes are copied to float64.
    batch_size : int, default 256
        The number of rows in a batch, at most all of them. The remaining rows form a smaller last
        batch.
    epochs : int, default 10
        The number of passes over the rows. The training ends after them; `gtol`, `xtol`, `ftol`,
        `max_iter` and `max_nfev` do not apply.
    seed : int, default 0
        Seed for shuffling and for choosing the held-out rows, >= 0. The seed and the number of the
        epoch determine the order of the rows.
    shuffle : bool, default True
        Whether to take the rows in a new random order in each epoch.
    drop_last : bool, default False
        Whether to leave out an incomplete last batch.
    average : bool, default False
        Whether to return an average of the iterates, with weights that grow with the cube of the
        step.
    holdout : float or tuple of array_like, optional
        A fraction of the rows to hold out, or separate arrays like `data`. The loss on held-out
        rows is evaluated at the start and after each epoch, and the point with the lowest held-out
        loss is returned.
    patience : int, default 10
        Stop after this many epochs without a lower held-out loss; ``np.inf`` means never.
    **hyper
        The method's hyper-parameters, such as `learning_rate`: numbers, or functions of the step
        t = 0, 1, … (`thalweg.schedules`). Every method also accepts `clip_value`, `clip_norm` and
        `weight_decay`.

    Returns
    -------
    Result
        The minimum `x`, its value `fun`, and why and after how many iterations the descent ended.

    Raises
    ------
    TraceError
        If `fun` cannot be traced.
    ValueError, TypeError
        If an argument is invalid; the message names it and says what was expected.
    KeyboardInterrupt
        On Ctrl-C, with the best point so far in ``.result``.

    See Also
    --------
    minimize_many : Descend from many starts at once.
    multistart : Find the distinct minima in a box.
    sweep : Compare hyper-parameters.
    least_squares : Minimize a sum of squares of residuals.
    curve_fit : Fit a model to data.
    methods : List the methods.

    References
    ----------
    .. [1] J. Nocedal and S. J. Wright, *Numerical Optimization*, 2nd ed., Springer, 2006,
       https://doi.org/10.1007/978-0-387-40065-5
    .. [2] D. C. Liu and J. Nocedal, "On the limited memory BFGS method for large scale
       optimization", Math. Program. 45, 1989, 503-528, https://doi.org/10.1007/BF01589116

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> f = lambda x: np.exp(x) - np.log(x)
    >>> res = tw.minimize(f, 1.6, "gradient_descent", learning_rate=0.3)
    >>> round(res.x, 8), res.success
    (0.56714329, True)
    """
    began = time.perf_counter()
    stops: dict[str, Any] = {
        "gtol": gtol, "xtol": xtol, "ftol": ftol, "max_iter": max_iter, "max_nfev": max_nfev,
        "max_time": max_time,
    }  # fmt: skip
    if hyper or options is not None or tol is not None:
        progress = _scipy_spellings(stops, tol, options, hyper, progress)
    chosen = make("lbfgs" if method is None else method, hyper)
    if x0 is None:
        raise TypeError("x0 is required: pass the point from which the descent starts")
    if callback is not None and not callable(callback):
        raise TypeError(f"callback must be a function, got {type(callback).__name__}")
    given = Arguments(
        fun, x0, chosen, checked_given(stops), _as_tuple(args), bounds, state, trace, jac, unpack,
        threads, record, callback, progress, began,
    )  # fmt: skip
    dealt = (batch_size, epochs, seed, holdout, patience, shuffle, drop_last, average)
    if data is not None or dealt != (None, None, None, None, None, True, False, False):
        if chosen.solves:
            raise TypeError(
                f"minibatches need a rule such as 'adam', got {chosen.name}, which compares the "
                "values of successive steps"
            )
        result: Result = attached("minimize(data=)")(given, data, dealt)
        return result
    return _descend(given)


def _descend(given: Arguments) -> Result:
    """Run one descent."""
    objective, state = _objective(given), given.state
    if isinstance(given.fun, Objective):
        rows = one_start(given.x0, objective.structure)
    else:  # traced, or read, at this very start
        rows = objective.start[None]
        check_finite(rows[0], "x0", objective.structure)
    memory: Sequence[FloatArray | None] = ()
    if state is not None:
        if hasattr(state, "epoch"):
            raise TypeError("state is that of a training on minibatches: pass data= too")
        rows, memory = continued(state, given.method, rows)
    box = read_bounds(given.bounds, objective.structure, rows[0])
    stops, threads = defaults(given.method) | given.stops, given.threads
    stops["threads"] = objective.threads if threads is None else checked_threads(threads)
    run = Descent(objective, given.method, stops, box, given.record, given.callback, given.progress)
    return run.result(given.began, rows, objective, state, memory)


def _objective(given: Arguments) -> Called | Objective:
    """Return the objective: traced now, traced before, or called at every evaluation."""
    fun, x0, args, jac, unpack = given.fun, given.x0, given.args, given.jac, given.unpack
    if isinstance(fun, Objective):
        if unpack is not None or jac is not None:
            raise TypeError(
                "unpack= and jac= were fixed when the objective was traced; leave them out"
            )
        return objective_of(fun, x0, args, None)
    if not given.trace:
        if given.method.needs in ("hessian", "hessian_vector"):
            raise TypeError(
                f"{given.method.name} needs second derivatives, which only a traced function has: "
                "leave out trace=False, or use 'lbfgs'"
            )
        return Called(fun, x0, args, jac, unpack, given.method.needs != "value")
    if jac is not None:
        raise TypeError(
            "jac= is for trace=False; a traced function is differentiated exactly. Leave it out"
            + ", and return the value alone" * (jac is True)
        )
    return objective_of(fun, x0, args, unpack)


def _as_tuple(args: Any) -> tuple[Any, ...]:
    """Return `args` as a tuple; as in SciPy, one argument may stand alone."""
    return args if isinstance(args, tuple) else (args,)


def _scipy_spellings(
    stops: dict[str, Any],
    tol: float | None,
    options: dict[str, Any] | None,
    hyper: dict[str, Any],
    progress: bool,
) -> bool:
    """Store SciPy's spellings of the stopping limits in `stops`, and return `progress`."""
    for name, instead in _REFUSED.items():
        if name in hyper:
            raise TypeError(f"{name}= is not offered: {instead}")
    for key in [k for k in hyper if k in ("maxfev", "maxiter", "maxfun")]:
        stops[_OPTIONS[key]] = hyper.pop(key)
    if options is not None and not isinstance(options, dict):
        raise TypeError(f"options must be a dict, got {type(options).__name__}")
    for key, value in (options or {}).items():
        if key not in _OPTIONS:
            raise TypeError(f"keys of options must be among {', '.join(_OPTIONS)}, got {key!r}")
        if _OPTIONS[key] == "progress":
            progress = bool(value)
        elif not is_given(stops[_OPTIONS[key]]):
            stops[_OPTIONS[key]] = value
    if tol is not None and not is_given(stops["gtol"]):
        stops["gtol"] = tol
    return progress
