# SPDX-License-Identifier: BSD-3-Clause
"""Works of many fits: `tw.curve_fit_many`, everything included, against a loop of SciPy's and JAX.

SciPy fits a sample one by one; JAX runs a Levenberg-Marquardt written by hand, under `vmap` in
chunks. All stop at 1e-8. Every answer of ours is checked to be a minimum before the time counts, by
a Gauss-Newton step from it in NumPy with derivatives of its own (complex steps).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from workloads import Call, Floats, Rival, Work  # isort: skip - before NumPy

import numpy as np

import thalweg as tw

TOL = 1e-8
STOPS = {"ftol": TOL, "xtol": TOL, "gtol": TOL}
Model = Callable[..., Any]


def decay(x: Any, a: Any, b: Any, c: Any) -> Any:
    return a * np.exp(-x / b) + c


def spot(x: Any, a: Any, u: Any, v: Any, s: Any, c: Any) -> Any:
    return a * np.exp(-0.5 * ((x[0] - u) ** 2 + (x[1] - v) ** 2) / s**2) + c


def hill(x: Any, top: Any, k: Any, n: Any) -> Any:
    return top * x**n / (k**n + x**n)


def wave(x: Any, a: Any, b: Any, w: Any, p: Any) -> Any:
    return a * np.exp(-b * x) * np.sin(w * x + p)


def line(x: Any, a: Any, u: Any, s: Any, g: Any, c: Any) -> Any:
    from scipy.special import voigt_profile

    return a * voigt_profile(x - u, s, g) + c


@dataclass(frozen=True)
class Data:
    """Fits of one kind, from a seed.

    Attributes
    ----------
    ranges : tuple of pairs
        Where the true parameters lie.
    off : float
        Starts are the truth times 1 - off to 1 + off; 0: `p0` for all.
    """

    name: str
    title: str
    model: Model
    x: Floats
    ranges: tuple[tuple[float, float], ...]
    noise: float
    k: int
    p0: tuple[float, ...] = ()
    off: float = 0.0
    how: dict[str, Any] = field(default_factory=dict)
    missing: float = 0.0

    def made(self) -> tuple[Floats, Floats]:
        """Data (k, m) and starts (k, p)."""
        rng = np.random.default_rng(4)
        true = np.column_stack([rng.uniform(*r, self.k) for r in self.ranges])
        clean = self.model(self.x[..., None, :], *true.T[:, :, None])
        y = clean + self.noise * rng.standard_normal(clean.shape)
        if self.missing:
            y[rng.random(y.shape) < self.missing] = np.nan
        if self.off:
            return y, true * rng.uniform(1 - self.off, 1 + self.off, true.shape)
        return y, np.tile(self.p0, (self.k, 1))


def ours(data: Data, how: dict[str, Any] | None = None) -> Callable[[], Call]:
    def make() -> Call:
        y, p0 = data.made()
        given = (data.how if how is None else how) | STOPS
        if how is not None:
            y = np.nan_to_num(y, nan=0.5)
        start = p0 if data.off else p0[0]
        return lambda: tw.curve_fit_many(data.model, data.x, y, start, threads=1, **given)

    return make


def scipys(data: Data, sample: int, wanted: float) -> Rival:
    """The first fits, one by one, as users write it."""

    def make() -> Call:
        from scipy.optimize import curve_fit

        y, p0 = data.made()
        there = ~np.isnan(y)

        def call() -> Floats:
            return np.array([
                curve_fit(data.model, data.x[..., there[i]], y[i, there[i]], p0[i], **data.how)[0]
                for i in range(sample)
            ])  # fmt: skip

        return call

    return Rival(
        f"SciPy curve_fit loop, {sample}", make, wanted=wanted, parts=("scipy",), most_rounds=3,
        scale=1e6 / sample,
    )  # fmt: skip


def jaxs(data: Data, chunk: int, count: int, wanted: float) -> Rival:
    """Levenberg-Marquardt with scaled damping in a `while_loop`, vmapped, chunk after chunk."""

    def make() -> Call:
        import jax
        import jax.numpy as jnp

        y, p0 = data.made()
        x, n = jnp.asarray(data.x), p0.shape[1]

        def model(p: Any) -> Any:
            names = {"exp": jnp.exp, "sin": jnp.sin}
            return _with(data.model, names)(x, *[p[i] for i in range(n)])

        def solve(a: Any, g: Any) -> Any:  # Cholesky, unrolled: ten times jnp.linalg.solve's speed
            lower: list[list[Any]] = []
            for i in range(n):
                row: list[Any] = []
                for j in range(i):
                    rest = a[i, j] - sum((row[k] * lower[j][k] for k in range(j)), 0.0)
                    row.append(rest / lower[j][j])
                row.append(jnp.sqrt(a[i, i] - sum((r * r for r in row), 0.0)))
                lower.append(row)
            z: list[Any] = []
            for i in range(n):
                rest = -g[i] - sum((lower[i][k] * z[k] for k in range(i)), 0.0)
                z.append(rest / lower[i][i])
            s: list[Any] = [None] * n
            for i in reversed(range(n)):
                rest = z[i] - sum((lower[k][i] * s[k] for k in range(i + 1, n)), 0.0)
                s[i] = rest / lower[i][i]
            return jnp.stack(s)

        def told(p: Any, y: Any) -> Any:
            r, j = model(p) - y, jax.jacfwd(model)(p)
            return r @ r, j.T @ j, j.T @ r

        def one(y: Any, q: Any) -> Any:
            def body(s: Any) -> Any:
                p, f, a, g, damping, rounds, _ = s
                step = solve(a + damping * jnp.diag(jnp.diag(a)), g)
                f2, a2, g2 = told(p + step, y)
                good = f2 <= f
                done = (step @ step <= TOL**2 * (p @ p)) | (good & (f - f2 <= TOL * f))
                keep = lambda new, old: jnp.where(good, new, old)  # noqa: E731
                return (keep(p + step, p), keep(f2, f), keep(a2, a), keep(g2, g),
                        damping * jnp.where(good, 0.1, 10.0), rounds + 1, done)  # fmt: skip

            f, a, g = told(q, y)
            first = (q, f, a, g, 1e-3, 1, False)
            return jax.lax.while_loop(lambda s: ~s[6] & (s[5] < 100), body, first)[0]

        some = jnp.asarray(y[:count].reshape(-1, chunk, y.shape[1]))
        starts = jnp.asarray(p0[:count].reshape(-1, chunk, n))
        run = jax.jit(lambda y, q: jax.lax.map(lambda pair: jax.vmap(one)(*pair), (y, q)))
        run = run.lower(some, starts).compile()
        return lambda: np.asarray(run(some, starts)).reshape(-1, n)

    return Rival(
        f"JAX, LM by hand, chunks of {chunk}", make, wanted=wanted, parts=("jax",), most_rounds=3,
        scale=1e6 / count,
    )  # fmt: skip


def _with(model: Model, names: dict[str, Any]) -> Model:
    """The model with other functions in NumPy's place."""
    import types

    stand_in = types.SimpleNamespace(**names)
    return types.FunctionType(model.__code__, {"np": stand_in}, model.__name__)


