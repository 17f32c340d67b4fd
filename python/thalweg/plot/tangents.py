# SPDX-License-Identifier: BSD-3-Clause
"""Draw the tangent line of a curve, or the tangent plane of a surface."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from thalweg.plot import canvas
from thalweg.plot.curves import draw_curve
from thalweg.plot.scene import Scene, known_function, scene
from thalweg.plot.surfaces import facets, frame, projection, seen_from
from thalweg.plot.view import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["tangent"]

Mask = npt.NDArray[np.bool_]

# Lighter shades of vermillion, opaque because transparent facets would show their seams.
_TINTS = "#EDA472", "#F4BC95"
_NEARER = 0.01
_CHECK = 20  # facets along each side of a square of the plane's chessboard
_PLANE = (
    6 * _CHECK + 1
)  # points along each side of a plane: its facets are smaller than a pixel or two


def tangent(
    fun: Any,
    at: Any,
    *,
    bounds: Any = None,
    names: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the tangent line of a function of one variable, or the tangent plane of one of two.

    Parameters
    ----------
    fun : Objective or callable
        The function.
    at : array_like, tuple or dict
        The point of contact; `thalweg.tangent` returns the tangent as numbers.
    bounds : sequence of pairs or dict, optional
        The limits of the picture, (low, high) for each variable; by default around `at`.
    names : sequence of str, optional
        The names of the variables on the axes; by default those of the function.
    ax : matplotlib.axes.Axes, optional
        The axes to draw on, with projection="3d" for a plane; by default those of a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The axes that hold the picture.

    Raises
    ------
    ValueError
        If the function has more than two variables or no value at `at`, or `bounds` does not match.
    TypeError
        If `ax` must have projection="3d" for a plane, but does not.
    ImportError
        If Matplotlib is not installed.

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
    """Write the tangent as a formula, such as `20 + 4 (x − 2) + 8 (y − 4)`."""
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
    from mpl_toolkits.mplot3d.art3d import Poly3DCollection

    if ax is None:
        ax = canvas.new_figure(6.4, 5.6).add_subplot(projection="3d")
    elif ax.name != "3d":
        raise TypeError(f"a tangent plane needs ax with projection='3d', got {ax.name!r}")
    space: Any = ax
    X, Y, Z, colors = facets(s)
    # The plane covers a part of the box around the point, so that the rest of the surface is seen.
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
    relief = Relief(np.asarray([*s.limits, (low, high)]), Z)
    space.computed_zorder = False
    corners, shades = _quads(X, Y, Z, colors[:-1, :-1])
    kw: dict[str, Any] = {"linewidth": canvas.SEAM}
    space.add_collection3d(
        Poly3DCollection(corners, facecolors=shades, edgecolors=shades, zorder=1, **kw)
    )
    corners, shades = _quads(U, V, W, _checks())
    space.add_collection3d(_sheet_class()(relief, corners, shades, zorder=2, **kw))
    space.plot(*at[:, None], [value], "o", color="black", markersize=6.5, zorder=6)
    frame(s, space)
    space.set_zlim(low, high)
    seen_from(space, *_view(relief, np.stack([U, V, W], axis=-1)))
    return ax


class Relief(NamedTuple):
    """A surface in its box (3, 2), with heights on an even grid and NaN for missing heights."""

    box: FloatArray
    Z: FloatArray

    def hides(self, points: FloatArray, elevation: float, azimuth: float) -> Mask:
        """Return which points (k, 3) lie behind the surface for a viewer in this direction.

        A point is hidden if a ray from it towards the viewer crosses the surface.
        """
        eye, scale = _eye(elevation, azimuth), self.scale(elevation, azimuth)
        # Steps are short near the point, where the surface may be close.
        along = 1.5 * np.linspace(0.0, 1.0, 60)[:, None, None] ** 2
        ray = points + along * eye * scale
        above = ray[..., 2] - self.at(ray[..., 0], ray[..., 1])
        faint = 1e-4 * (self.box[2, 1] - self.box[2, 0])
        side = np.where(np.abs(above) > faint, np.sign(above), np.nan)
        hidden = np.logical_and((side > 0).any(axis=0), (side < 0).any(axis=0))
        return np.asarray(hidden)

    def at(self, x: FloatArray, y: FloatArray) -> FloatArray:
        """Return heights by bilinear interpolation on the grid; NaN outside."""
        (x0, x1), (y0, y1), _ = self.box
        u = (x - x0) / (x1 - x0) * (self.Z.shape[1] - 1)
        v = (y - y0) / (y1 - y0) * (self.Z.shape[0] - 1)
        i = np.clip(u, 0, self.Z.shape[1] - 2).astype(np.intp)
        j = np.clip(v, 0, self.Z.shape[0] - 2).astype(np.intp)
        s, t, Z = u - i, v - j, self.Z
        found = (1 - t) * ((1 - s) * Z[j, i] + s * Z[j, i + 1])
        found = found + t * ((1 - s) * Z[j + 1, i] + s * Z[j + 1, i + 1])
        inside = (np.abs(s - 0.5) <= 0.5) & (np.abs(t - 0.5) <= 0.5)
        return np.where(inside, found, np.nan)

    def scale(self, elevation: float, azimuth: float) -> FloatArray:
        """Return the scale of each axis when the box is drawn from this direction."""
        spans: FloatArray = self.box[:, 1] - self.box[:, 0]
        return spans / projection(elevation, azimuth)[2]


def _eye(elevation: float, azimuth: float) -> FloatArray:
    """Return the direction towards the viewer, in units of the box."""
    e, a = np.radians([elevation, azimuth])
    return np.asarray([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)])


def _view(relief: Relief, plane: FloatArray) -> tuple[float, float]:
    """Return the elevation and azimuth, in degrees, from which most of the plane is visible.

    Visible parts count more if they face the viewer.
    """
    points = plane[::_CHECK, ::_CHECK].reshape(-1, 3)
    edges = plane[0, -1] - plane[0, 0], plane[-1, 0] - plane[0, 0]
    best, view = -1.0, (35.0, -60.0)
    for elevation in (30.0, 20.0, 11.0):
        for azimuth in np.arange(-60.0, 300.0, 15.0):
            eye, scale = _eye(elevation, float(azimuth)), relief.scale(elevation, float(azimuth))
            normal = np.cross(*(edge / scale for edge in edges))
            normal /= np.linalg.norm(normal)
            seen = ~relief.hides(points, elevation, float(azimuth))
            # A higher viewpoint shows more of the surface, so low ones need a reason. A view along
            # an axis hides everything that happens along it.
            score = float(seen.mean()) * abs(float(eye @ normal)) * (1 + 0.01 * elevation)
            score *= float(np.min(np.abs(eye[:2] / np.hypot(*eye[:2])))) ** 0.5
            if score > 1.02 * best:
                best, view = score, (elevation, float(azimuth))
    return view


def _checks() -> Any:
    """Return the colours of the plane, a faint chessboard that shows how it is tilted."""
    from matplotlib.colors import to_rgba

    field = np.arange(_PLANE - 1) // _CHECK
    dark = (field[:, None] + field) % 2 == 1
    return np.where(dark[..., None], to_rgba(_TINTS[0]), to_rgba(_TINTS[1]))


def _quads(X: FloatArray, Y: FloatArray, Z: FloatArray, color: Any) -> tuple[FloatArray, Any]:
    """Return the facets of a sheet that have heights: corners (k, 4, 3) and colours (k, 4)."""
    P = np.stack([X, Y, Z], axis=-1)
    quads = np.stack([P[:-1, :-1], P[1:, :-1], P[1:, 1:], P[:-1, 1:]], axis=2).reshape(-1, 4, 3)
    shades = np.broadcast_to(color, (*Z[1:, 1:].shape, 4)).reshape(-1, 4)
    whole = np.isfinite(quads).all(axis=(1, 2))
    return quads[whole], shades[whole]


@functools.cache
def _sheet_class() -> Any:
    """Return a collection of facets that hides those behind a surface, for every view."""
    from mpl_toolkits.mplot3d.art3d import Poly3DCollection

    class Sheet(Poly3DCollection):  # type: ignore[misc]  # mpl_toolkits has no types
        def __init__(self, relief: Relief, corners: FloatArray, shades: Any, **kw: Any) -> None:
            super().__init__(corners, facecolors=shades, edgecolors=shades, **kw)
            self._whole, self._relief = (corners, shades), relief
            self._seen: tuple[float, float] | None = None

        def do_3d_projection(self) -> Any:
            view = float(self.axes.elev), float(self.axes.azim)
            if view != self._seen:
                self._seen = view
                corners, shades = self._whole
                # The plane counts as slightly nearer, so that it is visible where the two touch.
                shift = _NEARER * _eye(*view) * self._relief.scale(*view)
                there = ~self._relief.hides(corners.mean(axis=1) + shift, *view)
                self.set_verts(corners[there])
                self.set_facecolor(shades[there])
                self.set_edgecolor(shades[there])
            return super().do_3d_projection()

    return Sheet
