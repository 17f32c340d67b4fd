# SPDX-License-Identifier: BSD-3-Clause
"""The step of the shared parameters: least squares within a trust region and bounds."""

import numpy as np
import pytest
from scipy import optimize

from thalweg._together.shared_step import shared_step

RNG = np.random.default_rng(2)
TRIANGLE = np.triu(RNG.normal(size=(4, 4)) + 2 * np.eye(4))
MATRIX, RIGHT = TRIANGLE[:3, :3], TRIANGLE[:3, 3]
UNITS = np.array([1.0, 2.0, 0.5])


def test_whole_step_solves_the_system():
    found = shared_step(TRIANGLE, np.inf, UNITS, np.zeros(3), [])
    assert found.whole
    assert found.step == pytest.approx(-np.linalg.solve(MATRIX, RIGHT), rel=1e-12)
    assert found.fall == pytest.approx(0.5 * RIGHT @ RIGHT, rel=1e-12)


def test_trust_region_shortens_and_turns_the_step():
    whole = shared_step(TRIANGLE, np.inf, UNITS, np.zeros(3), [])
    radius = 0.3 * np.linalg.norm(UNITS * whole.step)
    found = shared_step(TRIANGLE, radius, UNITS, np.zeros(3), [])
    length = np.linalg.norm(UNITS * found.step)
    assert not found.whole
    assert 0.9 * radius <= length <= 1.1 * radius
    # It is the best of all steps of its length.
    best = optimize.minimize(
        lambda d: np.sum((MATRIX @ d + RIGHT) ** 2), found.step,
        constraints={"type": "eq", "fun": lambda d: np.sum((UNITS * d) ** 2) - length**2},
    )  # fmt: skip
    assert found.step == pytest.approx(best.x, abs=1e-4)  # SLSQP stops at 1e-6 in the square


def test_bounds_are_kept_and_the_others_solved_for_again():
    whole = shared_step(TRIANGLE, np.inf, UNITS, np.zeros(3), [])
    at = int(np.argmax(whole.step))
    high = np.full(3, np.inf)
    high[at] = 0.5 * whole.step[at]
    box = [np.full(3, -np.inf), high]
    found = shared_step(TRIANGLE, np.inf, UNITS, np.zeros(3), box)
    want = optimize.lsq_linear(MATRIX, -RIGHT, bounds=box, tol=1e-14).x
    assert found.step == pytest.approx(want, abs=1e-9)
    assert found.step[at] == high[at]


def test_parameter_at_a_bound_that_the_slope_points_across_is_held():
    slope = MATRIX.T @ RIGHT
    low, high = np.full(3, -np.inf), np.full(3, np.inf)
    (low if slope[0] > 0 else high)[0] = 0.0
    found = shared_step(TRIANGLE, np.inf, UNITS, np.zeros(3), [low, high])
    assert found.held.tolist() == [True, False, False]
    assert found.step[0] == 0.0


def test_parameter_without_effect_does_not_move():
    triangle = TRIANGLE.copy()
    triangle[:, 1] = 0.0
    found = shared_step(triangle, np.inf, UNITS, np.zeros(3), [])
    assert found.step[1] == pytest.approx(0.0, abs=1e-14)
    assert np.isfinite(found.step).all()
