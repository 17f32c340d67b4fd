# SPDX-License-Identifier: BSD-3-Clause
"""Check the trace of a function that makes arrays of objects against its values for numbers.

If x is traced, `np.array([x[0], 2.0])` is an array of Python objects, some of them plain numbers.
NumPy applies Python's rules to such arrays without calling any traced value. For example, `np.any`
evaluates `2.0 or ...` and returns 2.0 instead of True, so the trace would silently be wrong. A
function that makes such arrays is therefore called once more, with numbers, and both results must
agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from thalweg import _core
from thalweg._tracing.errors import OBJECT_ARRAY, TraceError, cannot_trace
from thalweg._tracing.tracer import Tracer

if TYPE_CHECKING:
    from thalweg._tracing.trace import Trace

__all__ = ["check_by_numbers"]

# Values that differ by more than this relative amount are different; rounding differs far less.
# So do values that are nothing but the rounding of sums that cancel: the numbers drawn are of the
# order of one.
_SAME, _ROUNDING = 1e-6, 1e-11


def check_by_numbers(
    trace: Trace,
    function: Callable[..., Any],
    args: Sequence[Any],
    kwargs: dict[str, Any],
    node: int,
) -> None:
    """Raise an error if the trace of a function and its values for numbers differ.

    Parameters
    ----------
    trace : Trace
        The graph and the shapes of its inputs.
    function, args, kwargs
        The function that was traced, and its arguments.
    node : int
        The node that the function returned.

    Raises
    ------
    TraceError
        If the values differ. If the function cannot be called with numbers, nothing is checked.
    """
    traced: dict[int, int] = {}
    _numbered((args, kwargs), lambda x: traced.setdefault(x.node, len(traced)))
    evaluate = _core.Function(trace.graph, [*traced, node], len(trace.inputs))
    compared = lost = 0
    for inputs in _points(trace, np.random.default_rng(1)):
        *known, value = evaluate(inputs, [False] * len(inputs), 1)

        def number(x: Tracer, known: list[Any] = known) -> Any:
            return known[traced[x.node]].reshape(x.shape)[()]

        try:
            given, named = _numbered((args, kwargs), number)
            with np.errstate(all="ignore"):
                wanted = np.asarray(function(*given, **named), dtype=np.float64)
        except Exception:  # the function does not accept numbers, so there is nothing to compare
            return
        value = value.reshape(trace.graph.shape(node))
        lost += _loses(value, wanted)
        if _differs(value, wanted) or lost == _ENOUGH:
            raise _objects_differ(value, wanted)
        compared += bool(np.all(np.isfinite(wanted)))
        if compared == _ENOUGH:
            return


# How many points suffice: at which all values are finite; at which only the trace's are NaN. At one
# point alone that may be rounding, at the border of a domain.
_ENOUGH = 3


def _points(trace: Trace, rng: np.random.Generator) -> Iterator[list[NDArray[Any]]]:
    """Yield values of the inputs: near the start, if it is known, then of all sizes.

    Functions are often defined in a small region only.
    """
    if all(start is not None for start in trace.starts):
        starts = [np.asarray(start, dtype=np.float64) for start in trace.starts]
        # At the start itself branches may lie, where rounding decides.
        step = 1e-3 * rng.standard_normal(starts[0].shape)
        yield [starts[0] + step * np.where(starts[0] == 0, 1.0, starts[0]), *starts[1:]]
    for draw in (
        lambda shape: rng.uniform(0.4, 1.6, shape),
        rng.standard_normal,
        lambda shape: rng.uniform(0.1, 0.4, shape),
        lambda shape: rng.uniform(-0.4, 0.4, shape),
        lambda shape: rng.uniform(-1.6, -0.4, shape),
        lambda shape: rng.uniform(2.0, 8.0, shape),
    ):
        yield [np.asarray(draw(shape)) for shape in trace.inputs]


def _numbered(value: Any, number: Callable[[Tracer], Any]) -> Any:
    """Replace each traced value in lists, tuples and dicts by `number` of it."""
    if isinstance(value, Tracer):
        return number(value)
    if type(value) in (list, tuple):
        return type(value)(_numbered(v, number) for v in value)
    if isinstance(value, dict):
        return {name: _numbered(v, number) for name, v in value.items()}
    return value


def _loses(value: NDArray[Any], wanted: NDArray[Any]) -> bool:
    """Whether a value of the trace is NaN where a number is wanted."""
    return value.shape == wanted.shape and bool(np.any(np.isnan(value) & np.isfinite(wanted)))


def _differs(value: NDArray[Any], wanted: NDArray[Any]) -> bool:
    """Whether two arrays differ by more than rounding; values that are not finite are skipped."""
    if value.shape != wanted.shape:
        return True
    known = np.isfinite(value) & np.isfinite(wanted)
    value, wanted = value[known], wanted[known]
    size = np.maximum(np.abs(value), np.abs(wanted)).max(initial=0.0)
    return bool(np.any(np.abs(value - wanted) > max(_ROUNDING, _SAME * size)))


def _objects_differ(value: NDArray[Any], wanted: NDArray[Any]) -> TraceError:
    """Build the error for a function whose trace differs from its values for numbers."""
    if value.shape == wanted.shape:
        with np.errstate(invalid="ignore"):
            away = np.where(np.isfinite(wanted), np.abs(value - wanted), -1.0)
        at = int(np.argmax(away))  # NaN comes first
        ours, theirs = value.flat[at], wanted.flat[at]
        difference = f"returns {theirs:g} for numbers, but its trace gives {ours:g}"
    else:
        difference = f"returns shape {wanted.shape} for numbers, but its trace has {value.shape}"
    why = (
        f"it {difference}, because NumPy treats a list or an array of traced values and numbers as "
        "objects."
    )
    return cannot_trace("the function", why, OBJECT_ARRAY)
