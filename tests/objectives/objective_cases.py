# SPDX-License-Identifier: BSD-3-Clause
"""Objectives of every structure of x0, and what comes back."""

import functools

import numpy as np

import thalweg as tw


def bits(*values):
    return b"".join(np.ascontiguousarray(v, dtype=np.float64).tobytes() for v in values)


B = np.array([[1.0, 2.0], [3.0, 4.0]])

# x0, function, a point, value, gradient, Hessian over all variables in order
STRUCTURES = {
    "scalar": (1.0, lambda x: x**3, 2.0, 8.0, 12.0, 12.0),
    "one element": ([1.0], lambda x: np.sum(x**3), [2.0], 8.0, np.array([12.0]), [[12.0]]),
    "array": ([1.0, 1.0], lambda x: x[0] ** 2 * x[1], [2.0, 3.0], 12.0, np.array([12.0, 4.0]),
              [[6.0, 4.0], [4.0, 0.0]]),
    "elements": ([1.0, 1.0], lambda x, y: x**2 * y, [2.0, 3.0], 12.0, np.array([12.0, 4.0]),
                 [[6.0, 4.0], [4.0, 0.0]]),
    "tuple": ((1.0, np.ones(2)), lambda a, b: a**2 * np.sum(b), (2.0, np.array([3.0, 5.0])), 32.0,
              (32.0, np.array([4.0, 4.0])), [[16.0, 4.0, 4.0], [4.0, 0.0, 0.0], [4.0, 0.0, 0.0]]),
    "dict": ({"a": 1.0, "b": np.ones(2)}, lambda a, b: a**2 * np.sum(b),
             {"a": 2.0, "b": np.array([3.0, 5.0])}, 32.0, {"a": 32.0, "b": np.array([4.0, 4.0])},
             [[16.0, 4.0, 4.0], [4.0, 0.0, 0.0], [4.0, 0.0, 0.0]]),
    "matrix": (np.ones((2, 2)), lambda x: np.sum(x**2) / 2 + x[0, 1] * x[1, 0], B, 21.0,
               np.array([[1.0, 5.0], [5.0, 4.0]]),
               np.array([[1, 0, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 1.0]])
               .reshape(2, 2, 2, 2)),
}  # fmt: skip


def assert_same(got, wanted):
    """Equal, of one structure, floats where floats are wanted."""
    assert type(got) is type(wanted)
    if isinstance(wanted, dict):
        assert list(got) == list(wanted)
        for k in wanted:
            assert_same(got[k], wanted[k])
    elif isinstance(wanted, tuple):
        assert len(got) == len(wanted)
        for g, w in zip(got, wanted, strict=True):
            assert_same(g, w)
    else:
        np.testing.assert_array_equal(got, wanted)
        assert np.shape(got) == np.shape(wanted)


def seen(function, x0, **options):
    """Shapes of what the function gets, by tracing it."""
    got = []

    @functools.wraps(function)
    def spy(*args, **named):
        got.extend(np.shape(a) for a in args)
        got.extend((k, np.shape(v)) for k, v in named.items())
        return function(*args, **named)

    F = tw.objective(spy, x0, **options)
    return got, F
