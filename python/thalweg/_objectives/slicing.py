# SPDX-License-Identifier: BSD-3-Clause
"""Fix some variables of an objective by name, and build the objective of the others.

The traced graph is rebuilt for a shorter point; the user's function is not called again.
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


def sliced(objective: Any, fixed: dict[str, Any]) -> Any:
    """Return the objective of the entries that are not in `fixed`; see `Objective.slice`."""
    structure: Structure = objective.structure
    names = entry_names(objective)
    values = _checked(structure, names, fixed)
    kept = [i for i, name in enumerate(names) if name not in fixed]
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
    """Return the names of the entries of a point, by which they can be fixed."""
    structure: Structure = objective.structure
    if structure.form == "dict":
        return list(structure.keys)
    count = len(structure.shapes)
    own = [str(name) for name in objective.names[:count]]
    if structure.form == "whole" or len(own) < count:
        raise TypeError(
            "slice fixes variables by name, so the function must take them as separate arguments, "
            f"but it takes {'one array' if structure.form == 'whole' else '*p'}"
        )
    return own


def _checked(
    structure: Structure, names: list[str], fixed: dict[str, Any]
) -> dict[str, FloatArray]:
    """Check the fixed values and return them as arrays."""
    unknown = [name for name in fixed if name not in names]
    if unknown:
        raise TypeError(f"slice got {unknown[0]!r}; the variables are {', '.join(names)}")
    if not fixed or len(fixed) == len(names):
        what = "all of them" if fixed else "none"
        raise TypeError(f"slice must fix some of {', '.join(names)}, got {what}")
    values = {}
    for name, shape in zip(names, structure.shapes, strict=True):
        if name not in fixed:
            continue
        value = as_floats(fixed[name], name)
        if value.shape != shape:
            raise ValueError(f"{name} must have shape {shape}, got {value.shape}")
        if not np.isfinite(value).all():
            raise ValueError(f"{name} must be finite, got {fixed[name]}")
        values[name] = value
    return values


def _shorter(structure: Structure, kept: list[int]) -> Structure:
    """Return the form of the remaining entries: a dict, or the entry itself if it is alone."""
    shapes = tuple(structure.shapes[i] for i in kept)
    if structure.form == "dict":
        return Structure("dict", shapes, tuple(structure.keys[i] for i in kept))
    return Structure("whole" if len(kept) == 1 else structure.form, shapes)
