# SPDX-License-Identifier: BSD-3-Clause
"""Triangular factors in lanes: against NumPy's QR, and what steps and covariances make of them."""

import numpy as np
import pytest

from thalweg import _core
from thalweg._together.triangles import Arrow, joined, packed, triangular, unpacked
from thalweg._tracing.trace import Trace

# Sizes of matrices are about 1, so 1e-13 allows some hundred roundings.
TIGHT = 1e-13


def factors(a):
    """R of matrices by LAPACK, with a positive diagonal, whole and packed."""
    r = np.linalg.qr(a).R
    r = r * np.sign(np.einsum("...ii->...i", r))[..., None]
    return r, np.ascontiguousarray(r[(..., *np.triu_indices(a.shape[-1]))])


def blocks(p, q, k=7, m=20, seed=0):
    """Matrices [A B r] of k sets, and their packed triangles."""
    a = np.random.default_rng(seed).normal(size=(k, m, p + q + 1))
    return a, factors(a)[1]


def test_traced_triangle_is_that_of_lapack():
    a, packs = blocks(2, 3)
    trace = Trace()
    columns = trace.input(0, a.shape[:0:-1])
    function = _core.Function(
        trace.graph, [packed(trace, triangular([columns[j] for j in range(6)]))], 1
    )
    (found,) = function([np.ascontiguousarray(a.transpose(0, 2, 1))], [True], len(a))
    assert np.abs(found - packs).max() < TIGHT
    assert np.abs(unpacked(found) - factors(a)[0]).max() < TIGHT


@pytest.mark.parametrize("k", [1, 2, 3, 8, 13])
def test_joined_triangles_are_the_triangle_of_all_rows(k):
    a, packs = blocks(0, 3, k)
    whole = factors(a.reshape(-1, 4))[0]
    assert np.abs(unpacked(joined(packs, 1)) - whole).max() < TIGHT * 10


def test_no_sets_join_to_zero():
    assert not joined(np.zeros((0, 10)), 1).any()


@pytest.mark.parametrize(("p", "q"), [(0, 2), (1, 1), (3, 2)])
def test_remainder_is_what_local_columns_do_not_explain(p, q):
    a, packs = blocks(p, q)
    k = len(a)
    (rest,) = Arrow(p, q).remainder(
        [packs, np.zeros((k, 1)), np.zeros((k, max(p, 1)))], [True] * 3, k
    )
    rest = unpacked(rest)
    for i in range(k):
        local, other = a[i, :, :p], a[i, :, p:]
        left = other - local @ np.linalg.lstsq(local, other, rcond=None)[0] if p else other
        assert np.abs(rest[i].T @ rest[i] - left.T @ left).max() < 1e-12 * len(left)


def test_local_step_solves_the_damped_system():
    p, q, damping = 3, 2, 0.3
    a, packs = blocks(p, q)
    k, step = len(a), np.array([0.5, -0.25])
    held = np.zeros((k, p))
    held[:, 1] = 1.0
    (found,) = Arrow(p, q).local_step(
        [packs, np.full((k, 1), damping), held, step], [True, True, True, False], k
    )
    for i in range(k):
        local = a[i][:, [0, 2]]
        extra = np.diag(damping * np.linalg.norm(local, axis=0))
        right = np.concatenate([a[i][:, -1] + a[i][:, p:-1] @ step, np.zeros(2)])
        want = -np.linalg.lstsq(np.concatenate([local, extra]), right, rcond=None)[0]
        assert found[i] == pytest.approx([want[0], 0.0, want[1]], abs=TIGHT)


def test_dependent_local_columns_do_not_move():
    a, _ = blocks(2, 1)
    a[:, :, 1] = 2.0 * a[:, :, 0]
    packs = factors(a)[1]
    k = len(a)
    given = [packs, np.zeros((k, 1)), np.zeros((k, 2)), np.zeros(1)]
    (found,) = Arrow(2, 1).local_step(given, [True, True, True, False], k)
    assert (found[:, 1] == 0.0).all()
    assert np.isfinite(found).all()


def test_fall_is_that_of_the_linear_model():
    a, packs = blocks(2, 2)
    k = len(a)
    steps = np.random.default_rng(1).normal(size=(k, 4))
    (found,) = Arrow(2, 2).fall([packs, steps], [True, True], k)
    r = a[:, :, -1]
    after = r + np.einsum("kmn,kn->km", a[:, :, :-1], steps)
    want = 0.5 * np.sum(r**2, axis=1) - 0.5 * np.sum(after**2, axis=1)
    assert found[:, 0] == pytest.approx(want, abs=1e-11)


def test_spread_is_the_inverse_of_the_whole_normal_matrix():
    p, q = 2, 2
    a, packs = blocks(p, q)
    k = len(a)
    size = k * p + q
    jac = np.zeros((k, a.shape[1], size))
    for i in range(k):
        jac[i, :, i * p : (i + 1) * p], jac[i, :, k * p :] = a[i, :, :p], a[i, :, p : p + q]
    jac = jac.reshape(-1, size)
    whole = 1.7 * np.linalg.inv(jac.T @ jac)
    zero, held = np.zeros((k, 1)), np.zeros((k, p))
    arrow = Arrow(p, q)
    given = [packs, zero, held, np.array([1.7]), whole[k * p :, k * p :]]
    found, least = arrow.spread(given, [True, True, True, False, False], k)
    for i in range(k):
        at = [i * p, i * p + 1, k * p, k * p + 1]
        assert found[i].reshape(4, 4) == pytest.approx(whole[np.ix_(at, at)], abs=TIGHT)
    assert ((least > 0) & (least <= 1)).all()
