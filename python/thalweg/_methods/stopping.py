# SPDX-License-Identifier: BSD-3-Clause
"""Hold the names and defaults of the stopping limits, and check the values that users give."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from thalweg import _core
from thalweg._methods.method import Method

__all__ = [
    "FOREVER", "FTOL", "GTOL", "XTOL", "Default", "checked_given", "checked_stop", "defaults",
    "is_given", "is_true", "limits_among", "stopping_of",
]  # fmt: skip

FOREVER = 2**62


class Default(float):
    """A default value in a signature, distinguishable from the same number given by a user."""

    __slots__ = ()


GTOL, XTOL, FTOL = Default(1e-8), Default(0.0), Default(0.0)
_RULES: dict[str, Any] = {
    "gtol": float(GTOL), "xtol": float(XTOL), "ftol": float(FTOL), "max_iter": 1000,
    "max_nfev": FOREVER, "max_time": np.inf,
}  # fmt: skip
_SOLVERS = _RULES | {"max_iter": 10_000}


def defaults(method: Method) -> dict[str, Any]:
    """Return the default stopping limits of a method."""
    return _SOLVERS if method.solves else _RULES


def checked_given(stops: dict[str, Any]) -> dict[str, Any]:
    """Check and return the limits and tolerances that the user gave."""
    return {name: checked_stop(name, value) for name, value in stops.items() if is_given(value)}


@functools.lru_cache(maxsize=64)
def stopping_of(*limits: float) -> _core.Stopping:
    """Return the core's form of limits and the number of threads, in the order of `defaults`.

    It is kept, since making it from keywords takes as long as everything else of a short call.
    """
    named: dict[str, Any] = dict(zip((*_RULES, "threads"), limits, strict=True))
    return _core.Stopping(**named)


def limits_among(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the stopping limits among the arguments of a call, as they were given."""
    return {name: arguments[name] for name in _core.Stopping.limits}


def is_given(value: Any) -> bool:
    """Whether a value was given, and is neither None nor the default of a signature."""
    return value is not None and type(value) is not Default


def is_true(answer: Any) -> bool:
    """Whether a callback returned True, Python's or NumPy's, which ends a descent."""
    return isinstance(answer, bool | np.bool_) and bool(answer)


def checked_stop(name: str, value: Any) -> Any:
    """Check one limit or tolerance that the user gave."""
    if name not in _RULES:
        raise TypeError(f"stopping limits are {', '.join(_RULES)}; unexpected keyword {name!r}")
    if name in ("max_iter", "max_nfev"):
        if isinstance(value, bool) or not isinstance(value, int | np.integer):
            if not (isinstance(value, float) and (value.is_integer() or value == np.inf)):
                raise TypeError(f"{name} must be a whole number, got {value!r}")
            value = FOREVER if value == np.inf else int(value)
        least = 0 if name == "max_iter" else 1
        if value < least:
            raise ValueError(f"{name} must be >= {least}, got {value}")
        return min(int(value), FOREVER)
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a number, got {type(value).__name__}") from None
    if not number >= 0:
        raise ValueError(f"{name} must be >= 0, got {number}")
    return min(number, 1e300)
