"""Sorting, quantiles and running extremes, against NumPy's own."""

import pickle
from itertools import permutations

import numpy as np
import pytest
from traced_values import check_slope

import thalweg as tw
from thalweg._tracing.errors import TraceError

METHODS = (
    "inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf",
    "hazen", "weibull", "linear", "median_unbiased", "normal_unbiased", "lower", "higher",
    "midpoint", "nearest",
)  # fmt: skip
CASES = {
    "sort": lambda x: np.sort(x),
    "sort along an axis": lambda x: np.sort(x, axis=0, kind="stable"),
    "sort all": lambda x: np.sort(x, axis=None),
    "partition": lambda x: np.sort(np.partition(x, 0, axis=1), axis=1),
    "median": lambda x: np.median(x),
    "median along an axis": lambda x: np.median(x, axis=0),
    "median along axes": lambda x: np.median(x, axis=(0, 1), keepdims=True),
    "quantile": lambda x: np.quantile(x, 0.3),
    "several quantiles": lambda x: np.quantile(x, [0.1, 0.5, 0.77], axis=1),
    "quantiles of two axes": lambda x: np.quantile(x, [[0.1, 0.5], [1.0, 0.0]], axis=0),
    "quantiles, axes kept": lambda x: np.quantile(x, [0.1, 0.5], axis=0, keepdims=True),
    "percentile": lambda x: np.percentile(x, [25, 75]),
    "nanmedian": lambda x: np.nanmedian(x, axis=1),
    "nanquantile": lambda x: np.nanquantile(x, 0.3),
    "nanpercentile": lambda x: np.nanpercentile(x, 60, axis=0, keepdims=True),
    "maximum.accumulate": lambda x: np.maximum.accumulate(x, axis=1),
    "minimum.accumulate": lambda x: np.minimum.accumulate(x),
    "logaddexp.accumulate": lambda x: np.logaddexp.accumulate(x, axis=1),
    **{m: lambda x, m=m: np.quantile(x, 0.37, axis=1, method=m) for m in METHODS},
}


@pytest.mark.parametrize("shape", [(4, 5), (1, 1), (3, 8), (2, 17), (1, 64), (2, 20)])
@pytest.mark.parametrize("name", CASES)
def test_values_and_slopes_are_numpys(name, shape):
    check_slope(CASES[name], np.random.default_rng(len(name)).normal(size=shape))


def test_every_order_of_a_few_elements():
    f = tw.objective(lambda x: np.sum(np.sort(x) * np.arange(1.0, 6.0)), np.zeros(5))
    for order in permutations([3.0, -1.0, 0.5, 0.5, 7.0]):
        assert f(order) == -1.0 + 1.0 + 1.5 + 12.0 + 35.0


@pytest.mark.parametrize("n", [5, 17, 300])
def test_what_is_no_number_goes_last(n):
    x = np.random.default_rng(n).normal(size=n)
    x[1:5] = np.nan, -np.inf, np.inf, -0.0
    F = tw.objective(lambda x: np.sort(x), x)
    np.testing.assert_array_equal(F(x), np.sort(x))
    np.testing.assert_array_equal(F(-x), np.sort(-x))
    np.testing.assert_array_equal(F(np.full(n, 2.0)), np.full(n, 2.0))


@pytest.mark.parametrize("n", [16, 17, 300])
def test_in_lanes_as_alone_with_second_derivatives(n):
    points = np.random.default_rng(n).normal(size=(19, n))
    weights = np.arange(1.0, n + 1)
    F = tw.objective(lambda x: np.sum(weights * np.sort(np.sin(x)) ** 3), points[0])
    alone = [F.value_and_grad(x) for x in points]
    np.testing.assert_array_equal(F(points), [v for v, _ in alone])
    np.testing.assert_array_equal(F.grad(points), [g for _, g in alone])
    x, s, c = points[0], np.sin(points[0]), np.cos(points[0])
    rank = weights[np.argsort(np.argsort(s))]
    np.testing.assert_allclose(alone[0][1], rank * 3 * s**2 * c, rtol=1e-13)
    wanted = np.diag(rank * (6 * s * c**2 - 3 * s**3))
    np.testing.assert_allclose(F.hessian(x), wanted, rtol=1e-12, atol=1e-12)
    again = pickle.loads(pickle.dumps(F))
    np.testing.assert_array_equal(again.grad(x), F.grad(x))


def test_equal_elements_share_nothing_and_lose_nothing():
    F = tw.objective(lambda x: np.sum(np.arange(20.0) * np.sort(x)), np.zeros(20))
    np.testing.assert_array_equal(F.grad(np.zeros(20)), np.arange(20.0))


