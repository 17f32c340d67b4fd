# SPDX-License-Identifier: BSD-3-Clause
"""The command line's words as numbers: expressions, starts, bounds. What does not fit is told."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from thalweg.expressions import Expression

Ends = tuple[float | None, float | None]


class BadInputError(Exception):
    """What the user wrote cannot be used; the message is one line."""


def read_expression(text: str, what: str) -> Expression:
    """An expression, or BadInputError that begins with `what`."""
    from thalweg.expressions import ExpressionError, parse

    try:
        return parse(text)
    except ExpressionError as error:
        raise BadInputError(f"{what}: {error}") from None


def read_number(text: str, what: str) -> float:
    """A number, or an expression of numbers such as pi/2."""
    expression = read_expression(text, what)
    if expression.variables:
        raise BadInputError(f"{what} must be a number, got {text!r}")
    return float(expression())


def by_name(words: list[str], flag: str, variables: tuple[str, ...]) -> dict[str, str]:
    """`NAME=VALUE` words by name; each name one of the variables, once."""
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        name = name.strip()
        if not name.isascii():
            from unicodedata import normalize

            name = normalize("NFKC", name)  # as Python reads names
        if not (equals and name and value.strip()):
            raise BadInputError(f"{flag} takes NAME=VALUE, got {word.strip()!r}")
        if name not in variables:
            raise BadInputError(
                f"{flag} {name}: the expression has no {name!r}; it has {', '.join(variables)}"
            )
        if name in found:
            raise BadInputError(f"{flag} {name}: given twice")
        found[name] = value.strip()
    return found


def read_start(words: list[str], variables: tuple[str, ...]) -> list[float]:
    """The start, a finite number for each variable."""
    texts = by_name(words, "--start", variables)
    missing = [name for name in variables if name not in texts]
    if missing:
        wanted = " ".join(f"--start {name}=..." for name in missing)
        raise BadInputError(f"no start for {', '.join(missing)}: add {wanted}")
    start = [read_number(texts[name], f"--start {name}") for name in variables]
    for name, value in zip(variables, start, strict=True):
        if not math.isfinite(value):
            raise BadInputError(f"--start {name} must be finite, got {texts[name]!r}")
    return start


def read_bounds(
    words: list[str], variables: tuple[str, ...], start: list[float]
) -> list[Ends] | None:
    """A pair for each variable, None where an end is free; None without any."""
    if not words:
        return None
    pairs: dict[str, Ends] = {}
    for name, text in by_name(words, "--bounds", variables).items():
        low, colon, high = text.partition(":")
        if not colon:
            raise BadInputError(f"--bounds {name} takes LOW:HIGH, got {text!r}")
        what = f"--bounds {name}"
        ends = [read_number(end, what) if end.strip() else None for end in (low, high)]
        if any(end is not None and math.isnan(end) for end in ends):
            raise BadInputError(f"{what} must be numbers, got {text!r}")
        if ends[0] is not None and ends[1] is not None and ends[0] > ends[1]:
            raise BadInputError(f"{what}: the lower end {ends[0]} is above the upper {ends[1]}")
        at = start[variables.index(name)]
        if (ends[0] is not None and at < ends[0]) or (ends[1] is not None and at > ends[1]):
            raise BadInputError(f"--start {name}={at} lies outside {what}={text}")
        pairs[name] = (ends[0], ends[1])
    return [pairs.get(name, (None, None)) for name in variables]


def picture_file(file: str) -> str:
    """Where to draw; everything that can be wrong with it is told before the run."""
    from importlib.util import find_spec

    if find_spec("matplotlib") is None:
        raise BadInputError('--plot needs matplotlib: pip install "thalweg[plot]"')
    known = (".png", ".svg", ".pdf", ".jpg", ".jpeg", ".webp")
    if not file.lower().endswith(known):
        raise BadInputError(f"--plot takes a file ending in {', '.join(known)}; got {file!r}")
    folder = os.path.dirname(file)  # noqa: PTH120 - pathlib takes longer to import than a descent
    if folder and not os.path.isdir(folder):  # noqa: PTH112
        raise BadInputError(f"--plot {file}: there is no folder {folder!r}")
    return file
