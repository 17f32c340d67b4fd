# SPDX-License-Identifier: BSD-3-Clause
"""Draw fits: data with the curve, its confidence band and residuals, or maps of parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from thalweg._objectives.points import argument_names, as_floats
from thalweg.plot import canvas
from thalweg.plot.view import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["fit", "maps"]

_CURVE_POINTS = 401
_COVERED = 0.7  # a band that covers more than this fraction of the picture is not drawn
_SINGULAR = 1e-8  # a covariance is near singular if an eigenvalue of its correlations is below this
_OUTLIERS = 0.01  # the fraction of a map's pixels on either side beyond the colour scale


def fit(
    f: Callable[..., Any],
    xdata: Any,
    ydata: Any,
    popt: Any,
    pcov: Any = None,
    sigma: Any = None,
    *,
    confidence: float = 0.95,
    names: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw data, the fitted curve, its confidence band, and the residuals below.

    At each x, the band contains the curve with the given probability, to first order in the errors
    of the parameters [1]_. It is ``f ± t sqrt(J pcov Jᵀ)``, with Student's t; the degrees of
    freedom are the number of data minus the number of parameters.

    Parameters
    ----------
    f : callable
        The model ``f(x, a, b, ...)``, written in NumPy, as for `thalweg.curve_fit`.
    xdata, ydata : array_like
        The data, both (m,).
    popt, pcov : array_like
        The parameters (p,) and their covariance (p, p). Without a covariance, no band is drawn.
    sigma : array_like, optional
        The standard deviations of `ydata`, (m,) or one number. They are drawn as error bars, and
        residuals are divided by them.
    confidence : float, default 0.95
        The probability of the band.
    names : sequence of str, optional
        The names of x and y on the axes; by default the name of the model's first parameter and
        ``"y"``.
    ax : matplotlib.axes.Axes, optional
        The axes to draw on, without residuals; by default those of a new figure with residuals.

    Returns
    -------
    matplotlib.axes.Axes
        The axes of data and curve; `figure.axes[1]` holds the residuals.

    Raises
    ------
    ValueError
        If shapes do not match, or `confidence` is not between 0 and 1.
    ImportError
        If Matplotlib is not installed.

    References
    ----------
    .. [1] N. R. Draper and H. Smith, *Applied Regression Analysis*, 3rd ed., Wiley, 1998, sections
       3.1 and 24.5, https://doi.org/10.1002/9781118625590

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> def decay(t, a, b):
    ...     return a * np.exp(-b * t)
    >>> t = np.linspace(0, 4, 20)
    >>> y = decay(t, 2.5, 1.3) + 0.05 * np.cos(9 * t)
    >>> ax = tw.plot.fit(decay, t, y, *tw.curve_fit(decay, t, y))
    >>> ax.get_xlabel(), [text.get_text() for text in ax.get_legend().get_texts()]
    ('t', ['data', 'fit', '95 % confidence'])
    """
    x, y = as_floats(xdata, "xdata"), as_floats(ydata, "ydata")
    p = as_floats(popt, "popt")
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError(f"xdata and ydata must have one shape (m,), got {x.shape} and {y.shape}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1, got {confidence}")
    errors = None if sigma is None else np.broadcast_to(as_floats(sigma, "sigma"), y.shape)
    own = argument_names(f)
    labels = list(names) if names is not None else [own[0] if own else "x", "y"]
    below = None
    if ax is None:
        figure = canvas.new_figure(6.4, 5.6)
        ax, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    canvas.tidy(ax)
    pad = 0.03 * (float(np.nanmax(x)) - float(np.nanmin(x)) or 1.0)
    line = np.linspace(np.nanmin(x) - pad, np.nanmax(x) + pad, _CURVE_POINTS)
    curve, slopes = _along(f, line, p)
    _data(ax, x, y, errors, "data")
    ax.plot(line, curve, color=canvas.VERMILLION, linewidth=1.8, label="fit", zorder=3)
    if pcov is not None:
        _band(ax, line, curve, slopes, p, as_floats(pcov, "pcov"), y, confidence)
    ax.set(xlim=(line[0], line[-1]), ylabel=labels[1])
    handles = dict(zip(*ax.get_legend_handles_labels()[::-1], strict=True))
    data = handles.pop("data")
    canvas.legend(ax, handles=[data, *handles.values()])
    if below is None:
        ax.set_xlabel(labels[0])
        return ax
    _residuals(below, x, y - np.asarray(f(x, *p), dtype=np.float64), errors, labels[0])
    ax.set_xlabel(labels[0])
    ax.xaxis.label.set_visible(False)
    ax.figure.align_ylabels([ax, below])
    return ax


