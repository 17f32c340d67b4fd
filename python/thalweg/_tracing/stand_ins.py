# SPDX-License-Identifier: BSD-3-Clause
"""Give a traced function forms of the library functions that NumPy does not dispatch.

`np.asarray(x, dtype=float)`, `scipy.special.logsumexp(x)` and their kin convert their arguments to
arrays of numbers before anybody is asked. A function is therefore called in a copy whose names for
NumPy, SciPy and these functions mean the forms below; NumPy and SciPy themselves stay as they are.
Functions of the same module that it calls are copied too.
"""

from __future__ import annotations

import dis
import functools
import sys
import weakref
from collections.abc import Callable
from types import (
    BuiltinFunctionType,
    CellType,
    CodeType,
    FunctionType,
    MethodType,
    ModuleType,
)
from typing import Any, TypeVar

from thalweg._tracing.errors import OURS, is_installed

F = TypeVar("F", bound=Callable[..., Any])

# The forms by the name of a module and of a function in it. A form is called with the function
# that it stands for and then with the arguments.
FORMS: dict[str, dict[str, Callable[..., Any]]] = {}
# Those that only say what to write instead.
REFUSED: set[Callable[..., Any]] = set()

_modules: dict[str, ModuleType] = {}
_functions: dict[int, tuple[Any, Any]] = {}  # what a name means, kept alive, and its stand-in

_originals: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()  # of copies

_FORMED: set[str] = set()  # the names of functions with a form
_WITHOUT: set[str] = set()  # modules in which nothing has a form

# The types of what may have a stand-in.
_LOOKED_AT = {ModuleType, FunctionType, MethodType, BuiltinFunctionType, functools.partial, type}
# What wraps an object of a class, by the name of the class.
_OBJECTS: dict[str, Callable[[Any], Any]] = {}
_MAKERS = ("scipy.", "uarray")  # the modules of these classes

# Code that reads its globals as a dict, or writes to them, keeps its own.
_READS_GLOBALS = {"globals", "eval", "exec", "locals", "vars"}


def stands_for(module: str, *names: str) -> Callable[[F], F]:
    """Register a form for functions of a module."""

    def enter(form: F) -> F:
        for name in names:
            FORMS.setdefault(module, {})[name] = form
            _FORMED.add(name)
        return form

    return enter


def wraps(wrapper: Callable[[Any], Any], *names: str) -> None:
    """Register what takes the place of objects of these classes of a library."""
    _OBJECTS.update(dict.fromkeys(names, wrapper))


