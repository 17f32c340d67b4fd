# SPDX-License-Identifier: BSD-3-Clause
"""Read columns of numbers from text files, and report errors in one line."""

from __future__ import annotations

import contextlib
import os
import select
import stat
import sys
import time
from array import array
from collections.abc import Iterator
from itertools import chain, count
from pathlib import Path
from typing import TextIO

from thalweg.cli.words import BadInputError

__all__ = ["read_table"]

# The first of these that occurs in the first line separates cells; otherwise white space does.
_BETWEEN = ("\t", ";", ",")
_LONGEST = 1_000_000  # characters in a line; a file with longer lines is not a table
_PATIENCE = 10.0  # seconds to wait for a named pipe
_MISSING = ("", "na", "n/a", "nan", "null", "none", "-")


def read_table(file: str, wanted: list[str]) -> dict[str, array[float]]:
    """Read columns of a text file by name; a missing value is NaN.

    Parameters
    ----------
    file : str
        The path of the file, or ``-`` for standard input. The first line names the columns. If it
        contains only numbers, the columns are named ``1``, ``2``, ... Commas, semicolons, tabs or
        white space separate cells. Lines that begin with ``#`` are skipped, except for a heading.
    wanted : list of str
        The names of the columns to read.

    Raises
    ------
    BadInputError
        If the file cannot be read, lacks a column, has no rows, or has a cell that is not a number.
    """
    lines = _lines(file)
    first, second = next(lines, None), next(lines, None)
    while first and second and first[1].startswith("#") and second[1].startswith("#"):
        first, second = second, next(lines, None)
    if first is None:
        raise BadInputError(f"{file} is empty")
    heading = first[1].lstrip("#")
    between = next((b for b in _BETWEEN if b in heading), None)
    names = _cells(heading, between, f"{file}, line {first[0]}")
    rows = chain([second] if second else [], lines)
    if all(_number(name) is not None for name in names):
        names = [str(i + 1) for i in range(len(names))]
        rows = chain([first], rows)
    for name in wanted:
        if name not in names:
            raise BadInputError(f"{file} has no column {name!r:.80}; it has {_listed(names)}")
        if names.count(name) > 1:
            raise BadInputError(f"{file} has {names.count(name)} columns named {name!r}")
    # An array takes eight bytes for each number, which matters for many rows.
    columns: dict[str, array[float]] = {name: array("d") for name in wanted}
    places = [(names.index(name), name, column) for name, column in columns.items()]
    for i, line in rows:
        if line.lstrip().startswith("#"):
            continue
        cells = _cells(line, between, f"{file}, line {i}")
        if len(cells) != len(names):
            raise BadInputError(
                f"{file}, line {i}: expected {len(names)} cells, as in the first line, got "
                f"{len(cells)}"
            )
        for at, name, column in places:
            value = _number(cells[at])
            if value is None:
                text = f"{cells[at]!r:.80}"
                raise BadInputError(f"{file}, line {i}, column {name}: {text} is not a number")
            column.append(value)
    if any(not column for column in columns.values()):
        raise BadInputError(f"{file} has no rows under its heading")
    return columns


def _listed(names: list[str]) -> str:
    """List the names of columns, shortened to fit in a line."""
    listed = ", ".join(names)
    return listed if len(listed) <= 200 else f"{listed[:200]}... ({len(names)} columns)"


def _lines(file: str) -> Iterator[tuple[int, str]]:
    """Yield the lines of a file that are not blank, with their numbers."""
    try:
        with _opened(file) as text:
            for i in count(1):
                line = text.readline(_LONGEST + 1)
                if not line:
                    return
                if len(line) > _LONGEST:
                    raise BadInputError(f"{file}, line {i} is longer than {_LONGEST:,} characters")
                line = line.removeprefix("\ufeff") if i == 1 else line
                if line.strip():
                    yield i, line.rstrip("\n")
    except OSError as error:
        raise BadInputError(f"{file}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise BadInputError(f"{file} is not text in UTF-8: {error.reason}") from error


def _opened(file: str) -> contextlib.AbstractContextManager[TextIO]:
    """Open a file as text; refuse endless devices, and pipes to which nobody writes."""
    if file == "-":
        if sys.stdin is None:
            raise BadInputError("standard input is closed")
        return contextlib.nullcontext(sys.stdin)
    if not file:
        raise BadInputError("the file has no name")
    if "\0" in file:
        raise BadInputError(f"a file name must not contain a null character, got {file!r}")
    kind = Path(file).stat().st_mode
    inherited = file.startswith(("/dev/stdin", "/dev/fd/", "/proc/self/fd/", "/dev/tty"))
    if stat.S_ISCHR(kind) and not inherited:
        raise BadInputError(f"{file} is a device, not a file with rows")
    if stat.S_ISFIFO(kind) and not inherited:
        return open(_written_pipe(file), encoding="utf-8-sig")
    return Path(file).open(encoding="utf-8-sig")


def _written_pipe(file: str) -> int:
    """Open a named pipe once somebody writes to it; a plain open could wait for ever."""
    pipe = os.open(file, os.O_RDONLY | os.O_NONBLOCK)
    until = time.monotonic() + _PATIENCE
    while not select.select([pipe], [], [], 0.05)[0]:
        if time.monotonic() > until:
            os.close(pipe)
            raise BadInputError(f"{file} is a pipe to which nobody wrote within {_PATIENCE:g} s")
    os.set_blocking(pipe, True)
    return pipe


def _cells(line: str, between: str | None, where: str) -> list[str]:
    if between is None:
        return line.split()
    import csv

    try:
        (cells,) = csv.reader([line], delimiter=between, strict=True)
    except (csv.Error, ValueError) as error:
        raise BadInputError(f"{where}: {error}") from error
    return [cell.strip() for cell in cells]


def _number(text: str) -> float | None:
    """Return the number in a cell, NaN if it is missing, or None if it is not a number."""
    if text.lower() in _MISSING:
        return float("nan")
    try:
        return float(text)
    except ValueError:
        return None
