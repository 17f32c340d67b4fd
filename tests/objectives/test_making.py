# SPDX-License-Identifier: BSD-3-Clause
"""Objectives are made: by a call, by the decorator, and at the door of what takes functions too."""

import numpy as np
import pytest

import thalweg as tw
from thalweg._objectives.making import objective_of


def test_objective_is_a_decorator():
    @tw.objective(x0=[1.0, 1.0])
    def f(x, y):
        return x**2 * y

    assert isinstance(f, tw.Objective)
    assert f(2.0, 3.0) == 12.0
    assert f.n == 2
    assert "f: 2 variables" in repr(f)

    @tw.objective(x0=1.0, args=(3.0,))
    def g(x, a):
        return a * x

    assert g(2.0) == 6.0


def test_decorator_needs_x0():
    with pytest.raises(TypeError, match="needs x0"):

        @tw.objective
        def f(x):
            return x


def test_an_objective_is_taken_as_it_is_or_with_other_args():
    F = tw.objective(lambda x, a: a * x**2, 1.0, args=(3.0,))
    assert objective_of(F, None, (), None) is F
    assert objective_of(F, None, (2.0,), None)(3.0) == 18.0
    assert objective_of(F, None, 2.0, None)(3.0) == 18.0
    assert objective_of(lambda x: x + 1, 1.0, (), None)(3.0) == 4.0


def test_what_is_fixed_and_what_has_several_values_is_refused():
    F = tw.objective(lambda x: x**2, 1.0)
    with pytest.raises(TypeError, match="unpack= was fixed when the objective was traced"):
        objective_of(F, None, (), True)
    with pytest.raises(ValueError, match=r"must return one value, got shape \(2,\)"):
        objective_of(lambda x: np.stack([x, x]), 1.0, (), None)
