# SPDX-License-Identifier: BSD-3-Clause
"""The look of all pictures: colours, lines, marks of ends, and legends."""

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from matplotlib.colors import to_rgba
from picture_cases import BOX, bowl, legend, marked, omega, rendered, run, sauna, steep

import thalweg as tw
from thalweg import plot
from thalweg.plot import canvas

# ---- every function ------------------------------------------------------------------------------


def test_lines_are_told_apart_in_grey():
    def lightness(color):
        r, g, b = to_rgba(color)[:3]
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    # Two lines that look alike in grey have another dash and mark.
    looks = {(str(canvas.DASHES[k]), canvas.MARKS[k]) for k in range(len(canvas.LINES))}
    assert len(looks) == len(canvas.LINES)
    assert all(lightness(color) < 0.65 for color in canvas.LINES), "too light on white"
    shades = canvas.hills()(np.linspace(0, 1, 64))
    assert np.all(np.diff([lightness(s) for s in shades]) > 0), "heights grow lighter"


# ---- one variable --------------------------------------------------------------------------------


def test_a_path_does_not_erase_the_curve_beneath_it():
    ax = plot.curve(omega, run(omega, 1.6), bounds=(0.1, 2))
    assert not [line for line in ax.get_lines() if line.get_color() == "white"]
    # Over contours a white edge lifts the path off.
    ax = plot.contours(sauna, run(sauna, [0.5, 0.6]), bounds=BOX)
    assert [line for line in ax.get_lines() if line.get_color() == "white"]


JUMPS = {
    "left the domain": (omega, 1.6, 0.5, 25), "bounces": (sauna, [0.5, 0.6], 0.5, 20),
    "grows": (bowl, [1.0, 1.0], 1.1, 5), "is on its way": (sauna, [0.5, 0.6], 0.15, 20),
}  # fmt: skip


@pytest.mark.parametrize("why", JUMPS)
def test_a_star_stands_only_where_a_descent_came_to_rest(why):
    fun, start, rate, count = JUMPS[why]
    result = run(fun, start, rate=rate, count=count)
    ax = plot.descent(fun, result)
    assert not marked(ax, "*")
    assert "best" not in legend(ax)
    if why == "left the domain":
        assert not marked(ax, "X"), "it has no other point than its start"
        return
    (end,) = marked(ax, "X")
    np.testing.assert_array_equal(end, result.last.x)
    calm = run(fun, start, rate=0.25, count=60)
    (star,) = marked(plot.descent(fun, calm), "*")
    np.testing.assert_array_equal(star, calm.x)


def test_without_a_path_the_lowest_point_of_a_descent_that_left_is_no_star():
    def f(x, y):
        return np.exp(x) - np.log(x) + y**2

    kw = {"learning_rate": 0.5, "max_iter": 25}
    left = tw.minimize(f, [1.6, 1.0], "gradient_descent", **kw)
    assert str(left.reason) == "left_domain"
    ax = plot.contours(f, left, bounds=[(0.1, 2), (-1, 2)])
    assert legend(ax) == ["lowest"]
    (mark,) = marked(ax, "X")
    np.testing.assert_array_equal(mark, left.x)
    rendered(ax)


# ---- two variables -------------------------------------------------------------------------------


def test_the_legend_keeps_off_the_valley_and_the_path():
    box = np.array([(-1.6, 1.4), (-0.6, 1.8)])
    ax = plot.contours(steep, run(steep, [-1.2, 1.0], "newton", count=60), bounds=box)
    ax.figure.draw_without_rendering()
    covered = ax.get_legend().get_window_extent().transformed(ax.transData.inverted())
    x = np.linspace(*box[0], 301)
    floor = np.column_stack([x, x**2])
    floor = floor[floor[:, 1] < box[1, 1]]
    assert not covered.count_contains(floor)
    for line in ax.get_lines():
        assert not covered.count_contains(line.get_xydata())
