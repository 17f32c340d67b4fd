# SPDX-License-Identifier: BSD-3-Clause
"""Products, norms, convolutions, polynomials and tables, against NumPy's own values."""

import numpy as np
import pytest
from traced_values import FP, M34, XP, check_message, check_mistake, check_value, traced

from thalweg import _core
from thalweg._tracing.trace import Trace, output_node, trace_call

# name, function, shapes of its arguments. Where NumPy's value is a tuple the function stacks it.
CASES = [
    ("matmul vectors", lambda x, y: x @ y, [(3,), (3,)]),
    ("matmul constant", lambda x: M34 @ x, [(4,)]),
    ("matmul constant right", lambda x: x @ M34, [(3,)]),
    ("matmul matrices", lambda x, y: x @ y, [(2, 3), (3, 4)]),
    ("matmul matrix vector", lambda x, y: x @ y, [(2, 3), (3,)]),
    ("matmul batch", lambda x, y: x @ y, [(5, 2, 3), (5, 3, 4)]),
    ("matmul batch broadcast", lambda x, y: np.matmul(x, y), [(5, 1, 2, 3), (4, 3, 2)]),
    ("matmul batch one", lambda x, y: np.matmul(x, y), [(5, 2, 3), (3, 4)]),
    ("matmul one batch", lambda x, y: np.matmul(x, y), [(2, 3), (5, 3, 4)]),
    ("matmul vector batch", lambda x, y: np.matmul(x, y), [(3,), (5, 3, 4)]),
    ("matmul batch vector", lambda x, y: np.matmul(x, y), [(5, 2, 3), (3,)]),
    ("vecdot along an axis", lambda x, y: np.linalg.vecdot(x, y, axis=0), [(3,), (3, 2)]),
    ("dot", lambda x, y: np.dot(x, y) + x.dot(y) + np.vdot(x, y) + np.inner(x, y), [(3,), (3,)]),
    ("dot scalars", lambda x, y: np.dot(x, y) + np.inner(2.0, x), [(3,), ()]),
    ("dot matrices", lambda x, y: np.dot(x, y) + np.dot(M34.T, y)[:2], [(2, 3), (3, 4)]),
    ("dot many axes", lambda x, y: np.dot(x, y), [(2, 3), (4, 3, 5)]),
    ("vdot", lambda x, y: np.vdot(x, y), [(2, 3), (6,)]),
    ("inner", lambda x, y: np.inner(x, y), [(2, 3), (4, 3)]),
    ("outer", lambda x, y: np.outer(x, y), [(2, 2), (3,)]),
    ("kron", lambda x, y: np.kron(x, y), [(2, 3), (2,)]),
    ("multi_dot", lambda x, y: np.linalg.multi_dot([x, y, M34]), [(2, 3), (3, 3)]),
    ("tensordot", lambda x, y: np.tensordot(x, y), [(2, 3, 4), (3, 4, 2)]),
    (
        "tensordot axes",
        lambda x, y: np.tensordot(x, y, axes=([1, 0], [0, 2])),
        [(2, 3, 4), (3, 4, 2)],
    ),
    (
        "tensordot one",
        lambda x, y: np.tensordot(x, y, axes=1) + np.tensordot(x, y, axes=(-1, 0)),
        [(2, 3), (3, 2)],
    ),
    ("tensordot none", lambda x, y: np.tensordot(x, y, axes=0), [(2,), (3,)]),
    ("cross 3", lambda x, y: np.cross(x, y), [(3,), (4, 3)]),
    ("cross axes", lambda x, y: np.cross(x, y, axisa=0, axisb=1, axisc=0), [(3, 4), (4, 3)]),
    ("cross axis", lambda x, y: np.cross(x, y, axis=0), [(3, 4), (3, 4)]),
    ("linalg.cross", lambda x, y: np.linalg.cross(x, y), [(3,), (3,)]),
    (
        "norm",
        lambda x: (
            np.linalg.norm(x)
            + np.linalg.norm(x, 2)
            + np.linalg.norm(x, 1)
            + np.linalg.norm(x, np.inf)
        ),
        [(5,)],
    ),
    (
        "norm other",
        lambda x: (
            np.linalg.norm(x, -np.inf)
            + np.linalg.norm(x, 3)
            + np.linalg.norm(x, 0)
            + np.linalg.norm(x, -1)
        ),
        [(5,)],
    ),
    (
        "norm axis",
        lambda x: np.linalg.norm(x, axis=1) + np.linalg.norm(x, ord=1, axis=1, keepdims=True),
        [(3, 4)],
    ),
    (
        "norm matrix",
        lambda x: (
            np.linalg.norm(x)
            + np.linalg.norm(x, "fro")
            + np.linalg.norm(x, 1)
            + np.linalg.norm(x, -np.inf)
        ),
        [(3, 4)],
    ),
    (
        "norm matrix axes",
        lambda x: np.linalg.norm(x, axis=(0, 2)) + np.linalg.norm(x, np.inf, (2, 0), True).ravel(),
        [(3, 4, 2)],
    ),
    (
        "norm keepdims",
        lambda x: (
            np.linalg.norm(x, keepdims=True) + np.linalg.norm(x, "fro", (0, 1), keepdims=True)
        ),
        [(3, 4)],
    ),
    ("norm many axes", lambda x: np.linalg.norm(x), [(3, 4, 2)]),
    (
        "vector_norm",
        lambda x: (
            np.linalg.vector_norm(x)
            + np.linalg.vector_norm(x, ord=None)
            + np.linalg.vector_norm(x, axis=0, ord=1)
            + np.linalg.matrix_norm(x)
        ),
        [(3, 4)],
    ),
    ("polyval", lambda x: np.polyval([1, -2, 3.0], x), [(3,)]),
    ("polyval traced", lambda p, x: np.polyval(p, x) + np.polyval(p, 0.5), [(4,), (2, 3)]),
    ("polynomial.polyval", lambda x: np.polynomial.polynomial.polyval(x, [1, -2, 3.0]), [(3,)]),
    ("polyval one", lambda x: np.polyval([2.0], x) + np.polyval([], x), [(3,)]),
    ("convolve", lambda x, y: np.convolve(x, y), [(5,), (3,)]),
    (
        "convolve same",
        lambda x, y: np.convolve(x, y, "same") + np.convolve(y, x, mode="same"),
        [(5,), (3,)],
    ),
    (
        "convolve same even",
        lambda x, y: np.convolve(x, y, "same") + np.convolve(y, x, mode="same"),
        [(6,), (4,)],
    ),
    (
        "convolve valid",
        lambda x, y: np.convolve(x, y, "valid") + np.convolve(y, x, "valid"),
        [(5,), (2,)],
    ),
    (
        "convolve constant",
        lambda x: np.convolve(x, [0.25, 0.5, 0.25]) + np.convolve([0.25, 0.5, 0.25], x),
        [(6,)],
    ),
    ("convolve numbers", lambda x: np.convolve(x, [2.0]), [(1,)]),
    ("correlate", lambda x, y: np.correlate(x, y) + np.correlate(x, y, "valid"), [(5,), (3,)]),
    (
        "correlate full",
        lambda x, y: np.correlate(x, y, "full") + np.correlate(y, x, "full"),
        [(5,), (3,)],
    ),
    (
        "correlate same",
        lambda x, y: np.correlate(x, y, "same") + np.correlate(y, x, "same"),
        [(5,), (4,)],
    ),
    ("interp", lambda x: np.interp(x, XP, FP) + np.interp(3 * x, XP, FP), [(6,)]),
    ("interp ends", lambda x: np.interp(3 * x, XP, FP, left=-7, right=9), [(9,)]),
    ("interp period", lambda x: np.interp(5 * x, XP, FP, period=3.1), [(9,)]),
    (
        "interp knots",
        lambda x: np.interp(0 * x + XP, XP, FP, left=-7, right=9) + np.interp(0 * x + XP, XP, FP),
        [(4,)],
    ),
]


