# SPDX-License-Identifier: BSD-3-Clause
"""The result of many fits: indexed, sliced, sorted, saved, shown as a table."""

import pickle

import numpy as np
import pytest
from fit_cases import P0, T, decay, decays, same_bits

import thalweg as tw

# ---- missing values ------------------------------------------------------------------------------


def test_fits_are_sorted_by_a_parameter():
    _, y = decays(5)
    by_name = tw.curve_fit_many(decay, T, y, P0).sort("b", descending=True)
    assert np.all(np.diff(by_name["b"]) < 0)


# ---- what comes back -----------------------------------------------------------------------------


def test_fits_index_slice_save_and_print(tmp_path):
    _, y = decays(12)
    y[4, 2] = np.nan
    fits = tw.curve_fit_many(decay, T, y.reshape(3, 4, 20), P0)
    assert fits.names == ["a", "b", "c"]
    assert fits["b"].shape == (3, 4)
    one = fits[1, 2]
    np.testing.assert_array_equal(one.popt, fits.popt[1, 2])
    assert "largest cosine" in one.message
    assert "nan" not in one.message
    assert fits[1:].popt.shape == (2, 4, 3)
    assert fits[fits.success].popt.shape == (12, 3)
    np.savez(tmp_path / "f.npz", **fits)
    with np.load(tmp_path / "f.npz") as saved:
        np.testing.assert_array_equal(saved["pcov"], fits.pcov)
        assert saved["names"].tolist() == ["a", "b", "c"]
    again = pickle.loads(pickle.dumps(fits))
    same_bits(again, fits)
    best = fits[0].sort()
    assert (np.diff(best.cost) >= 0).all()
    table = fits.to_dataframe()
    assert table["b"].tolist() == fits["b"].ravel().tolist()
    assert {"a", "perr[c]", "pcov[a, b]", "cost", "reason"} <= set(table.columns)
    text = repr(fits)
    for word in ("fits: 3 x 4", "a = ", "±", "missing: 1 values in 1 fits", "reason", "nfev"):
        assert word in text, text
    with pytest.raises(ValueError, match="two leading axes"):
        fits[0].plot()
    axes = fits.plot()
    assert axes.shape == (2, 3)
    assert [ax.get_title() for ax in axes[0]] == ["a", "b", "c"]
