# SPDX-License-Identifier: BSD-3-Clause
"""Draw many descents: which minimum each start leads to, and how each setting performs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from thalweg.plot import canvas
from thalweg.plot.scene import Evaluator, over_points
from thalweg.plot.view import FloatArray, heights, levels_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["basins", "sweep"]

_RELIEF = 121  # grid points along each axis, for faint contours
_BORDER = 0.8  # the width of the line between basins, in points
_WIDE = 4.0  # lines around basins narrower than this many points would hide them
_NUMBERED = 9  # with more minima, a legend is not helpful
# The colour and marker of each verdict, in order. The first six differ in lightness.
_VERDICTS: dict[str, tuple[str, str]] = {
    "converged": ("#0B6E4F", "o"),
    "too_small": ("#7FC3EA", "<"),
    "oscillating": ("#F0E442", "s"),
    "diverged": ("#D55E00", "^"),
    "left_domain": ("#3B1F4B", "X"),
    "unfinished": ("#FAFAFA", "D"),
    "stuck": ("#9A9A9A", "v"),
    "non_finite": ("#606060", "P"),
}


class _Map(NamedTuple):
    """Basins as numbers: starts along each side, their labels, minima, and the function."""

    sides: list[FloatArray]
    labels: npt.NDArray[Any]
    at: FloatArray  # (m, sides)
    heights: FloatArray  # (m,)
    names: list[str]
    values: Evaluator | None  # the function of points (k, sides); None if it is not available

    @property
    def title(self) -> str:
        """The name of the function."""
        return f"f({', '.join(self.names)})"


def basins(results: Any, *, names: Sequence[str] | None = None, ax: Axes | None = None) -> Axes:
    """Draw the basins of a function: each start has the colour of the minimum it leads to.

    The lower a minimum is, the darker is its basin. Starts that lead to no minimum are grey. Faint
    lines are the contours of the function.

    Parameters
    ----------
    results : Basins
        The result of `thalweg.basins` for one or two variables.
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
        If there are more than two variables, `names` has a wrong length, or the results are a
        selection that does not form a grid.
    ImportError
        If Matplotlib is not installed.

    Examples
    --------
    >>> import thalweg as tw
    >>> b = tw.basins(lambda x, y: (x**2 - 1)**2 + y**2, [(-2, 2), (-1, 1)], shape=(20, 10))
    >>> ax = tw.plot.basins(b)
    >>> sorted(text.get_text() for text in ax.get_legend().get_texts())
    ['0 at (1, 0)', '0 at (−1, 0)']
    """
    m = _read(results, names)
    shades = _shades(m.heights)
    if len(m.sides) == 1:
        return _intervals(m, shades, canvas.axes(ax))
    limits = np.asarray([_outer(side) for side in m.sides])
    listed = 0 < len(m.at) <= _NUMBERED
    ax = canvas.axes(ax, *canvas.fitted(limits, 2.6 if listed else 0.8))
    _areas(ax, m.labels.T, limits, shades)
    if m.values is not None:
        _relief(ax, m.values, limits)
    if len(m.at) > 1 and min(m.labels.shape) > 1:
        _borders(ax, m, limits)
    for point in m.at:
        canvas.star(ax, point, None)
    ax.set(xlim=limits[0], ylim=limits[1], xlabel=m.names[0], ylabel=m.names[1])
    canvas.square(ax, limits)
    _tell(ax, m, shades)
    return ax


def _read(b: Any, names: Sequence[str] | None) -> _Map:
    labels = np.asarray(b.labels)
    count = labels.ndim
    if count not in (1, 2):
        raise ValueError(f"a picture of basins has one or two variables, got {count}")
    sides = [np.asarray(side, dtype=np.float64) for side in getattr(b, "axes", ())]
    if labels.shape != tuple(map(len, sides)):
        raise ValueError(
            f"a picture of basins needs a whole grid, got a selection of {labels.size:,} results"
        )
    about = getattr(b, "_about", {})
    objective, box = about.get("objective"), about.get("box")
    # A variable whose bounds are equal has no side.
    free = np.arange(count) if box is None else np.flatnonzero(box.upper > box.lower)
    values: Evaluator | None = None
    if objective is not None and box is not None:
        over = over_points(objective)

        def values(points: FloatArray) -> FloatArray:
            rows = np.tile(box.lower, (len(points), 1))
            rows[:, free] = points
            return over(rows)

    if names is not None and len(names) != count:
        raise ValueError(f"names must have {count} entries, one per variable, got {len(names)}")
    x, heights = b.minima.x, np.asarray(b.minima.fun, dtype=np.float64)
    parts = x.values() if isinstance(x, dict) else x if isinstance(x, tuple) else [x]
    flat = [np.asarray(p, dtype=np.float64).reshape(len(heights), -1) for p in parts if np.size(p)]
    at = np.concatenate(flat, axis=1)[:, free] if flat else np.empty((0, count))
    return _Map(sides, labels, at, heights, list(names or b.names), values)


def _relief(ax: Axes, values: Evaluator, limits: FloatArray) -> None:
    """Draw faint contours."""
    X, Y = np.meshgrid(*(np.linspace(low, high, _RELIEF) for low, high in limits))
    Z = np.ma.masked_invalid(values(np.column_stack([X.ravel(), Y.ravel()])).reshape(X.shape))
    levels = levels_of(Z.compressed(), 15) if Z.count() else np.empty(0)
    if len(levels) > 1:
        ax.contour(X, Y, Z, levels=levels, colors="black", linewidths=0.4, alpha=0.35)


def _areas(ax: Axes, labels: npt.NDArray[Any], limits: FloatArray, shades: list[Any]) -> None:
    """Draw the labels as an image, with -1 in grey."""
    from matplotlib.colors import ListedColormap

    ax.imshow(
        labels, cmap=ListedColormap([canvas.NOTHING, *shades]), vmin=-1.5, vmax=len(shades) - 0.5,
        extent=(*limits[0], *limits[1]), origin="lower", interpolation="nearest", aspect="auto",
        zorder=0,
    )  # fmt: skip


def _borders(ax: Axes, m: _Map, limits: FloatArray) -> None:
    """Draw white lines between basins, except around basins that the lines would hide."""
    from matplotlib.collections import LineCollection

    inches = min(ax.get_window_extent().size) / ax.figure.dpi
    across = math.ceil(_WIDE / (72 * inches / max(m.labels.shape)))
    labels = _without_narrow(m.labels, across)
    x, y = (
        np.linspace(low, high, count + 1)
        for (low, high), count in zip(limits, labels.shape, strict=True)
    )
    i, j = np.nonzero(labels[1:] != labels[:-1])  # vertical edges, then horizontal ones
    upright = np.stack([x[[i + 1, i + 1]], y[[j, j + 1]]], axis=-1)
    i, j = np.nonzero(labels[:, 1:] != labels[:, :-1])
    level = np.stack([x[[i, i + 1]], y[[j + 1, j + 1]]], axis=-1)
    lines = np.concatenate([upright, level], axis=1).swapaxes(0, 1)
    ax.add_collection(
        LineCollection(
            list(lines), colors="white", linewidths=_BORDER, capstyle="projecting", zorder=2
        ),
        autolim=False,
    )


def _without_narrow(labels: npt.NDArray[Any], across: int) -> npt.NDArray[Any]:
    """Merge areas that are narrower than so many cells into their neighbours."""
    wide = np.zeros(labels.shape, dtype=np.bool_)
    for label in np.unique(labels):
        wide |= _opened(labels == label, across)
    labels = labels.copy()
    while wide.any() and not wide.all():
        for axis, shift in ((0, 1), (0, -1), (1, 1), (1, -1)):
            beside, known = np.roll(labels, shift, axis), np.roll(wide, shift, axis)
            edge = [slice(None), slice(None)]
            edge[axis] = slice(0, 1) if shift == 1 else slice(-1, None)
            known[tuple(edge)] = False  # np.roll wraps around, but areas do not
            taken = known & ~wide
            labels[taken] = beside[taken]
            wide |= taken
    return labels


def _opened(there: npt.NDArray[np.bool_], size: int) -> npt.NDArray[np.bool_]:
    """Return the parts of an area into which a square of so many cells fits.

    The area is assumed to continue beyond the edges of the picture.
    """
    before, after = size // 2, size - 1 - size // 2
    for around, join in (((before, after), np.logical_and), ((after, before), np.logical_or)):
        for axis in (0, 1):
            pad = [(0, 0), (0, 0)]
            pad[axis] = around
            padded = np.pad(there, pad, mode="edge")
            windows = np.lib.stride_tricks.sliding_window_view(padded, size, axis=axis)
            there = join.reduce(windows, axis=-1)
    return there


def _intervals(m: _Map, shades: list[Any], ax: Axes) -> Axes:
    """Draw the basins of one variable as bands behind the curve, with the minima on it."""
    (x,), labels = m.sides, m.labels
    edges = np.flatnonzero(np.diff(labels)) + 1
    cuts = [*_outer(x)[:1], *((x[edges - 1] + x[edges]) / 2), *_outer(x)[1:]]
    for low, high, label in zip(cuts[:-1], cuts[1:], labels[[0, *edges]], strict=True):
        ax.axvspan(low, high, color=shades[label] if label >= 0 else canvas.NOTHING, linewidth=0)
    if m.values is not None:
        line = np.linspace(x[0], x[-1], 801)
        y = m.values(line[:, None])
        y = np.where(np.isfinite(y), y, np.nan)
        ax.plot(line, y, color="white", linewidth=4)
        ax.plot(line, y, color="black", linewidth=1.6)
        ax.set_ylim(heights(y, m.heights, 0.9))
    for point, height in zip(m.at, m.heights, strict=True):
        canvas.star(ax, np.asarray([point[0], height]), None)
    ax.set(xlim=_outer(x), xlabel=m.names[0], ylabel=m.title)
    _tell(ax, m, shades)
    return ax


def _tell(ax: Axes, m: _Map, shades: list[Any]) -> None:
    """Add a legend beside the picture, with the value and position of each minimum."""
    from matplotlib.patches import Patch

    if not 0 < len(m.at) <= _NUMBERED:
        return
    handles = []
    # Coordinates that are rounding errors relative to the size of the picture are shown as zero.
    reach = 1e-9 * np.asarray([np.abs(side).max() for side in m.sides])
    for i in np.argsort(m.heights, kind="stable"):
        at = np.where(np.abs(m.at[i]) < reach, 0.0, m.at[i])
        height = m.heights[i] if abs(m.heights[i]) > 1e-9 else 0.0
        label = f"{height:.4g} at ({', '.join(f'{v:.3g}' for v in at)})".replace("-", "−")
        handles.append(Patch(facecolor=shades[i], edgecolor="0.4", linewidth=0.5, label=label))
    if (m.labels < 0).any():
        handles.append(Patch(facecolor=canvas.NOTHING, edgecolor="0.4", label="no minimum"))
    ax.legend(
        handles=handles, title=f"minimum of {m.title}", loc="upper left", frameon=False,
        bbox_to_anchor=(1.02, 1), borderaxespad=0, fontsize="small", title_fontsize="small",
        alignment="left",
    )  # fmt: skip


def _shades(heights: FloatArray) -> list[Any]:
    """Return a colour for each minimum, evenly spaced in lightness, the lowest darkest."""
    from matplotlib import colormaps

    rank = np.argsort(np.argsort(heights, kind="stable"), kind="stable")
    shades = np.asarray(colormaps["viridis"](0.1 + 0.85 * rank / max(len(heights) - 1, 1)))
    return [tuple(0.75 * shade[:3] + 0.25) for shade in shades]


def _outer(side: FloatArray) -> tuple[float, float]:
    """Return the outer edges of the pixels whose centres are the starts."""
    half = (side[-1] - side[0]) / (2 * (len(side) - 1)) if len(side) > 1 else 0.5
    return float(side[0] - half), float(side[-1] + half)


def sweep(results: Any, *, ax: Axes | None = None) -> Axes:
    """Draw the verdicts of a sweep, and the values, against one or two hyper-parameters.

    With two hyper-parameters, a star marks the run that converged in the fewest iterations.

    Parameters
    ----------
    results : Sweep
        The result of `thalweg.sweep` for one or two hyper-parameters.
    ax : matplotlib.axes.Axes, optional
        The axes to draw on; by default those of a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The axes that hold the picture.

    Raises
    ------
    ValueError
        If the sweep does not vary one or two hyper-parameters, or the runs are a selection.
    ImportError
        If Matplotlib is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> s = tw.sweep(lambda x: np.exp(x) - np.log(x), 1.6, learning_rate=np.geomspace(0.01, 1, 30))
    >>> ax = tw.plot.sweep(s)
    >>> ax.get_xlabel(), ax.get_xscale()
    ('learning rate', 'log')
    """
    words = np.asarray(results.verdicts, dtype=object)
    if not hasattr(results, "axes"):
        raise ValueError(
            f"a picture of a sweep needs all of its runs, got a selection of {words.size:,}"
        )
    varying = [
        (str(name), np.asarray(values)) for name, values in dict(results.axes).items()
        if np.ndim(values) > 0 and np.size(values) > 1
    ]  # fmt: skip
    if len(varying) not in (1, 2):
        raise ValueError(f"a picture of a sweep varies one or two settings, got {len(varying)}")
    sizes = tuple(values.size for _, values in varying)
    words = words.reshape(sizes)
    if len(varying) == 1:
        fun = np.asarray(results.fun, dtype=np.float64).reshape(sizes)
        return _against(words, fun, *varying[0], canvas.axes(ax, 6.4, 4.4))
    ax = _over(words, varying, canvas.axes(ax, 7.2, 4.8))
    if (words == "converged").any():
        canvas.star(ax, np.asarray([float(results.best[name]) for name, _ in varying]), None)
        ax.set_title("★ fewest iterations", fontsize="small", loc="right")
    return ax


def _looks(words: npt.NDArray[Any]) -> dict[str, tuple[str, str]]:
    """Return the colour and marker of each verdict that occurs, in a fixed order."""
    there = set(words.ravel().tolist())
    return {name: look for name, look in _VERDICTS.items() if name in there}


def _said(name: str) -> str:
    return name.replace("_", " ")


def _against(words: npt.NDArray[Any], fun: FloatArray, name: str, x: FloatArray, ax: Axes) -> Axes:
    """Draw final values against one setting, with the markers of their verdicts and a band."""
    order = np.argsort(x, kind="stable")
    x, fun, words = np.asarray(x, dtype=np.float64)[order], fun[order], words[order]
    finite = np.isfinite(fun)
    lowest = float(fun[finite].min()) if finite.any() else 0.0
    above = fun - lowest
    shown = finite & (above > 0)
    # The best runs have no height on a log scale, so they are drawn at the bottom.
    foot = float(above[shown].min()) / 3 if shown.any() else 1.0
    foot = max(foot, 1e-16 * max(abs(lowest), 1.0))
    drawn = np.where(finite, np.maximum(above, foot), np.nan)
    if _geometric(x):
        ax.set_xscale("log")
    ax.set_yscale("log")
    cuts = _between(x)
    looks = _looks(words)
    for verdict, (color, mark) in looks.items():
        mine = words == verdict
        few = len(x) <= 120
        ax.plot(
            x[mine], drawn[mine], linestyle="none", marker=mark, color=color,
            markersize=6 if few else 3, markeredgecolor="black", markeredgewidth=0.5 if few else 0,
            zorder=3,
        )  # fmt: skip
        _band(ax, cuts, mine, color)
    _key(ax, looks, words)
    ax.set(xlim=(cuts[0], cuts[-1]), xlabel=_said(name), ylabel="lowest f − min f")
    top = float(np.nanmax(drawn, initial=foot))
    ax.set_ylim(foot * (foot / (3 * top)) ** 0.1, 3 * top)  # the band must not hide a marker
    canvas.tidy(ax)
    return ax


def _band(ax: Axes, cuts: FloatArray, mine: npt.NDArray[Any], color: str) -> None:
    """Draw the runs of one verdict as a band along the bottom of the picture."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mine.astype(int), [0]])))
    for first, past in edges.reshape(-1, 2):
        ax.axvspan(cuts[first], cuts[past], ymax=0.035, color=color, linewidth=0, zorder=2)


