# SPDX-License-Identifier: BSD-3-Clause
"""Trace NumPy's linear algebra: factorizations, solutions, determinants, eigenvalues."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg._tracing.errors import cannot_trace
from thalweg._tracing.functions.conversions import as_traced
from thalweg._tracing.functions.elements import MAX, MIN, SUM, choose, op, reduce
from thalweg._tracing.functions.joining import join
from thalweg._tracing.registry import FUNCTIONS, implements
from thalweg._tracing.stand_ins import stands_for
from thalweg._tracing.tracer import Tracer, holds_tracer

if TYPE_CHECKING:
    from thalweg._tracing.operations import Shape
    from thalweg._tracing.trace import Trace

# The named tuples that NumPy returns.
_EIGENPAIRS: Any = type(np.linalg.eigh(np.eye(1)))
_QR: Any = type(np.linalg.qr(np.eye(1)))
_SVD: Any = type(np.linalg.svd(np.eye(1)))
_SIGNED_LOG: Any = type(np.linalg.slogdet(np.eye(1)))


def matrices(trace: Trace, a: Any, square: bool = True) -> Tracer:
    """Return an argument as matrices along its last two axes."""
    x = trace.wrap(a)
    if x.ndim < 2:
        raise np.linalg.LinAlgError(
            f"{x.ndim}-dimensional array given. Array must be at least two-dimensional"
        )
    if square and x.shape[-1] != x.shape[-2]:
        raise np.linalg.LinAlgError("Last 2 dimensions of the array must be square")
    return x


def symmetric(trace: Trace, x: Tracer, lower: bool) -> Tracer:
    """Return the symmetric matrices of which one triangle is given."""
    n = x.shape[-1]
    own = np.tri(n, dtype=bool) if lower else np.tri(n, dtype=bool).T
    return choose(trace, own, x, transposed(x))


def routine(name: str, inputs: list[Tracer], sizes: list[int], shape: Shape) -> Tracer:
    """Apply a routine of the core to matrices; the batch is that of the shape."""
    trace = inputs[0].trace
    batch = math.prod(inputs[0].shape[:-2])
    nodes = [x.node for x in inputs]
    return Tracer(trace, trace.graph.routine(name, nodes, [batch, *sizes], shape))


def transposed(x: Tracer) -> Tracer:
    """Return matrices with rows and columns exchanged."""
    swapped: Tracer = FUNCTIONS[np.swapaxes](x.trace, x, -1, -2)
    return swapped


def _spread(x: Tracer, shape: Shape) -> Tracer:
    return Tracer(x.trace, x.trace.graph.broadcast_to(x.node, shape))


def _packed(x: Tracer, *shapes: Shape) -> list[Tracer]:
    """Take a packed result (…, 1, numbers) apart into arrays of shapes for each matrix."""
    batch, start, parts = x.shape[:-2], 0, []
    for shape in shapes:
        size = math.prod(shape)
        parts.append(x[..., 0, start : start + size].reshape((*batch, *shape)))
        start += size
    return parts


# NumPy would make an array of objects of [[x[0], 1.0], [1.0, x[1]]] before anybody is asked.
@stands_for(
    "numpy.linalg", "cholesky", "cond", "det", "eigh", "eigvalsh", "inv", "lstsq",
    "matrix_power", "matrix_rank", "pinv", "qr", "slogdet", "solve", "svd", "svdvals", "tensorinv",
    "tensorsolve",
)  # fmt: skip
def _of_lists(original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return original(*map(_whole_argument, args), **kwargs)


def _whole_argument(a: Any) -> Any:
    """Return traced values in lists as one array, and numbers that are objects as numbers."""
    if not holds_tracer(a):
        return a
    traced = as_traced(a)
    return np.asarray(a, np.float64) if traced is None else traced


# ---- systems of equations ------------------------------------------------------------------------


def factor(trace: Trace, a: Any, lower: bool = True) -> Tracer:
    """Return the lower factor of Cholesky, from the lower or the upper triangle."""
    x = matrices(trace, a)
    x = x if lower else transposed(x)
    return routine("cholesky", [x], [x.shape[-1]], x.shape) if x.size else x


@implements(np.linalg.cholesky)
def _cholesky(trace: Trace, a: Any, *, upper: bool = False) -> Tracer:
    found = factor(trace, a, not upper)
    return transposed(found) if upper else found


def lu(x: Tracer) -> Tracer:
    """Return the factors of matrices with partial pivoting, which carry no derivatives."""
    n = x.shape[-1]
    return routine("lu", [x], [n], (*x.shape[:-2], n, n + 1))


def _as_columns(a: Tracer, b: Tracer, name: str) -> tuple[Tracer, Tracer]:
    """Return A and B with the same batch, that of one matrix A as further columns of B."""
    n = a.shape[-1]
    if b.shape[-2] != n:
        raise ValueError(
            f"{name}: Input operand 1 has a mismatch in its core dimension 0, with gufunc signature"
            f" (m,m),(m,n)->(m,n) (size {b.shape[-2]} is different from {n})"
        )
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return _spread(a, (*batch, n, n)), _spread(b, (*batch, *b.shape[-2:]))


def solved(a: Tracer, b: Tracer, name: str, sizes: list[int], with_lu: bool = False) -> Tracer:
    """Solve A X = B by the routine `name`, with B's rows along its last axis but one."""
    m = b.shape[-1]
    if math.prod(a.shape[:-2]) == 1 and math.prod(b.shape[:-2]) > 1:  # factored once
        batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        wide = _spread(b, (*batch, *b.shape[-2:])).reshape(-1, *b.shape[-2:])
        swap = FUNCTIONS[np.swapaxes]
        columns = swap(wide.trace, wide, 0, 1).reshape(b.shape[-2], -1)
        x = solved(a.reshape(a.shape[-2:]), columns, name, sizes, with_lu)
        found: Tracer = swap(x.trace, x.reshape(b.shape[-2], -1, m), 0, 1)
        return found.reshape((*batch, *b.shape[-2:]))
    a, b = _as_columns(a, b, name)
    if not b.size:
        return b
    inputs = [a, lu(a), b] if with_lu else [a, b]
    return routine(name, inputs, [a.shape[-1], m, *sizes], b.shape)


