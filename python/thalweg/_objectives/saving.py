# SPDX-License-Identifier: BSD-3-Clause
"""Save and restore objectives: the expression by operation names, with its data.

The format has a version, and compiled tapes are not saved. Loading rebuilds every node with the
functions that check shapes and indices, so a damaged or foreign pickle is refused and never run.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from thalweg import _core
from thalweg._objectives.points import Structure, as_floats

__all__ = ["build_node", "nodes_under", "reachable", "restore", "saved_objective"]

_MAGIC = "thalweg._objectives.objective"
_VERSION = 1
_OPCODES = {o["name"]: (code, o["arity"]) for code, o in enumerate(_core.operations())}
_REDUCTIONS = {name: getattr(_core.Reduction, name) for name in ("sum", "max", "min", "prod")}


def reachable(graph: _core.Graph, root: int) -> list[tuple[Any, ...]]:
    """Return the nodes that `root` depends on, renumbered in order."""
    return _described(graph, nodes_under(graph, root))


def _described(graph: _core.Graph, order: list[int]) -> list[tuple[Any, ...]]:
    position = {node: k for k, node in enumerate(order)}
    nodes = []
    for node in order:
        kind, what, inputs, shape, payload = graph.describe(node)
        if kind == "loop":
            payload = _saved_loop(*payload)
        nodes.append((kind, what, [position[i] for i in inputs], shape, payload))
    return nodes


def _saved_loop(
    body: _core.Graph, inputs: Any, carried: list[int], given: list[int], *rest: Any
) -> tuple[Any, ...]:
    """Return a loop with the nodes of its body in place of the body's graph."""
    outputs = [*carried, *given]
    order = nodes_under(body, *outputs)
    position = {node: k for k, node in enumerate(order)}
    nodes = _described(body, order)
    return (nodes, inputs, [position[o] for o in carried], [position[o] for o in given], *rest)


def nodes_under(graph: _core.Graph, *roots: int) -> list[int]:
    """Return the numbers of the nodes that `roots` depend on, operands before their users."""
    wanted, stack = set(roots), list(roots)
    while stack:
        for i in graph.describe(stack.pop())[2]:
            if i not in wanted:
                wanted.add(i)
                stack.append(i)
    return sorted(wanted)


def _digest(body: dict[str, Any]) -> str:
    return hashlib.sha256(pickle.dumps(body, protocol=4)).hexdigest()


def saved_objective(objective: Any) -> dict[str, Any]:
    """Return the content of an objective as plain Python objects and arrays."""
    s = objective.structure
    body = {
        "nodes": reachable(objective._graph, objective._f),
        "structure": (s.form, s.shapes, s.keys),
        "args": [np.array(a) for a in objective.args],
        "name": objective._name,
        "names": list(objective.names),
        "start": np.array(objective.start),
    }
    return {"format": _MAGIC, "version": _VERSION, "sha256": _digest(body), "body": body}


def restore(objective: Any, saved: Any) -> None:
    """Fill an empty objective with the saved content.

    Raises
    ------
    ValueError
        If the content is not a saved objective, has another version, or is damaged; the message
        says which.
    """
    if not isinstance(saved, dict) or saved.get("format") != _MAGIC:
        raise ValueError("this is not a saved thalweg objective")
    if saved.get("version") != _VERSION:
        raise ValueError(
            f"saved objective must have format version {_VERSION}, got {saved.get('version')!r}"
        )
    body = saved.get("body")
    if not isinstance(body, dict) or saved.get("sha256") != _digest(body):
        raise ValueError("the saved objective is damaged: its checksum does not match")
    try:
        form, shapes, keys = body["structure"]
        if form not in ("whole", "elements", "tuple", "dict"):
            raise ValueError(f"unknown form {form!r}")
        entries = tuple(tuple(map(int, s)) for s in shapes)
        objective.structure = Structure(form, entries, tuple(keys))
        if any(d < 0 for s in objective.structure.shapes for d in s):
            raise ValueError("a shape is negative")
        if len(keys) != (len(shapes) if form == "dict" else 0):
            raise ValueError("keys and shapes differ in number")
        objective.args = [as_floats(a, "args") for a in body["args"]]
        objective.start = as_floats(body["start"], "start")
        if objective.start.shape != (objective.structure.size,):
            raise ValueError("the shape of the start does not match the structure")
        objective._name, objective.names = str(body["name"]), [str(n) for n in body["names"]]
        objective._graph, objective._f, objective.x_node = _rebuilt(body["nodes"], objective)
        objective.shape = objective._graph.shape(objective._f)
        objective._functions, objective._steppers, objective._minimizers = {}, {}, {}
        objective.threads = 1
    except (KeyError, TypeError, IndexError, AttributeError, OverflowError, ValueError) as e:
        raise ValueError(f"the saved objective is damaged: {e}") from e


