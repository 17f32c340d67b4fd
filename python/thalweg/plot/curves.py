# SPDX-License-Identifier: BSD-3-Clause
"""Functions along one variable: the curve with descents on it, and slices with others held."""

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

_CURVE_POINTS = 801  # a pixel each in a usual figure


def curve(
    fun: Any,
    results: Any = None,
    *,
    bounds: Any = None,
    names: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """A function of one variable, with the points of descents on it.

    Parameters
    ----------
    fun : Objective or callable
        The function; None takes that of the (first) result.
    results : Result, sequence of Result, or dict of them by name, optional
        Descents, drawn where `record=True` kept their path.
    bounds : pair, optional
        What to show, (low, high); about the paths by default.
    names : sequence of str, optional
        The variable's name, for the axis; the function's own by default.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        What was drawn on.

    Raises
    ------
    ValueError
        If the function has not one variable, `bounds` does not fit, or there are neither bounds nor
        result.
    ImportError
        If matplotlib is missing.

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
    """The curve and every descent of a scene of one variable; limits are those of both."""
    low, high = s.limits[0]
    x = np.linspace(low, high, _CURVE_POINTS)
    y = s.values(x[:, None])
    y = np.where(np.isfinite(y), y, np.nan)  # a gap where there is no value
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
    """A line where a step went that has no value, and so no height."""
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
    """A function along one variable, with the others fixed.

    Parameters
    ----------
    fun : Objective or callable
        The function.
    fixed : dict
        For every variable but one its value, or several: a line each. Several of more than one
        variable go together, first with first.
    bounds : pair
        Where to look along the variable that is left, (low, high).
    names : sequence of str, optional
        The variables' names; the function's own by default.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        What was drawn on.

    Raises
    ------
    ValueError
        If `fixed` does not leave one variable, its values do not go together, or `bounds` does not
        fit.
    ImportError
        If matplotlib is missing.

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
    free, values = _held(own, fixed)
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


def _held(own: list[str], held: Mapping[str, Any]) -> tuple[int, FloatArray]:
    """Which variable is left, and rows of values for all (NaN for that one)."""
    unknown = [name for name in held if name not in own]
    left = [i for i, name in enumerate(own) if name not in held]
    if unknown or len(left) != 1:
        raise ValueError(
            f"held must name all but one of {', '.join(own)}; got {', '.join(held) or 'none'}"
        )
    given = [np.atleast_1d(as_floats(held[name], name)) if name in held else np.array([np.nan])
             for name in own]  # fmt: skip
    try:
        return left[0], np.column_stack(np.broadcast_arrays(*given))
    except ValueError:
        sizes = ", ".join(f"{n}: {g.size}" for n, g in zip(own, given, strict=True) if n in held)
        raise ValueError(f"held must give as many values each, or one; got {sizes}") from None


def _shades(count: int) -> list[Any]:
    """A colour each: by lightness, dark to light, since held values have an order."""
    from matplotlib import colormaps

    if count == 1:
        return [canvas.BLUE]
    return [colormaps["viridis"](v) for v in np.linspace(0.0, 0.8, count)]
