# SPDX-License-Identifier: BSD-3-Clause
"""Test whether the result of a fit is sound, and try again if it is not.

A result is sound if the data determine every parameter and a constant does not fit better. If J'J
is singular to rounding, the fit continues with J itself. A fit that is not sound starts again, with
a long first step, and from the scale of the data if the user gave no start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import inf, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from thalweg import _core
from thalweg._objectives.points import FloatArray
from thalweg._results.reasons import SUCCESS, Reason

if TYPE_CHECKING:
    from thalweg._fits.squares import Ending

__all__ = [
    "ABOUT", "FACTORS", "LOOSE", "NOT_BEGUN", "ROUNDING", "SINGULAR", "again", "bent_down",
    "beside", "beside_many", "better", "clearly_determined", "flat_cost", "largest", "named",
    "refined", "refined_many", "scales_of", "shares", "size_of", "undetermined", "worse",
]  # fmt: skip

Loss = Callable[[Any], Any] | None
Truths = npt.NDArray[np.bool_]
Lanes = npt.NDArray[np.intp]

# The maximum length of the first step, relative to that of the start: this method's own factor, and
# MINPACK's.
FACTORS = (1.0, 100.0)
# If the last pivot of J, with columns scaled to length one, is below this, J'J has lost twelve of
# sixteen digits, and steps computed from it may not converge.
SINGULAR = 1e-6
# A parameter is undetermined if its error is this many times larger than its value, its start and
# its scale.
LARGE = float(np.finfo(np.float64).eps) ** -0.5
# If its error is this many times larger, it is vague, and the Hessian decides whether the point is
# a minimum.
VAGUE = 10.0
# So do errors that are this many times larger than the values of several parameters.
LOOSE = 3.0
# The maximum number of evaluations with J itself, which converge in a few steps.
_BY_QR = 100
# A first try may use this many evaluations for each parameter, and as many more; the rest of
# `max_nfev` is for the other tries. NIST's Bennett5, the slowest known descent, uses 569 of 1000.
_FIRST = 250
# A sum of squares that exceeds that of a constant by so little is not worse. If the squares about
# the mean are smaller than this fraction of the squares, the data do not vary; often such a model
# includes the data and is fitted to zeros.
ABOUT, ROUNDING = 1e-6, 1e-24


# ---- the tests


def clearly_determined(covariance: FloatArray, loose: Truths, x: FloatArray) -> bool:
    """Whether no error exceeds `LOOSE` times its value, so that nothing is undetermined or vague.

    One fit asks this first, since it takes a tenth of the time of `undetermined`.
    """
    return True not in loose.tolist() and all(
        variance >= 0 and sqrt(variance) <= LOOSE * abs(value)
        for variance, value in zip(covariance.diagonal().tolist(), x.tolist(), strict=True)
    )


def undetermined(
    errors: FloatArray,
    loose: Truths,
    x: FloatArray,
    x0: FloatArray,
    scale: FloatArray | None,
) -> tuple[Truths, Truths]:
    """Return which parameters (..., n) are undetermined, and which are vague.

    Undetermined are dependent parameters, and parameters whose errors exceed `LARGE` times their
    size. Vague are parameters whose errors exceed `VAGUE` times their size; and those whose errors
    exceed `LOOSE` times their values, if there are several. A single one may be an offset that
    happens to be zero.
    """
    found, vague = loose.copy(), loose.copy()
    # All errors are infinite if there are as many parameters as data.
    known = np.isfinite(errors).any(axis=-1)
    # For many fits, parameters are handled one after the other, to bound the memory.
    each: list[Any] = [...] if x.ndim == 1 else [(..., i) for i in range(x.shape[-1])]
    with np.errstate(over="ignore", invalid="ignore"):
        for i in each:
            error = errors[i]
            size = np.maximum(np.abs(x[i]), np.abs(x0[i]))
            if scale is not None:
                size = np.maximum(size, scale[i])
            found[i] |= known & (error > LARGE * size)
            vague[i] |= known & (error > VAGUE * size)
        many = np.zeros(x.shape[:-1], dtype=np.int64)
        for i in range(x.shape[-1]):
            many += errors[..., i] > LOOSE * np.abs(x[..., i])
        several = known & (many > 1)
        for i in each:
            vague[i] |= several & (errors[i] > LOOSE * np.abs(x[i]))
    return found, vague


def bent_down(
    at: Callable[[FloatArray], tuple[FloatArray, FloatArray]], x: FloatArray, held: Truths
) -> Truths:
    """Whether points x (k, n) are no minima, because the Hessian there is not positive definite.

    The Hessian is computed by differences of gradients, because J'J is positive semidefinite
    everywhere. Descents that run away to infinity end at such points, where some parameters are
    vague.

    Parameters
    ----------
    at : callable
        Returns residuals (k, m) and columns of the Jacobians (k, n, m) at points (k, n).
    x, held : ndarray (k, n)
        The points, and which parameters are at a bound.
    """
    free = ~held & (x != 0)
    steps = np.where(free, _NEAR * x, 1.0)
    hessian = np.zeros((*x.shape, x.shape[1]))
    with np.errstate(all="ignore"):
        r, columns = at(x)
        # The rounding of residuals is about that of x times their rows of J.
        size = np.abs(r) + np.einsum("knm,kn->km", np.abs(columns), np.abs(x))
        rounding = _EPSILON * np.einsum("knm,km->kn", np.abs(columns), size)
        for i in range(x.shape[1]):
            slopes = []
            for sign in (1, -1):
                point = x.copy()
                point[:, i] += sign * np.where(free[:, i], steps[:, i], 0.0)
                r, columns = at(point)
                slopes.append(np.einsum("knm,km->kn", columns, r))
            hessian[:, i] = (slopes[0] - slopes[1]) / (2 * steps[:, i, None])
        hessian = 0.5 * (hessian + hessian.transpose(0, 2, 1))
        bends, errors = np.einsum("kii->ki", hessian), rounding / np.abs(steps)
        down = (free & (bends < -errors)).any(axis=1)
        # Where rounding hides the bend nothing is concluded.
        seen = free & (bends > errors)
        unit = np.where(seen, 1 / np.sqrt(bends), 0.0)
        scaled = np.where(seen[:, :, None] & seen[:, None], hessian, 0.0)
        scaled *= unit[:, :, None] * unit[:, None]
        scaled += np.where(seen[:, None], 0.0, np.eye(x.shape[1]))
        known: Any = np.isfinite(scaled).all(axis=(1, 2))
        least = np.linalg.eigvalsh(np.where(known[:, None, None], scaled, 0.0)).min(axis=1)
        error = np.max(np.where(seen, rounding * unit, 0.0), axis=1)
        error *= np.max(unit / np.abs(steps), axis=1)
        bent: Truths = down | (least < -np.count_nonzero(seen, axis=1) * error)
    return bent


_EPSILON = float(np.finfo(np.float64).eps)
# The relative step of these differences, which makes them accurate to ten digits.
_NEAR = 1e-5


def flat_cost(y: FloatArray, weights: Any, kept: Any, loss: Loss) -> float:
    """Return the cost of the weighted mean of the data (m,); infinite if they do not vary."""
    one = np.ones(y.size)
    if kept is not None:
        y, one = np.where(kept, y, 0.0), one * kept
    if weights is not None:
        whole = weights.ndim == 2
        y, one = (weights @ y, weights @ one) if whole else (weights * y, weights * one)
    with np.errstate(all="ignore"):
        rest = y - one * (one.dot(y) / (one.dot(one) or 1.0))
        cost = float(0.5 * rest.dot(rest) if loss is None else loss(rest).sum())
        varies = ROUNDING * y.dot(y) < cost < inf
    return cost * (1 + ABOUT) if varies else inf


def worse(cost: Any, flat: Any) -> Any:
    """Whether a fit is worse than a constant."""
    return cost > flat


def named(names: Iterable[str], which: Iterable[Any]) -> str:
    """Join the names of the parameters in `which` with commas."""
    return ", ".join(name for name, here in zip(names, which, strict=True) if here)


# ---- trying again


def shares(most: int, n: int, tries: int) -> list[int]:
    """Divide `most` evaluations among the tries; a try that gets none is left out."""
    first = min(most, _FIRST * (n + 1))
    rest = (most - first) // max(tries - 1, 1)
    return [first] + [rest] * (tries - 1) * (rest > 0)


# Reasons of descents that ended at the start, from where nothing else can be tried.
NOT_BEGUN = (Reason.non_finite, Reason.left_domain)


def again(reason: int) -> bool:
    """Whether another try may follow an ending that is not sound."""
    return SUCCESS[reason] or reason in (
        Reason.stuck, Reason.max_evaluations, Reason.diverged, *NOT_BEGUN,
    )  # fmt: skip


def better(success: Any, cost: Any, old_success: Any, old_cost: Any) -> Any:
    """Whether the ending of a later try replaces that of an earlier one."""
    return (success & ~old_success) | ((success | ~old_success) & (cost < old_cost)) | (
        np.isfinite(cost) & ~np.isfinite(old_cost))  # fmt: skip


def size_of(x: Any) -> FloatArray:
    """Return the largest |x| along the last axis, or 0 for objects that are not numeric."""
    try:
        numbers = np.abs(np.asarray(x, dtype=np.float64))
    except (TypeError, ValueError):  # an object that only the model understands
        return np.zeros(())
    size: FloatArray = np.max(np.where(numbers < inf, numbers, 0.0), axis=-1, initial=0.0)
    return size


def largest(x: Any) -> float:
    """Return the largest of all |x|; x may be a tuple of predictors."""
    parts = x if isinstance(x, tuple | list) else (x,)
    return max(
        (float(np.max(size_of(np.atleast_1d(part)), initial=0.0)) for part in parts), default=0.0
    )


def scales_of(size: Any) -> tuple[Any, Any]:
    """Return two starts for every parameter: the largest |x| and its inverse, or 1."""
    sound = (size > 1e-300) & (size < 1e300)
    size = np.where(sound, size, 1.0)
    return size, 1.0 / size


# ---- continuing with J itself


def beside(
    at: Callable[[FloatArray], tuple[float, FloatArray, FloatArray]], x: FloatArray
) -> FloatArray | None:
    """Return the first point downhill from x where residuals or J are not finite, or None.

    A descent next to such points gets stuck, because even its shortest steps are rejected.
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


