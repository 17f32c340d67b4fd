# SPDX-License-Identifier: BSD-3-Clause
"""Compute densities and distribution functions: of numbers, arrays or traced values.

The distributions of `scipy.stats` under the same names, with the same parameters and values:
``tw.stats.norm.logpdf(x, loc=mu, scale=sigma)``. SciPy's own check the numbers that they are given
and so cannot be traced.
"""

from __future__ import annotations

from thalweg.stats.continuous import (
    beta,
    cauchy,
    gumbel_r,
    laplace,
    logistic,
    norm,
    t,
    uniform,
    vonmises,
)
from thalweg.stats.discrete import binom, nbinom, poisson
from thalweg.stats.multivariate import multivariate_normal
from thalweg.stats.positive import (
    chi2,
    expon,
    f,
    gamma,
    halfnorm,
    invgamma,
    lognorm,
    pareto,
    rayleigh,
    weibull_min,
)

__all__ = [
    "beta", "binom", "cauchy", "chi2", "expon", "f", "gamma", "gumbel_r", "halfnorm", "invgamma",
    "laplace", "logistic", "lognorm",
    "multivariate_normal", "nbinom", "norm", "pareto", "poisson", "rayleigh", "t",
    "uniform", "vonmises", "weibull_min",
]  # fmt: skip
