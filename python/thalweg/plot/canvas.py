# SPDX-License-Identifier: BSD-3-Clause
"""Define the look of all pictures: colours, lines, markers, and figures independent of pyplot.

Lines differ in colour, dash and marker, and areas in lightness, so that pictures remain readable in
grey and for colour-blind people.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from thalweg.plot.view import FloatArray, Trail, free_corner, thinned

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure
    from matplotlib.legend import Legend

# The colours of Okabe and Ito's palette (jfly.uni-koeln.de/color) that are clear on white.
BLUE, VERMILLION, GREEN, PURPLE, SKY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9"
YELLOW, BLACK = "#F0E442", "#000000"
CURVE = "#5A5A5A"  # the function itself, below everything drawn on it
LINES = (VERMILLION, BLUE, BLACK, PURPLE, GREEN, SKY)
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1, 1)), "-.", (0, (8, 2)), (0, (3, 1, 1, 1)))
MARKS = ("o", "s", "^", "D", "v", "P")
NOTHING = "0.88"  # areas where a function or a fit has no value

# Marks of a minimum, and of the end of a descent that did not come to rest.
STAR: dict[str, Any] = {
    "marker": "*",
    "markersize": 14.0,
    "markerfacecolor": YELLOW,
    "markeredgewidth": 0.9,
}
CROSS: dict[str, Any] = {
    "marker": "X",
    "markersize": 9.0,
    "markerfacecolor": "white",
    "markeredgewidth": 1.1,
}

_MARKED = 300  # with more points, markers would hide the line
_ARROWS = 12
SEAM = 0.4  # the width of a facet's edge in its own colour, which hides seams between facets
_VALLEY = 0.2  # the lowest fraction of the picture, which a legend avoids
_HALO = 2.2  # the width of the white edge that separates a line from the background


def new_figure(width: float = 6.4, height: float = 4.8) -> Figure:
    """Create a figure of a size in inches, without adding it to pyplot's figures."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError('plots need Matplotlib: pip install "thalweg[plot]"') from None
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def axes(ax: Axes | None, width: float = 6.4, height: float = 4.8) -> Axes:
    """Return the given Axes, or those of a new figure."""
    return ax if ax is not None else new_figure(width, height).add_subplot()


