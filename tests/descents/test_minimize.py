# SPDX-License-Identifier: BSD-3-Clause
"""One descent: how it stops, what it returns, what it is told on the way, and what it refuses."""

# ruff: noqa: ARG005 - signatures are part of what is tested
import _thread
import copy
import dataclasses
import math
import pickle
import re
import signal
import threading
import time

import numpy as np
import pytest
from problems import BY_NAME, omega, power_lines, rosenbrock, sauna, waves

import thalweg as tw
from thalweg._descents.descent import State

GD = {"method": "gradient_descent"}
NO_TESTS = {"gtol": 0, "xtol": 0, "ftol": 0}


def bowl(x):
    return np.sum((x - 3.0) ** 2)


def bits(*values):
    return b"".join(np.ascontiguousarray(v, dtype=np.float64).tobytes() for v in values)


# ---- when it stops -------------------------------------------------------------------------------


def numbers(message, between="<="):
    """Both sides of the inequality in a message."""
    left, right = message.split(between)
    return float(left.split()[-1]), float(right.split()[0].rstrip(";,"))


def test_small_gradient_stops():
    res = tw.minimize(bowl, np.zeros(2), **GD, learning_rate=0.1, gtol=1e-3)
    assert res.reason == tw.Reason.gradient_small
    assert (res.success, res.status) == (True, 0)
    norm, limit = numbers(res.message)
    assert norm <= limit == 1e-3
    assert norm == pytest.approx(np.max(np.abs(res.last.jac)), rel=5e-3)  # 3 digits are shown
    assert f"{res.nit} iterations" in res.message
    # the iterate before did not pass: each step shrinks the gradient to 0.8 of itself
    assert np.max(np.abs(res.last.jac)) / 0.8 > 1e-3


def test_small_gradient_at_the_start_takes_no_step():
    res = tw.minimize(bowl, np.full(2, 3.0), **GD, learning_rate=0.1)
    assert (res.nit, res.nfev, res.success) == (0, 1, True)
    assert res.reason == tw.Reason.gradient_small
    assert "0 iterations" in res.message


def test_small_step_stops():
    res = tw.minimize(bowl, np.zeros(2), **GD, learning_rate=0.1, gtol=0, xtol=1e-4, record=True)
    assert res.reason == tw.Reason.step_small
    assert (res.success, res.status) == (True, 0)
    steps = np.max(np.abs(np.diff(res.path.x, axis=0)), axis=1)
    relative = steps / (1 + np.max(np.abs(res.path.x[1:]), axis=1))
    assert relative[-1] <= 1e-4 < relative[-2]
    left, right = numbers(res.message)
    assert left <= right == 1e-4
    assert left == pytest.approx(relative[-1], rel=5e-3)
    assert res.nit == len(steps)


def test_settled_value_stops():
    res = tw.minimize(bowl, np.zeros(2), **GD, learning_rate=0.1, gtol=0, ftol=1e-5, record=True)
    assert res.reason == tw.Reason.value_settled
    assert (res.success, res.status) == (True, 0)
    f = res.path.fun
    fall = (f[:-1] - f[1:]) / np.maximum(np.maximum(abs(f[:-1]), abs(f[1:])), 1)
    assert fall[-1] <= 1e-5 < fall[-2]
    left, right = numbers(res.message)
    assert left <= right
    assert left == pytest.approx(f[-2] - f[-1], rel=5e-3)


def test_ftol_is_relative_to_large_values():
    res = tw.minimize(lambda x: 1e6 + bowl(x), np.zeros(2), **GD, learning_rate=0.1, gtol=0,
                      ftol=1e-7)  # fmt: skip
    _, right = numbers(res.message)
    assert right == pytest.approx(0.1, rel=1e-2)  # 1e-7 of a million


def test_iterations_are_limited():
    res = tw.minimize(bowl, np.zeros(2), **GD, learning_rate=0.001, max_iter=7)
    assert res.reason == tw.Reason.max_iterations
    assert (res.success, res.status) == (False, 1)
    assert (res.nit, res.nfev, res.njev, res.nhev) == (7, 8, 8, 0)
    assert "7 iterations >= max_iter = 7" in res.message


def test_no_iterations_evaluate_the_start():
    res = tw.minimize(bowl, np.zeros(2), **GD, learning_rate=0.1, max_iter=0)
    assert (res.nit, res.nfev, res.fun) == (0, 1, 18.0)
    np.testing.assert_array_equal(res.x, [0, 0])
    np.testing.assert_array_equal(res.jac, [-6, -6])
    assert res.reason == tw.Reason.max_iterations


@pytest.mark.parametrize("limit", [1, 2, 7])
def test_evaluations_are_limited(limit):
    res = tw.minimize(bowl, np.zeros(2), **GD, learning_rate=0.001, max_nfev=limit)
    assert res.reason == tw.Reason.max_evaluations
    assert (res.success, res.status) == (False, 1)
    assert (res.nit, res.nfev) == (limit - 1, limit)
    assert re.search(rf"\b{limit} evaluations.* max_nfev = {limit}\b", res.message)


@pytest.mark.parametrize("trace", [True, False])
def test_time_is_limited(trace):
    began = time.perf_counter()
    f = rosenbrock if trace else (lambda x: float(rosenbrock(x)))
    res = tw.minimize(f, [-1.2, 1.0], **GD, learning_rate=1e-9, max_iter=10**12, max_time=0.2,
                      trace=trace)  # fmt: skip
    took = time.perf_counter() - began
    assert res.reason == tw.Reason.max_time
    assert (res.success, res.status) == (False, 1)
    left, right = numbers(res.message.replace(" s ", " ").replace("max_time =", ""), ">=")
    assert left >= right == 0.2
    assert 0.2 <= took < 0.7
    assert 0.2 <= res.elapsed <= took


def test_no_test_at_all_runs_to_the_limit():
    res = tw.minimize(bowl, np.full(2, 3.0), **GD, learning_rate=0.1, max_iter=20, **NO_TESTS)
    assert (res.nit, res.reason) == (20, tw.Reason.max_iterations)


def test_default_tests_are_those_of_the_documentation():
    res = tw.minimize(bowl, np.zeros(2), **GD, learning_rate=0.1)
    assert numbers(res.message)[1] == 1e-8
    slow = tw.minimize(bowl, np.zeros(2), **GD, learning_rate=1e-9)
    assert slow.nit == 1000


def test_first_test_that_holds_is_told():
    res = tw.minimize(bowl, np.zeros(2), **GD, learning_rate=0.1, gtol=1e-2, xtol=1e-9, ftol=1e-30)
    assert res.reason == tw.Reason.gradient_small


def test_growing_descent_diverges():
    res = tw.minimize(bowl, np.zeros(2), **GD, learning_rate=10.0)
    assert not res.success
    assert res.reason == tw.Reason.diverged
    assert res.status == 2
    assert "diverged" in res.message or "learning rate" in res.message
    np.testing.assert_array_equal(res.x, [0, 0])  # every later point was worse
    assert np.isfinite(res.fun)
    assert res.fun == 18.0


