# SPDX-License-Identifier: BSD-3-Clause
"""Inputs of many fits, read chunk by chunk: gaps in data, predictors and errors."""

import numpy as np
import pytest
from fit_cases import P0, T, decay, decays, same_bits, with_gaps

import thalweg as tw
from thalweg._fits import chunks, reading
from thalweg._fits.slots import Layout

# ---- missing values ------------------------------------------------------------------------------


def test_gaps_in_predictors_leave_values_out_too():
    _, y = decays(10)
    x = np.tile(T, (10, 1))
    x[3, 4] = np.nan
    fits = tw.curve_fit_many(decay, x, y, P0)
    there = np.arange(T.size) != 4
    assert fits.n_missing.tolist() == [0, 0, 0, 1] + [0] * 6
    np.testing.assert_allclose(
        fits.popt[3], tw.curve_fit(decay, T[there], y[3, there], P0)[0], rtol=1e-9
    )
    shared = np.where(there, T, np.nan)
    fits = tw.curve_fit_many(decay, shared, y, P0)
    assert (fits.n_missing == 1).all()
    for i, row in enumerate(y):
        np.testing.assert_allclose(
            fits.popt[i], tw.curve_fit(decay, T[there], row[there], P0)[0], rtol=1e-9
        )


def test_gaps_are_counted_in_long_fits_too():
    x = np.linspace(0, 5, 900)
    y = np.tile(decay(x, 2, 1, 0), (3, 1))
    y[1, :300] = np.nan
    assert tw.curve_fit_many(decay, x, y, P0).n_missing.tolist() == [0, 300, 0]


def test_gaps_in_sigma_are_welcome_where_the_data_have_them():
    _, y = decays(5)
    sigma = np.full(y.shape, 0.03)
    y[2, 3] = np.nan
    sigma[2, 3] = np.nan
    assert tw.curve_fit_many(decay, T, y, P0, sigma=sigma).success.all()
    sigma[4, 7] = np.nan
    with pytest.raises(ValueError, match="`sigma` must be positive, got nan for value 7 of fit 4"):
        tw.curve_fit_many(decay, T, y, P0, sigma=sigma)


def test_masked_predictors_are_missing_as_masked_data_are():
    _, y = decays(3)
    gap = np.where(np.arange(T.size) == 4, np.nan, T)
    masked = np.ma.array(np.where(np.isnan(gap), -50.0, T), mask=np.isnan(gap))

    def pair(x, a, b, c):
        return a * np.exp(-x[0] / b) + c * x[1]

    for model, x, as_nan in ((decay, masked, gap), (pair, (masked, T), (gap, T))):
        fits = tw.curve_fit_many(model, x, y, P0)
        assert fits.n_missing.tolist() == [1, 1, 1]
        assert np.array_equal(fits.popt, tw.curve_fit_many(model, as_nan, y, P0).popt)
    each = np.ma.array(np.tile(masked.data, (3, 1)), mask=np.tile(masked.mask, (3, 1)))
    assert tw.curve_fit_many(decay, each, y, P0).n_missing.tolist() == [1, 1, 1]


def test_a_function_of_the_data_cannot_change_them():
    _, y = decays(3)
    before = y.copy()

    def guess(data):
        data -= data.min()
        return [1.0, 1.0, 0.0]

    for model in (decay, lambda x, *p: p[0] * x):
        with pytest.raises(ValueError, match="read-only"):
            tw.curve_fit_many(model, T, y, guess)
    assert np.array_equal(y, before)


def test_masked_arrays_have_gaps():
    _, y = decays(6)
    mask = np.random.default_rng(0).random(y.shape) < 0.1
    same_bits(
        tw.curve_fit_many(decay, T, np.ma.array(y, mask=mask), P0),
        tw.curve_fit_many(decay, T, np.where(mask, np.nan, y), P0),
    )


# ---- chunks --------------------------------------------------------------------------------------


def test_a_chunk_of_long_fits_is_few_fits():
    reader = reading.FitReader.__new__(reading.FitReader)
    reader.layout = Layout(10**6, (0, 1, 2))
    reader.sigma = None
    assert 8e6 * reader.most <= chunks.CHUNK
    reader.layout = Layout(10**8, (0, 1, 2))
    assert reader.most == 1


def test_everything_that_differs_by_fit_is_read_chunk_by_chunk(monkeypatch):
    rng = np.random.default_rng(0)
    true, y = decays(150)
    y = with_gaps(y, 0.02).reshape(10, 15, 20)
    how = {
        "p0": true.reshape(10, 15, 3) * 1.1, "sigma": rng.uniform(0.02, 0.06, y.shape),
        "fixed": {"c": true[:, 2].reshape(10, 15)}, "xdata": T + 0.01 * rng.random(y.shape),
    }  # fmt: skip
    whole = tw.curve_fit_many(decay, ydata=y, **how)
    assert whole.success.all()
    monkeypatch.setattr(reading.FitReader, "most", 64)
    same_bits(whole, tw.curve_fit_many(decay, ydata=y, **how))
