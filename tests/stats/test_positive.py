# SPDX-License-Identifier: BSD-3-Clause
"""Distributions of tw.stats at the edges: positive."""

import numpy as np
import pytest

import thalweg as tw


def test_borders_of_the_support():
    assert tw.stats.gamma.logpdf(0.0, 1.0) == 0
    assert tw.stats.gamma.pdf(0.0, 0.5) == np.inf
    assert tw.stats.lognorm.cdf(0.0, 1.0) == 0
    assert tw.stats.invgamma.sf(0.0, 2.0) == 1
    assert tw.stats.expon.logsf(3.0) == -3
    F = tw.objective(lambda x: tw.stats.invgamma.cdf(x, 2.0), 1.0)
    assert F.grad(0.0) == pytest.approx(0.0)
