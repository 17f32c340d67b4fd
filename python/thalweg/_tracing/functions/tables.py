# SPDX-License-Identifier: BSD-3-Clause
"""Trace what reads or fills tables: interp, searchsorted, splines, bincount, x.at[i]."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg._tracing.errors import cannot_trace
from thalweg._tracing.functions.conversions import as_traced
from thalweg._tracing.functions.elements import choose, op
from thalweg._tracing.functions.joining import join
from thalweg._tracing.numbers import FloatArray, as_floats
from thalweg._tracing.registry import FUNCTIONS, implements
from thalweg._tracing.stand_ins import stands_for, wraps
from thalweg._tracing.tracer import Tracer, holds_tracer

if TYPE_CHECKING:
    from thalweg._tracing.trace import Trace


def steps(trace: Trace, x: Tracer, breaks: FloatArray, values: FloatArray, below: float) -> Tracer:
    """Return values[k] from breaks[k] on to the next, and `below` before the first."""
    node = trace.graph.lookup(
        x.node, breaks.tolist(), values.tolist(), [0.0] * len(values), float(below)
    )
    return Tracer(trace, node)


# ---- interpolation -------------------------------------------------------------------------------


@implements(np.interp)
def _interp(
    trace: Trace, x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Tracer:
    if any(isinstance(v, Tracer) for v in (left, right, period)):
        raise cannot_trace("np.interp with traced left, right or period", "they must be constants.")
    if holds_tracer(xp) or holds_tracer(fp):
        return _interp_of_traced(trace, x, xp, fp, left, right, period)
    xp, fp = as_floats(xp, "xp"), as_floats(fp, "fp")
    x = trace.wrap(x)
    if period is not None:
        if period == 0:
            raise ValueError("period must be a non-zero value")
        period, left, right = abs(period), None, None
        x, xp = x % period, xp % period
        order = np.argsort(xp)
        xp, fp = xp[order], fp[order]
        xp = np.concatenate((xp[-1:] - period, xp, xp[0:1] + period))
        fp = np.concatenate((fp[-1:], fp, fp[0:1]))
    _check_table(xp.shape, fp.shape)
    step = np.diff(xp)
    slope = np.append(np.diff(fp) / np.where(step == 0, 1.0, step), 0.0)
    below = fp[0] if left is None else float(left)
    result = Tracer(
        trace, trace.graph.lookup(x.node, xp.tolist(), fp.tolist(), slope.tolist(), below)
    )
    # This is needed without `right` too: the last piece is 0 * (x - xp[-1]), which is NaN for inf.
    result = choose(trace, x > float(xp[-1]), float(fp[-1] if right is None else right), result)
    return choose(trace, op(trace, "isnan", x), x, result)


def _check_table(xp: tuple[int, ...], fp: tuple[int, ...]) -> None:
    if len(xp) != 1 or len(fp) != 1:
        raise ValueError("object of too small depth for desired array")
    if not xp[0]:
        raise ValueError("array of sample points is empty")
    if xp != fp:
        raise ValueError("fp and xp are not of the same length.")


def _interp_of_traced(
    trace: Trace, x: Any, xp: Any, fp: Any, left: Any, right: Any, period: Any
) -> Tracer:
    """Interpolate in a traced table, whose points must increase."""
    if period is not None:
        raise cannot_trace("np.interp with a traced table and period=", "it has no traced form.")
    points, values, places = trace.wrap(xp), trace.wrap(fp), trace.wrap(x)
    _check_table(points.shape, values.shape)
    n = points.size
    if n == 1:
        result: Any = values[0] + 0.0 * places
    elif holds_tracer(x) or holds_tracer(xp):
        # The slope of each piece times the part of it that lies before x.
        at = places.reshape((*places.shape, 1))
        before = at - points[:-1]
        width = points[1:] - points[:-1]
        inside = op(trace, "minimum", op(trace, "maximum", before, 0.0), width)
        rise = (values[1:] - values[:-1]) / width
        result = values[0] + FUNCTIONS[np.sum](trace, rise * inside, -1)
    else:
        fixed, table = as_floats(x, "x"), as_floats(xp, "xp")
        k = np.clip(np.searchsorted(table, fixed, side="right") - 1, 0, n - 2)
        share = np.clip((fixed - table[k]) / (table[k + 1] - table[k]), 0.0, 1.0)
        result = values[k] * (1.0 - share) + values[k + 1] * share
    first, last = points[0], points[-1]
    if left is not None:
        result = choose(trace, places < first, float(left), result)
    if right is not None:
        result = choose(trace, places > last, float(right), result)
    return choose(trace, op(trace, "isnan", places), places, result)


@implements(np.searchsorted)
def _searchsorted(trace: Trace, a: Any, v: Any, side: str = "left", sorter: Any = None) -> Tracer:
    if holds_tracer(a):
        why = "the order of its elements is not known yet."
        raise cannot_trace("np.searchsorted in a traced array", why, "Write np.sum(a < v).")
    table = as_floats(a, "a")
    table = table if sorter is None else table[sorter]
    x = trace.wrap(v)
    if not table.size:
        return x * 0.0
    breaks, counts = np.unique(table, return_counts=True)
    if side == "right":
        return steps(trace, x, breaks, np.cumsum(counts).astype(float), 0.0)
    above = np.cumsum(counts[::-1]).astype(float)
    return table.size - steps(trace, -x, -breaks[::-1], above, 0.0)


@implements(np.digitize)
def _digitize(trace: Trace, x: Any, bins: Any, right: bool = False) -> Tracer:
    edges = as_floats(bins, "bins")
    step = np.diff(edges)
    if np.all(step >= 0):
        return _searchsorted(trace, edges, x, "left" if right else "right")
    if np.all(step <= 0):
        side = "left" if right else "right"
        return edges.size - _searchsorted(trace, edges[::-1], x, side)
    raise ValueError("bins must be monotonically increasing or decreasing")


# ---- splines with constant knots -----------------------------------------------------------------


class Spline:
    """A piecewise polynomial of SciPy with constant knots that takes traced points."""

    def __init__(self, original: Any) -> None:
        self._original = original

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._original, name)
        if name in ("derivative", "antiderivative"):
            return lambda *args: Spline(value(*args))
        return value

    def __call__(self, x: Any, nu: int = 0, extrapolate: Any = None) -> Any:
        traced = as_traced(x)
        if traced is None:
            return self._original(x, nu, extrapolate)
        p = self._original.derivative(nu) if nu else self._original
        extrapolate = p.extrapolate if extrapolate is None else extrapolate
        return piecewise_polynomial(traced.trace, traced, p.x, p.c, extrapolate)


def piecewise_polynomial(
    trace: Trace, x: Tracer, knots: FloatArray, coefficients: FloatArray, extrapolate: Any
) -> Tracer:
    """Evaluate sum of c[k, i] (x - knots[i])**(K - k), the highest power first."""
    if coefficients.ndim != 2:
        what = "a spline of several columns"
        raise cannot_trace(what, "its value is an array for each point.", "Make one for each.")
    if extrapolate == "periodic":
        x = knots[0] + (x - knots[0]) % (knots[-1] - knots[0])
    breaks = np.ascontiguousarray(knots[:-1])
    away = x - steps(trace, x, breaks, breaks, breaks[0])
    value: Any = 0.0
    for row in np.ascontiguousarray(coefficients):
        value = value * away + steps(trace, x, breaks, row, row[0])
    if extrapolate is False:
        value = choose(trace, (x < knots[0]) | (x > knots[-1]), np.nan, value)
    return trace.wrap(value)


_SPLINES = (
    "CubicSpline", "PchipInterpolator", "Akima1DInterpolator", "CubicHermiteSpline", "PPoly",
)  # fmt: skip
wraps(Spline, *_SPLINES)


@stands_for("scipy.interpolate", *_SPLINES)
def _spline(original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Make a spline inside the function, of constants."""
    if holds_tracer([*args, *kwargs.values()]):
        why = "its knots and values must be constants."
        raise cannot_trace(f"scipy.interpolate.{original.__name__} of traced values", why)
    return Spline(original(*args, **kwargs))


