# SPDX-License-Identifier: BSD-3-Clause
"""Functions of two variables: contours, the surface beside them, the gradient as arrows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from thalweg.plot import canvas
from thalweg.plot.scene import Scene, scene
from thalweg.plot.view import FloatArray, heights, levels_of, thinned, ticks_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["contours", "field", "surface"]

_GRID_POINTS = 201  # each way; finer is not seen under contours
_TICKS = 2.6  # ticks an inch along an edge in space
_ROOM = 0.8  # share of three-dimensional axes for the box; the rest is for numbers and names
_FACETS = 81  # each way; finer only takes longer
_LONGEST = 0.95  # of a cell; arrows stay inside their cells, so none is cut off at the border
_SEEN = 0.9  # arrows longer than nine tenths of them are cut to those, so that the rest is seen


def contours(
    fun: Any,
    results: Any = None,
    *,
    bounds: Any = None,
    names: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Filled contours of a function of two variables, with the paths of descents on it.

    Parameters
    ----------
    fun : Objective or callable
        The function; None takes that of the (first) result.
    results : Result, sequence of Result, or dict of them by name, optional
        Descents, drawn where `record=True` kept their path.
    bounds : sequence of pairs or dict, optional
        What to show, (low, high) for each variable; about the paths by default.
    names : sequence of str, optional
        The variables' names, for the axes; the function's own by default.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        What was drawn on.

    Raises
    ------
    ValueError
        If the function has not two variables, `bounds` does not fit, or there are neither bounds
        nor results.
    ImportError
        If matplotlib is missing.

    Examples
    --------
    >>> import thalweg as tw
    >>> ax = tw.plot.contours(lambda x, y: x**2 + 3 * y**2, bounds=[(-2, 2), (-2, 2)])
    >>> ax.get_xlabel(), ax.get_ylabel(), ax.get_xlim()
    ('x', 'y', (np.float64(-2.0), np.float64(2.0)))
    """
    s = scene(fun, results, bounds, names, (2,))
    return draw_contours(s, canvas.axes(ax, *canvas.fitted(s.limits)))


def draw_contours(s: Scene, ax: Axes, bar: bool = True) -> Axes:
    """Contours and every path of a scene."""
    X, Y, Z = s.grid(_GRID_POINTS)
    ax.set(xlim=s.limits[0], ylim=s.limits[1], xlabel=s.labels[0], ylabel=s.labels[1])
    ax.set_facecolor(canvas.NOTHING)
    filled, levels = _filled(ax, X, Y, Z)
    if filled is not None and bar:
        made = ax.figure.colorbar(filled, ax=ax, ticks=ticks_of(levels))
        made.set_label(s.height)
        made.ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}".replace("-", "−"))
        cast("Any", made.outline).set_linewidth(0.6)
    canvas.square(ax, s.limits)
    canvas.path_and_ends(ax, s.trails, s.limits)
    if s.trails:
        canvas.beside_paths(ax, s.trails, (X, Y, Z))
    return ax


def _filled(ax: Axes, X: FloatArray, Y: FloatArray, Z: FloatArray) -> tuple[Any, FloatArray]:
    """Contours, filled and as lines; None of a flat function."""
    from matplotlib.colors import BoundaryNorm

    shown = np.ma.masked_invalid(Z)
    levels = levels_of(shown.compressed()) if shown.count() else np.empty(0)
    if len(levels) < 2:
        return None, levels
    norm = BoundaryNorm(cast("Any", levels), ncolors=256, extend="both")
    filled = ax.contourf(
        X, Y, shown, levels=levels, norm=norm, cmap=canvas.hills(), extend="both", zorder=1
    )
    ax.contour(X, Y, shown, levels=levels, colors="black", linewidths=0.35, alpha=0.45, zorder=2)
    return filled, levels


