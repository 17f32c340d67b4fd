# SPDX-License-Identifier: BSD-3-Clause
"""The command line: `thalweg minimize`, `thalweg info`.

Words in, words out; what they mean is decided by the library. NumPy and the core are imported by
the commands that need them. Exit status: 0 converged, or stopped at a limit that was given; 1 did
not converge; 2 bad input; 130 interrupted; 141 nobody reads the output.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn, cast

from thalweg import cli_gallery
from thalweg._version import __version__
from thalweg.words import BadInputError, picture_file, read_bounds, read_expression, read_start

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.figure import Figure

    from thalweg.result import Result

__all__ = ["main"]

DESCRIPTION = "Minimize functions by gradient descent, in C++."

EXAMPLES = """\
examples:
  thalweg minimize "exp(x) - log(x)" --start x=1.6 --method gradient_descent --learning-rate 0.1
  thalweg minimize "x**2 + 3*y**2" --start x=2 --start y=1 --method adam --learning-rate 0.1
  thalweg minimize "(1 - x)**2 + 100*(y - x**2)**2" --start x=-1.2 --start y=1
  thalweg minimize "(1 - x)**2 + 100*(y - x**2)**2" --start x=-1.2 --start y=1 \\
      --method momentum --learning-rate 0.0005 --max-iter 20000 --plot rosenbrock.png
  thalweg minimize "x*log(x)" --start x=1 --bounds x=0.1: \\
      --method gradient_descent --learning-rate 0.1 --json
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


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Help as wide as the terminal, up to 100 columns."""

    # argparse itself asks shutil, and imports half of the compression modules with it.
    def __init__(self, prog: str) -> None:
        try:
            columns = os.get_terminal_size(sys.stdout.fileno()).columns
        except (OSError, ValueError, AttributeError):  # no terminal
            columns = 100
        super().__init__(prog, max_help_position=28, width=max(40, min(columns, 100) - 2))


class _Parser(argparse.ArgumentParser):
    """Errors in one line, without the usage."""

    def __init__(self, **kw: Any) -> None:
        super().__init__(formatter_class=_Formatter, allow_abbrev=False, **kw)

    def error(self, message: str) -> NoReturn:
        raise BadInputError(message)


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
    >>> main(["minimize", "(x - 2)**2", "--start", "x=1",
    ...       "--method", "gradient_descent", "--learning-rate", "0.5"])
    x: 2.0
    fun: 0.0
    ...
    0
    """
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        status = _run(words)
        sys.stdout.flush()
    except BadInputError as error:
        print(f"thalweg: {error}", file=sys.stderr)  # noqa: T201
        return 2
    except KeyboardInterrupt:
        print("thalweg: interrupted", file=sys.stderr)  # noqa: T201
        return 130
    except SystemExit as done:  # --help, --version
        return done.code if isinstance(done.code, int) else 0
    except BrokenPipeError:
        # Python flushes once more at exit; let that go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return status


def _run(words: list[str]) -> int:
    # A word like "-x**2" is an expression or a number: no option of ours has one dash, but -h.
    words = [
        f" {w}" if w[:1] == "-" and w[1:2] not in ("", "-") and w != "-h" else w for w in words
    ]
    given = _parser(next((w for w in words if w[:1] != "-"), "")).parse_args(words)
    command: Callable[[argparse.Namespace], int] = given.run
    return command(given)


def _parser(command: str) -> argparse.ArgumentParser:
    """The parser; only the named command's own options are filled in."""
    parser = _Parser(
        prog="thalweg",
        description=DESCRIPTION,
        epilog=EXAMPLES + "\nthalweg COMMAND --help says more.",
    )
    parser.add_argument("--version", action="version", version=f"thalweg {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    minimize = commands.add_parser(
        "minimize",
        help="minimize an expression from a start",
        description="Minimize an expression of named variables from a start.",
        epilog="\n".join([EXPRESSION, JSON, EXIT_STATUS, EXAMPLES]),
    )
    minimize.set_defaults(run=_minimize)
    if command == "minimize":
        _minimize_options(minimize)
    info = commands.add_parser(
        "info",
        help="version, instruction set, cores, optional parts",
        description="Print version, instruction set in use, cores and optional parts.",
    )
    info.add_argument("--json", action="store_true", help="print as JSON")
    info.set_defaults(run=_info)
    cli_gallery.add_commands(commands, command, _parser)
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
        "--method", default="lbfgs", choices=list(methods), metavar="METHOD",
        help=f"how to descend: {', '.join(methods)} (default: lbfgs)",
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
    options = _options()
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
            "--" + name.replace("_", "-"), dest=f"hyper_{name}", type=float, metavar="N",
            help=text or "each method's own default",
        )  # fmt: skip
    group = parser.add_argument_group("what every method does to the gradient first, if asked")
    for name, meaning in options.items():
        users = [f"{m} has its own, default: {t[name]}" for m, t in methods.items() if name in t]
        group.add_argument(
            "--" + name.replace("_", "-"), dest=f"hyper_{name}", type=float, metavar="N",
            help="; ".join([meaning.rstrip("."), *users]).replace("%", "%%"),
        )  # fmt: skip


