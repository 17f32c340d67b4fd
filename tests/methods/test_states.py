# SPDX-License-Identifier: BSD-3-Clause
"""The state of a solver, taken at any moment, continues to where the unbroken run ends."""

import re
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import thalweg as tw

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
functions = pytest.importorskip("functions", reason="the benchmarks are not beside the tests")

SOLVERS = list(tw.methods("solvers"))
BY_NAME = {p.name: p for p in functions.PROBLEMS}
MOST = 60


def faint(x):
    """Far from its minimum, but a step as long as the gradient does not change f."""
    return 1e3 + 1e-14 * np.sum((x - 3) ** 2)


def kinked(x):
    return np.abs(x[0] - 1) + 2 * np.abs(x[1] + x[0]) + 0.1 * np.sum(x**2)


OWN = {"faint": (faint, [0.0, 0.0]), "kinked": (kinked, [3.0, -2.0])}
PUBLISHED = [
    "Rosenbrock", "Rosenbrock over 1e8", "Difference of large sums, n = 10",
    "Ripples of 1e-9, n = 4", "HS 2", "Saddle with walls, n = 20",
]  # fmt: skip


class Runs:
    """Runs of one solver on one problem."""

    def __init__(self, name, solver):
        function, start = OWN.get(name) or (BY_NAME[name].function, BY_NAME[name].x0)
        limits = None if name in OWN else BY_NAME[name].bounds
        self.start, self.solver = np.array(start), solver
        self.objective = tw.objective(function, self.start, unpack=False)
        self.bounds = limits and tw.Bounds(
            *(np.broadcast_to(np.asarray(b, dtype=float), self.start.shape) for b in limits)
        )

    def run(self, state=None, **stops):
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return tw.minimize(
                self.objective, self.start, self.solver, bounds=self.bounds, state=state, **stops
            )


def ending(r):
    """What two runs of one descent have in common, to the bit."""
    sentence = re.sub(r"(after )?\d+ iterations?( >= max_iter = \d+)?", "", r.message)
    return r.x.tobytes(), r.fun, r.last.x.tobytes(), r.last.fun, r.state.nit, r.reason, sentence


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("name", [*OWN, *PUBLISHED])
def test_every_moment_continues_bit_for_bit(name, solver):
    """Before the first step, after each iteration, within searches, and within examinations."""
    runs = Runs(name, solver)
    whole = runs.run(max_iter=MOST)
    halves = [runs.run(max_iter=k) for k in range(min(whole.nit, MOST - 1) + 1)]
    halves += [runs.run(max_iter=MOST, max_nfev=k) for k in range(1, min(whole.nfev, 2 * MOST))]
    cut = [h for h in halves if h.reason.name in ("max_iterations", "max_evaluations")]
    assert cut
    for half in (h for h in cut if h.nit < MOST):
        rest = runs.run(state=half.state, max_iter=MOST - half.nit)
        assert ending(rest) == ending(whole), (half.nit, half.nfev)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_state_of_another_function_knows_no_lower_value_here(solver):
    """Neither the least value nor a verdict belongs to what is minimized now."""
    low, high = (lambda x, up=up: np.sum((x - 1) ** 4 + x**2) + up for up in (0.0, 5.0))
    state = tw.minimize(low, np.full(3, 4.0), solver, max_iter=3).state
    r = tw.minimize(high, np.full(3, 4.0), solver, state=state)
    assert r.success
    assert r.fun >= 5
    assert r.fun == pytest.approx(tw.minimize(high, np.zeros(3), solver).fun, rel=1e-12)


@pytest.mark.parametrize("solver", [s for s in SOLVERS if s != "compass"])
def test_a_state_continues_within_other_bounds(solver):
    """A search that a state holds may lead out of them; then another one begins."""

    def f(x):
        return np.sum((x - 3) ** 2 + 0.1 * x**4)

    state = tw.minimize(f, np.zeros(2), solver, bounds=[(-5, 5)] * 2, max_iter=1).state
    moved = replace(state, x=np.clip(state.x, -1, 1))
    for given in (state, moved):
        box = [(-1, 1)] * 2 if given is moved else [(-5, float(np.max(state.x)))] * 2
        r = tw.minimize(f, np.zeros(2), solver, bounds=box, state=given)
        assert r.success, r.message
        np.testing.assert_allclose(r.x, min(box[0][1], 1.8114), atol=1e-4)
