# SPDX-License-Identifier: BSD-3-Clause
"""Define the commands `thalweg multistart`, `thalweg basins` and `thalweg sweep`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from thalweg.cli.options import (
    hyper_given,
    hyper_options,
    method_options,
    picture,
    print_json,
    save_picture,
    stop_options,
    stops_given,
)
from thalweg.cli.words import (
    BadInputError,
    read_bounds,
    read_box,
    read_expression,
    read_numbers,
    read_shape,
    read_start,
)

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

__all__ = ["add_basins", "add_multistart", "add_sweep"]

_MULTISTART = """\
exit status:
  0  a minimum was found
  1  no descent ended at a minimum
  2  invalid input; standard error says in one line what is wrong

examples:
  thalweg multistart "sin(3*x) + 0.1*x**2" --bounds x=-5:5
  thalweg multistart "(x**2 + y - 11)**2 + (x + y**2 - 7)**2" --bounds x=-5:5 --bounds y=-5:5
  thalweg multistart "20 + x**2 + y**2 - 10*cos(2*pi*x) - 10*cos(2*pi*y)" \\
      --bounds x=-5:5 --bounds y=-5:5 --n 4096 --sampling uniform --seed 7 --json
  thalweg multistart "exp(x) - log(x)" --bounds x=0.1:2 \\
      --method gradient_descent --learning-rate 0.1 --threads 2 --plot starts.png
"""

_BASINS = """\
exit status:
  0  a minimum was found
  1  no descent ended at a minimum
  2  invalid input; standard error says in one line what is wrong

examples:
  thalweg basins "(x**2 + y - 11)**2 + (x + y**2 - 7)**2" --bounds x=-5:5 --bounds y=-5:5 \\
      --shape 256x256 --plot basins.png
  thalweg basins "(x**2 + y - 11)**2 + (x + y**2 - 7)**2" --bounds x=-5:5 --bounds y=-5:5 \\
      --shape 64x64 --method gradient_descent --learning-rate 0.01 --json
  thalweg basins "sin(3*x) + 0.1*x**2" --bounds x=-5:5 --shape 500
  thalweg basins "x**2 + (y - z)**2" --bounds x=-1:1 --bounds y=-1:1 --bounds z=0.5:0.5 --shape 9x9
"""

_SWEEP = """\
values of a hyper-parameter:
  0.1            one value for all runs
  0.1,0.2,0.5    a list of values
  0.1:0.5:9      9 values from 0.1 to 0.5, evenly spaced
  0.01:1:9:log   9 values from 0.01 to 1, with equal ratios
  Every combination of values is run.

verdicts:
  converged
  too_small      the value fell at every step, but the gradient is not small yet
  oscillating    the value rose in a quarter or more of the last half of the steps
  diverged, left_domain, non_finite, stuck
  unfinished     none of these

exit status:
  0  a run converged
  1  no run converged
  2  invalid input; standard error says in one line what is wrong

examples:
  thalweg sweep "exp(x) - log(x)" --start x=1.6 --learning-rate 0.01:1:20:log --max-iter 100
  thalweg sweep "exp(x) - log(x)" --start x=1.6 --learning-rate 0.04,0.1,0.3,0.5 --runs
  thalweg sweep "x**2 + 30*y**2" --start x=2 --start y=1 --method momentum \\
      --learning-rate 0.001:0.03:20 --momentum 0.5,0.9 --json
  thalweg sweep "x**2 + 30*y**2" --start x=2 --start y=1 --learning-rate 0.001:0.05:100 \\
      --max-iter 1000 --plot sweep.png
