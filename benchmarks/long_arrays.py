# SPDX-License-Identifier: BSD-3-Clause
"""Works over long arrays: sums over millions of rows, vectors of a million elements.

Value and gradient of one objective, against the best NumPy form (with BLAS on one thread) and
against `jax.jit(jax.value_and_grad(f))`. Answers are compared before the time counts.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache, partial
from typing import Any

from workloads import Agree, Call, Floats, Rival, Work, close  # isort: skip - before NumPy

import numpy as np

import thalweg as tw


@cache
def table(rows: int, columns: int) -> tuple[Floats, Floats]:
    """Standard normal data and targets."""
    rng = np.random.default_rng(rows + columns)
    return rng.standard_normal((rows, columns)), rng.standard_normal(rows)


def ours(f: Callable[..., Any], x: Floats) -> Callable[[], Call]:
    """Value and gradient of `f` at `x`, traced once, before."""

    def make() -> Call:
        objective = tw.objective(f, x)
        return lambda: np.concatenate([np.ravel(p) for p in objective.value_and_grad(x)])

    return make


def jax_both(f: Callable[..., Any], x: Floats) -> Rival:
    """The same by JAX, compiled before; `f` takes the array module."""

    def make() -> Call:
        import jax
        import jax.numpy as jnp

        both = jax.jit(jax.value_and_grad(partial(f, np=jnp)))
        point = jnp.asarray(x)

        def call() -> Floats:
            value, slope = both(point)
            return np.concatenate([np.ravel(value), np.ravel(slope)])

        return call

    return Rival("jax.jit(value_and_grad)", make, parts=("jax",), most_rounds=20)


def numpy_both(name: str, by_hand: Callable[[Floats], tuple[Any, Floats]], x: Floats) -> Rival:
    """Value and gradient by hand in NumPy."""

    def call() -> Floats:
        return np.concatenate([np.ravel(p) for p in by_hand(x)])

    return Rival(name, lambda: call, most_rounds=20)


def wanting(rival: Rival, ratio: float) -> Rival:
    """The rival, with how many times as fast thalweg is to be."""
    return Rival(rival.name, rival.make, ratio, rival.parts, rival.most_rounds)


def work(
    name: str, title: str, unit: str, scale: float, f: Callable[..., Any], x: Floats,
    by_hand: Callable[[Floats], tuple[Any, Floats]], wanted: tuple[float, float],
    agree: Agree | None = None,
) -> Work:  # fmt: skip
    """One work from the function and its gradient by hand."""
    rivals = (
        wanting(numpy_both("NumPy by hand", by_hand, x), wanted[0]),
        wanting(jax_both(f, x), wanted[1]),
    )
    return Work(name, title, unit, scale, ours(f, x), rivals, agree or close(1e-9, 1e-12))


# ---- rows ----------------------------------------------------------------------------------------


def least_squares(rows: int, columns: int) -> Work:
    """Mean of squared residuals."""
    X, y = table(rows, columns)

    def f(w: Any, np: Any = np) -> Any:
        return np.mean((X @ w - y) ** 2)

    def by_hand(w: Floats) -> tuple[Any, Floats]:
        r = X @ w - y
        return r @ r / rows, X.T @ (r * (2 / rows))

    return work(
        f"least_squares_{columns}", f"least squares, {rows:.0e} x {columns}: value and gradient",
        "ms", 1e3, f, np.linspace(-1, 1, columns), by_hand, (2.0, 2.5) if columns < 64 else (1, 1),
    )  # fmt: skip


def logistic(rows: int, columns: int) -> Work:
    """Mean logistic loss of signs."""
    X, y = table(rows, columns)
    s = np.sign(y)

    def f(w: Any, np: Any = np) -> Any:
        return np.mean(np.logaddexp(0.0, -s * (X @ w)))

    def by_hand(w: Floats) -> tuple[Any, Floats]:
        z = -s * (X @ w)
        e = np.exp(-np.abs(z))
        slope = np.where(z > 0, 1.0, e) / (1 + e)
        return np.mean(np.maximum(z, 0) + np.log1p(e)), X.T @ (-s * slope / rows)

    return work(
        f"logistic_{columns}", f"logistic loss, {rows:.0e} x {columns}: value and gradient",
        "ms", 1e3, f, np.linspace(-0.2, 0.2, columns), by_hand,
        (2.0, 2.5) if columns < 64 else (1, 1),
    )  # fmt: skip


def softmax(rows: int, columns: int, classes: int = 10) -> Work:
    """Mean cross-entropy of classes."""
    X, _ = table(rows, columns)
    rng = np.random.default_rng(0)
    labels = rng.integers(0, classes, rows)
    chosen = np.eye(classes)[labels]
    W = 0.1 * rng.standard_normal((columns, classes))

    def f(W: Any, np: Any = np) -> Any:
        Z = X @ W
        top = np.max(Z, axis=1, keepdims=True)
        return np.mean(np.log(np.sum(np.exp(Z - top), axis=1)) + top[:, 0] - np.sum(chosen * Z, 1))

    def by_hand(W: Floats) -> tuple[Any, Floats]:
        Z = X @ W
        Z -= Z.max(axis=1, keepdims=True)
        E = np.exp(Z)
        S = E.sum(axis=1)
        value = np.mean(np.log(S) - Z[np.arange(rows), labels])
        E /= S[:, None]
        E[np.arange(rows), labels] -= 1
        return value, X.T @ (E / rows)

    return work(
        "softmax", f"softmax cross-entropy, {rows:.0e} x {columns}, {classes} classes", "ms", 1e3,
        f, W, by_hand, (1, 1),
    )  # fmt: skip


# ---- long vectors --------------------------------------------------------------------------------


def rosenbrock(n: int) -> Work:
    """The banana valley in n variables."""

    def f(x: Any, np: Any = np) -> Any:
        return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    def by_hand(x: Floats) -> tuple[Any, Floats]:
        head = x[:-1]
        a, b = x[1:] - head * head, 1 - head
        slope = np.zeros_like(x)
        slope[:-1] = -400 * a * head - 2 * b
        slope[1:] += 200 * a
        return 100 * (a @ a) + b @ b, slope

    x = np.random.default_rng(n).standard_normal(n)
    return work(
        f"rosenbrock_{n}", f"Rosenbrock, n = {n:.0e}: value and gradient", "ns/element", 1e9 / n,
        f, x, by_hand, (1, 1),
    )  # fmt: skip


def log_sum_exp(n: int = 1_000_000) -> Work:
    """Shifted by the maximum, as everybody writes it."""

    def f(x: Any, np: Any = np) -> Any:
        top = np.max(x)
        return np.log(np.sum(np.exp(x - top))) + top

    def by_hand(x: Floats) -> tuple[Any, Floats]:
        top = x.max()
        e = np.exp(x - top)
        total = e.sum()
        return np.log(total) + top, e / total

    x = np.random.default_rng(n).standard_normal(n)
    return work(
        "log_sum_exp", f"log-sum-exp, n = {n:.0e}: value and gradient", "ns/element", 1e9 / n, f, x,
        by_hand, (1, 1),
    )  # fmt: skip


# ---- training ------------------------------------------------------------------------------------

SIZES, BATCH, RATE, EPOCHS = (784, 128, 10), 128, 1e-3, 10


def network(W1: Any, b1: Any, W2: Any, b2: Any, X: Any, Y: Any, np: Any = np) -> Any:
    """Mean cross-entropy of one hidden layer; Y holds a one in each row's class."""
    Z = np.tanh(X @ W1 + b1) @ W2 + b2
    top = np.max(Z, axis=1, keepdims=True)
    return np.mean(np.log(np.sum(np.exp(Z - top), axis=1)) + top[:, 0] - np.sum(Y * Z, axis=1))


