# SPDX-License-Identifier: BSD-3-Clause
"""Build the parser of the command line, and define `thalweg minimize` and `thalweg info`.

The library interprets the arguments. Commands import NumPy and the core only if they need them.
The exit status is 0 if a descent converged or stopped at a given limit, 1 if it did not converge,
2 for invalid input, 130 after an interrupt, and 141 if nobody reads the output.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from thalweg._version import __version__
from thalweg.cli.fit import add_fit
from thalweg.cli.gallery import add_gallery
from thalweg.cli.many import add_basins, add_multistart, add_sweep
from thalweg.cli.options import (
    EXIT_STATUS,
    EXPRESSION,
    FIT_STATUS,
    JSON,
    hyper_given,
    hyper_options,
    method_options,
    save_picture,
    stop_options,
    stops_given,
)
from thalweg.cli.options import picture as _picture
from thalweg.cli.options import print_json as _print_json
from thalweg.cli.words import BadInputError, read_bounds, read_expression, read_start

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from thalweg._results.result import Result

__all__ = ["main"]

DESCRIPTION = "Minimize functions by gradient descent, in C++."

TOUR = """\
examples:
  # the minimum of a function, from a start
  thalweg minimize "exp(x) - log(x)" --start x=1.6

  # gradient descent as in a textbook: 25 steps, every point printed, and a picture
  thalweg minimize "exp(x) - log(x)" --start x=1.6 --method gradient_descent \\
      --learning-rate 0.1 --max-iter 25 --record --plot descent.png

  # compare learning rates
  thalweg sweep "exp(x) - log(x)" --start x=1.6 --learning-rate 0.01:1:20:log --max-iter 100

  # the minima in a box, and a map of which start leads to which minimum
  thalweg multistart "(x**2 + y - 11)**2 + (x + y**2 - 7)**2" --bounds x=-5:5 --bounds y=-5:5
  thalweg basins "(x**2 + y - 11)**2 + (x + y**2 - 7)**2" --bounds x=-5:5 --bounds y=-5:5 \\
      --plot basins.png

  # fit a curve to columns of a file
  thalweg fit data.csv "a * exp(-x / b) + c" --x time --y counts \\
      --start a=1 --start b=1 --start c=0

  # examples to learn from: list them, and run one with its pictures
  thalweg gallery
  thalweg gallery sauna --plot sauna.png

  # describe this installation
  thalweg info
"""

EXAMPLES = """\
examples:
  # a solver chooses its own steps
  thalweg minimize "(1 - x)**2 + 100*(y - x**2)**2" --start x=-1.2 --start y=1

  # a rule needs a learning rate; every hyper-parameter has an option
  thalweg minimize "exp(x) - log(x)" --start x=1.6 --method gradient_descent --learning-rate 0.1
  thalweg minimize "x**2 + 3*y**2" --start x=2 --start y=1 --method adam --learning-rate 0.1

  # more than the 1000 steps that rules make by default, and a picture of the path
  thalweg minimize "(1 - x)**2 + 100*(y - x**2)**2" --start x=-1.2 --start y=1 \\
      --method momentum --learning-rate 0.0005 --max-iter 20000 --plot rosenbrock.png

  # with a lower bound only; printed as JSON
  thalweg minimize "x*log(x)" --start x=1 --bounds x=0.1: \\
      --method gradient_descent --learning-rate 0.1 --json
"""

# Reaching one of these limits counts as success for the shell if the user set it.
LIMITS = {
    "max_iterations": "max_iter",
    "max_evaluations": "max_nfev",
    "max_time": "max_time",
}


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Formats help as wide as the terminal, up to 100 columns."""

    # argparse itself would import shutil, and many compression modules with it.
    def __init__(self, prog: str) -> None:
        try:
            columns = os.get_terminal_size(sys.stdout.fileno()).columns
        except (OSError, ValueError, AttributeError):  # no terminal
            columns = 100
        super().__init__(prog, max_help_position=28, width=max(40, min(columns, 100) - 2))


