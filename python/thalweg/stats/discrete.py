# SPDX-License-Identifier: BSD-3-Clause
"""Distributions of whole numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special as sp

from thalweg.stats.distribution import Discrete

__all__ = ["binom", "nbinom", "poisson"]


class _Poisson(Discrete):
    """Poisson's distribution: ``poisson.logpmf(k, mu, loc=0)``."""

    shapes = ("mu",)

    def _valid(self, *shapes: Any) -> Any:
        return shapes[0] >= 0

    def _logpmf(self, k: Any, mu: Any) -> Any:
        return sp.xlogy(k, mu) - sp.gammaln(k + 1.0) - mu

    def _cdf(self, k: Any, mu: Any) -> Any:
        return sp.gammaincc(np.floor(k) + 1.0, mu)

    def _sf(self, k: Any, mu: Any) -> Any:
        return sp.gammainc(np.floor(k) + 1.0, mu)


class _Binom(Discrete):
    """The binomial distribution: ``binom.logpmf(k, n, p, loc=0)``."""

    shapes = ("n", "p")

    def _valid(self, *shapes: Any) -> Any:
        n, p = shapes
        return (n >= 0) & (n == np.floor(n)) & (p >= 0) & (p <= 1)

    def _logpmf(self, k: Any, n: Any, p: Any) -> Any:
        inside = k <= n
        k = np.where(inside, k, 0.0)
        ways = -np.log1p(n) - sp.betaln(n - k + 1.0, k + 1.0)
        return np.where(inside, ways + sp.xlogy(k, p) + sp.xlog1py(n - k, -p), -np.inf)

    def _tail(self, of: Any, last: float, k: Any, n: Any, p: Any) -> Any:
        k = np.floor(k)
        inside = k < n
        return np.where(
            inside, of(np.where(inside, k, 0.0) + 1.0, np.where(inside, n - k, 1.0), p), last
        )

    def _cdf(self, k: Any, n: Any, p: Any) -> Any:
        return self._tail(sp.betaincc, 1.0, k, n, p)

    def _sf(self, k: Any, n: Any, p: Any) -> Any:
        return self._tail(sp.betainc, 0.0, k, n, p)


class _Nbinom(Discrete):
    """The negative binomial distribution: ``nbinom.logpmf(k, n, p, loc=0)``."""

    shapes = ("n", "p")

    def _valid(self, *shapes: Any) -> Any:
        n, p = shapes
        return (n > 0) & (p > 0) & (p <= 1)

    def _logpmf(self, k: Any, n: Any, p: Any) -> Any:
        ways = -np.log(n + k) - sp.betaln(n, k + 1.0)
        return ways + n * np.log(p) + sp.xlog1py(k, -p)

    def _cdf(self, k: Any, n: Any, p: Any) -> Any:
        return sp.betainc(n, np.floor(k) + 1.0, p)

    def _sf(self, k: Any, n: Any, p: Any) -> Any:
        return sp.betaincc(n, np.floor(k) + 1.0, p)


poisson = _Poisson("poisson")
binom = _Binom("binom")
nbinom = _Nbinom("nbinom")
