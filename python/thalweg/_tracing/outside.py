# SPDX-License-Identifier: BSD-3-Clause
"""Two doors for what must stay outside a trace.

`call` calls a Python function at every evaluation; `custom` gives a traced function a derivative of
its own.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from thalweg._tracing.errors import cannot_trace
from thalweg._tracing.functions.conversions import as_traced
from thalweg._tracing.numbers import FloatArray, as_floats
from thalweg._tracing.operations import Shape
from thalweg._tracing.registry import is_complex
from thalweg._tracing.stand_ins import original_of, with_stand_ins
from thalweg._tracing.tracer import Tracer

__all__ = ["call", "custom"]


def call(
    fun: Callable[..., Any],
    x: Any,
    out_shape: int | tuple[int, ...] = (),
    jac: Callable[..., Any] | None = None,
) -> Any:
    """Call a Python function from a traced function, at every evaluation.

    For what cannot be traced: compiled functions, look-ups in a database, another library. It
    becomes one node of the graph. Each evaluation takes a call in Python, for each of many starts.

    Parameters
    ----------
    fun : callable
        It gets arrays of float64 (numbers where `x` has numbers) and returns an array of
        `out_shape`. It must return the same for the same arguments. It may be called from other
        threads.
    x : number, array_like, or a tuple of these
        Its argument, or a tuple of several.
    out_shape : int or tuple of int, default ()
        The shape of its result.
    jac : callable, optional
        Gets the same and returns the Jacobian: the derivatives of the results, of the shape
        ``out_shape + x.shape``; for several arguments a tuple of these. Needed for gradients.

    Returns
    -------
    array
        The result of `fun`, of `out_shape`.

    Raises
    ------
    ValueError
        If a result does not have the stated shape; during differentiation, if `jac` is needed and
        was not given. What the functions raise ends the evaluation and is raised by the caller.

    See Also
    --------
    custom : A traced function with a derivative of its own.
    minimize : ``trace=False`` calls a whole objective that cannot be traced.

    Examples
    --------
    >>> import math
    >>> import thalweg as tw
    >>> def bessel_like(a):
    ...     return math.cos(a)  # of the module math, which refuses traced values
    >>> def objective(x):
    ...     return (tw.call(bessel_like, x, jac=lambda a: -math.sin(a)) - 0.5) ** 2
    >>> found = tw.minimize(objective, 1.0)
    >>> print(f"{found.x:.6f}")
    1.047198
    """
    fun, jac = original_of(fun), original_of(jac)  # they get numbers
    several = isinstance(x, tuple)
    arguments = x if several else (x,)
    traced = next((t for t in map(as_traced, arguments) if t is not None), None)
    if traced is None:
        return fun(*arguments)
    if any(map(is_complex, arguments)):
        raise cannot_trace(
            "tw.call of complex values", "its arguments are real.", "Pass z.real and z.imag."
        )
    trace = traced.trace
    parts = [trace.wrap(a) for a in arguments]
    shape = (out_shape,) if isinstance(out_shape, int | np.integer) else tuple(out_shape)
    shapes = [p.shape for p in parts]
    flat = trace.wrap(np.concatenate([p.ravel() for p in parts]))
    made = trace.graph.call(
        _Flat(fun, shapes, shape),
        None if jac is None else _FlatJacobian(jac, shapes, shape, several),
        flat.node,
        shape,
    )
    return Tracer(trace, made)


def _separated(x: FloatArray, shapes: Sequence[Shape]) -> list[Any]:
    """Return the arguments that a flat array consists of; numbers are floats."""
    out: list[Any] = []
    at = 0
    for shape in shapes:
        size = math.prod(shape)
        part = x[at : at + size].reshape(shape)
        out.append(part if shape else float(part))
        at += size
    return out


class _Flat:
    """A function of one flat array, around the user's."""

    def __init__(self, fun: Callable[..., Any], shapes: list[Shape], shape: Shape) -> None:
        self.fun, self.shapes, self.shape = fun, shapes, shape

    def __call__(self, x: FloatArray) -> FloatArray:
        y = as_floats(self.fun(*_separated(x, self.shapes)), "the value of a function of tw.call")
        if y.shape != self.shape:
            raise ValueError(
                f"tw.call: the function must return the shape {self.shape}, got {y.shape}"
            )
        return np.ascontiguousarray(y).reshape(-1)


