# SPDX-License-Identifier: BSD-3-Clause
"""Call the user's `callback` after each step, and let it end the descent."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from thalweg._descents.progress import Progress
from thalweg._methods.stopping import is_true
from thalweg._objectives.points import FloatArray, Structure

__all__ = ["Listener", "listener", "step_listener"]

# The core calls a listener after each step with the step's number, the point (n,), the value and a
# norm of the gradient. If the listener returns True, the descent ends.
Listener = Callable[[int, FloatArray, float, float], bool]


def listener(
    callback: Any, structure: Structure, intermediate: Callable[[int, Any, float, float], Any]
) -> Listener:
    """Return the function that the core calls for a user's callback.

    Parameters
    ----------
    callback : callable
        ``callback(x)``, or ``callback(intermediate_result=...)`` by the name of its parameter. It
        ends the descent by raising StopIteration or returning True.
    structure : Structure
        The form of points.
    intermediate : callable
        The function that makes an intermediate result from the number, point, value and norm of a
        step.
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


@dataclass(slots=True)
class Intermediate:
    """The argument of ``callback(intermediate_result=...)``."""

    x: Any
    fun: float
    nit: int
    grad_norm: float


def step_listener(
    callback: Callable[..., Any] | None, structure: Structure, shown: Progress | None
) -> Listener | None:
    """Return the function that shows each step and calls the user's callback, if there are any."""
    heard = None
    if callback is not None:
        heard = listener(
            callback, structure,
            lambda step, x, fun, norm: Intermediate(x=x, fun=fun, nit=step, grad_norm=norm),
        )  # fmt: skip
    if shown is None:
        return heard

    def listen(step: int, x: FloatArray, fun: float, norm: float) -> bool:
        shown.update(step, fun, norm)
        return heard is not None and heard(step, x, fun, norm)

    return listen
