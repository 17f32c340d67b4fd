# SPDX-License-Identifier: BSD-3-Clause
"""Hold the arguments of `minimize` that a single descent and a training share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from thalweg._methods.method import Method
from thalweg._objectives.objective import Objective

__all__ = ["Arguments"]


class Arguments(NamedTuple):
    """The arguments of `minimize`, under the same names.

    Attributes
    ----------
    method : Method
        The chosen method with its hyper-parameters.
    stops : dict
        The stopping limits that the user gave, checked.
    began : float
        The time when the call began, from `time.perf_counter`.
    """

    fun: Callable[..., Any] | Objective
    x0: Any
    method: Method
    stops: dict[str, Any]
    args: tuple[Any, ...]
    bounds: Any
    state: Any
    trace: bool
    jac: Any
    unpack: bool | None
    threads: int | None
    record: bool
    callback: Callable[..., Any] | None
    progress: bool
    began: float
