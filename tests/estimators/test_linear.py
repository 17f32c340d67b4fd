# SPDX-License-Identifier: BSD-3-Clause
"""The objective of linear models is the same whatever features it is scaled by."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="estimators need scikit-learn")
from thalweg.estimators.linear import Linear, loss_named, positive


def test_the_value_is_the_penalized_mean_of_the_features_as_given():
    rng = np.random.default_rng(1)
    X, y, b, c = rng.normal(size=(30, 3)), rng.normal(size=30), rng.normal(size=3), 0.7
    w = np.full(30, 1 / 30)
    model = Linear(loss_named("squared"), X, y, (), True)
    mean, scale = model.units(w, 0.3)
    coef, intercept = model.original({"b": b, "c": c}, mean, scale)
    value = model.value()(b, c, X, y, w, 0.3, mean, scale, 2.0)
    expected = 2 * (np.mean((X @ coef + intercept - y) ** 2) + 0.15 * np.sum(coef**2))
    assert value == pytest.approx(expected, rel=1e-12)  # rounding of a sum of 30 rows


def test_a_constant_feature_has_a_scale():
    X = np.column_stack([np.full(9, 1e6), np.arange(9.0)])
    scale = Linear(loss_named("squared"), X, X[:, 1], (), True).units(np.full(9, 1 / 9), 0.0)[1]
    assert scale[0] == 1.0
    assert scale[1] == pytest.approx(np.std(X[:, 1]), rel=1e-12)  # rounding


def test_a_penalty_that_is_no_number_is_named():
    with pytest.raises(TypeError, match="alpha must be a number >= 0, got 'a'"):
        positive("a", "alpha")
