# SPDX-License-Identifier: BSD-3-Clause
"""Draw functions, descents, basins, sweeps and fits with Matplotlib.

Every function accepts `ax=` and returns the Axes on which it drew. Without `ax=`, it creates a
figure that is independent of pyplot; `ax.figure.savefig(file)` saves it. Matplotlib is imported on
the first call.
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
