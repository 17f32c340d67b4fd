# SPDX-License-Identifier: BSD-3-Clause
"""Tangent lines and planes in numbers."""

import numpy as np
import pytest

import thalweg as tw


def bowl(x, y):
    return x**2 + y**2


def test_the_courses_plane_comes_out():
    plane = tw.tangent(bowl, [2, 4])
    assert plane.value == 20
    np.testing.assert_array_equal(plane.gradient, [4, 8])
    for x, y in [(2, 4), (0, 0), (3.5, -1.25)]:
        assert plane(x, y) == 20 + 4 * (x - 2) + 8 * (y - 4)
    assert repr(plane) == "<thalweg.Tangent 20.0 + 4 (x - 2) + 8 (y - 4)>"


def test_a_line_touches_a_function_of_one_variable():
    line = tw.tangent(lambda t: np.exp(t) - np.log(t), 0.05)
    assert line.gradient == pytest.approx(-18.948728903623977, rel=1e-15)
    assert line(0.05) == line.value
    assert line(1.05) - line(0.05) == pytest.approx(line.gradient, rel=1e-15)


def test_it_touches_to_second_order():
    def f(x, y):
        return np.sin(x) * np.exp(y)

    plane = tw.tangent(f, [0.3, 0.7])
    errors = [abs(f(0.3 + h, 0.7 - h) - plane(0.3 + h, 0.7 - h)) for h in (1e-2, 1e-3)]
    assert errors[0] / errors[1] == pytest.approx(100, rel=0.05)  # a tenth as far: a hundredth


def test_lanes_in_front_are_heights_together():
    plane = tw.tangent(bowl, [2, 4])
    x, y = np.meshgrid(np.linspace(0, 1, 4), np.linspace(0, 1, 3))
    heights = plane(x, y)
    assert heights.shape == (3, 4)
    np.testing.assert_array_equal(plane(np.stack([x, y], axis=-1)), heights)
    assert heights[1, 2] == plane(x[1, 2], y[1, 2])


def test_points_of_every_form_come_back_in_theirs():
    def f(a, b):
        return a * np.sum(b**2)

    touched = tw.tangent(f, {"a": 2.0, "b": [1.0, 3.0]})
    assert touched.gradient["a"] == 10
    np.testing.assert_array_equal(touched.gradient["b"], [4, 12])
    assert touched(a=2.0, b=[1.0, 3.0]) == touched.value == 20
    touched = tw.tangent(f, (2.0, [1.0, 3.0]))
    assert touched.at[0] == 2
    assert repr(touched) == "<thalweg.Tangent 20.0 + 10 (a - 2) + 4 (b[0] - 1) + 12 (b[1] - 3)>"


def test_signs_and_zeros_are_written_as_by_hand():
    line = tw.tangent(lambda x, y: 3 - 2 * x + y, [-1.0, 0.0])
    assert repr(line) == "<thalweg.Tangent 5.0 - 2 (x + 1) + 1 y>"


def test_args_reach_the_function():
    assert tw.tangent(lambda x, a: a * x, 1.0, args=(3.0,)).gradient == 3


def test_what_does_not_fit_is_refused():
    with pytest.raises(TypeError, match=r"one value, got shape \(2,\)"):
        tw.tangent(lambda x: np.stack([x, x]), 1.0)
    with pytest.raises(ValueError, match="at must be finite"):
        tw.tangent(bowl, [np.nan, 1.0])
    F = tw.objective(bowl, [1.0, 1.0])
    with pytest.raises(ValueError, match="at must be one point"):
        tw.tangent(F, np.ones((3, 2)))
    with pytest.raises(ValueError, match="at must have shape"):
        tw.tangent(F, [1.0, 2.0, 3.0])


def test_a_vertical_tangent_has_heights_without_a_warning():
    vertical = tw.tangent(lambda x: np.sqrt(x), 0.0)
    assert vertical(1.0) == np.inf
    assert np.isnan(vertical(0.0))
