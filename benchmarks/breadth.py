# SPDX-License-Identifier: BSD-3-Clause
"""Works of loops and transforms: an integrator of 10,000 steps, and a Fourier transform.

The rivals are `jax.lax.scan`, compiled, and SciPy's transform.
"""

from __future__ import annotations

from typing import Any

from workloads import Call, Floats, Rival, Work, close  # isort: skip - before NumPy

import numpy as np
import scipy.fft

import thalweg as tw

STEPS, H = 10_000, 0.001
RATES = np.array([1.1, 0.4, 0.1, 0.4])
POINTS = 4096


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


def transform() -> Call:
    """The transform of complex numbers, of which the parts are variables, with a weighted sum."""
    re, im, weights = _signal()

    def f(x: Any) -> Any:
        y = np.fft.fft(x[0] + 1j * x[1])
        return np.sum(weights * (np.real(y) + np.imag(y)))

    point = np.stack([re, im])
    objective = tw.objective(f, point)
    return lambda: objective(point)


def in_scipy() -> Call:
    re, im, weights = _signal()
    z = re + 1j * im

    def call() -> float:
        y = scipy.fft.fft(z)
        return float(weights @ (y.real + y.imag))

    return call


def _signal() -> tuple[Floats, Floats, Floats]:
    rng = np.random.default_rng(0)
    re, im, weights = rng.standard_normal((3, POINTS))
    return re, im, weights


def works() -> list[Work]:
    """An integrator, value and gradient; a transform."""
    return [
        Work(
            "scan", "10,000 steps of Runge and Kutta, value and gradient", "ms", 1e3, here,
            (Rival("JAX, lax.scan", in_jax, wanted=1.0, parts=("jax",), most_rounds=5),),
            close(1e-9),
        ),
        Work(
            "fft", "Fourier transform of 4,096 points in a sum", "us", 1e6, transform,
            (Rival("SciPy", in_scipy, wanted=1 / 1.5, parts=("scipy",)),), close(1e-9),
        ),
    ]  # fmt: skip
