# SPDX-License-Identifier: BSD-3-Clause
"""Minimize a sum of squared residuals, with the interface of SciPy's `least_squares`."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import inf, prod
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from thalweg import _core
from thalweg._descents.callbacks import Listener, listener
from thalweg._descents.interrupts import Parts, carried, carries_result
from thalweg._fits.endings import LeastSquares, explain, optimality
from thalweg._fits.settings import SquaresSettings, scale_of, within_limits
from thalweg._fits.soundness import FACTORS, NOT_BEGUN, again, better, named
from thalweg._fits.squares import CalledSquares, Ending, Squares, TracedSquares, ending_of
from thalweg._objectives.bounds import active_mask, box_from_vectors, checked_box
from thalweg._objectives.objective import Objective
from thalweg._objectives.points import FloatArray, parameter_count
from thalweg._results.reasons import STATUS_LEAST_SQUARES, SUCCESS, Reason
from thalweg._results.record import Record

__all__ = ["LeastSquares", "judged", "least_squares"]

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
    diff_step: Any = None,
    tr_solver: Any = None,
    tr_options: Any = None,
    jac_sparsity: Any = None,
    max_nfev: int | None = None,
    verbose: int = 0,
    args: Any = (),
    kwargs: dict[str, Any] | None = None,
    callback: Callable[..., Any] | None = None,
    workers: Any = None,
    *,
    max_time: float | None = None,
    trace: bool = True,
    unpack: bool | None = None,
) -> LeastSquares:
    """Minimize half the sum of squares of residuals with the Levenberg-Marquardt method.

    Parameters
    ----------
    fun : callable or Objective
        A function that returns the residuals, a number or a vector (m,), written in NumPy, or one
        that was traced before. It is called once. The values in its closure and in globals are
        frozen at that moment; `args` remain inputs.
    x0 : array_like, tuple or dict
        The start. Its form decides how the function is called (see "Starts" in the documentation).
    jac : callable or {'2-point', '3-point', 'cs'}, optional
        With ``trace=False``, the function's Jacobian (m, n); without it, central differences are
        used. A traced function is differentiated exactly, and `jac` is not called.
    bounds : 2-tuple of array_like, Bounds or dict
        Lower and upper bounds, each one number or one for each variable. If `x0` is a dict, bounds
        may be pairs ``(low, high)`` by name, with None for an open end.
    method : {'lm', 'trf', 'dogbox'}
        SciPy's names of methods, which all select the same method here, with bounds and losses.
    ftol, xtol, gtol : float or None
        The descent ends when two successive steps reduce the cost, and were predicted to reduce
        it, by at most `ftol` times the cost; when a step is at most `xtol` times as long as x, both
        scaled by the norms of the Jacobian's columns; or when the largest cosine between the
        residuals and a column of the Jacobian is at most `gtol`. None switches a test off.
    x_scale : None, 'jac' or array_like
        The unit of each variable; by default, the norms of the Jacobian's columns decide.
    loss : {'linear', 'soft_l1', 'huber', 'cauchy', 'arctan'} or callable
        The loss rho(z) of squared residuals z. A callable returns rho and its first two
        derivatives.
    f_scale : float
        The residual beyond which data count as outliers: z is ``(residual / f_scale)**2``.
    max_nfev : int, optional
        Maximum number of evaluations of the residuals with their Jacobian, by default 1000 (n + 1).
    verbose : {0, 1, 2}
        Whether to print the result; 1 and 2 do.
    args, kwargs : tuple, dict
        Further arguments of the function.
    callback : callable, optional
        Called after every step as ``callback(x)`` or ``callback(intermediate_result=...)``. It ends
        the descent by raising StopIteration or by returning True.
    diff_step, tr_solver, tr_options, jac_sparsity, workers
        Settings of SciPy's algorithms, which have no effect here.
    max_time : float, optional
        Maximum duration in seconds.
    trace : bool
        If False, `fun` is called at every evaluation.
    unpack : bool, optional
        Whether to pass the elements of `x0` as separate arguments. By default, the signature of
        `fun` decides.

    Returns
    -------
    LeastSquares
        The best point `x`, its `cost`, residuals `fun` and Jacobian `jac`, and why the descent
        ended.

    Raises
    ------
    ValueError
        If an argument is out of range, or the residuals are not finite at `x0`.
    TraceError
        If the function cannot be traced.

    See Also
    --------
    least_squares_many : Minimize from many starts at once.
    curve_fit : Fit a model to data.
    minimize : Minimize a function with one value.

    References
    ----------
    .. [1] J. J. Moré, "The Levenberg-Marquardt algorithm: Implementation and theory", Lecture Notes
       in Math. 630, 1978, 105-116, https://doi.org/10.1007/BFb0067700
    .. [2] J. E. Dennis, D. M. Gay and R. E. Welsch, "An adaptive nonlinear least-squares
       algorithm", ACM Trans. Math. Softw. 7(3), 1981, 348-368,
       https://doi.org/10.1145/355958.355965

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> res = tw.least_squares(lambda x: [10 * (x[1] - x[0]**2), 1 - x[0]], [-1.2, 1.0])
    >>> res.x, res.success
    (array([1., 1.]), True)
    """
    given = locals()
    began = time.perf_counter()
    _check_words(method, jac, tr_solver, verbose)
    settings = SquaresSettings.of(given)
    squares = _squares(_Residuals.of(given), settings, trace)
    _check_vector(squares.shape)
    s = squares.structure
    _, rows = s.flatten(x0, "x0")
    x = rows[0]
    squares.box = checked_box(box_from_vectors(bounds, s), x, s)
    squares.scale = scale_of(x_scale, s)
    stopping = settings.stopping(s.size, squares.threads)
    heard = None if callback is None else listener(callback, s, _Intermediate.of)

    def run(parts: Parts) -> None:
        for tried in _tries(squares, x, stopping, heard):
            parts[:] = [(None, {"tried": tried, "error": tried.error})]

    def result(parts: Parts, seconds: float) -> LeastSquares:
        return _result(squares, parts[0][1]["tried"], stopping.max_nfev, seconds)

    ended = carried(
        began, run, result,
        lambda parts: f"the best point of {parts[0][1]['tried'].ending.nit} steps"
        if parts
        else "nothing yet",
        lambda parts, seconds: result(parts, seconds) if parts else None,
    )  # fmt: skip
    if verbose:
        print(ended)  # noqa: T201
    return ended


# ---- arguments


def _check_words(method: Any, jac: Any, tr_solver: Any, verbose: Any) -> None:
    """Raise ValueError for values of keywords that SciPy refuses."""
    if method not in _METHODS:
        raise ValueError(f"`method` must be 'trf', 'dogbox' or 'lm', got {method!r}")
    if not (jac is None or callable(jac) or (isinstance(jac, str) and jac in _SCHEMES)):
        raise ValueError(f"`jac` must be '2-point', '3-point', 'cs' or callable, got {jac!r}")
    if tr_solver not in (None, "exact", "lsmr"):
        raise ValueError(f"`tr_solver` must be None, 'exact' or 'lsmr', got {tr_solver!r}")
    if verbose not in (0, 1, 2):
        raise ValueError(f"`verbose` must be in [0, 1, 2], got {verbose!r}")


def _check_vector(shape: tuple[int, ...]) -> None:
    """Raise ValueError if the residuals are not a vector."""
    if len(shape) > 1:
        raise ValueError(
            f"`fun` must return at most 1-d array_like. f0.shape: {shape}; "
            + (
                "a column of data (n, 1) and a vector (n,) broadcast to (n, n): ravel() the column"
                if min(shape) > 1
                else "ravel() it"
            )
        )


class _Residuals(NamedTuple):
    """The user's function, and the arguments of its calls."""

    function: Any
    x0: Any
    jac: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    unpack: bool | None

    @classmethod
    def of(cls, given: dict[str, Any]) -> _Residuals:
        """Select these from the arguments of `least_squares`."""
        args = given["args"] if isinstance(given["args"], tuple) else (given["args"],)
        return cls(
            given["fun"], given["x0"], given["jac"], args, given["kwargs"] or {},
            given["unpack"],
        )  # fmt: skip


