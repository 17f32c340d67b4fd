# SPDX-License-Identifier: BSD-3-Clause
"""Fits along dimensions of labelled arrays: the layout and the numbers of xarray's own method."""

import numpy as np
import pytest

import thalweg as tw

xr = pytest.importorskip("xarray", reason="xarray is not installed")

RNG = np.random.default_rng(0)
T = np.linspace(0.0, 4.0, 30)


def decay(t, a, b):
    return a * np.exp(-b * t)


def cube():
    a, b = RNG.uniform(1.0, 3.0, (4, 5)), RNG.uniform(0.5, 2.0, (4, 5))
    values = decay(T[:, None, None], a, b) + 0.02 * RNG.normal(size=(30, 4, 5))
    return xr.DataArray(
        values, dims=("time", "y", "x"), name="signal",
        coords={"time": T, "y": [1.0, 2.0, 3.0, 4.0], "x": list("abcde"), "run": 7},
        attrs={"units": "counts"},
    )  # fmt: skip


CUBE = cube()


def same(ours, theirs):
    """Assert that what xarray returns is there, with its dimensions, coordinates and numbers."""
    for name, two in theirs.data_vars.items():
        one = ours[name]
        assert set(one.dims) == set(two.dims)
        # SciPy stops at 1e-8, and its slopes are differences, which errors show more.
        rtol = 1e-3 if str(name).endswith("covariance") else 1e-5
        one, two = one.transpose(*two.dims).drop_attrs(), two.drop_attrs()
        xr.testing.assert_allclose(one, two, rtol=rtol)


def test_numbers_and_layout_are_those_of_xarray():
    ours = tw.xarray.curvefit(CUBE, "time", decay)
    theirs = CUBE.curvefit("time", decay)
    same(ours, theirs)
    assert set(ours.coords) == set(theirs.coords)
    assert ours.attrs == CUBE.attrs
    assert ours.curvefit_success.all()
    assert ours.curvefit_errors.dims == ("y", "x", "param")
    np.testing.assert_array_equal(
        ours.curvefit_errors.values,
        np.sqrt(np.diagonal(ours.curvefit_covariance.values, axis1=-2, axis2=-1)),
    )


def test_every_fit_is_that_of_curve_fit_many():
    ours = tw.xarray.curvefit(CUBE, "time", decay)
    fits = tw.curve_fit_many(decay, T, np.moveaxis(CUBE.values, 0, -1), [1.0, 1.0])
    assert np.array_equal(ours.curvefit_coefficients.values, fits.popt)
    assert np.array_equal(ours.curvefit_chi2.values, 2 * fits.cost)
    assert np.array_equal(ours.curvefit_reason.values, fits.reason)


def test_further_dimensions_are_fitted_together():
    ours = tw.xarray.curvefit(CUBE, "time", decay, reduce_dims="x")
    theirs = CUBE.curvefit("time", decay, reduce_dims="x")
    same(ours, theirs)
    assert ours.curvefit_chi2.dims == ("y",)


def test_several_coordinates_are_rows_of_the_first_argument():
    x, y = xr.DataArray(np.arange(5.0), dims="x"), xr.DataArray(np.arange(6.0), dims="y")
    plane = (2.0 * x - y + 0.5).assign_coords(x=x, y=y).expand_dims(z=[1, 2])

    def model(at, a, b, c):
        return a * at[0] + b * at[1] + c

    ours = tw.xarray.curvefit(plane, ("x", "y"), model)
    theirs = plane.curvefit(("x", "y"), model)
    same(ours, theirs[["curvefit_coefficients"]])
    np.testing.assert_allclose(ours.curvefit_coefficients.values, [[2.0, -1.0, 0.5]] * 2, atol=1e-9)


def test_a_coordinate_may_differ_between_fits():
    delay = xr.DataArray(T[:, None] + np.array([0.0, 0.1, 0.2, 0.3]), dims=("time", "y"))
    data = decay(delay, 2.0, 1.3).expand_dims(x=3)
    ours = tw.xarray.curvefit(data, delay, decay, reduce_dims="time")
    np.testing.assert_allclose(ours.curvefit_coefficients.sel(param="a"), 2.0, rtol=1e-9)
    assert ours.curvefit_chi2.shape == (3, 4)


def test_starts_bounds_and_fixed_values_may_be_labelled():
    b = xr.DataArray(np.linspace(0.5, 2.0, 4), dims="y")
    ours = tw.xarray.curvefit(CUBE, "time", decay, p0={"b": b}, bounds={"a": (0, 2.0)})
    theirs = CUBE.curvefit("time", decay, p0={"b": b}, bounds={"a": (0, 2.0)})
    coefficients = ours.curvefit_coefficients.transpose("y", "x", "param")
    np.testing.assert_allclose(coefficients, theirs.curvefit_coefficients, rtol=1e-3)  # SciPy's trf
    held = tw.xarray.curvefit(CUBE, "time", decay, fixed={"b": b})
    assert (held.curvefit_coefficients.sel(param="b") == b).all()


