# SPDX-License-Identifier: BSD-3-Clause
"""Works of methods that converge: whole calls of `tw.minimize` and of fits, against SciPy's.

SciPy is given exact derivatives, by hand in NumPy, but for the fits, where it makes differences as
users do. Answers are compared before the time counts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from workloads import Call, Floats, Rival, Work, close  # isort: skip - before NumPy

import numpy as np

import thalweg as tw
from thalweg import _core
from thalweg._methods.method import SolverMethod
from thalweg._methods.method import make as make_method

GTOL = 1e-8
# What is wanted in microseconds, of the kept objective, by number of variables.
WANTED = {2: 30.0, 10: 40.0, 100: 60.0, 1000: 400.0}


def rosenbrock(x: Any) -> Any:
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def rosenbrock_by_hand(x: Floats) -> tuple[float, Floats]:
    t, u = x[1:] - x[:-1] ** 2, 1 - x[:-1]
    slope = np.zeros_like(x)
    slope[1:] = 200 * t
    slope[:-1] -= 400 * x[:-1] * t + 2 * u
    return float(100 * (t @ t) + u @ u), slope


def start(n: int) -> Floats:
    """The classical start for two variables; beyond, one from which all end in the same minimum."""
    return np.array([-1.2, 1.0]) if n == 2 else np.where(np.arange(n) % 2 == 0, 1.3, 0.7)


def ours(n: int, kept: bool) -> Callable[[], Call]:
    """A call of `tw.minimize`."""

    def make() -> Call:
        x0 = start(n)
        f = tw.objective(rosenbrock, x0) if kept else rosenbrock
        return lambda: tw.minimize(f, x0, "lbfgs", gtol=GTOL).x

    return make


def bound(n: int) -> Callable[[], Call]:
    """A call of a bound method, as in a loop."""

    def make() -> Call:
        x0 = start(n)
        solve = tw.objective(rosenbrock, x0).minimizer("lbfgs", gtol=GTOL)
        return lambda: solve(x0).x

    return make


# What a call takes beside the descent: six iterations of the sauna, 5 µs in the core.
NEAR = np.array([3.5, 3.6])


def sauna(x: Any, y: Any) -> Any:
    return 85 - x**2 * (x - 6) * y**2 * (y - 6) / 90


def short(whole: bool) -> Callable[[], Call]:
    """`tw.minimize`, or the bound method."""

    def make() -> Call:
        objective = tw.objective(sauna, NEAR)
        solve = objective.minimizer()
        return (lambda: tw.minimize(objective, NEAR).x) if whole else (lambda: solve(NEAR).x)

    return make


def in_the_core() -> Rival:
    """The same descent without a `Result`."""

    def make() -> Call:
        objective = tw.objective(sauna, NEAR)
        method = make_method("lbfgs", {})
        assert isinstance(method, SolverMethod)
        stopping = _core.Stopping(gtol=GTOL, max_iter=10_000)
        descend = objective.solver("lbfgs").bound(method.numbers(), [], stopping)
        row = NEAR[None]
        return lambda: descend(row).x[0]

    return Rival("the core alone", make)


def scipys(n: int, wanted: float | None = None) -> Rival:
    def make() -> Call:
        from scipy.optimize import minimize

        how = {"gtol": GTOL, "ftol": 0.0, "maxiter": 10_000, "maxfun": 100_000}
        return lambda: (
            minimize(
                rosenbrock_by_hand, start(n), jac=True, method="L-BFGS-B", options=how
            ).x
        )  # fmt: skip

    return Rival("SciPy L-BFGS-B", make, wanted=wanted, parts=("scipy",), most_rounds=50)


# A decay with noise: 3 parameters, 50 points.
POINTS = np.linspace(0.0, 4.0, 50)
DATA = 2.5 * np.exp(-1.3 * POINTS) + 0.5 + 0.2 * np.random.default_rng(0).normal(size=50)


def decay(x: Any, a: Any, b: Any, c: Any) -> Any:
    return a * np.exp(-b * x) + c


def fit(kept: bool) -> Callable[[], Call]:
    def make() -> Call:
        if not kept:
            return lambda: tw.curve_fit(decay, POINTS, DATA)[0]
        model = tw.model(decay, POINTS)
        return lambda: model.fit(DATA)[0]

    return make


def scipys_fit(wanted: float) -> Rival:
    def make() -> Call:
        from scipy.optimize import curve_fit

        return lambda: curve_fit(decay, POINTS, DATA)[0]

    return Rival("SciPy curve_fit", make, wanted=wanted, parts=("scipy",))


def works() -> list[Work]:
    """Rosenbrock's function by L-BFGS to a gradient of 1e-8; a fit of 3 parameters to 50 points."""
    kept = [
        Work(
            f"lbfgs_{n}", f"Rosenbrock, n = {n}, lbfgs, a kept objective", "us", 1e6,
            ours(n, True), (scipys(n),), close(1e-6), limit=WANTED[n],
        )
        for n in WANTED
    ]  # fmt: skip
    loops = [
        Work(
            f"lbfgs_{n}_bound", f"Rosenbrock, n = {n}, lbfgs, solve(x0) in a loop", "us", 1e6,
            bound(n), (scipys(n),), close(1e-6),
        )
        for n in WANTED
    ] + [
        Work(
            f"call_{name}", f"the sauna from nearby, lbfgs, {text}", "us", 1e6,
            short(name == "minimize"), (in_the_core(),), close(1e-12),
        )
        for name, text in (("minimize", "tw.minimize"), ("bound", "solve(x0)"))
    ]  # fmt: skip
    once = Work(
        "lbfgs_once", "Rosenbrock, n = 2, lbfgs, one call with tracing", "us", 1e6,
        ours(2, False), (scipys(2, wanted=5),), close(1e-6),
    )  # fmt: skip
    fits = [
        Work(
            f"fit_{name}", f"fit of 3 parameters to 50 points, {text}", "us", 1e6,
            fit(name == "kept"), (scipys_fit(wanted),), close(1e-5),
        )
        for name, text, wanted in (
            ("once", "curve_fit with tracing", 1), ("kept", "a kept model", 10)
        )
    ]  # fmt: skip
    return [*kept, *loops, once, *fits]
