# SPDX-License-Identifier: BSD-3-Clause
"""Trace NumPy's functions of complex values by those of their real and imaginary parts."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from thalweg._tracing.complex_parts import Part, argument, minus, plus
from thalweg._tracing.complex_parts import where as choose_part
from thalweg._tracing.complex_values import Complex, complex_of
from thalweg._tracing.functions import (
    cumulative,
    einsum,
    elements,
    joining,
    products,
    shaping,
    tables,
)
from thalweg._tracing.functions.elements import along, count
from thalweg._tracing.registry import (
    ARGUMENTS,
    COMPLEX_ARGUMENTS,
    COMPLEX_FUNCTIONS,
    FUNCTIONS,
    implements,
    is_complex,
    name_of,
    names_of,
    no_traced_form,
)
from thalweg._tracing.tracer import Tracer

if TYPE_CHECKING:
    from thalweg._tracing.trace import Trace

# The handlers below are made of those that these modules register.
_MADE_OF = (cumulative, einsum, elements, joining, products, shaping, tables)


def of_complex(*functions: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a handler for functions of NumPy that are called with complex values."""

    def enter(handler: Callable[..., Any]) -> Callable[..., Any]:
        passes_on = handler.__code__.co_flags & inspect.CO_VARKEYWORDS
        for function in functions:
            COMPLEX_FUNCTIONS[function] = handler
            COMPLEX_ARGUMENTS[function] = ARGUMENTS[function] if passes_on else names_of(handler)
        return handler

    return enter


_function: Any

# ---- functions that act on both parts alike ------------------------------------------------------


def _side(trace: Trace, value: Any, which: int) -> Any:
    """Replace complex values, also in lists, by one of their parts; real ones have no other."""
    if isinstance(value, list | tuple):
        return [_side(trace, v, which) for v in value]
    z = complex_of(trace, value)
    return z.real if which == 0 else z.imag


def _joined(results: list[Any]) -> Any:
    """Make complex values of the results for the real and for the imaginary parts."""
    real, imag = results
    if isinstance(real, list | tuple):
        return type(real)(_joined([a, b]) for a, b in zip(real, imag, strict=True))
    return Complex(real.trace, (real, imag), real.shape)


def _of_the_parts(function: Any, values: int = 0) -> None:
    """Register a function that is linear in its argument number `values`, the others being real."""
    handler = FUNCTIONS[function]

    def both(trace: Trace, *args: Any, **kwargs: Any) -> Any:
        if len(args) <= values:
            raise no_traced_form(f"{name_of(function)} of a complex value by its keyword")
        given = args[values]
        others = [a for k, a in enumerate(args) if k != values]
        if is_complex(others) or is_complex(list(kwargs.values())):
            raise no_traced_form(f"{name_of(function)} with a complex argument")
        if isinstance(given, Complex) and any(part is None for part in given.parts):
            which = 1 if given.parts[0] is None else 0
            one = handler(trace, *args[:values], given.parts[which], *args[values + 1 :], **kwargs)
            if isinstance(one, Tracer):
                return Complex(trace, (one, None) if which == 0 else (None, one), one.shape)
        return _joined(
            [
                handler(
                    trace,
                    *args[:values],
                    _side(trace, given, which),
                    *args[values + 1 :],
                    **kwargs,
                )
                for which in (0, 1)
            ]
        )

    of_complex(function)(both)


for _function in (
    np.transpose, np.permute_dims, np.matrix_transpose, np.linalg.matrix_transpose, np.swapaxes,
    np.moveaxis, np.rollaxis, np.squeeze, np.expand_dims, np.broadcast_to, np.flip, np.fliplr,
    np.flipud, np.rot90, np.diagonal, np.split, np.array_split, np.hsplit, np.vsplit, np.dsplit,
    np.linalg.diagonal, np.reshape, np.ravel, np.copy, np.tile, np.repeat, np.take,
    np.take_along_axis, np.delete, np.resize, np.triu, np.tril, np.diag, np.diagflat, np.trace,
    np.linalg.trace, np.concatenate, np.stack, np.hstack, np.vstack, np.dstack, np.column_stack,
    np.block, np.roll, np.sum, np.mean, np.cumsum, np.diff, np.trapezoid, np.atleast_1d,
    np.atleast_2d, np.atleast_3d, np.round, np.around, np.average, np.pad,
):  # fmt: skip
    _of_the_parts(_function)
