# SPDX-License-Identifier: BSD-3-Clause
"""Print the result of `thalweg minimize` as a table, as lines, or as JSON."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg._results.result import seconds
from thalweg._version import __version__

if TYPE_CHECKING:
    from thalweg._formulas.expressions import Expression
    from thalweg._results.result import Result

__all__ = ["Run", "plain", "shown"]


def plain(value: Any) -> Any:
    """Convert a value to strict JSON: arrays to lists, and non-finite numbers to strings.

    Python's `float` and JavaScript's `Number` both read "NaN", "Infinity" and "-Infinity" back.

    Examples
    --------
    >>> import numpy as np
    >>> from thalweg.cli.report import plain
    >>> plain({"x": np.array([1.0, np.nan]), "n": np.int64(3), "f": -np.inf})
    {'x': [1.0, 'NaN'], 'n': 3, 'f': '-Infinity'}
    """
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run of `thalweg minimize`: its arguments and its result."""

    expression: Expression
    start: list[float]
    method: str
    hyper: dict[str, float]
    result: Result

    def _named(self, point: Any) -> dict[str, Any]:
        """Return the entries of a point by variable."""
        entries = np.atleast_1d(np.asarray(point)).tolist()
        return dict(zip(self.expression.variables, entries, strict=True))

    def data(self) -> dict[str, Any]:
        """Return the whole result as data for JSON."""
        r = self.result
        entries: dict[str, Any] = {
            "thalweg": __version__,
            "expression": self.expression.text.strip(),
            "variables": self.expression.variables,
            "method": {"name": self.method, **self.hyper},
            "start": self._named(self.start),
            "x": self._named(r.x),
            "fun": r.fun,
            "jac": self._named(r.jac),
            "success": bool(r.success),
            "status": int(r.status),
            "reason": str(r.reason),
            "message": r.message,
            "nit": r.nit,
            "nfev": r.nfev,
            "njev": r.njev,
            "nhev": r.nhev,
            "last": {
                "x": self._named(r.last.x),
                "fun": r.last.fun,
                "jac": self._named(r.last.jac),
            },
            "elapsed": r.elapsed,
        }
        if r.active_mask is not None:
            entries["active_mask"] = self._named(r.active_mask)
        if r.path is not None:
            points = self._points()
            entries["path"] = {
                "x": {name: points[:, i] for i, name in enumerate(self.expression.variables)},
                "fun": r.path.fun,
                "grad_norm": r.path.grad_norm,
            }
        data: dict[str, Any] = plain(entries)
        return data

    def rows(self) -> list[tuple[str, str]]:
        """Return the result as rows of name and text, with numbers in full."""
        r = self.result
        slope = float(np.max(np.abs(np.asarray(r.jac, dtype=np.float64))))
        rows = [(name, repr(float(v))) for name, v in self._named(r.x).items()]
        rows += [("fun", repr(float(r.fun))), ("max|jac|", f"{slope:.3g}")]
        if not np.array_equal(np.asarray(r.last.x), np.asarray(r.x), equal_nan=True):
            at = ", ".join(f"{k} = {float(v)!r}" for k, v in self._named(r.last.x).items())
            rows.append(("last", f"{at}, fun = {float(r.last.fun)!r}"))
        return [
            *rows,
            ("success", str(bool(r.success))),
            ("reason", str(r.reason)),
            ("message", r.message),
            ("nit", str(r.nit)),
            ("nfev", str(r.nfev)),
            ("elapsed", seconds(r.elapsed)),
        ]

    def _points(self) -> Any:
        assert self.result.path is not None
        points = np.asarray(self.result.path.x, dtype=np.float64)
        return points.reshape(len(points), len(self.expression.variables))

    def path(self) -> list[tuple[str, ...]]:
        """Return the path as rows of text with a heading, or nothing if there is no path."""
        if self.result.path is None:
            return []
        numbers = np.column_stack([self._points(), self.result.path.fun])
        rows = [
            (str(k), *map(repr, row), f"{norm:.3g}")
            for k, (row, norm) in enumerate(
                zip(numbers.tolist(), self.result.path.grad_norm.tolist(), strict=True)
            )
        ]
        return [("nit", *self.expression.variables, "fun", "max|jac|"), *rows]

    def show(self, path: bool = False) -> None:
        """Print the result, as a table on a terminal and as lines elsewhere; then the path."""
        shown(self.rows(), self.path() if path else [], bool(self.result.success))


def shown(rows: list[tuple[str, str]], points: list[tuple[str, ...]], success: bool) -> None:
    """Print rows of name and text, as a table on a terminal; then the rows of points."""
    if sys.stdout.isatty():
        _table(rows, points, success)
        return
    lines = [f"{name}: {text}" for name, text in rows]
    lines += ["\t".join(point) for point in points]
    print("\n".join(lines))  # noqa: T201


def _table(rows: list[tuple[str, str]], points: list[tuple[str, ...]], success: bool) -> None:
    """Print a table, with rich if it is installed, else as aligned text."""
    try:
        from rich import box
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text
    except ImportError:
        width = max(len(name) for name, _ in rows)
        lines = [f"{name:>{width}}  {text}" for name, text in rows]
        wide = [max(map(len, column)) for column in zip(*points, strict=True)]
        lines += ["  ".join(f"{t:>{w}}" for t, w in zip(p, wide, strict=True)) for p in points]
        print("\n".join(lines))  # noqa: T201
        return
    console = Console(highlight=False)
    table = Table(box=box.SIMPLE, show_header=False)
    table.add_column(justify="right", style="dim")
    table.add_column(overflow="fold")
    for name, text in rows:
        mark = "green" if success else "yellow"
        table.add_row(name, Text(text, style=mark if name in ("success", "reason") else ""))
    console.print(table)
    if points:
        table = Table(box=box.SIMPLE)
        for heading in points[0]:
            table.add_column(heading, justify="right")
        for point in points[1:]:
            table.add_row(*point)
        console.print(table)
