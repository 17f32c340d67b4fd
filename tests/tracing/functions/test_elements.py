# SPDX-License-Identifier: BSD-3-Clause
"""Choices, reductions, running sums and differences, against NumPy's own values."""

import warnings

import numpy as np
import pytest
from traced_values import (
    A3,
    MASK,
    check_message,
    check_mistake,
    check_value,
    failing,
    gradient,
    traced,
)

from thalweg import _core
from thalweg._tracing.errors import TraceError
from thalweg._tracing.functions import elements
from thalweg._tracing.trace import Trace, Truth

# name, function, shapes of its arguments. Where NumPy's value is a tuple the function stacks it.
CASES = [
    ("count", lambda x: np.sum(x > 0) + np.count_nonzero(x > 0.5) + (x > 0).mean(), [(5,)]),
    (
        "any all",
        lambda x: np.any(x > 1) * 1.0 + np.all(x > -9, axis=0) * 2.0 + (x > 0).any() * 4.0,
        [(5,)],
    ),
    (
        "round",
        lambda x: np.round(x, 2) + np.round(x) + x.round(1) + np.round(100 * x, -1) + np.around(x),
        [(5,)],
    ),
    ("imag", lambda x: x + np.imag(x) + x.imag, [(5,)]),
    ("sinc", lambda x: np.sinc(x) + np.sinc(0.0 * x), [(5,)]),
    ("nan_to_num", lambda x: np.nan_to_num(x / (x > 0), nan=2.0, posinf=5.0), [(5,)]),
    (
        "where",
        lambda x, y: np.where(x > 0, x, y) + np.where(x > 0, 1, 2.0) + np.where(MASK, x, 0),
        [(3,), (2, 3)],
    ),
    ("where of bools", lambda x: np.where(x > 0, True, x < -1) * 1.0, [(5,)]),
    (
        "clip",
        lambda x: (
            np.clip(x, -0.5, 0.5) + np.clip(x, None, 0.5) + np.clip(x, 0, None) + x.clip(0, 1)
        ),
        [(5,)],
    ),
    (
        "clip min max",
        lambda x: np.clip(x, min=-0.5, max=0.5) + np.clip(x, a_min=0, a_max=1) + x.clip(min=0),
        [(5,)],
    ),
    ("clip bounds", lambda x, y: np.clip(x, y, y + 1) + np.clip(0.3, x, None), [(5,), ()]),
    ("select", lambda x: np.select([x < 0, x < 0.5], [x**2, x**3], default=-1), [(5,)]),
    (
        "piecewise",
        lambda x: np.piecewise(x, [x < 0, x >= 0.5], [lambda v: -v, lambda v: v**2, 7.0]),
        [(5,)],
    ),
    (
        "piecewise of rows",  # y[cond] takes rows where cond has fewer axes
        lambda x: np.piecewise(x, [np.array([True, False, False])], [lambda v: v**2, np.sin]),
        [(3, 3)],
    ),
    (
        "piecewise of traced rows",
        lambda x: np.piecewise(x, [x[0] > 0, x[1] > 0], [lambda v: v**2, np.sin, 0.5]),
        [(3, 3)],
    ),
    ("piecewise without else", lambda x: np.piecewise(x, [x < 0], [lambda v: -v]), [(5,)]),
    ("sum", lambda x: np.sum(x) + x.sum(0) + x.sum(axis=-1, keepdims=True), [(2, 3)]),
    ("sum axes", lambda x: np.sum(x, axis=(0, 2)) + x.sum((0, -1)), [(2, 3, 4)]),
    ("sum of a list", lambda x: np.sum([x, 2 * x, x**2]), [()]),
    ("sum of no axes", lambda x: np.sum(x, axis=()), [(2, 3)]),
    ("sum of nothing", lambda x: np.sum(x[3:]) + np.prod(x[3:]), [(3,)]),
    ("prod", lambda x: np.prod(x, axis=1) + x.prod() + np.prod(x, axis=1, keepdims=True), [(2, 3)]),
    ("max", lambda x: np.max(x) + x.max(0) + np.amax(x, 0, keepdims=True), [(2, 3)]),
    ("min", lambda x: np.min(x) + x.min(0) + np.amin(x, 0), [(2, 3)]),
    ("mean", lambda x: np.mean(x) + x.mean(0) + np.mean(x, axis=1, keepdims=True), [(2, 3)]),
    (
        "var",
        lambda x: (
            np.var(x)
            + x.var(0)
            + np.var(x, axis=1, ddof=1, keepdims=True)
            + np.var(x, correction=1)
        ),
        [(2, 3)],
    ),
    ("std", lambda x: np.std(x) + x.std(axis=0, ddof=1) + np.std(x, 1, keepdims=True), [(2, 3)]),
    ("ptp", lambda x: np.ptp(x, axis=0) + np.ptp(x), [(2, 3)]),
    (
        "average",
        lambda x: np.average(x) + np.average(x, axis=0) + np.average(x, axis=0, weights=[1, 3]),
        [(2, 3)],
    ),
    (
        "average weights",
        lambda x, w: np.average(x, weights=w**2) + np.average(x, axis=1, weights=w**2),
        [(2, 3), (2, 3)],
    ),
    (
        "average returned",
        lambda x: np.stack(np.average(x, weights=[1, 2, 3], returned=True)),
        [(3,)],
    ),
    ("nansum", lambda x: np.nansum(x) + np.nanmean(x), [(2, 3)]),
    ("cumsum", lambda x: np.cumsum(x) + x.cumsum(), [(2, 3)]),
    ("cumsum axis", lambda x: np.cumsum(x, axis=0) + x.cumsum(axis=1), [(2, 3)]),
    ("cumprod", lambda x: np.cumprod(x, axis=0) + x.cumprod(1), [(2, 3)]),
    ("cumprod flat", lambda x: np.cumprod(x), [(2, 3)]),
    ("diff", lambda x: np.diff(x, axis=0) + 1, [(3, 4)]),
    ("diff n", lambda x: np.diff(x, n=2), [(3, 4)]),
    ("diff ends", lambda x: np.diff(x, prepend=0) + np.diff(x, append=x[-1:]), [(5,)]),
    ("diff of bools", lambda x: np.diff(x > 0) * 1.0, [(5,)]),
    (
        "trapezoid",
        lambda x: (
            np.trapezoid(x) + np.trapezoid(x, dx=0.5) + np.trapezoid(x, np.array([0, 1, 3, 4.0]))
        ),
        [(4,)],
    ),
    (
        "trapezoid axis",
        lambda x, t: np.trapezoid(x, t, axis=0) + np.trapezoid(x, x, axis=0),
        [(3, 4), (3,)],
    ),
]