def adam_network(steps: int = 20) -> Work:
    """Adam over ten epochs of so many minibatches in the order of the rows; made-up data.

    thalweg's time includes value and gradient over all rows at the end.
    """
    rng = np.random.default_rng(0)
    d, h, k = SIZES
    X, Y = rng.standard_normal((steps * BATCH, d)), np.eye(k)[rng.integers(0, k, steps * BATCH)]
    start = {
        "W1": rng.standard_normal((d, h)) / d**0.5, "b1": np.zeros(h),
        "W2": rng.standard_normal((h, k)) / h**0.5, "b2": np.zeros(k),
    }  # fmt: skip

    def make() -> Call:
        def loss(W1: Any, b1: Any, W2: Any, b2: Any, X: Any, Y: Any) -> Any:
            return network(W1, b1, W2, b2, X, Y)

        def call() -> Floats:
            result = tw.minimize(
                loss, start, "adam", learning_rate=RATE, data=(X, Y), batch_size=BATCH,
                epochs=EPOCHS,
                shuffle=False,
            )  # fmt: skip
            return np.concatenate([np.ravel(result.x[name]) for name in start])

        return call

    def make_jax() -> Call:
        import jax
        import jax.numpy as jnp
        import optax

        rule = optax.adam(RATE)

        @jax.jit
        def step(w: Any, state: Any, x: Any, y: Any) -> Any:
            slope = jax.grad(lambda w: network(**w, X=x, Y=y, np=jnp))(w)
            change, state = rule.update(slope, state, w)
            return optax.apply_updates(w, change), state

        def call() -> Floats:
            w = {name: jnp.asarray(value) for name, value in start.items()}
            state = rule.init(w)
            for i in [*range(0, steps * BATCH, BATCH)] * EPOCHS:
                w, state = step(w, state, X[i : i + BATCH], Y[i : i + BATCH])
            return np.concatenate([np.ravel(w[name]) for name in start])

        return call

    def make_sklearn() -> Call:
        from sklearn.neural_network import MLPClassifier

        labels = Y.argmax(axis=1)

        def call() -> None:
            model = MLPClassifier(
                (h,), activation="tanh", alpha=0.0, batch_size=BATCH, learning_rate_init=RATE,
                shuffle=False, max_iter=EPOCHS, tol=0.0, n_iter_no_change=EPOCHS,
            )  # fmt: skip
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # it is not to converge
                model.fit(X, labels)

        return call

    def agree(mine: Floats, theirs: Floats | None) -> None:
        if theirs is not None:  # scikit-learn starts from weights of its own
            np.testing.assert_allclose(mine, theirs, rtol=1e-6, atol=1e-9)

    return Work(
        "adam_network", f"Adam, network {d}-{h}-{k}, batch {BATCH}", "ms/step",
        1e3 / (steps * EPOCHS), make,
        (
            Rival("jax.jit + Optax", make_jax, 1.0, ("jax", "optax"), 7),
            Rival("MLPClassifier", make_sklearn, 1.0, ("sklearn",), 7),
        ),
        agree,
    )  # fmt: skip


def works(quick: bool = False) -> list[Callable[[], Work]]:
    """All of them; quick: a tenth of the rows."""
    many, some = (100_000, 10_000) if quick else (1_000_000, 100_000)
    return [
        partial(least_squares, many, 32),
        partial(logistic, many, 32),
        partial(least_squares, some, 100),
        partial(logistic, some, 100),
        partial(softmax, some, 100),
        *(partial(rosenbrock, n) for n in (1000, 100_000, 1_000_000)),
        log_sum_exp,
        partial(adam_network, 5 if quick else 20),
    ]