def solve(trace: Trace, a: Any, b: Any, transpose: bool = False, vector: bool = False) -> Tracer:
    """Solve A X = B or A' X = B; a vector b has no axis of columns."""
    a, b = matrices(trace, a), trace.wrap(b)
    b = b.reshape((*b.shape, 1)) if vector else b
    x = solved(a, b, "solve", [int(transpose)], with_lu=True)
    return x.reshape(x.shape[:-1]) if vector else x


@implements(np.linalg.solve)
def _solve(trace: Trace, a: Any, b: Any) -> Tracer:
    return solve(trace, a, b, vector=trace.wrap(b).ndim == 1)


@implements(np.linalg.inv)
def _inv(trace: Trace, a: Any) -> Tracer:
    x = matrices(trace, a)
    return routine("inv", [x, lu(x)], [x.shape[-1]], x.shape) if x.size else x


@implements(np.linalg.tensorsolve)
def _tensorsolve(trace: Trace, a: Any, b: Any, axes: Any = None) -> Tracer:
    a, b = trace.wrap(a), trace.wrap(b)
    if axes is not None:
        order = [k for k in range(a.ndim) if k not in axes]
        a = np.transpose(a, (*order, *axes))
    shape = a.shape[b.ndim :]
    if math.prod(shape) != b.size:
        raise np.linalg.LinAlgError(
            "Input arrays must satisfy the requirement prod(a.shape[b.ndim:]) == "
            "prod(a.shape[:b.ndim])"
        )
    return solve(trace, a.reshape(b.size, b.size), b.reshape(-1), vector=True).reshape(shape)


