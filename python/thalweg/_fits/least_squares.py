# SPDX-License-Identifier: BSD-3-Clause
"""`least_squares`: the minimum of a sum of squared residuals, with SciPy's words and answers."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import inf, prod
from typing import Any, NamedTuple

import numpy as np

from thalweg._descents.interrupts import Parts, carried, carries_result
from thalweg._fits.endings import LeastSquares, active_mask, explain, weighed
from thalweg._fits.robust import checked_loss
from thalweg._fits.soundness import (
    FACTORS,
    NOT_BEGUN,
    again,
    better,
    named,
    shares,
)
from thalweg._fits.squares import (
    FOREVER,
    CalledSquares,
    Ending,
    Listener,
    Squares,
    TracedSquares,
    ending_of,
)
from thalweg._methods.stopping import is_true
from thalweg._objectives.bounds import checked_box, read_box
from thalweg._objectives.objective import Objective
from thalweg._objectives.points import FloatArray, Structure, as_floats, parameter_count
from thalweg._results.reasons import STATUS_LEAST_SQUARES, SUCCESS, Reason
from thalweg._results.record import Record

__all__ = ["LeastSquares", "judged", "least_squares"]

_EPS = float(np.finfo(np.float64).eps)
_METHODS = ("lm", "trf", "dogbox")
_SCHEMES = ("2-point", "3-point", "cs")


@carries_result
def least_squares(
    fun: Callable[..., Any] | Objective,
    x0: Any,
    jac: Any = None,
    bounds: Any = (-inf, inf),
    method: str = "lm",
    ftol: float | None = 1e-10,
    xtol: float | None = 1e-10,
    gtol: float | None = 1e-10,
    x_scale: Any = None,
    loss: Any = "linear",
    f_scale: float = 1.0,
    diff_step: Any = None,  # noqa: ARG001 - SciPy's
    tr_solver: Any = None,
    tr_options: Any = None,  # noqa: ARG001 - SciPy's
    jac_sparsity: Any = None,  # noqa: ARG001 - SciPy's
    max_nfev: int | None = None,
    verbose: int = 0,
    args: Any = (),
    kwargs: dict[str, Any] | None = None,
    callback: Callable[..., Any] | None = None,
    workers: Any = None,  # noqa: ARG001 - SciPy's
    *,
    max_time: float | None = None,
    trace: bool = True,
    unpack: bool | None = None,
) -> LeastSquares:
    """Minimize half the sum of squares of residuals, by Levenberg and Marquardt's method.

    Parameters
    ----------
    fun : callable or Objective
        Returns the residuals, a number or a vector (m,); written in NumPy, or traced before. It is
        called once; what its closure and globals hold is frozen then, `args` are inputs.
    x0 : array_like, tuple or dict
        The start; how it reaches the function is told in docs/api.md.
    jac : callable or {'2-point', '3-point', 'cs'}, optional
        With ``trace=False``: the function's Jacobian (m, n), else central differences are made. A
        traced function is differentiated exactly, and `jac` is not called.
    bounds : 2-tuple of array_like, or Bounds
        Lower and upper ends, each one number or one a variable.
    method : {'lm', 'trf', 'dogbox'}
        SciPy's names; all are the same method here, with bounds and losses.
    ftol, xtol, gtol : float or None
        It ends when two steps in a row reduce the cost, and were to reduce it, by no more than
        `ftol` times itself; when a step is no longer than `xtol` times x, both scaled by the norms
        of the Jacobian's columns; when the largest cosine between the residuals and a column of
        the Jacobian is at most `gtol`. None switches a test off.
    x_scale : None, 'jac' or array_like
        What each variable is measured in; by default the norms of the Jacobian's columns say.
    loss : {'linear', 'soft_l1', 'huber', 'cauchy', 'arctan'} or callable
        rho(z) of squared residuals; a callable gives rho and its first two derivatives.
    f_scale : float
        Residuals beyond this count as outliers: rho is of (residual / f_scale)**2.
    max_nfev : int, optional
        Evaluations of the residuals with their Jacobian, at most; 1000 (n + 1) by default.
    verbose : {0, 1, 2}
        1 and 2 print the ending.
    args, kwargs : tuple, dict
        Further arguments of the function.
    callback : callable, optional
        Called after every step as ``callback(x)`` or ``callback(intermediate_result=...)``; it ends
        the descent by raising StopIteration or returning True.
    diff_step, tr_solver, tr_options, jac_sparsity, workers
        How SciPy goes about it; not needed here, and without effect.
    max_time : float, optional
        Seconds.
    trace : bool
        False calls `fun` for every evaluation.
    unpack : bool, optional
        Whether the elements of `x0` are passed one by one; by default as the signature says.

    Returns
    -------
    LeastSquares

    Raises
    ------
    ValueError
        If an argument is out of its range, or the residuals are not finite at `x0`.
    TraceError
        If the function does what cannot be traced.

    References
    ----------
    J. J. More, Lecture Notes in Math. 630, 1978, 105-116; J. E. Dennis, D. M. Gay and R. E. Welsch,
    ACM Trans. Math. Softw. 7(3), 1981, 348-368.

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> res = tw.least_squares(lambda x: [10 * (x[1] - x[0]**2), 1 - x[0]], [-1.2, 1.0])
    >>> res.x, res.success
    (array([1., 1.]), True)
    """
    began = time.perf_counter()
    if method not in _METHODS:
        raise ValueError(f"`method` must be 'trf', 'dogbox' or 'lm', got {method!r}")
    if not (jac is None or callable(jac) or (isinstance(jac, str) and jac in _SCHEMES)):
        raise ValueError(f"`jac` must be '2-point', '3-point', 'cs' or callable, got {jac!r}")
    if tr_solver not in (None, "exact", "lsmr"):
        raise ValueError(f"`tr_solver` must be None, 'exact' or 'lsmr', got {tr_solver!r}")
    if verbose not in (0, 1, 2):
        raise ValueError(f"`verbose` must be in [0, 1, 2], got {verbose!r}")
    rho, f_scale = checked_loss(loss), checked_scale(f_scale)
    stops = checked_stops(ftol, xtol, gtol, max_nfev, max_time)
    squares = _squares(fun, x0, jac, args, kwargs or {}, rho, f_scale, trace, unpack)
    s = squares.structure
    _, rows = s.flatten(x0, "x0")
    x = rows[0]
    if len(squares.shape) > 1:
        raise ValueError(
            f"`fun` must return at most 1-d array_like. f0.shape: {squares.shape}; "
            + (
                "a column of data (n, 1) against a vector (n,) makes (n, n): ravel() the column"
                if min(squares.shape) > 1
                else "ravel() it"
            )
        )
    if isinstance(bounds, tuple | list) and len(bounds) != 2:
        raise ValueError(f"`bounds` must contain 2 elements, got {len(bounds)}")
    box = checked_box(read_box(bounds, s), x, s)
    if stops["max_nfev"] is None:
        stops["max_nfev"] = 1000 * (s.size + 1)
    listener = None if callback is None else _listener(callback, s)
    scale = scale_of(x_scale, s)

    def run(parts: Parts) -> None:
        for tried in _tries(squares, x, box, scale, stops, listener):
            parts[:] = [(None, {"tried": tried, "error": tried.error})]

    def tell(parts: Parts, seconds: float) -> LeastSquares:
        return _result(squares, parts[0][1]["tried"], box, stops, seconds)

    result = carried(
        began, run, tell,
        lambda parts: f"the best point of {parts[0][1]['tried'].ending.nit} steps"
        if parts
        else "nothing yet",
        lambda parts, seconds: tell(parts, seconds) if parts else None,
    )  # fmt: skip
    if verbose:
        print(result)  # noqa: T201
    return result


# ---- arguments


def checked_scale(f_scale: Any) -> float:
    """A positive number for `f_scale`."""
    scale = float(as_floats(f_scale, "f_scale").reshape(()))
    if not 0 < scale < inf:
        raise ValueError(f"`f_scale` must be a positive number, got {scale}")
    return scale


def checked_stops(
    ftol: Any, xtol: Any, gtol: Any, max_nfev: Any, max_time: Any = None
) -> dict[str, Any]:
    """When to stop, as the core takes it; `max_nfev` is None where the default is wanted."""
    tolerances = {}
    for name, value in (("ftol", ftol), ("xtol", xtol), ("gtol", gtol)):
        try:
            tolerances[name] = 0.0 if value is None else float(value)
        except (TypeError, ValueError):
            raise TypeError(f"`{name}` must be a number or None, got {value!r}") from None
        if not tolerances[name] >= 0:
            raise ValueError(f"`{name}` must be >= 0, got {value}")
    if not any(value >= _EPS for value in tolerances.values()):
        raise ValueError(
            "At least one of the tolerances must be higher than machine epsilon "
            f"({_EPS:.2e}), got ftol={ftol}, xtol={xtol}, gtol={gtol}"
        )
    if max_nfev is not None:
        if isinstance(max_nfev, bool) or not float(max_nfev).is_integer() or max_nfev < 1:
            raise ValueError(f"`max_nfev` must be None or positive integer, got {max_nfev!r}")
        max_nfev = min(int(max_nfev), FOREVER)
    seconds = inf if max_time is None else float(max_time)
    if not seconds >= 0:
        raise ValueError(f"`max_time` must be >= 0, got {max_time}")
    return tolerances | {
        "max_iter": FOREVER, "max_nfev": max_nfev, "max_time": min(seconds, 1e300)
    }  # fmt: skip


def _squares(
    residuals: Any,
    x0: Any,
    jac: Any,
    args: Any,
    kwargs: dict[str, Any],
    rho: Any,
    f_scale: float,
    trace: bool,
    unpack: bool | None,
) -> Squares:
    args = args if isinstance(args, tuple) else (args,)
    if isinstance(residuals, Objective):
        objective = residuals.with_args(args) if args else residuals
        return TracedSquares(objective, rho, f_scale)
    if not callable(residuals):
        raise TypeError(f"the residuals must be a function, got {type(residuals).__name__}")
    if not isinstance(x0, dict | tuple) and np.iscomplexobj(x0):
        raise ValueError(f"`x0` must be real, got {x0!r}")
    # SciPy's functions take x whole; args may go on into the parameters that have defaults.
    count, known = parameter_count(residuals)
    if unpack is None and known and count <= len(args) and not isinstance(x0, dict | tuple):
        unpack = False
    function = functools.partial(residuals, **kwargs) if kwargs else residuals
    if kwargs and unpack is None and (not known or count - len(args) == 1):
        unpack = False
    if not trace:
        given = jac if callable(jac) else None
        return CalledSquares(function, x0, args, given, unpack, rho, f_scale)
    return TracedSquares(Objective(function, x0, args, unpack), rho, f_scale)


def scale_of(x_scale: Any, s: Structure) -> FloatArray | None:
    """What each variable is measured in; None: the norms of the Jacobian's columns say."""
    if x_scale is None or (isinstance(x_scale, str) and x_scale == "jac"):
        return None
    try:
        _, rows = s.flatten(x_scale, "x_scale") if isinstance(x_scale, dict | tuple) else (
            (), np.broadcast_to(as_floats(x_scale, "x_scale"), (1, s.size)))  # fmt: skip
    except (TypeError, ValueError):
        rows = np.zeros((1, 1))
    scale = np.ascontiguousarray(rows[0])
    if scale.shape != (s.size,) or not np.isfinite(scale).all() or not (scale > 0).all():
        raise ValueError(
            f"`x_scale` must be 'jac' or array_like with positive numbers, one for each of the "
            f"{s.size} variables, got {x_scale!r}"
        )
    return scale


