# SPDX-License-Identifier: BSD-3-Clause
"""The look of all pictures: colours, lines, marks of ends, and legends."""

import sys

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from matplotlib.colors import to_rgba
from picture_cases import BOX, bowl, legend, marked, omega, rendered, run, sauna, steep

import thalweg as tw
from thalweg import plot
from thalweg.plot import canvas, view

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


# ---- one part at a time --------------------------------------------------------------------------


def empty(limits=((0, 1), (0, 1))):
    ax = canvas.axes(None)
    ax.set(xlim=limits[0], ylim=limits[1])
    return ax


def trail(points, success=False):
    points = np.asarray(points, dtype=float)
    fun = np.arange(float(len(points)), 0, -1)
    return view.Trail(points, fun, points[-1], fun[-1], points[-1], fun[-1], success)


def test_figures_are_not_pyplots(monkeypatch):
    figure = canvas.new_figure(3.0, 2.0)
    assert figure.get_size_inches().tolist() == [3.0, 2.0]
    assert figure.canvas.manager is None
    ax = figure.add_subplot()
    assert canvas.axes(ax) is ax
    assert canvas.axes(None, 4.0, 5.0).figure.get_size_inches().tolist() == [4.0, 5.0]
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r'plots need Matplotlib: pip install "thalweg\[plot\]"'):
        canvas.new_figure()


def test_axes_are_tidied():
    ax = canvas.tidy(empty())
    assert not ax.spines["top"].get_visible()
    assert not ax.spines["right"].get_visible()
    assert ax.spines["left"].get_visible()
    assert any(line.get_visible() for line in ax.get_xgridlines())
    assert not any(line.get_visible() for line in canvas.tidy(empty(), grid=False).get_xgridlines())


def test_styles_and_marks_go_round():
    n = len(canvas.LINES)
    assert canvas.style(0) == {"color": canvas.VERMILLION, "linestyle": "-"}
    assert canvas.style(n) == canvas.style(0)
    assert canvas.mark(len(canvas.MARKS) + 1) == canvas.mark(1)
    assert len({str(canvas.style(k)) for k in range(n)}) == n


def test_missing_values_of_a_map_are_grey():
    shades = canvas.hills()(np.ma.array([0.0, 1.0], mask=[False, True]))
    assert tuple(shades[1]) == to_rgba(canvas.NOTHING)


def test_a_path_has_marks_unless_they_would_hide_it():
    limits = np.array([[0.0, 1.0], [0.0, 1.0]])
    for count, marker in ((300, "o"), (301, "None")):
        ax = empty()
        points = np.linspace(0, 1, count)[:, None] * [1.0, 1.0]
        canvas.path_of(ax, points, limits, "path")
        edge, line = ax.get_lines()
        assert (edge.get_color(), line.get_label()) == ("white", "path")
        assert line.get_marker() == marker
        np.testing.assert_array_equal(line.get_xydata(), points)
    ax = empty()
    canvas.path_of(ax, points, limits, "path", k=1, lifted=False)
    (line,) = ax.get_lines()
    assert line.get_color() == canvas.BLUE


def heads(ax):
    return [text.xy for text in ax.texts]


def test_arrow_heads_stand_in_the_middle_of_long_steps_that_are_seen():
    limits = np.array([[0.0, 1.0], [0.0, 1.0]])
    ax = empty()
    # A long step, one too short for an arrow, and one that leaves the picture.
    canvas.arrows(ax, np.array([[0.0, 0.0], [0.5, 0.0], [0.51, 0.0], [0.51, 3.0]]), limits, "k")
    ((x, y),) = heads(ax)
    assert (x, y) == pytest.approx((0.26, 0.0))
    ax = empty()
    zigzag = np.column_stack([np.linspace(0, 1, 40), np.arange(40) % 2])
    canvas.arrows(ax, zigzag, limits, "k")
    assert len(heads(ax)) == 12
    canvas.arrows(empty(), np.array([[0.5, 0.5]]), limits, "k")


def test_ends_are_named_once_in_a_legend():
    ax, names = empty(), set()
    rest, moving = trail([[0, 0], [1, 1]], success=True), trail([[0, 0], [0.5, 0.5], [1, 0]])
    for one in (rest, moving, rest):
        canvas.ends(ax, one, one.points[0], one.end[0], names)
    assert names == {"start", "best", "end"}
    labels = [line.get_label() for line in ax.get_lines() if line.get_label()[0] != "_"]
    assert labels == ["start", "best", "end"]
    assert len(marked(ax, "*")) == 2
    assert len(marked(ax, "X")) == 1


def test_an_end_that_is_the_start_has_no_cross():
    ax = empty()
    still = trail([[0.5, 0.5], [0.0, 0.0], [0.5, 0.5]])
    canvas.ends(ax, still, still.points[0], still.points[0], set())
    assert not marked(ax, "X")
    canvas.ends(ax, still, None, still.points[0], set())  # without a path it is all that is known
    assert len(marked(ax, "X")) == 1


@pytest.mark.parametrize(
    ("nit", "said"),
    [(1, "0.123457 after 1 iteration: max time"), (2, "0.123457 after 2 iterations: max time")],
)
def test_titles_say_how_a_descent_ended(nit, said):
    ax = empty()
    canvas.title(ax, 0.123456789, nit, tw.Reason.max_time)
    assert ax.get_title() == said


def test_scales_are_equal_if_neither_side_would_be_thin():
    for span, aspect in ((3.0, 1.0), (3.1, "auto")):
        ax = empty()
        canvas.square(ax, np.array([[0.0, 1.0], [0.0, span]]))
        assert ax.get_aspect() == aspect
    assert canvas.fitted(np.array([[0.0, 1.0], [0.0, 9.0]])) == (6.4, 4.8)
    width, height = canvas.fitted(np.array([[0.0, 2.0], [0.0, 1.0]]), beside=1.0)
    assert (width - 1.0) / (height - 0.7) == pytest.approx(2.0)


def test_paths_of_one_variable_stand_at_their_values():
    ax = empty()
    one = trail([[0.0], [1.0]])
    canvas.path_and_ends(ax, {"descent": one}, np.array([[0.0, 1.0], [0.0, 3.0]]), height=True)
    line = next(line for line in ax.get_lines() if line.get_label() == "descent")
    assert line.get_xydata().tolist() == [[0.0, 2.0], [1.0, 1.0]]
    assert marked(ax, "X")[0].tolist() == [1.0, 1.0]
