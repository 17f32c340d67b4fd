# SPDX-License-Identifier: BSD-3-Clause
"""The bodies of loops: cut out of a graph, and made to nodes that loop over them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from thalweg import _core
from thalweg._tracing.operations import Shape, contiguous
from thalweg._tracing.tracer import Tracer

if TYPE_CHECKING:
    from thalweg._tracing.trace import Trace

# The numbers that the steps of one loop keep for its derivatives, at most. Longer loops are loops
# of loops, of which the inner ones are run again for derivatives.
KEPT = 1 << 20

CARRY, EACH, SAME = range(3)  # the roles of a body's inputs


class Body:
    """The body of a loop, cut out of a graph, and the loop's node."""

    def __init__(
        self,
        trace: Trace,
        carry: tuple[list[Tracer], list[Tracer]],
        xs: tuple[list[Tracer], list[Tracer]],
        carried: list[Tracer],
        results: list[Tracer],
    ) -> None:
        self.trace = trace
        begun, before = carry
        rows, read = xs
        self.carry_shapes = [c.shape for c in before]
        self.shapes = [y.shape for y in results]
        self.c, self.y = (sum(map(math.prod, s)) for s in (self.carry_shapes, self.shapes))
        inputs = [v.node for v in (*before, *read)]
        outputs = trace.stable(*[v.node for v in (*carried, *results)])
        self.graph, cut, captured = trace.graph.cut(outputs, inputs)
        self.carried, self.given = cut[: len(carried)], cut[len(carried) :]
        roles = [CARRY] * len(before) + [EACH] * len(read) + [SAME] * len(captured)
        shapes = [trace.graph.shape(node) for node in (*inputs, *captured)]
        self.inputs = list(zip(range(len(roles)), shapes, roles, strict=True))
        self.begun = _side_by_side(trace, [c.node for c in begun], 1)
        self.same = _side_by_side(trace, captured, 1)
        self.rows = [r.node for r in rows]
        self.x = sum(math.prod(r.shape[1:]) for r in rows)

    def run(self, n: int, reverse: bool) -> tuple[list[Tracer], list[Tracer]]:
        """Return what is carried after n steps, and the stacked results of the steps."""
        graph = self.trace.graph
        rows = _side_by_side(self.trace, self.rows, n)
        node, width, at = self._loop(n, reverse, rows)
        last = _taken(graph, node, 0, self.carry_shapes)
        ys = []
        for shape in self.shapes:
            strides = (width, *contiguous(shape))
            ys.append(graph.view(node, (n, *shape), at, strides))
            at += math.prod(shape)
        return [Tracer(self.trace, v) for v in last], [Tracer(self.trace, v) for v in ys]

    def _loop(self, n: int, reverse: bool, rows: int | None) -> tuple[int, int, int]:
        """Return the node of a loop, the width of its rows, and where the results begin."""
        graph = self.trace.graph
        if n * self.c <= KEPT:
            node = _loop_node(graph, self, n, reverse, [self.begun, rows, self.same], keep=True)
            return node, self.y + self.c, self.c
        return _in_segments(graph, self, n, reverse, rows)


def _side_by_side(trace: Trace, nodes: Sequence[int], n: int) -> int | None:
    """Join arrays, of which each has n rows, to one with these rows."""
    graph = trace.graph
    parts = [(node, math.prod(graph.shape(node)) // n) for node in nodes]
    parts = [(graph.reshape(node, (n, width)), width) for node, width in parts if width]
    if not parts:
        return None
    if len(parts) == 1:
        return parts[0][0]
    total, places, at = sum(width for _, width in parts), [], 0
    for _, width in parts:
        places.append((at, (total, 1)))
        at += width
    return graph.assemble((n, total), [node for node, _ in parts], places)


def _taken(graph: _core.Graph, node: int, at: int, shapes: Sequence[Shape]) -> list[int]:
    """Return arrays that lie one after another in a flat one."""
    out = []
    for shape in shapes:
        out.append(graph.view(node, shape, at, contiguous(shape)))
        at += math.prod(shape)
    return out


def _loop_node(
    graph: _core.Graph,
    body: Body,
    n: int,
    reverse: bool,
    operands: Sequence[int | None],
    keep: bool,
) -> int:
    """Return a loop over a body. With `keep`, each row ends with what was carried to its step."""
    given = list(body.given)
    if keep:
        given += [body.graph.input(k, s) for k, s, role in body.inputs if role == CARRY]
    nodes = [node for node in operands if node is not None]
    return graph.loop(
        body.graph, body.inputs, body.carried, given, n, reverse, body.y if keep else -1, nodes
    )


def _in_segments(
    graph: _core.Graph, body: Body, n: int, reverse: bool, rows: int | None
) -> tuple[int, int, int]:
    """Return a loop over loops of about sqrt(n) steps, as `Body._loop` does.

    The outer one keeps what is carried to each inner one, whose steps are made again for
    derivatives.
    """
    size = math.isqrt(n - 1) + 1
    count = n // size
    outer = _core.Graph()
    width = body.y + body.c
    inputs: list[tuple[int, Shape, int]] = [(0, (body.c,), CARRY)]
    if body.x:
        inputs.append((1, (size, body.x), EACH))
    if body.same is not None:
        inputs.append((2, graph.shape(body.same), SAME))
    operands = [outer.input(k, shape) for k, shape, _ in inputs]
    inner = _loop_node(outer, body, size, reverse, operands, keep=True)
    last = outer.view(inner, (body.c,), 0, (1,))
    ys = outer.view(inner, (size, body.y), body.c, (width, 1)) if body.y else None
    given = ([] if ys is None else [ys]) + [operands[0]]
    first = (n - count * size) if reverse else 0  # where the segments begin
    rest = (0, first) if reverse else (count * size, n - count * size)
    begun = body.begun

    def part(at: int, shape: Shape) -> int | None:
        if rows is None:
            return None
        return graph.view(rows, shape, at * body.x, contiguous(shape))

    assert begun is not None
    nodes = [begun, part(first, (count, size * body.x)), body.same]
    whole = graph.loop(
        outer, inputs, [last], given, count, reverse, size * body.y,
        [node for node in nodes if node is not None],
    )  # fmt: skip
    each = size * body.y + body.c
    pieces = [graph.view(whole, (count, size * body.y), body.c, (each, 1))] if body.y else []
    carry = graph.view(whole, (body.c,), 0, (1,))
    if rest[1]:
        nodes = [carry, part(rest[0], (rest[1], body.x)), body.same]
        end = _loop_node(graph, body, rest[1], reverse, nodes, keep=True)
        carry = graph.view(end, (body.c,), 0, (1,))
        if body.y:
            tail = graph.view(end, (rest[1], body.y), body.c, (width, 1))
            pieces = [tail, *pieces] if reverse else [*pieces, tail]
    flat = [carry, *pieces]
    sizes = [math.prod(graph.shape(p)) for p in flat]
    places = [(sum(sizes[:k]), contiguous(graph.shape(p))) for k, p in enumerate(flat)]
    return graph.assemble((sum(sizes),), flat, places), body.y, body.c
