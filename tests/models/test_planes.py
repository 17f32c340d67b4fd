# SPDX-License-Identifier: BSD-3-Clause
"""Peaks in a plane."""

import numpy as np
import pytest
from ready_models import CASES, IMAGE, recovered
from scipy import stats

import thalweg as tw

M = tw.models


@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_spots_are_recovered_from_their_own_starts(noise):
    assert recovered(CASES["Gaussian2D"], noise) >= 0.99


def test_values_are_products_of_normal_densities():
    got = M.Gaussian2D()(IMAGE, 3.0, 9.0, 6.0, 2.0, 1.5)
    want = 3.0 * stats.norm.pdf(IMAGE[0], 9.0, 2.0) * stats.norm.pdf(IMAGE[1], 6.0, 1.5)
    np.testing.assert_allclose(got, want, rtol=1e-12)


def test_spots_on_a_level_are_found_in_many_images():
    curve = M.Gaussian2D() + M.Constant()
    p = np.array([[300.0, 9.0, 6.0, 2.0, 1.5, 40.0], [-500.0, 15.0, 11.0, 1.2, 2.5, 80.0]])
    y = np.stack([curve(IMAGE, *each) for each in p])
    np.testing.assert_allclose(curve.fit_many(IMAGE, y).popt, p, rtol=1e-7)
    np.testing.assert_allclose(
        curve.fit_many(np.stack(IMAGE), y[[0, 1, 0]]).popt, p[[0, 1, 0]], rtol=1e-7
    )
    np.testing.assert_allclose(curve.fit(IMAGE, y[0])[0], p[0], rtol=1e-7)


def test_one_coordinate_is_an_error():
    with pytest.raises(ValueError, match="must be a tuple of two arrays"):
        M.Gaussian2D().guess(IMAGE[0], IMAGE[0])
