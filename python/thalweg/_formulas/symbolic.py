# SPDX-License-Identifier: BSD-3-Clause
"""Convert objectives to SymPy formulas, and SymPy expressions to objectives.

A graph is converted node by node, with arrays as NumPy arrays of expressions. `sympy_forms.py`
gives the SymPy form of each operation, and `sympy_steps.py` reads SymPy's expressions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from types import MethodType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from thalweg._formulas.expressions import Expression
from thalweg._formulas.sympy_forms import LOGICAL, counted, forms, number, sympy
from thalweg._formulas.sympy_steps import Writer
from thalweg._objectives.objective import Objective

if TYPE_CHECKING:
    from thalweg._objectives.points import Structure

__all__ = ["formula", "from_sympy"]

Array = npt.NDArray[Any]  # of SymPy expressions

LARGEST = 20_000  # operations of a formula; SymPy handles about 1e5 a second
SIMPLIFIED = 100  # SymPy simplifies up to this many operations within seconds


class _Node(NamedTuple):
    """A node of a graph as `Graph.describe` describes it."""

    kind: str
    what: Any
    inputs: list[int]
    shape: tuple[int, ...]
    payload: Any


def _view(n: _Node, x: Array) -> Array:
    offset, *strides = n.payload
    at = np.full(n.shape, offset)
    for stride, index in zip(strides, np.indices(n.shape), strict=True):
        at += stride * index
    return np.asarray(x.ravel()[at], dtype=object)


def _assemble(n: _Node, *parts: Array) -> Array:
    out = np.full(math.prod(n.shape), sympy().Integer(0), dtype=object)
    for part, (offset, strides, table) in zip(parts, n.payload, strict=True):
        at = np.asarray(table, dtype=np.int64).reshape(-1)
        if not table:
            at = np.full(part.shape, offset)
            for stride, index in zip(strides, np.indices(part.shape), strict=True):
                at += stride * index
        for place, value in zip(at.ravel(), part.ravel(), strict=True):
            out[place] = out[place] + value if n.what else value
    return out.reshape(n.shape)


def _reduce(n: _Node, x: Array) -> Array:
    sp = sympy()
    gather = {"sum": sp.Add, "prod": sp.Mul, "max": sp.Max, "min": sp.Min}[n.what]
    outer, _, inner = n.payload
    folded = x.reshape(n.payload)
    out = np.empty((outer, inner), dtype=object)
    for i, j in np.ndindex(outer, inner):
        out[i, j] = gather(*map(counted, folded[i, :, j]))
    return out.reshape(n.shape)


def _matmul(n: _Node, a: Array, b: Array) -> Array:
    a = np.swapaxes(a, 1, 2) if n.payload[0] else a
    b = np.swapaxes(b, 1, 2) if n.payload[1] else b
    return np.asarray(a @ b, dtype=object).reshape(n.shape)


def _scan(n: _Node, a: Array, b: Array) -> Array:
    folded, backwards = tuple(n.payload[:3]), n.payload[3]
    factor = np.broadcast_to(a, n.shape).reshape(folded)
    out = b.reshape(folded).copy()
    order = range(folded[1])[::-1] if backwards else range(folded[1])
    for before, k in pairwise(order):
        out[:, k] = factor[:, k] * out[:, before] + out[:, k]
    return out.reshape(n.shape)


def _routine(n: _Node, *_: Array) -> Array:
    raise NotImplementedError(f"{n.what} of an array has no SymPy form")


def _call(n: _Node, *_: Array) -> Array:
    raise NotImplementedError("tw.call has no SymPy form")


def _loop(n: _Node, *_: Array) -> Array:
    raise NotImplementedError("tw.scan and tw.fori have no SymPy form; a loop in Python has")


def _lookup(n: _Node, x: Array) -> Array:
    sp = sympy()
    breaks, c0, c1, below = n.payload
    breaks, c0, c1 = ([number(v) for v in column] for column in (breaks, c0, c1))

    def pieces(at: Any) -> Any:
        lines = [c + s * (at - b) for b, c, s in zip(breaks, c0, c1, strict=True)]
        ends = [at < end for end in breaks]
        found = zip([number(below), *lines], [*ends, sp.true], strict=True)
        return sp.Piecewise(*found)

    return _each(pieces, n.shape, x)


def _each(form: Callable[..., Any], shape: tuple[int, ...], *operands: Array) -> Array:
    """Apply a function of scalars to arrays that are broadcast to a shape."""
    out = np.empty(shape, dtype=object)
    spread = [np.broadcast_to(operand, shape) for operand in operands]
    for at in np.ndindex(shape):
        out[at] = form(*(operand[at] for operand in spread))
    return out


def _elementwise(n: _Node, *operands: Array) -> Array:
    form = forms().get(n.what)
    if form is None:
        raise NotImplementedError(f"the operation {n.what!r} has no SymPy form")
    if n.what in LOGICAL:
        return _each(form, n.shape, *operands)
    if n.what == "where":
        return _each(lambda c, a, b: form(c, counted(a), counted(b)), n.shape, *operands)
    return _each(lambda *values: form(*map(counted, values)), n.shape, *operands)


def _constant(n: _Node) -> Array:
    return np.full((), number(n.payload), dtype=object)


def _data(n: _Node) -> Array:
    return _numbers(np.asarray(n.payload, dtype=np.float64))


def _numbers(values: npt.NDArray[np.float64]) -> Array:
    return _each(lambda v: number(float(v)), values.shape, values)


_KINDS: dict[str, Callable[..., Array]] = {
    "constant": _constant,
    "data": _data,
    "elementwise": _elementwise,
    "reduce": _reduce,
    "matmul": _matmul,
    "view": _view,
    "gather": lambda n, x: np.asarray(x.ravel()[n.payload], dtype=object).reshape(n.shape),
    "assemble": _assemble,
    "scan": _scan,
    "lookup": _lookup,
    "routine": _routine,
    "loop": _loop,
    "call": _call,
}


def _length(n: _Node, lengths: Sequence[int], sizes: Sequence[int]) -> int:
    """Return the maximum number of operations in one element of a node."""
    total = sum(lengths)
    if n.kind == "reduce":
        return total * int(n.payload[1]) + 1
    if n.kind == "matmul":
        return (total + 2) * max(1, sizes[0] // math.prod(n.shape[:-1] or (1,))) + 1
    if n.kind == "scan":
        return (total + 2) * int(n.payload[1])
    return total + 1 if n.kind in ("elementwise", "lookup", "assemble") else total


def _walk(objective: Objective, root: int, x: Array) -> Array:
    """Return a node of the objective's graph as expressions of the variables `x`."""
    graph = objective._graph
    known: dict[int, _Node] = {}
    wanted = [root]
    while wanted:
        node = wanted.pop()
        if node not in known:
            known[node] = _Node(*graph.describe(node))
            wanted += known[node].inputs
    sizes = {node: max(1, math.prod(n.shape)) for node, n in known.items()}
    _check_length(known, sizes, root)
    found: dict[int, Array] = {}
    for node in sorted(known):  # inputs come before their users
        n = known[node]
        if n.kind == "input":
            found[node] = x if n.what == 0 else _numbers(objective.args[n.what - 1])
            continue
        operands = [found[i] for i in n.inputs]
        if n.kind in (
            "assemble",
            "matmul",
            "scan",
            "lookup",
        ):  # others convert conditions themselves
            operands = [_each(counted, operand.shape, operand) for operand in operands]
        found[node] = _KINDS[n.kind](n, *operands)
    return _each(counted, known[root].shape, found[root])


