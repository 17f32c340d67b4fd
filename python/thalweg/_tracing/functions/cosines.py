# SPDX-License-Identifier: BSD-3-Clause
"""Trace the discrete cosine and sine transforms of scipy.fft, by Fourier transforms."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from thalweg._tracing.errors import cannot_trace
from thalweg._tracing.functions.conversions import as_traced
from thalweg._tracing.functions.fourier import lengths_and_axes, resized
from thalweg._tracing.registry import is_complex
from thalweg._tracing.stand_ins import stands_for

# The transforms act along the last axis, without a factor. Each is the real or imaginary part of a
# Fourier transform of an array of about twice the length.


def _cosine_1(x: Any) -> Any:
    """Return x_0 + (-1)^k x_{n-1} + 2 sum of x_j cos(pi j k / (n - 1))."""
    return np.fft.rfft(np.concatenate([x, x[..., -2:0:-1]], axis=-1)).real


def _cosine_2(x: Any) -> Any:
    """Return 2 sum of x_j cos(pi (2 j + 1) k / (2 n))."""
    n = x.shape[-1]
    half = np.fft.rfft(np.concatenate([x, x[..., ::-1]], axis=-1))[..., :n]
    return (half * np.exp(-1j * np.pi * np.arange(n) / (2 * n))).real


def _cosine_3(x: Any) -> Any:
    """Return x_0 + 2 sum of x_j cos(pi j (2 k + 1) / (2 n))."""
    n = x.shape[-1]
    turned = x * np.exp(1j * np.pi * np.arange(n) / (2 * n))
    return np.fft.irfft(turned, 2 * n, norm="forward")[..., :n]


def _cosine_4(x: Any) -> Any:
    """Return 2 sum of x_j cos(pi (2 j + 1) (2 k + 1) / (4 n))."""
    n = x.shape[-1]
    k = np.arange(n)
    half = np.fft.fft(x * np.exp(-1j * np.pi * k / (2 * n)), 2 * n)[..., :n]
    return 2.0 * (half * np.exp(-1j * np.pi * (2 * k + 1) / (4 * n))).real


def _sine_1(x: Any) -> Any:
    """Return 2 sum of x_j sin(pi (j + 1) (k + 1) / (n + 1))."""
    zero = np.zeros((*x.shape[:-1], 1))
    odd = np.concatenate([zero, x, zero, -x[..., ::-1]], axis=-1)
    return -np.fft.rfft(odd).imag[..., 1:-1]


def _signs(n: int) -> Any:
    return 1.0 - 2.0 * (np.arange(n) % 2)


def _sine_2(x: Any) -> Any:
    return _cosine_2(x * _signs(x.shape[-1]))[..., ::-1]


def _sine_3(x: Any) -> Any:
    return _cosine_3(x[..., ::-1]) * _signs(x.shape[-1])


def _sine_4(x: Any) -> Any:
    return _cosine_4(x[..., ::-1]) * _signs(x.shape[-1])


_COSINES = (_cosine_1, _cosine_2, _cosine_3, _cosine_4)
_SINES = (_sine_1, _sine_2, _sine_3, _sine_4)
_INVERSE = {1: 1, 2: 3, 3: 2, 4: 4}


def _ends(n: int, which: tuple[int, ...], factor: float) -> Any:
    factors = np.ones(n)
    factors[list(which)] = factor
    return factors


def _orthogonal(form: Callable[[Any], Any], x: Any, kind: int, sine: bool) -> Any:
    """Apply a transform with the factors that make it orthogonal, but for one of all elements."""
    n, end = x.shape[-1], (-1,) if sine else (0,)
    if kind == 1 and not sine:
        around = _ends(n, (0, -1), math.sqrt(2.0))
        return form(x * around) / around
    if kind == 2:
        return form(x) * _ends(n, end, math.sqrt(0.5))
    return form(x * _ends(n, end, math.sqrt(2.0))) if kind == 3 else form(x)


def _along(
    x: Any, sine: bool, inverse: bool, kind: Any, n: Any, axis: int, norm: Any, orthogonal: Any
) -> Any:
    if kind not in _INVERSE:
        raise ValueError("type must be an integer between 1 and 4")
    if norm not in (None, "backward", "ortho", "forward"):
        raise ValueError(f"Invalid norm value {norm!r}, should be 'backward', 'ortho' or 'forward'")
    axis = normalize_axis_index(axis, x.ndim)
    n = x.shape[axis] if n is None else int(n)
    if n < 1 + (kind == 1 and not sine):
        raise ValueError(f"Invalid number of data points ({n}) specified")
    rows = np.moveaxis(resized(x, n, axis), axis, -1)
    kind = _INVERSE[kind] if inverse else kind
    form = (_SINES if sine else _COSINES)[kind - 1]
    if orthogonal or (orthogonal is None and norm == "ortho"):
        result = _orthogonal(form, rows, kind, sine)
    else:
        result = form(rows)
    period = 2 * (n + (1 if sine else -1)) if kind == 1 else 2 * n
    scaled = norm == "forward" if not inverse else norm in (None, "backward")
    factor = 1 / math.sqrt(period) if norm == "ortho" else 1 / period if scaled else 1.0
    return np.moveaxis(result if factor == 1.0 else result * factor, -1, axis)


def _real(name: str, x: Any) -> Any:
    traced = as_traced(x)
    if traced is not None and is_complex(traced):
        raise cannot_trace(
            f"scipy.fft.{name} of complex values",
            "it has no traced form.",
            "Transform z.real and z.imag.",
        )
    return traced


def _register(name: str, sine: bool, inverse: bool) -> None:
    @stands_for("scipy.fft", name)
    def one(
        original: Callable[..., Any],
        x: Any,
        type: int = 2,
        n: Any = None,
        axis: int = -1,
        norm: Any = None,
        overwrite_x: bool = False,
        workers: Any = None,
        orthogonalize: Any = None,
    ) -> Any:
        traced = _real(name, x)
        if traced is None:
            others = {"orthogonalize": orthogonalize}
            return original(x, type, n, axis, norm, overwrite_x, workers, **others)
        return _along(traced, sine, inverse, type, n, axis, norm, orthogonalize)

    @stands_for("scipy.fft", f"{name}n")
    def several(
        original: Callable[..., Any],
        x: Any,
        type: int = 2,
        s: Any = None,
        axes: Any = None,
        norm: Any = None,
        overwrite_x: bool = False,
        workers: Any = None,
        *,
        orthogonalize: Any = None,
    ) -> Any:
        traced = _real(f"{name}n", x)
        if traced is None:
            others = {"orthogonalize": orthogonalize}
            return original(x, type, s, axes, norm, overwrite_x, workers, **others)
        for n, axis in zip(*lengths_and_axes(traced.ndim, s, axes), strict=True):
            traced = _along(traced, sine, inverse, type, n, axis, norm, orthogonalize)
        return traced


_register("dct", sine=False, inverse=False)
_register("idct", sine=False, inverse=True)
_register("dst", sine=True, inverse=False)
_register("idst", sine=True, inverse=True)
