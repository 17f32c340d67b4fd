# SPDX-License-Identifier: BSD-3-Clause
"""Pictures of fits: data, curve, band and residuals; Student's t."""

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from scipy import stats

import thalweg as tw
from thalweg import plot
from thalweg.plot.fits import student


def lines(ax):
    return {line.get_label(): line for line in ax.get_lines() if line.get_label()[0] != "_"}


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def rendered(ax):
    """Draw everything; warnings are errors."""
    ax.figure.savefig("/dev/null", format="png", dpi=50)


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
