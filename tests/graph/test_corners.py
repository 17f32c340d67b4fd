# SPDX-License-Identifier: BSD-3-Clause
"""The corners that DESIGN's ninth promise states, each by name, first and second derivatives."""

import itertools
import math
import pickle
from typing import Any

import mpmath
import numpy as np
import pytest
from corner_slopes import FloatArray, Function, check, slopes
from scipy import special

import thalweg as tw
from thalweg._formulas.expressions import operation

# ---- kinks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_the_slope_of_abs_at_zero_is_zero(zero: float) -> None:
    check(lambda x: np.sum(np.abs(x)), [zero, 1.0, -1.0], 2, [0, 1, -1], 0)
    check(lambda x: np.sum(np.linalg.norm(x, ord=1)), [zero, 1.0, -1.0], 2, [0, 1, -1], 0)
    check(lambda x: np.sum(x * np.abs(x)), [zero, 2.0], 4, [0, 4], [[0, 0], [0, 2]])


@pytest.mark.parametrize("f", [np.maximum, np.minimum, np.fmax, np.fmin])
def test_a_tie_of_two_is_shared_evenly(f: Function) -> None:
    check(lambda x: f(x[0], x[1]), [2.0, 2.0], 2, [0.5, 0.5], 0)
    check(lambda x: f(x[0], x[1]), [0.0, -0.0], 0, [0.5, 0.5], 0)
    check(lambda x: f(x[0], x[1]) ** 2, [3.0, 3.0], 9, [3, 3], 0.5)
    first = 1.0 if f in (np.maximum, np.fmax) else 0.0
    check(lambda x: f(x[0], x[1]), [3.0, 2.0], None, [first, 1 - first], 0)


@pytest.mark.parametrize("f", [np.max, np.min])
@pytest.mark.parametrize("ties", [1, 2, 3, 4, 7])
def test_a_tie_in_an_array_is_shared_evenly(f: Function, ties: int) -> None:
    sign = 1.0 if f is np.max else -1.0
    x = sign * np.concatenate([np.full(ties, 5.0), [1.0, -2.0]])
    x = np.roll(x, 3)
    share = np.where(x == sign * 5, 1 / ties, 0)
    check(lambda x: f(x), x, sign * 5, share, 0)
    check(lambda x: f(x) ** 2, x, 25, 2 * sign * 5 * share, 2 * np.outer(share, share))


@pytest.mark.parametrize("f", [np.max, np.min])
def test_ties_along_an_axis_are_shared_within_it(f: Function) -> None:
    x = np.array([[1.0, 1.0, 0.0], [2.0, 2.0, 2.0], [0.0, 5.0, 7.0]])
    x = x if f is np.max else -x
    shares = [[0.5, 0.5, 0], [1 / 3] * 3, [0, 0, 1]]
    check(lambda x: np.sum(f(x, axis=1)), x, None, shares)
    check(lambda x: np.sum(f(x, axis=0)), x.T, None, np.transpose(shares))


def test_relu_written_with_where_has_slope_zero_at_zero_and_with_maximum_one_half() -> None:
    # relu'(0) = 0 is that of where(x > 0, x, 0); maximum(x, 0) is a tie there, and ties are shared.
    check(lambda x: np.sum(np.where(x > 0, x, 0.0)), [0.0, 1.0, -1.0], 1, [0, 1, 0], 0)
    check(lambda x: np.sum(x * (x > 0)), [0.0, 1.0, -1.0], 1, [0, 1, 0], 0)
    check(lambda x: np.sum(np.maximum(x, 0)), [0.0, 1.0, -1.0], 1, [0.5, 1, 0], 0)


def test_clip_shares_the_slope_at_its_edges() -> None:
    # minimum(maximum(x, lower), upper): a tie at each edge.
    x = [-1.0, 0.0, 0.5, 1.0, 2.0]
    check(lambda x: np.sum(np.clip(x, 0, 1)), x, 2.5, [0, 0.5, 1, 0.5, 0], 0)
    check(lambda x: np.sum(np.clip(x, None, 1)), x, 1.5, [1, 1, 1, 0.5, 0], 0)
    check(lambda x: np.sum(np.clip(x, 0, None)), x, 3.5, [0, 0.5, 1, 1, 1], 0)
    check(
        lambda x: np.sum(np.clip(x, 0, 1) ** 2),
        x,
        2.25,
        [0, 0, 1, 1, 0],
        np.diag([0, 0.5, 2, 0.5, 0]),
    )


