# SPDX-License-Identifier: BSD-3-Clause
"""Derivatives of 200 random functions against divided differences in 150 digits."""

from collections import Counter
from functools import cache

import mpmath
import numpy as np
import pytest
import random_expressions
from mpmath import mp
from precise import FloatArray, oracle
from random_expressions import FUNCTION_FEATURES, OPERATION_FEATURES, Expression
from uses import RESHAPING

import thalweg as tw

EXPRESSIONS = random_expressions.make()
RELATIVE = 1e-10  # of the largest entry: what the project promises
FEWEST = 20


@cache
def truth(k: int) -> tuple[float, FloatArray, FloatArray, float] | None:
    return oracle(EXPRESSIONS[k])


def accepted(k: int) -> bool:
    """Finite at its point, on no kink (left and right slopes agree), on no jump, not flat."""
    known = truth(k)
    e = EXPRESSIONS[k]
    if known is None or not random_expressions.finite(e):
        return False
    if abs(e.value() - known[0]) > 1e-9 * max(abs(known[0]), 1):
        return False  # float64 takes another branch than 150 digits: a tie that rounding decides
    return known[3] < 1e-20 and float(np.abs(known[1]).max()) > 1e-6


def test_every_operation_and_function_occurs_twenty_times() -> None:
    used: Counter[str] = Counter()
    for e in EXPRESSIONS:
        used += e.uses()
    rare = {
        name: used[name]
        for name in (*OPERATION_FEATURES, *FUNCTION_FEATURES)
        if used[name] < FEWEST
    }
    assert not rare


def test_a_third_broadcast_slice_gather_or_choose() -> None:
    reshaping = [e for e in EXPRESSIONS if RESHAPING & set(e.uses())]
    assert len(reshaping) >= 0.3 * len(EXPRESSIONS)


def test_hardly_any_is_rejected() -> None:
    rejected = [k for k in range(len(EXPRESSIONS)) if not accepted(k)]
    assert len(rejected) < 0.1 * len(EXPRESSIONS)


def far(ours: FloatArray, exact: FloatArray, least: float = 0.0) -> float:
    """Error relative to the largest entry, or to `least` where that is more."""
    return float(np.abs(ours - exact).max() / max(np.abs(exact).max(), least))


@pytest.mark.parametrize("k", range(len(EXPRESSIONS)))
def test_derivatives_are_those_of_150_digits(k: int) -> None:
    e: Expression = EXPRESSIONS[k]
    if not accepted(k):  # not finite, or on a kink: test_hardly_any_is_rejected counts these
        return
    value, gradient, hessian, _ = truth(k)  # type: ignore[misc]
    x = e.point
    # The oracle's own functions and NumPy's must be the same, else it judges another function.
    assert e.value() == pytest.approx(value, rel=1e-11)
    F = tw.objective(e.function, x)
    assert F(x) == pytest.approx(value, rel=1e-11), e.source
    assert far(F.grad(x), gradient) < RELATIVE, e.source
    # Beside a large gradient a Hessian near 0 is what rounding left of larger terms.
    least = 1e-5 * float(np.abs(gradient).max())
    assert far(F.hessian(x), hessian, least) < RELATIVE, e.source
    rng = np.random.default_rng(k)
    for v in rng.standard_normal((2, x.size)):
        assert far(F.hvp(x, v), hessian @ v, least) < RELATIVE, e.source
        assert F.jvp(x, v) == pytest.approx(
            gradient @ v, rel=RELATIVE, abs=RELATIVE * np.abs(gradient).max()
        ), e.source


