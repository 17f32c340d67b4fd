# SPDX-License-Identifier: BSD-3-Clause
"""Trace einsum by contracting two arrays with named axes at a time; tensordot uses this too.

If both arrays have axes that remain, the contraction is a product (b, m, k) @ (b, k, n) of the
core. Otherwise it is a multiplication and a sum, which the core fuses.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg._tracing.functions.elements import SUM, reduce
from thalweg._tracing.registry import implements, plain
from thalweg._tracing.tracer import Tracer

if TYPE_CHECKING:
    from thalweg._tracing.trace import Trace

# An operand of einsum: an array, and the name of each axis.
Named = tuple[Tracer, list[Any]]


@implements(np.einsum)
def _einsum(trace: Trace, *operands: Any, out: Any = None, dtype: Any = None) -> Tracer:
    plain("np.einsum", dtype, out)
    named, wanted = _parse(trace, operands)
    named = [_diagonals(x, names) for x, names in named]
    named = [_unit_axes(x, names, _sizes(named)) for x, names in named]
    while len(named) > 1:
        needed = set(wanted).union(*(names for _, names in named[2:]))
        named[:2] = [contract(named[0], named[1], needed)]
    x, names = named[0]
    gone = tuple(i for i, n in enumerate(names) if n not in wanted)
    if gone:
        x, names = reduce(SUM, trace, x, gone, False), [n for n in names if n in wanted]
    return arranged(x, names, wanted)


def _parse(trace: Trace, operands: Sequence[Any]) -> tuple[list[Named], list[Any]]:
    """Return operands with named axes, and the names in the output.

    An ellipsis becomes numbered names.
    """
    if isinstance(operands[0], str):
        text, arrays = operands[0].replace(" ", ""), [trace.wrap(a) for a in operands[1:]]
        left, arrow, right = text.partition("->")
        terms: list[list[Any]] = [list(term.replace("...", ".")) for term in left.split(",")]
        output: list[Any] | None = list(right.replace("...", ".")) if arrow else None
    else:  # einsum(a, [0, 1], b, [1, 2], [0, 2])
        arrays = [trace.wrap(a) for a in operands[: len(operands) // 2 * 2 : 2]]
        terms = [_listed(names) for names in operands[1::2]]
        output = _listed(operands[-1]) if len(operands) % 2 else None
    if len(terms) != len(arrays):
        raise ValueError(f"einstein sum subscripts name {len(terms)} operands, got {len(arrays)}")
    named: list[Named] = []
    widest = 0
    for x, term in zip(arrays, terms, strict=True):
        hidden = x.ndim - len([n for n in term if n != "."])
        if hidden < 0 or (hidden and "." not in term):
            raise ValueError(
                f"operand has {x.ndim} dimensions, the einstein sum subscripts "
                f"`{''.join(map(str, term))}` name another number"
            )
        widest = max(widest, hidden)
        names: list[Any] = []
        for n in term:
            names += [f"...{hidden - i}" for i in range(hidden)] if n == "." else [n]
        named.append((x, names))
    ellipsis = [f"...{widest - i}" for i in range(widest)]
    if output is None:
        flat = [n for term in terms for n in term if n != "."]
        wanted = ellipsis + sorted(n for n in set(flat) if flat.count(n) == 1)
    else:
        wanted = []
        for n in output:
            wanted += ellipsis if n == "." else [n]
        if ellipsis and "." not in output:
            raise ValueError("output has no ellipsis, but the operands broadcast over one")
    known = {n for _, names in named for n in names}
    for n in wanted:
        if n not in known:
            raise ValueError(
                f"einstein sum subscripts string included output subscript '{n}' which never "
                "appeared in an input"
            )
        if wanted.count(n) > 1:
            raise ValueError(
                f"einstein sum subscripts string includes output subscript '{n}' multiple times"
            )
    return named, wanted


def _listed(names: Any) -> list[Any]:
    return ["." if n is Ellipsis else int(n) for n in names]


def _sizes(named: Sequence[Named]) -> dict[Any, int]:
    sizes: dict[Any, int] = {}
    for x, names in named:
        for name, n in zip(names, x.shape, strict=True):
            if sizes.setdefault(name, n) not in (n, 1) and n != 1:
                raise ValueError(
                    f"operands could not be broadcast together: axis '{name}' has the sizes "
                    f"{sizes[name]} and {n}"
                )
            sizes[name] = n if sizes[name] == 1 else sizes[name]
    return sizes


def _diagonals(x: Tracer, names: list[Any]) -> Named:
    for name in set(names):
        while names.count(name) > 1:
            i = names.index(name)
            j = names.index(name, i + 1)
            if x.shape[i] != x.shape[j]:
                raise ValueError(
                    f"dimensions in single operand for collapsing index '{name}' don't match "
                    f"({x.shape[i]} != {x.shape[j]})"
                )
            x = x.trace.as_view(x, np.diagonal(x.trace.dummy(x.shape)[0], 0, i, j))
            names = [n for k, n in enumerate(names) if k not in (i, j)] + [name]
    return x, names


def _unit_axes(x: Tracer, names: list[Any], sizes: dict[Any, int]) -> Named:
    """Drop axes of length 1 that broadcast to a longer axis of the same name."""
    keep = [i for i, n in enumerate(names) if not (x.shape[i] == 1 and sizes[n] != 1)]
    if len(keep) == len(names):
        return x, names
    return x.reshape([x.shape[i] for i in keep]), [names[i] for i in keep]


def arranged(x: Tracer, names: list[Any], wanted: list[Any]) -> Tracer:
    """Transpose the axes to the wanted order."""
    return x if names == wanted else x.transpose([names.index(n) for n in wanted])


def contract(first: Named, second: Named, needed: set[Any]) -> Named:
    """Multiply two operands, and sum over the axes that are not needed any more."""
    a, names_a = _summed(*first, second[1], needed)
    b, names_b = _summed(*second, first[1], needed)
    trace = a.trace
    both = [n for n in names_a if n in names_b]
    batch, inner = [n for n in both if n in needed], [n for n in both if n not in needed]
    rows, columns = [n for n in names_a if n not in both], [n for n in names_b if n not in both]
    sizes = dict(zip(names_a, a.shape, strict=True)) | dict(zip(names_b, b.shape, strict=True))
    B, M, K, N = ([sizes[n] for n in part] for part in (batch, rows, inner, columns))
    if inner and (rows or columns) and ((rows and columns) or not batch):
        lengths = [math.prod(part) for part in (B, M, K, N)]
        left = arranged(a, names_a, batch + rows + inner).reshape(lengths[:3])
        right = arranged(b, names_b, batch + inner + columns).reshape(lengths[0], *lengths[2:])
        result = Tracer(trace, trace.graph.matmul(left.node, right.node))
        return result.reshape(B + M + N), batch + rows + columns
    left = arranged(a, names_a, batch + rows + inner).reshape(B + M + [1] * len(columns) + K)
    right = arranged(b, names_b, batch + columns + inner).reshape(B + [1] * len(rows) + N + K)
    product = left * right
    if inner:
        last = tuple(range(product.ndim - len(inner), product.ndim))
        product = reduce(SUM, trace, product, last, False)
    return product, batch + rows + columns


def _summed(x: Tracer, names: list[Any], other: list[Any], needed: set[Any]) -> Named:
    gone = tuple(i for i, n in enumerate(names) if n not in needed and n not in other)
    if not gone:
        return x, names
    return reduce(SUM, x.trace, x, gone, False), [n for i, n in enumerate(names) if i not in gone]