def beside_many(
    at: Callable[[Lanes, FloatArray], tuple[FloatArray, FloatArray, FloatArray]], x: FloatArray
) -> Truths:
    """Whether `beside` finds a point, for each of k fits from their points x (k, n)."""
    every = np.arange(len(x))
    _, r, columns = at(every, x)
    with np.errstate(all="ignore"):
        squares = np.sum(columns * columns, axis=2)
        d = -np.sum(columns * r[:, None], axis=2) / np.where(squares > 0, squares, 1.0)
        found: Truths = np.zeros(len(x), dtype=bool)
        for halvings in range(60, -1, -1):
            lanes = every[~found]
            if not lanes.size:
                break
            _, r, columns = at(lanes, x[lanes] + d[lanes] * 0.5**halvings)
            finite = np.isfinite(r).all(axis=1) & np.isfinite(columns).all(axis=(1, 2))
            found[lanes] = ~finite
    return found


def refined(
    at: Callable[[FloatArray], tuple[float, FloatArray, FloatArray]],
    ending: Ending,
    box: list[FloatArray],
    max_nfev: int,
) -> Ending:
    """Take further steps by QR of J, for a fit whose J'J is singular to rounding."""
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


def refined_many(
    at: Callable[[Lanes, FloatArray], tuple[FloatArray, FloatArray, FloatArray]],
    out: dict[str, Any],
    lanes: Lanes,
    box: list[FloatArray],
    max_nfev: int,
) -> Lanes:
    """Do the same as `refined` for the `lanes` of a run, whose endings in `out` change.

    Parameters
    ----------
    box : list of ndarray
        [lower, upper] bounds, each (n,), or one for each of the lanes, (l, n).
    at : callable
        ``at(which, x)`` returns costs (a,), residuals (a, m) and J's columns (a, n, m) at points
        (a, n) of some of the lanes, by their positions in `lanes`.

    Returns
    -------
    ndarray of int
        The lanes that moved.
    """
    reason, x = out["reason"][lanes], out["x"][lanes]
    budget = np.minimum(max_nfev - out["nfev"][lanes], _BY_QR)
    may = (np.array(SUCCESS)[reason] | (reason == Reason.stuck)) & np.isfinite(x).all(axis=1)
    (some,) = np.nonzero(may & (budget > 0))
    if not some.size:
        return lanes[:0]
    lanes = lanes[some]
    box = [end if end.ndim == 1 else end[some] for end in box]
    x, cost, settled, left, right, nfev, nit = _core.refine_many(
        x[some], box, budget[some], lambda which, points: at(some[which], points)
    )
    out["x"][lanes], out["fun"][lanes] = x, cost
    out["nfev"][lanes] += nfev
    out["nit"][lanes] += nit
    ended = lanes[settled]
    out["reason"][ended] = Reason.precision_limit
    out["left"][ended], out["right"][ended] = left[settled], right[settled]
    return lanes[nit > 0]