def plain_of(data: Data) -> Rival:
    """The same fits without bounds, loss and gaps."""
    return Rival("thalweg, plain", ours(data, {}), wanted=1 / 2.5, parts=("numpy",))


def checked(data: Data) -> Callable[[Any, Any], None]:
    """Ours are minima, and the rival's are the same ones."""
    y, _ = data.made()
    there = ~np.isnan(y)
    filled = np.where(there, y, 0.0)
    scale = data.how.get("f_scale", 1.0)

    def weighed(p: Floats) -> tuple[Floats, Floats, Floats]:
        """Residuals, what they weigh, and slopes (k, n, m)."""
        rows = p.astype(complex)
        r = np.where(there, data.model(data.x[..., None, :], *p.T[:, :, None]) - filled, 0.0)
        slopes = []
        for i in range(p.shape[1]):
            at = rows.copy()
            at[:, i] += 1e-30j
            slope = data.model(data.x[..., None, :], *at.T[:, :, None]).imag / 1e-30
            slopes.append(np.where(there, slope, 0.0))
        share = 1 / np.sqrt(1 + (r / scale) ** 2) if data.how.get("loss") else np.ones_like(r)
        return r, share, np.stack(slopes, axis=1)

    def agree(fits: Any, theirs: Any) -> None:
        if isinstance(theirs, tw.Fits):
            return
        p = fits.popt
        assert fits.success.mean() > 0.999, f"{(~fits.success).sum()} fits failed"
        r, share, slopes = weighed(p)
        free = fits.success & np.isfinite(fits.perr).all(axis=1)  # nothing at a bound or unknown
        g = np.einsum("knm,km->kn", slopes, share * r)
        # How far the minimum is, to first order, in standard errors: a small part of one.
        spread = 2 * fits.cost / (there.sum(axis=1) - p.shape[1])
        step = np.einsum("kij,kj->ki", fits.pcov, g) / spread[:, None]
        far = np.abs(step / fits.perr).max(axis=1)[free]
        assert np.quantile(far, 0.999) < 1e-2, f"{np.quantile(far, 0.999):.2g} errors away"
        apart = np.abs(p[: len(theirs)] - theirs) / (np.abs(theirs) + 1e-2)
        share_off = float(np.mean(apart.max(axis=1) > 1e-4))
        assert share_off < 0.01, f"{share_off:.2%} of the fits end elsewhere"

    return agree


