# SPDX-License-Identifier: BSD-3-Clause
"""Pictures that move: animations frame by frame."""

import shutil

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from matplotlib.contour import ContourSet
from matplotlib.figure import Figure
from picture_cases import BOX, lines, omega, sauna
from PIL import Image

import thalweg as tw
from thalweg import plot


@pytest.fixture(scope="module")
def descent():
    return tw.minimize(
        sauna, [0.5, 0.6], "gradient_descent", learning_rate=0.25, max_iter=8, record=True
    )


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
