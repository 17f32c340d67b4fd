# SPDX-License-Identifier: BSD-3-Clause
"""Trace convolutions and correlations of scipy.signal, directly or by Fourier transforms."""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from thalweg._tracing.complex_values import complex_of
from thalweg._tracing.functions.conversions import as_traced
from thalweg._tracing.functions.of_complex import expanded
from thalweg._tracing.operations import Shape
from thalweg._tracing.registry import FUNCTIONS, is_complex
from thalweg._tracing.stand_ins import stands_for
from thalweg._tracing.traced import Traced
from thalweg._tracing.tracer import Tracer


def _scipy(module: str) -> Any:
    """Return a module of SciPy, which has called us and so is imported."""
    return sys.modules[f"scipy.{module}"]


def _operands(a: Any, b: Any) -> tuple[Any, Any] | None:
    """Return a traced value and another one, or a NumPy array; None if neither is traced."""
    p, q = as_traced(a), as_traced(b)
    if p is None and q is None:
        return None
    return np.asarray(a) if p is None else p, np.asarray(b) if q is None else q


# ---- sizes ---------------------------------------------------------------------------------------


def _one_is_inside(mode: str, s1: Shape, s2: Shape, axes: Any) -> bool:
    """Whether the second is inside the first, which it needs to be in mode 'valid' only."""
    if mode != "valid":
        return True
    first = all(s1[k] >= s2[k] for k in axes)
    if not first and not all(s2[k] >= s1[k] for k in axes):
        raise ValueError(
            "For 'valid' mode, one must be at least as large as the other in every dimension"
        )
    return first


def _check_mode(mode: Any) -> None:
    if mode not in ("full", "same", "valid"):
        raise ValueError("acceptable mode flags are 'valid', 'same', or 'full'")


