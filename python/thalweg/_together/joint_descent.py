# SPDX-License-Identifier: BSD-3-Clause
"""Descend in shared and local parameters together.

Each step solves the block-arrow system of the linearized problem: local blocks are eliminated set
by set, the rest is joined, and the shared parameters move within one trust region. A set in which
the linear model was wrong then descends in its own parameters alone, and its next steps are damped,
so that it does not hold back the others. This joins variable projection (Golub and Pereyra 1973),
whose local parameters are optimal after every step, with the Gauss-Newton step in all parameters at
once (Björck 1996, chapter 6, calls the matrix block angular), which needs one evaluation.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import inf, sqrt
from typing import Any

import numpy as np

from thalweg import _core
from thalweg._objectives.points import FloatArray
from thalweg._results.reasons import SUCCESS, Reason
from thalweg._together.data_sets import DataSets, Endings, Lanes
from thalweg._together.shared_step import SharedStep, shared_step
from thalweg._together.triangles import DEPENDENT, joined, unpacked

__all__ = ["JointDescent", "Verdict", "joined_remainders"]

_EPS = float(np.finfo(np.float64).eps)
# Local descents before the last one are stopped by tests at least this loose, and after so many
# evaluations for each parameter.
_LOOSE, _FEW = 1e-4, 20
# A set descends alone if its cost exceeds that of its linear model by more than these shares of the
# fall that the model promised, and of the cost that it left.
_OF_FALL, _OF_REST = 0.5, 0.1
# The damping of a set after its first failure, how it changes, and where it begins and ends to
# matter.
_DAMPING, _TENFOLD, _LEAST, _MOST = 1e-3, 10.0, 1e-6, 1e3
# A step is taken if the fall of the cost is at least this share of the promised one; below and
# above the next two the trust region shrinks and grows (Moré 1978).
_TAKEN, _POOR, _GOOD = 1e-4, 0.25, 0.75
# A final step, which passed a test of convergence, is taken unless the cost rises by more than this
# share: the rounding of data that are some hundred times larger than their residuals.
_NOISE = 1e-13
# The trust region is too small to go on if its radius is this share of the size of the parameters.
_TINY = 1e-14
# So often all sets descend to the end before the last digits are taken for rounding errors.
_POLISHES = 6


@dataclass(frozen=True)
class Verdict:
    """Why a descent ended, with both sides of the inequality that decided it."""

    reason: Reason
    left: float = 0.0
    right: float = 0.0


class JointDescent:
    """One descent in all parameters of several groups of data sets.

    Parameters
    ----------
    groups : list of DataSets
        The sets of each model.
    s : ndarray (q,)
        The start of the shared parameters.
    box : list of ndarray
        Their [lower, upper] bounds, or [].
    units : ndarray, optional
        Their scale; by default the norms of the columns that remain for them.
    stopping : Stopping
        The limits.

    Attributes
    ----------
    verdict : Verdict
        Why it ended.
    nit, nfev : int
        The numbers of steps of the shared parameters, and of evaluations of all sets.
    """

    def __init__(
        self,
        groups: list[DataSets],
        s: FloatArray,
        box: list[FloatArray],
        units: FloatArray | None,
        stopping: _core.Stopping,
    ) -> None:
        self.groups, self.s, self.box, self.stopping = groups, s, box, stopping
        self._fixed_units = units
        self._units = np.zeros(len(s)) if units is None else units
        self._ends = time.monotonic() + stopping.max_time
        self.verdict = Verdict(Reason.interrupted)
        self.nit = self.nfev = 0
        self.progress: Callable[[int, float, float], Any] | None = None
        self.endings = [
            Endings(np.full(g.k, Reason.interrupted, dtype=np.int8), np.zeros(g.k), np.zeros(g.k))
            for g in groups
        ]
        self.evaluations = [np.zeros(g.k, dtype=np.int64) for g in groups]
        self._loose = stopping.replace(
            **{name: max(getattr(stopping, name), _LOOSE) for name in ("ftol", "xtol", "gtol")}
        )

    # ---- the loop

    def run(self) -> None:
        """Descend to the end."""
        if not self._begin():
            self.verdict = Verdict(Reason.non_finite)
            return
        radius, polishes, polished = 0.0, 0, False
        while True:
            triangle, norms = joined_remainders(self.groups, len(self.s))
            self._measure(norms)
            newton = shared_step(triangle, inf, self._units, self.s, self.box)
            if self.progress is not None:
                self.progress(self.nit, self.total, self._slope(triangle))
            verdict = self._test(triangle, newton)
            if verdict is None and polishes >= _POLISHES:
                verdict = Verdict(Reason.precision_limit, newton.fall, newton.fall)
            if verdict is not None:
                self._take(newton, final=True)
                if polished:
                    break
                self._polish()
                polished, polishes = True, polishes + 1
                continue
            verdict = self._limits()
            if verdict is not None:
                break
            size = self._length(self.s)
            radius = radius or size or 1.0
            step = newton
            if not self._length(newton.step) <= radius:
                step = shared_step(triangle, radius, self._units, self.s, self.box)
            ratio, length = self._take(step), self._length(step.step)
            polished = False
            if not ratio >= _POOR:
                radius = _POOR * min(radius, length)
            elif ratio > _GOOD:
                radius = max(radius, 2.0 * length)
            if not ratio >= _TAKEN and radius <= _TINY * (size or 1.0):
                verdict = Verdict(Reason.stuck, radius / (size or 1.0), _TINY)
                break
        self.verdict = verdict

    def _begin(self) -> bool:
        """Relax all sets, and leave out those that are not finite; whether one remains."""
        for i, g in enumerate(self.groups):
            x = self._relax(i, g.x, self.s, None, self._few(g))
            cost, triangles = self._evaluate(i, x, self.s)
            lanes = np.flatnonzero(np.isnan(cost))
            if lanes.size:
                # Slopes by shared parameters may be undefined where the model itself is not.
                x[lanes] = g.x[lanes]
                cost[lanes], triangles[lanes] = self._evaluate(i, x, self.s, lanes)
                lanes = lanes[np.isnan(cost[lanes])]
                g.active[lanes] = False
                cost[lanes] = 0.0
            g.set_state(x, cost, triangles)
        self.nfev += 1
        return any(g.active.any() for g in self.groups) and bool(np.isfinite(self.s).all())

    def _few(self, g: DataSets) -> _core.Stopping:
        """Return the limits of a local descent before the last one."""
        return self._loose.replace(max_nfev=min(_FEW * (g.p + 1), self.stopping.max_nfev))

    def _measure(self, norms: FloatArray) -> None:
        """Update the scale of the shared parameters: the largest norms of columns so far."""
        if self._fixed_units is None:
            self._units = np.maximum(self._units, norms)
            self._units[self._units == 0] = 1.0

    def _slope(self, triangle: FloatArray) -> float:
        """Return the norm of the gradient by the shared parameters."""
        q = len(self.s)
        return float(np.linalg.norm(triangle[:q, :q].T @ triangle[:q, q]))

    def _length(self, step: FloatArray) -> float:
        return sqrt(float(np.sum((self._units * step) ** 2)))

    @property
    def total(self) -> float:
        """The cost of all sets."""
        return sum((float(np.sum(g.cost)) for g in self.groups), start=0.0)

    # ---- tests

    def _test(self, triangle: FloatArray, newton: SharedStep) -> Verdict | None:
        """Return the test of convergence that the shared parameters pass, or None.

        `newton` is the whole step of Gauss and Newton. Its fall is compared with the cost of one
        set: a fraction of the cost of all sets would be more, the more sets there are, than the
        errors of the parameters allow.
        """
        q, stopping = len(self.s), self.stopping
        matrix, rest = triangle[:q, :q], triangle[:, q]
        norms = np.sqrt(np.sum(matrix**2, axis=0)) * sqrt(float(rest @ rest))
        slopes = np.abs(matrix.T @ rest[:q])
        free = ~newton.held & (norms > 0)
        cosine = float(np.max(slopes[free] / norms[free], initial=0.0))
        count = sum(int(np.count_nonzero(g.active)) for g in self.groups)
        total = self.total
        length, size = self._length(newton.step), self._length(self.s)
        tests = (
            (Reason.gradient_small, cosine, stopping.gtol),
            (Reason.value_settled, newton.fall, stopping.ftol * total / count),
            (Reason.step_small, length, stopping.xtol * size),
            # The costs of sets have independent rounding errors.
            (Reason.precision_limit, newton.fall, _EPS * total / sqrt(count)),
        )
        for reason, left, right in tests:
            if left <= right:
                return Verdict(reason, left, right)
        return None

    def _limits(self) -> Verdict | None:
        """Return the limit that is reached, or None."""
        most = max(int(np.max(n, initial=0)) for n in self.evaluations)
        if most >= self.stopping.max_nfev:
            return Verdict(Reason.max_evaluations, most, self.stopping.max_nfev)
        late = time.monotonic() - self._ends
        if late >= 0:
            return Verdict(Reason.max_time, self.stopping.max_time + late, self.stopping.max_time)
        return None

    # ---- steps

    def _take(self, step: SharedStep, final: bool = False) -> float:
        """Take a step if the cost falls; return the fall as a share of the promised one.

        A final step may leave the cost as it is, to rounding.
        """
        s = self.s + step.step
        if self.box:
            s = np.clip(s, *self.box)
        promised = fall = 0.0
        trials = []
        for i, g in enumerate(self.groups):
            x, falls = g.stepped(step.step)
            cost, triangles = self._evaluate(i, x, s)
            lanes = self._failed(g, cost, falls)
            g.damping /= _TENFOLD
            g.damping[g.damping < _LEAST] = 0.0
            if lanes.size and g.p:
                again = np.maximum(_TENFOLD**2 * g.damping[lanes], _DAMPING)
                g.damping[lanes] = np.minimum(again, _MOST)
                self._mend(i, s, lanes, x, cost, triangles)
            promised += float(np.sum(falls))
            fall += float(np.sum(g.cost - cost))
            trials.append((x, cost, triangles))
        self.nfev += 1
        ratio = fall / promised if promised > 0 else float(fall > 0)
        if ratio >= _TAKEN or (final and fall >= -_NOISE * self.total):
            self.s = s
            self.nit += 1
            for g, trial in zip(self.groups, trials, strict=True):
                g.set_state(*trial)
        return ratio

    def _failed(self, g: DataSets, cost: FloatArray, falls: FloatArray) -> Lanes:
        """Return the sets in which the linear model was wrong."""
        left = np.maximum(g.cost - falls, 0.0)
        allowed = left + _OF_FALL * np.maximum(falls, 0.0) + _OF_REST * left
        return np.flatnonzero(g.active & ~(cost <= allowed))

    def _mend(
        self,
        i: int,
        s: FloatArray,
        lanes: Lanes,
        x: FloatArray,
        cost: FloatArray,
        triangles: FloatArray,
    ) -> None:
        """Let some sets descend alone, from the better of their old and new local parameters."""
        g = self.groups[i]
        before, _ = self._evaluate(i, g.x, s, lanes)
        start = x.copy()
        old = ~(cost[lanes] <= before)
        start[lanes[old]] = g.x[lanes[old]]
        found = self._relax(i, start, s, lanes, self._few(g))
        start[lanes] = found
        after, own = self._evaluate(i, start, s, lanes)
        better = ~(cost[lanes] <= after)
        which = lanes[better]
        x[which], cost[which], triangles[which] = found[better], after[better], own[better]

    def _polish(self) -> None:
        """Let all sets descend to the end, with the shared parameters as they are."""
        for i, g in enumerate(self.groups):
            if not g.p:
                continue
            x = self._relax(i, g.x, self.s, None, self.stopping)
            cost, triangles = self._evaluate(i, x, self.s)
            kept = ~(cost <= g.cost + _EPS * g.cost)
            x[kept], cost[kept], triangles[kept] = g.x[kept], g.cost[kept], g.triangles[kept]
            g.set_state(x, cost, triangles)
        self.nfev += 1

    # ---- evaluations, counted

    def _evaluate(
        self, i: int, x: FloatArray, s: FloatArray, lanes: Lanes | None = None
    ) -> tuple[FloatArray, FloatArray]:
        self.evaluations[i][slice(None) if lanes is None else lanes] += 1
        return self.groups[i].evaluated(x, s, lanes)

    def _relax(
        self, i: int, x: FloatArray, s: FloatArray, lanes: Lanes | None, limits: _core.Stopping
    ) -> FloatArray:
        left = max(self._ends - time.monotonic(), 0.0)
        found, endings, nfev = self.groups[i].relaxed(x, s, limits.replace(max_time=left), lanes)
        at = slice(None) if lanes is None else lanes
        self.evaluations[i][at] += nfev
        own = self.endings[i]
        own.reason[at], own.left[at], own.right[at] = endings.reason, endings.left, endings.right
        return found

    @property
    def success(self) -> bool:
        """Whether the shared parameters converged."""
        return SUCCESS[self.verdict.reason]


def joined_remainders(groups: list[DataSets], q: int) -> tuple[FloatArray, FloatArray]:
    """Return the triangle (q + 1, q + 1) of shared columns and residuals, and the columns' norms.

    Every group's sets are joined in a tree of their own, and the groups in their order. The norms
    (q,) are those before the elimination of the local parameters. A column of which only rounding
    errors remain is set to zero: the local parameters take over whatever it does.
    """
    rows, squares = [], np.zeros(q)
    for g in groups:
        squares[g.place] += g.shared_squares()
        triangle = unpacked(joined(g.remainders(), g.threads))
        whole = np.zeros((g.q + 1, q + 1))
        whole[:, [*g.place, q]] = triangle
        rows.append(whole)
    whole = rows[0]
    if len(rows) > 1 or (groups[0].place != np.arange(q)).any():
        whole = np.linalg.qr(np.concatenate([*rows, np.zeros((q + 1, q + 1))])).R
    norms = np.sqrt(squares)
    whole[:, :q][:, np.sum(whole[:, :q] ** 2, axis=0) <= DEPENDENT**2 * squares] = 0.0
    return whole, norms
