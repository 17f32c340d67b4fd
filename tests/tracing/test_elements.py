# SPDX-License-Identifier: BSD-3-Clause
"""Choices, reductions, running sums and differences, against NumPy's own values."""

import numpy as np
import pytest
from traced_values import A3, MASK, check_message, check_mistake, check_value, traced

from thalweg import _core
from thalweg._tracing.trace import Trace, output_node, trace_call

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


def gradient(function, x):
    trace = Trace()
    node = output_node(trace, trace_call(trace, function, [trace.input(0, x.shape)]))
    g = trace.graph.gradient(node, 0)
    (out,) = _core.Function(trace.graph, [g], 1)([x[None]], [True], 1)
    return out[0]


def test_diff_of_order_0_takes_any_axis():
    np.testing.assert_array_equal(traced(lambda x: np.diff(x, 0, axis=7), A3), A3)