@pytest.mark.parametrize("f", [np.sign, np.floor, np.ceil, np.rint, np.trunc])
@pytest.mark.parametrize("at", [0.0, 1.0, -2.0, 0.5, 0.3])
def test_steps_are_flat_at_their_jumps_too(f: Function, at: float) -> None:
    check(lambda x: np.sum(f(x) * x), [at], float(f(at)) * at, float(f(at)), 0)


# ---- roots and powers ----------------------------------------------------------------------------


def test_the_slope_of_sqrt_at_zero_is_infinite() -> None:
    value, gradient, _ = slopes(lambda x: np.sum(np.sqrt(x)), [0.0, 4.0])
    assert value == 2
    assert gradient.tolist() == [math.inf, 0.25]
    _, gradient, _ = slopes(lambda x: np.sum(np.cbrt(x)), [0.0, 8.0])
    assert gradient[0] == math.inf


NORMS: dict[str, Function] = {
    "norm": np.linalg.norm,
    "norm of a matrix": lambda x: np.linalg.norm(x.reshape(2, 2)),
    "norm of rows": lambda x: np.sum(np.linalg.norm(x.reshape(2, 2), axis=1)),
    "norm of order 3": lambda x: np.linalg.norm(x, 3),
    "norm of order 2.5": lambda x: np.linalg.norm(x, 2.5),
    "hypot": lambda x: np.hypot(x[0], x[1]) + np.hypot(x[2], x[3]),
    "std": np.std,
    "std of rows": lambda x: np.sum(np.std(x.reshape(2, 2), axis=1)),
    "std with ddof": lambda x: np.std(x, ddof=1),
}


@pytest.mark.parametrize("name", NORMS)
def test_a_norm_is_flat_at_zero(name: str) -> None:
    check(NORMS[name], np.zeros(4), 0, 0)


@pytest.mark.parametrize("name", NORMS)
def test_second_derivatives_of_a_norm_at_zero_are_numbers(name: str) -> None:
    assert np.isfinite(slopes(NORMS[name], np.zeros(4))[2]).all()


@pytest.mark.parametrize("name", ["std", "std of rows", "std with ddof"])
def test_std_is_flat_where_all_are_equal(name: str) -> None:
    check(NORMS[name], np.full(4, 2.5), 0, 0)


def test_norms_near_zero_have_their_own_slopes() -> None:
    check(np.linalg.norm, [3e-150, 4e-150], 5e-150, [0.6, 0.8])
    check(np.linalg.norm, [0.0, 2.0], 2, [0, 1], [[0.5, 0], [0, 0]])


def test_powers_at_a_base_of_zero() -> None:
    check(lambda x: np.sum(x**0), [0.0, 2.0, -1.0], 3, 0, 0)
    check(lambda x: np.sum(x**1), [0.0, 2.0], 2, 1, 0)
    check(lambda x: np.sum(x**2), [0.0, 2.0], 4, [0, 4], [[2, 0], [0, 2]])
    check(lambda x: np.sum(x**3), [0.0, -2.0], -8, [0, 12], [[0, 0], [0, -12]])
    check(lambda x: np.sum(np.power(x, 4.0)), [0.0, -2.0], 16, [0, -32], [[0, 0], [0, 48]])
    check(lambda x: np.sum(x**1.5), [0.0], 0, 0)
    check(lambda x: np.sum(x**2.5), [0.0], 0, 0, 0)
    check(lambda x: np.sum(x**-1), [-2.0], -0.5, -0.25, -0.25)
    check(lambda x: np.sum(x**-2.0), [-2.0], 0.25, 0.25, 0.375)


@pytest.mark.parametrize("exponents", [[0.0], [1.0], [2.0], [3.0], [0.0, 1.0, 2.0, 3.0]])
def test_constant_exponents_in_an_array_give_the_same_slopes(exponents: list[float]) -> None:
    n = np.array(exponents)
    for x in (0.0, -1.5, 2.0):
        slope = np.sum([k * x ** (k - 1) for k in exponents if k >= 1])
        turn = np.sum([k * (k - 1) * x ** (k - 2) for k in exponents if k >= 2])
        check(lambda x, n=n: np.sum(x**n), [x], None, slope, turn)


def test_zero_to_a_variable_power_is_flat() -> None:
    def f(x: Any) -> Any:
        return x[0] ** x[1]

    check(f, [0.0, 2.0], 0, 0)
    check(f, [0.0, 0.0], 1, 0)
    check(f, [0.0, 1.0], 0, [1, 0])
    check(f, [0.0, 3.0], 0, 0, 0)
    check(lambda x: np.sum(0.0**x), [2.0, 3.0], 0, 0, 0)
    check(lambda x: np.sum(0.0**x), [0.0], 1, 0)
    check(lambda x: np.sum(2.0**x), [0.0, 1.0], 3, [math.log(2), 2 * math.log(2)])


