# SPDX-License-Identifier: BSD-3-Clause
"""The end of a descent: its best and last points, and entries that are made when read."""

import copy
import pickle

import numpy as np
import pytest
from descent_cases import GD, bits, bowl
from problems import omega, rosenbrock, waves

import thalweg as tw

# ---- the best point and the last -----------------------------------------------------------------


def test_descent_that_climbs_returns_the_best_it_saw():
    res = tw.minimize(bowl, np.zeros(1), **GD, learning_rate=1.1, max_iter=9, record=True, gtol=0)
    assert np.all(np.diff(res.path.fun) > 0)  # it only climbs
    assert (res.x, res.fun) == ([0.0], 9.0)
    np.testing.assert_array_equal(res.jac, [-6.0])
    np.testing.assert_array_equal(res.last.x, res.path.x[-1])
    assert res.last.fun == res.path.fun[-1]
    np.testing.assert_array_equal(res.last.jac, 2 * (res.last.x - 3))


@pytest.mark.parametrize("seed", range(5))
def test_best_point_is_the_lowest_of_the_path(seed):
    start = np.random.default_rng(seed).uniform(-2, 2, 2)
    res = tw.minimize(rosenbrock, start, "momentum", learning_rate=0.0015, max_iter=300,
                      record=True, gtol=0)  # fmt: skip
    lowest = np.nanmin(res.path.fun)
    # an earlier point displaces a later one only if it is lower by more than 4 eps
    assert lowest <= res.fun <= lowest + 4 * np.finfo(float).eps * max(1, abs(lowest))
    at = np.flatnonzero(np.all(res.path.x == res.x, axis=1))
    assert at.size
    assert res.path.fun[at[0]] == res.fun
    np.testing.assert_array_equal(res.last.x, res.path.x[-1])
    F = tw.objective(rosenbrock, start)
    assert bits(F(res.x), F.grad(res.x)) == bits(res.fun, res.jac)
    assert bits(F(res.last.x), F.grad(res.last.x)) == bits(res.last.fun, res.last.jac)


def test_best_point_is_kept_through_a_dip():
    # Down into a well in a few steps, then a cliff throws it out and up.
    values = iter([5.0, 3.0, 1.0, 4.0, 2.0, 6.0, 1.5, 7.0])
    points = []

    def f(x):
        points.append(x)
        return next(values), 1.0

    res = tw.minimize(f, 0.0, **GD, learning_rate=1.0, trace=False, jac=True, max_iter=6)
    assert (res.last.x, res.nit) == (-6.0, 6)
    assert res.x == -2.0


def test_rounding_does_not_displace_the_last_point():
    eps = np.finfo(float).eps
    table = {0.0: 1.0, -1.0: 1.0 + 2 * eps, -2.0: 1.0 + 3 * eps}

    def f(x):
        return table[x], 1.0

    res = tw.minimize(f, 0.0, **GD, learning_rate=1.0, trace=False, jac=True, max_iter=2)
    assert res.x == res.last.x == -2.0
    table[-2.0] = 1.0 + 5 * eps
    res = tw.minimize(f, 0.0, **GD, learning_rate=1.0, trace=False, jac=True, max_iter=2)
    assert res.last.x == -2.0
    assert res.x > -2.0


def test_best_point_survives_leaving_the_domain():
    res = tw.minimize(omega, 0.3, "momentum", learning_rate=0.3, max_iter=100, record=True)
    assert res.reason == tw.Reason.left_domain
    assert res.nit > 1
    assert res.fun == np.nanmin(res.path.fun)
    assert np.isnan(res.last.fun)
    assert res.last.x < 0 < res.x


# ---- what comes back -----------------------------------------------------------------------------


def test_result_has_attributes_and_keys():
    res = tw.minimize(bowl, np.zeros(2), **GD, learning_rate=0.1)
    for name in ("x", "fun", "jac", "nit", "nfev", "njev", "nhev", "success", "status", "message",
                 "reason", "last", "active_mask", "path", "state", "elapsed"):  # fmt: skip
        assert name in res
        assert res[name] is getattr(res, name)
    assert isinstance(res.fun, float)
    assert isinstance(res.success, bool)
    assert isinstance(res.nit, int)
    assert isinstance(res.reason, tw.Reason)
    assert res.elapsed > 0


def test_repeated_descents_give_the_same_bits():
    runs = {bits(tw.minimize(waves, 1.3, "adam", learning_rate=0.01).x) for _ in range(5)}
    assert len(runs) == 1


def test_gradient_belongs_to_x():
    res = tw.minimize(bowl, np.zeros(2), **GD, learning_rate=1.2, max_iter=3)
    np.testing.assert_array_equal(res.jac, 2 * (res.x - 3))
    np.testing.assert_array_equal(res.last.jac, 2 * (res.last.x - 3))


# ---- entries are made when they are read ---------------------------------------------------------


METHODS = [("lbfgs", {}), ("newton", {}), ("compass", {}), ("adam", {"learning_rate": 0.01})]


@pytest.mark.parametrize(("method", "how"), METHODS)
@pytest.mark.parametrize("read", ["x", "fun", "message", "state", "last", "active_mask"])
def test_entries_do_not_depend_on_what_is_read_first(method, how, read):
    def run():
        return tw.minimize(rosenbrock, [-1.2, 1.0], method, bounds=[(-2, 0.5), (-2, 2)], **how)

    first, other = run(), run()
    getattr(first, read)
    for name in tw.Result.__dataclass_fields__:
        if name not in ("elapsed", "_objective"):
            assert repr(getattr(first, name)) == repr(getattr(other, name)), name
    assert all(first[name] is getattr(first, name) for name in first)


def test_other_data_do_not_change_what_is_read_later():
    scale = np.ones(2)
    F = tw.objective(lambda x, a: np.sum(a * np.log(np.cosh(x - 1))), np.zeros(2), args=(scale,))
    for method, how in METHODS:
        read = dict(tw.minimize(F, np.zeros(2), method, max_iter=30, **how))
        later = tw.minimize(F, np.zeros(2), method, max_iter=30, **how)
        scale[:] = 7.0
        for name in read.keys() - {"elapsed"}:
            assert repr(later[name]) == repr(read[name]), (method, name)
        scale[:] = 1.0


def test_changed_points_do_not_change_what_is_read_later():
    first, other = (tw.minimize(bowl, np.zeros(2), bounds=[(0, 2)] * 2) for _ in range(2))
    first.x[:] = first.jac[:] = first.last.x[:] = -9.0
    assert bits(first.state.x) == bits(other.state.x)
    assert bits(first.active_mask) == bits(other.active_mask)
    assert (first.fun, first.message) == (other.fun, other.message)


def through_a_pickle(result):
    return pickle.loads(pickle.dumps(result))


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, through_a_pickle])
def test_copies_of_unread_results_hold_everything(again):
    res = tw.minimize(rosenbrock, [-1.2, 1.0])
    new = again(res)
    assert repr(new) == repr(res)
    assert bits(new.x, new.jac, new.state.x) == bits(res.x, res.jac, res.state.x)


def test_what_a_result_lacks_is_named():
    res = tw.minimize(omega, 1.0)
    with pytest.raises(AttributeError, match="'Result' object has no attribute 'hess'"):
        _ = res.hess
    assert not hasattr(res, "_anything")


def test_a_constant_warns_at_once_and_not_when_it_is_read():
    with pytest.warns(RuntimeWarning, match="does not depend on x"):
        res = tw.minimize(lambda _: 3.0, 2.0)
    assert res.x == 2.0