"""


def _adder(
    name: str, summary: str, description: str, teaching: str, fill: Callable[[Any], None]
) -> Callable[[Any, str, str], None]:
    """Return a function that adds a command, with its options if it is the command to run."""

    def add(commands: Any, command: str, epilog: str) -> None:
        parser = commands.add_parser(
            name, help=summary, description=description, epilog=epilog + "\n" + teaching
        )
        if command == name:
            fill(parser)

    return add


def _box_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("expression", metavar="EXPR", help='what to minimize: "exp(x) - log(x)"')
    add(
        "--bounds", action="append", default=[], metavar="NAME=LOW:HIGH",
        help="where to start; repeat for each variable; equal bounds fix it",
    )  # fmt: skip
    method_options(parser, "lbfgs")
    add("--free", action="store_true", help="allow descents to leave the bounds")
    add(
        "--merge-tol", type=float, default=1e-3, metavar="FRACTION",
        help="endpoints this close are one minimum, relative to the width of the bounds "
        "(default: 1e-3)",
    )  # fmt: skip


def _common_options(parser: argparse.ArgumentParser, drawn: str) -> None:
    add = parser.add_argument
    stop_options(parser)
    add("--threads", type=int, metavar="N", help="number of threads (default: all cores)")
    add("--progress", action="store_true", help="show on standard error how many have ended")
    add("--plot", metavar="FILE", help=f"draw {drawn} (png, svg, pdf); needs Matplotlib")
    add("--json", action="store_true", help="print as JSON, for programs")


def _multistart_options(parser: argparse.ArgumentParser) -> None:
    _box_options(parser)
    add = parser.add_argument
    add("--n", type=int, default=1000, metavar="N", help="number of starts (default: 1000)")
    add("--seed", type=int, default=0, metavar="N", help="seed for the starts (default: 0)")
    add(
        "--sampling", choices=("sobol", "uniform"), default="sobol", metavar="KIND",
        help="sobol: evenly spread, needs SciPy (default); uniform: independent",
    )  # fmt: skip
    _common_options(parser, "the basins of one or two variables")
    hyper_options(parser)
    parser.set_defaults(run=_multistart)


def _basins_options(parser: argparse.ArgumentParser) -> None:
    _box_options(parser)
    parser.add_argument(
        "--shape", default=None, metavar="NxM",
        help="number of starts along each variable (default: 512x512, 512 for one variable)",
    )  # fmt: skip
    _common_options(parser, "the map")
    hyper_options(parser)
    parser.set_defaults(run=_basins)


def _sweep_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("expression", metavar="EXPR", help='what to minimize: "exp(x) - log(x)"')
    add(
        "--start", action="append", default=[], metavar="NAME=VALUE",
        help="start value; repeat for each variable",
    )  # fmt: skip
    add(
        "--bounds", action="append", default=[], metavar="NAME=LOW:HIGH",
        help="bounds of a variable; either may be left out",
    )  # fmt: skip
    method_options(parser, "gradient_descent")
    add("--runs", action="store_true", help="print every run too")
    _common_options(parser, "the verdicts")
    hyper_options(parser, str, "VALUES")
    parser.set_defaults(run=_sweep)


add_multistart = _adder(
    "multistart", "find the minima in a box",
    "Descend from starts spread over a box and list the distinct minima.",
    _MULTISTART, _multistart_options,
)  # fmt: skip
add_basins = _adder(
    "basins", "map which start leads to which minimum",
    "Descend from every point of a grid and map which minimum each start leads to.",
    _BASINS, _basins_options,
)  # fmt: skip
add_sweep = _adder(
    "sweep", "try many learning rates at once",
    "Descend with every combination of hyper-parameters and give a verdict on each run.",
    _SWEEP, _sweep_options,
)  # fmt: skip


def _multistart(given: argparse.Namespace) -> int:
    expression, box, call, file = _box_arguments(given)
    import thalweg as tw
    from thalweg.cli.report_many import Found

    _refuse_to_draw(file, sum(a < b for a, b in box))
    found = _called(
        lambda: tw.multistart(
            expression, box, given.n, given.method, seed=given.seed, sampling=given.sampling,
            progress=given.progress, **call,
        )
    )  # fmt: skip
    if file is not None:
        sizes = tuple(256 for a, b in box if a < b)
        names = [v for v, (a, b) in zip(expression.variables, box, strict=True) if a < b]
        drawn = tw.basins(expression, box, sizes, given.method, **call)
        save_picture(lambda: drawn.plot(names=names), file)
    how = {"n": given.n, "seed": given.seed, "sampling": given.sampling}
    return _print_report(
        Found(expression, box, given.method, hyper_given(given), found, how), given
    )


def _basins(given: argparse.Namespace) -> int:
    expression, box, call, file = _box_arguments(given)
    names = [v for v, (a, b) in zip(expression.variables, box, strict=True) if a < b]
    shape = read_shape(given.shape, len(names))
    _refuse_to_draw(file, len(names))
    import thalweg as tw
    from thalweg.cli.report_many import Found

    b = _called(
        lambda: tw.basins(expression, box, shape, given.method, progress=given.progress, **call)
    )
    if file is not None:
        save_picture(lambda: b.plot(names=names), file)
    axes = dict(zip(names, b.axes, strict=True))
    how = {"shape": shape, "axes": axes, "labels": b.labels}
    return _print_report(
        Found(expression, box, given.method, hyper_given(given), b.minima, how), given
    )


def _box_arguments(given: argparse.Namespace) -> tuple[Any, Any, dict[str, Any], str | None]:
    """Return the expression, its box, the keywords of the call, and the file of the picture."""
    expression = read_expression(given.expression, "expression")
    if not expression.variables:
        raise BadInputError(f"expression {given.expression.strip()!r} has no variable")
    box = read_box(given.bounds, expression.variables)
    call = {
        "merge_tol": given.merge_tol, "bounded": not given.free, "threads": given.threads,
        "unpack": True, **hyper_given(given), **stops_given(given),
    }  # fmt: skip
    return expression, box, call, picture(given.plot) if given.plot is not None else None


def _refuse_to_draw(file: str | None, variables: int) -> None:
    if file is not None and variables > 2:
        raise BadInputError("--plot draws one or two variables: fix the others by equal --bounds")


def _sweep(given: argparse.Namespace) -> int:
    expression = read_expression(given.expression, "expression")
    variables = expression.variables
    if not variables:
        raise BadInputError(f"expression {given.expression.strip()!r} has no variable")
    start = read_start(given.start, variables)
    bounds = read_bounds(given.bounds, variables, start)
    hyper: dict[str, Any] = {
        name: read_numbers(text, name) for name, text in hyper_given(given).items()
    }
    file = picture(given.plot) if given.plot is not None else None
    if file is not None and sum(isinstance(values, list) for values in hyper.values()) > 2:
        raise BadInputError("--plot draws one or two hyper-parameters with several values")
    import thalweg as tw
    from thalweg.cli.report_many import Swept

    s = _called(
        lambda: tw.sweep(
            expression, start, given.method, bounds=bounds, threads=given.threads, unpack=True,
            progress=given.progress, **hyper, **stops_given(given),
        )
    )  # fmt: skip
    if file is not None:
        save_picture(s.plot, file)
    return _print_report(Swept(expression, start, given.method, hyper, s, given.runs), given)


def _called(run: Callable[[], Any]) -> Any:
    """Call the library, and report errors about its arguments in one line."""
    try:
        return run()
    except (ValueError, TypeError, ArithmeticError, ImportError, MemoryError) as error:
        raise BadInputError(" ".join(str(error).split())) from error


def _print_report(report: Any, given: argparse.Namespace) -> int:
    if given.json:
        print_json(report.data())
    else:
        report.show()
    return 0 if report.success else 1