def test_missing_data_are_left_out_and_empty_fits_are_nan():
    holed = CUBE.copy()
    holed[3:7, 0, 0] = np.nan
    holed[:, 1, 1] = np.nan
    ours = tw.xarray.curvefit(holed, "time", decay)
    same(ours, holed.curvefit("time", decay))
    assert np.isnan(ours.curvefit_coefficients[1, 1]).all()
    whole = tw.xarray.curvefit(holed, "time", decay, skipna=False)
    assert np.isnan(whole.curvefit_coefficients[0, 0]).all()


def test_a_dataset_has_a_fit_for_each_variable():
    both = xr.Dataset({"one": CUBE, "two": 2 * CUBE, "other": CUBE.isel(time=0)})
    ours = tw.xarray.curvefit(both, "time", decay)
    same(ours, both[["one", "two"]].curvefit("time", decay))
    assert not [name for name in ours.data_vars if str(name).startswith("other")]


def test_reasons_have_flags():
    ours = tw.xarray.curvefit(CUBE, "time", decay, mask=CUBE.isel(time=0) > 2.0)
    attrs = ours.curvefit_reason.attrs
    names = dict(zip(attrs["flag_values"].tolist(), attrs["flag_meanings"].split(), strict=True))
    assert names[int(tw.Reason.not_run)] == "not_run"
    skipped = ours.curvefit_reason == tw.Reason.not_run
    assert (skipped == (CUBE.isel(time=0) <= 2.0)).all()
    assert np.isnan(ours.curvefit_coefficients.where(skipped)).all()


def test_a_fit_that_fails_raises_or_is_nan():
    with pytest.raises(RuntimeError, match="20 of 20 fits did not converge; the first, fit 0: "):
        tw.xarray.curvefit(CUBE, "time", decay, max_nfev=1)
    ours = tw.xarray.curvefit(CUBE, "time", decay, errors="ignore", max_nfev=1)
    assert np.isnan(ours.curvefit_coefficients).all()
    assert (ours.curvefit_reason == tw.Reason.max_evaluations).all()


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ({"errors": "warn"}, ValueError, "errors must be 'raise' or 'ignore', got 'warn'"),
        ({"obj": np.ones(3)}, TypeError, "needs a DataArray or a Dataset, got ndarray"),
        ({"p0": {"z": 1.0}}, ValueError, "p0 names 'z', but the parameters are a, b"),
        ({"bounds": {"z": (0, 1)}}, ValueError, "bounds names 'z'"),
        ({"reduce_dims": "z"}, ValueError, "reduce_dims names 'z', but the dimensions are time"),
        ({"func": lambda t, *p: t * p[0]}, ValueError, "param_names are needed"),
        ({"coords": ()}, ValueError, "coords must name a coordinate, got none"),
        ({"p0": {"a": CUBE}}, ValueError, r"may have the dimensions \['y', 'x'\], got 'time' too"),
    ],
)
def test_bad_arguments_are_named(change, kind, message):
    given = {"obj": CUBE, "coords": "time", "func": decay} | change
    with pytest.raises(kind, match=message):
        tw.xarray.curvefit(given.pop("obj"), **given)


# ---- Dask


def test_data_of_dask_give_a_lazy_dataset_with_the_same_numbers():
    pytest.importorskip("dask", reason="Dask is not installed")
    start = {"a": xr.DataArray(RNG.uniform(1.0, 3.0, (4, 5)), dims=("y", "x"))}
    for p0 in (None, start, {"a": start["a"].chunk(x=4)}):
        lazy = tw.xarray.curvefit(CUBE.chunk(x=2, y=3), "time", decay, p0=p0)
        assert all(v.chunks is not None for v in lazy.data_vars.values())
        wanted = tw.xarray.curvefit(CUBE, "time", decay, p0=p0 and start)
        made = lazy.compute()
        assert made.curvefit_isa.dims == ("y", "x")
        xr.testing.assert_identical(made.drop_vars("curvefit_isa"), wanted)


def test_split_dimensions_and_failures_of_lazy_fits_are_named():
    pytest.importorskip("dask", reason="Dask is not installed")
    with pytest.raises(ValueError, match=r"3 chunks along 'time': .* da.chunk\({'time': -1}\)"):
        tw.xarray.curvefit(CUBE.chunk(time=10), "time", decay)
    lazy = tw.xarray.curvefit(CUBE.chunk(x=2), "time", decay, max_nfev=2)
    with pytest.raises(RuntimeError, match="fits did not converge; the first"):
        lazy.compute()
    ignored = tw.xarray.curvefit(CUBE.chunk(x=2), "time", decay, max_nfev=2, errors="ignore")
    assert np.isnan(ignored.compute().curvefit_coefficients).all()