@dataclass(slots=True)
class _Intermediate(Record):
    """What ``callback(intermediate_result=...)`` is given."""

    x: Any
    cost: float
    nit: int


def _listener(callback: Any, s: Structure) -> Callable[[int, FloatArray, float, float], bool]:
    if not callable(callback):
        raise TypeError(f"callback must be a function, got {type(callback).__name__}")
    import inspect

    try:
        as_result = list(inspect.signature(callback).parameters) == ["intermediate_result"]
    except (TypeError, ValueError):
        as_result = False

    def listen(iteration: int, x: FloatArray, cost: float, _: float) -> bool:
        point = s.restore(x[None, :])
        try:
            if as_result:
                stop = callback(intermediate_result=_Intermediate(point, cost, iteration))
            else:
                stop = callback(point)
        except StopIteration:
            return True
        return is_true(stop)

    return listen


# ---- results


class _Tried(NamedTuple):
    ending: Ending
    open_to: Any  # variables that the residuals do not determine (n,)
    error: BaseException | None


def _tries(
    squares: Squares,
    x: FloatArray,
    box: list[FloatArray],
    scale: FloatArray | None,
    stops: dict[str, Any],
    listener: Listener | None,
) -> Iterator[_Tried]:
    """After each try the better ending so far, until the residuals determine x in one."""
    best: _Tried | None = None
    nfev, ends = 0, time.monotonic() + stops["max_time"]
    for factor, most in zip(FACTORS, shares(stops["max_nfev"], x.size, 2), strict=False):
        own = stops | {"max_nfev": most, "max_time": max(ends - time.monotonic(), 0.0)}
        out = squares.run(x, box, scale, own, listener, factor)
        ending, error = ending_of(out), out["error"]
        open_to = np.zeros(x.size, dtype=bool)
        if error is None:
            try:
                ending, open_to = judged(squares, ending, x, box, scale, most)
            except KeyboardInterrupt as interrupt:  # the last evaluation is not waited for
                error = interrupt
        nfev += ending.nfev
        success = SUCCESS[ending.reason]
        if best is None or better(success, ending.cost, SUCCESS[best.ending.reason],
                                  best.ending.cost):  # fmt: skip
            best = _Tried(ending, open_to, error)
        best = best._replace(ending=best.ending._replace(nfev=nfev), error=error)
        yield best
        if error is not None or not again(ending.reason) or ending.reason in NOT_BEGUN:
            break
        if SUCCESS[best.ending.reason] and not best.open_to.any():
            break
    if best is not None and best.error is None:
        yield best._replace(ending=squares.explained_stop(best.ending))


