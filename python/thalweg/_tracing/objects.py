# SPDX-License-Identifier: BSD-3-Clause
"""Arrays of objects: the one place where a trace can differ in silence from what NumPy computes.

`np.array([x[0], 2.0])` of a traced x is an array of Python objects, some of them plain numbers. On
those NumPy goes by Python's rules, and no traced value hears of it: `np.any` of it is `2.0 or ...`,
hence 2.0 and not True. A function that makes such arrays is therefore called once more, with
numbers, and what was traced must give the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from thalweg import _core
from thalweg._tracing.errors import OBJECT_ARRAY, TraceError, cannot_trace
from thalweg._tracing.tracer import Tracer

if TYPE_CHECKING:
    from thalweg._tracing.trace import Trace

# Values that differ by more than this share of their size are two values; of rounding they differ
# by far less.
_SAME = 1e-6


def check_by_numbers(
    trace: Trace,
    function: Callable[..., Any],
    args: Sequence[Any],
    kwargs: dict[str, Any],
    node: int,
) -> None:
    """Refuse a function whose trace and whose value for numbers are not the same.

    Parameters
    ----------
    trace : Trace
        Its graph and the shapes of its inputs.
    function, args, kwargs
        What was traced, and on what.
    node : int
        What the function returned.

    Raises
    ------
    TraceError
        If the values differ. Where the function cannot be called with numbers, nothing is known.
    """
    traced: dict[int, int] = {}
    _numbered((args, kwargs), lambda x: traced.setdefault(x.node, len(traced)))
    evaluate = _core.Function(trace.graph, [*traced, node], len(trace.inputs))
    rng = np.random.default_rng(1)
    for draw in (lambda shape: rng.uniform(0.4, 1.6, shape), rng.standard_normal):
        inputs = [np.asarray(draw(shape)) for shape in trace.inputs]
        *known, value = evaluate(inputs, [False] * len(inputs), 1)

        def number(x: Tracer, known: list[Any] = known) -> Any:
            return known[traced[x.node]].reshape(x.shape)[()]

        try:
            given, named = _numbered((args, kwargs), number)
            with np.errstate(all="ignore"):
                wanted = np.asarray(function(*given, **named), dtype=np.float64)
        except Exception:  # it is not for numbers: it may use what only traced values have
            return
        if differs(value.reshape(trace.graph.shape(node)), wanted):
            raise objects_differ(value, wanted)


def _numbered(value: Any, number: Callable[[Tracer], Any]) -> Any:
    """The same lists, tuples and dicts, with something else for each traced value."""
    if isinstance(value, Tracer):
        return number(value)
    if type(value) in (list, tuple):
        return type(value)(_numbered(v, number) for v in value)
    if isinstance(value, dict):
        return {name: _numbered(v, number) for name, v in value.items()}
    return value


def differs(value: NDArray[Any], wanted: NDArray[Any]) -> bool:
    """Whether two arrays are not the same but for rounding; what is not finite is not compared."""
    if value.shape != wanted.shape:
        return True
    known = np.isfinite(value) & np.isfinite(wanted)
    size = np.maximum(np.abs(value), np.abs(wanted))[known]
    return bool(np.any(np.abs(value - wanted)[known] > _SAME * size.max(initial=0.0)))


def objects_differ(value: NDArray[Any], wanted: NDArray[Any]) -> TraceError:
    """Make the error of a function that is another with objects."""
    if value.size == wanted.size:
        at = int(np.argmax(np.abs(value.ravel() - wanted.ravel())))
        told = (
            f"gives {wanted.ravel()[at]:g} for numbers where its trace gives {value.ravel()[at]:g}"
        )
    else:
        told = f"gives shape {wanted.shape} for numbers, and its trace another"
    why = f"it {told}: NumPy treats a list or an array of traced values and numbers as objects."
    return cannot_trace("the function", why, OBJECT_ARRAY)