def test_left_domain_names_the_operation_and_its_input():
    res = tw.minimize(omega, 1.6, **GD, learning_rate=0.5)
    assert (res.reason, res.status, res.success) == (tw.Reason.left_domain, 3, False)
    assert f"log({res.last.x:.6g}) = nan" in res.message
    assert (res.x, res.nit) == (1.6, 1)


def test_start_outside_the_domain_is_told():
    res = tw.minimize(omega, -1.0, **GD, learning_rate=0.1)
    assert (res.reason, res.nit, res.success) == (tw.Reason.left_domain, 0, False)
    assert "log(-1)" in res.message
    assert res.x == -1.0
    assert np.isnan(res.fun)


def test_non_finite_gradient_at_a_finite_value_is_told():
    res = tw.minimize(np.sqrt, 0.0, **GD, learning_rate=0.1, record=True)
    assert res.reason == tw.Reason.non_finite
    assert (res.success, res.status, res.nit) == (False, 3, 0)
    assert "gradient" in res.message
    assert res.fun == 0.0
    assert not np.isfinite(res.jac)


def test_values_of_the_path_are_the_functions_where_the_gradient_is_not_finite():
    res = tw.minimize(np.sqrt, 0.0, **GD, learning_rate=0.1, record=True)
    assert res.path.fun[-1] == res.last.fun == 0.0


def test_overflow_at_the_start_is_told():
    res = tw.minimize(bowl, [1e300, 0.0], **GD, learning_rate=0.1)
    assert not res.success
    assert res.reason in (tw.Reason.non_finite, tw.Reason.diverged)
    assert "inf" in res.message


@pytest.mark.parametrize("tests", [{}, NO_TESTS], ids=["usual tests", "no tests"])
def test_infinite_value_ends_the_descent_at_once(tests):
    # Value infinite, gradient and next point finite.
    up = tw.minimize(bowl, [1e300, 0.0], **GD, learning_rate=0.1, max_iter=40, **tests)
    assert (up.nit, up.nfev) == (0, 1)
    np.testing.assert_array_equal(up.x, [1e300, 0.0])
    down = tw.minimize(lambda x: -(x**2), 1e150, **GD, learning_rate=1.0, max_iter=400,
                       record=True, **tests)  # fmt: skip
    assert down.reason in (tw.Reason.diverged, tw.Reason.non_finite)
    assert not down.success
    assert np.all(np.isfinite(down.path.fun[:-1]))
    assert np.isfinite(down.fun)  # the best finite value
    assert down.last.fun == -np.inf


def test_values_of_a_dead_branch_are_nobodys_fault():
    res = tw.minimize(lambda x: np.where(x > -9, x**2, np.log(x)), -1.0, **GD, learning_rate=0.3)
    assert res.success
    assert abs(res.x) < 1e-8


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


# ---- the path ------------------------------------------------------------------------------------


def test_path_holds_every_point():
    res = tw.minimize(power_lines, [0.0, 0.0], **GD, learning_rate=0.01, max_iter=12, record=True)
    assert res.path.x.shape == (13, 2)
    assert res.path.fun.shape == res.path.grad_norm.shape == (13,)
    F = tw.objective(power_lines, [0.0, 0.0])
    np.testing.assert_array_equal(res.path.x[0], [0, 0])
    np.testing.assert_array_equal(res.path.x[-1], res.last.x)
    assert bits(res.path.fun) == bits(F(res.path.x))
    assert bits(res.path.grad_norm) == bits(np.max(np.abs(F.grad(res.path.x)), axis=1))
    for before, after in zip(res.path.x, res.path.x[1:], strict=False):
        np.testing.assert_allclose(after, before - 0.01 * F.grad(before), rtol=4e-16)


def test_path_is_none_unless_asked_for():
    assert tw.minimize(bowl, np.zeros(2), **GD, learning_rate=0.1).path is None


@pytest.mark.parametrize("method", ["gradient_descent", "momentum", "adam"])
def test_recording_does_not_change_the_descent(method):
    # Fewer iterations than it takes to converge: ftol would end a descent whose value rests.
    how = {"method": method, "learning_rate": 0.003, "max_iter": 8, "gtol": 0}
    plain = tw.minimize(waves, 1.3, **how)
    for more in ({"record": True}, {"callback": lambda xk: None}, {"gtol": 1e-300}, {"xtol": 1e-30},
                 {"ftol": 1e-40}, {"max_time": 1e9}, {"bounds": (-100.0, 100.0)}):  # fmt: skip
        res = tw.minimize(waves, 1.3, **(how | more))
        assert bits(res.x, res.fun, res.last.x) == bits(plain.x, plain.fun, plain.last.x), more


# ---- callbacks -----------------------------------------------------------------------------------


def test_callback_is_given_each_new_point():
    told = []
    res = tw.minimize(bowl, np.zeros(2), **GD, learning_rate=0.1, max_iter=5, record=True,
                      callback=told.append)  # fmt: skip
    np.testing.assert_array_equal(told, res.path.x[1:])


def test_callback_gets_points_in_the_form_of_x0():
    told = []
    tw.minimize(lambda x: x**2, 1.0, **GD, learning_rate=0.1, max_iter=1, callback=told.append)
    tw.minimize(lambda a, b: a**2 + np.sum(b), (1.0, np.ones(2)), **GD, learning_rate=0.5,
                max_iter=1, callback=told.append)  # fmt: skip
    tw.minimize(lambda a: a**2, {"a": 1.0}, **GD, learning_rate=0.5, max_iter=1,
                callback=told.append)  # fmt: skip
    assert told[0] == 0.8
    assert isinstance(told[0], float)
    assert told[1][0] == 0.0
    np.testing.assert_array_equal(told[1][1], [0.5, 0.5])
    assert told[2] == {"a": 0.0}


class Listener:
    def __init__(self):
        self.told = []

    def __call__(self, intermediate_result):
        self.told.append(intermediate_result)

    def keyword(self, *, intermediate_result):
        self.told.append(intermediate_result)


@pytest.mark.parametrize("kind", ["function", "object", "method"])
def test_callback_with_intermediate_result(kind):
    listener = Listener()

    def function(intermediate_result):
        listener.told.append(intermediate_result)

    callback = {"function": function, "object": listener, "method": listener.keyword}[kind]
    res = tw.minimize(bowl, np.zeros(2), **GD, learning_rate=0.1, max_iter=5, record=True,
                      callback=callback)  # fmt: skip
    assert [r.nit for r in listener.told] == [1, 2, 3, 4, 5]
    np.testing.assert_array_equal([r.x for r in listener.told], res.path.x[1:])
    np.testing.assert_array_equal([r.fun for r in listener.told], res.path.fun[1:])
    np.testing.assert_array_equal([r.grad_norm for r in listener.told], res.path.grad_norm[1:])


def test_callback_may_be_a_builtin():
    res = tw.minimize(bowl, np.zeros(2), **GD, learning_rate=0.1, max_iter=5, callback=id)
    assert res.nit == 5


