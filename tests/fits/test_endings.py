# SPDX-License-Identifier: BSD-3-Clause
"""Endings of least squares: what is said of each, and the numbers beside it."""

import pickle

import numpy as np
import pytest

import thalweg as tw


def rosenbrock(x):
    return np.array([10 * (x[1] - x[0] ** 2), 1 - x[0]])


# ---- the result ----------------------------------------------------------------------------------


def test_result_prints_and_pickles():
    res = tw.least_squares(rosenbrock, [-2.0, 1.0])
    assert "gtol" in repr(res)
    assert "<table>" in res._repr_html_()
    again = pickle.loads(pickle.dumps(res))
    np.testing.assert_array_equal(again.x, res.x)
    assert again.reason is res.reason


# ---- endings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("test", "reason"),
    [("gtol", "gradient_small"), ("ftol", "value_settled"), ("xtol", "step_small")],
)
def test_each_tolerance_ends_it_alone(test, reason):
    rng = np.random.default_rng(3)
    t = np.linspace(0, 3, 30)
    y = np.exp(-t) + 0.1 * rng.normal(size=30)
    tolerances = {"gtol": None, "ftol": None, "xtol": None} | {test: 1e-6}
    res = tw.least_squares(lambda p: p[0] * np.exp(-p[1] * t) - y, [2.0, 2.0], **tolerances)
    assert str(res.reason) == reason
    assert f"`{test}` termination condition is satisfied" in res.message
    assert res.success


def test_residuals_of_zero_end_it():
    res = tw.least_squares(lambda x: x - 3.0, [3.0])
    assert (res.nfev, res.cost, res.success) == (1, 0.0, True)


def test_step_into_nothing_is_shortened():
    # From 8, the step to the minimum of the model, 8 - 16.6, has no logarithm.
    res = tw.least_squares(lambda x: np.log(x), 8.0)
    assert res.success
    assert res.x == pytest.approx(1.0)


def test_limit_of_precision_is_a_success():
    rng = np.random.default_rng(3)
    t = np.linspace(0, 3, 30)
    y = np.exp(-t) + 0.1 * rng.normal(size=30)
    res = tw.least_squares(
        lambda p: p[0] * np.exp(-p[1] * t) - y,
        [2.0, 2.0],
        ftol=None,
        xtol=None,
        gtol=1e-300 + 3e-16,
    )
    assert res.success
    assert str(res.reason) in ("precision_limit", "gradient_small")
    assert np.abs(res.grad).max() < 1e-13
