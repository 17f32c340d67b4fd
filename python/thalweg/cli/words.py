# SPDX-License-Identifier: BSD-3-Clause
"""Read expressions, starts and bounds from the words of the command line."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from thalweg._formulas.expressions import Expression

Ends = tuple[float | None, float | None]


class BadInputError(Exception):
    """Raised for invalid input on the command line; the message is one line."""


def read_expression(text: str, what: str) -> Expression:
    """Parse an expression, or raise BadInputError that begins with `what`."""
    from thalweg._formulas.expressions import ExpressionError, parse

    try:
        return parse(text)
    except ExpressionError as error:
        raise BadInputError(f"{what}: {error}") from None


def read_number(text: str, what: str) -> float:
    """Read a number, or an expression of numbers such as pi/2."""
    expression = read_expression(text, what)
    if expression.variables:
        raise BadInputError(f"{what} must be a number, got {text!r}")
    return float(expression())


def by_name(words: list[str], flag: str, variables: tuple[str, ...]) -> dict[str, str]:
    """Split `NAME=VALUE` words by name; each name must be a variable and occur once."""
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        name = name.strip()
        if not name.isascii():
            from unicodedata import normalize

            name = normalize("NFKC", name)  # as Python normalizes identifiers
        if not (equals and name and value.strip()):
            raise BadInputError(f"{flag} takes NAME=VALUE, got {word.strip()!r}")
        if name not in variables:
            raise BadInputError(
                f"{flag} {name}: the expression has no {name!r}; it has {', '.join(variables)}"
            )
        if name in found:
            raise BadInputError(f"{flag} {name} is given twice")
        found[name] = value.strip()
    return found


def read_start(words: list[str], variables: tuple[str, ...]) -> list[float]:
    """Read the start, a finite number for each variable."""
    texts = by_name(words, "--start", variables)
    missing = [name for name in variables if name not in texts]
    if missing:
        wanted = " ".join(f"--start {name}=..." for name in missing)
        raise BadInputError(f"there is no start for {', '.join(missing)}: add {wanted}")
    start = [read_number(texts[name], f"--start {name}") for name in variables]
    for name, value in zip(variables, start, strict=True):
        if not math.isfinite(value):
            raise BadInputError(f"--start {name} must be finite, got {texts[name]!r}")
    return start


def read_bounds(
    words: list[str], variables: tuple[str, ...], start: list[float]
) -> list[Ends] | None:
    """Read a pair of bounds for each variable, None for a missing bound; None without bounds."""
    if not words:
        return None
    pairs: dict[str, Ends] = {}
    for name, text in by_name(words, "--bounds", variables).items():
        ends = _read_ends(name, text)
        at = start[variables.index(name)]
        if (ends[0] is not None and at < ends[0]) or (ends[1] is not None and at > ends[1]):
            raise BadInputError(f"--start {name}={at} lies outside --bounds {name}={text}")
        pairs[name] = ends
    return [pairs.get(name, (None, None)) for name in variables]


def _read_ends(name: str, text: str) -> Ends:
    """Read `LOW:HIGH`, with None for a bound that is left out."""
    low, colon, high = text.partition(":")
    what = f"--bounds {name}"
    if not colon:
        raise BadInputError(f"{what} takes LOW:HIGH, got {text!r}")
    ends = [read_number(end, what) if end.strip() else None for end in (low, high)]
    if any(end is not None and math.isnan(end) for end in ends):
        raise BadInputError(f"{what} must be numbers, got {text!r}")
    if ends[0] is not None and ends[1] is not None and ends[0] > ends[1]:
        raise BadInputError(f"{what}: the lower bound {ends[0]} is above the upper {ends[1]}")
    return ends[0], ends[1]


def read_box(words: list[str], variables: tuple[str, ...]) -> list[tuple[float, float]]:
    """Read a pair of finite bounds for each variable."""
    texts = by_name(words, "--bounds", variables)
    missing = [name for name in variables if name not in texts]
    if missing:
        wanted = " ".join(f"--bounds {name}=LOW:HIGH" for name in missing)
        raise BadInputError(f"there are no bounds for {', '.join(missing)}: add {wanted}")
    box = []
    for name in variables:
        low, high = _read_ends(name, texts[name])
        if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
            raise BadInputError(
                f"--bounds {name} must be finite, because starts are spread over the whole box, "
                f"got {texts[name]!r}"
            )
        box.append((low, high))
    return box


def read_shape(text: str | None, axes: int) -> tuple[int, ...]:
    """Read a shape such as `512x512`, the number of starts along each axis."""
    if text is None:
        return (512,) * min(axes, 2) + (2,) * max(0, axes - 2)
    parts = text.strip().lower().split("x")
    if not all(part.strip().isdecimal() for part in parts):
        raise BadInputError(f"--shape takes whole numbers such as 512x512, got {text.strip()!r}")
    shape = tuple(int(part) for part in parts)
    if len(shape) != axes:
        raise BadInputError(
            f"--shape must have a number for each of {axes} variables that --bounds leave free, "
            f"got {text.strip()!r}"
        )
    return shape


def read_numbers(text: str, name: str) -> float | list[float]:
    """Read `A`, `A,B,C`, or a range `LOW:HIGH:COUNT`, or with equal ratios `LOW:HIGH:COUNT:log`."""
    what = "--" + name.replace("_", "-")
    if ":" not in text:
        values = [read_number(part, what) for part in text.split(",")]
        return values if "," in text else values[0]
    parts = [part.strip() for part in text.split(":")]
    if len(parts) == 3:
        parts.append("lin")
    if len(parts) != 4 or parts[3] not in ("lin", "log") or not parts[2].isdecimal():
        raise BadInputError(f"{what} takes LOW:HIGH:COUNT or LOW:HIGH:COUNT:log, got {text!r}")
    low, high, count = read_number(parts[0], what), read_number(parts[1], what), int(parts[2])
    if not (math.isfinite(low) and math.isfinite(high)) or count < 2:
        raise BadInputError(f"{what} takes two finite limits and a COUNT >= 2, got {text!r}")
    if parts[3] == "log" and not (low > 0 and high > 0):
        raise BadInputError(f"{what}: the limits of a log range must be > 0, got {text!r}")
    import numpy as np

    spaced = np.geomspace if parts[3] == "log" else np.linspace
    found: list[float] = spaced(low, high, count).tolist()
    return found
