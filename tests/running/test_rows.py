# SPDX-License-Identifier: BSD-3-Clause
"""Long arrays, which are taken row by row: values are NumPy's, derivatives those of complex steps.

Beside that: borders of blocks and tiles, bits, threads, descents, memory and time.
"""

import functools
import gc
import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import random_rows
from complex_steps import APART, along, directions, second_along
from scipy import special
from test_ops import OPERATIONS

import thalweg as tw
from thalweg import _core, losses

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


# ---- vectors, of every length about the borders of blocks and tiles ------------------------------

# 256: where arrays become long; 64 rows in a block, 4096 in a tile.
LENGTHS = [255, 256, 257, 319, 320, 321, 4095, 4096, 4097, 8193, 12345]


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


@pytest.mark.parametrize("name", VECTORS)
def test_functions_of_a_long_vector(name: str) -> None:
    for n in LENGTHS:
        check(VECTORS[name], vector(n), second=n <= 321)


# ---- few parameters, long data -------------------------------------------------------------------

WIDTHS = [1, 2, 3, 7, 8, 9, 13, 31, 32, 33, 100]


def table(n: int, k: int, seed: int = 1) -> Any:
    return np.random.default_rng([seed, n, k]).standard_normal((n, k)) / np.sqrt(k)


def logit_loss(z: Any, t: Any) -> Any:
    return np.log(1 + np.exp(-t * z))


def two_layers(X: Any, y: Any, hidden: int) -> Function:
    k = X.shape[1]

    def loss(w: Any) -> Any:
        W = w[: k * hidden].reshape(k, hidden)
        b = w[k * hidden : (k + 1) * hidden]
        v = w[(k + 1) * hidden : (k + 2) * hidden]
        return np.mean((np.tanh(X @ W + b) @ v + w[-1] - y) ** 2)

    return loss


# name: (function of (X, y), number of parameters for X of k columns)
MODELS: dict[str, tuple[Function, Function]] = {
    "least squares": (lambda X, y: lambda w: np.sum((X @ w - y) ** 2), lambda k: k),
    "ridge": (lambda X, y: lambda w: np.mean((X @ w - y) ** 2) + 0.1 * np.sum(w * w), lambda k: k),
    "by the normal equations": (
        lambda X, y: lambda w: np.dot(X.T @ (X @ w - y), w) + np.sum((X.T @ (y * (X @ w))) ** 2),
        lambda k: k,
    ),
    "logistic": (
        lambda X, y: lambda w: np.sum(logit_loss(X @ w, np.sign(y))),
        lambda k: k,
    ),
    "logistic by logaddexp": (
        lambda X, y: lambda w: np.mean(np.logaddexp(0.0, -np.sign(y) * (X @ w))),
        lambda k: k,
    ),
    "poisson": (
        lambda X, y: lambda w: np.sum(np.exp(X @ w) - np.floor(y**2) * (X @ w)),
        lambda k: k,
    ),
    "huber": (
        lambda X, y: (
            lambda w: np.sum(
                np.where(
                    np.abs(X @ w - y) < 0.8, 0.5 * (X @ w - y) ** 2, 0.8 * (np.abs(X @ w - y) - 0.4)
                )
            )
        ),
        lambda k: k,
    ),
    "soft l1": (
        lambda X, y: lambda w: np.sum(2 * (np.sqrt(1 + (X @ w - y) ** 2) - 1)) + np.sum(np.abs(w)),
        lambda k: k,
    ),
    "weighted columns": (
        lambda X, y: (
            lambda w: np.sum(np.sin(X * w) * y[:, None]) + np.sum((X * w).sum(axis=1) ** 2)
        ),
        lambda k: k,
    ),
    "softmax of three": (
        lambda X, y: (
            lambda w: (
                log_sum_exp(X @ w.reshape(-1, 3), 1)
                - np.sum((X @ w.reshape(-1, 3))[np.arange(len(y)), np.arange(len(y)) % 3])
            )
        ),
        lambda k: 3 * k,
    ),
    "many outputs": (
        lambda X, y: lambda w: total(np.sin(X @ w.reshape(5, -1).T)[:, 1:4] ** 2 * y[:, None]),
        lambda k: 5 * k,
    ),
    "gram": (
        lambda X, y: lambda w: total((X * w).T @ np.cos(X * w)) + total((X.T * y) @ (X + w)),
        lambda k: k,
    ),
    "two layers": (lambda X, y: two_layers(X, y, 4), lambda k: 4 * (k + 2) + 1),
    "standardized": (
        lambda X, _: (
            lambda w: np.mean(
                (((X + w) ** 2 - np.mean((X + w) ** 2, axis=0)) / np.std((X + w) ** 2, axis=0)) ** 3
            )
        ),
        lambda k: k,
    ),
    "column norms": (
        lambda X, y: (
            lambda w: (
                np.sum(np.linalg.norm(X * w + 1, axis=0))
                + np.sum(np.linalg.norm(X * w + 1, axis=1) * y)
                + np.sum(np.max(X * w, axis=0) * np.min(X + w, axis=0))
                + np.sum(np.max(X * w, axis=1, keepdims=True) ** 2 * y[:, None])
            )
        ),
        lambda k: k,
    ),
    "slices of weights": (
        lambda X, y: (
            lambda w: np.sum(
                (X @ w[: X.shape[1]] + w[-1] * y) ** 2 * np.exp(0.1 * X @ w[X.shape[1] : -1][::-1])
            )
        ),
        lambda k: 2 * k + 1,
    ),
    "data turned": (
        lambda X, y: lambda w: total(w @ X.T) + np.sum((w @ X.T - y) ** 2) + y @ (X @ w) ** 2,
        lambda k: k,
    ),
    "one column and one row": (
        lambda X, _: lambda w: total((X[:, -1:] - w) ** 2 * X) + np.sum(np.cos(X[5] * w) * X[-1]),
        lambda k: k,
    ),
    "einsum": (
        lambda X, y: (
            lambda w: (
                np.sum(np.einsum("ij,j,i->i", X, w, y) ** 2)
                + total(np.tensordot(X, np.outer(w, w), axes=([1], [0])))
                + np.einsum("ij,ij->", X * w, X)
            )
        ),
        lambda k: k,
    ),
}
ROWS = dict(zip(WIDTHS, [12345, 4097, 257, 4096, 321, 8193, 256, 320, 4095, 319, 256], strict=True))


