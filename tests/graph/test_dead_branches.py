# SPDX-License-Identifier: BSD-3-Clause
"""What np.where, np.maximum and their kin leave out adds nothing, whatever infinities it holds.

In every layout (one lane, many, elements across SIMD, rows) and in every pass (gradient, Hessian,
its products, Jacobian, normal equations).
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import special

import thalweg as tw

FloatArray = NDArray[np.float64]
Function = Callable[[Any], Any]

INF, NAN = math.inf, math.nan
GIVEN = np.array([-1.5, -0.25, 0.0, 0.5, 2.0, -1e-9, 1e100, 0.0, 3.0, -1e-300])
# Elements of one lane: few, and enough for SIMD and for loops over rows.
SIZES = (5, 150, 700)

# Never live: infinite or NaN somewhere on GIVEN, in value or slope.
DEAD: dict[str, Function] = {
    "x inf": lambda x: x * INF,
    "-inf x": lambda x: -INF * x,
    "nan x": lambda x: NAN * x,
    "x over 0": lambda x: x / 0.0,
    "inf over x": lambda x: INF / x,
    "inf minus inf": lambda x: x * INF - 3 * (x * INF),
    "inf cubed": lambda x: (x * INF) ** 3,
    "inf in data": lambda x: x * np.full(x.shape, INF),
    "a sum of inf": lambda x: x + np.sum(x * INF),
    "inf in a product of matrices": lambda x: np.full((x.size, x.size), INF) @ x,
    "a product with a vector that is inf": lambda x: np.ones((x.size, x.size)) @ (x * INF),
    "log": np.log,
    "log of 0": lambda x: np.log(0 * x),
    "sqrt": np.sqrt,
    "sqrt at 0": lambda x: np.sqrt(0 * x),
    "1 / x": lambda x: 1 / x,
    "1 / 0": lambda x: 1 / (x - x),
    "overflow": lambda x: np.exp(1000 * np.abs(x) + 1000),
    "overflow of a product": lambda x: (1e200 + x) * (1e200 + x) * x,
    "power": lambda x: x**-1.5,
    "power by x": lambda x: np.power(x, x),
    "cbrt": np.cbrt,
    "arcsin": lambda x: np.arcsin(1 + np.abs(x)),
    "arccosh": np.arccosh,
    "arctanh": lambda x: np.arctanh(x / x),
    "gammaln": special.gammaln,
    "xlogy": lambda x: special.xlogy(x, x),
    "rel_entr": lambda x: special.rel_entr(x, -x),
    "logit": special.logit,
    "sinc of inf": lambda x: np.sinc(x * INF),
    "exprel of inf": lambda x: special.exprel(1e4 * x),
    "norm of inf": lambda x: x * np.linalg.norm(x * INF),
    "hypot of inf": lambda x: np.hypot(x * INF, x),
    "std of inf": lambda x: x * np.std(np.log(x)),
    "a maximum of logs": lambda x: x * np.max(np.log(x)),
    "a product of logs": lambda x: x * np.prod(np.log(x)),
    "a running product": lambda x: np.cumprod(1 / x),
    "a running sum": lambda x: np.cumsum(np.log(x)),
    "log-sum-exp": lambda x: x + np.logaddexp.reduce(x * INF),
    "turned around": lambda x: np.log(x)[::-1],
    "gathered": lambda x: np.log(x)[np.arange(x.size) // 2],
    "joined": lambda x: np.concatenate([np.log(x[:3]), 1 / x[3:]]),
    "a maximum": lambda x: np.maximum(x * INF, np.log(x)),
    "another branch": lambda x: np.where(x > 1, np.log(-x), x * INF),
}


def live(x: Any) -> Any:
    """Return x + x**2 where positive, elsewhere 3 x - x**2."""
    return np.where(x > 0, x + x**2, 3 * x - x**2)


def slope(x: FloatArray) -> FloatArray:
    return np.where(x > 0, 1 + 2 * x, 3 - 2 * x)


def curvature(x: FloatArray) -> FloatArray:
    return np.where(x > 0, 2.0, -2.0)


def with_dead(dead: Function) -> Function:
    """`live`, written so that `dead` stands in a branch that is never taken."""
    return lambda x: np.where(x > 0, x + x**2, np.where(np.isfinite(x), 3 * x - x**2, dead(x)))


def with_dead_first(dead: Function) -> Function:
    return lambda x: np.where(
        np.isnan(x), dead(x), np.select([x > 0, x > -INF], [x + x**2, 3 * x - x**2], dead(x))
    )


def with_dead_pieces(dead: Function) -> Function:
    return lambda x: np.piecewise(
        x, [x <= 0, x > 0, np.isnan(x)], [lambda x: 3 * x - x**2, lambda x: x + x**2, dead]
    )


def spread_out(given: FloatArray, n: int) -> FloatArray:
    return np.resize(given, n)


def check_passes(
    f: Function, x: FloatArray, value: FloatArray, first: FloatArray, second: FloatArray
) -> None:
    """Every pass over the sum of f, elementwise, against its values and slopes."""
    F = tw.objective(lambda x: np.sum(f(x) * WEIGHTS[: len(x)]), x)
    w = WEIGHTS[: len(x)]
    np.testing.assert_allclose(F.grad(x), w * first, rtol=1e-14)
    lanes = np.stack([x, np.roll(x, 1), x])
    np.testing.assert_allclose(F.grad(lanes)[1], w * np.roll(first, 1), rtol=1e-14)
    v = np.linspace(-1, 2, len(x))
    np.testing.assert_allclose(F.hvp(x, v), w * second * v, rtol=1e-14, atol=1e-300)
    assert F.jvp(x, v) == pytest.approx(float(np.dot(w * first, v)), rel=1e-13)
    if len(x) <= 16:
        np.testing.assert_allclose(F.hessian(x), np.diag(w * second), rtol=1e-14, atol=0)
        J = tw.objective(f, x)
        np.testing.assert_allclose(J(x), value, rtol=1e-14)
        np.testing.assert_allclose(J.jacobian(x), np.diag(first), rtol=1e-14, atol=0)
        np.testing.assert_allclose(J.vjp(x, v), first * v, rtol=1e-14, atol=0)


WEIGHTS = np.linspace(0.5, 1.5, max(SIZES))


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("name", DEAD)
def test_a_dead_branch_adds_nothing_in_any_pass(name: str, n: int) -> None:
    x = spread_out(GIVEN, n)
    for wrap in (with_dead, with_dead_first, with_dead_pieces) if n == 5 else (with_dead,):
        check_passes(wrap(DEAD[name]), x, live(x), slope(x), curvature(x))


@pytest.mark.parametrize("name", DEAD)
def test_a_dead_branch_adds_nothing_to_the_normal_equations(name: str) -> None:
    t = np.linspace(-2, 2, 40)
    y = live(0.75 * t)

    def residuals(p: Any) -> Any:
        dead = DEAD[name](np.broadcast_to(p[0] - 1.5, (40,)) * np.ones(40))
        return np.where(t > 9, dead, live(p[0] * t) + p[1]) - y

    fit = tw.least_squares(residuals, [1.5, 0.5], unpack=False)
    np.testing.assert_allclose(fit.x, [0.75, 0], atol=1e-7)
    at = np.array([1.5, 0.5])
    J = np.stack([t * slope(1.5 * t), np.ones(40)], axis=1)
    F = tw.objective(residuals, at)
    np.testing.assert_allclose(F.jacobian(at), J, rtol=1e-14)


# name: function, its slope and curvature, elementwise
LEFT_OUT: dict[str, tuple[Function, Function, Function]] = {
    "maximum with log 0": (
        lambda x: np.maximum(live(x), np.log(0 * x)),
        slope,
        curvature,
    ),
    "minimum with 1 / 0": (lambda x: np.minimum(1 / np.abs(x - x), live(x)), slope, curvature),
    "maximum with -inf": (lambda x: np.maximum(live(x), -INF), slope, curvature),
    "minimum with inf": (lambda x: np.minimum(INF, live(x)), slope, curvature),
    "clip between infinities": (lambda x: np.clip(live(x), -INF, INF), slope, curvature),
    "maximum with x inf": (
        lambda x: np.maximum(np.abs(1 + x) * -INF, live(x)),
        slope,
        curvature,
    ),
    "fmax with nan": (lambda x: np.fmax(live(x), NAN * x), slope, curvature),
    "fmin with nan": (lambda x: np.fmin(np.sqrt(-1 - x**2), live(x)), slope, curvature),
    "fmax with nan in data": (
        lambda x: np.fmax(np.full(x.shape, NAN) * x, live(x)),
        slope,
        curvature,
    ),
    "the largest of a stack": (
        lambda x: np.max(np.stack([live(x), np.log(0 * x), np.sqrt(0 * x) - INF]), axis=0),
        slope,
        curvature,
    ),
    "the least of a stack": (
        lambda x: np.min(np.stack([1 / (x - x) ** 2, live(x)]), axis=0),
        slope,
        curvature,
    ),
    "clipped log": (
        lambda x: np.clip(np.log(np.abs(x)), -2.0, 9.0),
        lambda x: np.where((abs(x) > math.exp(-2)) & (abs(x) < math.exp(9)), 1 / (x + (x == 0)), 0),
        lambda x: np.where(
            (abs(x) > math.exp(-2)) & (abs(x) < math.exp(9)), -1 / (x + (x == 0)) ** 2, 0
        ),
    ),
    "minimum of an overflow": (
        lambda x: np.minimum(np.exp(np.abs(x) * 1e4 + 1e4), live(x)),
        slope,
        curvature,
    ),
    "nan_to_num": (lambda x: np.nan_to_num(np.log(-1 - x**2), nan=2.0) + live(x), slope, curvature),
}


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_a_maximum_leaves_out_adds_nothing_in_any_pass(name: str, n: int) -> None:
    f, first, second = LEFT_OUT[name]
    x = spread_out(GIVEN[GIVEN < 1e99], n)
    with np.errstate(all="ignore"):
        value, slopes, curvatures = f(x), first(x), second(x)
    check_passes(f, x, value, slopes, curvatures)


def test_a_running_product_stops_at_what_is_dead() -> None:
    # The first two are alive; of the last two, which only a dead branch holds, one is infinite.
    f = lambda x: np.sum(np.where([True, True, False, False], np.cumprod(1 / x), 0.0))  # noqa: E731
    x = np.array([2.0, 4.0, 0.0, 1.0])
    F = tw.objective(f, x)
    np.testing.assert_allclose(F.grad(x), [-0.25 - 1 / 16, -1 / 32, 0, 0])
    # 1/a + 1/(a b): second derivatives 2/a^3 + 2/(a^3 b), 1/(a^2 b^2), 2/(a b^3)
    hessian = np.zeros((4, 4))
    hessian[:2, :2] = [[0.25 + 1 / 16, 1 / 64], [1 / 64, 1 / 64]]
    np.testing.assert_allclose(F.hessian(x), hessian)


def test_a_dead_row_of_a_network_adds_nothing() -> None:
    # A row of data that holds NaN and infinities, masked out of the loss.
    rng = np.random.default_rng(0)
    data = rng.normal(size=(300, 3))
    bad = data.copy()
    bad[7], bad[100, 1], bad[299] = NAN, INF, -INF
    good = np.isfinite(bad).all(axis=1)

    def loss(p: Any, rows: Any = bad, keep: Any = good) -> Any:
        hidden = np.maximum(rows @ p[:6].reshape(3, 2) + p[6:8], 0.0)
        return np.sum(np.where(keep, (hidden @ p[8:] - 1.0) ** 2, 0.0))

    p = rng.normal(size=10)
    whole = tw.objective(lambda p: loss(p, data[good], np.ones(good.sum(), bool)), p)
    masked = tw.objective(loss, p)
    assert masked(p) == pytest.approx(whole(p), rel=1e-13)
    np.testing.assert_allclose(masked.grad(p), whole.grad(p), rtol=1e-11)
    np.testing.assert_allclose(masked.hessian(p), whole.hessian(p), rtol=1e-10, atol=1e-10)


def test_a_live_infinity_is_kept() -> None:
    assert tw.grad(lambda x: np.maximum(x * INF, 0.0))(1.0) == INF
    assert tw.grad(lambda x: np.where(x > 0, x * INF, 0.0))(1.0) == INF


@pytest.mark.parametrize(
    "dead",
    [
        lambda x: np.where(x > -9, x, np.log(-1 - x**2)),
        lambda x: np.maximum(x, np.log(0 * x)),
        lambda x: np.minimum(1 / (x - x), x),
        lambda x: np.fmax(np.log(-1 - x**2), x),
    ],
)
def test_what_is_left_out_is_not_blamed(dead: Function) -> None:
    result = tw.minimize(lambda x: np.sum(dead(x) + np.sqrt(x - 5)), [2.0, 3.0])
    assert not result.success
    assert "sqrt" in result.message
    assert "log" not in result.message
    assert "divide" not in result.message
