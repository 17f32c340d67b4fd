# SPDX-License-Identifier: BSD-3-Clause
"""Samples: sorted, without gaps, and measured."""

import numpy as np

from thalweg.models.samples import Sample, dot, orthonormal, without_gaps

X = np.linspace(0.0, 10.0, 101)[None]


def test_gaps_are_filled_from_their_neighbours():
    y = np.array([[np.nan, 1.0, np.nan, np.nan, 4.0, np.nan], [np.nan] * 6])
    want = [[1.0, 1.0, 1.0, 1.0, 4.0, 4.0], [0.0] * 6]
    np.testing.assert_array_equal(without_gaps(y, np.isfinite(y)), want)


def test_samples_are_sorted_with_missing_points_last():
    x = np.array([[3.0, np.nan, 1.0, 2.0]])
    sample = Sample.of(x, np.array([[30.0, 99.0, 10.0, np.inf]]))
    np.testing.assert_array_equal(sample.x, [[1.0, 2.0, 3.0, 3.0]])
    np.testing.assert_array_equal(sample.y, [[10.0, 10.0, 30.0, 30.0]])
    np.testing.assert_array_equal(sample.kept, [[1.0, 0.0, 1.0, 0.0]])


def test_peaks_are_measured_at_half_height():
    y = np.exp(-0.5 * ((X - 4.0) / 0.8) ** 2)
    for sign in (1.0, -1.0):
        peak = next(iter(Sample(X, sign * y).peaks()))
        # smoothing over three points widens by less than 1 %, interpolation errs less
        np.testing.assert_allclose(peak.center, 4.0, atol=0.01)
        np.testing.assert_allclose(peak.fwhm, 0.8 * 2.3548, rtol=0.02)


def test_steps_are_found_where_they_are():
    y = np.where(X > 6.05, 2.0, 0.0)
    rise, _ = Sample(X, y).steps()
    _, fall = Sample(X, 2.0 - y).steps()
    (split,) = Sample(X, 2.0 - y, level=0).steps()
    for place in (rise, fall, split):
        np.testing.assert_allclose(place, 6.05, atol=0.051)


def test_even_values_interpolate():
    x = np.array([[0.0, 1.0, 1.0, 4.0, 8.0]])
    step, values = Sample(x, 2.0 * x + 1.0).even()
    places = step * np.arange(values.shape[1])
    np.testing.assert_allclose(values, 2.0 * places + 1.0, rtol=1e-12)


def test_frequencies_begin_with_the_strongest():
    y = np.sin(5.3 * X + 0.4)
    found = Sample(X, y).frequencies()
    # a parabola through the periodogram's peak errs by a few percent of its width, 2 pi / 10
    np.testing.assert_allclose(found[0], 5.3, atol=0.03)


def test_orthonormal_columns_are_orthonormal_and_dependent_ones_vanish():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 4, 50))
    p = orthonormal(a, [])
    q = orthonormal(b, [p])
    np.testing.assert_allclose(dot(p, p), 1.0, rtol=1e-14)
    np.testing.assert_allclose(dot(p, q), 0.0, atol=1e-15)
    assert not orthonormal(a - 3.0 * b, [p, q]).any()
    assert not orthonormal(0.0 * a, []).any()
