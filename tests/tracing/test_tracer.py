# SPDX-License-Identifier: BSD-3-Clause
"""Traced values: operators, truth values and indices against NumPy's, and what is refused."""

import math

import numpy as np
import pytest
from traced_values import (
    A3,
    BIG,
    M34,
    MASK,
    accumulate_in_loop,
    check_message,
    check_mistake,
    check_value,
    traced,
)

from thalweg._tracing.errors import TraceError
from thalweg._tracing.trace import Trace, Tracer, Truth
from thalweg._tracing.tracer import holds_tracer, is_truth, node_of


def in_place(x):
    y = x
    y += 1
    y *= 2
    y -= 0.5
    y /= 3
    y **= 2
    return y


def store(x):
    x[0] = 1.0
    return x


# name, function, shapes of its arguments. Where NumPy's value is a tuple the function stacks it.
CASES = [
    ("add", lambda x, y: x + y + 1 + 2.5, [(3,), (3,)]),
    ("radd", lambda x: 1 + x + np.float64(2), [(3,)]),
    ("array on the left", lambda x: A3 * x - A3 / x, [(3,)]),
    ("list on the left", lambda x: [1, 2, 3] * x, [(3,)]),
    ("numpy scalars", lambda x: np.float64(2) * x + np.int64(3) - np.float32(0.5), [(3,)]),
    ("bool and int arrays", lambda x: MASK * x + np.arange(3) * x, [(3,)]),
    ("large constant", lambda x: BIG * x, [(40,)]),
    ("large int constant", lambda x: np.arange(40) * x, [(40,)]),
    ("fortran constant", lambda x: np.asfortranarray(M34) * x, [(3, 4)]),
    ("strided constant", lambda x: BIG[::2] + x, [(20,)]),
    ("subtract", lambda x, y: x - y - 1, [(2, 3), (3,)]),
    ("rsub", lambda x: 1 - x, [(3,)]),
    ("divide", lambda x, y: x / y / 3, [(3,), ()]),
    ("rdiv", lambda x: 1 / x, [(3,)]),
    ("negative", lambda x: -x + +x, [(3,)]),
    ("abs", lambda x: abs(x) + np.abs(x) + np.fabs(x), [(3,)]),
    ("remainder", lambda x, y: x % y + 5 % y, [(3,), (3,)]),
    ("floor_divide", lambda x, y: x // y + 5 // y, [(3,), (3,)]),
    ("divmod", lambda x, y: np.stack(divmod(x, y)) + np.stack(np.divmod(x, 0.7)), [(3,), (3,)]),
    ("rdivmod", lambda x: np.stack(divmod(3.0, x)), [(3,)]),
    ("square", lambda x: x**2 + np.power(x, 2) + np.square(x), [(3,)]),
    ("cube", lambda x: x**3 + x**1 + x**0 + x**-1 + x**-2, [(3,)]),
    ("powers of numpy numbers", lambda x: x ** np.int64(2) + np.power(x, np.float64(3)), [(3,)]),
    ("roots", lambda x: abs(x) ** 0.5 + abs(x) ** 1.5 + np.power(abs(x), 0.5), [(3,)]),
    ("power", lambda x, y: abs(x) ** y + np.float_power(abs(x), y), [(3,), (3,)]),
    (
        "power of arrays",
        lambda x: abs(x) ** np.array([1, 2, 3]) + np.array([1.5, 2, 3]) ** x,
        [(3,)],
    ),
    ("rpow", lambda x: 2**x + 1.5**x, [(3,)]),
    ("in place", in_place, [(3,)]),
    ("builtin sum", lambda x: sum(x), [(3,)]),
    ("loop", accumulate_in_loop, [(5,)]),
    ("floor of math", lambda x: math.floor(x) + math.ceil(x) + math.trunc(x), [()]),
    ("round of python", lambda x: round(x, 2), [()]),
    (
        "comparisons",
        lambda x, y: (x < y) * 1.0 + (x <= y) * 2 + (x > y) * 4 + (x >= y) * 8.0,
        [(5,), (5,)],
    ),
    ("equality", lambda x, y: (x == x) * 1.0 + (x != y) * 2.0, [(5,), (5,)]),
    (
        "logic",
        lambda x, y: (
            ((x > 0) & (y > 0)) * 1.0 + ((x > 0) | (y > 0)) * 2.0 + ((x > 0) ^ (y > 0)) * 4.0
        ),
        [(5,), (5,)],
    ),
    ("not", lambda x: ~(x > 0) * 1.0 + np.invert(x > 0) * 1.0 + np.logical_not(x) * 1.0, [(5,)]),
    ("bool sums", lambda x, y: ((x > 0) + (y > 0)) * 1.0 + ((x > 0) * (y > 0)) * 2.0, [(5,), (5,)]),
    (
        "bool with array",
        lambda x: (MASK & (x > 0)) * 1.0 + ((x > 0) | MASK) * 2.0 + (MASK + (x > 0)) * 4.0,
        [(3,)],
    ),
    ("mask times value", lambda x: x * (x > 0) + (x > 0) * x, [(5,)]),
    ("astype", lambda x: (x > 0).astype(float) + x.astype(float) + (x.astype(bool)) * 2.0, [(5,)]),
    ("array priority", lambda x: (A3 > x) * 1.0 + (1.0 < x) * 2.0, [(3,)]),  # noqa: SIM300
    ("unpack", lambda x: (lambda a, b, c: a * b - c)(*x), [(3,)]),
    ("enumerate", lambda x: sum(k * v for k, v in enumerate(x)), [(3,)]),
    ("rows", lambda x: np.stack([row.sum() for row in x]), [(3, 4)]),
    ("flat", lambda x: x.flat[4] + x.flatten()[3] + x.ravel()[1], [(2, 3)]),
]


@pytest.mark.parametrize(("name", "function", "shapes"), CASES, ids=[c[0] for c in CASES])
def test_traced_value_is_numpys(name, function, shapes):
    check_value(name, function, shapes)


# name, function, shapes, what the message says
REFUSED = [
    ("store", store, [(3,)], "x[i] = ...", "np.where"),
    ("astype", lambda x: x.astype(int), [(3,)], "astype(int64)", "np.trunc"),
    ("hash", lambda x: {x: 1}, [(3,)], "unhashable", ""),
    ("modular power", lambda x: pow(x, 2, 5), [()], "pow", "integers"),
]


@pytest.mark.parametrize(
    ("name", "function", "shapes", "what", "instead"), REFUSED, ids=[c[0] for c in REFUSED]
)
def test_what_cannot_be_traced_says_where_and_what_instead(name, function, shapes, what, instead):
    check_message(function, shapes, what, instead, __file__)


# name, function, shapes, error, what NumPy says
WRONG = [
    ("boolean minus", lambda x: (x > 0) - (x < 0), [(3,)], TypeError, "boolean subtract"),
    ("boolean negative", lambda x: -(x > 0), [(3,)], TypeError, "boolean negative"),
    ("float and", lambda x: x & (x > 0), [(3,)], TypeError, "truth values"),
    ("float not", lambda x: ~x, [(3,)], TypeError, "truth value"),
    ("length", lambda x: len(x), [()], TypeError, r"len\(\) of unsized object"),
    ("iteration", lambda x: list(x), [()], TypeError, "iteration over a 0-d array"),
]


@pytest.mark.parametrize(
    ("name", "function", "shapes", "error", "text"), WRONG, ids=[c[0] for c in WRONG]
)
def test_what_is_wrong_says_what_numpy_says(name, function, shapes, error, text):
    check_mistake(function, shapes, error, text)


def test_attributes_are_numpys():
    x = Trace().input(0, (2, 3))
    assert (x.shape, x.ndim, x.size, len(x)) == ((2, 3), 2, 6, 2)
    assert x.dtype == np.float64
    assert (x > 0).dtype == np.bool_
    assert x.T.shape == (3, 2)
    assert repr(x) == "<traced float64 array of shape (2, 3)>"
    assert f"{x}" == repr(x)


def test_truth_values_stay_truth_values():
    x = Trace().input(0, (3,))
    truth = x > 0
    for kept in (truth[0], truth[::2], truth[[0, 1]], ~truth, truth & MASK, MASK | truth, truth.T):
        assert isinstance(kept, Truth)
    for kept in (np.where(truth, truth, False), np.stack([truth, truth]), truth.reshape(3, 1)):
        assert isinstance(kept, Truth)
    for number in (truth + 1, truth * x, np.sum(truth), truth.astype(float), np.exp(truth)):
        assert not isinstance(number, Truth)


def test_square_and_roots_have_their_own_operations():
    def kind(y):
        return y.trace.graph.describe(y.node)[1]

    x = Trace().input(0, (3,))
    assert [kind(y) for y in (x**2, x**2.0, np.power(x, 2), np.square(x))] == ["square"] * 4
    assert [kind(y) for y in (x**0.5, np.sqrt(x))] == ["sqrt"] * 2
    assert kind(x**-1) == "reciprocal"
    assert kind(x**3) == "power"
    assert (x**1).node == x.node


def test_loop_over_elements_is_linear():
    def nodes(n):
        trace = Trace()
        accumulate_in_loop(trace.input(0, (n,)))
        return len(trace.graph)

    assert nodes(4000) == 2 * nodes(2000) - 2


def test_tracer_is_no_sequence_without_axes():
    x = Trace().input(0, ())
    assert np.array([x, x]).shape == (2,)
    assert np.array([x, x]).dtype == object
    assert isinstance(np.array([x, 1.0])[0], Tracer)


def test_traced_values_are_found_at_any_depth_of_lists():
    x = Trace().input(0, (3,))
    for value in (x, [x], (1, [2, (x, 3)]), np.array([x[0], 1.0]), [np.array([None])]):
        assert holds_tracer(value)
    for value in (1.0, None, "x", [1, (2,)], np.ones(3), [], {"x": x}):
        assert not holds_tracer(value)


def test_what_numpy_calls_a_truth_value():
    x = Trace().input(0, (3,))
    assert all(map(is_truth, [True, np.True_, MASK, x > 0, (x > 0)[0]]))
    assert not any(map(is_truth, [1, 0.0, A3, x, np.float64(1), [True]]))


def test_operands_of_the_same_trace_keep_their_node():
    trace = Trace()
    x = trace.input(0, (3,))
    assert node_of(trace, x) == x.node
    assert node_of(trace, x > 0) == (x > 0).node
    assert node_of(trace, 2) == node_of(trace, 2.0) == trace.constant(2.0)
    with pytest.raises(TraceError, match="another trace"):
        node_of(Trace(), x)


TRUTH_UFUNCS = [
    (np.add, np.logical_or), (np.maximum, np.logical_or), (np.fmax, np.logical_or),
    (np.multiply, np.logical_and), (np.minimum, np.logical_and), (np.fmin, np.logical_and),
]  # fmt: skip


@pytest.mark.parametrize(("ufunc", "meaning"), TRUTH_UFUNCS, ids=lambda f: f.__name__)
def test_ufuncs_of_truth_values_are_logic(ufunc, meaning):
    x = Trace().input(0, (3,))
    made = ufunc(x > 0, MASK)
    assert isinstance(made, Truth)
    points = np.array([1.0, 1.0, -1.0])
    got = traced(lambda x: ufunc(x > 0, MASK) * 1.0, points)
    np.testing.assert_array_equal(got, meaning(points > 0, MASK))
    assert not isinstance(ufunc(x > 0, x), Truth)  # a number among them makes a number


def test_differences_of_truth_values_are_refused_as_ufuncs_too():
    truth = Trace().input(0, (3,)) > 0
    for f in (lambda: np.subtract(truth, MASK), lambda: MASK - truth, lambda: truth - True):
        with pytest.raises(TypeError, match="numpy boolean subtract"):
            f()
    with pytest.raises(TypeError, match="numpy boolean negative"):
        np.negative(truth)
    assert np.absolute(truth).node == truth.node


def test_nested_lists_of_elements():
    x = Trace().input(0, (2, 3))
    nested = x.tolist()
    assert [[v.node for v in row] for row in nested] == [
        [x[i][j].node for j in range(3)] for i in range(2)
    ]
    number = x[0, 0]
    assert number.tolist() is number


def test_asarray_makes_objects_and_remembers_where_they_came_from():
    trace = Trace()
    x = trace.input(0, (2, 2))
    assert not trace.made_objects
    objects = np.asarray(x)
    assert trace.made_objects
    assert (objects.shape, objects.dtype) == ((2, 2), object)
    places = [trace.taken_apart[v.node] for v in objects.flat]
    assert [k for _, k in places] == [0, 1, 2, 3]
    assert all(origin is x for origin, _ in places)


def test_truth_of_numbers_is_that_they_are_not_zero():
    x = Trace().input(0, (3,))
    truth = x > 0
    assert truth.astype(bool) is truth
    assert x.astype(bool).node == (x != 0.0).node
    assert (type(truth.astype("f8")), truth.astype("f8").node) == (Tracer, truth.node)


def test_real_and_imaginary_parts():
    x = Trace().input(0, (2, 3))
    assert x.real is x
    np.testing.assert_array_equal(x.imag, np.zeros((2, 3)))
    assert x.flat.shape == (6,)


def test_axes_are_given_one_by_one_or_as_one_sequence():
    x = Trace().input(0, (2, 3, 4))
    for y in (x.transpose(2, 0, 1), x.transpose((2, 0, 1)), x.transpose([2, 0, 1])):
        assert y.shape == (4, 2, 3)
    assert x.transpose().shape == x.transpose(None).shape == (4, 3, 2)
    assert x[0, 0].transpose(0).shape == (4,)
    assert x.reshape(6, 4).shape == x.reshape((6, 4)).shape == (6, 4)


def test_rounding_without_decimals_is_to_whole_numbers():
    for point in (2.5, -0.75, 1.26):
        assert traced(round, point) == round(point)
        assert traced(lambda x: round(x, 1), point) == pytest.approx(round(point, 1), rel=1e-15)


def test_exponents_of_every_kind_are_recognized():
    def kind(y):
        return y.trace.graph.describe(y.node)[1]

    x = Trace().input(0, (3,))
    for two in (2, 2.0, np.int8(2), np.float32(2), np.array(2.0)):
        assert kind(x**two) == "square"
    assert kind(x ** np.array([2.0])) == "power"  # an array with an axis broadcasts
    assert kind(x ** np.array(2.0, dtype=object)) in ("square", "power")
