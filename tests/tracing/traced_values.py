# SPDX-License-Identifier: BSD-3-Clause
"""Trace a function and compare its value, its refusals and its errors with NumPy's."""

import copy
import warnings
import zlib

import numpy as np
import pytest

from thalweg import _core
from thalweg._tracing.errors import TraceError
from thalweg._tracing.trace import Trace, output_node, trace_call

_rng = np.random.default_rng(2024)


def traced(function, *points):
    """The value of the traced function at points: arrays or numbers."""
    trace = Trace()
    inputs = [trace.input(k, np.shape(p)) for k, p in enumerate(points)]
    node = output_node(trace, trace_call(trace, function, inputs))
    program = _core.Function(trace.graph, [node], len(inputs))
    arrays = [np.asarray(p, dtype=np.float64)[None] for p in points]
    (out,) = program(arrays, [True] * len(points), 1)
    return out.reshape(trace.graph.shape(node))


def as_objects(value):
    """Make an array of objects, as other libraries do: what reads its globals keeps its own."""
    globals()
    return np.asarray(value)


def gradient(function, x):
    """The gradient of the traced function at an array."""
    trace = Trace()
    node = output_node(trace, trace_call(trace, function, [trace.input(0, x.shape)]))
    g = trace.graph.gradient(node, 0)
    (out,) = _core.Function(trace.graph, [g], 1)([x[None]], [True], 1)
    return out[0]


def failing(function, *shapes):
    """Trace for its error."""
    trace = Trace()
    return trace_call(trace, function, [trace.input(k, s) for k, s in enumerate(shapes)])


A3 = np.array([0.3, -1.2, 2.5])
M34 = _rng.normal(size=(3, 4))
BIG = _rng.normal(size=40)
MASK = np.array([True, False, True])
XP, FP = np.array([-1.0, -0.2, 0.5, 1.5]), np.array([2.0, -1.0, 0.5, 3.0])


def accumulate_in_loop(x):
    total = 0.0
    for value in x:
        total += value
    return total


def check_value(name, function, shapes):
    """Check that the traced value of a function is NumPy's, at points drawn by its name."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))  # the same whatever runs before
    for _ in range(3):
        points = [rng.normal(size=shape) if shape else rng.normal() for shape in shapes]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NumPy warns of log(0) and 1 / 0 in cases that mean it
            wanted = np.asarray(function(*map(copy.copy, points)), dtype=np.float64)
        got = traced(function, *points)
        assert got.shape == wanted.shape
        # 4 ulp an operation, some ten operations, cancelling sums of numbers below about 100
        np.testing.assert_allclose(got, wanted, rtol=2e-13, atol=2e-13)


def check_message(function, shapes, what, instead, file):
    """Check that a function is refused, and that the message names statement, line and remedy."""
    with pytest.raises(TraceError) as raised:
        failing(function, *shapes)
    message = str(raised.value)
    assert message.startswith("cannot trace ")
    assert what in message
    assert instead in message
    assert f'"{file}", line ' in message
    assert "trace=False" in message


def check_mistake(function, shapes, error, text):
    """Check that a mistake raises NumPy's error, and not a `TraceError`."""
    with pytest.raises(error, match=text) as raised:
        failing(function, *shapes)
    assert not isinstance(raised.value, TraceError)
