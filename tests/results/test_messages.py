# SPDX-License-Identifier: BSD-3-Clause
"""Sentences on why a descent ended: both sides of what decided, and the operation at fault."""

import re
from math import inf, nan

import numpy as np
import pytest

import thalweg as tw
from thalweg._objectives.untraced import Called
from thalweg._results.messages import blame, blamed, sentence
from thalweg._results.reasons import Reason

# Reason, left, right, last value, sentence; after 1 iteration, 7 evaluations of at most 9.
SENTENCES = [
    ("gradient_small", 3.14159e-9, 1e-8, 0.0, "gradient norm 3.14e-09 <= 1e-08 after 1 iteration"),
    ("step_small", 0.0, 1e-6, 0.0, "relative step 0 <= 1e-06 after 1 iteration"),
    ("value_settled", 0.5, 1.0, 0.0, "change of the value 0.5 <= 1 after 1 iteration"),
    ("precision_limit", 1e-16, 2e-16, 0.0,
     "the limit of precision: a change of the value by 1e-16 <= 2e-16 is a rounding error after 1"),
    ("stuck", nan, 0.0, 0.0, "stuck after 1 iteration: the function does not depend on x"),
    ("stuck", -0.5, 0.1, 0.0, "the last value is higher by 0.5 > 0.1 than that of an earlier"),
    ("stuck", 0.5, 0.1, 0.0, "the gradient predicts a decrease of 0.5 > 0.1; check that jac is"),
    ("kink", 0.5, 1.0, 0.0, "a kink after 1 iteration: the shortest vector .* 0.5 <= 1 "),
    ("diverged", 1e3, 0.0, -1e300, "the value falls without bound, -1e[+]300 after a step of 1e"),
    ("diverged", nan, nan, inf, "^diverged after 1 iteration$"),
    ("max_iterations", nan, 1.0, 0.0, "^1 iterations >= max_iter = 1; not converged$"),
    ("max_evaluations", nan, nan, 0.0, "^7 evaluations, max_nfev = 9; not converged$"),
    ("max_time", 2.0, 1.5, 0.0, "^2 s >= max_time = 1.5 s after 1 iteration; not converged$"),
    ("stopped_by_callback", nan, nan, 0.0, "^stopped by the callback after 1 iteration$"),
    ("interrupted", nan, nan, 0.0, "^interrupted after 1 iteration$"),
    ("left_domain", nan, nan, nan, "^left the domain after 1 iteration$"),
    ("non_finite", nan, nan, nan, "^not finite after 1 iteration$"),
    ("not_run", nan, nan, nan, "^not run$"),
]  # fmt: skip


@pytest.mark.parametrize(("reason", "left", "right", "last_fun", "said"), SENTENCES)
def test_each_reason_has_a_sentence_with_both_sides(reason, left, right, last_fun, said):
    told = sentence(Reason[reason], left, right, 1, 7, 9, last_fun)
    assert re.search(said, told), told


def test_every_reason_has_a_sentence():
    assert {reason for reason, *_ in SENTENCES} == {r.name for r in Reason}


def test_iterations_are_counted_in_english():
    assert sentence(Reason.interrupted, 0, 0, 0, 0, 0, 0.0) == "interrupted after 0 iterations"
    assert sentence(Reason.interrupted, 0, 0, 21, 0, 0, 0.0) == "interrupted after 21 iterations"


def test_an_operation_is_at_fault_only_where_something_is_not_finite():
    for reason in Reason:
        never_finite = reason in (Reason.left_domain, Reason.non_finite)
        assert blamed(reason, 1.0) == never_finite
        assert blamed(reason, nan) == (never_finite or reason is Reason.diverged)


def at(F, *x, nit=3, **more):
    point = np.array([x])
    return blame(F, point, float(F.rows_value_and_grad(point)[0][0]), nit, **more)


def test_an_operation_outside_its_domain_is_named_with_its_operand():
    F = tw.objective(lambda x: np.sum(np.log(x)), np.ones(2))
    reason, said = at(F, 1.0, -0.25)
    assert reason is Reason.left_domain
    assert said == "left the domain: log(-0.25) = nan in the value after 3 iterations"


def test_an_overflow_diverged_unless_it_is_at_the_start():
    F = tw.objective(lambda x: np.exp(x), 1.0)
    assert at(F, 1000.0) == (
        Reason.diverged,
        "diverged: exp(1000) = inf in the value after 3 iterations",
    )
    assert at(F, 1000.0, nit=0) == (
        Reason.non_finite,
        "not finite: exp(1000) = inf in the value after 0 iterations",
    )


def test_the_gradient_is_at_fault_where_the_value_is_finite():
    F = tw.objective(lambda x: np.sqrt(x), 1.0)
    reason, said = at(F, 0.0, after="at the start")
    assert reason is not Reason.left_domain
    assert "in the gradient at the start" in said


def test_data_that_are_not_finite_are_at_fault_before_any_operation():
    F = tw.objective(lambda x, a: np.sum(a * x), 1.0, args=(np.array([1.0, np.nan]),))
    reason, said = at(F, 2.0)
    assert reason is Reason.non_finite
    assert said.startswith("not finite: the data contain nan (args[0] at index 1)")
    assert said.endswith("so the value is not finite after 3 iterations")


def test_a_number_in_the_function_is_at_fault_where_no_array_is():
    F = tw.objective(lambda x: x + np.inf, 1.0)
    reason, said = at(F, 2.0)
    assert reason is Reason.non_finite
    assert said == (
        "not finite: a number in the function is NaN or infinite, and so is the value after 3 "
        "iterations"
    )


def test_a_step_that_is_not_finite_has_the_cause_that_is_given():
    F = tw.objective(lambda x: x**2, 1.0)
    assert at(F, 2.0) == (Reason.diverged, "the next step is not finite after 3 iterations")
    assert at(F, 2.0, why=lambda: "too long") == (
        Reason.diverged,
        "the next step is not finite after 3 iterations: too long",
    )
    assert at(F, 2.0, why=lambda: "") == at(F, 2.0)


def test_a_called_function_has_no_operations():
    F = Called(lambda x: np.log(x), 1.0, (), None, None)
    reason, said = blame(F, np.array([[-1.0]]), nan, 2)
    assert reason is Reason.non_finite
    assert said == "the value is not finite after 2 iterations: the function returned nan"
    _, said = blame(F, np.array([[0.5]]), 0.5, 2)
    assert said == "the gradient is not finite after 2 iterations: the function returned 0.5"