@pytest.mark.parametrize(("name", "function", "shapes"), CASES, ids=[c[0] for c in CASES])
def test_traced_value_is_numpys(name, function, shapes):
    check_value(name, function, shapes)


# name, function, shapes, what the message says
REFUSED = [
    (
        "np.where of one",
        lambda x: np.where(x > 0),
        [(3,)],
        "np.where(condition)",
        "np.where(condition, a, b)",
    ),
    (
        "piecewise of integers",
        lambda x: np.piecewise(np.arange(3), [x > 0], [lambda v: 0.5 * v]),
        [(3,)],
        "truncates its values to integers",
        "np.where",
    ),
]


@pytest.mark.parametrize(
    ("name", "function", "shapes", "what", "instead"), REFUSED, ids=[c[0] for c in REFUSED]
)
def test_what_cannot_be_traced_says_where_and_what_instead(name, function, shapes, what, instead):
    check_message(function, shapes, what, instead, __file__)


# name, function, shapes, error, what NumPy says
WRONG = [
    (
        "axis",
        lambda x: np.sum(x, axis=1),
        [(3,)],
        ValueError,
        "axis 1 is out of bounds for array of dimension 1",
    ),
    ("axis twice", lambda x: np.sum(x, axis=(0, 0)), [(3,)], ValueError, "repeated axis"),
    ("empty max", lambda x: np.max(x[:0]), [(3,)], ValueError, "zero-size array"),
    (
        "piecewise of columns",
        lambda x: np.piecewise(x, [np.ones(4, bool)], [1.0]),
        [(3, 4)],
        IndexError,
        "condition",
    ),
]


@pytest.mark.parametrize(
    ("name", "function", "shapes", "error", "text"), WRONG, ids=[c[0] for c in WRONG]
)
def test_what_is_wrong_says_what_numpy_says(name, function, shapes, error, text):
    check_mistake(function, shapes, error, text)


