# SPDX-License-Identifier: BSD-3-Clause
"""The command line: `thalweg minimize`, `thalweg info`.

Words in, words out; what they mean is decided by the library. NumPy and the core are imported by
the commands that need them. Exit status: 0 converged, or stopped at a limit that was given; 1 did
not converge; 2 bad input; 130 interrupted; 141 nobody reads the output.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from thalweg._version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from thalweg.expressions import Expression
    from thalweg.result import Result

__all__ = ["main"]

DESCRIPTION = "Minimize functions by gradient descent, in C++."

EXAMPLES = """\
examples:
  thalweg minimize "exp(x) - log(x)" --start x=1.6 --learning-rate 0.1
  thalweg minimize "x**2 + 3*y**2" --start x=2 --start y=1 --method adam --learning-rate 0.1
  thalweg minimize "(1 - x)**2 + 100*(y - x**2)**2" --start x=-1.2 --start y=1 \\
      --learning-rate 0.001 --max-iter 20000 --plot rosenbrock.png
  thalweg minimize "x*log(x)" --start x=1 --bounds x=0.1: --learning-rate 0.1 --json
  thalweg info
"""

EXIT_STATUS = """\
exit status:
  0  it converged, or reached a limit that was given (the reason is printed)
  1  it did not converge
  2  bad input; standard error says in one line what was wrong
