# SPDX-License-Identifier: BSD-3-Clause
"""Write a traced function of a few numbers as a line of text, `exp(x) − log(x)`, without SymPy.

The text shows the traced operations without simplification. Functions of arrays have no such text.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from thalweg._objectives.saving import nodes_under

__all__ = ["infix"]

_SUM, _PRODUCT, _POWER, _ATOM = range(4)  # precedences, from the loosest to the tightest
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_SIGNS = {"less": "<", "less_equal": "≤", "greater": ">", "greater_equal": "≥", "equal": "="}


class _Part(NamedTuple):
    """The text of an expression, and the precedence of its outermost operation."""

    text: str
    precedence: int

    def within(self, precedence: int) -> str:
        """Return the text as an operand; add parentheses if its precedence is lower."""
        return self.text if self.precedence >= precedence else f"({self.text})"


def infix(graph: Any, output: int, names: Sequence[str], longest: int = 300) -> str | None:
    """Return the text of a node, with these names of the variables.

    The result is None if the text is longer than `longest`, or if the function has arrays.
    """
    parts: dict[int, _Part] = {}
    for node in nodes_under(graph, output):
        kind, what, operands, shape, payload = graph.describe(node)
        if kind == "input" and what == 0:
            if len(names) == 1:
                parts[node] = _Part(names[0], _ATOM)
        elif math.prod(shape) != 1:
            return None
        elif kind == "constant":
            parts[node] = _number(payload)
        elif kind == "view" and graph.describe(operands[0])[:2] == ("input", 0):
            parts[node] = _Part(names[payload[0]], _ATOM)
        elif kind in ("view", "assemble") and operands and operands[0] in parts:
            parts[node] = parts[operands[0]]
        elif kind == "elementwise" and all(i in parts for i in operands):
            parts[node] = _operation(what, [parts[i] for i in operands])
        else:
            return None
        if node in parts and len(parts[node].text) > longest:
            return None
    return parts[output].text


def _number(value: float) -> _Part:
    named = {math.e: "e", math.pi: "π"} | {k * math.pi: f"{k}π" for k in range(2, 13)}
    if value in named:
        return _Part(named[value], _ATOM)
    text = f"{value:.10g}".replace("-", "−")
    return _Part(text, _SUM if value < 0 else _PRODUCT if "e" in text else _ATOM)


def _operation(name: str, operands: list[_Part]) -> _Part:
    match name, operands:
        case "add", [a, b]:
            return _Part(f"{a.text} + {b.within(_PRODUCT)}", _SUM)
        case "subtract", [a, b]:
            return _Part(f"{a.text} − {b.within(_PRODUCT)}", _SUM)
        case "negative", [a]:
            return _Part(f"−{a.within(_PRODUCT)}", _SUM)
        case "multiply", [a, b]:
            left, right = a.within(_PRODUCT), b.within(_POWER)
            sign = " " if _is_number(a.text) and not right[0].isdigit() else " · "
            return _Part(f"{left}{sign}{right}", _PRODUCT)
        case "divide", [a, b]:
            return _Part(f"{a.within(_PRODUCT)} / {b.within(_POWER)}", _PRODUCT)
        case "reciprocal", [a]:
            return _Part(f"1 / {a.within(_POWER)}", _PRODUCT)
        case "square", [a]:
            return _Part(f"{a.within(_ATOM)}²", _POWER)
        case "power", [a, b]:
            whole = b.text.replace("−", "-")
            if whole.lstrip("-").isdigit():
                return _Part(f"{a.within(_ATOM)}{whole.translate(_RAISED)}", _POWER)
            return _Part(f"{a.within(_ATOM)}^{b.within(_ATOM)}", _POWER)
        case "sqrt", [a]:
            return _Part(f"√({a.text})", _ATOM)
        case "absolute", [a]:
            return _Part(f"|{a.text}|", _ATOM)
        case _, [a, b] if name in _SIGNS:
            return _Part(f"{a.text} {_SIGNS[name]} {b.text}", _SUM)
    return _Part(f"{name}({', '.join(a.text for a in operands)})", _ATOM)


def _is_number(text: str) -> bool:
    return text.replace(".", "").isdigit()
