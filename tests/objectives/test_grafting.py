# SPDX-License-Identifier: BSD-3-Clause
"""Expressions copied into another graph, with some of their inputs replaced."""

import numpy as np
import pytest

import thalweg as tw
from thalweg import _core
from thalweg._objectives.grafting import grafted
from thalweg._tracing.trace import Trace

DATA = np.linspace(-1.0, 1.0, 40)


def copied(F, x_of, shape):
    """The objective F at x_of(u), in a graph of its own, as a function of u."""
    trace = Trace()
    u = trace.input(0, shape)
    node = grafted(F._graph, F._f, trace.graph, {0: trace.wrap(x_of(u)).node})
    program = _core.Function(trace.graph, [node], 1 + len(F.args))
    return lambda u: program([np.asarray(u)[None], *F.args], [True] + [False] * len(F.args), 1)[0]


FUNCTIONS = {
    "elementwise": lambda x: np.sum(np.exp(-(x**2)) + np.where(x > 0, x, np.sin(x))),
    "large data": lambda x: np.sum(np.sin(x[0] * DATA + x[1])),
    "reductions": lambda x: np.max(x) + np.prod(np.outer(x, x), axis=1).sum(),
    "products": lambda x: x @ (np.arange(9.0).reshape(3, 3) @ x),
    "movement": lambda x: np.sum(np.concatenate([x[::-1], x[[0, 0]]]) ** 2 * np.arange(5)),
    "scan and table": lambda x: np.sum(np.cumsum(x)) + np.sum(np.interp(x, DATA, DATA**2)),
    "constant": lambda _: 3.0,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_copy_is_the_composition_to_the_bit(name):
    f = FUNCTIONS[name]
    F = tw.objective(f, np.ones(3))
    G = copied(F, lambda u: np.stack([2.0 * u[0], u[0] + u[1], u[1] ** 2]), (2,))
    for u in np.random.default_rng(2).normal(size=(5, 2)):
        assert G(u)[0, 0] == F([2.0 * u[0], u[0] + u[1], u[1] ** 2])


def test_inputs_that_are_not_replaced_keep_their_numbers():
    F = tw.objective(
        lambda x, a, b: np.sum(a * x) - b, np.ones(2), args=(np.array([3.0, 4.0]), 5.0)
    )
    assert copied(F, lambda u: u, (2,))([1.0, 10.0])[0, 0] == 3.0 + 40.0 - 5.0


def test_the_source_is_left_as_it_was():
    F = tw.objective(FUNCTIONS["movement"], np.ones(3))
    before, nodes = F([1.0, 2.0, 3.0]), len(F._graph)
    copied(F, lambda u: u * u, (3,))
    assert len(F._graph) == nodes
    assert F([1.0, 2.0, 3.0]) == before


def test_what_nothing_uses_is_not_copied():
    def f(x):
        np.cos(x) * DATA[:3]  # nobody reads it
        return np.sum(x)

    F = tw.objective(f, np.ones(3))
    graph = _core.Graph()
    x = graph.input(0, (3,))
    before = len(graph)
    grafted(F._graph, F._f, graph, {0: x})
    assert len(graph) - before == 1


def test_two_copies_share_what_is_equal():
    F = tw.objective(FUNCTIONS["elementwise"], np.ones(3))
    graph = _core.Graph()
    x = graph.input(0, (3,))
    first = grafted(F._graph, F._f, graph, {0: x})
    nodes = len(graph)
    assert grafted(F._graph, F._f, graph, {0: x}) == first
    assert len(graph) == nodes


def test_an_input_of_another_shape_is_refused():
    F = tw.objective(lambda x: np.sum(x[1:] * 2.0), np.ones(3))
    graph = _core.Graph()
    with pytest.raises((ValueError, IndexError), match=r"."):
        grafted(F._graph, F._f, graph, {0: graph.input(0, (1,))})
