# SPDX-License-Identifier: BSD-3-Clause
"""Works with Fourier transforms and loops that stay loops.

A transform alone, the misfit of a power spectrum, an integrator of 10,000 steps. The rivals are
SciPy, with the gradient by hand, and JAX, compiled.
"""

from __future__ import annotations

from typing import Any

from workloads import Call, Floats, Rival, Work, close  # isort: skip - before NumPy

import numpy as np

import thalweg as tw

POINTS = 4096
STEPS, H = 10_000, 0.001
RATES = np.array([1.1, 0.4, 0.1, 0.4])


def signal() -> Floats:
    return np.random.default_rng(0).normal(size=2 * POINTS)


def transform() -> Call:
    def f(x: Any) -> Any:
        z = np.fft.fft(x[:POINTS] + 1j * x[POINTS:])
        return np.concatenate([z.real, z.imag])

    x = signal()
    objective = tw.objective(f, x)
    return lambda: objective(x)


def transform_by_scipy() -> Call:
    import scipy.fft

    x = signal()

    def call() -> Any:
        z = scipy.fft.fft(x[:POINTS] + 1j * x[POINTS:])
        return np.concatenate([z.real, z.imag])

    return call


def misfit(numpy: Any = np) -> Any:
    weights = np.linspace(1.0, 2.0, POINTS // 2 + 1) / POINTS

    def f(x: Any) -> Any:
        np = numpy
        z = np.fft.rfft(x)
        return np.sum(weights * (np.abs(z) ** 2 / POINTS - 1.0) ** 2)

    return f


def _joined(values: Any) -> Floats:
    return np.concatenate([np.reshape(v, -1) for v in values])


def spectrum() -> Call:
    x = signal()[:POINTS]
    objective = tw.objective(misfit(), x)
    return lambda: _joined(objective.value_and_grad(x))


def spectrum_by_jax() -> Call:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    compiled = jax.jit(jax.value_and_grad(misfit(jnp)))
    x = jnp.asarray(signal()[:POINTS])
    return lambda: _joined([np.asarray(a) for a in compiled(x)])


def spectrum_by_hand() -> Call:
    import scipy.fft

    x = signal()[:POINTS]
    weights = np.linspace(1.0, 2.0, POINTS // 2 + 1) / POINTS

    def call() -> Any:
        z = scipy.fft.rfft(x)
        off = (z.real**2 + z.imag**2) / POINTS - 1.0
        slope = 4.0 * weights * off / POINTS * z
        slope[1:-1] *= 0.5
        back = scipy.fft.irfft(slope, POINTS, norm="forward")
        return _joined((np.sum(weights * off**2), back))

    return call


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


def integrator() -> Call:
    objective = tw.objective(after(tw.scan), RATES)
    return lambda: _joined(objective.value_and_grad(RATES))


def integrator_by_jax() -> Call:
    import jax
    import jax.numpy as jnp

    both = jax.jit(jax.value_and_grad(after(jax.lax.scan, jnp)))
    return lambda: _joined([np.asarray(v) for v in both(jnp.asarray(RATES))])


def works() -> list[Work]:
    """A transform; value and gradient of a misfit of the spectrum, and of an integrator."""
    return [
        Work(
            "transform", "Fourier transform of 4,096 complex numbers", "µs", 1e6, transform,
            (Rival("SciPy", transform_by_scipy, wanted=0.67, parts=("scipy",)),),
            close(1e-12),
        ),
        Work(
            "spectrum", "misfit of the spectrum of 4,096 numbers, value and gradient", "µs", 1e6,
            spectrum,
            (
                Rival("JAX", spectrum_by_jax, wanted=1.0, parts=("jax",)),
                Rival("SciPy by hand", spectrum_by_hand, parts=("scipy",)),
            ),
            close(1e-11),
        ),
        Work(
            "scan", "10,000 steps of Runge and Kutta, value and gradient", "ms", 1e3, integrator,
            (Rival("JAX", integrator_by_jax, wanted=1.0, parts=("jax",), most_rounds=5),),
            close(1e-9),
        ),
    ]  # fmt: skip
