# SPDX-License-Identifier: BSD-3-Clause
"""What a picture shows: limits, levels, ticks, points, and the legend's corner."""

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from picture_cases import BOX, bowl, sauna, steep
from scene_cases import descend

from thalweg import plot
from thalweg.plot import view

ROUND = {
    "steep": (steep, [(-1.6, 1.4), (-0.6, 1.8)]),
    "steep above 4.1667": (lambda x, y: steep(x, y) + 25 / 6, [(-1.6, 1.4), (-0.6, 1.8)]),
    "even": (sauna, BOX),
    "small": (lambda x, y: 1e-7 * bowl(x, y), BOX),
    "below 0": (lambda x, y: np.cos(x) + np.sin(y) - 1e3, BOX),
}


@pytest.mark.parametrize("name", ROUND)
def test_numbers_at_the_colour_bar_are_round(name):
    fun, box = ROUND[name]
    ax = plot.contours(fun, bounds=box)
    bar = ax.figure.axes[1]
    ax.figure.draw_without_rendering()
    low, high = bar.get_ylim()
    ticks = [t for t in bar.get_yticks() if low <= t <= high]
    assert 3 <= len(ticks) <= 10
    span = ticks[-1] - ticks[0]
    for tick in ticks:
        near = max(1e-2 * span, abs(tick - ticks[0]))  # digits count from the size of what differs
        digits = 1 - np.floor(np.log10(near))
        assert round(tick, int(digits)) == pytest.approx(tick, rel=1e-12)
    shown = [label.get_text() for label in bar.get_yticklabels()]
    assert [float(text.replace("−", "-")) for text in shown] == pytest.approx(bar.get_yticks())


# ---- limits and points ---------------------------------------------------------------------------


def test_a_pole_does_not_flatten_the_curve():
    res = descend(lambda x: 1 / x + x, 3.0, 0.1, 40)
    ax = res.plot(bounds=(1e-9, 4))
    assert ax.get_ylim()[1] < 10
    assert ax.get_ylim()[0] < 2


def test_points_that_fly_off_do_not_set_the_window():
    res = descend(lambda x: x**2, 1.0, 1.6, 60)
    assert np.abs(res.path.x).max() > 1e10
    low, high = res.plot().get_xlim()
    assert -100 < low < 1 < high < 100


def test_levels_crowd_towards_the_minimum_of_a_steep_function():
    steep = view.levels_of(np.geomspace(1e-3, 1e6, 500))
    assert len(steep) > 10
    assert np.all(np.diff(steep) > 0)
    assert steep[1] - steep[0] < 0.01 * (steep[-1] - steep[-2])
    even = view.levels_of(np.linspace(-1, 1, 500))
    np.testing.assert_allclose(np.diff(even), even[1] - even[0])


def test_a_box_that_does_not_fit_is_refused():
    res = descend(sauna, [0.5, 0.6], 0.25, 5)
    with pytest.raises(ValueError, match=r"bounds must have shape \(2, 2\)"):
        res.plot(bounds=(0, 1))
    with pytest.raises(ValueError, match="finite pairs"):
        res.plot(bounds=[(0, 1), (3, 2)])


def test_long_paths_keep_start_and_end():
    points = np.arange(100_000.0)[:, None]
    thin = view.thinned(points)
    assert len(thin) <= 2000
    assert thin[0] == 0
    assert thin[-1] == 99_999


# ---- one number at a time ------------------------------------------------------------------------


def trail(points, fun, success=False, best=None):
    points, fun = np.asarray(points, dtype=float), np.asarray(fun, dtype=float)
    points = points.reshape(len(fun), -1)
    k = int(np.nanargmin(fun)) if best is None else best
    return view.Trail(points, fun, points[k], fun[k], points[-1], fun[-1], success)


def test_a_trail_has_a_start_only_if_its_path_was_recorded():
    assert trail([0.0, 1.0], [2.0, 1.0]).start.tolist() == [0.0]
    assert trail([0.0], [2.0]).start is None


