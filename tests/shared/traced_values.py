# SPDX-License-Identifier: BSD-3-Clause
"""Trace a function and compare its value, its refusals and its errors with NumPy's."""

import copy
import warnings
import zlib

import numpy as np
import pytest

import thalweg as tw
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


def check_slope(function, x, rtol=1e-8):
    """Compare sum(weights * f(x)) and its slope with NumPy's values and their differences."""
    x = np.asarray(x, dtype=float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = np.asarray(function(x))
        weights = np.random.default_rng(1).normal(size=wanted.shape)

        def g(x):
            return np.sum(weights * function(x))

        v = np.random.default_rng(2).normal(size=x.shape)
        coarse, fine = ((g(x + h * v) - g(x - h * v)) / (2 * h) for h in (2e-5, 1e-5))
        slope = (4 * fine - coarse) / 3
        value = g(x)
    traced = tw.objective(g, x)
    np.testing.assert_allclose(traced(x), value, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(np.sum(traced.grad(x) * v), slope, rtol=rtol, atol=1e-8)


# ---- complex values ------------------------------------------------------------------------------

_complex = np.random.default_rng(2026)
C = _complex.normal(size=6) + 1j * _complex.normal(size=6)
M = _complex.normal(size=(6, 6)) + 1j * _complex.normal(size=(6, 6))
START = _complex.normal(size=12)

# What complex values are made of: both parts, one of them, a constant and one, below the cut.
KINDS = {
    "both parts": lambda p: p[:6] + 1j * p[6:],
    "imaginary": lambda p: 1j * p[:6],
    "real": lambda p: p[:6].astype(complex),
    "constant real part": lambda p: 1 - 2j * p[:6],
    "near the branch cut": lambda p: -(p[:6] ** 2) - 1 + 1j * p[6:] * 1e-3,
}


def check_complex(function, kind):
    """Compare a function of a complex value with NumPy."""

    def f(p):
        return function(KINDS[kind](p))

    check_slope(f, START)
