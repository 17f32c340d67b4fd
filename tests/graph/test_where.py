# SPDX-License-Identifier: BSD-3-Clause
"""Branches that np.where does not take add nothing, through every function around them."""

import math
from typing import Any

import numpy as np
import pytest
from corner_slopes import CLOSE, Function, check, slopes

import thalweg as tw

X = np.array([[1.0, 2.0, -1.0], [0.5, -1.0, 3.0]])


# function of x (3 elements); at x = [-1, 0, 2] the branch taken gives the slopes stated.
DEAD: dict[str, tuple[Function, list[float]]] = {
    "log": (lambda x: np.sum(np.where(x > 0, np.log(x), x)), [1, 1, 0.5]),
    "sqrt": (lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0.0)), [0, 0, 0.5 / math.sqrt(2)]),
    "power": (lambda x: np.sum(np.where(x > 0, x**1.5, 0.0)), [0, 0, 1.5 * math.sqrt(2)]),
    "reciprocal": (lambda x: np.sum(np.where(x != 0, 1 / x, 0.0)), [-1, 0, -0.25]),
    "quotient of both": (
        lambda x: np.sum(np.where(x != 0, np.sin(x) / x, 1.0)),
        [math.sin(1) - math.cos(1), 0, math.cos(2) / 2 - math.sin(2) / 4],
    ),
    "the other side": (lambda x: np.sum(np.where(x <= 0, x, np.log(x))), [1, 1, 0.5]),
    "nested": (
        lambda x: np.sum(np.where(x > 0, np.where(x > 1, np.log(x - 1), np.log(x)), 3 * x)),
        [3, 3, 1],
    ),
    "nested the other way": (
        lambda x: np.sum(np.where(x <= 0, np.where(x < 0, 2 * x, 0.0), np.sqrt(x - 1))),
        [2, 0, 0.5],
    ),
    "within a matrix product": (lambda x: np.sum(X @ np.where(x > 0, np.log(x), x)), [1.5, 1, 1]),
    "within a dot": (
        lambda x: np.dot(np.where(x > 0, np.sqrt(x), x), [1.0, 2, 4]),
        [1, 2, math.sqrt(2)],
    ),
    "a dead matrix product": (
        lambda x: np.sum(np.where(x[0] > 0, X @ np.log(x), 0.0)) + x[2],
        [0, 0, 1],
    ),
    "a dead sum": (lambda x: np.where(x[0] > 0, np.sum(np.log(x)), np.sum(x)), [1, 1, 1]),
    "a dead mean of roots": (
        lambda x: np.where(x[0] > 0, np.mean(np.sqrt(x)), 2 * x[1]),
        [0, 2, 0],
    ),
    "a dead product": (lambda x: np.where(x[0] > 0, np.prod(np.log(x)), x[0]), [1, 0, 0]),
    "a dead maximum": (lambda x: np.where(x[0] > 0, np.max(np.log(x)), x[0]), [1, 0, 0]),
    "a dead running sum": (
        lambda x: np.sum(np.where(x[0] > 0, np.cumsum(np.log(x)), x)),
        [1, 1, 1],
    ),
    "within a running sum": (
        lambda x: np.sum(np.cumsum(np.where(x > 0, np.log(x), x))),
        [3, 2, 0.5],
    ),
    "within a maximum": (lambda x: np.max(np.where(x > 0, np.log(x), x - 5)), [0, 0, 0.5]),
    "a broadcast scalar": (lambda x: np.sum(np.where(x > 5, np.log(x[0]) * x, x)), [1, 1, 1]),
    "a broadcast row": (
        lambda x: np.sum(np.where(x > 0, np.log(x) * np.ones((4, 1)), 0.0)),
        [0, 0, 2],
    ),
    "a broadcast condition": (
        lambda x: np.sum(np.where((x > 0)[None, :], np.log(x)[None, :] * np.ones((2, 1)), 0.0)),
        [0, 0, 1],
    ),
    "a gather": (
        lambda x: np.sum(np.where(x[[2, 0, 1]] > 0, np.log(x)[[2, 0, 1]], 0.0)),
        [0, 0, 0.5],
    ),
    "a slice": (lambda x: np.sum(np.where(x[1:] > 0, np.log(x)[1:], 0.0)), [0, 0, 0.5]),
    "joined parts": (
        lambda x: np.sum(
            np.where(
                np.array([False, False, True] * 2), np.concatenate([np.log(x), np.sqrt(x)]), 0.0
            )
        ),
        [0, 0, 0.5 + 0.5 / math.sqrt(2)],
    ),
    "stacked parts": (
        lambda x: np.sum(np.where(np.array([[False], [True]]), np.stack([np.log(x), x]), 0.0)),
        [1, 1, 1],
    ),
    "turned": (lambda x: np.sum(np.where((X > 5).T, (X * np.log(x)).T, 1.0)) + x[0], [1, 0, 0]),
    "an intermediate twice": (
        lambda x: (lambda y: np.sum(np.where(x > 0, y * y + y, 0.0)))(np.log(x)),
        [0, 0, (2 * math.log(2) + 1) / 2],
    ),
    "dead here, alive there": (
        lambda x: (lambda y: np.sum(np.where(x > 0, y, 0.0)) + y[2])(np.log(x)),
        [0, 0, 1],
    ),
    "select": (
        lambda x: np.sum(np.select([x > 0, x < 0], [np.log(x), np.sqrt(-x)], 7.0)),
        [-0.5, 0, 0.5],
    ),
    "a condition of conditions": (
        lambda x: np.sum(np.where((x > 0) & (x < 5), np.log(x), 0.0)),
        [0, 0, 0.5],
    ),
    "a logical not": (lambda x: np.sum(np.where(~(x <= 0), np.log(x), 0.0)), [0, 0, 0.5]),
    "overflow": (lambda x: np.sum(np.where(x < 1, 0.0, np.exp(-800 * (x - 2)))), [0, 0, -800]),
    "norm": (lambda x: np.where(x[0] > 0, np.linalg.norm(np.log(x)), x[0]), [1, 0, 0]),
    "std": (lambda x: np.where(x[0] > 0, np.std(np.log(x)), x[0]), [1, 0, 0]),
    "einsum": (
        lambda x: np.sum(np.where(x[0] > 0, np.einsum("ij,j->i", X, np.log(x)), 0.0)) + x[0],
        [1, 0, 0],
    ),
}