"""

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

# Which limit, given by the user, makes which ending a success for the shell.
LIMITS = {
    "max_iterations": "max_iter",
    "max_evaluations": "max_nfev",
    "max_time": "max_time",
}
OPTIONS = ("max_iter", "max_nfev", "max_time", "gtol", "xtol", "ftol")


class _BadInputError(Exception):
    """What the user wrote cannot be used; the message is one line."""


class _Parser(argparse.ArgumentParser):
    """Errors in one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        raise _BadInputError(message)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    argv : sequence of str, optional
        The words after `thalweg`; the program's own by default.

    Returns
    -------
    int
        The exit status.

    Examples
    --------
    >>> from thalweg.cli import main
    >>> main(["minimize", "(x - 2)**2", "--start", "x=1", "--learning-rate", "0.5"])
    ... # doctest: +ELLIPSIS
    x: 2.0
    fun: 0.0
    ...
    0
    """
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        status = _run(words)
        sys.stdout.flush()
    except _BadInputError as error:
        print(f"thalweg: {error}", file=sys.stderr)  # noqa: T201
        return 2
    except SystemExit as done:  # --help, --version
        return done.code if isinstance(done.code, int) else 0
    except BrokenPipeError:
        # Python flushes once more at exit; let that go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return status


def _run(words: list[str]) -> int:
    # A word like "-x**2" is an expression or a number: no option of ours has one dash, but -h.
    words = [f" {w}" if w[:1] == "-" and w[1:2] not in ("", "-") and w != "-h" else w for w in words]
    given = _parser(next((w for w in words if w[:1] != "-"), "")).parse_args(words)
    command: Callable[[argparse.Namespace], int] = given.run
    return command(given)


# --- words ----------------------------------------------------------------------------------------


def _parser(command: str) -> argparse.ArgumentParser:
    """The parser; only the named command's own options are filled in."""
    parser = _Parser(
        prog="thalweg",
        description=DESCRIPTION,
        epilog=EXAMPLES + "\nthalweg COMMAND --help says more.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"thalweg {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    minimize = commands.add_parser(
        "minimize",
        help="minimize an expression from a start",
        description="Minimize an expression of named variables from a start.",
        epilog="\n".join([EXPRESSION, JSON, EXIT_STATUS, EXAMPLES]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    minimize.set_defaults(run=_minimize)
    if command == "minimize":
        _minimize_options(minimize)
    info = commands.add_parser(
        "info",
        help="version, instruction set, cores, optional parts",
        description="Print version, instruction set in use, cores and optional parts.",
        allow_abbrev=False,
    )
    info.add_argument("--json", action="store_true", help="print as JSON")
    info.set_defaults(run=_info)
    return parser


def _minimize_options(parser: argparse.ArgumentParser) -> None:
    methods = _methods()
    number = {"type": float, "metavar": "N"}
    add = parser.add_argument
    add("expression", metavar="EXPR", help='what to minimize: "exp(x) - log(x)"')
    add(
        "--start", action="append", default=[], metavar="NAME=VALUE",
        help="where to start; once for each variable",
    )  # fmt: skip
    add(
        "--method", default="gradient_descent", choices=list(methods), metavar="METHOD",
        help=f"{', '.join(methods)} (default: %(default)s)",
    )  # fmt: skip
    add(
        "--bounds", action="append", default=[], metavar="NAME=LOW:HIGH",
        help="keep a variable inside; either end may be left out",
    )  # fmt: skip
    add("--max-iter", type=int, metavar="N", help="most iterations")
    add("--max-nfev", type=int, metavar="N", help="most evaluations")
    add("--max-time", help="most seconds", **number)  # type: ignore[arg-type]
    add("--gtol", help="converged when the gradient is this small", **number)  # type: ignore[arg-type]
    add("--xtol", help="converged when the step is this small", **number)  # type: ignore[arg-type]
    add("--ftol", help="converged when the value settles to this", **number)  # type: ignore[arg-type]
    add("--record", action="store_true", help="print every point too")
    add("--progress", action="store_true", help="show where it stands, on standard error")
    add("--plot", metavar="FILE", help="draw the descent (png, svg, pdf); needs matplotlib")
    add("--json", action="store_true", help="print as JSON, for programs")
    group = parser.add_argument_group("hyper-parameters (those of the method alone)")
    for name in dict.fromkeys(name for table in methods.values() for name in table):
        users = [m for m, table in methods.items() if name in table]
        defaults = {methods[m][name] for m in users}
        default = defaults.pop() if len(defaults) == 1 else ...
        # "required", one default for all, or each method's own.
        note = "required" if default is None else "" if default is ... else f"default: {default}"
        who = "" if len(users) == len(methods) else f"of {', '.join(users)}"
        text = "; ".join(filter(None, (who, note))).replace("%", "%%")
        group.add_argument(
            "--" + name.replace("_", "-"), dest=f"hyper_{name}", type=float, metavar="N",
            help=text or "each method's own default",
        )  # fmt: skip


def _methods() -> dict[str, dict[str, Any]]:
    """Methods and their hyper-parameters: defaults, None where required."""
    from thalweg.methods import methods

    return {name: dict(table) for name, table in methods().items()}


def _hyper(given: argparse.Namespace) -> dict[str, float]:
    """The hyper-parameters given, checked against the method's own."""
    values: dict[str, float] = {
        key.removeprefix("hyper_"): value
        for key, value in vars(given).items()
        if key.startswith("hyper_") and value is not None
    }
    own = _methods()[given.method]
    for name in values:
        if name not in own:
            raise _BadInputError(
                f"{given.method} has no {_flag(name)}; it has {', '.join(map(_flag, own))}"
            )
    for name, default in own.items():
        if default is None and name not in values:
            raise _BadInputError(f"{given.method} needs {_flag(name)}")
    return values


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _expression(text: str, what: str) -> Expression:
    from thalweg.expressions import ExpressionError, parse

    try:
        return parse(text)
    except ExpressionError as error:
        raise _BadInputError(f"{what}: {error}") from None


def _number(text: str, what: str) -> float:
    """A number, or an expression of numbers such as pi/2."""
    expression = _expression(text, what)
    if expression.variables:
        raise _BadInputError(f"{what} must be a number, got {text!r}")
    return float(expression())


def _named(words: list[str], flag: str, variables: tuple[str, ...]) -> dict[str, str]:
    """`NAME=VALUE` words by name; each name one of the variables, once."""
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        name = unicodedata.normalize("NFKC", name.strip())  # as Python reads names
        if not (equals and name and value.strip()):
            raise _BadInputError(f"{flag} takes NAME=VALUE, got {word.strip()!r}")
        if name not in variables:
            raise _BadInputError(
                f"{flag} {name}: the expression has no {name!r}; it has {', '.join(variables)}"
            )
        if name in found:
            raise _BadInputError(f"{flag} {name}: given twice")
        found[name] = value.strip()
    return found


def _start(words: list[str], variables: tuple[str, ...]) -> list[float]:
    texts = _named(words, "--start", variables)
    missing = [name for name in variables if name not in texts]
    if missing:
        wanted = " ".join(f"--start {name}=..." for name in missing)
        raise _BadInputError(f"no start for {', '.join(missing)}: add {wanted}")
    start = [_number(texts[name], f"--start {name}") for name in variables]
    for name, value in zip(variables, start, strict=True):
        if not math.isfinite(value):
            raise _BadInputError(f"--start {name} must be finite, got {texts[name]!r}")
    return start


def _bounds(words: list[str], variables: tuple[str, ...]) -> list[Any] | None:
    if not words:
        return None
    pairs: dict[str, tuple[float | None, float | None]] = {}
    for name, text in _named(words, "--bounds", variables).items():
        low, colon, high = text.partition(":")
        if not colon:
            raise _BadInputError(f"--bounds {name} takes LOW:HIGH, got {text!r}")
        what = f"--bounds {name}"
        ends = [_number(end, what) if end.strip() else None for end in (low, high)]
        if any(end is not None and math.isnan(end) for end in ends):
            raise _BadInputError(f"{what} must be numbers, got {text!r}")
        if ends[0] is not None and ends[1] is not None and ends[0] > ends[1]:
            raise _BadInputError(f"{what}: the lower end {ends[0]} is above the upper {ends[1]}")
        pairs[name] = (ends[0], ends[1])
    return [pairs.get(name, (None, None)) for name in variables]


def _picture(file: str) -> Path:
    """Where to draw; everything that can be wrong with it is told before the run."""
    from importlib.util import find_spec

    if find_spec("matplotlib") is None:
        raise _BadInputError('--plot needs matplotlib: pip install "thalweg[plot]"')
    path = Path(file)
    known = ("png", "svg", "pdf", "jpg", "jpeg", "webp")
    if path.suffix.lower().removeprefix(".") not in known:
        raise _BadInputError(f"--plot takes a file ending in .{', .'.join(known)}; got {file!r}")
    if not path.parent.is_dir():
        raise _BadInputError(f"--plot {file}: there is no folder {str(path.parent)!r}")
    return path


# --- commands -------------------------------------------------------------------------------------


def _minimize(given: argparse.Namespace) -> int:
    expression = _expression(given.expression, "expression")
    variables = expression.variables
    if not variables:
        raise _BadInputError(f"expression {given.expression.strip()!r} has no variable")
    start = _start(given.start, variables)
    bounds = _bounds(given.bounds, variables)
    hyper = _hyper(given)
    picture = _picture(given.plot) if given.plot is not None else None
    keywords = {name: v for name in OPTIONS if (v := getattr(given, name)) is not None}

    import thalweg as tw

    one = len(variables) == 1
    if bounds is not None:
        keywords["bounds"] = bounds[0] if one else bounds
    interrupted = False
    try:
        result: Result = tw.minimize(
            expression.function,
            start[0] if one else start,
            given.method,
            record=given.record or picture is not None,
            progress=given.progress,
            **keywords,
            **hyper,
        )
    except KeyboardInterrupt as stop:
        if not hasattr(stop, "result"):
            print("thalweg: interrupted", file=sys.stderr)  # noqa: T201
            return 130
        result, interrupted = stop.result, True
    except (ValueError, TypeError, ArithmeticError) as error:  # of the arguments; told in one line
        raise _BadInputError(" ".join(str(error).split())) from error

    if picture is not None and not interrupted:
        _draw(result, variables, picture)
    from thalweg import _report

    _report.show(result, given, expression, start)
    if interrupted:
        return 130
    limit = LIMITS.get(str(result.reason))
    return 0 if result.success or (limit is not None and limit in keywords) else 1


def _draw(result: Result, variables: tuple[str, ...], file: Path) -> None:
    try:
        result.plot(names=variables).figure.savefig(file, dpi=150)
    except ImportError as error:
        raise _BadInputError(
            f'--plot needs matplotlib: pip install "thalweg[plot]" ({error})'
        ) from error
    except OSError as error:
        raise _BadInputError(f"--plot {file}: {error.strerror or error}") from error


def _info(given: argparse.Namespace) -> int:
    from thalweg import config

    if given.json:
        print(json.dumps(config.config(), indent=2))  # noqa: T201
    else:
        config.show_config()
    return 0


if __name__ == "__main__":
    sys.exit(main())