def test_callback_cannot_change_the_descent():
    def spoil(x):
        x[:] = np.nan

    how = dict(learning_rate=0.1, max_iter=20, **GD)
    assert bits(tw.minimize(bowl, np.zeros(2), callback=spoil, **how).x) == bits(
        tw.minimize(bowl, np.zeros(2), **how).x
    )


@pytest.mark.parametrize("trace", [True, False])
def test_stop_iteration_ends_the_descent(trace):
    calls = []

    def callback(x):
        calls.append(x)
        if len(calls) == 4:
            raise StopIteration

    res = tw.minimize(bowl, np.zeros(2), **GD, learning_rate=0.1, callback=callback, record=True,
                      trace=trace)  # fmt: skip
    assert res.reason == tw.Reason.stopped_by_callback
    assert (res.success, res.status, res.nit) == (False, 99, 4)
    assert "callback" in res.message
    assert "4 iterations" in res.message
    np.testing.assert_array_equal(res.last.x, calls[-1])
    assert res.path.fun.shape == (5,)


def test_stopped_descent_still_returns_the_best_point():
    def callback(x):
        raise StopIteration

    res = tw.minimize(bowl, np.zeros(1), **GD, learning_rate=1.5, callback=callback)
    assert res.nit == 1
    assert res.last.x == [9.0]
    assert res.x == [0.0]  # 9 at the start, 36 after the step


@pytest.mark.parametrize("returned", [False, 1, "stop", None, np.ones(2)])
def test_what_a_callback_returns_means_nothing_but_true(returned):
    res = tw.minimize(bowl, np.zeros(2), **GD, learning_rate=0.1, max_iter=5,
                      callback=lambda x: returned)  # fmt: skip
    assert res.nit == 5


class MyError(Exception):
    pass


@pytest.mark.parametrize("trace", [True, False])
@pytest.mark.parametrize("kind", [MyError, ValueError, SystemExit, GeneratorExit])
def test_exceptions_of_a_callback_come_through_unchanged(kind, trace):
    mine = kind("mine")

    def callback(x):
        raise mine

    with pytest.raises(kind) as caught:
        tw.minimize(bowl, np.zeros(2), **GD, learning_rate=0.1, callback=callback, trace=trace)
    assert caught.value is mine
    frames = [f.name for f in caught.traceback]
    assert frames[-1] == "callback"  # the user sees where
    again = tw.minimize(bowl, np.zeros(2), **GD, learning_rate=0.1)
    assert again.success  # nothing is left behind


# ---- functions that are called (trace=False) -----------------------------------------------------


def called(x):
    return float(np.sum((np.asarray(x) - 3.0) ** 2))


def slope(x):
    return 2 * (np.asarray(x) - 3.0)


@pytest.mark.parametrize("method", ["gradient_descent", "momentum", "adam"])
def test_called_function_descends_as_the_traced_one(method):
    how = {"method": method, "learning_rate": 0.05, "max_iter": 50, "gtol": 0}
    traced = tw.minimize(bowl, np.zeros(3), **how)
    given = tw.minimize(called, np.zeros(3), trace=False, jac=slope, **how)
    both = tw.minimize(lambda x: (called(x), slope(x)), np.zeros(3), trace=False, jac=True, **how)
    for res in (given, both):
        np.testing.assert_allclose(res.last.x, traced.last.x, rtol=1e-14)
        assert res.nit == traced.nit
        assert res.reason == traced.reason
    differences = tw.minimize(called, np.zeros(3), trace=False, **how)
    # Central differences of a parabola: rounding of f by 1e-16 * 27 over the step 6e-6.
    np.testing.assert_allclose(differences.last.x, traced.last.x, atol=1e-8)


@pytest.mark.parametrize(
    ("x0", "function"),
    [
        (1.0, lambda x: (x - 3.0) ** 2),
        ([1.0], lambda x: float((x[0] - 3.0) ** 2)),
        ([1.0, 1.0], lambda x, y: (x - 3) ** 2 + y**2),
        ((1.0, np.ones(2)), lambda a, b: (a - 3) ** 2 + float(b @ b)),
        ({"a": 1.0, "b": np.ones(2)}, lambda a, b: (a - 3) ** 2 + float(b @ b)),
    ],
)
def test_called_function_gets_its_arguments_as_the_traced_one(x0, function):
    res = tw.minimize(function, x0, **GD, learning_rate=0.2, trace=False, gtol=1e-6)
    assert res.success
    traced = tw.minimize(function if not isinstance(x0, list) or len(x0) > 1 else
                         (lambda x: (x[0] - 3.0) ** 2), x0, **GD, learning_rate=0.2,
                         gtol=1e-6) if not isinstance(x0, tuple | dict) else None  # fmt: skip
    first = res.x if not isinstance(res.x, dict | tuple) else dict(enumerate(res.x)).get(0)
    if isinstance(res.x, dict):
        first = res.x["a"]
    assert np.ravel(first)[0] == pytest.approx(3.0, abs=1e-5)
    if traced is not None:
        assert np.shape(res.x) == np.shape(traced.x)


def test_called_function_gets_args():
    res = tw.minimize(lambda x, a, b: (x - a) ** 2 + b, 0.0, **GD, learning_rate=0.3, trace=False,
                      args=(2.0, 5.0), jac=lambda x, a, b: 2 * (x - a))  # fmt: skip
    assert res.x == pytest.approx(2.0, abs=1e-8)
    assert res.fun == pytest.approx(5.0)


def test_calls_are_counted():
    counts = [0, 0]

    def f(x):
        counts[0] += 1
        return called(x)

    def g(x):
        counts[1] += 1
        return slope(x)

    res = tw.minimize(f, np.zeros(2), **GD, learning_rate=0.1, trace=False, jac=g, max_iter=10)
    assert res.nit == 10
    assert (res.nfev, res.njev) == tuple(counts)
    assert res.nfev <= 13  # one an iteration, one at the start; the answer may be asked for again


def test_calls_of_differences_are_counted():
    counts = [0]

    def f(x):
        counts[0] += 1
        return called(x)

    res = tw.minimize(f, np.zeros(2), **GD, learning_rate=0.1, trace=False, max_iter=10)
    assert res.nfev == counts[0]


@pytest.mark.parametrize("jac", [None, slope, True], ids=["differences", "function", "joint"])
def test_limit_of_evaluations_holds_for_called_functions(jac):
    counts = [0]

    def f(x):
        counts[0] += 1
        return (called(x), slope(x)) if jac is True else called(x)

    res = tw.minimize(f, np.zeros(2), **GD, learning_rate=0.1, trace=False, jac=jac, max_nfev=23)
    assert res.reason == tw.Reason.max_evaluations
    assert counts[0] <= 23
    assert res.nfev <= 23


@pytest.mark.parametrize("jac", [None, slope, True], ids=["differences", "function", "joint"])
def test_exceptions_of_a_called_function_come_through_unchanged(jac):
    raised = []

    def f(x):
        if len(calls) > 6:
            raised.append(MyError(len(raised)))
            raise raised[-1]
        calls.append(1)
        return (called(x), slope(x)) if jac is True else called(x)

    calls = []
    with pytest.raises(MyError) as caught:
        tw.minimize(f, np.zeros(2), **GD, learning_rate=0.1, trace=False, jac=jac)
    assert caught.value is raised[0]  # the first, not one of asking again
    assert len(raised) == 1  # and it is not called again once it has failed
    assert caught.traceback[-1].name == "f"


