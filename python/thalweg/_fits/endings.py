# SPDX-License-Identifier: BSD-3-Clause
"""Define the result of `least_squares`, its message and its optimality."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from thalweg._fits.soundness import beside
from thalweg._fits.squares import Ending, Squares
from thalweg._objectives.points import FloatArray
from thalweg._results.inferences import ResidualInferences
from thalweg._results.reasons import Reason
from thalweg._results.record import Record, any_active, seconds, text

__all__ = ["LeastSquares", "explain", "explained", "optimality"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LeastSquares(ResidualInferences, Record):
    """The result of `least_squares`: where the descent ended, why, and what it cost.

    The entries have SciPy's names and are attributes and keys. Statistics are computed from the
    Jacobian when they are asked for.

    Attributes
    ----------
    x : float, ndarray, tuple or dict
        The best point, in the form of `x0`.
    cost : float
        Half the sum of the losses of the squared residuals at `x`.
    fun : ndarray
        The residuals at `x`, shape (m,), without loss.
    jac : ndarray
        The Jacobian at `x`, shape (m, n). With a loss its rows are scaled, so that ``jac.T @ jac``
        is the Gauss-Newton matrix of the cost.
    grad : float, ndarray, tuple or dict
        The gradient of the cost, in the form of `x0`.
    optimality : float
        The largest component of the gradient over the variables that are not at an active bound.
    active_mask : int, ndarray, tuple or dict
        -1 for a variable at its lower bound, 0 for a free one, 1 for one at its upper bound.
    nfev, njev : int
        The numbers of evaluations of the residuals and of their Jacobian.
    status : int
        SciPy's status code for the reason.
    message : str
        The reason as a sentence, with both sides of the inequality that decided it.
    success : bool
        Whether the descent converged.
    reason : Reason
        Why the descent ended.
    nit : int
        The number of steps.
    determined : bool
        Whether the residuals determine every variable. They do not if a variable depends on others,
        has no effect, or has an error of more than 6.7e7 times its size; `message` then names it.
    elapsed : float
        The duration of the call in seconds.
    """

    x: Any
    cost: float
    fun: FloatArray
    jac: FloatArray
    grad: Any
    optimality: float
    active_mask: Any
    nfev: int
    njev: int
    status: int
    message: str
    success: bool
    reason: Reason
    nit: int
    determined: bool = True
    elapsed: float = 0.0

    def _rows(self) -> list[tuple[str, str]]:
        rows = [
            ("message", self.message),
            ("success", f"{self.success}    reason: {self.reason}    status: {self.status}"),
            ("cost", text(self.cost)),
            ("x", text(self.x)),
            ("grad", text(self.grad)),
            ("fun", text(self.fun)),
            ("jac", f"{self.jac.shape[0]} x {self.jac.shape[1]}"),
            ("nit", f"{self.nit}    nfev: {self.nfev}    njev: {self.njev}"),
        ]
        if not self.determined:
            rows.append(("determined", "False"))
        if any_active(self.active_mask):
            rows.append(("active_mask", text(self.active_mask)))
        return [*rows, ("elapsed", seconds(self.elapsed))]


def optimality(grad: FloatArray, mask: Any) -> Any:
    """Return the largest component of gradients (..., n) over variables not at an active bound."""
    held = (mask < 0) & (grad > 0) | (mask > 0) & (grad < 0)
    return np.abs(np.where(held, 0.0, grad)).max(axis=-1)


def explain(ending: Ending, max_nfev: int, squares: Squares) -> str:
    """Explain the reason in SciPy's words, with both sides of the deciding inequality."""
    point = None
    if ending.reason == Reason.non_finite and ending.nfev > 1:
        point = beside(squares.linear, ending.x)
    if point is not None:
        return (
            f"not finite after {ending.nfev} evaluations, at a point beyond x: "
            f"{squares.blame(point)}"
        )
    return explained(
        Reason(ending.reason), ending.left, ending.right, ending.nfev, max_nfev,
        lambda: squares.blame(ending.x),
    )  # fmt: skip


def explained(
    reason: Reason,
    left: float,
    right: float,
    nfev: int,
    max_nfev: Any,
    why: Callable[[], str],
) -> str:
    """Explain a reason from given numbers; `why` names what was not finite."""
    after = f"after {nfev} evaluation{'s' * (nfev != 1)}"
    sides = f"{left:.3g} <= {right:.3g} {after}"
    match reason:
        case Reason.gradient_small:
            return (
                "`gtol` termination condition is satisfied: largest cosine between the residuals "
                f"and a column of the Jacobian {sides}"
            )
        case Reason.value_settled:
            return f"`ftol` termination condition is satisfied: change of the cost {sides}"
        case Reason.step_small:
            return f"`xtol` termination condition is satisfied: relative step {sides}"
        case Reason.precision_limit:
            return f"the limit of precision: a change of the cost by {sides} is a rounding error"
        case Reason.max_evaluations:
            return (
                f"The maximum number of function evaluations is exceeded: {nfev} evaluations, "
                f"max_nfev = {max_nfev}; not converged"
            )
        case Reason.max_time:
            return f"{left:.3g} s >= max_time = {right:.3g} s {after}; not converged"
        case Reason.stopped_by_callback:
            return f"`callback` raised `StopIteration` or returned `True` {after}"
        case Reason.not_run:
            return "not run: `mask` leaves it out, or no call has come to it"
        case Reason.interrupted:
            return f"interrupted {after}"
        case Reason.stuck if np.signbit(left):
            return (
                f"stuck {after}: J'J is singular to rounding, and eight successive steps hardly "
                f"reduced the cost: the last by {-left:.3g} <= {right:.3g}, half of it"
            )
        case Reason.stuck:
            return (
                f"stuck {after}: no smaller cost was found even at a distance of {left:.3g} <= "
                f"{right:.3g}; check that the residuals are smooth"
            )
        case _:
            return f"not finite {after}: {why()}"
