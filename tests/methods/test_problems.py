# SPDX-License-Identifier: BSD-3-Clause
"""Solvers on the functions of benchmarks/functions.py: minima, endings, and evaluations."""

import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from endings import INEQUALITY, inequality_holds
from minimality import bottom

import thalweg as tw

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
evaluations = pytest.importorskip("evaluations", reason="the benchmarks are not beside the tests")


METHODS, PROBLEMS = evaluations.METHODS, evaluations.PROBLEMS
BY_NAME = {p.name: p for p in PROBLEMS}

# J. J. Moré, B. S. Garbow and K. E. Hillstrom, ACM Trans. Math. Softw. 7(1), 1981, section 3, to
# the digits printed there; CUTE's and Hock and Schittkowski's from their collections.
PUBLISHED = {
    "Powell badly scaled": 0, "Jennrich and Sampson": 124.362, "Bard": 8.21487e-3,
    "Gulf research and development": 0, "Box, three dimensions": 0,
    "Kowalik and Osborne": 3.07505e-4, "Watson": 2.28767e-3, "Extended Powell singular": 0,
    "Penalty II": 2.93660e-4, "Trigonometric": 2.79506e-5, "Discrete integral equation": 0,
    "Broyden banded": 0, "Linear, rank 1": 20 * 19 / (2 * 41), "Chebyquad": 3.51687e-3,
    "ARWHEAD (CUTE), n = 100": 0, "DIXON3DQ (CUTE), n = 100": 0, "DQDRTIC (CUTE), n = 100": 0,
    "LIARWHD (CUTE), n = 100": 0, "TRIDIA (CUTE), n = 100": 0, "QUARTC (CUTE), n = 100": 0,
    "HS 1": 0, "HS 2": 4.941229318, "HS 4": 8 / 3, "HS 5": -np.sqrt(3) / 2 - np.pi / 3,
    "HS 45": 1, "HS 110": -45.77846971,
}  # fmt: skip
# The value of a lower minimum.
OTHER = {"Trigonometric": 0.0, "HS 2": 0.0504261879}


@pytest.mark.parametrize("name", PUBLISHED)
def test_minima_are_the_published_ones(name):
    problem, published = BY_NAME[name], PUBLISHED[name]
    found = [end(problem, method).fun for method in METHODS]
    nearest = min(found, key=lambda f: abs(f - published))
    assert nearest == pytest.approx(published, rel=1e-5, abs=1e-7)
    lowest = min(published, OTHER.get(name, published))
    assert min(found) >= lowest - 1e-5 * abs(lowest) - 1e-12  # no lower value: no other function


def end(problem, method):
    """Where a method ends from the problem's start."""
    known = evaluations.Known(problem)
    bounds = None if known.bounds is None else list(zip(*known.bounds, strict=True))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return tw.minimize(known.objective, problem.x0, method, bounds=bounds, max_nfev=5000)


@pytest.mark.parametrize("method", METHODS)
def test_every_ending_is_true(method):
    for problem in PROBLEMS:
        if problem.x0.size > 100 and method in evaluations.DENSE:
            continue
        result = end(problem, method)
        assert inequality_holds(result.message) in (True, None), (problem.name, result.message)


# A gradient vanishes at saddles too. Moré, Garbow and Hillstrom list this one as a minimum; only a
# whole Hessian shows that it is none.
SADDLES = {("Biggs EXP6", method) for method in ("lbfgs", "bfgs", "cg", "newton_cg")}
MOST_VARIABLES = 50  # all 86 problems, by hand, with 1000: a minute


@pytest.mark.parametrize("method", METHODS)
def test_every_success_is_a_local_minimum(method):
    pytest.importorskip("mpmath")
    for problem in (p for p in PROBLEMS if p.x0.size <= MOST_VARIABLES):
        if problem.x0.size > 100 and method in evaluations.DENSE:
            continue
        result = end(problem, method)
        if not result.success:
            continue
        found = bottom(problem.function, result.x, problem.bounds)
        told = (problem.name, result.message, found)
        noise = 0.0
        if result.reason == tw.Reason.precision_limit:
            noise = float(INEQUALITY.search(result.message)[3])
        assert found.within, told
        assert found.fall <= max(1e-8 * max(1.0, abs(found.value)), noise), told
        assert found.curvature >= -1e-6 or (problem.name, method) in SADDLES, told


