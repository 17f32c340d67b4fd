# SPDX-License-Identifier: BSD-3-Clause
"""The problems on which every method is tried; each with rates at which descents converge.

A method takes its rate in the problem's `rates`; else the one that suits it everywhere; else a
multiple of its kin's; else the problem's "default", which suits plain descent.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import thalweg as tw

__all__ = [
    "BY_NAME", "PROBLEMS", "Problem", "camel", "himmelblau", "hyper_of", "resting_hyper_of",
    "three_wells",
]  # fmt: skip


@dataclass(frozen=True)
class Problem:
    """A function, a start from which descents reach `x`, and where they may start at all."""

    name: str
    function: Callable[..., Any]
    x0: Any
    x: Any
    fun: float
    box: tuple[float, float]
    rates: dict[str, float] = field(default_factory=dict)
    decays: dict[str, float] = field(default_factory=dict)
    max_iter: int = 5000

    def __str__(self) -> str:
        return self.name

    @property
    def n(self) -> int:
        return np.size(self.x0)

    def starts(self, k: int, seed: int = 0) -> np.ndarray:
        """(k, n) starts, uniform in the box."""
        return np.random.default_rng(seed).uniform(*self.box, (k, self.n))


# Rates of those that measure the gradient by itself, whatever the problem.
USUAL = {"adagrad": 1.0, "rmsprop": 0.1, "adadelta": 40.0, "lion": 0.1, "rprop": 0.1}
KIN = {
    "nesterov": ("momentum", 1.0), "adamw": ("adam", 1.0), "amsgrad": ("adam", 10.0),
    "nadam": ("adam", 5.0), "adamax": ("adam", 5.0),
}  # fmt: skip
# Their steps do not vanish with the gradient: they come to rest where the rate falls by this factor
# at each step.
DECAY = {"rmsprop": 0.99, "adadelta": 0.99, "lion": 0.99, "nadam": 0.998}


def hyper_of(method: str, problem: Problem) -> dict[str, float]:
    """Hyper-parameters for a method on a problem: its defaults, and the problem's rate."""
    required = [name for name, default in tw.methods("rules")[method].items() if default is None]
    rates = problem.rates
    kin, factor = KIN.get(method, ("default", 1.0))
    rate = rates.get(method, USUAL.get(method, rates.get(kin, rates["default"]) * factor))
    known = {"learning_rate": rate}
    return {name: known[name] for name in required}


def resting_hyper_of(method: str, problem: Problem) -> dict[str, Any]:
    """The same where it must come to rest in the minimum: no weight decay, and falling rates."""
    hyper: dict[str, Any] = dict(hyper_of(method, problem))
    decay = problem.decays.get(method, DECAY.get(method))
    if decay is not None:
        hyper["learning_rate"] = tw.schedules.exponential(hyper["learning_rate"], 1, decay)
    still = {"weight_decay": 0.0, "min_step_size": 0.0}
    return hyper | {k: v for k, v in still.items() if k in tw.methods("rules")[method]}


def bowl(x, y):
    return x**2 + y**2


def power_lines(m, b):
    return (m + b - 2) ** 2 + (2 * m + b - 5) ** 2 + (3 * m + b - 3) ** 2


def sauna(x, y):
    return 85 - x**2 * (x - 6) * y**2 * (y - 6) / 90


def three_wells(x, y):
    return 10 - (
        10 / (3 + 3 * (x - 0.5) ** 2 + 3 * (y - 0.5) ** 2)
        + 2 / (1 + 2 * (x - 3) ** 2 + 2 * (y - 1.5) ** 2)
        + 3 / (1 + 0.5 * (x - 3.5) ** 2 + 0.5 * (y - 4) ** 2)
    )


def himmelblau(x, y):
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


def camel(x, y):
    return (4 - 2.1 * x**2 + x**4 / 3) * x**2 + x * y + (-4 + 4 * y**2) * y**2


def omega(x):
    return np.exp(x) - np.log(x)


def waves(x):
    return (np.exp(x) - np.log(x)) * np.sin(2 * np.pi * x)


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def _quadratic(n):
    """A bowl, x @ A @ x / 2 - b @ x, with eigenvalues of A from 1 to 10."""
    random = np.random.default_rng(50)
    Q = np.linalg.qr(random.normal(size=(n, n)))[0]
    A = Q @ np.diag(np.linspace(1.0, 10.0, n)) @ Q.T
    b = random.normal(size=n)
    x = np.linalg.solve(A, b)
    return (lambda x: x @ A @ x / 2 - b @ x), x, -b @ x / 2


def rope(x):
    """Long enough that one start runs with its elements across the registers."""
    return np.sum(np.cos(x) + x**2) + np.sum((x[1:] - x[:-1]) ** 2)


_quadratic_50, _quadratic_x, _quadratic_fun = _quadratic(50)

PROBLEMS = [
    Problem("bowl", bowl, [2.0, 3.0], [0.0, 0.0], 0.0, (-4, 4),
            {"default": 0.1, "momentum": 0.05, "adam": 0.1}),
    Problem("power_lines", power_lines, [0.0, 0.0], [0.5, 7 / 3], 25 / 6, (-3, 3),
            {"default": 0.05, "momentum": 0.01, "adam": 0.05}),
    Problem("sauna", sauna, [0.5, 0.6], [4.0, 4.0], 85 - 1024 / 90, (0.2, 5),
            {"default": 0.1, "momentum": 0.01, "adam": 0.05}),
    Problem("three_wells", three_wells, [0.2, 2.0], [0.5230322579358745, 0.5169891562802605],
            6.276903919812538, (0, 5), {"default": 0.2, "momentum": 0.02, "adam": 0.02}),
    Problem("omega", omega, 1.6, 0.5671432904097838, 2.3303661247616807, (0.06, 2),
            {"default": 0.1, "momentum": 0.005, "adam": 0.02}),
    Problem("waves", waves, 1.3, 1.775168621427058, -5.260905912228657, (0.1, 2),
            {"default": 0.003, "momentum": 0.0005, "adam": 0.01}),
    Problem("rosenbrock", rosenbrock, [-1.2, 1.0], [1.0, 1.0], 0.0, (-2, 2),
            {"default": 0.001, "momentum": 0.0003, "adam": 0.02, "rmsprop": 0.02, "adadelta": 1.0,
             "lion": 0.02},
            {"rmsprop": 0.9995, "adadelta": 0.9998, "lion": 0.998, "nadam": 0.9995},
            max_iter=60_000),
    Problem("quadratic_50", _quadratic_50, np.zeros(50), _quadratic_x, _quadratic_fun, (-2, 2),
            {"default": 0.1, "momentum": 0.02, "adam": 0.02}),
    Problem("rope_300", rope, np.linspace(-2, 2, 300), np.zeros(300), 300.0, (-2, 2),
            {"default": 0.1, "momentum": 0.02, "adam": 0.01}),
]  # fmt: skip
BY_NAME = {p.name: p for p in PROBLEMS}