def surface(
    fun: Any,
    results: Any = None,
    *,
    bounds: Any = None,
    names: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Contours and surface of a function of two variables side by side, with the paths on both.

    Parameters
    ----------
    fun, results, bounds, names
        As in `contours`.
    ax : mpl_toolkits.mplot3d.axes3d.Axes3D, optional
        Where to draw the surface alone; by default a new figure with the contours beside it.

    Returns
    -------
    mpl_toolkits.mplot3d.axes3d.Axes3D
        The surface; its `figure.axes[0]` are the contours, where they were drawn.

    Raises
    ------
    TypeError
        If `ax` has not three axes.
    ValueError, ImportError
        As in `contours`.

    Examples
    --------
    >>> import thalweg as tw
    >>> ax = tw.plot.surface(lambda x, y: x**2 + 3 * y**2, bounds=[(-2, 2), (-2, 2)])
    >>> ax.get_zlabel(), ax.figure.axes[0].get_xlabel()
    ('f(x, y)', 'x')
    """
    s = scene(fun, results, bounds, names, (2,))
    if ax is None:
        figure = canvas.new_figure(10.0, 4.4)
        flat = figure.add_subplot(1, 2, 1)
        ax = figure.add_subplot(1, 2, 2, projection="3d")
        draw_contours(s, flat, bar=False)
    elif ax.name != "3d":
        raise TypeError(f"surface needs ax with projection='3d', got {ax.name!r}")
    return cast("Axes", draw_surface(s, ax))


def draw_surface(s: Scene, ax: Any) -> Any:
    """The surface of a scene, seen from above its lower left corner, and every path on it."""
    X, Y, Z, colors = facets(s)
    # Drawn in the order given: what matplotlib works out itself puts paths behind the surface.
    ax.computed_zorder = False
    kw = {"rcount": _FACETS, "ccount": _FACETS, "linewidth": canvas.SEAM}
    ax.plot_surface(X, Y, Z, facecolors=colors, shade=False, zorder=1, **kw)
    for k, (label, trail) in enumerate(s.trails.items()):
        _path_in_space(ax, np.column_stack([trail.points, trail.fun]), s.limits, label, k)
        if trail.settled:
            canvas.star(ax, np.asarray([*trail.best, trail.best_fun]), None, 13)
    frame(s, ax)
    return ax


def facets(s: Scene) -> tuple[FloatArray, FloatArray, FloatArray, Any]:
    """Return a grid over the box, cut at poles, and the colours of its facets.

    Colours change smoothly from level to level; steps would be jagged along the facets.
    """
    X, Y, Z = s.grid(_FACETS)
    paths = [t.fun[np.isfinite(t.fun)] for t in s.trails.values()]
    bottom, top = heights(Z.ravel(), np.concatenate([*paths, np.empty(0)]), 0.9)
    Z[top < Z] = np.nan  # cut, not laid flat
    finite = Z[np.isfinite(Z)]
    levels = levels_of(finite) if finite.size else np.empty(0)
    if len(levels) < 2:
        levels = np.asarray([bottom, top])
    middle = Z.copy()
    middle[:-1, :-1] = (Z[:-1, :-1] + Z[1:, :-1] + Z[1:, 1:] + Z[:-1, 1:]) / 4
    shades = np.interp(middle, levels, np.linspace(0, 1, len(levels)))
    return X, Y, Z, canvas.hills()(np.ma.masked_invalid(shades))


def frame(s: Scene, ax: Any) -> None:
    """Labels, limits and light walls of axes in space."""
    ax.set(xlim=s.limits[0], ylim=s.limits[1], xlabel=s.labels[0], ylabel=s.labels[1])
    ax.set_zlabel(s.height)
    for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
        axis.pane.set_facecolor("white")
        axis.pane.set_edgecolor("0.8")
        axis._axinfo["grid"].update(color="0.9", linewidth=0.6)
    seen_from(ax, 35.0, -60.0)


def seen_from(ax: Any, elevation: float, azimuth: float) -> None:
    """Turn axes in space and make them as large as possible, with as many ticks as edges can hold.

    An axis that points towards the eye is short in the picture, where many numbers would overlap.
    """
    from matplotlib.ticker import MaxNLocator

    ax.view_init(elev=elevation, azim=azimuth)
    across, upward, sides = projection(elevation, azimuth)
    shown = np.hypot(across, upward) * sides  # lengths of the edges on the picture
    extent = max(np.abs(across) @ sides, np.abs(upward) @ sides)
    ax.set_box_aspect(sides, zoom=_ROOM * float(np.linalg.norm(sides) / extent))
    inches = min(ax.get_window_extent().size) / ax.figure.dpi
    for axis, length in zip((ax.xaxis, ax.yaxis, ax.zaxis), shown / extent, strict=True):
        count = int(np.clip(_TICKS * length * inches, 1, 6))
        axis.set_major_locator(MaxNLocator(count, steps=[1, 2, 2.5, 5, 10]))


def projection(elevation: float, azimuth: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the directions across and up the picture, and the sides of a box that fills it."""
    e, a = np.radians([elevation, azimuth])
    across = np.asarray([-np.sin(a), np.cos(a), 0.0])
    upward = np.asarray([-np.sin(e) * np.cos(a), -np.sin(e) * np.sin(a), np.cos(e)])
    width, depth = np.abs(across[:2]).sum(), np.abs(upward[:2]).sum()
    height = np.clip((width - depth) / max(np.cos(e), 0.1), 0.6, 1.1)
    return across, upward, np.asarray([1.0, 1.0, height])


def _path_in_space(ax: Any, points: FloatArray, limits: FloatArray, label: str, k: int) -> None:
    """A descent's points (k, 3), those outside the box left out."""
    inside = np.all((points[:, :2] >= limits[:, 0]) & (points[:, :2] <= limits[:, 1]), axis=1)
    drawn = thinned(np.where((inside & np.isfinite(points[:, 2]))[:, None], points, np.nan))
    ax.plot(*drawn.T, color="white", linewidth=3.2, zorder=4)
    ax.plot(
        *drawn.T, color=canvas.style(k)["color"], marker=canvas.mark(k), markersize=4.2,
        markeredgewidth=0.4, markeredgecolor="white", linewidth=1.4, label=label, zorder=5,
    )  # fmt: skip


def field(
    fun: Any,
    results: Any = None,
    *,
    bounds: Any = None,
    names: Sequence[str] | None = None,
    ax: Axes | None = None,
    count: int = 17,
    downhill: bool = False,
) -> Axes:
    """The gradient of a function of two variables as a field of arrows over its contours.

    Arrows point uphill, as the gradient at their middle does, and are as long as it, but for the
    longest tenth, which are cut; their colour is its norm.

    Parameters
    ----------
    fun, results, bounds, names, ax
        As in `contours`.
    count : int, default 17
        Arrows along each side.
    downhill : bool, default False
        Draw the negative gradient, the way that a descent goes.

    Returns
    -------
    matplotlib.axes.Axes
        What was drawn on.

    Raises
    ------
    ValueError, ImportError
        As in `contours`.

    Examples
    --------
    >>> import thalweg as tw
    >>> ax = tw.plot.field(lambda x, y: x**2 + 3 * y**2, bounds=[(-2, 2), (-2, 2)])
    >>> len(ax.figure.axes)  # and the colour bar
    2
    """
    s = scene(fun, results, bounds, names, (2,))
    ax = canvas.axes(ax, *canvas.fitted(s.limits))
    X, Y, Z = s.grid(_GRID_POINTS)
    shown = np.ma.masked_invalid(Z)
    levels = levels_of(shown.compressed(), 15) if shown.count() else np.empty(0)
    if len(levels) > 1:
        ax.contour(X, Y, shown, levels=levels, colors="0.7", linewidths=0.7, zorder=1)
    points, slopes = _sampled(s, count)
    norm = np.hypot(*slopes.T)
    reach = float(np.quantile(norm[norm > 0], _SEEN)) if (norm > 0).any() else 1.0
    cut = np.where(norm > reach, reach / np.maximum(norm, 1e-300), 1.0)
    drawn = (-1.0 if downhill else 1.0) * slopes * cut[:, None]
    spacing = np.min((s.limits[:, 1] - s.limits[:, 0]) / count)
    arrows = ax.quiver(
        *points.T, *drawn.T, norm, angles="xy", scale_units="xy",
        scale=reach / (_LONGEST * spacing), pivot="mid", cmap="cividis_r", clim=(0, reach),
        width=0.0042, headwidth=3.6, headlength=4.2, headaxislength=3.8, zorder=2,
        edgecolor="white", linewidth=0.25,
    )  # fmt: skip
    bar = ax.figure.colorbar(
        arrows, ax=ax, extend="max" if norm.max(initial=0) > reach else "neither"
    )
    bar.set_label(f"‖{'−' if downhill else ''}∇{s.height}‖")
    cast("Any", bar.outline).set_linewidth(0.6)
    ax.set(xlim=s.limits[0], ylim=s.limits[1], xlabel=s.labels[0], ylabel=s.labels[1])
    canvas.square(ax, s.limits)
    canvas.path_and_ends(ax, s.trails, s.limits)
    if s.trails:
        canvas.beside_paths(ax, s.trails, (X, Y, Z))
    return ax


def _sampled(s: Scene, count: int) -> tuple[FloatArray, FloatArray]:
    """Points (k, 2) in the middle of `count` cells each way, and the gradients there."""
    middles = [low + (high - low) * (np.arange(count) + 0.5) / count for low, high in s.limits]
    grid = np.meshgrid(*middles)
    points = np.column_stack([g.ravel() for g in grid])
    slopes = s.slopes(points)
    # A slope may have a number where the function has none: 1 / x beside log(x).
    there = np.isfinite(slopes).all(axis=1) & np.isfinite(s.values(points))
    return points[there], slopes[there]
