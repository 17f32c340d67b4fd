# SPDX-License-Identifier: BSD-3-Clause
"""Functions of a few numbers as a line of text: read back by Python they are the same function."""

import numpy as np
import pytest

import thalweg as tw
from thalweg._formulas.infix import infix

TEXTS = {
    "85 − x² · (x − 6) · y² · (y − 6) / 90": lambda x, y: 85 - x**2 * (x - 6) * y**2 * (y - 6) / 90,
    "100 (y − x²)² + (1 − x)²": lambda x, y: 100 * (y - x**2) ** 2 + (1 - x) ** 2,
    "exp(x) − log(y)": lambda x, y: np.exp(x) - np.log(y),
    "x³ / 2 − |y|^1.5 + 2^x": lambda x, y: x**3 / 2 - abs(y) ** 1.5 + 2**x,
    "x − (y − (1 − x))": lambda x, y: x - (y - (1 - x)),
    "x / (y / x) / (2 y)": lambda x, y: x / (y / x) / (2 * y),
    "(x²)³ · y⁻²": lambda x, y: (x**2) ** 3 * y**-2,
    "sin(2π · x) · √(y)": lambda x, y: np.sin(2 * np.pi * x) * np.sqrt(y),
    "where(x < y, x, 1e−07 · y)": lambda x, y: np.where(x < y, x, 1e-7 * y),
    "x · (−2) + y": lambda x, y: x * -2 + y,
}


def text_of(fun, names=("x", "y")):
    F = tw.objective(fun, np.ones(len(names)))
    return infix(F._graph, F._f, names)


@pytest.mark.parametrize("text", TEXTS)
def test_a_function_is_written_as_one_writes_it(text):
    assert text_of(TEXTS[text]) == text


@pytest.mark.parametrize("text", TEXTS)
def test_what_is_written_is_the_function(text):
    code = text.replace(" · ", "*").replace("−", "-").replace("^", "**").replace("√", "np.sqrt")
    for mark, power in {"²": 2, "³": 3, "⁻**2": -2}.items():
        code = code.replace(mark, f"**{power}")
    code = code.replace("⁻**2", "**(-2)").replace("|y|", "abs(y)").replace("2π", "(2*np.pi)")
    code = code.replace("100 (", "100*(").replace("2 y", "2*y")
    known = {"np": np, "exp": np.exp, "log": np.log, "sin": np.sin, "where": np.where}
    made = eval(code, known | {"x": 0.7, "y": 1.3})  # the text is ours
    assert made == pytest.approx(TEXTS[text](0.7, 1.3), rel=1e-14)


def test_entries_of_an_array_carry_their_names():
    assert text_of(lambda v: v[0] ** 2 + v[1], ("v[0]", "v[1]")) == "v[0]² + v[1]"


def test_arrays_and_long_functions_have_no_line():
    assert text_of(lambda x, y: np.sum(np.arange(3.0) * x) + y) is None

    def twice(x, y):
        for _ in range(60):
            x, y = x * y + 1, x
        return x

    assert text_of(twice) is None
