# SPDX-License-Identifier: BSD-3-Clause
"""Functions of the course with a box to look at them in, and the core's descents on them."""

from pathlib import Path

import numpy as np
from test_course import FACTS, function

import thalweg as tw

BOXES = {
    "omega": (0.01, 2), "waves": (0.001, 2), "power_lines": [(-1, 2), (0, 5)],
    "bowl": [(-4, 4), (-4, 4)], "monomial": [(-2, 2), (-2, 2)],
}  # fmt: skip


def advertising():
    data = np.loadtxt(
        Path(__file__).parents[1] / "data" / "advertising.csv", delimiter=",", skiprows=1
    )
    tv, sales = data[:, 0], data[:, 3]
    tv = (tv - tv.mean()) / tv.std()
    return lambda m, b: np.sum((m * tv + b - sales) ** 2) / (2 * len(sales))


def course(name):
    """A function of the course, and the box to look at it in."""
    if name == "advertising":
        return advertising(), [(0, 8), (8, 20)]
    box = BOXES.get(name) or FACTS["functions"][name]["box"]
    return function(name), np.asarray(box, dtype=float)


def core_path(fun, start, rate, count, **more):
    """The same descent in C++."""
    kw = {"learning_rate": rate, "max_iter": count, "gtol": 0, "record": True} | more
    path = tw.minimize(fun, start, "gradient_descent", **kw).path
    return np.asarray(path.x).reshape(len(path.fun), -1), path.fun
