# SPDX-License-Identifier: BSD-3-Clause
"""Raise `TraceError` if a function cannot be traced, and quote the user's statement in its message.

The statement is found in the innermost frame that belongs neither to this package nor to NumPy or
SciPy, and is read from the source if that is available. Other mistakes, such as a wrong shape or
axis, raise ValueError, TypeError or IndexError with NumPy's text.
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

LAST_RESORT = "As a last resort, trace=False calls the function without tracing."
OBJECT_ARRAY = (
    "np.array makes an object array of traced values, which some functions do not support: write "
    "np.stack instead, and leave out np.asarray(x), because a traced value is already an array."
)


class TraceError(TypeError):
    """Raised if a function does something that cannot be recorded as an expression.

    The message names the statement, the line in the user's file, and what to write instead.
    """

    __module__ = "thalweg"  # the name under which users import it and tracebacks show it


_refused: ContextVar[list[TraceError] | None] = ContextVar("refused", default=None)


@contextmanager
def refusals() -> Iterator[list[TraceError]]:
    """Collect the trace errors of a block, including those that the user's `except` catches."""
    collected: list[TraceError] = []
    before = _refused.set(collected)
    try:
        yield collected
    finally:
        _refused.reset(before)


class Place(NamedTuple):
    """A place in the user's code: the frame, the syntax node that ran, and its parent node."""

    frame: FrameType | None
    line: int = 0
    node: ast.AST | None = None
    parent: ast.AST | None = None

    @property
    def text(self) -> str:
        """The source of the node, or else of its line, joined into one line."""
        if self.frame is None:
            return ""
        file = self.frame.f_code.co_filename
        found = None
        if self.node is not None:
            found = ast.get_source_segment("".join(linecache.getlines(file)), self.node)
        found = found or linecache.getline(file, self.line)
        return " ".join(found.split())

    def index_holds(self, kind: type) -> bool:
        """Whether the node is a[i] and i uses a variable of this type."""
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


# os.path is used because importing pathlib takes longer than a descent.
OURS = os.path.dirname(os.path.dirname(__file__)) + os.sep  # noqa: PTH120
_NUMPY = os.path.dirname(np.__file__) + os.sep  # noqa: PTH120
_PYTHON = os.path.dirname(os.__file__) + os.sep  # noqa: PTH120
_MASKED = os.path.dirname(np.ma.__file__) + os.sep  # noqa: PTH120


def _is_library(frame: FrameType) -> bool:
    """Whether a frame belongs to this package, NumPy or SciPy, and so never to the user."""
    file = frame.f_code.co_filename
    return (
        file.startswith((OURS, _NUMPY, "<__array_function__", "<frozen"))
        or frame.f_globals.get("__name__", "").partition(".")[0] == "scipy"
    )


def is_installed(file: str) -> bool:
    """Whether a file belongs to an installed package or to Python's standard library."""
    return file.startswith(_PYTHON) or "site-packages" in file or "dist-packages" in file


def _users(frames: list[tuple[FrameType, int, int]]) -> Place:
    """Return the place in the innermost frame of the user; frames begin with the outermost.

    If the traced function belongs to an installed package, that package is the user.
    """
    own = [f for f in frames if not _is_library(f[0])]
    if not own:
        return Place(None)
    home = own[0][0].f_globals.get("__name__", "").partition(".")[0]
    for frame, line, instruction in reversed(own):
        name = frame.f_globals.get("__name__", "").partition(".")[0]
        if not is_installed(frame.f_code.co_filename) or name == home:
            return _find(frame, line, instruction)
    return _find(*own[-1])


