# SPDX-License-Identifier: BSD-3-Clause
"""Endings of least squares: what is said of each, and the numbers beside it."""

import pickle

import numpy as np
import pytest

import thalweg as tw
from thalweg._fits.endings import explain, explained, optimality
from thalweg._fits.settings import SquaresSettings
from thalweg._fits.squares import TracedSquares, ending_of
from thalweg._results.reasons import Reason


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


# ---- sentences -----------------------------------------------------------------------------------

SENTENCES = {
    Reason.gradient_small: "`gtol` termination condition is satisfied: largest cosine between the "
    "residuals and a column of the Jacobian 1.5e-09 <= 1e-08 after 3 evaluations",
    Reason.value_settled: "`ftol` termination condition is satisfied: change of the cost 1.5e-09 "
    "<= 1e-08 after 3 evaluations",
    Reason.step_small: "`xtol` termination condition is satisfied: relative step 1.5e-09 <= 1e-08 "
    "after 3 evaluations",
    Reason.precision_limit: "the limit of precision: a change of the cost by 1.5e-09 <= 1e-08 "
    "after 3 evaluations is a rounding error",
    Reason.max_evaluations: "The maximum number of function evaluations is exceeded: 3 "
    "evaluations, max_nfev = 99; not converged",
    Reason.max_time: "1.5e-09 s >= max_time = 1e-08 s after 3 evaluations; not converged",
    Reason.stopped_by_callback: "`callback` raised `StopIteration` or returned `True` after 3 "
    "evaluations",
    Reason.interrupted: "interrupted after 3 evaluations",
    Reason.stuck: "stuck after 3 evaluations: no smaller cost was found even at a distance of "
    "1.5e-09 <= 1e-08; check that the residuals are smooth",
    Reason.non_finite: "not finite after 3 evaluations: log(-1) = nan",
    Reason.left_domain: "not finite after 3 evaluations: log(-1) = nan",
}


@pytest.mark.parametrize("reason", SENTENCES, ids=str)
def test_every_reason_is_a_sentence_with_both_sides(reason):
    told = explained(reason, 1.5e-9, 1e-8, 3, 99, lambda: "log(-1) = nan")
    assert told == SENTENCES[reason]


def test_one_evaluation_is_singular():
    assert explained(Reason.interrupted, 0.0, 0.0, 1, 9, str) == "interrupted after 1 evaluation"


def test_being_stuck_by_rounding_is_said_so():
    # The core marks it by the sign of the left side, also of a zero.
    for left, shown in ((-2e-20, "2e-20"), (-0.0, "0")):
        told = explained(Reason.stuck, left, 1e-19, 12, 9, str)
        assert "J'J is singular to rounding" in told
        assert f"the last by {shown} <= 1e-19, half of it" in told


def test_why_is_asked_only_where_it_is_told():
    def never():
        raise AssertionError

    assert "gtol" in explained(Reason.gradient_small, 0.0, 0.0, 1, 9, never)


def test_optimality_is_the_largest_slope_that_could_be_followed():
    grad = np.array([[3.0, -7.0, 1.0], [-3.0, 7.0, 1.0], [5.0, -5.0, -2.0]])
    mask = np.array([[-1, 1, 0], [-1, 1, 0], [0, 0, 0]])
    # At a lower bound only a negative gradient leads inward, at an upper one a positive.
    assert optimality(grad, mask).tolist() == [1.0, 7.0, 5.0]
    assert optimality(grad[0], mask[0]) == 1.0


def test_a_point_beyond_x_is_blamed_by_name():
    # The descent wants to pass 0 from 1e-3, and log is not defined there.
    squares = TracedSquares(tw.objective(lambda x: np.log(x) + 9, 1e-3), SquaresSettings())
    stopping = SquaresSettings(max_nfev=1).stopping(1)
    ending = ending_of(squares.run(np.array([1e-3]), stopping))
    told = explain(ending._replace(reason=Reason.non_finite, nfev=4), 9, squares)
    assert told.startswith("not finite after 4 evaluations, at a point beyond x: log(")
    told = explain(
        ending._replace(reason=Reason.non_finite, nfev=1, x=np.array([-1.0])), 9, squares
    )
    assert told == "not finite after 1 evaluation: log(-1) = nan"


def test_rows_of_the_result_say_what_is_special():
    plain = tw.least_squares(rosenbrock, [-2.0, 1.0])
    assert "active_mask" not in repr(plain)
    assert "determined" not in repr(plain)
    held = tw.least_squares(rosenbrock, [-2.0, 2.0], bounds=([-np.inf, 1.5], np.inf))
    assert "active_mask: [ 0, -1]" in repr(held)
    loose = tw.least_squares(lambda x: x[0] + x[1] - np.ones(3), [0.0, 0.0])
    assert "determined: False" in repr(loose)
