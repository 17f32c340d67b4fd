# SPDX-License-Identifier: BSD-3-Clause
"""Solvers: every one of the core's list on the same problems."""

import pickle

import numpy as np
import pytest

import thalweg as tw
from thalweg import _core
from thalweg._methods.method import SolverMethod, make

SOLVERS = list(tw.methods("solvers"))
# Those that use a gradient, and find a minimum to its precision.
SMOOTH = [name for name in SOLVERS if name != "compass"]
FAST = [name for name in SMOOTH if name != "steepest"]


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def bowl(x):
    return np.sum(np.arange(1.0, x.size + 1) * (x - 1) ** 2)


def run(objective, rows, solver, bounds=(), **stops):
    """Every ending of many starts at once."""
    method = make(solver, {})
    assert isinstance(method, SolverMethod)
    stopping = _core.Stopping(**{"gtol": 1e-8, "max_iter": 300} | stops)
    return objective.solver(solver).run(
        _core.Starts(rows), method.numbers(), list(bounds), stopping
    )  # fmt: skip


@pytest.mark.parametrize("solver", SOLVERS)
def test_class_name_and_defaults_are_the_cores(solver):
    described = next(m for m in _core.solvers() if m["name"] == solver)
    cls = getattr(tw, described["class_name"])
    assert cls().hyper == {h[0]: h[1] for h in described["hyper"]} == tw.methods()[solver]
    assert described["source"] in cls.__doc__
    assert pickle.loads(pickle.dumps(cls())) == cls()


@pytest.mark.parametrize("solver", FAST)
def test_rosenbrock_is_solved(solver):
    result = tw.minimize(rosenbrock, [-1.2, 1.0], solver)
    assert result.reason == tw.Reason.gradient_small
    # |x - x*| <= gtol / least curvature (0.4), and some.
    np.testing.assert_allclose(result.x, 1.0, atol=1e-7)
    assert result.nfev >= result.nit + 1
    assert np.abs(result.jac).max() <= 1e-8


@pytest.mark.parametrize("n", [1, 2, 3, 17, 40, 300, 5000])
@pytest.mark.parametrize("solver", ["lbfgs", "cg", "steepest"])
def test_quadratics_of_any_size(solver, n):
    result = tw.minimize(
        lambda x: np.sum((1 + np.sin(np.arange(n)) ** 2) * (x - 1) ** 2), np.zeros(n), solver
    )
    assert result.success, result.message
    np.testing.assert_allclose(result.x, 1.0, atol=1e-8)


@pytest.mark.parametrize("solver", SOLVERS)
def test_same_bits_alone_in_any_order_and_beside_hostile_neighbours(solver):
    rng = np.random.default_rng(5)
    n = 4
    F = tw.objective(rosenbrock, np.zeros(n))
    starts = 2 * rng.normal(size=(90, n))
    starts[[3, 17]] = [[np.nan] * n, [1e200] * n]
    order = rng.permutation(90)
    for bounds in ((), (np.full(n, -1.5), np.full(n, 0.9))):
        rows = np.clip(np.nan_to_num(starts), *bounds) if bounds else starts
        together = run(F, rows, solver, bounds)
        turned = run(F, rows[order], solver, bounds)
        for name in ("x", "fun", "last_x", "last_fun", "nit", "nfev", "nhev", "reason"):
            assert together[name][order].tobytes() == turned[name].tobytes(), name
            for k in (0, 3, 4, 17, 40, 89):
                alone = run(F, rows[k : k + 1], solver, bounds)
                assert alone[name].tobytes() == together[name][k : k + 1].tobytes(), (name, k)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_start_that_is_not_finite_ends_alone(solver):
    F = tw.objective(bowl, np.zeros(2))
    out = run(F, np.array([[0.0, 0.0], [np.inf, 0.0], [2.0, 2.0]]), solver)
    assert out["reason"][1] == tw.Reason.non_finite
    assert out["fun"][[0, 2]].max() < 1e-6


