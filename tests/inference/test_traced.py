# SPDX-License-Identifier: BSD-3-Clause
"""Bands and correlations that are traced are those that NumPy computes."""

import numpy as np
import pytest
from fit_cases import P0, T, decay, decays

import thalweg as tw
from thalweg._inference.sources import pieces
from thalweg._inference.traced import bands, correlations_of


def piece_of(fits):
    (piece,) = pieces(fits)
    return piece.tapes, piece.inputs


def test_ends_of_bands_are_values_and_multiples_of_deviations():
    _, y = decays(4)
    fits = tw.curve_fit_many(decay, T, y, P0)
    tapes, inputs = piece_of(fits)
    columns, _ = tapes.jacobians(inputs, 1)
    columns = columns.reshape(4, 3, T.size)
    spread = np.einsum("kim,kij,kjm->km", columns, fits.pcov, columns)
    times = np.array([1.0, 2.0, 0.5, np.inf])
    for beside in (np.full((4, 1), 0.25), np.arange(4.0 * T.size).reshape(4, -1)):
        for counts in (False, True):
            values, lower, upper = bands(tapes, inputs, fits.pcov, times, beside, counts, 1)
            own = spread + beside + counts * np.maximum(values, 0.0)
            half = times[:, None] * np.sqrt(own)
            np.testing.assert_allclose(values, fits.fitted, rtol=1e-15)
            np.testing.assert_allclose(upper, values + half, rtol=1e-12)
            np.testing.assert_allclose(lower, values - half, rtol=1e-12)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_correlations_are_covariances_over_errors(n):
    a = np.random.default_rng(n).normal(size=(7, n, 2 * n))
    pcov = a @ a.transpose(0, 2, 1)
    pcov[1] = np.inf
    pcov[2, 0] = pcov[2, :, 0] = np.nan
    pcov[3, 0] = pcov[3, :, 0] = 0.0
    errors = np.sqrt(np.diagonal(pcov, axis1=1, axis2=2))
    with np.errstate(invalid="ignore"):
        wanted = pcov / (errors[:, :, None] * errors[:, None, :])
    wanted[:, range(n), range(n)] = np.where(np.isfinite(errors) & (errors > 0), 1.0, np.nan)
    (found,) = correlations_of(pcov)
    np.testing.assert_allclose(found, wanted, rtol=1e-14)
    np.testing.assert_array_equal(found, found.transpose(0, 2, 1))
    apart = correlations_of(pcov, apart=True)
    for each, (i, j) in zip(apart, zip(*np.tril_indices(n, -1), strict=True), strict=True):
        np.testing.assert_array_equal(each, found[:, i, j])
