# SPDX-License-Identifier: BSD-3-Clause
"""Central differences: right to eight digits, of numbers and arrays, never outside the bounds."""

import numpy as np
import pytest

from thalweg._objectives.differences import central_differences


def test_of_a_number():
    x = np.array([0.3, -2.0, 4.0])
    slopes = list(central_differences(lambda p: np.sin(p[0]) * p[1] + p[2] ** 2, x, []))
    # Rounding of values near 16 over a step of 1e-5 leaves nine digits.
    assert slopes == pytest.approx([-2 * np.cos(0.3), np.sin(0.3), 8.0], rel=1e-8)


def test_of_an_array():
    x = np.array([1.0, 2.0])
    columns = list(central_differences(lambda p: np.array([p[0] * p[1], p[1] ** 2]), x, []))
    np.testing.assert_allclose(columns, [[2.0, 0.0], [1.0, 4.0]], rtol=1e-9, atol=1e-12)


def test_they_lean_inwards_at_a_bound():
    box = [np.array([0.0, -1.0, 2.0]), np.array([1.0, 0.5, 2.0])]
    seen = []

    def function(p):
        seen.append(p)
        return float(p @ p)

    slopes = list(central_differences(function, np.array([0.0, 0.5, 2.0]), box))
    assert slopes[:2] == pytest.approx([0.0, 1.0], abs=1e-4)
    assert slopes[2] == 0.0  # no room: not 0 / 0
    assert all((p >= box[0]).all() and (p <= box[1]).all() for p in seen)
