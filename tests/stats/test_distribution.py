# SPDX-License-Identifier: BSD-3-Clause
"""Every distribution of tw.stats against SciPy: values, borders, slopes; arguments; refusals."""

import numpy as np
import pytest
import scipy.stats

import thalweg as tw
from thalweg._tracing.errors import DISTRIBUTIONS

# Shapes, and points inside the support.
SHAPES = {
    "norm": ([], [-3.0, -0.4, 0.0, 2.5]),
    "t": ([3.5], [-3.0, -0.4, 0.0, 2.5]),
    "cauchy": ([], [-3.0, -0.4, 0.0, 2.5]),
    "laplace": ([], [-3.0, -0.4, 0.7, 2.5]),
    "logistic": ([], [-3.0, -0.4, 0.0, 2.5]),
    "gumbel_r": ([], [-1.3, -0.4, 0.0, 2.5]),
    "vonmises": ([1.7], [-3.0, -0.4, 0.0, 2.5]),
    "uniform": ([], [0.2, 0.5, 0.9]),
    "beta": ([1.7, 2.4], [0.2, 0.5, 0.9]),
    "gamma": ([2.3], [0.2, 1.5, 6.0]),
    "chi2": ([4.3], [0.2, 1.5, 6.0]),
    "invgamma": ([2.3], [0.2, 1.5, 6.0]),
    "f": ([3.3, 5.1], [0.2, 1.5, 6.0]),
    "expon": ([], [0.2, 1.5, 6.0]),
    "lognorm": ([0.7], [0.2, 1.5, 6.0]),
    "halfnorm": ([], [0.2, 1.5, 3.0]),
    "weibull_min": ([1.6], [0.2, 1.5, 3.0]),
    "pareto": ([2.6], [1.2, 1.5, 6.0]),
    "rayleigh": ([], [0.2, 1.5, 3.0]),
    "poisson": ([2.7], [0.0, 1.0, 5.0]),
    "binom": ([9.0, 0.3], [0.0, 2.0, 5.0]),
    "nbinom": ([2.5, 0.4], [0.0, 2.0, 5.0]),
}
DISCRETE = ("poisson", "binom", "nbinom")
PROBABILITIES = np.array([0.01, 0.3, 0.5, 0.8, 0.99])
WHOLE = {("binom", 0)}  # shapes without a derivative


def functions_of(name):
    tails = [] if name == "vonmises" else ["cdf", "sf", "logcdf", "logsf"]
    return (["pmf", "logpmf"] if name in DISCRETE else ["pdf", "logpdf"]) + tails


def placed(name, points):
    """Location and scale, and points moved by them."""
    loc, scale = (1.0, 1.0) if name in DISCRETE else (0.4, 1.7)
    family = [loc] if name in DISCRETE else [loc, scale]
    return np.asarray(points) * scale + loc, family


def test_every_distribution_is_here():
    assert sorted([*SHAPES, "multivariate_normal"]) == tw.stats.__all__
    assert sorted(DISTRIBUTIONS) == tw.stats.__all__
    assert repr(tw.stats.norm) == "tw.stats.norm"


@pytest.mark.parametrize("name", SHAPES)
def test_values_are_scipys_within_and_beyond_the_support(name):
    shapes, points = SHAPES[name]
    ours, theirs = getattr(tw.stats, name), getattr(scipy.stats, name)
    border = [] if name == "pareto" else [1.0]  # which rounding moves
    x, family = placed(name, [*points, -7.5, 0.0, *border, 40.0, 2.5])
    for of in functions_of(name):
        wanted = getattr(theirs, of)(x, *shapes, *family)
        got = getattr(ours, of)(x, *shapes, *family)
        np.testing.assert_allclose(got, wanted, rtol=1e-11, atol=3e-16, err_msg=of)

        def f(x, of=of):
            return np.sum(getattr(ours, of)(x, *shapes, *family))

        for point, value in zip(x, wanted, strict=True):
            traced = tw.objective(f, 1.0)(float(point))
            assert traced == pytest.approx(value, rel=1e-11, abs=3e-16), (of, point)


