# SPDX-License-Identifier: BSD-3-Clause
"""Ready baselines and decays."""

import numpy as np
import pytest
from ready_models import AFTER, CASES, LINE, of, recovered

import thalweg as tw

M = tw.models


@pytest.mark.parametrize("name", of("trends"))
@pytest.mark.parametrize("noise", [0.0, 0.01, 0.05])
def test_trends_are_recovered_from_their_own_starts(name, noise):
    assert recovered(CASES[name], noise) >= 0.99


def test_values_are_those_of_the_stated_formulas():
    same = np.testing.assert_allclose
    same(M.Constant()(LINE, 2.0), np.full(LINE.size, 2.0), rtol=0)
    same(M.Line()(LINE, 2.0, 1.0), 2.0 * LINE + 1.0, rtol=1e-15)
    c = [1.0, -2.0, 0.5, 0.25]
    # 1e-13: terms cancel near the polynomial's zeros
    same(M.Polynomial(3)(LINE, *c), np.polynomial.Polynomial(c)(LINE), rtol=1e-13, atol=1e-13)
    x = AFTER + 0.1
    same(M.PowerLaw()(x, 3.0, -1.5), 3.0 * x**-1.5, rtol=1e-13)
    same(M.Exponential()(x, 3.0, -1.5), 3.0 * np.exp(x / 1.5), rtol=1e-13)
    both = 3.0 * np.exp(-x / 1.5) - 2.0 * np.exp(-x / 0.3)
    same(M.BiExponential()(x, 3.0, 1.5, -2.0, 0.3), both, rtol=1e-13, atol=1e-15)
    stretched = 3.0 * np.exp(-((AFTER / 1.5) ** 0.6))
    same(M.StretchedExponential()(AFTER, 3.0, 1.5, 0.6), stretched, rtol=1e-13)
    T = np.linspace(280.0, 400.0, 9)
    same(M.Arrhenius()(T, 1e9, 5e4), 1e9 * np.exp(-5e4 / (8.31446261815324 * T)), rtol=1e-13)


def test_guess_of_a_polynomial_is_its_fit():
    rng = np.random.default_rng(0)
    y = rng.normal(size=(5, LINE.size))
    for degree in range(7):
        start = M.Polynomial(degree).guess(LINE, y)
        want = [np.polynomial.Polynomial.fit(LINE, row, degree).convert().coef for row in y]
        # 1e-9: powers of x up to 7**6 take ten digits apart
        np.testing.assert_allclose(start, want, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(
        M.Line().guess(LINE, y), M.Polynomial(1).guess(LINE, y)[:, ::-1], rtol=1e-13
    )


def test_degree_that_is_no_whole_number_is_an_error():
    for degree in (-1, 1.5, "2"):
        with pytest.raises(ValueError, match="whole number of at least 0"):
            M.Polynomial(degree)


def test_slope_of_a_stretched_exponential_at_0_is_finite():
    slopes = tw.jacobian(lambda p: M.StretchedExponential()(AFTER, *p))([3.0, 1.5, 0.6])
    np.testing.assert_array_equal(slopes[0], [1.0, 0.0, 0.0])
    assert np.isfinite(slopes).all()
