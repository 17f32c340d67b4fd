# SPDX-License-Identifier: BSD-3-Clause
"""One descent: how it stops, and its path."""

# ruff: noqa: ARG005 - signatures are part of what is tested
import re
import time

import numpy as np
import pytest
from descent_cases import GD, NO_TESTS, bits, bowl
from problems import omega, power_lines, rosenbrock, waves

import thalweg as tw

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
