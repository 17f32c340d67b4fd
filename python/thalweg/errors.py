# SPDX-License-Identifier: BSD-3-Clause
"""What is raised where a function cannot be traced, and how its message finds the user's words.

The place is the innermost frame that is neither ours nor NumPy's nor SciPy's; the statement is read
from the source, where it can be had. What else goes wrong (a shape, an axis) is a ValueError,
TypeError or IndexError with NumPy's text.
"""

import ast
import linecache
import os
import sys
from functools import lru_cache
from types import FrameType, TracebackType
from typing import Any, NamedTuple

import numpy as np

__all__ = ["TraceError"]

LAST_RESORT = "As the last resort, trace=False calls the function as it is."
OBJECT_ARRAY = (
    "np.array of traced values is an object array, on which some functions fail: write np.stack."
)


class TraceError(TypeError):
    """A function does what cannot be recorded as an expression.

    Its message names the statement, the line in the user's file, and what to write instead.
    """


class Place(NamedTuple):
    """Where the user's code was: the frame, the node that ran, what holds that node."""

    frame: FrameType | None
    line: int = 0
    node: ast.AST | None = None
    parent: ast.AST | None = None

    @property
    def text(self) -> str:
        """The source of the node, else of its line, on one line."""
        if self.frame is None:
            return ""
        file = self.frame.f_code.co_filename
        found = None
        if self.node is not None:
            found = ast.get_source_segment("".join(linecache.getlines(file)), self.node)
        found = found or linecache.getline(file, self.line)
        return " ".join(found.split())

    def index_holds(self, kind: type) -> bool:
        """Tell whether the node is a[i] where i uses a variable of this type."""
        if self.frame is None or not isinstance(self.node, ast.Subscript):
            return False
        known = self.frame.f_globals | self.frame.f_locals
        names = (n.id for n in ast.walk(self.node.slice) if isinstance(n, ast.Name))
        return any(isinstance(known.get(name), kind) for name in names)

    def __str__(self) -> str:
        if self.frame is None:
            return ""
        code = self.frame.f_code
        return f' in {code.co_name} ("{code.co_filename}", line {self.line})'


# os.path, since pathlib takes longer to import than a descent.
_LIBRARIES = tuple(os.path.dirname(file) + os.sep for file in (__file__, np.__file__))  # noqa: PTH120


def _is_library(frame: FrameType) -> bool:
    file = frame.f_code.co_filename
    return (
        file.startswith((*_LIBRARIES, "<__array_function__", "<frozen"))
        or frame.f_globals.get("__name__", "").partition(".")[0] == "scipy"
    )


def _position(frame: FrameType, instruction: int) -> tuple[int | None, ...]:
    positions = list(frame.f_code.co_positions())
    return positions[instruction // 2] if 0 <= instruction // 2 < len(positions) else ()


@lru_cache(maxsize=4)
def _nodes(source: str) -> dict[tuple[Any, ...], tuple[ast.AST, ast.AST]]:
    """Return the nodes of a file and what holds them, by where they stand; the outer one of two."""
    found: dict[tuple[Any, ...], tuple[ast.AST, ast.AST]] = {}
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return found
    for parent in ast.walk(tree):
        for node in ast.iter_child_nodes(parent):
            if not isinstance(node, ast.Expr):
                names = ("lineno", "end_lineno", "col_offset", "end_col_offset")
                at = tuple(getattr(node, name, None) for name in names)
                found.setdefault(at, (node, parent))
    return found


def _find(frame: FrameType, line: int, instruction: int) -> Place:
    source = "".join(linecache.getlines(frame.f_code.co_filename, frame.f_globals))
    wanted = _position(frame, instruction)
    if source and len(wanted) == 4 and None not in wanted:
        known = _nodes(source).get(wanted)
        if known is not None:
            return Place(frame, line, *known)
    return Place(frame, line)


def here() -> Place:
    """Return the place in the user's code that is running now."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _is_library(frame):
        frame = frame.f_back
    return Place(None) if frame is None else _find(frame, frame.f_lineno, frame.f_lasti)


def place_of(trace: TracebackType | None) -> Place:
    """Return the place in the user's code that an exception left last."""
    found = Place(None)
    while trace is not None:
        if not _is_library(trace.tb_frame):
            found = _find(trace.tb_frame, trace.tb_lineno, trace.tb_lasti)
        trace = trace.tb_next
    return found


def cannot_trace(what: str, why: str, instead: str = "", place: Place | None = None) -> TraceError:
    """Make the error: what was written, why it cannot be, and, as a sentence, what to write."""
    place = here() if place is None else place
    return TraceError(
        " ".join(filter(None, [f"cannot trace {what}{place}: {why}", instead, LAST_RESORT]))
    )


# ---- what asks a traced value for a number or a truth value --------------------------------------

# Functions of `math` (and builtins) whose NumPy name is another.
_INSTEAD = {
    "acos": "np.arccos", "asin": "np.arcsin", "atan": "np.arctan", "atan2": "np.arctan2",
    "acosh": "np.arccosh", "asinh": "np.arcsinh", "atanh": "np.arctanh", "pow": "np.power",
    "fsum": "np.sum", "sum": "np.sum", "prod": "np.prod", "dist": "np.linalg.norm(p - q)",
    "lgamma": "scipy.special.gammaln", "erf": "scipy.special.erf", "erfc": "scipy.special.erfc",
    "max": "np.maximum (or np.max for one array)", "min": "np.minimum (or np.min for one array)",
    "any": "np.any", "all": "np.all", "int": "np.trunc", "round": "np.round",
    "trunc": "np.trunc", "bool": "a comparison, x != 0",
}  # fmt: skip


def _called(node: ast.AST | None) -> tuple[str, str]:
    """Return a called function's own name and the name before the dot."""
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute):
            owner = node.func.value
            return node.func.attr, owner.id if isinstance(owner, ast.Name) else ""
        if isinstance(node.func, ast.Name):
            return node.func.id, ""
    return "", ""


