# SPDX-License-Identifier: BSD-3-Clause
"""Count the operations and functions that the source of a function uses, from the text alone."""

import ast
from collections import Counter

_OPERATORS = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Pow: "**",
    ast.MatMult: "@",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
RESHAPING = {
    "[slice]",
    "[integer]",
    "[integers]",
    "[mask]",
    "where",
    "broadcast_to",
    "expand_dims",
    "outer",
}


def count_uses(source: str) -> Counter[str]:
    """How often a text uses each function, method, operator and kind of index."""
    found: Counter[str] = Counter()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = (
                node.func.attr
                if isinstance(node.func, ast.Attribute)
                else getattr(node.func, "id", "")
            )
            found[{"psi": "digamma"}.get(name, name)] += 1
        elif isinstance(node, ast.Attribute) and node.attr == "T":
            found["T"] += 1
        elif isinstance(node, ast.BinOp):
            found[_OPERATORS[type(node.op)]] += 1
        elif isinstance(node, ast.Compare):
            found[_OPERATORS[type(node.ops[0])]] += 1
        elif isinstance(node, ast.Subscript):
            index = ast.unparse(node.slice)
            mask = "True" in index or "False" in index
            found[
                "[slice]"
                if ":" in index
                else "[mask]"
                if mask
                else "[integers]"
                if "array" in index
                else "[integer]"
            ] += 1
    return found
