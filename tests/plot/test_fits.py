# SPDX-License-Identifier: BSD-3-Clause
"""Pictures of fits: data, curve, band and residuals, Student's t, and maps of parameters."""

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from matplotlib.figure import Figure
from picture_cases import legend, lines, rendered
from scipy import stats

import thalweg as tw
from thalweg import plot
from thalweg.plot import fits as module
from thalweg.plot.fits import student


def decay(t, a, b, c):
    return a * np.exp(-t / b) + c


@pytest.fixture(scope="module")
def measured():
    rng = np.random.default_rng(0)
    t = np.linspace(0, 5, 40)
    y = decay(t, 2.5, 1.2, 0.4) + rng.normal(0, 0.1, 40)
    return t, y, *tw.curve_fit(decay, t, y)


def test_fit_shows_data_curve_band_and_residuals(measured):
    t, y, popt, pcov = measured
    ax = plot.fit(decay, t, y, popt, pcov)
    below = ax.figure.axes[1]
    drawn = lines(ax)
    np.testing.assert_array_equal(drawn["data"].get_xydata(), np.column_stack([t, y]))
    x, curve = drawn["fit"].get_data()
    np.testing.assert_allclose(curve, decay(x, *popt), rtol=1e-13)
    assert legend(ax) == ["data", "fit", "95 % confidence"]
    residuals = below.get_lines()[0].get_ydata()
    np.testing.assert_allclose(residuals, y - decay(t, *popt))
    assert (below.get_xlabel(), below.get_ylabel()) == ("t", "residual")
    rendered(ax)


def test_the_band_is_the_delta_methods_with_students_t(measured):
    t, y, popt, pcov = measured
    ax = plot.fit(decay, t, y, popt, pcov, confidence=0.9)
    (band,) = ax.collections
    edge = band.get_paths()[0].vertices
    x = lines(ax)["fit"].get_xdata()
    k = 123
    upper = edge[np.isclose(edge[:, 0], x[k])][:, 1].max()
    a, b, _ = popt
    J = np.array([np.exp(-x[k] / b), a * np.exp(-x[k] / b) * x[k] / b**2, 1.0])
    half = stats.t.ppf(0.95, len(t) - 3) * np.sqrt(J @ pcov @ J)
    assert upper - decay(x[k], *popt) == pytest.approx(half, rel=1e-6)


@pytest.mark.parametrize("free", [1, 2, 3, 10, 100, 10**6])
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.9999])
def test_students_t_needs_no_scipy(confidence, free):
    assert student(confidence, free) == pytest.approx(
        stats.t.ppf(0.5 + confidence / 2, free), rel=1e-7
    )


def test_errors_of_data_are_bars_and_scale_residuals(measured):
    t, y, popt, pcov = measured
    ax = plot.fit(decay, t, y, popt, pcov, sigma=0.1, names=["time / s", "signal"])
    below = ax.figure.axes[1]
    assert (ax.get_ylabel(), below.get_xlabel()) == ("signal", "time / s")
    assert below.get_ylabel() == "residual / σ"
    np.testing.assert_allclose(below.get_lines()[0].get_ydata(), (y - decay(t, *popt)) / 0.1)
    assert ax.containers[0].has_yerr


def test_parameters_pinned_at_a_bound_do_not_widen_the_band(measured):
    t, y, popt, pcov = measured
    pinned = pcov.copy()
    pinned[2] = pinned[:, 2] = np.nan
    assert "95 % confidence" in legend(plot.fit(decay, t, y, popt, pinned))
    unknown = np.full((3, 3), np.inf)
    assert "95 % confidence" not in legend(plot.fit(decay, t, y, popt, unknown))


def test_a_band_that_says_nothing_is_left_out_and_told(measured):
    t, y, popt, pcov = measured
    plain = plot.fit(decay, t, y, popt).get_ylim()

    def twice(t, a, b, c, d):
        return decay(t, a + d, b, c)

    # a and d are known by their sum alone, up to rounding.
    near = np.zeros((4, 4))
    near[:3, :3] = pcov
    near[np.ix_([0, 3], [0, 3])] += 1e16 * np.array([[1, -1], [-1, 1]])
    ax = plot.fit(twice, t, y, [*popt, 0.0], near)
    assert not ax.collections
    assert legend(ax)[-1] == "95 % confidence: none, the covariance is near singular"
    assert ax.get_ylim() == plain
    ax = plot.fit(decay, t, y, popt, 1e4 * pcov)
    assert not ax.collections
    assert legend(ax)[-1] == "95 % confidence: none, the covariance is large"


