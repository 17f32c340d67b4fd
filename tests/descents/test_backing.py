# SPDX-License-Identifier: BSD-3-Clause
"""Whether a small gradient belongs to a minimum nearby, as the secant along it says."""

import numpy as np
import pytest

import thalweg as tw
from thalweg._descents.backing import backed


def parabola(curvature, minimum=0.0):
    """Gradients of ``curvature / 2 * (x - minimum)**2``."""
    return lambda x: curvature * (x - minimum)


def told(gradients, x, start):
    x, start = np.atleast_2d(x), np.atleast_2d(start)
    return backed(gradients, x, gradients(x), start).tolist()


@pytest.mark.parametrize(
    ("distance", "near"), [(0.0, True), (1e-9, True), (0.9e-6, True), (1.1e-6, False), (0.1, False)]
)
def test_a_minimum_within_a_millionth_of_the_variable_is_near(distance, near):
    # The gradient of a parabola is linear, so the secant puts the minimum where it is.
    x = 5.0
    gradients = parabola(3.0, x * (1 + distance))
    if distance == 0:  # a gradient of exactly zero has no direction; a rounding of it has
        gradients = parabola(3.0, x * (1 + 1e-15))
    assert told(gradients, [[x]], [[x]]) == [near]


@pytest.mark.parametrize("curvature", [1e-30, 1.0, 1e30])
def test_the_unit_of_the_function_does_not_matter(curvature):
    assert told(parabola(curvature, 1 + 1e-8), [[1.0]], [[1.0]]) == [True]
    assert told(parabola(curvature, 1 + 1e-4), [[1.0]], [[1.0]]) == [False]


def test_a_small_gradient_on_a_slope_without_curvature_is_no_minimum():
    assert told(lambda x: np.full_like(x, 1e-12), [[1.0, 2.0]], [[1.0, 2.0]]) == [False]


def test_a_maximum_is_not_backed():
    assert told(parabola(-1.0, 1 + 1e-8), [[1.0]], [[1.0]]) == [False]


def test_the_distance_from_the_start_is_a_unit_too():
    # 1e-4 from the minimum at 0: far for x = 1e-4 alone, near for what came from 1000.
    assert told(parabola(2.0), [[1e-4]], [[1e-4]]) == [False]
    assert told(parabola(2.0), [[1e-4]], [[1000.0]]) == [True]


def test_variables_without_a_unit_are_not_known():
    assert told(parabola(2.0, 1e-20), [[0.0, 1.0]], [[0.0, 1.0]]) == [False]


def test_each_point_is_judged_alone_and_all_in_one_call():
    calls = []

    def gradients(x):
        calls.append(x.shape)
        return 2.0 * (x - 1.0)

    x = np.array([[1.0 + 1e-9], [1.5], [1.0 - 1e-8]])
    slopes = 2.0 * (x - 1.0)
    assert backed(gradients, x, slopes, x).tolist() == [True, False, True]
    assert calls == [(3, 1)]


def test_gradients_that_are_not_finite_are_no_minimum_and_warn_of_nothing():
    assert told(lambda x: np.where(x == 1.0, 1e-9, np.nan), [[1.0]], [[1.0]]) == [False]


def test_a_rule_that_starts_at_a_minimum_has_converged():
    # 1e-9 from the minimum: the gradient does not fall below 1e-8 of itself at the start.
    how = {"learning_rate": 1e-3, "max_iter": 5}
    near = tw.minimize(lambda x: (x - 1.0) ** 2, 1.0 + 1e-9, "gradient_descent", **how)
    assert (near.reason, near.success) == (tw.Reason.gradient_small, True)
    flat = tw.minimize(lambda x: 1e-9 * x, 1.0, "gradient_descent", **how)
    assert (flat.reason, flat.success) == (tw.Reason.max_iterations, False)
