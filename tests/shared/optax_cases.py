# SPDX-License-Identifier: BSD-3-Clause
"""Descents whose points are compared with Optax's.

tests/data/make_optax.py writes what Optax makes of them; test_rules.py sees that the core makes the
same. Functions take NumPy or jax.numpy as `np`. Rates are small enough for 100 steps on the way:
where a descent circles its minimum, differences of the last bit would grow.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy

__all__ = ["CASES", "PROBLEMS", "SCHEDULES", "STEPS", "Case", "Scheduled"]

# The points that are kept.
STEPS = (1, 2, 3, 5, 10, 20, 50, 100)

A = numpy.array([[1.0, 0.5, -0.2], [0.3, -1.2, 0.4], [2.0, 0.1, 0.7], [-0.6, 0.9, 1.1]])
B = numpy.array([1.0, -2.0, 0.5, 3.0])
SCALES = numpy.array([1.0, 10.0, 100.0, 1000.0, 1e4])


def rosenbrock(np, x):
    return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2


def quadratic(np, x):
    return np.sum(SCALES * (x - 3.0) ** 2) / 2


def omega(np, x):
    return np.sum(np.exp(x) - np.log(x))


def least_squares(np, x):
    return np.sum((A @ x - B) ** 2)


# The function, the start, the rate of plain descent.
PROBLEMS: dict[str, tuple[Any, list[float], float]] = {
    "rosenbrock": (rosenbrock, [-1.2, 1.0], 5e-4),
    "quadratic": (quadratic, [-1.0, -0.5, 0.2, 0.1, -2.0], 5e-5),
    "omega": (omega, [1.6], 0.01),
    "least_squares": (least_squares, [4.0, -3.0, 5.0], 0.01),
}

# Rates of the rules that measure the gradient; the others take the problem's, or a share of it.
RATES = {
    "adagrad": 0.1, "rmsprop": 0.001, "adadelta": 1.0, "adam": 0.01, "adamw": 0.01, "amsgrad": 0.01,
    "nadam": 0.01, "adamax": 0.01, "lion": 0.004, "rprop": 0.002,
}  # fmt: skip
SHARES = {"gradient_descent": 1.0, "momentum": 0.1, "nesterov": 0.1}
RULES = [*SHARES, *RATES]


@dataclass(frozen=True)
class Scheduled:
    """A schedule by name, and its arguments by Optax's names."""

    name: str
    arguments: dict[str, Any]

    def times(self, rate: float) -> "Scheduled":
        """The same with its values times a rate."""
        values = ("init_value", "peak_value", "end_value")
        scaled = {k: v * rate if k in values else v for k, v in self.arguments.items()}
        return Scheduled(self.name, scaled)


SCHEDULES = {
    "cosine": Scheduled("cosine", {"init_value": 1.0, "decay_steps": 80}),
    "cosine_shaped": Scheduled(
        "cosine", {"init_value": 1.0, "decay_steps": 80, "alpha": 0.1, "exponent": 2.5}
    ),
    "exponential": Scheduled(
        "exponential", {"init_value": 1.0, "transition_steps": 30, "decay_rate": 0.5}
    ),
    "staircase": Scheduled(
        "exponential",
        {"init_value": 1.0, "transition_steps": 7, "decay_rate": 0.7, "transition_begin": 5,
         "staircase": True, "end_value": 0.1},
    ),
    "growing": Scheduled(
        "exponential",
        {"init_value": 0.1, "transition_steps": 20, "decay_rate": 2.0, "end_value": 1.0},
    ),
    "piecewise": Scheduled(
        "piecewise", {"init_value": 1.0, "boundaries_and_scales": {10: 0.5, 40: 0.2, 70: 3.0}}
    ),
    "warmup_cosine": Scheduled(
        "warmup_cosine",
        {"init_value": 0.1, "peak_value": 1.0, "warmup_steps": 20, "decay_steps": 90,
         "end_value": 0.05, "exponent": 1.5},
    ),
    "no_warmup": Scheduled(
        "warmup_cosine",
        {"init_value": 0.5, "peak_value": 1.0, "warmup_steps": 0, "decay_steps": 60},
    ),
    "one_cycle": Scheduled("one_cycle", {"transition_steps": 90, "peak_value": 1.0}),
    "one_cycle_shaped": Scheduled(
        "one_cycle",
        {"transition_steps": 75, "peak_value": 1.0, "pct_start": 0.25, "div_factor": 10.0,
         "final_div_factor": 100.0},
    ),
}  # fmt: skip

