# SPDX-License-Identifier: BSD-3-Clause
"""Tables of numbers in text files: columns by name, and in one line what is wrong with them."""

from __future__ import annotations

import sys
from pathlib import Path

from thalweg.words import BadInputError

__all__ = ["read_table"]

# The first of these that the first line has stands between cells; else white space does.
_BETWEEN = ("\t", ";", ",")
_MISSING = ("", "na", "n/a", "nan", "null", "none", "-")


def read_table(file: str, wanted: list[str]) -> dict[str, list[float]]:
    """Columns of a text file, by name; a missing value is NaN.

    Parameters
    ----------
    file : str
        Its path, or ``-`` for standard input. The first line names the columns, unless it holds
        numbers alone: columns are then ``1``, ``2``, ... Commas, semicolons, tabs or white space
        stand between cells; lines that begin with ``#`` are left out, but a heading may.
    wanted : list of str
        Names of columns.

    Raises
    ------
    BadInputError
        If the file cannot be read, has no such column or no rows, or a cell is no number.
    """
    lines = [(i, line) for i, line in enumerate(_text(file).splitlines(), 1) if line.strip()]
    while len(lines) > 1 and lines[0][1].startswith("#") and lines[1][1].startswith("#"):
        lines.pop(0)
    if not lines:
        raise BadInputError(f"{file} is empty")
    first = lines[0][1].lstrip("#")
    between = next((b for b in _BETWEEN if b in first), None)
    names = _cells(first, between)
    if all(_number(name) is not None for name in names):
        names = [str(i + 1) for i in range(len(names))]
    else:
        lines.pop(0)
    for name in wanted:
        if name not in names:
            raise BadInputError(f"{file} has no column {name!r}; it has {', '.join(names)}")
        if names.count(name) > 1:
            raise BadInputError(f"{file} has {names.count(name)} columns named {name!r}")
    columns: dict[str, list[float]] = {name: [] for name in wanted}
    for i, line in lines:
        if line.lstrip().startswith("#"):
            continue
        cells = _cells(line, between)
        if len(cells) != len(names):
            raise BadInputError(
                f"{file}, line {i}: wanted {len(names)} cells, as the first line has, got "
                f"{len(cells)}"
            )
        for name, column in columns.items():
            text = cells[names.index(name)]
            value = _number(text)
            if value is None:
                raise BadInputError(f"{file}, line {i}, column {name}: {text!r} is no number")
            column.append(value)
    if any(not column for column in columns.values()):
        raise BadInputError(f"{file} has no rows under its heading")
    return columns


def _text(file: str) -> str:
    try:
        if file == "-":
            return sys.stdin.read()
        return Path(file).read_text("utf-8-sig")
    except OSError as error:
        raise BadInputError(f"{file}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise BadInputError(f"{file} is no text in UTF-8: {error.reason}") from error


def _cells(line: str, between: str | None) -> list[str]:
    if between is None:
        return line.split()
    import csv

    return [cell.strip() for cell in next(csv.reader([line], delimiter=between))]


def _number(text: str) -> float | None:
    """A cell's number, NaN where it is missing, None where it is something else."""
    if text.lower() in _MISSING:
        return float("nan")
    try:
        return float(text)
    except ValueError:
        return None
