# SPDX-License-Identifier: BSD-3-Clause
"""Distributions of tw.stats at the edges: discrete."""

import numpy as np
import pytest

import thalweg as tw


def test_numbers_that_are_not_whole_have_no_probability():
    assert tw.stats.poisson.pmf(1.5, 2.0) == 0
    assert tw.stats.binom.pmf([-1, 10, 3], 9, 0.3)[:2] == pytest.approx([0, 0])
    assert tw.stats.binom.cdf(9, 9, 0.3) == 1


def test_a_rate_is_fitted_to_counts():
    k = np.array([3, 1, 4, 1, 5, 9, 2, 6])
    r = tw.minimize(lambda mu: -np.sum(tw.stats.poisson.logpmf(k, mu)), 1.0, bounds=(1e-3, None))
    assert r.x == pytest.approx(np.mean(k), rel=1e-6)
