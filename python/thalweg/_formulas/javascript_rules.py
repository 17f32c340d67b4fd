# SPDX-License-Identifier: BSD-3-Clause
"""The first-order rules written out as JavaScript, from the graphs of their steps.

The core builds the graph of a rule's step from the rule's own formula, so that there is no second
one here: a rule that the core has, a page has.
"""

from __future__ import annotations

import json
from typing import Any

from thalweg import _core
from thalweg._formulas.javascript import Writer, literal, with_library

__all__ = ["rules"]

# Inputs of a step that is told value and gradient: the point, these two, then memory, the
# hyper-parameters, and the bounds.
_TOLD = 3


def rules(n: int, bounded: bool) -> str:
    """An object of all rules by name, for functions of `n` variables.

    Each has `summary`; `hyper`, a list of names, defaults (null where there is none) and meanings;
    `memory`, a list of initial values, whether there is one for each variable, and the position of
    the hyper-parameter that is the initial value, or -1; and ``step(x, g, memory, hyper, bounds)``,
    which gives the next point, the next memory and the norm of the projected gradient.
    """
    constants: list[str] = []
    made = [_rule(method, n, bounded, constants) for method in _core.methods()]
    code = with_library([*constants, "return {", *made, "};"])
    return f"const rules = (() => {{\n{code}\n}})();"


def _rule(method: dict[str, Any], n: int, bounded: bool, constants: list[str]) -> str:
    graph = _core.Graph()
    stepper = _core.Stepper(method["name"], graph, -1, n, 1, bounded, True, False, False)
    _, moved, *memory, norm = stepper.outputs
    writer = Writer(graph, _inputs(method, n, bounded))
    lines, names = writer.statements([moved, *memory, norm])
    constants += [text for text in writer.constants if text not in constants]
    point = f"[{names[moved]}]" if n == 1 else names[moved]
    kept = ", ".join(names[node] for node in memory)
    hyper = [[name, default, meaning] for name, default, meaning, *_ in method["hyper"]]
    begun = ", ".join(
        f"[{literal(initial)}, {json.dumps(each)}, {source}]"
        for _, initial, each, source in method["memory"]
    )
    return "\n".join(
        [
            f"{json.dumps(method['name'])}: {{",
            f"summary: {json.dumps(method['summary'])},",
            f"hyper: {json.dumps(hyper)},",
            f"memory: [{begun}],",
            "step: (x, g, m, h, b) => {",
            *lines,
            f"  return [{point}, [{kept}], {names[norm]}];",
            "} },",
        ]
    )


def _inputs(method: dict[str, Any], n: int, bounded: bool) -> list[str]:
    """What a step's inputs are called; of one variable, arrays are numbers."""
    element = "[0]" if n == 1 else ""
    memory = [f"m[{k}]" for k in range(len(method["memory"]))]
    hyper = [f"h[{k}]" for k in range(len(method["hyper"]))]
    bounds = [f"b[0]{element}", f"b[1]{element}"] if bounded else []
    told = [f"x{element}", "NaN", f"g{element}"]
    assert len(told) == _TOLD
    return [*told, *memory, *hyper, *bounds]
