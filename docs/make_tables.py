# SPDX-License-Identifier: BSD-3-Clause
"""Write the tables of docs/api.md from the package's own lists: `python docs/make_tables.py`.

A table stands between `<!-- table: NAME -->` and `<!-- end -->`. With `--check` nothing is written:
the exit status is 1 where a table is not what the lists say, and standard error names it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from math import inf
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np

import thalweg as tw
from thalweg import _core
from thalweg._formulas import expressions
from thalweg._methods.method import make
from thalweg._methods.stopping import FOREVER, defaults
from thalweg._results.reasons import STATUS_MINIMIZE, SUCCESS
from thalweg._tracing import registry, ufuncs
from thalweg._tracing.tracer import Tracer

PAGE = Path(__file__).with_name("api.md")
REGION = re.compile(r"(<!-- table: (\w+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)

# Operations that derivatives alone use: SciPy's function of that name is no ufunc.
DERIVATIVES_ONLY = ("polygamma",)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows as Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cells) + " |\n" for cells in lines)


def number(value: float) -> str:
    """Write a number as short as it is exact."""
    if value in (inf, -inf):
        return "∞" if value > 0 else "−∞"
    return f"{value:g}".replace("-", "−")


def interval(low: float, high: float, low_open: bool, high_open: bool) -> str:
    """Write a domain, with its open and closed ends; infinite ends are in it."""
    if (low, high) == (-inf, inf):
        return "all"
    if high == inf:
        return f"{'>' if low_open else '≥'} {number(low)}"
    return f"{'(' if low_open else '['}{number(low)}, {number(high)}{')' if high_open else ']'}"


def written(name: str) -> str:
    """How a user writes an operation."""
    if hasattr(np, name):
        return f"`np.{name}`"
    if name in DERIVATIVES_ONLY:
        return "in derivatives; on the command line"
    return f"`scipy.special.{name}`"


def operations() -> str:
    """Every elementary operation with its domain."""
    rows = []
    for o in _core.operations():
        domains = [interval(*d) for d in o["domain"]]
        domain = "all" if set(domains) == {"all"} else "; ".join(domains)
        kind = "truth value" if o["boolean"] else ""
        rows.append((f"`{o['name']}`", written(o["name"]), str(o["arity"]), domain, kind))
    return table(("operation", "written", "arguments", "domain", ""), rows)


def prefix(name: str) -> str:
    """Return the module where a ufunc is found."""
    return f"np.{name}" if hasattr(np, name) else f"scipy.special.{name}"


def names(found: Iterable[str]) -> str:
    """Names in a paragraph."""
    return fill(", ".join(f"`{n}`" for n in sorted(found)) + ".", 110, break_on_hyphens=False)


def composed() -> str:
    """Ufuncs made of several operations, and the ufuncs' own methods."""
    methods = {
        f"np.{name}.{method}" if name else f"np.<ufunc>.{method}" for name, method in ufuncs.METHODS
    }
    of_ufuncs = names(prefix(n) for n in ufuncs.COMPOSED)
    return f"{of_ufuncs}\n\nMethods of ufuncs: {names(methods)}\n"


GROUPS = {
    "elements": "elements and sums",
    "products": "products",
    "einsum": "products",
    "shaping": "shape and order",
    "joining": "joining and cutting",
}


def functions() -> str:
    """NumPy's functions that have a traced form, and the methods of the same names."""
    groups: dict[str, set[str]] = {}
    for function, handler in registry.FUNCTIONS.items():
        group = GROUPS.get(handler.__module__.rpartition(".")[2], "others")
        groups.setdefault(group, set()).add(registry.name_of(function))
    methods = {n for n in dir(Tracer) if not n.startswith("_") and hasattr(np.ndarray, n)}
    methods.remove("trace")  # a traced value's own: np.trace(x) is
    rows = [(group, names(found).replace("\n", " ")) for group, found in sorted(groups.items())]
    rows.append(("methods and attributes of a traced value", names(methods).replace("\n", " ")))
    return table(("", "traced"), rows)


def methods() -> str:
    """Every rule with its hyper-parameters."""
    return hyper_parameters(_core.methods())


def solvers() -> str:
    """Every solver with its hyper-parameters."""
    return hyper_parameters(_core.solvers())


def hyper_parameters(described: list[dict[str, Any]]) -> str:
    """One row a hyper-parameter, the method named in its first."""
    rows = []
    for m in described:
        if not m["hyper"]:
            rows.append((f"`{m['name']}`", f"`tw.{m['class_name']}`", "", "", ""))
        for k, (name, default, meaning, *_) in enumerate(m["hyper"]):
            who = (f"`{m['name']}`", f"`tw.{m['class_name']}`") if k == 0 else ("", "")
            shown = "required" if default is None else f"{default:g}"
            rows.append((*who, f"`{name}`", shown, meaning))
    return table(("method", "class", "hyper-parameter", "default", "meaning"), rows)