def _check_length(known: dict[int, _Node], sizes: dict[int, int], root: int) -> None:
    """Raise ValueError for formulas that are too long to read and for SymPy to handle."""
    lengths: dict[int, int] = {}
    for node in sorted(known):
        inputs = known[node].inputs
        lengths[node] = max(
            1, _length(known[node], [lengths[i] for i in inputs], [sizes[i] for i in inputs])
        )
    total = max(lengths[root] * sizes[root], *sizes.values(), 0)
    if total > LARGEST:
        raise ValueError(
            f"a formula must have at most {LARGEST:,} operations, this one has up to {total:.3g}; "
            "use fewer rows of data, or a part of the function"
        )


def _variable_names(structure: Structure, names: Sequence[str]) -> list[str]:
    """Return a name for each variable: that of its argument, with indices inside arrays."""
    if structure.form == "elements":
        given = list(names)[: structure.size]
        return given if len(given) == structure.size else [f"x{i}" for i in range(structure.size)]
    own = list(structure.keys) if structure.form == "dict" else list(names)
    own += [f"x{i}" for i in range(len(own), len(structure.shapes))]

    def spelled(apart: str) -> list[str]:
        out = []
        for name, shape in zip(own, structure.shapes, strict=False):
            # x0, x1; W1_0, W1_1 if the name ends in a digit; W_0_1 if there are two axes.
            join = "_" if name[-1:].isdigit() or len(shape) > 1 else apart
            places = (join.join(map(str, index)) for index in np.ndindex(*shape))
            out += [f"{name}{join}{p}" if p else name for p in places]
        return out

    short = spelled("")
    return short if len(set(short)) == len(short) else spelled("_")


