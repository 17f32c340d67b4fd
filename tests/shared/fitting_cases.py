# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of `thalweg fit` share: a decay in a file, and the words that fit it."""

import numpy as np

T = np.linspace(0.0, 5.0, 20)
Y = 8.0 * np.exp(-T / 1.5) + 1.0 + 0.1 * np.random.default_rng(0).standard_normal(20)
MODEL = "a * exp(-x / b) + c"
START = ["--start", "a=1", "--start", "b=1", "--start", "c=0"]


def written(path, lines):
    path.write_text("\n".join(lines), "utf-8")
    return path
