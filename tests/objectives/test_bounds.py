# SPDX-License-Identifier: BSD-3-Clause
"""Random boxes and convex problems: no evaluation outside, and SciPy's minimum inside.

Nothing here names a solver but to say how exact it can be: a new one is tried at once.
"""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize as scipy_minimize

import thalweg as tw
from thalweg._methods.method import make

METHODS = list(tw.methods("solvers"))
methods = pytest.mark.parametrize("method", METHODS)
examples = settings(max_examples=30)

CALLED = ("value", "gradient")  # what a function that is called can tell

# Without derivatives, f is known to rounding and its least point to the root of that.
ROUGH = {"compass": 1e-5}
EXACT = 1e-6  # a slope, where the first one may be 1e3


@dataclass(frozen=True)
class Boxed:
    """A convex function of n variables, a box, and a start in it."""

    function: object
    lower: np.ndarray
    upper: np.ndarray
    x0: np.ndarray

    @property
    def bounds(self):
        return tw.Bounds(self.lower, self.upper)

    def __repr__(self):
        return f"Boxed(x0={self.x0}, lower={self.lower}, upper={self.upper})"


def quadratic(A, c):
    return lambda x: 0.5 * np.sum((A @ x - c) ** 2) + 0.1 * np.sum(x**2)


def log_sum_exp(A, c):
    return lambda x: np.log(np.sum(np.exp(A @ x - c))) + 0.1 * np.sum(x**2)


def pseudo_huber(A, c):
    return lambda x: np.sum(np.sqrt(1 + (A @ x - c) ** 2)) + 0.1 * np.sum(x**2)


@st.composite
def boxed(draw):
    n = draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    kind = draw(st.sampled_from([quadratic, log_sum_exp, pseudo_huber]))
    function = kind(rng.normal(size=(n + 2, n)), 3 * rng.normal(size=n + 2))
    x0 = rng.normal(size=n) * draw(st.sampled_from([0.1, 1.0, 10.0]))
    # How far each border is from the start: at it, near, far, nowhere.
    far = st.lists(st.sampled_from([0.0, 0.01, 1.0, 10.0, np.inf]), min_size=n, max_size=n)
    return Boxed(function, x0 - np.array(draw(far)), x0 + np.array(draw(far)), x0)


def inside(problem, points):
    return bool(np.all((points >= problem.lower) & (points <= problem.upper)))


def steepness(problem, x, slope):
    """The largest component of the projected gradient."""
    return float(np.max(np.abs(x - np.clip(x - slope, problem.lower, problem.upper))))


def talked(method, problem, **stops):
    """A descent whose every point is seen: the dialogue, and the points."""
    F = tw.objective(problem.function, problem.x0, unpack=False)
    talk = make(method, {}).start(problem.x0, problem.bounds, **stops)
    points = []
    while (asked := talk.ask()) is not None:
        points.append(asked.x[0])
        h = None
        if asked.curvature[0]:
            h = F.hessian(asked.x[0]) if talk.needs == "hessian" else F.hvp(asked.x[0], asked.v[0])
        talk.tell(*F.value_and_grad(asked.x[0]), h)
    return talk, np.array(points)


@methods
@given(problem=boxed())
@examples
def test_descent_stays_in_the_box_and_ends_where_scipy_does(method, problem):
    F = tw.objective(problem.function, problem.x0, unpack=False)
    talk, points = talked(method, problem)
    assert inside(problem, points)
    f, slope = F.value_and_grad(talk.x)
    size = max(1.0, np.max(np.abs(F.grad(problem.x0))))
    assert steepness(problem, talk.x, slope) <= ROUGH.get(method, EXACT) * size

    pairs = list(zip(problem.lower, problem.upper, strict=True))
    reference = scipy_minimize(
        F.value_and_grad, problem.x0, jac=True, bounds=pairs, method="L-BFGS-B",
        options={"gtol": 1e-9, "ftol": 0.0},
    )  # fmt: skip
    # Strongly convex by 0.2: the slope above bounds f - f* by its square.
    assert f <= reference.fun + 1e-9 * max(1.0, abs(reference.fun)) * size**2


@methods
@given(problem=boxed())
@examples
def test_traced_descent_stays_in_the_box(method, problem):
    result = tw.minimize(
        problem.function, problem.x0, method, bounds=problem.bounds, record=True, unpack=False
    )
    assert inside(problem, result.path.x)
    assert inside(problem, np.array([result.x, result.last.x]))
    at_border = np.where(result.x <= problem.lower, -1, np.where(result.x >= problem.upper, 1, 0))
    np.testing.assert_array_equal(result.active_mask, at_border)


@pytest.mark.parametrize("method", [m for m in METHODS if make(m, {}).needs in CALLED])
@given(problem=boxed())
@examples
def test_called_function_is_not_called_outside_the_box(method, problem):
    F = tw.objective(problem.function, problem.x0, unpack=False)
    points = []

    def called(x):
        points.append(np.array(x))
        return F(x)

    # Without jac= differences are taken, which lean inwards.
    tw.minimize(called, problem.x0, method, bounds=problem.bounds, trace=False, unpack=False,
                max_iter=20)  # fmt: skip
    assert inside(problem, np.array(points))


@methods
def test_start_at_a_corner_where_it_must_stay(method):
    box = tw.Bounds([1.0, 2.0], [5.0, 5.0])
    result = tw.minimize(lambda x: x[0] + x[1] ** 2, np.array([1.0, 2.0]), method, bounds=box)
    assert result.success
    assert result.nit == 0 or method in ROUGH
    np.testing.assert_array_equal(result.x, [1.0, 2.0])
    np.testing.assert_array_equal(result.active_mask, [-1, -1])


@methods
def test_box_of_one_point_is_no_trouble(method):
    box = tw.Bounds(2.0, 2.0)
    result = tw.minimize(lambda x: np.sum(x**2), np.full(3, 2.0), method, bounds=box)
    assert result.success
    np.testing.assert_array_equal(result.x, np.full(3, 2.0))