@pytest.mark.parametrize(
    "text",
    [
        # A result in the place of an operand of one element, which is read for each of its own.
        "np.sum(np.power(1.5 * np.exp2(x)[0], 1.5 * x))",
        "np.sum(np.exp(1.5 * np.exp2(x)[0] * (1.5 * x)))",
        "np.sum(np.where(x[3] < 3, np.sin(x), (0.5 + 1.5 * np.sin(x)[3]) * x) ** 2)",
        # A result that starts one element further in the place of its own operand.
        "np.sum(np.convolve(np.arctan(0.394 * x), x[:2]))",
        "np.sum(np.convolve(np.cumsum(np.sin(x)) * 1.5 - 0.5, np.exp(x)[:2])) * np.prod(x)",
    ],
)
def test_no_result_overwrites_an_operand_that_is_still_to_be_read(text: str) -> None:
    e = Expression([f"return {text}"], np.array([-1.252, 0.183, -0.889, 1.219, -0.635, 1.211]))
    known = oracle(e)
    assert known is not None
    F = tw.objective(e.function, e.point)
    assert F(e.point) == pytest.approx(known[0], rel=1e-13)
    assert far(F.grad(e.point), known[1]) < 1e-13
    assert far(F.hessian(e.point), known[2]) < 1e-12


# A step of a loop for NumPy and for mpmath, where it starts and how often it is taken. The slopes
# of all steps multiply; their constants alone, as 4**512 or 3**700, would overflow or vanish.
LOOPS = {
    "tanh": (np.tanh, mpmath.tanh, 0.01, 512),
    "3 exp(-s)": (lambda s: 3 * np.exp(-s), lambda s: 3 * mpmath.exp(-s), 1.0, 700),
    "2 log1p(s)": (lambda s: 2 * np.log1p(s), lambda s: 2 * mpmath.log1p(s), 1.0, 600),
    "5e3 / (1 + 7e3 s)": (lambda s: 5e3 / (1 + 7e3 * s), lambda s: 5000 / (1 + 7000 * s), 1.0, 90),
    "a root": (
        lambda s: 0.01 * np.sqrt(1e4 * s**2 + 1),
        lambda s: mpmath.sqrt(10000 * s**2 + 1) / 100,
        1.0,
        1000,
    ),
    "1e200 (1e-200 s)": (
        lambda s: 0.9 * np.sin(1e200 * (1e-200 * s)),
        lambda s: mpmath.mpf(9) / 10 * mpmath.sin(s),
        1.0,
        300,
    ),
    "a thousand at a time": (
        lambda s: np.cos(1000 * (s * (0.001 * np.cos(s)))),
        lambda s: mpmath.cos(s * mpmath.cos(s)),
        0.3,
        400,
    ),
}


@pytest.mark.parametrize("name", LOOPS)
def test_constants_of_a_long_product_neither_overflow_nor_vanish(name: str) -> None:
    step, exact, x0, steps = LOOPS[name]

    def loop(x: float) -> float:
        for _ in range(steps):
            x = step(x)
        return x

    with mp.workprec(400):
        s, slope, curvature = mpmath.mpf(x0), mpmath.mpf(1), mpmath.mpf(0)
        for _ in range(steps):
            s, first, second = (mpmath.diff(exact, s, k) for k in range(3))
            slope, curvature = first * slope, second * slope**2 + first * curvature
    F = tw.objective(loop, x0)
    assert F.grad(x0) == pytest.approx(float(slope), rel=1e-10)
    assert F.hessian(x0) == pytest.approx(float(curvature), rel=1e-9)


def test_the_oracle_knows_known_derivatives() -> None:
    # x0 exp(x1) / x2: its derivatives by hand, to the last digits of float64.
    e = Expression(
        ["return x[0] * np.exp(x[1]) / x[2] + np.sum(x[3:] ** 3)"],
        np.array([0.5, 0.25, 2.0, 1.0, 2.0, 3.0]),
    )
    known = oracle(e)
    assert known is not None
    t = np.exp(0.25)
    np.testing.assert_allclose(known[1], [t / 2, t / 4, -t / 8, 3, 12, 27], rtol=1e-15)
    hessian = np.diag([0, t / 4, t / 8, 6, 12, 18])
    hessian[0, 1] = hessian[1, 0] = t / 2
    hessian[0, 2] = hessian[2, 0] = -t / 4
    hessian[1, 2] = hessian[2, 1] = -t / 8
    np.testing.assert_allclose(known[2], hessian, rtol=1e-15, atol=1e-40)