def test_xlogy_is_zero_at_zero() -> None:
    check(
        lambda x: special.xlogy(x[0], x[1]), [0.0, 2.0], 0, [math.log(2), 0], [[0, 0.5], [0.5, 0]]
    )
    check(
        lambda x: special.xlog1py(x[0], x[1]), [0.0, 1.0], 0, [math.log(2), 0], [[0, 0.5], [0.5, 0]]
    )
    value, gradient, _ = slopes(lambda x: special.xlogy(x[0], x[1]), [0.0, 0.0])
    assert value == 0
    assert gradient[1] == 0


# ---- products ------------------------------------------------------------------------------------


def product_slopes(x: FloatArray) -> tuple[float, FloatArray, FloatArray]:
    """By leaving factors out, which needs no division."""
    n = len(x)
    g, H = np.zeros(n), np.zeros((n, n))
    for i in range(n):
        g[i] = np.prod(np.delete(x, i))
        for j in range(n):
            if i != j:
                H[i, j] = np.prod(np.delete(x, [i, j]))
    return float(np.prod(x)), g, H


@pytest.mark.parametrize(
    "zeros", list(itertools.chain(*(itertools.combinations(range(5), k) for k in range(4))))
)
def test_derivatives_of_prod_with_zeros(zeros: tuple[int, ...]) -> None:
    x = np.array([2.0, -3.0, 0.5, 4.0, 1.5])
    x[list(zeros)] = 0
    check(np.prod, x, *product_slopes(x))


@pytest.mark.parametrize("zeros", [0, 1, 2, 3])
@pytest.mark.parametrize("n", [1, 2, 3, 8, 33])
def test_gradients_of_prod_with_zeros_at_every_length(n: int, zeros: int) -> None:
    x = np.linspace(0.8, 1.3, n)
    x[:zeros] = 0
    value, g, H = product_slopes(x)
    # Products of 33 factors in another order: 33 roundings.
    got = slopes(np.prod, x)
    for mine, wanted in zip(got, (value, g, H), strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=1e-14 * (n + 1), atol=0)


def test_prod_along_an_axis_with_zeros() -> None:
    x = np.array([[0.0, 2.0, 3.0], [0.0, 0.0, 5.0], [0.0, 0.0, 0.0], [1.0, 2.0, 4.0]])
    wanted = np.stack([product_slopes(row)[1] for row in x])
    check(lambda x: np.sum(np.prod(x, axis=1)), x, 8, wanted)
    check(lambda x: np.sum(np.prod(x, axis=0)), x.T, 8, wanted.T)


@pytest.mark.parametrize("zeros", [(), (0,), (2,), (0, 2), (1, 2, 3), (3,)])
def test_derivatives_of_cumprod_with_zeros(zeros: tuple[int, ...]) -> None:
    x = np.array([2.0, -3.0, 0.5, 4.0])
    x[list(zeros)] = 0
    value, g, H = 0.0, np.zeros(4), np.zeros((4, 4))
    for k in range(1, 5):
        v, gk, Hk = product_slopes(x[:k])
        value += v
        g[:k] += gk
        H[:k, :k] += Hk
    check(lambda x: np.sum(np.cumprod(x)), x, value, g, H)


def test_a_running_product_under_a_where_reaches_back_over_dead_elements() -> None:
    # Element 1 is dead itself, but a factor of elements 2 and 3, which are alive.
    x = np.array([0.5, 0.7, 0.9, 1.1])
    g, H = np.zeros(4), np.zeros((4, 4))
    for k in (3, 4):
        _, gk, Hk = product_slopes(x[:k])
        g[:k] += gk
        H[:k, :k] += Hk
    check(lambda x: np.sum(np.where(x > 0.8, np.cumprod(x), 0.0)), x, None, g, H)
    check(lambda x: np.sum(np.where(x > 0.8, np.cumsum(x), 0.0)), x, None, [2, 2, 2, 1], 0)
    # A factor that only dead elements hold is not asked at all, NaN or not.
    check(lambda x: np.sum(np.where(x < 0.8, np.cumprod(x), 0.0)), x, None, [1.7, 0.5, 0, 0])


# ---- neither overflow nor cancellation -----------------------------------------------------------