def test_the_order_may_differ_from_lane_to_lane():
    starts = np.random.default_rng(0).normal(size=(64, 5))
    target = np.array([-1.0, 0.0, 0.5, 1.0, 2.0])

    def f(x):
        return np.sum((np.sort(x) - target) ** 2)

    many = tw.minimize_many(f, starts)
    assert many.success.all()
    np.testing.assert_allclose(np.sort(many.x, axis=1), np.tile(target, (64, 1)), atol=1e-8)
    np.testing.assert_array_equal(np.argsort(many.x, axis=1), np.argsort(starts, axis=1))


def test_missing_values_are_left_out_in_each_lane():
    x = np.array([[1.0, np.nan, 3.0, 2.0], [np.nan, np.nan, 5.0, 1.0]])
    f = tw.objective(lambda x: np.sum(np.nanmedian(x, axis=1)), x)
    assert f(x) == 2.0 + 3.0
    np.testing.assert_array_equal(f.grad(x), [[0, 0, 0, 1], [0, 0, 0.5, 0.5]])
    nothing = tw.objective(lambda x: np.nanmedian(x), x[0])
    assert np.isnan(nothing(np.full(4, np.nan)))
    median = tw.objective(lambda x: np.median(x), x[0])
    assert np.isnan(median(x[0]))
    ordered = tw.jacobian(lambda x: np.sort(x))
    np.testing.assert_array_equal(ordered(x[0]) @ np.arange(4.0), [0, 3, 2, 1])


def test_equal_elements_keep_their_curvature():
    x = np.array([1.0, 2.0, 1.0, 3.0, 3.0, 0.5])
    f = tw.objective(lambda x: np.sum(np.sin(np.sort(x))), x)
    np.testing.assert_allclose(f.hessian(x), np.diag(-np.sin(x)), atol=1e-15)


@pytest.mark.parametrize("name", ["maximum", "minimum", "fmax", "fmin"])
def test_running_extremes_and_missing_values(name):
    x = np.array([1.0, np.nan, 3.0, -2.0, np.nan, 4.0, 4.0])
    f = getattr(np, name).accumulate
    for values in (x, x[1:], -x):
        made = tw.jacobian(lambda x: f(x))(values)
        known = np.where(np.isnan(values), 0.0, values)
        wanted = f(values)
        np.testing.assert_array_equal((made @ known)[~np.isnan(wanted)], wanted[~np.isnan(wanted)])
        for k in range(len(values)):
            np.testing.assert_array_equal(
                tw.objective(lambda x, k=k: f(x)[k], values)(values), wanted[k]
            )


def test_a_robust_fit_by_the_median():
    t = np.linspace(0, 1, 31)
    y = 2.0 + 3.0 * t
    y[::7] += 40.0

    def cost(p):
        return np.median(np.abs(y - p[0] - p[1] * t)) + 1e-3 * np.mean(np.abs(y - p[0] - p[1] * t))

    result = tw.minimize(cost, [0.0, 0.0], "compass", max_iter=20000)
    np.testing.assert_allclose(result.x, [2.0, 3.0], atol=1e-3)


@pytest.mark.parametrize(
    ("function", "advice"),
    [
        (lambda x: np.argsort(x)[0], r"np.argsort.*positions.*np\.sort orders"),
        (lambda x: np.argmax(x), r"np.argmax.*positions.*np\.max"),
        (lambda x: np.unique(x).size, r"np.unique.*positions.*keeps the shape"),
        (lambda x: np.nonzero(x)[0], "values are positions"),
        (lambda x: np.quantile(x, x[0]), "with traced q"),
        (lambda x: np.quantile(x, 0.5, weights=x, method="inverted_cdf"), "with weights"),
        (lambda x: np.nanquantile(x, 0.5, method="lower"), "np.nanquantile with method="),
        (lambda x: np.sum(np.sort(x, order="a")), "named columns"),
        (lambda x: x.sort(), r"Write np\.sort"),
    ],
)
def test_refusals_say_what_to_write(function, advice):
    with pytest.raises(TraceError, match=advice):
        tw.objective(function, np.ones(3))


@pytest.mark.parametrize(
    ("function", "error", "text"),
    [
        (lambda x: np.quantile(x, 1.5), ValueError, r"range \[0, 1\]"),
        (lambda x: np.percentile(x, 101), ValueError, r"range \[0, 100\]"),
        (lambda x: np.nanquantile(x, -0.5), ValueError, r"range \[0, 1\]"),
        (lambda x: np.nanpercentile(x, 101), ValueError, r"range \[0, 100\]"),
        (lambda x: np.partition(x, 3)[0], ValueError, "out of bounds"),
        (lambda x: np.sort(x[0]), np.exceptions.AxisError, "axis -1"),
        (lambda x: np.sort(x, axis=1)[0], np.exceptions.AxisError, "axis 1"),
        (lambda x: np.maximum.accumulate(x[0]), TypeError, "scalar"),
    ],
)
def test_mistakes_say_what_numpy_says(function, error, text):
    with pytest.raises(error, match=text):
        function(np.ones(3))
    with pytest.raises(error, match=text):
        tw.objective(function, np.ones(3))
