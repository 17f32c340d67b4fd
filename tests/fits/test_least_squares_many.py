# SPDX-License-Identifier: BSD-3-Clause
"""least_squares_many: every start as least_squares does it alone, whatever rides beside it."""

import os
import pickle
import signal
import threading

import numpy as np
import pytest

import thalweg as tw
from thalweg._results.reasons import STATUS_MANY, Reason

T = np.linspace(0.0, 5.0, 20)
LOSSES = ("linear", "soft_l1", "huber", "cauchy", "arctan")


def rosenbrock(x):
    return [10 * (x[1] - x[0] ** 2), 1 - x[0]]


def decay(p, y):
    return p[0] * np.exp(-T / p[1]) + p[2] - y


def decays(k, seed=0):
    rng = np.random.default_rng(seed)
    true = np.column_stack([rng.uniform(1, 5, k), rng.uniform(0.5, 2, k), rng.uniform(-1, 1, k)])
    y = true[:, :1] * np.exp(-T / true[:, 1:2]) + true[:, 2:]
    return np.tile([2.0, 1.0, 0.0], (k, 1)), y + 0.03 * rng.standard_normal(y.shape)


def same_bits(a, b):
    for name in ("x", "cost", "grad", "reason", "nit", "nfev", "active_mask"):
        assert np.array_equal(a[name], b[name], equal_nan=True), name


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("bounds", [(-np.inf, np.inf), ([0, 0.6, -0.5], [4, 1.5, 0.5])],
                         ids=["free", "bounds"])  # fmt: skip