def with_stand_ins(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a copy of a function whose names mean stand-ins, or itself if none is needed."""
    copy: Callable[..., Any] = _copied(function, {})
    return copy


def original_of(function: Any) -> Any:
    """Return the function that a copy was made of, or itself if it is none."""
    return _originals.get(function, function) if type(function) is FunctionType else function


def _copied(function: Any, known: dict[int, Any]) -> Any:
    if isinstance(function, MethodType):
        inner = _copied(function.__func__, known)
        return function if inner is function.__func__ else MethodType(inner, function.__self__)
    if isinstance(function, functools.partial):
        inner = function_of(function.func) or _copied(function.func, known)
        if inner is function.func:
            return function
        return functools.partial(inner, *function.args, **function.keywords)
    if type(function) is not FunctionType:
        return function
    if id(function) not in known:
        known[id(function)] = function  # what calls itself keeps the original there
        known[id(function)] = _copy(function, known)
    return known[id(function)]


def _copy(function: FunctionType, known: dict[int, Any]) -> FunctionType:
    used = _globals_of(function.__code__)
    if used is None:
        return function
    theirs, calls_forms = function.__globals__, _calls_forms(function.__code__)
    replaced = {}
    for name in used:
        value = theirs.get(name)
        kind = type(value)
        if (kind in _LOOKED_AT and (calls_forms or kind is not ModuleType)) or (
            kind.__name__ in _OBJECTS
        ):
            new = _stand_in(value, function, known)
            if new is not value:
                replaced[name] = new
    closure = function.__closure__
    if closure:
        cells = tuple([_cell(cell, function, known) for cell in closure])
        if not replaced and all(a is b for a, b in zip(cells, closure, strict=True)):
            return function
        closure = cells
    elif not replaced:
        return function
    own = {name: theirs[name] for name in used if name in theirs}
    own.update(replaced)
    own["__builtins__"] = theirs.get("__builtins__", __builtins__)
    own["__name__"] = theirs.get("__name__", "")
    made = FunctionType(function.__code__, own, function.__name__, function.__defaults__, closure)
    made.__kwdefaults__ = function.__kwdefaults__
    _originals[made] = function
    return made


@functools.lru_cache(maxsize=256)
def _globals_of(code: CodeType) -> tuple[str, ...] | None:
    """Return the globals that code and the functions in it read; None if it needs them all."""
    names: set[str] = set()
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("STORE_GLOBAL", "DELETE_GLOBAL"):
            return None
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            names.add(instruction.argval)
    for part in code.co_consts:
        if isinstance(part, CodeType):
            inner = _globals_of(part)
            if inner is None:
                return None
            names.update(inner)
    return None if names & _READS_GLOBALS else tuple(names)


@functools.lru_cache(maxsize=256)
def _calls_forms(code: CodeType) -> bool:
    """Whether code, or a function in it, uses a name of a function that has a form."""
    return not _FORMED.isdisjoint(code.co_names) or any(
        _calls_forms(part) for part in code.co_consts if isinstance(part, CodeType)
    )


def _cell(cell: CellType, owner: FunctionType, known: dict[int, Any]) -> CellType:
    try:
        value = cell.cell_contents
    except ValueError:  # an empty cell
        return cell
    new = _stand_in(value, owner, known)
    return cell if new is value else CellType(new)


def _stand_in(value: Any, owner: FunctionType, known: dict[int, Any]) -> Any:
    """Return what a name of the user's function means in its copy."""
    kind = type(value)
    if kind is ModuleType:
        return module_of(value)
    if kind is FunctionType:
        found = function_of(value)
        if found is not None:
            return found
        same = value.__globals__ is owner.__globals__
        return _copied(value, known) if same or _is_users(value.__code__.co_filename) else value
    if kind is MethodType or kind is functools.partial:
        return _copied(value, known)
    if kind is BuiltinFunctionType or kind is type:
        return function_of(value) or value
    if kind.__name__ in _OBJECTS and kind.__module__.startswith(_MAKERS):
        return _OBJECTS[kind.__name__](value)
    return value


@functools.lru_cache(maxsize=256)
def _is_users(file: str) -> bool:
    return not is_installed(file) and not file.startswith(OURS)


def function_of(value: Any) -> Any:
    """Return the stand-in of a function of a library, or None if it has none."""
    found = _functions.get(id(value))
    if found is None and getattr(value, "__name__", "") in _FORMED:
        for name in FORMS:
            if name in sys.modules and name not in _modules:
                module_of(sys.modules[name])
        found = _functions.get(id(value))
    return None if found is None else found[1]


def module_of(module: ModuleType) -> ModuleType:
    """Return the stand-in of a module, or itself if nothing in it has a form."""
    name = module.__name__
    stand_in = _modules.get(name)
    if stand_in is not None or name in _WITHOUT:
        return stand_in or module
    if not any(known == name or known.startswith(name + ".") for known in FORMS):
        _WITHOUT.add(name)
        return module
    stand_in = _modules[name] = ModuleType(name, module.__doc__)
    stand_in.__dict__.update(module.__dict__)
    stand_in.__dict__["__getattr__"] = functools.partial(_attribute, module)
    for attribute, form in FORMS.get(name, {}).items():
        original = getattr(module, attribute, None)
        if original is not None:
            bound = functools.partial(form, original)
            functools.update_wrapper(bound, original)
            _functions[id(original)] = original, bound
            setattr(stand_in, attribute, bound)
    for attribute, value in module.__dict__.copy().items():
        if isinstance(value, ModuleType) and value.__name__.startswith(name + "."):
            setattr(stand_in, attribute, module_of(value))
    return stand_in


def _attribute(module: ModuleType, name: str) -> Any:
    """Look up what a module imports when it is first asked for."""
    value = getattr(module, name)
    return module_of(value) if isinstance(value, ModuleType) else value
