# SPDX-License-Identifier: BSD-3-Clause
"""Explore a function in a window, where clicks start descents and sliders change settings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg._descents.minimize import minimize
from thalweg._objectives.objective import Objective
from thalweg.plot import canvas
from thalweg.plot.curves import draw_curve
from thalweg.plot.pages import usual_rate
from thalweg.plot.scene import point_in, scene, trail_of
from thalweg.plot.surfaces import draw_contours
from thalweg.plot.view import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from thalweg._results.result import Result

__all__ = ["Explorer", "explore"]

_SPREAD = 2.0  # the slider covers so many decades on either side of the rate


class Explorer:
    """The interactive picture that `explore` creates.

    Attributes
    ----------
    ax : matplotlib.axes.Axes
        The axes of the picture.
    start : ndarray
        The start of the descent, (n,).
    result : Result
        The descent that is shown, with its path.
    learning_rate, iterations : matplotlib.widgets.Slider
        The sliders. That of the learning rate holds its decimal logarithm.
    """

    def __init__(
        self,
        objective: Objective,
        box: Any,
        start: Any,
        learning_rate: float | None,
        iterations: int,
        names: Sequence[str] | None,
        ax: Axes,
    ) -> None:
        self._objective = objective
        self._scene = s = scene(objective, None, box, names)
        self.ax = ax
        (draw_curve if objective.n == 1 else draw_contours)(s, ax)
        inside = s.limits[:, 0] + 0.85 * (s.limits[:, 1] - s.limits[:, 0])
        self.start: FloatArray = (
            inside if start is None else objective.structure.flatten(start, "start")[1][0]
        )
        rate = usual_rate(s) if learning_rate is None else float(learning_rate)
        if not (math.isfinite(rate) and rate > 0):
            raise ValueError(f"learning_rate must be a number > 0, got {learning_rate!r}")
        self._make_sliders(math.log10(rate), iterations)
        # The white edge is only for areas, because it would erase a curve below it.
        edge = 3.4 if objective.n == 2 else 0
        (self._edge,) = ax.plot([], [], color="white", linewidth=edge, zorder=3)
        (self._line,) = ax.plot(
            [], [], "o-", color=canvas.VERMILLION, linewidth=1.4, markersize=4.2,
            markeredgewidth=0.5, markeredgecolor="white", label="descent", zorder=4,
        )  # fmt: skip
        (self._from,) = ax.plot(
            [], [], "o", color="white", markeredgecolor="black", markersize=8,
            markeredgewidth=1.6, zorder=6,
        )  # fmt: skip
        (self._end,) = ax.plot([], [], linestyle="none", markeredgecolor="black", zorder=7)
        self._canvas = ax.figure.canvas
        self._canvas.mpl_connect("button_press_event", self._clicked)
        # Matplotlib keeps only weak references, so the figure must keep this object alive.
        ax.figure.__dict__.setdefault("_thalweg_explorers", []).append(self)
        self.result: Result = self._descend()

    def _make_sliders(self, rate: float, iterations: int) -> None:
        from matplotlib.widgets import Slider

        above, below = _room_beneath(self.ax)
        self.learning_rate = Slider(
            above, "learning rate", rate - _SPREAD, rate + _SPREAD, valinit=rate,
            color=canvas.VERMILLION, initcolor="none",
        )  # fmt: skip
        self.iterations = Slider(
            below, "iterations", 0, max(10 * iterations, 100), valinit=iterations, valstep=1,
            color=canvas.VERMILLION, initcolor="none", valfmt="%d",
        )  # fmt: skip
        for slider in (self.learning_rate, self.iterations):
            slider.on_changed(self._redraw)

    def _clicked(self, event: Any) -> None:
        toolbar = getattr(self._canvas, "toolbar", None)
        if event.inaxes is not self.ax or event.button != 1 or getattr(toolbar, "mode", ""):
            return  # outside the picture, or the toolbar's zoom or pan is active
        at = [event.xdata, event.ydata]
        self.start = np.asarray(at[: self._objective.n], dtype=np.float64)
        self._redraw()

    def _redraw(self, _: Any = None) -> None:
        self.result = self._descend()
        self._canvas.draw_idle()

    def _descend(self) -> Result:
        """Run gradient descent and draw its path."""
        rate, count = 10**self.learning_rate.val, int(self.iterations.val)
        self.learning_rate.valtext.set_text(f"{rate:.3g}")
        result = minimize(
            self._objective, self._objective.structure.restore(self.start[None]),
            "gradient_descent", learning_rate=rate, max_iter=count, record=True,
        )  # fmt: skip
        trail = trail_of(result, self._objective)
        points, (end, value) = trail.points, trail.end
        if self._objective.n == 1:
            points = np.column_stack([points[:, 0], trail.fun])
            end = np.asarray([end[0], value])
        self._edge.set_data(*points.T)
        self._line.set_data(*points.T)
        self._from.set_data(*points[:1].T)
        self._end.set_data(*end[:, None])
        self._end.set(**(canvas.STAR if trail.settled else canvas.CROSS))
        canvas.title(self.ax, result.fun, result.nit, result.reason)
        return result


def _room_beneath(ax: Axes) -> tuple[Axes, Axes]:
    """Make room below a picture, and return two axes for sliders there."""
    spec = ax.get_subplotspec()
    figure = ax.figure
    if spec is not None:
        rows = spec.subgridspec(3, 1, height_ratios=[16, 1, 1])
        ax.set_subplotspec(rows[0])
        return figure.add_subplot(rows[1]), figure.add_subplot(rows[2])
    x, y, width, height = ax.get_position().bounds
    ax.set_position((x, y + 0.2 * height, width, 0.8 * height))
    left, wide = x + 0.2 * width, 0.65 * width
    return (
        figure.add_axes((left, y + 0.06 * height, wide, 0.04 * height)),
        figure.add_axes((left, y, wide, 0.04 * height)),
    )


def explore(
    fun: Any,
    bounds: Any,
    *,
    start: Any = None,
    learning_rate: float | None = None,
    iterations: int = 50,
    names: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Explorer:
    """Explore gradient descent: click to set the start, and move sliders to change the settings.

    The path is redrawn immediately. This works in desktop windows, and in notebooks with ipympl
    (``%matplotlib widget``).

    Parameters
    ----------
    fun : Objective or callable
        A function of one or two variables that can be traced.
    bounds : sequence of pairs or dict
        The limits of the picture, (low, high) for each variable.
    start : array_like or dict, optional
        The start of the first descent; by default a point inside the bounds.
    learning_rate : float, optional
        The learning rate. By default, a typical step is a twentieth of the width of the bounds. The
        slider goes from a hundredth of the rate to a hundred times the rate.
    iterations : int, default 50
        The number of iterations. The slider goes up to ten times as many.
    names : sequence of str, optional
        The names of the variables; by default those of the function.
    ax : matplotlib.axes.Axes, optional
        The axes to draw on; by default those of a new pyplot window, which `pyplot.show()` opens.

    Returns
    -------
    Explorer
        The picture, with `ax`, the current `result` and the sliders.

    Raises
    ------
    TraceError
        If the function cannot be traced.
    ValueError
        If it has more than two variables, or `bounds` or `start` does not match.
    ImportError
        If Matplotlib is not installed.

    Examples
    --------
    >>> import thalweg as tw
    >>> from matplotlib.figure import Figure
    >>> seen = tw.plot.explore(lambda x, y: x**2 + 3 * y**2, [(-2, 2), (-2, 2)], start=[1, 1],
    ...                        learning_rate=0.1, ax=Figure().add_subplot())
    >>> seen.iterations.set_val(20)
    >>> seen.result.nit
    20
    """
    objective = fun if isinstance(fun, Objective) else Objective(fun, point_in(bounds))
    if objective.n not in (1, 2):
        raise ValueError(
            f"explore shows functions of one or two variables, got {objective.n}; "
            "tw.objective(f, x0).slice(name=value) fixes the others"
        )
    if isinstance(iterations, bool) or int(iterations) != iterations or iterations < 0:
        raise ValueError(f"iterations must be a whole number >= 0, got {iterations!r}")
    if ax is None:
        canvas.new_figure()  # raises the usual error if Matplotlib is not installed
        # Only figures that belong to pyplot can be shown in windows.
        from matplotlib import pyplot

        ax = pyplot.figure(figsize=(7.0, 6.4), layout="constrained").add_subplot()
    return Explorer(objective, bounds, start, learning_rate, int(iterations), names, ax)
