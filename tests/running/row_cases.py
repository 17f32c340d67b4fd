# SPDX-License-Identifier: BSD-3-Clause
"""Long arrays: functions of them, and checks of values and derivatives against complex steps."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from complex_steps import APART, along, directions, second_along

import thalweg as tw

Function = Callable[..., Any]

# NumPy adds up in another order: some sqrt(n) roundings of the largest term, with n up to 12,345.
VALUE = 1e-12
FIRST = 1e-12  # of the sum of the terms' magnitudes
SECOND = 1e-10  # differences of complex steps: 13 digits at best, of terms larger than their sum


def total(a: Any) -> Any:
    """A number that depends on each element in its own way."""
    weights = np.cos(np.arange(1.0, 1.0 + np.size(a)))
    return np.sum(np.reshape(a, (-1,)) * weights)


def close(ours: Any, exact: Any, terms: Any, relative: float) -> None:
    ours, exact = np.asarray(ours, np.longdouble), np.asarray(exact, np.longdouble)
    scale = float(np.max(np.abs(terms), initial=0.0)) or 1.0
    assert float(np.abs(ours - exact).max()) <= relative * scale, (ours, exact, scale)


def check(f: Function, x: Any, reference: Function | None = None, second: bool = True) -> None:
    """Value, gradient and products with the Hessian of a function with one value."""
    reference = reference or f
    rng = np.random.default_rng(5)
    F = tw.objective(f, x)
    with np.errstate(all="ignore"):  # of dead branches
        exact = float(reference(x))
    assert np.isfinite(exact)
    value, gradient = F.value_and_grad(x)
    close([value, F(x)], exact, max(abs(exact), 1.0), VALUE)
    assert gradient.shape == np.shape(x)
    assert np.array_equal(F.grad(x), gradient)
    for v in directions(np.shape(x), rng):
        slope = along(reference, x, v)
        close(np.sum(gradient * v), slope, np.sum(np.abs(gradient * v)), FIRST)
        close(F.jvp(x, v), slope, np.sum(np.abs(gradient * v)), FIRST)
        if second:
            product = F.hvp(x, v)
            u = rng.standard_normal(np.shape(x))
            terms = max(np.sum(np.abs(product * u)), 1e-3 * np.sum(np.abs(gradient)))
            ours = np.sum(product * u)
            exact_product = second_along(reference, x, v, u)
            if abs(ours - exact_product) > SECOND * terms:  # a kink may lie between: nearer then
                exact_product = second_along(reference, x, v, u, APART / 32)
            close(ours, exact_product, terms, 10 * SECOND)
    among = np.stack([x, 0.5 * np.asarray(x), x])
    values, gradients = F.value_and_grad(among)
    assert values[0] == values[2] == value
    assert np.array_equal(gradients[0], gradient)
    assert np.array_equal(gradients[2], gradient)
    assert values[1] == F.value_and_grad(among[1])[0]


def check_many(f: Function, x: Any) -> None:
    """Values and products with the Jacobian of a function with an array of values."""
    rng = np.random.default_rng(6)
    F = tw.objective(f, x)
    exact = np.asarray(f(x))
    assert np.isfinite(exact).all()
    close(F(x), exact, exact, VALUE)
    u = rng.standard_normal(exact.shape)
    back = F.vjp(x, u)
    for v in directions(np.shape(x), rng):
        slope = along(f, x, v)
        close(F.jvp(x, v), slope, slope, FIRST)
        close(np.sum(back * v), np.sum(u * slope), np.sum(np.abs(back * v)), FIRST)


def log_sum_exp(z: Any, axis: int | None = None) -> Any:
    top = np.max(z, axis=axis, keepdims=True)
    return np.sum(top + np.log(np.sum(np.exp(z - top), axis=axis, keepdims=True)))


VECTORS: dict[str, Function] = {
    "sum": lambda x: np.sum(np.sin(x)),
    "rosenbrock": lambda x: np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2),
    "stencil of three": lambda x: np.sum((x[2:] - 2 * x[1:-1] + x[:-2]) ** 2 * np.cos(x[1:-1])),
    "stencil far apart": lambda x: np.sum(x[100:] * np.sin(x[:-100])) + total(x[7:-7] ** 2),
    "strides": lambda x: total(x[::2] ** 2) + np.sum(np.tanh(x[1::3])) + total(x[5:-3:7] ** 3),
    "reversed": lambda x: (
        total(x[::-1] * np.sin(x)) + total(np.exp(x[::-2])) + total(x[:3:-1] ** 2)
    ),
    "powers": lambda x: np.sum((1 + x * x) ** 1.3 + x**3 - x**5 / 9 + (2 + np.sin(x)) ** -2),
    "rolled": lambda x: total(np.roll(x, 3) * np.cos(x)) + total(np.roll(x, -1) ** 2),
    "differences": lambda x: total(np.diff(x) ** 2) + total(np.diff(x, 2) ** 3),
    "running sum": lambda x: total(np.cumsum(np.sin(x)) ** 2) / np.size(x),
    "running product": lambda x: total(np.cumprod(1 + 1e-3 * x)),
    "convolved": lambda x: (
        total(np.convolve(x, [0.25, 0.5, -0.3], "same") ** 2)
        + total(np.convolve(np.sin(x), [1.0, -0.5], "valid"))
        + total(np.convolve(x[:300], x[:5]))
    ),
    "interpolated": lambda x: total(np.interp(x, [-1.0, 0.1, 0.5, 2.0], [1.0, -1.0, 3.0, 0.0]) * x),
    "trapezoid": lambda x: np.trapezoid(np.sin(x) * x, dx=0.1),
    "maximum and minimum": lambda x: np.max(x) * np.min(np.cos(x)) + np.max(x * x),
    "ties": lambda x: (
        np.max(np.floor(x)) * np.sum(x)
        + np.max(np.round(x, 0) * 0 + x[3])
        + np.min(np.abs(x) * 0.0 + x[5] ** 2)
    ),
    "product": lambda x: np.prod(1 + 1e-3 * x),
    "variance": lambda x: np.var(x) + np.std(np.sin(x)) + np.var(x, ddof=1) * np.mean(x),
    "norms": lambda x: (
        np.linalg.norm(x) + np.linalg.norm(x, 1) + np.linalg.norm(x, np.inf) + np.linalg.norm(x, 3)
    ),
    "log-sum-exp": log_sum_exp,
    "softmax": lambda x: total(np.exp(x - np.max(x)) / np.sum(np.exp(x - np.max(x)))) * np.size(x),
    "dead branches": lambda x: (
        total(np.where(x > 0, np.sqrt(x), np.exp(x)) + np.where(np.abs(x) > 1e-3, 1 / x, x))
        / np.size(x)
        + total(np.where(x > 0.2, np.log(x - 0.1), x))
    ),
    "clipped": lambda x: total(np.clip(x, -0.7, 0.8) * x + np.maximum(x, 0) + np.minimum(x, x * x)),
    "joined": lambda x: total(np.concatenate([np.sin(x), x[:3], x * x]) ** 2),
    "joined and differenced": lambda x: total(
        np.diff(np.concatenate([[0.5], np.sin(x), x[:1], [2.0]])) ** 2
    ),
    "stacked": lambda x: total(np.stack([x, np.sin(x)]) ** 2) + total(np.stack([x, x * x], axis=1)),
    "stacked and multiplied": lambda x: total(
        np.stack([x, np.sin(x), x * x], axis=1) @ np.array([1.0, x[0], -2.0])
    ),
    "first and last": lambda x: np.sum((x - x[0]) ** 2 * np.exp(0.1 * x[-1])) + x[0] * x[-1],
    "each as a row": lambda x: total(x[:, None] * np.array([1.0, -2.0, 3.0]) + np.sin(x)[:, None]),
    "gathered": lambda x: total(x[np.arange(np.size(x)) * 7 % (np.size(x) // 2)] * np.sin(x)),
    "picked twice": lambda x: total(np.sin(x)[[0, 0, 5, -1, 5]] * x[[1, 2, 3, 3, -1]]) * np.sum(x),
    "masked": lambda x: total(x[np.arange(np.size(x)) % 3 == 1] ** 2) * x[4],
    "lengths n, n - 1, n - 2 and 2 n": lambda x: (
        np.sum(x * x) * np.sum(x[1:] * x[:-1])
        + np.sum(x[2:] * x[1:-1] * x[:-2])
        + total(np.concatenate([x, np.cos(x)]) ** 2)
    ),
    "means of means": lambda x: np.mean((x - np.mean(x)) ** 2 / (1 + np.mean(x * x))),
    "passes": lambda x: total((x - np.mean(x)) / (1 + np.std(x)) * np.exp(x - np.max(x))),
    "deep": lambda x: functools.reduce(
        lambda s, k: np.sin(s + 0.1 * k) * x + np.mean(s), range(5), x
    ).sum(),
    "halves": lambda x: (
        np.dot(x[: np.size(x) // 2], x[-(np.size(x) // 2) :]) + total(x[np.size(x) // 2 :] ** 2)
    ),
    "folded": lambda x: (
        total(np.sum(np.sin(x[: np.size(x) // 4 * 4].reshape(-1, 4)), axis=1) ** 2)
        + total(np.sum(x[: np.size(x) // 4 * 4].reshape(4, -1) ** 2, axis=1))
    ),
    "folded and turned": lambda x: total(
        np.sin(x[: np.size(x) // 4 * 4].reshape(4, -1).T) * x[: np.size(x) // 4][:, None]
    ),
    "outer with few": lambda x: total(np.outer(x, x[:3]) ** 2) + total(np.outer(x[:2], x)),
    "logaddexp": lambda x: total(np.logaddexp(x, 0.3) + np.hypot(x, 1.0) + np.arctan2(x, 2.0)),
    "alone": lambda x: x[0] ** 2 + x[-1] * x[1],
    "repeated": lambda x: (
        total(np.repeat(x, 2) ** 2) + total(np.tile(x, 2) * np.sin(np.tile(x, 2)))
    ),
    "flipped": lambda x: total(np.flip(np.sin(x)) * x),
    "padded": lambda x: total(np.concatenate([np.zeros(3), x, np.zeros(2)]) ** 2),
    "the same twice": lambda x: (
        total(np.concatenate([x, x]) ** 2) + total(np.stack([x, x, x], axis=1) ** 2)
    ),
}


def vector(n: int) -> Any:
    return np.random.default_rng(n).standard_normal(n)


def table(n: int, k: int, seed: int = 1) -> Any:
    return np.random.default_rng([seed, n, k]).standard_normal((n, k)) / np.sqrt(k)
