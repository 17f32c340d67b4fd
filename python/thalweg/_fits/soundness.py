# SPDX-License-Identifier: BSD-3-Clause
"""Tests of whether the ending of a fit can be trusted, and what is tried where it cannot.

The data must determine every parameter, and the fit must be no worse than a constant. Where J'J is
singular to rounding, the fit goes on with J itself; where the ending is not sound, the fit is begun
again: with a long first step, and from the scale of the data if no start was given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from thalweg import _core
from thalweg._objectives.points import FloatArray
from thalweg._results.reasons import SUCCESS, Reason

if TYPE_CHECKING:
    from thalweg._fits.squares import Ending

__all__ = [
    "FACTORS", "NOT_BEGUN", "SINGULAR", "again", "bent_down", "beside", "better",
    "flat_cost", "flat_costs", "flat_deviances", "largest", "named", "refined",
    "scales_of", "shares", "size_of", "undetermined", "worse",
]  # fmt: skip

Loss = Callable[[Any], Any] | None
Truths = npt.NDArray[np.bool_]

# The first step's longest length, in units of the start's: the method's own, and MINPACK's.
FACTORS = (1.0, 100.0)
# The last pivot of J's columns, scaled to length one, below which J'J has lost twelve of sixteen
# digits: steps by it may not converge.
SINGULAR = 1e-6
# An error so many times as large as a parameter, as its start and as its scale says nothing of it.
LARGE = float(np.finfo(np.float64).eps) ** -0.5
# An error so many times as large says little: then the Hessian is asked whether this is a minimum.
VAGUE = 10.0
# Evaluations by J itself, at most; they converge in a few.
_BY_QR = 100
# Evaluations of a first try for each parameter and one more; what is left of `max_nfev` is for the
# others. Bennett5 of NIST takes 569 of these 1000 and has the slowest descent we know.
_FIRST = 250
# A sum of squares that exceeds a constant's by so little is no worse. Data whose squares about
# their mean are so small a share of their own do not vary: often the model holds the data, and is
# fitted to zeros.
_ABOUT, _ROUNDING = 1e-6, 1e-24


# ---- the tests


def undetermined(
    errors: FloatArray,
    loose: Truths,
    x: FloatArray,
    x0: FloatArray,
    scale: FloatArray | None,
) -> tuple[Truths, Truths]:
    """Which parameters (..., n) the data leave open, and about which they say little.

    Those are dependent parameters, and parameters whose errors exceed `LARGE`, or `VAGUE`, times
    their size.
    """
    found, vague = loose.copy(), loose.copy()
    # All are infinite where there are as many parameters as data.
    known = np.isfinite(errors).any(axis=-1)
    # Of many fits one parameter after the other: memory is to stay bounded.
    each: list[Any] = [...] if x.ndim == 1 else [(..., i) for i in range(x.shape[-1])]
    with np.errstate(invalid="ignore"):
        for i in each:
            error = errors[i]
            size = np.maximum(np.abs(x[i]), np.abs(x0[i]))
            if scale is not None:
                size = np.maximum(size, scale[i])
            found[i] |= known & (error > LARGE * size)
            vague[i] |= known & (error > VAGUE * size)
    return found, vague


def bent_down(
    at: Callable[[FloatArray], tuple[float, FloatArray, FloatArray]], x: FloatArray, held: Truths
) -> bool:
    """Whether x is no minimum: the Hessian, by differences of gradients, is not positive definite.

    J'J is positive semidefinite everywhere, so it cannot tell. Descents that run away to infinity
    end at such points, where J'J says little about some parameters.
    """
    (free,) = np.nonzero(~held & (x != 0))
    hessian = np.zeros((free.size, free.size))
    with np.errstate(all="ignore"):
        for row, i in enumerate(free):
            slopes = []
            for sign in (1, -1):
                point = x.copy()
                point[i] *= 1 + sign * _NEAR
                _, r, columns = at(point)
                slopes.append(np.sum(columns * r, axis=1)[free])
            hessian[row] = (slopes[0] - slopes[1]) / (2 * _NEAR * x[i])
    hessian = 0.5 * (hessian + hessian.T)
    bends = np.diag(hessian)
    if not np.isfinite(hessian).all() or (bends <= 0).any():
        return bool((bends <= 0).any())
    unit = 1 / np.sqrt(bends)
    return bool(np.linalg.eigvalsh(hessian * unit * unit[:, None]).min(initial=1.0) <= 0)


# How far to the sides the gradients are taken, of each parameter's size: the differences are right
# to ten digits.
_NEAR = 1e-5


def flat_cost(y: FloatArray, weights: Any, kept: Any, loss: Loss) -> float:
    """The cost of the weighted mean of the data (m,); infinite where they do not vary."""
    if np.ndim(weights) == 2:
        kept = np.ones(y.size, dtype=bool) if kept is None else kept
        y, one = weights @ np.where(kept, y, 0.0), weights @ kept
        return float(_flat(y[None], one[None], loss)[0])
    return float(flat_costs(y[None], weights, None if kept is None else kept[None], loss)[0])


def flat_costs(y: FloatArray, weights: Any, kept: Truths | None, loss: Loss) -> FloatArray:
    """The same for many data (k, m), of which some are `kept`; `weights` are inverse errors."""
    if kept is None:
        if weights is None:
            return _flat(y, np.ones(y.shape), loss)
        one: FloatArray = np.broadcast_to(weights, y.shape)
        return _flat(y * one, one, loss)
    one = kept * (1.0 if weights is None else weights)
    return _flat(np.where(kept, y, 0.0) * one, one, loss)


def _flat(y: FloatArray, one: FloatArray, loss: Loss) -> FloatArray:
    with np.errstate(all="ignore"):
        squares = np.einsum("ij,ij->i", one, one)
        mean = np.einsum("ij,ij->i", one, y) / np.where(squares > 0, squares, 1.0)
        rest = y - one * mean[:, None]
        cost = 0.5 * np.einsum("ij,ij->i", rest, rest) if loss is None else loss(rest).sum(axis=1)
        varies = (cost < inf) & (cost > _ROUNDING * np.einsum("ij,ij->i", y, y))
        flat: FloatArray = np.where(varies, cost * (1 + _ABOUT), inf)
    return flat


def flat_deviances(y: FloatArray, kept: Truths) -> FloatArray:
    """Half the deviances of counts (k, m) from their means."""
    y = np.where(kept, y, 0.0)
    with np.errstate(all="ignore"):
        mean = y.sum(axis=1) / np.maximum(kept.sum(axis=1), 1)
        each = y * np.log(np.where(y > 0, y, 1.0) / mean[:, None])
        cost = np.where(y > 0, each, 0.0).sum(axis=1)
        varies = (cost < inf) & (cost > np.sqrt(_ROUNDING) * mean)
        flat: FloatArray = np.where(varies, cost * (1 + _ABOUT), inf)
    return flat


def worse(cost: Any, flat: Any) -> Any:
    """Whether a fit is worse than a constant."""
    return cost > flat


def named(names: Iterable[str], which: Iterable[Any]) -> str:
    """The names of the parameters in `which`, separated by commas."""
    return ", ".join(name for name, here in zip(names, which, strict=True) if here)


# ---- trying again


def shares(most: int, n: int, tries: int) -> list[int]:
    """How many of `most` evaluations each try may take; a try that gets none is left out."""
    first = min(most, _FIRST * (n + 1))
    rest = (most - first) // max(tries - 1, 1)
    return [first] + [rest] * (tries - 1) * (rest > 0)


# Endings at the start itself: from there nothing else can be tried.
NOT_BEGUN = (Reason.non_finite, Reason.left_domain)


def again(reason: int) -> bool:
    """Whether another try may follow an ending that is not sound."""
    return SUCCESS[reason] or reason in (
        Reason.stuck, Reason.max_evaluations, Reason.diverged, *NOT_BEGUN,
    )  # fmt: skip


def better(success: Any, cost: Any, old_success: Any, old_cost: Any) -> Any:
    """Whether the ending of a later try replaces the one before."""
    return (success & ~old_success) | ((success | ~old_success) & (cost < old_cost)) | (
        np.isfinite(cost) & ~np.isfinite(old_cost))  # fmt: skip


def size_of(x: Any) -> FloatArray:
    """The largest |x| along the last axis; 0 for objects that are not numbers."""
    try:
        numbers = np.abs(np.asarray(x, dtype=np.float64))
    except (TypeError, ValueError):  # an object of which only the model knows what it is
        return np.zeros(())
    size: FloatArray = np.max(np.where(numbers < inf, numbers, 0.0), axis=-1, initial=0.0)
    return size


def largest(x: Any) -> float:
    """The largest of all |x|; x may be a tuple of predictors."""
    parts = x if isinstance(x, tuple | list) else (x,)
    return max(
        (float(np.max(size_of(np.atleast_1d(part)), initial=0.0)) for part in parts), default=0.0
    )


def scales_of(size: Any) -> tuple[Any, Any]:
    """Two starts for every parameter from the largest |x|: it and its inverse, or 1."""
    sound = (size > 1e-300) & (size < 1e300)
    size = np.where(sound, size, 1.0)
    return size, 1.0 / size


# ---- going on with J itself


def beside(
    at: Callable[[FloatArray], tuple[float, FloatArray, FloatArray]], x: FloatArray
) -> FloatArray | None:
    """The first point down the slope from x where residuals or J are not finite, or None.

    A descent beside such points gets stuck: its steps are rejected, however short.
    """
    _, r, columns = at(x)
    with np.errstate(all="ignore"):
        squares = np.sum(columns * columns, axis=1)
        d = -np.sum(columns * r, axis=1) / np.where(squares > 0, squares, 1.0)
        for halvings in range(60, -1, -1):
            point: FloatArray = x + d * 0.5**halvings
            _, r, columns = at(point)
            if not (np.isfinite(r).all() and np.isfinite(columns).all()):
                return point
    return None


def refined(
    at: Callable[[FloatArray], tuple[float, FloatArray, FloatArray]],
    ending: Ending,
    box: list[FloatArray],
    max_nfev: int,
) -> Ending:
    """The ending after further steps by QR of J, for fits whose J'J is singular to rounding."""
    reason = ending.reason
    if not (SUCCESS[reason] or reason == Reason.stuck) or not np.isfinite(ending.x).all():
        return ending
    budget = min(max_nfev - ending.nfev, _BY_QR)
    if budget <= 0:
        return ending
    x, cost, settled, left, right, nfev, nit = _core.refine(ending.x, box, budget, at)
    ending = ending._replace(x=x, cost=cost, nfev=ending.nfev + nfev, nit=ending.nit + nit)
    if not settled:
        return ending
    return ending._replace(reason=int(Reason.precision_limit), left=left, right=right)
