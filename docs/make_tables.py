# SPDX-License-Identifier: BSD-3-Clause
"""Write the tables of docs/lists from the package's own lists: `python docs/make_tables.py`.

A table stands between `<!-- table: NAME -->` and `<!-- end -->`. With `--check` nothing is written:
the exit status is 1 where a table is not what the lists say, and standard error names it. No line
is longer than 120 columns.
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
import scipy

import thalweg as tw
from thalweg import _core
from thalweg._formulas import expressions
from thalweg._methods.method import make
from thalweg._methods.stopping import FOREVER, defaults
from thalweg._results.reasons import STATUS_MINIMIZE, SUCCESS
from thalweg._tracing import registry, stand_ins, ufuncs
from thalweg._tracing.complex_parts import COMPLEX_UFUNCS
from thalweg._tracing.tracer import Tracer

sys.path.insert(0, str(Path(__file__).parent))  # for function_lists

FOLDER = Path(__file__).with_name("lists")
WIDTH = 120
REGION = re.compile(r"(<!-- table: (\w+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)

# Operations that derivatives alone use: SciPy's function of that name is no ufunc.
DERIVATIVES_ONLY = (
    "polygamma", "polygamma_rise", "gamma_density", "beta_density", "gammainc_slope_in_a",
    "gammainc_second_slope_in_a", "betainc_slope_in_a", "betainc_slope_in_b", "betainc_slope_in_aa",
    "betainc_slope_in_ab", "betainc_slope_in_bb", "stdtr_slope_in_df", "zeta_slope_in_s",
    "zeta_second_slope_in_s", "faddeeva_slope_real", "faddeeva_slope_imag",
)  # fmt: skip


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows as Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cells) + " |\n" for cells in lines)


def point(text: str, level: int = 0) -> str:
    """One point of a list, wrapped."""
    indent = "  " * level
    return fill(text, WIDTH, initial_indent=f"{indent}* ", subsequent_indent=f"{indent}  ") + "\n"


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
        return "in derivatives" + ("; on the command line" if name == "polygamma" else "")
    if name.startswith("faddeeva"):
        return "a part of `scipy.special.wofz`"
    if name in ("sine_integral", "cosine_integral"):
        return "a part of `scipy.special.sici`"
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
    text = ", ".join(f"`{n}`" for n in sorted(found)) + "."
    return fill(text, WIDTH, break_on_hyphens=False)


def composed() -> str:
    """Ufuncs made of several operations, and the ufuncs' own methods."""
    methods = {
        f"np.{name}.{method}" if name else f"np.<ufunc>.{method}" for name, method in ufuncs.METHODS
    }
    of_ufuncs = names(prefix(n) for n in ufuncs.COMPOSED if not n.startswith("_"))
    return f"{of_ufuncs}\n\nMethods of ufuncs:\n\n{names(methods)}\n"


GROUPS = {
    "elements": "elements and sums",
    "products": "products",
    "einsum": "products",
    "joining": "joining and cutting",
    "of_complex": "elements and sums",
    "missing": "elements and sums",
    "order": "order",
    "shaping": "shape",
    "grids": "grids and tables",
    "tables": "grids and tables",
    "linear_algebra": "linear algebra",
}


# The group of functions of a library that NumPy does not dispatch.
BY_THEIR_NAMES = "arrays of numbers and traced values"


def functions() -> str:
    """NumPy's functions that have a traced form, and the methods of the same names."""
    groups: dict[str, set[str]] = {}
    for function, handler in registry.FUNCTIONS.items():
        group = GROUPS.get(handler.__module__.rpartition(".")[2], "others")
        groups.setdefault(group, set()).add(registry.name_of(function))
    for module, forms in stand_ins.FORMS.items():
        group = "linear algebra" if module.endswith(".linalg") else BY_THEIR_NAMES
        for name, form in forms.items():
            if "._" not in module and form not in stand_ins.REFUSED:
                groups.setdefault(group, set()).add(f"{module}.{name}".replace("numpy", "np", 1))
    methods = {n for n in dir(Tracer) if not n.startswith("_") and hasattr(np.ndarray, n)}
    methods.remove("trace")  # a traced value's own: np.trace(x) is
    parts = [*sorted(groups.items()), ("methods and attributes of a traced value", methods)]
    return "\n".join(
        f"**{group[0].upper()}{group[1:]}**\n\n{names(found)}\n" for group, found in parts
    )


def versions() -> str:
    """Name the versions that the list of refused functions is of."""
    return f"NumPy {np.__version__} and SciPy {scipy.__version__}"


def of_other_versions(text: str) -> bool:
    """Whether a list was written with other versions, which may have other functions."""
    return versions() not in text


def refused() -> str:
    """The functions of NumPy and SciPy without a traced form, found by calling each."""
    from function_lists import outcomes

    lines = [f"Of {versions()}:\n\n"]
    for module, found in outcomes().items():
        traced = sum(f is not None and f.traced for f in found.values())
        others = sorted(f"`{n}`" for n, f in found.items() if f is not None and not f.traced)
        which = f"refused are {', '.join(others)}" if others else "none is refused"
        lines.append(point(f"`{module}`: {traced} are traced, {which}."))
    return "".join(lines)


