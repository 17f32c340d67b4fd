# SPDX-License-Identifier: BSD-3-Clause
"""Condition numbers that are traced are those that NumPy computes."""

import numpy as np
import pytest

import thalweg as tw
from thalweg._fits.tapes import ON_TAPE
from thalweg._inference.conditions import conditions
from thalweg._inference.sources import pieces


def piece_of(fits):
    (piece,) = pieces(fits)
    return piece.tapes, piece.inputs


def polynomials(n, m=40):
    """A polynomial on [0, 1], whose parameters depend on each other more and more."""
    x = np.linspace(0.0, 1.0, m)
    names = ", ".join(f"p{i}" for i in range(n))
    f = eval(f"lambda x, {names}: " + " + ".join(f"p{i} * x**{i}" for i in range(n)))
    y = np.random.default_rng(n).normal(size=(3, m))
    return tw.curve_fit_many(f, x, y), np.stack([x**i for i in range(n)], axis=1)


def of_numpy(columns):
    return np.linalg.cond(columns / np.linalg.norm(columns, axis=0))


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 8])
def test_condition_is_that_of_the_scaled_columns(n):
    fits, columns = polynomials(n)
    found = conditions(*piece_of(fits), np.zeros((3, n), dtype=bool), 1)
    wanted = of_numpy(columns)
    # Both are the result of rounding relative to the largest singular value.
    np.testing.assert_allclose(found, wanted, rtol=1e-15 * wanted * 10 + 1e-13)


def test_condition_of_held_columns_is_that_of_the_others():
    fits, columns = polynomials(4)
    held = np.array([[0, 1, 0, 0], [1, 1, 1, 1], [1, 0, 1, 0]], dtype=bool)
    found = conditions(*piece_of(fits), held, 1)
    wanted = [of_numpy(columns[:, [0, 2, 3]]), 1.0, of_numpy(columns[:, [1, 3]])]
    np.testing.assert_allclose(found, wanted, rtol=1e-13)


def test_condition_is_infinite_without_effect_and_nan_without_numbers():
    x, y = np.linspace(0, 1, 9), np.random.default_rng(0).normal(size=(2, 9))
    fits = tw.curve_fit_many(lambda x, a, b: a * x + 0.0 * b, x, y)
    assert np.isinf(fits.condition).all()
    tapes, inputs = piece_of(fits)
    bad = inputs.with_arrays(x=np.full((2, 2), np.nan))
    fits = tw.curve_fit_many(lambda x, a, b: np.exp(a * x) + b, x, y)
    tapes, inputs = piece_of(fits)
    bad = inputs.with_arrays(x=np.array([[np.nan, 0.0], [0.0, 1.0]]))
    found = conditions(tapes, bad, np.zeros((2, 2), dtype=bool), 1)
    assert np.isnan(found).tolist() == [True, False]


def test_many_parameters_have_the_condition_of_numpy():
    n = ON_TAPE + 1
    x = np.linspace(0.0, 1.0, 60)
    angles = np.arange(n)[:, None] * x

    def series(x, *p):
        return np.cos(angles).T @ np.stack(p)

    y = np.random.default_rng(0).normal(size=(2, 60))
    fits = tw.curve_fit_many(series, x, y, np.zeros(n))
    wanted = of_numpy(np.cos(angles).T)
    np.testing.assert_allclose(fits.condition, wanted, rtol=1e-15 * wanted * 10 + 1e-13)
