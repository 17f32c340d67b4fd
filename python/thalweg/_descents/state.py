# SPDX-License-Identifier: BSD-3-Clause
"""Hold the state from which a descent continues, and check one that the user gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from thalweg._methods.method import Method, memory_of
from thalweg._objectives.points import FloatArray

__all__ = ["State", "continued"]


@dataclass(frozen=True, slots=True)
class State:
    """The state of a descent at its last iterate. `state=` continues from it, bit for bit.

    Attributes
    ----------
    method : str
        Name of the method.
    x : ndarray
        The last iterate, flat.
    memory : tuple of ndarray
        The method's memory. With schedules, its last entry is the number of steps.
    nit : int
        The number of iterations so far.
    """

    method: str
    x: FloatArray
    memory: tuple[FloatArray, ...]
    nit: int


def _check_kinds(state: Any) -> None:
    """Raise TypeError if the fields of a state, perhaps from a pickle, have wrong types."""
    if not isinstance(state.method, str):
        raise TypeError(f"state must name its method, got {type(state.method).__name__}")
    arrays = (state.x, *(state.memory if isinstance(state.memory, tuple) else (None,)))
    if not all(isinstance(a, np.ndarray) and a.ndim == 1 and a.dtype.kind == "f" for a in arrays):
        raise TypeError("state must hold x and memory as vectors of floats")
    if isinstance(state.nit, bool) or not isinstance(state.nit, int | np.integer):
        raise TypeError(f"state must count its iterations in nit, got {state.nit!r}")
    if not 0 <= state.nit < 1 << 53:
        raise ValueError(f"state must have a number of iterations nit, got {state.nit}")


def continued(
    state: State, method: Method, rows: FloatArray
) -> tuple[FloatArray, list[FloatArray | None]]:
    """Check a state, and return its start (1, n) and the method's memory."""
    if not isinstance(state, State):
        raise TypeError(f"state must be the state of a result, got {type(state).__name__}")
    _check_kinds(state)
    if state.method != method.name or state.x.shape != rows[0].shape:
        raise ValueError(
            f"state must come from {method.name} with {rows.shape[1]} variables, "
            f"got {state.method} with {state.x.size}"
        )
    if not np.isfinite(state.x).all() or any(m.size and np.isnan(m).all() for m in state.memory):
        raise ValueError("state must hold numbers, got NaN or an infinite x")
    if method.solves:
        return state.x[None, :], list(state.memory[:1])  # a solver's memory is one vector
    n = state.x.size
    kept = {name: (n if each else 1,) for name, _, each, _ in memory_of(method.name)}
    shapes, wanted = [np.shape(m) for m in state.memory], list(kept.values())
    # `nit` counts the steps so far, whether or not a schedule used that count.
    if shapes not in (wanted, [*wanted, (1,)]):
        listed = " and ".join(f"{name} {shape}" for name, shape in kept.items()) or "nothing"
        raise ValueError(
            f"a state of {method.name} with {n} variables must hold {listed}, "
            f"got arrays of shapes {shapes}"
        )
    own = state.memory[: len(kept)]
    counter = [np.array([float(state.nit)])] if method.counts else []
    return state.x[None, :], [m[None, :] for m in (*own, *counter)]
