# SPDX-License-Identifier: BSD-3-Clause
"""Trace NumPy's linear algebra of complex matrices by that of real ones of twice the order.

An element a + ib becomes the block [[a, -b], [b, a]]. Products, inverses and Cholesky's factors of
such matrices are such matrices; every eigenvalue and singular value occurs twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg._tracing.complex_values import Complex, complex_of
from thalweg._tracing.functions import linear_algebra as la
from thalweg._tracing.functions.of_complex import of_complex
from thalweg._tracing.registry import COMPLEX_FUNCTIONS, FUNCTIONS, no_traced_form
from thalweg._tracing.tracer import Tracer

if TYPE_CHECKING:
    from thalweg._tracing.trace import Trace


def _stacked(trace: Trace, parts: list[Tracer], axis: int) -> Tracer:
    both: Tracer = FUNCTIONS[np.stack](trace, parts, axis)
    return both


def _blocks(trace: Trace, z: Any) -> Tracer:
    """Return complex matrices as real ones of twice the order."""
    z = complex_of(trace, z)
    la.matrices(trace, z.real, square=False)
    first = _stacked(trace, [z.real, -z.imag], -1)
    second = _stacked(trace, [z.imag, z.real], -1)
    *batch, m, n = z.shape
    return _stacked(trace, [first, second], -3).reshape((*batch, 2 * m, 2 * n))


def _columns(trace: Trace, z: Any) -> Tracer:
    """Return the columns of complex matrices as real ones of twice the length."""
    z = complex_of(trace, z)
    *batch, n, k = z.shape
    return _stacked(trace, [z.real, z.imag], -2).reshape((*batch, 2 * n, k))


def _of_blocks(trace: Trace, x: Tracer) -> Complex:
    return _of_columns(trace, x[..., ::2])


def _of_columns(trace: Trace, x: Tracer) -> Complex:
    real, imaginary = x[..., ::2, :], x[..., 1::2, :]
    return Complex(trace, (real, imaginary), real.shape)


def _transposed(z: Complex) -> Complex:
    """Return the adjoint matrices."""
    adjoint: Complex = np.conj(COMPLEX_FUNCTIONS[np.swapaxes](z.trace, z, -1, -2))
    return adjoint


def _below(trace: Trace, z: Any, lower: bool = True) -> Tracer:
    """Return Hermitian matrices by one triangle, of which the diagonal counts as real."""
    z = complex_of(trace, z)
    z = z if lower else _transposed(z)
    strict: Tracer = FUNCTIONS[np.tril](trace, z.imag, -1)
    return _blocks(trace, Complex(trace, (z.real, strict), z.shape))


@of_complex(np.linalg.solve)
def _solve(trace: Trace, a: Any, b: Any) -> Complex:
    right = complex_of(trace, b)
    vector = right.ndim == 1
    if vector:
        right = right.reshape((*right.shape, 1))
    x = _of_columns(trace, la.solve(trace, _blocks(trace, a), _columns(trace, right)))
    return x.reshape(x.shape[:-1]) if vector else x


@of_complex(np.linalg.inv)
def _inv(trace: Trace, a: Any) -> Complex:
    return _of_blocks(trace, FUNCTIONS[np.linalg.inv](trace, _blocks(trace, a)))


@of_complex(np.linalg.pinv)
def _pinv(trace: Trace, a: Any, rcond: Any = None, *, rtol: Any = "none") -> Complex:
    x = _blocks(trace, a)
    if rcond is None and not isinstance(rtol, str):
        rcond = max(x.shape[-2:]) / 2 * np.finfo(float).eps if rtol is None else rtol
    return _of_blocks(trace, la.pseudoinverse(trace, x, 1e-15 if rcond is None else rcond))


@of_complex(np.linalg.cholesky)
def _cholesky(trace: Trace, a: Any, *, upper: bool = False) -> Complex:
    found = _of_blocks(trace, la.factor(trace, _below(trace, a, not upper)))
    return _transposed(found) if upper else found


@of_complex(np.linalg.eigvalsh)
def _eigvalsh(trace: Trace, a: Any, UPLO: str = "L") -> Tracer:
    return la.eigenpairs(trace, _below(trace, a, la.is_lower(UPLO)))[0][..., ::2]


@of_complex(np.linalg.svdvals)
def _svdvals(trace: Trace, x: Any) -> Tracer:
    return la.singular(trace, _blocks(trace, x))[1][..., ::2]


@of_complex(np.linalg.svd)
def _svd(
    trace: Trace,
    a: Any,
    full_matrices: bool = True,  # noqa: ARG001
    compute_uv: bool = True,
) -> Tracer:
    if compute_uv:
        raise no_traced_form("np.linalg.svd of complex values with vectors")
    return la.singular(trace, _blocks(trace, a))[1][..., ::2]


@of_complex(np.linalg.det)
def _det(trace: Trace, a: Any) -> Any:
    z = complex_of(trace, a)
    n = la.matrices(trace, z.real).shape[-1]
    if not 0 < n <= 3:
        raise no_traced_form("np.linalg.det of complex matrices with more than three rows")
    return la.determinant_of_few([[z[..., i, j] for j in range(n)] for i in range(n)])


@of_complex(np.linalg.norm)
def _norm(
    trace: Trace, x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False
) -> Tracer:
    z = complex_of(trace, x)
    found: Tracer
    if ord not in (2, -2, "nuc") or (z.ndim if axis is None else np.size(axis)) != 2:
        found = FUNCTIONS[np.linalg.norm](trace, abs(z), ord, axis, keepdims)
        return found
    axes = (-2, -1) if axis is None else axis
    last = COMPLEX_FUNCTIONS[np.moveaxis](trace, z, axes, (-2, -1))
    found = la.spectral_norm(trace, _blocks(trace, last), ord)
    found = 0.5 * found if ord == "nuc" else found
    if keepdims:
        found = FUNCTIONS[np.expand_dims](trace, found, axes)
    return found


@of_complex(np.linalg.matrix_norm)
def _matrix_norm(trace: Trace, x: Any, *, keepdims: bool = False, ord: Any = "fro") -> Tracer:
    found: Tracer = _norm(trace, x, ord, (-2, -1), keepdims)
    return found
