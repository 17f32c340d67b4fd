# SPDX-License-Identifier: BSD-3-Clause
"""An objective of fewer variables: the others held, by name, where they are put.

The traced graph is built again over a shorter point; the user's function is not called.
"""

from __future__ import annotations

import copy
from math import prod
from typing import Any

import numpy as np

from thalweg._objectives.grafting import grafted
from thalweg._objectives.points import FloatArray, Structure, as_floats
from thalweg._tracing.trace import Trace

__all__ = ["sliced"]


def sliced(objective: Any, held: dict[str, Any]) -> Any:
    """The objective of the entries that `held` does not name; see `Objective.slice`."""
    structure: Structure = objective.structure
    names = entry_names(objective)
    values = _checked(structure, names, held)
    kept = [i for i, name in enumerate(names) if name not in held]
    other = copy.copy(objective)
    other._functions, other._steppers, other._minimizers = {}, {}, {}
    other.structure = _shorter(structure, kept)
    other.names = [names[i] for i in kept]
    ends = np.cumsum([0, *map(prod, structure.shapes)])
    other.start = np.concatenate([objective.start[ends[i] : ends[i + 1]] for i in kept])

    trace = Trace()
    graph = trace.graph
    other._graph, other.x_node = graph, graph.input(0, (other.n,))
    parts, offset = [], 0
    for i, shape in enumerate(structure.shapes):
        if i in kept:
            parts.append(graph.view(other.x_node, (prod(shape),), offset, (1,)))
            offset += prod(shape)
        else:
            constants = [graph.constant(v) for v in values[names[i]].ravel().tolist()]
            ones = [graph.view(c, (1,), 0, (0,)) for c in constants]
            at = [(k, (1,)) for k in range(len(ones))]
            parts.append(graph.assemble((len(ones),), ones, at))
    x = graph.assemble((structure.size,), parts, [(int(e), (1,)) for e in ends[:-1]])
    other._f = grafted(objective._graph, objective._f, graph, {0: x})
    return other


def entry_names(objective: Any) -> list[str]:
    """What the entries of a point are called, by which they can be held."""
    structure: Structure = objective.structure
    if structure.form == "dict":
        return list(structure.keys)
    count = len(structure.shapes)
    own = [str(name) for name in objective.names[:count]]
    if structure.form == "whole" or len(own) < count:
        raise TypeError(
            "slice holds variables by name: the function must take them one by one, "
            f"got one that takes {'an array whole' if structure.form == 'whole' else '*p'}"
        )
    return own


def _checked(structure: Structure, names: list[str], held: dict[str, Any]) -> dict[str, FloatArray]:
    """What is held, as arrays that fit."""
    unknown = [name for name in held if name not in names]
    if unknown:
        raise TypeError(f"slice got {unknown[0]!r}; the variables are {', '.join(names)}")
    if not held or len(held) == len(names):
        what = "all of them" if held else "none"
        raise TypeError(f"slice must hold some of {', '.join(names)}, got {what}")
    values = {}
    for name, shape in zip(names, structure.shapes, strict=True):
        if name not in held:
            continue
        value = as_floats(held[name], name)
        if value.shape != shape:
            raise ValueError(f"{name} must have shape {shape}, got {value.shape}")
        if not np.isfinite(value).all():
            raise ValueError(f"{name} must be finite, got {held[name]}")
        values[name] = value
    return values


def _shorter(structure: Structure, kept: list[int]) -> Structure:
    """The form of what is left: a dict stays one; one entry alone is a point by itself."""
    shapes = tuple(structure.shapes[i] for i in kept)
    if structure.form == "dict":
        return Structure("dict", shapes, tuple(structure.keys[i] for i in kept))
    return Structure("whole" if len(kept) == 1 else structure.form, shapes)
