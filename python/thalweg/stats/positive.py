# SPDX-License-Identifier: BSD-3-Clause
"""Distributions of positive numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special as sp

from thalweg.stats.distribution import Continuous

__all__ = [
    "chi2",
    "expon",
    "f",
    "gamma",
    "halfnorm",
    "invgamma",
    "lognorm",
    "pareto",
    "rayleigh",
    "weibull_min",
]

LOG_2PI = float(np.log(2 * np.pi))


class _Gamma(Continuous):
    """The gamma distribution: ``gamma.logpdf(x, a, loc=0, scale=1)``."""

    shapes, lower = ("a",), 0.0

    def _logpdf(self, x: Any, a: Any) -> Any:
        return sp.xlogy(a - 1.0, x) - x - sp.gammaln(a)

    def _cdf(self, x: Any, a: Any) -> Any:
        return sp.gammainc(a, x)

    def _sf(self, x: Any, a: Any) -> Any:
        return sp.gammaincc(a, x)

    def _ppf(self, q: Any, a: Any) -> Any:
        return sp.gammaincinv(a, q)


class _Chi2(_Gamma):
    """The chi-squared distribution: ``chi2.logpdf(x, df, loc=0, scale=1)``."""

    shapes = ("df",)

    def _logpdf(self, x: Any, a: Any) -> Any:
        return super()._logpdf(0.5 * x, 0.5 * a) - np.log(2.0)

    def _cdf(self, x: Any, a: Any) -> Any:
        return sp.gammainc(0.5 * a, 0.5 * x)

    def _sf(self, x: Any, a: Any) -> Any:
        return sp.gammaincc(0.5 * a, 0.5 * x)

    def _ppf(self, q: Any, a: Any) -> Any:
        return 2.0 * sp.gammaincinv(0.5 * a, q)


class _Invgamma(Continuous):
    """The distribution of a gamma variable's reciprocal: ``invgamma.logpdf(x, a, loc, scale)``."""

    shapes, lower = ("a",), 0.0

    def _safe(self, x: Any) -> Any:
        return np.where(x == 0, 1.0, x)

    def _logpdf(self, x: Any, a: Any) -> Any:
        s = self._safe(x)
        return np.where(x == 0, -np.inf, -(a + 1.0) * np.log(s) - sp.gammaln(a) - 1.0 / s)

    def _cdf(self, x: Any, a: Any) -> Any:
        return np.where(x == 0, 0.0, sp.gammaincc(a, 1.0 / self._safe(x)))

    def _sf(self, x: Any, a: Any) -> Any:
        return np.where(x == 0, 1.0, sp.gammainc(a, 1.0 / self._safe(x)))

    def _ppf(self, q: Any, a: Any) -> Any:
        return 1.0 / sp.gammainccinv(a, q)


class _F(Continuous):
    """Fisher's distribution: ``f.logpdf(x, dfn, dfd, loc=0, scale=1)``."""

    shapes, lower = ("dfn", "dfd"), 0.0

    def _logpdf(self, x: Any, dfn: Any, dfd: Any) -> Any:
        m, n = 0.5 * dfn, 0.5 * dfd
        ratio = dfn / dfd
        power = sp.xlogy(m - 1.0, x) - (m + n) * np.log1p(ratio * x)
        return m * np.log(ratio) + power - sp.betaln(m, n)

    def _cdf(self, x: Any, dfn: Any, dfd: Any) -> Any:
        return sp.betainc(0.5 * dfn, 0.5 * dfd, dfn * x / (dfd + dfn * x))

    def _sf(self, x: Any, dfn: Any, dfd: Any) -> Any:
        return sp.betainc(0.5 * dfd, 0.5 * dfn, dfd / (dfd + dfn * x))

    def _ppf(self, q: Any, dfn: Any, dfd: Any) -> Any:
        x = sp.betaincinv(0.5 * dfn, 0.5 * dfd, q)
        return x / (1.0 - x) * (dfd / dfn)


class _Expon(Continuous):
    """The exponential distribution: ``expon.logpdf(x, loc=0, scale=1)``."""

    lower = 0.0

    def _logpdf(self, x: Any) -> Any:
        return -x

    def _cdf(self, x: Any) -> Any:
        return -np.expm1(-x)

    def _sf(self, x: Any) -> Any:
        return np.exp(-x)

    def _logsf(self, x: Any) -> Any:
        return -x

    def _ppf(self, q: Any) -> Any:
        return -np.log1p(-q)


