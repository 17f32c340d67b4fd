# SPDX-License-Identifier: BSD-3-Clause
"""Define what the commands share: options, help texts, pictures and JSON.

This module imports NumPy only when it is needed.
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
  0  it converged, or it reached a limit that was given (the reason is printed)
  1  it did not converge
  2  invalid input; standard error says in one line what is wrong
"""

FIT_STATUS = EXIT_STATUS.replace(
    "did not converge\n",
    "did not converge, the data do not determine a parameter, or a constant fits better\n",
)

EXPRESSION = """\
the expression:
  Numbers, pi, e, variables, + - * / ** // %, comparisons, where(condition, a, b), and functions by
  their NumPy names: exp, log, sqrt, sin, tanh, abs, maximum, minimum, clip, logaddexp, erf, ...
"""

JSON = """\
--json:
  The output is one object. Points and gradients are objects keyed by variable. Numbers that JSON
  cannot represent are the strings "NaN", "Infinity" and "-Infinity".
"""

STOPS = ("max_iter", "max_nfev", "max_time", "gtol", "xtol", "ftol")


def method_options(parser: argparse.ArgumentParser, default: str) -> None:
    """Add the option `--method`."""
    names = list(_methods())
    parser.add_argument(
        "--method", default=default, choices=names, metavar="METHOD",
        help=f"how to descend: {', '.join(names)} (default: {default})",
    )  # fmt: skip


def stop_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for stopping limits."""
    number: dict[str, Any] = {"type": float, "metavar": "N"}
    add = parser.add_argument
    add("--max-iter", type=int, metavar="N", help="maximum number of iterations")
    add("--max-nfev", type=int, metavar="N", help="maximum number of evaluations")
    add("--max-time", help="maximum duration in seconds", **number)
    add("--gtol", help="stop when the gradient is at most this", **number)
    add("--xtol", help="stop when the relative step is at most this", **number)
    add("--ftol", help="stop when the relative change of the value is at most this", **number)


def stops_given(given: argparse.Namespace) -> dict[str, Any]:
    """Return the stopping limits that were given."""
    return {name: v for name in STOPS if (v := getattr(given, name)) is not None}


def hyper_options(parser: argparse.ArgumentParser, kind: Any = float, metavar: str = "N") -> None:
    """Add the hyper-parameters of every method, and the options that all methods share."""
    methods, options = _methods(), _options()
    group = parser.add_argument_group("hyper-parameters (only those of the chosen method)")
    for name in dict.fromkeys(name for table in methods.values() for name in table):
        if name in options:
            continue
        users = [m for m, table in methods.items() if name in table]
        defaults = {methods[m][name] for m in users}
        default = defaults.pop() if len(defaults) == 1 else ...
        # The note is "required", one default for all methods, or empty if they differ.
        note = "required" if default is None else "" if default is ... else f"default: {default}"
        who = "" if len(users) == len(methods) else f"for {', '.join(users)}"
        text = "; ".join(filter(None, (who, note))).replace("%", "%%")
        group.add_argument(
            flag(name), dest=f"hyper_{name}", type=kind, metavar=metavar,
            help=text or "the default depends on the method",
        )  # fmt: skip
    group = parser.add_argument_group("options of every method, applied to the gradient first")
    for name, meaning in options.items():
        users = [f"{m} has its own, default: {t[name]}" for m, t in methods.items() if name in t]
        group.add_argument(
            flag(name), dest=f"hyper_{name}", type=kind, metavar=metavar,
            help="; ".join([meaning.rstrip("."), *users]).replace("%", "%%"),
        )  # fmt: skip


def hyper_given(given: argparse.Namespace) -> dict[str, Any]:
    """Return the hyper-parameters that were given, checked against those of the method."""
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
    """Write a name as an option."""
    return "--" + name.replace("_", "-")


def _methods() -> dict[str, dict[str, Any]]:
    """Return the methods and their hyper-parameters with defaults, None if required."""
    from thalweg._methods.method import methods

    return {name: dict(table) for name, table in methods().items()}


def _options() -> dict[str, str]:
    """Return the options that every method takes, with their meanings."""
    from thalweg import _core

    return {name: meaning for name, _, meaning, *_ in _core.options()}


def picture(file: str) -> str:
    """Check before the run that a picture can be written to this file."""
    from importlib.util import find_spec

    if find_spec("matplotlib") is None:
        raise BadInputError('--plot needs Matplotlib: pip install "thalweg[plot]"')
    known = (".png", ".svg", ".pdf", ".jpg", ".jpeg", ".webp")
    if not file.lower().endswith(known):
        raise BadInputError(f"--plot needs a file that ends in {', '.join(known)}; got {file!r}")
    folder = os.path.dirname(file)  # noqa: PTH120 - pathlib takes longer to import than a descent
    if folder and not os.path.isdir(folder):  # noqa: PTH112
        raise BadInputError(f"--plot {file}: there is no folder {folder!r}")
    return file


def save_picture(draw: Callable[[], Axes], file: str) -> None:
    """Draw a picture and save it."""
    try:
        figure = cast("Figure", draw().figure)
        figure.savefig(file, dpi=150)
    except ImportError as error:
        raise BadInputError(
            f'--plot needs Matplotlib: pip install "thalweg[plot]" ({error})'
        ) from error
    except OSError as error:
        raise BadInputError(f"--plot {file}: {error.strerror or error}") from error


def print_json(data: dict[str, Any]) -> None:
    """Print strict JSON in one line."""
    import json

    print(json.dumps(data, allow_nan=False))  # noqa: T201