def test_exceptions_of_a_gradient_come_through_unchanged():
    mine = MyError("mine")

    def g(x):
        raise mine

    with pytest.raises(MyError) as caught:
        tw.minimize(called, np.zeros(2), **GD, learning_rate=0.1, trace=False, jac=g)
    assert caught.value is mine


@pytest.mark.parametrize(
    ("f", "jac", "error", "said"),
    [
        (lambda x: None, None, TypeError, "the function's value must be numbers, got NoneType"),
        (lambda x: "a", None, TypeError, "the function's value must be numbers, got str"),
        (lambda x: 1j, None, TypeError, "the function's value must be real"),
        (lambda x: x, None, ValueError, "one value, got shape (2,)"),
        (called, lambda x: [1.0], ValueError, "jac must have shape (..., 2), got (1,)"),
        (called, lambda x: [1.0, 2.0, 3.0], ValueError, "got (3,)"),
        (called, lambda x: ["a", "b"], TypeError, "jac must be numbers"),
        (called, lambda x: None, TypeError, "jac must be numbers, got NoneType"),
        (called, 3, TypeError, "jac must be a function, True or None, got 3"),
        (called, "2-point", TypeError, "jac must be a function, True or None, got '2-point'"),
        (3, None, TypeError, "must be callable, got int"),
        (called, True, TypeError, "(value, gradient), got float"),
        (lambda x: (1.0, [1.0, 2.0], 3.0), True, TypeError, "(value, gradient), got tuple"),
    ],
)
def test_bad_answers_of_called_functions_are_refused(f, jac, error, said):
    with pytest.raises(error) as caught:
        tw.minimize(f, np.zeros(2), **GD, learning_rate=0.1, trace=False, jac=jac)
    assert said in str(caught.value)


def test_nan_of_a_called_function_ends_the_descent():
    res = tw.minimize(lambda x: float(x) if x > -1 else math.nan, 0.0, **GD, learning_rate=0.3,
                      trace=False, jac=lambda x: 1.0)  # fmt: skip
    assert res.reason == tw.Reason.non_finite
    assert not res.success
    assert res.x == pytest.approx(-0.9)
    assert "the function returned nan" in res.message


def test_jac_is_refused_for_traced_functions():
    with pytest.raises(TypeError, match=r"jac= is for trace=False"):
        tw.minimize(bowl, np.zeros(2), **GD, learning_rate=0.1, jac=slope)


def test_functions_that_cannot_be_traced_say_so():
    with pytest.raises(tw.TraceError, match="trace=False"):
        tw.minimize(lambda x: math.exp(x), 1.0, **GD, learning_rate=0.1)


# ---- continuing ----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["gradient_descent", "momentum", "adam"])
@pytest.mark.parametrize("problem", ["rosenbrock", "quadratic_50", "waves"])
def test_state_continues_bit_for_bit(method, problem):
    p = BY_NAME[problem]
    how = {"method": method, "learning_rate": 1e-3, **NO_TESTS}
    whole = tw.minimize(p.function, p.x0, max_iter=25, **how)
    first = tw.minimize(p.function, p.x0, max_iter=10, **how)
    state = pickle.loads(pickle.dumps(first.state))
    second = tw.minimize(p.function, p.x0, max_iter=15, state=state, **how)
    assert bits(second.last.x, second.last.fun, second.last.jac) == bits(
        whole.last.x, whole.last.fun, whole.last.jac
    )
    assert second.nit == 15
    assert bits(*second.state.memory) == bits(*whole.state.memory)
    assert second.state.nit == whole.state.nit == 25


def test_state_continues_from_the_last_point_not_the_best():
    how = {"learning_rate": 1.1, **GD, **NO_TESTS}
    first = tw.minimize(bowl, np.zeros(1), max_iter=3, **how)
    assert first.x != first.last.x
    whole = tw.minimize(bowl, np.zeros(1), max_iter=5, **how)
    second = tw.minimize(bowl, np.zeros(1), max_iter=2, state=first.state, **how)
    assert bits(second.last.x) == bits(whole.last.x)


def test_state_is_small_and_its_own():
    F = tw.objective(lambda x: np.sum(x * np.arange(10_000.0)[:2]), np.zeros(2))
    res = tw.minimize(F, np.zeros(2), "adam", learning_rate=0.1, max_iter=3)
    assert len(pickle.dumps(res.state)) < 2000
    state = copy.deepcopy(res.state)
    tw.minimize(F, np.zeros(2), "adam", learning_rate=0.1, max_iter=3, state=res.state)
    assert bits(state.x, *state.memory) == bits(res.state.x, *res.state.memory)


@pytest.mark.parametrize(
    ("state", "how", "said"),
    [
        (3, {}, "state must be the state of a result, got int"),
        ({}, {}, "got dict"),
        ("adam", {}, "from momentum with 2 variables, got adam with 2"),
        ("short", {}, "from momentum with 2 variables, got momentum with 1"),
        (
            ("momentum", np.zeros(2), (np.zeros(1),), 1),
            {},
            "of momentum with 2 variables must hold v (2,), got",
        ),
        (("momentum", np.zeros(2), (), 1), {}, "got arrays of shapes []"),
        (("momentum", np.zeros(2), [np.zeros(2)], 1), {}, "vectors of floats"),
        (("momentum", np.zeros(2), (np.zeros(2, object),), 1), {}, "vectors of floats"),
        (("momentum", None, (np.zeros(2),), 1), {}, "vectors of floats"),
        (("momentum", np.zeros(2), (np.zeros(2),), None), {}, "iterations in nit, got None"),
        (("momentum", np.zeros(2), (np.zeros(2),), -1), {}, "iterations nit, got -1"),
        ((None, np.zeros(2), (np.zeros(2),), 1), {}, "name its method, got NoneType"),
    ],
)
def test_states_that_do_not_fit_are_refused(state, how, said):
    if isinstance(state, tuple):
        state = State(*state)
    elif state == "adam":
        state = tw.minimize(bowl, np.zeros(2), "adam", learning_rate=0.1, max_iter=1).state
    elif state == "short":
        state = tw.minimize(bowl, np.zeros(1), "momentum", learning_rate=0.1, max_iter=1).state
    with pytest.raises((TypeError, ValueError)) as caught:
        tw.minimize(bowl, np.zeros(2), "momentum", learning_rate=0.1, state=state)
    assert said in str(caught.value)


@pytest.mark.parametrize("method", ["momentum", "adam", "rprop"])
def test_a_state_that_remembers_another_number_of_things_is_refused(method):
    how = {"learning_rate": 0.1}
    state = tw.minimize(bowl, np.zeros(2), method, max_iter=1, **how).state
    for memory in (
        tuple(m[:1] for m in state.memory),
        tuple(np.zeros(1000) for _ in state.memory),
        state.memory[:-1],
        (*state.memory, np.zeros(2), np.zeros(2)),
    ):
        wrong = dataclasses.replace(state, memory=memory)
        with pytest.raises(ValueError, match=f"of {method} with 2 variables must hold .*, got"):
            tw.minimize(bowl, np.zeros(2), method, state=wrong, **how)


