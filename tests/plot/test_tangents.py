# SPDX-License-Identifier: BSD-3-Clause
"""Pictures of tangents: lines at curves, planes at surfaces."""

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from matplotlib.figure import Figure
from picture_cases import bowl, lines, omega

import thalweg as tw
from thalweg import plot

# ---- lines ---------------------------------------------------------------------------------------


def test_a_tangent_line_touches_its_curve():
    ax = plot.tangent(omega, 0.5, bounds=(0.1, 2))
    line = lines(ax)["tangent"]
    x, y = line.get_data()
    F = tw.objective(omega, 1.0)
    np.testing.assert_allclose((y[1] - y[0]) / (x[1] - x[0]), F.grad(0.5))
    np.testing.assert_allclose(np.interp(0.5, x, y), F(0.5))
    assert lines(ax)["x = 0.5"].get_xydata().tolist() == [[0.5, F(0.5)]]
    assert ax.get_title().startswith("2.3419 − 0.3513 (x − 0.5)")


# ---- what is refused -----------------------------------------------------------------------------


def test_a_tangent_needs_a_value_and_one_or_two_variables():
    with pytest.raises(ValueError, match="no tangent at -1"):
        plot.tangent(omega, -1.0, bounds=(-2, 2))
    with pytest.raises(ValueError, match="one or two variables, got 3"):
        plot.tangent(lambda x, y, z: x + y + z, [1, 1, 1])
    with pytest.raises(TypeError, match="projection='3d'"):
        plot.tangent(bowl, [1, 1], ax=Figure().add_subplot())


def test_a_vertical_tangent_is_refused_for_its_slope():
    with pytest.raises(ValueError, match=r"no tangent at 0.0: .* its slope \[inf\]"):
        plot.tangent(lambda x: np.sqrt(x), 0.0)


# ---- planes --------------------------------------------------------------------------------------


def flat(x, y):
    return 0 * x + 0 * y + 3


def rendered(ax):
    """Draw everything; warnings are errors."""
    ax.figure.savefig("/dev/null", format="png", dpi=50)


def test_a_tangent_plane_is_seen_and_told():
    ax = plot.tangent(bowl, [2, 4])
    assert ax.get_title() == "20 + 4 (x − 2) + 8 (y − 4)"
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_zlabel()) == ("x", "y", "f(x, y)")
    (dot,) = ax.get_lines()
    assert [float(v[0]) for v in dot.get_data_3d()] == [2, 4, 20]
    # The bowl lies above its plane: it is seen from outside, where the bowl rises, and from low.
    eye = np.radians([ax.elev, ax.azim])
    assert ax.elev < 25
    assert np.cos(eye[1]) * 4 + np.sin(eye[1]) * 8 > 0
    rendered(ax)


def test_a_tangent_plane_is_cut_where_the_surface_hides_it():
    def saddle(x, y):
        return x**2 - y**2

    ax = plot.tangent(saddle, [0.5, 0.5], bounds=[(-2, 2), (-2, 2)])
    rendered(ax)
    _, plane = ax.collections
    from_here = len(plane.get_facecolor())
    assert 3000 < from_here < 13_000, "facets smaller than pixels, some of them hidden"
    ax.view_init(elev=ax.elev, azim=ax.azim + 180)
    rendered(ax)
    assert len(plane.get_facecolor()) != from_here, "turned, others are hidden"
    ax = plot.tangent(lambda x, y: -bowl(x, y), [0.5, 0.5], bounds=[(-2, 2), (-2, 2)])
    rendered(ax)
    assert len(ax.collections[1].get_facecolor()) == 120 * 120, "above a hill none is hidden"


def test_the_tangent_of_a_plain_is_the_plain():
    ax = plot.tangent(flat, [0, 0])
    low, high = ax.get_zlim()
    assert low < 3 < high
    rendered(ax)
