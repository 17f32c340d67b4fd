# SPDX-License-Identifier: BSD-3-Clause
"""Many descents at once: which minimum each start falls to, and what each setting does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from thalweg.plot import canvas
from thalweg.plot.scene import Lanes, over_points
from thalweg.plot.view import FloatArray, heights, levels_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["basins", "sweep"]

_RELIEF = 121  # points each way, for faint contours
_BORDER = 0.8  # width of the line between basins, in points
_WIDE = 4.0  # points; a line around a narrower basin would hide it
_NUMBERED = 9  # minima beyond which a legend tells nothing
# A colour and a mark each, in this order everywhere; no two of the first six are equally light.
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
    """Basins as numbers: starts along each side, labels over them, minima, and the function."""

    sides: list[FloatArray]
    labels: npt.NDArray[Any]
    at: FloatArray  # (m, sides)
    heights: FloatArray  # (m,)
    names: list[str]
    values: Lanes | None  # of points (k, sides); None where the function is not known any more

    @property
    def title(self) -> str:
        """What the function is called."""
        return f"f({', '.join(self.names)})"


def basins(results: Any, *, names: Sequence[str] | None = None, ax: Axes | None = None) -> Axes:
    """The basins of a function's minima: each start in the colour of where it ends.

    The lower a minimum, the darker its basin; starts that reach none stay grey. Faint lines are the
    function's contours.

    Parameters
    ----------
    results : Basins
        Made by `thalweg.basins`, over one or two variables.
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
        If there are more than two variables, `names` holds another number, or the endings were
        picked so that they are no grid any more.
    ImportError
        If matplotlib is missing.

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
    told = 0 < len(m.at) <= _NUMBERED
    ax = canvas.axes(ax, *canvas.fitted(limits, 2.6 if told else 0.8))
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
            f"a picture of basins needs a grid with its axes, got {labels.size:,} endings picked "
            "from one"
        )
    about = getattr(b, "_about", {})
    objective, box = about.get("objective"), about.get("box")
    # A variable that the box holds has no side.
    free = np.arange(count) if box is None else np.flatnonzero(box.upper > box.lower)
    values: Lanes | None = None
    if objective is not None and box is not None:
        over = over_points(objective)

        def values(points: FloatArray) -> FloatArray:
            rows = np.tile(box.lower, (len(points), 1))
            rows[:, free] = points
            return over(rows)

    if names is not None and len(names) != count:
        raise ValueError(f"names must hold {count}, one for each variable; got {len(names)}")
    x, heights = b.minima.x, np.asarray(b.minima.fun, dtype=np.float64)
    parts = x.values() if isinstance(x, dict) else x if isinstance(x, tuple) else [x]
    flat = [np.asarray(p, dtype=np.float64).reshape(len(heights), -1) for p in parts if np.size(p)]
    at = np.concatenate(flat, axis=1)[:, free] if flat else np.empty((0, count))
    return _Map(sides, labels, at, heights, list(names or b.names), values)


def _relief(ax: Axes, values: Lanes, limits: FloatArray) -> None:
    """Faint contours."""
    X, Y = np.meshgrid(*(np.linspace(low, high, _RELIEF) for low, high in limits))
    Z = np.ma.masked_invalid(values(np.column_stack([X.ravel(), Y.ravel()])).reshape(X.shape))
    levels = levels_of(Z.compressed(), 15) if Z.count() else np.empty(0)
    if len(levels) > 1:
        ax.contour(X, Y, Z, levels=levels, colors="black", linewidths=0.4, alpha=0.35)


def _areas(ax: Axes, labels: npt.NDArray[Any], limits: FloatArray, shades: list[Any]) -> None:
    """Labels as an image, -1 in grey."""
    from matplotlib.colors import ListedColormap

    ax.imshow(
        labels, cmap=ListedColormap([canvas.NOTHING, *shades]), vmin=-1.5, vmax=len(shades) - 0.5,
        extent=(*limits[0], *limits[1]), origin="lower", interpolation="nearest", aspect="auto",
        zorder=0,
    )  # fmt: skip


def _borders(ax: Axes, m: _Map, limits: FloatArray) -> None:
    """Draw white lines between basins, except around those that the lines would hide."""
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
    """Give areas that are narrower than `across` cells the labels of their neighbours."""
    wide = np.zeros(labels.shape, dtype=np.bool_)
    for label in np.unique(labels):
        wide |= _opened(labels == label, across)
    labels = labels.copy()
    while wide.any() and not wide.all():
        for axis, shift in ((0, 1), (0, -1), (1, 1), (1, -1)):
            beside, known = np.roll(labels, shift, axis), np.roll(wide, shift, axis)
            edge = [slice(None), slice(None)]
            edge[axis] = slice(0, 1) if shift == 1 else slice(-1, None)
            known[tuple(edge)] = False  # np.roll brought these from the opposite side
            taken = known & ~wide
            labels[taken] = beside[taken]
            wide |= taken
    return labels


