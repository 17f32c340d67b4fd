# SPDX-License-Identifier: BSD-3-Clause
"""Success is earned: what is called a minimum is one, in the problem's own units."""

import mpmath as mp
import numpy as np
import pytest
from endings import inequality_holds
from published import MGH

import thalweg as tw

SOLVERS = list(tw.methods("solvers"))
SMOOTH = [name for name in SOLVERS if name != "compass"]


# ---- sentences -----------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_inequality_of_every_message_is_true_on_published_problems(solver):
    for problem in MGH:
        objective = tw.objective(problem.function, problem.x0, unpack=False)
        for factor in (1, 10, 100):
            for tolerance in (1e-8, 0.0):
                r = tw.minimize(
                    objective, factor * problem.x0, solver, gtol=tolerance, max_iter=500
                )
                told = f"{problem.name}, {factor} x0: {r.message}"
                assert inequality_holds(r.message) in (True, None), told
                if r.reason == tw.Reason.gradient_small and solver != "compass":
                    # The same gradient, evaluated in another layout: to the last bits.
                    assert np.abs(r.jac).max() <= 1e-8 * (1 + 1e-6), told


# ---- the gradient at the answer ------------------------------------------------------------------


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_start_on_a_data_point_of_a_sum_of_norms_is_no_success(solver):
    points = np.array([[0, 0], [1, 0], [0, 1]] + 3 * [[0.1, 0.1]])
    r = tw.minimize(
        lambda p: np.sum(np.sqrt(np.sum((p - points) ** 2, axis=1))), np.zeros(2), solver
    )
    if r.success:
        np.testing.assert_allclose(r.x, 0.1, atol=1e-6)
        assert np.isfinite(r.jac).all()
    else:
        assert r.reason == tw.Reason.non_finite or solver == "compass"


def test_nan_in_args_is_not_finite_and_no_learning_rate_is_blamed():
    for method in SOLVERS:
        r = tw.minimize(lambda x, a: np.sum((x - a) ** 2), np.zeros(2), method, args=(np.nan,))
        assert r.reason == tw.Reason.non_finite, (method, r.message)
        assert "learning rate" not in r.message
        many = tw.minimize_many(
            lambda x, a: np.sum((x - a) ** 2), np.zeros((3, 2)), method, args=(np.nan,)
        )
        assert (many.reason == tw.Reason.non_finite).all()


@pytest.mark.parametrize("method", ["momentum", "nesterov"])
def test_a_rule_that_settled_above_a_point_that_it_saw_has_not_converged(method):
    # A deep narrow well on the way down a wide bowl, which momentum leaps over.
    def f(x):
        return 0.5 * x**2 - 9 * np.exp(-(((x - 3) / 0.05) ** 2))

    deep = 0
    for start in np.linspace(4, 8, 60):
        r = tw.minimize(f, start, method, learning_rate=0.05, max_iter=3000)
        if r.success:
            assert abs(r.jac) <= 1e-8 * (1 + 1e-6) or "rounding" in r.message
        if r.fun < r.last.fun - 1e-3:
            deep += 1
            assert not r.success, r.message
    assert deep > 0


# ---- the problem's own units ---------------------------------------------------------------------

CASES = {
    "bowl": lambda z, _: (z[0] - 3) ** 2 + (z[1] + 1) ** 2 + z[0] * z[1] / 2,
    "raised": lambda z, _: (z[0] - 3) ** 2 + 10 * (z[1] + 1) ** 2 + 7,
    "rosenbrock": lambda z, _: 100 * (z[1] - z[0] ** 2) ** 2 + (1 - z[0]) ** 2,
    "cosh": lambda z, m: m.cosh(z[0] - 1) + m.cosh(2 * z[1] + 0.3) + 0.1 * z[0] * z[1],
    "exponentials": lambda z, m: m.exp(z[0] + z[1]) + m.exp(-z[0]) + m.exp(z[0] - 2 * z[1]),
    "quartic": lambda z, _: (z[0] - 1) ** 4 + (z[0] + z[1]) ** 2 + 1,
}


