# SPDX-License-Identifier: BSD-3-Clause
"""Fits go to xarray and pandas, and come back with what they said."""

import io
import sys

import numpy as np
import pytest
from fit_cases import P0, T, decay, decays, with_gaps

import thalweg as tw
from thalweg._files.labelled import described

Y = with_gaps(decays(6)[1]).reshape(2, 3, 20)
SAID = {
    "plain": {},
    "fixed": {"fixed": ("c",)},
    "loss": {"loss": "huber", "f_scale": 0.05},
    "priors": {"sigma": 0.05, "priors": {"b": (1.0, 0.5)}},
    "mask": {"mask": np.array([[True, False, True], [True, True, False]])},
}
STATISTICS = ("dof", "chi2", "reduced_chi2", "aic", "bic", "correlations")


def same(found, fits, statistics=STATISTICS):
    assert found.shape == fits.shape
    assert sorted(found.keys()) == sorted(fits.keys())
    for key in fits.keys():  # noqa: SIM118
        np.testing.assert_array_equal(found[key], fits[key], err_msg=key)
        assert np.asarray(found[key]).dtype == np.asarray(fits[key]).dtype, key
    for name in statistics:
        np.testing.assert_array_equal(getattr(found, name), getattr(fits, name), err_msg=name)


@pytest.mark.parametrize("said", SAID.values(), ids=SAID)
def test_fits_come_back_from_xarray(said):
    pytest.importorskip("xarray", reason="an optional extra")
    fits = tw.curve_fit_many(decay, T, Y, P0, **said)
    ds = fits.to_xarray(("y", "x"), {"x": [10, 20, 30]})
    assert ds.pcov.dims == ("y", "x", "cov_i", "cov_j")
    assert ds.perr.sel(param="b", x=20).values.tolist() == fits.perr[:, 1, 1].tolist() or said
    found = tw.Fits.from_xarray(ds)
    same(found, fits, (*STATISTICS, "r2"))
    assert found.report() == fits.report()
    assert found[0, 2].message == fits[0, 2].message
    turned = tw.Fits.from_xarray(ds.transpose("param", "cov_j", "x", "cov_i", "y"))
    np.testing.assert_array_equal(turned.pcov, fits.pcov.transpose(1, 0, 2, 3))
    some = tw.Fits.from_xarray(ds.isel(y=1).sel(x=[30, 10]).assign(note=("x", ["a", "b"])))
    np.testing.assert_array_equal(some.r2, fits.r2[1, [2, 0]])


def test_datasets_may_be_written_and_read(tmp_path):
    xr = pytest.importorskip("xarray", reason="an optional extra")
    pytest.importorskip("scipy", reason="writes NetCDF")
    fits = tw.curve_fit_many(decay, T, Y, P0)
    fits.to_xarray().to_netcdf(tmp_path / "map.nc", engine="scipy", format="NETCDF3_64BIT")
    with xr.open_dataset(tmp_path / "map.nc", engine="scipy") as ds:
        found = tw.Fits.from_xarray(ds.load())
    np.testing.assert_array_equal(found.popt, fits.popt)
    np.testing.assert_array_equal(found.r2, fits.r2)
    assert found.report() == fits.report()


def test_dimensions_are_checked():
    pytest.importorskip("xarray", reason="an optional extra")
    fits = tw.curve_fit_many(decay, T, Y, P0)
    for bad in ("x", ["x", "x"], ("x", "param"), ("x", "y", "z")):
        with pytest.raises(ValueError, match=r"dims must name the 2 leading axes .* \(2, 3\)"):
            fits.to_xarray(bad)
    assert fits[0].to_xarray().popt.dims == ("dim_0", "param")
    assert tw.Fits.from_xarray(fits[0].to_xarray("x")[["popt", "reason"]]).popt.shape == (3, 3)
    with pytest.raises(ValueError, match="must have the variable 'reason'"):
        tw.Fits.from_xarray(fits.to_xarray().drop_vars("reason"))


def test_xarray_is_asked_for_by_name(monkeypatch):
    fits = tw.curve_fit_many(decay, T, Y, P0)
    monkeypatch.setitem(sys.modules, "xarray", None)
    with pytest.raises(ImportError, match=r'to_xarray needs xarray: pip install "thalweg\[xarray'):
        fits.to_xarray()


@pytest.mark.parametrize("said", SAID.values(), ids=SAID)
def test_fits_come_back_from_pandas(said):
    pytest.importorskip("pandas", reason="an optional extra")
    fits = tw.curve_fit_many(decay, T, Y, P0, **said)
    frame = fits.to_dataframe()
    robust = "loss" in said
    own = [name for name in STATISTICS if name == "dof" or name == "correlations" or not robust]
    same(tw.Fits.from_dataframe(frame), fits, own)
    same(tw.Fits.from_dataframe(frame.sample(frac=1, random_state=0)), fits, own)
    same(tw.Fits.from_dataframe(frame.loc[[1]]), fits[1:], own)
    flat = tw.Fits.from_dataframe(frame.reset_index(drop=True))
    np.testing.assert_array_equal(flat.popt, fits.popt.reshape(6, 3))


def test_tables_without_attributes_know_their_columns():
    pd = pytest.importorskip("pandas", reason="an optional extra")
    fits = tw.curve_fit_many(decay, T, Y[0], P0)
    text = fits.to_dataframe().to_csv(index=False)
    found = tw.Fits.from_dataframe(pd.read_csv(io.StringIO(text)))
    np.testing.assert_allclose(found.popt, fits.popt, rtol=1e-15)
    np.testing.assert_array_equal(found.reason, fits.reason)
    with pytest.raises(ValueError, match="have no statistics"):
        _ = found.dof


def test_tables_are_checked():
    pytest.importorskip("pandas", reason="an optional extra")
    frame = tw.curve_fit_many(decay, T, Y, P0).to_dataframe()
    for columns in ("reason", ["perr[a]", "perr[b]", "perr[c]"]):
        with pytest.raises(ValueError, match=r"must have the columns of Fits\.to_dataframe"):
            tw.Fits.from_dataframe(frame.drop(columns=columns))
    with pytest.raises(ValueError, match=r"number every fit .* 5 rows for the shape \(2, 3\)"):
        tw.Fits.from_dataframe(frame.iloc[:5])
    with pytest.raises(ValueError, match="must hold names of reasons, got 'luck'"):
        tw.Fits.from_dataframe(frame.assign(reason="luck"))


def test_what_statistics_need_is_plain_text():
    fits = tw.curve_fit_many(decay, T, Y, P0, sigma=0.1, absolute_sigma=True)
    text = described(fits)
    assert '"rows": 20' in text
    assert '"sigma": 0.1' in text
