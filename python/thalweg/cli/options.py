# SPDX-License-Identifier: BSD-3-Clause
"""What the commands of the command line share: options, texts of their help, pictures, JSON.

Nothing here imports NumPy before it is asked to.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, cast

from thalweg.cli.words import BadInputError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

EXIT_STATUS = """\
exit status:
  0  it converged, or reached a limit that was given (the reason is printed)
  1  it did not converge
  2  bad input; standard error says in one line what was wrong
"""

FIT_STATUS = EXIT_STATUS.replace(
    "did not converge\n",
    "did not converge, the data do not determine a parameter, or a constant fits better\n",
)

EXPRESSION = """\
the expression:
  numbers, pi, e, variables, + - * / ** // %, comparisons, where(condition, a, b), and functions by
  their NumPy names: exp, log, sqrt, sin, tanh, abs, maximum, minimum, clip, logaddexp, erf, ...
"""

JSON = """\
--json:
  one object; points and gradients are objects keyed by variable. Numbers that JSON lacks are the
  strings "NaN", "Infinity" and "-Infinity".
"""

STOPS = ("max_iter", "max_nfev", "max_time", "gtol", "xtol", "ftol")


def method_options(parser: argparse.ArgumentParser, default: str) -> None:
    """`--method`."""
    names = list(_methods())
    parser.add_argument(
        "--method", default=default, choices=names, metavar="METHOD",
        help=f"how to descend: {', '.join(names)} (default: {default})",
    )  # fmt: skip


def stop_options(parser: argparse.ArgumentParser) -> None:
    """When a descent stops."""
    number: dict[str, Any] = {"type": float, "metavar": "N"}
    add = parser.add_argument
    add("--max-iter", type=int, metavar="N", help="most iterations")
    add("--max-nfev", type=int, metavar="N", help="most evaluations")
    add("--max-time", help="most seconds", **number)
    add("--gtol", help="converged when the gradient is this small", **number)
    add("--xtol", help="converged when the step is this small", **number)
    add("--ftol", help="converged when the value settles to this", **number)


def stops_given(given: argparse.Namespace) -> dict[str, Any]:
    """Those that were given."""
    return {name: v for name in STOPS if (v := getattr(given, name)) is not None}


def hyper_options(parser: argparse.ArgumentParser, kind: Any = float, metavar: str = "N") -> None:
    """The hyper-parameters of every method, and what all methods do if asked."""
    methods, options = _methods(), _options()
    group = parser.add_argument_group("hyper-parameters (those of the method alone)")
    for name in dict.fromkeys(name for table in methods.values() for name in table):
        if name in options:
            continue
        users = [m for m, table in methods.items() if name in table]
        defaults = {methods[m][name] for m in users}
        default = defaults.pop() if len(defaults) == 1 else ...
        # "required", one default for all, or each method's own.
        note = "required" if default is None else "" if default is ... else f"default: {default}"
        who = "" if len(users) == len(methods) else f"of {', '.join(users)}"
        text = "; ".join(filter(None, (who, note))).replace("%", "%%")
        group.add_argument(
            flag(name), dest=f"hyper_{name}", type=kind, metavar=metavar,
            help=text or "each method's own default",
        )  # fmt: skip
    group = parser.add_argument_group("what every method does to the gradient first, if asked")
    for name, meaning in options.items():
        users = [f"{m} has its own, default: {t[name]}" for m, t in methods.items() if name in t]
        group.add_argument(
            flag(name), dest=f"hyper_{name}", type=kind, metavar=metavar,
            help="; ".join([meaning.rstrip("."), *users]).replace("%", "%%"),
        )  # fmt: skip


def hyper_given(given: argparse.Namespace) -> dict[str, Any]:
    """The hyper-parameters given, checked against the method's own."""
    values = {
        key.removeprefix("hyper_"): value
        for key, value in vars(given).items()
        if key.startswith("hyper_") and value is not None
    }
    own = _methods()[given.method]
    for name in values:
        if name not in own and name not in _options():
            raise BadInputError(
                f"{given.method} has no {flag(name)}; it has {', '.join(map(flag, own))}"
            )
    for name, default in own.items():
        if default is None and name not in values:
            raise BadInputError(f"{given.method} needs {flag(name)}")
    return values


def flag(name: str) -> str:
    """A name of ours as an option."""
    return "--" + name.replace("_", "-")


def _methods() -> dict[str, dict[str, Any]]:
    """Methods and their hyper-parameters: defaults, None where required."""
    from thalweg._methods.method import methods

    return {name: dict(table) for name, table in methods().items()}


def _options() -> dict[str, str]:
    """What every method takes besides, and what it does."""
    from thalweg import _core

    return {name: meaning for name, _, meaning, *_ in _core.options()}


def picture(file: str) -> str:
    """Where to draw; everything that can be wrong with it is told before the run."""
    from importlib.util import find_spec

    if find_spec("matplotlib") is None:
        raise BadInputError('--plot needs matplotlib: pip install "thalweg[plot]"')
    known = (".png", ".svg", ".pdf", ".jpg", ".jpeg", ".webp")
    if not file.lower().endswith(known):
        raise BadInputError(f"--plot takes a file ending in {', '.join(known)}; got {file!r}")
    folder = os.path.dirname(file)  # noqa: PTH120 - pathlib takes longer to import than a descent
    if folder and not os.path.isdir(folder):  # noqa: PTH112
        raise BadInputError(f"--plot {file}: there is no folder {folder!r}")
    return file


def save_picture(draw: Callable[[], Axes], file: str) -> None:
    """Draw, and save what was drawn on."""
    try:
        figure = cast("Figure", draw().figure)
        figure.savefig(file, dpi=150)
    except ImportError as error:
        raise BadInputError(
            f'--plot needs matplotlib: pip install "thalweg[plot]" ({error})'
        ) from error
    except OSError as error:
        raise BadInputError(f"--plot {file}: {error.strerror or error}") from error


def print_json(data: dict[str, Any]) -> None:
    """Strict JSON, in one line."""
    import json

    print(json.dumps(data, allow_nan=False))  # noqa: T201
