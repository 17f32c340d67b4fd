# SPDX-License-Identifier: BSD-3-Clause
"""Running sums and products, differences and integrals: values and slopes against NumPy's."""

import numpy as np
import pytest
from traced_values import check_slope

import thalweg as tw

X = np.random.default_rng(0).normal(size=(3, 4)) + 2.0


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.cumulative_sum(x[0]),
        lambda x: np.cumulative_sum(x, axis=1),
        lambda x: np.cumulative_sum(x, axis=0, include_initial=True),
        lambda x: np.cumulative_prod(x, axis=-1, include_initial=True),
        lambda x: np.cumulative_prod(x[:, 0]),
        np.ediff1d,
        lambda x: np.ediff1d(x[0], to_begin=[1.0, 2.0], to_end=x[1]),
        lambda x: np.cumsum(x, axis=0),
        np.cumprod,
        lambda x: np.diff(x, 2, axis=1),
        lambda x: np.diff(x, axis=0, prepend=0.0, append=x[:1]),
        lambda x: np.trapezoid(x, dx=0.5),
        lambda x: np.trapezoid(x, x[0], axis=1),
    ],
)
def test_values_and_slopes(f):
    check_slope(f, X)


def test_several_axes_need_one():
    with pytest.raises(ValueError, match="``axis`` argument is required"):
        tw.objective(lambda x: np.sum(np.cumulative_sum(x)), X)
