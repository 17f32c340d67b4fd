# SPDX-License-Identifier: BSD-3-Clause
"""Trace discrete Fourier transforms: numpy.fft and scipy.fft.

A transform along one axis is one node, a routine of the core, for real or for complex input. The
factor of a norm is a product after it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from thalweg._tracing.complex_values import Complex, complex_of
from thalweg._tracing.functions.conversions import as_traced
from thalweg._tracing.functions.elements import along
from thalweg._tracing.functions.of_complex import of_complex
from thalweg._tracing.registry import implements, is_complex
from thalweg._tracing.stand_ins import function_of, stands_for, wraps
from thalweg._tracing.tracer import Tracer

if TYPE_CHECKING:
    from thalweg._tracing.trace import Trace


def _transform(*functions: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a handler for real and for complex values."""

    def enter(handler: Callable[..., Any]) -> Callable[..., Any]:
        return of_complex(*functions)(implements(*functions)(handler))

    return enter


# ---- along the last axis, without factors --------------------------------------------------------


def _halves(packed: Tracer) -> Complex:
    """Return (..., 2, n) as n complex numbers."""
    real, imag = packed[..., 0, :], packed[..., 1, :]
    return Complex(packed.trace, (real, imag), real.shape)


def _of_real(x: Tracer) -> Complex:
    """Return the n // 2 + 1 frequencies from 0 on of real numbers."""
    n = x.shape[-1]
    lead = x.shape[:-1]
    shape = (*lead, 2, n // 2 + 1)
    node = x.trace.graph.routine("rfft", [x.node], [math.prod(lead), n], shape)
    return _halves(Tracer(x.trace, node))


def _to_real(z: Complex, n: int) -> Tracer:
    """Return the sum over the n // 2 + 1 frequencies in z and their mirror images."""
    lead = z.shape[:-1]
    nodes = [z.real.node, z.imag.node]
    node = z.trace.graph.routine("irfft", nodes, [math.prod(lead), n], (*lead, n))
    return Tracer(z.trace, node)


def _mirrored(half: Complex, n: int) -> Complex:
    """Return all n frequencies of real numbers from the first n // 2 + 1."""
    later = half[..., n - n // 2 - 1 : 0 : -1]
    if not later.size:
        return half
    joined: Any = np.concatenate([half, later.conj()], axis=-1)
    return complex_of(half.trace, joined)


def _of_complex_numbers(z: Complex, inverse: bool) -> Complex:
    real, imag = z.parts
    n = z.shape[-1]
    if real is None or imag is None:
        part = z.imag if real is None else z.real
        all_of_it = _mirrored(_of_real(part), n)
        turned: Complex = all_of_it.conj() if inverse else all_of_it
        return 1j * turned if real is None else turned
    lead = z.shape[:-1]
    sizes = [math.prod(lead), n, int(inverse)]
    node = z.trace.graph.routine("fft", [real.node, imag.node], sizes, (*lead, 2, n))
    return _halves(Tracer(z.trace, node))


# ---- along any axis, with a norm -----------------------------------------------------------------

_NORMS = {
    None: (0.0, 1.0),
    "backward": (0.0, 1.0),
    "ortho": (0.5, 0.5),
    "forward": (1.0, 0.0),
}


def _factor(n: int, norm: Any, inverse: bool) -> float:
    if norm not in _NORMS:
        raise ValueError(f'Invalid norm value {norm}; should be "backward","ortho" or "forward".')
    return math.pow(n, -_NORMS[norm][inverse])


def _length(n: Any, default: int) -> int:
    length = default if n is None else int(n)
    if length < 1:
        raise ValueError(f"Invalid number of FFT data points ({length}) specified.")
    return length


def resized(z: Any, n: int, axis: int) -> Any:
    """Cut off the end of an axis, or append zeros, so that its length is n."""
    missing = n - z.shape[axis]
    if missing < 0:
        return z[along(z.ndim, axis, slice(n))]
    if missing == 0:
        return z
    return np.pad(z, [(0, missing if k == axis else 0) for k in range(z.ndim)])


def _applied(form: Callable[[Any], Any], z: Any, length: int, axis: int, factor: float) -> Any:
    """Apply a form for the last axis to the first elements along an axis."""
    rows = np.moveaxis(resized(z, length, axis), axis, -1)
    result = np.moveaxis(form(rows), -1, axis)
    return result if factor == 1.0 else result * factor


@_transform(np.fft.fft)
def _fft(trace: Trace, a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    return _two_sided(complex_of(trace, a), n, axis, norm, False)


@_transform(np.fft.ifft)
def _ifft(trace: Trace, a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    return _two_sided(complex_of(trace, a), n, axis, norm, True)


def _two_sided(z: Complex, n: Any, axis: int, norm: Any, inverse: bool) -> Any:
    axis = normalize_axis_index(axis, z.ndim)
    n = _length(n, z.shape[axis])
    return _applied(
        lambda rows: _of_complex_numbers(rows, inverse), z, n, axis, _factor(n, norm, inverse)
    )


@_transform(np.fft.rfft)
def _rfft(trace: Trace, a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    if is_complex(a):
        raise TypeError("ufunc 'rfft_n_even' did not contain a loop with signature matching types")
    x = trace.wrap(a)
    axis = normalize_axis_index(axis, x.ndim)
    n = _length(n, x.shape[axis])
    return _applied(_of_real, x, n, axis, _factor(n, norm, False))


@_transform(np.fft.irfft)
def _irfft(trace: Trace, a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    z = complex_of(trace, a)
    axis = normalize_axis_index(axis, z.ndim)
    n = _length(n, 2 * (z.shape[axis] - 1))
    factor = _factor(n, norm, True)
    return _applied(lambda rows: _to_real(rows, n), z, n // 2 + 1, axis, factor)


_OTHER_WAY = {None: "forward", "backward": "forward", "ortho": "ortho", "forward": "backward"}


@_transform(np.fft.hfft)
def _hfft(trace: Trace, a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    return _irfft(trace, complex_of(trace, a).conj(), n, axis, _OTHER_WAY.get(norm, norm))


@_transform(np.fft.ihfft)
def _ihfft(trace: Trace, a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    return _rfft(trace, a, n, axis, _OTHER_WAY.get(norm, norm)).conj()


# ---- along several axes --------------------------------------------------------------------------


def lengths_and_axes(ndim: int, s: Any, axes: Any) -> tuple[list[Any], list[int]]:
    """Return the length that each transformed axis shall have, or None, and the axes."""
    if axes is None:
        axes = range(ndim) if s is None else range(ndim - len(s), ndim)
    axes = [axes] if isinstance(axes, int) else axes
    axes = [normalize_axis_index(int(k), ndim) for k in axes]
    lengths = [None] * len(axes) if s is None else [None if n == -1 else n for n in s]
    if len(lengths) != len(axes):
        raise ValueError("Shape and axes have different lengths.")
    return lengths, axes


def _over(form: Any, trace: Trace, z: Any, lengths: Any, axes: Any, norm: Any) -> Any:
    for n, axis in zip(reversed(lengths), reversed(axes), strict=True):
        z = form(trace, z, n, axis, norm)
    return z


def _of_several(name: str, form: Any, last: Any, last_first: bool) -> Callable[..., Any]:
    """Make a handler for all axes of which the last has a form of its own."""

    def handler(trace: Trace, a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
        z = complex_of(trace, a) if is_complex(a) else trace.wrap(a)
        lengths, axes = lengths_and_axes(z.ndim, s, axes)
        if not axes:
            if last is form:
                return complex_of(trace, z)
            raise ValueError(f"{name}: at least 1 axis must be transformed")
        if last_first:
            z = last(trace, z, lengths[-1], axes[-1], norm)
        z = _over(form, trace, z, lengths[:-1], axes[:-1], norm)
        return z if last_first else last(trace, z, lengths[-1], axes[-1], norm)

    return handler


def _of_two(handler: Callable[..., Any]) -> Callable[..., Any]:
    def of_two(trace: Trace, a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Any:
        return handler(trace, a, s, axes, norm)

    return of_two


for _name, _form, _last, _first in (
    ("fft", _fft, _fft, True),
    ("ifft", _ifft, _ifft, True),
    ("rfft", _fft, _rfft, True),
    ("irfft", _ifft, _irfft, False),
):
    _handler = _of_several(f"{_name}n", _form, _last, _first)
    _transform(getattr(np.fft, f"{_name}n"))(_handler)
    _transform(getattr(np.fft, f"{_name}2"))(_of_two(_handler))


# ---- the order of frequencies --------------------------------------------------------------------


def _shift_of(function: Any, sign: int) -> None:
    def handler(trace: Trace, x: Any, axes: Any = None) -> Any:
        z = complex_of(trace, x) if is_complex(x) else trace.wrap(x)
        if axes is None:
            axes = tuple(range(z.ndim))
        axes = axes if isinstance(axes, Sequence) else (axes,)
        by = tuple(sign * (z.shape[k] // 2) for k in axes)
        return np.roll(z, by, tuple(axes))

    _transform(function)(handler)


_shift_of(np.fft.fftshift, 1)
_shift_of(np.fft.ifftshift, -1)


# ---- scipy.fft -----------------------------------------------------------------------------------


def _as_in_numpy(function: Any) -> Callable[..., Any]:
    """Make a form of SciPy's function, which has further arguments, none of them with an effect."""

    def form(original: Callable[..., Any], x: Any, *args: Any, **kwargs: Any) -> Any:
        traced = as_traced(x)
        if traced is None:
            return original(x, *args, **kwargs)
        for name in ("overwrite_x", "workers", "plan"):
            kwargs.pop(name, None)
        return function(traced, *args[:3], **kwargs)

    return form


for _name in (
    "fft", "ifft", "rfft", "irfft", "hfft", "ihfft", "fft2", "ifft2", "rfft2", "irfft2", "fftn",
    "ifftn", "rfftn", "irfftn", "fftshift", "ifftshift",
):  # fmt: skip
    stands_for("scipy.fft", _name)(_as_in_numpy(getattr(np.fft, _name)))
wraps(lambda function: function_of(function) or function, "_Function")  # what scipy.fft.fft is
