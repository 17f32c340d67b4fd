# SPDX-License-Identifier: BSD-3-Clause
"""Provide the core's operations that NumPy lacks, for numbers, arrays and traced values.

For traced values the operation is recorded. Numbers and arrays are evaluated by its kernel, with
one lane for each element.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from thalweg import _core
from thalweg._tracing import ufuncs
from thalweg._tracing.numbers import as_floats, has_masks
from thalweg._tracing.operations import OPCODE
from thalweg._tracing.tracer import Tracer

__all__ = ["operand", "operation", "where"]


def operand(x: Any, what: str = "x") -> Any:
    """Convert `x` to an array of float64 or a traced value; lists may contain traced values.

    Parameters
    ----------
    x : array_like or traced
        The operand.
    what : str
        Its name, for the error message.

    Raises
    ------
    TypeError
        If it contains anything but real numbers and traced values.
    """
    if isinstance(x, Tracer):
        return x
    if has_masks(x):
        return as_floats(x, what)  # raises if an element is masked
    array = np.asarray(x)
    if array.dtype == object:
        for item in array.flat:
            if isinstance(item, Tracer):
                return item.trace.wrap(array)
        if all(isinstance(item, int | float) for item in array.flat):
            array = array.astype(np.float64)  # np.zeros_like([x, x]) of traced values, for instance
    return as_floats(array, what)


def where(condition: Any, x: Any, y: Any) -> Any:
    """Return `np.where`, but a number if no operand has axes, as ufuncs do."""
    return np.where(condition, x, y)[()]


@cache
def operation(name: str) -> Callable[..., Any]:
    """Return an operation of the core as a function.

    Parameters
    ----------
    name : str
        The name of the operation in the core's list.

    Returns
    -------
    callable
        A function of numbers, arrays and traced values, which are broadcast against each other.

    Examples
    --------
    >>> from thalweg._tracing.elementary import operation
    >>> operation("expit")([0.0, -1000.0, 1000.0])
    array([0.5, 0. , 1. ])
    """
    traced = ufuncs.operation(name)
    code = OPCODE[name]
    arity = ufuncs.ARITY[code]
    graph = _core.Graph()
    node = graph.elementwise(code, *(graph.input(k, ()) for k in range(arity)))
    kernel = _core.Function(graph, [node], arity)

    def call(*operands: Any) -> Any:
        values = [operand(o, f"the argument of {name}") for o in operands]
        if any(isinstance(v, Tracer) for v in values):
            return traced(*values)
        arrays = np.broadcast_arrays(*values)
        size, shape = arrays[0].size, arrays[0].shape
        lanes = [np.ascontiguousarray(a).reshape(size, 1) for a in arrays]
        (out,) = kernel(lanes, [True] * arity, size)
        return out.reshape(shape)[()]

    call.__name__ = name
    call.__doc__ = f"Apply the operation {name}."
    return call
