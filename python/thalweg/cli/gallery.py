# SPDX-License-Identifier: BSD-3-Clause
"""Define the commands `thalweg gallery` and `thalweg completion`."""

from __future__ import annotations

import argparse
import sys
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any

from thalweg.cli.options import picture
from thalweg.cli.words import BadInputError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["add_gallery"]

GALLERY = """\
examples:
  thalweg gallery                                  list the examples
  thalweg gallery omega                            print its text and numbers, show its pictures
  thalweg gallery sauna --plot sauna.png           write the pictures: sauna-1.png, sauna-2.png, ...
  thalweg gallery newton --no-show                 print only, open no window
  thalweg gallery newton --source > mine.py        print the script, to change it
"""

COMPLETION = """\
examples (run the line of your shell once; then `thalweg min<TAB>` and `--method <TAB>` complete):
  {}
"""


def add_gallery(commands: Any, command: str, parser: Callable[[str], Any]) -> None:
    """Add both commands; `parser` builds the whole parser with the options of one command."""
    gallery = commands.add_parser(
        "gallery",
        help="read and run an example, and show its pictures",
        description="Run an example of the gallery: print its text and numbers, show its pictures.",
        epilog=GALLERY,
    )
    gallery.set_defaults(run=_gallery)
    if command == "gallery":
        _gallery_options(gallery)

    from thalweg.cli.completion import SHELLS

    completion = commands.add_parser(
        "completion",
        help="print a script for shell completion",
        description="Print a script that completes commands, options and names in a shell.",
        epilog=COMPLETION.format("\n  ".join(SHELLS.values())),
    )
    completion.set_defaults(run=lambda given: _completion(given, parser))
    completion.add_argument("shell", choices=list(SHELLS), metavar="SHELL", help=", ".join(SHELLS))


def _gallery_options(parser: argparse.ArgumentParser) -> None:
    from thalweg.gallery import names

    add = parser.add_argument
    add(
        "name", nargs="?", choices=names(), metavar="NAME",
        help="the example; without a name, all are listed",
    )  # fmt: skip
    add("--plot", metavar="FILE", help="write the pictures (png, svg, pdf) instead of showing them")
    add("--no-show", action="store_true", help="open no window")
    add("--source", action="store_true", help="print the script instead of running it")


def _gallery(given: argparse.Namespace) -> int:
    from thalweg import gallery

    if isinstance(sys.stdout, TextIOWrapper):  # a terminal may lack the minus sign of the text
        sys.stdout.reconfigure(errors="replace")
    if given.name is None:
        width = max(map(len, gallery.names()), default=0)
        for name in gallery.names():
            print(f"{name:<{width}}  {gallery.title(name)}")  # noqa: T201
        return 0
    if given.source:
        sys.stdout.write(gallery.path(given.name).read_text("utf-8"))
        return 0
    if given.plot is not None:
        picture(given.plot)
    try:
        written = gallery.run(given.name, given.plot, not given.no_show)
    except ModuleNotFoundError as error:  # an import of the example; its extra has the same name
        need = f'it needs {error.name}: pip install "thalweg[{error.name}]"'
        raise BadInputError(f"gallery {given.name}: {need}") from error
    except (ImportError, OSError) as error:
        raise BadInputError(f"gallery {given.name}: {error}") from error
    for file in written:
        print(f"picture: {file}")  # noqa: T201
    if not (written or given.no_show or gallery.has_windows()):
        note = "there is no display for the pictures; --plot FILE writes them"
        print(f"thalweg: {note}", file=sys.stderr)  # noqa: T201
    return 0


def _completion(given: argparse.Namespace, parser: Callable[[str], Any]) -> int:
    from thalweg.cli.completion import script

    commands = subparsers(parser(""))
    filled = {name: subparsers(parser(name)).choices[name] for name in commands.choices}
    summaries = {action.dest: action.help or "" for action in commands._choices_actions}
    sys.stdout.write(script(given.shell, filled, summaries))
    return 0


def subparsers(parser: argparse.ArgumentParser) -> Any:
    """Return the commands of a parser."""
    return next(a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