def scaled_minimizations(count, seed=0):
    """Random minimizations in scaled units, each with its solver: the results and what to check."""
    rng = np.random.default_rng(seed)
    for k in range(count):
        name = list(CASES)[k % len(CASES)]
        solver = SOLVERS[int(rng.integers(len(SOLVERS)))]
        unit_x, unit_f = 10.0 ** rng.choice([-15, 0, 15]), 10.0 ** rng.choice([-24, 0, 24])
        start = rng.uniform(-2, 2, 2)
        if rng.random() < 0.5 and solver != "compass":  # which has its first steps from the start
            start = np.zeros(2)
        r = tw.minimize(
            lambda x, f=CASES[name], u=unit_x, v=unit_f: v * f(x / u, np), start * unit_x, solver,
            max_iter=3000,
        )  # fmt: skip
        yield name, solver, unit_x, unit_f, start, r


def earned(name, unit_x, unit_f, r):
    """Whether a success is a minimum: by mpmath, with 60 digits, in the problem's own units."""
    with mp.workdps(60):
        z = [mp.mpf(float(v)) / mp.mpf(unit_x) for v in r.x]
        f = lambda *v: CASES[name](v, mp)  # noqa: E731
        slope = mp.matrix([mp.diff(f, tuple(z), d) for d in ((1, 0), (0, 1))])
        hessian = mp.matrix(
            [[mp.diff(f, tuple(z), d) for d in row] for row in (((2, 0), (1, 1)), ((1, 1), (0, 2)))]
        )
        value = abs(f(*z))
        least = min(mp.eigsy(hessian, eigvals_only=True))
        # By how much the value would still fall: within 1e-8 of it, or of 1.
        fall = (slope.T * mp.lu_solve(hessian, slope))[0] / 2 if least > 1e-9 else mp.norm(slope)
        return least > -1e-6 and abs(fall) <= mp.mpf(1e-8) * max(value, 1)


def test_success_in_scaled_units_is_a_minimum_by_mpmath():
    # 500 by hand: 60 here take a second or two.
    successes = 0
    for name, solver, unit_x, unit_f, start, r in scaled_minimizations(60):
        if r.success:
            successes += 1
            assert earned(name, unit_x, unit_f, r), (name, solver, unit_x, unit_f, start, r)
    assert successes > 50


@pytest.mark.parametrize("solver", SMOOTH)
@pytest.mark.parametrize(("unit_x", "unit_f"), [(1e-15, 1), (1e15, 1), (1, 1e-24), (1, 1e24)])
def test_tiny_and_huge_units_are_minimized_from_the_start(solver, unit_x, unit_f):
    for start in (0.0, 0.5):
        r = tw.minimize(
            lambda x: unit_f * ((x[0] / unit_x - 3) ** 2 + (x[1] / unit_x + 1) ** 2),
            np.full(2, start) * unit_x, solver,
        )  # fmt: skip
        assert r.success, r.message
        # |x - x*| by a gradient 1e-8 of that at the start.
        np.testing.assert_allclose(r.x / unit_x, [3, -1], atol=1e-6)


@pytest.mark.parametrize("unit", [1e-15, 1e15])
def test_compass_finds_a_minimum_in_units_that_its_start_does_not_tell(unit):
    r = tw.minimize(lambda x: np.sum((x / unit - 3) ** 2), np.zeros(2), "compass")
    assert r.success
    np.testing.assert_allclose(r.x / unit, 3, rtol=1e-6)


def test_a_rule_takes_the_scale_of_the_gradient_from_the_start():
    r = tw.minimize(lambda x: 1e-24 * (x - 3) ** 2, 0.0, "gradient_descent", learning_rate=1e23)
    assert r.success, r.message
    assert abs(r.x - 3) < 1e-6
    lazy = tw.minimize(lambda x: 1e-24 * (x - 3) ** 2, 0.0, "gradient_descent", learning_rate=0.1)
    assert not lazy.success


