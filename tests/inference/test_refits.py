# SPDX-License-Identifier: BSD-3-Clause
"""Fits that are made again with parameters held."""

import numpy as np
from curve_cases import decay

import thalweg as tw
from thalweg._inference.refits import Refits

X = np.linspace(0.0, 4.0, 30)


Y = decay(X, np.array([[1.5], [2.5]]), 1.3, 0.2) + 0.1 * np.random.default_rng(0).normal(
    size=(2, 30)
)


def test_a_fit_may_be_made_again_at_several_values():
    fits = tw.curve_fit_many(decay, X, Y, [2.0, 1.0, 0.0])
    refits = Refits(fits)
    which, values = np.array([0, 0, 1]), np.array([1.0, 1.5, 1.5])
    cost, popt = refits.held([1], which, values[:, None], fits.popt[which])
    for i, value, c, p in zip(which, values, cost, popt, strict=True):
        held = tw.curve_fit(decay, X, Y[i], fits.popt[i], fixed={"b": value})
        np.testing.assert_allclose(p, held.popt, rtol=1e-7)  # both end at 1e-10
        np.testing.assert_allclose(c, held.cost, rtol=1e-10)


def test_bounds_by_fit_are_those_of_each():
    fits = tw.curve_fit_many(decay, X, Y, [2.0, 1.0, 0.0], bounds={"a": (0, [9.0, 2.0])})
    refits = Refits(fits[::-1])
    assert refits.upper[:, 0].tolist() == [2.0, 9.0]
    _, popt = refits.held([1], np.array([0, 1]), np.array([[1.3], [1.3]]), refits.popt.copy())
    assert popt[0, 0] == 2.0
    assert popt[1, 0] < 2.0


def test_with_one_parameter_the_cost_is_evaluated():
    y = np.exp(-1.3 * X) + 0.01
    y[3] = np.nan
    refits = Refits(tw.curve_fit_many(lambda x, b: np.exp(-b * x), X, y, [1.0]))
    cost, _ = refits.held([0], np.array([0]), np.array([[1.1]]), np.array([[1.0]]))
    np.testing.assert_allclose(cost, 0.5 * np.nansum((np.exp(-1.1 * X) - y) ** 2), rtol=1e-12)


def test_two_parameters_may_be_held():
    fits = tw.curve_fit_many(decay, X, Y, [2.0, 1.0, 0.0])
    refits = Refits(fits)
    values = np.array([[1.4, 1.2], [2.6, 1.5]])
    starts = refits.along([0, 1], np.arange(2), fits.popt, values)
    np.testing.assert_array_equal(starts[:, :2], values)
    cost, popt = refits.held([0, 1], np.arange(2), values, starts)
    for i in range(2):
        best = np.mean(Y[i] - decay(X, *values[i], 0.0))  # the third is linear
        np.testing.assert_allclose(popt[i], [*values[i], best], rtol=1e-7)  # it ends at 1e-10
        residuals = decay(X, *values[i], best) - Y[i]
        np.testing.assert_allclose(cost[i], 0.5 * residuals @ residuals, rtol=1e-10)


def test_fits_made_a_few_at_a_time_have_the_same_bits(monkeypatch):
    fits = tw.curve_fit_many(decay, X, Y, [2.0, 1.0, 0.0])
    whole = fits.contour("a", "b", n=5)
    monkeypatch.setattr("thalweg._inference.refits.fits_at_once", lambda _: 7)
    parts = fits.contour("a", "b", n=5)
    np.testing.assert_array_equal(parts.rise, whole.rise)
    np.testing.assert_array_equal(parts.popt, whole.popt)
