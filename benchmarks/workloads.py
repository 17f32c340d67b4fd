# SPDX-License-Identifier: BSD-3-Clause
"""What is timed, against whom, and how: the works, their rivals, and one interleaved clock.

A work makes a call of thalweg's and names its rivals; each returns its answer, answers are
compared, and only then are the calls timed in turn, A B A B, in one process. `bench_*.py` and
`table.py` both start here.
"""

from __future__ import annotations

import atexit
import gc
import importlib.metadata
import importlib.util
import math
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

CORES = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()


def one_core() -> None:
    """Stay on one core, this process and those it starts; thread pools made later have one thread.

    Called before NumPy or JAX are imported. `THALWEG_BENCH_CORE` names the core; else the last one
    that is allowed.
    """
    os.environ.setdefault("JAX_ENABLE_X64", "1")
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    if hasattr(os, "sched_setaffinity"):
        core = os.environ.get("THALWEG_BENCH_CORE")
        os.sched_setaffinity(0, {int(core) if core else max(os.sched_getaffinity(0))})


one_core()

import numpy as np  # noqa: E402 - after one_core
from numpy.typing import NDArray  # noqa: E402

import thalweg as tw  # noqa: E402
from thalweg import _core  # noqa: E402

Floats = NDArray[np.float64]
Call = Callable[[], Any]
Agree = Callable[[Any, Any], None]

# The rivals that a plain `pip install thalweg[test]` may lack, and how to get them.
OPTIONAL = {
    "jax": "pip install jax", "numba": "pip install numba", "scipy": "pip install scipy",
    "optax": "pip install optax", "sklearn": "pip install scikit-learn",
}  # fmt: skip


class MissingError(Exception):
    """A rival that is not installed; the message says how to get it."""


def require(*parts: str) -> None:
    """Raise MissingError for the first part that cannot be imported."""
    for part in parts:
        if importlib.util.find_spec(part) is None:
            raise MissingError(f"the rival {part} is not installed: {OPTIONAL[part]}")


@dataclass(frozen=True)
class Rival:
    """Another way to do a work.

    Attributes
    ----------
    name : str
    make : callable
        Sets it up (compiles, where it compiles) and returns the call.
    wanted : float, optional
        How many times as fast thalweg is to be, at least.
    parts : tuple of str
        Packages that it needs.
    most_rounds : int
        Rounds at most, for the slow ones.
    scale : float, optional
        Seconds of one call times this is the figure; by default as the work's.
    """

    name: str
    make: Callable[[], Call]
    wanted: float | None = None
    parts: tuple[str, ...] = ("numpy",)
    most_rounds: int = 1000
    scale: float | None = None

    def ready(self) -> Call:
        """Set it up, or raise MissingError."""
        require(*(p for p in self.parts if p in OPTIONAL))
        return self.make()


@dataclass(frozen=True)
class Work:
    """One thing that is timed.

    Attributes
    ----------
    name : str
        Short, for `-k`.
    title : str
        For the table.
    unit : str
        Of the figure.
    scale : float
        Seconds of one call times this is the figure.
    make : callable
        Sets thalweg up and returns the call.
    rivals : tuple of Rival
    agree : callable
        Raises AssertionError where two answers differ.
    limit : float, optional
        The figure is to be below this.
    """

    name: str
    title: str
    unit: str
    scale: float
    make: Callable[[], Call]
    rivals: tuple[Rival, ...]
    agree: Agree
    limit: float | None = None


# ---- the clock -----------------------------------------------------------------------------------


def repeats(call: Call, least: float = 2e-3) -> int:
    """How often to call in one sample, so that it lasts so many seconds; called before already."""
    began = time.perf_counter()
    call()
    return max(1, math.ceil(least / max(time.perf_counter() - began, 1e-7)))


def sample(call: Call, times: int) -> float:
    """Seconds of one call, the mean of so many without a break."""
    began = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - began) / times


def settle() -> None:
    """Collect, and let later collections look at new objects alone: JAX holds some 1e5."""
    gc.collect()
    gc.freeze()