@pytest.mark.parametrize("solver", SMOOTH)
def test_a_trial_that_is_not_finite_shortens_the_step(solver):
    # Full steps leave the domain of log; SciPy's BFGS walks to x = -524.
    result = tw.minimize(lambda x: np.log(x) ** 2, 8.0, solver)
    assert result.success, result.message
    assert abs(result.x - 1) < 1e-6
    result = tw.minimize(lambda x: x - 2 * np.sqrt(x), 800.0, solver)
    assert abs(result.x - 1) < 1e-6


@pytest.mark.parametrize("solver", FAST)
def test_the_limit_of_precision_is_success(solver):
    # The gradient cannot vanish: 1e-16 of what it is made of is left.
    result = tw.minimize(
        lambda x: np.sum(np.exp(x) * 1e6 - 3e6 * x), np.linspace(0, 2, 3), solver, gtol=1e-14
    )
    assert result.reason in (tw.Reason.precision_limit, tw.Reason.gradient_small), result.message
    assert result.success
    np.testing.assert_allclose(result.x, np.log(3), rtol=1e-12)


@pytest.mark.parametrize("solver", FAST)
def test_an_endless_fall_diverges(solver):
    result = tw.minimize(lambda x: -x, 1.0, solver)
    assert not result.success
    assert result.reason in (tw.Reason.diverged, tw.Reason.non_finite)


@pytest.mark.parametrize("solver", ["lbfgs", "bfgs", "cg"])
def test_a_wrong_gradient_is_stuck(solver):
    result = tw.minimize(
        lambda x: (float(np.sum(x**2)), -2 * x), np.array([1.0, 2.0]), solver, trace=False, jac=True
    )
    assert result.reason == tw.Reason.stuck, result.message
    assert "check that jac is the gradient of fun" in result.message
    assert result.fun == 5.0


@pytest.mark.parametrize("solver", SOLVERS)
def test_bounds_hold_at_every_evaluation(solver):
    seen = []

    def f(x):
        seen.append(x.copy())
        return float(np.sum((x - [3.0, -2.0, 0.5]) ** 2)), 2 * (x - [3.0, -2.0, 0.5])

    lower, upper = np.array([-1.0, -1.0, 0.0]), np.array([1.0, 4.0, 1.0])
    if solver in ("newton", "newton_cg"):
        result = tw.minimize(
            lambda x: np.sum((x - np.array([3.0, -2.0, 0.5])) ** 2), np.array([0.0, 1.0, 1.0]),
            solver, bounds=tw.Bounds(lower, upper), record=True,
        )  # fmt: skip
        seen = list(result.path.x)
    else:
        result = tw.minimize(
            f, np.array([0.0, 1.0, 1.0]), solver, bounds=tw.Bounds(lower, upper), trace=False,
            jac=True,
        )  # fmt: skip
    assert all((x >= lower).all() and (x <= upper).all() for x in seen)
    np.testing.assert_allclose(result.x, [1.0, -1.0, 0.5], atol=1e-6)
    assert result.success
    # Conjugate gradients come to a bound in steps of their own.
    if solver in ("compass", "steepest", "bfgs", "lbfgs", "newton", "newton_cg"):
        assert list(result.active_mask) == [1, -1, 0]


@pytest.mark.parametrize("solver", FAST)
def test_bounds_give_what_scipy_gives(solver):
    from scipy.optimize import minimize

    rng = np.random.default_rng(2)
    for _ in range(25):
        n = int(rng.integers(1, 12))
        a = rng.normal(size=(n, n))
        q, c = a @ a.T + 0.1 * np.eye(n), 3 * rng.normal(size=n)

        def f(x, q=q, c=c):
            return 0.5 * x @ q @ x - c @ x + 0.1 * np.sum((x - 1) ** 4)

        lower = rng.normal(size=n) - 0.5
        upper = lower + rng.exponential(size=n)
        start = lower + (upper - lower) * rng.uniform(size=n)
        F = tw.objective(f, start)
        known = minimize(
            F, start, jac=F.grad, method="L-BFGS-B", bounds=list(zip(lower, upper, strict=True)),
            options={"gtol": 1e-10, "ftol": 0, "maxiter": 10000, "maxfun": 100000},
        )  # fmt: skip
        result = tw.minimize(F, start, solver, bounds=tw.Bounds(lower, upper))
        assert result.success, result.message
        # Both within rounding of the one minimum of a convex function.
        assert result.fun <= known.fun + 1e-10 * max(1, abs(known.fun))


