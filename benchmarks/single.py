# SPDX-License-Identifier: BSD-3-Clause
"""Works of one start: W1 and W2, and their rivals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from workloads import (  # isort: skip - before NumPy
    FIXED,
    Call,
    Floats,
    Rival,
    Work,
    close,
    descend_rows,
)

import numpy as np

import thalweg as tw

ITERATIONS = 1000


def omega(x: Any, np: Any = np) -> Any:
    """Minimum at the omega constant, 0.5671432904097838."""
    return np.exp(x) - np.log(x)


def sauna(x: Any, y: Any, np: Any = np) -> Any:  # noqa: ARG001
    """Minimum 73.62222222222222 at (4, 4)."""
    return 85 - x**2 * (x - 6) * y**2 * (y - 6) / 90


def sauna_gradient(x: Any, y: Any) -> tuple[Any, Any]:
    """By hand."""
    a, b = x * x * (x - 6), y * y * (y - 6)
    return -(3 * x * x - 12 * x) * b / 90, -(3 * y * y - 12 * y) * a / 90


def one_start(
    function: Callable[..., Any], x0: Any, rate: float, whole: bool, iterations: int = ITERATIONS
) -> Callable[[], Call]:
    """One start by thalweg: `tw.minimize` on a kept objective, or the descent alone."""

    def make() -> Call:
        objective = tw.objective(lambda *x: function(*x), x0, unpack=np.ndim(x0) > 0)
        rows = np.atleast_2d(np.asarray(x0, dtype=np.float64))

        def minimize() -> Any:
            return tw.minimize(
                objective, x0, "gradient_descent", learning_rate=rate, max_iter=iterations, **FIXED
            ).last.x

        def alone() -> Any:
            return descend_rows(objective, rows, rate, iterations)["last_x"][0]

        return minimize if whole else alone

    return make


def numpy_scalars(rate: float, x0: float) -> Callable[[], Call]:
    """As a user would write it: NumPy's scalars, gradient by hand."""

    def call() -> Any:
        x = np.float64(x0)
        for _ in range(ITERATIONS):
            x = x - rate * (np.exp(x) - 1 / x)
        return x

    return lambda: call


def numpy_array(
    gradient: Callable[[Floats], Floats], rate: float, x0: Sequence[float]
) -> Callable[[], Call]:
    """As a user would write it: the point is an array."""

    def call() -> Any:
        x = np.array(x0)
        for _ in range(ITERATIONS):
            x = x - rate * gradient(x)
        return x

    return lambda: call


def jax_one(function: Callable[..., Any], rate: float, x0: Sequence[float]) -> Callable[[], Call]:
    """`fori_loop` under `jit`, compiled before."""

    def make() -> Call:
        import jax
        import jax.numpy as jnp

        slope = jax.grad(lambda p: function(*p, np=jnp))
        start = jnp.asarray(np.asarray(x0, dtype=np.float64))
        run = jax.jit(
            lambda p: jax.lax.fori_loop(0, ITERATIONS, lambda _, p: p - rate * slope(p), p)
        )
        compiled = run.lower(start).compile()
        return lambda: np.asarray(compiled(start))

    return make


def single_starts() -> list[Work]:
    """W1 and W2; each as a user calls it, and the descent alone."""
    scale = 1e9 / ITERATIONS
    omega_rivals = (
        Rival("NumPy scalars", numpy_scalars(0.1, 1.6), wanted=6),
        Rival("NumPy one-element arrays", numpy_array(lambda x: np.exp(x) - 1 / x, 0.1, [1.6])),
        Rival("jax.jit fori_loop", jax_one(omega, 0.1, [1.6]), parts=("jax",)),
    )
    sauna_rivals = (
        Rival(
            "NumPy arrays",
            numpy_array(lambda p: np.array(sauna_gradient(p[0], p[1])), 0.05, [0.5, 0.6]),
            wanted=40,
        ),
        Rival("jax.jit fori_loop", jax_one(sauna, 0.05, [0.5, 0.6]), parts=("jax",)),
    )
    works = []
    for whole, name, how in (
        (True, "", "tw.minimize"),
        (False, "_alone", "the descent alone"),
    ):
        works += [
            Work(
                f"w1_omega{name}", f"exp(x) - log(x), one start, 1000 iterations, {how}",
                "ns/iteration", scale, one_start(omega, 1.6, 0.1, whole), omega_rivals,
                close(1e-10),
            ),
            Work(
                f"w2_sauna{name}", f"the sauna, one start, 1000 iterations, {how}",
                "ns/iteration", scale, one_start(sauna, [0.5, 0.6], 0.05, whole), sauna_rivals,
                close(1e-9),
            ),
        ]  # fmt: skip
    return works