def test_a_band_that_flares_out_does_not_flatten_the_data():
    def grow(t, a, b):
        return a * np.exp(b * t)

    t = np.linspace(0, 4, 9)
    wide = np.diag([1e-8, 0.1])
    ax = plot.fit(grow, t, grow(t, 0.01, 1.5), [0.01, 1.5], wide)
    assert len(ax.collections) == 1
    low, high = ax.get_ylim()
    assert high - low < 4 * grow(4.0, 0.01, 1.5)


def test_fits_that_do_not_fit_are_refused(measured):
    t, y, popt, pcov = measured
    with pytest.raises(ValueError, match="xdata and ydata must have one shape"):
        plot.fit(decay, t[1:], y, popt)
    with pytest.raises(ValueError, match=r"pcov must have shape \(3, 3\), got \(2, 2\)"):
        plot.fit(decay, t, y, popt, pcov[:2, :2])
    with pytest.raises(ValueError, match="confidence must be between"):
        plot.fit(decay, t, y, popt, pcov, confidence=95)


# ---- maps of parameters --------------------------------------------------------------------------


@pytest.fixture
def fits():
    """What `curve_fit_many` gives for an image of 12 rows and 20 columns."""
    rng = np.random.default_rng(0)
    success = np.ones((12, 20), bool)
    success[2, 3] = False
    return SimpleNamespace(
        popt=rng.normal(5, 1, (12, 20, 2)), perr=rng.uniform(0.1, 0.2, (12, 20, 2)),
        names=["amplitude", "T2"], success=success,
    )  # fmt: skip


def test_maps_show_parameters_above_their_standard_errors(fits):
    drawn = plot.maps(fits)
    assert drawn.shape == (2, 2)
    for i, name in enumerate(fits.names):
        assert drawn[0, i].get_title() == name
        assert drawn[1, i].get_title() == f"standard error of {name}"
        for row, values in ((0, fits.popt), (1, fits.perr)):
            shown = drawn[row, i].images[0].get_array()
            np.testing.assert_array_equal(shown.data[fits.success], values[fits.success][:, i])
            assert np.argwhere(np.ma.getmaskarray(shown)).tolist() == [[2, 3]]
    assert (drawn[1, 0].get_xlabel(), drawn[0, 0].get_ylabel()) == ("column", "row")
    assert len(drawn[0, 0].figure.axes) == 8  # and a colour bar each
    rendered(drawn[0, 0])


def test_outliers_do_not_stretch_the_colours(fits):
    fits.popt[0, 0, 0] = 1e9
    image = plot.maps(fits)[0, 0].images[0]
    assert image.get_clim()[1] < 10


def test_maps_take_axes_and_leave_errors_out(fits):
    given = Figure().subplots(1, 2)
    drawn = plot.maps(fits, names=["A", "B"], ax=given, errors=False)
    assert drawn.shape == (1, 2)
    assert drawn[0, 1] is given[1]
    assert given[1].get_title() == "B"


def test_maps_that_do_not_fit_are_refused(fits):
    with pytest.raises(ValueError, match="ax must hold 4 Axes, got 1"):
        plot.maps(fits, ax=Figure().add_subplot())
    with pytest.raises(ValueError, match="names must have 2 entries"):
        plot.maps(fits, names=["A"])
    fits.popt = fits.popt[0]
    with pytest.raises(ValueError, match=r"popt of shape \(rows, columns, p\), got \(20, 2\)"):
        plot.maps(fits)


def test_maps_of_fits_without_errors_and_without_pixels():
    x = np.linspace(0.0, 1.0, 5)
    line = np.broadcast_to(x, (2, 3, 5))
    bare = tw.curve_fit_many(lambda x, a, b: a * x + b, x, line, out={"pcov": None, "perr": None})
    assert bare.plot().shape == (1, 2)
    with pytest.raises(ValueError, match=r"at least one pixel, got popt of shape \(2, 0, 2\)"):
        tw.curve_fit_many(lambda x, a, b: a * x + b, x, line[:, :0]).plot()


