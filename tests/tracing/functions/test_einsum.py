# SPDX-License-Identifier: BSD-3-Clause
"""Einsum in all its notations, against NumPy's own values."""

import numpy as np
import pytest
from traced_values import M34, check_mistake, check_value, failing, traced

from thalweg._tracing.trace import Trace

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


MISTAKES = {
    "operands": ("ij,jk", [(2, 3)], "subscripts name 2 operands, got 1"),
    "axes": ("ijk,jk->i", [(2, 3), (2, 3)], "operand has 2 dimensions"),
    "axes beside an ellipsis": ("...ijk->i", [(2, 3)], "operand has 2 dimensions"),
    "diagonal": ("ii->i", [(2, 3)], r"collapsing index 'i' don't match \(2 != 3\)"),
    "output twice": ("ij->ii", [(2, 3)], "output subscript 'i' multiple times"),
    "output without ellipsis": ("...i->i", [(2, 3)], "output has no ellipsis"),
    "sizes": ("ij,jk->ik", [(2, 3), (4, 5)], "axis 'j' has the sizes 3 and 4"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_in_subscripts_are_explained(name):
    subscripts, shapes, said = MISTAKES[name]
    with pytest.raises(ValueError, match=said):
        failing(lambda *a: np.einsum(subscripts, *a), *shapes)
    with pytest.raises(ValueError, match=r"."):  # NumPy refuses the same
        np.einsum(subscripts, *map(np.ones, shapes))


def test_axes_of_length_one_broadcast_by_name():
    rng = np.random.default_rng(3)
    for subscripts, first, second in (
        ("ij,ij->ij", (1, 3), (4, 3)),
        ("ij,jk->ik", (2, 1), (3, 4)),
        ("ij,ij", (4, 1), (1, 3)),
        ("i,i->", (1,), (1,)),
        ("...i,...i->...", (5, 1, 3), (2, 3)),
    ):
        x, y = rng.normal(size=first), rng.normal(size=second)
        got = traced(lambda x, y, s=subscripts: np.einsum(s, x, y), x, y)
        np.testing.assert_allclose(got, np.einsum(subscripts, x, y), rtol=1e-13)


@pytest.mark.parametrize(
    ("subscripts", "shapes", "product"),
    [
        ("ij,jk->ik", [(2, 3), (3, 4)], True),
        ("ij,j->i", [(2, 3), (3,)], True),
        ("bij,bjk->bik", [(5, 2, 3), (5, 3, 4)], True),
        ("i,i->", [(3,), (3,)], False),
        ("bi,bi->b", [(5, 3), (5, 3)], False),
        ("bij,bj->bi", [(5, 2, 3), (5, 3)], False),
        ("i,j->ij", [(2,), (3,)], False),
    ],
)
def test_contractions_with_axes_left_on_both_sides_are_products_of_the_core(
    subscripts, shapes, product
):
    """Others are a multiplication and a sum, which the core fuses."""
    trace = Trace()
    np.einsum(subscripts, *[trace.input(k, s) for k, s in enumerate(shapes)])
    kinds = [trace.graph.describe(node)[0] for node in range(len(trace.graph))]
    assert ("matmul" in kinds) is product
    if not product:
        assert trace.graph.describe(len(trace.graph) - 1)[0] in ("reduce", "elementwise", "view")


def test_three_operands_are_contracted_in_pairs():
    """The chain costs (2 x 3 x 4) + (2 x 4 x 5), and no array of four axes is made."""
    trace = Trace()
    np.einsum("ij,jk,kl->il", *[trace.input(k, s) for k, s in enumerate([(2, 3), (3, 4), (4, 5)])])
    shapes = [trace.graph.shape(node) for node in range(len(trace.graph))]
    assert max(map(len, shapes)) <= 3  # products have an axis for the batch
