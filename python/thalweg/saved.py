# SPDX-License-Identifier: BSD-3-Clause
"""What a pickle of an objective holds: its expression by operation names, with its data, under a format version.

Nothing of a tape is saved. On load every node is built again by the functions that check shapes and indices, and lowered anew, so a
damaged or foreign pickle is refused, never run.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np

from thalweg import _core
from thalweg.structure import Structure, as_floats

__all__ = ["restore_objective", "saved_objective"]

_MAGIC = "thalweg.objective"
_VERSION = 1
_OPCODES = {o["name"]: (code, o["arity"]) for code, o in enumerate(_core.operations())}
_REDUCTIONS = {name: getattr(_core.Reduction, name) for name in ("sum", "max", "min", "prod")}


def _reachable(graph: _core.Graph, root: int) -> list[tuple[Any, ...]]:
    """The nodes under `root`, renumbered in order."""
    wanted, stack = {root}, [root]
    while stack:
        for i in graph.describe(stack.pop())[2]:
            if i not in wanted:
                wanted.add(i)
                stack.append(i)
    order = sorted(wanted)
    position = {node: k for k, node in enumerate(order)}
    nodes = []
    for node in order:
        kind, what, inputs, shape, payload = graph.describe(node)
        nodes.append((kind, what, [position[i] for i in inputs], shape, payload))
    return nodes


def _digest(body: dict[str, Any]) -> str:
    return hashlib.sha256(pickle.dumps(body, protocol=4)).hexdigest()


def saved_objective(objective: Any) -> dict[str, Any]:
    """Everything that makes an objective, as plain Python and arrays."""
    s = objective.structure
    body = {
        "nodes": _reachable(objective._graph, objective._f),
        "structure": (s.form, s.shapes, s.keys),
        "args": [np.array(a) for a in objective.args],
        "name": objective._name,
        "names": list(objective.names),
        "start": np.array(objective.start),
    }
    return {"format": _MAGIC, "version": _VERSION, "sha256": _digest(body), "body": body}


def restore_objective(saved: Any) -> Any:
    """The objective again.

    Raises
    ------
    ValueError
        If it is not one of ours, of another version, or damaged; the message says which.
    """
    from thalweg.objective import Objective

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
        made = Objective.__new__(Objective)
        form, shapes, keys = body["structure"]
        if form not in ("whole", "elements", "tuple", "dict"):
            raise ValueError(f"unknown form {form!r}")
        made.structure = Structure(form, tuple(tuple(map(int, s)) for s in shapes), tuple(keys))
        if any(d < 0 for s in made.structure.shapes for d in s):
            raise ValueError("a shape is negative")
        if len(keys) != (len(shapes) if form == "dict" else 0):
            raise ValueError("keys and shapes differ in number")
        made.args = [as_floats(a, "args") for a in body["args"]]
        made.start = as_floats(body["start"], "start")
        if made.start.shape != (made.structure.size,):
            raise ValueError("the start does not fit the structure")
        made._name, made.names = str(body["name"]), [str(n) for n in body["names"]]
        made._graph, made._f, made.x_node = _rebuilt(body["nodes"], made)
        made.shape = made._graph.shape(made._f)
        made._functions, made._steppers = {}, {}
    except (KeyError, TypeError, IndexError, AttributeError, OverflowError, ValueError) as e:
        raise ValueError(f"the saved objective is damaged: {e}") from e
    return made


def _rebuilt(nodes: list[tuple[Any, ...]], made: Any) -> tuple[_core.Graph, int, int]:
    graph = _core.Graph()
    inputs = {0: (made.structure.size,), **{k + 1: a.shape for k, a in enumerate(made.args)}}
    x = graph.input(0, inputs[0])
    ids: list[int] = []
    for k, (kind, what, operands, shape, payload) in enumerate(nodes):
        if any(not 0 <= i < k for i in operands):
            raise ValueError(f"node {k} uses one that does not stand before it")
        node = _BUILDERS[kind](graph, what, [ids[i] for i in operands], tuple(shape), payload)
        if kind == "input" and inputs.get(what) != tuple(shape):
            raise ValueError(f"input {what} has shape {shape}")
        if graph.shape(node) != tuple(shape):
            raise ValueError(f"node {k} must have shape {tuple(shape)}, got {graph.shape(node)}")
        ids.append(node)
    return graph, ids[-1], x


def _elementwise(g: _core.Graph, what: Any, at: list[int], shape: Any, payload: Any) -> int:
    code, arity = _OPCODES[what]
    if len(at) != arity:
        raise ValueError(f"{what} takes {arity} operands, got {len(at)}")
    return g.elementwise(code, *at)


def _reduce(g: _core.Graph, what: Any, at: list[int], shape: Any, payload: Any) -> int:
    return g.reduce_folded(_REDUCTIONS[what], at[0], payload, shape)


def _assemble(g: _core.Graph, what: Any, at: list[int], shape: Any, payload: Any) -> int:
    if what or any(table for _, _, table in payload):
        raise ValueError("an objective holds no sums of parts")
    made = g.assemble(shape, at, [(offset, strides) for offset, strides, _ in payload])
    filled = np.zeros(int(np.prod(shape)), dtype=np.int8)
    for part, (offset, strides, _) in zip(at, payload, strict=True):
        steps = np.indices(g.shape(part)).reshape(len(strides), int(np.prod(g.shape(part))))
        np.add.at(filled, offset + np.asarray(strides, dtype=np.int64) @ steps, 1)
    if not np.all(filled == 1):
        raise ValueError("parts overlap or leave gaps")
    return made


def _scan(g: _core.Graph, what: Any, at: list[int], shape: Any, payload: Any) -> int:
    return g.scan_folded(at[0], at[1], payload[:3], bool(payload[3]))


def _data(g: _core.Graph, what: Any, at: list[int], shape: Any, payload: Any) -> int:
    return g.data(as_floats(payload, "data").reshape(shape))


_BUILDERS: dict[str, Callable[..., int]] = {
    "input": lambda g, what, at, shape, payload: g.input(what, shape),
    "constant": lambda g, what, at, shape, payload: g.constant(payload),
    "data": _data,
    "elementwise": _elementwise,
    "reduce": _reduce,
    "matmul": lambda g, what, at, shape, payload: g.matmul(
        at[0], at[1], bool(payload[0]), bool(payload[1])
    ),
    "view": lambda g, what, at, shape, payload: g.view(at[0], shape, payload[0], payload[1:]),
    "gather": lambda g, what, at, shape, payload: g.gather(at[0], shape, payload),
    "assemble": _assemble,
    "scan": _scan,
    "lookup": lambda g, what, at, shape, payload: g.lookup(at[0], *payload),
}
