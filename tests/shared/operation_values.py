# SPDX-License-Identifier: BSD-3-Clause
"""Exact values of the core's operations by mpmath, where to look, and how far off a value is.

An operation is known by its name alone. Where mpmath has none of that name, REFERENCES says what
it is.
"""

import math
import zlib
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cache
from typing import Any

import mpmath
import numpy as np
import pytest
from mpmath import mp, mpf
from numpy.typing import NDArray
from special_values import CASES

from thalweg import _core

FloatArray = NDArray[np.float64]
Point = tuple[float, ...]

OPERATIONS = {o["name"]: o | {"code": code} for code, o in enumerate(_core.operations())}

# Exact results, NumPy's bit for bit: choices, roundings, signs, truth values.
CHOICES = {
    *("negative", "absolute", "sign", "copysign", "maximum", "minimum", "fmax", "fmin", "fmod"),
    *("floor", "ceil", "rint", "trunc", "heaviside", "where"),
} | {name for name, o in OPERATIONS.items() if o["boolean"]}
# Parts of a complex number whose error is small beside the number: tests/ops/test_faddeeva.py.
PARTS = {"faddeeva_slope_real", "faddeeva_slope_imag"}
# The others, but for those that test_special_functions.py measures.
SMOOTH = [name for name in OPERATIONS if name not in CHOICES | PARTS | CASES.keys()]

SMALLEST = 2.0**-1074
EPS = 2.0**-52
LARGEST = float(np.finfo(np.float64).max)

# DESIGN, promise 8, in units in the last place. What the processor rounds correctly stays so.
BOUND = (
    dict.fromkeys(["add", "subtract", "multiply", "divide", "square", "reciprocal", "sqrt"], 0.5)
    | dict.fromkeys(["exp", "log", "expm1", "log1p", "sin", "cos", "remainder", "floor_divide"], 2)
    | {"polygamma": 8, "faddeeva_real": 8, "faddeeva_imag": 8}
)
OTHERWISE = 4
NEAR_ZEROS_ABSOLUTE = {"gammaln", "digamma"}

# mpmath's bits for values: 53 wanted, up to 110 lost where a reference cancels (logaddexp near 0).
VALUE_BITS = 240


def _exactly(f: Callable[[Fraction, Fraction], Fraction]) -> Callable[[Any, Any], Any]:
    def reference(a: Any, b: Any) -> Any:
        exact = f(_fraction(a), _fraction(b))
        return mpf(exact.numerator) / mpf(exact.denominator)

    return reference


def _fraction(x: Any) -> Fraction:
    sign, man, exp, _ = mpf(x)._mpf_
    whole = Fraction(int(man)) * Fraction(2) ** int(exp)
    return -whole if sign else whole


def faddeeva(a: Any, b: Any) -> Any:
    """The Faddeeva function of a + i b, by its asymptotic series where that is exact."""
    z = mpmath.mpc(a, b)
    if b < 0:
        return 2 * mpmath.exp(-z * z) - faddeeva(-a, -b)
    if abs(z) ** 2 < mp.prec:
        return mpmath.exp(-z * z) * mpmath.erfc(-1j * z)
    total, term, k = mpf(0), mpmath.mpc(1), 0
    while abs(term) > mpmath.ldexp(1, -mp.prec - 10):
        total += term
        k += 1
        term *= (k - mpf(1) / 2) / z**2
    on_axis = mpmath.exp(-(a**2)) if not b and a < 1e6 else 0
    return 1j * total / (mpmath.sqrt(mpmath.pi) * z) + on_axis


