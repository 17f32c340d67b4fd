# SPDX-License-Identifier: BSD-3-Clause
"""The methods as objects: `tw.Adam(learning_rate=0.1)`. Names and defaults are the core's."""

from __future__ import annotations

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
        names = [h[0] for h in self._hyper]
        if len(args) > len(names):
            raise TypeError(f"{self.name} takes {', '.join(names)}; got {len(args)} values")
        given = dict(zip(names, args, strict=False))
        for key, value in kwargs.items():
            if key not in names:
                raise TypeError(f"{self.name} takes {', '.join(names)}; unexpected keyword {key!r}")
            if key in given:
                raise TypeError(f"{self.name} got {key} twice")
            given[key] = value
        self.hyper: dict[str, float] = {}
        for name, default, _, accepted in self._hyper:
            value = given.get(name, default)
            if value is None and name not in given:
                raise TypeError(f"{self.name} needs {name}=")
            self.hyper[name] = _checked(name, value, *accepted)

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


class _Signature:
    """The signature of a method's class, made when somebody asks: `inspect` is slow to import."""

    def __init__(self, hyper: list[tuple[Any, ...]]) -> None:
        self._hyper = hyper

    def __get__(self, instance: object, owner: type) -> Any:
        import inspect

        kind, none = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.empty
        return inspect.Signature(
            [
                inspect.Parameter(name, kind, default=none if default is None else default)
                for name, default, *_ in self._hyper
            ]
        )


def _make_class(m: dict[str, Any]) -> type[Method]:
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
            "__signature__": _Signature(m["hyper"]),
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
                f"hyper-parameters are given in {method!r}; "
                f"unexpected keyword {next(iter(hyper))!r}"
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
    return cls(**hyper)


def memory_of(name: str) -> list[tuple[str, float, bool]]:
    """What a method remembers: (name, initial value, one value a variable?)."""
    memory: list[tuple[str, float, bool]] = _METHODS[name]["memory"]
    return memory
