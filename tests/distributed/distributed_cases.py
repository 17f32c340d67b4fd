# SPDX-License-Identifier: BSD-3-Clause
"""Data of decays with gaps, and the comparison of fits, for the tests of this room."""

import numpy as np

T = np.linspace(0.0, 4.0, 24)
RNG = np.random.default_rng(7)
K = 2100
TRUE = np.column_stack([RNG.uniform(1, 3, K), RNG.uniform(0.5, 2, K), RNG.uniform(0, 0.5, K)])


def decay(t, a, b, c):
    return a * np.exp(-b * t) + c


Y = decay(T, *TRUE.T[:, :, None]) + 0.02 * RNG.standard_normal((K, T.size))
Y[5, 3] = Y[1234, :4] = np.nan
Y[17] = np.nan
P0 = [1.0, 1.0, 0.0]


def assert_same(got, wanted):
    """Every array of the fits, and what messages are made of, has the same bits."""
    for name in wanted._arrays:
        assert got._arrays[name].dtype == wanted._arrays[name].dtype
        assert np.array_equal(got._arrays[name], wanted._arrays[name], equal_nan=True), name
    for name in set(wanted._own) - {"lane"}:
        assert np.array_equal(got._own[name], wanted._own[name], equal_nan=True), name
    assert got.names == wanted.names
    assert got.shape == wanted.shape
