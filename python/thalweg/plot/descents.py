# SPDX-License-Identifier: BSD-3-Clause
"""Descents: one on its function, and several against their iterations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg.plot import canvas
from thalweg.plot.curves import draw_curve
from thalweg.plot.scene import recorded, scene
from thalweg.plot.surfaces import draw_contours
from thalweg.plot.view import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from thalweg._results.result import Result

__all__ = ["descent", "history"]


def descent(
    fun: Any,
    results: Result,
    *,
    bounds: Any = None,
    names: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a descent on its function.

    Of one variable: the function, and the points on it. Of two: filled contours with the path.
    Beyond: value and gradient norm against iteration.

    Parameters
    ----------
    fun : Objective or callable
        What was minimized.
    results : Result
        Where the descent went; with `record=True` its path is drawn.
    bounds : sequence of pairs, optional
        What to show, (low, high) for each variable; about the path by default.
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
        If the function is None (the result was unpickled), `bounds` does not fit, or there are more
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
    count = size_of(results.x)
    if count > 2:
        if getattr(results, "path", None) is None:
            raise ValueError(
                f"a picture of {count} variables needs the path: minimize with record=True"
            )
        return history(results, ax=ax)
    s = scene(fun, results, bounds, names)
    if count == 1:
        made = draw_curve(s, canvas.axes(ax))
    else:
        made = draw_contours(s, canvas.axes(ax, *canvas.fitted(s.limits)))
    canvas.told(made, results.fun, results.nit, results.reason)
    return made


def size_of(x: Any) -> int:
    """Number of variables of a point."""
    entries = x.values() if isinstance(x, dict) else x if isinstance(x, tuple) else [x]
    return sum(int(np.size(v)) for v in entries)


def history(results: Any, *, ax: Axes | None = None, lowest: float | None = None) -> Axes:
    """Value and gradient norm against iteration, on a log scale, several methods together.

    Parameters
    ----------
    results : Result, sequence of Result, or dict of them by name
        Descents made with `record=True`.
    ax : matplotlib.axes.Axes, optional
        Where to draw both; by default a new figure, where several descents have values above
        gradient norms.
    lowest : float, optional
        What values are counted from: the lowest of all by default; a minimum that is known shows
        how fast it is approached to the end.

    Returns
    -------
    matplotlib.axes.Axes
        What was drawn on; `figure.axes[1]` has the gradient norms of several descents.

    Raises
    ------
    ValueError
        If a result has no path, or there is none.
    ImportError
        If matplotlib is missing.

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> f = lambda x: np.sum(np.arange(1, 6) * x**2)
    >>> runs = [tw.minimize(f, np.ones(5), m, learning_rate=0.05, record=True)
    ...         for m in ("gradient_descent", "adam")]
    >>> ax = tw.plot.history(runs)
    >>> [line.get_label() for line in ax.get_lines()]
    ['gradient descent', 'adam']
    """
    told = recorded(results, "history")
    values = {name: np.asarray(r.path.fun, dtype=np.float64) for name, r in told.items()}  # type: ignore[union-attr]
    norms = {name: np.asarray(r.path.grad_norm, dtype=np.float64) for name, r in told.items()}  # type: ignore[union-attr]
    if lowest is None:
        every = np.concatenate(list(values.values()))
        lowest = float(every[np.isfinite(every)].min(initial=np.inf))
        lowest = lowest if np.isfinite(lowest) else 0.0
        below = "min f"
    else:
        below = f"{lowest:.6g}"
    if len(told) == 1:
        return _one(next(iter(told.values())), values, norms, lowest, below, canvas.axes(ax))
    if ax is None:
        top, bottom = canvas.new_figure(6.4, 6.4).subplots(2, 1, sharex=True)
    else:
        top = bottom = ax
    for k, name in enumerate(told):
        line = {**canvas.style(k), "linewidth": 1.6}
        _log_line(top, values[name] - lowest, label=name, **line)
        thin = {} if bottom is not top else {"alpha": 0.55, "linewidth": 1.0}
        _log_line(bottom, norms[name], label=None, **{**line, **thin})
    top.set_ylabel(f"f − {below}" + (", gradient norm (thin)" if top is bottom else ""))
    if top is not bottom:
        bottom.set_ylabel("gradient norm")
    bottom.set_xlabel("iteration")
    canvas.tidy(top)
    canvas.tidy(bottom)
    canvas.legend(top)
    return top  # type: ignore[no-any-return]


def _log_line(ax: Axes, y: FloatArray, **kw: Any) -> bool:
    """Whatever is positive of y against its iteration; whether anything is."""
    shown = np.isfinite(y) & (y > 0)
    if shown.any():
        ax.plot(np.flatnonzero(shown), y[shown], **kw)
        ax.set_yscale("log")
    return bool(shown.any())


def _one(
    result: Result,
    values: dict[str, FloatArray],
    norms: dict[str, FloatArray],
    lowest: float,
    below: str,
    ax: Axes,
) -> Axes:
    """One descent: value and gradient norm on the same axes."""
    (fun,), (norm,) = values.values(), norms.values()
    if _log_line(ax, fun - lowest, color=canvas.BLUE, linewidth=1.8, label=f"f − {below}"):
        ax.set_ylabel(f"f − {below}, gradient norm")
        _log_line(
            ax, norm, color=canvas.VERMILLION, linestyle=(0, (5, 1.5)), linewidth=1.5,
            label="gradient norm",
        )  # fmt: skip
    else:
        ax.plot(np.arange(len(fun)), fun, color=canvas.BLUE, linewidth=1.8, label="f")
        ax.set_ylabel("f")
    ax.set_xlabel("iteration")
    canvas.tidy(ax)
    canvas.legend(ax)
    canvas.told(ax, result.fun, result.nit, result.reason)
    return ax