def _position(frame: FrameType, instruction: int) -> tuple[int | None, ...]:
    positions = list(frame.f_code.co_positions())
    return positions[instruction // 2] if 0 <= instruction // 2 < len(positions) else ()


@lru_cache(maxsize=4)
def _nodes(source: str) -> dict[tuple[Any, ...], tuple[ast.AST, ast.AST]]:
    """Return the syntax nodes of a file and their parents, by position in the source.

    If two nodes have the same position, the outer one is returned.
    """
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
        if code.co_name == "trace_call" and code.co_filename.startswith(OURS):
            break
        frames.append((frame, frame.f_lineno, frame.f_lasti))
        frame = frame.f_back
    return _users(frames[::-1])


def place_of(trace: TracebackType | None) -> Place:
    """Return the place in the user's code where an exception was raised."""
    return _users(_frames_of(trace))


def _frames_of(trace: TracebackType | None) -> list[tuple[FrameType, int, int]]:
    frames = []
    while trace is not None:
        frames.append((trace.tb_frame, trace.tb_lineno, trace.tb_lasti))
        trace = trace.tb_next
    return frames


# The distributions of tw.stats, for advice.
DISTRIBUTIONS = frozenset(
    {
        *("beta", "binom", "cauchy", "chi2", "expon", "f", "gamma", "gumbel_r", "halfnorm"),
        *("invgamma", "laplace", "logistic", "lognorm", "nbinom", "norm", "pareto", "poisson"),
        *("multivariate_normal", "rayleigh", "t", "uniform", "vonmises", "weibull_min"),
    }
)


def _distribution() -> str:
    """Return the distribution of scipy.stats that is running, and its method."""
    frame: FrameType | None = sys._getframe(1)
    found = ""
    while frame is not None:
        code = frame.f_code
        if code.co_name == "trace_call" and code.co_filename.startswith(OURS):
            break
        if f"scipy{os.sep}stats" in code.co_filename and not code.co_name.startswith("_"):
            owner = frame.f_locals.get("self")
            name = getattr(getattr(owner, "dist", owner), "name", None)
            found = f"{name}.{code.co_name}" if isinstance(name, str) else found
        frame = frame.f_back
    return found


def cannot_trace(what: str, why: str, instead: str = "", place: Place | None = None) -> TraceError:
    """Build the error from what was written, why it fails, and a sentence on what to write."""
    if distribution := _distribution():
        ours = distribution.partition(".")[0] in DISTRIBUTIONS
        what, why = f"scipy.stats.{distribution}", "it checks the numbers that it is given."
        instead = f"Write tw.stats.{distribution} instead." if ours else "Write the formula out."
    place = here() if place is None else place
    error = TraceError(
        " ".join(filter(None, [f"cannot trace {what}{place}: {why}", instead, LAST_RESORT]))
    )
    if (collected := _refused.get()) is not None:
        collected.append(error)
    return error


# ---- values that are not real numbers ------------------------------------------------------------


def not_real(got: str) -> TypeError:
    """Build the error for strings, dates and objects in place of numbers."""
    place = here()
    what = f", in `{place.text}`" if place.text else ""
    return TypeError(f"expected real numbers, got {got}{what}{place}")


def no_complex(dtype: np.dtype[np.generic]) -> TraceError:
    """Build the error for complex numbers."""
    place = here()
    what = f"`{place.text}`" if place.text else "complex numbers"
    why = f"expected real numbers, got an array of {dtype}."
    return cannot_trace(what, why, "Return z.real, z.imag or abs(z), or a sum of abs(z)**2.", place)


def no_masks(place: Place | None = None) -> TypeError:
    """Build the error for a masked array."""
    place = here() if place is None else place
    what = f" `{place.text}`" if place.text else ""
    return TypeError(
        f"cannot trace{what}{place}: a masked array cannot be traced. Remove masked values first "
        "with y[~y.mask].data, or give them no weight: np.where(y.mask, 0.0, residuals of y.data)."
    )


# ---- traced values in other libraries ------------------------------------------------------------


def comes_of_masks(error: Exception) -> bool:
    """Whether an error was raised by NumPy's masked arrays."""
    inner = _frames_of(error.__traceback__)[-1][0]
    return inner.f_code.co_filename.startswith(_MASKED)


def foreign(error: Exception, what: str, place: Place) -> TypeError | None:
    """Return a clear error if a library or a compiled function rejected a traced value."""
    text = " ".join(str(error).split())
    quoted = f"({type(error).__name__}: {text:.200})"
    kind = type(error).__module__.partition(".")[0]
    if kind in ("numba", "ctypes", "_ctypes") or "argument type(s) pyobject" in text:
        if place.frame is not None and place.frame.f_globals.get("__name__", "")[:5] == "numba":
            place = Place(None)  # the function itself was compiled
        why = f"a compiled function accepts only numbers, but got a traced value {quoted}."
        instead = "Pass the function before compilation (numba's `f.py_func`), or use tw.call."
        return cannot_trace(what if place.frame else "this function", why, instead, place)
    frames = [frame for frame, _, _ in _frames_of(error.__traceback__)]
    inner = frames[-1]
    if isinstance(error, RecursionError):  # a library iterates over a traced value endlessly
        inner = next(
            (f for f in frames if f is not place.frame and is_installed(f.f_code.co_filename)),
            inner,
        )
    if "Tracer" in text or "Truth" in text:
        why = f"an unknown function got a traced value {quoted}."
        return cannot_trace(what, why, "Write it with NumPy's functions.", place)
    name = inner.f_globals.get("__name__", "").partition(".")[0]
    refusals: tuple[type[Exception], ...] = (TypeError, AttributeError, NotImplementedError)
    if name == "scipy":
        words = ("object", "data type", "dtype")
        if any(word in text for word in words) or _holds_traced(inner):
            refusals += (ValueError, RuntimeError)
    elif inner is place.frame or _is_library(inner) or not is_installed(inner.f_code.co_filename):
        return None
    elif _holds_traced(inner):
        refusals += (ValueError, RuntimeError)
    if isinstance(error, (*refusals, RecursionError)):
        why = f"{name} does not accept a traced value {quoted}."
        instead = (
            "Write it with NumPy's functions and arrays (A.toarray() for a sparse matrix A), or "
            "use tw.call."
        )
        return cannot_trace(what, why, instead, place)
    return None


def _holds_traced(frame: FrameType) -> bool:
    """Whether a local variable of a function is a traced value, or an array of objects with one."""
    return any(
        type(v).__name__ in ("Tracer", "Truth", "Complex") and hasattr(v, "trace")
        for value in frame.f_locals.values()
        for v in (value.ravel()[:1] if _is_objects(value) else (value,))
    )


def _is_objects(value: object) -> bool:
    return isinstance(value, np.ndarray) and value.dtype == object


# ---- code that needs the number or truth value of a traced value ---------------------------------

# Functions of `math`, and builtins, that have another name in NumPy.
_INSTEAD = {
    "acos": "np.arccos", "asin": "np.arcsin", "atan": "np.arctan", "atan2": "np.arctan2",
    "acosh": "np.arccosh", "asinh": "np.arcsinh", "atanh": "np.arctanh", "pow": "np.power",
    "fsum": "np.sum", "sum": "np.sum", "prod": "np.prod", "dist": "np.linalg.norm(p - q)",
    "lgamma": "scipy.special.gammaln", "erf": "scipy.special.erf", "erfc": "scipy.special.erfc",
    "max": "np.maximum (or np.max for one array)", "min": "np.minimum (or np.min for one array)",
    "any": "np.any", "all": "np.all", "int": "np.trunc", "round": "np.round",
    "trunc": "np.trunc", "bool": "a comparison, x != 0",
}  # fmt: skip


# Attributes that a DataFrame or a Series has, but an array does not.
_ATTRIBUTES = {
    "values": "It is already an array: leave out `.values`.",
    "to_numpy": "It is already an array: leave out `.to_numpy()`.",
    "iloc": "It is an array: write x[i].",
    "loc": "It is an array: write x[i].",
    "pow": "Write x**y.",
}


def instead_of_attribute(name: str) -> str:
    """Return a sentence on what to write for an attribute that traced values do not have."""
    function = getattr(np, name, None)
    if name not in _ATTRIBUTES and callable(function):
        return f"Write np.{name}(x) instead of x.{name}()."
    return _ATTRIBUTES.get(name, "")


def _called(node: ast.AST | None) -> tuple[str, str]:
    """Return the name of a called function and the name before its dot."""
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
    """Build the error for `if x > 0` and similar code that needs a truth value."""
    place = here()
    node, parent, text = place.node, place.parent, place.text
    why = "needs a truth value, but a traced value has none yet."
    what = f"`{text}`" if text else "a truth value"
    instead = "Write np.where(condition, a, b), or use np.maximum and np.minimum."
    name, owner = _called(node)
    if isinstance(node, ast.Compare) and len(node.ops) > 1:
        instead = "Write (a < x) & (x < b) instead of a < x < b."
    elif isinstance(node, ast.Call):
        better = _numpy_name(name)
        if owner in ("np", "numpy"):
            instead = OBJECT_ARRAY
        elif better:
            instead = f"Write {better} instead."
    elif isinstance(parent, ast.BoolOp) or isinstance(node, ast.BoolOp):
        instead = (
            "Write a & b instead of `a and b`, a | b instead of `a or b`, with parentheses around "
            "comparisons."
        )
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        instead = "Write ~a instead of `not a`."
    elif isinstance(parent, ast.While):
        what = f"`while {text}`"
        instead = "Write a `for` loop with a fixed number of iterations and np.where inside."
    elif isinstance(parent, ast.Assert):
        what, instead = f"`assert {text}`", "Leave it out."
    elif isinstance(parent, ast.If):
        what = f"`if {text}`"
    elif isinstance(parent, ast.IfExp):
        what = f"`... if {text} else ...`"
    elif isinstance(parent, ast.comprehension):
        instead = "Write np.where(condition, a, 0) instead of leaving out elements."
    elif isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In | ast.NotIn):
        instead = "Write np.any(a == b) instead of `b in a`."
    elif isinstance(node, ast.Compare):
        instead = OBJECT_ARRAY
    return cannot_trace(what, why, instead, place)


