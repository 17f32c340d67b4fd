# SPDX-License-Identifier: BSD-3-Clause
"""Long arrays, which are taken row by row: values are NumPy's, derivatives those of complex steps.

Lengths stand about the borders of blocks and tiles.
"""

import functools
from typing import Any

import numpy as np
import pytest
from row_cases import VALUE, VECTORS, Function, check, close, log_sum_exp, table, total, vector

import thalweg as tw
from thalweg import losses

# ---- vectors, of every length about the borders of blocks and tiles ------------------------------

# 256: where arrays become long; 64 rows in a block, 4096 in a tile.
LENGTHS = [255, 256, 257, 319, 320, 321, 4095, 4096, 4097, 8193, 12345]


@pytest.mark.parametrize("name", VECTORS)
def test_functions_of_a_long_vector(name: str) -> None:
    for n in LENGTHS:
        check(VECTORS[name], vector(n), second=n <= 321)


# ---- few parameters, long data -------------------------------------------------------------------

WIDTHS = [1, 2, 3, 7, 8, 9, 13, 31, 32, 33, 100]


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
