# SPDX-License-Identifier: BSD-3-Clause
"""Pictures of functions as curves, contours, fields and slices: what is in them."""

import sys

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from matplotlib.figure import Figure
from matplotlib.quiver import Quiver
from picture_cases import BOX, bowl, legend, lines, marked, omega, rendered, rosen, run, sauna

import thalweg as tw
from thalweg import plot

# ---- every function ------------------------------------------------------------------------------


DRAWN = {
    "curve": lambda ax: plot.curve(omega, bounds=(0.1, 2), ax=ax),
    "contours": lambda ax: plot.contours(sauna, bounds=BOX, ax=ax),
    "field": lambda ax: plot.field(sauna, bounds=BOX, ax=ax),
    "tangent": lambda ax: plot.tangent(omega, 0.5, ax=ax),
    "slices": lambda ax: plot.slices(bowl, {"y": [0, 1]}, bounds=(-1, 1), ax=ax),
    "history": lambda ax: plot.history(run(rosen, np.zeros(3), "lbfgs"), ax=ax),
    "descent": lambda ax: plot.descent(omega, run(omega, 1.6), ax=ax),
    "fit": lambda ax: plot.fit(lambda x, a: a * x, [1.0, 2], [1.0, 2.1], [1.02], ax=ax),
}


@pytest.mark.parametrize("name", DRAWN)
def test_ax_is_used_and_pyplot_left_alone(name):
    pyplot_was_there = "matplotlib.pyplot" in sys.modules
    given = Figure().add_subplot()
    assert DRAWN[name](given) is given
    own = DRAWN[name](None)
    assert own is not given
    assert own.get_xlabel() == given.get_xlabel() or name == "fit"
    rendered(own)
    assert ("matplotlib.pyplot" in sys.modules) == pyplot_was_there


@pytest.mark.parametrize(
    "name", ["plot", "plot.surfaces", "plot.many", "plot.fits", "plot.animation", "plot.exploring"]
)
def test_importing_pictures_does_not_import_matplotlib(name):
    import subprocess

    code = f"import sys, thalweg.{name}; sys.exit('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", DRAWN)
def test_a_missing_matplotlib_is_asked_for_by_name(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r'pip install "thalweg\[plot\]"'):
        DRAWN[name](None)


def test_a_picture_without_box_and_result_says_what_it_needs():
    for draw in (plot.curve, plot.contours, plot.surface, plot.field):
        with pytest.raises(ValueError, match="needs bounds"):
            draw(bowl)


def test_a_function_of_more_variables_is_told_of_slices():
    with pytest.raises(ValueError, match=r"two variables, got 3.*slice\(name=value\)"):
        plot.contours(lambda x, y, z: x + y + z, bounds=[(0, 1)] * 3)
    with pytest.raises(ValueError, match=r"one variable, got 2"):
        plot.curve(bowl, bounds=BOX)


# ---- one variable --------------------------------------------------------------------------------


def test_several_descents_on_a_curve_are_named_and_all_there():
    runs = {f"rate {r}": run(omega, 1.6, rate=r) for r in (0.04, 0.3)}
    ax = plot.curve(omega, runs, bounds=(0.1, 2))
    drawn = lines(ax)
    for name, result in runs.items():
        np.testing.assert_array_equal(drawn[name].get_xdata(), result.path.x)
        np.testing.assert_array_equal(drawn[name].get_ydata(), result.path.fun)
    assert legend(ax) == ["f(x)", "rate 0.04", "rate 0.3", "start", "best"]
    assert ax.get_xlim() == (0.1, 2)
    rendered(ax)


def test_results_are_named_by_their_methods():
    runs = [run(sauna, [0.5, 0.6], m, rate=0.1) for m in ("gradient_descent", "adam")]
    assert legend(plot.contours(None, runs))[:2] == ["gradient descent", "adam"]
    twice = [run(sauna, [0.5, 0.6], rate=r) for r in (0.1, 0.2)]
    assert legend(plot.contours(None, twice))[:2] == ["gradient descent 1", "gradient descent 2"]