def interleaved(
    calls: Sequence[Call], rounds: int, most: Sequence[int] | None = None
) -> list[list[float]]:
    """Samples of each call in seconds, taken in turn: A B C A B C."""
    times = [repeats(call) for call in calls]
    samples: list[list[float]] = [[] for _ in calls]
    settle()
    for done in range(rounds):
        for k, call in enumerate(calls):
            if most is None or done < most[k]:
                samples[k].append(sample(call, times[k]))
    return samples


def summary(ours: list[float], theirs: list[float], work: Work, rival: Rival) -> dict[str, Any]:
    """Figures of one pair, from samples taken in turn."""
    scale = work.scale if rival.scale is None else rival.scale
    a, b = min(ours) * work.scale, min(theirs) * scale
    middle, middle_b = statistics.median(ours) * work.scale, statistics.median(theirs) * scale
    ratio = b / a
    return {
        "unit": work.unit, "thalweg_min": a, "thalweg_median": middle, "rival": rival.name,
        "rival_min": b, "rival_median": middle_b, "ratio_min": ratio,
        "ratio_median": middle_b / middle,
        "wanted_ratio": rival.wanted, "wanted_below": work.limit,
        "met": (rival.wanted is None or ratio >= rival.wanted)
        and (work.limit is None or a < work.limit),
    }  # fmt: skip


def versions(parts: Iterable[str] = ("numpy",)) -> dict[str, str]:
    """Versions of what ran."""
    found = {"python": platform.python_version(), "thalweg": tw.__version__}
    for part in dict.fromkeys(("numpy", *parts)):
        found[part] = importlib.metadata.version({"sklearn": "scikit-learn"}.get(part, part))
    return found


def installed() -> dict[str, str]:
    """Versions of everything here that a rival may need."""
    return versions(p for p in OPTIONAL if importlib.util.find_spec(p) is not None)