@pytest.mark.parametrize("k", WIDTHS)
@pytest.mark.parametrize("name", MODELS)
def test_models_of_long_data(name: str, k: int) -> None:
    build, size = MODELS[name]
    n = ROWS[k]
    X, y = table(n, k), vector(n)
    w = np.random.default_rng(k).standard_normal(size(k))
    check(build(X, y), w, second=n <= 400)


@pytest.mark.parametrize("kind", ["C", "F", "float32", "int", "bool", "strided", "reversed"])
@pytest.mark.parametrize("name", ["least squares", "weighted columns", "gram", "two layers"])
def test_data_of_every_order_and_type(name: str, kind: str) -> None:
    X = table(1234, 9)
    X = {
        "C": lambda: X,
        "F": lambda: np.asfortranarray(X),
        "float32": lambda: X.astype(np.float32),
        "int": lambda: np.rint(3 * X).astype(int),
        "bool": lambda: X > 0,
        "strided": lambda: np.repeat(np.repeat(X, 2, 0), 3, 1)[::2, ::3],
        "reversed": lambda: X[::-1, ::-1],
    }[kind]()
    build, size = MODELS[name]
    w = np.random.default_rng(3).standard_normal(size(9))
    exact = np.array(X, dtype=float)
    check(build(X, vector(1234)), w, build(exact, vector(1234)))
    as_plain = tw.objective(build(exact, vector(1234)), w).value_and_grad(w)
    value, gradient = tw.objective(build(X, vector(1234)), w).value_and_grad(w)
    close(value, as_plain[0], value, VALUE)
    close(gradient, as_plain[1], gradient, VALUE)


def softmax_by_hand(w: Any, X: Any, labels: Any) -> Any:
    z = X @ w.reshape(7, 3)
    return log_sum_exp(z, 1) - np.sum(z[np.arange(len(labels)), labels])


def logistic_by_hand(w: Any, X: Any, labels: Any) -> Any:
    z = X @ w[:7]
    return np.sum(np.logaddexp(0.0, z) - (labels > 0) * z)


def huber_by_hand(w: Any, X: Any, labels: Any) -> Any:
    r = X @ w[:7] - labels
    return np.sum(np.where(np.abs(r) <= 0.7, 0.5 * r * r, 0.7 * (np.abs(r) - 0.35)))