_of_the_parts(np.compress, 1)
_of_the_parts(np.extract, 1)


@of_complex(np.append)
def _append(trace: Trace, arr: Any, values: Any, axis: Any = None) -> Any:
    sides = [(_side(trace, arr, k), _side(trace, values, k)) for k in (0, 1)]
    return _joined([FUNCTIONS[np.append](trace, *side, axis) for side in sides])


# ---- products: linear in each operand ------------------------------------------------------------


def expanded(trace: Trace, operands: list[Complex], form: Callable[..., Tracer]) -> Complex:
    """Return a form that is linear in each operand, by the products of their parts."""
    total: list[Part] = [None, None]
    shape: Any = None
    for sides in itertools.product((0, 1), repeat=len(operands)):
        parts = [z.parts[side] for z, side in zip(operands, sides, strict=True)]
        if any(part is None for part in parts):
            continue
        term = form(*parts)
        shape = term.shape
        quarter = sum(sides)  # i**quarter is 1, i, -1, -i
        combine = plus if quarter % 4 < 2 else minus
        total[quarter % 2] = combine(total[quarter % 2], term)
    if shape is None:  # all operands are zero
        zero = form(*[z.real for z in operands])
        total[0], shape = zero, zero.shape
    return Complex(trace, (total[0], total[1]), shape)


def _product(function: Any, conjugated: int | None = None) -> None:
    """Register a product of two arrays, of which one may be conjugated."""
    handler = FUNCTIONS[function]

    def both(trace: Trace, a: Any, b: Any, *args: Any, **kwargs: Any) -> Complex:
        operands = [complex_of(trace, a), complex_of(trace, b)]
        if conjugated is not None:
            operands[conjugated] = operands[conjugated].conj()
        return expanded(trace, operands, lambda p, q: handler(trace, p, q, *args, **kwargs))

    of_complex(function)(both)


for _function in (
    np.matmul, np.linalg.matmul, np.dot, np.inner, np.outer, np.linalg.outer, np.kron,
    np.tensordot, np.linalg.tensordot, np.cross, np.linalg.cross, np.convolve,
):  # fmt: skip
    _product(_function)
for _function in (np.vdot, np.vecdot, np.linalg.vecdot):
    _product(_function, 0)
_product(np.correlate, 1)


@of_complex(np.einsum)
def _einsum(trace: Trace, subscripts: Any, *operands: Any) -> Any:
    handler = FUNCTIONS[np.einsum]
    known = [complex_of(trace, z) for z in operands]
    return expanded(trace, known, lambda *parts: handler(trace, subscripts, *parts))


@of_complex(np.linalg.multi_dot)
def _multi_dot(trace: Trace, arrays: Any) -> Any:
    result, *others = [complex_of(trace, a) for a in arrays]
    for other in others:
        result = COMPLEX_FUNCTIONS[np.dot](trace, result, other)
    return result


