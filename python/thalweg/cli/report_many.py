# SPDX-License-Identifier: BSD-3-Clause
"""Print the results of many descents as a table, as lines, or as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg._descents.sweep import Verdict
from thalweg._results.record import seconds
from thalweg._version import __version__
from thalweg.cli.report import plain, shown

if TYPE_CHECKING:
    from thalweg._descents.minima import Minima
    from thalweg._descents.sweep import Sweep
    from thalweg._formulas.expressions import Expression

__all__ = ["Found", "Swept"]


@dataclass(frozen=True, slots=True)
class Found:
    """The minima in a box, with the arguments of the command."""

    expression: Expression
    box: list[tuple[float, float]]
    method: str
    hyper: dict[str, float]
    minima: Minima
    how: dict[str, Any]

    @property
    def success(self) -> bool:
        """Whether a minimum was found."""
        return len(self.minima) > 0

    def data(self) -> dict[str, Any]:
        """Return the whole result as data for JSON."""
        names, m = self.expression.variables, self.minima
        minima = [
            {
                "x": dict(zip(names, point, strict=True)),
                "fun": m.fun[i],
                "starts": m.counts[i],
                "flat": m.flat[i],
                "at_bounds": dict(zip(names, m.active_mask[i], strict=True)),
                "eigenvalues": m.eigenvalues[i][~np.isnan(m.eigenvalues[i])],
            }
            for i, point in enumerate(m.x)
        ]
        found: dict[str, Any] = plain(
            {
                "thalweg": __version__,
                "expression": self.expression.text.strip(),
                "variables": names,
                "bounds": dict(zip(names, self.box, strict=True)),
                "method": {"name": self.method, **self.hyper},
                **self.how,
                "minima": minima,
                "elsewhere": m.elsewhere,
                "elapsed": m.elapsed,
            }
        )
        return found

    def show(self) -> None:
        """Print a summary, and a table of the minima."""
        m = self.minima
        rows = [
            ("minima", f"{len(m):,}"),
            ("starts", f"{m.labels.size:,}"),
            ("elsewhere", ", ".join(f"{k} {n:,}" for k, n in m.elsewhere.items()) or "none"),
        ]
        if m.flat.any():
            rows.append(("flat", f"{int(m.flat.sum()):,}: points on lines or planes of minima"))
        rows.append(("elapsed", seconds(m.elapsed)))
        points = [
            (str(i), *map(repr, point), repr(float(m.fun[i])), str(m.counts[i]))
            for i, point in enumerate(m.x.tolist())
        ]
        heading = ("minimum", *self.expression.variables, "fun", "starts")
        shown(rows, [heading, *points] if points else [], self.success)


@dataclass(frozen=True, slots=True)
class Swept:
    """The runs of a sweep, with the arguments of the command."""

    expression: Expression
    start: list[float]
    method: str
    hyper: dict[str, Any]
    sweep: Sweep
    every: bool

    @property
    def success(self) -> bool:
        """Whether a run converged."""
        return Verdict.converged in self.sweep.verdict_counts

    def _runs(self) -> list[dict[str, Any]]:
        s, names = self.sweep, self.expression.variables
        points = s.x.reshape(s.size, -1).tolist()
        columns = {name: s[name].ravel().tolist() for name in (*s.axes, "fun", "nit")}
        verdicts = s.verdicts.ravel().tolist()
        return [
            {name: column[i] for name, column in columns.items()}
            | {"verdict": verdicts[i], "x": dict(zip(names, points[i], strict=True))}
            for i in range(s.size)
        ]

    def data(self) -> dict[str, Any]:
        """Return the whole result as data for JSON."""
        s, runs = self.sweep, self._runs()
        best = runs[self._best()] if self.success else None
        found: dict[str, Any] = plain(
            {
                "thalweg": __version__,
                "expression": self.expression.text.strip(),
                "variables": self.expression.variables,
                "start": dict(zip(self.expression.variables, self.start, strict=True)),
                "method": {"name": self.method, **self.hyper},
                "shape": s.shape,
                "verdicts": {str(v): n for v, n in s.verdict_counts.items()},
                "best": best,
                "runs": runs,
                "elapsed": s.elapsed,
            }
        )
        return found

    def _best(self) -> int:
        return self.sweep._fastest()

    def show(self) -> None:
        """Print the verdicts and the best run, and with `--runs` a table of every run."""
        s = self.sweep
        rows = [("runs", " x ".join(f"{n:,}" for n in s.shape))]
        rows += [(str(v), f"{n:,}") for v, n in s.verdict_counts.items()]
        if self.success:
            best = self._runs()[self._best()]
            rows += [("best", "")] if s.size == 0 else []
            rows += [(f"best {name}", repr(best[name])) for name in (*s.axes, "nit")]
            rows += [(f"best {name}", repr(v)) for name, v in best["x"].items()]
            rows.append(("best fun", repr(best["fun"])))
        rows.append(("elapsed", seconds(s.elapsed)))
        points: list[tuple[str, ...]] = []
        if self.every:
            names = self.expression.variables
            points = [(*s.axes, "verdict", "nit", *names, "fun")]
            points += [
                (
                    *(repr(run[name]) for name in s.axes), run["verdict"], str(run["nit"]),
                    *map(repr, run["x"].values()), repr(run["fun"]),
                )
                for run in self._runs()
            ]  # fmt: skip
        shown(rows, points, self.success)
