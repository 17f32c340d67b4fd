# SPDX-License-Identifier: BSD-3-Clause
"""Kinds of points: minima, saddles and maxima are told apart, on flat ground and at kinks too."""

import numpy as np
import pytest
from problems import himmelblau

import thalweg as tw
from thalweg._descents.stationary import Box, Kind, judge, polished


def test_minima_are_polished_to_the_limit_of_precision():
    exact = np.array([3.0, 2.0])
    found = tw.multistart(himmelblau, [(-5, 5)] * 2, method="gradient_descent",
                          learning_rate=0.01, max_iter=30)  # fmt: skip
    at = np.abs(found.x - exact).max(axis=1).argmin()
    # The Hessian there is about 30 to 80: a value of 0 is known to eps, x to its root at worst.
    np.testing.assert_allclose(found.x[at], exact, atol=1e-9)
    ends = found.ends.x[found.labels == at]
    assert np.abs(ends - exact).max() > 1e-7  # where the descents themselves were stopped


def test_saddles_and_maxima_are_told_apart():
    # Descents that start on the axes of x**2 - y**2 + y**4 go to the saddle in the middle.
    def f(x, y):
        return x**2 - y**2 + y**4

    on_axis = tw.multistart(f, [(-1, 1), (0, 0)], n=8)  # y is held: a minimum of what is left
    assert len(on_axis) == 1
    b = tw.basins(f, [(-1, 1), (-1, 1)], (5, 5), "gradient_descent", learning_rate=0.1)
    assert np.all(b.labels[:, 2] == -1)
    assert np.all(b.minima.kinds[:, 2] == Kind.saddle)
    (saddle,) = b.minima.others
    assert saddle.kind == Kind.saddle
    assert saddle.counts == 5
    np.testing.assert_allclose(saddle.eigenvalues, [-2.0, 2.0], rtol=1e-6)
    assert len(b.minima) == 2
    top = tw.basins(lambda x: np.cos(x), (-1, 1), 3, "gradient_descent", learning_rate=0.1)
    assert top.minima.kinds[1] == Kind.maximum
    assert "maximum 1" in repr(top.minima)


def test_a_minimum_at_the_border_is_a_minimum_of_the_box():
    found = tw.multistart(lambda x, y: x + (y - 1) ** 2, [(2, 3), (0, 5)], n=50)
    np.testing.assert_allclose(found.x, [[2.0, 1.0]])
    assert found.active_mask.tolist() == [[-1, 0]]
    assert np.isnan(found.eigenvalues[0]).tolist() == [False, True]
    assert found.eigenvalues[0, 0] == pytest.approx(2.0)
    corner = tw.multistart(lambda x, y: x - y, [(2, 3), (0, 5)], n=50)
    assert corner.active_mask.tolist() == [[-1, 1]]
    assert not corner.flat[0]


def test_a_ring_of_minima_is_said_to_be_one():
    found = tw.multistart(lambda x, y: (x**2 + y**2 - 1) ** 2, [(-2, 2), (-2, 2)], n=200)
    assert found.flat.all()
    assert len(found) > 50
    np.testing.assert_allclose(np.hypot(*found.x.T), 1.0, atol=1e-7)
    assert "continuum of minima" in repr(found)
    for i, x in enumerate(found.x):  # apart by tol of the width
        near = np.abs(found.x - x).max(axis=1) <= 1e-3 * 4
        assert near.sum() == 1, i


def test_a_plain_is_flat_and_the_bottom_of_a_quartic_is_one_minimum():
    assert tw.multistart(lambda x, y: 0 * x * y + 3, [(0, 1)] * 2, n=64).flat.all()
    quartic = tw.multistart(lambda x, y: (x - 0.3) ** 4 + (y + 0.2) ** 4, [(-1, 1)] * 2, n=300)
    assert quartic.counts.tolist() == [300]
    np.testing.assert_allclose(quartic.x, [[0.3, -0.2]], atol=1e-3)


def test_flat_ground_with_lower_ground_beside_it_is_no_minimum():
    # x**3: at 0 slope and curvature vanish, and f falls to the left.
    b = tw.basins(lambda x: x**3, (-1, 1), 3, "gradient_descent", learning_rate=0.1, max_iter=5)
    assert b.minima.kinds[1] == Kind.saddle
    assert b.labels[1] == -1


def test_kinks_are_minima_too():
    found = tw.multistart(lambda x, y: abs(x) + (y - 1) ** 2, [(-2, 3), (-2, 3)], n=100)
    assert len(found) == 1
    np.testing.assert_allclose(found.x, [[0.0, 1.0]], atol=5e-3)
    assert found.counts[0] >= 90


# ---- one point at a time -------------------------------------------------------------------------

TOL = 1e-3


def box(lower, upper, held=True):
    return Box(np.asarray(lower, dtype=float), np.asarray(upper, dtype=float), held)


WIDE = box([-1, -1], [1, 1])


def judged(function, points, around=WIDE, settled=True, stuck=False):
    x = np.atleast_2d(np.asarray(points, dtype=float))
    F = tw.objective(function, np.zeros(x.shape[1]), unpack=False)
    k = len(x)
    return judge(F, x, np.full(k, settled), np.full(k, stuck), around, TOL)


def test_a_box_measures_in_its_own_width():
    b = box([0, -2, 3], [4, 2, 3])
    assert b.width.tolist() == [4.0, 4.0, 1.0]  # a fixed variable counts 1
    np.testing.assert_allclose(b.scaled(np.array([[1.0, 0.0, 3.0]]), 0.5), [[0.5, 1.0, 0.0]])
    assert [end.tolist() for end in b.descent_box] == [[0, -2, 3], [4, 2, 3]]
    assert box([0], [1], held=False).descent_box == []


