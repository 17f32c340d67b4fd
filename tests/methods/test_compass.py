# SPDX-License-Identifier: BSD-3-Clause
"""Pattern search: no derivatives, not even of functions that have them."""

import numpy as np
import pytest
from published import MGH

import thalweg as tw
from thalweg import _core
from thalweg._methods.method import make


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def test_corners_are_no_trouble():
    r = tw.minimize(lambda x, y: np.abs(x - 3) + 2 * np.abs(y + 1), [0.3, 0.7], "compass")
    assert r.success
    np.testing.assert_allclose(r.x, [3, -1], atol=1e-12)
    assert r.fun < 1e-12


def test_more_published_problems_are_solved_than_by_nelder_and_mead():
    # SciPy's Nelder-Mead solves 17 from the standard start within as many evaluations (with
    # xatol=1e-9, fatol=1e-12), its Powell 16.
    runs = [tw.minimize(p.function, p.x0, "compass", max_nfev=20_000, unpack=False) for p in MGH]
    assert sum(p.solved(r.fun) for p, r in zip(MGH, runs, strict=True)) >= 18
    assert sum(r.nfev for r in runs) < 150_000


def test_a_called_function_is_called_as_often_as_is_said_and_never_for_a_slope():
    calls = []

    def f(x):
        calls.append(x)
        return (x - 2.0) ** 2

    r = tw.minimize(f, 0.5, "compass", trace=False)
    assert r.success
    assert r.x == pytest.approx(2.0, abs=1e-7)
    assert r.nfev == len(calls)
    assert (r.njev, r.nhev) == (0, 0)


def test_points_of_the_path_fall():
    r = tw.minimize(rosenbrock, np.array([-1.2, 1.0]), "compass", record=True)
    assert r.success
    assert np.all(np.diff(r.path.fun) <= 0)
    np.testing.assert_allclose(r.x, 1.0, atol=1e-6)


def test_the_slope_that_stops_it_is_that_of_the_function():
    # A sweep in which every direction failed gives central differences.
    r = tw.minimize(lambda x: np.sum(np.cosh(x - 1)), np.array([0.3, 4.0]), "compass", gtol=1e-5)
    assert r.reason == tw.Reason.gradient_small
    assert np.abs(r.jac).max() < 1.1e-5


def test_the_limit_of_precision_is_a_success():
    r = tw.minimize(lambda x: 1e6 + np.sum((x - 0.3) ** 2), np.zeros(2), "compass", gtol=0)
    assert r.reason == tw.Reason.precision_limit
    assert r.success
    np.testing.assert_allclose(r.x, 0.3, atol=2e-5)  # f changes by 1e-10 = 4 eps f


def test_steps_end_it_where_xtol_says_so():
    r = tw.minimize(lambda x: np.sum((x - 0.3) ** 2), np.zeros(2), "compass", gtol=0, xtol=1e-3)
    assert r.reason == tw.Reason.step_small
    np.testing.assert_allclose(r.x, 0.3, atol=2e-3)


def test_a_plateau_is_left_alone():
    r = tw.minimize(lambda x: 0 * x + 5.0, 1.0, "compass")
    assert r.success
    assert (r.x, r.nit) == (1.0, 1)


def test_points_outside_the_domain_are_passed_by():
    r = tw.minimize(lambda x: np.sum(x - np.log(x)), np.array([0.01, 5.0]), "compass")
    assert r.success
    np.testing.assert_allclose(r.x, 1.0, atol=1e-6)
    r = tw.minimize(lambda x: np.log(x) ** 2, 8.0, "compass")
    assert r.x == pytest.approx(1.0, abs=1e-6)


def test_first_steps_are_as_long_as_asked():
    seen = []

    def f(x):
        seen.append(np.array(x))
        return np.sum(x**2)

    tw.minimize(f, np.array([8.0, 0.0]), "compass", step=0.5, trace=False, max_nfev=3)
    np.testing.assert_array_equal(seen, [[8, 0], [12, 0], [4, 0]])
    with pytest.raises(ValueError, match="step"):
        tw.Compass(step=0)


@pytest.mark.parametrize("n", [2, 5])
def test_lanes_have_the_bits_of_a_lone_start(n):
    F = tw.objective(rosenbrock, np.zeros(n))
    starts = np.random.default_rng(0).normal(size=(70, n))
    starts[3] = 1e160
    stopping = _core.Stopping(gtol=1e-8, max_iter=150, max_nfev=10_000)
    numbers = make("compass", {}).numbers()

    def run(rows):
        return F.solver("compass").run(
            _core.Starts(np.ascontiguousarray(rows)), numbers, [], stopping
        )  # fmt: skip

    block = run(starts)
    for k in range(70):
        alone = run(starts[k : k + 1])
        for name in ("x", "fun", "nit", "nfev", "reason"):
            np.testing.assert_array_equal(block[name][k], alone[name][0], err_msg=f"{name} {k}")


def test_a_state_continues_bit_for_bit():
    x0 = np.array([-1.2, 1.0])
    whole = tw.minimize(rosenbrock, x0, "compass", record=True)
    for cut in range(1, whole.nit, 7):
        part = tw.minimize(rosenbrock, x0, "compass", max_iter=cut)
        rest = tw.minimize(rosenbrock, x0, "compass", state=part.state, record=True)
        np.testing.assert_array_equal(rest.path.x, whole.path.x[cut:])


@pytest.mark.parametrize("threads", [1, 2])
def test_counts_of_a_descent_to_minus_infinity_are_those_of_the_start_alone(threads):
    # -inf is the lowest value of all, so it must end a descent in the round in which it is met,
    # whichever starts are beside it.
    F = tw.objective(lambda x: -np.exp(x[0]) + x[1] ** 2, np.zeros(2))
    starts = np.random.default_rng(3).normal(size=(90, 2)) * 5
    many = tw.minimize_many(F, starts, "compass", threads=threads, max_iter=400)
    for i in range(0, 90, 7):
        alone = tw.minimize(F, starts[i], "compass", max_iter=400)
        assert (many.nit[i], many.nfev[i]) == (alone.nit, alone.nfev)
