# SPDX-License-Identifier: BSD-3-Clause
"""The published problems are what was published, and are traced and differentiated right."""

import numpy as np
import pytest
from complex_steps import along
from published import FITS, MGH, NIST

import thalweg as tw

problems = pytest.mark.parametrize("problem", MGH, ids=str)
fits = pytest.mark.parametrize("fit", FITS, ids=str)
# A value of several sums and powers, and a slope of as many more, in double precision.
ROUNDING = 1e-12


def slopes(f, x):
    """The gradient by complex steps in extended precision."""
    return np.array([float(along(f, x, e)) for e in np.eye(x.size)])


@problems
def test_value_at_the_start_is_the_published_one(problem):
    assert problem.function(problem.x0) == pytest.approx(problem.f_x0, rel=ROUNDING)
    assert tw.objective(problem.function, problem.x0, unpack=False)(problem.x0) == pytest.approx(
        problem.f_x0, rel=ROUNDING
    )


@problems
@pytest.mark.parametrize("factor", [1.0, 10.0, 0.3])
def test_residuals_squared_sum_to_the_value(problem, factor):
    x = factor * problem.x0
    squares = np.sum(np.array(problem.residuals(x), dtype=float) ** 2)
    assert squares == pytest.approx(problem.function(x), rel=1e-10)  # y - t and t - y


@problems
@pytest.mark.parametrize("factor", [1.0, 10.0, 0.3])
def test_gradient_matches_complex_steps(problem, factor):
    x = factor * problem.x0
    gradient = tw.objective(problem.function, x, unpack=False).grad(x)
    expected = slopes(problem.function, x)
    size = np.abs(expected).max()
    np.testing.assert_allclose(gradient, expected, rtol=1e-9, atol=ROUNDING * size)


@problems
def test_minimum_is_where_it_is_published(problem):
    if problem.x_min is None:
        assert problem.name in (
            "Discrete boundary value", "Broyden tridiagonal",
            "Linear, rank 1 with zero columns and rows",
        )  # fmt: skip
        return
    f = problem.function(problem.x_min)
    # Meyer: residuals of 1e4, so that f = 88 is known to some 1e-11.
    assert f == pytest.approx(problem.minima[0], rel=1e-10, abs=1e-25)
    assert problem.solved(f)


@problems
def test_solved_means_a_published_minimum(problem):
    for m in problem.minima:
        size = max(1.0, abs(m))
        assert problem.solved(m + 0.9e-8 * size)
        assert not problem.solved(m + 3e-8 * size)
    assert not problem.solved(np.nan)
    assert not problem.solved(-np.inf)


@fits
def test_certified_parameters_give_the_certified_sum_of_squares(fit):
    if fit.name == "Lanczos1":  # 1e-25: printed digits of b and rounding of y leave 1e-20
        assert fit.function(fit.b) < 1e-19
        return
    assert fit.function(fit.b) == pytest.approx(fit.rss, rel=1e-9)
    assert fit.digits(fit.b) == 11.0


@pytest.mark.parametrize(("fit", "start"), NIST, ids=[f"{f}-{k + 1}" for f, k in NIST])
def test_gradient_of_a_fit_matches_complex_steps(fit, start):
    b = fit.starts[start]
    gradient = tw.objective(fit.function, b, unpack=False).grad(b)
    expected = slopes(fit.function, b)
    np.testing.assert_allclose(gradient, expected, rtol=1e-9, atol=ROUNDING * abs(expected).max())


def test_digits_are_those_of_the_worst_parameter():
    fit = FITS[0]
    assert fit.digits(fit.b * [1 + 1e-6, 1 + 1e-9]) == pytest.approx(6.0, abs=1e-4)
    assert fit.digits(fit.b * 100) == 0.0
    assert fit.digits(fit.b * np.nan) == 0.0
