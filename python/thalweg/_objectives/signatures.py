# SPDX-License-Identifier: BSD-3-Clause
"""Which parameters a function takes: of plain functions, methods, partials and other callables."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from types import FunctionType, MethodType
from typing import Any, NamedTuple

__all__ = ["Parameters", "argument_names", "parameter_count", "split"]


class Parameters(NamedTuple):
    """The parameters of a function, as values reach them.

    What `functools.partial` has bound is no parameter: a bound keyword has a default, and those
    behind it are given by name.

    Attributes
    ----------
    positional : tuple of str
        Names of those that are given by position, in order.
    required : int
        How many of these have no default: the first ones.
    named : tuple of str
        Names of those that are given by name alone and have no default.
    optional : tuple of str
        Names of those that are given by name alone and have one.
    variadic, takes_any : bool
        Whether the function takes any number by position (`*p`), and any name (`**p`).
    known : bool
        Whether the number of parameters is known: not of `*p`, nor of builtins without signature.
    """

    positional: tuple[str, ...] = ()
    required: int = 0
    named: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    variadic: bool = False
    takes_any: bool = False
    known: bool = True

    @classmethod
    def of(cls, function: Callable[..., Any]) -> Parameters:
        """Read the parameters of a function."""
        own, bound = function, 0
        if type(own) is MethodType:
            own, bound = own.__func__, 1
        if type(own) is FunctionType and not own.__dict__:  # ten times quicker
            return cls._of_code(own, bound)
        try:
            found = inspect.signature(function).parameters.values()
        except (TypeError, ValueError):
            return cls(takes_any=True, known=False)
        kinds = inspect.Parameter
        by_position = [
            p for p in found if p.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD)
        ]
        alone = [p for p in found if p.kind is kinds.KEYWORD_ONLY]
        variadic = any(p.kind is kinds.VAR_POSITIONAL for p in found)
        return cls(
            tuple(p.name for p in by_position),
            sum(p.default is p.empty for p in by_position),
            tuple(p.name for p in alone if p.default is p.empty),
            tuple(p.name for p in alone if p.default is not p.empty),
            variadic,
            any(p.kind is kinds.VAR_KEYWORD for p in found),
            not variadic,
        )

    @classmethod
    def _of_code(cls, function: FunctionType, bound: int) -> Parameters:
        code = function.__code__
        end, names = code.co_argcount, code.co_varnames
        variadic = bool(code.co_flags & inspect.CO_VARARGS)
        any_name = bool(code.co_flags & inspect.CO_VARKEYWORDS)
        required = max(end - bound - len(function.__defaults__ or ()), 0)
        alone: tuple[str, ...] = ()
        free = function.__kwdefaults__ or ()
        if code.co_kwonlyargcount:
            known = names[end : end + code.co_kwonlyargcount]
            alone = tuple(name for name in known if name not in free)
        return cls(names[bound:end], required, alone, tuple(free), variadic, any_name, not variadic)

    @property
    def least(self) -> int:
        """How many have no default."""
        return self.required + len(self.named)

    @property
    def names(self) -> list[str]:
        """Names of those that values are given to, in the order of the values."""
        if not self.named:
            return list(self.positional)
        return [*self.positional[: self.required], *self.named]

    @property
    def all_named(self) -> tuple[str, ...]:
        """Names of all."""
        return (*self.positional, *self.named, *self.optional)

    def takes(self, name: str) -> bool:
        """Whether a value may be given by this name."""
        return not self.known or self.takes_any or name in self.all_named

    def call(self, function: Callable[..., Any], values: Sequence[Any]) -> Any:
        """Call the function with values in the order of `names`."""
        positional, named = split(values, self.named)
        return function(*positional, **named)


def split(values: Sequence[Any], named: Sequence[str]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Values as a call takes them: the last ones by these names, the others by position."""
    cut = len(values) - len(named)
    if not named or cut < 0:
        return tuple(values), {}
    return tuple(values[:cut]), dict(zip(named, values[cut:], strict=True))


def parameter_count(function: Callable[..., Any]) -> tuple[int, bool]:
    """Parameters without default, and whether that number is known (`*p`: not)."""
    found = Parameters.of(function)
    return (found.least, True) if found.known else (1, False)


def argument_names(function: Callable[..., Any] | None) -> list[str]:
    """Names of the parameters that values are given to, as far as they can be told."""
    return [] if function is None else Parameters.of(function).names
