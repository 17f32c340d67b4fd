# SPDX-License-Identifier: BSD-3-Clause
"""Pictures with three axes: surfaces beside their contours."""

import itertools

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from matplotlib.contour import ContourSet
from matplotlib.figure import Figure
from mpl_toolkits.mplot3d import proj3d

import thalweg as tw
from thalweg import plot

BOX = [(0, 5), (0, 5)]


def bowl(x, y):
    return x**2 + y**2


def sauna(x, y):
    return 85 - x**2 * (x - 6) * y**2 * (y - 6) / 90


def flat(x, y):
    return 0 * x + 0 * y + 3


def lines(ax):
    return {line.get_label(): line for line in ax.get_lines() if line.get_label()[0] != "_"}


def rendered(ax):
    """Draw everything; warnings are errors."""
    ax.figure.savefig("/dev/null", format="png", dpi=50)


def test_surface_stands_beside_its_contours_with_the_path_on_both():
    result = tw.minimize(
        sauna, [0.5, 0.6], "gradient_descent", learning_rate=0.25, max_iter=30, record=True
    )
    ax = plot.surface(sauna, result, bounds=BOX)
    flat, space = ax.figure.axes
    assert space is ax
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_zlabel()) == ("x", "y", "f(x, y)")
    assert any(isinstance(c, ContourSet) for c in flat.collections)
    np.testing.assert_array_equal(lines(flat)["descent"].get_xydata(), result.path.x)
    path = np.array(lines(ax)["descent"].get_data_3d()).T
    np.testing.assert_array_equal(path[:, :2], result.path.x)
    np.testing.assert_array_equal(path[:, 2], result.path.fun)
    low, high = ax.get_zlim()
    assert low < 73.63 < 85 < high + 1
    rendered(ax)


SEEN = {
    "bowl": lambda: plot.tangent(bowl, [2, 4]),
    "sauna": lambda: plot.tangent(sauna, [1.5, 2.5], bounds=BOX),
    "wide": lambda: plot.tangent(lambda x, y: np.sin(x) * np.cos(y / 100), [1, 50],
                                 bounds=[(0, 6), (0, 600)]),
    "surface": lambda: plot.surface(sauna, bounds=BOX),
}  # fmt: skip


@pytest.mark.parametrize("name", SEEN)
def test_pictures_in_space_fill_their_place_and_their_numbers_do_not_collide(name):
    ax = SEEN[name]()
    ax.figure.draw_without_rendering()
    labels = [
        tick.label1.get_window_extent()  # as drawn: get_ticklabels() lays them out in the plane
        for axis in (ax.xaxis, ax.yaxis, ax.zaxis)
        for tick in axis.majorTicks
        if axis.get_view_interval()[0] <= tick.get_loc() <= axis.get_view_interval()[1]
    ]
    assert len(labels) >= 6
    for i, one in enumerate(labels):
        for other in labels[:i]:
            across = max(one.x0, other.x0) - min(one.x1, other.x1)
            up = max(one.y0, other.y0) - min(one.y1, other.y1)
            assert max(across, up) > 4, "pixels between any two numbers"
    corners = np.array(list(itertools.product(ax.get_xlim(), ax.get_ylim(), ax.get_zlim())))
    x, y, _ = proj3d.proj_transform(*corners.T, ax.get_proj())
    box = np.ptp(ax.transData.transform(np.column_stack([x, y])), axis=0)
    assert np.all(box > 0.75 * ax.get_window_extent().size)


def test_surfaces_have_smooth_edges_and_colours():
    ax = plot.surface(bowl, bounds=BOX, ax=Figure().add_subplot(projection="3d"))
    (sheet,) = ax.collections
    assert sheet.get_antialiased().all()
    assert len(np.unique(sheet.get_facecolor(), axis=0)) > 100  # no steps from level to level


def test_surface_alone_needs_three_axes():
    given = Figure().add_subplot(projection="3d")
    assert plot.surface(bowl, bounds=BOX, ax=given) is given
    assert given.figure.axes == [given]
    with pytest.raises(TypeError, match="projection='3d'"):
        plot.surface(bowl, bounds=BOX, ax=Figure().add_subplot())


def test_a_pole_is_cut_out_of_the_surface():
    ax = plot.surface(lambda x, y: 1 / (x**2 + y**2), bounds=[(-1, 1), (-1, 1)])
    assert ax.get_zlim()[1] < 100
    rendered(ax)
