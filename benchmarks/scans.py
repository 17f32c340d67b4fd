# SPDX-License-Identifier: BSD-3-Clause
"""A loop that stays a loop: an integrator of 10,000 steps, against `jax.lax.scan`, compiled."""

from __future__ import annotations

from typing import Any

from workloads import Call, Floats, Rival, Work, close  # isort: skip - before NumPy

import numpy as np

import thalweg as tw

STEPS, H = 10_000, 0.001
RATES = np.array([1.1, 0.4, 0.1, 0.4])


def after(scan: Any, np: Any = np) -> Any:
    """How far prey and predators are from where they were seen (Lotka and Volterra)."""

    def rates(u: Any, p: Any) -> Any:
        met = u[0] * u[1]
        return np.stack([p[0] * u[0] - p[1] * met, p[2] * met - p[3] * u[1]])

    def f(p: Any) -> Any:
        def step(u: Any, _: Any) -> Any:
            k1 = rates(u, p)
            k2 = rates(u + H / 2 * k1, p)
            k3 = rates(u + H / 2 * k2, p)
            k4 = rates(u + H * k3, p)
            return u + H / 6 * (k1 + 2 * k2 + 2 * k3 + k4), None

        last, _ = scan(step, np.array([10.0, 5.0]), None, STEPS)
        return np.sum((last - np.array([9.0, 4.0])) ** 2)

    return f


def here() -> Call:
    objective = tw.objective(after(tw.scan), RATES)
    return lambda: _joined(objective.value_and_grad(RATES))


def _joined(values: Any) -> Floats:
    return np.concatenate([np.ravel(v) for v in values])


def in_jax() -> Call:
    import jax
    import jax.numpy as jnp

    both = jax.jit(jax.value_and_grad(after(jax.lax.scan, jnp)))
    return lambda: _joined([np.asarray(v) for v in both(jnp.asarray(RATES))])


def works() -> list[Work]:
    """Value and gradient."""
    return [
        Work(
            "scan", "10,000 steps of Runge and Kutta, value and gradient", "ms", 1e3, here,
            (Rival("JAX, lax.scan", in_jax, wanted=1.0, parts=("jax",), most_rounds=5),),
            close(1e-9),
        ),
    ]  # fmt: skip