# ---- bounds --------------------------------------------------------------------------------------


def fenced(lower, upper):
    """A function that must not be called outside its box."""

    def f(x):
        assert np.all(x >= lower), f"{x} below {lower}"
        assert np.all(x <= upper), f"{x} above {upper}"
        return called(x)

    return f


@pytest.mark.parametrize("method", ["gradient_descent", "momentum", "adam"])
@pytest.mark.parametrize("jac", [slope, None], ids=["gradient", "differences"])
@pytest.mark.parametrize("start", [[0.5, 1.0], [0.0, 0.0], [1.0, 2.0], [0.3, 2.0]])
def test_nothing_is_evaluated_outside_the_bounds(method, jac, start):
    lower, upper = np.array([0.0, 0.0]), np.array([1.0, 2.0])
    res = tw.minimize(fenced(lower, upper), start, method, learning_rate=0.4, trace=False, jac=jac,
                      bounds=[(0, 1), (0, 2)], max_iter=200)  # fmt: skip
    np.testing.assert_array_equal(res.x, [1, 2])
    assert res.success


def test_differences_in_a_narrow_box_stay_inside():
    lower, upper = np.array([0.0, 2.0]), np.array([1e-9, 2.0])  # narrower than a step; fixed
    res = tw.minimize(fenced(lower, upper), [0.0, 2.0], **GD, learning_rate=0.1, trace=False,
                      bounds=[(0, 1e-9), (2, 2)], max_iter=20, gtol=0)  # fmt: skip
    np.testing.assert_array_equal(res.x, [1e-9, 2])


def test_state_outside_the_bounds_is_not_evaluated():
    first = tw.minimize(called, [0.0, 0.0], **GD, learning_rate=0.1, max_iter=3, trace=False,
                        jac=slope)  # fmt: skip
    assert np.all(first.last.x > 0.5)
    with pytest.raises(ValueError, match="must lie within the bounds"):
        tw.minimize(fenced(0.0, 0.5), [0.0, 0.0], **GD, learning_rate=0.1, max_iter=3,
                    trace=False, jac=slope, state=first.state, bounds=[(0, 0.5)] * 2)  # fmt: skip


def test_traced_path_stays_within_the_bounds():
    res = tw.minimize(sauna, [0.5, 0.6], "momentum", learning_rate=0.1, record=True,
                      bounds=[(0, 3), (0.6, 5)], max_iter=500)  # fmt: skip
    assert np.all((res.path.x >= [0, 0.6]) & (res.path.x <= [3, 5]))


def test_projected_gradient_decides():
    res = tw.minimize(bowl, [0.5, 0.5], **GD, learning_rate=0.1, bounds=[(0, 1), (0, 5)],
                      record=True)  # fmt: skip
    assert res.reason == tw.Reason.gradient_small
    assert res.x[0] == 1.0
    assert res.x[1] == pytest.approx(3.0, abs=1e-8)
    assert res.jac[0] == -4.0  # the gradient itself is not small
    assert res.path.grad_norm[-1] <= 1e-8
    np.testing.assert_array_equal(res.active_mask, [1, 0])
    assert res.active_mask.dtype.kind == "i"


def test_active_mask_tells_both_sides():
    res = tw.minimize(lambda x: x[0] - x[1] + x[2] ** 2, [0.5, 0.5, 0.5], **GD, learning_rate=0.2,
                      bounds=[(0, 1)] * 2 + [(-1, 1)])  # fmt: skip
    np.testing.assert_array_equal(res.active_mask, [-1, 1, 0])
    assert res.success


def test_active_mask_has_the_form_of_x0():
    res = tw.minimize(lambda a, b: a + np.sum(b), {"a": 0.5, "b": np.full(2, 0.5)}, **GD,
                      learning_rate=1.0, bounds=tw.Bounds(0, 1))  # fmt: skip
    assert res.active_mask["a"] == -1
    np.testing.assert_array_equal(res.active_mask["b"], [-1, -1])
    assert tw.minimize(bowl, np.zeros(2), **GD, learning_rate=0.1).active_mask is None


def test_fixed_variables_stay():
    res = tw.minimize(bowl, [0.5, 0.5], **GD, learning_rate=0.1, bounds=[(0.5, 0.5), (None, None)])
    assert res.x[0] == 0.5
    assert res.success


class SciPyBounds:
    """Looks like scipy.optimize.Bounds."""

    def __init__(self, lb, ub):
        self.lb, self.ub, self.keep_feasible = np.asarray(lb), np.asarray(ub), False


@pytest.mark.parametrize(
    "bounds",
    [
        [(0, 1), (None, 2)],
        ((0.0, 1.0), (-np.inf, 2.0)),
        np.array([[0, 1], [-np.inf, 2]]),
        [[0, 1], [None, 2]],
        tw.Bounds([0, -np.inf], [1, 2]),
        SciPyBounds([0, -np.inf], [1, 2]),
        iter([(0, 1), (None, 2)]),
        zip([0, None], [1, 2], strict=True),
    ],
    ids=lambda b: type(b).__name__,
)
def test_bounds_in_every_form(bounds):
    res = tw.minimize(bowl, [0.5, 0.5], **GD, learning_rate=0.1, bounds=bounds)
    np.testing.assert_array_equal(res.x, [1, 2])


@pytest.mark.parametrize("bounds", [(0, 1), [0, 1], [(0, 1)], tw.Bounds(0, 1), (None, 1), (0, 1.0)])
def test_bounds_of_a_scalar_are_one_pair(bounds):
    res = tw.minimize(lambda x: (x - 3) ** 2, 0.5, **GD, learning_rate=0.1, bounds=bounds)
    assert res.x == 1.0
    assert res.active_mask == 1


def test_bounds_by_name():
    res = tw.minimize(lambda m, b: (m - 3) ** 2 + (b - 3) ** 2, {"m": 0.0, "b": 0.0}, **GD,
                      learning_rate=0.1, bounds={"m": (0, 1)})  # fmt: skip
    assert res.x["m"] == 1.0
    assert res.x["b"] == pytest.approx(3.0)


