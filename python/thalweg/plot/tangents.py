# SPDX-License-Identifier: BSD-3-Clause
"""The tangent line of a curve, and the tangent plane of a surface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg.plot import canvas
from thalweg.plot.curves import draw_curve
from thalweg.plot.scene import Scene, known_function, scene
from thalweg.plot.surfaces import facets, frame
from thalweg.plot.view import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["tangent"]

# Vermillion, lighter; opaque, since facets that shine through show their seams.
_TINTS = "#EDA472", "#F4BC95"
_NEARER = 0.02
_PLANE = 31  # points along each side of a plane: facets as fine as the surface's


def tangent(
    fun: Any,
    at: Any,
    *,
    bounds: Any = None,
    names: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """The tangent line of a function of one variable, or the tangent plane of one of two.

    Parameters
    ----------
    fun : Objective or callable
        The function.
    at : array_like, tuple or dict
        Where it is touched; `thalweg.tangent` gives the same in numbers.
    bounds : sequence of pairs or dict, optional
        What to show, (low, high) for each variable; about `at` by default.
    names : sequence of str, optional
        The variables' names, for the axes; the function's own by default.
    ax : matplotlib.axes.Axes, optional
        Where to draw, with projection="3d" for a plane; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        What was drawn on.

    Raises
    ------
    ValueError
        If the function has more than two variables, no value at `at`, or `bounds` does not fit.
    TypeError
        If a plane is to be drawn and `ax` has not three axes.
    ImportError
        If matplotlib is missing.

    Examples
    --------
    >>> import thalweg as tw
    >>> ax = tw.plot.tangent(lambda x, y: x**2 + y**2, [2, 4])
    >>> ax.get_title()
    '20 + 4 (x − 2) + 8 (y − 4)'
    """
    known = known_function(fun, at)
    point = known.structure.flatten(at, "at")[1][0]
    if bounds is None:
        reach = np.maximum(1.0, np.abs(point))
        bounds = np.stack([point - reach, point + reach], axis=1)
    s = scene(known, None, bounds, names)
    value, slope = float(s.values(point[None])[0]), s.slopes(point[None])[0]
    if not (np.isfinite(value) and np.isfinite(slope).all()):
        raise ValueError(
            f"the function has no tangent at {at}: its value there is {value}, its slope {slope}"
        )
    ax = (_line if len(point) == 1 else _plane)(s, point, value, slope, ax)
    ax.set_title(_formula(s.labels, point, value, slope), fontsize="medium")
    return ax


def _formula(labels: list[str], at: FloatArray, value: float, slope: FloatArray) -> str:
    """`20 + 4 (x − 2) + 8 (y − 4)`."""
    text = f"{value:.5g}".replace("-", "−")
    for name, a, g in zip(labels, at, slope, strict=True):
        shift = f"({name} {'−' if a > 0 else '+'} {abs(a):.4g})" if a else name
        text += f" {'−' if g < 0 else '+'} {abs(g):.4g} {shift}"
    return text


def _line(s: Scene, at: FloatArray, value: float, slope: FloatArray, ax: Axes | None) -> Axes:
    ax = draw_curve(s, canvas.axes(ax))
    limits = ax.get_ylim()
    x = s.limits[0]
    ax.plot(
        x, value + slope[0] * (x - at[0]), label="tangent", linewidth=1.6, zorder=3,
        color=canvas.VERMILLION, linestyle=canvas.DASHES[1],
    )  # fmt: skip
    ax.set_ylim(limits)
    ax.plot(
        at,
        [value],
        "o",
        color="black",
        markersize=6.5,
        zorder=5,
        label=f"{s.labels[0]} = {at[0]:.4g}",
    )
    canvas.legend(ax)
    return ax


def _plane(s: Scene, at: FloatArray, value: float, slope: FloatArray, ax: Axes | None) -> Axes:
    if ax is None:
        ax = canvas.new_figure(6.4, 5.6).add_subplot(projection="3d")
    elif ax.name != "3d":
        raise TypeError(f"a tangent plane needs ax with projection='3d', got {ax.name!r}")
    space: Any = ax
    X, Y, Z, colors = facets(s)
    # The plane spans a part of the box about the point: enough to see it touch, and what it leaves.
    reach = (s.limits[:, 1] - s.limits[:, 0]) * 0.24
    x, y = (
        np.linspace(max(a - r, low), min(a + r, high), _PLANE)
        for a, r, (low, high) in zip(at, reach, s.limits, strict=True)
    )
    U, V = np.meshgrid(x, y)
    W = value + slope[0] * (U - at[0]) + slope[1] * (V - at[1])
    low, high = np.nanmin([np.nanmin(Z), W.min()]), np.nanmax([np.nanmax(Z), W.max()])
    if not high > low:
        low, high = low - 0.5, high + 0.5
    elevation, azimuth = _view(s, np.stack([U, V, W], axis=-1), low, high)
    # Nearer to the eye by a facet: then it is one of the two that is seen where they touch.
    shift = _NEARER * _eye(elevation, azimuth) * _box(s, low, high)
    plane = (U + shift[0], V + shift[1], W + shift[2], _checks())
    _woven(space, [(X, Y, Z, colors[:-1, :-1]), plane])
    space.plot(*at[:, None], [value], "o", color="black", markersize=6.5, zorder=6)
    frame(s, space)
    space.set_zlim(low, high)
    space.view_init(elev=elevation, azim=azimuth)
    return ax


def _eye(elevation: float, azimuth: float) -> FloatArray:
    """The direction towards the eye, in units of the box."""
    e, a = np.radians([elevation, azimuth])
    return np.asarray([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)])


def _box(s: Scene, low: float, high: float) -> FloatArray:
    """What a unit of the box is along each axis; it is drawn three quarters as high as wide."""
    return np.asarray([*(s.limits[:, 1] - s.limits[:, 0]), (high - low) / 0.75])


def _view(s: Scene, plane: FloatArray, low: float, high: float) -> tuple[float, float]:
    """From where most of the plane is seen: elevation and azimuth in degrees.

    From points of the plane rays go towards the eye; one that crosses the surface is hidden. What
    is seen counts by how much it faces the eye.
    """
    scale = _box(s, low, high)
    points = plane[::5, ::5].reshape(-1, 3)
    points = np.concatenate([points, plane[[_PLANE // 2], [_PLANE // 2]]])
    corner = plane[0, 0]
    normal = np.cross((plane[0, -1] - corner) / scale, (plane[-1, 0] - corner) / scale)
    normal /= np.linalg.norm(normal)
    along = np.linspace(0.0, 1.5, 50)[:, None, None]
    best, view = -1.0, (35.0, -60.0)
    for elevation in (30.0, 20.0, 11.0):
        for azimuth in np.arange(-60.0, 300.0, 15.0):
            eye = _eye(elevation, float(azimuth))
            ray = points + along * eye * scale
            above = ray[..., 2] - s.values(ray[..., :2].reshape(-1, 2)).reshape(ray.shape[:2])
            inside = np.all(
                (ray[..., :2] > s.limits[:, 0]) & (ray[..., :2] < s.limits[:, 1]), axis=-1
            )
            side = np.where(inside & (np.abs(above) > 1e-4 * (high - low)), np.sign(above), np.nan)
            seen = ~((side > 0).any(axis=0) & (side < 0).any(axis=0))
            # The higher the eye, the more is seen of the surface: low views need a reason.
            score = float(seen.mean()) * abs(float(eye @ normal)) * (1 + 0.01 * elevation)
            if score > 1.02 * best:
                best, view = score, (elevation, float(azimuth))
    return view


def _checks() -> Any:
    """The plane's colours: a faint chessboard, which tells how it leans."""
    from matplotlib.colors import to_rgba

    field = np.arange(_PLANE - 1) // 5
    dark = (field[:, None] + field) % 2 == 1
    return np.where(dark[..., None], to_rgba(_TINTS[0]), to_rgba(_TINTS[1]))


def _woven(ax: Any, sheets: list[tuple[FloatArray, FloatArray, FloatArray, Any]]) -> None:
    """Sheets drawn as one, nearest facets last, so that each hides what is behind it."""
    from mpl_toolkits.mplot3d.art3d import Poly3DCollection

    ax.computed_zorder = False
    corners, colors = [], []
    for X, Y, Z, color in sheets:
        P = np.stack([X, Y, Z], axis=-1)
        quads = np.stack([P[:-1, :-1], P[1:, :-1], P[1:, 1:], P[:-1, 1:]], axis=2).reshape(-1, 4, 3)
        shades = np.broadcast_to(color, (*Z[1:, 1:].shape, 4)).reshape(-1, 4)
        whole = np.isfinite(quads).all(axis=(1, 2))
        corners.append(quads[whole])
        colors.append(shades[whole])
    ax.add_collection3d(
        Poly3DCollection(
            np.concatenate(corners), facecolors=np.concatenate(colors), linewidth=0,
            antialiased=False, zorder=1,
        )
    )  # fmt: skip
