# SPDX-License-Identifier: BSD-3-Clause
"""Define the command `thalweg fit` and its options."""

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
  Text with one row on each line. The first line names the columns; without names they are 1, 2, ...
  Commas, semicolons, tabs or white space separate cells. Rows with an empty or "nan" cell are left
  out.
"""


def add_fit(commands: Any, command: str, epilog: str) -> None:
    """Add the command to the parser, with its options if it is the command to run."""
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
        help="column of a predictor: the variable x, or the one named; repeat for several",
    )  # fmt: skip
    add("--y", metavar="COLUMN", help="column of the data to fit")
    add("--sigma", metavar="COLUMN", help="column of standard deviations of y, or one number")
    add(
        "--absolute-sigma", action="store_true",
        help="treat sigma as absolute; otherwise it is scaled to match the residuals",
    )  # fmt: skip
    add(
        "--start", action="append", default=[], metavar="NAME=VALUE",
        help="start value; repeat for each parameter",
    )  # fmt: skip
    add(
        "--bounds", action="append", default=[], metavar="NAME=LOW:HIGH",
        help="bounds of a parameter; either may be left out",
    )  # fmt: skip
    add(
        "--fixed", action="append", default=[], metavar="NAME=VALUE",
        help="fix a parameter at a value; it needs no start",
    )  # fmt: skip
    add(
        "--tie", action="append", default=[], metavar="NAME=EXPR",
        help="compute a parameter from others, as in b=2*a; it needs no start",
    )  # fmt: skip
    add(
        "--prior", action="append", default=[], metavar="NAME=MEAN±SD",
        help="what is known of a parameter; also MEAN+-SD. It needs --sigma",
    )  # fmt: skip
    add(
        "--loss", default="linear", metavar="LOSS",
        help="linear, soft_l1, huber, cauchy, arctan (default: linear)",
    )  # fmt: skip
    add(
        "--f-scale", type=float, default=1.0, metavar="N",
        help="residual beyond which data count as outliers",
    )  # fmt: skip
    add(
        "--likelihood", default="gaussian", choices=["gaussian", "poisson"], metavar="WORD",
        help="gaussian, or poisson for counts (default: gaussian)",
    )  # fmt: skip
    add("--max-nfev", type=int, metavar="N", help="maximum number of evaluations")
    add("--plot", metavar="FILE", help="draw data and curve (png, svg, pdf); needs Matplotlib")
    add("--json", action="store_true", help="print as JSON, for programs")


def _fit(given: argparse.Namespace) -> int:
    from thalweg.cli.fitting import FitRequest
    from thalweg.cli.report import shown

    request = FitRequest.of(given)
    drawing = picture(given.plot) if given.plot is not None else None
    if drawing is not None and len(request.predictors) != 1:
        raise BadInputError(f"--plot needs one predictor, got {len(request.predictors)}")
    done = request.run(given)
    if drawing is not None:
        done.draw(drawing)
    if given.json:
        print_json(done.data())
    else:
        shown(done.rows(), [], done.success)
    limited = given.max_nfev is not None and done.reason == "max_evaluations"
    return 0 if (done.success and done.sound) or limited else 1