@pytest.mark.parametrize("method", METHODS)
def test_a_value_that_rounds_to_its_minimum_is_a_success(method):
    # Sums of numbers near 1 that are 0 at the minimum: the value is the same around it.
    result = end(BY_NAME["ARWHEAD (CUTE), n = 100"], method)
    assert result.success, result.message
    assert inequality_holds(result.message)
    assert abs(result.fun) <= 1e-12


@pytest.mark.parametrize(
    ("bounded", "most", "solved"),
    [
        # At most this mean of our evaluations relative to SciPy's; at least so many solved.
        (False, {"lbfgs": 0.9, "bfgs": 0.9, "cg": 0.75, "newton": 0.85, "newton_cg": 0.65},
         {"lbfgs": 70, "bfgs": 61, "cg": 63, "newton": 61, "newton_cg": 71}),
        (True, {"lbfgs": 1.0, "bfgs": 1.2, "cg": 1.2, "newton": 0.65, "newton_cg": 0.65},
         {"lbfgs": 13, "bfgs": 12, "cg": 13, "newton": 12, "newton_cg": 13}),
    ],
)  # fmt: skip
def test_evaluations_are_fewer_than_scipys(bounded, most, solved):
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        counts = evaluations.counted(bounded, METHODS)
    for method, (ours, theirs) in counts.items():
        both = np.isfinite(ours) & np.isfinite(theirs)
        assert np.exp(np.mean(np.log(ours[both] / theirs[both]))) <= most[method], method
        assert np.isfinite(ours).sum() >= solved[method], method


def test_bounds_are_reached_together_where_curvature_is_negative():
    # One search along the projected path brings all variables to their bounds.
    for n in (100, 1000):
        problem = BY_NAME[f"Concave, n = {n:,}"]
        for method in ("lbfgs", "cg"):
            result = end(problem, method)
            assert result.success
            assert (result.x == -1e5).all()
            assert result.nfev <= 32, method


@pytest.mark.parametrize(("method", "most"), [("lbfgs", 15), ("bfgs", 25), ("cg", 15)])
def test_a_bound_does_not_bend_a_step_out_of_a_valley(method, most):
    # The published problem with its bound across Rosenbrock's valley: 33 evaluations of lbfgs
    # where every step that leaves the box is projected, 15 of L-BFGS-B.
    problem = BY_NAME["HS 2"]
    values = evaluations.Known(problem).values_here(method)
    assert evaluations.evaluations(values, PUBLISHED["HS 2"]) <= most


def test_newton_scales_a_variable_without_curvature_by_one():
    def f(x, y):
        return -3 * x - 2 * y + 2 + x**3 + y**2

    result = tw.minimize(f, [0.0, 2.0], "newton")
    assert result.success
    np.testing.assert_allclose(result.x, [1, 1], rtol=1e-6)
    assert result.nfev <= 12  # 80 with a share of the other variable's scale


def test_a_cliff_in_the_first_trial_does_not_end_cg():
    result = tw.minimize(lambda x: x + np.exp(-100 * x), 0.5, "cg")
    assert result.success
    np.testing.assert_allclose(result.x, np.log(100) / 100, rtol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_noise_of_the_value_ends_a_descent(method):
    # f is a difference of numbers near 1e11: its noise is 1e5 times eps |f|.
    result = end(BY_NAME["Difference of large sums, n = 10"], method)
    assert result.reason == tw.Reason.precision_limit
    assert inequality_holds(result.message)
    assert result.nfev <= 100
    # Within the noise the last point is the answer, and not the luckiest value.
    np.testing.assert_array_equal(result.x, result.last.x)


@pytest.mark.parametrize("method", ["lbfgs", "bfgs", "cg", "steepest"])
def test_a_state_without_curvature_continues_bit_for_bit(method):
    # No step gives curvature, so each first trial is as long as the step before.
    def f(x):
        return -np.sum(x**2 + x) + 0 * np.sum(np.sqrt(50 - x))

    whole = tw.minimize(f, np.full(8, 0.5), method, max_iter=2)
    half = tw.minimize(f, np.full(8, 0.5), method, max_iter=1)
    rest = tw.minimize(f, half.x, method, state=half.state, max_iter=1)
    assert rest.x.tobytes() == whole.x.tobytes()


@pytest.mark.parametrize("method", ["lbfgs", "bfgs", "cg", "steepest"])
def test_a_wrong_gradient_is_no_noise(method):
    def fun(x):
        return 1000 * x @ x + x.sum(), np.ones(3)

    result = tw.minimize(fun, np.full(3, -5.0), method, trace=False, jac=True)
    assert not result.success
    assert "check that jac is the gradient of fun" in result.message