@pytest.mark.parametrize("scale", [1.0, 1e-300, 1e-160, 1e160, 1e300])
def test_hypot_and_its_slopes_at_every_scale(scale: float) -> None:
    F = tw.objective(lambda x: np.hypot(x[0], x[1]), np.ones(2))
    value, gradient = F.value_and_grad(np.array([3.0, 4.0]) * scale)
    assert value == pytest.approx(5 * scale, rel=1e-15)
    np.testing.assert_allclose(gradient, [0.6, 0.8], rtol=1e-15)
    hessian = F.hessian(np.array([3.0, 4.0]) * scale)
    if scale >= 1e-300:
        np.testing.assert_allclose(
            hessian * scale, np.array([[16, -12], [-12, 9]]) / 125, rtol=1e-13, atol=1e-300
        )


def test_hypot_of_very_different_sizes() -> None:
    check(lambda x: np.hypot(x[0], x[1]), [1e200, 1e-200], 1e200, [1, 0])
    check(lambda x: np.hypot(x[0], x[1]), [1e-9, 1.0], 1, [1e-9, 1])


@pytest.mark.parametrize("scale", [1.0, 1e-160, 1e160, 1e300])
def test_arctan2_and_its_slopes_at_every_scale(scale: float) -> None:
    F = tw.objective(lambda x: np.arctan2(x[0], x[1]), np.ones(2))
    value, gradient = F.value_and_grad(np.array([3.0, 4.0]) * scale)
    assert value == pytest.approx(math.atan2(3, 4), rel=1e-15)
    np.testing.assert_allclose(gradient * scale, [0.16, -0.12], rtol=1e-14)
    np.testing.assert_array_equal(F.grad([0.0, 0.0]), [0, 0])


@pytest.mark.parametrize("shift", [0.0, 1e3, -1e3, 1e15, -1e15, 1e300])
@pytest.mark.parametrize("gap", [0.0, 1.0, 40.0, 700.0, 800.0])
def test_logaddexp_neither_overflows_nor_cancels(shift: float, gap: float) -> None:
    a, b = shift, shift - gap
    gap = a - b  # what float64 makes of it
    F = tw.objective(lambda x: np.logaddexp(x[0], x[1]), np.ones(2))
    value, gradient = F.value_and_grad([a, b])
    with mpmath.workprec(2500):
        exact = mpmath.mpf(a) + mpmath.log1p(mpmath.exp(-mpmath.mpf(gap)))
        p = 1 / (1 + mpmath.exp(-mpmath.mpf(gap)))
        turn = float(p * (1 - p))
        assert value == pytest.approx(float(exact), rel=1e-15)
        # The small slope is relatively right: 1 - p would have lost it.
        np.testing.assert_allclose(gradient, [float(p), float(1 - p)], rtol=1e-14, atol=1e-320)
    np.testing.assert_allclose(
        F.hessian([a, b]), turn * np.array([[1, -1], [-1, 1]]), rtol=1e-13, atol=1e-320
    )


def test_logaddexp_of_infinities() -> None:
    F = tw.objective(lambda x: np.logaddexp(x[0], x[1]), np.ones(2))
    assert F([-math.inf, -math.inf]) == -math.inf
    assert F([math.inf, 1.0]) == math.inf
    value, gradient = F.value_and_grad([-math.inf, 1.0])
    assert value == 1
    np.testing.assert_array_equal(gradient, [0, 1])


def test_logaddexp_near_its_zero_curve_does_not_cancel() -> None:
    # exp(a) + exp(b) = 1 nearly: a value of 1e-17 and smaller is still right to 1e-13 of itself.
    rng = np.random.default_rng(5)
    a = -(10.0 ** rng.uniform(-4, 1, 100))
    b = np.log(-np.expm1(a))
    F = tw.objective(lambda x: np.logaddexp(x[0], x[1]), np.ones(2))
    got = F(np.stack([a, b], axis=1))
    with mpmath.workprec(300):
        exact = [
            float(mpmath.log(mpmath.exp(mpmath.mpf(p)) + mpmath.exp(mpmath.mpf(q))))
            for p, q in zip(a, b, strict=True)
        ]
    np.testing.assert_allclose(got, exact, rtol=1e-13)