@pytest.mark.parametrize("name", DEAD)
def test_a_dead_branch_adds_nothing(name: str) -> None:
    f, gradient = DEAD[name]
    at = np.array([-1.0, 0.0, 2.0])
    value, got, hessian = slopes(f, at)
    assert math.isfinite(value)
    np.testing.assert_allclose(got, gradient, **CLOSE)
    assert np.isfinite(hessian).all()
    # Against differences of our own gradient along the last variable, which is on no kink.
    step = 1e-5
    F = tw.objective(f, at)
    e = np.array([0, 0, step])
    differences = (F.grad(at + e) - F.grad(at - e)) / (2 * step)
    if name == "overflow":  # exp(-800 (x - 2)) turns within 1e-3
        assert hessian[2, 2] == pytest.approx(640_000)
    else:
        np.testing.assert_allclose(hessian[2], differences, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(hessian, hessian.T, rtol=1e-13, atol=0)
    np.testing.assert_allclose(F.jvp(at, [0.5, 2, 3]), np.dot(gradient, [0.5, 2, 3]), rtol=1e-13)


def test_a_dead_branch_adds_nothing_to_a_jacobian() -> None:
    F = tw.objective(lambda x: np.where(x > 0, np.log(x), [1.0, 2, 3] * x), np.ones(3))
    x = np.array([-1.0, 0.0, 2.0])
    np.testing.assert_array_equal(F.jacobian(x), np.diag([1, 2, 0.5]))
    np.testing.assert_array_equal(F.vjp(x, [1.0, 1, 1]), [1, 2, 0.5])


def test_a_live_nan_is_kept() -> None:
    # Only dead branches are silent: a zero of the user's times NaN is NaN, as in NumPy.
    assert math.isnan(slopes(lambda x: np.sum(0 * np.sqrt(x) + x), [-1.0, 2.0])[0])
    value, gradient, _ = slopes(lambda x: np.sum(np.where(x > -5, np.sqrt(x), x)), [-1.0, 4.0])
    assert math.isnan(value)
    assert math.isnan(gradient[0])
    assert gradient[1] == 0.25


@pytest.mark.parametrize("condition", [1.0, -1.0])
@pytest.mark.parametrize("u", [np.sin, np.exp, lambda x: x**3, np.log])
def test_the_hessian_of_a_branch_whose_adjoint_is_zero(u: Function, condition: float) -> None:
    # where(c, y u(x), 0) at y = 0: the adjoint of u is 0 but alive, and d2/dxdy = u'(x).
    x = 0.7
    slope = {np.sin: math.cos(x), np.exp: math.exp(x), np.log: 1 / x}.get(u, 3 * x * x)
    wanted = np.zeros((3, 3))
    if condition > 0:
        wanted[1, 2] = wanted[2, 1] = slope
    check(lambda p: np.where(p[0] > 0, p[2] * u(p[1]), 0.0), [condition, x, 0.0], 0, None, wanted)


def test_the_hessian_of_such_a_branch_over_rows() -> None:
    # f = sum_i where(c_i, y_i u(x), 0) at y = 0 with one dead row whose u is NaN.
    c = np.array([True, False, True])
    a = np.array([1.0, -1.0, 2.0])

    def f(p: Any) -> Any:
        return np.sum(np.where(c, p[1:] * np.log(a * p[0]), 0.0))

    wanted = np.zeros((4, 4))
    wanted[0, 1:] = wanted[1:, 0] = np.where(c, 1 / 0.5, 0)
    check(f, [0.5, 0, 0, 0], 0, [0, math.log(0.5), 0, math.log(1.0)], wanted)
