# SPDX-License-Identifier: BSD-3-Clause
"""The triangles of sets, from the tapes of their model."""

import numpy as np
from together_cases import NOISE, T, decay, decays

from thalweg._fits.slots import Inputs, Layout
from thalweg._together.arrow_tapes import ArrowTapes
from thalweg._together.triangles import unpacked


def test_triangle_is_that_of_the_weighted_jacobian_in_the_given_order():
    layout = Layout(T.size, (0, 1, 2, 3), weights=())
    tapes = ArrowTapes([1, 0, 3, 2], lambda *given: decay(T, *given[-1]), layout, False, [], True)
    y = decays(5)
    x = np.tile([1.5, 2.0, 0.8, 5.0], (5, 1))
    inputs = Inputs(layout, {
        "x": x, "y": y, "weights": np.array(1 / NOISE), "f_scale": np.array(1.0),
        "rows": np.array(float(T.size)),
    })  # fmt: skip
    cost, triangles = tapes.triangles(inputs, 1)
    a, b, t1, t2 = x[0]
    first, second = np.exp(-T / t1), np.exp(-T / t2)
    columns = [second, first, b * second * T / t2**2, a * first * T / t1**2]
    for i in range(5):
        r = decay(T, *x[i]) - y[i]
        whole = np.column_stack([*columns, r]) / NOISE
        triangle = unpacked(triangles[i])
        want = whole.T @ whole
        # J'J from R is as accurate as rounding allows.
        assert np.abs(triangle.T @ triangle - want).max() < 1e-13 * want.max()
        assert np.isclose(cost[i], 0.5 * want[-1, -1], rtol=1e-13)