REFERENCES: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "negative": lambda a: -a,
    "square": lambda a: a * a,
    "reciprocal": lambda a: 1 / a,
    "cbrt": lambda a: mpmath.sign(a) * mpmath.cbrt(abs(a)),
    "absolute": abs,
    "remainder": _exactly(lambda a, b: a % b),
    "floor_divide": _exactly(lambda a, b: Fraction(a // b)),
    "fmod": _exactly(lambda a, b: (abs(a) % abs(b)) * (1 if a >= 0 else -1)),
    "exp2": lambda a: mpmath.power(2, a),
    "exprel": lambda a: mpmath.expm1(a) / a if a else mpf(1),
    "sinc": mpmath.sincpi,
    "log2": lambda a: mpmath.log(a) / mpmath.log(2),
    "expit": lambda a: 1 / (1 + mpmath.exp(-a)),
    "log_expit": lambda a: -mpmath.log1p(mpmath.exp(-a)) if a > -1e5 else a,
    "logit": lambda a: mpmath.log(a / (1 - a)),
    "logaddexp": lambda a, b: max(a, b) + mpmath.log1p(mpmath.exp(-abs(a - b))),
    "logaddexp2": lambda a, b: (
        max(a, b) + mpmath.log1p(mpmath.power(2, -abs(a - b))) / mpmath.log(2)
    ),
    "xlogy": lambda a, b: a * mpmath.log(b),
    "xlog1py": lambda a, b: a * mpmath.log1p(b),
    "arcsin": mpmath.asin,
    "arccos": mpmath.acos,
    "arctan": mpmath.atan,
    "arctan2": mpmath.atan2,
    "arcsinh": mpmath.asinh,
    "arccosh": mpmath.acosh,
    "arctanh": mpmath.atanh,
    "erfc": lambda a: (
        mpmath.erfc(a) if abs(a) < 1e6 else mpf(0 if a > 0 else 2)
    ),  # mpmath overflows beyond
    "gammaln": mpmath.loggamma,
    "polygamma": lambda n, a: mpmath.psi(int(n), a),
    "faddeeva_real": lambda a, b: mpmath.re(faddeeva(a, b)),
    "faddeeva_imag": lambda a, b: mpmath.im(faddeeva(a, b)),
    **{name: case.reference for name, case in CASES.items()},
}


def reference_of(name: str) -> Callable[..., Any]:
    found = REFERENCES.get(name) or getattr(mpmath, name, None)
    if found is None:
        pytest.fail(f"mpmath has no {name!r}: say in REFERENCES what it is")
    return found


@cache
def exact_value(name: str, point: Point) -> Any:
    with mp.workprec(VALUE_BITS):
        try:
            return mpmath.re(reference_of(name)(*map(mpf, point)))
        except ZeroDivisionError:
            return mpf("nan")


# ---- the core's side -----------------------------------------------------------------------------


@cache
def function_of(name: str, order: float | None = None) -> Any:
    """Value and partials of an operation for k lanes; polygamma's order is one for all lanes."""
    g = _core.Graph()
    arity, code = OPERATIONS[name]["arity"], OPERATIONS[name]["code"]
    if order is not None:
        x = g.input(0, [])
        y = g.elementwise(code, g.constant(order), x)
        return _core.Function(g, [y, g.gradient(y, x)], 1)
    inputs = [g.input(k, []) for k in range(arity)]
    y = g.elementwise(code, *inputs)
    return _core.Function(g, [y, *(g.gradient(y, x) for x in inputs)], arity)


def evaluate(name: str, points: Sequence[Point]) -> list[FloatArray]:
    """Value, then each partial, at points."""
    columns = np.array(points, dtype=np.float64).T.copy()
    if name == "polygamma":
        value, slope = np.empty((2, len(points)))
        for order in np.unique(columns[0]):
            here = columns[0] == order
            v, s = function_of(name, float(order))(
                [columns[1][here].copy()], [True], int(here.sum())
            )
            value[here], slope[here] = v[:, 0], s[:, 0]
        return [value, np.zeros(len(points)), slope]
    out = function_of(name)(list(columns), [True] * len(columns), len(points))
    return [o[:, 0] for o in out]


# ---- where to look -------------------------------------------------------------------------------


def samples_of(
    domain: tuple[float, float, bool, bool], rng: np.random.Generator, n: int
) -> FloatArray:
    """Numbers of a domain: log-uniform over all of float64, in the middle, near ends and turns."""
    lower, upper, lower_open, upper_open = domain
    sign = rng.choice([-1.0, 1.0], (5, n))
    turning = rng.choice([1.0, 0.5, 1.4616321449683623, 2.0, 709.78, -745.13, -37.5], n)
    everywhere = [
        sign[0] * 2.0 ** rng.uniform(-1074, 1023.99, n),
        sign[1] * 2.0 ** rng.uniform(-60, 12, n),
        rng.uniform(-760, 760, n),
        turning * (1 + sign[2] * 2.0 ** rng.uniform(-52, -4, n)),
        np.rint(2.0 ** rng.uniform(0, 40, n)) * (math.pi / 2) * sign[3],
        np.ldexp(rng.integers(1, 1 << 20, n).astype(float), -1074) * sign[4],
        [
            LARGEST,
            -LARGEST,
            np.nextafter(0, 1),
            -np.nextafter(0, 1),
            2.0**-1022,
            -(2.0**-1022),
            1.0,
            -1.0,
            0.0,
        ],
        # No other double is as near to a multiple of pi/2 as 6381956970095103 * 2**797.
        [
            math.ldexp(6381956970095103, 797),
            1e22,
            3.0,
            5.0,
            0.5,
            -0.5,
            2.0,
            2.0**53,
            -(2.0**53),
            1e300,
        ],
    ]
    for end, inwards in ((lower, 1.0), (upper, -1.0)):
        if math.isfinite(end):
            distance = 2.0 ** rng.uniform(-52 if end else -1074, 1, n)
            everywhere.append(end + inwards * distance * (abs(end) or 1.0))
            everywhere.append(np.array([end, np.nextafter(end, end + inwards)]))
    x = np.concatenate([np.asarray(part, dtype=np.float64) for part in everywhere])
    inside = (x > lower if lower_open else x >= lower) & (x < upper if upper_open else x <= upper)
    return rng.permutation(x[inside])


def points_of(name: str, n: int, salt: int = 0) -> list[Point]:
    """About n points; the seed is the name's, so that a new operation moves no other's points."""
    o = OPERATIONS[name]
    rng = np.random.default_rng([zlib.crc32(name.encode()), salt])
    columns = [samples_of(d, rng, max(n // 5, 8)) for d in o["domain"]]
    if name == "polygamma":
        columns[0] = rng.integers(1, 9, n).astype(float)
        columns[1] = columns[1][columns[1] > 1e-30]  # below it 1/a**n is all, and mpmath is slow
    arity = o["arity"]
    rows = [rng.choice(c, n) for c in columns] if arity > 1 else [columns[0][:n]]
    if (
        arity == 2
    ):  # a third of the pairs close to one another: ties, quotients near 1, differences that cancel
        with np.errstate(over="ignore"):
            close = rows[0][: n // 3] * (1 + rng.choice([0, EPS, -EPS, 1e-9, 0.1, -0.3, 7], n // 3))
        lower, upper, _, _ = o["domain"][1]
        rows[1][: n // 3] = np.where(
            (close > lower) & (close < upper) & np.isfinite(close), close, rows[1][: n // 3]
        )
        middle = slice(n // 3, 2 * n // 3)  # and a third of moderate ratio
        with np.errstate(over="ignore"):
            near = np.abs(rows[0][middle]) * 2.0 ** rng.uniform(-30, 30, len(rows[0][middle]))
        rows[1][middle] = np.where((near > lower) & (near < upper), near, rows[1][middle])
        if name == "power":  # results of ordinary size
            rows[1][middle] = rng.uniform(-700, 700, len(rows[1][middle])) / np.maximum(
                np.abs(np.log(rows[0][middle])), 1e-3
            )
        if name == "polygamma":
            rows[1] = rng.choice(columns[1], n)
        if name.startswith("faddeeva"):  # below 0, zeros of both parts: tests/ops/test_faddeeva.py
            rows[1] = np.abs(rows[1])  # and parts far apart in size cost mpmath as many bits
            rows[0] = np.where(np.abs(rows[0]) < 1e-30, 0.0, rows[0])
    return list(zip(*(map(float, row) for row in rows), strict=True))


# ---- how far off ---------------------------------------------------------------------------------


def ulp(x: Any) -> Any:
    """Distance of doubles around a number."""
    if x == 0:
        return mpf(SMALLEST)
    exponent = max(int(mpmath.floor(mpmath.log(abs(x), 2))) - 52, -1074)
    return mpmath.ldexp(1, min(exponent, 971))


def ulps_off(got: float, exact: Any) -> float:
    """Error in units in the last place; infinity stands for 2**1024."""
    if mpmath.isnan(exact) or math.isnan(got):
        return 0.0 if mpmath.isnan(exact) and math.isnan(got) else math.inf
    limit = mpmath.ldexp(1, 1024)
    ours = mpf(got) if math.isfinite(got) else limit * (1 if got > 0 else -1)
    theirs = max(min(exact, limit), -limit)
    return float(min(abs(ours - theirs) / ulp(theirs), mpf(1e300)))


def allowed_ulps(name: str, exact: Any) -> float:
    bound = BOUND.get(name, OTHERWISE)
    if name in NEAR_ZEROS_ABSOLUTE and abs(exact) < 1:
        return float(bound * mpf(EPS) / ulp(exact))
    return bound
