# SPDX-License-Identifier: BSD-3-Clause
"""Decays that share two lifetimes: time and memory by their number, and SciPy's dense problem.

Usage: python benchmarks/together/shared.py [number of sets ...]. Each number runs in a process of
its own, after a call with few sets; the time is the best of three.
"""

import resource
import subprocess
import sys
import time

import numpy as np
from scipy import optimize

import thalweg as tw

T = np.linspace(0.0, 10.0, 40)
SHARED = ("t1", "t2")
START = [1.0, 1.0, 0.5, 6.0]


def decay(t, a, b, t1, t2):
    return a * np.exp(-t / t1) + b * np.exp(-t / t2)


def decays(k: int) -> tuple[np.ndarray, np.ndarray]:
    """The amplitudes (k, 2) of sets, and their data (k, 40)."""
    rng = np.random.default_rng(0)
    amplitudes = rng.uniform(1.0, 3.0, (k, 2))
    y = 0.02 * rng.normal(size=(k, T.size))
    for some in np.array_split(np.arange(k), max(k // 10_000, 1)):  # no large temporaries
        y[some] += decay(T, *amplitudes[some].T[:, :, None], 1.0, 4.0)
    return amplitudes, y


def megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def fitted(y: np.ndarray) -> tw.SharedFits:
    return tw.curve_fit_many(decay, T, y, START, shared=SHARED)


def timed(k: int) -> str:
    """One row of the table: the time of one set, and the memory beside the data."""
    fitted(decays(50)[1])
    _, y = decays(k)
    before = megabytes()
    seconds = np.inf
    for _ in range(3):
        began = time.perf_counter()
        fits = fitted(y)
        seconds = min(seconds, time.perf_counter() - began)
    assert fits.joint.success
    for name, truth in zip(SHARED, (1.0, 4.0), strict=True):
        assert abs(fits.joint.shared[name] - truth) < 5 * fits.joint.errors[name]
    return (
        f"| {k:,} | {seconds:.3g} | {seconds / k * 1e6:.1f} | {fits.nfev.mean():.1f} | "
        f"{megabytes() - before:.0f} |"
    )


def dense(k: int) -> str:
    """How much longer SciPy's dense problem takes, from the truth, after answers are compared."""
    amplitudes, y = decays(k)
    began = time.perf_counter()
    fits = fitted(y)
    ours = time.perf_counter() - began

    def residuals(x):
        return (decay(T, *x[2:].reshape(k, 2).T[:, :, None], x[0], x[1]) - y).ravel()

    def jacobian(x):
        (a, b), jac = x[2:].reshape(k, 2).T[:, :, None], np.zeros((k, T.size, x.size))
        first, second = np.exp(-T / x[0]), np.exp(-T / x[1])
        jac[:, :, 0], jac[:, :, 1] = a * first * T / x[0] ** 2, b * second * T / x[1] ** 2
        for i in range(k):
            jac[i, :, 2 + 2 * i], jac[i, :, 3 + 2 * i] = first, second
        return jac.reshape(k * T.size, -1)

    began = time.perf_counter()
    theirs = optimize.least_squares(
        residuals, [1.0, 4.0, *amplitudes.ravel()], jacobian, method="lm",
        xtol=1e-15, ftol=1e-15, gtol=1e-15,
    )  # fmt: skip
    seconds = time.perf_counter() - began
    point = np.concatenate([fits.popt[0, 2:], fits.popt[:, :2].ravel()])
    apart = np.abs(point / theirs.x - 1).max()
    assert apart < 1e-8
    return f"{k} sets, SciPy dense: {seconds / ours:.0f} times as long, {apart:.1e} apart"


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(timed(int(sys.argv[2])))
    else:
        print("| sets | seconds | µs a set | evaluations of a set | MB beside the data |")
        print("|---|---|---|---|---|", flush=True)
        for k in sys.argv[1:] or ["1000", "10000", "100000"]:
            subprocess.run([sys.executable, __file__, "--one", k], check=True)
        fitted(decays(50)[1])
        print(dense(200))
