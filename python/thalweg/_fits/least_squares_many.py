# SPDX-License-Identifier: BSD-3-Clause
"""Minimize sums of squares from many starts, each with its own data."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf, prod
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from thalweg import _core
from thalweg._descents.descent import not_begun
from thalweg._descents.interrupts import Parts, carried, carries_result, completed, ended
from thalweg._descents.lanes import Lanes, cores
from thalweg._descents.progress import Progress
from thalweg._fits.covariances import traced_spread, variance
from thalweg._fits.endings import explained, optimality
from thalweg._fits.least_squares import judged
from thalweg._fits.robust import Rho, weighted
from thalweg._fits.settings import SquaresSettings, scale_of, within_limits
from thalweg._fits.soundness import FACTORS, NOT_BEGUN, better, named, undetermined
from thalweg._fits.squares import (
    TracedSquares,
    ending_of,
    kept_sum_of_squares,
    put_ending,
    weights_and_cost,
)
from thalweg._fits.tapes import ON_TAPE, OUTSIDE
from thalweg._fits.verdicts import AGAIN, CONVERGED, verdicts
from thalweg._objectives.bounds import active_mask, box_from_vectors, checked_box
from thalweg._objectives.objective import Objective
from thalweg._objectives.points import FloatArray
from thalweg._results.collection import Many, One
from thalweg._results.inferences import ResidualInferences
from thalweg._results.reasons import Reason
from thalweg._tracing.trace import Trace, Tracer

__all__ = ["Evaluated", "LeastSquaresMany", "ManySquares", "OneSquares", "least_squares_many"]

# Residuals are returned by default if they take at most so many bytes.
_FEW = 1e8
# The arrays of which the better of two tries is kept.
_MERGED = ("x", "open", "fun", "reason", "left", "right", "nfev", "nit")


class OneSquares(One, ResidualInferences):
    """One descent among many, with entries as attributes and keys, and statistics."""

    __slots__ = ("_alone",)

    def __init__(
        self,
        entries: dict[str, Any],
        message: str | Callable[[], str],
        alone: LeastSquaresMany,
    ) -> None:
        super().__init__(entries, message)
        self._alone = alone

    def _evidence(self) -> Any:
        return self._alone._evidence()


class LeastSquaresMany(Many, ResidualInferences):
    """The results of many least-squares descents: where each ended, why, and what it cost.

    `thalweg.least_squares_many` returns them. Statistics evaluate the residuals again when they are
    asked for, which those that were pickled cannot. The arrays are attributes and keys. ``r[3]`` is
    one result with its `message`; ``r[r.success]`` and ``r.sort()`` are `LeastSquaresMany` too.

    Attributes
    ----------
    x : ndarray, tuple or dict
        The best points, in the form of a start, each array with the leading axis (k,). They are NaN
        if the residuals are not finite at the start.
    cost : ndarray
        Half the sum of the losses of the squared residuals at `x` (k,).
    fun : ndarray
        The residuals at `x` (k, m), without loss, if `return_residuals` asked for them.
    grad : ndarray, tuple or dict
        The gradients of the cost, in the form of `x`.
    optimality : ndarray
        The largest component of each gradient over variables not at an active bound (k,).
    active_mask : ndarray, tuple or dict
        -1 for a variable at its lower bound, 0 for a free one, 1 for one at its upper bound, in the
        form of `x`.
    success : ndarray of bool
        Whether each descent converged (k,).
    status : ndarray of int8
        The reasons as status codes of `scipy.optimize.elementwise` (k,).
    reason : ndarray of int8
        Why each descent ended, as values of `thalweg.Reason` (k,).
    nit, nfev : ndarray of int64
        The numbers of steps, and of evaluations of the residuals with their Jacobian (k,).
    determined : ndarray of bool
        Whether the residuals determine every variable (k,), as in `least_squares`. If not,
        `message` names the variables.
    elapsed : float
        The duration of the call in seconds.
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
    determined: npt.NDArray[np.bool_]
    elapsed: float

    __slots__ = ()

    def sort(self, by: Any = "cost", descending: bool = False) -> Self:
        """Sort the results like `Results.sort`, by default by cost."""
        return super().sort(by, descending)

    def _one(self, lane: int) -> OneSquares:
        one = super()._one(lane)
        return OneSquares(one._entries, one._message, self._taken(np.array(lane)))

    def __reduce__(self) -> tuple[Any, ...]:
        # The function and its arguments are left out: they may be large.
        kind, (arrays, shape, shared, own, about) = super().__reduce__()
        return kind, (arrays, shape, shared, own, {k: v for k, v in about.items() if k != "source"})

    def _message(self, lane: int) -> str:
        left, right = (float(self._own[name].flat[lane]) for name in ("left", "right"))
        text = explained(
            Reason(int(self.reason.flat[lane])), left, right, int(self.nfev.flat[lane]),
            self._about["max_nfev"], lambda: "the residuals or their derivatives at the start",
        )  # fmt: skip
        if self.determined.flat[lane]:
            return text
        which = named(self._about["names"], self._own["open"].reshape(self.size, -1)[lane])
        return f"{text}; the residuals do not determine {which}"