def near(fits: Any, theirs: Any) -> None:
    """Almost all succeed, and end where the rival's do (it takes no complex numbers)."""
    assert fits.success.mean() > 0.99, f"{(~fits.success).sum()} fits failed"
    apart = np.abs(fits.popt[: len(theirs)] - theirs) / (np.abs(theirs) + 1e-2)
    share_off = float(np.mean(apart.max(axis=1) > 1e-4))
    assert share_off < 0.05, f"{share_off:.2%} of the fits end elsewhere"


DECAYS = Data(
    "decays", "100,000 decays, 20 points", decay, np.linspace(0, 5, 20),
    ((1, 5), (0.5, 2), (-1, 1)), 0.03, 100_000, (2.0, 1.0, 0.0),
)  # fmt: skip
HARD = Data(
    "decays_hard", "the same with bounds, soft_l1 and 5 % missing", decay, DECAYS.x, DECAYS.ranges,
    0.03, 100_000, DECAYS.p0, missing=0.05,
    how={"bounds": ([0, 0.1, -3], [9, 9, 3]), "loss": "soft_l1", "f_scale": 0.1},
)  # fmt: skip
PIXELS = np.indices((15, 15)).reshape(2, -1) - 7.0
SPOTS = Data(
    "spots", "20,000 Gaussian spots, 15 x 15 pixels, 5 parameters", spot, PIXELS,
    ((5, 20), (-1.5, 1.5), (-1.5, 1.5), (1.2, 2.5), (1, 3)), 0.5, 20_000, off=0.2,
)  # fmt: skip
HILLS = Data(
    "hills", "20,000 Hill curves, 16 points", hill, np.geomspace(0.05, 20, 16),
    ((1, 4), (0.5, 3), (0.8, 2.5)), 0.03, 20_000, off=0.2,
)  # fmt: skip
WAVES = Data(
    "waves", "20,000 damped oscillations, 40 points", wave, np.linspace(0, 6, 40),
    ((1, 3), (0.1, 0.4), (1.5, 3), (0.1, 1)), 0.05, 20_000, off=0.2,
)  # fmt: skip
LINES = Data(
    "lines", "100,000 Voigt profiles, 60 points, 5 parameters", line, np.linspace(-6, 6, 60),
    ((5, 20), (-1, 1), (0.5, 1.0), (0.3, 0.8), (0.1, 0.5)), 0.02, 100_000, off=0.15,
)  # fmt: skip


def work(data: Data, *rivals: Rival, limit: float | None = None) -> Work:
    return Work(
        data.name, data.title, "us/fit", 1e6 / data.k, ours(data), rivals, checked(data), limit
    )


def works() -> list[Work]:
    """Fits per second of six kinds."""
    return [
        work(DECAYS, scipys(DECAYS, 500, 280), jaxs(DECAYS, 500, 100_000, 14), limit=0.40),
        work(HARD, plain_of(HARD), scipys(HARD, 200, 280)),
        work(SPOTS, scipys(SPOTS, 100, 50), jaxs(SPOTS, 100, 4000, 5)),
        work(HILLS, scipys(HILLS, 300, 50), jaxs(HILLS, 500, 20_000, 5)),
        work(WAVES, scipys(WAVES, 300, 50), jaxs(WAVES, 500, 20_000, 5)),
        Work(
            LINES.name,
            LINES.title,
            "us/fit",
            1e6 / LINES.k,
            ours(LINES),
            (scipys(LINES, 200, 100),),
            near,
        ),
    ]
