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
        "a scalar's lookup was not repeated over the batch in the layout of elements",
        (8,),
        ["v0 = x * np.interp(x[0], [0.0, 1.0], [0.2, 1.0])"],
        "np.sum(v0 ** 2)",
    ),
    Found(
        "a condition of np.piecewise of fewer axes chose columns, not rows",
        (8, 8),
        ["v0 = np.piecewise(x, [(b >= 0.15)], [lambda v: v * 0.94, 0.94])"],
        "np.sum(v0 ** 2)",
        {"b": (8,)},
    ),
    Found(
        "a gather of no elements from no elements could not be evaluated",
        (1,),
        ["v0 = x[:0]", "v1 = v0[np.arange(0) % 1] * v0[np.arange(0) % 1]"],
        "np.sum(v1) + np.sum(np.sin(x))",
    ),
    Found(
        "an axis of length 0 behind others divided by zero",
        (64, 13),
        ["v0 = x[..., None] * b"],
        "np.sum(np.sin(x)) + np.sum(np.sin(v0))",
        {"b": (0,)},
    ),
    Found(
        "a polynomial with 320 traced coefficients divided by zero",
        (320, 1),
        [
            "v0 = np.multiply.reduce(x, -1)",
            "v1 = 1e-3 * np.polyval(v0, np.full((1, 320, 5, 1), 0.7))",
        ],
        "np.sum(np.sin(v1))",
    ),
    Found(
        "a stage had more inputs than its integers hold",
        (8191, 3),
        ["v0 = np.add.reduce([x, np.absolute(x)])"],
        "np.sum(v0 * np.cos(v0))",
    ),
    Found(
        "hypot squared, exprel and sinc lost their second slopes at 0",
        (7,),
        ["v0 = np.hypot(x, x)", "v1 = special.exprel(x)", "v2 = np.sinc(x)"],
        "np.sum(v0 ** 2) + np.sum(v1) + np.sum(v2 ** 2)",
        zero=True,
    ),
    Found(
        "the condition of a branch was reduced over no elements",
        (9,),
        ["v0 = np.where(b > 0.2, np.log(np.where(b > 0.2, b, 1.0)), x)"],
        "np.sum(v0) + np.sum(np.sin(x))",
        {"b": (0, 9)},
    ),
    Found(
        "the slope of a product over an axis of length 1 divided by zero",
        (256,),
        ["v0 = np.prod(np.cos(np.atleast_3d(x)), axis=2, keepdims=True)"],
        "np.mean(v0)",
    ),
    Found(
        "an integral over an axis of length 1 divided by zero",
        (319,),
        [
            "v0 = x[None, :, None]",
            "v1 = np.trapezoid(v0, np.cumsum(1 + 0.1 * v0, axis=-1), axis=-1)",
        ],
        "np.mean(v1) + np.mean(v0)",
    ),
    Found(
        "arrays taken apart corrupted memory",
        (8193,),
        ["v0 = np.std([x, np.cos(x), 0.5 * x], axis=0)"],
        "np.sum(v0)",
    ),
    Found(
        "np.roll by shifts that are no integers raised an error about slices",
        (7, 13),
        ["v0 = np.roll(x, np.array([0.7, -1.9, 2.143]), axis=-1) * x"],
        "np.sum(np.sin(v0))",
    ),
    Found(
        "a second slope where the value jumps was a finding",
        (12,),
        ["v0 = np.heaviside(x, x)"],
        "np.sum(v0 ** 2)",
        zero=True,
    ),
    Found(
        "the complex step of special.cbrt was a difference",
        (512,),
        ["v0 = special.cbrt(-special.erfc(x))"],
        "np.mean(v0)",
    ),
    Found(
        "copysign(x, x), which is x, had slope 0 at 0; cos of a norm second slope 0",
        (9,),
        ["v0 = np.copysign(x, x)", "v1 = np.cos(2 * np.linalg.norm(x[:1]))"],
        "np.sum(np.sin(v0)) + v1",
        zero=True,
    ),
    Found(
        "the copysign of one number by another, squared, had second slope 0 at 0",
        (9,),
        ["v0 = np.copysign(x, b)", "v1 = np.cos(3 * np.copysign(x, -b))"],
        "np.sum(v0 ** 2) + np.sum(v1)",
        {"b": (9,)},
        zero=True,
    ),
    Found(
        "a jump at a value that is 0 but for NumPy's rounding was a finding",
        (8,),
        ["v0 = np.sinc(1.0 + x)", "v1 = np.heaviside(v0, x)"],
        "np.sum(v1)",
        zero=True,
    ),
    Found(
        "the sign of a sum of zeros was a finding",
        (3, 1),
        ["v0 = x - x.mean(axis=-1, keepdims=True)", "v1 = v0.T @ -np.exp(b)"],
        "np.sum(np.arctan2(v1, v1))",
        {"b": (3,)},
    ),
    Found(
        "a slope between points without values was a finding",
        (1,),
        ["v0 = x[0] * np.array([1.0, -0.5])", "v1 = np.float_power(v0, v0)"],
        "np.sum(v1)",
        zero=True,
    ),
]

COMMANDS: list[list[str]] = [
    ["fit", "/", "a * x", "--x", "x", "--y", "y", "--start", "a=1"],
    ["fit", "/dev/null", "a * x", "--x", "x", "--y", "y", "--start", "a=1"],
    ["fit", "\0", "a * x", "--x", "x", "--y", "y", "--start", "a=1"],
]
