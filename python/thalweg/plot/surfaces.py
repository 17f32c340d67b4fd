# SPDX-License-Identifier: BSD-3-Clause
"""Draw functions of two variables: contours, surfaces, and gradient fields."""

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

_GRID_POINTS = 201  # along each axis; more are not visible in contours
_TICKS = 2.6  # ticks for each inch along an edge of a 3-D box
_ROOM = 0.8  # the fraction of 3-D axes for the box; the rest is for its numbers and names
_FACETS = 81  # along each axis; more only take longer
_LONGEST = 0.95  # the longest arrow as a fraction of its cell, so that no arrow is cut off
_SEEN = 0.9  # the longest tenth of the arrows is shortened, so that the others are visible


def contours(
    fun: Any,
    results: Any = None,
    *,
    bounds: Any = None,
    names: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw filled contours of a function of two variables, with the paths of descents.

    Parameters
    ----------
    fun : Objective or callable
        The function; None selects that of the (first) result.
    results : Result, sequence of Result, or dict of them by name, optional
        The descents. Paths are drawn if they were recorded with `record=True`.
    bounds : sequence of pairs or dict, optional
        The limits of the picture, (low, high) for each variable; by default around the paths.
    names : sequence of str, optional
        The names of the variables on the axes; by default those of the function.
    ax : matplotlib.axes.Axes, optional
        The axes to draw on; by default those of a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The axes that hold the picture.

    Raises
    ------
    ValueError
        If the function does not have two variables, `bounds` does not match, or there are neither
        bounds nor results.
    ImportError
        If Matplotlib is not installed.

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
    """Draw the contours and all paths of a scene."""
    X, Y, Z = s.grid(_GRID_POINTS)
    ax.set(xlim=s.limits[0], ylim=s.limits[1], xlabel=s.labels[0], ylabel=s.labels[1])
    ax.set_facecolor(canvas.NOTHING)
    filled, levels = _filled(ax, X, Y, Z)
    if filled is not None and bar:
        colors = ax.figure.colorbar(filled, ax=ax, ticks=ticks_of(levels))
        colors.set_label(s.height)
        colors.ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}".replace("-", "−"))
        cast("Any", colors.outline).set_linewidth(0.6)
    canvas.square(ax, s.limits)
    canvas.path_and_ends(ax, s.trails, s.limits)
    if s.trails:
        canvas.beside_paths(ax, s.trails, (X, Y, Z))
    return ax


