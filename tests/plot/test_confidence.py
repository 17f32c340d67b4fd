# SPDX-License-Identifier: BSD-3-Clause
"""Pictures of profiles and of regions of joint confidence."""

import numpy as np
import pytest

import thalweg as tw

pytest.importorskip("matplotlib", reason="Matplotlib is not installed")

X = np.linspace(0.0, 4.0, 40)
Y = 2.0 * np.exp(-1.3 * X) + 0.1 * np.random.default_rng(2).normal(size=(2, 40))


def decay(x, a, b):
    return a * np.exp(-b * x)


def test_a_profile_is_drawn_with_its_limit():
    fit = tw.curve_fit(decay, X, Y[0], [1.0, 1.0])
    found = fit.profile("b")
    ax = found.plot(0.9)
    curve, limit, estimate = ax.lines
    np.testing.assert_array_equal(curve.get_ydata(), found.rise)
    assert limit.get_ydata()[0] == found.limit(0.9)
    assert estimate.get_xdata()[0] == fit.params["b"]
    assert ax.get_xlabel() == "b"
    ax.figure.canvas.draw()


def test_regions_are_drawn_with_the_estimate():
    fit = tw.curve_fit(decay, X, Y[0], [1.0, 1.0])
    for level in ((0.68, 0.95), 0.9):
        ax = fit.contour("a", "b", n=9).plot(level)
        assert ax.get_xlabel() == "a"
        assert ax.lines[-1].get_xdata()[0] == fit.params["a"]
        ax.figure.canvas.draw()


def test_one_fit_is_asked_for():
    fits = tw.curve_fit_many(decay, X, Y, [1.0, 1.0])
    with pytest.raises(ValueError, match=r"one fit, got \(2,\)"):
        fits.profile("b", n=5).plot()
    with pytest.raises(ValueError, match=r"one fit, got \(2,\)"):
        fits.contour("a", "b", n=5).plot()