def _opened(there: npt.NDArray[np.bool_], size: int) -> npt.NDArray[np.bool_]:
    """Return the cells of an area that lie in a square of `size` cells inside it.

    Areas continue beyond the edges of the picture.
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
    """Basins along one variable: bands behind the curve, with the minima on it."""
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
    """A legend beside the picture: each minimum's value and place."""
    from matplotlib.patches import Patch

    if not 0 < len(m.at) <= _NUMBERED:
        return
    handles = []
    # What is zero but for rounding, beside the size of the picture, is told as zero.
    reach = 1e-9 * np.asarray([np.abs(side).max() for side in m.sides])
    for i in np.argsort(m.heights, kind="stable"):
        at = np.where(np.abs(m.at[i]) < reach, 0.0, m.at[i])
        height = m.heights[i] if abs(m.heights[i]) > 1e-9 else 0.0
        told = f"{height:.4g} at ({', '.join(f'{v:.3g}' for v in at)})".replace("-", "−")
        handles.append(Patch(facecolor=shades[i], edgecolor="0.4", linewidth=0.5, label=told))
    if (m.labels < 0).any():
        handles.append(Patch(facecolor=canvas.NOTHING, edgecolor="0.4", label="no minimum"))
    ax.legend(
        handles=handles, title=f"minimum of {m.title}", loc="upper left", frameon=False,
        bbox_to_anchor=(1.02, 1), borderaxespad=0, fontsize="small", title_fontsize="small",
        alignment="left",
    )  # fmt: skip


def _shades(heights: FloatArray) -> list[Any]:
    """A colour for each minimum, evenly spaced in lightness, the lowest the darkest."""
    from matplotlib import colormaps

    rank = np.argsort(np.argsort(heights, kind="stable"), kind="stable")
    shades = np.asarray(colormaps["viridis"](0.1 + 0.85 * rank / max(len(heights) - 1, 1)))
    return [tuple(0.75 * shade[:3] + 0.25) for shade in shades]


def _outer(side: FloatArray) -> tuple[float, float]:
    """Ends of the pixels whose middles are the starts."""
    half = (side[-1] - side[0]) / (2 * (len(side) - 1)) if len(side) > 1 else 0.5
    return float(side[0] - half), float(side[-1] + half)


def sweep(results: Any, *, ax: Axes | None = None) -> Axes:
    """What each setting does: verdicts and values against a learning rate, or over two settings.

    The star, of two settings, is the run that converged in the fewest iterations.

    Parameters
    ----------
    results : Sweep
        Made by `thalweg.sweep`, over one or two hyper-parameters.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        What was drawn on.

    Raises
    ------
    ValueError
        If not one or two settings vary, or the runs were picked from their grid.
    ImportError
        If matplotlib is missing.

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
            f"a picture of a sweep needs the whole of it, got {words.size:,} runs picked from one"
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
    made = _over(words, varying, canvas.axes(ax, 7.2, 4.8))
    if (words == "converged").any():
        canvas.star(made, np.asarray([float(results.best[name]) for name, _ in varying]), None)
        made.set_title("★ fewest iterations", fontsize="small", loc="right")
    return made


def _looks(words: npt.NDArray[Any]) -> dict[str, tuple[str, str]]:
    """Colour and mark of each verdict that is there, in a fixed order."""
    there = set(words.ravel().tolist())
    return {name: look for name, look in _VERDICTS.items() if name in there}


def _said(name: str) -> str:
    return name.replace("_", " ")


def _against(words: npt.NDArray[Any], fun: FloatArray, name: str, x: FloatArray, ax: Axes) -> Axes:
    """Final values against one setting, each with its verdict's mark; the verdicts as a band."""
    order = np.argsort(x, kind="stable")
    x, fun, words = np.asarray(x, dtype=np.float64)[order], fun[order], words[order]
    finite = np.isfinite(fun)
    lowest = float(fun[finite].min()) if finite.any() else 0.0
    above = fun - lowest
    shown = finite & (above > 0)
    # The best run has no height on a log scale: it stands at the foot, with those that equal it.
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
    ax.set_ylim(foot * (foot / (3 * top)) ** 0.1, 3 * top)  # the band at the foot hides no mark
    canvas.tidy(ax)
    return ax


def _band(ax: Axes, cuts: FloatArray, mine: npt.NDArray[Any], color: str) -> None:
    """The runs of one verdict as a band along the foot of the picture."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mine.astype(int), [0]])))
    for first, past in edges.reshape(-1, 2):
        ax.axvspan(cuts[first], cuts[past], ymax=0.035, color=color, linewidth=0, zorder=2)


def _key(ax: Axes, looks: dict[str, tuple[str, str]], words: npt.NDArray[Any]) -> None:
    """What the colours and marks mean, and how many runs each."""
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
    """Whether values are spread over orders of magnitude."""
    return bool(np.all(x > 0) and x.max() > 20 * x.min())


def _between(x: FloatArray) -> FloatArray:
    """Cell edges about sorted values, midway on their own scale."""
    t = np.log(x) if _geometric(x) else x
    middle = (t[1:] + t[:-1]) / 2
    cuts = np.concatenate([[t[0] - (middle[0] - t[0])], middle, [t[-1] + (t[-1] - middle[-1])]])
    return np.exp(cuts) if _geometric(x) else cuts


def _over(
    words: npt.NDArray[Any],
    varying: list[tuple[str, npt.NDArray[Any]]],
    ax: Axes,
) -> Axes:
    """Verdicts over two settings, as a map."""
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
