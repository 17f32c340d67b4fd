# SPDX-License-Identifier: BSD-3-Clause
"""Trace NumPy's products, norms, convolutions, polynomials and table look-ups."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from thalweg._tracing.functions.einsum import arranged, contract
from thalweg._tracing.functions.elements import (
    MAX,
    MIN,
    SUM,
    along,
    axes_of,
    choose,
    count,
    op,
    reduce,
    root,
)
from thalweg._tracing.functions.joining import join
from thalweg._tracing.functions.linear_algebra import spectral_norm
from thalweg._tracing.operations import Shape
from thalweg._tracing.registry import FUNCTIONS, implements, plain
from thalweg._tracing.tracer import Tracer

if TYPE_CHECKING:
    from thalweg._tracing.trace import Trace


def _spread(x: Tracer, shape: Shape) -> Tracer:
    return Tracer(x.trace, x.trace.graph.broadcast_to(x.node, shape))


# ---- products ------------------------------------------------------------------------------------


@implements(np.matmul, np.linalg.matmul)
def _matmul(trace: Trace, a: Any, b: Any) -> Tracer:
    a, b = trace.wrap(a), trace.wrap(b)
    if not a.ndim or not b.ndim:
        which = 0 if not a.ndim else 1
        raise ValueError(
            f"matmul: Input operand {which} does not have enough dimensions (has 0, gufunc core "
            "with signature (n?,k),(k,m?)->(n?,m?) requires 1)"
        )
    inner = b.shape[-2] if b.ndim > 1 else b.shape[0]
    if a.shape[-1] != inner:
        raise ValueError(
            "matmul: Input operand 1 has a mismatch in its core dimension 0, with gufunc signature "
            f"(n?,k),(k,m?)->(n?,m?) (size {inner} is different from {a.shape[-1]})"
        )
    if a.ndim == 1 and b.ndim == 1:
        return reduce(SUM, trace, a * b, None, False)
    rows = a.shape[-2:-1] if a.ndim > 1 else ()
    columns = b.shape[-1:] if b.ndim > 1 else ()
    a3 = a if a.ndim > 1 else a.reshape(1, inner)
    b3 = b if b.ndim > 1 else b.reshape(inner, 1)
    m, k, n = a3.shape[-2], inner, b3.shape[-1]
    batch = np.broadcast_shapes(a3.shape[:-2], b3.shape[:-2])
    if math.prod(b3.shape[:-2]) == 1:  # b is one matrix, so the batch of a is just more rows
        left, right = a3.reshape(1, math.prod(a3.shape[:-1]), k), b3.reshape(1, k, n)
    else:
        left = _spread(a3, (*batch, m, k)).reshape(math.prod(batch), m, k)
        right = _spread(b3, (*batch, k, n)).reshape(math.prod(batch), k, n)
    node = trace.graph.matmul(left.node, right.node)
    return Tracer(trace, trace.graph.reshape(node, (*batch, *rows, *columns)))


@implements(np.vecdot, np.linalg.vecdot)
def _vecdot(trace: Trace, x1: Any, x2: Any, *, axis: int = -1) -> Tracer:
    x1, x2 = trace.wrap(x1), trace.wrap(x2)
    for which, x in enumerate((x1, x2)):
        if not x.ndim:
            raise ValueError(
                f"vecdot: Input operand {which} does not have enough dimensions (has 0, gufunc "
                "core with signature (n),(n)->() requires 1)"
            )
    m, n = (x.shape[normalize_axis_index(axis, x.ndim)] for x in (x1, x2))
    if m != n:
        raise ValueError(
            "vecdot: Input operand 1 has a mismatch in its core dimension 0, with gufunc "
            f"signature (n),(n)->() (size {n} is different from {m})"
        )
    x1, x2 = (FUNCTIONS[np.moveaxis](trace, x, axis, -1) for x in (x1, x2))
    return reduce(SUM, trace, x1 * x2, -1, False)


@implements(np.dot)
def _dot(trace: Trace, a: Any, b: Any, out: Any = None) -> Any:
    plain("np.dot", out=out)
    a, b = trace.wrap(a), trace.wrap(b)
    if not a.ndim or not b.ndim:
        return a * b
    if b.ndim <= 2:
        if a.shape[-1] != b.shape[0]:
            raise ValueError(_not_aligned(a.shape, b.shape, a.ndim - 1, 0))
        return _matmul(trace, a, b)
    if a.shape[-1] != b.shape[-2]:
        raise ValueError(_not_aligned(a.shape, b.shape, a.ndim - 1, b.ndim - 2))
    return _tensordot(trace, a, b, ((-1,), (-2,)))


def _not_aligned(a: Shape, b: Shape, i: int, j: int) -> str:
    return f"shapes {a} and {b} not aligned: {a[i]} (dim {i}) != {b[j]} (dim {j})".replace(
        ", ", ","
    ).replace(",)", ",)")


@implements(np.linalg.multi_dot)
def _multi_dot(trace: Trace, arrays: Any, *, out: Any = None) -> Tracer:
    plain("np.linalg.multi_dot", out=out)
    product = trace.wrap(arrays[-1])
    for a in reversed(arrays[:-1]):
        product = _dot(trace, a, product)
    return product


@implements(np.vdot)
def _vdot(trace: Trace, a: Any, b: Any) -> Tracer:
    a, b = trace.wrap(a).reshape(-1), trace.wrap(b).reshape(-1)
    if a.shape != b.shape:
        raise ValueError(_not_aligned(a.shape, b.shape, 0, 0))
    return reduce(SUM, trace, a * b, None, False)


@implements(np.inner)
def _inner(trace: Trace, a: Any, b: Any) -> Any:
    a, b = trace.wrap(a), trace.wrap(b)
    if not a.ndim or not b.ndim:
        return a * b
    if a.shape[-1] != b.shape[-1]:
        raise ValueError(_not_aligned(a.shape, b.shape, a.ndim - 1, b.ndim - 1))
    return _tensordot(trace, a, b, ((-1,), (-1,)))


@implements(np.outer)
def _outer(trace: Trace, a: Any, b: Any, out: Any = None) -> Tracer:
    plain("np.outer", out=out)
    return trace.wrap(a).reshape(-1, 1) * trace.wrap(b).reshape(-1)


@implements(np.linalg.outer)
def _linalg_outer(trace: Trace, x1: Any, x2: Any) -> Tracer:
    x1, x2 = trace.wrap(x1), trace.wrap(x2)
    if x1.ndim != 1 or x2.ndim != 1:
        raise ValueError(
            f"Input arrays must be one-dimensional, but they are {x1.ndim=} and {x2.ndim=}."
        )
    return _outer(trace, x1, x2)


@implements(np.kron)
def _kron(trace: Trace, a: Any, b: Any) -> Any:
    a, b = trace.wrap(a), trace.wrap(b)
    ndim = max(a.ndim, b.ndim)
    p, q = (1,) * (ndim - a.ndim) + a.shape, (1,) * (ndim - b.ndim) + b.shape
    product = a.reshape([n for m in p for n in (m, 1)]) * b.reshape([n for m in q for n in (1, m)])
    return product.reshape([m * n for m, n in zip(p, q, strict=True)])


@implements(np.tensordot, np.linalg.tensordot)
def _tensordot(trace: Trace, a: Any, b: Any, axes: Any = 2) -> Tracer:
    a, b = trace.wrap(a), trace.wrap(b)
    if isinstance(axes, int | np.integer):
        over_a, over_b = tuple(range(a.ndim - axes, a.ndim)), tuple(range(axes))
    else:
        over_a, over_b = ((i,) if isinstance(i, int | np.integer) else tuple(i) for i in axes)
    over_a, over_b = normalize_axis_tuple(over_a, a.ndim), normalize_axis_tuple(over_b, b.ndim)
    if len(over_a) != len(over_b) or any(
        a.shape[i] != b.shape[j] for i, j in zip(over_a, over_b, strict=True)
    ):
        raise ValueError("shape-mismatch for sum")
    names_a = list(range(a.ndim))
    names_b = [a.ndim + i for i in range(b.ndim)]
    for i, j in zip(over_a, over_b, strict=True):
        names_b[j] = names_a[i]
    out = [n for i, n in enumerate(names_a) if i not in over_a] + [
        n for j, n in enumerate(names_b) if j not in over_b
    ]
    return arranged(*contract((a, names_a), (b, names_b), set(out)), out)


@implements(np.cross)
def _cross(
    trace: Trace,
    a: Any,
    b: Any,
    axisa: int = -1,
    axisb: int = -1,
    axisc: int = -1,
    axis: int | None = None,
) -> Any:
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = trace.wrap(a), trace.wrap(b)
    if not a.ndim or not b.ndim:
        raise ValueError("At least one array has zero dimension")
    axisa, axisb = normalize_axis_index(axisa, a.ndim), normalize_axis_index(axisb, b.ndim)
    p = [a[along(a.ndim, axisa, i)] for i in range(a.shape[axisa])]
    q = [b[along(b.ndim, axisb, i)] for i in range(b.shape[axisb])]
    if len(p) not in (2, 3) or len(q) not in (2, 3):
        raise ValueError(
            "Both input arrays must be (arrays of) 3-dimensional vectors, but they are "
            f"{len(p)} and {len(q)} dimensional instead."
        )
    last = p[0] * q[1] - p[1] * q[0]
    if len(p) == len(q) == 2:
        return last
    p2, q2 = (p[2] if len(p) == 3 else None), (q[2] if len(q) == 3 else None)
    if p2 is None:
        first, second = p[1] * q[2], -(p[0] * q[2])
    elif q2 is None:
        first, second = -(p[2] * q[1]), p[2] * q[0]
    else:
        first, second = p[1] * q2 - p2 * q[1], p2 * q[0] - p[0] * q2
    node = trace.stack([first.node, second.node, last.node])
    axisc = normalize_axis_index(axisc, last.ndim + 1)
    result = Tracer(trace, node)
    return trace.as_view(result, np.moveaxis(trace.dummy(result.shape)[0], 0, axisc))


@implements(np.linalg.cross)
def _linalg_cross(trace: Trace, x1: Any, x2: Any, *, axis: int = -1) -> Any:
    return _cross(trace, x1, x2, axis=axis)


# ---- norms ---------------------------------------------------------------------------------------


@implements(np.linalg.norm)
def _norm(
    trace: Trace, x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False
) -> Tracer:
    x = trace.wrap(x)
    axes = axes_of(x.ndim, axis)
    if ord is None and axis is None:
        return root(trace, reduce(SUM, trace, x**2, None, keepdims))
    if len(axes) == 1:
        return _vector_norm(trace, x, ord, axes, keepdims)
    if len(axes) != 2:
        raise ValueError("Improper number of dimensions to norm.")
    if axes[0] == axes[1]:
        raise ValueError("Duplicate axes given.")
    return _matrix_norm(trace, x, ord, axes, keepdims)


def _vector_norm(
    trace: Trace, x: Tracer, ord: Any, axes: tuple[int, ...], keepdims: bool
) -> Tracer:
    if isinstance(ord, str):
        raise ValueError(f"Invalid norm order '{ord}' for vectors")
    if ord is None or ord == 2:
        return root(trace, reduce(SUM, trace, x**2, axes, keepdims))
    if ord == math.inf:
        kind = MAX if count(x.shape, axes) else SUM  # 0 for no elements
        return reduce(kind, trace, abs(x), axes, keepdims)
    if ord == -math.inf:
        return reduce(MIN, trace, abs(x), axes, keepdims)
    if ord == 0:
        return reduce(SUM, trace, x != 0, axes, keepdims)
    if ord == 1:
        return reduce(SUM, trace, abs(x), axes, keepdims)
    total = reduce(SUM, trace, abs(x) ** ord, axes, keepdims)
    if ord < 0:
        return op(trace, "power", total, 1.0 / ord)
    at_zero = total == 0
    positive = choose(trace, at_zero, 1.0, total)
    return choose(trace, at_zero, 0.0, op(trace, "power", positive, 1.0 / ord))


def _matrix_norm(
    trace: Trace, x: Tracer, ord: Any, axes: tuple[int, ...], keepdims: bool
) -> Tracer:
    rows, columns = axes
    if ord in (None, "fro", "f"):
        return root(trace, reduce(SUM, trace, x**2, axes, keepdims))
    if ord in (1, -1, math.inf, -math.inf):
        inner, outer = (rows, columns) if abs(ord) == 1 else (columns, rows)
        largest = reduce(SUM, trace, abs(x), inner, True)
        some = x.shape[outer] or ord < 0  # the largest of no elements is 0
        kind = (MAX if ord > 0 else MIN) if some else SUM
        largest = reduce(kind, trace, largest, outer, True)
        return largest if keepdims else Tracer(trace, trace.graph.reduce(SUM, largest.node, axes))
    if ord in (2, -2, "nuc"):
        last = FUNCTIONS[np.moveaxis](trace, x, axes, (-2, -1))
        found = spectral_norm(trace, last, ord)
        return FUNCTIONS[np.expand_dims](trace, found, axes) if keepdims else found
    raise ValueError("Invalid norm order for matrices.")


@implements(np.linalg.vector_norm)
def _linalg_vector_norm(
    trace: Trace, x: Any, *, axis: Any = None, keepdims: bool = False, ord: Any = 2
) -> Tracer:
    x = trace.wrap(x)
    return _vector_norm(trace, x, ord, axes_of(x.ndim, axis), keepdims)


@implements(np.linalg.matrix_norm)
def _linalg_matrix_norm(
    trace: Trace, x: Any, *, keepdims: bool = False, ord: Any = "fro"
) -> Tracer:
    x = trace.wrap(x)
    return _matrix_norm(trace, x, ord, (x.ndim - 2, x.ndim - 1), keepdims)


# ---- polynomials, convolution, tables ------------------------------------------------------------


@implements(np.polyval)
def _polyval(trace: Trace, p: Any, x: Any) -> Tracer:
    coefficients = p if isinstance(p, Tracer) else np.asarray(p)
    x = trace.wrap(x)
    y: Any = 0.0
    for k, c in enumerate(coefficients):
        y = y * x + c if k else trace.wrap(c)
    y = trace.wrap(y)
    return _spread(y, np.broadcast_shapes(y.shape, x.shape))


@implements(np.convolve)
def _convolve(trace: Trace, a: Any, v: Any, mode: str = "full") -> Tracer:
    a, v = trace.wrap(a), trace.wrap(v)
    a, v = (x.reshape(1) if x.ndim == 0 else x for x in (a, v))
    _two_vectors(a, v)
    if v.size > a.size:
        a, v = v, a
    return _sliding(trace, a, v[::-1], mode)


@implements(np.correlate)
def _correlate(trace: Trace, a: Any, v: Any, mode: str = "valid") -> Tracer:
    a, v = trace.wrap(a), trace.wrap(v)
    _two_vectors(a, v)
    if v.size > a.size:
        return _sliding(trace, v, a, mode)[::-1]
    return _sliding(trace, a, v, mode)


def _two_vectors(a: Tracer, v: Tracer) -> None:
    if a.size == 0 or v.size == 0:
        raise ValueError("a cannot be empty" if a.size == 0 else "v cannot be empty")
    if a.ndim != 1 or v.ndim != 1:
        few = not a.ndim or not v.ndim
        raise ValueError(f"object {'of too small depth' if few else 'too deep'} for desired array")


def _sliding(trace: Trace, a: Tracer, v: Tracer, mode: str) -> Tracer:
    """Return the products of v with the windows of a; v must not be longer than a."""
    n, m = a.size, v.size
    if mode not in ("full", "same", "valid"):
        raise ValueError(f"mode must be one of 'valid', 'same', or 'full' (got {mode!r})")
    before = {"full": m - 1, "same": m // 2, "valid": 0}[mode]
    after = {"full": m - 1, "same": m - 1 - m // 2, "valid": 0}[mode]
    parts = [
        trace.wrap(np.zeros(k)) if isinstance(k, int) else k
        for k in (before, a, after)
        if not (isinstance(k, int) and k == 0)
    ]
    padded = join(trace, parts, 0) if len(parts) > 1 else a
    count = n + before + after - m + 1
    windows = trace.view(padded.node, (1, count, m), 0, (0, 1, 1))
    result = trace.graph.matmul(windows, trace.graph.reshape(v.node, (1, m, 1)))
    return Tracer(trace, trace.graph.reshape(result, (count,)))