def _along(f: Callable[..., Any], x: FloatArray, p: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the model's values (k,) along x, and its slopes (k, p) by the parameters."""
    from thalweg._objectives.objective import Objective

    traced = Objective(lambda *q: f(x, *q), p, unpack=True)
    return np.broadcast_to(traced(p), x.shape), np.asarray(traced.jacobian(p)).reshape(-1, p.size)


def _data(ax: Axes, x: FloatArray, y: FloatArray, errors: FloatArray | None, label: str) -> None:
    kw: dict[str, Any] = {"color": canvas.BLUE, "markersize": 4.5 if len(x) <= 200 else 2.5}
    if errors is None:
        ax.plot(x, y, "o", label=label, zorder=2, markeredgewidth=0, **kw)
    else:
        ax.errorbar(x, y, errors, fmt="o", label=label, zorder=2, elinewidth=0.9, **kw)


def _band(
    ax: Axes,
    x: FloatArray,
    curve: FloatArray,
    slopes: FloatArray,
    p: FloatArray,
    covariance: FloatArray,
    y: FloatArray,
    confidence: float,
) -> None:
    """Draw the confidence band, unless the covariance is unknown.

    A band is left out if it would cover the picture, or if its width is a rounding error of a
    covariance that is near singular. The legend then says so.
    """
    if covariance.shape != (p.size, p.size):
        raise ValueError(f"pcov must have shape {(p.size, p.size)}, got {covariance.shape}")
    # A parameter at a bound has a row of NaN and does not vary.
    known = ~np.isnan(np.diag(covariance))
    slopes, covariance = slopes[:, known], covariance[np.ix_(known, known)]
    if not np.isfinite(covariance).all():
        return
    variance = np.einsum("ki,ij,kj->k", slopes, covariance, slopes)
    # If large terms cancel, the remainder is a rounding error.
    terms = np.einsum("ki,ij,kj->k", np.abs(slopes), np.abs(covariance), np.abs(slopes))
    rounding = np.finfo(np.float64).eps * terms
    free = int(np.isfinite(y).sum()) - int(known.sum())
    t = student(confidence, max(free, 1))
    half = t * np.sqrt(np.maximum(variance, 0.0))
    label = f"{100 * confidence:g} % confidence"
    bottom, top = ax.get_ylim()  # the limits of the data and the curve
    height = top - bottom
    noise = (rounding > 0.1 * np.abs(variance)) & (t * np.sqrt(rounding) > 1e-3 * height)
    inside = np.clip(curve + half, bottom, top) - np.clip(curve - half, bottom, top)
    if np.mean(noise) > 0.5 or np.mean(inside) > _COVERED * height:
        why = "near singular" if np.mean(noise) > 0.5 or _singular(covariance) else "large"
        ax.plot([], [], " ", label=f"{label}: none, the covariance is {why}")
        return
    ax.fill_between(
        x, curve - half, curve + half, color=canvas.VERMILLION, alpha=0.22, linewidth=0, zorder=1,
        label=label,
    )  # fmt: skip
    # A band that widens strongly must not flatten the data and the curve.
    low, high = ax.get_ylim()
    ax.set_ylim(max(low, bottom - height), min(high, top + height))


def _singular(covariance: FloatArray) -> bool:
    """Whether parameters depend on one another to at least half of the digits of a double."""
    scale = np.sqrt(np.diag(covariance))
    if not (scale > 0).all():
        return False
    correlation = covariance / np.outer(scale, scale)
    return bool(np.linalg.eigvalsh(correlation)[0] < _SINGULAR)


def student(confidence: float, free: int) -> float:
    """Return the two-sided quantile of Student's t with `free` degrees of freedom.

    With ``t = sqrt(free) tan(a)`` the density of a is ``cos(a) ** (free - 1)``. It is integrated
    from 0 with the midpoint rule until the probability is reached, to 8 digits.
    """
    # Beyond some 30 standard deviations of a the density is negligible.
    reach = min(np.pi / 2, 30 / np.sqrt(free))
    edges = np.linspace(0.0, reach, 200_001)
    middle = (edges[1:] + edges[:-1]) / 2
    density = np.cos(middle) ** (free - 1)
    below = np.concatenate([[0.0], np.cumsum(density)])
    return float(np.sqrt(free) * np.tan(np.interp(confidence, below / below[-1], edges)))


def _residuals(
    ax: Axes, x: FloatArray, r: FloatArray, errors: FloatArray | None, label: str
) -> None:
    """Draw the residuals, in units of sigma if it is known."""
    if errors is not None:
        r = r / errors
    _data(ax, x, r, None, "residuals")
    ax.axhline(0.0, color="0.4", linewidth=0.9, zorder=1)
    reach = float(np.nanmax(np.abs(r), initial=0.0)) * 1.15 or 1.0
    ax.set(
        ylim=(-reach, reach),
        xlabel=label,
        ylabel="residual" + (" / σ" if errors is not None else ""),
    )
    canvas.tidy(ax)


def maps(
    fits: Any, *, names: Sequence[str] | None = None, ax: Any = None, errors: bool = True
) -> npt.NDArray[np.object_]:
    """Draw the parameters fitted in every pixel of an image as maps, with standard errors below.

    Pixels whose fit failed are grey.

    Parameters
    ----------
    fits : Fits
        The result of `thalweg.curve_fit_many` for data (rows, columns, m), with `popt` and `perr`
        (rows, columns, p) and `names`.
    names : sequence of str, optional
        The names of the parameters; by default those of the model.
    ax : sequence of matplotlib.axes.Axes, optional
        The axes to draw on, one for each parameter and then one for each standard error; by default
        those of a new figure.
    errors : bool, default True
        Whether to draw the standard errors too, if the fits have them.

    Returns
    -------
    ndarray of matplotlib.axes.Axes
        The axes of parameters and standard errors, (2, p), or (1, p) without standard errors.

    Raises
    ------
    ValueError
        If the fits do not form rows and columns, or `ax` has a wrong number of axes.
    ImportError
        If Matplotlib is not installed.
    """
    popt = np.asarray(fits.popt, dtype=np.float64)
    if popt.ndim != 3:
        raise ValueError(f"maps need popt of shape (rows, columns, p), got {popt.shape}")
    rows, columns, count = popt.shape
    if not popt.size:
        raise ValueError(f"maps need at least one pixel, got popt of shape {popt.shape}")
    errors = errors and getattr(fits, "perr", None) is not None
    own = [str(name) for name in (names if names is not None else fits.names)]
    if len(own) != count:
        raise ValueError(f"names must have {count} entries, one per parameter, got {len(own)}")
    lines = 2 if errors else 1
    given = None if ax is None else np.asarray(ax, dtype=object).ravel()
    if given is None:
        tall = 2.6 * min(max(rows / columns, 0.4), 2.5) + 0.4
        drawn = canvas.new_figure(3.4 * count, tall * lines).subplots(lines, count, squeeze=False)
    elif len(given) != lines * count:
        raise ValueError(f"ax must hold {lines * count} Axes, got {len(given)}")
    else:
        drawn = given.reshape(lines, count)
    succeeded = np.asarray(getattr(fits, "success", True), dtype=np.bool_)
    there = np.logical_and(np.isfinite(popt).all(axis=2), succeeded)
    for i, name in enumerate(own):
        _map(drawn[0, i], popt[..., i], there, name, "viridis")
        if errors:
            perr = np.asarray(fits.perr, dtype=np.float64)[..., i]
            _map(drawn[1, i], perr, there, f"standard error of {name}", "cividis")
    for i, each in enumerate(drawn.ravel()):
        each.label_outer()
        each.set_xlabel("column" if i >= (lines - 1) * count else "")
        each.set_ylabel("row" if i % count == 0 else "")
    return np.asarray(drawn, dtype=object)


def _map(
    ax: Axes, values: FloatArray, there: npt.NDArray[np.bool_], title: str, colors: str
) -> None:
    """Draw one map, with a colour scale that ignores a few outliers."""
    from matplotlib import colormaps

    shown = np.ma.masked_where(~(there & np.isfinite(values)), values)
    seen = shown.compressed()
    low, high = np.quantile(seen, [_OUTLIERS, 1 - _OUTLIERS]) if seen.size else (0.0, 1.0)
    if not low < high:
        low, high = low - 0.5 * (abs(low) or 1.0), high + 0.5 * (abs(high) or 1.0)
    cmap = colormaps[colors].with_extremes(bad=canvas.NOTHING)
    image = ax.imshow(shown, cmap=cmap, vmin=low, vmax=high, interpolation="nearest")
    below, above = seen.size and seen.min() < low, seen.size and seen.max() > high
    extend = "both" if below and above else "min" if below else "max" if above else "neither"
    bar = ax.figure.colorbar(image, ax=ax, extend=extend, shrink=0.9)
    bar.outline.set_linewidth(0.6)
    ax.set_title(title, fontsize="medium")