def _shaped(values: Array) -> Any:
    """Return an expression, a Matrix (a column if there is one axis), or an array."""
    sp = sympy()
    if values.ndim == 0:
        return values[()]
    if values.ndim <= 2:
        return sp.Matrix(values.reshape(len(values), -1).tolist())
    return sp.ImmutableDenseNDimArray(values.ravel().tolist(), values.shape)


def _restored(structure: Structure, values: Array) -> Any:
    """Return the components of a gradient in the form of `x0`."""
    if structure.form == "elements":
        return _shaped(values)
    ends = np.cumsum([math.prod(shape) for shape in structure.shapes])[:-1]
    pieces = [
        _shaped(piece.reshape(shape))
        for piece, shape in zip(np.split(values, ends), structure.shapes, strict=True)
    ]
    if structure.form == "dict":
        return dict(zip(structure.keys, pieces, strict=True))
    return tuple(pieces) if structure.form == "tuple" else pieces[0]


def _simplified(expression: Any) -> Any:
    """Return the shortest form among those of several SymPy functions."""
    sp = sympy()
    if sp.count_ops(expression) > SIMPLIFIED:
        return expression
    ways = [sp.simplify, sp.factor_terms]
    if expression.is_polynomial():  # fractions could get huge numerators when multiplied out
        ways.insert(0, sp.factor)  # preferred among equally short forms: it is in lowest terms
    return min([*(way(expression) for way in ways), expression], key=sp.count_ops)


def formula(of: Any, simplify: bool = True) -> Any:
    """Write an objective, its gradient or its Hessian as a SymPy formula.

    Parameters
    ----------
    of : Objective or bound method
        `F`, `F.grad` or `F.hessian`. Numbers in its `args` appear in the formula as numbers.
    simplify : bool, default True
        Whether SymPy simplifies the formula. Formulas of more than 100 operations are not
        simplified.

    Returns
    -------
    sympy.Expr, sympy.Matrix, tuple or dict
        An expression for `F`. For `F.grad`, the same structure as `F.grad` returns, with an
        expression for each number; one array becomes a column. Variables have the names of the
        function's parameters. The elements of an array `x` are named `x0`, `x1`, …, or `x_0_0`, …
        if it has two axes. An underscore separates name and index if the name ends in a digit or if
        two names would be equal: `W1_0`.

    Raises
    ------
    TypeError
        If `of` is not an objective or one of these methods, or if it has no gradient.
    ValueError
        If the formula would have more than 20,000 operations.
    ImportError
        If SymPy is not installed.

    See Also
    --------
    from_sympy : Make an objective from a SymPy expression.

    Notes
    -----
    The gradient is the one that the core computes, not SymPy's own. Variables are assumed to be
    real during simplification. Recognizable numbers are written symbolically: fractions with a
    denominator of up to 1000, multiples of pi, `e`, roots of 2. Others keep all their digits.

    Examples
    --------
    >>> import thalweg as tw
    >>> F = tw.objective(lambda x, y: 3 * x**2 * y**3, [1.0, 1.0])
    >>> tw.formula(F)
    3*x**2*y**3
    >>> tuple(tw.formula(F.grad))
    (6*x*y**3, 9*x**2*y**2)
    """
    sp = sympy()
    bound = isinstance(of, MethodType)
    objective, method = (of.__self__, of.__name__) if bound else (of, "value")
    if not isinstance(objective, Objective) or method not in ("value", "grad", "hessian"):
        shown = getattr(of, "__qualname__", type(of).__name__)
        raise TypeError(f"formula takes an objective F, F.grad or F.hessian, got {shown}")
    names = _variable_names(objective.structure, objective.names)
    real = np.empty(len(names), dtype=object)
    real[:] = [sp.Symbol(name, real=True) for name in names]
    plain = {symbol: sp.Symbol(symbol.name) for symbol in real}

    def finished(expression: Any) -> Any:
        expression = sp.sympify(expression)
        return (_simplified(expression) if simplify else expression).xreplace(plain)

    def written(node: int) -> Array:
        values = _walk(objective, node, real)
        return _each(finished, values.shape, values)

    if method == "value":
        return _shaped(written(objective._f))
    objective._require_scalar("a gradient", "write the formula of the function itself")
    slope = objective._gradient_node()
    if method == "grad":
        return _restored(objective.structure, written(slope))
    n = objective.n
    return _shaped(written(objective._graph.jacobian(slope, objective.x_node)).reshape(n, n))


