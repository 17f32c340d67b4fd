# SPDX-License-Identifier: BSD-3-Clause
"""Compute the covariances of shared and local parameters from the triangles of the sets."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np
import numpy.typing as npt

from thalweg import _core
from thalweg._fits.soundness import undetermined
from thalweg._objectives.bounds import at_bounds
from thalweg._objectives.points import FloatArray
from thalweg._parameters.plan import spread_of_all
from thalweg._together.data_sets import DataSets
from thalweg._together.joint_descent import joined_remainders
from thalweg._together.triangles import unpacked

__all__ = ["JointSpread", "SetSpread", "joint_spread", "set_spread"]

# The local columns of a set are examined by a QR with pivoting if a pivot is so small.
_DOUBTFUL = 1e-8


@dataclass(frozen=True)
class JointSpread:
    """The spread of the shared parameters, and what those of the sets need.

    Attributes
    ----------
    covariance : ndarray (q, q)
        Their covariance: NaN at a bound, infinite if the data do not determine them.
    loose : ndarray of bool (q,)
        Those that the data do not determine.
    factor : float
        The variance of the data by which the inverse of J'J is multiplied.
    freedom : int
        The degrees of freedom.
    """

    covariance: FloatArray
    loose: npt.NDArray[np.bool_]
    factor: float
    freedom: int

    @property
    def errors(self) -> FloatArray:
        """The standard errors of the shared parameters."""
        with np.errstate(invalid="ignore"):
            found: FloatArray = np.sqrt(np.diagonal(self.covariance))
        return found


def joint_spread(
    groups: list[DataSets],
    s: FloatArray,
    start: FloatArray,
    box: list[FloatArray],
    scaled: bool,
    total: float,
) -> JointSpread:
    """Compute the covariance of the shared parameters.

    Parameters
    ----------
    groups : list of DataSets
        The sets at their best parameters. They keep what `set_spread` needs.
    s, start : ndarray (q,)
        The shared parameters, and where they started.
    box : list of ndarray
        Their bounds, or [].
    scaled : bool
        Whether the covariance is multiplied by the reduced chi squared.
    total : float
        The cost.
    """
    q = len(s)
    freedom = 0
    for g in groups:
        g.damping = np.zeros((g.k, 1))
        at = at_bounds(g.x, g.box)
        g.held = np.zeros((g.k, max(g.p, 1)))
        if at is not None and g.p:
            g.held[:] = at
        fitted = g.p * g.k if at is None else int(np.count_nonzero(~at[g.active]))
        if at is None:
            fitted = g.p * int(np.count_nonzero(g.active))
        freedom += int(np.sum(g.rows[g.active])) - fitted
    at = at_bounds(s, box)
    held = np.zeros(q, dtype=bool) if at is None else at
    freedom -= int(np.count_nonzero(~held))
    triangle, _ = joined_remainders(groups, q)
    columns = np.ascontiguousarray(triangle[:q, :q].T)[None]
    covariance, _, loose = _core.covariances(columns, held[None], np.zeros(1), np.zeros(1, int))
    covariance, loose = covariance[0], loose[0].astype(bool)
    factor = 1.0
    if scaled:
        factor = 2.0 * total / freedom if freedom > 0 else inf
    with np.errstate(invalid="ignore"):
        covariance = np.where(np.isnan(covariance), np.nan, covariance * factor)
        if not np.isfinite(factor):
            covariance = np.where(np.isnan(covariance), np.nan, inf)
        errors = np.sqrt(np.diagonal(covariance))
    found, _ = undetermined(errors[None], loose[None], s[None], start[None], None)
    return JointSpread(covariance, found[0], factor, freedom)


@dataclass(frozen=True)
class SetSpread:
    """The spreads of the parameters of sets.

    Attributes
    ----------
    pcov, perr : ndarray (k, p, p), (k, p)
        Covariances and standard errors of all parameters of the model.
    open : ndarray of bool (k, n)
        Which of the fitted parameters the data do not determine.
    """

    pcov: FloatArray
    perr: FloatArray
    open: npt.NDArray[np.bool_]


def set_spread(g: DataSets, joint: JointSpread, s: FloatArray) -> SetSpread:
    """Compute the covariances of the parameters of each set, after those of the shared ones."""
    layout, k, p, n = g.reader.layout, g.k, g.p, g.arrow.n
    shared = joint.covariance[np.ix_(g.place, g.place)]
    known = bool(np.isfinite(joint.factor)) and not np.isinf(shared).any()
    given = np.where(np.isnan(shared), 0.0, shared) if known else np.zeros_like(shared)
    factor = joint.factor if known else 1.0
    covariance, least = g.arrow.spread(
        [g.triangles, g.damping, g.held, np.array([factor]), given],
        [True, True, True, False, False], k, g.threads,
    )  # fmt: skip
    covariance = covariance.reshape(k, n, n)
    # Undetermined parameters, by the rules of single fits.
    loose = np.zeros((k, n), dtype=bool)
    held = g.held[:, :p] > 0
    (doubtful,) = np.nonzero((least[:, 0] < _DOUBTFUL) & g.active)
    if doubtful.size:
        columns = unpacked(g.triangles[doubtful])[:, :p, :p].transpose(0, 2, 1)
        zeros = np.zeros(doubtful.size)
        _, _, found = _core.covariances(
            np.ascontiguousarray(columns), held[doubtful], zeros, zeros.astype(np.int64)
        )
        loose[doubtful, :p] = found
    if not known:
        covariance[:] = inf
    dependent = np.flatnonzero(loose[:, :p].any(axis=1))
    covariance[dependent, :p] = inf
    covariance[dependent, :, :p] = inf
    if held.any():
        covariance[:, :p][held] = np.nan
        covariance.transpose(0, 2, 1)[:, :p][held] = np.nan
    for j, at in enumerate(g.place):
        if np.isnan(joint.covariance[at, at]):
            covariance[:, p + j] = covariance[:, :, p + j] = np.nan
    idle = ~g.active
    covariance[idle, :p] = np.nan
    covariance[idle, :, :p] = np.nan
    with np.errstate(invalid="ignore"):
        errors = np.sqrt(np.einsum("kii->ki", covariance))
    order = [*g.own, *g.their]
    if order != list(range(n)):
        back = np.argsort(order)
        covariance = covariance[:, back[:, None], back]
    if not layout.plan.whole:
        covariance = spread_of_all(layout.plan, covariance, g.tied_slopes(s))
    with np.errstate(invalid="ignore"):
        perr = np.sqrt(np.einsum("kii->ki", covariance))
    found, _ = undetermined(errors[:, :p], loose[:, :p], g.x, g.first, g.scale)
    open_ = np.zeros((k, n), dtype=bool)
    open_[:, [*g.own]] = found & g.active[:, None]
    open_[:, [*g.their]] = joint.loose[g.place]
    return SetSpread(covariance, perr, open_)
