# SPDX-License-Identifier: BSD-3-Clause
"""The core's list of elementary operations, by name and by NumPy's ufunc, and shapes of arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from thalweg import _core

__all__ = ["BOOLEAN", "CODES", "OPCODE", "OPERATIONS", "Shape", "contiguous"]

Shape = tuple[int, ...]

OPERATIONS = _core.operations()
OPCODE: dict[str, int] = {o["name"]: code for code, o in enumerate(OPERATIONS)}
BOOLEAN = tuple(bool(o["boolean"]) for o in OPERATIONS)

# NumPy's ufuncs that are one operation of the core; ufuncs.py adds SciPy's on first use.
CODES: dict[Any, int] = {
    getattr(np, name): code
    for name, code in OPCODE.items()
    if name != "power" and isinstance(getattr(np, name, None), np.ufunc)
}


def contiguous(shape: Shape) -> Shape:
    """Return the strides, in elements, of an array in C order."""
    if len(shape) < 2:
        return (1,) * len(shape)
    strides, step = [], 1
    for n in reversed(shape):
        strides.append(step)
        step *= n
    return tuple(reversed(strides))
