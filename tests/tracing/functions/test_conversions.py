"""Functions that make arrays of their arguments: a traced value stays whole."""

import numpy as np
import pytest
from scipy.optimize import rosen

import thalweg as tw
from thalweg._tracing.errors import TraceError
from thalweg._tracing.functions.conversions import as_traced
from thalweg._tracing.stand_ins import with_stand_ins
from thalweg._tracing.trace import Trace, trace_call

X = np.array([0.3, 0.7, 1.1])
WHOLE = {
    "asarray": lambda x: np.asarray(x),
    "asarray of float": lambda x: np.asarray(x, dtype=float),
    "array of float": lambda x: np.array(x, float),
    "asanyarray": lambda x: np.asanyarray(x),
    "atleast_1d": lambda x: np.atleast_1d(x),
    "ascontiguousarray": lambda x: np.ascontiguousarray(x),
    "asarray_chkfinite": lambda x: np.asarray_chkfinite(x),
    "array, copy": lambda x: np.array(x, copy=True),
    "by keyword": lambda x: np.array(object=x, dtype="float64"),
}
JOINED = {
    "list": lambda x: np.array([x[0], 1, x[1]]),
    "list of float": lambda x: np.array([x[0], 1, x[1]], dtype=float),
    "nested lists": lambda x: np.array([[x[0], 2.0], [3.0, x[1]]], dtype=float),
    "tuple of arrays": lambda x: np.asarray((x, 2 * x), dtype=np.float64),
    "ndmin": lambda x: np.array(x, ndmin=3),
    "truth values": lambda x: np.array([x[0] > x[1], x[1] > x[0]], dtype=float),
    "as truth values": lambda x: np.where(np.array(x, dtype=bool), x, 1.0),
    "complex": lambda x: abs(np.array([x[0], 1j * x[1]], dtype=complex)),
    "complex of a real": lambda x: np.asarray(x, dtype=complex).real,
    "full": lambda x: np.full((2, 3), x[0]),
    "full of a row": lambda x: np.full((2, 3), x),
    "constants": lambda x: x * np.array([1, 2, 3], dtype=float) + np.full(3, 2.0),
    "a product of indices": lambda x: np.asarray(np.where(X < 1, x[:, None] * x, 0)),
    "a number": lambda x: np.ascontiguousarray(x[0]),
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_traced_array_stays_whole(name):
    trace = Trace()
    x = trace.input(0, (3,))
    assert with_stand_ins(WHOLE[name])(x).node == x.node


@pytest.mark.parametrize("name", WHOLE | JOINED)
def test_values_and_shapes_are_numpys(name):
    f = (WHOLE | JOINED)[name]
    wanted = f(X)
    assert tw.jacobian(lambda x: np.ravel(f(x)))(X).shape == (wanted.size, 3)
    assert tw.objective(lambda x: np.sum(f(x)), X)(X) == pytest.approx(np.sum(wanted), rel=1e-15)


def test_types_that_are_not_traced_are_refused():
    with pytest.raises(TraceError, match=r"astype\(int64\)"):
        tw.objective(lambda x: np.sum(np.asarray(x, dtype=int)), X)
    with pytest.raises(ValueError, match="inhomogeneous"):
        tw.objective(lambda x: np.sum(np.array([x, x[0]], dtype=float)), X)


def test_arrays_of_objects_are_made_where_they_are_asked_for():
    def f(x):
        items = np.array(list(x), dtype=object)
        return np.sum(np.stack(list(items)))

    assert tw.objective(f, X)(X) == pytest.approx(2.1)


def test_scipys_rosenbrock_function_is_traced_whole():
    x = np.linspace(0.5, 1.5, 1000)
    f = tw.objective(rosen, x)
    assert f(x) == pytest.approx(rosen(x), rel=1e-13)
    trace = Trace()
    trace_call(trace, rosen, [trace.input(0, (1000,))])
    assert len(trace.graph) < 30


def test_a_scalar_array_that_grows():
    def f(x):
        total = np.array(0.0)
        for r in x:
            total += r * r
        return total

    assert tw.objective(f, X)(X) == pytest.approx(np.sum(X**2))

    def aliased(x):
        total = np.array(0.0)
        other = total
        total += x[0]
        return other + x[1]

    with pytest.raises(TraceError, match="for numbers, but its trace gives"):
        tw.objective(aliased, X)


def test_what_holds_no_traced_value():
    assert as_traced([1.0, 2.0]) is None
    assert as_traced(np.array([None, "x"], dtype=object)) is None
