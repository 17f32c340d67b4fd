# SPDX-License-Identifier: BSD-3-Clause
"""Define the SymPy form of each operation of the core, and of numbers.

The forms are valid for real numbers; they do not describe NaN and infinity.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from typing import Any

__all__ = ["LOGICAL", "counted", "forms", "number", "sympy", "truth"]


def sympy() -> Any:
    """Import and return SymPy."""
    try:
        import sympy
    except ImportError:
        raise ImportError('formulas need SymPy: pip install "thalweg[sympy]"') from None
    return sympy


@cache
def forms() -> dict[str, Callable[..., Any]]:
    """Return the SymPy form of each operation of the core, for real numbers."""
    sp = sympy()

    def whole(x: Any) -> Any:  # towards zero
        return sp.sign(x) * sp.floor(sp.Abs(x))

    def nearest(x: Any) -> Any:  # ties to even
        up = sp.floor(x + sp.Rational(1, 2))
        return sp.Piecewise((up - 1, sp.Eq(sp.Mod(x + sp.Rational(1, 2), 2), 1)), (up, True))

    def times_log(a: Any, y: Any) -> Any:
        return sp.Piecewise((0, sp.Eq(a, 0)), (a * sp.log(y), True))

    return {
        "add": lambda a, b: a + b,
        "subtract": lambda a, b: a - b,
        "multiply": lambda a, b: a * b,
        "divide": lambda a, b: a / b,
        "negative": lambda a: -a,
        "square": lambda a: a**2,
        "reciprocal": lambda a: 1 / a,
        "sqrt": sp.sqrt,
        "cbrt": lambda a: sp.sign(a) * sp.cbrt(sp.Abs(a)),
        "power": lambda a, b: a**b,
        "absolute": sp.Abs,
        "sign": sp.sign,
        "maximum": sp.Max,
        "minimum": sp.Min,
        "fmax": sp.Max,
        "fmin": sp.Min,
        "copysign": lambda a, b: sp.Abs(a) * sp.Piecewise((1, b >= 0), (-1, True)),
        "remainder": lambda a, b: a - b * sp.floor(a / b),
        "fmod": lambda a, b: a - b * whole(a / b),
        "floor_divide": lambda a, b: sp.floor(a / b),
        "floor": sp.floor,
        "ceil": sp.ceiling,
        "rint": nearest,
        "trunc": whole,
        "exp": sp.exp,
        "exp2": lambda a: 2**a,
        "expm1": lambda a: sp.exp(a) - 1,
        "exprel": lambda a: sp.Piecewise((1, sp.Eq(a, 0)), ((sp.exp(a) - 1) / a, True)),
        "log": sp.log,
        "log2": lambda a: sp.log(a) / sp.log(2),
        "log10": lambda a: sp.log(a) / sp.log(10),
        "log1p": lambda a: sp.log(1 + a),
        "expit": lambda a: 1 / (1 + sp.exp(-a)),
        "log_expit": lambda a: -sp.log(1 + sp.exp(-a)),
        "logit": lambda a: sp.log(a / (1 - a)),
        "logaddexp": lambda a, b: sp.log(sp.exp(a) + sp.exp(b)),
        "logaddexp2": lambda a, b: sp.log(2**a + 2**b) / sp.log(2),
        "xlogy": times_log,
        "xlog1py": lambda a, b: times_log(a, 1 + b),
        "sin": sp.sin,
        "cos": sp.cos,
        "sinc": lambda a: sp.sinc(sp.pi * a),
        "tan": sp.tan,
        "arcsin": sp.asin,
        "arccos": sp.acos,
        "arctan": sp.atan,
        "arctan2": sp.atan2,
        "hypot": lambda a, b: sp.sqrt(a**2 + b**2),
        "sinh": sp.sinh,
        "cosh": sp.cosh,
        "tanh": sp.tanh,
        "arcsinh": sp.asinh,
        "arccosh": sp.acosh,
        "arctanh": sp.atanh,
        "erf": sp.erf,
        "erfc": sp.erfc,
        "gammaln": sp.loggamma,
        "digamma": sp.digamma,
        "polygamma": sp.polygamma,
        "gamma": sp.gamma,
        "beta": sp.beta,
        "betaln": lambda a, b: sp.log(sp.beta(a, b)),
        "polygamma_rise": lambda n, a, b: sp.polygamma(n, a + b) - sp.polygamma(n, a),
        "erfinv": sp.erfinv,
        "jn": sp.besselj,
        "yn": sp.bessely,
        "iv": sp.besseli,
        "kn": sp.besselk,
        "less": sp.Lt,
        "less_equal": sp.Le,
        "greater": sp.Gt,
        "greater_equal": sp.Ge,
        "equal": sp.Eq,
        "not_equal": sp.Ne,
        "logical_and": lambda a, b: sp.And(truth(a), truth(b)),
        "logical_or": lambda a, b: sp.Or(truth(a), truth(b)),
        "logical_xor": lambda a, b: sp.Xor(truth(a), truth(b)),
        "logical_not": lambda a: sp.Not(truth(a)),
        # A formula is about real numbers.
        "isnan": lambda _: sp.false,
        "isfinite": lambda _: sp.true,
        "isinf": lambda _: sp.false,
        "heaviside": sp.Heaviside,
        "where": lambda c, a, b: sp.Piecewise((a, truth(c)), (b, True)),
    }


# Operations that take truth values unchanged; for others, these are converted to 0 and 1.
LOGICAL = ("logical_and", "logical_or", "logical_xor", "logical_not")


def _is_condition(value: Any) -> bool:
    sp = sympy()
    return isinstance(value, sp.logic.boolalg.Boolean) and not isinstance(value, sp.Expr)


def truth(value: Any) -> Any:
    """Convert a value to a condition: a number is true if it is not 0."""
    return value if _is_condition(value) else sympy().Ne(value, 0)


def counted(value: Any) -> Any:
    """Convert a value to a number: a condition becomes 1 or 0."""
    return sympy().Piecewise((1, value), (0, True)) if _is_condition(value) else value


@cache
def _known_numbers() -> dict[float, Any]:
    """Return the symbolic form of well-known numbers by their value."""
    sp = sympy()
    meant = [sp.E, sp.EulerGamma, sp.log(2), sp.log(10), 1 / sp.log(2), 1 / sp.log(10)]
    meant += [sp.sqrt(2), sp.sqrt(sp.pi), sp.sqrt(2 * sp.pi), 1 / sp.sqrt(sp.pi)]
    meant += [2 / sp.sqrt(sp.pi), sp.log(2 * sp.pi), 1 / sp.pi]
    return {float(m): m for m in [*meant, *(-m for m in meant)]}


def number(value: float) -> Any:
    """Write a number as a fraction, a multiple of pi, a known constant, or else by its digits."""
    sp = sympy()
    if not math.isfinite(value):
        return sp.nan if math.isnan(value) else sp.oo if value > 0 else -sp.oo
    if value in _known_numbers():
        return _known_numbers()[value]
    # A product such as 3 * np.pi / 2, or a factor from differentiation, is rounded more than once.
    rounding = 4e-16 * abs(value)
    short = Fraction(value).limit_denominator(1000)
    if abs(short - Fraction(value)) <= rounding and abs(value) < 1e15:
        return sp.Rational(short.numerator, short.denominator)
    turn = Fraction(value / math.pi).limit_denominator(12)
    if 0 < abs(turn) < 1000 and abs(float(turn) * math.pi - value) <= rounding:
        return sp.Rational(turn.numerator, turn.denominator) * sp.pi
    return sp.Float(repr(value), 17)
