# SPDX-License-Identifier: BSD-3-Clause
"""Draw functions along one variable: curves with descents, and slices with others fixed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg._objectives.points import argument_names, as_floats, parameter_count
from thalweg.plot import canvas
from thalweg.plot.scene import Scene, known_function, labels, over_points, scene
from thalweg.plot.view import FloatArray, heights, limits_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["curve", "slices"]

_CURVE_POINTS = 801  # one for each pixel of a typical figure


def curve(
    fun: Any,
    results: Any = None,
    *,
    bounds: Any = None,
    names: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a function of one variable, with the points of descents.

    Parameters
    ----------
    fun : Objective or callable
        The function; None selects that of the (first) result.
    results : Result, sequence of Result, or dict of them by name, optional
        The descents. Paths are drawn if they were recorded with `record=True`.
    bounds : pair, optional
        The limits of the picture, (low, high); by default around the paths.
    names : sequence of str, optional
        The name of the variable on the axis; by default that of the function.
    ax : matplotlib.axes.Axes, optional
        The axes to draw on; by default those of a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The axes that hold the picture.

    Raises
    ------
    ValueError
        If the function does not have one variable, `bounds` does not match, or there are neither
        bounds nor results.
    ImportError
        If Matplotlib is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> ax = tw.plot.curve(lambda rate: np.exp(rate) - np.log(rate), bounds=(0.1, 2))
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('rate', 'f(rate)')
    """
    return draw_curve(scene(fun, results, bounds, names, (1,)), canvas.axes(ax))


def draw_curve(s: Scene, ax: Axes, paths: bool = True) -> Axes:
    """Draw the curve and all descents of a scene of one variable, with limits that show both."""
    low, high = s.limits[0]
    x = np.linspace(low, high, _CURVE_POINTS)
    y = s.values(x[:, None])
    y = np.where(np.isfinite(y), y, np.nan)  # draws a gap where the function has no value
    ax.plot(x, y, color=canvas.CURVE, linewidth=2, label=s.height, zorder=2)
    points = [np.column_stack([t.points[:, 0], t.fun]) for t in s.trails.values()]
    every = np.concatenate([*points, np.empty((0, 2))])
    inside = np.isfinite(every).all(axis=1) & (every[:, 0] >= low) & (every[:, 0] <= high)
    bottom, top = heights(y, every[inside, 1])
    canvas.tidy(ax)
    ax.set(xlim=(low, high), ylim=(bottom, top), xlabel=s.labels[0], ylabel=s.height)
    if not paths:
        return ax
    canvas.path_and_ends(ax, s.trails, np.asarray([[low, high], [bottom, top]]), height=True)
    _where_it_left(ax, s)
    if s.trails:
        canvas.legend(ax)
    return ax


def _where_it_left(ax: Axes, s: Scene) -> None:
    """Draw a vertical line at a step to a point where the function has no value."""
    low, high = s.limits[0]
    label: str | None = "no value"
    for trail in s.trails.values():
        at = trail.points[:, 0]
        gone = at[np.isfinite(at) & ~np.isfinite(trail.fun)]
        left = [*gone[:1]] or ([trail.last[0]] if not np.isfinite(trail.last_fun) else [])
        if left and low <= left[0] <= high:
            ax.axvline(left[0], color="black", linestyle=":", linewidth=1.2, label=label)
            label = None


def slices(
    fun: Any,
    fixed: Mapping[str, Any],
    *,
    bounds: Any,
    names: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a function along one variable, with the others fixed.

    Parameters
    ----------
    fun : Objective or callable
        The function.
    fixed : dict
        The values of all variables but one: a number, or several numbers for several lines. If
        several variables have several values, these are combined in order.
    bounds : pair
        The limits of the remaining variable, (low, high).
    names : sequence of str, optional
        The names of the variables; by default those of the function.
    ax : matplotlib.axes.Axes, optional
        The axes to draw on; by default those of a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The axes that hold the picture.

    Raises
    ------
    ValueError
        If `fixed` does not leave one variable, its values differ in number, or `bounds` does not
        match.
    ImportError
        If Matplotlib is not installed.

    Examples
    --------
    >>> import thalweg as tw
    >>> ax = tw.plot.slices(lambda x, y: x**2 + y**2, {"y": [0, 2, 4]}, bounds=(-3, 3))
    >>> [line.get_label() for line in ax.get_lines()]
    ['y = 0', 'y = 2', 'y = 4']
    """
    if not hasattr(fun, "structure") and names is None:
        names = argument_names(fun)[: parameter_count(fun)[0]]
    known = known_function(fun, np.ones(max(len(names or ()), 1)))
    own = labels(known, names)
    free, values = _fixed(own, fixed)
    low, high = limits_of(bounds, 1, ())[0]
    x = np.linspace(low, high, _CURVE_POINTS)
    ax = canvas.tidy(canvas.axes(ax))
    shades = _shades(len(values))
    lines = []
    for k, row in enumerate(values):
        points = np.tile(row, (len(x), 1))
        points[:, free] = x
        y = over_points(known)(points)
        lines.append(np.where(np.isfinite(y), y, np.nan))
        at = ", ".join(f"{own[i]} = {row[i]:g}" for i in range(len(own)) if i != free)
        dash = canvas.DASHES[k % len(canvas.DASHES)] if len(values) > 1 else "-"
        ax.plot(x, lines[-1], color=shades[k], linestyle=dash, linewidth=1.8, label=at)
    bottom, top = heights(np.concatenate(lines), np.empty(0))
    ax.set(xlim=(low, high), ylim=(bottom, top), xlabel=own[free], ylabel=f"f({', '.join(own)})")
    canvas.legend(ax)
    return ax


def _fixed(own: list[str], fixed: Mapping[str, Any]) -> tuple[int, FloatArray]:
    """Return the remaining variable, and rows of values of all variables (NaN for that one)."""
    unknown = [name for name in fixed if name not in own]
    left = [i for i, name in enumerate(own) if name not in fixed]
    if unknown or len(left) != 1:
        raise ValueError(
            f"fixed must name all but one of {', '.join(own)}; got {', '.join(fixed) or 'none'}"
        )
    given = [np.atleast_1d(as_floats(fixed[name], name)) if name in fixed else np.array([np.nan])
             for name in own]  # fmt: skip
    try:
        return left[0], np.column_stack(np.broadcast_arrays(*given))
    except ValueError:
        sizes = ", ".join(f"{n}: {g.size}" for n, g in zip(own, given, strict=True) if n in fixed)
        raise ValueError(
            f"fixed must have one value or equally many for each variable; got {sizes}"
        ) from None


def _shades(count: int) -> list[Any]:
    """Return colours from dark to light, because the fixed values have an order."""
    from matplotlib import colormaps

    if count == 1:
        return [canvas.BLUE]
    return [colormaps["viridis"](v) for v in np.linspace(0.0, 0.8, count)]
