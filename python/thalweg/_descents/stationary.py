# SPDX-License-Identifier: BSD-3-Clause
"""Classify the endpoints of descents in a box: minimum, saddle, maximum, or none of these.

The signs of the Hessian's eigenvalues decide, over the variables that are not at an active bound.
Variables are measured in units of the width of the box, so that their own units do not matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from thalweg._descents.lanes import lanes_of
from thalweg._methods.method import make
from thalweg._objectives.objective import Objective
from thalweg._objectives.points import FloatArray

__all__ = ["Box", "Judged", "Kind", "judge", "polished"]

# Eigenvalues below this fraction of the largest count as zero: half of the digits.
_ZERO = np.sqrt(np.finfo(float).eps)
_ROUNDING = 16 * np.finfo(float).eps
_NUMBERS = 1 << 20  # entries of the Hessians held in memory at a time
_PROBES = 64  # directions tried around a point whose Hessian does not decide
_DENSE = 64  # Newton's method polishes up to this many variables, L-BFGS beyond


class Kind(IntEnum):
    """The kind of a point, decided from values, the gradient and the Hessian."""

    minimum = 0
    saddle = 1
    maximum = 2
    unfinished = 3  # not stationary: the descent ended too early

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Box:
    """The box that holds the starts; its width is the unit of distance.

    Attributes
    ----------
    lower, upper : ndarray
        The bounds, (n,). A variable whose bounds are equal is fixed.
    held : bool
        Whether descents stay inside the box.
    """

    lower: FloatArray
    upper: FloatArray
    held: bool

    @property
    def width(self) -> FloatArray:
        """The width along each variable; 1 for a variable that is fixed."""
        return np.where(self.upper > self.lower, self.upper - self.lower, 1.0)

    @property
    def descent_box(self) -> list[FloatArray]:
        """[lower, upper] for a descent that starts inside; [] if it may leave the box."""
        return [self.lower, self.upper] if self.held else []

    def scaled(self, x: FloatArray, tol: float) -> FloatArray:
        """Return points (k, n) in units of `tol` times the width."""
        scaled: FloatArray = (x - self.lower) * (1.0 / (tol * self.width))
        return scaled


@dataclass(frozen=True, slots=True)
class Judged:
    """The classification of points (k, n).

    Attributes
    ----------
    kind : ndarray of int8
        Values of `Kind`, (k,).
    flat : ndarray of bool
        Whether the curvature is zero along some direction, (k,).
    eigenvalues : ndarray
        Eigenvalues of the Hessian over the free variables, ascending, padded with NaN, (k, n).
    """

    kind: npt.NDArray[np.int8]
    flat: npt.NDArray[np.bool_]
    eigenvalues: FloatArray


def judge(
    objective: Objective,
    x: FloatArray,
    settled: npt.NDArray[np.bool_],
    stuck: npt.NDArray[np.bool_],
    box: Box,
    tol: float,
) -> Judged:
    """Classify points (k, n); `settled` and `stuck` (k,) say how the descents ended there.

    A point is stationary if the Newton step along the curved directions is at most `tol` times the
    width of the box in every variable. If the Hessian does not decide, values around the point do.
    That is so if the curvature is zero along some direction, and at kinks, where a descent gets
    stuck.
    """
    k, n = x.shape
    kind = np.full(k, Kind.unfinished, np.int8)
    flat, eigenvalues = np.zeros(k, bool), np.full((k, n), np.nan)
    near = np.flatnonzero(settled | _may_be_near(objective, x, box, tol))
    for part in _in_parts(near, n * n):
        kind[part], flat[part], eigenvalues[part] = _judged(
            objective, x[part], settled[part], box, tol
        )
    doubtful = flat & (kind == Kind.minimum)
    lower = _have_lower_neighbours(objective, x[doubtful], box, tol, True)
    kind[np.flatnonzero(doubtful)[lower]] = Kind.saddle
    kinked = stuck & (kind == Kind.unfinished)
    lower = _have_lower_neighbours(objective, x[kinked], box, tol, False)
    kind[np.flatnonzero(kinked)[~lower]] = Kind.minimum
    return Judged(kind, flat, eigenvalues)


def _in_parts(lanes: npt.NDArray[np.intp], numbers: int) -> list[npt.NDArray[np.intp]]:
    """Split lanes into parts that fit into memory, with this many numbers for each lane."""
    at_once = max(1, _NUMBERS // numbers)
    return [lanes[i : i + at_once] for i in range(0, len(lanes), at_once)]


def _free(x: FloatArray, slopes: FloatArray, box: Box) -> npt.NDArray[np.bool_]:
    """Mark the free variables: all but those at a bound beyond which f would fall."""
    free = np.broadcast_to(box.upper > box.lower, x.shape)
    if box.held:
        free = free & ~((x <= box.lower) & (slopes > 0)) & ~((x >= box.upper) & (slopes < 0))
    return free


def _may_be_near(
    objective: Objective, x: FloatArray, box: Box, tol: float
) -> npt.NDArray[np.bool_]:
    """Mark points where the Newton step may be short, without computing the Hessian.

    If the Hessian is positive definite, the step is at least |g|^3 / g'Hg long (Cauchy-Schwarz).
    """
    slopes = objective.rows_value_and_grad(x)[1]
    g = np.where(_free(x, slopes, box), slopes * box.width, 0.0)
    curved = objective.rows_hvp(x, np.ascontiguousarray(g * box.width)) * box.width
    curvature = np.einsum("ij,ij->i", g, curved)
    size = np.sqrt(np.einsum("ij,ij->i", g, g))
    near = size**3 <= tol * np.sqrt(x.shape[1]) * curvature
    return np.asarray(near | (size == 0.0))


def _judged(
    objective: Objective,
    x: FloatArray,
    settled: npt.NDArray[np.bool_],
    box: Box,
    tol: float,
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.bool_], FloatArray]:
    k, n = x.shape
    slopes = objective.rows_value_and_grad(x)[1]
    free = _free(x, slopes, box)
    hessians = np.empty((k, n, n))
    for j in range(n):
        hessians[:, j] = objective.rows_hvp(x, np.broadcast_to(np.eye(n)[j], (k, n)))
    # At a kink of f there may be no Hessian; nearby values decide.
    hessians[~np.isfinite(hessians).all(axis=(1, 2))] = 0.0
    pairs = free[:, :, None] & free[:, None, :]
    hessians = np.where(pairs, (hessians + hessians.transpose(0, 2, 1)) / 2, 0.0)
    # Rows and columns of variables that are not free are zero, and add zero eigenvalues.
    counts = free.sum(axis=1)
    own = _eigenvalues(hessians, free)
    values, vectors = np.linalg.eigh(hessians * box.width * box.width[:, None])
    largest = np.abs(values).max(axis=1, keepdims=True)
    zero = np.abs(values) <= _ZERO * largest
    along = np.einsum("kji,kj->ki", vectors, np.where(free, slopes * box.width, 0.0))
    step = np.where(zero, 0.0, along / np.where(zero, 1.0, np.abs(values)))
    moved = np.abs(np.einsum("kij,kj->ki", vectors, step)).max(axis=1)
    down, up = ((values < 0) & ~zero).sum(axis=1), ((values > 0) & ~zero).sum(axis=1)
    flat = (down + up < counts) & (counts > 0)
    kind = np.where(down == 0, Kind.minimum, np.where(down == counts, Kind.maximum, Kind.saddle))
    # A descent that had not converged can only be near a minimum, because descents pass by saddles.
    stationary = (moved <= tol) & (settled | (~flat & (down == 0)))
    return np.where(stationary, kind, Kind.unfinished).astype(np.int8), flat, own


def _eigenvalues(hessians: FloatArray, free: npt.NDArray[np.bool_]) -> FloatArray:
    """Return the eigenvalues over the free variables, ascending and padded with NaN."""
    k, n = free.shape
    found = np.full((k, n), np.nan)
    for number in np.unique(free.sum(axis=1)).tolist():
        lanes = np.flatnonzero(free.sum(axis=1) == number)
        if number:
            at = np.nonzero(free[lanes])[1].reshape(len(lanes), number)
            parts = hessians[lanes[:, None, None], at[:, :, None], at[:, None, :]]
            found[lanes, :number] = np.linalg.eigvalsh(parts)
    return found


def _have_lower_neighbours(
    objective: Objective, x: FloatArray, box: Box, tol: float, smooth: bool
) -> npt.NDArray[np.bool_]:
    """Whether f falls along some probe by more than rounding (and slope) explains."""
    n = x.shape[1]
    signs = np.random.default_rng(0).choice([-1.0, 0.0, 1.0], (_PROBES, n))
    steps = np.concatenate([np.eye(n), -np.eye(n), signs])
    steps = np.concatenate([steps, 0.1 * steps]) * (tol * box.width)
    found = np.zeros(len(x), bool)
    for part in _in_parts(np.arange(len(x)), steps.size):
        points = x[part, None, :] + steps
        if box.held:
            points = np.clip(points, box.lower, box.upper)
        points = np.where(box.upper > box.lower, points, x[part, None, :])
        around = objective.rows_value_and_grad(points.reshape(-1, n))[0].reshape(len(part), -1)
        here, slopes = objective.rows_value_and_grad(x[part])
        size = np.maximum(1.0, np.abs(here))[:, None]
        fall = _ROUNDING * size
        if smooth:  # the point may be slightly off the minimum, where the slope is not zero
            g = np.where(_free(x[part], slopes, box), np.abs(slopes), 0.0)
            along = np.einsum("kpj,kj->kp", np.abs(points - x[part, None, :]), g)
            fall = fall + np.minimum(along, _ZERO * size)
        found[part] = (around < here[:, None] - fall).any(axis=1)
    return found


def polished(
    objective: Objective, x: FloatArray, box: Box, tol: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Refine points near minima to the limit of precision; return x, f and the gradient there.

    A point that would move by more than `tol` times the width of the box is left unchanged.
    """
    method = make("newton" if x.shape[1] <= _DENSE else "lbfgs", {})
    stops = {
        "gtol": 0.0, "xtol": 0.0, "ftol": 0.0, "max_iter": 50, "max_nfev": 200, "max_time": np.inf,
        "threads": 1,
    }  # fmt: skip
    lanes = lanes_of(objective, x)
    out = lanes.outcome(lanes.descend(method, {}, box.descent_box, stops))
    if out["error"] is not None:
        raise out["error"]
    near = (np.abs(out["x"] - x) <= tol * box.width).all(axis=1)
    better = np.where(near[:, None], out["x"], x)
    return (better, *objective.rows_value_and_grad(better))