class _Parser(argparse.ArgumentParser):
    """Reports errors in one line, without the usage."""

    def __init__(self, **kw: Any) -> None:
        super().__init__(formatter_class=_Formatter, allow_abbrev=False, **kw)

    def error(self, message: str) -> NoReturn:
        raise BadInputError(message)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command of the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments after `thalweg`; by default those of the program.

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
    except MemoryError as error:
        print(f"thalweg: not enough memory: {error}", file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        print("thalweg: interrupted", file=sys.stderr)  # noqa: T201
        return 130
    except SystemExit as done:  # --help, --version
        return done.code if isinstance(done.code, int) else 0
    except BrokenPipeError:
        # Python flushes the output once more at exit; discard that.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return status


def _run(words: list[str]) -> int:
    # A word like "-x**2" is an expression or a number, because -h is the only option with one dash.
    words = [
        f" {w}" if w[:1] == "-" and w[1:2] not in ("", "-") and w != "-h" else w for w in words
    ]
    given = _parser(next((w for w in words if w[:1] != "-"), "")).parse_args(words)
    command: Callable[[argparse.Namespace], int] = given.run
    return command(given)


def _parser(command: str) -> argparse.ArgumentParser:
    """Build the parser; only the named command gets its options."""
    parser = _Parser(
        prog="thalweg",
        description=DESCRIPTION,
        epilog=TOUR + "\nRun thalweg COMMAND --help for the options of a command.",
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
    epilog = "\n".join([EXPRESSION, JSON])
    add_multistart(commands, command, epilog)
    add_basins(commands, command, epilog)
    add_sweep(commands, command, epilog)
    add_fit(commands, command, "\n".join([epilog, FIT_STATUS]))
    info = commands.add_parser(
        "info",
        help="print versions, instruction set, cores and optional packages",
        description="Print versions, the instruction set in use, cores and optional packages.",
    )
    info.add_argument("--json", action="store_true", help="print as JSON")
    info.set_defaults(run=_info)
    add_gallery(commands, command, _parser)
    return parser


def _minimize_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("expression", metavar="EXPR", help='what to minimize: "exp(x) - log(x)"')
    add(
        "--start", action="append", default=[], metavar="NAME=VALUE",
        help="start value; repeat for each variable",
    )  # fmt: skip
    method_options(parser, "lbfgs")
    add(
        "--bounds", action="append", default=[], metavar="NAME=LOW:HIGH",
        help="bounds of a variable; either may be left out",
    )  # fmt: skip
    stop_options(parser)
    add("--record", action="store_true", help="print every point too")
    add("--progress", action="store_true", help="show progress on standard error")
    add("--plot", metavar="FILE", help="draw the descent (png, svg, pdf); needs Matplotlib")
    add("--json", action="store_true", help="print as JSON, for programs")
    hyper_options(parser)


def _minimize(given: argparse.Namespace) -> int:
    expression = read_expression(given.expression, "expression")
    variables = expression.variables
    if not variables:
        raise BadInputError(f"expression {given.expression.strip()!r} has no variable")
    start = read_start(given.start, variables)
    bounds = read_bounds(given.bounds, variables, start)
    hyper: dict[str, Any] = hyper_given(given)
    picture = _picture(given.plot) if given.plot is not None else None
    keywords = stops_given(given)

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
        so_far: Result | None = getattr(stop, "result", None)
        if so_far is None:
            raise
        result, interrupted = so_far, True
    except (ValueError, TypeError, ArithmeticError) as error:  # reported in one line
        raise BadInputError(" ".join(str(error).split())) from error

    if picture is not None and not interrupted:
        _draw(result, variables, picture)
    from thalweg.cli import report

    run = report.Run(expression, start, given.method, hyper, result)
    if given.json:
        _print_json(run.data())
    else:
        run.show(path=given.record)
    if interrupted:
        return 130
    limit = LIMITS.get(str(result.reason))
    return 0 if result.success or (limit is not None and limit in keywords) else 1


def _draw(result: Result, variables: tuple[str, ...], file: str) -> None:
    save_picture(lambda: result.plot(names=variables), file)


def _info(given: argparse.Namespace) -> int:
    from thalweg import _config as config

    if given.json:
        _print_json(config.config())
    else:
        config.show_config()
    return 0


if __name__ == "__main__":
    sys.exit(main())
