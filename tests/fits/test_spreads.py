# SPDX-License-Identifier: BSD-3-Clause
"""Covariances of many fits: on the tape, and by QR where normal matrices cannot give them."""

import numpy as np
from fit_cases import T

import thalweg as tw


def test_singular_fits_have_infinite_errors_without_a_warning():
    def twice(x, a, b):
        return (a + b) * x

    fits = tw.curve_fit_many(twice, T, np.outer([1.0, 2.0], T) + np.sin(T))
    assert fits.success.all()
    assert np.isinf(fits.pcov).all()
    assert "infinite in 2 fits" in repr(fits)
    dead = tw.curve_fit_many(lambda x, a, b: a * x + 0 * b, T, np.outer([1.0, 2.0], T))
    assert np.isinf(dead.pcov).all()


def test_errors_of_ill_conditioned_fits_are_as_scipys():
    """Columns so nearly parallel that their normal matrix has lost every digit of the errors."""

    def nearly(x, a, b):
        return a * x + b * (x + 1e-7 * x**2)

    y = np.outer([1.0, 2.0, 3.0], T) + 1e-3 * np.random.default_rng(0).standard_normal((3, 20))
    fits = tw.curve_fit_many(nearly, T, y, x_scale=[1, 1])
    for i in range(3):
        jacobian = np.column_stack([T, T + 1e-7 * T**2])
        inverse = np.linalg.inv(np.linalg.qr(jacobian)[1])
        expected = np.sqrt(np.diag(inverse @ inverse.T) * 2 * fits.cost[i] / 18)
        # The condition number is some 1e7: QR keeps 9 digits.
        np.testing.assert_allclose(fits.perr[i], expected, rtol=1e-6)


def test_more_parameters_than_covariances_are_written_on_tapes():
    n = 18
    x = np.linspace(0, 1, 60)
    basis = np.cos(np.pi * np.arange(n)[:, None] * x)
    y = np.random.default_rng(0).standard_normal((4, 60))

    def f(x, *p):
        return sum(p[k] * basis[k] for k in range(n))

    fits = tw.curve_fit_many(f, x, y, np.zeros(n))
    popt, pcov = tw.curve_fit(f, x, y[2], np.zeros(n))
    np.testing.assert_allclose(fits.popt[2], popt, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(fits.pcov[2], pcov, rtol=1e-9, atol=1e-12)
