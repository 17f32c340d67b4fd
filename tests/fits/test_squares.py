# SPDX-License-Identifier: BSD-3-Clause
"""Residuals, traced or called: counts of calls, Jacobians, and what is blamed."""

import warnings

import numpy as np
import pytest
from scipy import optimize

import thalweg as tw
from thalweg._fits.robust import LOSSES, weighted
from thalweg._fits.settings import SquaresSettings
from thalweg._fits.soundness import SINGULAR
from thalweg._fits.squares import CalledSquares, Ending, TracedSquares, ending_of, put_ending
from thalweg._results.reasons import Reason


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


# ---- one sum of squares --------------------------------------------------------------------------

A = np.array([[1.0, 2.0], [3.0, -1.0], [0.5, 4.0]])
B = np.array([1.0, 2.0, 3.0])


def affine(x):
    return A @ x - B


def squares_of(kind, **settings):
    chosen = SquaresSettings(**settings)
    if kind == "traced":
        return TracedSquares(tw.objective(affine, np.zeros(2), unpack=False), chosen)
    jac = None if kind == "differences" else lambda _: A
    return CalledSquares(affine, np.zeros(2), (), jac, False, chosen)


KINDS = ["traced", "called", "differences"]


@pytest.mark.parametrize("kind", KINDS)
def test_values_at_a_point_are_those_of_the_formula(kind):
    squares, x = squares_of(kind), np.array([0.3, -0.2])
    r = affine(x)
    tight = {"rtol": 1e-14} if kind != "differences" else {"rtol": 1e-8}
    got, jacobian = squares.at(x)
    np.testing.assert_allclose(got, r, rtol=1e-14)
    np.testing.assert_allclose(jacobian, A, **tight)
    cost, slope, normal = squares.evaluate(x)
    assert cost == pytest.approx(0.5 * r @ r, rel=1e-14)
    np.testing.assert_allclose(slope, A.T @ r, **tight)
    np.testing.assert_allclose(normal, A.T @ A, **tight)
    cost, r_again, columns = squares.linear(x)
    assert cost == pytest.approx(0.5 * r @ r, rel=1e-14)
    np.testing.assert_allclose(columns @ r_again, A.T @ r, **tight)
    assert (squares.n, squares.shape, squares.loss) == (2, (3,), None)


