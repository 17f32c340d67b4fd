# SPDX-License-Identifier: BSD-3-Clause
"""Covariances and correlations: values and slopes against NumPy's."""

import numpy as np
import pytest
from traced_values import check_slope

import thalweg as tw

X = np.random.default_rng(0).normal(size=(3, 7))


@pytest.mark.parametrize(
    "f",
    [
        np.cov,
        lambda x: np.cov(x, bias=True),
        lambda x: np.cov(x, ddof=2),
        lambda x: np.cov(x, rowvar=False),
        lambda x: np.cov(x[0]),
        lambda x: np.cov(x[0], x[1]),
        lambda x: np.cov(x, fweights=[1, 2, 1, 3, 1, 1, 2]),
        lambda x: np.cov(x, aweights=np.linspace(0.5, 2.0, 7)),
        lambda x: np.cov(x, fweights=[1, 2, 1, 3, 1, 1, 2], aweights=np.linspace(0.5, 2.0, 7)),
        lambda x: np.cov(x, fweights=[1, 2, 1, 3, 1, 1, 2], ddof=0),
        np.corrcoef,
        lambda x: np.corrcoef([x[0], x[1]]),
        lambda x: np.cov([x[0], x[1], x[0] * x[2]]),
        lambda x: np.cov(x[0], [x[1], x[2]]),
        lambda x: np.corrcoef(x[0], x[2])[0, 1],
    ],
)
def test_values_and_slopes(f):
    check_slope(f, X, rtol=1e-7)


def test_traced_weights_are_refused():
    with pytest.raises(tw.TraceError, match="they must be constants"):
        tw.objective(lambda w: np.sum(np.cov(X, aweights=w)), np.ones(7))
