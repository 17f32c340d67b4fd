# SPDX-License-Identifier: BSD-3-Clause
"""Call a NumPy function with traced arguments and return the expression that it builds.

tracer.py defines traced values, ufuncs.py handles NumPy's ufuncs, and functions/ its other
functions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from thalweg import _core
from thalweg._tracing import frames
from thalweg._tracing import functions as _functions  # noqa: F401  enters NumPy's functions
from thalweg._tracing.complex_values import Complex, call_complex, call_complex_ufunc
from thalweg._tracing.errors import (
    TraceError,
    cannot_trace,
    comes_of_masks,
    foreign,
    here,
    instead_of_attribute,
    no_complex,
    no_masks,
    not_real,
    place_of,
    refusals,
)
from thalweg._tracing.numbers import described, has_masks, hint_of, numbers_of
from thalweg._tracing.objects import check_by_numbers
from thalweg._tracing.operations import Shape, contiguous
from thalweg._tracing.registry import is_complex, refuse_masked
from thalweg._tracing.stand_ins import with_stand_ins
from thalweg._tracing.tracer import Tracer, Truth, holds_tracer, is_truth
from thalweg._tracing.ufuncs import call_ufunc

__all__ = ["Trace", "Tracer", "Truth", "depends", "output_node", "trace_call", "traced_node"]

# Constants of up to this many elements are copied and shared by content; larger are referenced.
SMALL = 16
# Inputs of an objective have smaller numbers than those of the bodies of its loops.
FIRST_OF_LOOPS = 1 << 24
# Arrays in Fortran order with at least this many rows are not rearranged.
LONG = 256


class Trace:
    """One call of a function with traced arguments, and the graph that it builds.

    Attributes
    ----------
    graph : _core.Graph
        The expressions; a node is an int.
    read : list of (object, ndarray)
        Each object of the function that became data, and its array.
    inputs : list of tuple
        The shapes of the inputs.
    starts : list of (ndarray or None)
        Values of the inputs at which the function is defined, where they are known.
    of_loops : int
        The number of the next input of a loop's body; see loops.py.
    made_objects : bool
        Whether NumPy converted a traced value to an array, which is then an array of objects.
    replaces_forms : bool
        Whether forms that overflow, such as log(1 + exp(u)), become operations that do not.
    """

    __slots__ = (
        "_dummies", "_positions", "_small", "constant", "elementwise", "graph", "inputs",
        "made_objects", "of_loops", "read", "replaces_forms", "starts", "taken_apart", "view",
    )  # fmt: skip

    def __call__(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse `x.trace()`: arrays of NumPy have this method, but here it is an attribute."""
        raise cannot_trace("x.trace()", "a traced value has no such method.", "Write np.trace(x).")

    def __init__(self, graph: _core.Graph | None = None, stable: bool = True) -> None:
        self.graph = _core.Graph() if graph is None else graph
        self.elementwise = self.graph.elementwise
        self.constant = self.graph.constant
        self.view = self.graph.view
        self.read: list[tuple[Any, NDArray[Any]]] = []
        self.inputs: list[Shape] = []
        self.starts: list[NDArray[Any] | None] = []
        self.made_objects = False
        self.replaces_forms = stable
        self.of_loops = FIRST_OF_LOOPS
        self._small: dict[tuple[Shape, bytes], int] = {}
        self._dummies: dict[Shape, tuple[NDArray[np.int8], int]] = {}
        self._positions: dict[Shape, NDArray[np.int64]] = {}
        # Elements that np.asarray(x) split from x: node to array and position in it.
        self.taken_apart: dict[int, tuple[Tracer, int]] = {}

    def call_ufunc(
        self, ufunc: np.ufunc, method: str, inputs: Sequence[Any], kwargs: dict[str, Any]
    ) -> Any:
        """Apply a ufunc, or a method of a ufunc, to traced values."""
        if method == "__call__" and _adds_to_a_number(kwargs):
            # `total += x`: the name then means the result. If the array has another name too, that
            # is seen by the values for numbers.
            self.made_objects, kwargs = True, {}
        if is_complex(inputs):
            return call_complex_ufunc(self, ufunc, method, inputs, kwargs)
        return call_ufunc(self, ufunc, method, inputs, kwargs)

    def call_complex(self, name: str, operands: Sequence[Any]) -> Any:
        """Apply the ufunc `name` to operands, of which one is complex."""
        return call_complex(self, name, operands)

    def input(self, number: int, shape: Shape, start: NDArray[Any] | None = None) -> Tracer:
        """Return the input `number` with this shape as a traced value."""
        if number == len(self.inputs):  # inputs are created in order
            self.inputs.append(shape)
            self.starts.append(start)
        return Tracer(self, self.graph.input(number, shape))

    def stable(self, *nodes: int) -> list[int]:
        """Return equal nodes in which forms that overflow are operations that do not."""
        return self.graph.stable(nodes) if self.replaces_forms else list(nodes)

    def wrap(self, value: Any) -> Tracer:
        """Convert anything that `lift` accepts to a traced value."""
        if isinstance(value, Tracer) and value.trace is self:
            return value
        return (Truth if is_truth(value) else Tracer)(self, self.lift(value))

    def lift(self, value: Any) -> int:
        """Turn a number, array, list or traced value into a node.

        Parameters
        ----------
        value : number, array_like, Tracer, or lists and object arrays of these
            The value. Arrays of more than 16 elements are referenced. They are copied only if they
            are shorter than 256 along every axis and not float64 in C order, if the core cannot
            read their dtype, or if they have three or more axes in neither C nor Fortran order.

        Raises
        ------
        TypeError
            If it is complex, a string, a date or another value that is not a number, or a long
            double that float64 cannot represent.
        """
        if isinstance(value, Tracer):
            if value.trace is not self:
                raise cannot_trace(
                    "a value of another trace", "it belongs to a call that has already returned."
                )
            return value.node
        if isinstance(value, (float, int)):
            return self.constant(value)
        if isinstance(value, Complex):
            raise no_complex(value.dtype)
        if isinstance(value, list | tuple) and (holds_tracer(value) or has_masks(value)):
            return self.stack([self.lift(v) for v in value])
        given = value
        if isinstance(value, np.ma.MaskedArray):
            refuse_masked(value)
            value = value.data
        array = value if isinstance(value, np.ndarray) else np.asarray(value)
        if array.dtype.kind == "O":
            array = numbers_of(array, value)
        kind = array.dtype.kind
        if kind == "O":
            return self._lift_objects(array)
        if kind == "c":
            raise no_complex(array.dtype)
        if kind not in "fiub":
            raise not_real(f"an array of {array.dtype}{hint_of(array)}: {array!r:.60}")
        if array.size > SMALL and max(array.shape) >= LONG and array.dtype.itemsize <= 8:
            self.read.append((given, array))
            return self._lift_long(array)
        numbers = np.ascontiguousarray(array, dtype=np.float64) if array.ndim else array
        if array.dtype.itemsize > 8 and not np.array_equal(
            numbers.astype(np.float64), array, equal_nan=True
        ):
            raise TypeError(
                f"an array of {array.dtype} holds numbers that float64 cannot represent{here()}"
            )
        if array.ndim == 0:
            return self.constant(float(array))
        if array.size > SMALL:
            self.read.append((given, array))
            return self.graph.data(numbers)
        key = (array.shape, numbers.tobytes())
        node = self._small.get(key)
        if node is None:
            copied = np.array(numbers, copy=True)
            node = self._small[key] = self.graph.data(copied)
            self.read.append((given, copied))
        return node

    def _lift_long(self, array: NDArray[Any]) -> int:
        """Reference an array that is read row by row, for any dtype and order of its elements."""
        if array.ndim > 1 and array.T.flags.c_contiguous and not array.flags.c_contiguous:
            axes = list(reversed(range(array.ndim)))  # its columns are contiguous in memory
            return self.graph.transpose(self.graph.data(array.T), axes)
        return self.graph.data(array if array.ndim <= 2 else np.ascontiguousarray(array))

    def _lift_objects(self, array: NDArray[Any]) -> int:
        whole = self._put_together(array)
        if whole is not None:
            return whole
        nodes = []
        for item in array.ravel().tolist():
            if isinstance(item, Tracer):
                nodes.append(self.lift(item))
                continue
            try:
                if isinstance(item, str | bytes):
                    raise TypeError  # float() would parse them
                nodes.append(self.constant(float(item)))
            except (TypeError, ValueError):
                raise not_real(described(item)) from None
        return self.graph.reshape(self.stack(nodes), array.shape) if array.ndim else nodes[0]

    def _put_together(self, array: NDArray[Any]) -> int | None:
        """Return one node if all objects are elements that np.asarray(x) split from one array."""
        if not self.taken_apart or not array.size:
            return None
        unknown = (None, 0)
        known = [
            self.taken_apart.get(item.node, unknown)
            if isinstance(item, Tracer) and item.trace is self
            else unknown
            for item in array.ravel().tolist()
        ]
        x = known[0][0]
        if x is None or any(origin is not x for origin, _ in known):
            return None
        places = [place for _, place in known]
        if len(places) == x.size and places == list(range(x.size)):
            return self.graph.reshape(x.node, array.shape)
        return self.graph.gather(x.node, array.shape, places)

    def stack(self, nodes: Sequence[int]) -> int:
        """Stack nodes of one shape as the rows of one array."""
        graph = self.graph
        shapes = {graph.shape(node) for node in nodes}
        if len(shapes) > 1:
            raise ValueError(
                "setting an array element with a sequence. The requested array has an "
                f"inhomogeneous shape: its parts have shapes {', '.join(map(str, sorted(shapes)))}"
            )
        shape = shapes.pop() if shapes else ()
        size, strides = math.prod(shape), contiguous(shape)
        if size == 0 or not nodes:
            return self.lift(np.zeros((len(nodes), *shape)))
        return graph.assemble(
            (len(nodes), *shape), nodes, [(k * size, strides) for k in range(len(nodes))]
        )

    def dummy(self, shape: Shape) -> tuple[NDArray[np.int8], int]:
        """Return an array of this shape, with one byte for each element, and its address.

        Its elements are never read. When NumPy slices or transposes it, the result shows the shape,
        offset and strides of the view.
        """
        found = self._dummies.get(shape)
        if found is None:
            array = np.empty(shape, np.int8)
            found = self._dummies[shape] = array, array.__array_interface__["data"][0]
        return found

    def positions(self, shape: Shape) -> NDArray[np.int64]:
        """Return the flat position of every element of an array of this shape."""
        found = self._positions.get(shape)
        if found is None:
            found = self._positions[shape] = np.arange(math.prod(shape), dtype=np.int64).reshape(
                shape
            )
        return found

    def as_view(self, x: Tracer, seen: NDArray[np.int8]) -> Tracer:
        """Return the view of x that corresponds to the view `seen` of its dummy."""
        _, start = self.dummy(x.shape)
        if seen.flags.c_contiguous:
            strides = contiguous(seen.shape)
        else:
            strides = seen.strides
        offset = seen.__array_interface__["data"][0] - start if seen.size else 0
        if offset == 0 and seen.size == x.size and seen.flags.c_contiguous:
            return x.like(self.graph.reshape(x.node, seen.shape))
        return x.like(self.view(x.node, seen.shape, offset, strides))

    def gather(self, x: Tracer, picked: NDArray[np.int64]) -> Tracer:
        """Return the elements of x at flat positions."""
        return x.like(self.graph.gather(x.node, picked.shape, picked.ravel().tolist()))