@pytest.mark.parametrize(
    ("function", "kind", "eigenvalues"),
    [
        (lambda x: x[0] ** 2 + 3 * x[1] ** 2, Kind.minimum, [2.0, 6.0]),
        (lambda x: x[0] ** 2 - 3 * x[1] ** 2, Kind.saddle, [-6.0, 2.0]),
        (lambda x: -(x[0] ** 2) - 3 * x[1] ** 2, Kind.maximum, [-6.0, -2.0]),
        (lambda x: x[0] * x[1], Kind.saddle, [-1.0, 1.0]),
    ],
)
def test_signs_of_the_eigenvalues_decide(function, kind, eigenvalues):
    told = judged(function, [0.0, 0.0])
    assert told.kind.tolist() == [kind]
    np.testing.assert_allclose(told.eigenvalues, [eigenvalues], atol=1e-12)


@pytest.mark.parametrize(("off", "kind"), [(0.9, Kind.minimum), (1.1, Kind.unfinished)])
def test_a_point_is_stationary_within_tol_of_the_width(off, kind):
    # The Newton step of a parabola is the distance to its minimum; the width is 2.
    told = judged(lambda x: np.sum(x**2), [off * TOL * 2.0, 0.0])
    assert told.kind.tolist() == [kind]
    np.testing.assert_allclose(told.eigenvalues, [[2.0, 2.0]])


def test_what_had_not_settled_can_be_near_a_minimum_only():
    near = [1e-4, 1e-4]
    assert judged(lambda x: np.sum(x**2), near, settled=False).kind.tolist() == [Kind.minimum]
    saddle = judged(lambda x: x[0] ** 2 - x[1] ** 2, near, settled=False)
    assert saddle.kind.tolist() == [Kind.unfinished]
    slope = judged(lambda x: x[0] + x[1] ** 2, [0.0, 0.0], settled=False)
    assert slope.kind.tolist() == [Kind.unfinished]


def test_variables_at_an_active_bound_are_left_out():
    # f falls beyond x0 = -1, so x0 is held there; x1 is free.
    told = judged(lambda x: x[0] - x[0] ** 2 + x[1] ** 2 / 4 + 2 * x[0], [-1.0, 0.0])
    assert told.kind.tolist() == [Kind.minimum]
    np.testing.assert_allclose(told.eigenvalues, [[0.5, np.nan]])
    may_leave = box([-1, -1], [1, 1], held=False)
    free = judged(lambda x: 3 * x[0] + x[1] ** 2, [-1.0, 0.0], may_leave, settled=False)
    assert free.kind.tolist() == [Kind.unfinished]


def test_a_corner_has_no_eigenvalues():
    told = judged(lambda x: x[0] - x[1], [-1.0, 1.0])
    assert told.kind.tolist() == [Kind.minimum]
    assert not told.flat[0]
    assert np.isnan(told.eigenvalues).all()


def test_a_flat_direction_is_judged_by_values_around():
    valley = judged(lambda x: x[0] ** 2, [0.0, 0.5])
    assert (valley.kind.tolist(), valley.flat.tolist()) == ([Kind.minimum], [True])
    falls = judged(lambda x: x[0] ** 2 + x[1] ** 3, [0.0, 0.0])
    assert (falls.kind.tolist(), falls.flat.tolist()) == ([Kind.saddle], [True])


@pytest.mark.parametrize(("curvature", "flat"), [(1e-6, False), (1e-7, False), (1e-9, True)])
def test_a_curvature_counts_if_it_is_half_of_the_digits_of_the_largest(curvature, flat):
    told = judged(lambda x: x[0] ** 2 + curvature * x[1] ** 2, [0.0, 0.0])
    assert told.flat.tolist() == [flat]
    assert told.kind.tolist() == [Kind.minimum]


def test_a_kink_is_a_minimum_if_no_value_around_is_lower():
    def tent(x):
        return np.abs(x[0]) + np.abs(x[1])

    assert judged(tent, [0.0, 0.0], settled=False, stuck=True).kind.tolist() == [Kind.minimum]
    assert judged(lambda x: np.abs(x[0]) + 0.5 * x[1], [0.0, 0.0], settled=False, stuck=True).kind \
        .tolist() == [Kind.unfinished]  # fmt: skip


def test_units_of_variables_are_those_of_the_box():
    # Curvatures 2e-12 and 2 differ by 1e12; in units of the box they are alike.
    around = box([-1e6, -1], [1e6, 1])
    told = judged(lambda x: (x[0] / 1e6) ** 2 + x[1] ** 2, [0.0, 0.0], around)
    assert told.kind.tolist() == [Kind.minimum]
    assert not told.flat[0]


def test_polishing_ends_at_the_minimum_and_takes_no_leaps():
    F = tw.objective(lambda x: np.sum((x - 0.3) ** 4 + (x - 0.3) ** 2), np.zeros(2), unpack=False)
    x = np.array([[0.3005, 0.2999], [0.5, 0.5]])
    better, values, slopes = polished(F, x, WIDE, TOL)
    np.testing.assert_allclose(better[0], 0.3, atol=1e-15)
    assert better[1].tolist() == [0.5, 0.5]  # the minimum is 0.2 away, more than tol * 2
    np.testing.assert_array_equal(values, F(better))
    np.testing.assert_array_equal(slopes, F.grad(better))


def test_kinds_print_their_names():
    assert [str(k) for k in Kind] == ["minimum", "saddle", "maximum", "unfinished"]