def judged(
    squares: Squares,
    ending: Ending,
    x0: FloatArray,
    box: list[FloatArray],
    scale: FloatArray | None,
    most: int,
) -> tuple[Ending, Any]:
    """An ending, gone on with where J'J is singular; which variables the residuals leave open."""
    m = prod(squares.shape)
    if m * x0.size**2 > _LARGE:  # QR would take longer than the descent's last steps
        _, jacobian = squares.at(ending.x)
        return ending, ~jacobian.any(axis=0)
    ending = squares.further(squares.spread(ending, box, m), box, m, most)
    return ending, squares.left_open(ending, x0, scale)


# Operations up to which J is factored at the end.
_LARGE = 2e9


def _result(
    squares: Squares,
    tried: _Tried,
    box: list[FloatArray],
    stops: dict[str, Any],
    seconds: float,
) -> LeastSquares:
    s, (ending, open_to, error) = squares.structure, tried
    x, cost = ending.x, ending.cost
    m = prod(squares.shape)
    r, jacobian = np.full(m, np.nan), np.broadcast_to(np.nan, (m, s.size))
    grad = np.full(s.size, np.nan)
    if error is None:
        r, jacobian = squares.at(x)
        cost, grad, jacobian = weighed(squares, r, jacobian)
    if isinstance(error, KeyboardInterrupt):
        ending = ending._replace(reason=Reason.interrupted)
    reason = Reason(ending.reason)
    nfev, njev = squares.evaluations(ending.nfev)
    if reason is Reason.non_finite and not np.isfinite(r).all() and error is None:
        raise ValueError(f"Residuals are not finite in the initial point: {squares.blame(x)}")
    mask = active_mask(x, box)
    held = (mask < 0) & (grad > 0) | (mask > 0) & (grad < 0)
    message = explain(ending, stops, squares)
    if open_to.any():
        which = named((s.name_of(i) for i in range(s.size)), open_to)
        message += f"; the residuals do not determine {which}"
    return LeastSquares(
        x=s.restore(x[None, :]), cost=cost, fun=r, jac=jacobian, grad=s.restore(grad[None, :]),
        optimality=float(np.max(np.abs(np.where(held, 0.0, grad)))),
        active_mask=s.restore_int(mask), nfev=nfev, njev=njev,
        status=STATUS_LEAST_SQUARES[reason], message=message,
        success=SUCCESS[reason], reason=reason, nit=ending.nit,
        determined=not open_to.any(), elapsed=seconds,
    )  # fmt: skip
