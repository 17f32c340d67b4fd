# SPDX-License-Identifier: BSD-3-Clause
"""Works of many descents with a question: basins, sweeps, the minima among ends; whole calls.

The rivals are NumPy over all lanes in blocks that stay in the cache, with gradients by hand, and
the simplest verdict that answers the same question.
"""

from __future__ import annotations

from typing import Any

from workloads import Call, Floats, Rival, Work  # isort: skip - before NumPy

import numpy as np
from starts import three_wells, three_wells_gradient

import thalweg as tw
from thalweg._descents.stationary import Box

BOX = [(0.0, 5.0), (0.0, 5.0)]
MINIMA = np.array([[0.52303226, 0.51698916], [3.47888053, 3.94751517], [2.9806366, 1.5408734]])
BLOCK = 4000  # starts whose arrays stay in the second cache
RATES = np.linspace(0.001, 0.6, 10_000)
STEPS = 100


def basins_here() -> Call:
    def call() -> Any:
        return tw.basins(
            three_wells, BOX, (512, 512), "gradient_descent", learning_rate=0.2, max_iter=STEPS,
            gtol=0, bounded=False, threads=1, unpack=True,
        ).labels.ravel()  # fmt: skip

    return call


def basins_in_numpy() -> Call:
    x, y = (g.ravel() for g in np.meshgrid(*[np.linspace(0, 5, 512)] * 2, indexing="ij"))

    def call() -> Any:
        labels = np.full(x.size, -1)
        for at in range(0, x.size, BLOCK):
            u, v = x[at : at + BLOCK].copy(), y[at : at + BLOCK].copy()
            for _ in range(STEPS):
                gu, gv = three_wells_gradient(u, v)
                u -= 0.2 * gu
                v -= 0.2 * gv
            for i, (a, b) in enumerate(MINIMA):
                near = (np.abs(u - a) <= 5e-3) & (np.abs(v - b) <= 5e-3)
                labels[at : at + BLOCK][near] = i
        return labels

    return call


def omega(x: Any) -> Any:
    return np.exp(x) - np.log(x)


def sweep_here() -> Call:
    def call() -> Any:
        return tw.sweep(omega, 1.6, learning_rate=RATES, max_iter=STEPS, threads=1).verdict

    return call


def sweep_in_numpy() -> Call:
    def call() -> Any:
        with np.errstate(all="ignore"):
            x = np.full(RATES.size, 1.6)
            f, verdict = omega(x), np.full(RATES.size, -1)
            fell, late = np.ones(RATES.size, bool), np.zeros(RATES.size, int)
            for step in range(STEPS):
                x = x - RATES * (np.exp(x) - 1 / x)
                before, f = f, omega(x)
                open_ = verdict < 0
                slope = np.abs(np.exp(x) - 1 / x)
                verdict[open_ & (slope <= 1e-8)] = tw.Verdict.converged
                verdict[open_ & ~(x > 0)] = tw.Verdict.left_domain
                verdict[open_ & (x > 0) & ~np.isfinite(f)] = tw.Verdict.diverged
                fell &= f < before
                late += (f > before) & (step >= STEPS // 2)
            half = STEPS - STEPS // 2
            left = verdict < 0
            verdict[left] = tw.Verdict.unfinished
            verdict[left & (4 * late >= half)] = tw.Verdict.oscillating
            verdict[left & fell] = tw.Verdict.too_small
            verdict[left & (late >= half)] = tw.Verdict.diverged
            return verdict

    return call


def nearly_the_same(ours: Any, theirs: Any) -> None:
    """Equal but for what rounding decides, at the border of two verdicts or two basins."""
    share = float(np.mean(np.asarray(ours) != np.asarray(theirs)))
    assert share <= 2e-3, f"{share:.2%} differ"


def ends() -> tuple[Any, Floats]:
    """A million ends at the 121 minima of Rastrigin's function, off by what descents leave."""
    rng = np.random.default_rng(0)
    at = rng.integers(-5, 6, (1_000_000, 2)) * 0.99495864
    f = tw.objective(lambda x: 20 + np.sum(x**2 - 10 * np.cos(2 * np.pi * x)), np.zeros(2))
    return f, at + 1e-8 * rng.standard_normal(at.shape)


def merging_here() -> Call:
    from thalweg._descents.minima import find_minima

    f, x = ends()
    box = Box(np.full(2, -5.12), np.full(2, 5.12), True)
    out = {"x": x, "fun": f(x), "reason": np.zeros(len(x), np.int8)}
    return lambda: np.bincount(find_minima(f, box, out, 1e-3)[2])


def merging_in_numpy() -> Call:
    """The minima alone, on a lattice that is known: no polishing, no Hessian."""
    _, x = ends()

    def call() -> Any:
        _, counts = np.unique(np.rint(x), axis=0, return_counts=True)
        return counts

    return call


def same_counts(ours: Any, theirs: Any) -> None:
    assert sorted(ours) == sorted(theirs)


def works() -> list[Work]:
    """Basins, a sweep, a million ends told apart."""
    return [
        Work(
            "basins", "512 x 512 basins of the three wells, gradient descent, 100 iterations", "ms",
            1e3, basins_here, (Rival("NumPy in blocks", basins_in_numpy, most_rounds=3),),
            nearly_the_same, limit=100,
        ),
        Work(
            "sweep", "10,000 learning rates x 100 iterations, verdicts included", "ms", 1e3,
            sweep_here, (Rival("NumPy", sweep_in_numpy, most_rounds=9),), nearly_the_same, limit=5,
        ),
        Work(
            "merging", "a million ends told apart: 121 minima, judged and polished", "ms", 1e3,
            merging_here, (Rival("np.unique", merging_in_numpy, most_rounds=3),), same_counts,
        ),
    ]  # fmt: skip
