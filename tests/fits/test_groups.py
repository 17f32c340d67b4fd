# SPDX-License-Identifier: BSD-3-Clause
"""Fits that share a tape: neighbours do not show in the bits, and failures stay alone."""

import numpy as np
import pytest
from fit_cases import FAMILIES, P0, T, decay, decays, same_bits, with_gaps

import thalweg as tw
from thalweg._fits import reading
from thalweg._results.reasons import Reason

# ---- missing values ------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_fits_without_gaps_have_the_same_bits_beside_others_with_gaps(family):
    f, x, ranges, noise = FAMILIES[family]
    rng = np.random.default_rng(0)
    true = np.column_stack([rng.uniform(*r, 80) for r in ranges])
    y = f(x, *true.T[:, :, None]) + noise * rng.standard_normal((80, x.size))
    gaps = y.copy()
    gaps[::3] = with_gaps(y[::3], 0.3)
    whole, mixed = tw.curve_fit_many(f, x, y, true), tw.curve_fit_many(f, x, gaps, true)
    clean = mixed.n_missing == 0
    assert 20 < clean.sum() < 80
    same_bits(whole[clean], mixed[clean])


def test_a_fit_with_too_few_data_is_nan_and_says_so():
    _, y = decays(4)
    y[1] = np.nan
    y[2, 2:] = np.nan
    fits = tw.curve_fit_many(decay, T, y, P0)
    assert fits.success.tolist() == [True, False, False, True]
    assert np.isnan(fits.popt[1:3]).all()
    assert np.isnan(fits.perr[1:3]).all()
    assert fits.n_missing.tolist() == [0, 20, 18, 0]
    assert (fits.status[1:3] == -3).all()
    assert "fewer data than parameters" in fits[1].message


def test_as_many_data_as_parameters_have_no_errors():
    _, y = decays(2)
    y[1, 3:] = np.nan
    fits = tw.curve_fit_many(decay, T, y, P0)
    assert fits.success.all()
    assert np.isinf(fits.pcov[1]).all()
    assert np.isfinite(fits.pcov[0]).all()


# ---- the same bits -------------------------------------------------------------------------------


HARD = {"bounds": ([0, 0.1, -2], [4.5, 5, 2]), "loss": "soft_l1", "f_scale": 0.05}


def hard_data(k=150):
    """With gaps, infinities, nothing at all, and fits that do not end well."""
    _, y = decays(k, seed=7)
    y[::5] = with_gaps(y[::5], 0.2)
    y[3] = np.inf
    y[10] = np.nan
    y[20] = 0.0
    y[30] = 1e200
    y[40] *= 1e-200
    return y


@pytest.mark.parametrize("how", [{}, HARD], ids=["plain", "bounds, loss"])
def test_same_bits_for_any_chunk_thread_and_order_and_one_by_one(how, monkeypatch):
    y = hard_data()
    whole = tw.curve_fit_many(decay, T, y, P0, threads=1, **how)
    same_bits(whole, tw.curve_fit_many(decay, T, y, P0, threads=2, **how))
    order = np.random.default_rng(0).permutation(len(y))
    same_bits(whole[order], tw.curve_fit_many(decay, T, y[order], P0, **how))
    for size in (64, 100):
        monkeypatch.setattr(reading.FitReader, "most", size)
        same_bits(whole, tw.curve_fit_many(decay, T, y, P0, **how))
    for i in [*range(0, 50, 7), 3, 10, 20, 30, 40]:
        alone = tw.curve_fit_many(decay, T, y[i], P0, **how)
        same_bits(whole[i : i + 1], alone[None])


# ---- infinities ----------------------------------------------------------------------------------


def test_infinite_data_fail_alone():
    _, y = decays(4)
    y[1, 2] = np.inf
    y[2, 2] = 1e200  # its square overflows
    fits = tw.curve_fit_many(decay, T, y, P0)
    assert fits.success.tolist() == [True, False, False, True]
    assert (fits.reason[1:3] == Reason.non_finite).all()
