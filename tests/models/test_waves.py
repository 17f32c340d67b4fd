# SPDX-License-Identifier: BSD-3-Clause
"""Ready oscillations."""

import numpy as np
import pytest
from ready_models import AFTER, CASES, of, recovered

import thalweg as tw

M = tw.models


@pytest.mark.parametrize("name", of("waves"))
@pytest.mark.parametrize("noise", [0.0, 0.01, 0.05])
def test_waves_are_recovered_from_their_own_starts(name, noise):
    assert recovered(CASES[name], noise) >= 0.99


def test_values_are_those_of_the_stated_formulas():
    wave = 3.0 * np.sin(2.5 * AFTER + 0.7)
    np.testing.assert_allclose(M.Sine()(AFTER, 3.0, 2.5, 0.7), wave, rtol=1e-12, atol=1e-14)
    damped = M.DampedSine()(AFTER, 3.0, 2.5, 0.7, 4.0)
    np.testing.assert_allclose(damped, wave * np.exp(-AFTER / 4.0), rtol=1e-12, atol=1e-14)


def test_sine_at_uneven_points_is_found():
    rng = np.random.default_rng(0)
    x = np.sort(rng.uniform(0.0, 10.0, (200, 120)), axis=1)
    p = np.stack([rng.uniform(1, 5, 200), rng.uniform(1, 12, 200), rng.uniform(-3, 3, 200)], 1)
    y = M.Sine()(x, *p.T[:, :, None]) + 0.1 * rng.normal(size=x.shape)
    cost = M.Sine().fit_many(x, y).cost
    assert np.mean(cost < 0.5 * 120 * 0.1**2 * 1.5) >= 0.99


def test_amplitude_of_a_start_is_positive_and_its_shift_within_a_turn():
    case = CASES["Sine"]
    start = case.model.guess(case.x, -case.values(case.parameters(0, 50)))
    assert (start[:, 0] > 0).all()
    assert (np.abs(start[:, 2]) <= np.pi).all()