def _adds_to_a_number(kwargs: dict[str, Any]) -> bool:
    """Whether a ufunc shall write to an array without axes, as `total += x` does."""
    out = kwargs.get("out")
    return (
        isinstance(out, tuple)
        and len(kwargs) == len(out) == 1
        and isinstance(out[0], np.ndarray)
        and not out[0].shape
    )


# ---- calling the user's function -----------------------------------------------------------------


def trace_call(
    trace: Trace,
    function: Callable[..., Any],
    args: Sequence[Any],
    kwargs: dict[str, Any] | None = None,
) -> Any:
    """Call a function with traced arguments.

    Parameters
    ----------
    trace : Trace
        The trace that the arguments belong to.
    function : callable
        The user's function, written in NumPy.
    args, kwargs
        Its arguments; some are `Tracer`.

    Returns
    -------
    object
        The return value of the function; see `output_node`.

    Raises
    ------
    TraceError
        If the function does something that cannot be recorded, or if its trace differs from its
        values for numbers. Other errors of the function are raised unchanged.
    """
    frames.defer_to_traced_values()
    kwargs = kwargs or {}
    try:
        result = with_stand_ins(function)(*args, **kwargs)
    except TraceError as error:
        if isinstance(error.__cause__, TraceError):  # raised again with other words
            raise error.__cause__ from None
        raise
    except Exception as error:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, TraceError):
            cause = cause.__cause__ or cause.__context__
        if cause is not None:
            raise cause from None  # NumPy hides it: "setting an array element with a sequence"
        refused = _understood(error, function)
        if refused is None:
            raise
        raise refused from error
    if trace.made_objects and trace.inputs:
        check_by_numbers(trace, function, args, kwargs, output_node(trace, result))
    return result