def test_slices_hold_the_others_where_they_are_put():
    ax = plot.slices(sauna, {"y": [1, 2, 4]}, bounds=(0, 5))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x", "f(x, y)")
    for line, y in zip(ax.get_lines(), (1, 2, 4), strict=True):
        assert line.get_label() == f"y = {y}"
        np.testing.assert_allclose(line.get_ydata(), sauna(line.get_xdata(), y), rtol=1e-13)
    colors = [line.get_color() for line in ax.get_lines()]
    assert len(set(colors)) == 3


def test_slices_of_three_variables_go_together():
    ax = plot.slices(lambda a, b, c: a + 10 * b + 100 * c, {"a": [1, 2], "c": 3}, bounds=(0, 1))
    assert ax.get_xlabel() == "b"
    assert [line.get_label() for line in ax.get_lines()] == ["a = 1, c = 3", "a = 2, c = 3"]
    assert ax.get_lines()[1].get_ydata()[0] == 302


def test_slices_of_an_array_go_by_its_entries():
    F = tw.objective(lambda v: v @ v, np.ones(3))
    ax = plot.slices(F, {"v[0]": 1.0, "v[2]": [0.0, 2.0]}, bounds=(-1, 1))
    assert ax.get_xlabel() == "v[1]"
    assert ax.get_lines()[1].get_label() == "v[0] = 1, v[2] = 2"


def test_slices_that_hold_too_few_or_unknown_variables_are_refused():
    with pytest.raises(ValueError, match="fixed must name all but one of x, y; got none"):
        plot.slices(bowl, {}, bounds=(0, 1))
    with pytest.raises(ValueError, match="got z"):
        plot.slices(bowl, {"z": 1}, bounds=(0, 1))
    with pytest.raises(ValueError, match="a: 2, c: 3"):
        plot.slices(lambda a, b, c: a + b + c, {"a": [1, 2], "c": [1, 2, 3]}, bounds=(0, 1))


def test_a_curve_without_descents_is_seen_to_its_top():
    ax = plot.curve(omega, bounds=(0.1, 2))
    assert ax.get_ylim()[1] > omega(2.0)


# ---- two variables -------------------------------------------------------------------------------


def test_contours_take_boxes_of_every_form():
    F = tw.objective(bowl, {"x": 1.0, "y": 1.0})
    for fun, box in ((bowl, [(-1, 2), (-3, 4)]), (bowl, {"x": (-1, 2), "y": (-3, 4)}),
                     (F, {"y": (-3, 4), "x": (-1, 2)})):  # fmt: skip
        ax = plot.contours(fun, bounds=box)
        assert (ax.get_xlim(), ax.get_ylim()) == ((-1, 2), (-3, 4))
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("x", "y")


def test_paths_of_several_descents_are_all_drawn_over_the_contours():
    runs = {"slow": run(sauna, [0.5, 0.6], rate=0.05), "quick": run(sauna, [1, 3], rate=0.25)}
    ax = plot.contours(sauna, runs, bounds=BOX)
    drawn = lines(ax)
    for name, result in runs.items():
        np.testing.assert_array_equal(drawn[name].get_xydata(), result.path.x)
    assert legend(ax) == ["slow", "quick", "start", "end", "best"]
    (star,) = marked(ax, "*")
    np.testing.assert_array_equal(star, runs["quick"].x)


