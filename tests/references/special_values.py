# SPDX-License-Identifier: BSD-3-Clause
"""Special functions that are compiled once for all instruction sets: mpmath's values, and where.

A case is the reference, the points to draw, and the bound in units in the last place. Bessel
functions, which have zeros, are measured against the size of their oscillation.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np
from mpmath import mpf
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], FloatArray]


@dataclass(frozen=True)
class Case:
    """What is known of an operation."""

    reference: Callable[..., Any]
    columns: tuple[Draw, ...]
    ulps: float = 4
    scale: Callable[..., Any] | None = None
    slopes: float = 1e-13
    whole: bool = False  # the first argument is an order, in which the function is flat


def log(low: float, high: float) -> Draw:
    """Log-uniform between powers of two."""
    return lambda rng, n: 2.0 ** rng.uniform(low, high, n)


def between(low: float, high: float) -> Draw:
    return lambda rng, n: rng.uniform(low, high, n)


def both_signs(draw: Draw) -> Draw:
    return lambda rng, n: rng.choice([-1.0, 1.0], n) * draw(rng, n)


def orders(most: int) -> Draw:
    return lambda rng, n: rng.integers(0, most + 1, n).astype(float)


def root(f: Callable[[Any], Any], x: Any) -> Any:
    """Solve by Newton's method from a double in mpmath's precision."""
    digits = 15
    while digits < 4 * mpmath.mp.dps:
        x -= f(x) / mpmath.diff(f, x)
        digits *= 2
    return x


def _lower(a: Any, x: Any) -> Any:
    return mpmath.gammainc(a, 0, x, regularized=True)


def _upper(a: Any, x: Any) -> Any:
    return mpmath.gammainc(a, x, mpmath.inf, regularized=True)


def _inverse(f: Callable[[Any, Any], Any], name: str) -> Callable[[Any, Any], Any]:
    import scipy.special

    guess = getattr(scipy.special, name)

    def inverse(a: Any, p: Any) -> Any:
        # Newton's steps in log x, from SciPy's solution.
        t = root(
            lambda t: mpmath.log(f(a, mpmath.exp(t)) / p), mpmath.log(guess(float(a), float(p)))
        )
        return mpmath.exp(t)

    return inverse


def _erfcinv(q: Any) -> Any:
    import scipy.special

    if q == 1:
        return mpf(0)
    guess = float(scipy.special.erfcinv(float(q))) or float((1 - q) * mpmath.sqrt(mpmath.pi) / 2)
    return root(lambda x: mpmath.erfc(x) - q, mpf(guess))


def _wave(n: Any, x: Any) -> Any:
    """The size of the oscillation beyond the first turn of J."""
    return mpmath.sqrt(2 / (mpmath.pi * abs(x))) if abs(x) > n + 1 else mpf(0)


def _bessel(f: Callable[[int, Any], Any], most: int, draw: Draw, **rest: Any) -> Case:
    return Case(lambda n, x: f(int(n), x), (orders(most), draw), whole=True, **rest)


def _j_size(n: Any, x: Any) -> Any:
    return max(abs(mpmath.besselj(int(n), x)), _wave(n, x), mpf(0.3) * (abs(x) > 0.5) * (n < 2))


def _y_size(n: Any, x: Any) -> Any:
    return max(abs(mpmath.bessely(int(n), x)), _wave(n, x), mpf(0.3) * (n < 2))


def _beta_inverse(a: Any, b: Any, p: Any) -> Any:
    import scipy.special

    x = scipy.special.betaincinv(float(a), float(b), float(p))
    t = root(
        lambda t: mpmath.log(mpmath.betainc(a, b, 0, mpmath.exp(t), regularized=True) / p),
        mpmath.log(x),
    )
    return mpmath.exp(t)


def _student(df: Any, t: Any) -> Any:
    tail = mpmath.betainc(df / 2, mpf(1) / 2, 0, df / (df + t * t), regularized=True) / 2
    return tail if t < 0 else 1 - tail


_BETA = (log(-3, 7), log(-3, 7), between(0.001, 0.999))

# Slopes of these alone: their own are not offered in every argument, or tested with the others.
DERIVATIVES = {
    "gammainc_slope_in_a", "gammainc_second_slope_in_a", "betainc_slope_in_a", "betainc_slope_in_b",
    "betainc_slope_in_aa", "betainc_slope_in_ab", "betainc_slope_in_bb", "stdtr_slope_in_df",
    "zeta_slope_in_s", "zeta_second_slope_in_s",
}  # fmt: skip
CASES: dict[str, Case] = {
    "gamma": Case(mpmath.gamma, (both_signs(log(-40, 7)),)),
    "beta": Case(mpmath.beta, (log(-10, 9), log(-10, 9))),
    "betaln": Case(
        lambda a, b: mpmath.loggamma(a) + mpmath.loggamma(b) - mpmath.loggamma(a + b),
        (log(-30, 30), log(-30, 30)),
    ),
    "polygamma_rise": Case(
        lambda n, a, b: mpmath.psi(int(n), a + b) - mpmath.psi(int(n), a),
        (orders(3), log(-20, 12), log(-20, 12)),
        ulps=8,
        whole=True,
    ),
    "gammainc": Case(_lower, (log(-10, 9), log(-10, 9))),
    "gammaincc": Case(_upper, (log(-10, 9), log(-10, 9)), ulps=10),
    "gamma_density": Case(
        lambda a, x: mpmath.exp((a - 1) * mpmath.log(x) - x - mpmath.loggamma(a)),
        (log(-10, 14), log(-10, 9)),
    ),
    "gammainc_slope_in_a": Case(
        lambda a, x: mpmath.diff(lambda a: _lower(a, x), a), (log(-8, 6), log(-8, 5)), ulps=200
    ),
    "gammainc_second_slope_in_a": Case(
        lambda a, x: mpmath.diff(lambda a: _lower(a, x), a, 2),
        (log(-6, 5), log(-6, 4)),
        ulps=1000,
        scale=lambda a, x: abs(mpmath.diff(lambda a: _lower(a, x), a)) / a,
    ),
    "gammaincinv": Case(
        _inverse(_lower, "gammaincinv"), (log(-1, 9), between(0.001, 0.999)), ulps=20
    ),
    "gammainccinv": Case(
        _inverse(_upper, "gammainccinv"), (log(-1, 9), between(0.001, 0.999)), ulps=20
    ),
    "betainc": Case(
        lambda a, b, x: mpmath.betainc(a, b, 0, x, regularized=True), _BETA, ulps=128
    ),
    "betaincc": Case(
        lambda a, b, x: mpmath.betainc(b, a, 0, 1 - x, regularized=True), _BETA, ulps=128
    ),
    "beta_density": Case(
        lambda a, b, x: x ** (a - 1) * (1 - x) ** (b - 1) / mpmath.beta(a, b), _BETA
    ),
    **{
        f"betainc_slope_in_{'a' * i + 'b' * j}": Case(
            lambda a, b, x, i=i, j=j: mpmath.diff(
                lambda a, b: mpmath.betainc(a, b, 0, x, regularized=True), (a, b), (i, j)
            ),
            (log(-2, 5), log(-2, 5), between(0.02, 0.98)),
            ulps=5000,
            scale=lambda *_: mpf(0.01),
        )
        for i, j in ((1, 0), (0, 1), (2, 0), (1, 1), (0, 2))
    },
    "stdtr_slope_in_df": Case(
        lambda df, t: mpmath.diff(lambda df: _student(df, t), df),
        (log(-1, 6), between(-6, 6)),
        ulps=64,
        scale=lambda *_: mpf(0.01),
    ),
    "betaincinv": Case(
        _beta_inverse, (log(-1, 5), log(-1, 5), between(0.01, 0.99)), ulps=64, slopes=1e-11
    ),
    "stdtr": Case(_student, (log(-1, 6), between(-6, 6)), ulps=64, slopes=1e-11),
    "exp1": Case(mpmath.e1, (log(-40, 9),)),
    "expi": Case(
        mpmath.ei, (both_signs(log(-40, 9)),), scale=lambda x: mpf(0.2) * (0.2 < x < 0.6)
    ),
    "expn": Case(
        lambda n, x: mpmath.expint(int(n), x), (orders(12), log(-20, 8)), whole=True
    ),
    "sine_integral": Case(mpmath.si, (both_signs(log(-20, 20)),)),
    "cosine_integral": Case(
        mpmath.ci, (log(-20, 16),), ulps=6,
        scale=lambda x: min(1 / x, mpf(0.5)) if x > 4 else mpf(0.5),
    ),
    "zeta": Case(
        mpmath.zeta, (lambda rng, n: 1 + 2.0 ** rng.uniform(-20, 4, n), log(-6, 4)), ulps=5,
        slopes=1e-12,
    ),
    "zeta_slope_in_s": Case(
        lambda s, q: mpmath.zeta(s, q, 1),
        (lambda rng, n: 1 + 2.0 ** rng.uniform(-10, 3, n), log(-6, 4)), ulps=64,
    ),
    "zeta_second_slope_in_s": Case(
        lambda s, q: mpmath.zeta(s, q, 2),
        (lambda rng, n: 1 + 2.0 ** rng.uniform(-8, 3, n), log(-6, 4)),
        ulps=64,
    ),
    "zetac": Case(
        lambda s: mpmath.zeta(s) - 1, (lambda rng, n: 1 + 2.0 ** rng.uniform(-20, 4, n),),
        ulps=5, slopes=1e-12,
    ),
    "spherical_jn": Case(
        lambda n, x: mpmath.sqrt(mpmath.pi / 2 / x) * mpmath.besselj(n + mpf(0.5), x),
        (orders(10), log(-8, 8)), ulps=9, whole=True,
        scale=lambda n, x: 1 / x if x > n + 1 else mpf(0),
    ),
    "erfinv": Case(mpmath.erfinv, (both_signs(lambda rng, n: 1 - 2.0 ** rng.uniform(-20, 0, n)),)),
    "erfcinv": Case(_erfcinv, (lambda rng, n: 2 * 2.0 ** rng.uniform(-900, 0, n),)),
    "jn": _bessel(mpmath.besselj, 12, both_signs(log(-8, 8)), ulps=12, scale=_j_size),
    "yn": _bessel(mpmath.bessely, 12, log(-8, 8), ulps=12, scale=_y_size),
    "iv": _bessel(mpmath.besseli, 12, both_signs(log(-8, 8)), ulps=16),
    "ive": _bessel(
        lambda n, x: mpmath.besseli(n, x) * mpmath.exp(-abs(x)), 12, both_signs(log(-8, 12)),
        ulps=16, slopes=1e-11,
    ),
    "kn": _bessel(mpmath.besselk, 12, log(-8, 8), ulps=12),
    "kve": _bessel(
        lambda n, x: mpmath.besselk(n, x) * mpmath.exp(x), 12, log(-8, 12), ulps=12, slopes=1e-11
    ),
}  # fmt: skip


def points_of_case(name: str, n: int, seed: int) -> list[tuple[float, ...]]:
    """About n points of a case, where its value is neither too large nor too small."""
    rng = np.random.default_rng([seed, len(name)])
    return list(zip(*(draw(rng, n).tolist() for draw in CASES[name].columns), strict=True))