def _squares(given: _Residuals, settings: SquaresSettings, trace: bool) -> Squares:
    """Return the sum of squares of residuals: traced now, traced before, or called."""
    residuals, x0, args, kwargs, unpack = (
        given.function, given.x0, given.args, given.kwargs, given.unpack
    )  # fmt: skip
    if isinstance(residuals, Objective):
        return TracedSquares(residuals.with_args(args) if args else residuals, settings)
    if not callable(residuals):
        raise TypeError(f"the residuals must be a function, got {type(residuals).__name__}")
    if not isinstance(x0, dict | tuple) and np.iscomplexobj(x0):
        raise ValueError(f"`x0` must be real, got {x0!r}")
    # Functions for SciPy take x as one array; args may continue into parameters with defaults.
    count, known = parameter_count(residuals)
    if unpack is None and known and count <= len(args) and not isinstance(x0, dict | tuple):
        unpack = False
    function = functools.partial(residuals, **kwargs) if kwargs else residuals
    if kwargs and unpack is None and (not known or count - len(args) == 1):
        unpack = False
    if not trace:
        jac = given.jac if callable(given.jac) else None
        return CalledSquares(function, x0, args, jac, unpack, settings)
    return TracedSquares(Objective(function, x0, args, unpack), settings)


@dataclass(slots=True)
class _Intermediate(Record):
    """The argument of ``callback(intermediate_result=...)``."""

    x: Any
    cost: float
    nit: int

    @classmethod
    def of(cls, step: int, x: Any, cost: float, _: float) -> _Intermediate:
        """Make one from the values that the core passes after a step."""
        return cls(x, cost, step)


