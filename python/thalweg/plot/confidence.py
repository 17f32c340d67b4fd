# SPDX-License-Identifier: BSD-3-Clause
"""Draw profiles of one parameter and regions of joint confidence of two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg.plot import canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["profile", "region"]


def profile(profile: Any, level: float = 0.95, ax: Axes | None = None) -> Axes:
    """Draw the rise of chi squared along a parameter, and its confidence interval."""
    if profile.values.ndim != 1:
        raise ValueError(f"a picture shows one fit, got {profile.values.shape[:-1]}: choose one")
    limit = profile.limit(level)
    ax = canvas.axes(ax)
    order = np.argsort(profile.values)
    values, rise = profile.values[order], profile.rise[order]
    ax.plot(values, rise, color=canvas.BLUE, linewidth=1.6, label="other parameters fitted again")
    ax.axhline(limit, **canvas.style(0), linewidth=1.0, label=f"{level:g} confidence")
    ax.fill_between(
        values, rise, limit, where=rise <= limit, interpolate=True, color=canvas.SKY, alpha=0.35
    )
    ax.axvline(float(profile.estimate), color="0.4", linewidth=0.9)
    ax.set(xlabel=profile.name, ylabel="rise of chi squared / variance")
    highest = float(np.nanmax(rise, initial=0.0))
    ax.set_ylim(min(0.0, float(np.nanmin(rise, initial=0.0))), min(highest, 4.0 * limit) or 1.0)
    canvas.legend(ax)
    return canvas.tidy(ax)


def region(contour: Any, level: Any = (0.68, 0.95), ax: Axes | None = None) -> Axes:
    """Draw the regions of joint confidence of two parameters."""
    if contour.rise.ndim != 2:
        raise ValueError(f"a picture shows one fit, got {contour.rise.shape[:-2]}: choose one")
    levels = sorted(np.atleast_1d(level).tolist())
    limits = [float(contour.limit(each)) for each in levels]
    ax = canvas.axes(ax)
    rise = np.ma.masked_invalid(contour.rise)
    lowest = min(0.0, float(rise.min())) - 1e-9
    for limit in limits:
        ax.contourf(contour.x, contour.y, rise, [lowest, limit], colors=[canvas.SKY], alpha=0.35)
    lines = ax.contour(contour.x, contour.y, rise, limits, colors=canvas.BLUE, linewidths=1.3)
    names = {limit: f"{each:g}" for limit, each in zip(limits, levels, strict=True)}
    ax.clabel(lines, fmt=names, fontsize="small")
    ax.plot(*contour.estimate, color=canvas.VERMILLION, marker="+", markersize=9)
    ax.set(xlabel=contour.names[0], ylabel=contour.names[1])
    return canvas.tidy(ax, grid=False)
