# SPDX-License-Identifier: BSD-3-Clause
"""Pictures: a function and the descent on it.

Each function returns the Axes it drew on and takes `ax=`. Matplotlib is imported when one is
called, and its global state (pyplot) is left alone: without `ax=` a figure of its own is made,
which `ax.figure.savefig(file)` saves.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from thalweg.view import Trail, free_corner, heights, levels_of, limits_of, thinned

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from thalweg.called import Called
    from thalweg.objective import Objective
    from thalweg.result import Result

__all__ = ["descent"]

FloatArray = npt.NDArray[np.float64]
Lanes = Callable[[FloatArray], FloatArray]  # (k, n) -> (k,)

_CURVE_POINTS = 801  # a pixel each in a usual figure
_GRID_POINTS = 201  # each way; finer is not seen under contours
_MARKED = 300  # points beyond which markers would hide the line
_ARROWS = 12
# Okabe and Ito's palette: told apart with every kind of colour vision, and in grey.
_BLUE, _ORANGE, _BLACK = "#0072B2", "#D55E00", "#000000"


def _known(fun: Any, x: Any) -> Objective | Called:
    """The function with the form of its points; traced if that is possible."""
    if hasattr(fun, "structure"):
        return cast("Objective | Called", fun)
    from thalweg.called import Called
    from thalweg.errors import TraceError
    from thalweg.objective import Objective

    try:
        return Objective(fun, x)
    except TraceError:
        return Called(fun, x, (), None, None)


def _over_points(fun: Objective | Called) -> Lanes:
    """The function over points (k, n)."""
    if callable(fun):

        def values(points: FloatArray) -> FloatArray:
            found = fun(fun.structure.restore(points, (len(points),)))
            return np.asarray(found, dtype=np.float64).reshape(len(points))

        return values

    def one_by_one(points: FloatArray) -> FloatArray:
        found = np.full(len(points), np.nan)
        with np.errstate(all="ignore"):
            for i, point in enumerate(points):
                # math.log and its like raise outside their domain: no value there.
                with contextlib.suppress(ArithmeticError, ValueError):
                    found[i] = fun.rows_value_and_grad_one(point)[0]
        return found

    return one_by_one


def _labels(fun: Objective | Called, names: Sequence[str] | None) -> list[str]:
    """A label for each variable: the function's own names, with positions inside arrays."""
    structure = fun.structure
    known: Sequence[str] = names if names is not None else getattr(fun, "names", ())
    given = [str(name) for name in known]
    if structure.form == "elements" or (names is not None and len(given) == structure.size):
        count = structure.size
        return given[:count] if len(given) >= count else [f"x{i}" for i in range(count)]
    own = list(structure.keys) if structure.form == "dict" and names is None else given
    several = len(structure.shapes) > 1
    labels = []
    for i, shape in enumerate(structure.shapes):
        name = own[i] if i < len(own) else f"x{i}" if several else "x"
        where = [", ".join(map(str, index)) for index in np.ndindex(*shape)]
        labels += [f"{name}[{w}]" if w else name for w in where]
    return labels


def _axes(ax: Axes | None) -> Axes:
    if ax is not None:
        return ax
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError('plots need matplotlib: pip install "thalweg[plot]"') from None
    return Figure(figsize=(6.4, 4.8), layout="constrained").add_subplot()


def _arrows(ax: Axes, points: FloatArray, limits: FloatArray, color: str) -> None:
    """A head in the middle of each of the longest steps that can be seen."""
    a, b = points[:-1], points[1:]
    with np.errstate(all="ignore"):
        length = np.hypot(*((b - a) / (limits[:, 1] - limits[:, 0])).T)
        inside = np.all((points >= limits[:, 0]) & (points <= limits[:, 1]), axis=1)
    # Below 3 % of the picture a head would hide its step.
    seen = np.flatnonzero((length > 0.03) & inside[:-1] & inside[1:])
    for i in seen[np.argsort(-length[seen], kind="stable")][:_ARROWS]:
        middle = (a[i] + b[i]) / 2
        ax.annotate(
            "",
            xy=tuple(middle + 0.02 * (b[i] - a[i])),
            xytext=tuple(middle - 0.02 * (b[i] - a[i])),
            arrowprops={"arrowstyle": "-|>", "color": color, "mutation_scale": 11, "linewidth": 0},
            zorder=4,
        )


