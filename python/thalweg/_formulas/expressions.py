# SPDX-License-Identifier: BSD-3-Clause
"""Parse the expressions of the command line into functions of their variables.

Python's `ast` reads the text. Syntax that is not in the lists below is refused, and nothing is ever
evaluated as Python. The resulting function calls NumPy, so it is traced like a user's own function.
Function names are those of the core's operations.
"""

from __future__ import annotations

import ast
import inspect
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, NoReturn

import numpy as np

from thalweg import _core
from thalweg._tracing import elementary

__all__ = ["Expression", "ExpressionError", "parse"]

# Nobody types longer or deeper expressions, and both limits are far below those of Python's parser
# and of tracing.
MAX_LENGTH = 10_000
MAX_DEPTH = 1000

CONSTANTS = {"pi": math.pi, "e": math.e, "euler_gamma": 0.5772156649015329, "inf": math.inf}

ALIASES = {
    "abs": "absolute",
    "fabs": "absolute",
    "pow": "power",
    "mod": "remainder",
    "max": "maximum",
    "min": "minimum",
    "acos": "arccos",
    "acosh": "arccosh",
    "asin": "arcsin",
    "asinh": "arcsinh",
    "atan": "arctan",
    "atan2": "arctan2",
    "atanh": "arctanh",
}
FOLDED = ("maximum", "minimum")  # take two arguments or more
INSTEAD = {
    "ln": "log(x)",
    "lg": "log10(x) or log2(x)",
    "sigmoid": "expit(x)",
    "logistic": "expit(x)",
    "lgamma": "gammaln(x)",
    "psi": "digamma(x)",
    "sgn": "sign(x)",
    "relu": "maximum(x, 0)",
    "softplus": "logaddexp(0, x)",
    "round": "rint(x)",
    "sum": "a + b",
    "if": "where(condition, a, b)",
}
OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.Pow: "power",
    ast.FloorDiv: "floor_divide",
    ast.Mod: "remainder",
    ast.USub: "negative",
    ast.Lt: "less",
    ast.LtE: "less_equal",
    ast.Gt: "greater",
    ast.GtE: "greater_equal",
    ast.Eq: "equal",
    ast.NotEq: "not_equal",
}
# Syntax that people try, and what to write instead.
REFUSED: dict[type[ast.AST], str] = {
    ast.Attribute: "names have no dots here: write exp(x), not np.exp(x)",
    ast.IfExp: "to choose between values, write where(condition, a, b)",
    ast.BoolOp: "write logical_and(a, b) or logical_or(a, b)",
    ast.Not: "write logical_not(a)",
    ast.BitXor: "write ** for a power, not ^",
    ast.BitAnd: "write logical_and(a, b)",
    ast.BitOr: "write logical_or(a, b)",
    ast.Subscript: "variables are numbers and have no elements",
    ast.Tuple: "expected one number, not several",
    ast.List: "expected one number, not a list",
    ast.NamedExpr: "compare with ==",
}


class ExpressionError(ValueError):
    """Raised if an expression is invalid; the message says where and what to write instead.

    Attributes
    ----------
    column : int
        The column of the error, counted from 1; 0 if it concerns the whole text.
    """

    def __init__(self, message: str, column: int = 0) -> None:
        super().__init__(f"{message} (column {column})" if column else message)
        self.column = column


@cache
def arities() -> dict[str, int]:
    """Return the functions that an expression may call, with their numbers of arguments."""
    table = {operation["name"]: operation["arity"] for operation in _core.operations()}
    table["clip"] = 3
    return table


@cache
def operation(name: str) -> Callable[..., Any]:
    """Return the function of a name: NumPy's if there is one, else the core's operation."""
    function: Callable[..., Any] | None = getattr(np, name, None)
    if function is None:
        function = elementary.operation(name)
    return function


