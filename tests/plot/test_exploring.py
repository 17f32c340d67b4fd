# SPDX-License-Identifier: BSD-3-Clause
"""Exploring in a window: clicks, sliders and what is refused, on a canvas without a screen."""

import gc
import sys

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from matplotlib.backend_bases import MouseButton, MouseEvent
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from picture_cases import BOX, lines, omega, sauna

import thalweg as tw
from thalweg import plot


def exploring(*args, **kw):
    ax = Figure(figsize=(6, 6), layout="constrained").add_subplot()
    FigureCanvasAgg(ax.figure)
    seen = plot.explore(*args, ax=ax, **kw)
    ax.figure.canvas.draw()
    return seen


def press(ax, at, button=MouseButton.LEFT):
    """Press and release at a point of an Axes."""
    canvas = ax.figure.canvas
    x, y = ax.transData.transform(at)
    for name in ("button_press_event", "button_release_event"):
        canvas.callbacks.process(name, MouseEvent(name, canvas, x, y, button))


def assert_shows(seen, fun):
    """The path on the picture is that of the descent from its start, at its settings."""
    wanted = tw.minimize(
        fun, seen.start if seen.start.size > 1 else float(seen.start[0]), "gradient_descent",
        learning_rate=10**seen.learning_rate.val, max_iter=int(seen.iterations.val), record=True,
    )  # fmt: skip
    path = np.asarray(wanted.path.x)
    if seen.start.size == 1:
        path = np.column_stack([path, wanted.path.fun])
    np.testing.assert_array_equal(lines(seen.ax)["descent"].get_xydata(), path)
    assert seen.result.nit == wanted.nit
    assert f"after {wanted.nit} iteration" in seen.ax.get_title()


def test_a_click_chooses_the_start():
    seen = exploring(sauna, BOX, learning_rate=0.1)
    assert_shows(seen, sauna)
    press(seen.ax, (1.5, 2.5))
    np.testing.assert_allclose(seen.start, [1.5, 2.5])
    assert_shows(seen, sauna)
    assert seen.ax.get_xlabel() == "x"


def test_sliders_change_rate_and_iterations():
    seen = exploring(sauna, BOX, start=[0.5, 0.6], learning_rate=0.1, iterations=10)
    assert seen.result.nit == 10
    press(seen.iterations.ax, (20, 0.5))
    assert seen.iterations.val == pytest.approx(20, abs=1)
    assert seen.result.nit == seen.iterations.val
    assert_shows(seen, sauna)
    before = seen.learning_rate.val
    press(seen.learning_rate.ax, (before + 0.3, 0.5))
    assert seen.learning_rate.val == pytest.approx(before + 0.3, abs=0.02)
    assert seen.learning_rate.valtext.get_text() == f"{10**seen.learning_rate.val:.3g}"
    assert_shows(seen, sauna)


def test_a_star_stands_only_where_the_descent_came_to_rest():
    seen = exploring(sauna, BOX, start=[0.5, 0.6], learning_rate=0.25, iterations=60)

    def marks():
        alone = [line for line in seen.ax.get_lines() if line.get_linestyle() == "None"]
        return {line.get_marker(): line.get_xydata()[0] for line in alone}

    np.testing.assert_array_equal(marks()["*"], seen.result.x)
    seen.learning_rate.set_val(np.log10(0.5))  # too large: it jumps about
    assert "*" not in marks()
    np.testing.assert_array_equal(marks()["X"], seen.result.last.x)


def test_clicks_elsewhere_and_while_zooming_change_nothing():
    seen = exploring(sauna, BOX, start=[0.5, 0.6])
    press(seen.ax, (1.5, 2.5), MouseButton.RIGHT)
    press(seen.iterations.ax, (20, 0.5))
    seen.ax.figure.canvas.toolbar = type("Toolbar", (), {"mode": "zoom rect"})()
    press(seen.ax, (1.5, 2.5))
    np.testing.assert_array_equal(seen.start, [0.5, 0.6])


def test_paths_that_move_do_not_erase_a_curve():
    descent = tw.minimize(omega, 1.6, "gradient_descent", learning_rate=0.1, record=True)
    film = plot.animate(omega, descent)
    film._func(3)
    for ax in (film._fig.axes[0], exploring(omega, (0.02, 2)).ax):
        white = [line for line in ax.get_lines() if line.get_color() == "white"]
        assert all(line.get_linewidth() == 0 or line.get_marker() == "o" for line in white)
    film._draw_was_started = True  # it was looked at, and not lost


