# SPDX-License-Identifier: BSD-3-Clause
"""Draw one descent on its function, or several descents against the iteration."""

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

    A function of one variable is drawn as a curve with the points, and a function of two as filled
    contours with the path. For more variables, the value and the gradient norm are drawn against
    the iteration.

    Parameters
    ----------
    fun : Objective or callable
        The function that was minimized.
    results : Result
        The result of the descent. Its path is drawn if it was recorded with `record=True`.
    bounds : sequence of pairs, optional
        The limits of the picture, (low, high) for each variable; by default around the path.
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
        If the function is None, as for a result from a pickle, if `bounds` does not match, or if
        there are more than two variables and no path.
    ImportError
        If Matplotlib is not installed.

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
        ax = draw_curve(s, canvas.axes(ax))
    else:
        ax = draw_contours(s, canvas.axes(ax, *canvas.fitted(s.limits)))
    canvas.title(ax, results.fun, results.nit, results.reason)
    return ax


def size_of(x: Any) -> int:
    """Return the number of variables of a point."""
    entries = x.values() if isinstance(x, dict) else x if isinstance(x, tuple) else [x]
    return sum(int(np.size(v)) for v in entries)


def history(results: Any, *, ax: Axes | None = None, lowest: float | None = None) -> Axes:
    """Draw value and gradient norm of one or several descents against the iteration.

    The scale is logarithmic.

    Parameters
    ----------
    results : Result, sequence of Result, or dict of them by name
        The descents, made with `record=True`.
    ax : matplotlib.axes.Axes, optional
        The axes to draw both on. By default, a new figure is created, which shows the values of
        several descents above their gradient norms.
    lowest : float, optional
        The value that is subtracted from all values, by default the lowest of them. With the value
        at a known minimum, the picture shows the rate of convergence up to the end.

    Returns
    -------
    matplotlib.axes.Axes
        The axes that hold the values; `figure.axes[1]` holds the gradient norms of several
        descents.

    Raises
    ------
    ValueError
        If there is no result, or a result has no path.
    ImportError
        If Matplotlib is not installed.

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
    runs = recorded(results, "history")
    values = {name: np.asarray(r.path.fun, dtype=np.float64) for name, r in runs.items()}  # type: ignore[union-attr]
    norms = {name: np.asarray(r.path.grad_norm, dtype=np.float64) for name, r in runs.items()}  # type: ignore[union-attr]
    if lowest is None:
        every = np.concatenate(list(values.values()))
        lowest = float(every[np.isfinite(every)].min(initial=np.inf))
        lowest = lowest if np.isfinite(lowest) else 0.0
        below = "min f"
    else:
        below = f"{lowest:.6g}"
    if len(runs) == 1:
        return _one(next(iter(runs.values())), values, norms, lowest, below, canvas.axes(ax))
    if ax is None:
        top, bottom = canvas.new_figure(6.4, 6.4).subplots(2, 1, sharex=True)
    else:
        top = bottom = ax
    for k, name in enumerate(runs):
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
    """Draw the positive values of y against the iteration; return whether there are any."""
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
    """Draw value and gradient norm of one descent on the same axes."""
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
    canvas.title(ax, result.fun, result.nit, result.reason)
    return ax
