# SPDX-License-Identifier: BSD-3-Clause
"""The user's `callback`: how it is called after a step, and how it ends a descent."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from thalweg._methods.stopping import is_true
from thalweg._objectives.points import FloatArray, Structure

__all__ = ["Listener", "listener"]

# What the core calls after each step, with its number, the point (n,), the value there and a norm
# of the gradient. True ends the descent.
Listener = Callable[[int, FloatArray, float, float], bool]


def listener(
    callback: Any, structure: Structure, intermediate: Callable[[int, Any, float, float], Any]
) -> Listener:
    """What the core calls for a user's callback.

    Parameters
    ----------
    callback : callable
        ``callback(x)``, or ``callback(intermediate_result=...)`` by the name of its parameter. It
        ends the descent by raising StopIteration or returning True.
    structure : Structure
        The form of points.
    intermediate : callable
        Makes an intermediate result of a step's number, point, value and norm.
    """
    if not callable(callback):
        raise TypeError(f"callback must be a function, got {type(callback).__name__}")
    try:
        as_result = list(inspect.signature(callback).parameters) == ["intermediate_result"]
    except (TypeError, ValueError):
        as_result = False

    def listen(step: int, x: FloatArray, value: float, norm: float) -> bool:
        point = structure.restore(x[np.newaxis])
        try:
            if as_result:
                stop = callback(intermediate_result=intermediate(step, point, value, norm))
            else:
                stop = callback(point)
        except StopIteration:
            return True
        return is_true(stop)

    return listen