def test_one_variable_is_explored_on_its_curve():
    seen = exploring(omega, (0.02, 2), learning_rate=0.1)
    press(seen.ax, (1.2, 3.0))
    np.testing.assert_allclose(seen.start, [1.2])
    assert_shows(seen, omega)


def test_it_lives_as_long_as_its_picture():
    ax = exploring(sauna, BOX).ax
    gc.collect()
    before = lines(ax)["descent"].get_xydata().copy()
    press(ax, (3.0, 1.0))
    after = lines(ax)["descent"].get_xydata()
    assert after[0].round(6).tolist() == [3.0, 1.0]
    assert len(after) != len(before) or not np.array_equal(after, before)


def test_a_picture_without_a_grid_gives_room_too():
    figure = Figure()
    FigureCanvasAgg(figure)
    ax = figure.add_axes((0.1, 0.1, 0.8, 0.8))
    seen = plot.explore(sauna, BOX, ax=ax)
    figure.canvas.draw()
    assert ax.get_position().y0 > seen.learning_rate.ax.get_position().y1
    press(ax, (2.0, 2.0))
    np.testing.assert_allclose(seen.start, [2.0, 2.0])


def test_by_itself_it_opens_a_window_of_pyplots():
    seen = plot.explore(sauna, BOX)
    pyplot = sys.modules["matplotlib.pyplot"]
    try:
        assert seen.ax.figure.number in pyplot.get_fignums()
    finally:
        pyplot.close(seen.ax.figure)


def test_what_cannot_be_explored_is_refused():
    with pytest.raises(ValueError, match=r"one or two variables, got 3"):
        plot.explore(lambda x, y, z: x + y + z, [(0, 1)] * 3)
    with pytest.raises(tw.TraceError):
        plot.explore(lambda x: float(x) ** 2, (0, 1))
    ax = Figure().add_subplot()
    with pytest.raises(ValueError, match="learning_rate must be"):
        plot.explore(omega, (0.1, 2), learning_rate=0, ax=ax)
    with pytest.raises(ValueError, match="iterations must be"):
        plot.explore(omega, (0.1, 2), iterations=-1, ax=ax)


# ---- how it begins -------------------------------------------------------------------------------


def test_without_a_start_it_begins_within_the_box_near_its_far_corner():
    seen = exploring(sauna, BOX)
    np.testing.assert_allclose(seen.start, [4.25, 4.25])
    assert seen.iterations.val == 50
    assert seen.result.success  # by a rate that is chosen for the function


def test_sliders_reach_two_decades_and_ten_times_the_iterations():
    seen = exploring(sauna, BOX, learning_rate=0.1, iterations=30)
    assert seen.learning_rate.val == pytest.approx(-1.0)
    assert (seen.learning_rate.valmin, seen.learning_rate.valmax) == pytest.approx((-3.0, 1.0))
    assert (seen.iterations.valmin, seen.iterations.valmax, seen.iterations.val) == (0, 300, 30)
    assert exploring(sauna, BOX, iterations=3).iterations.valmax == 100
    assert seen.learning_rate.valtext.get_text() == "0.1"


def test_starts_and_names_are_those_of_the_function():
    F = tw.objective(lambda p: sauna(p["x"], p["y"]), {"x": 1.0, "y": 2.0}, unpack=False)
    seen = exploring(F, BOX, start={"x": 1.0, "y": 2.0}, learning_rate=0.1, names=["a", "b"])
    assert seen.start.tolist() == [1.0, 2.0]
    assert (seen.ax.get_xlabel(), seen.ax.get_ylabel()) == ("a", "b")
    assert seen.result.path.x["x"][0] == 1.0


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf")])
def test_rates_that_are_none_are_refused(rate):
    with pytest.raises(ValueError, match="learning_rate must be a number > 0, got"):
        exploring(omega, (0.1, 2), learning_rate=rate)


@pytest.mark.parametrize("count", [-1, 2.5, True])
def test_iterations_that_are_no_count_are_refused(count):
    with pytest.raises(ValueError, match="iterations must be a whole number >= 0, got"):
        exploring(omega, (0.1, 2), iterations=count)


def test_sliders_stand_beneath_the_picture():
    seen = exploring(omega, (0.1, 2), learning_rate=0.1)
    seen.ax.figure.draw_without_rendering()
    picture = seen.ax.get_position()
    for slider in (seen.learning_rate, seen.iterations):
        assert slider.ax.get_position().y1 < picture.y0