class _FlatJacobian:
    """The Jacobian of a function of one flat array, (results, arguments)."""

    def __init__(
        self, jac: Callable[..., Any], shapes: list[Shape], shape: Shape, several: bool
    ) -> None:
        self.jac, self.shapes, self.shape, self.several = jac, shapes, shape, several

    def __call__(self, x: FloatArray) -> FloatArray:
        found = self.jac(*_separated(x, self.shapes))
        parts = found if self.several else (found,)
        if not isinstance(parts, tuple | list) or len(parts) != len(self.shapes):
            raise ValueError(
                f"tw.call: jac must return a tuple of {len(self.shapes)} arrays, one for each "
                "argument"
            )
        columns = []
        for part, shape in zip(parts, self.shapes, strict=True):
            slope = as_floats(part, "the value of jac of tw.call")
            wanted = self.shape + shape
            if slope.shape != wanted:
                raise ValueError(
                    f"tw.call: jac must return the shape {wanted} (of the result, then of the "
                    f"argument), got {slope.shape}"
                )
            columns.append(slope.reshape(math.prod(self.shape), math.prod(shape)))
        return np.ascontiguousarray(np.concatenate(columns, axis=1)).reshape(-1)


def custom(f: Callable[..., Any], derivative: Callable[..., Any]) -> Callable[..., Any]:
    """Give a function a derivative of its own.

    For functions whose derivative is known in a better form than differentiation finds: where
    terms cancel, at singular points, of iterations that have converged, or where another slope is
    wanted than the true one. Both are traced, so second derivatives are those of `derivative`.

    Parameters
    ----------
    f : callable
        A function of numbers and arrays, written in NumPy.
    derivative : callable
        Gets the same arguments. It returns the derivative of the result by the argument; a tuple of
        them if there are several arguments, None for one without a derivative. Either in full, of
        the shape ``result.shape + argument.shape``, or, for functions that work element by element,
        of the shape of the result.

    Returns
    -------
    callable
        A function with the arguments and the value of `f`.

    Raises
    ------
    ValueError
        When it is called, if a derivative has neither of these shapes.

    See Also
    --------
    call : Functions that cannot be traced.

    Examples
    --------
    A root of x**3 + x = a, by six steps of Newton's method, with the derivative of the inverse
    function:

    >>> import thalweg as tw
    >>> def root(a):
    ...     x = a
    ...     for _ in range(6):
    ...         x = x - (x**3 + x - a) / (3 * x**2 + 1)
    ...     return x
    >>> inverse = tw.custom(root, lambda a: 1 / (3 * root(a) ** 2 + 1))
    >>> print(f"{tw.grad(inverse)(2.0):.6f}")
    0.250000
    """
    for name, function in (("f", f), ("derivative", derivative)):
        if not callable(function):
            raise TypeError(f"custom: {name} must be callable, got {type(function).__name__}")

    @functools.wraps(f)
    def with_derivative(*arguments: Any) -> Any:
        traced = [as_traced(a) for a in arguments]
        first = next((t for t in traced if t is not None), None)
        if first is None:
            return f(*arguments)
        trace = first.trace
        value = with_stand_ins(f)(*arguments)
        if is_complex(value) or any(map(is_complex, arguments)):
            raise cannot_trace("tw.custom", "its arguments and its value are real.")
        y = trace.wrap(value)
        slopes = with_stand_ins(derivative)(*arguments)
        if len(arguments) == 1 and not isinstance(slopes, tuple):
            slopes = (slopes,)
        if not isinstance(slopes, tuple | list) or len(slopes) != len(arguments):
            raise ValueError(
                f"custom: the derivative must be a tuple of {len(arguments)}, one for each argument"
            )
        goes_on = 0
        for x, slope in zip(traced, slopes, strict=True):
            if x is not None and slope is not None:
                y = _with_slope(y, trace.wrap(x), trace.wrap(slope), goes_on)
                goes_on = 1
        if not goes_on:  # of no argument: a value that does not move
            zero = trace.wrap(np.broadcast_to(trace.wrap(0.0), y.shape))
            y = _with_slope(y, zero, zero, 0)
        return y

    return with_derivative


def _with_slope(y: Tracer, x: Tracer, slope: Tracer, goes_on: int) -> Tracer:
    """Return y with a derivative by x; with `goes_on`, besides those that y has already."""
    whole = slope.shape == y.shape + x.shape
    trace = y.trace
    if not whole:
        if not (_fits(slope.shape, y.shape) and _fits(x.shape, y.shape)):
            raise ValueError(
                f"custom: a derivative must have the shape {y.shape + x.shape} or {y.shape}, got "
                f"{slope.shape}"
            )
        slope, x = (trace.wrap(np.broadcast_to(v, y.shape)) for v in (slope, x))
    sizes = [1, y.size, x.size, int(whole), goes_on]
    nodes = [y.node, x.node, slope.node]
    return Tracer(trace, trace.graph.routine("custom", nodes, sizes, y.shape))


def _fits(shape: Shape, into: Shape) -> bool:
    """Whether an array of a shape broadcasts to another."""
    lengths = zip(reversed(shape), reversed(into), strict=False)
    return len(shape) <= len(into) and all(n in (1, m) for n, m in lengths)
