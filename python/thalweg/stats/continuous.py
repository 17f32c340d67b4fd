# SPDX-License-Identifier: BSD-3-Clause
"""Distributions on the whole line or on an interval."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special as sp

from thalweg.stats.distribution import Continuous

__all__ = ["beta", "cauchy", "gumbel_r", "laplace", "logistic", "norm", "t", "uniform", "vonmises"]

LOG_2PI = float(np.log(2 * np.pi))


class _Norm(Continuous):
    """The normal distribution: ``norm.logpdf(x, loc=0, scale=1)``.

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> y = np.array([1.0, 2.0, 4.0])
    >>> def loss(mu, log_sigma):
    ...     return -np.sum(tw.stats.norm.logpdf(y, mu, np.exp(log_sigma)))
    >>> r = tw.minimize(loss, {"mu": 0.0, "log_sigma": 0.0})
    >>> round(float(r.x["mu"]), 6), round(float(np.exp(r.x["log_sigma"])), 6)
    (2.333333, 1.247219)
    """

    def _logpdf(self, x: Any) -> Any:
        return -0.5 * x**2 - 0.5 * LOG_2PI

    def _cdf(self, x: Any) -> Any:
        return sp.ndtr(x)

    def _sf(self, x: Any) -> Any:
        return sp.ndtr(-x)

    def _logcdf(self, x: Any) -> Any:
        return sp.log_ndtr(x)

    def _logsf(self, x: Any) -> Any:
        return sp.log_ndtr(-x)

    def _ppf(self, q: Any) -> Any:
        return sp.ndtri(q)


class _T(Continuous):
    """Student's distribution: ``t.logpdf(x, df, loc=0, scale=1)``."""

    shapes = ("df",)

    def _logpdf(self, x: Any, df: Any) -> Any:
        power = -0.5 * (df + 1.0) * np.log1p(x * (x / df))
        return power - sp.betaln(0.5 * df, 0.5) - 0.5 * np.log(df)

    def _cdf(self, x: Any, df: Any) -> Any:
        return sp.stdtr(df, x)

    def _sf(self, x: Any, df: Any) -> Any:
        return sp.stdtr(df, -x)

    def _ppf(self, q: Any, df: Any) -> Any:
        return sp.stdtrit(df, q)


class _Cauchy(Continuous):
    """Cauchy's distribution: ``cauchy.logpdf(x, loc=0, scale=1)``."""

    def _logpdf(self, x: Any) -> Any:
        return -np.log(np.pi) - np.log1p(x**2)

    def _cdf(self, x: Any) -> Any:
        return np.arctan2(1.0, -x) / np.pi

    def _sf(self, x: Any) -> Any:
        return np.arctan2(1.0, x) / np.pi

    def _ppf(self, q: Any) -> Any:
        return np.tan(np.pi * (q - 0.5))


class _Laplace(Continuous):
    """Laplace's distribution: ``laplace.logpdf(x, loc=0, scale=1)``."""

    def _logpdf(self, x: Any) -> Any:
        return -np.abs(x) - np.log(2.0)

    def _cdf(self, x: Any) -> Any:
        tail = 0.5 * np.exp(-np.abs(x))
        return np.where(x > 0, 1.0 - tail, tail)

    def _sf(self, x: Any) -> Any:
        return self._cdf(-x)

    def _logcdf(self, x: Any) -> Any:
        below = np.where(x > 0, 0.0, x)
        above = np.where(x > 0, x, 0.0)
        return np.where(x > 0, np.log1p(-0.5 * np.exp(-above)), below - np.log(2.0))

    def _logsf(self, x: Any) -> Any:
        return self._logcdf(-x)

    def _ppf(self, q: Any) -> Any:
        return np.where(q > 0.5, -np.log(2.0 * (1.0 - q)), np.log(2.0 * q))


class _Logistic(Continuous):
    """The logistic distribution: ``logistic.logpdf(x, loc=0, scale=1)``."""

    def _logpdf(self, x: Any) -> Any:
        return sp.log_expit(x) + sp.log_expit(-x)

    def _cdf(self, x: Any) -> Any:
        return sp.expit(x)

    def _sf(self, x: Any) -> Any:
        return sp.expit(-x)

    def _logcdf(self, x: Any) -> Any:
        return sp.log_expit(x)

    def _logsf(self, x: Any) -> Any:
        return sp.log_expit(-x)

    def _ppf(self, q: Any) -> Any:
        return sp.logit(q)


class _GumbelR(Continuous):
    """Gumbel's distribution of maxima: ``gumbel_r.logpdf(x, loc=0, scale=1)``."""

    def _logpdf(self, x: Any) -> Any:
        return -x - np.exp(-x)

    def _cdf(self, x: Any) -> Any:
        return np.exp(-np.exp(-x))

    def _sf(self, x: Any) -> Any:
        return -np.expm1(-np.exp(-x))

    def _logcdf(self, x: Any) -> Any:
        return -np.exp(-x)

    def _ppf(self, q: Any) -> Any:
        return -np.log(-np.log(q))


class _Vonmises(Continuous):
    """Von Mises' distribution of angles: ``vonmises.logpdf(x, kappa, loc=0, scale=1)``."""

    shapes = ("kappa",)

    def _valid(self, *shapes: Any) -> Any:
        return shapes[0] >= 0

    def _logpdf(self, x: Any, kappa: Any) -> Any:
        return -2.0 * kappa * np.sin(0.5 * x) ** 2 - LOG_2PI - np.log(sp.i0e(kappa))


class _Uniform(Continuous):
    """The uniform distribution on [loc, loc + scale]: ``uniform.logpdf(x, loc=0, scale=1)``."""

    lower, upper = 0.0, 1.0

    def _logpdf(self, x: Any) -> Any:
        return 0.0 * x

    def _cdf(self, x: Any) -> Any:
        return x

    def _ppf(self, q: Any) -> Any:
        return q


class _Beta(Continuous):
    """The beta distribution: ``beta.logpdf(x, a, b, loc=0, scale=1)``."""

    shapes, lower, upper = ("a", "b"), 0.0, 1.0

    def _logpdf(self, x: Any, a: Any, b: Any) -> Any:
        return sp.xlogy(a - 1.0, x) + sp.xlog1py(b - 1.0, -x) - sp.betaln(a, b)

    def _cdf(self, x: Any, a: Any, b: Any) -> Any:
        return sp.betainc(a, b, x)

    def _sf(self, x: Any, a: Any, b: Any) -> Any:
        return sp.betaincc(a, b, x)

    def _ppf(self, q: Any, a: Any, b: Any) -> Any:
        return sp.betaincinv(a, b, q)


norm = _Norm("norm")
t = _T("t")
cauchy = _Cauchy("cauchy")
laplace = _Laplace("laplace")
logistic = _Logistic("logistic")
gumbel_r = _GumbelR("gumbel_r")
vonmises = _Vonmises("vonmises")
uniform = _Uniform("uniform")
beta = _Beta("beta")