def descent(
    fun: Any,
    result: Result,
    names: Sequence[str] | None = None,
    ax: Axes | None = None,
    box: Any = None,
) -> Axes:
    """Draw a descent on its function.

    Of one variable: the function, and the points on it. Of two: filled contours with the path.
    Beyond: value and gradient norm against iteration.

    Parameters
    ----------
    fun : Objective or callable
        What was minimized.
    result : Result
        Where the descent went; with `record=True` its path is drawn.
    names : sequence of str, optional
        The variables' names, for the axes; the function's own by default.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.
    box : sequence of pairs, optional
        What to show, (low, high) for each variable; about the path by default.

    Returns
    -------
    matplotlib.axes.Axes
        What was drawn on.

    Raises
    ------
    ValueError
        If the function is None (the result was unpickled), `box` does not fit, or there are more
        than two variables and no path.
    ImportError
        If matplotlib is missing.

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> res = tw.minimize(lambda x, y: x**2 + 3 * y**2, [2.0, 1.0], "gradient_descent",
    ...                   learning_rate=0.1, record=True)
    >>> ax = res.plot()
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('x', 'y')
    """
    count = _size(result.x)
    if count > 2:
        if result.path is None:
            raise ValueError(
                f"a picture of {count} variables needs the path: minimize with record=True"
            )
        return _history(result, _axes(ax))
    if fun is None:
        raise ValueError(
            "the function is not known any more (it is not saved with the result): "
            "call thalweg.plot.descent(fun, result)"
        )
    known = _known(fun, result.x)
    flat = known.structure.flatten
    best = flat(result.x)[1][0]
    points, fun_path = best[None], np.asarray([result.fun])
    if result.path is not None:
        points, fun_path = flat(result.path.x)[1], np.asarray(result.path.fun)
    trail = Trail(points, fun_path, best, flat(result.last.x)[1][0])
    limits = limits_of(box, count, trail)
    draw = _curve if count == 1 else _contours
    return draw(_over_points(known), result, trail, limits, _labels(known, names), _axes(ax))


def _size(x: Any) -> int:
    """Number of variables of a point."""
    entries = x.values() if isinstance(x, dict) else x if isinstance(x, tuple) else [x]
    return sum(int(np.size(v)) for v in entries)


def _ends(ax: Axes, start: FloatArray | None, best: FloatArray) -> None:
    """Start and best point, told apart by shape as well as by colour."""
    kw: dict[str, Any] = {"linestyle": "none", "markeredgecolor": _BLACK, "clip_on": True}
    if start is not None:
        ax.plot(
            *start[:, None],
            marker="o",
            markersize=9,
            markerfacecolor="white",
            markeredgewidth=1.8,
            label="start",
            zorder=6,
            **kw,
        )
    ax.plot(
        *best[:, None],
        marker="*",
        markersize=16,
        markerfacecolor="#F0E442",
        label="best",
        zorder=7,
        **kw,
    )


def _title(ax: Axes, result: Result) -> None:
    many = "iteration" if result.nit == 1 else "iterations"
    reason = str(result.reason).replace("_", " ")
    ax.set_title(f"{result.fun:.6g} after {result.nit} {many}: {reason}", fontsize="medium")


def _curve(
    values: Lanes,
    result: Result,
    trail: Trail,
    limits: FloatArray,
    labels: list[str],
    ax: Axes,
) -> Axes:
    """A function of one variable and the points of the descent on it."""
    low, high = limits[0]
    x = np.linspace(low, high, _CURVE_POINTS)
    y = values(x[:, None])
    y = np.where(np.isfinite(y), y, np.nan)  # a gap where there is no value
    label = f"f({labels[0]})"
    ax.plot(x, y, color=_BLUE, linewidth=1.8, label=label, zorder=2)

    points = np.column_stack([trail.points[:, 0], trail.fun])
    inside = np.isfinite(points).all(axis=1) & (points[:, 0] >= low) & (points[:, 0] <= high)
    bottom, top = heights(y, points[inside, 1])
    ax.set(xlim=(low, high), ylim=(bottom, top), xlabel=labels[0], ylabel=label)
    if len(points) > 1:
        drawn = thinned(points)
        style = "o-" if len(drawn) <= _MARKED else "-"
        ax.plot(
            *drawn.T, style, color=_ORANGE, linewidth=1, markersize=4, label="descent", zorder=3
        )
        _arrows(ax, drawn, np.asarray([[low, high], [bottom, top]]), _ORANGE)
    # Where a step went that has no value, and so no height.
    gone = points[np.isfinite(points[:, 0]) & ~np.isfinite(points[:, 1]), 0]
    left = [*gone[:1]] or ([trail.last[0]] if not np.isfinite(result.last.fun) else [])
    if left and low <= left[0] <= high:
        ax.axvline(left[0], color=_BLACK, linestyle=":", linewidth=1.2, label="no value")
    start = points[0] if len(points) > 1 else None
    _ends(ax, start, np.asarray([trail.best[0], result.fun]))
    ax.legend(fontsize="small")
    _title(ax, result)
    return ax


