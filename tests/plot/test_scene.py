# SPDX-License-Identifier: BSD-3-Clause
"""Pictures: what is in them (lines, labels, limits), not their pixels.

The descents here are written in NumPy, so that only the pictures are on trial.
"""

import math
import sys

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from matplotlib.collections import PathCollection, QuadMesh
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure
from picture_cases import lines, omega, sauna
from scene_cases import descend

import thalweg as tw
from thalweg import plot
from thalweg._results.reasons import Reason
from thalweg.plot import scene


def test_axes_carry_the_functions_own_names():
    ax = descend(lambda rate: rate**2, 1.6, 0.1, 5).plot()
    assert ax.get_xlabel() == "rate"
    assert ax.get_ylabel() == "f(rate)"
    ax = descend(lambda humidity, heat: sauna(humidity, heat), [0.5, 0.6], 0.25, 5).plot()
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("humidity", "heat")


def test_names_given_win():
    ax = descend(omega, 1.6, 0.1, 5).plot(names=["t"])
    assert ax.get_xlabel() == "t"


def test_one_array_of_two_has_its_entries_named():
    ax = descend(lambda v: v[0] ** 2 + 3 * v[1] ** 2, [2.0, 1.0], 0.1, 5).plot()
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("v[0]", "v[1]")


def test_outside_the_domain_is_a_gap_without_a_warning():
    res = descend(omega, 1.6, 0.5, 25)
    assert res.reason is Reason.left_domain
    ax = res.plot()
    x, y = lines(ax)["f(x)"].get_data()
    assert np.isnan(y[x < 0]).all()
    assert (x < 0).any()
    assert np.isfinite(y[x > 0]).all()
    assert lines(ax)["no value"].get_xdata()[0] == res.last.x


def test_an_infinite_value_is_a_gap_too():
    ax = descend(lambda x: x - np.log(x), 3.0, 0.1, 5).plot(bounds=(0, 4))
    x, y = lines(ax)["f(x)"].get_data()
    assert x[0] == 0
    assert np.isnan(y[0])
    assert np.isfinite(y[1:]).all()


def test_a_flat_function_has_no_contours_and_no_warning():
    res = descend(lambda x, y: 0 * x + 0 * y + 3, [1.0, 2.0], 0.1, 3)
    ax = res.plot()
    assert not [c for c in ax.collections if isinstance(c, ContourSet | QuadMesh | PathCollection)]
    assert lines(ax)["start"].get_xydata().tolist() == [[1, 2]]


def test_two_variables_outside_the_domain_stay_blank():
    res = descend(lambda x, y: np.log(x) ** 2 + np.log(y) ** 2, [0.2, 0.3], 0.01, 50)
    ax = res.plot(bounds=[(-1, 2), (-1, 2)])
    assert ax.get_xlim() == (-1, 2)
    assert any(isinstance(c, ContourSet) for c in ax.collections)
    ax.figure.savefig("/dev/null", format="png")  # draws everything; warnings are errors


def test_ax_is_used_and_pyplot_left_alone():
    pyplot_was_there = "matplotlib.pyplot" in sys.modules
    given = Figure().add_subplot()
    res = descend(omega, 1.6, 0.1, 5)
    assert res.plot(ax=given) is given
    assert ("matplotlib.pyplot" in sys.modules) == pyplot_was_there


def test_labels_of_arrays_carry_positions():
    F = tw.objective(lambda a, b: a**2 + np.sum(b), {"a": 1.0, "b": np.ones(2)})
    assert scene.labels(F, None) == ["a", "b[0]", "b[1]"]
    F = tw.objective(lambda w: np.sum(w), np.ones((1, 2)))
    assert scene.labels(F, None) == ["w[0, 0]", "w[0, 1]"]
    assert scene.labels(F, ["p", "q"]) == ["p", "q"]


def test_a_function_that_cannot_be_traced_is_drawn_too():
    def f(x):
        return math.exp(x) - math.log(x)  # raises outside its domain

    res = tw.minimize(
        f, 1.6, "gradient_descent", learning_rate=0.1, max_iter=9, record=True, trace=False
    )
    x, y = lines(res.plot(bounds=(-1, 2)))["f(x)"].get_data()
    np.testing.assert_allclose(y[x > 0], omega(x[x > 0]))
    assert np.isnan(y[x <= 0]).all()
    assert plot.descent(f, res).get_ylabel().startswith("f(")
