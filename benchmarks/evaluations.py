# SPDX-License-Identifier: BSD-3-Clause
"""Count the evaluations that solvers need, here and in SciPy, on the problems of functions.py.

    python benchmarks/evaluations.py [METHOD ...]

A problem is solved by the first evaluation whose value is within 1e-6 max(1, |f*|) of f*, the least
value that any of the named methods found. Every method gets exact derivatives, traced here,
`gtol=1e-6` and at most 5,000 evaluations. Value and gradient together count once. The tables show,
for each method and SciPy's of the same kind, the problems solved, the geometric mean and the sum of
the evaluations relative to SciPy's over the problems that both solved, and the performance profile
of E. D. Dolan and J. J. Moré (Math. Program. 91(2), 2002, 201-213): the share of problems solved
with at most 1, 2 and 5 times the evaluations of the better of the two.
"""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.optimize
from functions import PROBLEMS, Problem

import thalweg as tw
from thalweg._methods.method import make

__all__ = ["evaluations", "tables"]

MOST = 5_000
GTOL = 1e-6
WITHIN = 1e-6
FACTORS = (1, 2, 5)
DENSE = {"bfgs", "newton"}  # compared for at most 100 variables
# SciPy's method of the same kind, and the options that let it go as far.
SCIPYS: dict[str, tuple[str, dict[str, Any]]] = {
    "lbfgs": ("L-BFGS-B", {"ftol": 0.0, "maxfun": 10 * MOST}),
    "bfgs": ("BFGS", {}),
    "cg": ("CG", {}),
    "newton": ("trust-exact", {}),
    "newton_cg": ("trust-ncg", {}),
}
BOUNDED = SCIPYS["lbfgs"]


METHODS = tuple(SCIPYS)


class Enough(Exception):  # noqa: N818 - not an error
    """Ends SciPy's method after the last evaluation that is allowed."""


class Known:
    """A problem, its traced function, and the bounds as arrays, or None."""

    def __init__(self, problem: Problem) -> None:
        self.problem, self.x0 = problem, problem.x0
        self.objective = tw.objective(problem.function, problem.x0, unpack=False)
        self.bounds = problem.bounds and [
            np.broadcast_to(np.asarray(b, dtype=np.float64), problem.x0.shape)
            for b in problem.bounds
        ]

    def values_here(self, method: str) -> list[float]:
        """The values in the order in which a method of the package asks for them."""
        bounds = None if self.bounds is None else list(zip(*self.bounds, strict=True))
        stops = {"gtol": GTOL, "max_iter": MOST, "max_nfev": MOST}
        descent = make(method, {}).start(self.x0, bounds=bounds, **stops)
        values: list[float] = []
        gradient = np.zeros(self.x0.size)
        while (request := descent.ask()) is not None:
            x, h = request.x[0], None
            if request.values[0]:
                value, gradient = self.objective.value_and_grad(x)
                values.append(float(value))
            if request.curvature[0]:
                v = request.v
                h = self.objective.hessian(x) if v is None else self.objective.hvp(x, v[0])
            descent.tell(values[-1], gradient, h)
        return values

    def values_in_scipy(self, method: str, options: dict[str, Any]) -> list[float]:
        """The values in the order in which SciPy's method computes them."""
        values: list[float] = []

        def value_and_grad(x: Any) -> Any:
            if len(values) == MOST:
                raise Enough
            value, gradient = self.objective.value_and_grad(x)
            values.append(float(value))
            return value, gradient

        further = curvature(method, self.objective)
        if self.bounds is not None:
            further["bounds"] = scipy.optimize.Bounds(*self.bounds)
        # What it had reached counts.
        with contextlib.suppress(Enough, ValueError, ArithmeticError, np.linalg.LinAlgError):
            scipy.optimize.minimize(
                value_and_grad, self.x0, jac=True, method=method,
                options={"gtol": GTOL, "maxiter": MOST} | options, **further,
            )  # fmt: skip
        return values


def curvature(method: str, objective: tw.Objective) -> dict[str, Any]:
    """What SciPy's method asks for beside the gradient."""
    if method == "trust-exact":
        return {"hess": objective.hessian}
    return {"hessp": objective.hvp} if method == "trust-ncg" else {}


def evaluations(values: Sequence[float], least: float) -> float:
    """The number of evaluations that solve a problem; infinite if none does."""
    solved = np.asarray(values) <= least + WITHIN * max(1.0, abs(least))
    return float(np.argmax(solved)) + 1 if solved.any() else np.inf


def counted(bounded: bool, methods: Sequence[str]) -> dict[str, npt.NDArray[np.float64]]:
    """For each method: evaluations on each problem, here and in SciPy, (2, problems)."""
    known = [Known(p) for p in PROBLEMS if (p.bounds is not None) == bounded]
    found: dict[str, list[tuple[list[float], list[float]]]] = {m: [] for m in methods}
    least = np.full(len(known), np.inf)
    for method in methods:
        for k, problem in enumerate(known):
            pair: tuple[list[float], list[float]] = ([], [])
            if method not in DENSE or problem.x0.size <= 100:
                scipys = BOUNDED if bounded else SCIPYS[method]
                pair = problem.values_here(method), problem.values_in_scipy(*scipys)
            found[method].append(pair)
            for values in pair:
                least[k] = min([least[k], *(v for v in values if np.isfinite(v))])
    return {
        method: np.array([[evaluations(p[side], f) for p, f in zip(pairs, least, strict=True)]
                          for side in (0, 1)])
        for method, pairs in found.items()
    }  # fmt: skip


def row(method: str, scipys: str, counts: npt.NDArray[np.float64]) -> list[str]:
    """A line of the table."""
    ours, theirs = counts
    both = np.isfinite(ours) & np.isfinite(theirs)
    ratios = ours[both] / theirs[both]
    best = np.minimum(ours, theirs)
    some = np.isfinite(best)
    profile = [
        " / ".join(f"{np.mean(c[some] <= factor * best[some]):.0%}" for c in counts)
        for factor in FACTORS
    ]
    return [
        f"`{method}`", scipys, f"{np.isfinite(ours).sum()} / {np.isfinite(theirs).sum()}",
        f"{np.exp(np.mean(np.log(ratios))):.2f}", f"{ours[both].sum() / theirs[both].sum():.2f}",
        *profile,
    ]  # fmt: skip


def tables(methods: Sequence[str] = METHODS) -> str:
    """The tables as Markdown, without bounds and with them."""
    head = ["method", "SciPy's", "solved", "mean ratio", "ratio of sums",
            *(f"within {f} x" for f in FACTORS)]  # fmt: skip
    text = ""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for bounded in (False, True):
            counts = counted(bounded, methods)
            rows = [row(m, BOUNDED[0] if bounded else SCIPYS[m][0], counts[m]) for m in methods]
            number = sum((p.bounds is not None) == bounded for p in PROBLEMS)
            text += f"{number} problems {'with' if bounded else 'without'} bounds:\n\n"
            for cells in (head, ["---"] * len(head), *rows):
                text += "| " + " | ".join(cells) + " |\n"
            text += "\n"
    return text


if __name__ == "__main__":
    print(tables(sys.argv[1:] or METHODS), end="")