@pytest.mark.parametrize(
    ("points", "fun", "settled"),
    [
        ([0.0, 0.9, 0.99, 1.0], [9.0, 2.0, 1.1, 1.0], True),  # the last steps are not seen
        ([0.0, 0.5, 0.9, 1.0], [9.0, 5.0, 2.0, 1.0], False),  # on its way
        ([0.0, 1.0, 0.0, 1.0], [9.0, 1.0, 9.0, 1.0], False),  # to and fro
        ([0.0, 1.0, 1.001, 5.0], [9.0, 1.0, 1.0, 9.0], False),  # grew
        ([0.0, 1.0, 1.0], [9.0, 1.0, np.nan], False),  # left
    ],
)
def test_a_trail_has_settled_if_its_last_steps_are_too_short_to_be_seen(points, fun, settled):
    assert trail(points, fun).settled == settled
    assert trail(points, fun, success=True).settled  # it converged


def test_the_end_of_a_trail_is_its_best_point_or_its_last_finite_one():
    rest = trail([0.0, 0.99, 1.0, 1.001], [9.0, 1.1, 1.0, 1.05])
    assert (rest.end[0].tolist(), rest.end[1]) == ([1.0], 1.0)
    away = trail([0.0, 1.0, 3.0, -2.0], [5.0, 1.0, 7.0, np.nan])
    assert (away.end[0].tolist(), away.end[1]) == ([3.0], 7.0)


def test_a_window_leaves_a_quarter_of_the_path_on_either_side():
    path = np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]])
    assert view.window(path, path[2]).tolist() == [[-0.5, 2.5], [-0.5, 2.5]]
    # No side is much shorter: 0.3 of height counts as 0.75 * 2.
    flat = np.array([[0.0, 0.0], [1.0, 0.3], [2.0, 0.0]])
    np.testing.assert_allclose(view.window(flat, flat[2])[1], [0.15 - 1.125, 0.15 + 1.125])


def test_a_window_of_one_point_has_its_size():
    assert view.window(np.array([[4.0]]), np.array([4.0])).tolist() == [[1.0, 7.0]]
    assert view.window(np.array([[0.0]]), np.array([0.0])).tolist() == [[-0.75, 0.75]]
    nowhere = np.array([[np.nan]])
    assert view.window(nowhere, nowhere[0]).tolist() == [[-1.0, 1.0]]


def test_limits_are_given_or_lie_around_all_trails():
    assert view.limits_of((0, 2), 1, []).tolist() == [[0.0, 2.0]]
    assert view.limits_of({"x": (0, 2), "y": (3, 4)}, 2, []).tolist() == [[0, 2], [3, 4]]
    both = view.limits_of(None, 1, [trail([0.0, 1.0, 2.0], [3.0, 2.0, 1.0]), trail([9.0], [1.0])])
    assert both[0, 0] == -0.5
    assert both[0, 1] == 9.0 + 0.75 * 9.0
    with pytest.raises(ValueError, match=r"a picture needs bounds, \(low, high\) for each"):
        view.limits_of(None, 1, [])
    with pytest.raises(ValueError, match=r"bounds must have shape \(1, 2\), got \(2, 2\)"):
        view.limits_of([(0, 1), (0, 1)], 1, [])
    for wrong in ((0, np.inf), (1, 1), (np.nan, 1)):
        with pytest.raises(ValueError, match="finite pairs"):
            view.limits_of(wrong, 1, [])


UNIT = np.array([[0.0, 1.0], [0.0, 1.0]])


@pytest.mark.parametrize(
    ("path", "corner"),
    [
        ([[0.05, 0.95], [0.5, 0.5]], "upper right"),  # the first corner without an end
        ([[0.05, 0.95], [0.95, 0.95]], "lower left"),
        ([[0.05, 0.05], [0.05, 0.95], [0.95, 0.95]], "lower right"),
    ],
)
def test_a_legend_goes_where_it_hides_no_path(path, corner):
    assert view.free_corner([np.array(path)], UNIT, (0.3, 0.3)) == corner


