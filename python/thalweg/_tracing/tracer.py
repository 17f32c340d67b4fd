# SPDX-License-Identifier: BSD-3-Clause
"""Define traced values: arrays without numbers that record the operations applied to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

import numpy as np
from numpy.typing import NDArray

from thalweg._tracing.errors import cannot_trace, no_number, no_truth_value
from thalweg._tracing.indexing import indexed, traced_index
from thalweg._tracing.operations import BOOLEAN, CODES, OPCODE, OPERATIONS, Shape
from thalweg._tracing.registry import REAL, is_complex
from thalweg._tracing.traced import Traced, method

if TYPE_CHECKING:
    from thalweg._tracing.trace import Trace


def is_truth(value: Any) -> bool:
    """Whether NumPy would give this value the dtype bool."""
    return isinstance(value, Truth | bool | np.bool_) or (
        isinstance(value, np.ndarray) and value.dtype == np.bool_
    )


def holds_tracer(value: Any) -> bool:
    """Whether a value is or may contain a traced value, at any depth of lists and tuples."""
    if isinstance(value, list | tuple):
        return any(map(holds_tracer, value))
    return isinstance(value, Traced) or (isinstance(value, np.ndarray) and value.dtype == object)


class ComplexOperandError(Exception):
    """Raised where a real operand is needed; costs nothing where all are real."""


def node_of(trace: Trace, value: Any) -> int:
    """Return the node of an operand."""
    kind = type(value)
    if (kind is Tracer or kind is Truth) and value.trace is trace:
        node: int = value.node
        return node
    if kind is float or kind is int:
        return trace.constant(value)
    if is_complex(value):
        raise ComplexOperandError
    return trace.lift(value)


def apply(trace: Trace, code: int, inputs: Sequence[Any]) -> Tracer:
    """Apply the operation `code` to real operands."""
    node = trace.elementwise(code, *[node_of(trace, i) for i in inputs])
    return Truth(trace, node) if BOOLEAN[code] else Tracer(trace, node)


# ---- operators: called directly, not through NumPy -----------------------------------------------


def _operator(name: str, swap: bool = False) -> Callable[[Tracer, Any], Tracer]:
    code = OPCODE[name]
    boolean = bool(OPERATIONS[code]["boolean"])

    def operate(self: Tracer, other: Any) -> Tracer:
        trace = self.trace
        kind = type(other)
        if kind is Tracer and other.trace is trace:
            node = other.node
        elif kind is float or kind is int:
            node = trace.constant(other)
        elif is_complex(other):
            pair: Tracer = trace.call_complex(name, (other, self) if swap else (self, other))
            return pair  # a Complex; for the type checker it is what arithmetic returns
        else:
            node = trace.lift(other)
        if swap:
            result = trace.elementwise(code, node, self.node)
        else:
            result = trace.elementwise(code, self.node, node)
        return Truth(trace, result) if boolean else Tracer(trace, result)

    return operate


def _logical(name: str) -> Callable[[Tracer, Any], Tracer]:
    code = OPCODE[name]

    def operate(self: Tracer, other: Any) -> Tracer:
        if not (is_truth(self) and is_truth(other)):
            raise TypeError(
                f"ufunc '{name.replace('logical', 'bitwise')}' not supported for the input types: "
                "expected truth values on both sides, such as (x > 0) & (y > 0)"
            )
        return Truth(self.trace, self.trace.elementwise(code, self.node, self.trace.lift(other)))

    return operate


def _power(trace: Trace, base: int, exponent: Any) -> Tracer:
    kind = type(exponent)
    number = kind is int or kind is float
    if not number and kind is not Tracer:
        number = isinstance(exponent, np.number) or (
            isinstance(exponent, np.ndarray) and exponent.ndim == 0 and exponent.dtype != object
        )
    if number:
        if exponent == 2:
            return Tracer(trace, trace.elementwise(SQUARE, base))
        if exponent == 1:
            return Tracer(trace, base)
        if exponent == 0.5:
            return Tracer(trace, trace.elementwise(SQRT, base))
        if exponent == -1:
            return Tracer(trace, trace.elementwise(RECIPROCAL, base))
    return Tracer(trace, trace.elementwise(POWER, base, node_of(trace, exponent)))


SQUARE, SQRT, RECIPROCAL, POWER = (OPCODE[n] for n in ("square", "sqrt", "reciprocal", "power"))
NEGATIVE, ABSOLUTE, WHERE, NOT = (
    OPCODE[n] for n in ("negative", "absolute", "where", "logical_not")
)


class Tracer(Traced):
    """A traced value: an array without numbers that records the operations applied to it.

    Attributes
    ----------
    trace : Trace
        The trace that it belongs to.
    node : int
        Its node in the graph of the trace.
    """

    __slots__ = ("_shape", "node", "trace")
    __hash__: ClassVar[None]  # type: ignore[assignment]  # like arrays: == is elementwise
    __array_priority__ = 1000.0  # above np.matrix and other classes that compare it
    __pandas_priority__ = 10_000  # above the 4000 of a DataFrame

    def __init__(self, trace: Trace, node: int) -> None:
        self.trace = trace
        self.node = node

    def like(self, node: int) -> Tracer:
        """Return a node of selected elements as a value of the same class."""
        return self.__class__(self.trace, node)

    @property
    def shape(self) -> Shape:
        """The shape, as in NumPy."""
        try:
            return self._shape
        except AttributeError:
            self._shape: Shape = self.trace.graph.shape(self.node)
            return self._shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype: float64, or bool for a truth value."""
        return np.dtype(np.bool_ if isinstance(self, Truth) else np.float64)

    @property
    def real(self) -> Tracer:
        """The real part, which is the value itself."""
        return self

    @property
    def imag(self) -> NDArray[np.float64]:
        """The imaginary part, which is zero."""
        return np.zeros(self.shape)

    def __repr__(self) -> str:
        return f"<traced {self.dtype} array of shape {self.shape}>"

    # -- operators --

    __add__ = _operator("add")
    __radd__ = _operator("add", swap=True)
    __sub__ = _operator("subtract")
    __rsub__ = _operator("subtract", swap=True)
    __mul__ = _operator("multiply")
    __rmul__ = _operator("multiply", swap=True)
    __truediv__ = _operator("divide")
    __rtruediv__ = _operator("divide", swap=True)
    __mod__ = _operator("remainder")
    __rmod__ = _operator("remainder", swap=True)
    __floordiv__ = _operator("floor_divide")
    __rfloordiv__ = _operator("floor_divide", swap=True)
    __lt__ = _operator("less")
    __le__ = _operator("less_equal")
    __gt__ = _operator("greater")
    __ge__ = _operator("greater_equal")
    __eq__ = _operator("equal")  # type: ignore[assignment]
    __ne__ = _operator("not_equal")  # type: ignore[assignment]
    __and__ = __rand__ = _logical("logical_and")
    __or__ = __ror__ = _logical("logical_or")
    __xor__ = __rxor__ = _logical("logical_xor")

    def __pow__(self, exponent: Any, modulus: None = None) -> Any:
        if modulus is not None:
            raise cannot_trace("pow with a modulus", "it is defined only for integers.")
        if is_complex(exponent):
            return self.trace.call_complex("power", (self, exponent))
        return _power(self.trace, self.node, exponent)

    def __rpow__(self, base: Any) -> Any:
        if is_complex(base):
            return self.trace.call_complex("power", (base, self))
        return Tracer(self.trace, self.trace.elementwise(POWER, self.trace.lift(base), self.node))

    def __divmod__(self, other: Any) -> tuple[Tracer, Tracer]:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> tuple[Tracer, Tracer]:
        return other // self, other % self

    def __neg__(self) -> Tracer:
        return Tracer(self.trace, self.trace.elementwise(NEGATIVE, self.node))

    def __abs__(self) -> Tracer:
        return Tracer(self.trace, self.trace.elementwise(ABSOLUTE, self.node))

    def __invert__(self) -> Tracer:
        raise TypeError(
            "ufunc 'invert' not supported for the input types: ~ needs a truth value, such as "
            "~(x > 0)"
        )

    def __round__(self, decimals: int | None = None) -> Tracer:
        return self._call(np.round, (self, decimals or 0), {})

    def __floor__(self) -> Tracer:
        return apply(self.trace, OPCODE["floor"], (self,))

    def __ceil__(self) -> Tracer:
        return apply(self.trace, OPCODE["ceil"], (self,))

    def __trunc__(self) -> Tracer:
        return apply(self.trace, OPCODE["trunc"], (self,))

    # -- the container --

    def __getitem__(self, index: Any) -> Tracer:
        shape, kind = self.shape, type(index)
        if len(shape) == 1:
            n = shape[0]
            if kind is int:
                at = index + n if index < 0 else index
                if 0 <= at < n:
                    return self.like(self.trace.view(self.node, (), at, ()))
            elif kind is slice:
                start, stop, step = index.indices(n)
                length = len(range(start, stop, step))
                at = start if length else 0
                return self.like(self.trace.view(self.node, (length,), at, (step,)))
        for item in index if kind is tuple else (index,):
            if holds_tracer(item):
                raise traced_index(isinstance(item, Truth))
        return indexed(self, index)

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        raise cannot_trace(
            "`x[i] = ...`",
            "a traced value cannot be changed in place.",
            "Write x = x.at[i].set(value), np.where(mask, new, x), or join parts with np.stack.",
        )

    # -- conversions to numbers, which a traced value does not have --

    def __bool__(self) -> NoReturn:
        raise no_truth_value()

    def __index__(self) -> NoReturn:
        raise no_number("index")

    def __format__(self, spec: str) -> str:
        if spec:
            raise no_number("float")
        return repr(self)

    @property
    def __array__(self) -> Callable[..., NDArray[Any]]:
        # np.array([x[0], x[1]]) makes an object array of values without __array__.
        self.trace.made_objects = True
        if not self.shape:
            raise AttributeError("__array__")
        return self._as_objects

    def _as_objects(self, dtype: Any = None, **_: Any) -> NDArray[Any]:
        if dtype is not None and np.dtype(dtype) != object:
            raise no_number("float")
        flat = list(self.reshape(-1))
        self.trace.taken_apart.update((x.node, (self, k)) for k, x in enumerate(flat))
        out = np.empty(self.size, object)
        out[:] = flat
        return out.reshape(self.shape)

    def _sympy_(self) -> NoReturn:  # without it, SymPy would iterate over the value endlessly
        raise no_number("symbol")

    def item(self, *_: Any) -> NoReturn:
        """Raise an error, because a traced value has no number."""
        raise no_number("float")

    def tolist(self) -> Any:
        """Return nested lists of traced values."""
        return [row.tolist() for row in self] if self.shape else self

    # -- methods --

    def astype(self, dtype: Any, **_: Any) -> Any:
        """Return the value itself for float64 and complex128, and x != 0 for bool."""
        wanted = np.dtype(dtype)
        if wanted == np.complex128:
            return self.trace.call_complex("positive", (self,))
        if wanted == np.bool_:
            return self if isinstance(self, Truth) else self != 0.0
        if wanted != np.float64:
            raise cannot_trace(
                f"astype({wanted})", "traced values are float64.", "np.trunc rounds towards zero."
            )
        return Tracer(self.trace, self.node)

    # -- NumPy's protocols --

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method == "__call__" and not kwargs:
            code = CODES.get(ufunc)
            if code is not None:
                try:
                    return apply(self.trace, code, inputs)
                except ComplexOperandError:
                    pass
        return self.trace.call_ufunc(ufunc, method, inputs, kwargs)


