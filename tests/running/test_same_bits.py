# SPDX-License-Identifier: BSD-3-Clause
"""What a value rounds to does not depend on which inputs differ from lane to lane.

A product is fused into the sum that alone uses it. Whether it is must not depend on whether the
product is the same in every lane: arguments are shared by one start and may be a lane's own among
many, hyper-parameters are shared by one descent and vary in a sweep, and a Hessian comes row by row
where there is one start.
"""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import thalweg as tw

RNG = np.random.default_rng(5)

# Of x and of arguments, of which products stand in sums: as numbers, small arrays and long ones.
FUNCTIONS = {
    "a number": lambda x, a, b: np.sum((x - a * b) ** 2),
    "a sum": lambda x, a, b: np.sum(np.sin(a * b + x)),
    "powers": lambda x, a, b: np.sum(np.cos(a**3 - x)) + np.sum(b**5 + x**2),
    "both ways": lambda x, a, b: np.sum((a * b + x) * (x + a * b)),
    "used twice": lambda x, a, b: np.sum(a * b) + np.sum(np.exp(a * b - x**2)),
    "through views": lambda x, a, b: np.sum(np.sin((a * b)[::-1] + x) + (a * b).reshape(-1)),
    "elements": lambda x, a, b: sum(x[i] * np.sin(a[i] * b[i] + x[i]) for i in range(len(x))),
    "dots": lambda x, a, b: np.sin(a @ b + x @ x) + np.sum(a * b) * x[0],
    "divided": lambda x, a, b: np.sum(np.tanh(a / 4 + x) + (x - b / 2)),
    "an outer product": lambda x, a, b: np.sum(np.sin(np.outer(a, b) + x)),
    "nested": lambda x, a, b: np.sum(np.sin(np.exp(a * b + a) - x * b + a * a)),
}


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 9, 33])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_arguments_of_a_lane_have_the_bits_of_shared_ones(name, n):
    k = 11
    x, a, b = (RNG.standard_normal((k, n)) for _ in range(3))
    F = tw.objective(FUNCTIONS[name], x[0], (a[0], b[0]))
    values, slopes = F.values_and_grads(x, [a, b], [True, True])
    mixed, others = F.values_and_grads(x, [a, b[0]], [True, False])
    for i in range(k):
        own = F.with_args((a[i], b[i]))
        value, slope = own.value_and_grad(x[i])
        assert value == values[i]
        assert_array_equal(slope, slopes[i])
        shared, slope = F.with_args((a[i], b[0])).value_and_grad(x[i])
        assert shared == mixed[i]
        assert_array_equal(slope, others[i])


@pytest.mark.parametrize("method", ["lbfgs", "newton", "compass", "momentum"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_descents_with_arguments_of_their_own_have_the_bits_of_one_alone(name, method):
    k, n = 7, 5
    x, a, b = (0.3 * RNG.standard_normal((k, n)) for _ in range(3))
    how = {"max_iter": 5} | ({"learning_rate": 0.01} if method == "momentum" else {})
    many = tw.minimize_many(FUNCTIONS[name], x, method, lane_args=(a, b), **how)
    for i in range(k):
        one = tw.minimize(FUNCTIONS[name], x[i], method, args=(a[i], b[i]), **how)
        assert_array_equal(one.x, many.x[i])
        assert one.nit == many.nit[i]


@pytest.mark.parametrize("n", [17, 33, 40])
def test_newton_takes_the_same_hessian_alone_and_among_others(n):
    """One start has its Hessian from products with unit vectors, where x is the same in all."""
    t = RNG.standard_normal(n)

    def f(x):
        r = np.hypot(x, x + 1)
        return np.sum(np.sin(x * t)) + np.sin(r @ r / 8) + np.sum(np.arctan2(r, x)) + (x @ t) ** 2

    x = RNG.standard_normal((3, n))
    for steps in (1, 3):
        many = tw.minimize_many(f, x, "newton", max_iter=steps)
        for i in range(3):
            assert_array_equal(tw.minimize(f, x[i], "newton", max_iter=steps).x, many.x[i])


@pytest.mark.parametrize("method", ["momentum", "adam", "rmsprop"])
def test_a_sweep_has_the_bits_of_each_descent_alone(method):
    def f(x):
        return np.sum(x**4) + x[0] * x[1]

    rates = np.geomspace(1e-3, 0.05, 9)
    swept = tw.sweep(f, np.array([0.7, -0.4]), method, learning_rate=rates, max_iter=20)
    for i, rate in enumerate(rates):
        one = tw.minimize(f, np.array([0.7, -0.4]), method, learning_rate=rate, max_iter=20)
        assert_array_equal(one.x, np.asarray(swept.x)[i])


def test_a_method_of_values_alone_returns_the_value_that_it_saw():
    """Its gradient is evaluated afterwards, together with a value that may be rounded otherwise."""

    def f(x):
        u = np.reciprocal(1.196 + 1.5 * np.mean(x))
        w = np.logaddexp(x, x)
        return np.sum(np.sin(x)) + u**2 + np.sum(np.sin(np.outer(x, x))) + np.mean(w * x - u)

    x = RNG.standard_normal((40, 4))
    for steps in (1, 4):
        many = tw.minimize_many(f, x, "compass", max_iter=steps)
        for i in range(len(x)):
            assert tw.minimize(f, x[i], "compass", max_iter=steps).fun == many.fun[i]
