# SPDX-License-Identifier: BSD-3-Clause
"""Add an operation, a rule, a solver and a line search to a copy of the tree: `dummy.py COPY`.

`--names` prints their names. The operation touches ops.hpp alone: a struct, and its name in the
list. NumPy and mpmath know it by the same name, so that the tests can find its value; the list does
not have it. The rule is gradient descent, the solver conjugate gradients under another name: a file
each, and a line of all.hpp. The line search is a file, and the solver that searches by it.
"""

import re
import sys
from pathlib import Path

OPERATION, RULE, SOLVER, SEARCH = "degrees", "dummy_descent", "dummy_cg", "dummy_zhang"
STRUCT = """\
// degrees(a + u) = degrees(a) + u 180 / pi.
struct Degrees : Operation<1> {
  static constexpr auto name = "degrees";
  template <class T> static THALWEG_INLINE T value(T a) { return a * T(57.295779513082320877); }
  template <class T> static One<T> partials(T, T) { return {T(57.295779513082320877)}; }
};
"""


def substitute(pattern: str, replacement: str, path: Path) -> None:
    """Replace what matches the pattern, which must be there once."""
    text, count = re.subn(pattern, lambda m: m.expand(replacement), path.read_text("utf-8"))
    if count != 1:
        sys.exit(f"{path} must match {pattern!r} once, got {count}; then mend .ci/dummy.py")
    path.write_text(text, "utf-8")


def class_name(name: str) -> str:
    """The class that a file of this name holds."""
    return "".join(part.upper() if part == "cg" else part.capitalize() for part in name.split("_"))


def rename(text: str, **names: str) -> str:
    """Give a model's text the copy's names."""
    for old, new in names.items():
        for a, b in ((old, new), (class_name(old), class_name(new))):
            text = re.sub(rf"\b{a}\b", b, text)
    return text


def add_operation(include: Path) -> None:
    """Put the struct at the end of namespace ops, its name at the head of the list."""
    ops = include / "ops.hpp"
    struct = STRUCT.replace("\\", "\\\\")
    substitute(r"(?m)^\}  // namespace ops$", struct + r"\g<0>", ops)
    substitute(r"using Operations = OperationList<", r"\g<0>ops::Degrees, ", ops)


def add_method(folder: Path, model: str, copy: str, **names: str) -> None:
    """Copy the model's file; follow the model wherever all.hpp names it."""
    text = (folder / f"{model}.hpp").read_text("utf-8")
    (folder / f"{copy}.hpp").write_text(rename(text, **{model: copy}, **names), "utf-8")
    path = folder / "all.hpp"
    substitute(rf"(?m)^(#include .*/){model}(\..*)$", rf"\g<0>\n\g<1>{copy}\g<2>", path)
    substitute(rf"((?:\w+::)+){class_name(model)}\b", rf"\g<0>, \g<1>{class_name(copy)}", path)


def add_search(folder: Path) -> None:
    """Copy a line search; it stands in no list."""
    text = (folder / "strong_wolfe.hpp").read_text("utf-8")
    (folder / f"{SEARCH}.hpp").write_text(rename(text, strong_wolfe=SEARCH), "utf-8")


if sys.argv[1] == "--names":
    print(OPERATION, RULE, SOLVER)
else:
    include = Path(sys.argv[1]) / "cpp/include/thalweg"
    add_operation(include)
    add_method(include / "rules", "gradient_descent", RULE)
    add_search(include / "line_searches")
    add_method(include / "solvers", "cg", SOLVER, strong_wolfe=SEARCH)
