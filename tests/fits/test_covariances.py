# SPDX-License-Identifier: BSD-3-Clause
"""Covariances: one scale for one fit and for many, on the tape and by QR."""

import numpy as np
import pytest

import thalweg as tw
from thalweg._fits import spreads
from thalweg._fits.covariances import variance

T = np.linspace(0.0, 4.0, 15)


def decay(x, a, b, c):
    return a * np.exp(-b * x) + c


def data():
    rng = np.random.default_rng(0)
    return decay(T, 2.5, 1.3, 0.5) + 0.05 * rng.standard_normal((6, T.size))


def test_variance_is_the_sum_of_squares_for_each_degree_of_freedom():
    assert variance(6.0, 7, 3) == (3.0, True)


def test_as_many_data_as_parameters_leave_no_variance():
    with pytest.warns(tw.OptimizeWarning, match="Covariance of the parameters could not be"):
        _, pcov = tw.curve_fit(decay, T[:3], data()[0, :3], [2.0, 1.0, 0.5])
    assert np.isinf(pcov).all()
    assert np.isinf(tw.curve_fit_many(decay, T[:3], data()[:, :3], [2.0, 1.0, 0.5]).pcov).all()


@pytest.mark.parametrize("bounds", [(-np.inf, np.inf), ([0, 0, 0.7], [9, 9, 9])])
@pytest.mark.parametrize("loss", ["linear", "cauchy"])
def test_one_fit_many_fits_and_many_by_qr_agree(bounds, loss, monkeypatch):
    how = {"bounds": bounds, "loss": loss, "f_scale": 0.05}
    y, start = data(), [2.0, 1.0, 0.8]
    fits = tw.curve_fit_many(decay, T, y, start, **how)
    for i, one in enumerate(y):
        pcov = tw.curve_fit(decay, T, one, start, **how)[1]
        np.testing.assert_allclose(fits.pcov[i], pcov, rtol=1e-6)  # ends differ by rounding
    monkeypatch.setattr(spreads, "ON_TAPE", 0)
    by_qr = tw.curve_fit_many(decay, T, y, start, **how)
    np.testing.assert_allclose(by_qr.pcov, fits.pcov, rtol=1e-8)
    np.testing.assert_allclose(by_qr.perr, fits.perr, rtol=1e-8)