def _rebuilt(nodes: list[tuple[Any, ...]], objective: Any) -> tuple[_core.Graph, int, int]:
    graph = _core.Graph()
    inputs = {0: (objective.structure.size,)}
    inputs |= {k + 1: a.shape for k, a in enumerate(objective.args)}
    x = graph.input(0, inputs[0])
    ids: list[int] = []
    for k, (kind, what, operands, shape, payload) in enumerate(nodes):
        if any(not 0 <= i < k for i in operands):
            raise ValueError(f"node {k} uses a node that does not come before it")
        node = build_node(graph, kind, what, [ids[i] for i in operands], tuple(shape), payload)
        if kind == "input" and inputs.get(what) != tuple(shape):
            raise ValueError(f"input {what} has shape {shape}")
        if graph.shape(node) != tuple(shape):
            raise ValueError(f"node {k} must have shape {tuple(shape)}, got {graph.shape(node)}")
        ids.append(node)
    return graph, ids[-1], x


class _Saved(NamedTuple):
    """A saved node whose operands are already built."""

    what: Any
    at: list[int]
    shape: tuple[int, ...]
    payload: Any


def _elementwise(g: _core.Graph, n: _Saved) -> int:
    code, arity = _OPCODES[n.what]
    if len(n.at) != arity:
        raise ValueError(f"{n.what} takes {arity} operands, got {len(n.at)}")
    return g.elementwise(code, *n.at)


def _assemble(g: _core.Graph, n: _Saved) -> int:
    if n.what:
        return _sum_of_parts(g, n)
    if any(table for _, _, table in n.payload):
        raise ValueError("only sums of parts have tables")
    node = g.assemble(n.shape, n.at, [(offset, strides) for offset, strides, _ in n.payload])
    filled = np.zeros(int(np.prod(n.shape)), dtype=np.int8)
    for part, (offset, strides, _) in zip(n.at, n.payload, strict=True):
        own = g.shape(part)
        steps = np.indices(own).reshape(len(strides), int(np.prod(own)))
        np.add.at(filled, offset + np.asarray(strides, dtype=np.int64) @ steps, 1)
    if not np.all(filled == 1):
        raise ValueError("parts overlap or leave gaps")
    return node


def _sum_of_parts(g: _core.Graph, n: _Saved) -> int:
    """Add parts into zeros, as the adjoint of picking them."""
    target = g.data(np.zeros(n.shape))
    picked = [
        g.gather(target, g.shape(part), table)
        if table
        else g.view(target, g.shape(part), offset, strides)
        for part, (offset, strides, table) in zip(n.at, n.payload, strict=True)
    ]
    return g.vjp(picked, n.at, [target])[0]


def _loop(g: _core.Graph, n: _Saved) -> int:
    nodes, inputs, carried, given, length, backward, carries_at = n.payload
    body = _core.Graph()
    ids: list[int] = []
    for k, (kind, what, operands, shape, payload) in enumerate(nodes):
        if any(not 0 <= i < k for i in operands):
            raise ValueError(f"node {k} of a loop uses a node that does not come before it")
        at = [ids[i] for i in operands]
        ids.append(build_node(body, kind, what, at, tuple(shape), payload))
    known = [(number, tuple(shape)) for number, shape, _ in inputs]
    for kind, what, _, shape, _ in nodes:
        if kind == "input" and (what, tuple(shape)) not in known:
            raise ValueError(f"input {what} of a loop is not in its list")
    last, rows = [ids[k] for k in carried], [ids[k] for k in given]
    return g.loop(body, inputs, last, rows, length, backward, carries_at, n.at)


def _data(g: _core.Graph, n: _Saved) -> int:
    if not isinstance(n.payload, np.ndarray) or n.payload.dtype.kind not in "biuf":
        raise ValueError("data must be an array of numbers")
    return g.data(n.payload)


_BUILDERS: dict[str, Callable[[_core.Graph, _Saved], int]] = {
    "input": lambda g, n: g.input(n.what, n.shape),
    "constant": lambda g, n: g.constant(n.payload),
    "data": _data,
    "elementwise": _elementwise,
    "reduce": lambda g, n: g.reduce_folded(_REDUCTIONS[n.what], n.at[0], n.payload, n.shape),
    "matmul": lambda g, n: g.matmul(n.at[0], n.at[1], bool(n.payload[0]), bool(n.payload[1])),
    "view": lambda g, n: g.view(n.at[0], n.shape, n.payload[0], n.payload[1:]),
    "gather": lambda g, n: g.gather(n.at[0], n.shape, n.payload),
    "assemble": _assemble,
    "scan": lambda g, n: g.scan_folded(n.at[0], n.at[1], n.payload[:3], bool(n.payload[3])),
    "lookup": lambda g, n: g.lookup(n.at[0], *n.payload),
    "call": lambda g, n: g.call(n.payload[0], n.payload[1], n.at[0], n.shape),
    "loop": _loop,
    "routine": lambda g, n: g.routine(n.what, n.at, n.payload, n.shape),
}


def build_node(
    graph: _core.Graph,
    kind: str,
    what: Any,
    operands: list[int],
    shape: tuple[int, ...],
    payload: Any,
) -> int:
    """Build a node, as `Graph.describe` describes it, in a graph that holds its operands."""
    return _BUILDERS[kind](graph, _Saved(what, operands, shape, payload))
