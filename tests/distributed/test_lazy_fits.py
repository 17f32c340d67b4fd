# SPDX-License-Identifier: BSD-3-Clause
"""LazyFits: its arrays are those of the fits, and Dask's own functions take it."""

import numpy as np
import pytest
from distributed_cases import P0, T, Y, assert_same, decay

import thalweg as tw
from thalweg import _core
from thalweg._distributed.packing import ISAS

dask = pytest.importorskip("dask", reason="Dask is not installed")
da = pytest.importorskip("dask.array", reason="Dask is not installed")

y = Y[:50]
WANTED = tw.curve_fit_many(decay, T, y, P0)


def lazy(**given):
    data = da.from_array(y, chunks=(20, -1))
    return tw.curve_fit_many(decay, T, data, P0, **given)


def test_every_array_is_there_with_its_type_and_chunks():
    fits = lazy()
    for name in WANTED._arrays:
        array = fits[name]
        assert array.dtype == WANTED[name].dtype
        assert array.shape == WANTED[name].shape
        assert array.chunks[0] == (20, 20, 10)
        assert np.array_equal(array.compute(scheduler="sync"), WANTED[name], equal_nan=True)
    assert np.array_equal(fits["b"].compute(scheduler="sync"), WANTED["b"], equal_nan=True)
    assert list(fits.params) == ["a", "b", "c"]


def test_unknown_names_say_what_there_is():
    with pytest.raises(AttributeError, match=r"has no 'report'; it has popt, .* and compute"):
        _ = lazy().report
    with pytest.raises(KeyError, match="'z': there are popt"):
        _ = lazy()["z"]


def test_arrays_computed_together_are_fitted_once():
    ran = []

    def block(chunk):
        ran.append(1)
        return chunk

    data = da.from_array(y, chunks=(20, -1)).map_blocks(block, meta=np.empty((0, 0)))
    fits = tw.curve_fit_many(decay, T, data, P0)
    whole, b, perr = dask.compute(fits, fits["b"], fits.perr, scheduler="sync")
    assert len(ran) == 3
    assert np.array_equal(whole["b"], b, equal_nan=True)
    assert np.array_equal(whole.perr, perr, equal_nan=True)
    kept = fits.persist(scheduler="sync")
    kept.compute(scheduler="sync")
    assert len(ran) == 6
    assert kept.names == fits.names


def test_computed_fits_say_what_fits_say():
    fits = lazy().compute(scheduler="sync")
    assert_same(fits, WANTED)
    wanted = WANTED[:17]  # bic of fits without data warns
    fits = fits[:17]
    for name in ("dof", "chi2", "reduced_chi2", "aic", "bic", "r2", "correlations"):
        assert np.array_equal(getattr(fits, name), getattr(wanted, name), equal_nan=True), name
    assert fits.report() == wanted.report()
    assert fits[3].message == WANTED[3].message
    assert np.array_equal(fits.predict([0.0, 9.0]), wanted.predict([0.0, 9.0]), equal_nan=True)
    assert fits.elapsed > 0
    with pytest.raises(ValueError, match="needs the traced model and the data"):
        _ = fits.residuals


def test_statistics_of_losses_and_priors_are_made_by_the_tasks():
    for given in ({"loss": "huber", "f_scale": 0.03}, {"sigma": 0.02, "priors": {"a": (2.0, 0.1)}}):
        wanted, fits = tw.curve_fit_many(decay, T, y, P0, **given), lazy(**given).compute()
        assert np.array_equal(fits.chi2, wanted.chi2, equal_nan=True)
        assert np.array_equal(fits.r2, wanted.r2, equal_nan=True)


def test_the_instruction_set_of_each_fit():
    isa = lazy().isa.compute(scheduler="sync")
    assert {ISAS[i] for i in isa} == {_core.active_isa()}


def test_fits_that_were_computed_can_be_saved(tmp_path):
    fits = lazy().compute(scheduler="sync")
    fits.save(tmp_path / "map.npz")
    again = tw.load(tmp_path / "map.npz", model=decay)
    assert_same(again, fits)
    assert again.isa.dtype == np.int8