@implements(np.linalg.tensorinv)
def _tensorinv(trace: Trace, a: Any, ind: int = 2) -> Tracer:
    if ind <= 0:
        raise ValueError("Invalid ind argument.")
    a = trace.wrap(a)
    rows, columns = a.shape[:ind], a.shape[ind:]
    return _inv(trace, a.reshape(math.prod(rows), -1)).reshape((*columns, *rows))


# ---- determinants and powers ---------------------------------------------------------------------


@implements(np.linalg.det)
def _det(trace: Trace, a: Any) -> Tracer:
    x = matrices(trace, a)
    n, batch = x.shape[-1], x.shape[:-2]
    if not x.size:
        return trace.wrap(np.linalg.det(np.zeros(x.shape)))
    if n > 3:
        return routine("det", [x, lu(x)], [n], batch)
    few: Tracer = determinant_of_few([[x[..., i, j] for j in range(n)] for i in range(n)])
    return few


def determinant_of_few(at: list[list[Any]]) -> Any:
    """Return the determinant of up to three rows by its formula."""
    n = len(at)
    if n == 1:
        return at[0][0]

    def minor(i: int, j: int) -> Any:
        return at[n - 2][i] * at[n - 1][j] - at[n - 2][j] * at[n - 1][i]

    if n == 2:
        return minor(0, 1)
    return at[0][0] * minor(1, 2) - at[0][1] * minor(0, 2) + at[0][2] * minor(0, 1)


@implements(np.linalg.slogdet)
def _slogdet(trace: Trace, a: Any) -> Any:
    x = matrices(trace, a)
    if not x.size:
        return _SIGNED_LOG(*map(trace.wrap, np.linalg.slogdet(np.zeros(x.shape))))
    both = routine("slogdet", [x, lu(x)], [x.shape[-1]], (*x.shape[:-2], 2))
    return _SIGNED_LOG(both[..., 0], both[..., 1])


@implements(np.linalg.matrix_power)
def _matrix_power(trace: Trace, a: Any, n: Any) -> Tracer:
    x = matrices(trace, a)
    try:
        n = operator.index(n)
    except TypeError as error:
        raise TypeError("exponent must be an integer") from error
    if n == 0:
        return _spread(trace.wrap(np.eye(x.shape[-1])), x.shape)
    if n < 0:
        x, n = _inv(trace, x), -n
    result = None
    while n:
        if n % 2:
            result = x if result is None else result @ x
        n //= 2
        x = x @ x if n else x
    assert result is not None
    return result


# ---- eigenvalues and singular values -------------------------------------------------------------


def eigenpairs(trace: Trace, a: Any, lower: bool = True) -> tuple[Tracer, Tracer]:
    """Return the eigenvalues and eigenvectors of symmetric matrices, from one triangle."""
    x = matrices(trace, a)
    n, batch = x.shape[-1], x.shape[:-2]
    if not x.size:
        return trace.wrap(np.zeros(x.shape[:-1])), x
    both = routine("eigh", [x if lower else transposed(x)], [n], (*batch, 1, n + n * n))
    values, vectors = _packed(both, (n,), (n, n))
    return values, vectors


def is_lower(uplo: Any) -> bool:
    if str(uplo).upper() not in ("L", "U"):
        raise ValueError("UPLO argument must be 'L' or 'U'")
    return str(uplo).upper() == "L"


@implements(np.linalg.eigh)
def _eigh(trace: Trace, a: Any, UPLO: str = "L") -> Any:
    return _EIGENPAIRS(*eigenpairs(trace, a, is_lower(UPLO)))


@implements(np.linalg.eigvalsh)
def _eigvalsh(trace: Trace, a: Any, UPLO: str = "L") -> Tracer:
    return eigenpairs(trace, a, is_lower(UPLO))[0]