def of_complex() -> str:
    """Ufuncs and functions that take complex values."""
    elementary = names(map(prefix, (*COMPLEX_UFUNCS, "power")))
    return f"{elementary}\n\n{names(map(registry.name_of, registry.COMPLEX_FUNCTIONS))}\n"


def methods() -> str:
    """Every rule with its hyper-parameters."""
    return hyper_parameters(_core.rules())


def solvers() -> str:
    """Every solver with its hyper-parameters."""
    return hyper_parameters(_core.solvers())


def hyper_parameters(described: list[dict[str, Any]]) -> str:
    """One point a method, its hyper-parameters below."""
    lines = []
    for m in described:
        none = "" if m["hyper"] else ": no hyper-parameters"
        lines.append(point(f"`{m['name']}`, `tw.{m['class_name']}`{none}"))
        for name, default, meaning, *_ in m["hyper"]:
            shown = "required" if default is None else f"default {default:g}"
            lines.append(point(f"`{name}` ({shown}): {meaning}", 1))
    return "".join(lines)


def options() -> str:
    """What every method does to the gradient first, if asked."""
    return "".join(point(f"`{o[0]}`: {o[2]}") for o in _core.options())


def sources() -> str:
    """Where each method comes from."""
    every = [*_core.rules(), *_core.solvers()]
    texts = (f"`{m['name']}`: {m['summary']} {m['source']}".replace("``", "`") for m in every)
    return "".join(point(text) for text in texts)


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
    "precision_limit": "no step changes the value by more than rounding or the value's noise",
    "stuck": "no lower value is found, though the gradient promises one",
    "kink": "a minimum at a corner of the function, where its slopes jump",
    "diverged": "a value, gradient or step overflowed, or the value falls without end",
    "left_domain": "an operation got an input outside its domain; the message names both",
    "non_finite": "a value or gradient is NaN or infinite for another cause",
    "stopped_by_callback": "the callback raised `StopIteration` or returned True",
    "interrupted": "Ctrl-C; `KeyboardInterrupt.result` holds the best so far",
    "not_run": "in many fits: `mask` leaves it out, or no call has come to it yet",
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
    return fill(text + ".", WIDTH, break_on_hyphens=False) + "\n"


def models() -> str:
    """Every ready model: what it is, its formula and its parameters."""
    lines = []
    for kind in (getattr(tw.models, name) for name in tw.models.__all__):
        if kind in (tw.models.Curve, tw.models.Composite, tw.models.Function):
            continue
        model = kind(2) if kind is tw.models.Polynomial else kind()
        about, _, rest = kind.__doc__.partition("\n\n")
        if "``" not in about:
            about += " " + rest[rest.index("``") : rest.index("``", rest.index("``") + 2) + 2]
        about = " ".join(about.replace("``", "`").split()).rstrip(".")
        limits = [f"`{name}` in {bounds(*ends)}" for name, ends in model.limits.items()]
        bounded = f" ({', '.join(limits)})" if limits else ""
        lines.append(point(f"`{kind.__name__}`: {about}. Parameters: {listed(model)}{bounded}."))
    return "".join(lines)


def bounds(low: float, high: float) -> str:
    """Write an interval with its ends."""
    return f"[{number(low)}, {number(high)}{')' if high == inf else ']'}"


def listed(model: tw.models.Curve) -> str:
    """The names of a model's parameters."""
    return ", ".join(f"`{name}`" for name in model.names)


TABLES: dict[str, Callable[[], str]] = {
    f.__name__: f
    for f in (
        operations, composed, functions, of_complex, refused, methods, solvers, options, sources,
        stopping, reasons, aliases, models,
    )
}  # fmt: skip


def renewed(page: str) -> tuple[str, list[str], list[str]]:
    """Return the page with every table anew, the names of all, and of those that changed."""
    stale: list[str] = []
    found: list[str] = []

    def renew(match: re.Match[str]) -> str:
        head, name, old, end = match.groups()
        found.append(name)
        new = TABLES[name]()
        if new != old and not (name == "refused" and of_other_versions(old)):
            stale.append(name)
        return head + new + end

    return REGION.sub(renew, page), found, stale


def main(words: list[str]) -> int:
    """Write the pages, or check them."""
    if words not in ([], ["--check"]):
        raise SystemExit(f"usage: make_tables.py [--check], got {words}")
    every: list[str] = []
    status = 0
    for page in sorted(FOLDER.glob("*.md")):
        text, found, stale = renewed(page.read_text("utf-8"))
        every += found
        if not words:
            page.write_text(text, "utf-8")
        elif stale:
            which = ", ".join(stale)
            sys.stderr.write(f"{page}: {which} not up to date; run `python docs/make_tables.py`\n")
            status = 1
    if sorted(every) != sorted(TABLES):
        raise SystemExit(f"{FOLDER} must hold the tables {sorted(TABLES)}, each once, got {every}")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