def test_each_is_as_least_squares_finds_it(loss, bounds):
    starts, y = decays(25)
    how = {"loss": loss, "f_scale": 0.1, "bounds": bounds}
    r = tw.least_squares_many(decay, starts, lane_args=(y,), **how)
    for i, row in enumerate(y):
        one = tw.least_squares(decay, starts[i], args=(row,), **how)
        np.testing.assert_array_equal(r.x[i], one.x)
        assert r.nfev[i] == one.nfev
        assert r.nit[i] == one.nit
        assert r.reason[i] == one.reason
        assert r.status[i] == STATUS_MANY[one.reason]
        assert r[i].message == one.message
        np.testing.assert_array_equal(r.active_mask[i], one.active_mask)
        # The cost and slopes of one are NumPy's sums, of many the tape's.
        np.testing.assert_allclose(r.cost[i], one.cost, rtol=1e-12)
        np.testing.assert_allclose(r.fun[i], one.fun, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(r.grad[i], one.grad, rtol=1e-6, atol=1e-12)
        np.testing.assert_allclose(r.optimality[i], one.optimality, rtol=1e-6, atol=1e-12)


def test_many_starts_of_one_problem():
    starts = np.random.default_rng(0).uniform(-2, 2, (200, 2))
    r = tw.least_squares_many(rosenbrock, starts)
    assert r.success.all()
    np.testing.assert_allclose(r.x, 1.0, rtol=1e-8)
    assert r.fun.shape == (200, 2)
    assert len(r) == 200


def test_same_bits_for_any_threads_order_and_neighbours():
    starts, y = decays(150)
    starts[7, 1] = 1e-300
    y[20], y[30], y[40] = np.nan, np.inf, 1e200
    how = {"loss": "huber", "f_scale": 0.1, "bounds": ([0, 0, -2], [4.5, 9, 2])}
    whole = tw.least_squares_many(decay, starts, lane_args=(y,), threads=1, **how)
    same_bits(whole, tw.least_squares_many(decay, starts, lane_args=(y,), threads=2, **how))
    order = np.random.default_rng(0).permutation(150)
    same_bits(
        whole[order], tw.least_squares_many(decay, starts[order], lane_args=(y[order],), **how)
    )
    for i in (0, 7, 19, 20, 30, 40, 99):
        alone = tw.least_squares_many(decay, starts[i : i + 1], lane_args=(y[i : i + 1],), **how)
        same_bits(whole[i : i + 1], alone)


def test_what_is_not_finite_fails_alone_and_has_a_name():
    starts, y = decays(4)
    y[1] = np.nan
    r = tw.least_squares_many(decay, starts, lane_args=(y,))
    assert r.success.tolist() == [True, False, True, True]
    assert r.reason[1] == Reason.non_finite
    assert np.isnan(r.x[1]).all()
    assert "not finite" in r[1].message
    r = tw.least_squares_many(lambda x: [np.log(x[0]), x[1]], [[1.0, 1.0], [-1.0, 1.0]])
    assert r.reason[1] == Reason.left_domain
    assert r.success[0]


def test_points_of_any_form():
    y = np.array([1.0, 2.0, 3.0])
    r = tw.least_squares_many(lambda a, y: a - y, np.zeros(3), lane_args=(y,))
    np.testing.assert_array_equal(r.x, y)
    starts = {"a": np.zeros((3, 2)), "b": np.ones(3)}
    r = tw.least_squares_many(lambda a, b: np.append(a - 1, b - 2), starts)
    assert r.x["a"].shape == (3, 2)
    np.testing.assert_allclose(r.x["b"], 2.0)
    assert r.active_mask["b"].dtype == np.int8
    assert r.grad["a"].shape == (3, 2)
    F = tw.objective(decay, [2.0, 1.0, 0.0], args=(np.zeros(20),))
    starts, y = decays(5)
    same_bits(
        tw.least_squares_many(F, starts, lane_args=(y,)),
        tw.least_squares_many(decay, starts, lane_args=(y,)),
    )


def test_residuals_are_told_when_they_are_wanted():
    starts, y = decays(3)
    assert "fun" not in tw.least_squares_many(decay, starts, lane_args=(y,), return_residuals=False)
    assert tw.least_squares_many(
        decay, starts, lane_args=(y,), return_residuals=True
    ).fun.shape == (3, 20)


def test_results_sort_slice_save_and_print(tmp_path):
    starts, y = decays(20)
    r = tw.least_squares_many(decay, starts, lane_args=(y,))
    best = r.sort()
    assert (np.diff(best.cost) >= 0).all()
    assert r[r.success].x.shape[1] == 3
    np.savez(tmp_path / "r.npz", **r)
    with np.load(tmp_path / "r.npz") as saved:
        np.testing.assert_array_equal(saved["x"], r.x)
    same_bits(pickle.loads(pickle.dumps(r)), r)
    assert "gradient_small" in repr(r)


def test_limits_end_each_alone():
    starts, y = decays(40)
    r = tw.least_squares_many(decay, starts, lane_args=(y,), max_nfev=5)
    assert (r.nfev <= 5).all()
    ended = r[~r.success]
    assert (ended.reason == Reason.max_evaluations).all()
    assert (ended.status == -2).all()
    none = tw.least_squares_many(decay, np.tile(starts, (50, 1)), lane_args=(np.tile(y, (50, 1)),),
                                 max_time=0.0)  # fmt: skip
    assert (none.reason == Reason.max_time).all()


@pytest.mark.skipif(os.name != "posix", reason="sends itself a signal")
def test_an_interrupt_keeps_what_is_done():
    def slow(x, shift):
        for _ in range(40):
            x = x + 1e-3 * np.sin(np.exp(np.sin(x))) - 1e-3
        return x - shift

    starts = np.zeros((400_000, 8))
    shifts = np.random.default_rng(0).standard_normal((400_000, 8))
    alarm = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    alarm.start()
    try:
        with pytest.raises(KeyboardInterrupt) as stop:
            tw.least_squares_many(slow, starts, lane_args=(shifts,), threads=1)
    finally:
        alarm.cancel()
    r = stop.value.result
    unfinished = r.reason == Reason.interrupted
    assert unfinished.any()
    assert (r.status[unfinished] == -4).all()
    assert r.success[~unfinished].all()


def test_what_does_not_fit_is_told():
    starts, y = decays(4)
    cases = [
        (ValueError, "outside of provided bounds: 2.0 .* of start 0",
         {"bounds": ([3, 0, -1], [9, 9, 9])}),
        (ValueError, "strictly less", {"bounds": ([3, 0, 1], [9, 9, 1])}),
        (ValueError, "2 elements", {"bounds": (1, 2, 3)}),
        (ValueError, "`loss` must be one of", {"loss": "l1"}),
        (ValueError, "`f_scale` must be", {"f_scale": 0.0}),
        (ValueError, "`x_scale` must be", {"x_scale": [1.0, 2.0]}),
        (ValueError, "must have 4 entries, got 3", {"lane_args": (y[:3],)}),
        (ValueError, "starts' axis", {"lane_args": (1.0,)}),
        (ValueError, "x0s must be finite", {"x0s": np.full((4, 3), np.inf)}),
        (TypeError, "x0s must be real", {"x0s": starts + 1j}),
        (TypeError, "x0s must be numbers", {"x0s": starts.astype(object)}),
        (ValueError, "max_nfev", {"max_nfev": 0}),
        (TypeError, "threads must be", {"threads": "two"}),
    ]  # fmt: skip
    for kind, text, change in cases:
        how = {"x0s": starts, "lane_args": (y,)} | change
        with pytest.raises(kind, match=text):
            tw.least_squares_many(decay, **how)
    with pytest.raises(TypeError, match="callable"):
        tw.least_squares_many(3, starts)
