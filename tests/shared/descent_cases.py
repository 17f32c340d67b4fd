# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of one descent share: a bowl, settings, and the bits of results."""

import numpy as np

GD = {"method": "gradient_descent"}
NO_TESTS = {"gtol": 0, "xtol": 0, "ftol": 0}


def bowl(x):
    return np.sum((x - 3.0) ** 2)


def bits(*values):
    return b"".join(np.ascontiguousarray(v, dtype=np.float64).tobytes() for v in values)


class MyError(Exception):
    pass


def called(x):
    return float(np.sum((np.asarray(x) - 3.0) ** 2))


def slope(x):
    return 2 * (np.asarray(x) - 3.0)


FOREVER = {"learning_rate": 1e-9, "max_iter": 10**15, "gtol": 0, **GD}
