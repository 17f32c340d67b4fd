# SPDX-License-Identifier: BSD-3-Clause
"""Trace scipy.linalg's functions of matrices, matrices of a pattern, and equations of matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg._tracing.errors import cannot_trace
from thalweg._tracing.functions import linear_algebra as la
from thalweg._tracing.functions.joining import join
from thalweg._tracing.functions.scipy_linalg import form
from thalweg._tracing.registry import FUNCTIONS
from thalweg._tracing.tracer import Tracer

if TYPE_CHECKING:
    from thalweg._tracing.trace import Trace

# ---- functions of a matrix -----------------------------------------------------------------------


@form("expm")
def _expm(trace: Trace, A: Any) -> Tracer:
    x = la.matrices(trace, A)
    n = x.shape[-1]
    return la.routine("expm", [x], [n, n], x.shape) if x.size else x


@form("expm_frechet")
def _expm_frechet(trace: Trace, A: Any, E: Any, compute_expm: bool = True) -> Any:
    x, along = la.matrices(trace, A), la.matrices(trace, E)
    n = x.shape[-1]
    derivative = la.routine("expm_derivative", [x, along], [n, n], x.shape)
    return (_expm(trace, x), derivative) if compute_expm else derivative


def _block(parts: list[list[Tracer]]) -> Tracer:
    trace = parts[0][0].trace
    last = parts[0][0].ndim - 1
    return join(trace, [join(trace, row, last) for row in parts], last - 1)


def _cosine_and_sine(trace: Trace, A: Any) -> tuple[Tracer, Tracer]:
    """Return both from the exponential of [[0, A], [-A, 0]]."""
    x = la.matrices(trace, A)
    zero, n = trace.wrap(np.zeros(x.shape)), x.shape[-1]
    both = _expm(trace, _block([[zero, x], [-x, zero]]))
    return both[..., :n, :n], both[..., :n, n:]


@form("cosm")
def _cosm(trace: Trace, A: Any) -> Tracer:
    return _cosine_and_sine(trace, A)[0]


@form("sinm")
def _sinm(trace: Trace, A: Any) -> Tracer:
    return _cosine_and_sine(trace, A)[1]


@form("tanm")
def _tanm(trace: Trace, A: Any) -> Tracer:
    return la.solve(trace, *_cosine_and_sine(trace, A))


@form("coshm")
def _coshm(trace: Trace, A: Any) -> Tracer:
    x = la.matrices(trace, A)
    return 0.5 * (_expm(trace, x) + _expm(trace, -x))


@form("sinhm")
def _sinhm(trace: Trace, A: Any) -> Tracer:
    """Return the corner of the exponential of [[0, A], [A, 0]], which does not cancel."""
    x = la.matrices(trace, A)
    zero, n = trace.wrap(np.zeros(x.shape)), x.shape[-1]
    corner: Tracer = _expm(trace, _block([[zero, x], [x, zero]]))[..., :n, n:]
    return corner


@form("tanhm")
def _tanhm(trace: Trace, A: Any) -> Tracer:
    return la.solve(trace, _coshm(trace, A), _sinhm(trace, A))


@form("polar")
def _polar(trace: Trace, a: Any, side: str = "right") -> tuple[Tracer, Tracer]:
    u, s, v = la.singular(trace, a)
    if side == "right":
        return u @ v, (la.transposed(v) * s) @ v
    return u @ v, (u * s) @ la.transposed(u)


@form("orthogonal_procrustes")
def _orthogonal_procrustes(trace: Trace, A: Any, B: Any) -> tuple[Tracer, Tracer]:
    a, b = la.matrices(trace, A, square=False), la.matrices(trace, B, square=False)
    u, s, v = la.singular(trace, la.transposed(la.transposed(b) @ a))
    return u @ v, FUNCTIONS[np.sum](trace, s)


# ---- equations of matrices -----------------------------------------------------------------------


@form("solve_sylvester")
def _solve_sylvester(trace: Trace, a: Any, b: Any, q: Any) -> Tracer:
    """Solve A X + X B = Q as one system for the elements of X."""
    a, b = la.matrices(trace, a), la.matrices(trace, b)
    q = la.matrices(trace, q, square=False)
    kron = FUNCTIONS[np.kron]
    m, n = a.shape[0], b.shape[0]
    system = kron(trace, a, np.eye(n)) + kron(trace, np.eye(m), la.transposed(b))
    return la.solve(trace, system, q.reshape(-1), vector=True).reshape(m, n)


@form("solve_continuous_lyapunov", "solve_lyapunov")
def _solve_continuous_lyapunov(trace: Trace, a: Any, q: Any) -> Tracer:
    x = la.matrices(trace, a)
    return _solve_sylvester(trace, x, la.transposed(x), q)


@form("solve_discrete_lyapunov")
def _solve_discrete_lyapunov(trace: Trace, a: Any, q: Any) -> Tracer:
    """Solve A X A' - X + Q = 0."""
    x, q = la.matrices(trace, a), la.matrices(trace, q)
    n = x.shape[0]
    system = np.eye(n * n) - FUNCTIONS[np.kron](trace, x, x)
    return la.solve(trace, system, q.reshape(-1), vector=True).reshape(n, n)


