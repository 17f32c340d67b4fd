# SPDX-License-Identifier: BSD-3-Clause
"""Quantiles, against printed tables and SciPy."""

import numpy as np
import pytest

from thalweg._inference.quantiles import checked_level, chi_squared, fisher, student


def test_quantiles_are_those_of_printed_tables():
    """Abramowitz and Stegun 1964, tables 26.8, 26.9 and 26.10."""
    np.testing.assert_allclose(student(0.95, [1, 10, 120]), [12.706, 2.228, 1.980], atol=5e-4)
    assert chi_squared(0.95, 1) == pytest.approx(3.84146, abs=5e-6)
    assert chi_squared(0.95, 2) == pytest.approx(5.99146, abs=5e-6)
    assert fisher(0.95, 2, 10) == pytest.approx(2 * 4.10, abs=1e-2)


def test_quantiles_are_scipys():
    stats = pytest.importorskip("scipy.stats", reason="SciPy is the reference")
    for level in (0.5, 0.6827, 0.95, 0.999999):
        for dof in (1.0, 2.0, 7.0, 30.0, 1e5):
            # Twelve digits of F far out, where both lose some.
            np.testing.assert_allclose(
                student(level, dof), stats.t.ppf(0.5 + level / 2, dof), rtol=1e-9
            )
            np.testing.assert_allclose(
                fisher(level, 2, dof), 2 * stats.f.ppf(level, 2, dof), rtol=1e-9
            )


def test_many_data_tend_to_the_normal_distribution():
    assert student(0.95, np.inf) == pytest.approx(1.959963984540054, rel=1e-12)
    assert fisher(0.9, 2, np.inf) == chi_squared(0.9, 2)
    assert fisher(0.9, 1, 7.0) == pytest.approx(student(0.9, 7.0) ** 2)


def test_no_degrees_of_freedom_have_no_quantile():
    assert np.isnan(student(0.9, [0.0, -1.0, np.nan])).all()


@pytest.mark.parametrize("level", [0, 1, 95, -0.1])
def test_a_level_outside_0_and_1_is_refused(level):
    with pytest.raises(ValueError, match=f"level must lie between 0 and 1.*got {level}"):
        checked_level(level)


def test_a_level_that_is_no_number_is_refused():
    with pytest.raises(TypeError, match="level must be a number"):
        checked_level("95%")
