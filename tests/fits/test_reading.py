# SPDX-License-Identifier: BSD-3-Clause
"""Inputs of many fits, read chunk by chunk: gaps in data, predictors and errors."""

import numpy as np
import pytest
from fit_cases import P0, T, decay, decays, same_bits, with_gaps

import thalweg as tw
from thalweg._fits import chunks, reading
from thalweg._fits.chunks import LeadingRows
from thalweg._fits.reading import FitReader
from thalweg._fits.slots import Inputs, Layout

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


# ---- one reader ----------------------------------------------------------------------------------


def reader(y, **how):
    """A reader of data (k, m) for two parameters."""
    y = np.asarray(y, dtype=float)
    given = {"start": np.ones(2), "box": [], "sigma": None, "weights": None, "fixed": []} | how
    layout = given.pop("layout", Layout(y.shape[1], (0, 1)))
    predictors = [LeadingRows(x, y.shape[:1]) for x in given.pop("predictors", [])]
    return FitReader(
        k=len(y), layout=layout, y=LeadingRows(y, y.shape[:1]), predictors=predictors,
        known=given.pop("known", []), f_scale=2.0, **given,
    )  # fmt: skip


Y = np.arange(12.0).reshape(3, 4)


@pytest.mark.parametrize(("k", "most"), [(10, 4), (12, 4), (1, 4), (0, 4), (1001, 7)])
def test_chunks_cover_all_fits_and_are_of_like_size(k, most, monkeypatch):
    monkeypatch.setattr(FitReader, "most", most)
    ends = list(reader(np.ones((k, 4))).chunks())
    assert [i for a, b in ends for i in range(a, b)] == list(range(k))
    sizes = [b - a for a, b in ends]
    assert max(sizes) <= most
    assert max(sizes) - min(sizes) <= 1


def test_inputs_are_those_of_the_layout():
    layout = Layout(4, (0,), (1,), predictors=1, weights=())
    own = reader(
        Y, layout=layout, predictors=[-Y], weights=np.array(0.5), fixed=[7.0],
        start=np.array([3.0, 9.0]),
    ).read(1, 3)  # fmt: skip
    assert own["y"].tolist() == Y[1:].tolist()
    assert own["predictor 0"].tolist() == (-Y[1:]).tolist()
    assert own["x"].tolist() == [[3.0], [3.0]]  # the start of the free parameter alone
    assert own["fixed"].tolist() == [7.0]
    assert (own["f_scale"], own["rows"], own["weights"]) == (2.0, 4.0, 0.5)
    assert sorted(own.layout.shapes) == sorted(layout.shapes)


def test_fixed_values_of_each_fit_make_rows():
    layout = Layout(4, (0,), (1, 2))
    fixed = [LeadingRows(np.array([5.0, 6.0, 7.0]), (3,)), 1.0]
    own = reader(Y, layout=layout, fixed=fixed, start=np.ones(3)).read(1, 3)
    assert own["fixed"].tolist() == [[6.0, 1.0], [7.0, 1.0]]


def test_errors_of_each_fit_become_weights():
    layout = Layout(4, (0, 1), weights=(4,))
    sigma = np.full((3, 4), 2.0)
    y = Y.copy()
    y[2, 1] = sigma[2, 1] = np.nan
    own = reader(y, layout=layout, sigma=LeadingRows(sigma, (3,))).read(0, 3)
    assert own["weights"].tolist() == [[0.5] * 4, [0.5] * 4, [0.5, 1.0, 0.5, 0.5]]
    sigma[1, 3] = -1.0
    with pytest.raises(ValueError, match=r"must be positive, got -1.0 for value 3 of fit 1"):
        reader(y, layout=layout, sigma=LeadingRows(sigma, (3,))).read(1, 3)


def test_starts_are_shared_or_of_each_fit_or_from_the_data():
    each = LeadingRows(np.arange(6.0).reshape(3, 2), (3,))
    assert reader(Y, start=each).read(1, 3)["x"].tolist() == [[2, 3], [4, 5]]
    own = reader(Y, start=lambda y: np.stack([y[:, 0], y[:, 1]], axis=1)).read(1, 3)
    assert own["x"].tolist() == [[4.0, 5.0], [8.0, 9.0]]
    assert reader(Y, start=lambda _: [7.0, 8.0]).read(1, 3)["x"].tolist() == [[7.0, 8.0]] * 2


def test_starts_from_the_data_are_moved_into_the_bounds():
    box = [np.array([0.0, 5.0]), np.array([1.0, 6.0])]
    got = reader(Y, box=box, start=lambda _: [[9.0, 1.0], [0.5, np.inf], [np.nan, 5.5]]).read(0, 3)
    np.testing.assert_array_equal(got["x"], [[1.0, 5.0], [0.5, np.nan], [np.nan, 5.5]])
    with pytest.raises(ValueError, match=r"p0 must return shape \(3, 2\) for data of shape \(3, 4"):
        reader(Y, start=lambda _: [1.0, 2.0, 3.0]).read(0, 3)


@pytest.mark.parametrize("m", [4, 255, 256, 400])
def test_missing_values_are_counted(m):
    y = np.ones((3, m))
    whole = reader(y)
    assert whole.missing(whole.read(0, 3)) is None
    y[0, :3], y[2] = np.nan, np.nan
    x = np.ones((3, m))
    x[0, 2], x[1, 1] = np.nan, np.nan
    own = reader(y, layout=Layout(m, (0, 1), predictors=1), predictors=[x])
    inputs = own.read(0, 3)
    assert own.missing(inputs).tolist() == [3, 1, m]


def test_gaps_of_shared_predictors_are_counted_for_all():
    known = [np.array([1.0, np.nan, 1.0, 1.0])]
    y = Y.copy()
    y[1, 1] = y[2, 3] = np.nan
    own = reader(y, known=known)
    inputs = own.read(0, 3)
    assert own.missing(inputs).tolist() == [1, 1, 2]
    alone = reader(Y, known=known)
    assert alone.missing(alone.read(0, 3)).tolist() == [1, 1, 1]


def test_infinite_data_are_not_missing():
    y = Y.copy()
    y[0] = [np.inf, -np.inf, 1.0, 2.0]  # their sum is NaN
    own = reader(y)
    assert own.missing(Inputs(own.layout, own.read(0, 3)._arrays)) is None
