# SPDX-License-Identifier: BSD-3-Clause
"""Descents in shared and local parameters: against the dense problem, and from bad starts."""

import numpy as np
import pytest
from scipy import optimize
from together_cases import (
    LIFETIMES,
    SHARED,
    START,
    T,
    decay,
    decays,
    dense_jacobian,
    dense_point,
    dense_residuals,
    dense_truth,
)

import thalweg as tw
from thalweg._fits import chunks

SAME = ("popt", "pcov", "perr", "cost", "reason", "nfev", "determined")


def test_two_hundred_sets_are_the_dense_problem_of_scipy():
    k = 200
    y = decays(k)
    fits = tw.curve_fit_many(decay, T, y, START, shared=SHARED)
    assert fits.success.all()
    assert fits.joint.success
    dense = optimize.least_squares(
        lambda x: dense_residuals(x, y), dense_truth(k), dense_jacobian, method="lm",
        xtol=1e-15, ftol=1e-15, gtol=1e-15,
    )  # fmt: skip
    assert dense_point(fits) == pytest.approx(dense.x, rel=1e-8)
    # One more step of Gauss and Newton, which divides errors by 80, makes it a better reference.
    jac = dense_jacobian(dense.x)
    x = dense.x - np.linalg.lstsq(jac, dense_residuals(dense.x, y), rcond=None)[0]
    assert dense_point(fits) == pytest.approx(x, rel=2e-10)
    assert fits.joint.cost == pytest.approx(dense.cost, rel=1e-13)
    whole = np.linalg.inv(jac.T @ jac) * 2 * dense.cost / (y.size - 2 - 2 * k)
    for i in range(k):
        at = [2 + 2 * i, 3 + 2 * i, 0, 1]
        assert fits.pcov[i] == pytest.approx(whole[np.ix_(at, at)], rel=1e-8)


def test_results_have_the_same_bits_for_any_number_of_threads_and_chunks(monkeypatch):
    y = decays(301, seed=1)
    y[7, 3] = np.nan

    def fitted(threads):
        return tw.curve_fit_many(decay, T, y, START, shared=SHARED, threads=threads)

    one = fitted(1)
    others = [fitted(2), fitted(5)]
    for size in (2e4, 3e5):
        monkeypatch.setattr(chunks, "CHUNK", size)
        others += [fitted(1), fitted(3)]
    for other in others:
        for name in SAME:
            assert np.array_equal(one[name], other[name], equal_nan=True), name
        assert one.joint.shared == other.joint.shared
        assert np.array_equal(one.joint.covariance, other.joint.covariance)


def test_work_of_a_set_does_not_grow_with_their_number():
    few, many = (
        tw.curve_fit_many(decay, T, decays(k, seed=2), START, shared=SHARED) for k in (100, 10_000)
    )
    # Memory and time of an evaluation are proportional to the sets; here, their number is counted.
    assert many.nfev.mean() < 1.25 * few.nfev.mean()
    assert abs(many.joint.shared["t2"] - LIFETIMES[1]) < 5 * many.joint.errors["t2"]


@pytest.mark.parametrize("start", [[1, 1, 0.05, 50.0], [1e3, -1e3, 0.5, 6.0], [1.0, 1.0, 3.0, 3.1]])
def test_poor_starts_end_at_the_same_minimum(start):
    y = decays(40)
    good = tw.curve_fit_many(decay, T, y, START, shared=SHARED)
    poor = tw.curve_fit_many(decay, T, y, start, shared=SHARED)
    assert poor.joint.success
    assert sorted(poor.joint.shared.values()) == pytest.approx(
        sorted(good.joint.shared.values()), rel=1e-7
    )


def test_worst_sets_hold_back_nobody():
    y = decays(50)
    y[3] = 0.0  # determines no lifetime
    y[4] = 1e-9 * y[4]
    y[5] = -y[5]
    y[6] = np.nan
    y[7] = np.inf
    fits = tw.curve_fit_many(decay, T, y, START, shared=SHARED)
    assert fits.joint.success
    assert fits.joint.nfev < 25
    assert (~fits.success).nonzero()[0].tolist() == [6, 7]
    assert np.isnan(fits.popt[6, :2]).all()
    kept = [i for i in range(50) if i not in (3, 4, 6, 7)]
    alone = tw.curve_fit_many(decay, T, y[kept], START, shared=SHARED)
    # The other sets determine the lifetimes: those two know nothing of them.
    assert list(fits.joint.shared.values()) == pytest.approx(
        list(alone.joint.shared.values()), rel=1e-8
    )


