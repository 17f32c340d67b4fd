# SPDX-License-Identifier: BSD-3-Clause
"""Read the parameters of a function, method, partial or other callable."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from types import FunctionType, MethodType
from typing import Any, NamedTuple

__all__ = ["Parameters", "argument_names", "parameter_count", "split"]


class Parameters(NamedTuple):
    """The parameters of a function, by the way in which it takes their values.

    An argument that `functools.partial` has bound by position is not a parameter. One bound by name
    has a default, and the parameters after it can only be passed by name.

    Attributes
    ----------
    positional : tuple of str
        The names of the positional parameters, in order.
    required : int
        The number of positional parameters without a default; they come first.
    named : tuple of str
        The names of the keyword-only parameters without a default.
    optional : tuple of str
        The names of the keyword-only parameters with a default.
    variadic, takes_any : bool
        Whether the function takes any number of positional arguments (`*p`), and any keyword
        (`**p`).
    known : bool
        Whether the number of parameters is known. It is not for `*p`, nor for builtins without a
        signature.
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
        if type(own) is FunctionType and not own.__dict__:  # ten times faster
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
        """The number of parameters without a default."""
        return self.required + len(self.named)

    @property
    def names(self) -> list[str]:
        """The names of the parameters that receive values, in the order of the values."""
        if not self.named:
            return list(self.positional)
        return [*self.positional[: self.required], *self.named]

    @property
    def all_named(self) -> tuple[str, ...]:
        """The names of all parameters."""
        return (*self.positional, *self.named, *self.optional)

    def takes(self, name: str) -> bool:
        """Whether an argument may have this name."""
        return not self.known or self.takes_any or name in self.all_named

    def call(self, function: Callable[..., Any], values: Sequence[Any]) -> Any:
        """Call the function with values in the order of `names`."""
        positional, named = split(values, self.named)
        return function(*positional, **named)


def split(values: Sequence[Any], named: Sequence[str]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Split values into positional arguments and, for the last ones, keyword arguments."""
    cut = len(values) - len(named)
    if not named or cut < 0:
        return tuple(values), {}
    return tuple(values[:cut]), dict(zip(named, values[cut:], strict=True))


def parameter_count(function: Callable[..., Any]) -> tuple[int, bool]:
    """Return the number of parameters without a default, and whether it is known."""
    found = Parameters.of(function)
    return (found.least, True) if found.known else (1, False)


def argument_names(function: Callable[..., Any] | None) -> list[str]:
    """Return the names of the parameters that receive values, as far as they are known."""
    return [] if function is None else Parameters.of(function).names