LOSSES: dict[str, tuple[Function, Function]] = {
    "softmax": (
        lambda w, X, labels: np.sum(losses.softmax_cross_entropy(X @ w.reshape(7, 3), labels)),
        softmax_by_hand,
    ),
    "logistic": (
        lambda w, X, labels: np.sum(losses.logistic(X @ w[:7], labels > 0)),
        logistic_by_hand,
    ),
    "huber": (
        lambda w, X, labels: np.sum(losses.huber(X @ w[:7], labels, delta=0.7)),
        huber_by_hand,
    ),
}


@pytest.mark.parametrize("n", [256, 1000, 4099])
@pytest.mark.parametrize("name", LOSSES)
def test_losses_of_long_data(name: str, n: int) -> None:
    X, labels = table(n, 7), np.random.default_rng(n).integers(0, 3, n)
    loss, by_hand = (functools.partial(f, X=X, labels=labels) for f in LOSSES[name])
    check(loss, table(7, 3).reshape(-1), by_hand)


# ---- matrices and more ---------------------------------------------------------------------------

DATA = table(400, 5)

MATRICES: dict[str, Function] = {
    "rows and columns": lambda x: (
        total(np.sum(np.sin(x), axis=0))
        + total(np.sum(x * x, axis=1))
        + np.sum(np.mean(x, -1) ** 2)
    ),
    "kept axes": lambda x: (
        total(x * np.sum(x, axis=0, keepdims=True)) / 10
        + total(x - np.mean(x, axis=1, keepdims=True))
        + total(x / (2 + np.max(x, axis=1, keepdims=True)) + np.std(x, axis=0, keepdims=True))
    ),
    "extremes": lambda x: (
        total(np.max(x, axis=0) * np.min(x, axis=0)) + total(np.max(x, axis=1) ** 2) + np.min(x)
    ),
    "products": lambda x: (
        total(np.prod(1 + 0.1 * x, axis=1)) + total(np.prod(1 + 0.01 * x, axis=0))
    ),
    "variances": lambda x: total(np.var(x, axis=0)) + total(np.std(x, axis=1)) + np.var(x, ddof=1),
    "norms": lambda x: total(np.linalg.norm(x, axis=1)) + total(np.linalg.norm(x, axis=0)),
    "log-sum-exp of rows": lambda x: log_sum_exp(x, 1),
    "log-sum-exp of columns": lambda x: log_sum_exp(x, 0),
    "gram": lambda x: total(x.T @ x) + total((x.T @ np.sin(x)) ** 2) / 100,
    "times its row": lambda x: total((x @ np.sin(x[0])) ** 2) + total(x @ x[1:4].T),
    "turned": lambda x: total(x.T.reshape(-1) * np.cos(x.reshape(-1))) + total(np.sin(x.T) * 2),
    "running": lambda x: total(np.cumsum(x, axis=0) * np.cumsum(x, axis=1)) / 10,
    "neighbours": lambda x: total((x[1:] - x[:-1]) ** 2) + total(np.diff(x, axis=1) ** 2),
    "inner and outer slices": lambda x: (
        total(x[1:-1, ::-1] ** 2) + total(x[::2, 1:] * x[::2, :-1]) + total(x[::-3, 0] ** 3)
    ),
    "rolled": lambda x: total(np.roll(x, 1, axis=0) * x) + total(np.roll(x, 1, axis=1) * np.sin(x)),
    "joined": lambda x: (
        total(np.concatenate([x, x[:2] ** 2]) ** 2)
        + total(np.concatenate([x, np.sin(x[:, :1])], axis=1) ** 2)
        + total(np.hstack([x[:, 1:], x]) * 2)
    ),
    "stacked": lambda x: total(np.stack([x, np.sin(x)], axis=1) ** 2) + total(np.stack([x, x])),
    "one by one": lambda x: x[0, 0] * np.sum(x[:, 1] * x[0, 2]) + total(x[:, :2] * x[3, 1]),
    "columns": lambda x: np.sum(np.sin(x[:, 0]) * x[:, 1] ** 2 * np.exp(x[:, -1])),
    "gathered rows": lambda x: (
        total(x[np.arange(len(x)) * 3 % min(len(x), 17)] * x) + total(x[:, [0, 2, 0]] ** 2)
    ),
    "einsum": lambda x: (
        total(np.einsum("ij,ik->jk", x, np.sin(x))) + np.einsum("ij,ij,i->", x, x, x[:, 0])
    ),
    "flat": lambda x: total(np.sin(x.reshape(-1))[1:] * x.reshape(-1)[:-1]),
    "refolded": lambda x: total(np.sin(x).reshape(-1, 2) ** 2) if x.size % 2 == 0 else total(x**3),
    "a column as a row": lambda x: total(x[:5, :1] * x[:, 0]) + total(x[:, :1].T @ x),
    "dead branches": lambda x: total(
        np.where(x > 0, np.log(np.where(x > 0, x + 0.1, 1.0)), x * x)
        + np.where(np.abs(x) > 0.2, 1 / x, 0.0) * 0.1
        + np.where(x > 0.3, np.sqrt(x - 0.2), 0.0)
    ),
}


