# SPDX-License-Identifier: BSD-3-Clause
"""Products, norms, convolutions, polynomials and tables, against NumPy's own values."""

import numpy as np
import pytest
from traced_values import (
    FP,
    M34,
    XP,
    check_message,
    check_mistake,
    check_value,
    failing,
    gradient,
    traced,
)

from thalweg._tracing.trace import Trace

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
    ("interp end", lambda x: np.interp(x, XP, FP, left=x), [()], "np.interp", "constants"),
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


@pytest.mark.parametrize("function", [np.linalg.norm, np.std, lambda x: np.linalg.norm(x, 3)])
def test_slope_of_norm_and_std_is_zero_at_zero(function):
    assert np.array_equal(gradient(function, np.zeros(3)), np.zeros(3))
    assert np.all(np.isnan(traced(function, np.array([1.0, np.nan, 2.0]))))


MISTAKES = {
    "matmul": (
        lambda x: np.matmul(x, x),
        "mismatch in its core dimension 0.*size 2 is different from 3",
    ),
    "matmul of a number": (
        lambda x: np.matmul(x[0, 0], x),
        "Input operand 0 does not have enough dimensions",
    ),
    "vecdot": (
        lambda x: np.vecdot(x, x[:, :2]),
        "mismatch in its core dimension 0.*size 2 is different from 3",
    ),
    "vecdot of a number": (
        lambda x: np.vecdot(x, x[0, 0]),
        "Input operand 1 does not have enough dimensions",
    ),
    "dot": (
        lambda x: np.dot(x, x),
        r"shapes \(2,3\) and \(2,3\) not aligned: 3 \(dim 1\) != 2 \(dim 0\)",
    ),
    "dot of many axes": (
        lambda x: np.dot(x, x[None]),
        r"shapes \(2,3\) and \(1,2,3\) not aligned: 3 \(dim 1\) != 2 \(dim 1\)",
    ),
    "vdot": (lambda x: np.vdot(x, x[0]), r"shapes \(6,\) and \(3,\) not aligned"),
    "inner": (
        lambda x: np.inner(x, x[0, :2]),
        r"shapes \(2,3\) and \(2,\) not aligned: 3 \(dim 1\) != 2 \(dim 0\)",
    ),
    "linalg.outer": (
        lambda x: np.linalg.outer(x, x[0]),
        "must be one-dimensional, but they are x1.ndim=2 and x2.ndim=1",
    ),
    "tensordot": (lambda x: np.tensordot(x, x, axes=([0], [1])), "shape-mismatch for sum"),
    "tensordot twice": (lambda x: np.tensordot(x, x, axes=([0, 0], [0, 0])), "repeated axis"),
    "cross": (lambda x: np.cross(x[:, :1], x), "they are 1 and 3 dimensional"),
    "cross of a number": (lambda x: np.cross(x[0, 0], x), "At least one array has zero dimension"),
    "norm of a word": (
        lambda x: np.linalg.norm(x[0], "fro"),
        "Invalid norm order 'fro' for vectors",
    ),
    "norm of a matrix": (lambda x: np.linalg.norm(x, 3), "Invalid norm order for matrices"),
    "norm of three axes": (
        lambda x: np.linalg.norm(x[None], 1),
        "Improper number of dimensions to norm",
    ),
    "axes of norm": (lambda x: np.linalg.norm(x, axis=(0, 0)), "repeated axis"),
    "convolve nothing": (lambda x: np.convolve(x[0, :0], x[0]), "a cannot be empty"),
    "correlate nothing": (lambda x: np.correlate(x[0], x[0, :0]), "v cannot be empty"),
    "convolve matrices": (lambda x: np.convolve(x, x[0]), "object too deep for desired array"),
    "convolve mode": (
        lambda x: np.convolve(x[0], x[0], "some"),
        "mode must be one of 'valid', 'same', or 'full'",
    ),
    "interp period": (lambda x: np.interp(x, XP, FP, period=0), "period must be a non-zero value"),
    "interp sizes": (lambda x: np.interp(x, XP, FP[1:]), "fp and xp are not of the same length"),
    "interp nothing": (lambda x: np.interp(x, [], []), "array of sample points is empty"),
    "interp matrix": (lambda x: np.interp(x, [XP], [FP]), "for desired array"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_what_numpy_refuses_to_multiply_is_refused(name):
    f, said = MISTAKES[name]
    with pytest.raises(ValueError, match=r"."):  # NumPy's text differs by its version
        f(np.ones((2, 3)))
    with pytest.raises(ValueError, match=said):
        failing(f, (2, 3))


NORMS = [None, 1, 2, 3, 0.5, 0, -1, -2, np.inf, -np.inf]


@pytest.mark.parametrize("ord", NORMS, ids=str)
def test_norms_of_vectors_are_numpys_and_their_slopes_those_of_differences(ord):
    x = np.array([0.5, -1.25, 2.0, -3.0])
    np.testing.assert_allclose(
        traced(lambda x: np.linalg.norm(x, ord), x), np.linalg.norm(x, ord), rtol=1e-15
    )
    h = 1e-6  # of central differences: h^2 and eps / h, about 1e-9
    wanted = [
        (np.linalg.norm(x + h * e, ord) - np.linalg.norm(x - h * e, ord)) / (2 * h)
        for e in np.eye(4)
    ]
    got = gradient(lambda x: np.linalg.norm(x, ord), x)
    np.testing.assert_allclose(got, wanted, rtol=1e-7, atol=1e-8)


def test_norms_of_nothing():
    for ord in (None, 1, 2, 0, np.inf):
        assert traced(lambda x, o=ord: np.linalg.norm(x[:0], o), np.ones(3)) == 0.0
    with pytest.raises(ValueError, match="zero-size array"):
        failing(lambda x: np.linalg.norm(x[:0], -np.inf), (3,))


def test_a_batch_times_one_matrix_is_one_product():
    """Its rows are joined, so that the core has one large product and not many small ones."""
    trace = Trace()
    x, w = trace.input(0, (5, 2, 3)), trace.input(1, (3, 4))
    y = x @ w
    assert y.shape == (5, 2, 4)
    shapes = {
        trace.graph.shape(n)
        for n in range(len(trace.graph))
        if trace.graph.describe(n)[0] == "matmul"
    }
    assert shapes == {(1, 10, 4)}


def test_tables_with_a_jump_and_beyond_their_ends():
    xp, fp = [0.0, 1.0, 1.0, 2.0], [0.0, 1.0, 5.0, 6.0]
    x = np.array([-1.0, 0.5, 1.0, 1.5, 2.0, 3.0, np.inf, -np.inf, np.nan])
    np.testing.assert_array_equal(traced(lambda x: np.interp(x, xp, fp), x), np.interp(x, xp, fp))
    got = gradient(lambda x: np.sum(np.interp(x, xp, fp)), np.array([-1.0, 0.5, 1.5, 3.0]))
    np.testing.assert_array_equal(got, [0.0, 1.0, 1.0, 0.0])
