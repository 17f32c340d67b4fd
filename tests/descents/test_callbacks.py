# SPDX-License-Identifier: BSD-3-Clause
"""Callbacks: what they are given, how they end a descent or a fit, and what they raise."""

# ruff: noqa: ARG005 - signatures are part of what is tested

import numpy as np
import pytest
from descent_cases import GD, MyError, bits, bowl

import thalweg as tw


def banana(x, y):
    return 100.0 * (y - x**2) ** 2 + (1.0 - x) ** 2


def residuals(x, y):
    return [10.0 * (y - x**2), 1.0 - x]


CALLS = [
    lambda callback: tw.minimize(banana, (-1.2, 1.0), callback=callback),
    lambda callback: tw.least_squares(residuals, (-1.2, 1.0), callback=callback),
]


@pytest.mark.parametrize("call", CALLS, ids=["minimize", "least_squares"])
class TestCallbacks:
    def test_a_point_has_the_form_of_the_start(self, call):
        seen = []
        result = call(seen.append)
        assert len(seen) == result.nit
        assert all(isinstance(x, tuple) and len(x) == 2 for x in seen)

    def test_the_name_of_the_parameter_asks_for_an_intermediate_result(self, call):
        seen = []
        result = call(lambda intermediate_result: seen.append(intermediate_result))
        assert [r.nit for r in seen] == list(range(1, result.nit + 1))

    @pytest.mark.parametrize("true", [True, np.True_])
    def test_true_ends_it(self, call, true):
        result = call(lambda _: true)
        assert (result.nit, result.reason) == (1, tw.Reason.stopped_by_callback)

    def test_other_values_do_not_end_it(self, call):
        assert call(lambda _: 1).success

    def test_stop_iteration_ends_it(self, call):
        def stop(_):
            raise StopIteration

        assert call(stop).reason == tw.Reason.stopped_by_callback

    def test_what_is_no_function_is_refused(self, call):
        with pytest.raises(TypeError, match="callback must be a function, got int"):
            call(3)


# ---- points, intermediate results, errors --------------------------------------------------------


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
