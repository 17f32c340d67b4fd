# SPDX-License-Identifier: BSD-3-Clause
"""Write a traced graph as JavaScript, node by node, with arrays stored flat.

The output includes those functions of `javascript_operations.py` that the graph uses.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from thalweg import _core
from thalweg._formulas.javascript_operations import LIBRARY, OPERATIONS
from thalweg._objectives.saving import nodes_under

__all__ = ["Writer", "with_library", "written"]

_JOINS = {
    "sum": "(a, b) => a + b", "prod": "(a, b) => a * b",
    "max": "Math.max", "min": "Math.min",
}  # fmt: skip
# The names, in messages, of nodes that are not elementwise operations.
_CALLED = {"matmul": "matmul", "scan": "a running sum or product"}
_WHOLE = 64  # whole exponents up to this one become products, as in the core


def literal(value: float) -> str:
    """Write a number so that JavaScript reads the same bits."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "(-Infinity)"
    text = repr(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
    if value == 0 and math.copysign(1, value) < 0:
        text = "-0"
    return f"({text})" if text.startswith("-") else text


def numbers(values: Any) -> str:
    """Write numbers as a JavaScript array."""
    return "[" + ",".join(literal(v).strip("()") for v in np.ravel(values).tolist()) + "]"


def written(
    graph: Any,
    x: int,
    outputs: dict[str, int],
    args: Sequence[Any],
    records: dict[str, int] | None = None,
) -> str:
    """Write each output as a JavaScript function of one point, an array.

    Parameters
    ----------
    graph : Graph
        The graph that contains the outputs.
    x : int
        The node of the point.
    outputs : dict
        The node of each output by the name of its function. An output of one element is a number.
    args : sequence of ndarray
        The values of the other inputs.
    records : dict, optional
        Nodes by the names of functions that return a list of all nodes that the node depends on,
        itself the last: the name of each, its value, its operands (the position of a node, or a
        number in a list), and the domain of each operand. From such a list a page finds which
        operation first gave a number that is not finite.

    Raises
    ------
    NotImplementedError
        If the graph contains an operation that has no JavaScript form; the message names it.
    """
    writer = Writer(graph, ["x[0]" if math.prod(graph.shape(x)) == 1 else "x", *args])
    bodies = {name: writer.body(node) for name, node in outputs.items()}
    bodies |= {name: writer.record(node) for name, node in (records or {}).items()}
    functions = [f"const {name} = x => {{\n{body}\n}};" for name, body in bodies.items()]
    return with_library([*writer.constants, *functions])


def with_library(parts: Sequence[str]) -> str:
    """Join the parts of a program, after the functions of the library that it uses."""
    code = "\n".join(parts)
    return "\n".join([*_needed(code), code])


def _needed(code: str) -> list[str]:
    """Return the library functions that the code uses, directly or indirectly."""
    used: set[str] = set()
    texts = [code]
    while texts:
        words = set(re.findall(r"\b[A-Za-z_]\w*\b", texts.pop()))
        new = {name for name in LIBRARY if name in words} - used
        used |= new
        texts += [LIBRARY[name] for name in new]
    return [f"const {name} = {text};" for name, text in LIBRARY.items() if name in used]


class Writer:
    """Writes the nodes of one graph; data shared by several functions is written once.

    Parameters
    ----------
    graph : Graph
    inputs : sequence of str or array_like
        For each input its JavaScript text, or its numbers.
    """

    def __init__(self, graph: Any, inputs: Sequence[Any]) -> None:
        self.graph, self.inputs = graph, inputs
        self.constants: list[str] = []
        self._known: dict[str, str] = {}

    def body(self, output: int) -> str:
        """Write the statements that compute an output and return it."""
        lines, names = self.statements([output])
        return "\n".join([*lines, f"  return {names[output]};"])

    def statements(self, outputs: Sequence[int]) -> tuple[list[str], dict[int, str]]:
        """Write the statements that compute some nodes; also return the name of each node."""
        names: dict[int, str] = {}
        lines: list[str] = []
        for node in nodes_under(self.graph, *outputs):
            kind, what, operands, shape, payload = self.graph.describe(node)
            if math.prod(shape) == 0:
                raise NotImplementedError("an empty array cannot be written as JavaScript")
            at = [_Operand(names[i], tuple(self.graph.shape(i))) for i in operands]
            text = getattr(self, f"_{kind}")(_Node(what, at, tuple(shape), payload))
            if kind in ("input", "constant", "data"):
                names[node] = text
                continue
            names[node] = f"n{len(lines)}"
            lines.append(f"  const n{len(lines)} = {text};")
        return lines, names

    def record(self, output: int) -> str:
        """Write the statements of a function that returns a list of nodes; see `written`."""
        lines, names = self.statements([output])
        positions: dict[int, int] = {}
        records = []
        for node in nodes_under(self.graph, output):
            kind, what, operands, _, _ = self.graph.describe(node)
            if kind in ("input", "constant", "data"):
                continue
            by = [str(positions[i]) if i in positions else f"[{names[i]}]" for i in operands]
            called, domain = _CALLED.get(kind, "an array operation"), "null"
            if kind == "elementwise":
                called, domain = what, self._shared(_domain(what))
            elif kind == "reduce":
                called = what
            records.append(f'["{called}", {names[node]}, [{", ".join(by)}], {domain}]')
            positions[node] = len(positions)
        return "\n".join([*lines, "  return [" + ", ".join(records) + "];"])

    def _shared(self, text: str) -> str:
        """Return the name of a constant that is defined outside the functions."""
        if text not in self._known:
            self._known[text] = f"D{len(self._known)}"
            self.constants.append(f"const {self._known[text]} = {text};")
        return self._known[text]

    def _array(self, values: Any) -> str:
        flat = np.ravel(np.asarray(values, dtype=np.float64))
        return literal(float(flat[0])) if flat.size == 1 else self._shared(numbers(flat))

    def _input(self, node: _Node) -> str:
        value = self.inputs[node.what]
        return value if isinstance(value, str) else self._array(value)

    def _constant(self, node: _Node) -> str:
        return literal(node.payload)

    def _data(self, node: _Node) -> str:
        return self._array(node.payload)

    def _elementwise(self, node: _Node) -> str:
        if node.what not in OPERATIONS:
            raise NotImplementedError(
                f"the operation {node.what!r} cannot be written as JavaScript"
            )
        operands = [each.element(node.shape) for each in node.at]
        pattern = OPERATIONS[node.what]
        if node.what == "power":
            exponent = _whole(operands[1])
            if exponent is not None:
                pattern = f"ipow({{0}}, {exponent})"
        return _each(node.shape, pattern.format(*operands))

    def _routine(self, node: _Node) -> str:
        raise NotImplementedError(f"{node.what} of an array cannot be written as JavaScript")

    def _loop(self, node: _Node) -> str:
        raise NotImplementedError("tw.scan and tw.fori cannot be written as JavaScript")

    def _call(self, node: _Node) -> str:
        raise NotImplementedError("tw.call cannot be written as JavaScript")

    def _reduce(self, node: _Node) -> str:
        if node.at[0].size == 1:
            return node.at[0].name
        text = f"reduce({node.at[0].name}, {list(node.payload)}, {_JOINS[node.what]})"
        return text if node.size > 1 else f"{text}[0]"

    def _matmul(self, node: _Node) -> str:
        ta, tb = (str(bool(t)).lower() for t in node.payload)
        batch, m, n = node.shape
        k = node.at[0].shape[1 if node.payload[0] else 2]
        text = f"matmul({node.at[0].array}, {node.at[1].array}, {batch}, {m}, {k}, {n}, {ta}, {tb})"
        return text if node.size > 1 else f"{text}[0]"

    def _view(self, node: _Node) -> str:
        if node.at[0].size == 1:
            return node.at[0].name if node.size == 1 else _each(node.shape, node.at[0].name)
        return _each(
            node.shape,
            f"{node.at[0].name}[{_position(node.shape, node.payload[1:], node.payload[0])}]",
        )

    def _gather(self, node: _Node) -> str:
        if node.size == 1:
            return f"{node.at[0].array}[{node.payload[0]}]"
        return _each(node.shape, f"{node.at[0].array}[{self._shared(numbers(node.payload))}[i]]")

    def _assemble(self, node: _Node) -> str:
        puts = []
        for part, (offset, strides, table) in zip(node.at, node.payload, strict=True):
            if table:
                where = f"{self._shared(numbers(table))}[i]" if part.size > 1 else str(table[0])
            else:
                where = _position(part.shape, strides, offset)
            puts.append(f"put(a, {part.array}, i => {where}); ")
        text = f"(() => {{ const a = new Float64Array({node.size}); {''.join(puts)}return a; }})()"
        return text if node.size > 1 else f"{text}[0]"

    def _scan(self, node: _Node) -> str:
        if node.size == 1:
            return node.at[1].name
        back = str(bool(node.payload[3])).lower()
        return f"scan({node.at[0].name}, {node.at[1].name}, {list(node.payload[:3])}, {back})"

    def _lookup(self, node: _Node) -> str:
        breaks, c0, c1, below = node.payload
        table = self._shared(
            f"{{ breaks: {numbers(breaks)}, c0: {numbers(c0)}, c1: {numbers(c1)}, "
            f"below: {literal(below)} }}"
        )
        return _each(node.shape, f"lookup({node.at[0].element(node.shape)}, {table})")


def _domain(operation: str) -> str:
    """Write the domain of each operand of an operation: lower, upper, and whether each is open."""
    (domain,) = (o["domain"] for o in _core.operations() if o["name"] == operation)
    rows = (f"[{literal(a)}, {literal(b)}, {int(c)}, {int(d)}]" for a, b, c, d in domain or ())
    return f"[{', '.join(rows)}]"


class _Node(NamedTuple):
    """A node as `Graph.describe` describes it, with named operands."""

    what: Any
    at: list[_Operand]
    shape: tuple[int, ...]
    payload: Any

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)


