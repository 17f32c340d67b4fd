# SPDX-License-Identifier: BSD-3-Clause
"""All parameters from the fitted ones, and their covariances."""

import numpy as np
import pytest

import thalweg as tw
from thalweg._parameters.named import plan_of
from thalweg._parameters.plan import Expansion, spread_of_all

NAMES = ["a", "b", "c", "d"]
PLAN = plan_of(NAMES, ("b",), {"c": lambda a, d: a * np.exp(d), "a": lambda d, b: d * b})


def test_all_parameters_and_slopes_follow_the_ties():
    every = Expansion(PLAN, np.array([3.0]))
    x = np.array([0.5])
    np.testing.assert_allclose(every(x), [1.5, 3.0, 1.5 * np.exp(0.5), 0.5], rtol=1e-15)
    slopes = [3.0, 0.0, 3 * np.exp(0.5) + 1.5 * np.exp(0.5), 1.0]
    np.testing.assert_allclose(every.slopes(x)[:, 0], slopes, rtol=1e-15)
    # T C T' by hand.
    np.testing.assert_allclose(every.spread(x, np.array([[4.0]])), 4 * np.outer(slopes, slopes))


def test_an_objective_of_all_becomes_one_of_the_fitted():
    F = tw.objective(lambda p: np.sum(p**2), np.ones(4))
    part = Expansion(PLAN, np.array([3.0])).of(F)
    assert part(np.array([0.5])) == pytest.approx(1.5**2 + 9 + 2.25 * np.exp(1) + 0.25)
    assert part.with_args([[0.0]])(np.array([0.5])) == 0.25


def test_covariances_of_several_ties_are_those_of_the_chain_rule():
    plan = plan_of(NAMES, None, {"a": lambda b, c: b + c, "d": lambda a, c: a * c})
    rng = np.random.default_rng(1)
    half = rng.normal(size=(5, 2, 2))
    C = half @ half.transpose(0, 2, 1)
    slopes = rng.normal(size=(5, 2, 2))
    T = np.zeros((5, 4, 2))
    T[:, [1, 2]], T[:, [0, 3]] = np.eye(2), slopes
    # Some ten operations on numbers of size one.
    np.testing.assert_allclose(
        spread_of_all(plan, C, slopes), T @ C @ T.transpose(0, 2, 1), atol=1e-14
    )


def test_unknown_errors_reach_what_depends_on_them_and_nothing_else():
    plan = plan_of(NAMES, None, {"b": lambda a: 2 * a, "d": lambda c: 3 * c})
    slopes = np.array([[2.0, 0.0], [0.0, 3.0]])
    held = spread_of_all(plan, np.array([[np.nan, np.nan], [np.nan, 1.0]]), slopes)
    np.testing.assert_array_equal(np.diag(held), [np.nan, np.nan, 1.0, 9.0])
    assert held[2, 3] == 3.0
    endless = spread_of_all(plan, np.full((2, 2), np.inf), slopes * [[1.0], [-1.0]])
    assert np.isposinf(endless).all()


def test_a_tied_parameter_of_a_bounded_one_has_no_error_at_the_bound():
    t = np.linspace(0, 4, 30)
    rng = np.random.default_rng(2)
    y = np.stack([2 * np.exp(-t) + 0.3] * 2) + 0.01 * rng.normal(size=(2, 30))

    def f(t, a, b, c, d):
        return a * np.exp(-b * t) + c + d

    how = {"bounds": {"a": (0, 1.5)}, "ties": {"d": lambda a: a / 10}}
    many = tw.curve_fit_many(f, t, y, **how)
    for i in range(2):
        _, pcov = tw.curve_fit(f, t, y[i], **how)
        np.testing.assert_array_equal(np.isnan(pcov), np.isnan(many.pcov[i]))
        assert np.isnan(many.perr[i]).tolist() == [True, False, False, True]