@pytest.mark.parametrize("method", ["gradient_descent", "adam", "lbfgs"])
def test_a_descent_from_where_another_ended_ends_at_once_or_soon(method):
    def f(x):
        return np.sum(np.cosh(x - 1)) + 0.1 * np.sum(x) ** 2

    first = tw.minimize(f, np.zeros(3), "newton")
    again = tw.minimize(
        f, first.x + 1e-9, method, **({"learning_rate": 0.1} if method != "lbfgs" else {})
    )
    assert again.success, again.message


# ---- noise ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["steepest", "cg", "bfgs", "lbfgs"])
@pytest.mark.parametrize("noise", [1e-12, 1e-9])
def test_a_minimum_of_a_noisy_value_is_the_limit_of_precision(solver, noise):
    # The gradient is exact; the value carries noise far above its own rounding.
    def f(x):
        bits = np.sin(1e13 * np.sum(x)) + np.sin(3e12 * x[0])
        return float(1 + np.sum(np.cosh(x - 1)) + noise * bits), np.sinh(x - 1)

    for seed in range(5):
        start = np.random.default_rng(seed).normal(size=3)
        r = tw.minimize(f, start, solver, trace=False, jac=True, gtol=1e-16)
        assert r.success, r.message
        assert inequality_holds(r.message)
        # f tells x to the root of its noise; slopes tell more.
        np.testing.assert_allclose(r.x, 1, atol=10 * noise**0.5)


# ---- kinks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", SOLVERS)
def test_least_absolute_deviations_end_in_a_kink(solver):
    for seed in range(20):
        b, c = np.random.default_rng(seed).random((2, 10))
        r = tw.minimize(lambda x, b=b, c=c: np.sum(np.abs(x * b - c)), 0.5, solver)
        least = min(np.sum(np.abs(x * b - c)) for x in c / b)  # at one of the kinks, exactly
        assert r.reason == tw.Reason.kink, (seed, r.message)
        assert r.success
        assert r.fun <= least * (1 + 1e-13)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("n", [2, 3, 5])
def test_no_kink_is_called_a_minimum_that_is_none(solver, n):
    from scipy.optimize import linprog

    found = 0
    for seed in range(4):
        rng = np.random.default_rng(seed)
        m = 4 * n
        a, c = rng.normal(size=(m, n)), rng.normal(size=m)
        r = tw.minimize(
            lambda x, a=a, c=c: np.sum(np.abs(a @ x - c)), np.full(n, 0.1), solver, max_iter=500
        )
        known = linprog(
            np.r_[np.zeros(n), np.ones(m)], np.block([[a, -np.eye(m)], [-a, -np.eye(m)]]),
            np.r_[c, -c], bounds=[(None, None)] * n + [(0, None)] * m,
        )  # fmt: skip
        # Gradients by differences, as compass has them, show slopes to 1e-6 of f.
        if r.success:
            assert r.fun <= known.fun * (1 + (1e-5 if solver == "compass" else 1e-11)), r
        found += r.success
    assert found >= (3 if n < 5 else 2) or solver not in ("bfgs", "lbfgs")


@pytest.mark.parametrize("solver", SMOOTH)
def test_a_kink_that_leads_down_is_left(solver):
    # The kink at x0 = 0 holds every line search across it; down is along it, and at -1 flat.
    def f(x):
        return 100 * np.abs(x[0]) + (x[1] + 1) ** 2 + x[2] ** 2

    for start in ([1e-17, 2.0, 1.0], [0.3, 2.0, -1.0]):
        r = tw.minimize(f, np.array(start), solver)
        if r.success:
            np.testing.assert_allclose(r.x, [0, -1, 0], atol=1e-6)
    ridge = tw.minimize(lambda x: np.abs(x[0]) - 2 * np.abs(x[1] - 1e-3) + x[1] ** 2,
                        np.array([0.2, 1e-3]), solver)  # fmt: skip
    if ridge.success:
        np.testing.assert_allclose(np.abs(ridge.x[1]), 1, atol=1e-6)


