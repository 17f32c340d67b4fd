# SPDX-License-Identifier: BSD-3-Clause
"""Add an operation and a rule to a copy of the tree: `dummy.py COPY`.

`--operation` and `--rule` print their names. The operation touches ops.hpp alone: a struct, and its
name in the list. NumPy and mpmath know it by the same name, so that the tests can find its value;
the list does not have it. The rule is gradient descent under another name: a file, and a line of
all.hpp.
"""

import re
import sys
from pathlib import Path

OPERATION, RULE = "degrees", "dummy_descent"
STRUCT = """\
// degrees(a + u) = degrees(a) + u 180 / pi.
struct Degrees : Operation<1> {
  static constexpr auto name = "degrees";
  template <class T> static THALWEG_INLINE T value(T a) { return a * T(57.295779513082320877); }
  template <class T> static One<T> partials(T, T) { return {T(57.295779513082320877)}; }
};
"""
MODEL = ("gradient_descent", "GradientDescent")
COPY = (RULE, "DummyDescent")


def substitute(pattern: str, replacement: str, path: Path) -> None:
    """Replace what matches the pattern, which must be there once."""
    text, count = re.subn(pattern, lambda m: m.expand(replacement), path.read_text("utf-8"))
    if count != 1:
        sys.exit(f"{path} must match {pattern!r} once, got {count}; then mend .ci/dummy.py")
    path.write_text(text, "utf-8")


def rename(text: str) -> str:
    """Give the model's text the copy's names."""
    for old, new in zip(MODEL, COPY, strict=True):
        text = text.replace(old, new)
    return text


def add_operation(include: Path) -> None:
    """Put the struct at the end of namespace ops, its name at the head of the list."""
    ops = include / "ops.hpp"
    struct = STRUCT.replace("\\", "\\\\")
    substitute(r"(?m)^\}  // namespace ops$", struct + r"\g<0>", ops)
    substitute(r"using Operations = OperationList<", r"\g<0>ops::Degrees, ", ops)


def add_rule(include: Path) -> None:
    """Copy the model's file; follow the model wherever all.hpp names it."""
    rules = include / "rules"
    model = (rules / f"{MODEL[0]}.hpp").read_text("utf-8")
    (rules / f"{RULE}.hpp").write_text(rename(model), "utf-8")
    path = rules / "all.hpp"
    substitute(rf"(?m)^(#include .*){MODEL[0]}(.*)$", rf"\g<0>\n\g<1>{RULE}\g<2>", path)
    substitute(rf"((?:\w+::)*){MODEL[1]}\b", rf"\g<0>, \g<1>{COPY[1]}", path)


if sys.argv[1] == "--operation":
    print(OPERATION)
elif sys.argv[1] == "--rule":
    print(RULE)
else:
    add_operation(Path(sys.argv[1]) / "cpp/include/thalweg")
    add_rule(Path(sys.argv[1]) / "cpp/include/thalweg")
