"""Interpolation, splines, bins and changed elements, against NumPy's and SciPy's own."""

import pickle

import numpy as np
import pytest
import scipy.interpolate
from scipy.interpolate import Akima1DInterpolator, CubicSpline, PchipInterpolator
from traced_values import check_slope

import thalweg as tw
from thalweg._tracing.errors import TraceError

rng = np.random.default_rng(3)
XS = np.sort(rng.uniform(0, 5, 9))
YS = rng.normal(size=9)
Q = rng.uniform(-1, 6, 7)
SPLINE, MONOTONE, AKIMA = (
    CubicSpline(XS, YS),
    PchipInterpolator(XS, YS),
    Akima1DInterpolator(XS, YS),
)
PERIODIC = CubicSpline(XS, np.r_[YS[:-1], YS[0]], bc_type="periodic")

INTERP = {
    "traced values": (lambda y: np.interp(Q, XS, y), YS),
    "traced values, ends given": (lambda y: np.interp(Q, XS, y, left=0.0, right=1.0), YS),
    "traced values at a point of the table": (lambda y: np.interp(XS, XS, y), YS),
    "all traced": (lambda p: np.interp(p[:5] * 3, np.cumsum(np.exp(p)), p), YS),
    "traced points and values": (lambda p: np.interp(np.exp(p), XS, p), YS),
    "one point": (lambda p: np.interp(Q, [1.0], p[:1]), YS),
}
SPLINES = {
    "cubic": lambda x: SPLINE(x),
    "monotone": lambda x: MONOTONE(x),
    "Akima": lambda x: AKIMA(np.clip(x, XS[0], XS[-1])),
    "periodic": lambda x: PERIODIC(x),
    "its derivative": lambda x: SPLINE(x, 1),
    "derivative()": lambda x: SPLINE.derivative()(x),
    "antiderivative()": lambda x: SPLINE.antiderivative()(x),
    "made inside": lambda x: CubicSpline(XS, YS)(x),
    "by the module": lambda x: scipy.interpolate.PchipInterpolator(XS, YS)(x),
    "not beyond the ends": lambda x: np.where(
        (x < XS[0]) | (x > XS[-1]), 0.0, SPLINE(x, extrapolate=False)
    ),
    "at constants": lambda x: x * SPLINE(1.5),
    "of a matrix": lambda x: SPLINE(np.outer(x, x)),
}
BINS = {
    "searchsorted": lambda x: x * np.searchsorted(XS, x),
    "from the right": lambda x: x * np.searchsorted(XS, x, side="right"),
    "with repeated edges": lambda x: x * np.searchsorted([1.0, 1.0, 2.0], x, side="right"),
    "unsorted": lambda x: x * np.searchsorted(XS[::-1], x, sorter=np.arange(9)[::-1]),
    "no edges": lambda x: x * (1 + np.searchsorted([], x)),
    "digitize": lambda x: x * np.digitize(x, XS),
    "digitize downwards": lambda x: x * np.digitize(x, XS[::-1], right=True),
    "bincount": lambda x: np.bincount([0, 2, 2, 5, 1, 0, 0], weights=x, minlength=9) ** 2,
}


@pytest.mark.parametrize("name", INTERP)
def test_tables_may_be_traced(name):
    check_slope(*INTERP[name])


@pytest.mark.parametrize("name", SPLINES | BINS)
def test_values_and_slopes_are_numpys_and_scipys(name):
    check_slope((SPLINES | BINS)[name], Q)


@pytest.mark.parametrize("right", [False, True])
@pytest.mark.parametrize("edges", [[0.0, 1.0, 1.0, 2.5], [2.5, 1.0, 1.0, 0.0]])
def test_edges_of_bins_belong_to_the_side_that_numpy_says(edges, right):
    x = np.array([-1.0, 0.0, 0.5, 1.0, 2.5, 3.0, -0.0])
    F = tw.objective(lambda x: np.digitize(x, edges, right) + 0.0 * x, x)
    np.testing.assert_array_equal(F(x), np.digitize(x, edges, right))


