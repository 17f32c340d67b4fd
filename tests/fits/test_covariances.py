# SPDX-License-Identifier: BSD-3-Clause
"""Covariances: one scale for one fit and for many, on the tape and by QR."""

import numpy as np
import pytest
from curve_cases import T, decay, noisy
from hypothesis import given
from hypothesis import strategies as st

import thalweg as tw
from thalweg._fits import spreads
from thalweg._fits.covariances import variance

FEW = np.linspace(0.0, 4.0, 15)


def data():
    rng = np.random.default_rng(0)
    return decay(FEW, 2.5, 1.3, 0.5) + 0.05 * rng.standard_normal((6, FEW.size))


def test_variance_is_the_sum_of_squares_for_each_degree_of_freedom():
    assert variance(6.0, 7, 3) == (3.0, True)


def test_as_many_data_as_parameters_leave_no_variance():
    with pytest.warns(tw.OptimizeWarning, match="Covariance of the parameters could not be"):
        _, pcov = tw.curve_fit(decay, FEW[:3], data()[0, :3], [2.0, 1.0, 0.5])
    assert np.isinf(pcov).all()
    assert np.isinf(tw.curve_fit_many(decay, FEW[:3], data()[:, :3], [2.0, 1.0, 0.5]).pcov).all()


@pytest.mark.parametrize("bounds", [(-np.inf, np.inf), ([0, 0, 0.7], [9, 9, 9])])
@pytest.mark.parametrize("loss", ["linear", "cauchy"])
def test_one_fit_many_fits_and_many_by_qr_agree(bounds, loss, monkeypatch):
    how = {"bounds": bounds, "loss": loss, "f_scale": 0.05}
    y, start = data(), [2.0, 1.0, 0.8]
    fits = tw.curve_fit_many(decay, FEW, y, start, **how)
    for i, one in enumerate(y):
        pcov = tw.curve_fit(decay, FEW, one, start, **how)[1]
        np.testing.assert_allclose(fits.pcov[i], pcov, rtol=1e-6)  # ends differ by rounding
    monkeypatch.setattr(spreads, "ON_TAPE", 0)
    by_qr = tw.curve_fit_many(decay, FEW, y, start, **how)
    np.testing.assert_allclose(by_qr.pcov, fits.pcov, rtol=1e-8)
    np.testing.assert_allclose(by_qr.perr, fits.perr, rtol=1e-8)


def test_parameters_at_a_bound_are_left_out_of_the_covariance():
    popt, pcov, info, _, _ = tw.curve_fit(
        decay, T, noisy(), bounds=(0, [3.0, 1.0, 0.5]), full_output=True
    )
    assert info["active_mask"].tolist() == [0, 1, 0]
    assert np.isnan(pcov[1]).all()
    assert np.isnan(pcov[:, 1]).all()
    assert info["rank"] == 2
    free = np.ix_([0, 2], [0, 2])
    rest, covariance = tw.curve_fit(lambda x, a, c: decay(x, a, 1.0, c), T, noisy())
    np.testing.assert_allclose(popt[[0, 2]], rest, rtol=1e-9)
    np.testing.assert_allclose(pcov[free], covariance, rtol=1e-9)


def test_covariance_holds_in_any_units():
    # Their threshold of rank, relative to the largest column, takes c for nothing.
    x, y = T, noisy()
    small = 1e-20
    ours = tw.curve_fit(lambda x, a, b, c: decay(x, a, b, c / small), x, y, [1, 1, small])[1]
    plain = tw.curve_fit(decay, x, y)[1]
    units = np.array([1, 1, small])
    np.testing.assert_allclose(ours, plain * np.outer(units, units), rtol=1e-6)


@given(st.integers(0, 10**6))
def test_covariance_is_the_inverse_of_the_normal_matrix(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 7))
    m = n + int(rng.integers(1, 30))
    columns = rng.normal(size=(n, m)) * np.exp(5 * rng.normal(size=(n, 1)))
    held = rng.random(n) < 0.3
    covariance, rank, pivot, loose = tw._core.covariance(columns, held)
    assert not loose.any()
    assert 0 < pivot <= 1
    free = ~held
    assert rank == free.sum()
    assert np.isnan(covariance[held]).all()
    assert np.isnan(covariance[:, held]).all()
    some = covariance[np.ix_(free, free)]
    lengths = np.linalg.norm(columns[free], axis=1)
    scaled = columns[free] / lengths[:, None]
    exact = np.linalg.inv(scaled @ scaled.T) if free.any() else some
    # Ten more: the error of the inverse is eps times the condition of the normal matrix.
    worst = np.linalg.cond(scaled @ scaled.T) if free.any() else 1.0
    np.testing.assert_allclose(
        some * np.outer(lengths, lengths), exact, atol=1e-14 * worst * np.abs(exact).max(initial=1)
    )
    np.testing.assert_array_equal(some, some.T)


def test_dependent_columns_are_counted():
    columns = np.array([[1.0, 2, 3, 4], [2.0, 4, 6, 8], [1.0, 0, 1, 0]])
    covariance, rank, pivot, loose = tw._core.covariance(columns)
    assert (rank, pivot) == (2, 0.0)
    assert loose.tolist() == [True, True, False]
    assert (covariance == np.inf).all()
    assert tw._core.covariance(np.zeros((2, 5)))[1] == 0
    assert tw._core.covariance(np.ones((3, 2)))[1] == 1
    assert tw._core.covariance(np.full((1, 3), np.nan))[1] == 0