# One step of the program that evaluates an expression on a stack: a number to push, the index of a
# variable to push, or an operation and its number of operands. The stack avoids recursion.
Step = float | int | tuple[str, int]


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression, callable as a function of its variables in order of appearance.

    Attributes
    ----------
    text : str
        The text as it was written.
    variables : tuple of str
        The names of the variables.
    steps : tuple
        The steps of the evaluation, in order; values are kept on a stack.

    Examples
    --------
    >>> from thalweg._formulas.expressions import parse
    >>> f = parse("(x - 1)**2 + y")
    >>> f.variables, float(f(3, 5))
    (('x', 'y'), 9.0)
    """

    text: str
    variables: tuple[str, ...]
    steps: tuple[Step, ...]

    @property
    def __signature__(self) -> inspect.Signature:
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        return inspect.Signature([inspect.Parameter(name, kind) for name in self.variables])

    def __call__(self, *values: Any) -> Any:
        """Evaluate at a point: a number, an array or a traced value for each variable."""
        if len(values) != len(self.variables):
            raise TypeError(
                f"expected {len(self.variables)} values ({', '.join(self.variables)}), "
                f"got {len(values)}"
            )
        stack: list[Any] = []
        # Undefined values become NaN or infinite, and the message of the descent reports them.
        with np.errstate(all="ignore"):
            for step in self.steps:
                if isinstance(step, float):
                    stack.append(step)
                elif isinstance(step, int):
                    stack.append(values[step])
                else:
                    name, count = step
                    arguments = stack[-count:]
                    del stack[-count:]
                    stack.append(operation(name)(*arguments))
        return stack.pop()


class _Reader:
    """Converts a syntax tree to steps."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.bytes = text.encode("utf-8", "surrogatepass")
        self.variables: dict[str, int] = {}
        self.steps: list[Step] = []

    def column(self, node: ast.AST) -> int:
        offset = getattr(node, "col_offset", None)  # in bytes of UTF-8
        return 0 if offset is None else len(self.bytes[:offset].decode(errors="replace")) + 1

    def quote(self, node: ast.AST) -> str:
        part = (ast.get_source_segment(self.text, node) or type(node).__name__).strip()
        return repr(part if len(part) <= 30 else part[:27] + "...")

    def refuse(self, node: ast.AST, *kinds: ast.AST) -> NoReturn:
        for kind in (*kinds, node):
            if type(kind) in REFUSED:
                raise ExpressionError(
                    f"cannot use {self.quote(node)}: {REFUSED[type(kind)]}", self.column(node)
                )
        raise ExpressionError(
            f"cannot use {self.quote(node)}: expected numbers, variables, + - * / ** // %, "
            "comparisons and functions",
            self.column(node),
        )

    def read(self, root: ast.expr) -> None:
        """Append the steps in the order of evaluation, operands before operations."""
        # An entry is a node to read, or steps to append once everything above it has been read.
        todo: list[tuple[ast.expr, int] | list[Step]] = [(root, 0)]
        while todo:
            entry = todo.pop()
            if isinstance(entry, list):
                self.steps += entry
                continue
            node, depth = entry
            if depth > MAX_DEPTH:
                raise ExpressionError(f"expected at most {MAX_DEPTH} levels, got more")
            children, steps = self.one(node)
            todo.append(steps)
            todo += [(child, depth + 1) for child in reversed(children)]

    def one(self, node: ast.expr) -> tuple[list[ast.expr], list[Step]]:  # noqa: RET503
        """Return the children of a node, and the steps that follow those of the children."""
        match node:
            case ast.Constant(value=value):
                return [], [self.number(node, value)]
            case ast.Name(id=name):
                return [], [self.name(node, name)]
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return [operand], []
            case ast.UnaryOp(op=op, operand=operand) if type(op) in OPERATORS:
                return [operand], [(OPERATORS[type(op)], 1)]
            case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
                return [left, right], [(OPERATORS[type(op)], 2)]
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in OPERATORS:
                return [left, right], [(OPERATORS[type(op)], 2)]
            case ast.Compare(ops=[_, _, *_]):
                raise ExpressionError(
                    f"cannot use {self.quote(node)}: write logical_and(a < b, b < c) for a < b < c",
                    self.column(node),
                )
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return arguments, self.call(node, name, arguments)
            case ast.Call(func=ast.Name(id=name)):
                raise ExpressionError(f"{name} takes positional arguments only", self.column(node))
            case ast.Call(func=function):
                self.refuse(function)
            case ast.BinOp(op=op) | ast.UnaryOp(op=op):
                self.refuse(node, op)
            case _:
                self.refuse(node)

    def number(self, node: ast.expr, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ExpressionError(
                f"expected a real number, got {self.quote(node)}", self.column(node)
            )
        try:
            return float(value)
        except OverflowError:
            raise ExpressionError(
                f"number too large: {self.quote(node)}", self.column(node)
            ) from None

    def name(self, node: ast.expr, name: str) -> Step:
        if name in CONSTANTS:
            return CONSTANTS[name]
        if ALIASES.get(name, name) in arities():
            raise ExpressionError(
                f"{name} is a function: write {name}(...) or give the variable another name",
                self.column(node),
            )
        if name.startswith("_"):
            self.refuse(node)
        return self.variables.setdefault(name, len(self.variables))

    def call(self, node: ast.expr, name: str, arguments: list[ast.expr]) -> list[Step]:
        known = ALIASES.get(name, name)
        if known not in arities():
            from difflib import get_close_matches

            hint = INSTEAD.get(name)
            near = get_close_matches(name, [*arities(), *ALIASES], n=1)
            hint = f"; write {hint}" if hint else f"; did you mean {near[0]}?" if near else ""
            raise ExpressionError(f"unknown function {name!r}{hint}", self.column(node))
        want, got = arities()[known], len(arguments)
        if known in FOLDED and got > want:
            # The arguments are on the stack; each step combines the upper two.
            return [(known, 2)] * (got - 1)
        if got != want:
            raise ExpressionError(
                f"{name} takes {want} argument{'s' if want > 1 else ''}, got {got}",
                self.column(node),
            )
        return [(known, want)]


def _tree(text: str) -> ast.expr:
    """Parse the text as a Python expression."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # doubtful spellings such as "1if" are errors here
            return ast.parse(text, mode="eval").body
    except SyntaxError as error:
        column = error.offset or 0
        shown = (error.msg or "invalid syntax").removesuffix(" (<unknown>, line 1)")
        raise ExpressionError(f"cannot read {_short(text)!r}: {shown}", column) from None
    except (RecursionError, MemoryError):
        raise ExpressionError(f"expected at most {MAX_DEPTH} levels, got more") from None
    except ValueError as error:  # null bytes
        raise ExpressionError(f"cannot read {_short(text)!r}: {error}") from None


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


def parse(text: str) -> Expression:
    """Parse an expression.

    Parameters
    ----------
    text : str
        The expression. It may contain numbers, variables, `+ - * / ** // %`, comparisons, `pi` and
        `e`, and calls of the core's operations by their NumPy names or by common names such as
        `abs`, `min`, `max`, `pow` and `asin`.

    Returns
    -------
    Expression
        A callable with its variables in order of first appearance.

    Raises
    ------
    ExpressionError
        If the text contains anything else, is longer than 10,000 characters, or is nested deeper
        than 1000 levels.

    Examples
    --------
    >>> from thalweg._formulas.expressions import parse
    >>> parse("__import__('os')")
    Traceback (most recent call last):
    ...
    thalweg._formulas.expressions.ExpressionError: unknown function '__import__' (column 1)
    """
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"expected at most {MAX_LENGTH} characters, got {len(text)}")
    # A quoted shell argument may have several lines. They are joined without changing columns.
    line = "".join(" " if c.isspace() else c for c in text)
    lead = len(line) - len(line.lstrip())
    if lead == len(line):
        raise ExpressionError("expected an expression, got an empty text")
    if "#" in line:
        raise ExpressionError("cannot use '#': comments are not allowed", line.index("#") + 1)
    try:
        reader = _Reader(line[lead:])
        reader.read(_tree(line[lead:]))
    except ExpressionError as error:
        if not (lead and error.column):
            raise
        message = str(error).removesuffix(f" (column {error.column})")
        raise ExpressionError(message, error.column + lead) from None
    return Expression(text, tuple(reader.variables), tuple(reader.steps))
