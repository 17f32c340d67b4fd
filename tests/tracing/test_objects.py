# SPDX-License-Identifier: BSD-3-Clause
"""Arrays of objects: a function that makes them is checked by its values for numbers."""

import numpy as np
import pytest
from traced_values import as_objects

import thalweg as tw
from thalweg._tracing import objects
from thalweg._tracing.errors import TraceError
from thalweg._tracing.trace import Trace, Tracer

THREE = np.array([5.0, 2.0, 0.0])
BY_PYTHONS_RULES = {
    "logical_or.reduce": lambda x: np.sum(np.logical_or.reduce([THREE, x]) * x),
    "logical_and.reduce": lambda x: np.sum(np.logical_and.reduce([THREE, x]) * x),

    "logical_or": lambda x: np.sum(np.logical_or([3.0, 2.0], as_objects([x[0], 1.0])) * x[1]),
}  # fmt: skip


@pytest.mark.parametrize("case", BY_PYTHONS_RULES)
def test_what_numpy_decides_of_objects_is_refused(case):
    """`2.0 or x` is 2.0 and no truth value; no traced value hears of it."""
    for point in (np.full(3, 0.5), np.ones(3)):
        with pytest.raises(TraceError, match=r"for numbers, but its trace gives .* objects"):
            tw.objective(BY_PYTHONS_RULES[case], point)


def test_what_is_refused_of_objects_is_refused_in_models():
    t = np.linspace(1, 2, 9)

    def model(t, a, b):
        return np.logical_or.reduce([t, a + 0 * t]) * a + b * t

    for fit in (tw.curve_fit, tw.curve_fit_many):
        with pytest.raises(TraceError, match=r"returns .* for numbers"):
            fit(model, t, t)


def test_what_numpy_decides_of_objects_is_refused_where_few_numbers_have_a_value():
    """At most points arcsin is NaN. NumPy's reduction of one object is the object itself."""

    def decided(x):
        return np.sum(1.0 * np.logical_and.reduce([x, 0.1 * x], axis=-1))

    def narrow(x):
        return decided(x) + np.sum(np.arcsin(1.5 + x / 1000))

    with pytest.raises(TraceError, match=r"for numbers, but its trace gives .* objects"):
        tw.objective(narrow, np.array([-900.0]))
    t = np.linspace(1, 2, 9)
    with pytest.raises(TraceError, match=r"returns .* for numbers"):
        tw.curve_fit(lambda t, a: decided(np.stack([a])) * t * np.sqrt(-1.0 - a), t, t, [-1.5])


def test_a_trace_that_gives_nan_for_numbers_is_refused():
    """The reduction of one object is the object itself, here 0.5 x: a negative base of a power."""

    def f(x):
        decided = 1.0 * np.logical_or.reduce([x, 0.5 * x], axis=-1)
        return np.sum(np.power.outer(np.expm1(1.5 * decided - 1.257), x))

    with pytest.raises(TraceError, match=r"for numbers, but its trace gives nan"):
        tw.objective(f, np.array([-1.44]))


def test_a_sum_that_cancels_is_not_refused_for_its_rounding():
    """It is 1e-14 for numbers, and another 1e-14 in its trace, which sums in another order."""

    def f(x):
        rest = x - x.mean(keepdims=True)
        return np.sum([rest, rest])

    x = np.linspace(0.1, 2.0, 63)
    assert abs(tw.objective(f, x)(x)) < 1e-12


def test_functions_of_objects_are_called_once_more_and_others_are_not():
    calls = []

    def f(x):
        calls.append(type(x))
        return np.sum(as_objects([x[0], 2.0, x[1]]) ** 2)

    assert tw.objective(f, [1.0, 2.0])([3.0, 4.0]) == 29
    assert calls[0] is Tracer
    assert set(calls[1:]) == {np.ndarray}
    del calls[:]
    tw.objective(lambda x: (calls.append(1), np.sum(x**2))[1], [1.0, 2.0])
    assert calls == [1]


def test_what_is_not_for_numbers_is_not_checked_by_them():
    def f(x):
        y = as_objects([x[0], 2.0])
        return x.trace.graph and np.sum(y) if isinstance(x, Tracer) else 1 / 0

    assert tw.objective(f, [1.0, 2.0])([3.0, 4.0]) == 5


def test_numbers_take_the_place_of_traced_values_at_any_depth():
    trace = Trace()
    x, y = trace.input(0, (2,)), trace.input(1, ())
    given = ([x, (y, "word")], {"scale": y, "rest": {"x": x}}, 3.0)
    number = {x.node: "X", y.node: "Y"}
    wanted = (["X", ("Y", "word")], {"scale": "Y", "rest": {"x": "X"}}, 3.0)
    assert objects._numbered(given, lambda v: number[v.node]) == wanted


@pytest.mark.parametrize(
    ("value", "wanted", "differs"),
    [
        ([1.0, 2.0], [1.0, 2.0], False),
        ([1.0, 2.0], [1.0, 2.0 + 1e-6], False),  # relative to the largest
        ([1.0, 2.0], [1.0, 2.0 + 4e-6], True),
        ([1e-9, 1.0], [0.0, 1.0], False),
        ([1e-9], [0.0], True),
        ([np.nan, 1.0], [2.0, 1.0], False),
        ([np.inf, 1.0], [np.inf, 1.5], True),
        ([0.0], [0.0], False),
        ([1e-14], [0.0], False),  # a sum that cancels
        ([[1.0]], [1.0], True),
        ([], [], False),
    ],
)
def test_what_differs_by_more_than_rounding(value, wanted, differs):
    assert objects._differs(np.array(value), np.array(wanted)) is differs


def test_the_message_has_the_value_that_differs_most():
    error = objects._objects_differ(np.array([1.0, 5.0, 2.0]), np.array([1.0, 2.0, 2.5]))
    assert "returns 2 for numbers, but its trace gives 5" in str(error)
    error = objects._objects_differ(np.array([np.inf, 5.0, 2.0]), np.array([np.inf, 2.0, 2.5]))
    assert "returns 2 for numbers, but its trace gives 5" in str(error)
    error = objects._objects_differ(np.zeros(3), np.zeros((2, 2)))
    assert "returns shape (2, 2) for numbers, but its trace has (3,)" in str(error)


def test_shapes_that_differ_are_refused():
    """NumPy's any of objects has the shape of one object, which is an array here."""

    def f(x):
        if isinstance(x, np.ndarray):
            return np.zeros(3)
        return np.sum(as_objects([x[0], 1.0]))

    with pytest.raises(TraceError, match=r"returns shape \(3,\) for numbers"):
        tw.objective(f, np.ones(2))


def test_infinite_values_are_compared_without_a_warning():
    def f(x):
        return np.stack([np.sum(as_objects([x[0], 1.0])), np.inf * x[0] ** 2])

    np.testing.assert_array_equal(tw.objective(f, np.ones(2))([2.0, 0.0]), [3.0, np.inf])


def test_values_of_another_shape_but_as_many_are_told_by_their_shapes():
    def f(x):
        total = np.sum(as_objects([x[0], 1.0]))
        return total.reshape(1) if isinstance(total, np.generic) else total

    with pytest.raises(TraceError, match=r"shape \(1,\) for numbers, but its trace has \(\)"):
        tw.objective(f, np.ones(2))
