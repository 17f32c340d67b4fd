# SPDX-License-Identifier: BSD-3-Clause
"""Works over a million starts: W3, its variants and W4, and the rivals for many starts."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from workloads import Call, Floats, Rival, Work, lanes, same_ends  # isort: skip - before NumPy

import numpy as np

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


def many_starts(count: int = 1_000_000) -> list[Callable[[], Work]]:
    """W3, its variants and W4, not made yet: their starts take 16 MB each."""
    return [
        partial(wells, count),
        *(partial(variant, name, count) for name in VARIANTS),
        *(partial(per_operation, name, min(count, 100_000)) for name in VARIANTS),
        partial(wave, count),
    ]