def from_sympy(expr: Any, variables: Any) -> Objective:
    """Make an objective from a SymPy expression.

    The expression tree is translated operation by operation; no text is evaluated.

    Parameters
    ----------
    expr : sympy.Expr
        An expression of real variables. It may contain Piecewise, relations, Max, Min, Abs and
        special functions.
    variables : Symbol or sequence of Symbol
        The variables in the order of the entries of a point. A single symbol makes an objective of
        one number.

    Returns
    -------
    Objective
        The objective of these variables.

    Raises
    ------
    TypeError
        If `expr` is not one SymPy expression, is complex, or contains a function that has no
        operation here; the message names it.
    ValueError
        If `expr` contains symbols that are not in `variables`, or a symbol is listed twice.
    ImportError
        If SymPy is not installed.

    See Also
    --------
    formula : Write an objective as a SymPy formula.

    Examples
    --------
    >>> import sympy
    >>> import thalweg as tw
    >>> m, b = sympy.symbols("m b")
    >>> F = tw.from_sympy((m + b - 2)**2 + (2*m + b - 5)**2 + (3*m + b - 3)**2, [m, b])
    >>> tw.minimize(F, [0.0, 0.0]).x.round(6)
    array([0.5     , 2.333333])
    """
    sp = sympy()
    one = isinstance(variables, sp.Symbol)
    if not one and (isinstance(variables, set | frozenset) or not hasattr(variables, "__iter__")):
        raise TypeError(f"variables must be a symbol or a sequence of symbols, got {variables!r}")
    symbols = (variables,) if one else tuple(variables)
    for symbol in symbols:
        if not isinstance(symbol, sp.Symbol):
            raise TypeError(f"variables must be SymPy symbols, got {symbol!r}")
        if not symbol.name.isidentifier():
            raise ValueError(f"names of variables must be identifiers, got {symbol.name!r}")
    if len({symbol.name for symbol in symbols}) < len(symbols) or not symbols:
        raise ValueError(f"variables must be one or more different symbols, got {variables}")
    if isinstance(expr, int | float):
        expr = sp.sympify(expr)
    if not isinstance(expr, sp.Expr):
        raise TypeError(f"expr must be one SymPy expression, got {type(expr).__name__}")
    expr = expr.doit()
    if unknown := expr.free_symbols - set(symbols):
        names = ", ".join(sorted(map(str, unknown)))
        raise ValueError(f"variables must include every symbol of the expression; missing: {names}")
    writer = Writer(symbols)
    writer.write(expr)
    function = Expression(str(expr), tuple(s.name for s in symbols), tuple(writer.steps))
    return Objective(function, 0.0 if one else np.zeros(len(symbols)), unpack=not one)