@pytest.mark.parametrize("side", ["left", "right"])
def test_edges_belong_to_the_side_that_numpy_says(side):
    edges = [0.0, 1.0, 1.0, 2.5]
    x = np.array([-1.0, 0.0, 0.5, 1.0, 2.5, 3.0, -0.0])
    f = tw.jacobian(lambda x: x + np.searchsorted(edges, x, side=side))
    np.testing.assert_array_equal(f(x), np.eye(7))
    got = [tw.objective(lambda v: np.searchsorted(edges, v, side=side), 0.0)(v) for v in x]
    np.testing.assert_array_equal(got, np.searchsorted(edges, x, side=side))


def changed(x, index, values, how):
    """What x.at[index] means, in NumPy, or traced."""
    if not isinstance(x, np.ndarray):
        return getattr(x.at[index], how)(values)
    y = x.copy()
    if how == "set":
        y[index] = values
    elif how == "add":
        np.add.at(y, index, values)
    elif how == "subtract":
        np.subtract.at(y, index, values)
    else:
        ufunc = {"max": np.maximum, "min": np.minimum}.get(how) or getattr(np, how)
        y[index] = ufunc(y[index], values)
    return y


@pytest.mark.parametrize(
    "index",
    [
        0,
        (1, 2),
        slice(1, 3),
        (slice(None), [0, 3, 2]),
        np.eye(3, 4) > 0,
        (..., 1),
        [[0, 2], [1, 1]],
    ],
    ids=str,
)
@pytest.mark.parametrize("how", ["set", "add", "subtract", "multiply", "divide", "max", "min"])
def test_changed_elements_are_numpys(index, how):
    x = np.random.default_rng(5).normal(size=(3, 4))
    if how not in ("add", "subtract") and str(index) == "([0, 2, 0], 1)":
        index = ([0, 2], 1)  # what is done once has no order
    check_slope(lambda x: changed(x, index, 2.0 * x[0, 0] + 1.5, how) ** 2, x)


def test_repeated_places_are_added_repeatedly():
    x = np.zeros(3)
    f = tw.objective(lambda x: np.sum(x.at[np.array([1, 1, 2])].add(x[0]) * [1, 10, 100]), x)
    np.testing.assert_array_equal(f.grad(x), [121, 10, 100])


def test_a_power_and_what_is_there():
    check_slope(lambda x: changed(x, [0, 2], 3.0, "power"), np.array([0.5, 1.0, 2.0]))
    assert tw.objective(lambda x: x.at[1].get(), [1.0, 2.0])([3.0, 4.0]) == 4.0


@pytest.mark.parametrize(
    ("function", "advice"),
    [
        (lambda x: np.sum(np.searchsorted(x, 1.0)), "np.searchsorted in a traced array"),
        (lambda x: np.sum(np.bincount(x)), "np.bincount of a traced value"),
        (lambda x: np.sum(x.at[x].set(1.0)), "with a traced index"),
        (lambda x: np.sum(CubicSpline(XS, x)(1.0)), "CubicSpline of traced values"),
        (lambda x: np.sum(CubicSpline(XS, np.c_[YS, YS])(x)), "several columns"),
        (lambda x: np.sum(np.interp(x, XS, YS, left=x[0])), "traced left"),
        (lambda x: np.sum(np.interp(Q, XS, x, period=3.0)), "period="),
    ],
)
def test_refusals_say_why(function, advice):
    with pytest.raises(TraceError, match=advice):
        tw.objective(function, np.ones(9))


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (lambda x: np.bincount([0, 1], weights=x), "don't have the same length"),
        (lambda x: np.digitize(x, [0.0, 2.0, 1.0]), "monotonically"),
        (lambda x: np.interp([1.0], XS, x), "not of the same length"),
        (lambda x: np.bincount([-1, 0, 1], weights=x), "negative"),
    ],
)
def test_mistakes_say_what_numpy_says(function, text):
    for call in (lambda: function(np.ones(3)), lambda: tw.objective(function, np.ones(3))):
        with pytest.raises(ValueError, match=text):
            call()


def test_sums_into_places_are_saved():
    x = np.arange(1.0, 6.0)

    def f(x):
        added = x.at[np.array([0, 2, 2])].add(x[:3] ** 2)
        return np.sum(np.bincount([0, 2, 2, 1, 0], weights=x) ** 3) + np.sum(added**2)

    objective = tw.objective(f, x)
    again = pickle.loads(pickle.dumps(objective))
    assert again(x) == objective(x)
    np.testing.assert_array_equal(again.grad(x), objective.grad(x))
