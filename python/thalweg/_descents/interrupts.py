# SPDX-License-Identifier: BSD-3-Clause
"""Ctrl-C: whenever it comes, what there is by then is kept, and nobody waits for what is missing.

The core ends a run within milliseconds. What it told is put aside at once, and made into a result
when somebody reads it: of millions of starts that may take longer than an interrupt should.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numpy as np

from thalweg._results.reasons import Reason

__all__ = [
    "Interrupted", "Part", "Parts", "carried", "carries_result", "completed", "ended", "how_many",
]  # fmt: skip

P = ParamSpec("P")
R = TypeVar("R")

# What the core told of a run, or of some of its starts, by their numbers.
Part = tuple[Any, dict[str, Any]]
Parts = list[Part]


class Interrupted(KeyboardInterrupt):
    """A KeyboardInterrupt with what there was when it came.

    Attributes
    ----------
    result : object
        What the call would have returned, as far as it had come; made when it is first read. None
        where there was nothing yet: while the function was traced.
    """

    def __init__(self, *args: Any, make: Callable[[], Any] = lambda: None) -> None:
        super().__init__(*args)
        self._make: Callable[[], Any] | None = make
        self._made: Any = None

    @property
    def result(self) -> Any:
        """What the call would have returned, as far as it had come."""
        if self._make is not None:
            self._made = self._make()
            self._make = None
        return self._made

    @result.setter
    def result(self, value: Any) -> None:
        self._made, self._make = value, None

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self.args, {"result": self.result}


def carried(
    began: float,
    run: Callable[[Parts], None],
    tell: Callable[[Parts, float], R],
    holds: Callable[[Parts], str],
    partly: Callable[[Parts, float], Any] | None = None,
) -> R:
    """What a run comes to; an interrupt, whenever it comes, carries what there is.

    Parameters
    ----------
    began : float
        When, by `time.perf_counter`.
    run : callable
        ``run(parts)`` puts what the core tells into `parts`, before anything else is done with it.
    tell : callable
        ``tell(parts, seconds)`` makes the result, also a second time, or of nothing.
    holds : callable
        ``holds(parts)`` says what the result of an interrupt holds, without making it.
    partly : callable, optional
        The same for a run that was interrupted; by default `tell`.

    Raises
    ------
    Interrupted
        On Ctrl-C, in the core, in the user's functions, or here.
    """
    parts: Parts = []
    error: BaseException | None = None
    try:
        run(parts)
        error = next((out["error"] for _, out in parts if out["error"] is not None), None)
        if error is None:
            return tell(parts, time.perf_counter() - began)
    except KeyboardInterrupt as interrupt:
        error = interrupt
    if not isinstance(error, KeyboardInterrupt):
        raise error
    seconds = time.perf_counter() - began
    raise _with(error, lambda: (partly or tell)(parts, seconds), holds(parts)) from None


def carries_result(function: Callable[P, R]) -> Callable[P, R]:
    """An entry point whose interrupts have `result` also while arguments are read: None."""

    @functools.wraps(function)
    def entry(*args: P.args, **named: P.kwargs) -> R:
        try:
            return function(*args, **named)
        except KeyboardInterrupt as interrupt:
            raise _with(interrupt, lambda: None, "nothing yet") from None

    return entry


def _with(error: KeyboardInterrupt, make: Callable[[], Any], holds: str) -> KeyboardInterrupt:
    if isinstance(error, Interrupted):
        return error
    if type(error) is not KeyboardInterrupt:  # the user's own, to be caught by its class
        if not hasattr(error, "result"):
            error.result = make()  # type: ignore[attr-defined]
        return error
    words = error.args or (f"interrupted; .result of this exception holds {holds}",)
    return Interrupted(*words, make=make).with_traceback(error.__traceback__)


def ended(parts: Parts, size: int) -> str:
    """How much of so many descents there is, in words."""
    begun = sum(int(np.count_nonzero(out["reason"] != Reason.interrupted)) for _, out in parts)
    return how_many(begun, size)


def how_many(begun: int, size: int) -> str:
    """That so many have ended, in words."""
    return f"what {begun:,} of {size:,} came to; the reason of the others is `interrupted`"


def completed(out: dict[str, Any], rows: Any) -> dict[str, Any]:
    """What the core told, with the starts that it did not even look at: NaN, at their `rows`."""
    first = out["begun"]
    if first < len(rows):
        out["x"][first:] = out["last_x"][first:] = rows[first:]
        for name in ("fun", "last_fun", "jac"):
            if out[name] is not None:
                out[name][first:] = np.nan
    return out