def _filled(ax: Axes, X: FloatArray, Y: FloatArray, Z: FloatArray) -> tuple[Any, FloatArray]:
    """Draw contours, filled and as lines; return None for a flat function."""
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
    """Draw contours and surface of a function of two variables side by side, with paths on both.

    Parameters
    ----------
    fun, results, bounds, names
        As in `contours`.
    ax : mpl_toolkits.mplot3d.axes3d.Axes3D, optional
        The axes for the surface alone; by default, a new figure shows the contours beside it.

    Returns
    -------
    mpl_toolkits.mplot3d.axes3d.Axes3D
        The axes of the surface; `figure.axes[0]` holds the contours if they were drawn.

    Raises
    ------
    TypeError
        If `ax` does not have projection="3d".
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
    """Draw the surface of a scene, seen from above its lower left corner, with all paths."""
    X, Y, Z, colors = facets(s)
    # Draw in the given order, because Matplotlib's own order puts paths behind the surface.
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
    """Return a grid over the box, cut off near poles of the function, and colours of its facets.

    Colours vary smoothly between levels, because steps would look jagged along the facets.
    """
    X, Y, Z = s.grid(_FACETS)
    paths = [t.fun[np.isfinite(t.fun)] for t in s.trails.values()]
    bottom, top = heights(Z.ravel(), np.concatenate([*paths, np.empty(0)]), 0.9)
    Z[top < Z] = np.nan  # leaves a gap instead of a flat top
    finite = Z[np.isfinite(Z)]
    levels = levels_of(finite) if finite.size else np.empty(0)
    if len(levels) < 2:
        levels = np.asarray([bottom, top])
    middle = Z.copy()
    middle[:-1, :-1] = (Z[:-1, :-1] + Z[1:, :-1] + Z[1:, 1:] + Z[:-1, 1:]) / 4
    shades = np.interp(middle, levels, np.linspace(0, 1, len(levels)))
    return X, Y, Z, canvas.hills()(np.ma.masked_invalid(shades))


def frame(s: Scene, ax: Any) -> None:
    """Set labels, limits and light walls of 3-D axes."""
    ax.set(xlim=s.limits[0], ylim=s.limits[1], xlabel=s.labels[0], ylabel=s.labels[1])
    ax.set_zlabel(s.height)
    for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
        axis.pane.set_facecolor("white")
        axis.pane.set_edgecolor("0.8")
        axis._axinfo["grid"].update(color="0.9", linewidth=0.6)
    seen_from(ax, 35.0, -60.0)


def seen_from(ax: Any, elevation: float, azimuth: float) -> None:
    """Turn 3-D axes, enlarge them as far as possible, and fit the number of ticks to the edges.

    An axis that points towards the viewer is short in the picture, so its numbers could overlap.
    """
    from matplotlib.ticker import MaxNLocator

    ax.view_init(elev=elevation, azim=azimuth)
    across, upward, sides = projection(elevation, azimuth)
    shown = np.hypot(across, upward) * sides  # the lengths of the edges in the picture
    extent = max(np.abs(across) @ sides, np.abs(upward) @ sides)
    ax.set_box_aspect(sides, zoom=_ROOM * float(np.linalg.norm(sides) / extent))
    inches = min(ax.get_window_extent().size) / ax.figure.dpi
    for axis, length in zip((ax.xaxis, ax.yaxis, ax.zaxis), shown / extent, strict=True):
        count = int(np.clip(_TICKS * length * inches, 1, 6))
        axis.set_major_locator(MaxNLocator(count, steps=[1, 2, 2.5, 5, 10]))


def projection(elevation: float, azimuth: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the picture's horizontal and vertical directions, and the sides of a square box."""
    e, a = np.radians([elevation, azimuth])
    across = np.asarray([-np.sin(a), np.cos(a), 0.0])
    upward = np.asarray([-np.sin(e) * np.cos(a), -np.sin(e) * np.sin(a), np.cos(e)])
    width, depth = np.abs(across[:2]).sum(), np.abs(upward[:2]).sum()
    height = np.clip((width - depth) / max(np.cos(e), 0.1), 0.6, 1.1)
    return across, upward, np.asarray([1.0, 1.0, height])


def _path_in_space(ax: Any, points: FloatArray, limits: FloatArray, label: str, k: int) -> None:
    """Draw the points (k, 3) of a descent that lie inside the box."""
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
    """Draw the gradient of a function of two variables as arrows on its contours.

    An arrow points uphill, like the gradient at its middle. Its length is proportional to the norm
    of the gradient, except for the longest tenth of the arrows, which are shortened. Its colour
    shows the norm.

    Parameters
    ----------
    fun, results, bounds, names, ax
        As in `contours`.
    count : int, default 17
        The number of arrows along each side.
    downhill : bool, default False
        Whether to draw the negative gradient, the direction of a descent.

    Returns
    -------
    matplotlib.axes.Axes
        The axes that hold the picture.

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
    """Return the centres (k, 2) of `count` cells along each axis, and the gradients there."""
    middles = [low + (high - low) * (np.arange(count) + 0.5) / count for low, high in s.limits]
    grid = np.meshgrid(*middles)
    points = np.column_stack([g.ravel() for g in grid])
    slopes = s.slopes(points)
    # A slope may be finite where the function is not, such as 1 / x for log(x).
    there = np.isfinite(slopes).all(axis=1) & np.isfinite(s.values(points))
    return points[there], slopes[there]