@of_complex(np.prod)
def _prod(trace: Trace, a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Multiply by halves along each axis."""
    z = complex_of(trace, a)
    for k in elements.axes_of(z.ndim, axis):
        while z.shape[k] > 1:
            half = z.shape[k] // 2
            low, high = z[along(z.ndim, k, slice(half))], z[along(z.ndim, k, slice(half, 2 * half))]
            left = z[along(z.ndim, k, slice(2 * half, None))]
            z = low * high
            if left.size:
                z = COMPLEX_FUNCTIONS[np.concatenate](trace, [z, left], k)
        if z.shape[k] == 0:
            return FUNCTIONS[np.prod](trace, z.real, axis, keepdims=keepdims) + 0j
    gone = elements.axes_of(z.ndim, axis)
    return z if keepdims else z.reshape([n for k, n in enumerate(z.shape) if k not in gone])


@of_complex(np.polyval)
def _polyval(trace: Trace, p: Any, x: Any) -> Any:
    z = complex_of(trace, x)
    y: Any = Complex(trace, (trace.wrap(np.zeros(z.shape)), None), z.shape)
    for coefficient in complex_of(trace, p):
        y = y * z + coefficient
    return y


@of_complex(np.interp)
def _interp(trace: Trace, x: Any, xp: Any, fp: Any, *args: Any, **kwargs: Any) -> Any:
    fp = np.asarray(fp)
    return _joined(
        [
            FUNCTIONS[np.interp](trace, x, xp, np.ascontiguousarray(side), *args, **kwargs)
            for side in (fp.real, fp.imag)
        ]
    )


# ---- choices, parts, sizes -----------------------------------------------------------------------


@of_complex(np.where)
def _where(trace: Trace, condition: Any, x: Any, y: Any) -> Complex:
    a, b = complex_of(trace, x), complex_of(trace, y)
    shape = np.broadcast_shapes(trace.wrap(condition).shape, a.shape, b.shape)
    real, imag = (choose_part(condition, p, q) for p, q in zip(a.parts, b.parts, strict=True))
    return Complex(trace, (real, imag), shape)


@of_complex(np.select)
def _select(trace: Trace, condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    if len(condlist) != len(choicelist):
        raise ValueError("list of cases must be same length as list of conditions")
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        default = _where(trace, condition, choice, default)
    return default


@of_complex(np.real)
def _real(trace: Trace, val: Any) -> Tracer:
    return complex_of(trace, val).real


@of_complex(np.imag)
def _imag(trace: Trace, val: Any) -> Tracer:
    return complex_of(trace, val).imag


@of_complex(np.real_if_close)
def _real_if_close(trace: Trace, a: Any, tol: float = 100) -> Complex:  # noqa: ARG001
    return complex_of(trace, a)


@of_complex(np.angle)
@implements(np.angle)
def _angle(trace: Trace, z: Any, deg: bool = False) -> Tracer:
    parts = complex_of(trace, z).parts
    angle = argument((parts[0], parts[1]))
    return angle * (180 / np.pi) if deg else angle


@of_complex(np.linalg.vector_norm)
def _norm(trace: Trace, x: Any, *args: Any, **kwargs: Any) -> Any:
    return FUNCTIONS[np.linalg.vector_norm](trace, abs(complex_of(trace, x)), *args, **kwargs)


@of_complex(np.var)
def _var(trace: Trace, a: Any, axis: Any = None, ddof: float = 0, keepdims: bool = False) -> Any:
    z = complex_of(trace, a)
    away = z - COMPLEX_FUNCTIONS[np.mean](trace, z, axis, keepdims=True)
    square = away.real**2 + away.imag**2
    left = max(count(z.shape, axis) - ddof, 0)
    return FUNCTIONS[np.sum](trace, square, axis, keepdims=keepdims) / left


@of_complex(np.std)
def _std(trace: Trace, a: Any, *args: Any, **kwargs: Any) -> Any:
    return elements.root(trace, _var(trace, a, *args, **kwargs))


def _as_truth(function: Any) -> None:
    def handler(trace: Trace, a: Any, *args: Any, **kwargs: Any) -> Any:
        return FUNCTIONS[function](trace, complex_of(trace, a) != 0, *args, **kwargs)

    of_complex(function)(handler)


def _of_the_shape(function: Any) -> None:
    def handler(trace: Trace, a: Any, *args: Any, **kwargs: Any) -> Any:
        return FUNCTIONS[function](trace, complex_of(trace, a).real, *args, **kwargs)

    of_complex(function)(handler)


for _function in (np.any, np.all, np.count_nonzero):
    _as_truth(_function)
for _function in (np.shape, np.ndim, np.size, np.zeros_like, np.ones_like, np.empty_like):
    _of_the_shape(_function)
of_complex(np.iscomplexobj)(lambda *_: True)
of_complex(np.isrealobj)(lambda *_: False)


@of_complex(np.result_type)
def _result_type(_: Trace, *operands: Any) -> np.dtype[Any]:
    return np.result_type(*[getattr(a, "dtype", a) for a in operands])


@of_complex(np.broadcast_arrays)
def _broadcast_arrays(trace: Trace, *arrays: Any) -> tuple[Complex, ...]:
    known = [complex_of(trace, a) for a in arrays]
    shape = np.broadcast_shapes(*[z.shape for z in known])
    return tuple(COMPLEX_FUNCTIONS[np.broadcast_to](trace, z, shape) for z in known)


@of_complex(np.cumprod)
def _cumprod(trace: Trace, a: Any, axis: Any = None) -> Any:
    """Multiply one element after another."""
    z = complex_of(trace, a)
    z, axis = (z.reshape(-1), 0) if axis is None else (z, normalize_axis_index(axis, z.ndim))
    products, last = [], None
    for k in range(z.shape[axis]):
        item = z[along(z.ndim, axis, k)]
        last = item if last is None else last * item
        products.append(last)
    return COMPLEX_FUNCTIONS[np.stack](trace, products, axis) if products else z