def options() -> str:
    """What every method does to the gradient first, if asked."""
    return table(("option", "what"), [(f"`{o[0]}`", o[2]) for o in _core.options()])


def sources() -> str:
    """Where each method comes from."""
    every = [*_core.methods(), *_core.solvers()]
    return "".join(f"* {m['summary']} {m['source']}\n" for m in every).replace("``", "`")


TESTS = {
    "gtol": ("`gradient_small`", "‖projected gradient‖∞ <= gtol min(1, the largest met)"),
    "xtol": ("`step_small`", "‖Δx‖∞ <= xtol (1 + ‖x‖∞)"),
    "ftol": ("`value_settled`", "\\|f_k − f_{k+1}\\| <= ftol max(\\|f_k\\|, \\|f_{k+1}\\|, 1)"),
    "max_iter": ("`max_iterations`", "iterations >= max_iter"),
    "max_nfev": ("`max_evaluations`", "evaluations >= max_nfev; value and gradient count once"),
    "max_time": ("`max_time`", "seconds >= max_time"),
}


def stopping() -> str:
    """The stopping tests with their defaults."""
    rows = []
    kinds = [defaults(make("gradient_descent", {"learning_rate": 1})), defaults(make("lbfgs", {}))]
    for name in kinds[0]:
        shown = ["none" if d[name] in (FOREVER, inf) else f"{d[name]:g}" for d in kinds]
        rows.append((f"`{name}`", TESTS[name][1], *shown, TESTS[name][0]))
    return table(("argument", "stops when", "default: rules", "solvers", "reason"), rows)


MEANINGS = {
    "gradient_small": "the `gtol` test",
    "step_small": "the `xtol` test",
    "value_settled": "the `ftol` test",
    "max_iterations": "`max_iter` was reached",
    "max_evaluations": "`max_nfev` was reached",
    "max_time": "`max_time` was reached",
    "precision_limit": "all that the slopes around promise is a change of the value by rounding, "
    "or by the value's noise",
    "stuck": "a solver finds no lower value, though the gradient promises one; nothing depends on "
    "x (in the many)",
    "kink": "a minimum where slopes jump: none is left in the convex hull of those around it, and "
    "no value around it is lower",
    "diverged": "a value, gradient or step overflowed, or the value falls without end",
    "left_domain": "an operation got an input outside its domain; the message names both",
    "non_finite": "a value or gradient is NaN or infinite for another cause",
    "stopped_by_callback": "the callback raised `StopIteration` or returned True",
    "interrupted": "Ctrl-C; `KeyboardInterrupt.result` holds what there was",
}


def reasons() -> str:
    """The endings that the methods of today can have."""
    rows = [
        (f"`{r.name}`", str(SUCCESS[r]), str(STATUS_MINIMIZE[r]), MEANINGS[r.name])
        for r in tw.Reason
        if r.name in MEANINGS
    ]
    return table(("reason", "success", "status", "when"), rows)


def aliases() -> str:
    """Other names that the command line takes."""
    pairs = sorted(expressions.ALIASES.items())
    text = ", ".join(f"`{short}` for `{full}`" for short, full in pairs)
    return fill(text + ".", 110, break_on_hyphens=False) + "\n"


TABLES: dict[str, Callable[[], str]] = {
    f.__name__: f
    for f in (
        operations, composed, functions, methods, solvers, options, sources, stopping, reasons,
        aliases,
    )
}  # fmt: skip


def renewed(page: str) -> tuple[str, list[str]]:
    """Return the page with every table anew, and the names of those that changed."""
    stale: list[str] = []
    found: list[str] = []

    def renew(match: re.Match[str]) -> str:
        head, name, old, end = match.groups()
        found.append(name)
        new = TABLES[name]()
        if new != old:
            stale.append(name)
        return head + new + end

    text = REGION.sub(renew, page)
    if sorted(found) != sorted(TABLES):
        raise SystemExit(f"{PAGE} must hold the tables {sorted(TABLES)}, each once, got {found}")
    return text, stale


def main(words: list[str]) -> int:
    """Write the page, or check it."""
    if words not in ([], ["--check"]):
        raise SystemExit(f"usage: make_tables.py [--check], got {words}")
    text, stale = renewed(PAGE.read_text("utf-8"))
    if not words:
        PAGE.write_text(text, "utf-8")
        return 0
    if stale:
        sys.stderr.write(
            f"{PAGE}: {', '.join(stale)} not up to date; run `python docs/make_tables.py`\n"
        )
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
