# SPDX-License-Identifier: BSD-3-Clause
"""Endings in words: the sentence of a reason, with both sides of what decided it.

One descent is told as it ends; of many, an ending's sentence is made when it is read.
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
    """Whether an operation is to be blamed: something was not finite."""
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
    """A reason in words; `left` and `right` are the sides of the inequality that decided it.

    A `stuck` with a negative `left` settled higher than where it had been; with NaN, nothing
    depends on x.
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
                f"is rounding {after}"
            )
        case Reason.stuck if isnan(left):
            return f"stuck {after}: the function does not depend on x"
        case Reason.stuck if left < 0:
            return (
                f"stuck {after}: where it settled, the value is higher by {-left:.3g} > "
                f"{right:.3g} than at an earlier point, which is the answer"
            )
        case Reason.stuck:
            return (
                f"stuck {after}: no lower value along the gradient, which promises "
                f"{left:.3g} > {right:.3g}; is it the function's?"
            )
        case Reason.kink:
            return (
                f"a kink {after}: the shortest slope in the convex hull of those around it is "
                f"{left:.3g} <= {right:.3g} (for variables in units of their size), and no value "
                "around it is lower"
            )
        case Reason.diverged if isfinite(last_fun):
            return (
                f"diverged {after}: the value falls without end, {last_fun:.3g} after a step "
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
    """Which operation made a value that is not finite, at a point (1, n), and from what.

    `why` tells what may have made a step not finite.
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
    """What is to blame where every operation's result is finite if its operands are."""
    if told := objective.bad_data():
        return Reason.non_finite, f"not finite: {told}, so {what} is not finite {after}"
    values, slopes = objective.rows_value_and_grad(last)
    if not (np.isfinite(values).all() and np.isfinite(slopes).all()):
        held = "a number that the function holds is NaN or infinite"
        return Reason.non_finite, f"not finite: {held}, and so is {what} {after}"
    told = "" if why is None else why()
    return Reason.diverged, f"the next step is not finite {after}" + (told and f": {told}")


def _after(nit: int) -> str:
    return f"after {nit} iteration{'s' * (nit != 1)}"
