# SPDX-License-Identifier: BSD-3-Clause
"""`least_squares_many`: sums of squares minimized from many starts, each with data of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from math import inf, prod
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from thalweg.bounds import checked_box, read_box
from thalweg.collection import Many
from thalweg.descending import not_begun
from thalweg.endings import active_mask, explained
from thalweg.interrupts import Parts, carried, carries_result, completed, ended
from thalweg.lanes import Lanes, cores
from thalweg.leastsq import checked_scale, checked_stops, scale_of
from thalweg.objective import Objective
from thalweg.progress import Progress
from thalweg.reasons import STATUS_MANY, SUCCESS, Reason
from thalweg.robust import Rho, checked_loss, weighted
from thalweg.structure import FloatArray
from thalweg.trace import Trace, Tracer

__all__ = ["LeastSquaresMany", "least_squares_many"]

# Bytes of residuals up to which they are told without being asked for.
_FEW = 1e8
_OUTSIDE = 3  # `_core.Graph.faults`: an operation had an input outside its domain


class LeastSquaresMany(Many):
    """Where many least-squares descents ended, why, and what each cost.

    Made by `thalweg.least_squares_many`. The arrays are attributes and keys, ``r[3]`` is one
    ending with its `message`, ``r[r.success]`` and ``r.sort()`` are of this kind again.

    Attributes
    ----------
    x : ndarray, tuple or dict
        The best points, in the structure of a start, each array with (k,) in front; NaN where the
        residuals are not finite at the start.
    cost : ndarray
        Half the sum of the losses of the squared residuals there (k,).
    fun : ndarray
        The residuals there (k, m), without loss; only where they were asked for, or are few.
    grad : ndarray, tuple or dict
        The gradients of the cost, as `x`.
    optimality : ndarray
        The largest component of each gradient in variables that no bound holds (k,).
    active_mask : ndarray, tuple or dict
        -1, 0 or 1: at its lower bound, free, at its upper bound; as `x`.
    success : ndarray of bool
        Whether it converged (k,).
    status : ndarray of int8
        The reason in the numbers of `scipy.optimize.elementwise` (k,).
    reason : ndarray of int8
        Why it ended: values of `thalweg.Reason` (k,).
    nit, nfev : ndarray of int64
        Steps; evaluations of the residuals with their Jacobian (k,).
    elapsed : float
        Seconds, of all together.
    """

    x: Any
    cost: FloatArray
    grad: Any
    optimality: FloatArray
    active_mask: Any
    success: npt.NDArray[np.bool_]
    status: npt.NDArray[np.int8]
    reason: npt.NDArray[np.int8]
    nit: npt.NDArray[np.int64]
    nfev: npt.NDArray[np.int64]
    elapsed: float

    __slots__ = ()

    def sort(self, by: Any = "cost", descending: bool = False) -> Self:
        """These endings in another order; as `Results.sort`, by cost unless told otherwise."""
        return super().sort(by, descending)

    def _message(self, lane: int) -> str:
        left, right = (float(self._own[name].flat[lane]) for name in ("left", "right"))
        return explained(
            Reason(int(self.reason.flat[lane])), left, right, int(self.nfev.flat[lane]),
            self._about["max_nfev"], lambda: "the residuals or their derivatives at the start",
        )  # fmt: skip


@carries_result
def least_squares_many(
    residuals: Callable[..., Any] | Objective,
    x0s: Any,
    *,
    args: tuple[Any, ...] = (),
    lane_args: tuple[Any, ...] = (),
    bounds: Any = (-inf, inf),
    loss: Any = "linear",
    f_scale: float = 1.0,
    x_scale: Any = None,
    ftol: float | None = 1e-10,
    xtol: float | None = 1e-10,
    gtol: float | None = 1e-10,
    max_nfev: int | None = None,
    max_time: float | None = None,
    threads: int | None = None,
    progress: bool = False,
    fun: bool | None = None,
    unpack: bool | None = None,
) -> LeastSquaresMany:
    """Minimize half the sum of squares of residuals from many starts: `least_squares` from each.

    Parameters
    ----------
    residuals : callable or Objective
        A function written in NumPy that returns a vector (m,), or one traced before; called once.
    x0s : array_like, tuple or dict
        The starts: a start's form with k in front, ``(k, ...)``.
    args : tuple, optional
        Further arguments of the function, the same for all.
    lane_args : tuple of array_like, optional
        Further arguments behind them, arrays ``(k, ...)`` of which each start has its own entry.
    bounds, loss, f_scale, x_scale, ftol, xtol, gtol, max_nfev
        As in `least_squares`, the same for all.
    max_time : float, optional
        Seconds, for all together.
    threads : int, optional
        By default as many as there are cores. The answers do not depend on it, to the bit.
    progress : bool
        Show on standard error how many have ended.
    fun : bool, optional
        Whether the residuals are told too; by default where they take less than 100 MB.
    unpack : bool, optional
        Whether a start's elements are passed one by one; by default as the signature says.

    Returns
    -------
    LeastSquaresMany
        `x`, `cost`, `fun`, `grad`, `optimality`, `active_mask`, `success`, `status`, `reason`,
        `nit`, `nfev`.

    Raises
    ------
    ValueError, TypeError
        If an argument does not fit; the message says what was wanted, what came, and which.
    TraceError
        If the function does what cannot be traced.
    KeyboardInterrupt
        On Ctrl-C, with what there is as ``.result``.

    See Also
    --------
    curve_fit_many : fits of a model, with their covariances.

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> t = np.linspace(0.0, 4.0, 9)
    >>> y = np.array([[1.0], [2.0]]) * np.exp(-1.3 * t)
    >>> def decay(p, y):
    ...     return p[0] * np.exp(-p[1] * t) - y
    >>> tw.least_squares_many(decay, np.ones((2, 2)), lane_args=(y,)).x.round(6)
    array([[1. , 1.3],
           [2. , 1.3]])
    """
    began = time.perf_counter()
    rho, f_scale = checked_loss(loss), checked_scale(f_scale)
    stops = checked_stops(ftol, xtol, gtol, max_nfev, max_time)
    lanes = Lanes.of(residuals, x0s, args, lane_args, unpack, residuals=True)
    objective, k = lanes.objective, len(lanes)
    form = objective.structure
    if isinstance(bounds, tuple | list) and len(bounds) != 2:
        raise ValueError(f"`bounds` must contain 2 elements, got {len(bounds)}")
    box = checked_box(read_box(bounds, form), lanes.rows, form)
    scale = scale_of(x_scale, form)
    if stops["max_nfev"] is None:
        stops["max_nfev"] = 1000 * (form.size + 1)
    m = prod(objective.shape)
    if fun is None:
        fun = 8 * k * m <= _FEW

    inputs, varying = [lanes.rows, *lanes.args], [True, *lanes.varying]
    if rho is not None:
        inputs.append(np.array(f_scale))
        varying.append(False)
    threads = cores(threads)

    def run(parts: Parts) -> None:
        squares = objective.sum_of_squares(rho)
        with Progress(progress, k, "start") as shown:
            parts.append((None, squares.run_many(
                lanes.rows, [None, *inputs[1:]], varying, [1.0], box, threads=threads, scale=scale,
                progress=shown.count if progress else None, **stops,
            )))  # fmt: skip

    def tell(parts: Parts, seconds: float) -> LeastSquaresMany:
        out = completed(parts[0][1] if parts else not_begun(lanes.rows), lanes.rows)
        x, reason = out["x"], out["reason"]
        scale_at = len(varying) - 1
        function = objective.kept_function(
            ("told", rho, fun),
            lambda trace, r, x: _told(trace, r, x, rho, scale_at, fun),
            len(varying),
        )
        told = function([x, *inputs[1:]], varying, k, threads)
        grad = told[0]
        _name_faults(objective, reason, lanes)
        nothing = (reason == Reason.non_finite) | (reason == Reason.left_domain)
        x, cost = x.copy(), out["fun"].copy()
        x[nothing], cost[nothing] = np.nan, np.nan
        mask = active_mask(x, box)
        held = (mask < 0) & (grad > 0) | (mask > 0) & (grad < 0)
        arrays: dict[str, Any] = {"x": form.restore(x, (k,)), "cost": cost}
        if fun:
            arrays["fun"] = told[1]
        arrays |= {
            "grad": form.restore(grad, (k,)),
            "optimality": np.abs(np.where(held, 0.0, grad)).max(axis=1),
            "active_mask": form.restore_int(mask, (k,)),
            "success": np.array(SUCCESS)[reason],
            "status": np.array(STATUS_MANY, dtype=np.int8)[reason],
            "reason": reason, "nit": out["nit"], "nfev": out["nfev"],
        }  # fmt: skip
        return LeastSquaresMany(
            arrays, (k,), {"elapsed": seconds},
            {"left": out["left"], "right": out["right"]}, {"max_nfev": stops["max_nfev"]},
        )  # fmt: skip

    return carried(began, run, tell, lambda parts: ended(parts, k))


def _told(trace: Trace, r: Tracer, x: Tracer, rho: Rho | None, scale: int, fun: bool) -> list[int]:
    """Nodes of the gradient, and of the residuals where they are wanted."""
    share: Any = r
    if rho is not None:
        share = r * weighted(rho, r, trace.input(scale, ()))[1]
    slopes, _ = trace.graph.normal_equations(r.node, share.node, -1, x.node)
    return [slopes, r.node] if fun else [slopes]


def _name_faults(objective: Objective, reason: npt.NDArray[np.int8], lanes: Lanes) -> None:
    """Tell which starts lay outside the residuals' domain."""
    (which,) = np.nonzero(reason == Reason.non_finite)
    if which.size:
        of = lanes.taken(which)
        faults = objective.faults(of.rows, of.args, of.varying, False)
        reason[which[faults == _OUTSIDE]] = Reason.left_domain
