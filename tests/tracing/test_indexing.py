"""Indices of traced values: views and gathers, against NumPy's own values and messages."""

import numpy as np
import pytest
from traced_values import M34, MASK, check_message, check_mistake, check_value, failing

from thalweg._tracing.errors import TraceError
from thalweg._tracing.trace import Trace

# name, function, shapes of its arguments
CASES = [
    ("integers", lambda x: x[0] + x[-1] * x[np.int64(1)], [(3,)]),
    ("integers of a matrix", lambda x: x[0, 1] + x[-1, -1] + x[1][2] + x[1, :] + x[0], [(2, 3)]),
    ("slices", lambda x: x[1:] * x[:-1] + x[1:][::-1] + x[-1:0:-1], [(5,)]),
    ("steps", lambda x: x[::2] + x[-1::-2] + x[4:0:-2][0], [(5,)]),
    ("out of range slices", lambda x: x[-100:100] + x[2:1].sum() + x[7:].sum(), [(5,)]),
    ("slices of a matrix", lambda x: x[:, 1:] + x[::-1, :-1] + x[0, 1:] + x[:, :1], [(2, 3)]),
    ("newaxis", lambda x: x[:, None] - x[None, :] + x[np.newaxis, ..., None][0], [(3,)]),
    ("ellipsis", lambda x: x[..., 0] + x[0, ...][:, 1] + x[...][0, :, 2], [(2, 3, 4)]),
    ("integer array", lambda x: x[[2, 0, 1, 1]] + x[np.array([0, 1, 2, -1])], [(3,)]),
    ("integer matrix", lambda x: x[np.array([[0, 1], [2, -1]])], [(3,)]),
    ("integer arrays", lambda x: x[[0, 1, 1], [2, 0, -1]] + x[1, [0, 1, 2]], [(2, 3)]),
    (
        "broadcast arrays index",
        lambda x: x[np.array([[0], [1]]), [2, 0, 1]] + x[np.ix_([0, 1], [2, 0, 1])],
        [(2, 3)],
    ),
    ("mixed index", lambda x: x[:, [2, 0]] + x[[0, 1]][:, :2], [(2, 3)]),
    ("arrays apart", lambda x: x[[0, 1], :, [2, 0]], [(2, 3, 4)]),
    ("array and number", lambda x: x[0, :, [2, 0]], [(2, 3, 4)]),
    ("mask", lambda x: x[MASK] + x[[True, False, True]], [(3,)]),
    ("mask of a matrix", lambda x: x[M34 > 0], [(3, 4)]),
    ("mask and slice", lambda x: x[:, MASK] + x[..., MASK], [(2, 3)]),
    ("empty index", lambda x: x[[]].sum() + x[()], [(3,)]),
]


@pytest.mark.parametrize(("name", "function", "shapes"), CASES, ids=[c[0] for c in CASES])
def test_elements_are_numpys(name, function, shapes):
    check_value(name, function, shapes)


# name, function, shapes, what the message says
REFUSED = [
    ("mask", lambda x: x[x > 0], [(3,)], "traced index", "np.where(mask, x, 0)"),
    ("index", lambda x: x[[x[0], 1]], [(3,)], "traced index", "np.where"),
]


@pytest.mark.parametrize(
    ("name", "function", "shapes", "what", "instead"), REFUSED, ids=[c[0] for c in REFUSED]
)
def test_what_cannot_be_traced_says_where_and_what_instead(name, function, shapes, what, instead):
    check_message(function, shapes, what, instead, __file__)


# name, function, shapes, error, what NumPy says
WRONG = [
    (
        "index",
        lambda x: x[3],
        [(3,)],
        IndexError,
        "index 3 is out of bounds for axis 0 with size 3",
    ),
    ("negative index", lambda x: x[-4], [(3,)], IndexError, "index -4 is out of bounds"),
    (
        "matrix index",
        lambda x: x[0, 7],
        [(2, 3)],
        IndexError,
        "index 7 is out of bounds for axis 1 with size 3",
    ),
    ("array of indices", lambda x: x[[0, 9]], [(3,)], IndexError, "index 9 is out of bounds"),
    ("too many indices", lambda x: x[0, 0], [(3,)], IndexError, "too many indices for array"),
    ("float index", lambda x: x[1.0], [(3,)], IndexError, "only integers, slices"),
    (
        "wrong mask",
        lambda x: x[np.array([True, False])],
        [(3,)],
        IndexError,
        "boolean index did not match",
    ),
]


@pytest.mark.parametrize(
    ("name", "function", "shapes", "error", "text"), WRONG, ids=[c[0] for c in WRONG]
)
def test_what_is_wrong_says_what_numpy_says(name, function, shapes, error, text):
    check_mistake(function, shapes, error, text)


def test_basic_indices_are_views_and_arrays_are_gathers():
    x = Trace().input(0, (4, 5))

    def kind(y):
        return y.trace.graph.describe(y.node)[0]

    for at in (1, (1, 2), slice(1, 3), (..., 0), (None, 1), (slice(None, None, -1), 2)):
        assert kind(x[at]) == "view", at
        assert x[at].shape == np.empty((4, 5))[at].shape
    for at in ([0, 1], (slice(None), [3, 0, 3]), np.ones((4, 5), bool), (True, 1)):
        assert kind(x[at]) == "gather", at
        assert x[at].shape == np.empty((4, 5))[at].shape


def test_names_of_columns_are_refused_with_what_to_write():
    with pytest.raises(TraceError, match=r"cannot trace x\['u'\].*no named columns.*x\[:, k\]"):
        failing(lambda x: x["u"], (3, 2))


def test_masked_indices_are_refused():
    with pytest.raises(TypeError, match="masked array"):
        failing(lambda x: x[np.ma.masked_array([0, 1], [0, 1])], (3,))