def test_the_ends_of_a_path_are_worth_more_than_its_points():
    # It starts in the upper left corner and is in each of the others for longer.
    path = np.array([[0.1, 0.9], [0.9, 0.9], [0.9, 0.1], [0.1, 0.1], [0.5, 0.5]])
    assert view.free_corner([path], UNIT, (0.3, 0.3)) == "upper right"


def test_valleys_decide_between_corners_that_hide_no_path():
    low = np.array([[0.1, 0.9], [0.9, 0.9], [0.1, 0.1]])
    assert view.free_corner([], UNIT, (0.3, 0.3), low) == "lower right"
    assert view.free_corner([], UNIT) == "upper left"
    # A path is worth more than a valley.
    path = np.array([[0.9, 0.1], [0.8, 0.1]])
    assert view.free_corner([path], UNIT, (0.3, 0.3), low[:2]) == "lower left"


def test_long_steps_are_seen_between_their_ends():
    filled = view._filled_in(np.array([[0.0, 0.0], [16.0, 0.0]]))
    assert sorted(filled[:, 0].tolist()) == list(range(17))
    single = np.array([[1.0, 2.0]])
    assert view._filled_in(single) is single


def test_heights_hold_the_curve_with_some_room():
    assert view.heights(np.linspace(0, 1, 101), np.empty(0)) == pytest.approx((-0.06, 1.06))
    assert view.heights(np.array([3.0, 3.0]), np.empty(0)) == (1.5, 4.5)
    assert view.heights(np.array([0.0, np.inf]), np.empty(0)) == (-0.5, 0.5)
    assert view.heights(np.array([np.nan]), np.empty(0)) == (-1.0, 1.0)


def test_heights_cut_poles_but_no_points():
    pole = np.append(np.linspace(0, 1, 99), 1e6)
    low, high = view.heights(pole, np.array([0.5]))
    assert high < 3
    assert view.heights(pole, np.array([0.5, 1e5]))[1] > 1e5
    low, high = view.heights(-pole, np.array([-0.5]))
    assert low > -10
    assert view.heights(-pole, np.array([-0.5, -1e5]))[0] < -1e5


def test_levels_are_round_numbers():
    np.testing.assert_allclose(view.levels_of(np.linspace(0, 1, 50)), np.arange(21) / 20)
    assert view.levels_of(np.array([3.0, 3.0])).tolist() == [3.0]
    steep = view.levels_of(1e4 * np.linspace(0, 1, 500) ** 6)
    for level in steep:
        assert view._digits(float(level))[0] <= 3, level
    assert np.isfinite(view.levels_of(np.array([-1e308, 0.0, 1e308]))).all()


def test_labels_are_few_and_have_few_digits():
    np.testing.assert_allclose(view.ticks_of(np.arange(21) / 20), np.arange(6) / 5)
    assert view.ticks_of(np.array([1.0, 2.0, 3.0])).tolist() == [1, 2, 3]
    levels = np.array([1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100.0])
    assert view.ticks_of(levels).tolist() == [1, 5, 10, 20, 50, 100]


@pytest.mark.parametrize(
    ("value", "digits", "rank"),
    [(0.25, 2, 2), (500.0, 1, 1), (3.0, 1, 3), (-1e-7, 1, 0), (0.0, 1, 8), (0.3, 1, 3)],
)
def test_digits_are_counted_without_zeros(value, digits, rank):
    assert view._digits(value) == (digits, rank)


def test_rounding_goes_by_the_step():
    assert view.rounded(np.array([0.1 + 0.2]), 0.1).tolist() == [0.3]
    assert view.rounded(np.array([1 / 3, 100 / 3]), np.array([1.0, 100.0])).tolist() == [
        0.333333, 33.3333
    ]  # fmt: skip


def test_short_paths_are_drawn_whole():
    points = np.arange(2000.0)[:, None]
    assert view.thinned(points) is points
    thin = view.thinned(np.arange(5000.0)[:, None])[:, 0]
    assert thin[:100].tolist() == list(range(100))
    assert np.all(np.diff(thin) > 0)
    assert len(thin) == view.DRAWN