def test_bounds_of_arrays_broadcast():
    res = tw.minimize(bowl, np.zeros((2, 3)), **GD, learning_rate=0.1,
                      bounds=tw.Bounds(-1, [1, 2, 9]))  # fmt: skip
    np.testing.assert_allclose(res.x, [[1, 2, 3]] * 2, atol=1e-8)


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        ([(0, 1)], "bounds must be 2 pairs (lower, upper), got 1 entries"),
        ([(0, 1)] * 3, "bounds must be 2 pairs (lower, upper), got 3 entries"),
        ([(0, 1), (0, 1, 2)], "bounds must be 2 pairs"),
        ([(0, 1), 3], "bounds must be 2 pairs"),
        ([(0, 1), None], "bounds must be 2 pairs"),
        ([], "bounds must be 2 pairs (lower, upper), got 0 entries"),
        (3, "bounds must be 2 pairs (lower, upper), got int"),
        ("ab", "bounds must be 2 pairs"),
        ([(1, 0), (0, 1)], "bounds must have lower <= upper, got (1.0, 0.0) for variable 0"),
        ([(0, 1), (2, 1)], "got (2.0, 1.0) for variable 1"),
        ([(math.nan, 1), (0, 1)], "bounds must not be NaN"),
        (tw.Bounds(0, math.nan), "bounds must not be NaN"),
        ([(0, 1), (0.6, 1)], "x0 must lie within the bounds, got 0.5 outside [0.6, 1.0]"),
        ([(0, 1), (0, 0.4)], "got 0.5 outside [0.0, 0.4] for variable 1"),
        (tw.Bounds([0, 0, 0], 1), "lb must broadcast to shape (2,), got (3,)"),
        (tw.Bounds(0, np.ones((2, 2))), "ub must broadcast to shape (2,), got (2, 2)"),
        (tw.Bounds("a", 1), "lb must be numbers, got str"),
        (tw.Bounds(0, 1j), "ub must be real"),
        ([("a", 1), (0, 1)], "bounds"),
        ([(1j, 1), (0, 1)], "bounds"),
        ([([0, 0], 1), (0, 1)], "bounds"),
        ({"x": (0, 1)}, "bounds"),
    ],
)
def test_bad_bounds_are_refused(bounds, said):
    with pytest.raises((TypeError, ValueError)) as caught:
        tw.minimize(bowl, [0.5, 0.5], **GD, learning_rate=0.1, bounds=bounds)
    assert said in str(caught.value)


def test_bounds_with_unknown_names_are_refused():
    with pytest.raises(ValueError, match=r"keys among \['m'\], got \['n'\]"):
        tw.minimize(lambda m: m**2, {"m": 0.0}, **GD, learning_rate=0.1, bounds={"n": (0, 1)})


# ---- SciPy's spellings, names that are refused ---------------------------------------------------


def test_scipys_options_are_understood():
    how = dict(learning_rate=0.001, **GD)
    x0 = np.zeros(2)
    assert tw.minimize(bowl, x0, options={"maxiter": 5}, **how).nit == 5
    assert tw.minimize(bowl, x0, options={"maxfev": 5}, **how).nfev == 5
    assert tw.minimize(bowl, x0, options={"maxfun": 5}, **how).nfev == 5
    assert tw.minimize(bowl, x0, maxiter=5, **how).nit == 5
    assert tw.minimize(bowl, x0, maxfev=5, **how).nfev == 5
    assert "<= 7 " in tw.minimize(bowl, x0, options={"gtol": 7}, **how).message
    assert "<= 7 " in tw.minimize(bowl, x0, tol=7, **how).message
    xatol = tw.minimize(bowl, x0, options={"xatol": 1}, **how)
    assert xatol.reason == tw.Reason.step_small
    fatol = tw.minimize(bowl, x0, options={"fatol": 1}, **how)
    assert fatol.reason == tw.Reason.value_settled


def test_our_names_win_over_scipys():
    res = tw.minimize(bowl, np.zeros(2), **GD, learning_rate=0.001, max_iter=3,
                      options={"maxiter": 5}, tol=1.0, gtol=0)  # fmt: skip
    assert res.nit == 3


def test_disp_shows_progress(capsys):
    tw.minimize(bowl, np.zeros(2), **GD, learning_rate=0.1, options={"disp": True})
    assert "iteration" in capsys.readouterr().err


@pytest.mark.parametrize("method", ["Adam", "ADAM", "adam"])
def test_methods_are_known_in_any_case(method):
    assert tw.minimize(bowl, np.zeros(2), method, learning_rate=0.1).success


def test_methods_may_be_objects_and_classes():
    a = tw.minimize(bowl, np.zeros(2), tw.Adam(learning_rate=0.1), max_iter=9)
    b = tw.minimize(bowl, np.zeros(2), tw.Adam, learning_rate=0.1, max_iter=9)
    c = tw.minimize(bowl, np.zeros(2), "adam", learning_rate=0.1, max_iter=9)
    d = tw.minimize(bowl, np.zeros(2), tw.Adam(0.1), max_iter=9)
    e = tw.minimize(bowl, np.zeros(2), pickle.loads(pickle.dumps(tw.Adam(0.1))), max_iter=9)
    assert len({bits(r.last.x) for r in (a, b, c, d, e)}) == 1


@pytest.mark.parametrize(
    ("how", "error", "said"),
    [
        (
            {"constraints": ()},
            TypeError,
            "constraints= is not offered: every method accepts bounds=",
        ),
        ({"hess": None}, TypeError, "hess= is not offered"),
        ({"hessp": None}, TypeError, "hessp= is not offered"),
        (
            {"method": None},
            TypeError,
            "lbfgs takes memory, x_scale; unexpected keyword 'learning_rate'",
        ),
        ({"method": "simplex"}, ValueError, "method must be one of gradient_descent, "),
        ({"method": 3}, TypeError, "method must be a name or a method object, got int"),
        ({"learning_rate": None}, TypeError, "learning_rate must be a number, got NoneType"),
        ({"learning_rate": "fast"}, TypeError, "learning_rate must be a number, got str"),
        ({"learning_rate": 0}, ValueError, "learning_rate must be > 0 and finite, got 0"),
        ({"learning_rate": -1}, ValueError, "learning_rate must be > 0 and finite, got -1"),
        ({"learning_rate": math.nan}, ValueError, "learning_rate must be > 0 and finite, got nan"),
        ({"learning_rate": math.inf}, ValueError, "learning_rate must be > 0 and finite, got inf"),
        ({"momentum": 0.9}, TypeError, "gradient_descent takes learning_rate, clip_value, "),
        ({"lr": 0.9}, TypeError, "unexpected keyword 'lr'"),
        ({"gtol": -1}, ValueError, "gtol must be >= 0, got -1"),
        ({"xtol": math.nan}, ValueError, "xtol must be >= 0, got nan"),
        ({"ftol": "small"}, TypeError, "ftol must be a number, got str"),
        ({"max_iter": -1}, ValueError, "max_iter must be >= 0, got -1"),
        ({"max_iter": 2.5}, TypeError, "max_iter must be a whole number, got 2.5"),
        ({"max_iter": "ten"}, TypeError, "max_iter must be a whole number, got 'ten'"),
        ({"max_iter": True}, TypeError, "max_iter must be a whole number, got True"),
        ({"max_nfev": 0}, ValueError, "max_nfev must be >= 1, got 0"),
        ({"max_time": -1}, ValueError, "max_time must be >= 0, got -1"),
        ({"max_time": "1 s"}, TypeError, "max_time must be a number, got str"),
        ({"options": {"maxitre": 3}}, TypeError, "options must be among maxiter, "),
        ({"options": 3}, TypeError, "options"),
        ({"callback": 3}, TypeError, "callback"),
    ],
)
def test_bad_options_are_refused(how, error, said):
    with pytest.raises(error) as caught:
        tw.minimize(bowl, np.zeros(2), **({"learning_rate": 0.1} | GD | how))
    assert said in str(caught.value)


