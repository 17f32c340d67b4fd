# SPDX-License-Identifier: BSD-3-Clause
"""Long arrays of values: Jacobians, NaN and infinity, corners, and shifts that cancel."""

from typing import Any

import numpy as np
import pytest
from complex_steps import along
from operation_values import OPERATIONS
from row_cases import FIRST, VECTORS, Function, check_many, close, table, vector
from scipy import special

import thalweg as tw
from thalweg import _core

DATA = table(400, 5)


RESIDUALS: dict[str, tuple[Function, Any]] = {
    "linear": (lambda w: DATA @ w - 1, np.ones(5)),
    "exponential": (lambda w: w[0] * np.exp(-w[1] * np.linspace(0, 2, 500)) + w[2], np.ones(3)),
    "of a vector": (lambda x: np.sin(x[1:]) * x[:-1], vector(700)),
    "running": (lambda x: np.cumsum(x) * 0.1, vector(300)),
    "matrix": (lambda w: np.tanh(DATA @ w), table(5, 3)),
    "columns": (lambda x: np.sum(x * x, axis=0), table(600, 3)),
    "reversed": (lambda x: x[::-1], vector(300)),
    "as it is": (lambda x: x, vector(300)),
    "turned as it is": (lambda x: x.T, np.random.default_rng(1).standard_normal((300, 2, 3))),
    "each twice": (lambda x: np.concatenate([x, 2 * x]), vector(300)),
    "turned": (lambda x: np.sin(x).T, table(300, 3)),
    "constant and live": (lambda x: np.concatenate([np.zeros(300), x]) * 3, vector(5)),
    "broadcast": (lambda x: np.broadcast_to(x, (300, 5)) * 2, vector(5)),
}


@pytest.mark.parametrize("name", RESIDUALS)
def test_arrays_of_values(name: str) -> None:
    f, x = RESIDUALS[name]
    check_many(f, x)


def test_jacobians_of_many_residuals() -> None:
    for name in ("linear", "exponential", "matrix"):
        f, x = RESIDUALS[name]
        J = tw.objective(f, x).jacobian(x)
        for k in range(np.size(x)):
            v = np.zeros(np.size(x))
            v[k] = 1.0
            column = along(f, x, v.reshape(np.shape(x)))
            got = J.reshape(*column.shape, np.size(x))[..., k]
            close(got, column, column, FIRST)


def test_hessians_of_long_data() -> None:
    X, y = table(3000, 4), vector(3000)
    F = tw.objective(lambda w: np.sum(np.log(1 + np.exp(-y * (X @ w)))), np.zeros(4))
    w = np.array([0.5, -1.0, 0.25, 2.0])
    p = special.expit(-y * (X @ w))
    np.testing.assert_allclose(F.hessian(w), (X.T * (y * y * p * (1 - p))) @ X, rtol=1e-12)


@pytest.mark.parametrize("step", [1, 2])
def test_windows_that_run_on_into_the_next_row_are_read_there(step: int) -> None:
    # Of the rows of a turned array: 300 pairs of which only the last leaves its row.
    x = vector(3 * (300 * step - step + 1)).reshape(-1, 3)
    g = _core.Graph()
    columns = g.view(g.input(0, list(x.shape)), list(x.shape[::-1]), 0, [1, 3])
    pairs = g.view(columns, [300, 2], 0, [step, 1])
    square = g.elementwise(OPERATIONS["square"]["code"], pairs)
    (got,) = _core.Function(g, [square], 1)([x[None]], [True], 1)
    at = step * np.arange(300)[:, None] + np.arange(2)
    assert np.array_equal(got.reshape(300, 2), np.ravel(x.T)[at] ** 2)


