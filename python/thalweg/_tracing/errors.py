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
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from types import FrameType, TracebackType
from typing import Any, NamedTuple

import numpy as np

__all__ = ["TraceError"]

LAST_RESORT = "As the last resort, trace=False calls the function as it is."
OBJECT_ARRAY = (
    "np.array of traced values is an object array, on which some functions fail: write np.stack, "
    "and leave np.asarray(x) out, since a traced value is an array."
)


class TraceError(TypeError):
    """A function does what cannot be recorded as an expression.

    Its message names the statement, the line in the user's file, and what to write instead.
    """

    __module__ = "thalweg"  # as users import it, and as tracebacks show it


_refused: ContextVar[list[TraceError] | None] = ContextVar("refused", default=None)


@contextmanager
def refusals() -> Iterator[list[TraceError]]:
    """Collect the refusals made meanwhile, also those that somebody's `except` swallows."""
    made: list[TraceError] = []
    before = _refused.set(made)
    try:
        yield made
    finally:
        _refused.reset(before)


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
_OURS = os.path.dirname(os.path.dirname(__file__)) + os.sep  # noqa: PTH120
_NUMPY = os.path.dirname(np.__file__) + os.sep  # noqa: PTH120
_PYTHON = os.path.dirname(os.__file__) + os.sep  # noqa: PTH120
_MASKED = os.path.dirname(np.ma.__file__) + os.sep  # noqa: PTH120


def _is_library(frame: FrameType) -> bool:
    """Tell whether a frame is ours, NumPy's or SciPy's: never the user's."""
    file = frame.f_code.co_filename
    return (
        file.startswith((_OURS, _NUMPY, "<__array_function__", "<frozen"))
        or frame.f_globals.get("__name__", "").partition(".")[0] == "scipy"
    )


def _is_installed(frame: FrameType) -> bool:
    """Tell whether a frame is of an installed package or of Python's own library."""
    file = frame.f_code.co_filename
    return file.startswith(_PYTHON) or "site-packages" in file or "dist-packages" in file


def _users(frames: list[tuple[FrameType, int, int]]) -> Place:
    """Return the place of the innermost frame that is the user's, of frames from the outermost on.

    A traced function may itself be an installed package's: then the user is that package.
    """
    own = [f for f in frames if not _is_library(f[0])]
    if not own:
        return Place(None)
    home = own[0][0].f_globals.get("__name__", "").partition(".")[0]
    for frame, line, instruction in reversed(own):
        name = frame.f_globals.get("__name__", "").partition(".")[0]
        if not _is_installed(frame) or name == home:
            return _find(frame, line, instruction)
    return _find(*own[-1])


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
    frames = []
    while frame is not None:
        code = frame.f_code
        if code.co_name == "trace_call" and code.co_filename.startswith(_OURS):
            break
        frames.append((frame, frame.f_lineno, frame.f_lasti))
        frame = frame.f_back
    return _users(frames[::-1])


def place_of(trace: TracebackType | None) -> Place:
    """Return the place in the user's code that an exception left last."""
    return _users(_frames_of(trace))


def _frames_of(trace: TracebackType | None) -> list[tuple[FrameType, int, int]]:
    frames = []
    while trace is not None:
        frames.append((trace.tb_frame, trace.tb_lineno, trace.tb_lasti))
        trace = trace.tb_next
    return frames


def cannot_trace(what: str, why: str, instead: str = "", place: Place | None = None) -> TraceError:
    """Make the error: what was written, why it cannot be, and, as a sentence, what to write."""
    place = here() if place is None else place
    error = TraceError(
        " ".join(filter(None, [f"cannot trace {what}{place}: {why}", instead, LAST_RESORT]))
    )
    if (made := _refused.get()) is not None:
        made.append(error)
    return error


# ---- what is no real number ----------------------------------------------------------------------


def not_real(got: str) -> TypeError:
    """Make the error of strings, dates and objects where numbers are wanted."""
    place = here()
    what = f", in `{place.text}`" if place.text else ""
    return TypeError(f"wanted real numbers, got {got}{what}{place}")


def no_complex(dtype: np.dtype[np.generic]) -> TraceError:
    """Make the error of complex numbers."""
    place = here()
    what = f"`{place.text}`" if place.text else "complex numbers"
    why = f"wanted real numbers, got an array of {dtype}."
    return cannot_trace(what, why, "Write its real and imaginary parts apart.", place)


def no_masks(place: Place | None = None) -> TypeError:
    """Make the error of a masked array."""
    place = here() if place is None else place
    what = f" `{place.text}`" if place.text else ""
    return TypeError(
        f"cannot trace{what}{place}: a masked array cannot be traced. Leave masked values out "
        "before, y[~y.mask].data, or weigh them: np.where(y.mask, 0.0, residuals of y.data)."
    )


# ---- what other libraries make of a traced value -------------------------------------------------


def comes_of_masks(error: Exception) -> bool:
    """Tell whether NumPy's masked arrays raised it."""
    inner = _frames_of(error.__traceback__)[-1][0]
    return inner.f_code.co_filename.startswith(_MASKED)


def foreign(error: Exception, what: str, place: Place) -> TypeError | None:
    """Return the error that says so if a library or a compiled function took no traced value."""
    text = " ".join(str(error).split())
    told = f"({type(error).__name__}: {text:.200})"
    kind = type(error).__module__.partition(".")[0]
    if kind in ("numba", "ctypes", "_ctypes") or "argument type(s) pyobject" in text:
        if place.frame is not None and place.frame.f_globals.get("__name__", "")[:5] == "numba":
            place = Place(None)  # the function itself was compiled
        why = f"a compiled function got a traced value, and takes numbers alone {told}."
        instead = "Give the function before it was compiled (numba's `f.py_func`)."
        return cannot_trace(what if place.frame else "this function", why, instead, place)
    frames = [frame for frame, _, _ in _frames_of(error.__traceback__)]
    inner = frames[-1]
    if isinstance(error, RecursionError):  # a library that takes a traced value apart without end
        inner = next((f for f in frames if f is not place.frame and _is_installed(f)), inner)
    if "Tracer" in text or "Truth" in text:
        why = f"a function that is not known here got a traced value {told}."
        return cannot_trace(what, why, "Write it with NumPy's functions.", place)
    name = inner.f_globals.get("__name__", "").partition(".")[0]
    refusals: tuple[type[Exception], ...] = (TypeError, AttributeError, NotImplementedError)
    if name == "scipy":
        if "object" in text or "data types" in text:
            refusals += (ValueError,)
    elif inner is place.frame or _is_library(inner) or not _is_installed(inner):
        return None
    if isinstance(error, (*refusals, RecursionError)):
        why = f"{name} did not take a traced value {told}."
        instead = "Write it with NumPy's functions and arrays (A.toarray() of a sparse matrix)."
        return cannot_trace(what, why, instead, place)
    return None


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


# What a DataFrame or a Series has, and arrays have not.
_ATTRIBUTES = {
    "values": "It is an array already: leave `.values` out.",
    "to_numpy": "It is an array already: leave `.to_numpy()` out.",
    "iloc": "Write x[i]: it is an array.",
    "loc": "Write x[i]: it is an array.",
    "pow": "Write x**y.",
}


def instead_of_attribute(name: str) -> str:
    """Return what to write for a method that traced values lack, as a sentence."""
    function = getattr(np, name, None)
    if name not in _ATTRIBUTES and callable(function):
        return f"Write np.{name}(x) instead of x.{name}()."
    return _ATTRIBUTES.get(name, "")


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
