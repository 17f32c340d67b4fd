# SPDX-License-Identifier: BSD-3-Clause
"""Arrays joined, padded and rolled, against NumPy's own values."""

import numpy as np
import pytest
from traced_values import A3, M34, check_mistake, check_value

# name, function, shapes of its arguments. Where NumPy's value is a tuple the function stacks it.
CASES = [
    (
        "roll",
        lambda x: (
            np.roll(x, 1) + np.roll(x, -2, axis=1) + np.roll(x, (1, 2), axis=(0, 1)) + np.roll(x, 0)
        ),
        [(2, 3)],
    ),
    ("roll one", lambda x: np.roll(x, 1) - np.roll(x, -7) + np.roll(x, 2, 0), [(5,)]),
    (
        "concatenate",
        lambda x, y: np.concatenate([x, y]) + np.concatenate((x, [1, 2], [5.0])),
        [(2,), (3,)],
    ),
    ("concatenate axis", lambda x, y: np.concatenate([x, y, M34[:2]], axis=1), [(2, 3), (2, 1)]),
    ("concatenate flat", lambda x, y: np.concatenate([x, y], axis=None), [(2, 3), (2,)]),
    ("concatenate of empty", lambda x: np.concatenate([x[:0], x, x[3:]]), [(3,)]),
    ("stack", lambda x, y: np.stack([x, y]) + np.stack([x, A3]), [(3,), (3,)]),
    ("stack axis", lambda x, y: np.stack([x, y], axis=1) + np.stack((y, x), axis=-1), [(3,), (3,)]),
    ("stack middle", lambda x, y: np.stack([x, y], axis=1), [(2, 3), (2, 3)]),
    ("stack numbers", lambda x, y: np.stack([x, y, 2.0]), [(), ()]),
    ("hstack", lambda x, y: np.hstack([x, y]) + np.hstack([x, 1.0, [2.0]]), [(3,), (2,)]),
    ("hstack matrices", lambda x, y: np.hstack([x, y]), [(2, 3), (2, 1)]),
    ("vstack", lambda x, y: np.vstack([x, y, A3]), [(3,), (2, 3)]),
    ("dstack", lambda x, y: np.dstack([x, y]) + np.column_stack([x, y]), [(3,), (3,)]),
    ("column_stack", lambda x, y: np.column_stack([x, y]), [(3,), (3, 2)]),
    ("append", lambda x: np.append(x, 1.0) + np.append(x, x[:1], axis=0), [(3,)]),
    ("block", lambda x, y: np.block([[x, y], [y, x]]), [(2, 2), (2, 2)]),
    (
        "pad",
        lambda x: np.pad(x, 1) + np.pad(x, (2, 0)) + np.pad(x, (0, 2), constant_values=5),
        [(3,)],
    ),
    (
        "pad matrix",
        lambda x: np.pad(x, ((1, 0), (2, 3)), constant_values=((1, 2), (3, 4))),
        [(2, 3)],
    ),
    (
        "pad modes",
        lambda x: np.pad(x, 2, mode="edge") + np.pad(x, 2, mode="wrap") + np.pad(x, 2, "reflect"),
        [(4,)],
    ),
]


@pytest.mark.parametrize(("name", "function", "shapes"), CASES, ids=[c[0] for c in CASES])
def test_traced_value_is_numpys(name, function, shapes):
    check_value(name, function, shapes)


# name, function, shapes, error, what NumPy says
WRONG = [
    (
        "concatenate",
        lambda x: np.concatenate([x, np.ones((2, 2))]),
        [(3,)],
        ValueError,
        "all the input array dimensions",
    ),
    (
        "concatenate numbers",
        lambda x: np.concatenate([x, x]),
        [()],
        ValueError,
        "zero-dimensional arrays",
    ),
    (
        "stack",
        lambda x: np.stack([x, x[:2]]),
        [(3,)],
        ValueError,
        "all input arrays must have the same shape",
    ),
]


@pytest.mark.parametrize(
    ("name", "function", "shapes", "error", "text"), WRONG, ids=[c[0] for c in WRONG]
)
def test_what_is_wrong_says_what_numpy_says(name, function, shapes, error, text):
    check_mistake(function, shapes, error, text)
