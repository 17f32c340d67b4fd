# SPDX-License-Identifier: BSD-3-Clause
"""The cost of the best constant, traced for many fits, is that of one fit."""

import numpy as np
import pytest

from thalweg._fits.robust import LOSSES, weighted
from thalweg._fits.slots import Inputs, Layout
from thalweg._fits.soundness import flat_cost
from thalweg._fits.tapes import FitTapes

M = 12
Y = np.random.default_rng(0).normal(2.0, 1.0, (70, M))
GAPS = np.where(np.random.default_rng(1).random(Y.shape) < 0.2, np.nan, Y)
WEIGHTS = np.random.default_rng(2).uniform(0.5, 2.0, Y.shape)


def costs(y, *, missing=False, weights=None, **how):
    """Return the costs of constants by the tapes of a model of one parameter."""
    shape = None if weights is None else weights.shape[-1:] if weights.ndim else ()
    layout = Layout(M, (0,), weights=shape, **how)

    def values(trace, predictors, parameters):
        return parameters[0] * np.ones(M)

    arrays = {"x": np.ones((len(y), 1)), "y": y, "f_scale": np.array(0.5), "rows": np.array(1.0)}
    if weights is not None:
        arrays["weights"] = weights
    return FitTapes(values, layout, missing, [], False).flat(Inputs(layout, arrays), 1)


@pytest.mark.parametrize("loss", [None, "soft_l1"])
@pytest.mark.parametrize("weights", [None, np.array(3.0), WEIGHTS[0], WEIGHTS])
@pytest.mark.parametrize("missing", [False, True])
def test_costs_of_constants_are_those_of_one_fit(missing, weights, loss):
    y = GAPS if missing else Y
    rho = None if loss is None else LOSSES[loss]
    got = costs(y, missing=missing, weights=weights, rho=rho)
    each = np.broadcast_to(1.0 if weights is None else weights, y.shape)
    for i, row in enumerate(y):
        kept = ~np.isnan(row) if missing else None
        own = None if rho is None else lambda r: weighted(rho, r, 0.5)[0]
        assert got[i] == pytest.approx(flat_cost(row, each[i], kept, own), rel=1e-12)


def test_a_constant_is_no_rival_where_data_do_not_vary():
    y = Y.copy()
    y[0], y[1, 3], y[2] = 5.0, np.inf, 0.0
    got = costs(y)
    assert np.isinf(got[:3]).all()
    assert np.isfinite(got[3:]).all()


@pytest.mark.parametrize("missing", [False, True])
def test_deviances_of_constants_are_those_of_their_mean(missing):
    y = np.random.default_rng(3).poisson(4.0, Y.shape).astype(float)
    y[0] = 3.0
    if missing:
        y[1, 2:5] = np.nan
    got = costs(y, missing=missing, poisson=True)
    assert np.isinf(got[0])
    for i in range(1, len(y)):
        row = y[i][~np.isnan(y[i])]
        some = row[row > 0]
        deviance = np.sum(some * np.log(some / row.mean()))
        assert got[i] == pytest.approx(deviance, rel=1e-5)
