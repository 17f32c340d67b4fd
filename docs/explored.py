# SPDX-License-Identifier: BSD-3-Clause
"""The functions of the page "Try it": each becomes a page of its own, with a box and a rate."""

import numpy as np


def bowl(x, y):
    """Round, with one minimum."""
    return x**2 + y**2


def omega(x):
    """One variable; its minimum is the omega constant."""
    return np.exp(x) - np.log(x)


def sauna(x, y):
    """A room whose coolest place is (4, 4)."""
    return 85 - x**2 * (x - 6) * y**2 * (y - 6) / 90


def wells(x, y):
    """Three minima."""
    deep = 10 / (3 + 3 * (x - 0.5) ** 2 + 3 * (y - 0.5) ** 2)
    narrow = 2 / (1 + 2 * (x - 3) ** 2 + 2 * (y - 1.5) ** 2)
    wide = 3 / (1 + 0.5 * (x - 3.5) ** 2 + 0.5 * (y - 4) ** 2)
    return 10 - (deep + narrow + wide)


def valley(x, y):
    """Rosenbrock's: a curved valley with a flat floor."""
    return 100 * (y - x**2) ** 2 + (1 - x) ** 2


ROOM = [(0.0, 5.0), (0.0, 5.0)]
FUNCTIONS = {
    "wells": (wells, ROOM, 0.2),
    "sauna": (sauna, ROOM, 0.25),
    "omega": (omega, (0.05, 2.5), 0.1),
    "valley": (valley, [(-1.6, 1.4), (-0.6, 1.8)], 0.001),
    "bowl": (bowl, [(-3.0, 3.0), (-3.0, 3.0)], 0.1),
}
