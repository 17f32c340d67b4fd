# SPDX-License-Identifier: BSD-3-Clause
"""The methods as objects: `tw.Adam(learning_rate=0.1)`. Names, defaults and texts are the core's."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar

import numpy as np

from thalweg import _core

_METHODS: dict[str, dict[str, Any]] = {m["name"]: m for m in _core.methods()}


class Method:
    """A method with its hyper-parameters; made by calling one of the classes below it."""

    name: ClassVar[str]
    _hyper: ClassVar[list[tuple[str, float | None, str, tuple[float, float, bool, bool]]]]
    __slots__ = ("hyper",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        bound = inspect.signature(type(self)).bind(*args, **kwargs)
        bound.apply_defaults()
        self.hyper: dict[str, Any] = {
            name: _checked(name, bound.arguments[name], *accepted)
            for name, _, _, accepted in self._hyper
        }

    def __repr__(self) -> str:
        inside = ", ".join(f"{k}={v!r}" for k, v in self.hyper.items())
        return f"{type(self).__name__}({inside})"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.hyper == other.hyper

    def __hash__(self) -> int:
        return hash((self.name, tuple(self.hyper.items())))

    def __reduce__(self) -> tuple[Any, ...]:
        return make, (self.name, self.hyper)


def _checked(name: str, value: Any, lower: float, upper: float, above: bool, below: bool) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a number, got {type(value).__name__}") from None
    inside = (number > lower if above else number >= lower) and (
        number < upper if below else number <= upper
    )
    if not inside:
        low = f"{'>' if above else '>='} {lower:g}"
        high = f" and {'<' if below else '<='} {upper:g}" if np.isfinite(upper) else " and finite"
        raise ValueError(f"{name} must be {low}{high}, got {number:g}")
    return number


def _make_class(m: dict[str, Any]) -> type[Method]:
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [
        inspect.Parameter(
            name, kind, default=inspect.Parameter.empty if default is None else default
        )
        for name, default, *_ in m["hyper"]
    ]
    lines = [m["summary"], "", "Parameters", "----------"]
    for name, default, meaning, *_ in m["hyper"]:
        lines += [f"{name} : float" + ("" if default is None else f", default {default:g}")]
        lines += [f"    {meaning}"]
    lines += ["", "References", "----------", m["source"], ""]
    return type(
        m["class_name"],
        (Method,),
        {
            "__doc__": "\n".join(lines),
            "__module__": "thalweg",
            "__slots__": (),
            "__signature__": inspect.Signature(parameters),
            "name": m["name"],
            "_hyper": m["hyper"],
        },
    )


classes: dict[str, type[Method]] = {name: _make_class(m) for name, m in _METHODS.items()}


def methods() -> dict[str, dict[str, float | None]]:
    """Names of the methods, each with its hyper-parameters and their defaults.

    Returns
    -------
    dict
        Name to {hyper-parameter: default}; None where it is required.

    Examples
    --------
    >>> import thalweg as tw
    >>> tw.methods()["momentum"]
    {'learning_rate': None, 'momentum': 0.9}
    """
    return {name: {h[0]: h[1] for h in m["hyper"]} for name, m in _METHODS.items()}


def make(method: Any, hyper: dict[str, Any]) -> Method:
    """The method object that a name with keywords, or an object, stands for."""
    if isinstance(method, Method):
        if hyper:
            raise TypeError(
                f"hyper-parameters are given in {method!r}; unexpected keyword {next(iter(hyper))!r}"
            )
        return method
    if isinstance(method, type) and issubclass(method, Method):
        return method(**hyper)
    offered = ", ".join(classes)
    if not isinstance(method, str):
        raise TypeError(f"method must be a name or a method object, got {type(method).__name__}")
    name = method.lower().replace("-", "_")
    if name not in classes:
        raise ValueError(f"method must be one of {offered}, got {method!r}")
    cls = classes[name]
    known = [h[0] for h in cls._hyper]
    for key in hyper:
        if key not in known:
            raise TypeError(f"{name} takes {', '.join(known)}; unexpected keyword {key!r}")
    for key, default, *_ in cls._hyper:
        if default is None and key not in hyper:
            raise TypeError(f"{name} needs {key}=")
    return cls(**hyper)


def memory_of(name: str) -> list[tuple[str, float, bool]]:
    """What a method remembers: (name, initial value, one value a variable?)."""
    memory: list[tuple[str, float, bool]] = _METHODS[name]["memory"]
    return memory