# ---- results


class _Tried(NamedTuple):
    ending: Ending
    left_open: npt.NDArray[np.bool_]  # variables that the residuals do not determine (n,)
    error: BaseException | None


def _tries(
    squares: Squares, x: FloatArray, stopping: _core.Stopping, heard: Listener | None
) -> Iterator[_Tried]:
    """Yield the best ending so far after each try, until one is sound."""
    best: _Tried | None = None
    nfev = 0
    for factor, limited in within_limits(FACTORS, x.size, stopping):
        out = squares.run(x, limited, factor, heard)
        ending, error = ending_of(out), out["error"]
        left_open = np.zeros(x.size, dtype=bool)
        if error is None:
            try:
                ending, left_open = judged(squares, ending, x, limited.max_nfev)
            except KeyboardInterrupt as interrupt:  # do not wait for the last evaluation
                error = interrupt
        nfev += ending.nfev
        success = SUCCESS[ending.reason]
        if best is None or better(success, ending.cost, SUCCESS[best.ending.reason],
                                  best.ending.cost):  # fmt: skip
            best = _Tried(ending, left_open, error)
        best = best._replace(ending=best.ending._replace(nfev=nfev), error=error)
        yield best
        if error is not None or not again(ending.reason) or ending.reason in NOT_BEGUN:
            break
        if SUCCESS[best.ending.reason] and not best.left_open.any():
            break
    if best is not None and best.error is None:
        yield best._replace(ending=squares.explained_stop(best.ending))


def judged(
    squares: Squares, ending: Ending, x0: FloatArray, max_nfev: int
) -> tuple[Ending, npt.NDArray[np.bool_]]:
    """Take further steps by QR if J'J is singular; return the ending and undetermined variables."""
    m = prod(squares.shape)
    if m * x0.size**2 > _LARGE:  # QR would take longer than the descent's last steps
        _, jacobian = squares.at(ending.x)
        return ending, np.logical_not(jacobian.any(axis=0))
    ending = squares.further(squares.spread(ending, m), m, max_nfev)
    return ending, squares.left_open(ending, x0)


# J is factored at the end if this takes at most so many operations.
_LARGE = 2e9


def _result(squares: Squares, tried: _Tried, max_nfev: int, seconds: float) -> LeastSquares:
    s, (ending, left_open, error) = squares.structure, tried
    x, cost = ending.x, ending.cost
    m = prod(squares.shape)
    r, jacobian = np.full(m, np.nan), np.broadcast_to(np.nan, (m, s.size))
    grad = np.full(s.size, np.nan)
    if error is None:
        r, jacobian = squares.at(x)
        with np.errstate(all="ignore"):
            cost, share = squares.weigh(r)
            grad = jacobian.T @ (r if share is None else share * r)
            jacobian = squares.curved(r, jacobian)
    if isinstance(error, KeyboardInterrupt):
        ending = ending._replace(reason=Reason.interrupted)
    reason = Reason(ending.reason)
    nfev, njev = squares.evaluations(ending.nfev)
    if reason is Reason.non_finite and not np.isfinite(r).all() and error is None:
        raise ValueError(f"Residuals are not finite in the initial point: {squares.blame(x)}")
    mask = active_mask(x, squares.box)
    message = explain(ending, max_nfev, squares)
    if left_open.any():
        which = named((s.name_of(i) for i in range(s.size)), left_open)
        message += f"; the residuals do not determine {which}"
    return LeastSquares(
        x=s.restore(x[None, :]), cost=cost, fun=r, jac=jacobian, grad=s.restore(grad[None, :]),
        optimality=float(optimality(grad, mask)),
        active_mask=s.restore_int(mask), nfev=nfev, njev=njev,
        status=STATUS_LEAST_SQUARES[reason], message=message,
        success=SUCCESS[reason], reason=reason, nit=ending.nit,
        determined=not left_open.any(), elapsed=seconds,
    )  # fmt: skip
