# SPDX-License-Identifier: BSD-3-Clause
"""Bounds: how they are read, and that no evaluation leaves them.

Random boxes and convex problems end in SciPy's minimum. Nothing there names a solver but to say
how exact it can be: a new one is tried at once.
"""

import math
from dataclasses import dataclass

import numpy as np
import pytest
from descent_cases import GD, bowl, called, slope
from hypothesis import given, settings
from hypothesis import strategies as st
from problems import sauna
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


# ---- how bounds are read, and kept by every rule -------------------------------------------------


def fenced(lower, upper):
    """A function that must not be called outside its box."""

    def f(x):
        assert np.all(x >= lower), f"{x} below {lower}"
        assert np.all(x <= upper), f"{x} above {upper}"
        return called(x)

    return f


@pytest.mark.parametrize("method", ["gradient_descent", "momentum", "adam"])
@pytest.mark.parametrize("jac", [slope, None], ids=["gradient", "differences"])
@pytest.mark.parametrize("start", [[0.5, 1.0], [0.0, 0.0], [1.0, 2.0], [0.3, 2.0]])
def test_nothing_is_evaluated_outside_the_bounds(method, jac, start):
    lower, upper = np.array([0.0, 0.0]), np.array([1.0, 2.0])
    res = tw.minimize(fenced(lower, upper), start, method, learning_rate=0.4, trace=False, jac=jac,
                      bounds=[(0, 1), (0, 2)], max_iter=200)  # fmt: skip
    np.testing.assert_array_equal(res.x, [1, 2])
    assert res.success


def test_differences_in_a_narrow_box_stay_inside():
    lower, upper = np.array([0.0, 2.0]), np.array([1e-9, 2.0])  # narrower than a step; fixed
    res = tw.minimize(fenced(lower, upper), [0.0, 2.0], **GD, learning_rate=0.1, trace=False,
                      bounds=[(0, 1e-9), (2, 2)], max_iter=20, gtol=0)  # fmt: skip
    np.testing.assert_array_equal(res.x, [1e-9, 2])


def test_state_outside_the_bounds_is_not_evaluated():
    first = tw.minimize(called, [0.0, 0.0], **GD, learning_rate=0.1, max_iter=3, trace=False,
                        jac=slope)  # fmt: skip
    assert np.all(first.last.x > 0.5)
    with pytest.raises(ValueError, match="must lie within the bounds"):
        tw.minimize(fenced(0.0, 0.5), [0.0, 0.0], **GD, learning_rate=0.1, max_iter=3,
                    trace=False, jac=slope, state=first.state, bounds=[(0, 0.5)] * 2)  # fmt: skip


def test_traced_path_stays_within_the_bounds():
    res = tw.minimize(sauna, [0.5, 0.6], "momentum", learning_rate=0.1, record=True,
                      bounds=[(0, 3), (0.6, 5)], max_iter=500)  # fmt: skip
    assert np.all((res.path.x >= [0, 0.6]) & (res.path.x <= [3, 5]))


def test_projected_gradient_decides():
    res = tw.minimize(bowl, [0.5, 0.5], **GD, learning_rate=0.1, bounds=[(0, 1), (0, 5)],
                      record=True)  # fmt: skip
    assert res.reason == tw.Reason.gradient_small
    assert res.x[0] == 1.0
    assert res.x[1] == pytest.approx(3.0, abs=1e-8)
    assert res.jac[0] == -4.0  # the gradient itself is not small
    assert res.path.grad_norm[-1] <= 1e-8
    np.testing.assert_array_equal(res.active_mask, [1, 0])
    assert res.active_mask.dtype.kind == "i"


def test_active_mask_tells_both_sides():
    res = tw.minimize(lambda x: x[0] - x[1] + x[2] ** 2, [0.5, 0.5, 0.5], **GD, learning_rate=0.2,
                      bounds=[(0, 1)] * 2 + [(-1, 1)])  # fmt: skip
    np.testing.assert_array_equal(res.active_mask, [-1, 1, 0])
    assert res.success


def test_active_mask_has_the_form_of_x0():
    res = tw.minimize(lambda a, b: a + np.sum(b), {"a": 0.5, "b": np.full(2, 0.5)}, **GD,
                      learning_rate=1.0, bounds=tw.Bounds(0, 1))  # fmt: skip
    assert res.active_mask["a"] == -1
    np.testing.assert_array_equal(res.active_mask["b"], [-1, -1])
    assert tw.minimize(bowl, np.zeros(2), **GD, learning_rate=0.1).active_mask is None


def test_fixed_variables_stay():
    res = tw.minimize(bowl, [0.5, 0.5], **GD, learning_rate=0.1, bounds=[(0.5, 0.5), (None, None)])
    assert res.x[0] == 0.5
    assert res.success


class SciPyBounds:
    """Looks like scipy.optimize.Bounds."""

    def __init__(self, lb, ub):
        self.lb, self.ub, self.keep_feasible = np.asarray(lb), np.asarray(ub), False


