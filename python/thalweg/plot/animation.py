# SPDX-License-Identifier: BSD-3-Clause
"""Animate descents with one frame for each iteration, as a GIF, a film, or in a notebook."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from thalweg.plot import canvas
from thalweg.plot.curves import draw_curve
from thalweg.plot.descents import size_of
from thalweg.plot.scene import Scene, recorded, scene
from thalweg.plot.surfaces import draw_contours
from thalweg.plot.view import FloatArray

if TYPE_CHECKING:
    from matplotlib.animation import FuncAnimation
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["animate"]

_COARSE = 81  # grid points along each axis for placing the legend
_FRAMES = 120  # of longer descents, evenly spaced iterations are shown


def animate(
    fun: Any,
    results: Any,
    *,
    bounds: Any = None,
    names: Sequence[str] | None = None,
    ax: Axes | None = None,
    interval: float = 100.0,
    frames: int = _FRAMES,
) -> FuncAnimation:
    """Animate descents on a curve, on contours, or against the iteration.

    A function of one variable is drawn as a curve and a function of two as contours. For more
    variables, values are drawn against the iteration.

    Parameters
    ----------
    fun : Objective, callable or None
        The function; None selects that of the (first) result.
    results : Result, sequence of Result, or dict of them by name
        The descents, made with `record=True`. Several run side by side.
    bounds : sequence of pairs or dict, optional
        The limits of the picture, (low, high) for each variable; by default around the paths.
    names : sequence of str, optional
        The names of the variables on the axes; by default those of the function.
    ax : matplotlib.axes.Axes, optional
        The axes to draw on; by default those of a new figure.
    interval : float, default 100
        The time between frames in milliseconds.
    frames : int, default 120
        The maximum number of frames. Of longer descents, evenly spaced iterations are shown.

    Returns
    -------
    matplotlib.animation.FuncAnimation
        The animation. ``save("descent.gif")`` writes it with Pillow, and ``save("descent.mp4")``
        with FFmpeg if that is installed. A notebook shows it directly. Keep a reference to it while
        it runs.

    Raises
    ------
    ValueError
        If a result has no path, the function is not available, `bounds` does not match, or
        `frames` or `interval` is not positive.
    ImportError
        If Matplotlib is not installed.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import thalweg as tw
    >>> res = tw.minimize(lambda x, y: x**2 + 3 * y**2, [2.0, 1.0], "gradient_descent",
    ...                   learning_rate=0.1, max_iter=5, record=True)
    >>> film = tw.plot.animate(None, res, interval=200)
    >>> film.save(Path(tempfile.mkdtemp(), "bowl.gif"), writer="pillow")
    """
    descents = recorded(results, "animate")
    if frames < 1 or not interval > 0:
        raise ValueError(f"frames and interval must be > 0, got {frames!r} and {interval!r}")
    own = ax is None
    count = size_of(next(iter(descents.values())).x)
    if count > 2:
        runner = _against_iteration(descents, canvas.axes(ax))
    else:
        s = scene(fun, results, bounds, names)
        if count == 1:
            runner = _over(draw_curve(s, canvas.axes(ax), paths=False), s, height=True)
        else:
            ax = canvas.axes(ax, *canvas.fitted(s.limits))
            runner = _over(draw_contours(s._replace(trails={}), ax), s, height=False)
    if own:
        # The layout is computed once, which saves half the time of a frame and prevents jumps.
        runner.ax.figure.draw_without_rendering()  # type: ignore[union-attr]
        runner.ax.figure.set_layout_engine("none")  # type: ignore[union-attr]
    last = max(len(r.path.fun) for r in descents.values()) - 1  # type: ignore[union-attr]
    steps = np.unique(np.linspace(0, last, min(frames, last + 1)).round().astype(int))
    animation: FuncAnimation = _shown_class()(
        runner, frames=steps.tolist(), interval=interval, repeat_delay=1500
    )
    return animation


@functools.cache
def _shown_class() -> Any:
    """Return a FuncAnimation that notebooks show directly, and that saves without full redraws."""
    from matplotlib.animation import FuncAnimation

    class Animation(FuncAnimation):
        def __init__(self, runner: _Runner, **kw: Any) -> None:
            self._runner = runner
            super().__init__(cast("Figure", runner.ax.figure), runner.show, **kw)

        def save(self, filename: Any, writer: Any = None, *args: Any, **kw: Any) -> None:
            if writer is None and str(filename).lower().endswith((".gif", ".webp", ".png")):
                writer = "pillow"
            with _background(self._runner.ax.figure, self._runner.moving()):
                super().save(filename, writer, *args, **kw)

        def _repr_html_(self) -> str:
            return str(self.to_jshtml())

    return Animation


@contextmanager
def _background(figure: Any, moving: list[Any]) -> Iterator[None]:
    """Within this context, a figure draws its static artists once and reuses their image."""
    from matplotlib.backends.backend_agg import RendererAgg

    engine = figure.get_layout_engine()
    if engine is not None:  # the layout is computed once, so that nothing jumps
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
    draw, still = figure.draw, {}

    def drawn(renderer: Any) -> None:
        if not hasattr(renderer, "restore_region"):  # vector graphics have no image to reuse
            draw(renderer)
            return
        size = renderer.width, renderer.height, renderer.dpi
        if size not in still:
            # A separate renderer, because Matplotlib also calls this with one that only measures.
            behind: Any = RendererAgg(*size)  # type: ignore[no-untyped-call]
            with _hidden(moving):
                draw(behind)
            still[size] = behind.copy_from_bbox(figure.bbox)
        renderer.restore_region(still[size])
        for artist in moving:
            artist.draw(renderer)

    figure.draw = drawn
    try:
        yield
    finally:
        del figure.draw
        if engine is not None:
            figure.set_layout_engine(engine)


@contextmanager
def _hidden(artists: list[Any]) -> Iterator[None]:
    shown = [artist.get_visible() for artist in artists]
    for artist in artists:
        artist.set_visible(False)
    try:
        yield
    finally:
        for artist, visible in zip(artists, shown, strict=True):
            artist.set_visible(visible)


class _Runner:
    """Lines that grow with the iteration, and a title that shows its number."""

    def __init__(
        self,
        ax: Axes,
        curves: dict[str, FloatArray],
        values: list[FloatArray],
        lifted: bool = False,
    ) -> None:
        self.ax, self.curves, self.values = ax, list(curves.values()), values
        self.lines: list[list[Any]] = []
        for k, label in enumerate(curves):
            color = canvas.style(k)["color"]
            # The white edge is only for areas, because it would erase a curve below it.
            (edge,) = ax.plot([], [], color="white", linewidth=3.6 if lifted else 0, zorder=3)
            (line,) = ax.plot(
                [], [], color=color, linewidth=1.4, marker=canvas.mark(k), markersize=3.6,
                markeredgewidth=0, label=label, zorder=4,
            )  # fmt: skip
            (head,) = ax.plot(
                [], [], marker=canvas.mark(k), markersize=9, color=color, markeredgecolor="black",
                linestyle="none", zorder=6,
            )  # fmt: skip
            self.lines.append([edge, line, head])
        ax.set_title(" ", fontsize="medium")  # reserves the height of the title

    def moving(self) -> list[Any]:
        """Return the artists that change between frames or lie above those, lowest first."""
        legend = self.ax.get_legend()
        lines = [artist for each in self.lines for artist in each]
        above = [self.ax.title, *([legend] if legend is not None else [])]
        return sorted([*lines, *above], key=lambda artist: artist.get_zorder())

    def show(self, step: int) -> list[Any]:
        """Show the descents up to an iteration."""
        for points, (edge, line, head) in zip(self.curves, self.lines, strict=True):
            last = min(step, len(points) - 1)
            edge.set_data(*points[: last + 1].T)
            line.set_data(*points[: last + 1].T)
            head.set_data(*points[last : last + 1].T)
        title = f"iteration {step}"
        if len(self.values) == 1:
            title += f": {self.values[0][min(step, len(self.values[0]) - 1)]:.6g}"
        self.ax.set_title(title, fontsize="medium")
        return [artist for each in self.lines for artist in each]


def _over(ax: Axes, s: Scene, height: bool) -> _Runner:
    """Return a runner on a curve or on contours."""
    curves = {
        name: np.column_stack([t.points[:, 0], t.fun]) if height else t.points
        for name, t in s.trails.items()
    }
    runner = _Runner(ax, curves, [t.fun for t in s.trails.values()], lifted=not height)
    if height:
        canvas.legend(ax)
    elif len(curves) > 1:
        canvas.beside_paths(ax, s.trails, s.grid(_COARSE))
    return runner


def _against_iteration(descents: dict[str, Any], ax: Axes) -> _Runner:
    """Return a runner that shows values, above the lowest, against the iteration."""
    values = [np.asarray(r.path.fun, dtype=np.float64) for r in descents.values()]
    every = np.concatenate(values)
    lowest = float(every[np.isfinite(every)].min(initial=np.inf))
    curves: dict[str, npt.NDArray[np.float64]] = {}
    for name, fun in zip(descents, values, strict=True):
        above = np.where(fun > lowest, fun - lowest, np.nan)
        curves[name] = np.column_stack([np.arange(len(fun)), above])
    runner = _Runner(ax, curves, values)
    shown = np.concatenate([c[:, 1] for c in curves.values()])
    shown = shown[np.isfinite(shown)]
    if shown.size:
        ax.set_yscale("log")
        ax.set_ylim(shown.min() / 2, shown.max() * 2)
    longest = max(len(fun) for fun in values)
    ax.set(xlim=(-0.02 * longest, 1.02 * longest), xlabel="iteration", ylabel="f − min f")
    canvas.tidy(ax)
    if len(curves) > 1:
        canvas.legend(ax)
    return runner
