# SPDX-License-Identifier: BSD-3-Clause
"""Pictures of many descents: basins and sweeps."""

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from matplotlib.collections import LineCollection, QuadMesh
from matplotlib.colors import to_rgba
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure

import thalweg as tw
from thalweg import plot
from thalweg.plot import many


def wells(x, y):
    near = 10 / (3 + 3 * (x - 0.5) ** 2 + 3 * (y - 0.5) ** 2)
    near = near + 2 / (1 + 2 * (x - 3) ** 2 + 2 * (y - 1.5) ** 2)
    return 10 - (near + 3 / (1 + 0.5 * (x - 3.5) ** 2 + 0.5 * (y - 4) ** 2))


def omega(x):
    return np.exp(x) - np.log(x)


def texts(legend):
    return [text.get_text() for text in legend.get_texts()]


def rendered(ax):
    """Draw everything; warnings are errors."""
    ax.figure.savefig("/dev/null", format="png", dpi=50)


def stars(ax):
    found = [line.get_xydata()[0] for line in ax.get_lines() if line.get_marker() == "*"]
    return np.array(found)


def lightness(color):
    r, g, b = to_rgba(color)[:3]
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


GD = {"method": "gradient_descent", "learning_rate": 0.2}


@pytest.fixture(scope="module")
def basins():
    return tw.basins(wells, [(0, 5), (0, 4)], shape=(50, 30), **GD)


# ---- basins --------------------------------------------------------------------------------------


def test_each_start_has_the_colour_of_its_minimum(basins):
    ax = basins.plot()
    (image,) = ax.images
    np.testing.assert_array_equal(image.get_array(), basins.labels.T)
    low, high = basins.axes[0][[0, -1]]
    # Pixels have their middles where the starts are.
    assert image.get_extent()[0] < low < high < image.get_extent()[1]
    assert image.origin == "lower"
    colors = image.cmap(image.norm(np.arange(-1, 3)))
    assert len({tuple(c) for c in colors}) == 4
    rendered(ax)


def test_the_lowest_minimum_is_darkest_and_told_first(basins):
    ax = basins.plot()
    np.testing.assert_allclose(stars(ax), basins.minima.x)
    told = texts(ax.get_legend())
    assert told[0] == "6.277 at (0.523, 0.517)"
    assert len(told) == 3
    shades = [lightness(h.get_facecolor()) for h in ax.get_legend().legend_handles]
    assert np.all(np.diff(shades) > 0.1), "told apart in grey"
    assert ax.get_legend().get_title().get_text() == "minimum of f(x, y)"


def test_basins_carry_the_functions_own_names_and_contours(basins):
    ax = basins.plot()
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x", "y")
    assert sum(isinstance(c, ContourSet) for c in ax.collections) == 1  # the relief
    ax = basins.plot(names=["width", "height"], ax=Figure().add_subplot())
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("width", "height")
    with pytest.raises(ValueError, match="names must have 2 entries"):
        basins.plot(names=["width"])


def test_basins_of_one_variable_lie_behind_the_curve():
    def waves(x):
        return omega(x) * np.sin(2 * np.pi * x)

    b = tw.basins(waves, (0.3, 2.0), shape=200, method="gradient_descent", learning_rate=1e-3)
    ax = b.plot()
    np.testing.assert_allclose(stars(ax)[:, 0], b.minima.x)
    np.testing.assert_allclose(stars(ax)[:, 1], b.minima.fun)
    x, y = ax.get_lines()[0].get_data()
    np.testing.assert_allclose(y, waves(x))
    bands = ax.patches
    assert len(bands) == 1 + np.count_nonzero(np.diff(b.labels))
    rendered(ax)


def test_a_variable_that_is_held_has_no_axis():
    b = tw.basins(
        lambda x, k, y: wells(x, y) + k**2, [(0, 5), (1, 1), (0, 5)], shape=(20, 20), **GD
    )
    ax = b.plot()
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x", "y")
    np.testing.assert_allclose(stars(ax), np.asarray(b.minima.x)[:, [0, 2]])
    rendered(ax)


def test_starts_that_reach_no_minimum_are_grey():
    b = tw.basins(wells, [(0, 5), (0, 5)], shape=(20, 20), max_iter=3, **GD)
    assert (b.labels < 0).any()
    ax = b.plot()
    assert texts(ax.get_legend())[-1] == "no minimum" if len(b.minima) else True
    rendered(ax)


def test_a_part_of_a_map_is_drawn_where_it_lies_and_other_parts_are_refused(basins):
    part = basins[:5, 3:4]
    ax = part.plot()
    rendered(ax)
    steps = np.diff(basins.axes[0])[0]
    assert ax.get_xlim() == pytest.approx(
        (basins.axes[0][0] - steps / 2, basins.axes[0][4] + steps / 2)
    )
    for picked in (basins[0], basins.sort(), basins[::-1]):
        with pytest.raises(ValueError, match=r"needs a whole grid, got a selection of"):
            picked.plot()


def test_basins_of_three_variables_are_refused():
    b = SimpleNamespace(labels=np.zeros((2, 2, 2), int))
    with pytest.raises(ValueError, match="one or two variables, got 3"):
        plot.basins(b)