def _numpy_name(name: str) -> str:
    if name in _INSTEAD:
        return _INSTEAD[name]
    return f"np.{name}" if name and isinstance(getattr(np, name, None), np.ufunc) else ""


def no_truth_value() -> TraceError:
    """Make the error of `if x > 0` and its kin."""
    place = here()
    node, parent, text = place.node, place.parent, place.text
    why = "which way it goes depends on a traced value, that has no truth value yet."
    what, instead = (
        f"`{text}`" if text else "a truth value",
        ("Write np.where(condition, a, b), or np.maximum and np.minimum."),
    )
    name, owner = _called(node)
    if isinstance(node, ast.Compare) and len(node.ops) > 1:
        instead = "Write (a < x) & (x < b) for a < x < b."
    elif isinstance(node, ast.Call):
        better = _numpy_name(name)
        if owner in ("np", "numpy"):
            instead = OBJECT_ARRAY
        elif better:
            instead = f"Write {better} instead."
    elif isinstance(parent, ast.BoolOp) or isinstance(node, ast.BoolOp):
        instead = (
            "Write a & b for `a and b`, a | b for `a or b`, with parentheses around comparisons."
        )
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        instead = "Write ~a for `not a`."
    elif isinstance(parent, ast.While):
        what = f"`while {text}`"
        instead = "Write a `for` loop of a fixed number of turns, with np.where inside."
    elif isinstance(parent, ast.Assert):
        what, instead = f"`assert {text}`", "Leave it out."
    elif isinstance(parent, ast.If):
        what = f"`if {text}`"
    elif isinstance(parent, ast.IfExp):
        what = f"`... if {text} else ...`"
    elif isinstance(parent, ast.comprehension):
        instead = "Write np.where(condition, a, 0) instead of leaving elements out."
    elif isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In | ast.NotIn):
        instead = "Write np.any(a == b) for b in a."
    elif isinstance(node, ast.Compare):
        instead = OBJECT_ARRAY
    return cannot_trace(what, why, instead, place)


def no_number(kind: str) -> TraceError:
    """Make the error of math.exp(x), float(x), out[i] = x, range(x); kind is what Python wants."""
    place = here()
    node, text = place.node, place.text
    what = f"`{text}`" if text else f"{kind}(x)"
    article = "an" if kind[0] in "ai" else "a"
    why = f"it asks a traced value for {article} {kind}, that it does not have yet."
    name, owner = _called(node)
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
        what, why = f"`{text} = ...`", "a traced value cannot be stored in an array of numbers."
        instead = "Collect the parts and join them: np.stack([...]) or np.concatenate([...])."
    elif isinstance(node, ast.Subscript) or kind == "index":
        instead = "Indices, lengths and counts are numbers: np.where chooses between traced values."
    elif name in ("float", "complex") and not owner:
        instead = f"Leave {name}(...) out."
    elif owner not in ("np", "numpy") and _numpy_name(name):
        instead = f"Write {_numpy_name(name)} instead."
    elif name in ("array", "asarray", "full", "fromiter"):
        instead = "Write np.stack([...]) for an array of traced values, without dtype."
    elif owner in ("np", "numpy") and "array(" in text:
        instead = OBJECT_ARRAY
    else:
        instead = "Use NumPy's functions: np.exp for math.exp, np.stack to fill an array."
    return cannot_trace(what, why, instead, place)
