# SPDX-License-Identifier: BSD-3-Clause
"""What fits were made from is read again, for all of them or for some."""

import pickle

import numpy as np
import pytest
from fit_cases import P0, T, decay, decays

import thalweg as tw
from thalweg._inference.sources import flat_lanes, pieces, selected, source_of


def test_pieces_cover_all_fits_in_order():
    _, y = decays(9)
    fits = tw.curve_fit_many(decay, T, y, P0)
    for some in (fits, fits[2:7], fits[[3, 1, 1]]):
        parts = list(pieces(some))
        every = np.arange(some.size)
        assert np.concatenate([every[p.where] for p in parts]).tolist() == every.tolist()
        x = np.concatenate([p.inputs["x"] for p in parts])
        np.testing.assert_array_equal(x, some.popt)
    assert flat_lanes(fits) is None
    assert flat_lanes(fits[[3, 1, 1]][1:]).tolist() == [1, 1]


def test_some_fits_have_their_own_data_errors_starts_and_fixed_values():
    _, y = decays(6)
    y = y.reshape(2, 3, 20)
    x = np.broadcast_to(T, y.shape) + np.arange(6.0).reshape(2, 3, 1)
    sigma, start = np.full(y.shape, 0.1), np.broadcast_to(P0, (2, 3, 3)).copy()
    sigma[1, 2], start[1, 2, 0] = 0.2, 3.0
    fits = tw.curve_fit_many(
        decay, x, y, start, sigma=sigma, fixed={"c": np.arange(6.0).reshape(2, 3)}
    )
    problem, settings = selected(*source_of(fits), np.array([5, 0]))
    np.testing.assert_array_equal(problem.data, y.reshape(6, 20)[[5, 0]])
    np.testing.assert_array_equal(problem.varying[0][0], x[1, 2])
    np.testing.assert_array_equal(problem.start[0], start[1, 2])
    np.testing.assert_array_equal(settings.sigma[:, 0], [0.2, 0.1])
    np.testing.assert_array_equal(settings.fixed["c"], [5.0, 0.0])


def test_a_fit_from_a_file_says_that_it_has_no_model():
    _, y = decays(3)
    fits = pickle.loads(pickle.dumps(tw.curve_fit_many(decay, T, y, P0)))
    assert fits.chi2.shape == (3,)
    with pytest.raises(ValueError, match="needs the traced model and the data of the fits"):
        _ = fits.residuals