for _name in (
    "sum", "mean", "prod", "cumsum", "cumprod", "max", "min", "var", "std", "dot", "ravel",
    "squeeze", "clip", "round", "copy", "repeat", "swapaxes", "diagonal", "take", "any", "all",
):  # fmt: skip
    setattr(Tracer, _name, method(_name))


REAL.add(Tracer)


class Truth(Tracer):
    """A traced value with dtype bool, for which + means or, * means and, and - is refused."""

    __slots__ = ()

    def __invert__(self) -> Tracer:
        return Truth(self.trace, self.trace.elementwise(NOT, self.node))

    def __neg__(self) -> Tracer:
        raise TypeError(
            "The numpy boolean negative, the `-` operator, is not supported, use the `~` operator "
            "or the logical_not function instead."
        )

    def __add__(self, other: Any) -> Tracer:
        return super().__or__(other) if is_truth(other) else super().__add__(other)

    def __radd__(self, other: Any) -> Tracer:
        return super().__or__(other) if is_truth(other) else super().__radd__(other)

    def __mul__(self, other: Any) -> Tracer:
        return super().__and__(other) if is_truth(other) else super().__mul__(other)

    def __rmul__(self, other: Any) -> Tracer:
        return super().__and__(other) if is_truth(other) else super().__rmul__(other)

    def __sub__(self, other: Any) -> Tracer:
        _no_boolean_subtract(other)
        return super().__sub__(other)

    def __rsub__(self, other: Any) -> Tracer:
        _no_boolean_subtract(other)
        return super().__rsub__(other)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method == "__call__" and not kwargs and all(map(is_truth, inputs)):
            operation = _ON_TRUTH.get(ufunc)
            if operation is not None:
                return operation(self.trace.wrap(inputs[0]), *inputs[1:])
        return super().__array_ufunc__(ufunc, method, *inputs, **kwargs)


REAL.add(Truth)


def _no_boolean_subtract(other: Any) -> None:
    if is_truth(other):
        raise TypeError(
            "numpy boolean subtract, the `-` operator, is not supported, use the bitwise_xor, the "
            "`^` operator, or the logical_xor function instead."
        )


_ON_TRUTH: dict[Any, Callable[..., Any]] = {
    np.add: Truth.__add__,
    np.multiply: Truth.__mul__,
    np.subtract: Truth.__sub__,
    np.negative: Truth.__neg__,
    np.maximum: Truth.__or__,
    np.minimum: Truth.__and__,
    np.fmax: Truth.__or__,
    np.fmin: Truth.__and__,
    np.absolute: Truth.__pos__,
}