@pytest.mark.parametrize("name", SHAPES)
def test_slopes_in_every_argument(name):
    """Against differences of SciPy's values."""
    shapes, points = SHAPES[name]
    ours, theirs = getattr(tw.stats, name), getattr(scipy.stats, name)
    x, family = placed(name, points)
    start = np.array([*shapes, *family])
    for of in functions_of(name):
        if name in DISCRETE and of.startswith("log") and of != "logpmf":
            continue
        for k in range(0 if name in DISCRETE else -1, len(shapes) + 2 * (name not in DISCRETE)):
            if (name, k) in WHOLE:
                continue

            def moved(call, h, k=k, of=of):
                p = [*start]
                if k < 0:
                    return getattr(call, of)(x + h, *p)
                p[k] = p[k] + h
                return getattr(call, of)(x, *p)

            F = tw.objective(lambda h, moved=moved: np.sum(moved(ours, h)), 0.0)
            d = 1e-3
            wanted = (
                sum(
                    w * np.sum(moved(theirs, s * d))
                    for s, w in ((-2, 1 / 12), (-1, -2 / 3), (1, 2 / 3), (2, -1 / 12))
                )
                / d
            )
            slope = F.grad(0.0)
            assert slope == pytest.approx(wanted, rel=3e-7, abs=3e-8), (of, k)


@pytest.mark.parametrize("name", [n for n in SHAPES if n not in DISCRETE and n != "vonmises"])
def test_quantiles_invert_the_distribution_function(name):
    shapes, points = SHAPES[name]
    ours, theirs = getattr(tw.stats, name), getattr(scipy.stats, name)
    _, family = placed(name, points)
    wanted = theirs.ppf(PROBABILITIES, *shapes, *family)
    np.testing.assert_allclose(ours.ppf(PROBABILITIES, *shapes, *family), wanted, rtol=1e-11)
    F = tw.objective(lambda q: ours.ppf(q, *shapes, *family), 0.5)
    np.testing.assert_allclose(F(PROBABILITIES), wanted, rtol=1e-11)
    slopes = 1 / theirs.pdf(wanted, *shapes, *family)
    np.testing.assert_allclose(F.grad(PROBABILITIES), slopes, rtol=1e-9)


def test_outside_of_the_support_slopes_are_zero_and_finite():
    for name, x in (("gamma", -1.0), ("beta", 2.0), ("lognorm", -0.5), ("uniform", 3.0)):
        shapes, _ = SHAPES[name]
        F = tw.objective(lambda x, n=name, s=shapes: getattr(tw.stats, n).pdf(x, *s), 0.5)
        assert F(x) == 0
        assert F.grad(x) == 0


def test_parameters_that_are_none_give_nan_as_in_scipy():
    assert np.isnan(tw.stats.norm.logpdf(0.0, 0.0, -1.0))
    assert np.isnan(tw.objective(lambda s: tw.stats.norm.pdf(0.0, 0.0, s), 1.0)(-1.0))
    assert np.isnan(tw.objective(lambda a: tw.stats.gamma.cdf(1.0, a), 1.0)(-1.0))
    assert np.isnan(tw.stats.binom.pmf(1, 2.5, 0.3))


def test_arguments_are_scipys():
    stats = tw.stats
    assert stats.gamma.pdf(2.0, a=1.5, scale=2.0) == stats.gamma.pdf(2.0, 1.5, 0.0, 2.0)
    for wrong, message in (
        (lambda: stats.gamma.pdf(2.0), "gamma needs a"),
        (lambda: stats.norm.pdf(2.0, 0, 1, 3), "norm takes loc, scale, got 3 of them"),
        (lambda: stats.norm.pdf(2.0, sd=2), "'sd' as a parameter"),
        (lambda: stats.norm.pdf(2.0, 1.0, loc=2), "'loc' twice"),
    ):
        with pytest.raises(TypeError, match=message):
            wrong()
    with pytest.raises(NotImplementedError, match="no quantiles of nbinom"):
        stats.nbinom._ppf(0.5)


def test_lanes_agree_with_single_points():
    y = np.random.default_rng(0).gamma(2.0, size=300)

    def loss(p):
        return -np.sum(tw.stats.gamma.logpdf(y, np.exp(p[0]), scale=np.exp(p[1])))

    F = tw.objective(loss, np.zeros(2))
    points = np.random.default_rng(1).normal(size=(7, 2))
    np.testing.assert_array_equal(F(points), [F(p) for p in points])
    np.testing.assert_array_equal(F.grad(points), [F.grad(p) for p in points])
    r = tw.minimize(F, np.zeros(2))
    a, _, scale = scipy.stats.gamma.fit(y, floc=0)
    np.testing.assert_allclose(np.exp(r.x), [a, scale], rtol=1e-4)


def test_scipys_own_are_refused_with_what_to_write():
    for f, advice in (
        (lambda x: np.sum(scipy.stats.norm.logpdf(x)), "Write tw.stats.norm.logpdf"),
        (lambda x: np.sum(scipy.stats.gamma(2.0, scale=x[0]).pdf(1.0)), "Write tw.stats.gamma.pdf"),
        (lambda x: scipy.stats.levy.cdf(x[0]), "scipy.stats.levy.cdf"),
    ):
        with pytest.raises(tw.TraceError, match=advice):
            tw.objective(f, np.ones(3))
