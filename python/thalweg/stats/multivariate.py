# SPDX-License-Identifier: BSD-3-Clause
"""Distributions of vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from thalweg.stats.distribution import number

__all__ = ["multivariate_normal"]


class _MultivariateNormal:
    """The normal distribution of vectors: ``multivariate_normal.logpdf(x, mean=None, cov=1)``.

    The covariance is a positive definite matrix. Where it is not, the value is NaN.
    """

    def __repr__(self) -> str:
        return "tw.stats.multivariate_normal"

    def logpdf(self, x: Any, mean: Any = None, cov: Any = 1.0) -> Any:
        """Return the logarithm of the density of each vector along the last axis."""
        x, cov = number(x), number(cov)
        n = cov.shape[0] if np.ndim(cov) else x.shape[-1] if np.ndim(x) else 1
        if np.ndim(cov) < 2:  # the variances, or one for all, as in SciPy
            cov = np.eye(n) * cov
        x = x if n > 1 or (np.ndim(x) and x.shape[-1] == 1) else x[..., None]
        d = x if mean is None else x - number(mean)
        root = np.linalg.cholesky(cov)
        z = np.linalg.solve(root, d.reshape(-1, n).T)
        log_determinant = np.sum(np.log(np.diagonal(root)))
        value = -0.5 * np.sum(z**2, axis=0) - log_determinant - 0.5 * n * np.log(2 * np.pi)
        return value.reshape(d.shape[:-1])

    def pdf(self, x: Any, mean: Any = None, cov: Any = 1.0) -> Any:
        """Return the density of each vector along the last axis."""
        return np.exp(self.logpdf(x, mean, cov))


multivariate_normal = _MultivariateNormal()
