# SPDX-License-Identifier: BSD-3-Clause
"""Einsum in all its notations, against NumPy's own values."""

import numpy as np
import pytest
from traced_values import M34, check_mistake, check_value

# name, function, shapes of its arguments. Where NumPy's value is a tuple the function stacks it.
CASES = [
    ("einsum dot", lambda x, y: np.einsum("i,i", x, y) + np.einsum("i,i->", x, y), [(3,), (3,)]),
    (
        "einsum matmul",
        lambda x, y: np.einsum("ij,jk", x, y) + np.einsum("ij, jk -> ik", x, y),
        [(2, 3), (3, 4)],
    ),
    ("einsum transposed", lambda x, y: np.einsum("ij,jk->ki", x, y), [(2, 3), (3, 4)]),
    ("einsum outer", lambda x, y: np.einsum("i,j", x, y), [(2,), (3,)]),
    ("einsum diagonal", lambda x: np.einsum("ii->i", x) + np.einsum("ii", x), [(3, 3)]),
    (
        "einsum one",
        lambda x: np.einsum("ijk->ki", x) + np.einsum("ba", x[0, :2])[0, 0],
        [(2, 3, 4)],
    ),
    ("einsum implicit order", lambda x: np.einsum("ba", x), [(2, 3)]),
    ("einsum three", lambda x, y, z: np.einsum("ij,jk,kl->il", x, y, z), [(2, 3), (3, 4), (4, 2)]),
    ("einsum quadratic form", lambda x, A: np.einsum("i,ij,j->", x, A, x), [(3,), (3, 3)]),
    (
        "einsum batch",
        lambda x, y: np.einsum("bij,bjk->bik", x, y) + np.einsum("...ij,...jk", x, y),
        [(5, 2, 3), (5, 3, 4)],
    ),
    ("einsum batch dot", lambda x, y: np.einsum("bi,bi->b", x, y), [(5, 3), (5, 3)]),
    ("einsum batch vector", lambda x, y: np.einsum("bij,bj->bi", x, y), [(5, 2, 3), (5, 3)]),
    ("einsum ellipsis", lambda x, y: np.einsum("i...,i...->...", x, y), [(3, 2, 4), (3, 4)]),
    ("einsum ellipsis out", lambda x: np.einsum("...i->i...", x), [(2, 3, 4)]),
    ("einsum lonely index", lambda x, y: np.einsum("ij,kl->jl", x, y), [(2, 3), (4, 5)]),
    ("einsum repeated", lambda x, y: np.einsum("iij,jk->ik", x, y), [(3, 3, 2), (2, 4)]),
    (
        "einsum sublists",
        lambda x, y: np.einsum(x, [0, 1], y, [1, 2], [0, 2]) + np.einsum(x, [0, 1], y, [1, 2]),
        [(2, 3), (3, 4)],
    ),
    ("einsum constant", lambda x: np.einsum("ij,j->i", M34, x), [(4,)]),
    (
        "einsum elementwise",
        lambda x, y: np.einsum("ij,ij->ij", x, y) + np.einsum("ij,j->ij", x, y[0]),
        [(2, 3), (2, 3)],
    ),
]


@pytest.mark.parametrize(("name", "function", "shapes"), CASES, ids=[c[0] for c in CASES])
def test_traced_value_is_numpys(name, function, shapes):
    check_value(name, function, shapes)


# name, function, shapes, error, what NumPy says
WRONG = [
    ("einsum", lambda x: np.einsum("ij->i", x), [(3,)], ValueError, "dimensions"),
    ("einsum output", lambda x: np.einsum("i->j", x), [(3,)], ValueError, "output subscript 'j'"),
    ("einsum sizes", lambda x: np.einsum("i,i", x, np.ones(4)), [(3,)], ValueError, "axis 'i'"),
]


@pytest.mark.parametrize(
    ("name", "function", "shapes", "error", "text"), WRONG, ids=[c[0] for c in WRONG]
)
def test_what_is_wrong_says_what_numpy_says(name, function, shapes, error, text):
    check_mistake(function, shapes, error, text)
