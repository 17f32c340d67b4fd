# SPDX-License-Identifier: BSD-3-Clause
"""Descents and fits whose results are compared with machine code and without.

`python machine_cases.py` prints a line for each, which ends in a digest of all that it returned.
"""

import hashlib
from collections.abc import Iterator

import numpy as np
from lane_cases import FIELDS, RULES, SOLVERS, settings, starts, wells

import thalweg as tw


def digest(*results: object) -> str:
    """Of the bits of arrays; all NaN count as equal."""
    found = hashlib.sha256()
    for result in results:
        values = np.array(result)
        if values.dtype.kind == "f":
            values[np.isnan(values)] = np.nan
        found.update(values.tobytes())
    return found.hexdigest()[:16]


def of_many(r: tw.Results) -> str:
    return digest(*(r[name] for name in FIELDS))


def operations(x, y):
    """A step of some hundred operations: more values than there are registers."""
    waves = np.sin(3 * x) * np.cos(y) + np.exp(-x * x) * np.tanh(y) + np.arctan(x * y)
    powers = np.abs(x) ** 1.7 + np.log1p(y * y) + np.hypot(x, y) + np.expm1(-np.abs(y))
    return waves + 0.1 * powers + np.where(x > 0, x, 0.3 * y) + np.logaddexp(x, y) * 0.01


def bowl(x):
    return np.sum((x - np.arange(x.size)) ** 2 * np.linspace(0.5, 1.5, x.size)) + np.prod(np.cos(x))


def valley(x):
    return np.sum(10 * (x[1:] - x[:-1] ** 2) ** 2 + np.sqrt(1 + (1 - x[:-1]) ** 2))


def arrays() -> Iterator[tuple[str, str]]:
    """Arrays that are taken apart, up to 128 elements, and longer ones, which are not."""
    for size in (65, 100, 128, 129, 160):
        t = np.linspace(0, 4, size)

        def decay(p, t=t):
            return np.mean((p[0] * np.exp(-p[1] * t) - 1 / (1 + t)) ** 2)

        points = np.random.default_rng(6).normal(1, 0.1, (40, size))
        r = tw.minimize_many(valley, points, "adam", learning_rate=0.01, max_iter=40)
        yield f"valley, {size}", of_many(r)
        r = tw.minimize_many(decay, starts(), "momentum", learning_rate=0.05, max_iter=40)
        yield f"decay, {size}", of_many(r)


def rules() -> Iterator[tuple[str, str]]:
    options = {
        "plain": {},
        "tested": {"gtol": 1e-3, "xtol": 1e-6},
        "settled": {"ftol": 1e-9},
        "clipped": {"clip_norm": 0.7, "weight_decay": 0.01},
        "bounded": {"bounds": [(-1.5, 1.0), (None, 1.2)]},
        "scheduled": {"learning_rate": tw.schedules.exponential(0.1, 20, 0.9)},
        "two threads": {"threads": 2},
    }
    for rule in RULES:
        for name, option in options.items():
            if rule == "rprop" and name == "scheduled":
                continue  # its rate is that of the first step alone
            how = settings(rule) | {"max_iter": 130, "gtol": 0.0} | option
            points = np.clip(starts(), -1.5, 1.0) if "bounds" in option else starts()
            yield f"{rule}, {name}", of_many(tw.minimize_many(wells, points, rule, **how))
        r = tw.minimize_many(operations, starts(), rule, **settings(rule), max_iter=60)
        yield f"{rule}, operations", of_many(r)
        rates = np.geomspace(1e-4, 30, 70)
        r = tw.sweep(wells, [0.3, -0.2], rule, learning_rate=rates, max_iter=90)
        yield f"{rule}, sweep", digest(r.x, r.fun, r.nit, r.verdict)
        one = tw.minimize(wells, [0.3, -0.2], rule, **settings(rule), max_iter=500)
        yield f"{rule}, one", digest(one.x, one.fun, one.nit, one.last.x)


def solvers() -> Iterator[tuple[str, str]]:
    for solver in SOLVERS:
        if solver == "lm":
            continue
        for name, f in (("wells", wells), ("operations", operations)):
            yield f"{solver}, {name}", of_many(tw.minimize_many(f, starts(), solver))
        points = np.random.default_rng(1).uniform(-0.5, 3, (40, 5))
        yield (
            f"{solver}, bowl",
            of_many(tw.minimize_many(bowl, points, solver, bounds=[(-0.5, 3.0)] * 5)),
        )


def fits() -> Iterator[tuple[str, str]]:
    t = np.linspace(0, 4, 25)
    truth = np.random.default_rng(2).uniform(0.5, 3, (300, 3))
    y = truth[:, :1] * np.exp(-t / truth[:, 1:2]) + truth[:, 2:]
    y += np.random.default_rng(3).normal(0, 0.05, y.shape)

    def decay(x, a, tau, c):
        return a * np.exp(-x / tau) + c

    gaps = np.where(np.random.default_rng(4).random(y.shape) < 0.05, np.nan, y)
    for name, data, option in (
        ("plain", y, {}),
        ("gaps", gaps, {}),
        ("robust, bounded", y, {"loss": "soft_l1", "bounds": ([0, 0.1, 0], [5, 5, 5])}),
    ):
        r = tw.curve_fit_many(decay, t, data, (1.0, 1.0, 1.0), **option)
        yield f"fits, {name}", digest(r.popt, r.pcov, r.success, r.reason)


if __name__ == "__main__":
    for part in (arrays, rules, solvers, fits):
        for label, bits in part():
            print(f"{label}: {bits}")  # noqa: T201 - its purpose
