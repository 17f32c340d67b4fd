# SPDX-License-Identifier: BSD-3-Clause
"""Convert a SymPy expression to the steps of an `Expression` with a table of operations.

No text is evaluated, and only functions in the table are called.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Any

from thalweg._formulas.expressions import Step
from thalweg._formulas.sympy_forms import sympy

__all__ = ["Writer", "functions"]


@cache
def functions() -> dict[str, tuple[str, int]]:
    """Return the operation and number of arguments of each SymPy function that has one."""
    arcs = ("sin", "cos", "tan", "sinh", "cosh", "tanh")
    same = ("exp", "log", "erf", "erfc", "sign", "floor", "digamma")
    return (
        {name: (name, 1) for name in (*arcs, *same)}
        | {f"a{name}": (f"arc{name}", 1) for name in arcs}
        | {"Abs": ("absolute", 1), "ceiling": ("ceil", 1), "loggamma": ("gammaln", 1)}
        | {"atan2": ("arctan2", 2), "Mod": ("remainder", 2), "Heaviside": ("heaviside", 2)}
        | {"polygamma": ("polygamma", 2), "Not": ("logical_not", 1), "ITE": ("where", 3)}
        | {"Equality": ("equal", 2), "Unequality": ("not_equal", 2)}
        | {"StrictLessThan": ("less", 2), "LessThan": ("less_equal", 2)}
        | {"StrictGreaterThan": ("greater", 2), "GreaterThan": ("greater_equal", 2)}
    )


# Functions of two or more arguments, which are combined from the left.
_FOLDED = {
    "Max": "maximum",
    "Min": "minimum",
    "And": "logical_and",
    "Or": "logical_or",
    "Xor": "logical_xor",
}


class Writer:
    """Converts a SymPy expression to steps, operands before operations."""

    def __init__(self, variables: Sequence[Any]) -> None:
        self.positions = {symbol: i for i, symbol in enumerate(variables)}
        self.steps: list[Step] = []

    def folded(self, operation: str, parts: Sequence[Any]) -> None:
        """Write parts combined by one operation, from the left."""
        for k, part in enumerate(parts):
            self.write(part)
            if k:
                self.steps.append((operation, 2))

    def write(self, e: Any) -> None:
        """Write any expression."""
        sp = sympy()
        name = type(e).__name__
        if e in self.positions:
            self.steps.append(self.positions[e])
        elif e in (sp.true, sp.false):
            self.steps.append(float(e == sp.true))
        elif not e.free_symbols and e.is_number:
            self.steps.append(_float(e))
        elif e.is_Add:
            self.sum(e)
        elif e.is_Mul:
            self.product(e)
        elif e.is_Pow:
            self.power(e.base, e.exp)
        elif e.is_Piecewise:
            self.piecewise(e)
        elif name == "polygamma" and e.args[0] == 0:  # SymPy's form of digamma
            self.write(e.args[1])
            self.steps.append(functions()["digamma"])
        elif name in _FOLDED:
            self.folded(_FOLDED[name], e.args)
        elif name in functions() and functions()[name][1] == len(e.args):
            for part in e.args:
                self.write(part)
            self.steps.append(functions()[name])
        elif name == "gamma":  # for positive arguments, like the operation gammaln
            self.write(e.args[0])
            self.steps += [("gammaln", 1), ("exp", 1)]
        elif name == "sinc":  # SymPy's is sin(a) / a, NumPy's is sin(pi a) / (pi a)
            self.write(e.args[0] / sp.pi)
            self.steps.append(("sinc", 1))
        else:
            self.others(e)

    def others(self, e: Any) -> None:
        """Write functions that SymPy can rewrite by known ones: cot, sec, factorial."""
        sp = sympy()
        for way in (sp.sin, sp.sinh, sp.Piecewise, sp.gamma, sp.exp):
            rewritten = e.rewrite(way)
            if rewritten != e and not rewritten.has(type(e)) and not rewritten.has(sp.I):
                self.write(rewritten)
                return
        raise TypeError(f"from_sympy has no operation for {type(e).__name__} in {e}")

    def sum(self, e: Any) -> None:
        """Write a + b - c: terms with a minus sign are subtracted."""
        first, *rest = sorted(e.args, key=lambda part: part.could_extract_minus_sign())
        self.write(first)
        for part in rest:
            minus = part.could_extract_minus_sign()
            self.write(-part if minus else part)
            self.steps.append(("subtract" if minus else "add", 2))

    def product(self, e: Any) -> None:
        """Write a product as a b / (c d), where c and d are the factors with negative powers."""
        sp = sympy()
        above, below = sp.fraction(e, exact=True)
        if below == 1:
            self.folded("multiply", above.args if above.is_Mul else [above])
            return
        self.write(above)
        self.write(below)
        self.steps.append(("divide", 2))

    def power(self, base: Any, exponent: Any) -> None:
        """Write a power, as a root or reciprocal if the exponent is 1/2, -1/2 or -1."""
        sp = sympy()
        half = sp.Rational(1, 2)
        if exponent in (half, -half, -1):
            self.write(base)
            if exponent != -1:
                self.steps.append(("sqrt", 1))
            if exponent != half:
                self.steps.append(("reciprocal", 1))
            return
        self.write(base)
        self.write(exponent)
        self.steps.append(("power", 2))

    def piecewise(self, e: Any) -> None:
        """Write where(c1, a1, where(c2, a2, …)), which is NaN if no condition is true."""
        for value, condition in e.args:
            self.write(condition)
            self.write(value)
        self.steps.append(math.nan)
        self.steps += [("where", 3)] * len(e.args)


def _float(e: Any) -> float:
    try:
        return float(e)
    except TypeError:
        raise TypeError(f"the expression must be real, got {e}") from None
