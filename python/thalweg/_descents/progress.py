# SPDX-License-Identifier: BSD-3-Clause
"""Show the progress of descents on standard error, for `progress=True`.

A bar is shown if rich is installed and standard error is a terminal; plain lines otherwise.
"""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

__all__ = ["Progress"]

# A bar is redrawn at most ten times a second, and a line is printed at most every half second:
# rarely enough for a log, often enough to see progress.
_BAR_PERIOD = 0.1
_LINE_PERIOD = 0.5


class Progress:
    """Shows iteration, value and gradient norm, and does nothing unless enabled.

    Parameters
    ----------
    enabled : bool
        Whether to show anything.
    total : int, optional
        The maximum number of iterations; None if there is no limit.
    unit : str, default "iteration"
        The name of what is counted.

    Examples
    --------
    >>> from thalweg._descents.progress import Progress
    >>> with Progress(False, total=10) as p:
    ...     p.update(1, 2.0, 0.5)
    """

    __slots__ = ("_bar", "_next", "_shown", "_task", "enabled", "total", "unit")

    def __init__(self, enabled: bool, total: int | None = None, unit: str = "iteration") -> None:
        self.enabled = enabled
        self.total = total
        self.unit = unit
        self._bar: Bar | None = None
        self._task: TaskID | None = None
        self._next = 0.0
        self._shown: tuple[int, str] | None = None

    def __enter__(self) -> Self:
        if self.enabled:
            self._next = time.monotonic() + _LINE_PERIOD
            if sys.stderr is not None and sys.stderr.isatty():
                self._open_bar()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            if self._shown is not None:
                self._draw(*self._shown)
            self._bar.stop()
            self._bar = None
        elif self.enabled and self._shown is not None:
            self._draw(*self._shown)

    def update(self, iteration: int, fun: float, grad_norm: float) -> None:
        """Report the current iterate; it is shown if the last update is long enough ago."""
        if self.enabled:
            self._show(iteration, f"f = {fun:.9g}  |g| = {grad_norm:.3g}")

    def count(self, ended: int) -> None:
        """Report how many have ended; it is shown under the same condition."""
        if self.enabled:
            self._show(ended, "")

    def _show(self, iteration: int, where: str) -> None:
        self._shown = iteration, where
        now = time.monotonic()
        if now >= self._next:
            self._next = now + (_BAR_PERIOD if self._bar is not None else _LINE_PERIOD)
            self._draw(*self._shown)

    def _open_bar(self) -> None:
        try:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
            from rich.progress import Progress as Bar
        except ImportError:
            return
        self._bar = Bar(
            TextColumn("descent"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[where]}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            auto_refresh=False,  # no extra thread
        )
        self._task = self._bar.add_task("descent", total=self.total, where="")
        self._bar.start()
        self._next = 0.0

    def _draw(self, iteration: int, where: str) -> None:
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=iteration, where=where)
            self._bar.refresh()
        elif sys.stderr is not None:
            of = f" of {self.total}" if self.total is not None else ""
            where = f": {where}" if where else ""
            print(f"{self.unit} {iteration}{of}{where}", file=sys.stderr, flush=True)  # noqa: T201
