# SPDX-License-Identifier: BSD-3-Clause
"""Many descents at once: which minimum each start falls to, and what each setting does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from thalweg.plot import canvas
from thalweg.plot.view import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["basins", "sweep"]

_NUMBERED = 9  # minima beyond which a legend tells nothing
# A colour and a mark each, in this order everywhere; no two of the five verdicts are equally light.
_VERDICTS: dict[str, tuple[str, str]] = {
    "converged": ("#0B6E4F", "o"),
    "too_small": ("#7FC3EA", "<"),
    "oscillating": ("#F0E442", "s"),
    "diverged": ("#D55E00", "^"),
    "left_domain": ("#3B1F4B", "X"),
}
_OTHERS = ("#BDBDBD", "#8A8A8A", "#6E6E6E", "#525252")


def basins(b: Any, names: Sequence[str] | None = None, ax: Axes | None = None) -> Axes:
    """The basins of a function's minima: each start in the colour of where it ends.

    The lower a minimum, the darker its basin; starts that reach none stay grey.

    Parameters
    ----------
    b : Basins
        Made by `thalweg.basins`: `labels` of starts over one or two variables, -1 for those that
        reach no minimum; `minima`; `axes`.
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
        If there are more than two variables.
    ImportError
        If matplotlib is missing.
    """
    labels = np.asarray(b.labels)
    if labels.ndim not in (1, 2):
        raise ValueError(f"a picture of basins has one or two variables, got {labels.ndim}")
    own = _names(b, names, labels.ndim)
    sides = [np.asarray(axis, dtype=np.float64) for axis in _sides(b)]
    at, heights = _minima(b.minima, labels.ndim)
    shades = _shades(heights)
    if labels.ndim == 1:
        return _intervals(labels, sides[0], at, heights, shades, own, canvas.axes(ax))
    limits = np.asarray([_outer(side) for side in sides])
    told = 0 < len(at) <= _NUMBERED
    ax = canvas.axes(ax, *canvas.fitted(limits, 2.6 if told else 0.8))
    _areas(ax, labels.T, limits, shades)
    if min(labels.shape) > 1 and len(at) > 1:
        ax.contour(
            *sides, labels.T, levels=np.arange(-1, len(at)) + 0.5, colors="white", linewidths=0.7
        )
    for point in at:
        canvas.star(ax, point, None)
    ax.set(xlim=limits[0], ylim=limits[1], xlabel=own[0], ylabel=own[1])
    canvas.square(ax, limits)
    _tell(ax, at, heights, shades, own, bool((labels < 0).any()))
    return ax


def _areas(ax: Axes, labels: npt.NDArray[Any], limits: FloatArray, shades: list[Any]) -> None:
    """Labels as an image, -1 in grey."""
    from matplotlib.colors import ListedColormap

    ax.imshow(
        labels, cmap=ListedColormap([canvas.NOTHING, *shades]), vmin=-1.5, vmax=len(shades) - 0.5,
        extent=(*limits[0], *limits[1]), origin="lower", interpolation="nearest", aspect="auto",
        zorder=0,
    )  # fmt: skip


def _intervals(
    labels: npt.NDArray[Any],
    x: FloatArray,
    at: FloatArray,
    heights: FloatArray,
    shades: list[Any],
    own: list[str],
    ax: Axes,
) -> Axes:
    """Basins along one variable: bands, with the minima's values on them."""
    edges = np.flatnonzero(np.diff(labels)) + 1
    cuts = [*_outer(x)[:1], *((x[edges - 1] + x[edges]) / 2), *_outer(x)[1:]]
    for low, high, label in zip(cuts[:-1], cuts[1:], labels[[0, *edges]], strict=True):
        ax.axvspan(low, high, color=shades[label] if label >= 0 else canvas.NOTHING, linewidth=0)
    for point, height in zip(at, heights, strict=True):
        canvas.star(ax, np.asarray([point[0], height]), None)
    ax.set(xlim=_outer(x), xlabel=own[0], ylabel=f"f({own[0]}) at the minimum")
    ax.margins(y=0.2)
    _tell(ax, at, heights, shades, own, bool((labels < 0).any()))
    return ax


def _tell(
    ax: Axes, at: FloatArray, heights: FloatArray, shades: list[Any], own: list[str], none: bool
) -> None:
    """A legend beside the picture: each minimum's value and place."""
    from matplotlib.patches import Patch

    if not 0 < len(at) <= _NUMBERED:
        return
    handles = []
    for i in np.argsort(heights, kind="stable"):
        where = ", ".join(f"{v:.3g}" for v in at[i])
        told = f"{heights[i]:.4g} at ({where})".replace("-", "−")
        handles.append(Patch(facecolor=shades[i], edgecolor="0.4", linewidth=0.5, label=told))
    if none:
        handles.append(Patch(facecolor=canvas.NOTHING, edgecolor="0.4", label="no minimum"))
    ax.legend(
        handles=handles, title=f"minimum of f({', '.join(own)})", loc="upper left",
        bbox_to_anchor=(1.02, 1), borderaxespad=0, fontsize="small", title_fontsize="small",
        frameon=False, alignment="left",
    )  # fmt: skip