class _Operand:
    """An operand of a node: the name of a number or of a flat array."""

    def __init__(self, name: str, shape: tuple[int, ...]) -> None:
        self.name, self.shape, self.size = name, shape, math.prod(shape)

    @property
    def array(self) -> str:
        """The operand as an array, even if it is a number."""
        return self.name if self.size > 1 else f"[{self.name}]"

    def element(self, shape: tuple[int, ...]) -> str:
        """Return its element for position i of an array to which it is broadcast."""
        if self.size == 1:
            return self.name
        if self.size == math.prod(shape):
            return f"{self.name}[i]"
        own = (1,) * (len(shape) - len(self.shape)) + self.shape
        strides = [0 if d == 1 else math.prod(own[j + 1 :]) for j, d in enumerate(own)]
        return f"{self.name}[{_position(shape, strides, 0)}]"


def _each(shape: tuple[int, ...], element: str) -> str:
    """Return a number, or code that fills an array with elements for each position i."""
    size = math.prod(shape)
    return element if size == 1 else f"fill({size}, i => {element})"


def _position(shape: tuple[int, ...], strides: Sequence[int], offset: int) -> str:
    """Return the position in a strided array of element i of an array of this shape."""
    terms, inner = [], 1
    for size, stride in list(zip(shape, strides, strict=True))[::-1]:
        if size > 1 and stride != 0:
            index = "i" if inner == 1 else f"Math.floor(i / {inner})"
            # The outermost axis needs no remainder.
            index = index if inner * size == math.prod(shape) else f"{index} % {size}"
            terms.append(index if stride == 1 else f"({index}) * {stride}")
        inner *= size
    if offset or not terms:
        terms.append(str(offset))
    return " + ".join(terms)


def _whole(text: str) -> int | None:
    """Return the value of a literal if it is a small whole number, else None."""
    try:
        value = float(text.strip("()"))
    except ValueError:
        return None
    return int(value) if value == int(value) and abs(value) <= _WHOLE else None
