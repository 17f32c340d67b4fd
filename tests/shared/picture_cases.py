# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of pictures share: functions, descents on them, and what is drawn."""

import numpy as np

import thalweg as tw

BOX = [(0, 5), (0, 5)]


def omega(x):
    return np.exp(x) - np.log(x)


def bowl(x, y):
    return x**2 + y**2


def sauna(x, y):
    return 85 - x**2 * (x - 6) * y**2 * (y - 6) / 90


def rosen(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def run(f, x0, method="gradient_descent", rate=0.1, count=30, **kw):
    kw = {"learning_rate": rate} | kw if method not in ("lbfgs", "bfgs", "newton") else kw
    return tw.minimize(f, x0, method, max_iter=count, record=True, **kw)


def lines(ax):
    return {line.get_label(): line for line in ax.get_lines() if line.get_label()[0] != "_"}


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def marked(ax, marker):
    """Points with such a mark, of lines that are drawn as marks alone."""
    alone = [line for line in ax.get_lines() if line.get_linestyle() == "None"]
    return [line.get_xydata()[0] for line in alone if line.get_marker() == marker]


def rendered(ax):
    """Draw everything; warnings are errors."""
    ax.figure.savefig("/dev/null", format="png", dpi=50)


def steep(x, y):
    return 100 * (y - x**2) ** 2 + (1 - x) ** 2