def traced_node(
    trace: Trace,
    function: Callable[..., Any],
    args: Sequence[Any],
    kwargs: dict[str, Any] | None = None,
) -> int:
    """Call a function with traced arguments and return its value as one node.

    A trace error that the function caught itself is raised all the same: what it did instead may
    be right for no value.

    Parameters
    ----------
    trace : Trace
        The trace that the arguments belong to.
    function, args, kwargs
        The function and its arguments; some are `Tracer`.
    """
    with refusals() as refused:
        node = output_node(trace, trace_call(trace, function, args, kwargs))
    if refused:
        raise refused[0]
    if trace.of_loops > FIRST_OF_LOOPS and any(
        number >= FIRST_OF_LOOPS for number in trace.graph.input_numbers(node)
    ):
        raise cannot_trace(
            "a value of a loop's body",
            "it was kept for use outside of tw.scan or tw.fori.",
            "Return it from the step; scan stacks what its steps return.",
        )
    return trace.stable(node)[0]


def depends(graph: _core.Graph, node: int, on: int) -> bool:
    """Whether the node `node` depends on the node `on`."""
    seen, waiting = {node}, [node]
    while waiting:
        at = waiting.pop()
        if at == on:
            return True
        for part in graph.describe(at)[2]:
            if part not in seen:
                seen.add(part)
                waiting.append(part)
    return False


