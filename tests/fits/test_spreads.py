# SPDX-License-Identifier: BSD-3-Clause
"""Covariances of many fits: on the tape, and by QR where normal matrices cannot give them."""

import numpy as np
import pytest
from fit_cases import T

import thalweg as tw
from thalweg._fits import spreads
from thalweg._fits.slots import Inputs, Layout
from thalweg._fits.spreads import Spreads
from thalweg._fits.tapes import FitTapes
from thalweg._results.reasons import Reason


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


# ---- one group of fits ---------------------------------------------------------------------------


def straight(trace, predictors, parameters):
    """A line, with the slope split in two: only the sum of the first two is determined."""
    a, b, c = parameters
    return (a + b) * trace.wrap(T) + c


def plain(trace, predictors, parameters):
    a, b, c = parameters
    return a * trace.wrap(T) + b * trace.wrap(np.cos(T)) + c


def spread_of(values, points, y, layout, box=(), absolute=False):
    tapes = FitTapes(values, layout, False, list(box), absolute)
    arrays = {
        "x": np.array(points, dtype=float), "y": y, "f_scale": np.array(1.0),
        "rows": np.array(float(T.size)),
    }  # fmt: skip
    if layout.fixed:
        arrays["fixed"] = np.zeros(len(layout.fixed))
    given = Inputs(layout, arrays)
    found = Spreads(tapes, given, 1)
    k = len(points)
    out = {
        "x": given["x"], "fun": np.array([0.5 * np.sum(y[i] ** 2) for i in range(k)]),
        "reason": np.full(k, Reason.gradient_small, np.int8), "left": np.zeros(k),
        "right": np.ones(k), "nfev": np.full(k, 5), "nit": np.full(k, 4),
    }  # fmt: skip
    found.finish(out, 100)
    return found, out


@pytest.mark.parametrize("on_tape", [True, False])
def test_spreads_are_those_of_the_jacobian(on_tape, monkeypatch):
    if not on_tape:
        monkeypatch.setattr(spreads, "ON_TAPE", 2)
    y = np.random.default_rng(0).normal(size=(2, T.size))
    J = np.stack([T, np.cos(T), np.ones_like(T)], axis=1)
    points = [np.linalg.lstsq(J, each)[0] for each in y]
    found, out = spread_of(plain, points, y, Layout(T.size, (0, 1, 2)))
    for i, p in enumerate(points):
        rest = np.sum((J @ p - y[i]) ** 2) / (T.size - 3)
        np.testing.assert_allclose(found.pcov[i], np.linalg.inv(J.T @ J) * rest, rtol=1e-9)
        np.testing.assert_allclose(found.perr[i], np.sqrt(np.diag(found.pcov[i])), rtol=1e-12)
    assert found.errors is found.perr
    assert not found.loose.any()
    assert out["nit"].tolist() == [4, 4]  # nothing had to go on


def test_dependent_parameters_are_loose_and_fixed_ones_have_zeros():
    y = np.outer([1.0, 2.0], T)
    found, _ = spread_of(straight, [[0.5, 0.5, 0], [1.0, 1.0, 0]], y, Layout(T.size, (0, 1, 2)))
    assert found.loose.tolist() == [[True, True, False]] * 2
    assert np.isinf(found.pcov).all()
    layout = Layout(T.size, (0, 2), (1,))
    found, _ = spread_of(straight, [[1.0, 0], [2.0, 0]], y + np.cos(9 * T), layout)
    assert found.errors.shape == (2, 2)
    assert not found.pcov[:, 1].any()
    assert (found.errors > 0).all()
    np.testing.assert_array_equal(found.errors, found.perr[:, [0, 2]])


def test_parameters_at_a_bound_have_no_errors():
    box = [np.array([-9.0, -9.0, 0.0]), np.full(3, 9.0)]
    y = np.sin(T)[None]
    found, _ = spread_of(plain, [[0.1, 0.2, 0.0]], y, Layout(T.size, (0, 1, 2)), box)
    assert np.isnan(found.perr[0]).tolist() == [False, False, True]


def test_the_covariance_of_a_fit_that_went_on_is_that_of_its_end():
    # Columns so nearly parallel that J'J has lost their difference; J itself has not.
    near = T + 1e-8 * T**2

    def nearly(trace, predictors, parameters):
        a, b = parameters
        return a * trace.wrap(T) + b * trace.wrap(near)

    y = (T + 0.1 * np.cos(9 * T))[None]
    found, out = spread_of(nearly, [[3.0, 0.0]], y, Layout(T.size, (0, 1)))
    assert out["nit"][0] > 4
    J = np.stack([T, near], axis=1)
    rest = np.sum((J @ out["x"][0] - y[0]) ** 2) / (T.size - 2)
    upper = np.linalg.inv(np.linalg.qr(J)[1])
    # The condition number is some 1e9.
    np.testing.assert_allclose(found.pcov[0], upper @ upper.T * rest, rtol=1e-5)
    assert rest < 0.02


def test_a_singular_fit_goes_on_with_j_itself():
    # Off the minimum, where J'J is singular: QR finds the rest of the way.
    y = 3.0 * T[None] + 0.1 * np.cos(9 * T)
    found, out = spread_of(straight, [[0.5, 0.5, 0.0]], y, Layout(T.size, (0, 1, 2)))
    slope, offset = np.polyfit(T, y[0], 1)
    assert out["x"][0, :2].sum() == pytest.approx(slope, rel=1e-9)
    assert out["x"][0, 2] == pytest.approx(offset, rel=1e-6)
    assert out["nit"][0] > 4
    assert out["nfev"][0] > 5
    assert found.loose.tolist() == [[True, True, False]]