@pytest.mark.parametrize("shape", [(256, 3), (257, 8), (1000, 5), (300, 33), (4100, 3)])
@pytest.mark.parametrize("name", MATRICES)
def test_functions_of_a_long_matrix(name: str, shape: tuple[int, int]) -> None:
    check(MATRICES[name], table(*shape), second=shape[0] < 1000)


@pytest.mark.parametrize("shape", [(3, 257), (260, 260)])
@pytest.mark.parametrize("name", MATRICES)
def test_a_long_axis_that_is_not_the_first(name: str, shape: tuple[int, int]) -> None:
    if name == "times its row" and shape[0] < 4:
        return
    if name == "one by one" and shape[0] < 4:
        return
    check(MATRICES[name], table(*shape), second=False)


CUBES: dict[str, Function] = {
    "sums": lambda x: sum(
        total(np.sum(np.sin(x), axis=a) ** 2) for a in (0, 1, 2, (0, 1), (0, 2), (1, 2))
    ),
    "matrices": lambda x: (
        total(x @ x.swapaxes(1, 2)) + total(np.einsum("ijk,ijl->kl", x, np.sin(x)))
    ),
    "turned": lambda x: total(x.transpose(2, 0, 1) ** 2) + total(np.sin(x.transpose(1, 0, 2))[1:]),
    "slices": lambda x: (
        total(x[1:, 0] * x[:-1, -1]) + total(x[:, ::-1, 1:] ** 2) + total(x[::2, :, 0])
    ),
    "normal": lambda x: total(x / (1 + np.linalg.norm(x, axis=2, keepdims=True))),
    "extremes": lambda x: total(np.max(x, axis=0)) + total(np.max(x, axis=(1, 2)) * x[:, 0, 0]),
    "joined": lambda x: (
        total(np.concatenate([x, x[:1]], axis=0) ** 2)
        + total(np.concatenate([x, x[:, :1] ** 2], axis=1) ** 2)
    ),
    "turned, joined and turned back": lambda x: (
        total(np.concatenate([np.zeros((2, *x.shape[1::-1])), x.T]))
        + total(np.sin(x.T.transpose(2, 1, 0)) * x)
    ),
    "flat": lambda x: (
        total(np.sin(x.reshape(x.shape[0], -1)) ** 2) + total(x.reshape(-1, x.shape[2]))
    ),
}


