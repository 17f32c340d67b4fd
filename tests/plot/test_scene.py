# SPDX-License-Identifier: BSD-3-Clause
"""Pictures: what is in them (lines, labels, limits), not their pixels.

The descents here are written in NumPy, so that only the pictures are on trial.
"""

import math
import pickle
import sys

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from matplotlib.axes import Axes
from matplotlib.collections import PathCollection, QuadMesh
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure

import thalweg as tw
from thalweg import plot
from thalweg._results.reasons import STATUS_MINIMIZE, Reason
from thalweg._results.result import LastPoint, Path, Result
from thalweg.plot import scene, view


def descend(f, x0, rate, steps, record=True):
    """Gradient descent by differences, ended where a value is not finite."""
    xs, fs, gs = [np.array(x0, dtype=float)], [], []
    objective = tw.objective(f, xs[0])
    call = f if objective.structure.form == "whole" else (lambda x: f(*x))
    reason = Reason.max_iterations
    with np.errstate(all="ignore"):
        for k in range(steps + 1):
            x = xs[-1]
            h = 1e-6
            shifts = h * np.eye(x.size).reshape(x.size, *x.shape)
            g = np.array([(call(x + s) - call(x - s)) / (2 * h) for s in shifts]).reshape(x.shape)
            fs.append(float(call(x)))
            gs.append(float(np.max(np.abs(g))))
            if not np.isfinite(fs[-1]):
                reason = Reason.left_domain
                break
            if k < steps:
                xs.append(x - rate * g)
    fs, xs = np.array(fs), np.array(xs)
    best = int(np.nanargmin(np.where(np.isfinite(fs), fs, np.nan)))
    point = float if xs.ndim == 1 else np.array
    return Result(
        x=point(xs[best]), fun=fs[best], jac=point(0 * xs[best]), nit=len(fs) - 1, nfev=len(fs),
        njev=len(fs), nhev=0, success=reason.success, status=STATUS_MINIMIZE[reason],
        message=f"stopped: {reason}", reason=reason,
        last=LastPoint(point(xs[-1]), fs[-1], point(0 * xs[-1])),
        path=Path(xs, fs, np.array(gs)) if record else None,
        _objective=objective,
    )  # fmt: skip


def omega(x):
    return np.exp(x) - np.log(x)


def sauna(x, y):
    return 85 - x**2 * (x - 6) * y**2 * (y - 6) / 90


def wells(x, y):
    near = 10 / (3 + 3 * (x - 0.5) ** 2 + 3 * (y - 0.5) ** 2)
    near = near + 2 / (1 + 2 * (x - 3) ** 2 + 2 * (y - 1.5) ** 2)
    return 10 - (near + 3 / (1 + 0.5 * (x - 3.5) ** 2 + 0.5 * (y - 4) ** 2))


def lines(ax):
    return {line.get_label(): line for line in ax.get_lines()}


def test_one_variable_shows_the_function_and_each_point():
    res = descend(omega, 1.6, 0.1, 25)
    ax = res.plot()
    assert isinstance(ax, Axes)
    drawn = lines(ax)
    x, y = drawn["f(x)"].get_data()
    np.testing.assert_allclose(y, omega(x))
    np.testing.assert_array_equal(drawn["descent"].get_xdata(), res.path.x)
    np.testing.assert_array_equal(drawn["descent"].get_ydata(), res.path.fun)
    assert drawn["start"].get_xdata() == [1.6]
    assert drawn["best"].get_xdata() == [res.x]
    low, high = ax.get_xlim()
    assert low < res.path.x.min() < res.path.x.max() < high
    assert ax.get_ylim()[0] < res.fun < res.path.fun[0] < ax.get_ylim()[1]


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


def test_a_pole_does_not_flatten_the_curve():
    res = descend(lambda x: 1 / x + x, 3.0, 0.1, 40)
    ax = res.plot(bounds=(1e-9, 4))
    assert ax.get_ylim()[1] < 10
    assert ax.get_ylim()[0] < 2


def test_an_infinite_value_is_a_gap_too():
    ax = descend(lambda x: x - np.log(x), 3.0, 0.1, 5).plot(bounds=(0, 4))
    x, y = lines(ax)["f(x)"].get_data()
    assert x[0] == 0
    assert np.isnan(y[0])
    assert np.isfinite(y[1:]).all()


def test_points_that_fly_off_do_not_set_the_window():
    res = descend(lambda x: x**2, 1.0, 1.6, 60)
    assert np.abs(res.path.x).max() > 1e10
    low, high = res.plot().get_xlim()
    assert -100 < low < 1 < high < 100