class _Lognorm(Continuous):
    """The distribution of ``exp(s z)``, z normal: ``lognorm.logpdf(x, s, loc=0, scale=1)``."""

    shapes, lower = ("s",), 0.0

    def _normal(self, x: Any, s: Any) -> Any:
        return np.log(np.where(x == 0, 1.0, x)) / s

    def _logpdf(self, x: Any, s: Any) -> Any:
        z = self._normal(x, s)
        return np.where(x == 0, -np.inf, -0.5 * z**2 - np.log(s) - s * z - 0.5 * LOG_2PI)

    def _cdf(self, x: Any, s: Any) -> Any:
        return np.where(x == 0, 0.0, sp.ndtr(self._normal(x, s)))

    def _sf(self, x: Any, s: Any) -> Any:
        return np.where(x == 0, 1.0, sp.ndtr(-self._normal(x, s)))

    def _logcdf(self, x: Any, s: Any) -> Any:
        return np.where(x == 0, -np.inf, sp.log_ndtr(self._normal(x, s)))

    def _logsf(self, x: Any, s: Any) -> Any:
        return np.where(x == 0, 0.0, sp.log_ndtr(-self._normal(x, s)))

    def _ppf(self, q: Any, s: Any) -> Any:
        return np.exp(s * sp.ndtri(q))


class _Halfnorm(Continuous):
    """The distribution of a normal variable's size: ``halfnorm.logpdf(x, loc=0, scale=1)``."""

    lower = 0.0

    def _logpdf(self, x: Any) -> Any:
        return -0.5 * x**2 + 0.5 * np.log(2.0 / np.pi)

    def _cdf(self, x: Any) -> Any:
        return sp.erf(x * np.sqrt(0.5))

    def _sf(self, x: Any) -> Any:
        return sp.erfc(x * np.sqrt(0.5))

    def _ppf(self, q: Any) -> Any:
        return np.sqrt(2.0) * sp.erfinv(q)


class _WeibullMin(Continuous):
    """Weibull's distribution of minima: ``weibull_min.logpdf(x, c, loc=0, scale=1)``."""

    shapes, lower = ("c",), 0.0

    def _logpdf(self, x: Any, c: Any) -> Any:
        return np.log(c) + sp.xlogy(c - 1.0, x) - x**c

    def _cdf(self, x: Any, c: Any) -> Any:
        return -np.expm1(-(x**c))

    def _sf(self, x: Any, c: Any) -> Any:
        return np.exp(-(x**c))

    def _logsf(self, x: Any, c: Any) -> Any:
        return -(x**c)

    def _ppf(self, q: Any, c: Any) -> Any:
        return (-np.log1p(-q)) ** (1.0 / c)


class _Pareto(Continuous):
    """Pareto's distribution on [1, inf): ``pareto.logpdf(x, b, loc=0, scale=1)``."""

    shapes, lower, inside = ("b",), 1.0, 2.0

    def _logpdf(self, x: Any, b: Any) -> Any:
        return np.log(b) - (b + 1.0) * np.log(x)

    def _cdf(self, x: Any, b: Any) -> Any:
        return -np.expm1(-b * np.log(x))

    def _sf(self, x: Any, b: Any) -> Any:
        return x**-b

    def _logsf(self, x: Any, b: Any) -> Any:
        return -b * np.log(x)

    def _ppf(self, q: Any, b: Any) -> Any:
        return (1.0 - q) ** (-1.0 / b)


class _Rayleigh(Continuous):
    """Rayleigh's distribution: ``rayleigh.logpdf(x, loc=0, scale=1)``."""

    lower = 0.0

    def _logpdf(self, x: Any) -> Any:
        return np.log(x) - 0.5 * x**2

    def _cdf(self, x: Any) -> Any:
        return -np.expm1(-0.5 * x**2)

    def _sf(self, x: Any) -> Any:
        return np.exp(-0.5 * x**2)

    def _logsf(self, x: Any) -> Any:
        return -0.5 * x**2

    def _ppf(self, q: Any) -> Any:
        return np.sqrt(-2.0 * np.log1p(-q))


gamma = _Gamma("gamma")
chi2 = _Chi2("chi2")
invgamma = _Invgamma("invgamma")
f = _F("f")
expon = _Expon("expon")
lognorm = _Lognorm("lognorm")
halfnorm = _Halfnorm("halfnorm")
weibull_min = _WeibullMin("weibull_min")
pareto = _Pareto("pareto")
rayleigh = _Rayleigh("rayleigh")
