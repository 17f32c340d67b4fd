# SPDX-License-Identifier: BSD-3-Clause
"""Residuals, traced or called: counts of calls, Jacobians, and what is blamed."""

import warnings

import numpy as np
import pytest
from scipy import optimize

import thalweg as tw


def parabola(x, a=0.0):
    return (x - a) ** 2 + 5.0


def rosenbrock(x):
    return np.array([10 * (x[1] - x[0] ** 2), 1 - x[0]])


# ---- traced and called ---------------------------------------------------------------------------


def test_same_answer_without_tracing():
    def jac(x):
        return np.array([[-20 * x[0], 10], [-1, 0]])

    traced = tw.least_squares(rosenbrock, [-2.0, 1.0])
    for given_jac in (None, "3-point", jac):
        res = tw.least_squares(rosenbrock, [-2.0, 1.0], given_jac, trace=False)
        np.testing.assert_allclose(res.x, traced.x, rtol=1e-8)
    # By an exact Jacobian it is the same descent, but for sums of two in another order.
    assert res.nfev == traced.nfev


def test_functions_are_called_as_often_as_they_say():
    calls = []

    def counted(x):
        calls.append(x.copy())
        return rosenbrock(x)

    res = tw.least_squares(counted, [-2.0, 1.0], lambda x: [[-20 * x[0], 10], [-1, 0]], trace=False)
    assert res.nfev == len(calls)


# ---- what is blamed ------------------------------------------------------------------------------


def test_args_and_kwargs_reach_the_function():
    assert tw.least_squares(parabola, 2.0, args=(3.0,)).x == pytest.approx(3.0)
    assert tw.least_squares(parabola, 2.0, kwargs={"a": 3.0}).x == pytest.approx(3.0)
    assert tw.least_squares(parabola, [2.0], args=(3.0,), trace=False).x == pytest.approx(3.0)


def test_domain_of_the_start_is_named():
    with pytest.raises(ValueError, match=r"log\(-1\) = nan"):
        tw.least_squares(lambda x: np.log(x), -1.0)


def test_jacobian_that_is_not_finite_ends_with_a_reason():
    res = tw.least_squares(lambda x: np.sqrt(x) - 1, 0.0)
    assert not res.success
    assert res.status == -3
    assert "in the Jacobian" in res.message


def test_wrong_jacobian_is_named():
    with pytest.raises(ValueError, match="The return value of `jac` has wrong shape"):
        tw.least_squares(rosenbrock, [1.0, 2.0], lambda _: np.ones((3, 2)), trace=False)


# ---- numbers -------------------------------------------------------------------------------------


@pytest.mark.parametrize("power", [-200, -40, -9, 9, 40, 100])
def test_units_do_not_matter(power):
    # Powers of two scale without rounding: the descent is the same to the bit, but for the last
    # bits of a norm.
    unit = 2.0**power
    plain = tw.least_squares(rosenbrock, [-2.0, 1.0])
    scaled = tw.least_squares(lambda x: rosenbrock(x / unit), [-2.0 * unit, unit])
    assert scaled.nfev == plain.nfev
    np.testing.assert_allclose(scaled.x, plain.x * unit, rtol=1e-12)
    loud = tw.least_squares(lambda x: rosenbrock(x) * unit, [-2.0, 1.0])
    assert loud.nfev == plain.nfev
    np.testing.assert_allclose(loud.x, plain.x, rtol=1e-12)


@pytest.mark.parametrize("n", [1, 2, 16, 17, 40])
def test_few_and_many_variables(n):
    # Broyden's tridiagonal function (More, Garbow and Hillstrom 1981, no. 30); up to 16 variables
    # the sums of the normal matrix stand alone, beyond they are one product.
    def residuals(x):
        before = np.concatenate([[0.0], x[:-1]])
        behind = np.concatenate([x[1:], [0.0]])
        return (3 - 2 * x) * x - before - 2 * behind + 1

    res = tw.least_squares(residuals, -np.ones(n), unpack=False)
    assert res.success
    assert res.cost < 1e-20
    exact = optimize.root(residuals, -np.ones(n), tol=1e-13).x
    np.testing.assert_allclose(res.x, exact, rtol=1e-9)


def test_long_data():
    rng = np.random.default_rng(0)
    t = np.linspace(0, 5, 20_000)
    y = 2 * np.exp(-1.5 * t) + 0.3 + 0.01 * rng.normal(size=t.size)
    few = tw.least_squares(lambda a, b, c: a * np.exp(-b * t[::40]) + c - y[::40], [1.0, 1.0, 0.0])
    res = tw.least_squares(lambda a, b, c: a * np.exp(-b * t) + c - y, [1.0, 1.0, 0.0])
    assert res.success
    np.testing.assert_allclose(res.x, few.x, rtol=0.05)  # 40 times as many: less noise
    slope = res.jac.T @ res.fun
    assert np.abs(slope).max() <= 1e-9 * np.linalg.norm(res.jac) * np.linalg.norm(res.fun)


def test_dependent_parameters_do_no_harm():
    t = np.linspace(0, 1, 10)
    res = tw.least_squares(lambda a, b: (a + b) * t - 2 * t, [0.5, 0.1])
    assert res.success
    assert res.x.sum() == pytest.approx(2.0)
    res = tw.least_squares(lambda a, b: a * t - 2 * t + 0 * b, [0.5, 7.0])
    np.testing.assert_allclose(res.x, [2.0, 7.0])


def test_fewer_residuals_than_variables():
    res = tw.least_squares(lambda x: [x[0] + 2 * x[1] - 4], [1.0, 1.0])
    assert res.success
    assert res.cost < 1e-20


def test_no_warnings_of_numpy_escape():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tw.least_squares(lambda x: np.exp(x**2) - 1e300, 20.0)
        tw.least_squares(parabola, [2.0], loss="huber")


@pytest.mark.parametrize("unit", [1e-200, 1e-30, 1e30, 1e200])
def test_constants_that_cancel_are_not_squared_apart(unit):
    """A factor is taken out of a sum of squares only where the rest may be squared without it."""
    t = np.linspace(1.0, 2.0, 9)
    data = t / unit
    fit = tw.least_squares(lambda p: unit * (p[0] * data + p[1] / unit) - (3 * t - 1), [1.0, 1.0])
    assert fit.success
    np.testing.assert_allclose(fit.x, [3.0, -1.0], rtol=1e-12)