def test_diff_of_order_0_takes_any_axis():
    np.testing.assert_array_equal(traced(lambda x: np.diff(x, 0, axis=7), A3), A3)


MISTAKES = {
    "select": (
        lambda x: np.select([x > 0], [x, x]),
        "list of cases must be same length as list of conditions",
    ),
    "piecewise": (
        lambda x: np.piecewise(x, [x > 0], [1.0, 2.0, 3.0]),
        "either 1 or 2 functions are expected",
    ),
    "sum": (lambda x: np.sum(x, axis=2), "axis 2 is out of bounds for array of dimension 2"),
    "sums": (lambda x: np.sum(x, axis=(0, 0)), "repeated axis"),
    "max of nothing": (
        lambda x: np.max(x[:0]),
        "zero-size array to a maximum or minimum, which has no identity",
    ),
    "min of nothing": (
        lambda x: np.min(x[:, :0], axis=1),
        "zero-size array to a maximum or minimum, which has no identity",
    ),
    "weights": (
        lambda x: np.average(x, axis=0, weights=np.ones(3)),
        "Shape of weights must be consistent with shape of a along specified axis",
    ),
    "order": (lambda x: np.diff(x, n=-1), "order must be non-negative but got -1"),
    "difference of a number": (
        lambda x: np.diff(x[0, 0]),
        "requires input that is at least one dimensional",
    ),
    "axis of diff": (lambda x: np.diff(x, axis=2), "axis 2 is out of bounds"),
    "axis of cumsum": (lambda x: np.cumsum(x, axis=-3), "axis -3 is out of bounds"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_what_numpy_refuses_of_elements_is_refused(name):
    f, said = MISTAKES[name]
    with pytest.raises(ValueError, match=r"."):  # NumPy's text differs by its version
        f(np.ones((2, 3)))
    with pytest.raises(ValueError, match=said):
        failing(f, (2, 3))


def test_weights_of_another_shape_need_an_axis():
    with pytest.raises(TypeError, match="Axis must be specified when shapes of a and weights"):
        failing(lambda x: np.average(x, weights=np.ones(3)), (2, 3))


def test_choices_between_truth_values_are_truth_values():
    trace = Trace()
    x = trace.input(0, (3,))
    assert isinstance(elements.choose(trace, x > 0, x > 1, True), Truth)
    assert not isinstance(elements.choose(trace, x > 0, x > 1, 1.0), Truth)


def test_indices_along_an_axis_select_from_it_alone():
    x = np.arange(24).reshape(2, 3, 4)
    for axis in range(3):
        np.testing.assert_array_equal(x[elements.along(3, axis, 1)], x.take(1, axis))
        part = slice(1, None)
        np.testing.assert_array_equal(x[elements.along(3, axis, part)], np.delete(x, 0, axis))


@pytest.mark.parametrize(
    ("shape", "axis", "number"),
    [
        ((2, 3, 4), None, 24),
        ((2, 3, 4), -1, 4),
        ((2, 3, 4), (0, 2), 8),
        ((2, 3), (), 1),
        ((), None, 1),
        ((0, 3), 0, 0),
        ((0, 3), 1, 3),
    ],
)
def test_how_many_elements_a_reduction_combines(shape, axis, number):
    assert elements.count(shape, axis) == number


@pytest.mark.parametrize("ddof", [0, 1, 2, 3, 4])
def test_variances_of_too_few_elements_are_numpys(ddof):
    x = np.array([1.0, 2.0, 4.0])
    with np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # NumPy warns of degrees of freedom <= 0
        for f in (np.var, np.std):
            got = traced(lambda x, f=f: f(x, ddof=ddof), x)
            np.testing.assert_allclose(got, f(x, ddof=ddof), rtol=1e-15)


def test_means_of_what_is_not_nan():
    x = np.array([[1.0, np.nan, 4.0], [np.nan, np.nan, np.nan]])
    np.testing.assert_array_equal(traced(lambda x: np.nansum(x, axis=1), x), [5.0, 0.0])
    np.testing.assert_array_equal(traced(lambda x: np.nanmean(x, axis=1), x), [2.5, np.nan])
    slopes = gradient(lambda x: np.nansum(x**2), x.ravel())
    np.testing.assert_array_equal(slopes[:3], [2.0, 0.0, 8.0])


def test_running_products_and_their_slopes_pass_zeros():
    x = np.array([2.0, 0.0, 3.0, -1.0])
    np.testing.assert_array_equal(traced(np.cumprod, x), [2.0, 0.0, 0.0, 0.0])
    # of 2 + 2 x1 + 2 x1 3 + 2 x1 3 (-1) at x1 = 0: the sum of the factors beside x1
    slopes = gradient(lambda x: np.sum(np.cumprod(x)), x)
    np.testing.assert_array_equal(slopes, [1.0, 2.0 + 6.0 - 6.0, 0.0, 0.0])


def test_numbers_that_replace_what_is_not_finite():
    x = np.array([np.nan, np.inf, -np.inf, 1.5])
    for given in ({}, {"nan": 7.0}, {"posinf": 8.0, "neginf": -9.0}, {"copy": False}):
        got = traced(lambda x, k=given: np.nan_to_num(x, **k), x)
        np.testing.assert_array_equal(got, np.nan_to_num(x, **given))


def test_truth_values_have_nothing_to_replace():
    x = np.array([0.5, -0.5, 2.0])
    got = traced(lambda x: np.nan_to_num(x[:1] > 0, nan=x) * x, x)
    np.testing.assert_array_equal(got, np.nan_to_num(x[:1] > 0, nan=x) * x)


def test_rounding_is_to_even_and_to_tens():
    x = np.array([0.5, 1.5, 2.5, -0.5, 12.35, 125.0, -135.0])
    for decimals in (0, 1, -1):
        got = traced(lambda x, d=decimals: np.round(x, d), x)
        np.testing.assert_array_equal(got, np.round(x, decimals))


def test_a_mean_that_is_given_is_used():
    x = np.array([[1.0, 2.0, 6.0]])
    assert traced(lambda x: np.var(x, mean=np.zeros((1, 1))), x) == pytest.approx(41 / 3, rel=1e-15)


def test_slopes_of_roots_are_zero_at_zero():
    """The core's sqrt has an infinite slope there."""
    trace = Trace()
    x = trace.input(0, (3,))
    value = elements.root(trace, x**2)
    (slope,) = trace.graph.vjp([value.node], [trace.wrap(np.ones(3)).node], [x.node])
    program = _core.Function(trace.graph, [value.node, slope], 1)
    got = program([np.array([[0.0, 3.0, -4.0]])], [True], 1)
    np.testing.assert_array_equal(got, [[[0.0, 3.0, 4.0]], [[0.0, 1.0, -1.0]]])


def test_traced_conditions_alone_are_refused_and_what_to_write_is_said():
    with pytest.raises(TraceError, match=r"Write np\.where\(condition, a, b\)"):
        failing(lambda x: np.where(x > 0, x), (3,))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_running_products_along_every_axis(axis):
    x = np.random.default_rng(5).uniform(0.5, 1.5, (2, 3, 4))
    got = traced(lambda x: np.cumprod(x, axis=axis), x)
    np.testing.assert_allclose(got, np.cumprod(x, axis=axis), rtol=1e-14)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_trapezoids_over_one_grid_along_every_axis(axis):
    y = np.random.default_rng(5).normal(size=(2, 3, 4))
    t = np.cumsum(np.arange(1.0, 1.0 + y.shape[axis]))
    got = traced(lambda y: np.trapezoid(y, t, axis=axis), y)
    np.testing.assert_allclose(got, np.trapezoid(y, t, axis=axis), rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_ends_of_differences_along_every_axis(axis):
    x = np.random.default_rng(5).normal(size=(2, 3, 4))
    got = traced(lambda x: np.diff(x, axis=axis, prepend=1.5, append=0.0), x)
    np.testing.assert_array_equal(got, np.diff(x, axis=axis, prepend=1.5, append=0.0))


def test_nan_to_num_leaves_truth_values_as_they_are():
    x = np.array([0.5, -0.5, 2.0])
    got = traced(lambda x: np.nan_to_num(x[:1] > 0, nan=x) * x, x)
    np.testing.assert_array_equal(got, np.nan_to_num(x[:1] > 0, nan=x) * x)


@pytest.mark.parametrize("name", ["nan", "posinf", "neginf"])
def test_nan_to_num_keeps_its_shape(name):
    wide = {name: np.ones((1, 3))}
    text = rf"{name} must broadcast to the shape \(1,\) of x, got \(1, 3\)"
    check_mistake(lambda x: np.nan_to_num(x, **wide), [(1,)], ValueError, text)