@pytest.mark.parametrize("k", [1, 2, 3, 7, 8, 9, 13, 15, 16, 17, 31, 33, 100])
@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_a_row_that_is_not_finite_stays_alone(k: int, bad: float) -> None:
    X, w = table(500, k), np.linspace(0.5, 1.5, k)
    for column in {0, k // 2, k - 1, max(k - 8, 0), max(k - 9, 0)}:
        X[[0, 70, 499], column] = bad
    F = tw.objective(lambda w: X @ w, w)
    with np.errstate(all="ignore"):
        exact = X @ w
    assert np.array_equal(np.isnan(F(w)), np.isnan(exact))
    np.testing.assert_allclose(F(w), exact, rtol=1e-12, atol=1e-14)
    # An infinite logit is no trouble to a sigmoid.
    G = tw.objective(lambda w: np.sum(1 / (1 + np.exp(-(X @ w)))), w)
    with np.errstate(all="ignore"):
        exact = np.sum(1 / (1 + np.exp(-exact)))
    np.testing.assert_allclose(G(w), exact, rtol=1e-12)


def test_an_infinite_weight_makes_its_own_products_infinite() -> None:
    X = np.abs(table(300, 9)) + 0.1
    for k in range(9):
        w = np.ones(9)
        w[k] = np.inf
        assert np.array_equal(tw.objective(lambda w: X @ w, w)(w), np.full(300, np.inf))


def test_parts_that_are_not_finite_spoil_only_their_place() -> None:
    x = vector(1000)
    for at in (0, 1, 63, 64, 500, 998, 999):
        y = x.copy()
        y[at] = np.nan
        _, g = tw.objective(VECTORS["rosenbrock"], x).value_and_grad(y)
        expected = {at, min(at + 1, 999), max(at - 1, 0)}
        assert set(np.flatnonzero(np.isnan(g))) == expected
        assert np.isnan(tw.objective(lambda x: np.max(x) + 0 * x[0], x)(y))
        assert np.isnan(tw.objective(lambda x: np.min(x) + 0 * x[0], x)(y))


def test_slopes_at_corners_and_ties() -> None:
    x = np.zeros(600)
    assert np.array_equal(tw.objective(lambda x: np.sum(np.abs(x)), x).grad(x), np.zeros(600))
    assert np.array_equal(tw.objective(np.max, x).grad(x), np.full(600, 1 / 600))
    assert np.array_equal(tw.objective(lambda x: np.sum(np.maximum(x, 0)), x).grad(x), x + 0.5)
    x[[5, 599]] = 2.0
    assert np.array_equal(tw.objective(np.max, x).grad(x), x / 4)
    ones = np.ones(600)
    ones[300] = 0.0
    product = np.zeros(600)
    product[300] = 1.0
    assert np.array_equal(tw.objective(np.prod, x).grad(ones), product)


def shifted_log_sum_exp(x: Any) -> Any:
    top = np.max(x)
    return top + np.log(np.sum(np.exp(x - top)))


@pytest.mark.parametrize("n", [5, 300, 70_001])
def test_the_maximum_in_log_sum_exp_has_no_slope(n: int) -> None:
    x = vector(n)
    x[n // 2] = x.max()  # a tie, which would be shared
    F = tw.objective(shifted_log_sum_exp, x)
    F.value_and_grad(x)
    assert "equal" not in F.tape  # nobody asks where the maximum is
    e = np.exp(x - x.max())
    close(F.grad(x), e / np.sum(e), 1 / n, FIRST)
    # An exact 0 along the shift, but for the roundings of n terms.
    assert np.abs(F.hvp(x, np.ones(n))).max() <= 1e-14


def test_a_quotient_times_its_divisor_is_exact_at_the_ends() -> None:
    slope = tw.grad(lambda x: x * np.log(x))  # log x + x (1 / x)
    with np.errstate(all="ignore"):
        assert slope(0.0) == -np.inf
        assert slope(np.inf) == np.inf
        assert np.isnan(slope(np.nan))
        assert np.isnan(slope(-1.0))
    x = vector(1000)
    x[77] = np.nan
    assert np.isnan(tw.grad(shifted_log_sum_exp)(x)).all()