# ---- sums into places, and changed elements ------------------------------------------------------


def scattered(trace: Trace, x: Tracer, places: Any, n: int) -> Tracer:
    """Add the elements of x to zeros at flat places."""
    target = trace.graph.data(np.zeros(n))
    picked = trace.graph.gather(target, x.shape, np.asarray(places).ravel().tolist())
    return Tracer(trace, trace.graph.vjp([picked], [x.node], [target])[0])


@implements(np.bincount)
def _bincount(trace: Trace, x: Any, weights: Any = None, minlength: int = 0) -> Any:
    if holds_tracer(x):
        raise cannot_trace("np.bincount of a traced value", "positions are not known yet.")
    places = np.asarray(x)
    w = trace.wrap(weights)
    if places.ndim != 1 or w.shape != places.shape:
        raise ValueError("The weights and list don't have the same length.")
    if places.size and places.min() < 0:
        raise ValueError("'list' argument must have no negative elements")
    n = max(minlength, int(places.max(initial=-1)) + 1)
    return scattered(trace, w, places, n)


class At:
    """`x.at[index]`, as JAX has it: `set`, `add`, … return a changed copy of x."""

    def __init__(self, x: Tracer, index: Any = None) -> None:
        self._x = x
        self._index = index

    def __getitem__(self, index: Any) -> At:
        if holds_tracer(index if isinstance(index, list | tuple) else [index]):
            raise cannot_trace("x.at[i] with a traced index", "positions are not known yet.")
        return At(self._x, index)

    def _places(self) -> Any:
        return self._x.trace.positions(self._x.shape)[self._index]

    def set(self, values: Any) -> Tracer:
        """Return a copy of x with other elements at the index."""
        x, trace, places = self._x, self._x.trace, np.asarray(self._places())
        new = FUNCTIONS[np.broadcast_to](trace, values, places.shape)
        both = join(trace, [x.reshape(-1), new.reshape(-1)], 0)
        table = np.arange(x.size)
        table[places.ravel()] = x.size + np.arange(places.size)
        return trace.gather(both, table.reshape(x.shape))

    def get(self) -> Tracer:
        """Return the elements at the index."""
        return self._x[self._index]

    def add(self, values: Any) -> Tracer:
        """Return a copy of x with values added at the index, repeated places repeatedly."""
        x, trace, places = self._x, self._x.trace, np.asarray(self._places())
        new = FUNCTIONS[np.broadcast_to](trace, values, places.shape)
        return x + scattered(trace, new.reshape(-1), places, x.size).reshape(x.shape)

    def subtract(self, values: Any) -> Tracer:
        """Return a copy of x with values subtracted at the index."""
        return self.add(-self._x.trace.wrap(values))

    def multiply(self, values: Any) -> Tracer:
        """Return a copy of x with the elements at the index multiplied."""
        return self.set(self.get() * values)

    def divide(self, values: Any) -> Tracer:
        """Return a copy of x with the elements at the index divided."""
        return self.set(self.get() / values)

    def power(self, values: Any) -> Tracer:
        """Return a copy of x with the elements at the index raised to a power."""
        return self.set(self.get() ** values)

    def max(self, values: Any) -> Tracer:
        """Return a copy of x with the larger of the elements at the index and values."""
        return self.set(op(self._x.trace, "maximum", self.get(), values))

    def min(self, values: Any) -> Tracer:
        """Return a copy of x with the smaller of the elements at the index and values."""
        return self.set(op(self._x.trace, "minimum", self.get(), values))


Tracer.at = property(At)  # type: ignore[attr-defined]
