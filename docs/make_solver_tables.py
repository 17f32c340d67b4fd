# SPDX-License-Identifier: BSD-3-Clause
"""How far methods come on published problems, and SciPy beside them.

    python docs/make_solver_tables.py [--no-scipy] [METHOD ...] > docs/solvers.md

writes a page: for each method (all solvers, if none is named) the problems of Moré, Garbow and
Hillstrom from the standard start, 10 and 100 times it, and NIST's fits as sums of squares from
both starts. SciPy gets exact derivatives, traced here, and the same tolerance of the gradient.
First come the counts of benchmarks/evaluations.py, over more problems.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import thalweg as tw
from thalweg._methods.method import classes, make

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "shared"))
sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import evaluations
from published import MGH, NIST, NIST_ALL

FACTORS = (1, 10, 100)
GTOL = 1e-8
MOST = 10_000  # iterations, on either side
# SciPy's method of the same kind, with the options that let it go as far as ours.
SCIPYS: dict[str, tuple[str, dict[str, Any]]] = {
    "compass": ("Nelder-Mead", {"xatol": 1e-9, "fatol": 1e-12, "maxfev": 2 * MOST}),
    "cg": ("CG", {"gtol": GTOL}),
    "bfgs": ("BFGS", {"gtol": GTOL}),
    "lbfgs": ("L-BFGS-B", {"gtol": GTOL, "ftol": 0.0, "maxfun": 10 * MOST}),
    "newton": ("trust-exact", {"gtol": GTOL}),
    "newton_cg": ("trust-ncg", {"gtol": GTOL}),
}
# One setting for all fits and both starts: to the limit of precision, the sizes of the parameters
# known from their starts where a method can use them.
TIGHT: dict[str, Any] = {"gtol": 0.0, "max_iter": 20 * MOST}


# The methods that try all of NIST's fits.
FITTING = ("bfgs", "lbfgs", "newton")

INTRODUCTION = """# Solvers on published problems

Written by `python docs/make_solver_tables.py > docs/solvers.md`.

## Evaluations until the minimum is found

