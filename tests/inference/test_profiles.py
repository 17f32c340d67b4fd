# SPDX-License-Identifier: BSD-3-Clause
"""How well data fit along one parameter, and over the plane of two."""

import numpy as np
import pytest
from curve_cases import decay, line

import thalweg as tw

RNG = np.random.default_rng(6)
X = np.linspace(0.0, 4.0, 40)
START = [2.0, 1.0, 0.0]


DECAYS = decay(X, np.array([[1.5], [2.0], [2.5]]), 1.3, 0.2) + 0.1 * RNG.normal(size=(3, 40))
LINES = line(X, 1.0, 0.5) + 0.1 * RNG.normal(size=(4, 40))


@pytest.mark.parametrize("known", [{}, {"sigma": 0.1, "absolute_sigma": True}])
def test_profiles_of_lines_are_parabolas(known):
    fits = tw.curve_fit_many(line, X, LINES, **known)
    found = fits.profile("b")
    assert found.values.shape == found.rise.shape == (4, 41)
    t = (found.values - fits.popt[:, 1:]) / fits.perr[:, 1:]
    np.testing.assert_allclose(t[:, [0, -1]], [[-4.0, 4.0]] * 4)
    np.testing.assert_allclose(found.rise, t**2, rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(found.popt[..., 1], found.values)
    other = fits.popt[:, :1] + (fits.pcov[:, 0, 1] / fits.pcov[:, 1, 1])[:, None] * (
        found.values - fits.popt[:, 1:]
    )
    np.testing.assert_allclose(found.popt[..., 0], other, rtol=1e-9)


@pytest.mark.parametrize("known", [{}, {"sigma": 0.1, "absolute_sigma": True}])
def test_contours_of_lines_are_ellipses(known):
    fits = tw.curve_fit_many(line, X, LINES, **known)
    found = fits.contour("a", "b", n=7)
    assert found.rise.shape == (4, 7, 7)
    for i in range(4):
        away = np.stack(np.meshgrid(found.x[i], found.y[i]), axis=-1) - fits.popt[i]
        ellipse = np.einsum("...i,ij,...j", away, np.linalg.inv(fits.pcov[i]), away)
        np.testing.assert_allclose(found.rise[i], ellipse, rtol=1e-8, atol=1e-8)


def test_each_point_is_the_fit_with_the_parameter_held():
    """Far from the estimate too, where the valley bends, by SciPy."""
    optimize = pytest.importorskip("scipy.optimize", reason="SciPy is not installed")
    fit = tw.curve_fit(decay, X, DECAYS[0], START)
    found = fit.profile("b", n=9, reach=8.0)
    for value, rise, popt in zip(found.values, found.rise, found.popt, strict=True):
        two, _ = optimize.curve_fit(
            lambda x, a, c, value=value: decay(x, a, value, c), X, DECAYS[0], [2.0, 0.0]
        )
        np.testing.assert_allclose(popt[[0, 2]], two, rtol=1e-6, atol=1e-7)
        cost = np.sum((decay(X, two[0], value, two[1]) - DECAYS[0]) ** 2)
        assert rise == pytest.approx((cost - fit.chi2) / fit.reduced_chi2, rel=1e-6, abs=1e-6)


def test_the_profile_is_at_its_limit_at_the_ends_of_the_interval():
    fits = tw.curve_fit_many(decay, X, DECAYS, START)
    lower, upper, _ = fits.interval(0.9)
    for j, name in enumerate("abc"):
        ends = np.stack([lower[:, j], upper[:, j]], axis=1)
        found = fits.profile(name, ends)
        # The ends are found to 1e-6 of the root of the rise.
        np.testing.assert_allclose(found.rise, np.stack([found.limit(0.9)] * 2, 1), rtol=3e-6)


def test_borders_are_those_of_minuit():
    iminuit = pytest.importorskip("iminuit", reason="iminuit is not installed")
    fit = tw.curve_fit(decay, X, DECAYS[0], START, sigma=0.1, absolute_sigma=True)
    m = iminuit.Minuit(
        lambda a, b, c: np.sum(((decay(X, a, b, c) - DECAYS[0]) / 0.1) ** 2), *fit.popt
    )
    m.tol = 1e-6
    m.migrad()
    points = m.mncontour("a", "b", cl=0.68, size=12)
    limit = fit.contour("a", "b", n=3).limit(0.68)
    for a, b in points[:-1]:
        rise = fit.contour("a", "b", values=([a], [b])).rise
        assert rise[0, 0] == pytest.approx(limit, rel=2e-3)  # Minuit's own tolerance


def test_a_fit_has_the_bits_it_has_among_others():
    fits = tw.curve_fit_many(decay, X, DECAYS, START)
    for name in "ab":
        together, alone = fits.profile(name), fits[1:2].profile(name)
        np.testing.assert_array_equal(together.rise[1], alone.rise[0])
        np.testing.assert_array_equal(together.popt[1], alone.popt[0])


def test_bounds_fixed_parameters_ties_and_priors_hold():
    fit = tw.curve_fit(decay, X, DECAYS[0], START, bounds={"b": (0.99, 1.32)})
    values = fit.profile("b").values
    assert values.min() >= 0.99
    assert values.max() == 1.32
    fit = tw.curve_fit(decay, X, DECAYS[0], START, fixed={"c": 0.2})
    assert (fit.profile("a", n=5).popt[:, 2] == 0.2).all()
    with pytest.raises(ValueError, match="'c' was not fitted: it was fixed or tied"):
        fit.profile("c")
    fits = tw.curve_fit_many(decay, X, DECAYS, START, ties={"c": lambda a: 0.1 * a})
    popt = fits.profile("b", n=5).popt
    np.testing.assert_allclose(popt[..., 2], 0.1 * popt[..., 0], rtol=1e-15)
    known = {"sigma": 0.1, "absolute_sigma": True}
    plain = tw.curve_fit_many(decay, X, DECAYS, START, **known)
    prior = tw.curve_fit_many(decay, X, DECAYS, START, priors={"b": (1.3, 0.01)}, **known)
    values = prior.popt[:, 1:2] + np.array([-0.3, 0.3])
    own = ((values - 1.3) / 0.01) ** 2
    change = 2 * (prior.cost - plain.cost)[:, None]
    np.testing.assert_allclose(
        prior.profile("b", values).rise, plain.profile("b", values).rise + own - change, rtol=1e-8
    )


def test_what_cannot_be_is_said():
    fit = tw.curve_fit(decay, X, DECAYS[0], START, bounds={"b": (0.0, 5.0)})
    with pytest.raises(ValueError, match="there is no parameter 'd', only a, b, c"):
        fit.profile("d")
    with pytest.raises(ValueError, match="two different parameters"):
        fit.contour("a", "a")
    with pytest.raises(ValueError, match=r"values of 'b' must lie within its bounds, got 6\.0"):
        fit.profile("b", [1.0, 6.0])
    with pytest.raises(ValueError, match="must be finite"):
        fit.profile("b", [1.0, np.nan])
    with pytest.raises(ValueError, match="n must be a whole number from 3, got 2"):
        fit.profile("b", n=2)
    with pytest.raises(ValueError, match="reach must be"):
        fit.profile("b", reach=-1.0)
    with pytest.raises(ValueError, match="a pair of arrays"):
        fit.contour("a", "b", values=([1.0],))
    fits = tw.curve_fit_many(decay, X, DECAYS, START)
    with pytest.raises(ValueError, match=r"must have shape \(n,\) or \(3, 'n'\)"):
        fits.profile("b", np.ones((2, 5)))


def test_fits_that_share_parameters_have_no_profiles():
    fits = tw.curve_fit_many(decay, X, DECAYS, START, shared=("b",))
    for ask in (
        lambda: fits.profile("a"),
        lambda: fits.contour("a", "c"),
        lambda: fits.bootstrap(5),
    ):
        with pytest.raises(ValueError, match="fits that share parameters"):
            ask()


def test_no_fits_have_no_points():
    fits = tw.curve_fit_many(decay, X, np.zeros((0, 40)), START)
    assert fits.profile("a").rise.shape == (0, 41)
    assert fits.contour("a", "b", n=5).popt.shape == (0, 5, 5, 3)