def test_a_kink_at_a_bound_is_a_minimum():
    for solver in ("lbfgs", "bfgs"):
        r = tw.minimize(
            lambda x: np.abs(x[0] - 0.5) + 3 * x[1] + np.abs(x[1] - 2), np.array([2.0, 3.0]),
            solver, bounds=[(0, 4), (1, 4)],
        )  # fmt: skip
        assert r.success, r.message
        np.testing.assert_allclose(r.x, [0.5, 1], atol=1e-9)


# ---- nothing was done ----------------------------------------------------------------------------


def test_a_swallowed_refusal_is_raised_all_the_same():
    def swallowing(x):
        try:
            return (float(x) - 1) ** 2
        except Exception:
            return 1e25

    def falling_back(x):
        try:
            return (float(x) - 1) ** 2
        except TypeError:
            return (x - 1) ** 2

    def of_args(x, a):
        try:
            return (float(x) - 1) ** 2
        except TypeError:
            return np.sum(a**2)

    with pytest.raises(tw.TraceError, match=r"cannot trace `float\(x\)`"):
        tw.minimize(swallowing, 3.0)
    with pytest.raises(tw.TraceError, match=r"cannot trace `float\(x\)`"):
        tw.objective(of_args, 3.0, args=(np.ones(2),))
    with pytest.raises(tw.TraceError, match=r"cannot trace `float\(x\)`"):
        tw.minimize(falling_back, 3.0)


def test_a_function_that_does_not_depend_on_x_warns():
    with pytest.warns(RuntimeWarning, match="does not depend on x"):
        r = tw.minimize(lambda _: 3.0, np.ones(2))
    assert r.nit == 0
    with pytest.warns(RuntimeWarning, match="does not depend on x"):
        many = tw.minimize_many(lambda _, a: np.sum(a), np.ones((4, 2)), args=(np.ones(3),))
    assert (many.reason == tw.Reason.stuck).all()
    assert "does not depend on x" in many[2].message
    # A start that is the minimum is none of these.
    assert tw.minimize(lambda x: np.sum(x**2), np.zeros(2)).success


def test_a_training_that_explodes_from_its_start_is_no_success():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 3))
    y = x @ np.array([1.0, -2.0, 0.5])
    r = tw.minimize(
        lambda w, x, y: np.mean((x @ w - y) ** 2), np.zeros(3), "gradient_descent",
        learning_rate=1.5, data=(x, y), batch_size=32, epochs=30, holdout=0.25, patience=3,
    )  # fmt: skip
    assert not r.success
    np.testing.assert_array_equal(r.x, 0)


# ---- what is put back ----------------------------------------------------------------------------


@pytest.mark.parametrize("solver", SOLVERS)
def test_nan_and_nonsense_in_a_state_end(solver):
    from dataclasses import replace

    def f(x):
        return np.sum((x - 1) ** 4) + np.sum(x**2)

    state = tw.minimize(f, np.zeros(2), solver, max_iter=4).state
    size = state.memory[0].size
    finite = (-1e7, -7.0, 0.5, 2.0, 1e6)
    for which in (*range(size), slice(None)):  # NaN everywhere is refused by name
        for value in finite if isinstance(which, slice) else (np.nan, np.inf, -1e300, *finite):
            memory = state.memory[0].copy()
            memory[which] = value
            r = tw.minimize(
                f, np.zeros(2), solver, state=replace(state, memory=(memory,)), max_iter=200,
                max_nfev=2000,
            )  # fmt: skip
            assert r.reason in tw.Reason


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_counter_of_a_foreign_state_is_no_address(solver):
    """A number beside a flag says how far an interrupted update went: bfgs wrote to that row."""
    from dataclasses import replace

    state = tw.minimize(
        lambda x: np.sum((x - 1) ** 4) + np.sum(x**2), np.zeros(2), solver, max_iter=4
    ).state
    for k in range(state.memory[0].size - 1):
        memory = state.memory[0].copy()
        memory[k : k + 2] = 1, -1e7
        r = tw.minimize(  # without curvature the update is not begun anew
            lambda x: -np.sum(x**2), np.zeros(2), solver, state=replace(state, memory=(memory,)),
            max_iter=50, max_nfev=500,
        )  # fmt: skip
        assert r.reason in tw.Reason
