# SPDX-License-Identifier: BSD-3-Clause
"""Explain why a descent ended, in a sentence with both sides of the deciding inequality.

The sentence of a single descent is made when it ends, and that of one among many when it is read.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite, isnan
from typing import TYPE_CHECKING

import numpy as np

from thalweg._objectives.points import FloatArray
from thalweg._objectives.untraced import Called
from thalweg._results.reasons import Reason

if TYPE_CHECKING:
    from thalweg._objectives.objective import Objective

__all__ = ["blame", "blamed", "sentence"]


def blamed(reason: Reason, last_fun: float) -> bool:
    """Whether the descent ended because something was not finite, so an operation is at fault."""
    return reason in (Reason.left_domain, Reason.non_finite) or (
        reason is Reason.diverged and not isfinite(last_fun)
    )


def sentence(
    reason: Reason,
    left: float,
    right: float,
    nit: int,
    nfev: int,
    max_nfev: int,
    last_fun: float,
) -> str:
    """Explain a reason; `left` and `right` are the sides of the inequality that decided it.

    For `stuck`, a negative `left` means that the descent settled at a higher value than an earlier
    one, and NaN means that the function does not depend on x.
    """
    after = _after(nit)
    match reason:
        case Reason.gradient_small:
            return f"gradient norm {left:.3g} <= {right:.3g} {after}"
        case Reason.step_small:
            return f"relative step {left:.3g} <= {right:.3g} {after}"
        case Reason.value_settled:
            return f"change of the value {left:.3g} <= {right:.3g} {after}"
        case Reason.precision_limit:
            return (
                f"the limit of precision: a change of the value by {left:.3g} <= {right:.3g} "
                f"is a rounding error {after}"
            )
        case Reason.stuck if isnan(left):
            return f"stuck {after}: the function does not depend on x"
        case Reason.stuck if left < 0:
            return (
                f"stuck {after}: the last value is higher by {-left:.3g} > {right:.3g} than that "
                "of an earlier point, which is returned"
            )
        case Reason.stuck:
            return (
                f"stuck {after}: no lower value was found, although the gradient predicts a "
                f"decrease of {left:.3g} > {right:.3g}; check that jac is the gradient of fun"
            )
        case Reason.kink:
            return (
                f"a kink {after}: the shortest vector in the convex hull of nearby gradients is "
                f"{left:.3g} <= {right:.3g} (for variables in units of their size), and no nearby "
                "value is lower"
            )
        case Reason.diverged if isfinite(last_fun):
            return (
                f"diverged {after}: the value falls without bound, {last_fun:.3g} after a step "
                f"of {left:.3g}"
            )
        case Reason.diverged:
            return f"diverged {after}"
        case Reason.max_iterations:
            return f"{nit} iterations >= max_iter = {int(right)}; not converged"
        case Reason.max_evaluations:
            return f"{nfev} evaluations, max_nfev = {max_nfev}; not converged"
        case Reason.max_time:
            return f"{left:.3g} s >= max_time = {right:.3g} s {after}; not converged"
        case Reason.stopped_by_callback:
            return f"stopped by the callback {after}"
        case Reason.not_run:
            return "not run"
        case Reason.interrupted:
            return f"interrupted {after}"
        case Reason.left_domain:
            return f"left the domain {after}"
        case Reason.non_finite:
            return f"not finite {after}"


def blame(
    objective: Objective | Called,
    last: FloatArray,
    last_fun: float,
    nit: int,
    after: str | None = None,
    why: Callable[[], str] | None = None,
) -> tuple[Reason, str]:
    """Name the operation that gave a non-finite value at a point (1, n), and its operands.

    `why` returns a possible cause of a step that is not finite.
    """
    in_value, after = not isfinite(last_fun), after or _after(nit)
    what = "the value" if in_value else "the gradient"
    if isinstance(objective, Called):
        return (
            Reason.non_finite,
            f"{what} is not finite {after}: the function returned {last_fun}",
        )
    found = objective.diagnose(last, not in_value)
    if found is None:
        return _blame_no_operation(objective, last, what, after, why)
    operation, inputs, value, outside = found
    call = (
        f"{operation}({', '.join(f'{v:.6g}' for v in inputs)})" if inputs else f"{operation}(...)"
    )
    text = f"{call} = {value:g} in {what} {after}"
    if outside and not inputs:  # of a whole array, in words
        return Reason.left_domain, f"left the domain: {operation} in {what} {after}"
    if outside:
        return Reason.left_domain, f"left the domain: {text}"
    if np.isinf(value) and nit > 0:
        return Reason.diverged, f"diverged: {text}"
    return Reason.non_finite, f"not finite: {text}"


def _blame_no_operation(
    objective: Objective,
    last: FloatArray,
    what: str,
    after: str,
    why: Callable[[], str] | None,
) -> tuple[Reason, str]:
    """Name the cause if every operation with finite operands has a finite result."""
    if data := objective.bad_data():
        return Reason.non_finite, f"not finite: {data}, so {what} is not finite {after}"
    values, slopes = objective.rows_value_and_grad(last)
    if not (np.isfinite(values).all() and np.isfinite(slopes).all()):
        constant = "a number in the function is NaN or infinite"
        return Reason.non_finite, f"not finite: {constant}, and so is {what} {after}"
    cause = "" if why is None else why()
    return Reason.diverged, f"the next step is not finite {after}" + (cause and f": {cause}")


def _after(nit: int) -> str:
    return f"after {nit} iteration{'s' * (nit != 1)}"
