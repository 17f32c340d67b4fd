# SPDX-License-Identifier: BSD-3-Clause
"""`minimize`: one descent. Checks its arguments and hands it on."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from thalweg._descents.batches import Batches
from thalweg._descents.descent import Run, State, continued, not_begun
from thalweg._descents.interrupts import carried, carries_result
from thalweg._descents.training import train
from thalweg._methods.method import Method, make, memory_of
from thalweg._methods.stopping import FTOL, GTOL, XTOL, checked_given, defaults, is_given
from thalweg._objectives.bounds import read_bounds
from thalweg._objectives.objective import Objective, checked_threads, objective_of
from thalweg._objectives.points import FloatArray, check_finite
from thalweg._objectives.untraced import Called
from thalweg._results.result import Result

__all__ = ["State", "minimize"]

# SciPy's names for what we call otherwise.
_OPTIONS = {
    "maxiter": "max_iter", "maxfev": "max_nfev", "maxfun": "max_nfev", "gtol": "gtol",
    "xtol": "xtol",
    "ftol": "ftol", "xatol": "xtol", "fatol": "ftol", "disp": "progress",
    "max_iter": "max_iter", "max_nfev": "max_nfev", "max_time": "max_time",
}  # fmt: skip
_REFUSED = {
    "constraints": "bounds= hold for every method; other constraints are not offered: "
    "add a penalty to the function",
    "hess": "second derivatives are made from the traced function; leave it out",
    "hessp": "second derivatives are made from the traced function; leave it out",
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
    """Descend from `x0` to a minimum of `fun`.

    Parameters
    ----------
    fun : callable or Objective
        A function written in NumPy, or one traced before. It is called once; what its closure and
        globals hold is frozen then, and `args` are inputs.
    x0 : array_like, tuple or dict
        The start; its form says how the function is called (docs/api.md, "How x0 reaches the
        function").
    method : str or method object
        ``"gradient_descent"``, ``"momentum"``, ``"adam"``, … (`thalweg.methods` names them all),
        with hyper-parameters as further keywords, or an object such as
        ``tw.Adam(learning_rate=0.1)``.
    args : tuple, optional
        Further arguments of `fun`.
    bounds : sequence or dict of (lower, upper), or Bounds, optional
        None for a free end; arrays are broadcast to the entries of `x0`. Held at every evaluation,
        by projection.
    gtol : float, default 1e-8
        Stop when the largest component of the projected gradient is at most this, and at most this
        share of the largest that the descent met. Here as in the other tests, 0 switches the test
        off.
    xtol : float, default 0
        Stop when the largest change of a variable is at most ``xtol * (1 + max|x|)``.
    ftol : float, default 0
        Stop when the value changes by at most ``ftol * max(|f_k|, |f_k+1|, 1)``.
    max_iter : int, optional
        Iterations at most: by default 1000 under a rule, 10,000 under a solver.
    max_nfev : int, optional
        Evaluations at most; a joint value and gradient counts once.
    max_time : float, optional
        Seconds at most.
    callback : callable, optional
        Called after each iteration as ``callback(xk)``, or ``callback(intermediate_result=...)`` if
        that is its parameter's name; it ends the descent by raising StopIteration or returning
        True.
    progress : bool, default False
        Show the iteration, value and gradient norm on stderr.
    record : bool, default False
        Keep every point in ``result.path``.
    state : State, optional
        Continue from another result's ``state``; `x0` then only gives the form.
    trace : bool, default True
        False calls `fun` at every evaluation, for functions that cannot be traced.
    jac : callable or True, optional
        With ``trace=False``: the gradient, or True where `fun` returns value and gradient;
        otherwise differences are taken.
    threads : int, optional
        Threads that share the rows of long arrays (256 elements or more along the leading axis):
        1, or what the objective was made with. Results do not depend on it, to the bit.
    unpack : bool, optional
        Whether the elements of `x0` are passed one by one; by default as the signature says.
    tol, options : optional
        SciPy's spellings: `tol` sets `gtol`, `options` may hold ``maxiter``, ``gtol``, ``ftol``, ….
    data : tuple of array_like, optional
        Train on minibatches: arrays with rows along their first axis, as many rows each, that
        follow the parameters of the point in `fun`, before `args`. `fun` is then the **mean** of a
        loss over rows, written over whole arrays; it is traced once for full batches, and once
        more for an incomplete one. float64, float32, integers and booleans are read where they
        lie, memory-mapped files and strided arrays too; other numbers are copied as float64.
    batch_size : int, default 256
        Rows of a batch; at most all. The rows left over make a smaller last batch.
    epochs : int, default 10
        Passes over the rows; the training ends after them (`gtol`, `xtol`, `ftol`, `max_iter` and
        `max_nfev` are not offered).
    seed : int, default 0
        Of the shuffles and of the rows held out, >= 0: with the number of the epoch it determines
        the order of the rows.
    shuffle : bool, default True
        Take the rows in a new random order in each epoch.
    drop_last : bool, default False
        Leave out the incomplete batch.
    average : bool, default False
        The answer is an average of the iterates, with weights that grow as the cube of the step.
    holdout : float or tuple of array_like, optional
        A fraction of the rows, or arrays like `data`: held out, and the loss on them evaluated at
        the start and after each epoch. The answer is the point where it is lowest.
    patience : int, default 10
        End after so many epochs without a lower held-out loss; ``np.inf`` never.
    **hyper
        The method's hyper-parameters, such as `learning_rate`: numbers, or functions of the step
        t = 0, 1, … (`thalweg.schedules`); and for every method `clip_value`, `clip_norm` and
        `weight_decay`.

    Returns
    -------
    Result

    Raises
    ------
    TraceError
        If `fun` cannot be traced.
    ValueError, TypeError
        If an argument does not fit; the message says what was wanted, what came, and which.
    KeyboardInterrupt
        On Ctrl-C, with the best so far as ``.result``.

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
    for name, instead in _REFUSED.items():
        if name in hyper:
            raise TypeError(f"{name}= is not offered: {instead}")
    stops: dict[str, Any] = {
        "gtol": gtol, "xtol": xtol, "ftol": ftol, "max_iter": max_iter, "max_nfev": max_nfev,
        "max_time": max_time,
    }  # fmt: skip
    progress = _scipy_spellings(stops, tol, options, hyper, progress)
    given = checked_given(stops)
    chosen = make("lbfgs" if method is None else method, hyper)
    stops = defaults(chosen) | given
    if x0 is None:
        raise TypeError("x0 is required: where the descent starts")
    if callback is not None and not callable(callback):
        raise TypeError(f"callback must be a function, got {type(callback).__name__}")
    dealt = (batch_size, epochs, seed, holdout, patience, shuffle, drop_last, average)
    if data is not None or dealt != (None, None, None, None, None, True, False, False):
        if chosen.solves:
            raise TypeError(
                f"minibatches need a rule such as 'adam', got {chosen.name}, which compares values "
                "from step to step"
            )
        return train(
            fun, x0, chosen, Batches(data, *dealt), given, args=_as_tuple(args), bounds=bounds,
            state=state, trace=trace, jac=jac, unpack=unpack, threads=threads, record=record,
            callback=callback, progress=progress, began=began,
        )  # fmt: skip
    objective = _objective(fun, x0, chosen, _as_tuple(args), trace, jac, unpack)
    lead, rows = objective.structure.flatten(x0, "x0")
    if lead:
        raise ValueError(f"x0 must be one start, got {rows.shape[0]} (leading axes {lead})")
    check_finite(rows[0], "x0", objective.structure)
    memory: list[FloatArray | None] = []
    if not chosen.solves:
        memory = [None] * (len(memory_of(chosen.name)) + chosen.counts)
    if state is not None:
        if hasattr(state, "epoch"):
            raise TypeError("state is that of a training on minibatches: give data= too")
        rows, memory = continued(state, chosen, rows)
    limits = read_bounds(bounds, objective.structure, rows[0])
    stops["threads"] = objective.threads if threads is None else checked_threads(threads)
    run = Run(objective, chosen, stops, limits, record, callback)
    return carried(
        began,
        lambda parts: run.go(parts, rows, memory, progress),
        lambda parts, seconds: run.result(
            parts[0][1] if parts else not_begun(rows), state.nit if state else 0, seconds, state
        ),
        lambda parts: f"the best point of {parts[0][1]['nit'][0] if parts else 0} iterations",
    )


def _objective(
    fun: Callable[..., Any] | Objective,
    x0: Any,
    chosen: Method,
    args: tuple[Any, ...],
    trace: bool,
    jac: Any,
    unpack: bool | None,
) -> Called | Objective:
    """What is minimized: traced, traced before, or called."""
    if isinstance(fun, Objective):
        if unpack is not None or jac is not None:
            raise TypeError(
                "unpack= and jac= were settled when the objective was traced; leave them out"
            )
        return objective_of(fun, x0, args, None)
    if not trace:
        if chosen.needs in ("hessian", "hessian_vector"):
            raise TypeError(
                f"{chosen.name} needs second derivatives, which are made from a traced function: "
                "leave out trace=False, or use 'lbfgs'"
            )
        return Called(fun, x0, args, jac, unpack, chosen.needs != "value")
    if jac is not None:
        raise TypeError(
            "jac= is for trace=False: a traced function is differentiated exactly. Leave it out"
            + ", and return the value alone" * (jac is True)
        )
    return objective_of(fun, x0, args, unpack)


def _as_tuple(args: Any) -> tuple[Any, ...]:
    """`args`, where one may stand alone as in SciPy."""
    return args if isinstance(args, tuple) else (args,)


def _scipy_spellings(
    stops: dict[str, Any],
    tol: float | None,
    options: dict[str, Any] | None,
    hyper: dict[str, Any],
    progress: bool,
) -> bool:
    """Fold SciPy's names into ours."""
    for key in [k for k in hyper if k in ("maxfev", "maxiter", "maxfun")]:
        stops[_OPTIONS[key]] = hyper.pop(key)
    if options is not None and not isinstance(options, dict):
        raise TypeError(f"options must be a dict, got {type(options).__name__}")
    for key, value in (options or {}).items():
        if key not in _OPTIONS:
            raise TypeError(f"options must be among {', '.join(_OPTIONS)}, got {key!r}")
        if _OPTIONS[key] == "progress":
            progress = bool(value)
        elif not is_given(stops[_OPTIONS[key]]):
            stops[_OPTIONS[key]] = value
    if tol is not None and not is_given(stops["gtol"]):
        stops["gtol"] = tol
    return progress
