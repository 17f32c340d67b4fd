# SPDX-License-Identifier: BSD-3-Clause
"""Functions that are called at every evaluation: their values, gradients and counts."""

# ruff: noqa: ARG005 - signatures are what is tested

import numpy as np
import pytest

from thalweg._objectives.untraced import Called


def square(x):
    return float(np.sum(x**2))


def slope(x):
    return 2 * x


def called(function=square, x0=(1.0, 2.0), args=(), jac=None, **how):
    return Called(function, np.array(x0), args, jac, None, **how)


def test_a_gradient_given_by_hand_is_taken_as_it_is():
    x = np.array([3.0, -4.0])
    for F in (called(jac=slope), called(lambda x: (square(x), slope(x)), jac=True)):
        value, gradient = F.rows_value_and_grad_one(x)
        assert value == 25.0
        np.testing.assert_array_equal(gradient, [6.0, -8.0])
        assert (F.calls, F.cost) == ([1, 1], 1)


def test_differences_cost_two_calls_for_each_variable():
    F = called()
    value, gradient = F.rows_value_and_grad_one(np.array([3.0, -4.0]))
    assert value == 25.0
    np.testing.assert_allclose(gradient, [6.0, -8.0], rtol=1e-9)
    assert (F.calls, F.cost) == ([5, 1], 5)


def test_without_slopes_the_gradient_is_nan_and_costs_nothing():
    seen = []
    F = called(lambda x: seen.append(1) or square(x), slopes=False)
    value, gradient = F.rows_value_and_grad_one(np.array([3.0, -4.0]))
    assert value == 25.0
    assert np.isnan(gradient).all()
    assert (F.calls, F.cost, len(seen)) == ([1, 0], 1, 1)


def test_differences_stay_within_the_bounds():
    seen = []

    def f(x):
        seen.append(x.copy())
        return square(x)

    F = called(f)
    F.box = [np.array([0.0, 0.0]), np.array([1.0, 1.0])]
    _, gradient = F.rows_value_and_grad_one(np.array([0.0, 1.0]))
    np.testing.assert_allclose(gradient, [0.0, 2.0], atol=1e-4)
    assert all(((p >= 0) & (p <= 1)).all() for p in seen)


def test_args_follow_the_variables_and_elements_go_one_by_one():
    F = Called(lambda x, y, a: a * (x - y) ** 2, [3.0, 1.0], (10.0,), lambda x, y, a: (
        2 * a * (x - y), -2 * a * (x - y)), None)  # fmt: skip
    value, gradient = F.rows_value_and_grad_one(np.array([3.0, 1.0]))
    assert value == 40.0
    np.testing.assert_array_equal(gradient, [40.0, -40.0])


def test_gradients_come_in_the_form_of_x0():
    def f(a, b):
        return a**2 + np.sum(b)

    F = Called(f, {"a": 1.0, "b": np.ones(2)}, (), lambda a, b: {"b": np.ones(2), "a": 2 * a}, None)
    _, gradient = F.rows_value_and_grad_one(np.array([5.0, 1.0, 1.0]))
    np.testing.assert_array_equal(gradient, [10.0, 1.0, 1.0])


def test_the_latest_and_the_lowest_point_are_remembered_without_a_call():
    F = called(jac=slope)
    low, middle, high = (np.array([v, 0.0]) for v in (1.0, 2.0, 3.0))
    for x in (middle, low, high):
        F.rows_value_and_grad_one(x)
    calls = list(F.calls)
    values, gradients = F.rows_value_and_grad(np.array([high, middle, low]))
    np.testing.assert_array_equal(values, [9.0, np.nan, 1.0])
    np.testing.assert_array_equal(gradients, [[6.0, 0.0], [np.nan, np.nan], [2.0, 0.0]])
    assert F.calls == calls


def test_of_two_lowest_points_the_later_is_remembered():
    F = called(jac=slope)
    for x in ([2.0, 0.0], [0.0, 2.0], [5.0, 5.0]):
        F.rows_value_and_grad_one(np.array(x))
    values, _ = F.rows_value_and_grad(np.array([[2.0, 0.0], [0.0, 2.0]]))
    np.testing.assert_array_equal(values, [np.nan, 4.0])


def test_a_remembered_point_is_a_copy():
    F = called(jac=slope)
    x = np.array([1.0, 0.0])
    F.rows_value_and_grad_one(x)
    x[0] = 7.0
    values, _ = F.rows_value_and_grad(np.array([[1.0, 0.0], [7.0, 0.0]]))
    np.testing.assert_array_equal(values, [1.0, np.nan])


def test_evaluating_again_is_not_counted():
    F = called()
    F.rows_value_and_grad_one(np.array([1.0, 1.0]))
    before = list(F.calls)
    values, gradients = F.again(np.array([[1.0, 2.0], [0.0, 3.0]]))
    np.testing.assert_array_equal(values, [5.0, 9.0])
    np.testing.assert_allclose(gradients, [[2.0, 4.0], [0.0, 6.0]], atol=1e-8)
    assert F.calls == before


@pytest.mark.parametrize(
    ("function", "jac", "error", "said"),
    [
        (3, None, TypeError, "the function must be callable, got int"),
        (square, 3, TypeError, "jac must be a function, True or None, got 3"),
        (square, False, TypeError, "jac must be a function, True or None, got False"),
    ],
)
def test_what_cannot_be_called_is_refused_at_once(function, jac, error, said):
    with pytest.raises(error, match=said):
        called(function, jac=jac)


@pytest.mark.parametrize(
    ("function", "jac", "error", "said"),
    [
        (lambda x: x, None, ValueError, r"must return one value, got shape \(2,\)"),
        (lambda _: None, None, TypeError, "the function's value must be numbers, got NoneType"),
        (lambda _: 1j, None, TypeError, "the function's value must be real"),
        (square, True, TypeError, r"must return \(value, gradient\), got float"),
        (lambda x: (1.0, x, x), True, TypeError, r"must return \(value, gradient\), got tuple"),
        (
            square,
            lambda _: np.ones(3),
            ValueError,
            r"jac must have shape \(\.\.\., 2\), got \(3,\)",
        ),
        (square, lambda _: "no", TypeError, "jac must be numbers"),
    ],
)
def test_what_is_no_value_or_gradient_is_refused_when_it_comes(function, jac, error, said):
    F = called(function, jac=jac)
    with pytest.raises(error, match=said):
        F.rows_value_and_grad_one(np.array([1.0, 2.0]))


def test_a_value_of_one_element_in_any_shape_will_do():
    for shape in ((), (1,), (1, 1)):
        F = called(lambda x, s=shape: np.full(s, square(x)), jac=slope)
        assert F.rows_value_and_grad_one(np.array([1.0, 2.0]))[0] == 5.0