SATURATED: dict[str, tuple[Function, float, float, float, float]] = {
    # function, at, value, slope, second derivative: exact to float64
    "expit far left": (special.expit, -800.0, 0.0, 0.0, 0.0),
    "expit far right": (special.expit, 800.0, 1.0, 0.0, 0.0),
    "expit left": (special.expit, -600.0, math.exp(-600), math.exp(-600), math.exp(-600)),
    "expit right": (special.expit, 600.0, 1.0, math.exp(-600), -math.exp(-600)),
    "log_expit left": (special.log_expit, -1e5, -1e5, 1.0, 0.0),
    "log_expit right": (special.log_expit, 600.0, -math.exp(-600), math.exp(-600), -math.exp(-600)),
    "tanh": (np.tanh, 300.0, 1.0, 4 * math.exp(-600), -8 * math.exp(-600)),
    "tanh far": (np.tanh, -1e4, -1.0, 0.0, 0.0),
    "erf": (special.erf, 30.0, 1.0, 0.0, 0.0),
    "erfc": (special.erfc, 26.0, *(float(mpmath.diff(mpmath.erfc, 26, k)) for k in range(3))),
    "expm1": (np.expm1, -50.0, -1.0, math.exp(-50), math.exp(-50)),
    "log1p": (np.log1p, 1e-300, 1e-300, 1.0, -1.0),
    "arctan": (np.arctan, 1e100, math.pi / 2, 1e-200, -2e-300),
    "arctan far": (np.arctan, 1e200, math.pi / 2, 0.0, 0.0),
    "arcsinh": (np.arcsinh, 1e200, 461.2101657793691, 1e-200, 0.0),
    "gammaln": (special.gammaln, 1e300, 6.897755278982138e302, 690.7755278982137, 1e-300),
    "gammaln near zero": (special.gammaln, 1e-100, 230.25850929940458, -1e100, 1e200),
}


@pytest.mark.parametrize("name", SATURATED)
def test_saturated_functions_keep_their_slopes(name: str) -> None:
    f, at, value, slope, turn = SATURATED[name]
    F = tw.objective(lambda x: f(x[0]), [1.0], unpack=False)
    got, gradient = F.value_and_grad([at])
    assert got == pytest.approx(value, rel=1e-13, abs=1e-300)
    assert gradient[0] == pytest.approx(slope, rel=1e-13, abs=1e-300)
    assert F.hessian([at])[0, 0] == pytest.approx(turn, rel=1e-12, abs=1e-300)


@pytest.mark.parametrize(
    "at",
    [1e5, 1e10, 1e22, -1e22, 1e100, 1e300, 6381956970095103 * 2.0**797, 1.7976931348623157e308],
)
def test_huge_angles(at: float) -> None:
    with mpmath.workprec(1300):
        s, c = float(mpmath.sin(mpmath.mpf(at))), float(mpmath.cos(mpmath.mpf(at)))
        t = float(mpmath.tan(mpmath.mpf(at)))
    check(lambda x: np.sin(x[0]), [at], s, c, -s)
    check(lambda x: np.cos(x[0]), [at], c, -s, -c)
    check(lambda x: np.tan(x[0]), [at], t, 1 + t * t, 2 * t * (1 + t * t))
    check(lambda x: np.sin(x[0]) * np.cos(x[0]), [at], s * c, None, -4 * s * c)


def test_the_measure_sees_a_nan_and_a_wrong_slope() -> None:
    with pytest.raises(AssertionError):
        check(lambda x: np.sum(x * np.log(x)), [0.0], 0, 0)
    with pytest.raises(AssertionError):
        check(lambda x: np.sum(np.maximum(x, 0)), [0.0], 0, 0)


@pytest.mark.parametrize("order", [0.0, -1.0, 17.0, 1e9, -1e9, 1e300])
def test_orders_of_polygamma_that_are_not_offered_leave_the_domain(order: float) -> None:
    """Order 1e9 never ended: a term of its sum for each."""
    polygamma = operation("polygamma")
    F = pickle.loads(pickle.dumps(tw.objective(lambda x: polygamma(order, x), 2.0)))
    assert np.isnan(F(2.0))
    assert np.isnan(F(np.linspace(1.0, 2.0, 70))).all()
    long = tw.objective(lambda x: np.sum(polygamma(order, x)), np.ones(70))
    assert np.isnan(long(np.ones(70)))
    result = tw.minimize(F, 2.0, tw.GradientDescent(0.1))
    assert not result.success
    assert result.reason == tw.Reason.left_domain
    assert "polygamma" in result.message


def test_an_order_of_polygamma_that_varies_is_bounded_too() -> None:
    polygamma = operation("polygamma")
    F = tw.objective(lambda x: np.sum(polygamma(x, 2.0)), np.ones(3))
    assert np.isfinite(F([1.0, 3.0, 8.0]))
    for order in (1e9, 17.0, 2.5, 0.0, -1.0, np.inf, np.nan):
        assert np.isnan(F([2.0, order, 2.0]))


def test_derivatives_of_polygamma_of_order_8_go_beyond_it() -> None:
    F = tw.objective(lambda x: operation("polygamma")(8, x), 2.0)
    assert F.grad(1.5) == pytest.approx(float(mpmath.psi(9, 1.5)), rel=1e-14)
    assert F.hessian(1.5) == pytest.approx(float(mpmath.psi(10, 1.5)), rel=1e-14)