def test_bounds_hold_as_in_scipy():
    k = 12
    y = decays(k)
    low, high = np.array([0, 0, 0.1, 0.1]), np.array([2.0, 9, 9, 3.8])
    fits = tw.curve_fit_many(decay, T, y, [1, 1, 0.5, 3.0], shared=SHARED, bounds=(low, high))
    box = [np.concatenate([end[2:], np.tile(end[:2], k)]) for end in (low, high)]
    dense = optimize.least_squares(
        lambda x: dense_residuals(x, y), np.concatenate([[0.5, 3.0], np.ones(2 * k)]),
        dense_jacobian, bounds=box, xtol=1e-14, ftol=1e-14, gtol=1e-14,
    )  # fmt: skip
    # SciPy stays inside the bounds, at a distance that its tolerance allows.
    assert fits.joint.cost <= dense.cost * (1 + 1e-9)
    assert dense_point(fits) == pytest.approx(dense.x, abs=1e-5)
    assert (fits.popt <= high).all()


def test_robust_losses_and_counts():
    rng = np.random.default_rng(5)
    y = decays(30)
    y[rng.random(y.shape) < 0.03] += 5.0
    robust = tw.curve_fit_many(decay, T, y, START, shared=SHARED, loss="soft_l1", f_scale=0.05)
    assert robust.joint.success
    assert robust.joint.shared["t2"] == pytest.approx(4.0, rel=0.05)
    counts = rng.poisson(100 * decays(30, noise=0.0))
    fits = tw.curve_fit_many(
        decay, T, counts, [100, 100, 0.5, 6.0], shared=SHARED, likelihood="poisson"
    )
    assert fits.joint.success
    for name, truth in zip(SHARED, LIFETIMES, strict=True):
        assert abs(fits.joint.shared[name] - truth) < 4 * fits.joint.errors[name]


def test_large_residuals_converge_to_where_single_fits_do():
    """One set in all: nothing is local, and `curve_fit` solves the same problem."""
    y = decays(1)

    def model(t, a, tau):
        return a * np.exp(-t / tau)

    fits = tw.curve_fit_many(model, T, y, shared=("a", "tau"))
    popt, pcov = tw.curve_fit(model, T, y[0])
    assert fits.popt[0] == pytest.approx(popt, rel=1e-7)
    assert fits.pcov[0] == pytest.approx(pcov, rel=1e-6)


def test_limits_are_said():
    few = tw.curve_fit_many(decay, T, decays(5), START, shared=SHARED, max_nfev=2)
    assert few.joint.reason == tw.Reason.max_evaluations
    assert "max_nfev = 2; not converged" in few.joint.message
    assert not few.success.any()
    late = tw.curve_fit_many(decay, T, decays(5), START, shared=SHARED, max_time=0.0)
    assert late.joint.reason == tw.Reason.max_time


def test_nothing_finite_is_said():
    fits = tw.curve_fit_many(decay, T, np.full((3, T.size), np.nan), START, shared=SHARED)
    assert fits.joint.reason == tw.Reason.non_finite
    assert np.isnan(fits.popt).all()
    assert np.isnan(list(fits.joint.shared.values())).all()


def test_sets_begin_where_slopes_by_shared_parameters_are_defined():
    """With the exponent 1 a local descent may go to k < 0, where k**q has no slope by q."""
    rng = np.random.default_rng(0)
    t, k = np.linspace(0.2, 5.0, 12), rng.uniform(0.5, 3.0, (9, 1))
    y = 2.0 * t**1.7 / (k**1.7 + t**1.7) + 0.1 * rng.normal(size=(9, 12))
    fits = tw.curve_fit_many(
        lambda t, k, a, q: a * t**q / (k**q + t**q), t, y, [1.0, 1.0, 1.0], shared=("a", "q")
    )
    assert fits.success.all()
    for name, truth in {"a": 2.0, "q": 1.7}.items():
        assert abs(fits.joint.shared[name] - truth) < 4 * fits.joint.errors[name]
