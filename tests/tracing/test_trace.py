# SPDX-License-Identifier: BSD-3-Clause
"""Calls of a function with traced values: what it uses, what it returns, and its errors."""

import runpy
from pathlib import Path

import numpy as np
import pytest
from traced_values import A3, FP, XP, check_mistake, check_value, failing, traced

import thalweg as tw
from thalweg import _core
from thalweg._tracing.errors import TraceError
from thalweg._tracing.trace import Trace, output_node

HERE = Path(__file__).parent

# name, function, shapes of its arguments. Where NumPy's value is a tuple the function stacks it.
CASES = [
    ("np.array", lambda x: np.array([x[0] ** 2, x[1] * x[2]]), [(3,)]),
    (
        "np.array functions",
        lambda x: np.exp(np.array([x[0], x[1]])) + np.sin(np.array([x[1], x[2]])),
        [(3,)],
    ),
    (
        "np.array of two",
        lambda x: np.hypot(np.array([x[0], x[1]]), 1.5) + np.array([x[0], 2.0]) ** 2 - A3[:2],
        [(3,)],
    ),
    (
        "np.array sums",
        lambda x: np.sum(np.array([x[0], x[1]]) ** 2) + np.array([x[0], x[2]]) @ A3[:2],
        [(3,)],
    ),
    (
        "np.array with traced",
        lambda x: np.array([x[0], x[1], 1.0]) * x + x / np.array([x[0], 2, 3]),
        [(3,)],
    ),
    (
        "np.array more functions",
        lambda x: (
            np.sqrt(np.array([x[0] ** 2, x[1] ** 2]))
            + np.tanh(np.array([x[0], x[1]]))
            + abs(np.array([x[0], x[1]]))
            + np.floor(np.array([x[0], 1.5]))
        ),
        [(3,)],
    ),
    ("np.array matrix", lambda x: np.array([[x[0], x[1]], [0.0, 1.0]]) @ x[:2], [(3,)]),
    (
        "np.array rotation",
        lambda a, x: np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]).dot(x),
        [(), (2,)],
    ),
    ("np.array of arrays", lambda x: np.array([x, 2 * x]) * 1.5, [(3,)]),
    ("np.asarray", lambda x: np.exp(np.asarray(x)) + np.array(x) ** 2 + np.asanyarray(x), [(3,)]),
    ("np.asarray of number", lambda x: np.asarray(x) ** 2 + np.array(x), [()]),
    ("np.array norm", lambda x: np.linalg.norm(np.array([x[0], x[1]])), [(3,)]),
    (
        "np.array max",
        lambda x: np.sum(np.array([x[0], x[1]])) + np.prod(np.array([x[0], x[1]])),
        [(3,)],
    ),
    ("list", lambda x: [x[0], 2 * x[1], 3.0], [(3,)]),
    ("tuple", lambda x: (x, x**2), [(3,)]),
    ("nested lists", lambda x: [[x[0], 1], [2, x[1]]], [(3,)]),
    ("list of arrays", lambda x: [x, np.ones(3), [1, 2, 3]], [(3,)]),
    ("list operand", lambda x: np.add(x, [x[0], 1, 2]) * [x[1], x[2], 0], [(3,)]),
    ("sum of generator", lambda x: sum(v**2 for v in x), [(3,)]),
    ("constant result", lambda _: np.ones(3), [(3,)]),
    ("number result", lambda _: 2, [(3,)]),
    ("vectorize", lambda x: np.vectorize(lambda v: v**2 + 1)(x), [(3,)]),
    ("tolist", lambda x: x.tolist(), [(2, 3)]),
]


@pytest.mark.parametrize(("name", "function", "shapes"), CASES, ids=[c[0] for c in CASES])
def test_traced_value_is_numpys(name, function, shapes):
    check_value(name, function, shapes)


# name, function, shapes, error, what NumPy says
WRONG = [
    (
        "broadcast",
        lambda x: x + np.ones(4),
        [(3,)],
        ValueError,
        r"operands could not be broadcast together with shapes \(3,\) \(4,\)",
    ),
    ("ragged", lambda x: np.add(x, [x[0], x]), [(3,)], ValueError, "inhomogeneous"),
    ("string", lambda x: x * "a", [(3,)], TypeError, "expected real numbers"),
    ("none", lambda x: x + None, [(3,)], TypeError, "expected real numbers, got NoneType"),
    ("date", lambda x: x + np.array(["2020-01-01"], "M8[D]"), [(1,)], TypeError, "datetime64"),
    (
        "long double",
        lambda x: x + np.ones(3, np.longdouble) / 3,
        [(3,)],
        TypeError,
        "float64 cannot represent",
    ),
    ("huge int", lambda x: x + 10**400, [(3,)], OverflowError, "too large"),
    (
        "masked array",
        lambda x: x + np.ma.masked_array([1.0, 2, 3], [0, 1, 0]),
        [(3,)],
        TypeError,
        "masked array",
    ),
]


@pytest.mark.parametrize(
    ("name", "function", "shapes", "error", "text"), WRONG, ids=[c[0] for c in WRONG]
)
def test_what_is_wrong_says_what_numpy_says(name, function, shapes, error, text):
    check_mistake(function, shapes, error, text)