def grid(labels, count):
    """What `tw.basins` gives, of labels made by hand."""
    at = np.linspace(0.2, 0.8, count)
    return SimpleNamespace(
        labels=labels, axes=[np.linspace(0, 1, n) for n in labels.shape], names=["x", "y"],
        minima=SimpleNamespace(x=np.column_stack([at, at]), fun=np.arange(float(count))),
    )  # fmt: skip


def borders(ax):
    (lines,) = [c for c in ax.collections if isinstance(c, LineCollection)]
    return np.array(lines.get_segments())


def test_borders_run_along_the_edges_of_wide_basins():
    labels = np.zeros((100, 100), int)
    labels[60:] = 5  # others lie between them in height alone
    ax = plot.basins(grid(labels, 6))
    lines = borders(ax)
    assert len(lines) == 100
    np.testing.assert_allclose(lines[..., 0], (59.5) / 99)


def test_borders_do_not_swallow_small_basins():
    labels = np.zeros((200, 200), int)
    labels[150:] = 1
    labels[40, 50] = labels[20:90, 120] = 2  # a point, and a thread
    labels[100:120, 20:40] = 2
    lines = borders(plot.basins(grid(labels, 3)))
    assert len(lines) == 200 + 80
    rightmost = lines[:, :, 0] * 199
    assert rightmost[rightmost < 140].min() == pytest.approx(99.5)
    rendered(plot.basins(grid(np.tile([[0, 1], [1, 0]], (60, 60)), 2)))  # all of it is narrow


def test_many_minima_have_no_legend():
    b = tw.basins(
        lambda x, y: np.sin(3 * x) + np.sin(3 * y), [(0, 8), (0, 8)], shape=(60, 60),
        method="gradient_descent", learning_rate=0.05,
    )  # fmt: skip
    assert len(b.minima) > 9
    ax = b.plot()
    assert ax.get_legend() is None
    assert len(stars(ax)) == len(b.minima)
    rendered(ax)


# ---- sweeps --------------------------------------------------------------------------------------


def test_verdicts_stand_against_the_learning_rate():
    rates = np.geomspace(1e-3, 1, 40)
    s = tw.sweep(omega, 1.6, learning_rate=rates, max_iter=60)
    ax = s.plot()
    assert (ax.get_xlabel(), ax.get_xscale(), ax.get_yscale()) == ("learning rate", "log", "log")
    told = dict(t[:-1].rsplit(" (", 1) for t in texts(ax.get_legend()))
    names = np.asarray(s.verdicts)
    assert told == {str(n).replace("_", " "): str(np.sum(names == n)) for n in np.unique(names)}
    drawn = np.concatenate([line.get_xdata() for line in ax.get_lines()])
    np.testing.assert_array_equal(np.sort(drawn), rates)
    looks = {
        (line.get_color(), line.get_marker()) for line in ax.get_lines() if len(line.get_xdata())
    }
    assert len(looks) == len(told)
    # The band at the foot has the verdicts' order.
    bands = sorted(ax.patches, key=lambda p: p.get_x())
    order = names[np.r_[True, names[1:] != names[:-1]]]
    assert len(bands) == len(order)
    rendered(ax)


def test_two_settings_make_a_map_with_the_quickest_starred():
    s = tw.sweep(
        lambda x, y: x**2 + 10 * y**2, [2.0, 1.0], "momentum",
        learning_rate=np.geomspace(1e-3, 1, 30), momentum=np.linspace(0, 0.9, 20), max_iter=100,
    )  # fmt: skip
    ax = s.plot()
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("learning rate", "momentum")
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "linear")
    (mesh,) = [c for c in ax.collections if isinstance(c, QuadMesh)]
    assert mesh.get_array().shape == (20, 30)
    colors = mesh.cmap(mesh.norm(mesh.get_array()))
    names = np.asarray(s.verdicts)
    wanted = [to_rgba(many._looks(names)[str(n)][0]) for n in names.T.ravel()]
    np.testing.assert_allclose(colors.reshape(-1, 4), wanted)
    np.testing.assert_allclose(stars(ax), [[s.best.learning_rate, s.best.momentum]])
    rendered(ax)


def test_values_in_any_order_are_drawn_in_order():
    rates = [0.3, 0.01, 0.1]
    s = tw.sweep(omega, 1.6, learning_rate=rates, max_iter=30)
    ax = s.plot()
    assert np.all(np.diff(sorted(p.get_x() for p in ax.patches)) > 0)
    low, high = ax.get_xlim()
    assert low < 0.01 < 0.3 < high
    rendered(ax)


def test_every_verdict_has_a_look_and_the_usual_ones_are_told_apart_in_grey():
    assert set(many._VERDICTS) == {str(v) for v in tw.Verdict}
    usual = [color for color, _ in many._VERDICTS.values()][:6]
    assert np.all(np.diff(sorted(map(lightness, usual))) > 0.09)
    assert len({mark for _, mark in many._VERDICTS.values()}) == len(tw.Verdict)


def test_a_sweep_of_one_run_or_three_settings_is_refused():
    one = tw.sweep(omega, 1.6, learning_rate=[0.1])
    with pytest.raises(ValueError, match="varies one or two settings, got 0"):
        one.plot()


def test_runs_picked_from_a_sweep_are_refused():
    with pytest.raises(ValueError, match="needs all of its runs, got a selection of 2"):
        tw.sweep(omega, 1.6, learning_rate=[0.1, 0.2, 0.3])[:2].plot()
