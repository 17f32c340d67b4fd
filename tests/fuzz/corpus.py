# SPDX-License-Identifier: BSD-3-Clause
"""What was found before, as text: seeds would mean other programs once the writer changes.

A program is the shape of x, shapes of data by name, and lines; numbers come from a generator.
"""

from dataclasses import dataclass, field

import numpy as np

from .programs import Program


@dataclass
class Found:
    """A program that showed a fault."""

    fault: str
    x: tuple[int, ...]
    lines: list[str]
    term: str
    data: dict[str, tuple[int, ...]] = field(default_factory=dict)
    zero: bool = False  # whether the first number of x is 0

    def program(self) -> Program:
        """The program with its numbers."""
        made = Program(0)
        made.rng = np.random.default_rng(len(self.lines) + sum(self.x))
        made.point = made.rng.standard_normal(self.x)
        if self.zero:
            made.point.flat[0] = 0.0
        made.data |= {k: made.rng.standard_normal(s) for k, s in self.data.items()}
        made.lines, made.terms = list(self.lines), [self.term]
        return made


PROGRAMS = [
    Found(
        "a condition of np.piecewise of fewer axes chose columns, not rows",
        (8, 8),
        ["v0 = np.piecewise(x, [(b >= 0.15)], [lambda v: v * 0.94, 0.94])"],
        "np.sum(v0 ** 2)",
        {"b": (8,)},
    ),
]

COMMANDS: list[list[str]] = [
    ["fit", "/", "a * x", "--x", "x", "--y", "y", "--start", "a=1"],
    ["fit", "/dev/null", "a * x", "--x", "x", "--y", "y", "--start", "a=1"],
]
