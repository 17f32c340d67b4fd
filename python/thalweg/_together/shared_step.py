# SPDX-License-Identifier: BSD-3-Clause
"""Solve the small system of the shared parameters: a step within a trust region and bounds."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from thalweg._objectives.points import FloatArray

__all__ = ["SharedStep", "shared_step"]

# Singular values of scaled columns below this fraction of the largest are rounding errors.
_RANK = 1e-13
# A step may be this much longer or shorter than the trust radius (Moré 1978, section 5).
_SLACK = 0.1


class SharedStep(NamedTuple):
    """A step of the shared parameters.

    Attributes
    ----------
    step : ndarray (q,)
        The step.
    fall : float
        The fall of the cost that it promises, apart from what the local parameters gain alone.
    whole : bool
        Whether the trust region leaves it as it is.
    held : ndarray of bool
        The parameters that stay at a bound.
    """

    step: FloatArray
    fall: float
    whole: bool
    held: npt.NDArray[np.bool_]


def shared_step(
    triangle: FloatArray,
    radius: float,
    units: FloatArray,
    s: FloatArray,
    box: list[FloatArray],
) -> SharedStep:
    """Minimize |T d + t| over steps d with |units d| <= radius inside the bounds.

    Parameters
    ----------
    triangle : ndarray (q + 1, q + 1)
        The joined triangle, with T in its first q rows and columns and t above its last entry.
    radius : float
        The trust radius; infinite for the step of Gauss and Newton.
    units : ndarray (q,)
        The scale of each parameter.
    s : ndarray (q,)
        The parameters.
    box : list of ndarray
        Their [lower, upper] bounds, or [].

    Notes
    -----
    A component that would leave the bounds ends there, and the others are solved for again. One
    that is at a bound which the gradient points across does not move.
    """
    q = len(s)
    matrix, t = triangle[:q, :q], triangle[:q, q]
    step, free, held = np.zeros(q), np.ones(q, dtype=bool), np.zeros(q, dtype=bool)
    if box:
        slope = matrix.T @ t
        held = ((s <= box[0]) & (slope > 0)) | ((s >= box[1]) & (slope < 0))
        free &= ~held
    whole = True
    while free.any():
        rest = t + matrix @ np.where(free, 0.0, step)
        left = radius**2 - float(np.sum((units * step)[~free] ** 2)) if radius < np.inf else np.inf
        part, inside = _within(matrix[:, free], rest, units[free], np.sqrt(max(left, 0.0)))
        whole = whole and inside
        step[free] = part
        if not box:
            break
        beyond = free & ((s + step < box[0]) | (s + step > box[1]))
        if not beyond.any():
            break
        step[beyond] = np.clip(s + step, *box)[beyond] - s[beyond]
        free &= ~beyond
    change = matrix @ step
    return SharedStep(step, float(-t @ change - 0.5 * change @ change), whole, held)


def _within(
    matrix: FloatArray, t: FloatArray, units: FloatArray, radius: float
) -> tuple[FloatArray, bool]:
    """Minimize |T d + t| with |units d| <= radius; return d and whether the bound has no effect.

    With the singular values of T / units the length of the step is a plain sum of fractions, which
    the iteration of Hebden and Moré (1978, equation 5.5) makes equal to the radius.
    """
    if not radius > 0:
        return np.zeros(len(units)), False
    u, singular, v = np.linalg.svd(matrix / units, full_matrices=False)
    seen = singular > _RANK * singular.max(initial=0.0)
    u, singular, v = u[:, seen], singular[seen], v[seen]
    right = singular * (u.T @ t)
    squares = singular**2
    damping, y = 0.0, -(u.T @ t) / singular
    length = float(np.linalg.norm(y))
    inside = length <= (1.0 + _SLACK) * radius
    for _ in range(50):
        if abs(length - radius) <= _SLACK * radius or (damping == 0.0 and inside):
            break
        slope = float(np.sum(right**2 / (squares + damping) ** 3)) / length
        damping = max(damping + (length - radius) / radius * length / slope, 0.0)
        y = -right / (squares + damping)
        length = float(np.linalg.norm(y))
    return (y @ v) / units, inside
