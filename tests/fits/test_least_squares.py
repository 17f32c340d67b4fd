# SPDX-License-Identifier: BSD-3-Clause
"""least_squares: SciPy's words, errors and answers; bounds, losses, scales, endings."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize
from scipy.optimize import Bounds

import thalweg as tw


def parabola(x, a=0.0):
    return (x - a) ** 2 + 5.0


def rosenbrock(x):
    return np.array([10 * (x[1] - x[0] ** 2), 1 - x[0]])


# ---- what comes back -----------------------------------------------------------------------------


def test_result_has_the_names_and_values_of_scipy():
    ours = tw.least_squares(rosenbrock, [-2.0, 1.0])
    theirs = optimize.least_squares(rosenbrock, [-2.0, 1.0], method="lm")
    for name in theirs:
        assert name in ours
    assert ours.success is True
    assert ours.status == 1
    np.testing.assert_allclose(ours.x, [1, 1], rtol=1e-12)
    assert ours["x"] is ours.x
    assert ours.fun.shape == (2,)
    assert ours.jac.shape == (2, 2)
    np.testing.assert_array_equal(ours.active_mask, [0, 0])
    assert ours.nfev == ours.njev
    assert ours.reason is tw.Reason.gradient_small


def test_first_evaluation_alone_is_told_in_full():
    res = tw.least_squares(parabola, [2.0], max_nfev=1)
    assert (res.cost, res.fun, res.jac, res.grad) == (40.5, [9.0], [[4.0]], [36.0])
    assert (res.optimality, res.nfev, res.njev, res.status) == (36.0, 1, 1, 0)
    assert not res.success
    assert res.message.startswith("The maximum number of function evaluations is exceeded")


def test_scalar_start_comes_back_as_a_float():
    res = tw.least_squares(parabola, 2.0)
    assert isinstance(res.x, float)
    assert abs(res.x) < 1e-7
    assert res.fun.shape == (1,)


def test_points_come_back_in_their_structure():
    def residuals(scale, w):
        return scale * w - np.array([2.0, 4.0, 6.0]), scale - 2.0

    res = tw.least_squares(
        lambda scale, w: np.concatenate([residuals(scale, w)[0], [residuals(scale, w)[1]]]),
        {"scale": 1.0, "w": np.ones(3)},
    )
    assert res.x["scale"] == pytest.approx(2.0)
    np.testing.assert_allclose(res.x["w"], [1, 2, 3])
    assert set(res.grad) == {"scale", "w"}
    np.testing.assert_array_equal(res.active_mask["w"], 0)


def test_elements_are_passed_one_by_one_where_the_signature_says_so():
    res = tw.least_squares(lambda a, b: [a - 1, b - 2, a * b - 2], [0.5, 0.5])
    np.testing.assert_allclose(res.x, [1, 2])


def test_kept_objective_is_fitted_without_tracing_again():
    calls = []

    def residuals(x, y):
        calls.append(1)
        return x[0] * np.exp(x[1] * np.arange(4.0)) - y

    y = 2.0 * np.exp(-0.5 * np.arange(4.0))
    objective = tw.objective(residuals, [1.0, 0.0], args=(y,))
    np.testing.assert_allclose(tw.least_squares(objective, [1.0, 0.0]).x, [2.0, -0.5])
    res = tw.least_squares(objective, [1.0, 0.0], args=(3 * y,))
    np.testing.assert_allclose(res.x, [6.0, -0.5])
    assert len(calls) == 1


# ---- arguments -----------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [{"args": (3, 4)}, {"kwargs": {"kaboom": 3}}, {"options": {}}])
def test_unknown_arguments_are_type_errors_as_in_scipy(how):
    with pytest.raises(TypeError):
        optimize.least_squares(parabola, 2.0, **how)
    with pytest.raises(TypeError):
        tw.least_squares(parabola, 2.0, **how)


# What both refuse as a ValueError, and the beginning of SciPy's text.
REFUSED = {
    "method": (parabola, 2.0, {"method": "newton"}, "`method` must be 'trf', 'dogbox' or 'lm'"),
    "jac": (parabola, 2.0, {"jac": "oops"}, "`jac` must be '2-point', '3-point', 'cs' or"),
    "solver": (parabola, 2.0, {"tr_solver": "best"}, "`tr_solver` must be None, 'exact' or"),
    "loss": (parabola, 2.0, {"loss": "hinge"}, "`loss` must be one of"),
    "verbose": (parabola, 2.0, {"verbose": 3}, "`verbose` must be in"),
    "max_nfev": (parabola, 2.0, {"max_nfev": 0}, "`max_nfev` must be None or positive integer"),
    "complex": (parabola, 2.0 + 0j, {}, "`x0` must be real"),
    "complex list": (parabola, [1.0, 2.0 + 0j], {}, "`x0` must be real"),
    "matrix": (lambda x: np.stack([x, x**2]), [1.0, 2.0], {}, "`fun` must return at most 1-d"),
    "three bounds": (parabola, 2.0, {"bounds": (1, 2, 3)}, "`bounds` must contain 2 elements"),
    "shapes": (parabola, [2.0], {"bounds": (1.0, [2.0, 3.0])}, "Inconsistent shapes between"),
    "short": (rosenbrock, [1.0, 2.0], {"bounds": ([0.0], [3.0, 4.0])}, "Inconsistent shapes"),
    "crossed": (parabola, 2.0, {"bounds": (10.0, 0.0)}, "Each lower bound must be strictly less"),
    "equal": (parabola, 2.0, {"bounds": (2.0, 2.0)}, "Each lower bound must be strictly less"),
    "outside": (parabola, 2.0, {"bounds": (3.0, 4.0)}, "Initial guess is outside of provided"),
    "scale word": (parabola, 2.0, {"x_scale": "auto"}, "`x_scale` must be 'jac' or array_like"),
    "scale sign": (parabola, 2.0, {"x_scale": -1.0}, "`x_scale` must be 'jac' or array_like"),
    "scale complex": (parabola, 2.0, {"x_scale": 1 + 2j}, "`x_scale` must be 'jac' or array_like"),
    "no test": (
        parabola,
        2.0,
        {"ftol": None, "xtol": None, "gtol": None},
        "At least one of the tolerances must be higher",
    ),
    "not finite": (lambda x: np.log(x), -1.0, {}, "Residuals are not finite in the initial point"),
    "one loss": (
        parabola,
        2.0,
        {"loss": lambda z: (z, z)},
        "The return value of `loss` callable has wrong shape",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.filterwarnings("ignore:invalid value encountered in log")  # SciPy calls it
def test_what_scipy_refuses_is_refused_in_its_words(case):
    fun, x0, how, words = REFUSED[case]
    if case != "one loss":  # there SciPy fails before its own check
        with pytest.raises(ValueError):  # noqa: PT011 - SciPy's text moves from release to release
            optimize.least_squares(fun, x0, **({"method": "trf"} | how))
    with pytest.raises(ValueError, match=words.replace("(", r"\(")):
        tw.least_squares(fun, x0, **how)


def test_sums_of_squares_are_no_method_of_minimize():
    for method in ("lm", tw.LM(), tw.LM):
        with pytest.raises(ValueError, match=r"tw\.least_squares"):
            tw.minimize(lambda x: x**2, 1.0, method)
    with pytest.raises(ValueError, match=r"tw\.least_squares"):
        tw.LM().start([1.0, 1.0])


# ---- bounds --------------------------------------------------------------------------------------


def test_minimum_at_a_bound_is_marked():
    res = tw.least_squares(parabola, 2.0, bounds=(0.5, 3.0))
    assert res.x == 0.5
    assert res.active_mask == -1
    assert res.optimality == 0.0
    res = tw.least_squares(parabola, -3.0, bounds=Bounds(ub=-1.0))
    assert (res.x, res.active_mask) == (-1.0, 1)


ROSENBROCK_BOXES = [
    ([-2.0, 1.0], ([-np.inf, -1.5], np.inf)),
    ([2.0, 2.0], ([-np.inf, 1.5], np.inf)),
    ([-2.0, 2.0], ([-np.inf, 1.5], np.inf)),
    ([0.0, 2.0], ([-np.inf, 1.5], [1.0, np.inf])),
    ([2.0, 2.0], ([1.0, 1.5], [3.0, 3.0])),
    ([-1.2, 1.0], ([-50.0, 0.0], [0.5, 100])),
]


@pytest.mark.parametrize(("x0", "bounds"), ROSENBROCK_BOXES)
@pytest.mark.parametrize("x_scale", [1.0, [1.0, 0.5], "jac"])
def test_rosenbrock_in_boxes(x0, bounds, x_scale):
    ours = tw.least_squares(rosenbrock, x0, bounds=bounds, x_scale=x_scale)
    theirs = optimize.least_squares(rosenbrock, x0, bounds=bounds, ftol=1e-14, xtol=1e-14)
    # SciPy stays within the box and so a little above the minimum.
    assert ours.cost <= theirs.cost + 1e-8
    assert ours.optimality < 1e-8


@given(st.integers(0, 10**6))
def test_no_evaluation_outside_the_box_and_the_minimum_of_scipy(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 6))
    m = n + int(rng.integers(0, 8))
    a = rng.normal(size=(m, n)) * np.exp(2 * rng.normal(size=n))
    b = 3 * rng.normal(size=m)
    lower = np.where(rng.random(n) < 0.3, -np.inf, rng.normal(size=n) - 0.5)
    upper = np.where(rng.random(n) < 0.3, np.inf, np.maximum(lower, -9) + rng.exponential(size=n))
    upper = np.maximum(upper, lower + 0.01)
    x0 = np.clip(rng.normal(size=n), lower, upper)
    seen = []

    def residuals(x):
        seen.append(x.copy())
        r = a @ x - b
        return np.concatenate([r, np.sin(r[:1])])

    def jac(x):
        r = a @ x - b
        return np.concatenate([a, np.cos(r[0]) * a[:1]])

    res = tw.least_squares(residuals, x0, jac, bounds=(lower, upper), trace=False)
    points = np.array(seen)
    assert (points >= lower).all()
    assert (points <= upper).all()
    assert res.success
    # What is left of the slope where no bound holds, measured as the descent does.
    lengths = np.linalg.norm(res.jac, axis=0)
    assert (np.abs(res.grad) / lengths)[res.active_mask == 0].max(initial=0.0) <= 1e-6 * max(
        1.0, np.linalg.norm(res.fun)
    )
    traced = tw.least_squares(
        lambda x: np.concatenate([a @ x - b, np.sin((a @ x - b)[:1])]), x0, bounds=(lower, upper)
    )
    assert traced.cost == pytest.approx(res.cost, rel=1e-6, abs=1e-12)
    assert (traced.x >= lower).all()
    assert (traced.x <= upper).all()


@given(st.integers(0, 10**6))
def test_linear_problems_in_boxes_reach_the_minimum_of_lsq_linear(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 8))
    m = n + int(rng.integers(0, 5))
    a, b = rng.normal(size=(m, n)), rng.normal(size=m)
    lower = -rng.exponential(size=n)
    upper = rng.exponential(size=n)
    res = tw.least_squares(lambda x: a @ x - b, np.zeros(n), bounds=(lower, upper), unpack=False)
    theirs = optimize.lsq_linear(a, b, (lower, upper), method="bvls", tol=1e-14)
    assert res.success
    # The minimum is one; two ways of solving it are 1e-16 times its condition squared apart.
    assert res.cost <= theirs.cost + 1e-9 * max(1.0, theirs.cost)


# ---- endings -------------------------------------------------------------------------------------


def test_callbacks_hear_of_every_step_and_can_end_it():
    points, told = [], []
    res = tw.least_squares(rosenbrock, [-2.0, 1.0], callback=points.append)
    assert len(points) == res.nit
    np.testing.assert_array_equal(points[-1], res.x)

    def listen(intermediate_result):
        told.append(intermediate_result)

    tw.least_squares(rosenbrock, [-2.0, 1.0], callback=listen)
    costs = [t.cost for t in told]
    assert costs == sorted(costs, reverse=True)

    def stop(_):
        raise StopIteration

    res = tw.least_squares(rosenbrock, [-2.0, 1.0], callback=stop)
    assert (res.nit, res.status, res.success) == (1, -2, False)


def test_exceptions_of_the_function_come_through():
    def fails(x):
        if x[0] != -2.0:
            raise RuntimeError("no more")
        return rosenbrock(x)

    with pytest.raises(RuntimeError, match="no more"):
        tw.least_squares(fails, [-2.0, 1.0], lambda _: np.eye(2), trace=False)


def test_interrupt_carries_what_was_found_so_far():
    calls = []

    def stopped(x):
        calls.append(x.copy())
        if len(calls) == 4:
            raise KeyboardInterrupt
        return rosenbrock(x)

    with pytest.raises(KeyboardInterrupt) as caught:
        tw.least_squares(stopped, [-2.0, 1.0], lambda x: [[-20 * x[0], 10], [-1, 0]], trace=False)
    res = caught.value.result
    assert (str(res.reason), res.status, res.success) == ("interrupted", -2, False)
    costs = [0.5 * np.sum(rosenbrock(x) ** 2) for x in calls[:3]]
    assert res.cost == pytest.approx(min(costs))
    assert len(calls) == 4  # and nothing is evaluated any more


def test_verbose_prints_the_ending(capsys):
    tw.least_squares(rosenbrock, [-2.0, 1.0], verbose=1)
    assert "gtol" in capsys.readouterr().out
