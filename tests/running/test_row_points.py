# SPDX-License-Identifier: BSD-3-Clause
"""Long arrays as arguments, among many points, in threads, and in descents."""

import threading
from typing import Any

import numpy as np
import pytest
from complex_steps import along, directions
from row_cases import FIRST, VALUE, VECTORS, Function, close, table, vector

import thalweg as tw


def test_long_arguments_are_inputs() -> None:
    def f(w: Any, X: Any, y: Any, c: Any) -> Any:
        return np.mean(np.abs(X @ w - y) ** 1.5) * c + np.sum(X.T @ y) * w[0]

    n = 700
    X, y, w = table(n, 3), vector(n), np.array([1.0, -0.5, 2.0])
    F = tw.objective(f, w, args=(X, y, 2.0))
    other = F.with_args((X[::-1] + 1, 2 * y, -1.0))
    for G, args in ((F, (X, y, 2.0)), (other, (X[::-1] + 1, 2 * y, -1.0))):
        value, gradient = G.value_and_grad(w)
        close(value, f(w, *args), value, VALUE)
        for v in directions((3,), np.random.default_rng(0)):
            slope = along(lambda w, args=args: f(w, *args), w, v)
            close(gradient @ v, slope, np.abs(gradient * v).sum(), FIRST)


def test_structured_points_with_long_arrays() -> None:
    X, y = table(600, 3), vector(600)

    def f(w: Any, each: Any, c: Any) -> Any:
        return np.sum((X @ w + each - y) ** 2) + c * np.sum(each[1:] ** 2)

    point = {"w": np.ones(3), "each": vector(600), "c": 0.5}
    value, gradient = tw.objective(f, point).value_and_grad(point)
    r = X @ point["w"] + point["each"] - y
    inner = np.concatenate([[0.0], point["each"][1:]])
    close(value, f(**point), value, VALUE)
    np.testing.assert_allclose(gradient["w"], 2 * X.T @ r, rtol=1e-12)
    np.testing.assert_allclose(gradient["each"], 2 * r + inner, rtol=1e-12)
    np.testing.assert_allclose(gradient["c"], np.sum(inner**2), rtol=1e-12)


MIXED = {
    "of data": (lambda w: np.mean(np.log(1 + np.exp(table(5000, 9) @ w))), 9),
    "rosenbrock": (VECTORS["rosenbrock"], 5000),
    "passes": (VECTORS["passes"], 5000),
    "whole": (VECTORS["running sum"], 5000),
}


@pytest.mark.parametrize("name", MIXED)
def test_points_in_front_are_one_by_one(name: str) -> None:
    f, n = MIXED[name]
    points, directions_ = np.random.default_rng(2).standard_normal((2, 9, n))
    F = tw.objective(f, points[0])
    values, gradients = F.value_and_grad(points)
    products = F.hvp(points, directions_)
    at_one = F.hvp(points[0], directions_)
    for i in range(9):
        value, gradient = F.value_and_grad(points[i])
        assert value == values[i]
        assert np.array_equal(gradient, gradients[i])
        assert np.array_equal(F.hvp(points[i], directions_[i]), products[i])
        assert np.array_equal(F.hvp(points[0], directions_[i]), at_one[i])


@pytest.mark.parametrize("name", MIXED)
def test_threads_do_not_disturb_each_other(name: str) -> None:
    f, n = MIXED[name]
    points = np.random.default_rng(2).standard_normal((4, n))
    F = tw.objective(f, points[0])
    alone = [F.value_and_grad(x) for x in points]
    found: list[bool] = []

    def work(i: int) -> None:
        for _ in range(40):
            value, gradient = F.value_and_grad(points[i])
            found.append(value == alone[i][0] and np.array_equal(gradient, alone[i][1]))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(found) == 160
    assert all(found)


METHODS = {
    "gradient_descent": {"learning_rate": 0.02},
    "momentum": {"learning_rate": 0.01},
    "adam": {"learning_rate": 0.05},
}


FITTED, ANSWERS = table(1500, 6), vector(1500)


LONG_FUNCTIONS: dict[str, tuple[Function, Any]] = {
    "long x": (
        lambda x: np.sum(x * x * np.linspace(0.5, 3, 1000)) + np.sum(np.diff(x) ** 2),
        vector(1000),
    ),
    "long data": (lambda w: np.mean((FITTED @ w - ANSWERS) ** 2), np.zeros(6)),
}


def reference_steps(method: str, f: Function, x: Any, steps: int) -> Any:
    """The rules by hand; gradients are the objective's own, tested above."""
    grad, rate = tw.objective(f, x).grad, METHODS[method]["learning_rate"]
    m, v = np.zeros_like(x), np.zeros_like(x)
    for t in range(1, steps + 1):
        g = grad(x)
        if method == "gradient_descent":
            x = x - rate * g
        elif method == "momentum":
            m = 0.9 * m + g
            x = x - rate * m
        else:
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
            x = x - rate * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    return x


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", LONG_FUNCTIONS)
def test_descents(name: str, method: str) -> None:
    f, x0 = LONG_FUNCTIONS[name]
    how: dict[str, Any] = {"method": method, **METHODS[method], "gtol": 0}
    whole = tw.minimize(f, x0, max_iter=40, record=True, **how)
    np.testing.assert_allclose(
        whole.last.x, reference_steps(method, f, x0, 40), rtol=1e-10, atol=1e-12
    )
    assert whole.fun == pytest.approx(float(f(whole.x)), rel=1e-12)
    assert np.array_equal(whole.x, tw.minimize(f, x0, max_iter=40, **how).x)
    half = tw.minimize(f, x0, max_iter=15, **how)
    rest = tw.minimize(f, half.state.x, max_iter=25, state=half.state, **how)
    assert np.array_equal(rest.last.x, whole.last.x)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", LONG_FUNCTIONS)
def test_descents_within_bounds(name: str, method: str) -> None:
    f, x0 = LONG_FUNCTIONS[name]
    bounds = [(0.01, 0.3)] * len(x0)
    x0 = np.clip(x0, 0.01, 0.3)
    seen: list[Any] = []
    res = tw.minimize(f, x0, method=method, **METHODS[method], bounds=bounds, max_iter=60,
                      callback=lambda xk: seen.append(np.array(xk)))  # fmt: skip
    assert all((s >= 0.01).all() and (s <= 0.3).all() for s in seen)
    assert res.fun <= float(f(x0)) * (1 + 1e-12)
    assert ((res.x >= 0.01) & (res.x <= 0.3)).all()


def test_a_value_that_is_not_finite_is_told_for_long_arrays() -> None:
    X = np.abs(table(1000, 3)) + 0.1
    X[777] = 0.0, 0.0, 1.0
    how: dict[str, Any] = {"learning_rate": 1e-3, "max_iter": 5}
    res = tw.minimize(
        lambda w: -np.sum(np.log(X @ w)), [1.0, 1.0, -1e-9], "gradient_descent", **how
    )
    assert res.reason == tw.Reason.left_domain
    assert "log(-1e-09) = nan" in res.message
    x0 = np.full(1000, 2.0)
    x0[400] = -1.0
    res = tw.minimize(lambda x: np.sum(np.sqrt(x) * x[0]), x0, "adam", **how)
    assert res.reason == tw.Reason.left_domain
    assert "sqrt(-1) = nan" in res.message
    x0[400] = 800.0
    res = tw.minimize(lambda x: np.sum(np.exp(x) / x[1:2]), x0, "momentum", **how)
    assert res.reason == tw.Reason.non_finite
    assert "exp(800) = inf" in res.message