def tidy(ax: Axes, grid: bool = True) -> Axes:
    """Format axes for lines: without a frame on the right and at the top, with a faint grid."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(color="0.4")
    if grid:
        ax.grid(color="0.9", linewidth=0.6)
        ax.set_axisbelow(True)
    return ax


def hills() -> Colormap:
    """Return a colour map from dark valleys to light hills: viridis, lightened for clear lines."""
    from matplotlib import colormaps
    from matplotlib.colors import LinearSegmentedColormap

    shades = np.asarray(colormaps["viridis"](np.linspace(0.12, 1, 256)))[:, :3]
    colormap = LinearSegmentedColormap.from_list("thalweg.hills", 0.62 * shades + 0.38)
    return colormap.with_extremes(bad=NOTHING)


def style(k: int) -> dict[str, Any]:
    """Return the colour and dash of the k-th line."""
    return {"color": LINES[k % len(LINES)], "linestyle": DASHES[k % len(DASHES)]}


def mark(k: int) -> str:
    """Return the marker of the k-th line."""
    return MARKS[k % len(MARKS)]


def legend(ax: Axes, **kw: Any) -> Legend:
    """Add a legend with an almost opaque background."""
    return ax.legend(**{"fontsize": "small", "framealpha": 0.9, "edgecolor": "0.8", **kw})


def path_of(
    ax: Axes, points: FloatArray, limits: FloatArray, label: str, k: int = 0, lifted: bool = True
) -> None:
    """Draw the points (k, 2) of a descent as a line with markers and a few arrow heads.

    `lifted` adds a white edge, for lines on areas; it would erase a curve below.
    """
    drawn = thinned(points)
    line: dict[str, Any] = {"linewidth": 1.4, "label": label, "zorder": 3.0, **style(k)}
    if len(drawn) <= _MARKED:
        line |= {
            "linestyle": "-", "marker": mark(k), "markersize": 4.6, "markeredgewidth": 0.5,
            "markeredgecolor": "white",
        }  # fmt: skip
    if lifted:
        ax.plot(*drawn.T, color="white", linewidth=line["linewidth"] + _HALO, zorder=2.9)
    ax.plot(*drawn.T, **line)
    arrows(ax, drawn, limits, line["color"])


def arrows(ax: Axes, points: FloatArray, limits: FloatArray, color: str) -> None:
    """Draw an arrow head in the middle of each of the longest visible steps."""
    a, b = points[:-1], points[1:]
    with np.errstate(all="ignore"):
        length = np.hypot(*((b - a) / (limits[:, 1] - limits[:, 0])).T)
        inside = np.all((points >= limits[:, 0]) & (points <= limits[:, 1]), axis=1)
    # An arrow head would hide a step shorter than 3 % of the picture.
    seen = np.flatnonzero((length > 0.03) & inside[:-1] & inside[1:])
    for i in seen[np.argsort(-length[seen], kind="stable")][:_ARROWS]:
        middle = (a[i] + b[i]) / 2
        ax.annotate(
            "",
            xy=tuple(middle + 0.02 * (b[i] - a[i])),
            xytext=tuple(middle - 0.02 * (b[i] - a[i])),
            arrowprops={"arrowstyle": "-|>", "color": color, "mutation_scale": 12, "linewidth": 0},
            zorder=4,
        )


def ends(
    ax: Axes, trail: Trail, start: FloatArray | None, end: FloatArray, names: set[str]
) -> None:
    """Mark the start and the end of a descent, with different shapes and colours.

    A star marks a minimum, and a cross the end of a descent that did not come to rest. `names` are
    the names that the legend already contains.
    """
    kw: dict[str, Any] = {"linestyle": "none", "markeredgecolor": BLACK, "clip_on": True}

    def label(name: str) -> str | None:
        new = name not in names
        names.add(name)
        return name if new else None

    if start is not None:
        ax.plot(
            *start[:, None], marker="o", markersize=8, markerfacecolor="white",
            markeredgewidth=1.6, label=label("start"), zorder=6, **kw,
        )  # fmt: skip
    if trail.settled:
        star(ax, end, label("best"))
    elif start is None or not np.array_equal(start, end):
        name = "end" if start is not None else "lowest"  # without a path the end is not known
        ax.plot(*end[:, None], label=label(name), zorder=7, **CROSS, **kw)


def star(ax: Axes, at: FloatArray, label: str | None, size: float = 14.0) -> None:
    """Mark a minimum with a star."""
    kw: dict[str, Any] = STAR | {"markersize": size, "markeredgecolor": BLACK}
    ax.plot(*at[:, None], linestyle="none", label=label, zorder=7, **kw)


def title(ax: Axes, fun: float, nit: int, reason: Any) -> None:
    """Set a title that says where a descent ended and why."""
    many = "iteration" if nit == 1 else "iterations"
    why = str(reason).replace("_", " ")
    ax.set_title(f"{fun:.6g} after {nit} {many}: {why}", fontsize="medium")


def square(ax: Axes, limits: FloatArray) -> None:
    """Use equal scales if the limits allow, so that steps are perpendicular to contours."""
    spans = limits[:, 1] - limits[:, 0]
    if spans.max() <= 3 * spans.min():
        ax.set_aspect("equal")


def fitted(limits: FloatArray, beside: float = 1.4) -> tuple[float, float]:
    """Return the size of a figure whose axes have the shape of the limits.

    `beside` is the width in inches to reserve for a colour bar.
    """
    spans = limits[:, 1] - limits[:, 0]
    if spans.max() > 3 * spans.min():
        return 6.4, 4.8
    scale = 4.6 / max(spans[0], 1.15 * spans[1])
    return scale * float(spans[0]) + beside, scale * float(spans[1]) + 0.7


def path_and_ends(
    ax: Axes, trails: dict[str, Trail], limits: FloatArray, height: bool = False
) -> None:
    """Draw all descents on two axes; `height` draws those of one variable at their values."""
    tips = []
    for k, (label, trail) in enumerate(trails.items()):
        points, (end, value) = trail.points, trail.end
        if height:
            points = np.column_stack([points[:, 0], trail.fun])
            end = np.asarray([end[0], value])
        if len(points) > 1:
            path_of(ax, points, limits, label, k, lifted=not height)
        tips.append((trail, points[0] if trail.start is not None else None, end))
    names: set[str] = set()
    for trail, start, end in tips:
        ends(ax, trail, start, end, names)


def _place(ax: Axes, limits: FloatArray) -> tuple[float, float]:
    """Estimate the size of a picture in pixels, before its layout is computed."""
    spec, figure = ax.get_subplotspec(), cast("Figure", ax.figure)
    place = ax.get_position() if spec is None else spec.get_position(figure)
    width, height = place.width * figure.bbox.width, place.height * figure.bbox.height
    if ax.get_aspect() == 1.0:
        spans = limits[:, 1] - limits[:, 0]
        scale = min(width / spans[0], height / spans[1])
        return scale * float(spans[0]), scale * float(spans[1])
    return width, height


def beside_paths(ax: Axes, trails: dict[str, Trail], grid: tuple[FloatArray, ...]) -> None:
    """Place a legend in the corner where it hides least of the paths and of valleys in the grid."""
    limits = np.asarray([ax.get_xlim(), ax.get_ylim()])
    X, Y, Z = grid
    there = np.isfinite(Z)
    deep = np.quantile(Z[there], _VALLEY) if there.any() else 0.0
    low = there & (np.where(there, Z, np.inf) <= deep)
    extent = legend(ax).get_window_extent()
    width, height = _place(ax, limits)
    size = (extent.width / width, extent.height / height)
    corner = free_corner(
        [trail.points for trail in trails.values()], limits, size,
        np.column_stack([X[low], Y[low]]),
    )  # fmt: skip
    legend(ax, loc=corner)