@pytest.mark.parametrize("kind", KINDS[:2])
@pytest.mark.parametrize("loss", ["soft_l1", "huber", "cauchy", "arctan"])
def test_with_a_loss_the_gradient_is_that_of_the_cost(kind, loss):
    squares, x, h = squares_of(kind, loss=loss, f_scale=0.7), np.array([0.3, -0.2]), 1e-6
    cost, slope, _ = squares.evaluate(x)
    assert cost == pytest.approx(weighted(LOSSES[loss], affine(x), 0.7)[0].sum(), rel=1e-14)
    for i in range(2):
        step = h * np.eye(2)[i]
        central = (squares.evaluate(x + step)[0] - squares.evaluate(x - step)[0]) / (2 * h)
        assert slope[i] == pytest.approx(central, rel=1e-8)
    value, r, columns = squares.linear(x)
    assert value == cost
    np.testing.assert_allclose(columns @ r, slope, rtol=1e-13)
    np.testing.assert_array_equal(
        squares.loss(affine(x)), weighted(LOSSES[loss], affine(x), 0.7)[0]
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_linear_fit_ends_at_the_least_squares_with_their_covariance(kind):
    squares = squares_of(kind)
    ending = squares.fit(np.zeros(2), SquaresSettings().stopping(2), 3, 1.0)
    right, rest = np.linalg.lstsq(A, B)[:2]
    np.testing.assert_allclose(ending.x, right, rtol=1e-7)
    assert ending.cost == pytest.approx(0.5 * rest[0])
    # The variance of three data for two parameters has one degree of freedom.
    np.testing.assert_allclose(ending.covariance, np.linalg.inv(A.T @ A) * rest[0], rtol=1e-6)
    assert (ending.rank, ending.loose.tolist()) == (2, [False, False])
    unscaled = squares.fit(np.zeros(2), SquaresSettings().stopping(2), 0, 1.0)
    np.testing.assert_allclose(unscaled.covariance, np.linalg.inv(A.T @ A), rtol=1e-6)


def test_a_variable_at_its_bound_has_no_error():
    squares = squares_of("traced")
    squares.box = [np.array([-np.inf, 0.9]), np.array([np.inf, np.inf])]
    ending = squares.fit(np.array([0.0, 1.0]), SquaresSettings().stopping(2), 3, 1.0)
    assert ending.x[1] == 0.9
    assert np.isnan(ending.covariance[1]).all()
    column, rest = A[:, 0], B - 0.9 * A[:, 1]
    assert ending.x[0] == pytest.approx(column @ rest / (column @ column))
    assert not squares.left_open(ending, np.zeros(2)).any()


def test_dependent_variables_are_left_open():
    F = tw.objective(lambda x: (x[0] + x[1]) * B - B, np.zeros(2))
    squares = TracedSquares(F, SquaresSettings())
    ending = squares.fit(np.array([0.3, 0.1]), SquaresSettings().stopping(2), 3, 1.0)
    assert ending.pivot < SINGULAR
    assert squares.left_open(ending, np.array([0.3, 0.1])).tolist() == [True, True]
    begun = ending._replace(reason=int(Reason.non_finite))
    assert squares.left_open(begun, np.zeros(2)).tolist() == [False, False]


def test_endings_are_read_from_the_cores_output_and_put_back():
    squares = squares_of("traced")
    out = squares.run(np.zeros(2), SquaresSettings(max_nfev=1).stopping(2))
    ending = ending_of(out)
    assert (ending.nfev, ending.reason) == (1, Reason.max_evaluations)
    assert ending.cost == 0.5 * B @ B
    moved = ending._replace(x=np.array([7.0, 8.0]), cost=0.25, nit=5, left=1.0, right=2.0)
    put_ending(out, 0, moved)
    again = ending_of(out)
    assert again.x.tolist() == [7.0, 8.0]
    assert again[5:] == moved[5:]
    out["x"][0] = 0.0
    assert again.x.tolist() == [7.0, 8.0]  # a copy
    assert Ending._fields[5:] == ("cost", "reason", "left", "right", "nfev", "nit")


def test_an_ending_beside_what_is_not_finite_is_told_as_such():
    F = tw.objective(lambda x: np.log(x) + 9, 1e-3)
    squares = TracedSquares(F, SquaresSettings())
    out = squares.run(np.array([1e-3]), SquaresSettings(max_nfev=1).stopping(1))
    stuck = ending_of(out)._replace(reason=int(Reason.stuck), left=1e-9)
    assert squares.explained_stop(stuck).reason == Reason.non_finite
    assert squares.explained_stop(stuck._replace(left=-1e-9)).reason == Reason.stuck
    smooth = squares_of("traced")
    out = smooth.run(np.zeros(2), SquaresSettings(max_nfev=1).stopping(2))
    stuck = ending_of(out)._replace(reason=int(Reason.stuck), left=1e-9)
    assert smooth.explained_stop(stuck) is stuck


# ---- what is called ------------------------------------------------------------------------------


def test_the_latest_two_points_are_remembered():
    calls = []

    def residuals(x):
        calls.append(float(x[0]))
        return x - 1.0

    squares = CalledSquares(residuals, np.zeros(1), (), lambda _: [[1.0]], False, SquaresSettings())
    for at in (0.0, 5.0, 1.0, 2.0, 1.0, 5.0):
        squares.at(np.array([at]))
    # The start was called for its shape; 5 was forgotten for 2.
    assert calls == [0.0, 5.0, 1.0, 2.0, 5.0]
    assert squares.evaluations(99) == (5, 5)


def test_a_jacobian_of_one_variable_may_be_a_vector():
    squares = CalledSquares(
        lambda x: x[0] * B, np.ones(1), (), lambda _: B, False, SquaresSettings()
    )
    assert squares.at(np.ones(1))[1].tolist() == [[1.0], [2.0], [3.0]]


def test_what_is_not_finite_is_blamed():
    squares = TracedSquares(tw.objective(lambda x: np.sqrt(x) * B, 1.0), SquaresSettings())
    assert squares.blame(np.array([-1.0])) == "sqrt(-1) = nan"
    assert squares.blame(np.array([0.0])).endswith(" in the Jacobian")
    huge = TracedSquares(tw.objective(lambda x: x * 1e200, 1.0), SquaresSettings())
    assert huge.blame(np.array([1.0])) == "their squares overflow"
    data = tw.objective(lambda x, y: x - y, 1.0, args=(B,))
    named = TracedSquares(data, SquaresSettings(), [np.array([1.0, np.nan, 3.0])], ("ydata",))
    assert named.blame(np.array([1.0])) == "the data contain nan (ydata at index 1)"

    def residuals(x):
        return [1.0, np.inf] if x[0] > 1 else [1.0, 2.0]

    called = CalledSquares(
        residuals, np.ones(1), (), lambda _: np.ones((2, 1)), False, SquaresSettings()
    )
    assert called.blame(np.array([2.0])) == "their array holds inf at index 1"
    assert called.blame(np.array([1.0])) == "their squares overflow"


def test_a_loss_that_cannot_be_traced_is_called():
    def filled(z):
        out = np.empty((3, *z.shape))
        out[0], out[1], out[2] = 2 * (np.sqrt(1 + z) - 1), (1 + z) ** -0.5, -0.5 * (1 + z) ** -1.5
        return out

    own = squares_of("traced", loss=filled).run(np.zeros(2), SquaresSettings().stopping(2))
    known = squares_of("traced", loss="soft_l1").run(np.zeros(2), SquaresSettings().stopping(2))
    np.testing.assert_allclose(own["x"], known["x"], rtol=1e-6)