def _whole(trace: Trace, bands: Tracer, offsets: list[int]) -> Tracer:
    """Return the matrix of bands, of which row k holds the diagonal offsets[k], by columns."""
    n = bands.shape[1]
    i, j = np.indices((n, n))
    places = np.full((n, n), bands.size)
    for row, offset in enumerate(offsets):
        on = j - i == offset
        places[on] = row * n + j[on]
    with_zero = join(trace, [bands.reshape(-1), trace.wrap(np.zeros(1))], 0)
    return trace.gather(with_zero, places)


@form("solve_banded")
def _solve_banded(trace: Trace, l_and_u: Any, ab: Any, b: Any) -> Tracer:
    below, above = l_and_u
    a = _whole(trace, trace.wrap(ab), list(range(above, -below - 1, -1)))
    return la.solve(trace, a, b, vector=trace.wrap(b).ndim == 1)


@form("solveh_banded")
def _solveh_banded(trace: Trace, ab: Any, b: Any, lower: bool = False) -> Tracer:
    bands = trace.wrap(ab)
    width = bands.shape[0]
    offsets = [-k for k in range(width)] if lower else list(range(width - 1, -1, -1))
    x = la.symmetric(trace, _whole(trace, bands, offsets), lower)
    return la.solve(trace, x, b, vector=trace.wrap(b).ndim == 1)


@form("solve_toeplitz")
def _solve_toeplitz(trace: Trace, c_or_cr: Any, b: Any) -> Tracer:
    c, r = c_or_cr if isinstance(c_or_cr, tuple) else (c_or_cr, None)
    return la.solve(trace, _toeplitz(trace, c, r), b, vector=trace.wrap(b).ndim == 1)


@form("solve_circulant")
def _solve_circulant(trace: Trace, c: Any, b: Any) -> Tracer:
    return la.solve(trace, _circulant(trace, c), b, vector=trace.wrap(b).ndim == 1)


@form("eigh_tridiagonal")
def _eigh_tridiagonal(trace: Trace, d: Any, e: Any, eigvals_only: bool = False) -> Any:
    diagonal, beside = trace.wrap(d), trace.wrap(e)
    n = diagonal.size
    if beside.size != n - 1:
        raise ValueError(f"d ({n}) must have one more element than e ({beside.size})")
    bands = join(trace, [diagonal, beside, trace.wrap(np.zeros(1))], 0).reshape(2, n)
    values, vectors = la.eigenpairs(trace, _whole(trace, bands, [0, -1]))
    return values if eigvals_only else (values, vectors)


@form("eigvalsh_tridiagonal")
def _eigvalsh_tridiagonal(trace: Trace, d: Any, e: Any) -> Any:
    return _eigh_tridiagonal(trace, d, e, True)


# ---- matrices of a pattern -----------------------------------------------------------------------


@form("block_diag")
def _block_diag(trace: Trace, *arrs: Any) -> Tracer:
    parts = [trace.wrap(a) for a in arrs]
    blocks = [p.reshape((1,) * (2 - p.ndim) + p.shape) for p in parts]
    width = sum(b.shape[1] for b in blocks)
    rows, start = [], 0
    for b in blocks:
        m, n = b.shape
        left, right = np.zeros((m, start)), np.zeros((m, width - start - n))
        rows.append(join(trace, [trace.wrap(left), b, trace.wrap(right)], 1))
        start += n
    return join(trace, rows, 0)


def _vector(trace: Trace, x: Any) -> Tracer:
    return trace.wrap(x).reshape(-1)


@form("toeplitz")
def _toeplitz(trace: Trace, c: Any, r: Any = None) -> Tracer:
    column = _vector(trace, c)
    row = column if r is None else _vector(trace, r)
    values = join(trace, [column[::-1], row[1:]], 0)  # from the last row to the last column
    m, n = column.size, row.size
    return trace.gather(values, m - 1 - np.arange(m)[:, None] + np.arange(n))


@form("hankel")
def _hankel(trace: Trace, c: Any, r: Any = None) -> Tracer:
    column = _vector(trace, c)
    row = trace.wrap(np.zeros(column.size)) if r is None else _vector(trace, r)
    values = join(trace, [column, row[1:]], 0)
    return trace.gather(values, np.arange(column.size)[:, None] + np.arange(row.size))


@form("circulant")
def _circulant(trace: Trace, c: Any) -> Tracer:
    column = trace.wrap(c)
    n = column.shape[-1]
    found: Tracer = column[..., (np.arange(n)[:, None] - np.arange(n)) % n]
    return found


@form("companion")
def _companion(trace: Trace, a: Any) -> Tracer:
    x = trace.wrap(a)
    if x.ndim != 1 or x.size < 2:
        raise cannot_trace("scipy.linalg.companion", "a must have one axis and two elements.")
    first = (-x[1:] / x[0]).reshape(1, -1)
    return join(trace, [first, trace.wrap(np.eye(x.size - 2, x.size - 1))], 0)