_NO_OBJECTS = (
    "Write np.stack([...]) instead of np.array([...]), and leave out np.asarray(x), because a "
    "traced value is already an array."
)


def _understood(error: Exception, function: Callable[..., Any]) -> Exception | None:
    """Return a clearer error for one that tracing caused, or None for other errors."""
    text = str(error)
    place = place_of(error.__traceback__)
    what = f"`{place.text}`" if place.text else f"`{getattr(function, '__name__', 'f')}`"
    if isinstance(error, AttributeError) and isinstance(error.obj, Tracer):
        name = str(error.name)
        kind = "method" if hasattr(np.ndarray, name) else "attribute"
        why = f"a traced value has no {kind} `{name}`."
        return cannot_trace(what, why, instead_of_attribute(name), place)
    if isinstance(error, IndexError) and (
        "arrays used as indices must be" in text or place.index_holds(Tracer)
    ):
        why = "an index must be a number, but this one is a traced value."
        return cannot_trace(what, why, "np.where selects between values.", place)
    if comes_of_masks(error):
        return no_masks(place)
    if _of_an_object_array(error, text):
        why = f"np.array makes an object array of traced values, which is not accepted ({text})."
        return cannot_trace(what, why, _NO_OBJECTS, place)
    if text.startswith("constant(): incompatible function arguments"):
        return OverflowError("int too large to convert to float")
    return foreign(error, what, place)


def _of_an_object_array(error: Exception, text: str) -> bool:
    """Whether a ufunc failed on an array of objects: they lack a method, or it has no loop."""
    if isinstance(error, AttributeError):
        return isinstance(getattr(np, str(error.name), None), np.ufunc)
    return isinstance(error, TypeError) and (
        text.startswith(
            ("loop of ufunc does not support", "Cannot cast array data from dtype('O')")
        )
        or ("not supported for the input types" in text and "safely coerced" in text)
    )


def output_node(trace: Trace, result: Any) -> int:
    """Convert the return value of a function to one node; the parts of a sequence are stacked.

    Raises
    ------
    TypeError
        If the value does not consist of real numbers.
    ValueError
        If the parts have different shapes.
    """
    if isinstance(result, Tracer):
        return trace.lift(result)
    if result is None:
        raise TypeError(
            "the function must return a number or an array, got None: is a `return` missing?"
        )
    if (
        isinstance(result, tuple)
        and len(result) == 2
        and np.ndim(result[0]) == 0 != np.ndim(result[1])
    ):
        raise TypeError(
            "the function must return a number or an array, got a tuple of both: return the value "
            "alone, which is differentiated exactly; or set trace=False and jac=True"
        )
    if isinstance(result, str | bytes | dict | set):
        raise TypeError(
            f"the function must return a number or an array, got {type(result).__name__}"
        )
    return trace.lift(result)
