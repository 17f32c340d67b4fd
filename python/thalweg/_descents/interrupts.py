# SPDX-License-Identifier: BSD-3-Clause
"""Keep partial results when the user presses Ctrl-C, at whatever moment it arrives.

The core ends a run within milliseconds. Its output is stored at once and becomes a result only when
somebody reads it, because building the result of millions of starts may take longer than an
interrupt should.
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
    "with_result",
]  # fmt: skip

P = ParamSpec("P")
R = TypeVar("R")

# The core's output for some of the starts, with their indices; None means all starts.
Part = tuple[Any, dict[str, Any]]
Parts = list[Part]


class Interrupted(KeyboardInterrupt):
    """A KeyboardInterrupt with the partial results of the call.

    Attributes
    ----------
    result : object
        The partial result of the call, built when it is first read. None if there was none yet,
        for example while the function was being traced.
    """

    def __init__(self, *args: Any, make: Callable[[], Any] = lambda: None) -> None:
        super().__init__(*args)
        self._make: Callable[[], Any] | None = make
        self._made: Any = None

    @property
    def result(self) -> Any:
        """The partial result of the call."""
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
    """Run descents and build their result; an interrupt carries the partial result.

    Parameters
    ----------
    began : float
        The time of the call, by `time.perf_counter`.
    run : callable
        ``run(parts)`` appends the core's output to `parts` before it does anything else with it.
    tell : callable
        ``tell(parts, seconds)`` builds the result. It may be called twice, and with no parts.
    holds : callable
        ``holds(parts)`` describes the partial result without building it.
    partly : callable, optional
        Like `tell`, for a run that was interrupted; by default `tell` itself.

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
    raise with_result(error, lambda: (partly or tell)(parts, seconds), holds(parts)) from None


def carries_result(function: Callable[P, R]) -> Callable[P, R]:
    """Give every interrupt of an entry point a `result`: None while arguments are being read."""

    @functools.wraps(function)
    def entry(*args: P.args, **named: P.kwargs) -> R:
        try:
            return function(*args, **named)
        except KeyboardInterrupt as interrupt:
            raise with_result(interrupt, lambda: None, "nothing yet") from None

    return entry


def with_result(error: KeyboardInterrupt, make: Callable[[], Any], holds: str) -> KeyboardInterrupt:
    """Return an interrupt that carries what `make` returns, which `holds` describes."""
    if isinstance(error, Interrupted):
        return error
    if type(error) is not KeyboardInterrupt:  # a subclass of the user's, to be caught as such
        if not hasattr(error, "result"):
            error.result = make()  # type: ignore[attr-defined]
        return error
    words = error.args or (f"interrupted; .result of this exception holds {holds}",)
    return Interrupted(*words, make=make).with_traceback(error.__traceback__)


def ended(parts: Parts, size: int) -> str:
    """Describe how many of the descents have ended."""
    begun = sum(int(np.count_nonzero(out["reason"] != Reason.interrupted)) for _, out in parts)
    return how_many(begun, size)


def how_many(begun: int, size: int) -> str:
    """Describe that this many of the descents have ended."""
    return f"{begun:,} of {size:,} results; the reason of the others is `interrupted`"


def completed(out: dict[str, Any], rows: Any) -> dict[str, Any]:
    """Fill in the starts that the core never began: NaN values at their own `rows`."""
    first = out["begun"]
    if first < len(rows):
        out["x"][first:] = out["last_x"][first:] = rows[first:]
        for name in ("fun", "last_fun", "jac"):
            if out[name] is not None:
                out[name][first:] = np.nan
    return out