def test_missing_learning_rate_is_named():
    with pytest.raises(TypeError, match="gradient_descent needs learning_rate="):
        tw.minimize(bowl, np.zeros(2), "gradient_descent")


def test_hyper_parameters_beside_a_method_object_are_refused():
    with pytest.raises(TypeError, match=r"Adam\(learning_rate=0.1.*unexpected keyword 'b1'"):
        tw.minimize(bowl, np.zeros(2), tw.Adam(0.1), b1=0.5)


@pytest.mark.parametrize("name", ["b1", "b2"])
def test_adams_decays_leave_room_for_something_new(name):
    # With 1 the correction would divide by 1 - 1**t = 0.
    with pytest.raises(ValueError, match=f"{name} must be >= 0 and < 1, got 1"):
        tw.minimize(bowl, np.zeros(2), "adam", learning_rate=0.1, **{name: 1.0})


@pytest.mark.parametrize(
    ("x0", "error", "said"),
    [
        ([math.nan, 0.0], ValueError, "x0 must be finite, got nan at index 0"),
        ([0.0, math.inf], ValueError, "x0 must be finite, got inf at index 1"),
        ([], ValueError, "x0 must not be empty, got shape (0,)"),
        (None, TypeError, "x0 is required"),
        ([1j, 0.0], TypeError, "x0 must be real, got complex128"),
        ("ab", TypeError, "x0 must be numbers, got str"),
        ([[1.0], [1.0, 2.0]], ValueError, "ragged"),
        ([object()], TypeError, "x0 must be numbers"),
    ],
)
@pytest.mark.parametrize("trace", [True, False])
def test_bad_starts_are_refused(x0, error, said, trace):
    with pytest.raises(error) as caught:
        tw.minimize(bowl, x0, **GD, learning_rate=0.1, trace=trace)
    assert said in str(caught.value)


def test_nan_scalar_start_is_refused():
    with pytest.raises(ValueError, match="x0 must be finite, got nan"):
        tw.minimize(omega, math.nan, **GD, learning_rate=0.1)


def test_start_of_another_shape_than_the_objectives_is_refused():
    F = tw.objective(bowl, np.zeros(2))
    with pytest.raises(ValueError, match=r"x0 must have shape \(..., 2\), got \(3,\)"):
        tw.minimize(F, np.zeros(3), **GD, learning_rate=0.1)
    with pytest.raises(ValueError, match="x0 must be one start, got 5"):
        tw.minimize(F, np.zeros((5, 2)), **GD, learning_rate=0.1)
    with pytest.raises(TypeError, match="x0 is required"):
        tw.minimize(F, None, **GD, learning_rate=0.1)


def test_vector_functions_are_refused():
    with pytest.raises(ValueError, match=r"one value, got shape \(2,\).*least_squares"):
        tw.minimize(lambda x: x, np.zeros(2), **GD, learning_rate=0.1)


@pytest.mark.parametrize("dtype", [int, np.float32, bool, np.uint8])
def test_starts_of_other_types_become_floats(dtype):
    res = tw.minimize(bowl, np.zeros(2, dtype), **GD, learning_rate=0.1)
    np.testing.assert_allclose(res.x, 3.0, atol=1e-8)
    assert res.x.dtype == np.float64


def test_start_is_not_changed():
    x0 = np.zeros(2)
    for trace in (True, False):
        res = tw.minimize(bowl, x0, **GD, learning_rate=0.1, trace=trace, max_iter=0)
        res.x[:] = 7.0
        np.testing.assert_array_equal(x0, 0.0)


def test_args_replace_those_of_an_objective():
    calls = []

    def f(x, a):
        calls.append(1)
        return (x - a) ** 2

    F = tw.objective(f, 1.0, args=(2.0,))
    assert tw.minimize(F, 1.0, **GD, learning_rate=0.4, args=(5.0,)).x == pytest.approx(5.0)
    assert tw.minimize(F, 1.0, **GD, learning_rate=0.4, args=6.0).x == pytest.approx(6.0)
    assert tw.minimize(F, 1.0, **GD, learning_rate=0.4).x == pytest.approx(2.0)
    assert F(2.0) == 0.0  # the objective is what it was
    assert len(calls) == 1
    with pytest.raises(ValueError, match="args must hold 1 arrays, got 2"):
        tw.minimize(F, 1.0, **GD, learning_rate=0.4, args=(5.0, 6.0))
    with pytest.raises(ValueError, match=r"args\[0\] must have shape \(\), got \(2,\)"):
        tw.minimize(F, 1.0, **GD, learning_rate=0.4, args=([5.0, 6.0],))


def test_jac_of_an_objective_is_not_ignored():
    F = tw.objective(bowl, np.zeros(2))
    with pytest.raises(TypeError, match="jac"):
        tw.minimize(F, np.zeros(2), **GD, learning_rate=0.4, jac=slope)


# ---- large problems ------------------------------------------------------------------------------


def test_a_million_variables():
    res = tw.minimize(bowl, np.zeros(1_000_000), "momentum", learning_rate=0.1, momentum=0.5,
                      max_iter=30, gtol=0)  # fmt: skip
    assert res.x.shape == (1_000_000,)
    assert np.all(res.x == res.x[0])  # every variable the same bits
    small = tw.minimize(bowl, np.zeros(1), "momentum", learning_rate=0.1, momentum=0.5,
                        max_iter=30, gtol=0)  # fmt: skip
    assert res.x[0] == small.x[0]


# ---- against plain NumPy -------------------------------------------------------------------------


def numpy_momentum(gradient, x, rate, momentum=0.9):
    v = np.zeros_like(x)
    for _ in range(100):
        v = momentum * v + gradient(x)
        x = x - rate * v
    return x


def numpy_adam(gradient, x, rate, b1=0.9, b2=0.999, eps=1e-8, eps_root=0.0):
    m, v = np.zeros_like(x), np.zeros_like(x)
    for t in range(1, 101):
        g = gradient(x)
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        x = x - rate * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t) + eps_root) + eps)
    return x


def rosenbrock_gradient(x):
    a, b = x
    return np.array([-400 * a * (b - a**2) - 2 * (1 - a), 200 * (b - a**2)])


LOOPS = {"momentum": numpy_momentum, "adam": numpy_adam}


@pytest.mark.parametrize(
    ("method", "hyper"),
    [
        ("momentum", {}),
        ("momentum", {"momentum": 0.5}),
        ("momentum", {"momentum": 0.0}),
        ("adam", {}),
        ("adam", {"b1": 0.5, "b2": 0.9}),
        ("adam", {"b1": 0.0, "b2": 0.0, "eps": 1e-3}),
        ("adam", {"eps": 1e-4, "eps_root": 1e-6}),
    ],
)
def test_rules_are_their_formulas(method, hyper):
    rate = {"momentum": 2e-4, "adam": 0.01}[method]
    x0 = np.array([-1.2, 1.0])
    res = tw.minimize(rosenbrock, x0, method, learning_rate=rate, max_iter=100, **NO_TESTS, **hyper)
    # 100 steps, each with a few roundings of 1e-16; the valley does not spread them.
    np.testing.assert_allclose(
        res.last.x, LOOPS[method](rosenbrock_gradient, x0, rate, **hyper), rtol=1e-12
    )


