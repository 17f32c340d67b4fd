# SPDX-License-Identifier: BSD-3-Clause
"""Copy an expression from one graph into another and replace its inputs."""

from __future__ import annotations

from thalweg import _core
from thalweg._objectives.saving import build_node, reachable

__all__ = ["grafted"]


def grafted(source: _core.Graph, root: int, graph: _core.Graph, inputs: dict[int, int]) -> int:
    """Copy the node `root` of `source` into `graph`; `inputs` maps input numbers to new nodes."""
    ids: list[int] = []
    for kind, what, operands, shape, payload in reachable(source, root):
        if kind == "input" and what in inputs:
            ids.append(inputs[what])
        else:
            at = [ids[i] for i in operands]
            ids.append(build_node(graph, kind, what, at, tuple(shape), payload))
    return ids[-1]
