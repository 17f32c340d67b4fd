# SPDX-License-Identifier: BSD-3-Clause
"""The inputs of the tapes of many fits: named, in one order, for all fits or for each."""

from dataclasses import replace

import numpy as np

from thalweg._fits.slots import Inputs, Layout
from thalweg._tracing.trace import Trace


def test_inputs_of_tapes_go_by_name():
    """Only `Layout.shapes` knows their order; what differs by fit has one axis more."""
    layout = Layout(5, (0, 2), (1,), predictors=2, weights=())
    given = {
        "rows": np.array(5.0), "x": np.zeros((3, 2)), "predictor 1": np.full((3, 5), 1.0),
        "weights": np.array(0.5), "y": np.arange(15.0).reshape(3, 5), "fixed": np.array([7.0]),
        "predictor 0": np.zeros((3, 5)), "f_scale": np.array(1.0),
    }  # fmt: skip
    inputs = Inputs(layout, given)
    names = ["x", "y", "fixed", "predictor 0", "predictor 1", "weights", "f_scale", "rows"]
    assert list(layout.shapes) == names
    assert all(a is given[name] for a, name in zip(inputs.arrays, names, strict=True))
    assert inputs.varying == [True, True, False, True, True, False, False, False]
    assert inputs.predictors[1] is given["predictor 1"]
    own = inputs.taken(np.array([2, 0])).with_arrays(rows=np.array([5.0, 4.0]))
    assert len(own) == 2
    assert own["y"].tolist() == [[10, 11, 12, 13, 14], [0, 1, 2, 3, 4]]
    assert own["fixed"] is given["fixed"]
    assert own.varying[-1]
    traced = layout.traced(Trace())
    assert list(traced) == names
    assert layout.minimized == 6
    assert replace(layout, rho=np.log1p).minimized == 7
