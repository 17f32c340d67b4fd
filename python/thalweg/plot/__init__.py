# SPDX-License-Identifier: BSD-3-Clause
"""Pictures of functions, descents, basins, sweeps and fits.

Each function returns the Axes it drew on and takes `ax=`. Matplotlib is imported when one is
called, and its global state (pyplot) is left alone: without `ax=` a figure of its own is made,
which `ax.figure.savefig(file)` saves.
"""

from thalweg.plot.animation import animate
from thalweg.plot.curves import curve, slices
from thalweg.plot.descents import descent, history
from thalweg.plot.exploring import Explorer, explore
from thalweg.plot.fits import fit, maps
from thalweg.plot.many import basins, sweep
from thalweg.plot.pages import explore_html
from thalweg.plot.surfaces import contours, field, surface
from thalweg.plot.tangents import tangent

__all__ = [
    "Explorer",
    "animate",
    "basins",
    "contours",
    "curve",
    "descent",
    "explore",
    "explore_html",
    "field",
    "fit",
    "history",
    "maps",
    "slices",
    "surface",
    "sweep",
    "tangent",
]
