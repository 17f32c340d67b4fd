# SPDX-License-Identifier: BSD-3-Clause
"""Pictures of descents: on their functions, and against the iteration."""

import pickle

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from matplotlib.axes import Axes
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure
from picture_cases import legend, lines, omega, rosen, run, sauna
from scene_cases import descend

import thalweg as tw
from thalweg import plot
from thalweg.plot import descents


def test_history_compares_methods_on_log_scales():
    x0 = np.zeros(3)
    runs = {"L-BFGS": run(rosen, x0, "lbfgs", count=200), "Adam": run(rosen, x0, "adam", 0.05)}
    top = plot.history(runs)
    bottom = top.figure.axes[1]
    assert top.get_yscale() == bottom.get_yscale() == "log"
    assert (top.get_ylabel(), bottom.get_ylabel()) == ("f − min f", "gradient norm")
    assert bottom.get_xlabel() == "iteration"
    assert legend(top) == ["L-BFGS", "Adam"]
    steps, above = lines(top)["Adam"].get_data()
    lowest = min(r.path.fun.min() for r in runs.values())
    np.testing.assert_allclose(above, (runs["Adam"].path.fun - lowest)[steps])
    norms = bottom.get_lines()[1].get_data()
    np.testing.assert_array_equal(norms[1], runs["Adam"].path.grad_norm[norms[0]])


def test_history_counts_from_a_minimum_that_is_known():
    result = run(omega, 1.6)
    ax = plot.history(result, lowest=2.0)
    assert ax.get_ylabel() == "f − 2, gradient norm"
    np.testing.assert_allclose(lines(ax)["f − 2"].get_ydata(), result.path.fun - 2)


def test_history_of_one_axes_has_both():
    ax = Figure().add_subplot()
    plot.history([run(rosen, np.zeros(3), m, 0.01) for m in ("adam", "momentum")], ax=ax)
    assert len(ax.get_lines()) == 4
    assert "gradient norm" in ax.get_ylabel()


def test_history_needs_paths():
    with pytest.raises(ValueError, match=r"path of x: minimize with record=True"):
        plot.history({"x": tw.minimize(omega, 1.6)})
    with pytest.raises(ValueError, match="got none"):
        plot.history([])


# ---- on the function -----------------------------------------------------------------------------


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


def test_points_of_every_form_are_drawn():
    def f(a, b):
        return a**2 + 3 * b**2

    for x0 in ([2.0, 1.0], (2.0, 1.0), {"a": 2.0, "b": 1.0}):
        res = tw.minimize(f, x0, "gradient_descent", learning_rate=0.1, max_iter=9, record=True)
        ax = res.plot()
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("a", "b")
        assert lines(ax)["descent"].get_xydata()[0].tolist() == [2.0, 1.0]


# ---- sizes and scales ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "size"),
    [(1.0, 1), (np.zeros(3), 3), (np.zeros((2, 3)), 6), ((1.0, np.zeros(2)), 3),
     ({"a": np.zeros(2), "b": 1.0}, 3)],
)  # fmt: skip
def test_points_of_every_form_have_a_size(x, size):
    assert descents.size_of(x) == size


def test_values_that_cannot_stand_on_a_log_scale_are_left_out():
    ax = Figure().add_subplot()
    assert descents._log_line(ax, np.array([4.0, 0.0, np.nan, 1.0, np.inf, -2.0]))
    assert ax.get_lines()[0].get_xydata().tolist() == [[0.0, 4.0], [3.0, 1.0]]
    assert ax.get_yscale() == "log"
    bare = Figure().add_subplot()
    assert not descents._log_line(bare, np.array([0.0, np.nan]))
    assert (len(bare.get_lines()), bare.get_yscale()) == (0, "linear")


def test_a_value_that_never_changes_has_a_plain_scale():
    result = tw.minimize(lambda x: np.sum(x * 0) + 3, np.zeros(3), "gradient_descent",
                         learning_rate=0.1, max_iter=4, record=True, gtol=0)  # fmt: skip
    ax = plot.history(result)
    assert (ax.get_yscale(), ax.get_ylabel()) == ("linear", "f")
    assert lines(ax)["f"].get_ydata().tolist() == [3.0] * 5


def test_values_that_are_nowhere_finite_count_from_zero():
    result = descend(lambda x: np.log(x), 1.0, 0.1, 3)
    result.path.fun[:] = np.nan
    ax = plot.history(result, ax=Figure().add_subplot())
    assert ax.get_ylabel() == "f"


def test_bounds_and_names_are_passed_on():
    result = descend(sauna, [0.5, 0.6], 0.25, 5)
    given = Figure().add_subplot()
    ax = plot.descent(sauna, result, bounds=[(0, 5), (0, 4)], names=["a", "b"], ax=given)
    assert ax is given
    assert (ax.get_xlim(), ax.get_ylim()) == ((0, 5), (0, 4))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("a", "b")
