# SPDX-License-Identifier: BSD-3-Clause
"""Write the first-order rules as JavaScript, from the graphs of their steps.

The core builds the graph of a step from the rule's own formula. No formula is repeated here, and a
page has every rule that the core has.
"""

from __future__ import annotations

import json
from typing import Any

from thalweg import _core
from thalweg._formulas.javascript import Writer, literal, with_library

__all__ = ["rules"]


def rules(n: int, bounded: bool) -> str:
    """Write an object that holds every rule by name, for functions of `n` variables.

    A rule has a `summary`. Its `hyper` lists the name, the default (null if there is none) and the
    meaning of each hyper-parameter. Its `memory` lists for each entry the initial value, whether
    there is one for each variable, and the position of the hyper-parameter that is the initial
    value, or -1. Its ``step(x, g, memory, hyper, bounds)`` returns the next point, the next memory
    and the norm of the projected gradient.
    """
    code = with_library(["return {", *(_rule(rule, n, bounded) for rule in _core.rules()), "};"])
    return f"const rules = (() => {{\n{code}\n}})();"


def _rule(rule: dict[str, Any], n: int, bounded: bool) -> str:
    without_value = _core.Objective(_core.Graph(), -1, n)
    parts = _core.StepParts(bounds=bounded, gradient_norm=True)
    _, moved, *memory, norm = _core.Stepper(rule["name"], without_value, parts).outputs
    writer = Writer(without_value.graph, _inputs(rule, n, bounded))
    lines, names = writer.statements([moved, *memory, norm])
    point = f"[{names[moved]}]" if n == 1 else names[moved]
    kept = ", ".join(names[node] for node in memory)
    hyper = [[name, default, meaning] for name, default, meaning, *_ in rule["hyper"]]
    begun = ", ".join(
        f"[{literal(initial)}, {json.dumps(each)}, {source}]"
        for _, initial, each, source in rule["memory"]
    )
    return "\n".join(
        [
            f"{json.dumps(rule['name'])}: {{",
            f"summary: {json.dumps(rule['summary'])},",
            f"hyper: {json.dumps(hyper)},",
            f"memory: [{begun}],",
            "step: (x, g, m, h, b) => {",
            *writer.constants,
            *lines,
            f"  return [{point}, [{kept}], {names[norm]}];",
            "} },",
        ]
    )


def _inputs(rule: dict[str, Any], n: int, bounded: bool) -> list[str]:
    """Name the inputs of a step in their order; for one variable, arrays are numbers."""
    element = "[0]" if n == 1 else ""
    memory = [f"m[{k}]" for k in range(len(rule["memory"]))]
    hyper = [f"h[{k}]" for k in range(len(rule["hyper"]))]
    bounds = [f"b[0]{element}", f"b[1]{element}"] if bounded else []
    # The caller passes the value and the gradient to a step. No rule uses the value, so it is NaN.
    return [f"x{element}", "NaN", f"g{element}", *memory, *hyper, *bounds]