def orthogonal_triangular(trace: Trace, a: Any) -> tuple[Tracer, Tracer]:
    """Return Q and R of the reduced QR factorization."""
    x = matrices(trace, a, square=False)
    m, n = x.shape[-2:]
    if not x.size:
        empty = np.linalg.qr(np.zeros(x.shape))
        return trace.wrap(empty[0]), trace.wrap(empty[1])
    if m < n:  # Q is that of the first columns
        q, r = orthogonal_triangular(trace, x[..., :m])
        return q, join(trace, [r, transposed(q) @ x[..., m:]], r.ndim - 1)
    both = routine("qr", [x], [m, n], (*x.shape[:-2], 1, m * n + n * n))
    q, r = _packed(both, (m, n), (n, n))
    return q, r


@implements(np.linalg.qr)
def _qr(trace: Trace, a: Any, mode: str = "reduced") -> Any:
    if mode in ("complete", "raw"):
        why = "the columns beyond those of A depend on the algorithm, not on A."
        raise cannot_trace(f"np.linalg.qr(..., mode={mode!r})", why, 'Write mode="reduced".')
    if mode not in ("reduced", "r"):
        raise ValueError(f"Unrecognized mode '{mode}'")
    q, r = orthogonal_triangular(trace, a)
    return r if mode == "r" else _QR(q, r)


def singular(trace: Trace, a: Any) -> tuple[Tracer, Tracer, Tracer]:
    """Return U, the singular values and V' of the reduced decomposition."""
    x = matrices(trace, a, square=False)
    m, n = x.shape[-2:]
    if m < n:
        v, s, u = singular(trace, transposed(x))
        return transposed(u), s, transposed(v)
    if not x.size:
        empty = np.linalg.svd(np.zeros(x.shape), full_matrices=False)
        return trace.wrap(empty[0]), trace.wrap(empty[1]), trace.wrap(empty[2])
    all_three = routine("svd", [x], [m, n], (*x.shape[:-2], 1, n * (m + 1 + n)))
    left, values, right = _packed(all_three, (m, n), (n,), (n, n))
    return left, values, right


def _whole(trace: Trace, a: Any, hermitian: bool) -> Tracer:
    """Return matrices, made of their lower triangles if they are said to be symmetric."""
    x = matrices(trace, a, square=hermitian)
    return symmetric(trace, x, lower=True) if hermitian else x


def reduced_svd(trace: Trace, a: Any, full_matrices: bool, name: str) -> Any:
    """Return U, s and V', if the full matrices are not larger than the reduced ones."""
    x = matrices(trace, a, square=False)
    if full_matrices and x.shape[-1] != x.shape[-2]:
        why = "the vectors beyond the rank of A depend on the algorithm, not on A."
        raise cannot_trace(f"{name} with full matrices", why, "Write full_matrices=False.")
    return singular(trace, x)


@implements(np.linalg.svd)
def _svd(
    trace: Trace,
    a: Any,
    full_matrices: bool = True,
    compute_uv: bool = True,
    hermitian: bool = False,
) -> Any:
    x = _whole(trace, a, hermitian)
    if not compute_uv:
        return singular(trace, x)[1]
    return _SVD(*reduced_svd(trace, x, full_matrices, "np.linalg.svd"))


@implements(np.linalg.svdvals)
def _svdvals(trace: Trace, x: Any) -> Tracer:
    return singular(trace, x)[1]


def rank(trace: Trace, s: Tracer, tol: Any) -> Tracer:
    """Count the singular values above a bound."""
    tol = trace.wrap(tol)
    return reduce(SUM, trace, s > tol.reshape((*tol.shape, 1)), -1, False)


@implements(np.linalg.matrix_rank)
def _matrix_rank(
    trace: Trace, A: Any, tol: Any = None, hermitian: bool = False, *, rtol: Any = None
) -> Any:
    x = trace.wrap(A)
    if x.ndim < 2:
        return op(trace, "logical_not", FUNCTIONS[np.all](trace, x == 0))
    s = singular(trace, _whole(trace, x, hermitian))[1]
    if tol is None:
        rtol = max(x.shape[-2:]) * np.finfo(float).eps if rtol is None else rtol
        tol = reduce(MAX, trace, s, -1, False) * rtol
    return rank(trace, s, tol)


