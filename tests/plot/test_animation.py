# SPDX-License-Identifier: BSD-3-Clause
"""Pictures that move and answer: animations frame by frame, clicks and sliders by their events."""

import gc
import shutil
import sys

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from matplotlib.backend_bases import MouseButton, MouseEvent
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure
from PIL import Image

import thalweg as tw
from thalweg import plot


def sauna(x, y):
    return 85 - x**2 * (x - 6) * y**2 * (y - 6) / 90


def omega(x):
    return np.exp(x) - np.log(x)


BOX = [(0, 5), (0, 5)]


@pytest.fixture(scope="module")
def descent():
    return tw.minimize(
        sauna, [0.5, 0.6], "gradient_descent", learning_rate=0.25, max_iter=8, record=True
    )


def lines(ax):
    return {line.get_label(): line for line in ax.get_lines() if line.get_label()[0] != "_"}


# ---- animations


def test_each_frame_shows_the_path_so_far(descent, tmp_path):
    film = plot.animate(None, descent, bounds=BOX)
    film.save(tmp_path / "film.gif", writer="pillow", dpi=40)
    ax = film._fig.axes[0]
    frames = list(film.new_saved_frame_seq())
    assert frames == list(range(9))
    for k in (0, 3, 8):
        film._func(k)
        np.testing.assert_array_equal(lines(ax)["descent"].get_xydata(), descent.path.x[: k + 1])
        assert ax.get_title() == f"iteration {k}: {descent.path.fun[k]:.6g}"
    assert any(isinstance(c, ContourSet) for c in ax.collections)
    assert (ax.get_xlim(), ax.get_xlabel()) == ((0, 5), "x")


def test_a_gif_holds_every_frame(descent, tmp_path):
    file = tmp_path / "film.gif"
    plot.animate(None, descent, bounds=BOX, interval=50).save(file, writer="pillow", dpi=40)
    with Image.open(file) as gif:
        assert gif.n_frames == 9
        assert gif.info["duration"] == 50


class Counted:
    """How often matplotlib draws the contours, which take the time."""

    def __init__(self, monkeypatch):
        self.draws = 0
        real = ContourSet.draw

        def draw(contours, renderer):
            self.draws += 1
            real(contours, renderer)

        monkeypatch.setattr(ContourSet, "draw", draw)


@pytest.mark.parametrize("given", [False, True])
def test_saving_draws_what_stands_still_once(descent, tmp_path, monkeypatch, given):
    counted = Counted(monkeypatch)
    ax = Figure(layout="constrained").add_subplot() if given else None
    film = plot.animate(sauna, descent, bounds=BOX, ax=ax)
    counted.draws = 0
    film.save(tmp_path / "film.gif", dpi=40)
    # Filled and as lines: to lay the figure out, at its own size and at that of the film.
    assert counted.draws <= 3 * 2
    before = film._fig.get_layout_engine()
    film._fig.savefig(tmp_path / "after.png")
    assert counted.draws > 3 * 2 - 2, "afterwards everything is drawn again"
    assert film._fig.get_layout_engine() is before


def test_saved_frames_are_what_a_whole_drawing_shows(descent, tmp_path):
    film = plot.animate(sauna, [descent, descent], bounds=BOX)
    film.save(tmp_path / "film.png", writer="pillow")
    film._fig.savefig(tmp_path / "whole.png")
    with Image.open(tmp_path / "film.png") as frames, Image.open(tmp_path / "whole.png") as whole:
        frames.seek(frames.n_frames - 1)
        last = np.asarray(frames.convert("RGB")).astype(int)
        different = np.abs(last - np.asarray(whole.convert("RGB"))).max(axis=-1) > 3
    assert different.mean() < 1e-3


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="films need FFmpeg's program, ffmpeg")
def test_a_film_is_saved_where_ffmpeg_is_there(descent, tmp_path):
    plot.animate(None, descent, bounds=BOX).save(tmp_path / "film.mp4", dpi=50)
    assert (tmp_path / "film.mp4").stat().st_size > 1000


def test_a_notebook_shows_it_as_it_is(descent):
    shown = plot.animate(None, descent, bounds=BOX, frames=3)._repr_html_()
    assert "<script" in shown
    assert shown.count("data:image/png;base64") == 3


def test_long_descents_leave_iterations_out(tmp_path):
    long = tw.minimize(
        omega, 1.6, "gradient_descent", learning_rate=1e-3, max_iter=1000, record=True
    )
    film = plot.animate(None, long, frames=20)
    steps = list(film.new_saved_frame_seq())
    assert len(steps) == 20
    assert (steps[0], steps[-1]) == (0, 1000)
    film.save(tmp_path / "film.gif", writer="pillow", dpi=30)
    path = lines(film._fig.axes[0])["descent"].get_xydata()
    np.testing.assert_array_equal(path, np.column_stack([long.path.x, long.path.fun]))


def test_several_descents_run_side_by_side(tmp_path):
    def f(x):
        return np.sum(np.arange(1, 6) * x**2)

    runs = {
        m: tw.minimize(f, np.ones(5), m, learning_rate=0.05, max_iter=n, record=True)
        for m, n in (("adam", 12), ("momentum", 6))
    }
    film = plot.animate(None, runs)
    film.save(tmp_path / "film.gif", writer="pillow", dpi=30)
    ax = film._fig.axes[0]
    assert (ax.get_xlabel(), ax.get_yscale()) == ("iteration", "log")
    assert len(lines(ax)["momentum"].get_xdata()) == 7  # it waits at its end
    assert len(lines(ax)["adam"].get_xdata()) == 13
    assert ax.get_title() == "iteration 12"


def test_what_cannot_be_animated_is_refused(descent):
    with pytest.raises(ValueError, match=r"path of descent: minimize with record=True"):
        plot.animate(None, tw.minimize(omega, 1.6))
    with pytest.raises(ValueError, match="got none"):
        plot.animate(None, [])
    with pytest.raises(ValueError, match="frames and interval must be > 0"):
        plot.animate(None, descent, frames=0)


# ---- exploring, on a canvas without a screen: matplotlib's own events


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