@pytest.mark.parametrize(
    "bounds",
    [
        [(0, 1), (None, 2)],
        ((0.0, 1.0), (-np.inf, 2.0)),
        np.array([[0, 1], [-np.inf, 2]]),
        [[0, 1], [None, 2]],
        tw.Bounds([0, -np.inf], [1, 2]),
        SciPyBounds([0, -np.inf], [1, 2]),
        iter([(0, 1), (None, 2)]),
        zip([0, None], [1, 2], strict=True),
    ],
    ids=lambda b: type(b).__name__,
)
def test_bounds_in_every_form(bounds):
    res = tw.minimize(bowl, [0.5, 0.5], **GD, learning_rate=0.1, bounds=bounds)
    np.testing.assert_array_equal(res.x, [1, 2])


@pytest.mark.parametrize("bounds", [(0, 1), [0, 1], [(0, 1)], tw.Bounds(0, 1), (None, 1), (0, 1.0)])
def test_bounds_of_a_scalar_are_one_pair(bounds):
    res = tw.minimize(lambda x: (x - 3) ** 2, 0.5, **GD, learning_rate=0.1, bounds=bounds)
    assert res.x == 1.0
    assert res.active_mask == 1


def test_bounds_by_name():
    res = tw.minimize(lambda m, b: (m - 3) ** 2 + (b - 3) ** 2, {"m": 0.0, "b": 0.0}, **GD,
                      learning_rate=0.1, bounds={"m": (0, 1)})  # fmt: skip
    assert res.x["m"] == 1.0
    assert res.x["b"] == pytest.approx(3.0)


def test_bounds_of_arrays_broadcast():
    res = tw.minimize(bowl, np.zeros((2, 3)), **GD, learning_rate=0.1,
                      bounds=tw.Bounds(-1, [1, 2, 9]))  # fmt: skip
    np.testing.assert_allclose(res.x, [[1, 2, 3]] * 2, atol=1e-8)


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        ([(0, 1)], "bounds must be 2 pairs (lower, upper), got 1 entries"),
        ([(0, 1)] * 3, "bounds must be 2 pairs (lower, upper), got 3 entries"),
        ([(0, 1), (0, 1, 2)], "bounds must be 2 pairs"),
        ([(0, 1), 3], "bounds must be 2 pairs"),
        ([(0, 1), None], "bounds must be 2 pairs"),
        ([], "bounds must be 2 pairs (lower, upper), got 0 entries"),
        (3, "bounds must be 2 pairs (lower, upper), got int"),
        ("ab", "bounds must be 2 pairs"),
        ([(1, 0), (0, 1)], "bounds must have lower <= upper, got (1.0, 0.0) for variable 0"),
        ([(0, 1), (2, 1)], "got (2.0, 1.0) for variable 1"),
        ([(math.nan, 1), (0, 1)], "bounds must not be NaN"),
        (tw.Bounds(0, math.nan), "bounds must not be NaN"),
        ([(0, 1), (0.6, 1)], "x0 must lie within the bounds, got 0.5 outside [0.6, 1.0]"),
        ([(0, 1), (0, 0.4)], "got 0.5 outside [0.0, 0.4] for variable 1"),
        (tw.Bounds([0, 0, 0], 1), "lb must broadcast to shape (2,), got (3,)"),
        (tw.Bounds(0, np.ones((2, 2))), "ub must broadcast to shape (2,), got (2, 2)"),
        (tw.Bounds("a", 1), "lb must be numbers, got str"),
        (tw.Bounds(0, 1j), "ub must be real"),
        ([("a", 1), (0, 1)], "bounds"),
        ([(1j, 1), (0, 1)], "bounds"),
        ([([0, 0], 1), (0, 1)], "bounds"),
        ({"x": (0, 1)}, "bounds"),
    ],
)
def test_bad_bounds_are_refused(bounds, said):
    with pytest.raises((TypeError, ValueError)) as caught:
        tw.minimize(bowl, [0.5, 0.5], **GD, learning_rate=0.1, bounds=bounds)
    assert said in str(caught.value)


def test_bounds_with_unknown_names_are_refused():
    with pytest.raises(ValueError, match=r"keys among \['m'\], got \['n'\]"):
        tw.minimize(lambda m: m**2, {"m": 0.0}, **GD, learning_rate=0.1, bounds={"n": (0, 1)})


@pytest.mark.parametrize("many", [False, True])
def test_least_squares_takes_pairs_by_name(many):
    """Those that are left out are unbounded; an array has one bound for all its elements."""

    def fun(a, w):
        return np.concatenate([[a - 3.0], w - np.array([1.0, -1.0])])

    x0, bounds = {"a": 1.0, "w": np.zeros(2)}, {"a": (None, 2.0), "w": (-0.5, None)}
    if many:
        x0s = {"a": np.ones(3), "w": np.zeros((3, 2))}
        found = tw.least_squares_many(fun, x0s, bounds=bounds).x
        assert found["a"].tolist() == [2.0] * 3
        # The relative step that ends a fit is 1e-10.
        np.testing.assert_allclose(found["w"], [[1.0, -0.5]] * 3, rtol=1e-9)
    else:
        found = tw.least_squares(fun, x0, bounds=bounds).x
        assert found["a"] == 2.0
        np.testing.assert_allclose(found["w"], [1.0, -0.5], rtol=1e-9)
    with pytest.raises(ValueError, match="bounds must have keys among"):
        tw.least_squares(fun, x0, bounds={"q": (0, 1)})
