# SPDX-License-Identifier: BSD-3-Clause
"""The command `thalweg fit`: its options, and what it does in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from thalweg.cli.options import picture, print_json
from thalweg.cli.words import BadInputError

if TYPE_CHECKING:
    import argparse

__all__ = ["add_fit"]

EXAMPLES = """\
examples:
  thalweg fit data.csv "a * exp(-x / b) + c" --x time --y counts --start a=1 --start b=1 --start c=0
  thalweg fit data.csv "a * u + b * v" --x u --x v --y z --sigma dz --start a=1 --start b=1
  thalweg fit data.csv "a * exp(-x / b)" --x time --y counts --likelihood poisson \\
      --start a=9 --start b=1 --bounds b=0.1: --plot fit.png --json
"""

FILE = """\
the file:
  text, a row a line; the first line names the columns (or they are 1, 2, ...); commas, semicolons,
  tabs or white space stand between cells. Where a cell is empty or "nan" its row is left out.
"""


def add_fit(commands: Any, command: str, epilog: str) -> None:
    """Add the command to the others; its options only where it is the one that is asked for."""
    parser = commands.add_parser(
        "fit",
        help="fit an expression's parameters to data in a file",
        description="Fit the parameters of an expression to columns of a text file.",
        epilog="\n".join([FILE, epilog, EXAMPLES]),
    )
    parser.set_defaults(run=_fit)
    if command != "fit":
        return
    add = parser.add_argument
    add("file", metavar="FILE", help="the data; - reads standard input")
    add("expression", metavar="EXPR", help='the model: "a * exp(-x / b) + c"')
    add(
        "--x", action="append", default=[], metavar="[NAME=]COLUMN",
        help="a predictor: the expression's x, or the variable of that name; once for each",
    )  # fmt: skip
    add("--y", metavar="COLUMN", help="what the model is to give")
    add("--sigma", metavar="COLUMN", help="standard deviations of y, or one number")
    add(
        "--absolute-sigma", action="store_true",
        help="take them as they stand; else their size is judged by the residuals",
    )  # fmt: skip
    add(
        "--start", action="append", default=[], metavar="NAME=VALUE",
        help="where to start; once for each parameter",
    )  # fmt: skip
    add(
        "--bounds", action="append", default=[], metavar="NAME=LOW:HIGH",
        help="keep a parameter inside; either end may be left out",
    )  # fmt: skip
    add(
        "--fixed", action="append", default=[], metavar="NAME=VALUE",
        help="hold a parameter at a value; it needs no start",
    )  # fmt: skip
    add(
        "--loss", default="linear", metavar="LOSS",
        help="linear, soft_l1, huber, cauchy, arctan (default: linear)",
    )  # fmt: skip
    add("--f-scale", type=float, default=1.0, metavar="N", help="residuals beyond are outliers")
    add(
        "--likelihood", default="gaussian", choices=["gaussian", "poisson"], metavar="WORD",
        help="gaussian, or poisson for counts (default: gaussian)",
    )  # fmt: skip
    add("--max-nfev", type=int, metavar="N", help="most evaluations")
    add("--plot", metavar="FILE", help="draw data and curve (png, svg, pdf); needs matplotlib")
    add("--json", action="store_true", help="print as JSON, for programs")


def _fit(given: argparse.Namespace) -> int:
    from thalweg.cli.fitting import Asked
    from thalweg.cli.report import shown

    asked = Asked.of(given)
    drawing = picture(given.plot) if given.plot is not None else None
    if drawing is not None and len(asked.predictors) != 1:
        raise BadInputError(f"--plot draws one predictor, got {len(asked.predictors)}")
    done = asked.run(given)
    if drawing is not None:
        done.draw(drawing)
    if given.json:
        print_json(done.data())
    else:
        shown(done.rows(), [], done.success)
    limited = given.max_nfev is not None and done.reason == "max_evaluations"
    return 0 if (done.success and done.sound) or limited else 1
