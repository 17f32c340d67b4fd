# SPDX-License-Identifier: BSD-3-Clause
"""Starts by linear least squares over candidates."""

import numpy as np

import thalweg as tw
from thalweg.models.samples import Sample
from thalweg.models.starts import polynomial, starts

X = np.linspace(-1.0, 3.0, 60)[None]


class Known:
    """A term whose shapes are given: columns exp(-rate x)."""

    degree, linear, broad = None, 1, True

    def __init__(self, *rates):
        self.rates = rates

    def shapes(self, _):
        return [(np.full((1, 1), rate),) for rate in self.rates]

    def columns(self, x, rate):
        return [np.exp(-rate * x)]

    def joined(self, coefficients, rate):
        return [coefficients[0], rate]


def test_the_candidate_that_leaves_least_is_chosen():
    y = np.exp(-X) * np.array([[2.0], [-3.0]])
    (found,) = starts([(1.0, Known(0.3, 1.0, 2.0))], Sample.of(X, y))
    np.testing.assert_allclose(found, [[2.0, 1.0], [-3.0, 1.0]], rtol=1e-13)


def test_coefficients_of_all_terms_are_solved_together():
    y = 2.0 * np.exp(-X) + 5.0 * np.exp(-0.9 * X) + 1.0 - 3.0 * X
    terms = [(1.0, Known(1.0)), (-2.0, Known(0.9)), (1.0, tw.models.Line())]
    first, second, line = starts(terms, Sample.of(X, y, 1))
    # 1e-9: the two exponentials are nearly the same
    np.testing.assert_allclose(first, [[2.0, 1.0]], rtol=1e-9)
    np.testing.assert_allclose(second, [[-2.5, 0.9]], rtol=1e-9)
    np.testing.assert_allclose(line, [[-3.0, 1.0]], rtol=1e-9)


def test_filled_gaps_have_no_weight():
    y = 2.0 * np.exp(-X) + 1.0
    y[0, [3, 20, 21]] = np.nan
    terms = [(1.0, Known(0.3, 1.0, 2.0)), (1.0, tw.models.Constant())]
    found, constant = starts(terms, Sample.of(X, y, 0))
    np.testing.assert_allclose(found, [[2.0, 1.0]], rtol=1e-12)
    np.testing.assert_allclose(constant, [[1.0]], rtol=1e-12)


def test_polynomials_far_from_zero_keep_their_digits():
    x = 1000.0 + X
    c = [3.0, -0.5, 0.25]
    found = polynomial(x, c[0] + c[1] * x + c[2] * x**2, None, 2)
    # 1e-8: at 1000 the terms of a parabola cancel to 1e-6 of their size
    values = found[0] + found[1] * x + found[2] * x**2
    np.testing.assert_allclose(values, c[0] + c[1] * x + c[2] * x**2, rtol=1e-8)


def test_second_of_two_polynomials_starts_at_zero():
    terms = [(1.0, tw.models.Line()), (1.0, tw.models.Line("b_"))]
    first, second = starts(terms, Sample.of(X, 2.0 * X + 1.0, 1))
    np.testing.assert_allclose(first, [[2.0, 1.0]], rtol=1e-12)
    np.testing.assert_array_equal(second, [[0.0, 0.0]])
