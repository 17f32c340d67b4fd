# SPDX-License-Identifier: BSD-3-Clause
"""Works on the course's functions: whole calls, to a number of iterations and to the minimum."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from workloads import FIXED, Call, Floats, Rival, Work, close  # isort: skip - before NumPy

import numpy as np
from single import omega, sauna, sauna_gradient
from starts import three_wells, three_wells_gradient, waves, waves_gradient

import thalweg as tw


def bowl(x: Any, y: Any) -> Any:
    return x**2 + y**2


def power_lines(m: Any, b: Any) -> Any:
    return (m + b - 2) ** 2 + (2 * m + b - 5) ** 2 + (3 * m + b - 3) ** 2


@cache
def markets() -> tuple[Floats, Floats]:
    """TV budgets, standardized, and sales of 200 markets."""
    path = Path(__file__).parents[1] / "tests" / "data" / "advertising.csv"
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    return (table[:, 0] - table[:, 0].mean()) / table[:, 0].std(), table[:, -1]


def advertising(m: Any, b: Any) -> Any:
    tv, sales = markets()
    return np.mean((m * tv + b - sales) ** 2) / 2


def advertising_gradient(m: Any, b: Any) -> tuple[Any, Any]:
    tv, sales = markets()
    r = m * tv + b - sales
    return np.mean(r * tv), np.mean(r)


@dataclass(frozen=True)
class Example:
    """One of the course's descents."""

    function: Callable[..., Any]
    gradient: Callable[..., tuple[Any, ...]]
    start: tuple[float, ...]
    learning_rate: float
    iterations: int
    minimum: tuple[float, ...] | None = None  # where SciPy's BFGS leads too


COURSE: dict[str, Example] = {
    "bowl": Example(bowl, lambda x, y: (2 * x, 2 * y), (2.0, 3.0), 0.1, 100, (0.0, 0.0)),
    "omega": Example(
        lambda x: omega(x), lambda x: (np.exp(x) - 1 / x,), (1.6,), 0.1, 25, (0.5671432904097838,)
    ),
    "waves": Example(
        lambda x: waves(x), waves_gradient, (1.3,), 0.005, 35, (1.7751686214270586,)
    ),
    "sauna": Example(
        lambda x, y: sauna(x, y), sauna_gradient, (3.5, 3.6), 0.15, 20, (4.0, 4.0)
    ),
    "three_wells": Example(
        lambda x, y: three_wells(x, y), three_wells_gradient, (0.5, 3.0), 0.2, 100
    ),
    "power_lines": Example(
        power_lines, lambda m, b: (28 * m + 12 * b - 42, 6 * b + 12 * m - 20), (0.0, 0.0), 0.05,
        200, (0.5, 7 / 3),
    ),
    "advertising": Example(advertising, advertising_gradient, (0.0, 0.0), 0.3, 100),
}  # fmt: skip


def course_descent(name: str) -> Work:
    """A descent of the course, traced anew in every call, against the loop a student writes."""
    e = COURSE[name]
    x0: Any = e.start if len(e.start) > 1 else e.start[0]

    def ours() -> Any:
        return tw.minimize(
            e.function, x0, "gradient_descent", learning_rate=e.learning_rate,
            max_iter=e.iterations, **FIXED,
        ).last.x  # fmt: skip

    def loop() -> Floats:
        x = np.array(e.start)
        for _ in range(e.iterations):
            x = x - e.learning_rate * np.array(e.gradient(*x))
        return x

    return Work(
        f"descent_{name}", f"{name.replace('_', ' ')}, {e.iterations} iterations, tracing included",
        "µs", 1e6, lambda: ours, (Rival("NumPy arrays", lambda: loop),), close(1e-9, 1e-9),
    )  # fmt: skip


def course_minimum(name: str) -> Work:
    """To the minimum: gradient descent here, BFGS there; the answers agree to 1e-5."""
    e = COURSE[name]
    x0: Any = e.start if len(e.start) > 1 else e.start[0]

    def ours() -> Any:
        done = tw.minimize(
            e.function, x0, "gradient_descent", learning_rate=e.learning_rate, gtol=1e-6
        )
        assert done.success, done.message
        return done.x

    def make() -> Call:
        from scipy.optimize import minimize

        def call() -> Any:
            done = minimize(
                lambda p: np.squeeze(e.function(*p)), e.start, method="BFGS",
                jac=lambda p: np.array(e.gradient(*p)), options={"gtol": 1e-6},
            )  # fmt: skip
            assert done.success, done.message
            return done.x

        return call

    return Work(
        f"minimum_{name}", f"{name.replace('_', ' ')} to the minimum, tracing included", "µs", 1e6,
        lambda: ours, (Rival("SciPy BFGS, gradient by hand", make, parts=("scipy",)),),
        close(1e-5, 1e-5),
    )  # fmt: skip


def course() -> list[Work]:
    """Every descent of the course, and every minimum that BFGS finds from the same start."""
    to_minimum = [name for name, e in COURSE.items() if e.minimum is not None]
    return [*map(course_descent, COURSE), *map(course_minimum, to_minimum)]
