# SPDX-License-Identifier: BSD-3-Clause
"""Works of linear algebra: the evidence of a Gaussian process and its gradient.

One matrix of 500 rows, and 10,000 starts with one of 20 rows each. The rivals are JAX, compiled,
and NumPy with SciPy's triangular solutions and the gradient by hand.
"""

from __future__ import annotations

from typing import Any

from workloads import Call, Floats, Rival, Work, close  # isort: skip - before NumPy

import numpy as np
import scipy.linalg

import thalweg as tw

FEW, STARTS, MANY = 20, 10_000, 500
START = np.array([0.1, -0.3, -2.0])


def data(n: int) -> tuple[Floats, Floats]:
    """Squared distances of places in [-2, 2], and a noisy sine there."""
    rng = np.random.default_rng(0)
    x = np.sort(rng.uniform(-2, 2, n))
    return (x[:, None] - x) ** 2, np.sin(2 * x) + 0.1 * rng.normal(size=n)


def starts() -> Floats:
    return START + 0.1 * np.random.default_rng(1).normal(size=(STARTS, 3))


def evidence(n: int, numpy: Any = np, linear: Any = scipy.linalg) -> Any:
    """The negative logarithm of the evidence, without its constant."""
    square, y = data(n)
    eye = np.eye(n)

    def f(t: Any) -> Any:
        np, sl = numpy, linear
        K = np.exp(t[0]) * np.exp(-0.5 * square * np.exp(-2 * t[1])) + np.exp(t[2]) * eye
        L = np.linalg.cholesky(K)
        a = sl.solve_triangular(L, y, lower=True)
        return 0.5 * a @ a + np.sum(np.log(np.diag(L)))

    return f


def _slopes(values: Any) -> Floats:
    value, slope = values
    return np.concatenate([np.reshape(value, (-1, 1)), np.reshape(slope, (-1, 3))], axis=1)


def here(n: int, many: bool) -> Call:
    points = starts() if many else START
    objective = tw.objective(evidence(n), START)
    return lambda: _slopes(objective.value_and_grad(points))


def in_jax(n: int, many: bool) -> Call:
    import jax
    import jax.numpy as jnp
    import jax.scipy.linalg as jsl

    jax.config.update("jax_enable_x64", True)
    f = jax.value_and_grad(evidence(n, jnp, jsl))
    compiled = jax.jit(jax.vmap(f) if many else f)
    points = jnp.asarray(starts() if many else START)
    return lambda: _slopes([np.asarray(a) for a in compiled(points)])


def by_hand(n: int) -> Call:
    square, y = data(n)
    eye = np.eye(n)

    def call() -> Any:
        t = START
        kernel = np.exp(t[0]) * np.exp(-0.5 * square * np.exp(-2 * t[1]))
        factor = scipy.linalg.cho_factor(kernel + np.exp(t[2]) * eye, lower=True)
        a = scipy.linalg.cho_solve(factor, y)
        value = 0.5 * y @ a + np.sum(np.log(np.diag(factor[0])))
        slope = 0.5 * (scipy.linalg.cho_solve(factor, eye) - np.outer(a, a))
        scaled = np.exp(-2 * t[1]) * square * kernel
        parts = np.sum(slope * kernel), np.sum(slope * scaled), np.exp(t[2]) * np.trace(slope)
        return _slopes((value, np.array(parts)))

    return call


def works() -> list[Work]:
    """The evidence of a Gaussian process, value and gradient."""
    return [
        Work(
            "gaussian_process", "evidence of a Gaussian process, 500 rows, value and gradient",
            "ms", 1e3, lambda: here(MANY, False),
            (
                Rival("JAX", lambda: in_jax(MANY, False), wanted=1.0, parts=("jax",)),
                Rival("NumPy by hand", lambda: by_hand(MANY), parts=("scipy",)),
            ),
            close(1e-9),
        ),
        Work(
            "gaussian_processes", "the same of 20 rows from 10,000 starts", "ms", 1e3,
            lambda: here(FEW, True),
            (Rival("JAX vmap", lambda: in_jax(FEW, True), wanted=5.0, parts=("jax",)),),
            close(1e-9),
        ),
    ]  # fmt: skip