@pytest.mark.parametrize("solver", SOLVERS)
def test_state_continues_bit_for_bit(solver):
    F = tw.objective(rosenbrock, np.zeros(3))
    start = np.array([-1.2, 1.0, 0.7])
    whole = tw.minimize(F, start, solver, record=True, max_iter=25)
    first = tw.minimize(F, start, solver, max_iter=10)
    state = pickle.loads(pickle.dumps(first.state))
    rest = tw.minimize(F, start, solver, state=state, record=True, max_iter=15)
    assert np.array_equal(whole.path.x[10:], rest.path.x)
    assert rest.state.nit == whole.state.nit


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("n", [3, 100])
def test_told_and_traced_descents_agree(solver, n):
    F = tw.objective(rosenbrock, np.zeros(n))
    start = np.full(n, 0.3)
    descent = make(solver, {}).start(start, max_iter=40)
    while (asked := descent.ask()) is not None:
        assert asked.live.all()
        if solver == "newton" and asked.curvature[0]:
            descent.tell([0.0], np.zeros(n), F.hessian(asked.x[0])[None])
        elif solver == "newton_cg" and asked.curvature[0]:
            descent.tell([0.0], np.zeros(n), F.hvp(asked.x[0], asked.v[0])[None])
        else:
            descent.tell(*F.value_and_grad(asked.x))
    traced = tw.minimize(F, start, solver, max_iter=40)
    assert (descent.nit, descent.reason) == (traced.nit, traced.reason)
    # The evaluations differ by how sums are joined in one layout and another: none, so to the bit
    # but for what fusing makes of value and gradient apart.
    np.testing.assert_allclose(descent.x, traced.x, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("solver", SOLVERS)
def test_limits_are_kept(solver):
    F = tw.objective(rosenbrock, np.zeros(2))
    few = tw.minimize(F, [-1.2, 1.0], solver, max_nfev=7)
    assert (few.reason, few.nfev) == (tw.Reason.max_evaluations, 7)
    three = tw.minimize(F, [-1.2, 1.0], solver, max_iter=3)
    assert (three.reason, three.nit) == (tw.Reason.max_iterations, 3)
    none = tw.minimize(F, [-1.2, 1.0], solver, max_iter=0)
    assert none.nit == 0
    assert list(none.x) == [-1.2, 1.0]
    assert none.fun == pytest.approx(24.2)


@pytest.mark.parametrize("solver", SMOOTH)
def test_the_tests_of_change_end_a_descent(solver):
    # Not a quadratic, where Newton's last step is a long one.
    F = tw.objective(lambda x: np.sum(np.cosh(x - 1)), np.zeros(3))
    assert tw.minimize(F, np.zeros(3), solver, gtol=0, xtol=1e-3).reason == tw.Reason.step_small
    result = tw.minimize(F, np.zeros(3), solver, gtol=0, ftol=1e-3)
    assert result.reason == tw.Reason.value_settled


@pytest.mark.parametrize("solver", SOLVERS)
def test_history_and_callback_see_every_iterate(solver):
    seen = []
    result = tw.minimize(
        rosenbrock, np.array([-1.2, 1.0]), solver, record=True, max_iter=20, callback=seen.append
    )
    assert len(seen) == result.nit
    assert result.path.x.shape == (result.nit + 1, 2)
    assert np.array_equal(np.array(seen), result.path.x[1:])
    # Iterates never rise but by rounding.
    fall = np.diff(result.path.fun)
    assert (fall <= 1e-12 * np.abs(result.path.fun[1:]) + 1e-300).all()


def test_the_answer_is_the_lowest_point_told():
    # Values that rise without the gradient's knowing: the lowest of all trials is the answer.
    lowest = [np.inf, None]

    def f(x):
        value = float(np.sum(np.abs(x) ** 1.5) + 0.3 * np.sin(40 * x[0]))
        if value < lowest[0]:
            lowest[:] = [value, x.copy()]
        return value, 1.5 * np.sign(x) * np.sqrt(np.abs(x))

    for solver in ("lbfgs", "bfgs", "cg", "steepest"):
        lowest[:] = [np.inf, None]
        result = tw.minimize(f, np.array([1.3, -0.4]), solver, trace=False, jac=True, max_iter=30)
        # An earlier point displaces the last only if it is lower by more than rounding.
        assert result.fun <= lowest[0] + 4 * np.finfo(float).eps
        np.testing.assert_allclose(result.x, lowest[1], rtol=1e-12)


def test_memory_must_be_whole_and_in_range():
    with pytest.raises(ValueError, match=r"memory must be a whole number, got 2\.5"):
        tw.LBFGS(memory=2.5)
    with pytest.raises(ValueError, match="memory must be >= 1"):
        tw.LBFGS(memory=0)
    with pytest.raises(TypeError, match="memory must be a number"):
        tw.LBFGS(memory=lambda t: t)
    with pytest.raises(TypeError, match="lbfgs takes memory, x_scale; unexpected keyword"):
        tw.LBFGS(learning_rate=0.1)


def test_lbfgs_with_any_memory_solves_what_it_solves():
    for memory in (1, 2, 100):
        result = tw.minimize(rosenbrock, np.full(6, 0.2), "lbfgs", memory=memory)
        np.testing.assert_allclose(result.x, 1.0, atol=1e-7)


def test_x_scale_measures_variables_by_their_start():
    # In scaled variables the descent is that of the scaled function.
    def f(x):
        return (x[0] - 1) ** 2 + (x[1] * 1e6 - 1) ** 2 + (x[0] * x[1] * 1e6) ** 2

    start, units = np.array([2.0, 3e-6]), np.array([0.2, 3e-7])
    for solver in ("lbfgs", "bfgs"):
        scaled = tw.minimize(f, start, solver, x_scale=0.1, record=True, gtol=1e-12, max_iter=6)
        other = tw.minimize(
            lambda z: f(z * units), start / units, solver, record=True, gtol=1e-12, max_iter=6
        )
        np.testing.assert_allclose(scaled.path.x, other.path.x * units, rtol=1e-6)


@pytest.mark.parametrize(("solver", "instead"), [("bfgs", "lbfgs"), ("newton", "newton_cg")])
def test_matrices_that_do_not_fit_are_refused_before_they_are_made(solver, instead):
    with pytest.raises(MemoryError, match=f"{solver} of 3000000 variables .* use {instead}"):
        tw.minimize(lambda x: np.sum(x**2), np.ones(3_000_000), solver)
    with pytest.raises(MemoryError, match=f"{solver} of 3000000 variables .* use {instead}"):
        (tw.BFGS() if solver == "bfgs" else tw.Newton()).start(np.zeros(3_000_000))


def test_scipys_names_stand_for_ours():
    for theirs, ours in (("L-BFGS-B", "lbfgs"), ("BFGS", "bfgs"), ("CG", "cg")):
        assert make(theirs, {}).name == ours
    with pytest.raises(ValueError, match="'Nelder-Mead' is not offered: use 'compass'"):
        tw.minimize(bowl, np.zeros(2), "Nelder-Mead")
    with pytest.raises(ValueError, match=r"use tw\.least_squares"):
        tw.minimize(bowl, np.zeros(2), "lm")


def test_solvers_take_no_minibatches():
    with pytest.raises(TypeError, match="minibatches need a rule such as 'adam', got lbfgs"):
        tw.minimize(lambda w, X: np.mean((X @ w) ** 2), np.zeros(2), data=(np.ones((9, 2)),))


def test_threads_share_long_arrays_with_the_same_bits():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200_000, 3))
    y = X @ np.array([1.0, -2.0, 0.5])

    def f(w):
        return np.mean((X @ w - y) ** 2)

    for solver in ("lbfgs", "bfgs"):
        one, two = (tw.minimize(f, np.zeros(3), solver, threads=k) for k in (1, 2))
        np.testing.assert_allclose(one.x, [1.0, -2.0, 0.5], atol=1e-7)
        assert one.x.tobytes() == two.x.tobytes()
        assert one.nfev == two.nfev


def test_matrices_are_counted_by_the_room_that_a_solver_takes():
    kept = {s["name"]: s["matrices"] for s in _core.solvers()}
    assert {name for name, count in kept.items() if count} == {"bfgs", "newton", "lm"}
    assert (kept["bfgs"], kept["newton"]) == (1, 4)