def _key(ax: Axes, looks: dict[str, tuple[str, str]], words: npt.NDArray[Any]) -> None:
    """Add a legend of the colours and markers, with the numbers of runs."""
    from matplotlib.lines import Line2D

    handles = [
        Line2D(
            [], [], linestyle="none", marker=mark, color=color, markeredgecolor="black",
            markeredgewidth=0.5, markersize=7, label=f"{_said(name)} ({np.sum(words == name)})",
        )
        for name, (color, mark) in looks.items()
    ]  # fmt: skip
    ax.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0,
        fontsize="small", frameon=False,
    )  # fmt: skip


def _geometric(x: FloatArray) -> bool:
    """Whether values span more than one order of magnitude."""
    return bool(np.all(x > 0) and x.max() > 20 * x.min())


def _between(x: FloatArray) -> FloatArray:
    """Return cell edges midway between sorted values, on their own scale."""
    t = np.log(x) if _geometric(x) else x
    middle = (t[1:] + t[:-1]) / 2
    cuts = np.concatenate([[t[0] - (middle[0] - t[0])], middle, [t[-1] + (t[-1] - middle[-1])]])
    return np.exp(cuts) if _geometric(x) else cuts


def _over(
    words: npt.NDArray[Any],
    varying: list[tuple[str, npt.NDArray[Any]]],
    ax: Axes,
) -> Axes:
    """Draw the verdicts for two settings as a map."""
    from matplotlib.colors import ListedColormap

    (x_name, x), (y_name, y) = varying
    x_order, y_order = np.argsort(x, kind="stable"), np.argsort(y, kind="stable")
    x, y = x[x_order].astype(np.float64), y[y_order].astype(np.float64)
    words = words[np.ix_(x_order, y_order)]
    looks = _looks(words)
    number = {verdict: k for k, verdict in enumerate(looks)}
    codes = np.vectorize(number.__getitem__, otypes=[np.int64])(words)
    ax.pcolormesh(
        _between(x), _between(y), codes.T, cmap=ListedColormap([c for c, _ in looks.values()]),
        vmin=-0.5, vmax=len(looks) - 0.5, rasterized=True,
    )  # fmt: skip
    ax.set_xscale("log" if _geometric(x) else "linear")
    ax.set_yscale("log" if _geometric(y) else "linear")
    _key(ax, looks, words)
    ax.set(xlabel=_said(x_name), ylabel=_said(y_name))
    return ax
