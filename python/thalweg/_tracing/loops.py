# SPDX-License-Identifier: BSD-3-Clause
"""Loops that stay loops: `scan` and `fori` trace their body once.

While a body is traced, what it carries and reads are inputs of the objective's own graph. The part
of the graph between these inputs and what the step returns is then cut out as the body; whatever
else it reads is the same in all steps.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from numbers import Number
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg._tracing.bodies import Body
from thalweg._tracing.complex_values import Complex, complex_of
from thalweg._tracing.errors import cannot_trace
from thalweg._tracing.functions.conversions import as_traced
from thalweg._tracing.nested import put_together, taken_apart
from thalweg._tracing.operations import Shape
from thalweg._tracing.registry import is_complex
from thalweg._tracing.traced import Traced
from thalweg._tracing.tracer import Tracer

if TYPE_CHECKING:
    from thalweg._tracing.trace import Trace

__all__ = ["fori", "scan"]


def scan(
    step: Callable[[Any, Any], tuple[Any, Any]],
    carry: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
) -> tuple[Any, Any]:
    """Call a step again and again: ``carry, y = step(carry, x)``.

    In a traced function the step is traced once, whatever the number of steps. Memory for
    derivatives grows with the number of steps up to a million numbers that are carried, and with
    its square root beyond: segments are then computed again. In plain NumPy it is a loop.

    Parameters
    ----------
    step : callable
        ``step(carry, x)`` returns the next carry, of the same form and shapes, and what shall be
        stacked: a number, an array, None, or tuples, lists and dicts of these.
    carry : number, array_like, or tuples, lists and dicts of these
        What the first step gets.
    xs : array_like, or tuples, lists and dicts of these, optional
        Each step gets the next row of every array. None gives None.
    length : int, optional
        The number of steps; needed if `xs` is None.
    reverse : bool, default False
        Whether to begin with the last row. What the steps return is stacked in the order of `xs`.

    Returns
    -------
    carry : as `carry`
        What the last step carried on.
    ys : as what the step returns, with a leading axis
        What the steps returned, stacked.

    Raises
    ------
    ValueError
        If the number of steps is not known, or arrays in `xs` differ in length, or the step changes
        the form or a shape of what it carries.

    See Also
    --------
    fori : A loop over the numbers 0, 1, … without results of its steps.

    References
    ----------
    .. [1] A. Griewank and A. Walther, "Algorithm 799: revolve", *ACM Trans. Math. Softw.* 26(1),
       19-45, 2000, https://doi.org/10.1145/347837.347846

    Examples
    --------
    A variance that follows its own past, as in GARCH models:

    >>> import numpy as np
    >>> import thalweg as tw
    >>> def loss(p, r):
    ...     def step(variance, r_t):
    ...         following = p[0] + p[1] * r_t**2 + p[2] * variance
    ...         return following, np.log(variance) + r_t**2 / variance
    ...     return np.sum(tw.scan(step, 1.0, r)[1])
    >>> r = np.random.default_rng(0).normal(size=1000)
    >>> F = tw.objective(loss, [0.2, 0.1, 0.7], args=(r,))
    >>> print(f"{F([0.2, 0.1, 0.7]):.6f}")
    981.496847
    """
    given, form = taken_apart(carry)
    rows, row_form = taken_apart(_rows_of(xs))
    n = _length(rows, length)
    trace = _trace_of((*given, *rows))
    if trace is None:
        return _by_numbers(step, carry, rows, row_form, n, reverse)
    return _traced(trace, step, (given, form), (rows, row_form), n, reverse)


def fori(n: int, body: Callable[[Any, Any], Any], carry: Any) -> Any:
    """Call a body n times: ``carry = body(i, carry)`` for i = 0, 1, …, n - 1.

    In a traced function the body is traced once, and i is a traced number: it can be computed with,
    but is no index. Rows of arrays are what `scan` is for.

    Parameters
    ----------
    n : int
        The number of calls, at least 0.
    body : callable
        ``body(i, carry)`` returns the next carry, of the same form and shapes.
    carry : number, array_like, or tuples, lists and dicts of these
        What the first call gets.

    Returns
    -------
    as `carry`
        What the last call returned.

    Raises
    ------
    ValueError
        If n is negative, or the body changes the form or a shape of what it carries.

    Examples
    --------
    Newton's iteration for a square root, differentiated as it stands:

    >>> import thalweg as tw
    >>> def root(a):
    ...     return tw.fori(6, lambda i, x: 0.5 * (x + a / x), a)
    >>> print(f"{tw.grad(root)(2.0):.9f}")
    0.353553391
    """
    count = operator.index(n)
    if count < 0:
        raise ValueError(f"fori: n must not be negative, got {n}")
    return scan(lambda c, i: (body(i, c), None), carry, np.arange(count))[0]


def _rows_of(xs: Any) -> Any:
    """Return a list of numbers, at any depth of `xs`, as an array: each step gets one of them."""
    if isinstance(xs, dict):
        return {key: _rows_of(item) for key, item in xs.items()}
    if isinstance(xs, list | tuple) and xs:
        if all(isinstance(item, Number) for item in xs):
            return np.asarray(xs)
        parts = [_rows_of(item) for item in xs]
        return type(xs)(*parts) if hasattr(xs, "_fields") else type(xs)(parts)
    return xs


def _length(rows: Sequence[Any], length: int | None) -> int:
    lengths = set() if length is None else {operator.index(length)}
    for row in rows:
        if not np.ndim(row):
            raise ValueError(f"scan: every array in xs needs a leading axis, got {row!r:.40}")
        lengths.add(int(np.shape(row)[0]))
    if not lengths:
        raise ValueError("scan: without xs the number of steps is needed: length=")
    if len(lengths) > 1:
        raise ValueError(f"scan: xs and length must agree on one length, got {sorted(lengths)}")
    (n,) = lengths
    if n < 0:
        raise ValueError(f"scan: length must not be negative, got {n}")
    return n


def _trace_of(leaves: Sequence[Any]) -> Trace | None:
    for leaf in leaves:
        traced = as_traced(leaf)
        if traced is not None:
            found: Trace = traced.trace
            return found
    return None


# ---- by numbers ----------------------------------------------------------------------------------


def _by_numbers(
    step: Callable[[Any, Any], tuple[Any, Any]],
    carry: Any,
    rows: Sequence[Any],
    row_form: Any,
    n: int,
    reverse: bool,
) -> tuple[Any, Any]:
    """Run the loop in NumPy; if its first step gives traced values, trace it after all."""
    rows = [np.asarray(row) for row in rows]
    begun = taken_apart(carry)
    ys: list[Any] = []
    for t in range(n)[:: -1 if reverse else 1]:
        carry, y = _pair(step(carry, put_together(row_form, iter([row[t] for row in rows]))))
        if not ys:
            trace = _trace_of((*taken_apart(carry)[0], *taken_apart(y)[0]))
            if trace is not None:
                return _traced(trace, step, begun, (rows, row_form), n, reverse)
        ys.append(y)
    if not ys:
        return carry, None
    parts = [taken_apart(y)[0] for y in ys[:: -1 if reverse else 1]]
    stacked = [np.stack(leaves) for leaves in zip(*parts, strict=True)]
    return carry, put_together(taken_apart(ys[0])[1], iter(stacked))


def _pair(result: Any) -> tuple[Any, Any]:
    if not isinstance(result, tuple) or len(result) != 2:
        raise TypeError(f"scan: the step must return a pair (carry, y), got {_named(result)}")
    return result


def _named(value: Any) -> str:
    return f"a tuple of {len(value)}" if isinstance(value, tuple) else type(value).__name__


# ---- traced --------------------------------------------------------------------------------------


def _reals(trace: Trace, leaves: Sequence[Any]) -> tuple[list[Tracer], list[bool]]:
    """Return real traced values for leaves, two for a complex one, and which are complex."""
    out: list[Tracer] = []
    pairs = []
    for leaf in leaves:
        pairs.append(is_complex(leaf))
        if pairs[-1]:
            z = complex_of(trace, leaf)
            zero = np.broadcast_to(trace.wrap(0.0), z.shape)
            out += [trace.wrap(zero if part is None else part) for part in z.parts]
        else:
            out.append(trace.wrap(leaf))
    return out, pairs


def _leaves(trace: Trace, reals: Sequence[Tracer], pairs: Sequence[bool]) -> Iterator[Traced]:
    """Undo `_reals`."""
    at = iter(reals)
    for pair in pairs:
        first = next(at)
        yield Complex(trace, (first, next(at)), first.shape) if pair else first


def _fresh(trace: Trace, shapes: Sequence[Shape]) -> list[Tracer]:
    """Return inputs of a body, under numbers that nothing else has."""
    made = []
    for shape in shapes:
        made.append(Tracer(trace, trace.graph.input(trace.of_loops, shape)))
        trace.of_loops += 1
    return made


def _traced(
    trace: Trace,
    step: Callable[[Any, Any], tuple[Any, Any]],
    carry: tuple[list[Any], Any],
    xs: tuple[list[Any], Any],
    n: int,
    reverse: bool,
) -> tuple[Any, Any]:
    given, form = carry
    if n == 0:
        return put_together(form, iter(given)), None
    begun, pairs = _reals(trace, given)
    rows, row_pairs = _reals(trace, xs[0])
    before = _fresh(trace, [c.shape for c in begun])
    read = _fresh(trace, [r.shape[1:] for r in rows])
    after, y = _pair(
        step(
            put_together(form, _leaves(trace, before, pairs)),
            put_together(xs[1], _leaves(trace, read, row_pairs)),
        )
    )
    carried = _carried_on(trace, after, (given, form), pairs, before)
    y_leaves, y_form = taken_apart(y)
    results, y_pairs = _reals(trace, y_leaves)
    body = Body(trace, (begun, before), (rows, read), carried, results)
    last, ys = body.run(n, reverse)
    return (
        put_together(form, _leaves(trace, last, pairs)),
        put_together(y_form, _leaves(trace, ys, y_pairs)),
    )


def _carried_on(
    trace: Trace,
    after: Any,
    carry: tuple[list[Any], Any],
    pairs: list[bool],
    before: Sequence[Tracer],
) -> list[Tracer]:
    """Return what a step carries on, in the form and shapes of what it got."""
    leaves, form = taken_apart(after)
    if repr(form) != repr(carry[1]) or len(leaves) != len(carry[0]):
        raise ValueError(
            f"scan: the step must carry on the form {carry[1]!r} that it got, returned {form!r}"
        )
    whole = [complex_of(trace, v) if pair else v for v, pair in zip(leaves, pairs, strict=True)]
    carried, theirs = _reals(trace, whole)
    for pair, got in zip(pairs, theirs, strict=True):
        if got and not pair:
            raise cannot_trace(
                "tw.scan", "it carries a complex value on where it began with a real one.",
                "Begin with a complex one, such as 0j.",
            )  # fmt: skip
    for c, now in zip(before, carried, strict=True):
        if c.shape != now.shape:
            raise ValueError(
                f"scan: the step must carry on the shape {c.shape} that it got, "
                f"returned {now.shape}"
            )
    return carried