def no_number(kind: str) -> TraceError:
    """Build the error for math.exp(x), float(x), out[i] = x or range(x).

    `kind` is the type that Python needs.
    """
    place = here()
    node, text = place.node, place.text
    what = f"`{text}`" if text else f"{kind}(x)"
    need = "an index" if kind == "index" else "a symbol" if kind == "symbol" else "a number"
    why = f"needs {need}, but a traced value has none yet."
    name, owner = _called(node)
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
        what, why = f"`{text} = ...`", "a traced value cannot be stored in an array of numbers."
        instead = "Collect the parts and join them with np.stack([...]) or np.concatenate([...])."
    elif isinstance(node, ast.Subscript) or kind == "index":
        instead = (
            "Indices, lengths and counts must be numbers; np.where selects between traced values."
        )
    elif name == "complex" and not owner:
        instead = "Write a + 1j * b."
    elif name == "float" and not owner:
        instead = "Leave out float(...)."
    elif owner not in ("np", "numpy") and _numpy_name(name):
        instead = f"Write {_numpy_name(name)} instead."
    elif name in ("array", "asarray", "full", "fromiter"):
        instead = "Write np.stack([...]) without dtype to make an array of traced values."
    elif owner in ("np", "numpy") and "array(" in text:
        instead = OBJECT_ARRAY
    else:
        instead = "Use NumPy's functions: np.exp instead of math.exp, np.stack to fill an array."
    return cannot_trace(what, why, instead, place)