def test_fits_that_all_failed_are_all_grey(fits):
    fits.popt[:] = np.nan
    rendered(plot.maps(fits)[0, 0])


def test_fits_of_an_image_draw_themselves():
    rng = np.random.default_rng(1)
    t = np.linspace(0, 3, 12)
    truth = 1 + np.arange(20.0).reshape(4, 5) / 20
    y = 2 * np.exp(-t / truth[..., None]) + rng.normal(0, 0.01, (4, 5, 12))
    fits = tw.curve_fit_many(lambda t, a, T2: a * np.exp(-t / T2), t, y, [1.0, 1.0])
    drawn = fits.plot()
    assert [ax.get_title() for ax in drawn[0]] == ["a", "T2"]
    np.testing.assert_array_equal(drawn[0, 1].images[0].get_array(), fits.popt[..., 1])
    np.testing.assert_array_equal(drawn[1, 1].images[0].get_array(), fits.perr[..., 1])
    rendered(drawn[0, 0])


# ---- one part at a time --------------------------------------------------------------------------


def test_the_curve_reaches_a_little_beyond_the_data(measured):
    t, y, popt, pcov = measured
    x = lines(plot.fit(decay, t, y, popt, pcov))["fit"].get_xdata()
    np.testing.assert_allclose(x[[0, -1]], [-0.03 * 5, 1.03 * 5])
    one = plot.fit(lambda x, a: a * x, [2.0], [4.0], [2.0])
    np.testing.assert_allclose(lines(one)["fit"].get_xdata()[[0, -1]], [1.97, 2.03])


def test_slopes_along_the_curve_are_those_of_the_parameters():
    x = np.linspace(0, 3, 7)
    curve, slopes = module._along(decay, x, np.array([2.0, 1.5, 0.3]))
    e = np.exp(-x / 1.5)
    np.testing.assert_allclose(curve, 2 * e + 0.3)
    np.testing.assert_allclose(slopes, np.stack([e, 2 * e * x / 1.5**2, np.ones(7)], axis=1))
    curve, slopes = module._along(lambda _, a: a, x, np.array([2.0]))  # a constant
    assert curve.tolist() == [2.0] * 7


def test_correlations_and_not_units_make_a_covariance_singular():
    assert not module._singular(np.diag([1e-30, 1.0, 1e30]))
    near = np.array([[1.0, 1 - 1e-12], [1 - 1e-12, 1.0]])
    assert module._singular(near)
    assert module._singular(near * np.outer([1e-10, 1e10], [1e-10, 1e10]))
    assert not module._singular(np.diag([0.0, 1.0]))


def test_residuals_of_a_perfect_fit_have_room_too():
    x = np.arange(4.0)
    below = plot.fit(lambda x, a: a * x, x, 2 * x, [2.0]).figure.axes[1]
    assert below.get_ylim() == (-1.0, 1.0)


def test_gaps_in_the_data_are_gaps_in_the_picture(measured):
    t, y, popt, pcov = measured
    y = np.where(np.arange(t.size) == 7, np.nan, y)
    ax = plot.fit(decay, t, y, popt, pcov)
    assert np.isnan(lines(ax)["data"].get_ydata()[7])
    rendered(ax)


def test_without_residuals_the_axes_have_both_names(measured):
    t, y, popt, _ = measured
    ax = plot.fit(decay, t, y, popt, ax=Figure().add_subplot(), names=["time", "signal"])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time", "signal")
    assert ax.figure.axes == [ax]


def test_a_map_of_one_value_has_a_scale(fits):
    fits.popt[..., 0] = 4.0
    image = plot.maps(fits)[0, 0].images[0]
    assert image.get_clim() == (2.0, 6.0)


def test_colour_bars_point_to_what_lies_beyond(fits):
    fits.popt[..., 0] = np.linspace(0, 1, 240).reshape(12, 20)
    fits.popt[..., 1] = 1.0
    fits.popt[0, :2, 1] = 9.0  # fewer than one in a hundred
    bars = [image.colorbar.extend for ax in plot.maps(fits)[0] for image in ax.images]
    assert bars == ["both", "max"]
