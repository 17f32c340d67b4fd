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