def test_momentum_of_nothing_is_gradient_descent():
    how = {"learning_rate": 1e-3, "max_iter": 50, **NO_TESTS}
    a = tw.minimize(rosenbrock, [-1.2, 1.0], "momentum", momentum=0.0, **how)
    b = tw.minimize(rosenbrock, [-1.2, 1.0], "gradient_descent", **how)
    np.testing.assert_allclose(a.last.x, b.last.x, rtol=1e-15)


# ---- interrupts, threads, the GIL ----------------------------------------------------------------

FOREVER = {"learning_rate": 1e-9, "max_iter": 10**15, "gtol": 0, **GD}


@pytest.fixture
def alarm():
    """alarm(s): KeyboardInterrupt in s seconds, as Ctrl-C would; returns when it was due."""

    def ring(number, frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, ring)

    def set_alarm(seconds):
        signal.setitimer(signal.ITIMER_REAL, seconds)
        return time.perf_counter() + seconds

    yield set_alarm
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


LONG = {
    "small": (rosenbrock, np.array([-1.2, 1.0]), {}),
    "long vector": (rosenbrock, np.zeros(300_000), {}),
    "with a callback": (rosenbrock, np.array([-1.2, 1.0]), {"callback": lambda x: None}),
    "recorded": (rosenbrock, np.array([-1.2, 1.0]), {"record": True}),
    "called": (lambda x: float(rosenbrock(x)), np.array([-1.2, 1.0]), {"trace": False}),
    "bounded": (rosenbrock, np.array([-1.2, 1.0]), {"bounds": [(-2, 2)] * 2}),
}


@pytest.mark.parametrize("kind", LONG)
def test_interrupt_ends_a_descent_within_100_ms(kind, alarm):
    function, x0, how = LONG[kind]
    late = []
    for attempt in range(4):  # the best of four: other programs run on this machine
        due = alarm(0.05 + 0.02 * attempt)
        with pytest.raises(KeyboardInterrupt) as caught:
            tw.minimize(function, x0, **FOREVER, **how)
        late.append(time.perf_counter() - due)
        res = caught.value.result
        assert isinstance(res, tw.Result)
        assert res.nit > 0
        assert np.all(np.isfinite(res.x))
        assert np.isfinite(res.fun)
        assert not res.success
        if late[-1] < 0.1:
            break
    assert min(late) < 0.1, f"{late} s late"


@pytest.mark.parametrize("kind", LONG)
def test_interrupted_descent_says_that_it_was_interrupted(kind, alarm):
    function, x0, how = LONG[kind]
    alarm(0.1)
    with pytest.raises(KeyboardInterrupt) as caught:
        tw.minimize(function, x0, **FOREVER, **how)
    res = caught.value.result
    assert res.reason == tw.Reason.interrupted
    assert res.status == 99
    assert "interrupted" in res.message


def test_interrupt_from_another_thread():
    timer = threading.Timer(0.1, _thread.interrupt_main)
    timer.start()
    began = time.perf_counter()
    with pytest.raises(KeyboardInterrupt) as caught:
        tw.minimize(rosenbrock, [-1.2, 1.0], **FOREVER)
    assert time.perf_counter() - began < 1.0
    assert caught.value.result.reason == tw.Reason.interrupted
    timer.join()


def test_interrupted_descent_can_be_continued(alarm):
    alarm(0.05)
    how = FOREVER | {"learning_rate": 1e-4}
    with pytest.raises(KeyboardInterrupt) as caught:
        tw.minimize(rosenbrock, [-1.2, 1.0], **how)
    first = caught.value.result
    whole = tw.minimize(rosenbrock, [-1.2, 1.0], **(how | {"max_iter": first.nit + 10}))
    rest = tw.minimize(rosenbrock, [-1.2, 1.0], **(how | {"max_iter": 10}), state=first.state)
    assert bits(rest.last.x) == bits(whole.last.x)


def test_exception_of_a_signal_handler_comes_through(alarm):
    mine = MyError("mine")

    def ring(number, frame):
        raise mine

    signal.signal(signal.SIGALRM, ring)
    alarm(0.05)
    with pytest.raises(MyError) as caught:
        tw.minimize(rosenbrock, [-1.2, 1.0], **FOREVER)
    assert caught.value is mine


def test_signal_handler_that_does_nothing_does_not_end_a_descent(alarm):
    rung = []
    signal.signal(signal.SIGALRM, lambda number, frame: rung.append(1))
    alarm(0.05)
    res = tw.minimize(rosenbrock, [-1.2, 1.0], **FOREVER, max_time=0.2)
    assert rung == [1]
    assert res.reason == tw.Reason.max_time


def test_other_threads_run_meanwhile():
    count, done = [0], threading.Event()

    def work():
        while not done.is_set():
            count[0] += 1

    thread = threading.Thread(target=work)
    thread.start()
    before = count[0]
    # Were the GIL held, the other thread would run in the few polls alone, if at all.
    tw.minimize(rosenbrock, [-1.2, 1.0], **FOREVER, max_time=0.3)
    counted = count[0] - before
    done.set()
    thread.join()
    assert counted > 10_000


def test_descents_in_threads_at_once_give_the_bits_they_give_alone():
    starts = np.random.default_rng(10).uniform(-2, 2, (24, 2))
    shared = tw.objective(rosenbrock, starts[0])
    jobs = [(shared if i % 2 else rosenbrock, s, m) for i, s in enumerate(starts)
            for m in ("gradient_descent", "momentum", "adam")]  # fmt: skip
    how = {"learning_rate": 1e-3, "max_iter": 2000, "gtol": 1e-3}
    alone = [tw.minimize(f, s, m, **how) for f, s, m in jobs]
    together, errors = [None] * len(jobs), []
    gate = threading.Barrier(4)

    def work(first):
        try:
            gate.wait(30)
            for i in range(first, len(jobs), 4):
                f, s, m = jobs[i]
                together[i] = tw.minimize(f, s, m, **how)
        except BaseException as e:
            errors.append(e)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert errors == []
    for a, b in zip(alone, together, strict=True):
        assert bits(a.x, a.fun, a.jac, a.last.x) == bits(b.x, b.fun, b.jac, b.last.x)
        assert (a.nit, a.reason, a.message) == (b.nit, b.reason, b.message)


def test_minimize_within_a_callback_and_within_a_function():
    inner = []

    def callback(x):
        inner.append(tw.minimize(bowl, x, **GD, learning_rate=0.1).fun)

    def f(x):
        return called(x) + tw.minimize(bowl, x, **GD, learning_rate=0.1).fun

    res = tw.minimize(bowl, np.zeros(2), **GD, learning_rate=0.1, max_iter=3, callback=callback)
    assert len(inner) == res.nit == 3
    assert tw.minimize(f, np.zeros(2), **GD, learning_rate=0.1, trace=False, jac=slope).success


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