@carries_result
def least_squares_many(
    fun: Callable[..., Any] | Objective,
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
    return_residuals: bool | None = None,
    unpack: bool | None = None,
) -> LeastSquaresMany:
    """Minimize half the sum of squares of residuals from each of many starts.

    Parameters
    ----------
    fun : callable or Objective
        A function that returns the residuals, a vector (m,). It is written in NumPy and called
        once, or was traced before.
    x0s : array_like, tuple or dict
        The k starts, in the form of one start with a leading axis of length k, ``(k, ...)``.
    args : tuple, optional
        Further arguments of the function, the same for all starts.
    lane_args : tuple of array_like, optional
        Further arguments after `args` that differ between starts: arrays ``(k, ...)`` with one
        entry for each start.
    bounds, loss, f_scale, x_scale, ftol, xtol, gtol, max_nfev
        As in `least_squares`, the same for all starts.
    max_time : float, optional
        Maximum duration of all descents together, in seconds.
    threads : int, optional
        The number of threads, by default one for each core. The results are the same for any
        number, bit for bit.
    progress : bool
        Whether to show on standard error how many descents have ended.
    return_residuals : bool, optional
        Whether to return the residuals, as `fun`. By default, they are returned if they take less
        than 100 MB.
    unpack : bool, optional
        Whether to pass the elements of a start as separate arguments. By default, the signature of
        `fun` decides.

    Returns
    -------
    LeastSquaresMany
        `x`, `cost`, `fun`, `grad`, `optimality`, `active_mask`, `success`, `status`, `reason`,
        `nit`, `nfev`, `determined`.

    Raises
    ------
    ValueError, TypeError
        If an argument is invalid; the message names it and says what was expected.
    TraceError
        If the function cannot be traced.
    KeyboardInterrupt
        On Ctrl-C, with the partial results in ``.result``.

    See Also
    --------
    least_squares : Minimize from one start.
    curve_fit_many : Fit a model to many data sets, with covariances.
    minimize_many : Minimize a function with one value from many starts.

    References
    ----------
    .. [1] J. J. Moré, "The Levenberg-Marquardt algorithm: Implementation and theory", Lecture Notes
       in Math. 630, 1978, 105-116, https://doi.org/10.1007/BFb0067700

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
    given = locals()
    began = time.perf_counter()
    settings = SquaresSettings.of(given)
    lanes = Lanes.of(fun, x0s, args, lane_args, unpack, residuals=True)
    run = ManySquares(lanes, settings, cores(threads))
    k = len(lanes)
    if return_residuals is None:
        return_residuals = 8 * k * prod(lanes.objective.shape) <= _FEW

    def descend(parts: Parts) -> None:
        with Progress(progress, k, "start") as shown:
            run.descend(parts, shown.count if progress else None)

    def result(parts: Parts, seconds: float) -> LeastSquaresMany:
        out = parts[0][1] if parts else not_begun(lanes.rows)
        return run.result(out, return_residuals, seconds)

    return carried(began, descend, result, lambda parts: ended(parts, k))


@dataclass(eq=False)
class Evaluated:
    """A call that ended, from which statistics are computed when they are asked for.

    Attributes
    ----------
    run : ManySquares
        The call.
    x, cost : ndarray
        The best points (k, n), NaN for those not begun, and their costs (k,).
    held : ndarray of bool
        Which variables are at a bound (k, n).
    kept : dict
        What was computed.
    """

    run: ManySquares
    x: FloatArray
    cost: FloatArray
    held: npt.NDArray[np.bool_]
    kept: dict[str, Any] = field(default_factory=dict)


class ManySquares:
    """One call of `least_squares_many`: the shared settings, and the tries of each start."""

    def __init__(self, lanes: Lanes, settings: SquaresSettings, threads: int) -> None:
        self.lanes, self.settings = lanes, settings
        self.form = lanes.objective.structure
        self.rho, self.f_scale = settings.rho, settings.f_scale
        self.box = checked_box(box_from_vectors(settings.bounds, self.form), lanes.rows, self.form)
        self.scale = scale_of(settings.x_scale, self.form)
        self.stopping = settings.stopping(self.form.size, threads)

    # ---- tries

    def descend(self, parts: Parts, progress: Callable[[int], Any] | None) -> None:
        """Store the better ending of each start in `parts`; `open` marks undetermined variables."""
        lanes = self.lanes
        for factor, stopping in within_limits(FACTORS, self.form.size, self.stopping):
            if not parts:
                parts.append((None, self._descended(lanes, factor, stopping, progress)))
                continue
            best = parts[0][1]
            sound = CONVERGED[best["reason"]] & ~best["open"].any(axis=1)
            may = AGAIN[best["reason"]] & ~np.isin(best["reason"], NOT_BEGUN)
            which = np.flatnonzero(may & ~sound)
            if best["error"] is not None or not which.size:
                break
            part = self._descended(lanes.taken(which), factor, stopping, progress)
            # The merged arrays are new, so an interrupt finds either the old or the new ones.
            parts[0] = (None, _merged(best, part, which))

    def _descended(
        self,
        lanes: Lanes,
        factor: float,
        stopping: _core.Stopping,
        progress: Callable[[int], Any] | None,
    ) -> dict[str, Any]:
        """Make one try, with further steps by QR if J'J is singular to rounding."""
        inputs, varying = self.inputs(lanes)
        starts = _core.Starts(lanes.rows, inputs[1:], varying[1:])
        hooks = _core.Hooks(progress=progress)
        out = kept_sum_of_squares(lanes.objective, self.rho).run(
            starts, [factor], self.box, stopping, hooks, self.scale
        )
        out["open"] = np.zeros(lanes.rows.shape, dtype=bool)
        try:
            completed(out, lanes.rows)
            out["open"], doubtful = self._open(lanes, out["x"])
            doubtful &= np.isfinite(out["fun"]) & (out["nfev"] > 0)
            for lane in np.flatnonzero(doubtful) if out["error"] is None else ():
                self._go_on(lanes, int(lane), out, stopping.max_nfev)
        except KeyboardInterrupt as interrupt:
            out["error"] = interrupt
        return out

    def _go_on(self, lanes: Lanes, lane: int, out: dict[str, Any], max_nfev: int) -> None:
        """Check one ending by QR of its Jacobian, and take further steps if they help."""
        squares = TracedSquares(lanes.alone(lane), self.settings)
        squares.box, squares.scale = self.box, self.scale
        ending, out["open"][lane] = judged(
            squares, ending_of(out, lane), lanes.rows[lane], max_nfev
        )
        put_ending(out, lane, ending)

    def inputs(self, lanes: Lanes, x: FloatArray | None = None) -> tuple[list[Any], list[bool]]:
        """Return the inputs of the objective's functions, and which differ between starts."""
        inputs = [lanes.rows if x is None else x, *lanes.args]
        varying = [True, *lanes.varying]
        if self.rho is not None:
            inputs.append(np.array(self.f_scale))
            varying.append(False)
        return inputs, varying

    # ---- the result

    def result(self, out: dict[str, Any], residuals: bool, seconds: float) -> LeastSquaresMany:
        """Build the result from the core's output, with or without the residuals."""
        form, k = self.form, len(self.lanes)
        completed(out, self.lanes.rows)
        left_open = out.get("open", np.zeros(self.lanes.rows.shape, dtype=bool)).copy()
        x, cost, reason = out["x"].copy(), out["fun"].copy(), out["reason"].copy()
        grad, *r = self._slopes(x, residuals)
        _name_faults(reason, self.lanes)
        nothing = (reason == Reason.non_finite) | (reason == Reason.left_domain)
        x[nothing], cost[nothing] = np.nan, np.nan
        left_open[nothing] = False
        mask = active_mask(x, self.box)
        arrays: dict[str, Any] = {"x": form.restore(x, (k,)), "cost": cost}
        if residuals:
            arrays["fun"] = r[0]
        arrays |= {
            "grad": form.restore(grad, (k,)), "optimality": optimality(grad, mask),
            "active_mask": form.restore_int(mask, (k,)), **verdicts(reason),
            "nit": out["nit"], "nfev": out["nfev"], "determined": ~left_open.any(axis=1),
        }  # fmt: skip
        names = [form.name_of(i) for i in range(form.size)]
        return LeastSquaresMany(
            arrays, (k,), {"elapsed": seconds},
            {"left": out["left"], "right": out["right"], "open": left_open, "lane": np.arange(k)},
            {"max_nfev": self.stopping.max_nfev, "names": names,
             "source": Evaluated(self, x, cost, mask != 0)},
        )  # fmt: skip

    def _slopes(self, x: FloatArray, residuals: bool) -> list[FloatArray]:
        """Return the gradients of the costs at points (k, n), and optionally the residuals."""
        inputs, varying = self.inputs(self.lanes, x)
        last = len(varying) - 1  # the loss's scale
        function = self.lanes.objective.kept_function(
            ("slopes", self.rho, residuals),
            lambda trace, r, point: _slope_nodes(trace, r, point, self.rho, last, residuals),
            len(varying),
        )
        return function(inputs, varying, len(x), self.stopping.threads)

    def _open(
        self, lanes: Lanes, x: FloatArray
    ) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Return undetermined variables (k, n), and starts (k,) for which QR must decide."""
        k, n = x.shape
        loose = np.zeros((k, n), dtype=bool)
        if n > ON_TAPE:
            return loose, np.ones(k, dtype=bool)
        inputs, varying = self.inputs(lanes, x)
        key = ("errors", self.rho, *(end.tobytes() for end in self.box))
        last = len(varying) - 1  # the loss's scale
        function = lanes.objective.kept_function(
            key, lambda trace, r, point: self._errors(trace, r, point, last), len(varying)
        )
        errors, doubtful = function(inputs, varying, k, self.stopping.threads)
        _, vague = undetermined(errors, loose, x, lanes.rows, self.scale)
        return loose, (doubtful[:, 0] > 0) | vague.any(axis=1)

    def _errors(self, trace: Trace, r: Tracer, x: Tracer, inputs: int) -> list[int]:
        """Return the nodes of the standard errors, and of whether QR must compute them."""
        scale = None if self.rho is None else trace.input(inputs, ())
        weights, cost = weights_and_cost(r, self.rho, scale)
        rows = trace.wrap(float(r.size))
        _, errors, doubtful = traced_spread(
            r, x, weights, self.box, lambda free: variance(cost, rows, free)
        )
        return [trace.stack([e.node for e in errors]), doubtful.node]


def _merged(
    best: dict[str, Any], part: dict[str, Any], which: npt.NDArray[np.intp]
) -> dict[str, Any]:
    """Merge a later try of some starts into the best endings; evaluations add up."""
    taken = better(
        CONVERGED[part["reason"]], part["fun"], CONVERGED[best["reason"][which]],
        best["fun"][which],
    )  # fmt: skip
    merged = best | {name: best[name].copy() for name in _MERGED}
    for name in _MERGED:
        merged[name][which[taken]] = part[name][taken]
    merged["nfev"][which] = best["nfev"][which] + part["nfev"]
    merged["error"] = part["error"]
    return merged


def _slope_nodes(
    trace: Trace, r: Tracer, x: Tracer, rho: Rho | None, scale: int, residuals: bool
) -> list[int]:
    """Return the nodes of the gradient, and optionally of the residuals."""
    share: Any = r
    if rho is not None:
        share = r * weighted(rho, r, trace.input(scale, ()))[1]
    slopes, _ = trace.graph.normal_equations(r.node, share.node, -1, x.node)
    return [slopes, r.node] if residuals else [slopes]


def _name_faults(reason: npt.NDArray[np.int8], lanes: Lanes) -> None:
    """Set the reason of starts that lie outside the domain of the residuals."""
    (which,) = np.nonzero(reason == Reason.non_finite)
    if which.size:
        of = lanes.taken(which)
        faults = lanes.objective.faults(of.rows, of.args, of.varying, False)
        reason[which[faults == OUTSIDE]] = Reason.left_domain