def _methods() -> dict[str, dict[str, Any]]:
    """Methods and their hyper-parameters: defaults, None where required."""
    from thalweg.methods import methods

    return {name: dict(table) for name, table in methods().items()}


def _options() -> dict[str, str]:
    """What every method takes besides, and what it does."""
    from thalweg import _core

    return {name: meaning for name, _, meaning, *_ in _core.options()}


def _hyper(given: argparse.Namespace) -> dict[str, float]:
    """The hyper-parameters given, checked against the method's own."""
    values: dict[str, float] = {
        key.removeprefix("hyper_"): value
        for key, value in vars(given).items()
        if key.startswith("hyper_") and value is not None
    }
    own = _methods()[given.method]
    for name in values:
        if name not in own and name not in _options():
            raise BadInputError(
                f"{given.method} has no {_flag(name)}; it has {', '.join(map(_flag, own))}"
            )
    for name, default in own.items():
        if default is None and name not in values:
            raise BadInputError(f"{given.method} needs {_flag(name)}")
    return values


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _minimize(given: argparse.Namespace) -> int:
    expression = read_expression(given.expression, "expression")
    variables = expression.variables
    if not variables:
        raise BadInputError(f"expression {given.expression.strip()!r} has no variable")
    start = read_start(given.start, variables)
    bounds = read_bounds(given.bounds, variables, start)
    hyper: dict[str, Any] = _hyper(given)
    picture = picture_file(given.plot) if given.plot is not None else None
    keywords: dict[str, Any] = {
        name: v for name in OPTIONS if (v := getattr(given, name)) is not None
    }

    import thalweg as tw

    one = len(variables) == 1
    if bounds is not None:
        keywords["bounds"] = bounds[0] if one else bounds
    interrupted = False
    try:
        result: Result = tw.minimize(
            expression,
            start[0] if one else start,
            given.method,
            record=given.record or picture is not None,
            progress=given.progress,
            **keywords,
            **hyper,
        )
    except KeyboardInterrupt as stop:
        if not hasattr(stop, "result"):
            raise
        result, interrupted = stop.result, True
    except (ValueError, TypeError, ArithmeticError) as error:  # of the arguments; told in one line
        raise BadInputError(" ".join(str(error).split())) from error

    if picture is not None and not interrupted:
        _draw(result, variables, picture)
    from thalweg import report

    run = report.Run(expression, start, given.method, hyper, result)
    if given.json:
        _print_json(run.data())
    else:
        run.show(path=given.record)
    if interrupted:
        return 130
    limit = LIMITS.get(str(result.reason))
    return 0 if result.success or (limit is not None and limit in keywords) else 1


def _print_json(data: dict[str, Any]) -> None:
    import json

    print(json.dumps(data, allow_nan=False))  # noqa: T201


def _draw(result: Result, variables: tuple[str, ...], file: str) -> None:
    try:
        figure = cast("Figure", result.plot(names=variables).figure)
        figure.savefig(file, dpi=150)
    except ImportError as error:
        raise BadInputError(
            f'--plot needs matplotlib: pip install "thalweg[plot]" ({error})'
        ) from error
    except OSError as error:
        raise BadInputError(f"--plot {file}: {error.strerror or error}") from error


def _info(given: argparse.Namespace) -> int:
    from thalweg import config

    if given.json:
        _print_json(config.config())
    else:
        config.show_config()
    return 0


if __name__ == "__main__":
    sys.exit(main())