OPTIONS: dict[str, dict[str, Any]] = {
    "clip_value": {"clip_value": 1.5},
    "clip_norm": {"clip_norm": 2.0},
    "weight_decay": {"weight_decay": 0.05},
    "all": {"clip_value": 20.0, "clip_norm": 15.0, "weight_decay": 0.1},
}

MOMENTS = {"b1": 0.8, "b2": 0.95, "eps": 1e-2, "eps_root": 1e-4}
# Hyper-parameters other than the defaults.
OTHERS: dict[str, dict[str, float]] = {
    "momentum": {"momentum": 0.5}, "nesterov": {"momentum": 0.7},
    "adagrad": {"initial_accumulator_value": 0.0, "eps": 1e-3},
    "rmsprop": {"decay": 0.99, "eps": 1e-3, "initial_scale": 0.5},
    "adadelta": {"rho": 0.8, "eps": 1e-3},
    "adam": MOMENTS, "amsgrad": MOMENTS, "nadam": MOMENTS, "adamw": MOMENTS | {"weight_decay": 0.3},
    "adamax": {"b1": 0.8, "b2": 0.95, "eps": 0.1},
    "lion": {"b1": 0.7, "b2": 0.9, "weight_decay": 0.2},
    "rprop": {"eta_minus": 0.3, "eta_plus": 1.5, "min_step_size": 1e-3, "max_step_size": 0.05},
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A descent: `hyper` and `options` hold numbers and `Scheduled`."""

    name: str
    rule: str
    problem: str
    hyper: dict[str, Any]
    options: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


def _cases() -> list[Case]:
    cases = []
    for rule in RULES:
        rates = {p: RATES.get(rule, SHARES.get(rule, 0) * PROBLEMS[p][2]) for p in PROBLEMS}

        def case(what, problem, hyper, options=None, rule=rule):
            cases.append(Case(f"{rule}-{problem}{what}", rule, problem, hyper, options or {}))

        for problem, rate in rates.items():
            case("", problem, {"learning_rate": rate})
        if rule in OTHERS:
            case("-others", "least_squares",
                 {"learning_rate": rates["least_squares"]} | OTHERS[rule])  # fmt: skip
        for what, options in OPTIONS.items():
            if rule in ("adamw", "lion"):  # theirs is no option
                options = {k: v for k, v in options.items() if k != "weight_decay"}
            if options:
                case("-" + what, "rosenbrock", {"learning_rate": rates["rosenbrock"]}, options)
        if rule != "rprop":  # its rate is the first step alone
            for what, schedule in SCHEDULES.items():
                rate = schedule.times(rates["least_squares"])
                case("-" + what, "least_squares", {"learning_rate": rate})
    on = "least_squares"
    decay = Scheduled("piecewise", {"init_value": 0.2, "boundaries_and_scales": {30: 0.1}})
    share = Scheduled("cosine", {"init_value": 0.9, "decay_steps": 60, "alpha": 0.1})
    rate = SCHEDULES["one_cycle"].times(0.001)
    return [
        *cases,
        Case("decay-scheduled", "adam", on, {"learning_rate": 0.01}, {"weight_decay": decay}),
        Case("momentum-scheduled", "momentum", on, {"learning_rate": 0.001, "momentum": share}),
        Case("both-scheduled", "nesterov", on, {"learning_rate": rate, "momentum": share}),
    ]


CASES = _cases()
