# SPDX-License-Identifier: BSD-3-Clause
"""Works of many descents: whole calls of `tw.minimize_many`.

Every answer is checked before the time counts: every projected gradient where descents converge,
every bit where threads share them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from workloads import CORES, Call, Floats, Rival, Work  # isort: skip - before NumPy

import numpy as np
from starts import three_wells, three_wells_gradient

import thalweg as tw

GTOL = 1e-8
STARTS, SAMPLE = 1_000_000, 200
MINIMA = np.array([[0.52303226, 0.51698916], [3.47888053, 3.94751517], [2.98063661, 1.54087340]])


def starts() -> Floats:
    return np.random.default_rng(0).uniform(0, 5, (STARTS, 2))


def wells() -> tw.Objective:
    return tw.objective(three_wells, (0.0, 0.0))


def many(method: str, threads: int, **how: Any) -> Callable[[], Call]:
    def make() -> Call:
        f, x = wells(), starts()
        return lambda: tw.minimize_many(f, x, method, threads=threads, **how)

    return make


def on_all_cores(make: Callable[[], Call]) -> Callable[[], Call]:
    """The same where threads may go to any core; benchmarks are bound to one else."""

    def made() -> Call:
        call = make()

        def run() -> Any:
            if not CORES:
                return call()
            bound = os.sched_getaffinity(0)
            os.sched_setaffinity(0, CORES)
            try:
                return call()
            finally:
                os.sched_setaffinity(0, bound)

        return run

    return made


FIXED = {"max_iter": 100, "gtol": 0.0}
GD = {"learning_rate": 0.2, **FIXED}
ADAM = {"learning_rate": 0.1, **FIXED}


def one_by_one() -> Call:
    """SciPy's, of a sample."""
    from scipy.optimize import minimize

    def value_and_gradient(p: Floats) -> tuple[float, Floats]:
        return three_wells(*p), np.array(three_wells_gradient(*p))

    how = {"gtol": GTOL, "ftol": 0.0}
    return lambda: np.array([
        minimize(value_and_gradient, x, jac=True, method="L-BFGS-B", options=how).x
        for x in starts()[:SAMPLE]
    ])  # fmt: skip


def at_minima(ours: Any, theirs: Floats) -> None:
    """All ours have gradients as small as asked; theirs end in one of the minima, too."""
    assert ours.success.all()
    for x in (np.stack(ours.x, axis=-1), theirs):
        slopes = np.stack(three_wells_gradient(x[:, 0], x[:, 1]))
        assert np.abs(slopes).max() < 1.001 * GTOL if len(x) == STARTS else 1e-5
        near = np.abs(x[:, None] - MINIMA).max(axis=2).min(axis=1)
        assert near.max() < 1e-5


def same(ours: Any, theirs: Any) -> None:
    for a, b in zip(ours.x, theirs.x, strict=True):
        np.testing.assert_array_equal(a, b)


def both_end(ours: Any, theirs: Any) -> None:
    assert (ours.nit == 100).all()
    assert (theirs.nit == 100).all()


def works() -> list[Work]:
    """Three wells from a million starts."""
    per_start = 1e6 / STARTS
    solved = Work(
        "lanes_lbfgs", "three wells, 1e6 starts, lbfgs to 1e-8, per start", "us", per_start,
        many("lbfgs", 1, gtol=GTOL),
        (Rival("SciPy L-BFGS-B, 200 starts", one_by_one, parts=("scipy",), most_rounds=2,
               scale=1e6 / SAMPLE),),
        at_minima, limit=1.0,
    )  # fmt: skip
    two = [
        Work(
            f"threads_{method}", f"three wells, 1e6 starts, {method}, two threads", "ms", 1e3,
            on_all_cores(many(method, 2, **how)),
            (Rival("one thread", many(method, 1, **how), wanted=1.8),),
            same,
        )
        for method, how in (("gradient_descent", GD), ("lbfgs", {"gtol": GTOL}))
    ]  # fmt: skip
    adam = Work(
        "lanes_adam", "three wells, 1e6 starts x 100, adam", "ms", 1e3, many("adam", 1, **ADAM),
        (Rival("gradient_descent", many("gradient_descent", 1, **GD), wanted=1 / 1.5),), both_end,
    )  # fmt: skip
    return [solved, *two, adam]