@pytest.mark.parametrize(("name", "function", "shapes"), CASES, ids=[c[0] for c in CASES])
def test_traced_value_is_numpys(name, function, shapes):
    check_value(name, function, shapes)


# name, function, shapes, what the message says
REFUSED = [
    ("norm 2", lambda x: np.linalg.norm(x, 2), [(2, 2)], "np.linalg.norm", "singular values"),
    ("interp table", lambda x: np.interp(0.5, XP, x), [(4,)], "np.interp", "constants"),
]


@pytest.mark.parametrize(
    ("name", "function", "shapes", "what", "instead"), REFUSED, ids=[c[0] for c in REFUSED]
)
def test_what_cannot_be_traced_says_where_and_what_instead(name, function, shapes, what, instead):
    check_message(function, shapes, what, instead, __file__)


# name, function, shapes, error, what NumPy says
WRONG = [
    ("matmul", lambda x: x @ np.ones(4), [(3,)], ValueError, "mismatch in its core dimension"),
    ("matmul of a number", lambda x: x @ x, [()], ValueError, "does not have enough dimensions"),
    ("dot", lambda x: np.dot(x, np.ones(4)), [(3,)], ValueError, "not aligned"),
    (
        "tensordot",
        lambda x: np.tensordot(x, np.ones(4), 1),
        [(3,)],
        ValueError,
        "shape-mismatch for sum",
    ),
    ("cross", lambda x: np.cross(x, x), [(4,)], ValueError, "dimensional"),
    ("vecdot", lambda x, y: np.vecdot(x, y), [(3, 1), (3,)], ValueError, "vecdot"),
]


@pytest.mark.parametrize(
    ("name", "function", "shapes", "error", "text"), WRONG, ids=[c[0] for c in WRONG]
)
def test_what_is_wrong_says_what_numpy_says(name, function, shapes, error, text):
    check_mistake(function, shapes, error, text)


def gradient(function, x):
    trace = Trace()
    node = output_node(trace, trace_call(trace, function, [trace.input(0, x.shape)]))
    g = trace.graph.gradient(node, 0)
    (out,) = _core.Function(trace.graph, [g], 1)([x[None]], [True], 1)
    return out[0]


@pytest.mark.parametrize("function", [np.linalg.norm, np.std, lambda x: np.linalg.norm(x, 3)])
def test_slope_of_norm_and_std_is_zero_at_zero(function):
    assert np.array_equal(gradient(function, np.zeros(3)), np.zeros(3))
    assert np.all(np.isnan(traced(function, np.array([1.0, np.nan, 2.0]))))