@cache
def machine() -> dict[str, str]:
    """Where it ran: processor, cores allowed, instruction set, date."""
    model = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    cores = str(sorted(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else "all"
    return {
        "processor": model, "system": platform.platform(terse=True), "core": cores,
        "isa": _core.active_isa(), "date": time.strftime("%Y-%m-%d"),
    }  # fmt: skip


# ---- comparing answers ---------------------------------------------------------------------------


def close(rtol: float, atol: float = 1e-12) -> Agree:
    """Every number agrees."""

    def agree(ours: Any, theirs: Any) -> None:
        np.testing.assert_allclose(np.ravel(ours), np.ravel(theirs), rtol=rtol, atol=atol)

    return agree


def same_ends(ours: Floats, theirs: Floats) -> None:
    """99.99 % of the starts end at the same point to 1e-6; on a ridge rounding decides."""
    assert ours.shape == theirs.shape, (ours.shape, theirs.shape)
    apart = np.abs(ours - theirs) > 1e-6
    share = float(np.mean(apart.any(axis=1)))
    assert np.isfinite(ours).all(), "thalweg's answers are not finite"
    assert np.isfinite(theirs).all(), "the rival's answers are not finite"
    assert share < 1e-4, f"{share:.2%} of the starts end elsewhere"


# ---- thalweg's calls -----------------------------------------------------------------------------

FIXED: dict[str, Any] = {"gtol": 0.0, "xtol": 0.0, "ftol": 0.0}


def descend_rows(
    objective: tw.Objective, rows: Floats, learning_rate: float, iterations: int
) -> dict[str, Any]:
    """Plain descent from every row (k, n), one thread, through the block kernels.

    The one door to them until the lane scheduler has a public one. All outputs come back: x,
    last_x, fun, last_fun, nit, reason and both sides of what decided it.
    """
    method = tw.GradientDescent(learning_rate)
    stepper = objective.stepper(method, False, False, False)
    rates = np.array([learning_rate])
    return stepper.run(
        _core.Starts(rows), [rates], [], _core.Stopping(max_iter=iterations)
    )  # fmt: skip


def lanes(
    function: Callable[..., Any], rows: Floats, learning_rate: float, iterations: int
) -> Callable[[], Call]:
    """Many starts by thalweg: traced once, before; the answer is where each start ends."""

    def make() -> Call:
        objective = tw.objective(function, rows[0] if rows.shape[1] > 1 else float(rows[0, 0]))

        def call() -> Floats:
            out = descend_rows(objective, rows, learning_rate, iterations)
            assert out["nit"].min() == iterations
            last: Floats = out["last_x"]
            return last

        return call

    return make


# ---- rivals for many starts ----------------------------------------------------------------------

Gradient = Callable[..., tuple[Floats, ...]]


def numpy_all(gradient: Gradient, rows: Floats, rate: float, iterations: int) -> Callable[[], Call]:
    """Vectorized as most would write it: whole columns, gradient by hand, no value."""

    def call() -> Floats:
        x = [rows[:, i].copy() for i in range(rows.shape[1])]
        for _ in range(iterations):
            for xi, gi in zip(x, gradient(*x), strict=True):
                xi -= rate * gi
        return np.stack(x, axis=1)

    return lambda: call


def numpy_blocks(
    gradient: Gradient, rows: Floats, rate: float, iterations: int, block: int = 4000
) -> Callable[[], Call]:
    """NumPy's best form: blocks that stay in the cache."""

    def call() -> Floats:
        out = np.empty_like(rows)
        for at in range(0, rows.shape[0], block):
            x = [rows[at : at + block, i].copy() for i in range(rows.shape[1])]
            for _ in range(iterations):
                for xi, gi in zip(x, gradient(*x), strict=True):
                    xi -= rate * gi
            for i, xi in enumerate(x):
                out[at : at + block, i] = xi
        return out

    return lambda: call


def jax_lanes(
    function: Callable[..., Any], rows: Floats, rate: float, iterations: int, block: int = 0
) -> Callable[[], Call]:
    """`jax.vmap` of a `fori_loop` under `jit`, compiled before; `block`: `lax.map` over chunks."""

    def make() -> Call:
        import jax
        import jax.numpy as jnp

        slope = jax.grad(lambda p: function(*p, np=jnp))

        def one(p: Any) -> Any:
            return jax.lax.fori_loop(0, iterations, lambda _, p: p - rate * slope(p), p)

        many = jax.vmap(one, in_axes=1, out_axes=1)
        n, count = rows.shape[1], block or rows.shape[0]
        start = jnp.asarray(rows.T.reshape(n, -1, count).transpose(1, 0, 2))
        run = (
            jax.jit(lambda p: jax.lax.map(many, p))
            if block
            else jax.jit(lambda p: many(p[0])[None])
        )
        compiled = run.lower(start).compile()

        def call() -> Floats:
            ends = np.asarray(compiled(start).block_until_ready())
            return ends.transpose(0, 2, 1).reshape(rows.shape)

        return call

    return make


def numba_each(
    gradient: Gradient, rows: Floats, rate: float, iterations: int
) -> Callable[[], Call]:
    """One start after the other, compiled: what scalar C++ takes, within 2 % (peers' report)."""

    def make() -> Call:
        import numba

        slope = numba.njit(error_model="numpy")(gradient)

        @numba.njit(error_model="numpy")
        def run(start: Any) -> Any:
            ends = np.empty_like(start)
            for i in range(start.shape[0]):
                x, y = start[i, 0], start[i, 1]
                for _ in range(iterations):
                    u, v = slope(x, y)
                    x -= rate * u
                    y -= rate * v
                ends[i, 0], ends[i, 1] = x, y
            return ends

        run(rows[:2])
        return lambda: run(rows)

    return make


# ---- W1, W2: one start ---------------------------------------------------------------------------

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


# ---- W3, its variants, W4: a million starts ------------------------------------------------------


def three_wells(x: Any, y: Any, np: Any = np) -> Any:  # noqa: ARG001
    """Three minima in [0, 5] x [0, 5]; the lowest is 6.276903919812538."""
    return 10 - (
        10 / (3 + 3 * (x - 0.5) ** 2 + 3 * (y - 0.5) ** 2)
        + 2 / (1 + 2 * (x - 3) ** 2 + 2 * (y - 1.5) ** 2)
        + 3 / (1 + 0.5 * (x - 3.5) ** 2 + 0.5 * (y - 4) ** 2)
    )


def three_wells_gradient(x: Any, y: Any) -> tuple[Any, Any]:
    """By hand, common parts once."""
    u, v = x - 0.5, y - 0.5
    d = 3 + 3 * u**2 + 3 * v**2
    k = 60 / d**2
    gx, gy = k * u, k * v
    u, v = x - 3, y - 1.5
    d = 1 + 2 * u**2 + 2 * v**2
    k = 8 / d**2
    gx, gy = gx + k * u, gy + k * v
    u, v = x - 3.5, y - 4
    d = 1 + 0.5 * u**2 + 0.5 * v**2
    k = 3 / d**2
    return gx + k * u, gy + k * v


def four_wells(x: Any, y: Any, np: Any = np) -> Any:
    """Three wells and one more."""
    return three_wells(x, y, np) - 1.5 / (1 + 1.5 * (x - 1) ** 2 + 1.5 * (y - 4) ** 2)


def four_wells_gradient(x: Any, y: Any) -> tuple[Any, Any]:
    """By hand."""
    gx, gy = three_wells_gradient(x, y)
    u, v = x - 1, y - 4
    d = 1 + 1.5 * u**2 + 1.5 * v**2
    k = 4.5 / d**2
    return gx + k * u, gy + k * v


def other_powers(x: Any, y: Any, np: Any = np) -> Any:  # noqa: ARG001
    """Wells with other whole powers, and a wall."""
    return (
        5
        - 4 / (1 + (x - 1) ** 4 + (y - 1.5) ** 4)
        - 3 / (2 + (x - 3.5) ** 2 + (y - 3) ** 6)
        + 0.01 * (x - 2.5) ** 4
        + 0.02 * (y - 2) ** 3 * (y - 2)
    )


def other_powers_gradient(x: Any, y: Any) -> tuple[Any, Any]:
    """By hand, powers as products where that is quicker."""
    u, v = x - 1, y - 1.5
    u3, v3 = u * u * u, v * v * v
    k = 16 / (1 + u3 * u + v3 * v) ** 2
    gx, gy = k * u3, k * v3
    u, v = x - 3.5, y - 3
    v2 = v * v
    v5 = v2 * v2 * v
    k = 3 / (2 + u * u + v5 * v) ** 2
    s, t = x - 2.5, y - 2
    return gx + 2 * k * u + 0.04 * s * s * s, gy + 6 * k * v5 + 0.08 * t * t * t


def softplus(x: Any, y: Any, np: Any = np) -> Any:
    """Four softplus walls around a valley."""
    return (
        np.log1p(np.exp(2 * x - 6))
        + np.log1p(np.exp(1 - x - y))
        + np.log1p(np.exp(1.5 * y - 5))
        + np.log1p(np.exp(y - 2 * x))
        + 0.05 * (x - y) ** 2
    )


def softplus_gradient(x: Any, y: Any) -> tuple[Any, Any]:
    """By hand."""
    a = 1 / (1 + np.exp(6 - 2 * x))
    b = 1 / (1 + np.exp(x + y - 1))
    c = 1 / (1 + np.exp(5 - 1.5 * y))
    d = 1 / (1 + np.exp(2 * x - y))
    e = 0.1 * (x - y)
    return 2 * a - b - 2 * d + e, 1.5 * c - b + d - e


def quotients(x: Any, y: Any, np: Any = np) -> Any:  # noqa: ARG001
    """Quotients with a variable above and below."""
    return (
        (x - 3) * (y + 1) / (1 + x * x + y * y)
        + (x + y) / (2 + (x - 1) ** 2)
        + (x * x + 1) / (4 + y)
        + (y * y) / (3 + x)
    )


def quotients_gradient(x: Any, y: Any) -> tuple[Any, Any]:
    """By hand, one reciprocal a quotient."""
    r = 1 / (1 + x * x + y * y)
    q = (x - 3) * (y + 1) * r
    gx, gy = (y + 1 - 2 * x * q) * r, (x - 3 - 2 * y * q) * r
    u = x - 1
    r = 1 / (2 + u * u)
    gx, gy = gx + (1 - 2 * u * (x + y) * r) * r, gy + r
    r, s = 1 / (4 + y), 1 / (3 + x)
    return gx + 2 * x * r - (y * s) ** 2, gy - (x * x + 1) * r * r + 2 * y * s


def waves(x: Any, np: Any = np) -> Any:
    """Several minima; two of them in [0.3, 1.9]."""
    return (np.exp(x) - np.log(x)) * np.sin(2 * np.pi * x)


def waves_gradient(x: Any) -> tuple[Any]:
    """By hand, exp once."""
    e, t = np.exp(x), 2 * np.pi * x
    return ((e - 1 / x) * np.sin(t) + (e - np.log(x)) * (2 * np.pi * np.cos(t)),)


def operations(function: Callable[..., Any], variables: int) -> int:
    """Operations in an objective as it is written: NumPy's ufuncs called, once through."""
    count = 0

    class Counting(np.lib.mixins.NDArrayOperatorsMixin):
        def __array_ufunc__(self, *_: Any, **__: Any) -> Counting:
            nonlocal count
            count += 1
            return self

    function(*(Counting() for _ in range(variables)))
    return count


def starts(count: int, variables: int, low: float, high: float, seed: int) -> Floats:
    """Rows of random starts."""
    return np.random.default_rng(seed).uniform(low, high, (count, variables))


WELL_ITERATIONS, WAVE_ITERATIONS, BLOCK = 100, 35, 4000


def wells_work(
    name: str,
    title: str,
    function: Callable[..., Any],
    gradient: Gradient,
    count: int,
    wanted: bool = False,
) -> Work:
    """Descents over [0, 5] x [0, 5]; `wanted`: with the issue's ratios and every rival."""
    rows, rate, it = starts(count, 2, 0.0, 5.0, 1), 0.2, WELL_ITERATIONS
    blocks = Rival("NumPy in blocks of 4000", numpy_blocks(gradient, rows, rate, it), most_rounds=2)
    rivals = (
        Rival(
            "NumPy vectorized", numpy_all(gradient, rows, rate, it), wanted=10, most_rounds=2
        ),
        Rival(blocks.name, blocks.make, wanted=5, most_rounds=2),
        Rival(
            "numba, one start after another",
            numba_each(gradient, rows, rate, it), wanted=6, parts=("numba",), most_rounds=2,
        ),
        Rival("jax.vmap under jit", jax_lanes(function, rows, rate, it), wanted=1, parts=("jax",)),
        Rival(
            "jax.vmap in chunks of 4000", jax_lanes(function, rows, rate, it, BLOCK),
            parts=("jax",),
        ),
    )  # fmt: skip
    return Work(
        name, title, "ns/start/iteration", 1e9 / count / it,
        lanes(lambda x, y: function(x, y), rows, rate, it), rivals if wanted else (blocks,),
        same_ends,
    )  # fmt: skip


def wells(count: int = 1_000_000) -> Work:
    """W3."""
    title = f"three wells, {count:,} starts, {WELL_ITERATIONS} iterations"
    return wells_work("w3_wells", title, three_wells, three_wells_gradient, count, wanted=True)


VARIANTS: dict[str, tuple[Callable[..., Any], Gradient]] = {
    "four_wells": (four_wells, four_wells_gradient),
    "other_powers": (other_powers, other_powers_gradient),
    "softplus": (softplus, softplus_gradient),
    "quotients": (quotients, quotients_gradient),
}
# A variant's time per operation is to be within this factor of three wells'.
VARIANT_FACTOR = 1.5


def variant(name: str, count: int = 1_000_000) -> Work:
    """A variant of W3, by its name in VARIANTS."""
    function, gradient = VARIANTS[name]
    title = f"{name.replace('_', ' ')}, {count:,} starts, {WELL_ITERATIONS} iterations"
    return wells_work(f"w3_{name}", title, function, gradient, count)


def no_comparison(ours: Any, theirs: Any) -> None:
    """Two works of different functions: each was compared with NumPy's answer when it was made."""


def per_operation(name: str, count: int = 1_000_000) -> Work:
    """A variant against three wells, in time per operation of the objective as it is written."""

    def checked(work: Work, blocks: Rival) -> Callable[[], Call]:
        def make() -> Call:
            call = work.make()
            work.agree(call(), blocks.ready()())
            return call

        return make

    mine, reference = variant(name, count), wells(count)
    blocks = next(r for r in reference.rivals if "blocks" in r.name)
    scale = mine.scale / operations(VARIANTS[name][0], 2)
    return Work(
        f"per_operation_{name}", f"{name.replace('_', ' ')} against three wells, per operation",
        "ns/start/iteration/operation", scale, checked(mine, mine.rivals[0]),
        (
            Rival(
                "three wells", checked(reference, blocks), wanted=1 / VARIANT_FACTOR,
                scale=reference.scale / operations(three_wells, 2),
            ),
        ),
        no_comparison,
    )  # fmt: skip


def wave(count: int = 1_000_000) -> Work:
    """W4."""
    rows, rate, it = starts(count, 1, 0.3, 1.9, 2), 0.005, WAVE_ITERATIONS
    return Work(
        "w4_waves", f"(exp(x) - log(x)) * sin(2 pi x), {count:,} starts, {it} iterations",
        "ns/start/iteration", 1e9 / count / it, lanes(lambda x: waves(x), rows, rate, it),
        (
            Rival("jax.vmap under jit", jax_lanes(waves, rows, rate, it), wanted=7, parts=("jax",)),
            Rival(
                "jax.vmap in chunks of 4000", jax_lanes(waves, rows, rate, it, BLOCK), wanted=7,
                parts=("jax",),
            ),
            Rival(
                "NumPy vectorized", numpy_all(waves_gradient, rows, rate, it), most_rounds=2
            ),
            Rival(
                "NumPy in blocks of 4000", numpy_blocks(waves_gradient, rows, rate, it),
                most_rounds=2,
            ),
        ),
        same_ends,
    )  # fmt: skip


# ---- tracing -------------------------------------------------------------------------------------


def ten_operations(x: Any, np: Any = np) -> Any:
    """Ten: exp, log, sqrt, sin, one difference, two sums, two products, one quotient."""
    return (np.exp(x) - np.log(x)) * np.sin(2.0 * x) + np.sqrt(x) / (1.0 + x)


def first_descent() -> Call:
    """Trace, differentiate, make the rule's step, lower it; one iteration."""

    def call() -> Any:
        objective = tw.objective(lambda x: ten_operations(x), 0.7)
        return descend_rows(objective, np.array([[0.7]]), 0.1, 1)["last_x"][0]

    return call


def first_gradient() -> Call:
    """Trace, differentiate, lower; value and gradient once."""
    return lambda: tw.objective(lambda x: ten_operations(x), 0.7).value_and_grad(0.7)


def first_gradient_jax() -> Call:
    """The same by `jax.jit(jax.value_and_grad(f))` of a function that it has not seen."""
    import jax
    import jax.numpy as jnp

    return lambda: jax.jit(jax.value_and_grad(lambda x: ten_operations(x, jnp)))(0.7)


def slope_by_hand() -> Call:
    """The value and gradient that tracing must come to, at once."""

    def call() -> tuple[float, float]:
        x = 0.7
        e, s, r = math.exp(x) - math.log(x), math.sin(2 * x), math.sqrt(x)
        value = e * s + r / (1 + x)
        slope = (math.exp(x) - 1 / x) * s + 2 * e * math.cos(2 * x)
        return value, slope + 0.5 / r / (1 + x) - r / (1 + x) ** 2

    return call


def step_by_hand() -> Call:
    """The point that one iteration must come to."""
    slope = slope_by_hand()
    return lambda: 0.7 - 0.1 * slope()[1]


def tracing() -> list[Work]:
    """Trace, differentiate and lower an objective of ten operations."""
    return [
        Work(
            "tracing", "trace, differentiate, lower, value and gradient: ten operations", "µs", 1e6,
            first_gradient, (Rival("by hand with math, no tracing", slope_by_hand, parts=()),),
            close(1e-13), limit=100,
        ),
        Work(
            "tracing_step", "trace, differentiate, fuse the rule, lower: ten operations", "µs", 1e6,
            first_descent, (Rival("by hand with math, no tracing", step_by_hand, parts=()),),
            close(1e-13), limit=100,
        ),
        # Apart from the first, as a compilation in between leaves the caches cold.
        Work(
            "tracing_compiled", "first value and gradient of a new function: ten operations", "µs",
            1e6, first_gradient,
            (Rival("jax.jit(value_and_grad)", first_gradient_jax, parts=("jax",)),), close(1e-13),
        ),
    ]  # fmt: skip


# ---- start-up ------------------------------------------------------------------------------------

FIRST_RESULT = {
    "thalweg": (
        "import numpy as np, thalweg as tw\n"
        "f = lambda x: np.exp(x) - np.log(x)\n"
        "print(tw.minimize(f, 1.6, 'gradient_descent', learning_rate=.1, gtol=0).x)"
    ),
    "NumPy scalars": (
        "import numpy as np\nx = np.float64(1.6)\n"
        "for _ in range(1000): x = x - .1 * (np.exp(x) - 1 / x)\nprint(x)"
    ),
    "SciPy BFGS": (
        "import numpy as np\nfrom scipy.optimize import minimize\n"
        "print(minimize(lambda x: (np.exp(x) - np.log(x))[0], [1.6], tol=1e-10).x[0])"
    ),
    "JAX fori_loop": (
        "import jax, jax.numpy as np\ng = jax.grad(lambda x: np.exp(x) - np.log(x))\n"
        "f = jax.jit(lambda x: jax.lax.fori_loop(0, 1000, lambda i, x: x - .1 * g(x), x))\n"
        "print(float(f(1.6)))"
    ),
}
IMPORTS = {"thalweg": "import numpy, thalweg\nprint(0)", "NumPy": "import numpy\nprint(0)"}


@cache
def bytecode() -> str:
    """A folder for compiled modules: an installed package has them, a source tree may have none."""
    folder = tempfile.mkdtemp(prefix="thalweg-bench-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def process(code: str) -> Callable[[], Call]:
    """A Python process from start to end; its answer is the number that it prints.

    The first call, whose answer is compared, compiles the modules; later ones find them compiled.
    """

    def call() -> float:
        environment = os.environ | {"PYTHONPYCACHEPREFIX": bytecode()}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(done.stderr.strip()[-500:])
        return float(done.stdout)

    return lambda: call


def startup() -> list[Work]:
    """Importing, and from process start to a first result; EXTRA limits both beyond NumPy's own."""
    return [
        Work(
            "import", "import thalweg", "ms", 1e3, process(IMPORTS["thalweg"]),
            (Rival("import numpy", process(IMPORTS["NumPy"])),), close(0, 1e-9),
        ),
        Work(
            "first_result", "process start to first result", "ms", 1e3,
            process(FIRST_RESULT["thalweg"]),
            (
                Rival("import numpy", process("import numpy\nprint(0.567143290409784)")),
                Rival("NumPy scalars", process(FIRST_RESULT["NumPy scalars"])),
                Rival("SciPy BFGS", process(FIRST_RESULT["SciPy BFGS"]), parts=("scipy",)),
                Rival("JAX fori_loop", process(FIRST_RESULT["JAX fori_loop"]), parts=("jax",)),
            ),
            close(0, 2e-5),
        ),
    ]  # fmt: skip


# ms that a process may take beyond one that imports NumPy alone.
EXTRA = {"import": 20.0, "first_result": 25.0}

WHEEL_LIMIT = 5.0  # MB


def wheel() -> Path:
    """The wheel that THALWEG_WHEEL names, else the newest in dist/; MissingError without one."""
    named = os.environ.get("THALWEG_WHEEL")
    found = [Path(named)] if named else list(Path(__file__).parents[1].glob("dist/*.whl"))
    found = [path for path in found if path.is_file()]
    if not found:
        raise MissingError("there is no dist/*.whl: make one with `pip wheel --no-deps -w dist .`")
    return max(found, key=lambda path: path.stat().st_mtime)


# ---- the course's functions ----------------------------------------------------------------------


def bowl(x: Any, y: Any) -> Any:
    return x**2 + y**2


def power_lines(m: Any, b: Any) -> Any:
    return (m + b - 2) ** 2 + (2 * m + b - 5) ** 2 + (3 * m + b - 3) ** 2


@cache
def markets() -> tuple[Floats, Floats]:
    """TV budgets, standardized, and sales of 200 markets."""
    path = Path(__file__).parents[1] / "tests" / "data" / "advertising.csv"
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    return (table[:, 0] - table[:, 0].mean()) / table[:, 0].std(), table[:, -1]


def advertising(m: Any, b: Any) -> Any:
    tv, sales = markets()
    return np.mean((m * tv + b - sales) ** 2) / 2


def advertising_gradient(m: Any, b: Any) -> tuple[Any, Any]:
    tv, sales = markets()
    r = m * tv + b - sales
    return np.mean(r * tv), np.mean(r)


@dataclass(frozen=True)
class Example:
    """One of the course's descents."""

    function: Callable[..., Any]
    gradient: Callable[..., tuple[Any, ...]]
    start: tuple[float, ...]
    learning_rate: float
    iterations: int
    minimum: tuple[float, ...] | None = None  # where SciPy's BFGS leads too


COURSE: dict[str, Example] = {
    "bowl": Example(bowl, lambda x, y: (2 * x, 2 * y), (2.0, 3.0), 0.1, 100, (0.0, 0.0)),
    "omega": Example(
        lambda x: omega(x), lambda x: (np.exp(x) - 1 / x,), (1.6,), 0.1, 25, (0.5671432904097838,)
    ),
    "waves": Example(
        lambda x: waves(x), waves_gradient, (1.3,), 0.005, 35, (1.7751686214270586,)
    ),
    "sauna": Example(
        lambda x, y: sauna(x, y), sauna_gradient, (3.5, 3.6), 0.15, 20, (4.0, 4.0)
    ),
    "three_wells": Example(
        lambda x, y: three_wells(x, y), three_wells_gradient, (0.5, 3.0), 0.2, 100
    ),
    "power_lines": Example(
        power_lines, lambda m, b: (28 * m + 12 * b - 42, 6 * b + 12 * m - 20), (0.0, 0.0), 0.05,
        200, (0.5, 7 / 3),
    ),
    "advertising": Example(advertising, advertising_gradient, (0.0, 0.0), 0.3, 100),
}  # fmt: skip


def course_descent(name: str) -> Work:
    """A descent of the course, traced anew in every call, against the loop a student writes."""
    e = COURSE[name]
    x0: Any = e.start if len(e.start) > 1 else e.start[0]

    def ours() -> Any:
        return tw.minimize(
            e.function, x0, "gradient_descent", learning_rate=e.learning_rate,
            max_iter=e.iterations, **FIXED,
        ).last.x  # fmt: skip

    def loop() -> Floats:
        x = np.array(e.start)
        for _ in range(e.iterations):
            x = x - e.learning_rate * np.array(e.gradient(*x))
        return x

    return Work(
        f"descent_{name}", f"{name.replace('_', ' ')}, {e.iterations} iterations, tracing included",
        "µs", 1e6, lambda: ours, (Rival("NumPy arrays", lambda: loop),), close(1e-9, 1e-9),
    )  # fmt: skip


def course_minimum(name: str) -> Work:
    """To the minimum: gradient descent here, BFGS there; the answers agree to 1e-5."""
    e = COURSE[name]
    x0: Any = e.start if len(e.start) > 1 else e.start[0]

    def ours() -> Any:
        done = tw.minimize(
            e.function, x0, "gradient_descent", learning_rate=e.learning_rate, gtol=1e-6
        )
        assert done.success, done.message
        return done.x

    def make() -> Call:
        from scipy.optimize import minimize

        def call() -> Any:
            done = minimize(
                lambda p: np.squeeze(e.function(*p)), e.start, method="BFGS",
                jac=lambda p: np.array(e.gradient(*p)), options={"gtol": 1e-6},
            )  # fmt: skip
            assert done.success, done.message
            return done.x

        return call

    return Work(
        f"minimum_{name}", f"{name.replace('_', ' ')} to the minimum, tracing included", "µs", 1e6,
        lambda: ours, (Rival("SciPy BFGS, gradient by hand", make, parts=("scipy",)),),
        close(1e-5, 1e-5),
    )  # fmt: skip


def course() -> list[Work]:
    """Every descent of the course, and every minimum that BFGS finds from the same start."""
    to_minimum = [name for name, e in COURSE.items() if e.minimum is not None]
    return [*map(course_descent, COURSE), *map(course_minimum, to_minimum)]


def many_starts(count: int = 1_000_000) -> list[Callable[[], Work]]:
    """W3, its variants and W4, not made yet: their starts take 16 MB each."""
    return [
        partial(wells, count),
        *(partial(variant, name, count) for name in VARIANTS),
        *(partial(per_operation, name, min(count, 100_000)) for name in VARIANTS),
        partial(wave, count),
    ]
