# SPDX-License-Identifier: BSD-3-Clause
"""Distributions of tw.stats at the edges: continuous."""

import numpy as np
import pytest

import thalweg as tw


def test_far_tails_keep_their_digits():
    assert tw.stats.norm.logcdf(-40.0) == pytest.approx(-804.6084420137538, rel=1e-14)
    assert tw.stats.cauchy.cdf(-1e10) == pytest.approx(1e-10 / np.pi, rel=1e-12)
    assert tw.stats.laplace.logcdf(900.0) == 0
    assert tw.stats.logistic.logsf(800.0) == -800
    for f in (tw.stats.laplace.logcdf, tw.stats.logistic.logpdf, tw.stats.t.cdf):
        F = tw.objective(lambda x, f=f: f(x, 4.0), 1.0)
        assert np.isfinite(F.grad(np.array([-900.0, 0.0, 4.0, 900.0]))).all()