def test_two_variables_show_contours_path_and_ends():
    res = descend(sauna, [0.5, 0.6], 0.25, 30)
    ax = res.plot()
    filled = [c for c in ax.collections if isinstance(c, ContourSet)]
    assert len(filled) == 2  # filled and lines
    drawn = lines(ax)
    np.testing.assert_array_equal(drawn["descent"].get_xydata(), res.path.x)
    np.testing.assert_array_equal(drawn["start"].get_xydata(), [[0.5, 0.6]])
    np.testing.assert_allclose(drawn["best"].get_xydata(), [[4, 4]], atol=1e-3)
    (low_x, high_x), (low_y, high_y) = ax.get_xlim(), ax.get_ylim()
    assert low_x < 0.5 < 4 < high_x
    assert low_y < 0.6 < 4 < high_y
    bar = ax.figure.axes[1]
    assert bar.get_ylabel() == "f(x, y)"


def test_levels_crowd_towards_the_minimum_of_a_steep_function():
    steep = view.levels_of(np.geomspace(1e-3, 1e6, 500))
    assert len(steep) > 10
    assert np.all(np.diff(steep) > 0)
    assert steep[1] - steep[0] < 0.01 * (steep[-1] - steep[-2])
    even = view.levels_of(np.linspace(-1, 1, 500))
    np.testing.assert_allclose(np.diff(even), even[1] - even[0])


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


def test_more_variables_show_value_against_iteration_on_a_log_scale():
    def f(x):
        return np.sum(np.arange(1.0, 6.0) * x**2)

    res = descend(f, np.ones(5), 0.05, 60)
    ax = res.plot()
    assert ax.get_yscale() == "log"
    assert ax.get_xlabel() == "iteration"
    steps, above = lines(ax)["f − min f"].get_data()
    assert steps[0] == 0
    assert np.all(above > 0)
    np.testing.assert_allclose(above, (res.path.fun - res.fun)[steps])
    assert "gradient norm" in lines(ax)


def test_ax_is_used_and_pyplot_left_alone():
    pyplot_was_there = "matplotlib.pyplot" in sys.modules
    given = Figure().add_subplot()
    res = descend(omega, 1.6, 0.1, 5)
    assert res.plot(ax=given) is given
    assert ("matplotlib.pyplot" in sys.modules) == pyplot_was_there


def test_title_tells_value_iterations_and_reason():
    title = descend(omega, 1.6, 0.1, 25).plot().get_title()
    assert "25 iterations" in title
    assert "max iterations" in title
    assert "2.33" in title


def test_without_a_path_the_best_point_is_shown():
    res = descend(omega, 1.6, 0.1, 25, record=False)
    drawn = lines(res.plot())
    assert "best" in drawn
    assert "descent" not in drawn


def test_many_variables_without_a_path_are_refused():
    def f(x):
        return np.sum(x**2)

    res = descend(f, np.ones(5), 0.1, 5, record=False)
    with pytest.raises(ValueError, match="record=True"):
        res.plot()


def test_an_unpickled_result_says_what_it_lacks():
    res = descend(omega, 1.6, 0.1, 5)
    again = pickle.loads(pickle.dumps(res))
    with pytest.raises(ValueError, match=r"thalweg\.plot\.descent"):
        again.plot()
    assert plot.descent(res._objective, again).get_xlabel() == "x"


def test_a_box_that_does_not_fit_is_refused():
    res = descend(sauna, [0.5, 0.6], 0.25, 5)
    with pytest.raises(ValueError, match=r"bounds must have shape \(2, 2\)"):
        res.plot(bounds=(0, 1))
    with pytest.raises(ValueError, match="finite pairs"):
        res.plot(bounds=[(0, 1), (3, 2)])


def test_long_paths_keep_start_and_end():
    points = np.arange(100_000.0)[:, None]
    thin = view.thinned(points)
    assert len(thin) <= 2000
    assert thin[0] == 0
    assert thin[-1] == 99_999


def test_points_of_every_form_are_drawn():
    def f(a, b):
        return a**2 + 3 * b**2

    for x0 in ([2.0, 1.0], (2.0, 1.0), {"a": 2.0, "b": 1.0}):
        res = tw.minimize(f, x0, "gradient_descent", learning_rate=0.1, max_iter=9, record=True)
        ax = res.plot()
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("a", "b")
        assert lines(ax)["descent"].get_xydata()[0].tolist() == [2.0, 1.0]


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