def test_every_name_is_tested_once():
    """The points of a case are drawn by its name."""
    lists = [runpy.run_path(str(f)).get("CASES") for f in sorted(HERE.rglob("test_*.py"))]
    names = [c[0] for cases in lists if isinstance(cases, list) for c in cases]
    assert len(names) > 250
    assert sorted(names) == sorted(set(names))


def test_values_at_the_edges_are_numpys():
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e308, 5e-324])
    for function in (
        lambda x: np.interp(x, XP, FP, left=7.0),
        lambda x: np.nan_to_num(x),
        lambda x: np.clip(x, -1, 1),
        lambda x: np.cumsum(x[:2]),
        lambda x: np.round(x),
        lambda x: np.logaddexp.reduce(x[[3, 3]]),
        lambda x: np.stack(np.modf(x)),
        lambda x: np.pad(x, 2),
    ):
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(traced(function, x), function(x))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.tile(x, x), lambda x: np.repeat(x, x), lambda x: np.take(x, x),
        lambda x: np.split(x, x[:1])[0], lambda x: np.array_split(x, x[0])[0],
        lambda x: np.moveaxis(x, x[0], 0), lambda x: np.delete(x, x),
    ],
)  # fmt: skip
def test_counts_and_positions_must_be_known(function):
    with pytest.raises(TraceError, match="Indices, lengths and counts must be numbers"):
        failing(function, (3,))


def test_zeros_like_a_list_of_traced_values_are_numbers():
    x = np.array([0.3, -0.2])
    F = tw.objective(lambda x: np.sum(tw.losses.logistic(x, np.zeros_like([x[0], x[1]]))), x)
    assert F(x) == pytest.approx(np.sum(np.log1p(np.exp(x))), rel=1e-15)
    with pytest.raises(TypeError, match="labels must be numbers"):
        tw.losses.logistic(x, np.array(["a", None]))


def test_what_asarray_took_apart_is_put_together_again():
    def nodes(function, shape):
        trace = Trace()
        x = trace.input(0, shape)
        before = [len(trace.graph) for _ in np.asarray(x).flat][-1]
        made = trace.wrap(function(x))
        return len(trace.graph) - before, made.shape

    n = 500
    assert nodes(lambda x: x * np.asarray(x), (n,)) == (1, (n,))
    assert nodes(lambda x: x + np.asarray(x).T, (20, 20)) == (2, (20, 20))
    assert nodes(lambda x: x[1:] * np.asarray(x)[:-1], (n,)) == (3, (n - 1,))
    assert nodes(lambda x: np.asarray(x).reshape(5, -1), (n,)) == (1, (5, n // 5))
    points = np.random.default_rng(2024).normal(size=(3, 4))
    for function in (
        lambda x: x * np.asarray(x)[::-1],
        lambda x: np.asarray(x)[:, [0, 2, 2]] + x[:, :3],
        lambda x: np.stack([np.asarray(x)[0], x[1] * 2.0]),
        lambda x: np.asarray([x[0, 0], 2.0, x[1, 1]]) * x[:, :3],
    ):
        np.testing.assert_array_equal(traced(function, points), function(points))


def test_asarray_costs_as_much_as_its_elements():
    """A gradient of 20,000 elements taken one by one took 3 s."""
    F = tw.objective(lambda x: np.sum(np.asarray(x) * x + x), np.ones(20_000))
    assert F.grad(np.full(20_000, 2.0)) == pytest.approx(np.full(20_000, 5.0), abs=0)
    assert len(F._graph) < 20_030


@pytest.mark.parametrize(
    ("result", "error", "text"),
    [
        (None, TypeError, "got None: is a `return` missing"),
        ("abc", TypeError, "got str"),
        ({"a": 1}, TypeError, "got dict"),
        ([1.0, [2.0, 3.0]], ValueError, "inhomogeneous"),
        (1j, TypeError, "complex128"),
    ],
)
def test_results_that_are_no_numbers_are_refused(result, error, text):
    with pytest.raises(error, match=text):
        output_node(Trace(), result)


def test_value_of_another_trace_is_refused():
    kept = []
    failing(kept.append, (3,))
    for function in (lambda x: x + kept[0], lambda x: np.add(kept[0], x), lambda x: [x, kept[0]]):
        with pytest.raises(TraceError, match="another trace"):
            traced(function, np.ones(3))


def test_errors_of_the_users_own_come_through():
    def broken(x):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        failing(broken, (3,))
    with pytest.raises(TypeError, match="unsupported operand") as raised:
        failing(lambda _: "a" - 1, (3,))
    assert not isinstance(raised.value, TraceError)


def test_equal_expressions_are_one_node():
    x = Trace().input(0, (3,))
    assert (x + 1).node == (x + 1.0).node == np.add(x, 1).node
    assert (x * A3).node == (x * A3.copy()).node
    assert (x * [1, 2, 3]).node == (x * np.array([1.0, 2, 3])).node


def test_small_constants_are_copied_and_large_ones_referenced():
    small, large = np.ones(16), np.ones(17)
    trace = Trace()
    x, y = trace.input(0, (16,)), trace.input(1, (17,))
    nodes = [(x * small).node, (y * large).node]
    small[:], large[:] = 5.0, 5.0
    program = _core.Function(trace.graph, nodes, 2)
    first, second = program([np.ones((1, 16)), np.ones((1, 17))], [True, True], 1)
    assert first[0, 0] == 1.0
    assert second[0, 0] == 5.0