The problems of `benchmarks/functions.py`: those of Moré, Garbow and Hillstrom but Osborne 2,
ill-conditioned fits, separable and banded functions of up to 1,000 variables, noisy values, and
bounds. A problem is solved by the first evaluation whose value is within 1e-6 max(1, |f*|) of the
least value that any of these methods found. The ratios are the geometric mean of our evaluations
over SciPy's, and the sum of ours over the sum of SciPy's, of the problems that both solve. "Within
2 x" is the share of the problems, ours / SciPy's, that are solved with at most twice the
evaluations of the better of the two (the performance profile of E. D. Dolan and J. J. Moré, Math.
Program. 91(2), 2002, 201-213). SciPy's method for bounds is L-BFGS-B. `python
benchmarks/evaluations.py` makes these tables.

{evaluations}
## All of NIST's regressions

The 27 nonlinear regressions of the NIST Statistical Reference Datasets as sums of squares, each
from both its starts: how many end with more than 4 correct digits in every parameter, the mean
digits of the worst parameter (at most 11), and all evaluations. `tw.curve_fit` by `lm`, which knows
that these are sums of squares, passes all 54 by its defaults.

{nist}
## Problems and fits

* **Problems**: twenty of J. J. Moré, B. S. Garbow and K. E. Hillstrom (ACM Trans. Math. Softw.
  7(1), 1981, 17-41), from the standard start x0, from 10 x0 and from 100 x0, with
  `max_iter=10_000` and otherwise the defaults.
* **Fits**: fourteen nonlinear regressions of the NIST Statistical Reference Datasets as sums of
  squares, each from two starts.
* **Solved** means f − f* <= 1e-8 max(1, |f*|) for a published minimum f*, whatever the method
  reports. A dash is a problem that was not solved.
* **Numbers** are evaluations. Value and gradient together count once.
* **Passed** means more than 4 correct digits in every parameter. Digits are those of the worst
  parameter, at most 11.
* **SciPy** has the exact derivatives, traced here, and `gtol=1e-8`.
"""


@dataclass(frozen=True)
class Run:
    """Where a descent ended, and after how many evaluations."""

    x: Any
    f: float
    evaluations: int


def ours(method: str, objective: tw.Objective, x0: Any, **settings: Any) -> Run:
    """One descent by a method of the package."""
    offered = tw.methods()[method]
    if "learning_rate" in offered and "learning_rate" not in settings:
        raise SystemExit(f"{method} needs a learning rate; these tables are for solvers")
    result = tw.minimize(objective, x0, method, **({"max_iter": MOST} | settings))
    return Run(result.x, result.fun, result.nfev)


def scipys(method: str, objective: tw.Objective, x0: Any, **settings: Any) -> Run:
    """One descent by SciPy's method of that kind."""
    from scipy.optimize import minimize

    name, options = SCIPYS[method]
    derivatives: dict[str, Any] = {}
    fun: Callable[..., Any] = objective
    if name != "Nelder-Mead":
        fun, derivatives["jac"] = objective.value_and_grad, True
    derivatives |= evaluations.curvature(name, objective)
    try:
        r = minimize(fun, x0, method=name, options={"maxiter": MOST} | options | settings,
                     **derivatives)  # fmt: skip
    except (ValueError, ArithmeticError, np.linalg.LinAlgError):  # where f is not finite
        return Run(x0, np.nan, 0)
    return Run(r.x, float(r.fun), int(r.nfev))


def tight(method: str) -> dict[str, Any]:
    """Settings of the second table of fits."""
    scale = {"x_scale": 0.1} if "x_scale" in tw.methods()[method] else {}
    return TIGHT | scale


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows as Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cells) + " |\n" for cells in lines)


def problems(method: str, peers: bool) -> tuple[str, list[str]]:
    """More, Garbow and Hillstrom's problems, and a line for the summary."""
    kinds = ("{} x0", "SciPy") if peers else ("{} x0",)
    head = ["problem", *(kind.format(k) for k in FACTORS for kind in kinds)]
    solved, counted = np.zeros(len(head) - 1, int), np.zeros(len(head) - 1, int)
    rows = []
    for p in MGH:
        objective = tw.objective(p.function, p.x0, unpack=False)
        runs = []
        for k in FACTORS:
            runs.append(ours(method, objective, k * p.x0))
            if peers:
                runs.append(scipys(method, objective, k * p.x0))
        good = np.array([p.solved(r.f) for r in runs])
        solved += good
        counted += np.array([r.evaluations for r in runs])
        cells = [f"{r.evaluations}" if g else "–" for r, g in zip(runs, good, strict=True)]
        rows.append([p.name, *cells])
    rows.append(["**solved**", *map(str, solved)])
    rows.append(["**evaluations**", *map(str, counted)])
    sums = [f"{s} ({c})" for s, c in zip(solved, counted, strict=True)]
    return table(head, rows), sums


def fits(method: str) -> tuple[str, list[str]]:
    """NIST's fits, with the defaults and tight, and a line for the summary."""
    rows, found = [], []
    for fit, start in NIST:
        objective = tw.objective(fit.function, fit.starts[start], unpack=False)
        runs = [ours(method, objective, fit.starts[start], **s) for s in ({}, tight(method))]
        digits = [fit.digits(r.x) for r in runs]
        found.append(digits)
        pairs = [(f"{d:.1f}", f"{r.evaluations}") for d, r in zip(digits, runs, strict=True)]
        cells = [cell for pair in pairs for cell in pair]
        rows.append([f"{fit.name}, start {start + 1}", *cells])
    passed, mean = (np.array(found) > 4).sum(axis=0), np.mean(found, axis=0)
    rows.append(["**passed**", *(c for p in passed for c in (f"{p} of {len(NIST)}", ""))])
    rows.append(["**mean digits**", *(c for m in mean for c in (f"{m:.2f}", ""))])
    head = ["fit", "digits, defaults", "evaluations", "digits, tight", "evaluations"]
    return table(head, rows), [f"{p}, {m:.1f} digits" for p, m in zip(passed, mean, strict=True)]


def every_fit(method: str, peers: bool) -> list[list[str]]:
    """All of NIST's fits: by a method with the defaults and tight, and by SciPy's with two gtol."""
    runs: list[tuple[str, str, Callable[..., Run], dict[str, Any]]] = [
        (f"`{method}`", "defaults", ours, {}),
        (f"`{method}`", said(tight(method)), ours, tight(method)),
    ]
    if peers:
        name = SCIPYS[method][0]
        runs += [(name, f"gtol={gtol:g}", scipys, {"gtol": gtol}) for gtol in (GTOL, 0.0)]
    rows = []
    for name, setting, run, settings in runs:
        ends = []
        for fit, start in NIST_ALL:
            objective = tw.objective(fit.function, fit.starts[start], unpack=False)
            end = run(method, objective, fit.starts[start], **settings)
            ends.append((start, fit.digits(end.x), end.evaluations))
        starts, digits, counts = np.array(ends).T
        passed = [int(np.sum(digits[starts == k] > 4)) for k in (0, 1)]
        rows.append([name, setting, *map(str, passed), str(sum(passed)), f"{digits.mean():.1f}",
                     f"{counts.sum():.0f}"])  # fmt: skip
    return rows


def said(settings: dict[str, Any]) -> str:
    """Settings as they are written in a call."""
    return ", ".join(f"{k}={v:g}" for k, v in settings.items())


def summary(lines: dict[str, list[str]]) -> str:
    """Every method on one line: problems solved with their evaluations, and fits passed."""
    solved, passed = [], []
    for method, cells in lines.items():
        scipy = SCIPYS[method][0] if len(cells) == 8 else "–"
        own, peer = (cells[0:6:2], cells[1:6:2]) if len(cells) == 8 else (cells[:3], ["–"] * 3)
        pairs = [f"{a} / {b}" for a, b in zip(own, peer, strict=True)]
        solved.append([f"`{method}`", scipy, *pairs])
        passed.append([f"`{method}`", *cells[-2:]])
    return (
        f"Problems solved of {len(MGH)}, with all evaluations in brackets; ours / SciPy's:\n\n"
        + table(["method", "SciPy's", *(f"{k} x0" for k in FACTORS)], solved)
        + f"\nFits passed of {len(NIST)}, and mean digits:\n\n"
        + table(["method", "defaults", "tight"], passed)
    )


def main(words: list[str]) -> int:
    """Print the tables."""
    names = [w for w in words if not w.startswith("--")] or list(tw.methods("solvers"))
    for name in names:
        if name not in classes or not make(name, {}).solves:
            raise SystemExit(
                f"METHOD must be among {', '.join(tw.methods('solvers'))}, got {name!r}"
            )
    peers = "--no-scipy" not in words
    warnings.simplefilter("ignore")  # SciPy's, and NumPy's where a model overflows
    lines, pages = {}, []
    for name in names:
        first, sums = problems(name, peers and name in SCIPYS)
        second, digits = fits(name)
        lines[name] = [*sums, *digits]
        beside = f"SciPy: {SCIPYS[name][0]}.\n\n" if peers and name in SCIPYS else ""
        pages.append(f"## {name}\n\n{beside}{first}\nTight: `{said(tight(name))}`.\n\n{second}")
    counted = evaluations.tables([n for n in names if n in evaluations.METHODS]) if peers else ""
    rows = [row for name in names if name in FITTING for row in every_fit(name, peers)]
    head = ["method", "setting", "start 1, of 27", "start 2, of 27", "of 54", "mean digits",
            "evaluations"]  # fmt: skip
    introduction = INTRODUCTION.replace("{evaluations}", counted).replace(
        "{nist}", table(head, rows)
    )
    print(introduction, summary(lines), *pages, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