def _cut(full: Any, s1: Shape, s2: Shape, mode: str, axes: Any) -> Any:
    """Return the elements of a full convolution that a mode keeps, from its middle."""
    if mode == "full":
        return full
    index = []
    for k, n in enumerate(full.shape):
        keep = s1[k] if mode == "same" else s1[k] - s2[k] + 1 if k in axes else n
        index.append(slice((n - keep) // 2, (n - keep) // 2 + keep))
    return full[tuple(index)]


# ---- by Fourier transforms -----------------------------------------------------------------------


def _by_transforms(a: Any, b: Any, axes: Sequence[int]) -> Any:
    """Return the full convolution over some axes, of which there is at least one."""
    sizes = [a.shape[k] + b.shape[k] - 1 for k in axes]
    fast = _scipy("fft").next_fast_len
    lengths = [fast(n, True) for n in sizes]
    forward: Any
    back: Any
    if is_complex(a) or is_complex(b):
        forward, back = np.fft.fftn, np.fft.ifftn
    else:  # the last axis has even length, which takes half as long
        lengths[-1] = 2 * fast((sizes[-1] + 1) // 2, True)
        forward, back = np.fft.rfftn, np.fft.irfftn
    product = forward(a, lengths, axes=axes) * forward(b, lengths, axes=axes)
    result = back(product, lengths, axes=axes)
    kept = {k: slice(n) for k, n in zip(axes, sizes, strict=True)}
    return result[tuple(kept.get(k, slice(None)) for k in range(result.ndim))]


@stands_for("scipy.signal", "fftconvolve", "oaconvolve")
def _fftconvolve(
    original: Callable[..., Any], in1: Any, in2: Any, mode: str = "full", axes: Any = None
) -> Any:
    known = _operands(in1, in2)
    return original(in1, in2, mode, axes) if known is None else _convolved(*known, mode, axes)


def _convolved(a: Any, b: Any, mode: str, axes: Any = None) -> Any:
    _check_mode(mode)
    if a.ndim != b.ndim:
        raise ValueError("in1 and in2 should have the same dimensionality")
    if not a.ndim:
        return a * b
    if not a.size or not b.size:
        return np.zeros(0)
    if axes is not None:
        axes = [axes] if isinstance(axes, int | np.integer) else list(axes)
        if not axes:
            raise ValueError("when provided, axes cannot be empty")
    axes = range(a.ndim) if axes is None else [int(k) % a.ndim for k in axes]
    axes = [k for k in axes if a.shape[k] != 1 and b.shape[k] != 1]
    for k, (n, m) in enumerate(zip(a.shape, b.shape, strict=True)):
        if k not in axes and n != m and 1 not in (n, m):
            raise ValueError(f"incompatible shapes for in1 and in2: {a.shape} and {b.shape}")
    if not _one_is_inside(mode, a.shape, b.shape, axes):
        a, b = b, a
    full = _by_transforms(a, b, axes) if axes else a * b
    return _cut(full, a.shape, b.shape, mode, axes)


# ---- directly ------------------------------------------------------------------------------------


def _directly(a: Any, b: Any, mode: str) -> Any:
    """Return sums of the products themselves, in which small elements keep their digits."""
    trace = next(v.trace for v in (a, b) if isinstance(v, Traced))
    if is_complex(a) or is_complex(b):
        operands = [complex_of(trace, v) for v in (a, b)]
        return expanded(trace, operands, lambda p, q: _directly(p, q, mode))
    a, b = trace.wrap(a), trace.wrap(b)
    if a.ndim == 1 and mode != "same":
        return FUNCTIONS[np.convolve](trace, a, b, mode)
    # The sums are over windows of the padded first array, with the second one turned round.
    around = {
        "full": [(m - 1, m - 1) for m in b.shape],
        "same": [(m // 2, (m - 1) // 2) for m in b.shape],
        "valid": [(0, 0) for _ in b.shape],
    }
    padded: Any = np.pad(a, around[mode])
    out = [n - m + 1 for n, m in zip(padded.shape, b.shape, strict=True)]
    turned = b[(slice(None, None, -1),) * b.ndim]
    total: Any = 0.0
    for at in itertools.product(*[range(m) for m in b.shape[:-1]]):
        total = total + _along_rows(padded, at, out, turned[at])
    return total


def _along_rows(x: Tracer, at: Sequence[int], out: Sequence[int], row: Tracer) -> Tracer:
    """Return the products of a row with the windows of those rows of x that begin at a place."""
    trace, m = x.trace, row.shape[0]
    strides = [math.prod(x.shape[k + 1 :]) for k in range(x.ndim)]
    offset = sum(p * s for p, s in zip(at, strides[:-1], strict=True))
    windows = trace.view(x.node, (*out, m), offset, (*strides, 1))
    graph = trace.graph
    rows = graph.reshape(windows, (1, math.prod(out), m))
    return Tracer(trace, graph.reshape(graph.matmul(rows, row.reshape(1, m, 1).node), tuple(out)))


# ---- either way ----------------------------------------------------------------------------------


def _either_way(a: Any, b: Any, mode: str, method: str) -> Any:
    _check_mode(mode)
    if a.ndim != b.ndim:
        raise ValueError("volume and kernel should have the same dimensionality")
    if not a.ndim:
        return a * b
    if not _one_is_inside(mode, a.shape, b.shape, range(a.ndim)):
        a, b = b, a
    if method == "auto":  # as SciPy chooses, by shapes and types
        like = [np.broadcast_to(1j if is_complex(v) else 1.0, v.shape) for v in (a, b)]
        method = _scipy("signal").choose_conv_method(*like, mode)
    if method not in ("direct", "fft"):
        raise ValueError("Acceptable method flags are 'auto', 'direct', or 'fft'.")
    if method == "fft" or not a.size or not b.size:
        return _convolved(a, b, mode)
    return _directly(a, b, mode)


@stands_for("scipy.signal", "convolve")
def _convolve(
    original: Callable[..., Any], in1: Any, in2: Any, mode: str = "full", method: str = "auto"
) -> Any:
    known = _operands(in1, in2)
    return original(in1, in2, mode, method) if known is None else _either_way(*known, mode, method)


def _turned(b: Any) -> Any:
    return np.conj(b[(slice(None, None, -1),) * b.ndim]) if b.ndim else np.conj(b)


@stands_for("scipy.signal", "correlate")
def _correlate(
    original: Callable[..., Any], in1: Any, in2: Any, mode: str = "full", method: str = "auto"
) -> Any:
    known = _operands(in1, in2)
    if known is None:
        return original(in1, in2, mode, method)
    return _either_way(known[0], _turned(known[1]), mode, method)


_BOUNDARIES = {
    **dict.fromkeys(("fill", "pad"), "constant"),
    **dict.fromkeys(("wrap", "circular"), "wrap"),
    **dict.fromkeys(("symm", "symmetric"), "symmetric"),
}


def _of_pictures(a: Any, b: Any, mode: str, boundary: str, fillvalue: Any, correlated: bool) -> Any:
    _check_mode(mode)
    if a.ndim != 2 or b.ndim != 2:
        raise ValueError("convolve2d inputs must both be 2-D arrays")
    if boundary not in _BOUNDARIES:
        raise ValueError('Acceptable boundary flags are "fill", "circular" (or "wrap"), "symm".')
    if mode == "valid":
        a, b = (a, b) if _one_is_inside(mode, a.shape, b.shape, (0, 1)) else (b, a)
        return _directly(a, b, mode)
    around = [(m - 1, m - 1) for m in b.shape]
    if mode == "same":  # a correlation takes the later one of two middle elements
        middles = [m // 2 if correlated else (m - 1) // 2 for m in b.shape]
        around = [(m - 1 - k, k) for m, k in zip(b.shape, middles, strict=True)]
    filled = _BOUNDARIES[boundary] == "constant"
    values = {"constant_values": fillvalue} if filled else {}
    pad: Any = np.pad
    return _directly(pad(a, around, mode=_BOUNDARIES[boundary], **values), b, "valid")


def _two_dimensional(name: str, correlated: bool) -> None:
    @stands_for("scipy.signal", name)
    def form(
        original: Callable[..., Any],
        in1: Any,
        in2: Any,
        mode: str = "full",
        boundary: str = "fill",
        fillvalue: Any = 0,
    ) -> Any:
        known = _operands(in1, in2)
        if known is None:
            return original(in1, in2, mode, boundary, fillvalue)
        second = _turned(known[1]) if correlated else known[1]
        return _of_pictures(known[0], second, mode, boundary, fillvalue, correlated)


_two_dimensional("convolve2d", False)
_two_dimensional("correlate2d", True)


@stands_for("scipy.signal", "hilbert")
def _hilbert(original: Callable[..., Any], x: Any, N: Any = None, axis: int = -1) -> Any:
    known = as_traced(x)
    if known is None:
        return original(x, N, axis)
    if is_complex(known):
        raise ValueError("x must be real.")
    n = known.shape[axis] if N is None else N
    if n <= 0:
        raise ValueError("N must be positive.")
    twice = np.full(n // 2 + 1, 2.0)  # the frequencies above 0; those below are left out
    twice[0] = 1.0
    if n % 2 == 0:
        twice[-1] = 1.0
    half = np.moveaxis(np.fft.rfft(known, n, axis=axis), axis, -1)
    return np.moveaxis(np.fft.ifft(half * twice, n), -1, axis)