# ---- least squares and norms ---------------------------------------------------------------------


def pseudoinverse(trace: Trace, a: Any, rcond: Any) -> Tracer:
    """Return the pseudoinverse from the singular values above rcond times the largest."""
    x = matrices(trace, a, square=False)
    m, n = x.shape[-2:]
    if not x.size:
        return trace.wrap(np.zeros((*x.shape[:-2], n, m)))
    if m < n:
        return transposed(pseudoinverse(trace, transposed(x), rcond))
    share = _spread(trace.wrap(rcond), x.shape[:-2])
    return routine("pinv", [x, share], [m, n], (*x.shape[:-2], n, m))


@implements(np.linalg.pinv)
def _pinv(
    trace: Trace, a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = "none"
) -> Tracer:
    x = _whole(trace, a, hermitian)
    given = not isinstance(rtol, str)
    if rcond is not None and given:
        raise ValueError("`rtol` and `rcond` can't be both set.")
    if rcond is None:
        rcond = rtol if given else 1e-15
    if rcond is None:
        rcond = max(x.shape[-2:]) * np.finfo(float).eps
    return pseudoinverse(trace, x, rcond)


@implements(np.linalg.lstsq)
def _lstsq(trace: Trace, a: Any, b: Any, rcond: Any = None) -> Any:
    a, b = matrices(trace, a, square=False), trace.wrap(b)
    if a.ndim > 2 or b.ndim not in (1, 2):
        raise np.linalg.LinAlgError(
            f"{max(a.ndim, b.ndim)}-dimensional array given. Array must be two-dimensional"
        )
    m, n = a.shape
    if m != b.shape[0]:
        raise np.linalg.LinAlgError("Incompatible dimensions")
    if rcond is None or (np.ndim(rcond) == 0 and rcond < 0):
        rcond = (1 if rcond is not None else max(m, n)) * np.finfo(float).eps
    x = pseudoinverse(trace, a, rcond) @ b
    columns = (1,) if b.ndim == 1 else b.shape[1:]
    left: Any = np.zeros(0)
    if m > n:
        left = reduce(SUM, trace, (b - a @ x) ** 2, 0, False).reshape(columns)
    s = singular(trace, a)[1]
    return x, left, rank(trace, s, rcond * reduce(MAX, trace, s, -1, False)), s


@implements(np.linalg.cond)
def _cond(trace: Trace, x: Any, p: Any = None) -> Tracer:
    x = matrices(trace, x, square=p not in (None, 2, -2))
    if p in (None, 2, -2):
        s = singular(trace, x)[1]
        largest, smallest = (reduce(kind, trace, s, -1, False) for kind in (MAX, MIN))
        return smallest / largest if p == -2 else largest / smallest
    norm = FUNCTIONS[np.linalg.norm]
    inverse = _inv(trace, x)
    product: Tracer = norm(trace, x, p, (-2, -1)) * norm(trace, inverse, p, (-2, -1))
    return product


def spectral_norm(trace: Trace, x: Tracer, ord: Any) -> Tracer:
    """Return the largest (2), smallest (-2) or the sum ("nuc") of the singular values."""
    s = singular(trace, x)[1]
    if not s.shape[-1]:
        return reduce(SUM, trace, s, -1, False)
    return reduce({2: MAX, -2: MIN, "nuc": SUM}[ord], trace, s, -1, False)


@implements(np.vander)
def _vander(trace: Trace, x: Any, N: Any = None, increasing: bool = False) -> Tracer:
    x = trace.wrap(x)
    if x.ndim != 1:
        raise ValueError("x must be a one-dimensional array or sequence.")
    n = x.size if N is None else operator.index(N)
    power, columns = trace.wrap(np.ones(x.shape)), []
    for _ in range(n):
        columns.append(power)
        power = power * x
    columns = columns if increasing else columns[::-1]
    if not columns:
        return trace.wrap(np.zeros((x.size, 0)))
    return transposed(Tracer(trace, trace.stack([c.node for c in columns])))
