# SPDX-License-Identifier: BSD-3-Clause
"""Check that _core.pyi and the compiled module have the same public names, members included.

Names, and not the text that pybind11-stubgen writes: that changes with its version and pybind11's.
To write the stub anew: `pybind11-stubgen thalweg._core --output-dir python`, then `ruff format`.
"""

import ast
import sys
from pathlib import Path

import thalweg._core as core


def stub_names(body: list[ast.stmt], prefix: str = "") -> set[str]:
    """Names that a stub declares; a class's members as `Class.member`."""
    names = set()
    for node in body:
        if getattr(node, "name", "").startswith("_"):
            continue  # special methods, and types that only the stub has
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(prefix + node.name)
        if isinstance(node, ast.ClassDef):
            names |= stub_names(node.body, f"{prefix}{node.name}.")
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(prefix + node.target.id)
        if isinstance(node, ast.Assign):
            names |= {prefix + t.id for t in node.targets if isinstance(t, ast.Name)}
    return {n for n in names if not n.rpartition(".")[2].startswith("_")}


def module_names(namespace: dict[str, object], prefix: str = "") -> set[str]:
    """Names that the module defines, in the same spelling; what it imported is left out."""
    names = set()
    for name, value in namespace.items():
        if name.startswith("_") or isinstance(value, type(ast)):
            continue
        names.add(prefix + name)
        if isinstance(value, type) and value.__module__ == core.__name__:
            names |= module_names(vars(value), f"{prefix}{name}.")
    return names


stub = Path(core.__file__).parent / "_core.pyi"
declared = stub_names(ast.parse(stub.read_text("utf-8")).body)
defined = module_names(vars(core))
if missing := sorted(defined - declared):
    print("in the module, not in _core.pyi:", *missing)
if stale := sorted(declared - defined):
    print("in _core.pyi, not in the module:", *stale)
sys.exit(1 if missing or stale else 0)