def _shades(heights: FloatArray) -> list[Any]:
    """A colour for each minimum, evenly spaced in lightness, the lowest the darkest."""
    from matplotlib import colormaps

    rank = np.argsort(np.argsort(heights, kind="stable"), kind="stable")
    shades = np.asarray(colormaps["viridis"](0.1 + 0.85 * rank / max(len(heights) - 1, 1)))
    return [tuple(0.75 * shade[:3] + 0.25) for shade in shades]


def _minima(minima: Any, count: int) -> tuple[FloatArray, FloatArray]:
    """Points (m, count) and values (m,) of the minima."""
    x = minima.x
    parts = x.values() if isinstance(x, dict) else x if isinstance(x, tuple) else [x]
    heights = np.asarray(minima.fun, dtype=np.float64)
    flat = [np.asarray(p, dtype=np.float64).reshape(len(heights), -1) for p in parts]
    return np.concatenate(flat, axis=1).reshape(len(heights), count), heights


def _sides(b: Any) -> list[Any]:
    """The starts along each variable, in order."""
    return list(b.axes.values()) if isinstance(b.axes, dict) else list(b.axes)


def _names(b: Any, names: Sequence[str] | None, count: int) -> list[str]:
    """The variables' names: those given, the basins' own, or the objective's."""
    if names is None and isinstance(b.axes, dict):
        names = list(b.axes)
    if names is None:
        names = getattr(b, "names", None)
    if names is None:
        names = [f"x{i}" for i in range(count)] if count > 1 else ["x"]
    if len(names) != count:
        raise ValueError(f"names must hold {count}, one for each variable; got {len(names)}")
    return [str(name) for name in names]


def _outer(side: FloatArray) -> tuple[float, float]:
    """Ends of the pixels whose middles are the starts."""
    half = (side[-1] - side[0]) / (2 * (len(side) - 1)) if len(side) > 1 else 0.5
    return float(side[0] - half), float(side[-1] + half)


def sweep(s: Any, ax: Axes | None = None) -> Axes:
    """What each setting does: verdicts and values against a learning rate, or over two settings.

    Parameters
    ----------
    s : Sweep
        Made by `thalweg.sweep`: `verdict` and `fun` over one or two `axes`, which are by name.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        What was drawn on.

    Raises
    ------
    ValueError
        If not one or two settings vary.
    ImportError
        If matplotlib is missing.
    """
    verdicts = np.asarray(_verdicts(s))
    varying = [
        (str(name), np.asarray(values)) for name, values in dict(s.axes).items()
        if np.ndim(values) > 0 and np.size(values) > 1
    ]  # fmt: skip
    if len(varying) not in (1, 2):
        raise ValueError(f"a picture of a sweep varies one or two settings, got {len(varying)}")
    sizes = tuple(values.size for _, values in varying)
    verdicts = verdicts.reshape(sizes)
    words = np.vectorize(str, otypes=[object])(verdicts)
    fun = np.asarray(s.fun, dtype=np.float64).reshape(sizes)
    if len(varying) == 1:
        return _against(words, fun, *varying[0], canvas.axes(ax, 6.4, 4.4))
    return _over(words, fun, varying, canvas.axes(ax, 7.2, 4.8))


def _verdicts(s: Any) -> Any:
    return s.verdicts if hasattr(s, "verdicts") else s.verdict


def _looks(words: npt.NDArray[Any]) -> dict[str, tuple[str, str]]:
    """Colour and mark of each verdict that is there, in a fixed order."""
    there = set(words.ravel().tolist())
    known = {name: look for name, look in _VERDICTS.items() if name in there}
    others = sorted(there - set(known))
    return known | {
        name: (_OTHERS[i % len(_OTHERS)], canvas.MARKS[(i + 3) % len(canvas.MARKS)])
        for i, name in enumerate(others)
    }


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
    ax.set(xlim=(cuts[0], cuts[-1]), xlabel=_said(name), ylabel="f − min f at the end")
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
    fun: FloatArray,
    varying: list[tuple[str, npt.NDArray[Any]]],
    ax: Axes,
) -> Axes:
    """Verdicts over two settings, as a map; the best run starred."""
    from matplotlib.colors import ListedColormap

    (x_name, x), (y_name, y) = varying
    x_order, y_order = np.argsort(x, kind="stable"), np.argsort(y, kind="stable")
    x, y = x[x_order].astype(np.float64), y[y_order].astype(np.float64)
    words, fun = words[np.ix_(x_order, y_order)], fun[np.ix_(x_order, y_order)]
    looks = _looks(words)
    number = {verdict: k for k, verdict in enumerate(looks)}
    codes = np.vectorize(number.__getitem__, otypes=[np.int64])(words)
    ax.pcolormesh(
        _between(x), _between(y), codes.T, cmap=ListedColormap([c for c, _ in looks.values()]),
        vmin=-0.5, vmax=len(looks) - 0.5, rasterized=True,
    )  # fmt: skip
    ax.set_xscale("log" if _geometric(x) else "linear")
    ax.set_yscale("log" if _geometric(y) else "linear")
    if np.isfinite(fun).any():
        i, j = np.unravel_index(np.nanargmin(np.where(np.isfinite(fun), fun, np.nan)), fun.shape)
        canvas.star(ax, np.asarray([x[i], y[j]]), "lowest f")
    _key(ax, looks, words)
    ax.set(xlabel=_said(x_name), ylabel=_said(y_name))
    return ax