def _contours(
    values: Lanes,
    result: Result,
    trail: Trail,
    limits: FloatArray,
    labels: list[str],
    ax: Axes,
) -> Axes:
    """Filled contours of a function of two variables and the path over them."""
    from matplotlib.colors import BoundaryNorm
    from matplotlib.patheffects import Normal, Stroke

    xs, ys = (np.linspace(low, high, _GRID_POINTS) for low, high in limits)
    X, Y = np.meshgrid(xs, ys)
    Z = values(np.column_stack([X.ravel(), Y.ravel()])).reshape(X.shape)
    shown = np.ma.masked_invalid(Z)
    ax.set(xlim=limits[0], ylim=limits[1], xlabel=labels[0], ylabel=labels[1])
    levels = levels_of(shown.compressed()) if shown.count() else np.empty(0)
    if len(levels) > 1:
        norm = BoundaryNorm(cast("Any", levels), ncolors=256, extend="both")
        filled = ax.contourf(
            X, Y, shown, levels=levels, norm=norm, cmap="viridis", extend="both", zorder=1
        )
        ax.contour(X, Y, shown, levels=levels, colors="black", linewidths=0.3, alpha=0.5, zorder=2)
        bar = ax.figure.colorbar(filled, ax=ax, ticks=levels[:: max(1, len(levels) // 8)])
        bar.set_label(f"f({', '.join(labels)})")
        bar.ax.yaxis.set_major_formatter("{x:.4g}")
    ax.set_facecolor("0.85")  # grey: no value there
    path = trail.points
    if len(path) > 1:
        drawn = thinned(path)
        outline = [Stroke(linewidth=3.2, foreground="black"), Normal()]
        style = "o-" if len(drawn) <= _MARKED else "-"
        (line,) = ax.plot(
            *drawn.T, style, color="white", linewidth=1.6, markersize=3.5, label="descent", zorder=3
        )
        line.set_path_effects(outline)
        _arrows(ax, drawn, limits, _BLACK)
    _ends(ax, path[0] if len(path) > 1 else None, trail.best)
    spans = limits[:, 1] - limits[:, 0]
    if spans.max() <= 3 * spans.min():
        ax.set_aspect("equal")  # so that steps stand at right angles to contours
    ax.legend(loc=free_corner(path, limits), fontsize="small", facecolor="0.8")
    _title(ax, result)
    return ax


def _history(result: Result, ax: Axes) -> Axes:
    """Value above the best, and gradient norm, against iteration."""
    path = result.path
    assert path is not None
    fun = np.asarray(path.fun, dtype=np.float64)
    norm = np.asarray(path.grad_norm, dtype=np.float64)
    steps = np.arange(len(fun))
    above = fun - (np.nanmin(fun) if np.isfinite(fun).any() else 0.0)
    positive = np.isfinite(above) & (above > 0)
    if positive.any():
        ax.plot(steps[positive], above[positive], color=_BLUE, linewidth=1.8, label="f − min f")
        slopes = np.isfinite(norm) & (norm > 0)
        if slopes.any():
            ax.plot(
                steps[slopes],
                norm[slopes],
                color=_ORANGE,
                linestyle="--",
                linewidth=1.4,
                label="gradient norm",
            )
        ax.set_yscale("log")
        ax.set_ylabel("f − min f, gradient norm")
    else:
        ax.plot(steps, fun, color=_BLUE, linewidth=1.8, label="f")
        ax.set_ylabel("f")
    ax.set_xlabel("iteration")
    ax.grid(alpha=0.3)
    ax.legend(fontsize="small")
    _title(ax, result)
    return ax