def test_arrows_are_the_gradient():
    ax = plot.field(sauna, bounds=BOX, count=9)
    (arrows,) = [c for c in ax.collections if isinstance(c, Quiver)]
    F = tw.objective(sauna, [1.0, 1.0])
    slopes = F.grad(np.column_stack([arrows.X, arrows.Y]))
    drawn = np.column_stack([arrows.U, arrows.V])
    assert len(drawn) == 81
    cosine = np.sum(drawn * slopes, axis=1) / np.linalg.norm(drawn, axis=1)
    np.testing.assert_allclose(cosine, np.linalg.norm(slopes, axis=1), rtol=1e-10)
    lengths = np.linalg.norm(slopes, axis=1)
    uncut = lengths <= np.quantile(lengths, 0.85)
    np.testing.assert_allclose(drawn[uncut], slopes[uncut], rtol=1e-12)
    assert np.linalg.norm(drawn, axis=1).max() <= np.quantile(lengths, 0.9) * (1 + 1e-12)
    # None reaches over the border of the picture, where it would be cut off.
    assert (arrows.pivot, arrows.scale_units, arrows.angles) == ("middle", "xy", "xy")
    middle = np.column_stack([arrows.X, arrows.Y])
    for end in (-0.5, 0.5):
        tip = middle + end * drawn / arrows.scale
        assert tip.min() >= 0
        assert tip.max() <= 5
    assert ax.figure.axes[1].get_ylabel() == "‖∇f(x, y)‖"


def test_arrows_downhill_point_the_other_way():
    up, down = (
        next(
            c for c in plot.field(bowl, bounds=BOX, downhill=d).collections if isinstance(c, Quiver)
        )
        for d in (False, True)
    )
    np.testing.assert_array_equal(up.U, -np.asarray(down.U))


def test_arrows_leave_out_what_has_no_gradient():
    ax = plot.field(lambda x, y: np.log(x) + y**2, bounds=[(-1, 1), (-1, 1)], count=10)
    (arrows,) = [c for c in ax.collections if isinstance(c, Quiver)]
    assert len(arrows.X) == 50
    assert np.all(arrows.X > 0)
    rendered(ax)


# ---- what has little or nothing to show ----------------------------------------------------------


def flat(x, y):
    return 0 * x + 0 * y + 3


def nowhere(x, y):
    return np.log(-(x**2) - y**2 - 1)


def somewhere(x, y):
    return np.log(x) + y**2


@pytest.mark.parametrize("fun", [flat, nowhere, somewhere])
@pytest.mark.parametrize("draw", [plot.contours, plot.surface, plot.field])
def test_functions_that_are_flat_or_have_no_value_are_drawn(fun, draw):
    rendered(draw(fun, bounds=[(-1, 1), (-1, 1)]))


def test_descents_that_left_or_grew_are_drawn():
    left = run(omega, 1.6, rate=0.5)
    far = run(bowl, [1.0, 1.0], rate=2.0, count=60)
    assert far.path.fun[-1] > 1e20
    rendered(plot.curve(omega, [left], bounds=(-1, 2)))
    rendered(plot.surface(None, far))
    rendered(plot.history({"left": left, "far": far}))


def test_functions_that_cannot_be_traced_are_drawn_by_differences():
    import math

    def f(x, y):
        return math.exp(x) + y**2

    ax = plot.field(f, bounds=[(-1, 1), (-1, 1)], count=5)
    (arrows,) = [c for c in ax.collections if isinstance(c, Quiver)]
    np.testing.assert_allclose(
        arrows.V * np.exp(arrows.X), arrows.U * 2 * arrows.Y, rtol=1e-6, atol=1e-6
    )
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x", "y")


def test_a_box_in_the_place_of_results_is_told():
    for draw in (plot.contours, plot.surface):
        with pytest.raises(
            TypeError, match=r"results must be one result of.* got a tuple; .* bounds="
        ):
            draw(bowl, [(-1, 1), (-1, 1)])
    with pytest.raises(TypeError, match=r"got a int; pass limits as bounds="):
        plot.curve(omega, (0, 1))


def test_a_function_of_several_values_is_refused():
    with pytest.raises(ValueError, match=r"must return one value, got shape \(2,\)"):
        plot.contours(lambda x: x**2, bounds=[(-1, 1), (-1, 1)])


def test_values_near_the_largest_number_have_contours():
    rendered(plot.contours(lambda x, y: np.exp(600 * x) + y, bounds=[(-1, 1), (-1, 1)]))
