# SPDX-License-Identifier: BSD-3-Clause
"""The rooms of the package: imports run one way, and what is not for users is private."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import thalweg as tw
from thalweg._attached import ATTACHED

HERE = Path(tw.__file__).resolve().parent

# A room imports from those before it; docs/architecture.md says what each is for.
ORDER = [
    "_core", "_version", "_attached", "schedules", "_tracing", "nn", "losses", "stats", "_methods",
    "_objectives", "_results", "_descents", "_parameters", "_fits", "_inference", "_together",
    "_files", "_distributed", "models", "xarray", "estimators", "_formulas", "gallery", "plot",
    "_config", "cli", "__init__",
]  # fmt: skip
# What users import; all else begins with an underscore.
PUBLIC = {
    "cli",
    "estimators",
    "gallery",
    "losses",
    "models",
    "nn",
    "plot",
    "schedules",
    "stats",
    "xarray",
}
# Rooms that begin at once because what they need is imported when it is first used.
LAZY = {"plot", "cli", "__init__", "_attached"}
OPTIONAL = {
    "scipy", "sympy", "matplotlib", "rich", "dask", "pandas", "IPython", "mpl_toolkits", "xarray",
    "sklearn",
}  # fmt: skip


class Import(NamedTuple):
    """One import of a module by another."""

    module: str
    line: int
    imported: str
    late: bool
    typing: bool

    def __str__(self) -> str:
        return f"{self.module}:{self.line} imports {self.imported}"


def modules() -> dict[str, Path]:
    """Every module of the package by its name within it."""
    found = {}
    for path in sorted(HERE.rglob("*.py")):
        if "examples" in path.parts:
            continue
        parts = path.relative_to(HERE).with_suffix("").parts
        found[".".join(parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()
TESTS = Path(__file__).parent
SOURCES = TESTS.parent
LISTS = {"ops.hpp"}


def imports(name: str) -> Iterator[Import]:
    """Every import of a module, within functions and for types too."""

    def walk(node: ast.AST, late: bool, typing: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            function = isinstance(child, ast.FunctionDef | ast.Lambda)
            types = isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"
            if isinstance(child, ast.ImportFrom) and child.module:
                for alias in child.names:
                    whole = f"{child.module}.{alias.name}".removeprefix("thalweg.")
                    inside = whole in MODULES or child.module == "thalweg"
                    imported = f"thalweg.{whole}" if inside else child.module
                    yield Import(name, child.lineno, imported, late, typing)
            elif isinstance(child, ast.Import):
                for alias in child.names:
                    yield Import(name, child.lineno, alias.name, late, typing)
            yield from walk(child, late or function, typing or types)

    yield from walk(ast.parse(MODULES[name].read_text("utf-8")), False, False)


def inside(found: Import) -> str | None:
    """The imported module of the package, by its name within it."""
    if not found.imported.startswith("thalweg."):
        return None
    name = found.imported.removeprefix("thalweg.")
    return name if name.partition(".")[0] in ORDER else None


def room(name: str) -> str:
    return name.partition(".")[0]


def test_every_room_has_its_place():
    assert {room(name) for name in MODULES} | {"_core"} == set(ORDER)
    assert {r for r in ORDER if not r.startswith("_")} == PUBLIC


@pytest.mark.parametrize("name", MODULES)
def test_imports_run_one_way(name):
    """Also those within functions and those for types, but for what `_attached` lists."""
    attached = {module.removeprefix("thalweg.") for module, _ in ATTACHED.values()}
    for found in imports(name):
        other = inside(found)
        if other is None or (found.typing and other in attached):
            continue
        assert ORDER.index(room(other)) <= ORDER.index(room(name)), str(found)


@pytest.mark.parametrize("name", MODULES)
def test_late_imports_are_of_what_is_optional(name):
    if room(name) in LAZY:
        return
    for found in imports(name):
        if found.late:
            first = found.imported.partition(".")[0]
            assert first in OPTIONAL | sys.stdlib_module_names, str(found)


def test_no_modules_import_one_another():
    """At run time: a cycle works only as long as nobody changes which end is imported first."""
    graph = {
        name: {inside(i) for i in imports(name) if not (i.late or i.typing)} - {None, name}
        for name in MODULES
        if name != "__init__"
    }
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join([*path[path.index(name) :], name])
        if name in done or name not in graph:
            return
        for other in graph[name]:
            visit(other, (*path, name))
        done.add(name)

    for name in graph:
        visit(name, ())


def test_dir_lists_what_is_public_and_nothing_else():
    assert dir(tw) == sorted(tw.__all__)
    for name in tw.__all__:
        assert getattr(tw, name) is not None
    hidden = [n for n in MODULES if "." not in n and n not in {*PUBLIC, "__init__"}]
    assert all(n.startswith("_") for n in hidden)


def test_no_folder_is_crowded():
    files = [p for part in ("tests", "benchmarks") for p in (SOURCES / part).rglob("*.py")]
    for folder in {path.parent for path in MODULES.values()} | {p.parent for p in files}:
        assert len(list(folder.glob("*.py"))) <= 25, folder


@pytest.mark.parametrize("method", ATTACHED)
def test_what_is_attached_is_there(method):
    module, name = ATTACHED[method]
    pytest.importorskip("matplotlib", reason="pictures need Matplotlib")
    assert callable(getattr(__import__(module, fromlist=[name]), name))


def test_no_signature_of_the_bridge_is_long():
    """Eight parameters at most: what belongs together is handed over as one object."""
    tree = ast.parse((HERE / "_core.pyi").read_text("utf-8"))
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
    assert len(functions) > 60
    for f in functions:
        names = [a.arg for a in (*f.args.posonlyargs, *f.args.args, *f.args.kwonlyargs)]
        assert len([n for n in names if n != "self"]) <= 8, f.name


# What ties the package together; this file and test_package.py test it.
TIES = {"_attached", "_config", "_version"}
TESTED = [n for n, path in MODULES.items() if path.stem != "__init__" and n not in TIES]


@pytest.mark.parametrize("name", TESTED)
def test_every_module_has_tests_of_its_name(name):
    """Whoever changes `_fits/squares.py` finds them in fits/test_squares.py."""
    first, _, module = name.rpartition(".")
    within = first.partition(".")[2]
    file = TESTS / room(first).removeprefix("_") / within / f"test_{module}.py"
    assert file.exists(), f"{name} has no {file.relative_to(TESTS)}"
    assert "def test_" in file.read_text("utf-8"), f"{file.relative_to(TESTS)} tests nothing"


def test_no_file_is_long():
    files = [p for room in ("cpp", "src") for p in (SOURCES / room).rglob("*.?pp")]
    assert len(files) > 100
    files += [p for room in ("tests", "benchmarks") for p in (SOURCES / room).rglob("*.py")]
    files += MODULES.values()
    long = {p.name for p in files if p.read_text("utf-8").count("\n") > 500}
    assert long <= LISTS


def test_no_function_of_the_core_is_long():
    """Sixty lines at most, counted from an opening brace to its own closing one."""
    for path in (p for room in ("cpp", "src") for p in (SOURCES / room).rglob("*.?pp")):
        text = re.sub(
            r'//[^\n]*|"(?:\\.|[^"\\])*"', lambda m: " " * len(m[0]), path.read_text("utf-8")
        )
        opened = []
        for i, c in enumerate(text):
            if c == "{":
                opened.append(i)
            elif c == "}":
                begin = opened.pop()
                lines = text.count("\n", begin, i) + 1
                head = re.split(r"[;{}]", text[max(0, begin - 600) : begin])[-1].strip()
                body = re.search(r"\)[\w\s:,<>&*()]*$", head) and not head.startswith("namespace")
                assert lines <= 60 or not body, (path.name, head[:80], lines)
