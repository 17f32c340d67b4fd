# SPDX-License-Identifier: BSD-3-Clause
"""Pictures of tangents: lines at curves, planes at surfaces."""

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from matplotlib.figure import Figure
from picture_cases import bowl, lines, omega

import thalweg as tw
from thalweg import plot
from thalweg.plot import tangents

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


# ---- what hides a plane --------------------------------------------------------------------------


def relief(f, count=41):
    x = np.linspace(-1.0, 1.0, count)
    Z = f(*np.meshgrid(x, x))
    return tangents.Relief(np.array([[-1.0, 1.0], [-1.0, 1.0], [Z.min(), Z.max()]]), Z)


def test_heights_between_the_points_of_a_grid_are_bilinear():
    ground = relief(lambda x, y: 1 + 2 * x - 3 * y + x * y, 5)
    x, y = np.random.default_rng(0).uniform(-1, 1, (2, 50))
    np.testing.assert_allclose(ground.at(x, y), 1 + 2 * x - 3 * y + x * y, rtol=1e-12, atol=1e-12)
    assert ground.at(np.array([1.0]), np.array([-1.0]))[0] == 5.0  # at a corner
    assert np.isnan(ground.at(np.array([1.01, 0.0]), np.array([0.0, -1.01]))).all()


def test_a_ridge_hides_what_lies_behind_it():
    ground = relief(lambda x, y: np.exp(-50 * x**2) + 0 * y)
    before, behind, above = [0.8, 0.0, 0.2], [-0.5, 0.0, 0.2], [-0.5, 0.0, 0.99]
    points = np.array([before, behind, above])
    # Seen from the right, low; from high up nothing is hidden.
    assert ground.hides(points, 10.0, 0.0).tolist() == [False, True, False]
    assert ground.hides(points, 10.0, 180.0).tolist() == [True, False, False]
    assert not ground.hides(points, 89.0, 0.0).any()


def test_a_plane_is_seen_from_where_the_surface_does_not_hide_it():
    ground = relief(lambda x, y: -(x**2) - y**2)  # the plane at the top is free on all sides
    side = np.linspace(-0.4, 0.4, 121)
    U, V = np.meshgrid(side, side)
    elevation, azimuth = tangents._view(ground, np.stack([U, V, 0 * U], axis=-1))
    assert elevation == 30.0  # the highest that is tried
    eye = tangents._eye(elevation, azimuth)
    assert np.linalg.norm(eye) == pytest.approx(1.0)
    assert abs(eye[0]) == pytest.approx(abs(eye[1]), rel=0.1)  # not along an axis


@pytest.mark.parametrize(
    ("view", "eye"),
    [((0.0, 0.0), [1, 0, 0]), ((0.0, 90.0), [0, 1, 0]), ((90.0, 30.0), [0, 0, 1]),
     ((30.0, 180.0), [-(0.75**0.5), 0, 0.5])],
)  # fmt: skip
def test_the_viewer_stands_by_elevation_and_azimuth(view, eye):
    np.testing.assert_allclose(tangents._eye(*view), eye, atol=1e-15)


@pytest.mark.parametrize(
    ("at", "value", "slope", "text"),
    [
        ([2.0], 4.0, [4.0], "4 + 4 (x − 2)"),
        ([-2.0], 4.0, [-4.0], "4 − 4 (x + 2)"),
        ([0.0], -1.5, [0.0], "−1.5 + 0 x"),
    ],
)
def test_tangents_are_written_as_formulas(at, value, slope, text):
    assert tangents._formula(["x"], np.array(at), value, np.array(slope)) == text


def test_facets_without_heights_are_left_out():
    x = np.arange(3.0)
    X, Y = np.meshgrid(x, x)
    Z = X + Y
    Z[0, 0] = np.nan
    corners, shades = tangents._quads(X, Y, Z, (0.0, 0.5, 1.0, 1.0))
    assert corners.shape == (3, 4, 3)
    assert shades.tolist() == [[0.0, 0.5, 1.0, 1.0]] * 3
    np.testing.assert_array_equal(corners[..., 0] + corners[..., 1], corners[..., 2])


def test_the_box_lies_around_the_point_of_contact():
    ax = plot.tangent(omega, 4.0)
    assert ax.get_xlim() == (0.0, 8.0)
    assert plot.tangent(omega, 0.5).get_xlim() == (-0.5, 1.5)
    assert plot.tangent(omega, 0.5, names=["t"]).get_xlabel() == "t"
    assert plot.tangent(bowl, {"x": 1.0, "y": 1.0}).get_title() == "2 + 2 (x − 1) + 2 (y − 1)"