@pytest.mark.parametrize("shape", [(256, 2, 3), (300, 3, 9), (1, 500, 3), (2, 257, 2), (700, 1, 2)])
@pytest.mark.parametrize("name", CUBES)
def test_functions_of_three_axes(name: str, shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(shape).standard_normal(shape)
    check(CUBES[name], x, second=shape[0] == 256)


def test_pairwise_differences() -> None:
    rng = np.random.default_rng(4)
    points = rng.standard_normal((260, 2))

    def energy(p: Any) -> Any:
        d = p[:, None, :] - p[None, :, :]
        return np.sum(np.exp(-np.sum(d * d, axis=2)))

    def by_columns(p: Any) -> Any:
        d = (p[:, 0][:, None] - p[:, 0][None, :]) ** 2 + (p[:, 1:] - p[:, 1:].T) ** 2
        return np.sum(np.log(1 + d))

    check(energy, points)
    check(by_columns, points)
    check(lambda x: total((x[:, None] - x[None, :]) ** 3), rng.standard_normal(300))
    check(lambda x: total(np.add.outer(x, np.sin(x))), rng.standard_normal(257))


# ---- an array of values --------------------------------------------------------------------------

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


# ---- arguments, lanes, threads -------------------------------------------------------------------


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


# ---- NaN and infinity ----------------------------------------------------------------------------


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


# ---- descents ------------------------------------------------------------------------------------

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


# ---- shifts that cancel --------------------------------------------------------------------------


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


# ---- time and memory -----------------------------------------------------------------------------


def seconds(work: Callable[[], Any], times: int = 3) -> float:
    """Processor time of the fastest of a few."""

    def once() -> float:
        start = time.process_time()
        work()
        return time.process_time() - start

    return min(once() for _ in range(times))


def test_tracing_and_lowering_do_not_look_at_a_long_vector() -> None:
    x = np.zeros(1_000_000)
    assert seconds(lambda: tw.objective(VECTORS["rosenbrock"], x).tape, 5) < 0.005


def in_a_loop(n: int) -> Function:
    return lambda x: sum(np.sin(x[i]) * x[i + 1] for i in range(n)) + np.sum(x * x)


def one_after_another(n: int) -> Function:
    def f(x: Any) -> Any:
        for _ in range(n):
            x = x - 0.1 * np.mean(x)
        return np.sum(x * x)

    return f


@pytest.mark.parametrize("make", [in_a_loop, one_after_another])
def test_planning_is_linear(make: Function) -> None:
    x = vector(4500)

    def work(n: int) -> None:
        tw.objective(make(n), x).value_and_grad(x)

    # 8 times as much; quadratic would be 64 times, and was 40 where some of it was.
    assert seconds(lambda: work(4000), 2) < 20 * seconds(lambda: work(500))


def test_single_elements_in_a_loop_beside_sums() -> None:
    check(in_a_loop(290), vector(300))
    check(in_a_loop(999), vector(1000))
    check(one_after_another(20), vector(300))


GROWTH = """
import numpy as np, thalweg as tw

def peak():
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmHWM")) / 1024

X, y = np.ones((1_000_000, 10)), np.ones(1_000_000)
def loss(w): return np.sum((X @ w - y) ** 2)
tw.objective(lambda w: np.sum((X[:300] @ w - y[:300]) ** 2), np.ones(10)).grad(np.ones(10))
before = peak()
F = tw.objective(loss, np.ones(10))
value, gradient = F.value_and_grad(np.ones(10))
assert value == 81e6 and (gradient == 18e6).all()
F.hvp(np.ones(10), np.ones(10))
tw.minimize(F, np.ones(10), "momentum", learning_rate=1e-9, max_iter=2)
print(peak() - before)
"""


@pytest.mark.skipif(not os.access("/proc/self/status", os.R_OK), reason="needs /proc")
def test_least_squares_over_a_million_rows_copies_none_of_them() -> None:
    run = subprocess.run([sys.executable, "-c", GROWTH], capture_output=True, text=True, check=True)
    assert float(run.stdout) < 32  # MB; the rows are 80 of them, their residuals 8


def test_data_lives_as_long_as_its_objective() -> None:
    def build() -> Any:
        X, y = table(2000, 9), vector(2000)
        F = tw.objective(lambda w: np.sum((X @ w - y) ** 2) + np.sum(np.cos(y) * w[0]), np.ones(9))
        return F, F.value_and_grad(np.ones(9))

    F, (value, gradient) = build()
    gc.collect()
    rubbish = [np.full((2000, 9), np.nan) for _ in range(20)]
    again, slope = F.value_and_grad(np.ones(9))
    assert np.isnan(rubbish[0]).all()
    assert again == value
    assert np.array_equal(slope, gradient)
    copy = pickle.loads(pickle.dumps(F))
    del F
    assert copy.value_and_grad(np.ones(9))[0] == value


# ---- random programs -----------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(150))
def test_random_programs(seed: int) -> None:
    program = random_rows.Program(seed)
    with np.errstate(all="ignore"):  # of dead branches of data
        check(program.function, program.x, second=program.x.size < 1000)


def test_random_programs_are_of_many_kinds() -> None:
    text = "\n".join(random_rows.Program(seed).source for seed in range(60))
    for word in ("concatenate", "stack", "@", "::-1", ".T", "axis=0", "axis=-1", "where", "cumsum",
                 "np.max", "reshape", "None", "convolve", "arange", "broadcast_to"):  # fmt: skip
        assert text.count(word) >= 5, word
