# SPDX-License-Identifier: BSD-3-Clause
"""Define traced complex values: pairs of real traced values, with the arithmetic of NumPy.

The parameters of an objective and its value are real; complex numbers occur in between. A part that
is exactly zero is None, so that `1j * x` and exp(1j * x) compute nothing with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from thalweg._tracing.complex_parts import (
    COMPLEX_UFUNCS,
    Parts,
    exponential,
    logarithm,
    modulus,
    multiply,
    square_root,
    where,
    whole_power,
)
from thalweg._tracing.errors import cannot_trace, no_number
from thalweg._tracing.operations import Shape
from thalweg._tracing.registry import (
    accepted,
    call_function,
    is_complex,
    no_traced_form,
    refuse_masked,
)
from thalweg._tracing.traced import Traced, method
from thalweg._tracing.tracer import Tracer, Truth, holds_tracer

if TYPE_CHECKING:
    from thalweg._tracing.trace import Trace


class Complex(Traced):
    """A traced complex value: an array of complex128 without numbers.

    Attributes
    ----------
    trace : Trace
        The trace that it belongs to.
    shape : tuple of int
        The shape, as in NumPy.
    parts : tuple of (Tracer or None)
        The real and the imaginary part, each of this shape; None for a part that is zero.
    """

    __slots__ = ("_shape", "parts", "trace")
    __hash__: ClassVar[None]  # type: ignore[assignment]  # like arrays: == is elementwise
    __array_priority__ = 1001.0  # above a real traced value
    __pandas_priority__ = 10_001

    def __init__(self, trace: Trace, parts: Parts, shape: Shape) -> None:
        self.trace = trace
        self._shape = shape
        self.parts = tuple(
            part
            if part is None or part.shape == shape
            else Tracer(trace, trace.graph.broadcast_to(part.node, shape))
            for part in parts
        )

    @property
    def shape(self) -> Shape:
        """The shape, as in NumPy."""
        return self._shape

    @property
    def real(self) -> Tracer:
        """The real part."""
        return self._part(0)

    @property
    def imag(self) -> Tracer:
        """The imaginary part."""
        return self._part(1)

    def _part(self, which: int) -> Tracer:
        part = self.parts[which]
        return self.trace.wrap(np.zeros(self.shape)) if part is None else part

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype, complex128."""
        return np.dtype(np.complex128)

    def __repr__(self) -> str:
        return f"<traced complex128 array of shape {self.shape}>"

    # -- operators --

    def _operate(self, name: str, *operands: Any) -> Any:
        return call_complex(self.trace, name, operands)

    def __add__(self, other: Any) -> Any:
        return self._operate("add", self, other)

    def __radd__(self, other: Any) -> Any:
        return self._operate("add", other, self)

    def __sub__(self, other: Any) -> Any:
        return self._operate("subtract", self, other)

    def __rsub__(self, other: Any) -> Any:
        return self._operate("subtract", other, self)

    def __mul__(self, other: Any) -> Any:
        return self._operate("multiply", self, other)

    def __rmul__(self, other: Any) -> Any:
        return self._operate("multiply", other, self)

    def __truediv__(self, other: Any) -> Any:
        return self._operate("divide", self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return self._operate("divide", other, self)

    def __pow__(self, other: Any) -> Any:
        return self._operate("power", self, other)

    def __rpow__(self, other: Any) -> Any:
        return self._operate("power", other, self)

    def __neg__(self) -> Any:
        return self._operate("negative", self)

    def __abs__(self) -> Any:
        return self._operate("absolute", self)

    def __eq__(self, other: object) -> Any:
        return self._operate("equal", self, other)

    def __ne__(self, other: object) -> Any:
        return self._operate("not_equal", self, other)

    def __lt__(self, other: Any) -> Any:
        return self._operate("less", self, other)

    def __le__(self, other: Any) -> Any:
        return self._operate("less_equal", self, other)

    def __gt__(self, other: Any) -> Any:
        return self._operate("greater", self, other)

    def __ge__(self, other: Any) -> Any:
        return self._operate("greater_equal", self, other)

    # -- the container --

    def __getitem__(self, index: Any) -> Complex:
        picked = [None if part is None else part[index] for part in self.parts]
        some = next((part for part in picked if part is not None), None)
        shape = self.real[index].shape if some is None else some.shape
        return Complex(self.trace, (picked[0], picked[1]), shape)

    def __setitem__(self, index: Any, value: Any) -> None:
        self.real[index] = value  # says why not, and what to write

    # -- conversions to numbers, which a traced value does not have --

    def __bool__(self) -> bool:
        return bool(self.real)

    @property
    def __array__(self) -> Callable[..., Any]:
        # As for a real value: NumPy then makes arrays of objects, whose elements are joined again.
        self.trace.made_objects = True
        if not self.shape:
            raise AttributeError("__array__")
        return self._as_objects

    def _as_objects(self, dtype: Any = None, **_: Any) -> Any:
        if dtype is not None and np.dtype(dtype) != object:
            raise no_number("complex")
        out = np.empty(self.size, object)
        out[:] = list(self.reshape(-1))
        return out.reshape(self.shape)

    # -- methods --

    def conjugate(self) -> Any:
        """Return the complex conjugate."""
        return self._operate("conjugate", self)

    conj = conjugate

    def astype(self, dtype: Any, **_: Any) -> Complex:
        """Return the value itself for complex128, and refuse other types."""
        if np.dtype(dtype) != np.complex128:
            raise cannot_trace(
                f"astype({np.dtype(dtype)})",
                "the value is complex.",
                "Write z.real, z.imag or abs(z).",
            )
        return self

    # -- NumPy's protocols --

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return self.trace.call_ufunc(ufunc, method, inputs, kwargs)


for _name in (
    "sum", "mean", "prod", "cumsum", "var", "std", "dot", "ravel", "squeeze", "copy", "repeat",
    "swapaxes", "diagonal", "take", "any", "all", "round",
):  # fmt: skip
    setattr(Complex, _name, method(_name))


# ---- the parts of a value ------------------------------------------------------------------------


def parts_of(trace: Trace, value: Any) -> tuple[Parts, Shape]:
    """Return the parts of anything that is or may become a complex value, and its shape."""
    if isinstance(value, Complex):
        return (value.parts[0], value.parts[1]), value.shape
    if isinstance(value, Truth):
        return (Tracer(trace, value.node), None), value.shape
    if isinstance(value, Tracer):
        return (value, None), value.shape
    if holds_tracer(value) or (isinstance(value, list | tuple) and is_complex(value)):
        return _stacked(trace, value)
    if isinstance(value, np.ma.MaskedArray):
        refuse_masked(value)
    array = np.asarray(value)
    if array.dtype.kind != "c":
        real = trace.wrap(value)
        return (Tracer(trace, real.node), None), real.shape
    both = [
        trace.wrap(np.ascontiguousarray(part).reshape(array.shape)) if np.any(part) else None
        for part in (array.real, array.imag)
    ]
    return (both[0], both[1]), array.shape


def _stacked(trace: Trace, value: Any) -> tuple[Parts, Shape]:
    """Stack the parts of the elements of a list, a tuple or an array of objects."""
    items = value.ravel().tolist() if isinstance(value, np.ndarray) else value
    all_parts = [complex_of(trace, item) for item in items]
    both = [
        Tracer(trace, trace.stack([getattr(item, side).node for item in all_parts]))
        if any(item.parts[k] is not None for item in all_parts)
        else None
        for k, side in enumerate(("real", "imag"))
    ]
    shape = value.shape if isinstance(value, np.ndarray) else (len(items), *all_parts[0].shape)
    reshaped = [None if part is None else part.reshape(shape) for part in both]
    return (reshaped[0], reshaped[1]), shape


def complex_of(trace: Trace, value: Any) -> Complex:
    """Convert anything that is or may become a complex value."""
    return value if isinstance(value, Complex) else Complex(trace, *parts_of(trace, value))


# ---- ufuncs --------------------------------------------------------------------------------------

# Whole powers up to this one are products, as in NumPy.
_MOST = 100


def _number(value: Any) -> complex | None:
    """Return a plain number, or None."""
    if isinstance(value, np.ndarray) and value.ndim == 0 and value.dtype.kind in "iufc":
        return complex(value)
    return complex(value) if isinstance(value, int | float | complex | np.number) else None


def power(trace: Trace, base: Any, exponent: Any) -> Parts:
    """Return base**exponent; 0 to a power with a positive real part is 0."""
    known = _number(exponent)
    z, _ = parts_of(trace, base)
    if known is not None and known.imag == 0:
        n = known.real
        if n == 0.5:
            return square_root(z)
        if n == int(n) and abs(n) <= _MOST:
            return whole_power(z, int(n))
    w, _ = parts_of(trace, exponent)
    number = _number(base)
    if number is not None and number != 0:
        return exponential(multiply(w, parts_of(trace, np.log(number))[0]))
    zero = modulus(z) == 0.0
    one = trace.wrap(1.0)
    away = where(zero, one, z[0]), None if z[1] is None else where(zero, None, z[1])
    value = exponential(multiply(w, logarithm(away)))
    return where(zero, None, value[0]), where(zero, None, value[1])


_ORDERED = {"less", "less_equal", "greater", "greater_equal", "maximum", "minimum", "fmax", "fmin"}
_ORDER = "Compare z.real, z.imag or abs(z)."


def call_complex(trace: Trace, name: str, operands: Sequence[Any]) -> Any:
    """Apply the ufunc `name` to operands of which one is complex."""
    if name in _ORDERED:
        raise cannot_trace(f"np.{name} of complex values", "they have no order.", _ORDER)
    if name in ("power", "float_power"):
        shapes = [parts_of(trace, operand)[1] for operand in operands]
        return Complex(trace, power(trace, *operands), np.broadcast_shapes(*shapes))
    form = COMPLEX_UFUNCS.get(name)
    if form is None:
        raise no_traced_form(f"np.{name} of complex values")
    known = [parts_of(trace, operand) for operand in operands]
    result = form(*[parts for parts, _ in known])
    if isinstance(result, Tracer):
        return result
    return Complex(trace, result, np.broadcast_shapes(*[shape for _, shape in known]))


_REDUCED: dict[tuple[str, str], Any] = {
    ("add", "reduce"): np.sum,
    ("multiply", "reduce"): np.prod,
    ("add", "accumulate"): np.cumsum,
}
_AS_FUNCTIONS: dict[str, Any] = {"matmul": np.matmul, "vecdot": np.vecdot}


def call_complex_ufunc(
    trace: Trace, ufunc: np.ufunc, method: str, inputs: Sequence[Any], kwargs: dict[str, Any]
) -> Any:
    """Apply a ufunc, or a method of it, to inputs of which one is complex."""
    name = ufunc.__name__
    if method == "__call__":
        if kwargs:
            accepted(f"np.{name}", kwargs, frozenset())
        function = _AS_FUNCTIONS.get(name)
        if function is not None:
            return call_function(trace, function, tuple(inputs), {})
        return call_complex(trace, name, inputs)
    if method == "outer":
        a, b = (complex_of(trace, value) for value in inputs)
        return call_complex(trace, name, (a.reshape(a.shape + (1,) * b.ndim), b))
    function = _REDUCED.get((name, method))
    if function is None:
        raise no_traced_form(f"np.{name}.{method} of complex values")
    x, *rest = inputs
    axis = rest[0] if rest else kwargs.pop("axis", 0)
    return call_function(trace, function, (x, axis), kwargs)
