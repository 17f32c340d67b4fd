# SPDX-License-Identifier: BSD-3-Clause
"""Trace functions of scipy.linalg, which NumPy does not dispatch."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import numpy as np

from thalweg._tracing.errors import cannot_trace
from thalweg._tracing.functions import linear_algebra as la
from thalweg._tracing.functions.conversions import as_traced
from thalweg._tracing.registry import FUNCTIONS, is_complex, no_such_argument, no_traced_form
from thalweg._tracing.stand_ins import REFUSED, stands_for
from thalweg._tracing.tracer import Tracer, holds_tracer

if TYPE_CHECKING:
    from thalweg._tracing.trace import Trace

F = TypeVar("F", bound=Callable[..., Any])

# Arguments without an effect on the result.
_WITHOUT_EFFECT = {
    "overwrite_a", "overwrite_b", "overwrite_c", "check_finite", "lapack_driver", "driver", "lwork",
    "assume_a", "method",
}  # fmt: skip


_signature = functools.lru_cache(maxsize=128)(inspect.signature)


def form(*names: str) -> Callable[[F], F]:
    """Register a form that is called with the trace and SciPy's arguments, if some are traced."""

    def enter(traced: F) -> F:
        known = set(inspect.signature(traced).parameters)

        def dispatched(original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
            values = [*args, *kwargs.values()]
            first = next((t for v in values if (t := _first(v)) is not None), None)
            if first is None:
                return original(*args, **kwargs)
            name = f"scipy.linalg.{original.__name__}"
            if any(map(is_complex, values)):
                raise no_traced_form(f"{name} of complex values")
            signature = _signature(original)
            given = signature.bind(*args, **kwargs).arguments
            variable = [p.name for p in signature.parameters.values() if p.kind is p.VAR_POSITIONAL]
            for key in [k for k in given if k not in known]:
                value = given.pop(key)
                if key not in _WITHOUT_EFFECT and value not in (None, False):
                    raise no_such_argument(name, key)
            several = given.pop(variable[0]) if variable else ()
            return traced(first.trace, *several, **given)

        stands_for("scipy.linalg", *names)(dispatched)
        return traced

    return enter


def _first(value: Any) -> Any:
    """Return a traced value that an argument is or holds, or None."""
    if isinstance(value, _Factors):
        return value.matrix
    if isinstance(value, tuple):
        return next((t for v in value if (t := _first(v)) is not None), None)
    return as_traced(value)


# ---- factorizations ------------------------------------------------------------------------------


@form("cholesky")
def _cholesky(trace: Trace, a: Any, lower: bool = False) -> Tracer:
    found = la.factor(trace, a, lower)
    return found if lower else la.transposed(found)


@form("cho_factor")
def _cho_factor(trace: Trace, a: Any, lower: bool = False) -> tuple[Tracer, bool]:
    return _cholesky(trace, a, lower), bool(lower)


@form("cho_solve")
def _cho_solve(trace: Trace, c_and_lower: Any, b: Any) -> Tracer:
    c, lower = c_and_lower
    first = _solve_triangular(trace, c, b, trans=0 if lower else 1, lower=lower)
    return _solve_triangular(trace, c, first, trans=1 if lower else 0, lower=lower)


class _Opaque:
    """Stands for the arrays of an LU factorization, whose elements have no derivatives here."""

    dtype = None  # which is asked of everything

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        why = "its elements carry no derivatives."
        instead = "Pass what lu_factor returns to lu_solve; np.linalg.slogdet is the determinant."
        raise cannot_trace("an element of scipy.linalg.lu_factor", why, instead)

    __array__ = __getattr__ = __getitem__ = __len__ = __iter__ = __add__ = __mul__ = _refuse


class _Factors(tuple[Any, Any]):
    """What lu_factor returns: a pair that knows its matrix."""

    matrix: Tracer


@form("lu_factor")
def _lu_factor(trace: Trace, a: Any) -> _Factors:
    pair = _Factors((_Opaque(), _Opaque()))
    pair.matrix = la.matrices(trace, a)
    return pair


@form("lu_solve")
def _lu_solve(trace: Trace, lu_and_piv: Any, b: Any, trans: int = 0) -> Tracer:
    if isinstance(lu_and_piv, _Factors):
        vector = trace.wrap(b).ndim == 1
        return la.solve(trace, lu_and_piv.matrix, b, transpose=trans != 0, vector=vector)
    factors, pivots = lu_and_piv  # constants
    n = len(pivots)
    b = trace.wrap(b)
    order = np.arange(n)
    for k, other in enumerate(pivots):
        order[[k, other]] = order[[other, k]]
    if trans:
        y = _solve_triangular(trace, factors, b, trans=1)
        y = _solve_triangular(trace, factors, y, trans=1, lower=True, unit_diagonal=True)
        return y[np.argsort(order)]
    y = _solve_triangular(trace, factors, b[order], lower=True, unit_diagonal=True)
    return _solve_triangular(trace, factors, y)


@form("qr")
def _qr(trace: Trace, a: Any, mode: str = "full") -> Any:
    x = la.matrices(trace, a, square=False)
    if mode == "full" and x.shape[-2] <= x.shape[-1]:
        mode = "economic"
    if mode not in ("economic", "r"):
        why = "the columns beyond those of A depend on the algorithm, not on A."
        raise cannot_trace(f"scipy.linalg.qr(..., mode={mode!r})", why, 'Write mode="economic".')
    q, r = la.orthogonal_triangular(trace, x)
    return (r,) if mode == "r" else (q, r)


@form("svd")
def _svd(trace: Trace, a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    if not compute_uv:
        return la.singular(trace, a)[1]
    return la.reduced_svd(trace, a, full_matrices, "scipy.linalg.svd")


@form("svdvals")
def _svdvals(trace: Trace, a: Any) -> Tracer:
    return la.singular(trace, a)[1]


@form("eigh")
def _eigh(
    trace: Trace,
    a: Any,
    b: Any = None,
    lower: bool = True,
    eigvals_only: bool = False,
    type: int = 1,
    subset_by_index: Any = None,
) -> Any:
    if b is None:
        values, vectors = la.eigenpairs(trace, a, lower)
    else:
        values, vectors = _generalized(trace, a, b, lower, type)
    if subset_by_index is not None:
        first, last = subset_by_index
        values, vectors = values[..., first : last + 1], vectors[..., first : last + 1]
    return values if eigvals_only else (values, vectors)


def _generalized(trace: Trace, a: Any, b: Any, lower: bool, kind: int) -> tuple[Tracer, Tracer]:
    """Solve A v = w B v with B = L L' as (L^-1 A L^-T) u = w u, u = L'v."""
    if kind != 1:
        raise no_such_argument("scipy.linalg.eigh", "type")
    x = la.symmetric(trace, la.matrices(trace, a), lower)
    factor = la.factor(trace, b, lower)
    half = la.solved(factor, x, "solve_triangular", [1, 0, 0])
    whole = la.solved(factor, la.transposed(half), "solve_triangular", [1, 0, 0])
    values, vectors = la.eigenpairs(trace, whole)
    return values, la.solved(factor, vectors, "solve_triangular", [1, 1, 0])


@form("eigvalsh")
def _eigvalsh(
    trace: Trace,
    a: Any,
    b: Any = None,
    lower: bool = True,
    type: int = 1,
    subset_by_index: Any = None,
) -> Tracer:
    values: Tracer = _eigh(trace, a, b, lower, True, type, subset_by_index)
    return values


# ---- solutions -----------------------------------------------------------------------------------


def _b_columns(b: Tracer) -> tuple[Tracer, bool]:
    """Return b with an axis of columns, and whether it had none."""
    vector = b.ndim == 1
    return (b.reshape((*b.shape, 1)) if vector else b), vector


@form("solve_triangular")
def _solve_triangular(
    trace: Trace, a: Any, b: Any, trans: Any = 0, lower: bool = False, unit_diagonal: bool = False
) -> Tracer:
    x = la.matrices(trace, a)
    right, vector = _b_columns(trace.wrap(b))
    flags = [int(lower), int(trans not in (0, "N")), int(unit_diagonal)]
    found = la.solved(x, right, "solve_triangular", flags)
    return found.reshape(found.shape[:-1]) if vector else found


@form("solve")
def _solve(
    trace: Trace,
    a: Any,
    b: Any,
    lower: bool = False,
    assume_a: Any = None,
    transposed: bool = False,
) -> Tracer:
    x = la.matrices(trace, a)
    kind = assume_a or "general"
    if kind in ("pos", "positive definite"):
        return _cho_solve(trace, _cho_factor(trace, x, lower), b)
    if kind in ("upper triangular", "lower triangular"):
        return _solve_triangular(trace, x, b, int(transposed), kind[0] == "l")
    if kind in ("sym", "symmetric", "her", "hermitian"):
        x = la.symmetric(trace, x, lower)
    return la.solve(trace, x, b, transpose=transposed, vector=trace.wrap(b).ndim == 1)


@form("lstsq")
def _lstsq(trace: Trace, a: Any, b: Any, cond: Any = None) -> Any:
    return FUNCTIONS[np.linalg.lstsq](trace, a, b, np.finfo(float).eps if cond is None else cond)


def _numpys(name: str) -> None:
    """Register a function that NumPy has by the same name and arguments."""
    handler = FUNCTIONS[getattr(np.linalg, name)]

    @form(name)
    def same(trace: Trace, a: Any) -> Any:
        return handler(trace, a)


_numpys("inv")
_numpys("det")


@form("norm")
def _norm(trace: Trace, a: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    return FUNCTIONS[np.linalg.norm](trace, a, ord, axis, keepdims)


@form("pinv")
def _pinv(trace: Trace, a: Any, atol: Any = None, rtol: Any = None) -> Any:
    x = la.matrices(trace, a, square=False)
    if atol is not None:
        raise no_such_argument("scipy.linalg.pinv", "atol")
    share = max(x.shape[-2:]) * np.finfo(float).eps if rtol is None else rtol
    return la.pseudoinverse(trace, x, share)


# ---- functions without a traced form -------------------------------------------------------------

_INSTEAD = {
    **dict.fromkeys(
        ("eig", "eigvals", "schur", "sqrtm", "logm", "funm", "signm"),
        "For symmetric matrices write w, V = np.linalg.eigh(A) and (V * f(w)) @ V.T.",
    ),
    "lu": "Write np.linalg.solve, np.linalg.slogdet or scipy.linalg.lu_factor and lu_solve.",
    "ldl": "Write scipy.linalg.cholesky or np.linalg.solve.",
    "cholesky_banded": "Write the whole matrix and np.linalg.cholesky.",
    "null_space": "Write np.linalg.svd(A, full_matrices=False).",
    "orth": "Write np.linalg.svd(A, full_matrices=False) or np.linalg.qr(A).",
}


@stands_for("scipy.linalg", *_INSTEAD)
def _refused(original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    if not any(map(holds_tracer, [*args, *kwargs.values()])):
        return original(*args, **kwargs)
    name = original.__name__
    raise cannot_trace(f"scipy.linalg.{name}", "it has no traced form.", _INSTEAD[name])


REFUSED.add(_refused)
