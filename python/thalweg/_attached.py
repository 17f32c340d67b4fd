# SPDX-License-Identifier: BSD-3-Clause
"""List the methods whose code lives in a later room, the only exceptions to the order of imports.

A method in this list imports its function when it is called.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["ATTACHED", "attached"]

# The method, the module of its function, and the function's name there.
ATTACHED = {
    "Method.__call__": ("thalweg._descents.scipy_method", "minimize_as_scipy"),
    "Method.start": ("thalweg._descents.ask_tell", "Dialogue"),
    "Result.plot": ("thalweg.plot", "descent"),
    "Basins.plot": ("thalweg.plot", "basins"),
    "Sweep.plot": ("thalweg.plot", "sweep"),
    "Fits.plot": ("thalweg.plot", "maps"),
}


def attached(method: str) -> Any:
    """Import the function that does the work of a method."""
    module, name = ATTACHED[method]
    return getattr(import_module(module), name)
