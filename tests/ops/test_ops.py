# SPDX-License-Identifier: BSD-3-Clause
"""Every elementary operation of the core's list: value, slopes, corners against mpmath and NumPy.

An operation is known by its name alone. Where mpmath has none of that name, REFERENCES says what
it is.
"""

import itertools
import math
import warnings
import zlib
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cache
from typing import Any

import mpmath
import numpy as np
import pytest
import scipy.special
from mpmath import mp, mpf
from numpy.typing import NDArray

from thalweg import _core

FloatArray = NDArray[np.float64]
Point = tuple[float, ...]

OPERATIONS = {o["name"]: o | {"code": code} for code, o in enumerate(_core.operations())}

# Exact results, NumPy's bit for bit: choices, roundings, signs, truth values.
CHOICES = {
    *("negative", "absolute", "sign", "copysign", "maximum", "minimum", "fmax", "fmin", "fmod"),
    *("floor", "ceil", "rint", "trunc", "heaviside", "where"),
} | {name for name, o in OPERATIONS.items() if o["boolean"]}
SMOOTH = [name for name in OPERATIONS if name not in CHOICES]

SMALLEST = 2.0**-1074
EPS = 2.0**-52
LARGEST = float(np.finfo(np.float64).max)

# DESIGN, promise 8, in units in the last place. What the processor rounds correctly stays so.
BOUND = (
    dict.fromkeys(["add", "subtract", "multiply", "divide", "square", "reciprocal", "sqrt"], 0.5)
    | dict.fromkeys(["exp", "log", "expm1", "log1p", "sin", "cos", "remainder", "floor_divide"], 2)
    | {"polygamma": 8}
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


@pytest.mark.parametrize("name", SMOOTH)
def test_value_is_within_its_ulps_of_mpmath(name: str) -> None:
    points = points_of(name, 300)
    got = evaluate(name, points)[0]
    worst = []
    for point, value in zip(points, got.tolist(), strict=True):
        if (name in ("divide", "remainder", "floor_divide") and point[1] == 0) or (
            name == "reciprocal" and point == (0.0,)
        ):
            continue  # no number: test_special_values
        if name == "power" and point == (0.0, 0.0):
            continue
        exact = exact_value(name, point)
        with mp.workprec(VALUE_BITS):
            off, allowed = ulps_off(value, exact), allowed_ulps(name, exact)
        if not off <= allowed:
            worst.append((off, point, value, mpmath.nstr(exact, 20)))
    worst.sort(key=lambda w: -w[0])
    bound = BOUND.get(name, OTHERWISE)
    assert not worst, (
        f"{len(worst)} of {len(points)} beyond {bound} ulp; (ulps, at, got, exact): {worst[:5]}"
    )


@pytest.mark.parametrize("name", SMOOTH)
def test_a_wrong_last_digit_would_be_seen(name: str) -> None:
    # The measure itself: an exact value moved by 20 parts in 2**52 is beyond every bound.
    points = [
        p for p in points_of(name, 60) if 1e-290 < abs(float(evaluate(name, [p])[0][0])) < 1e290
    ][:5]
    for point in points:
        exact = exact_value(name, point)
        with mp.workprec(VALUE_BITS):
            moved = float(exact) * (1 + 20 * EPS)
            assert ulps_off(moved, exact) > allowed_ulps(name, exact) or name in NEAR_ZEROS_ABSOLUTE


# ---- corners against NumPy and SciPy -------------------------------------------------------------

NAN, INF = math.nan, math.inf
SPECIAL = (0.0, -0.0, INF, -INF, NAN, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 3.0, -3.0, 2.5, -2.5,
           1e300, -1e300, SMALLEST, -SMALLEST, LARGEST, -LARGEST)  # fmt: skip  # fmt: skip


def peer_of(name: str) -> Callable[..., Any] | None:
    return getattr(np, name, None) or getattr(scipy.special, name, None)


# Where NumPy or SciPy is no judge: the reason beside each.
def peer_errs(name: str, point: Point) -> bool:
    a = point[0]
    if name == "polygamma":  # n is a whole number from 1, a > 0
        return a < 1 or a != int(min(a, 1e9)) or a > 8 or not point[1] > 0 or math.isinf(a)
    if name in ("gammaln", "digamma"):
        # Outside the domain: C99 and SciPy have their own answers, with poles at whole numbers.
        return a < 0 or (name == "gammaln" and a == SMALLEST)  # where SciPy gives inf
    if name == "xlogy" or name == "xlog1py":
        return math.isinf(a) and point[1] == 0  # SciPy's own sign of nothing
    if name == "sinc":  # NumPy rounds pi a before it takes the sine, which should be 0
        return 1 <= abs(a) < math.inf
    if name == "power":  # NumPy's square root for 0.5 is not C99's pow at -0 and -inf
        return point[1] == 0.5 and (a == 0 or a == -math.inf)
    return False


SIGN_OF_ZERO_FREE = {"maximum", "minimum", "fmax", "fmin"}  # of 0 and -0 either one, as in C99


def same_special(ours: float, theirs: float, bound: float) -> bool:
    if math.isnan(theirs) or math.isnan(ours):
        return math.isnan(ours) and math.isnan(theirs)
    if theirs == 0 or math.isinf(theirs):
        return ours == theirs and math.copysign(1, ours) == math.copysign(1, theirs)
    # SciPy itself is a few ulp off; what is finite is measured above against mpmath.
    return abs(ours - theirs) <= max(1e-14 * abs(theirs), bound * SMALLEST)


@pytest.mark.parametrize("name", OPERATIONS)
def test_special_values_are_numpys(name: str) -> None:
    peer = peer_of(name)
    if peer is None:
        pytest.skip(f"neither NumPy nor SciPy has {name}")
    arity = OPERATIONS[name]["arity"]
    ends = {e for d in OPERATIONS[name]["domain"] for e in d[:2] if math.isfinite(e)}
    values = sorted(
        {*SPECIAL[5:], *ends, *(np.nextafter(e, s * INF) for e in ends for s in (1, -1))}
    ) + list(SPECIAL[:5])
    values = [float(v) for v in values]
    if name == "polygamma":
        points = list(itertools.product([1.0, 2.0, 3.0], values))
    else:
        points = list(
            itertools.product(
                values if arity < 3 else [0.0, -0.0, 1.0, NAN, INF, -2.0], repeat=arity
            )
        )
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy on infinities: that is what is asked
        theirs = [
            float(peer(p[0] != 0, *p[1:])) if name == "where" else float(peer(*p)) for p in points
        ]
    ours = evaluate(name, points)[0].tolist()
    bound = BOUND.get(name, OTHERWISE)
    wrong = [
        (point, mine, yours)
        for point, mine, yours in zip(points, ours, theirs, strict=True)
        if not peer_errs(name, point)
        and not same_special(mine, yours, bound)
        and not (name in SIGN_OF_ZERO_FREE and mine == yours == 0)
    ]
    assert not wrong, f"{len(wrong)} of {len(points)}; (at, ours, NumPy's): {wrong[:8]}"


@pytest.mark.parametrize("name", sorted(CHOICES))
def test_choices_and_roundings_are_numpys_to_the_bit(name: str) -> None:
    peer = peer_of(name)
    assert peer is not None
    points = points_of(name, 600)
    half = [(k + 0.5,) * OPERATIONS[name]["arity"] for k in range(-6, 6)]
    points += half + [(float(k),) * OPERATIONS[name]["arity"] for k in range(-3, 4)]
    with np.errstate(all="ignore"):
        columns = list(np.array(points).T)
        theirs = np.where(columns[0] != 0, *columns[1:]) if name == "where" else peer(*columns)
    ours = evaluate(name, points)[0]
    theirs = np.asarray(theirs, dtype=np.float64)
    different = ours.view(np.int64) != theirs.view(np.int64)
    if name in SIGN_OF_ZERO_FREE:
        different &= ours != theirs
    assert not different.any(), list(zip(points, ours, theirs, different, strict=True))[
        int(np.argmax(different))
    ]


@pytest.mark.parametrize("name", OPERATIONS)
def test_alone_and_among_many_lanes_give_one_answer(name: str) -> None:
    points = points_of(name, 40) + [(v,) * OPERATIONS[name]["arity"] for v in SPECIAL]
    if name == "polygamma":
        points = [p for p in points if p[0] in (1, 2, 3, 4, 5, 6, 7, 8)]
    many = evaluate(name, points)
    for k, point in enumerate(points):
        for one, all_ in zip(evaluate(name, [point]), many, strict=True):
            assert one.view(np.int64)[0] == all_[k : k + 1].view(np.int64)[0] or (
                np.isnan(one[0]) and np.isnan(all_[k])
            ), point


# ---- slopes --------------------------------------------------------------------------------------

STEP_BITS = (
    100  # differences by 2**-100 of the argument: truncation 2**-200, far below what is asked
)


def _differences(name: str, point: Point, bits: int) -> list[tuple[Any, Any]]:
    f = reference_of(name)
    out = []
    with mp.workprec(bits):
        x = [mpf(v) for v in point]
        # Small against the argument, and against 1 (sin turns in 1 however large its argument).
        least = min([abs(v) for v in x if v], default=mpf(1))
        h = [mpmath.ldexp(min(abs(v) or least, mpf(1)), -STEP_BITS) for v in x]

        def at(*steps: tuple[int, int]) -> Any:
            moved = list(x)
            for k, s in steps:
                moved[k] = moved[k] + s * h[k]
            return mpmath.re(f(*moved))

        for k in range(len(x)):
            if name == "polygamma" and k == 0:
                out.append((mpf(0), mpf(0)))
                continue
            up, down, middle = at((k, 1)), at((k, -1)), at()
            p = (up - down) / (2 * h[k])
            turn = abs(x[k] * (up - 2 * middle + down) / h[k] ** 2)
            for j in range(len(x)):
                if j != k and name != "polygamma":
                    mixed = (
                        at((k, 1), (j, 1))
                        - at((k, 1), (j, -1))
                        - at((k, -1), (j, 1))
                        + at((k, -1), (j, -1))
                    )
                    turn = max(turn, abs(x[j] * mixed / (4 * h[k] * h[j])))
            out.append((p, turn))
    return out


@cache
def exact_partials(name: str, point: Point) -> list[tuple[Any, Any]]:
    """For each argument: the partial p, and its change with the arguments' own, max |x_k dp/dx_k|.

    From central differences in so many bits that twice as many say the same.
    """
    exponents = [math.frexp(x)[1] for x in point] + [0]
    bits = 500 + max(exponents) - min(exponents)
    before = _differences(name, point, bits)
    while bits < 20000:
        bits *= 2
        now = _differences(name, point, bits)
        with mp.workprec(60):
            # Slopes below 2**-1074 need 1700 bits to be told from 0 where the value is 1.
            if bits > 1700 and all(
                abs(p - q) <= mpf(1e-16) * max(abs(q), turn) + mpf(SMALLEST) / 16
                for (p, _), (q, turn) in zip(before, now, strict=True)
            ):
                return now
        before = now
    raise AssertionError(f"differences of {name} at {point} do not settle")


# Differences see no jump: jumps are tested in test_corners.py, and slopes here away from them.
def differentiable(name: str, point: Point) -> bool:
    if name in ("floor_divide",):
        return False  # flat between jumps: below
    if name == "remainder":
        a, b = point
        return b != 0 and abs(a / b) < 1e6 and min(abs(a / b) % 1, 1 - abs(a / b) % 1) > 1e-6
    if name in ("hypot", "arctan2"):
        return any(point)
    if name in ("divide", "xlogy", "xlog1py"):
        return point[1] != 0 and not (name.startswith("xlog") and point[0] == 0)
    if name in ("reciprocal", "cbrt", "sqrt"):
        return point[0] != 0
    if name in ("arcsin", "arccos", "arccosh"):
        return abs(point[0]) != 1
    return True


def subnormal(x: float) -> bool:
    return 0 < abs(x) < 2.0**-1022


def slopes_off(name: str, points: Sequence[Point]) -> list[Any]:
    """Slopes with |error| > 1e-13 max(|p|, |x p'(x)|) + a few of the smallest, worst first."""
    wrong: list[Any] = []
    value, *ours = evaluate(name, points) if points else [np.zeros(0)]
    for i, point in enumerate(points):
        # A number below 2**-1022 has few digits: a slope written through it can have no more.
        digits = [abs(v) for v in (*point, value[i]) if subnormal(v)]
        for k, (p, turn) in enumerate(exact_partials(name, point)):
            got = float(ours[k][i])
            with mp.workprec(VALUE_BITS):
                few = mpf(SMALLEST) / min(digits) if digits else 0
                room = (mpf(1e-13) + 4 * few) * max(abs(p), turn) + 4 * SMALLEST
                limit = mpmath.ldexp(1, 1024)
                if math.isinf(got):
                    fine = abs(p) + room >= limit * (1 - mpf(2) ** -50) and (got > 0) == (p > 0)
                else:
                    fine = not math.isnan(got) and abs(mpf(got) - p) <= room
                if not fine:
                    error = min(abs(mpf(got) - p) / room, mpf(1e300))
                    wrong.append((float(error), f"d/d{'abc'[k]}", point, got, mpmath.nstr(p, 20)))
    return sorted(wrong, key=lambda w: -w[0])


# mpmath needs milliseconds for one of these in so many bits.
SLOW = {"gammaln", "digamma", "polygamma"}


@pytest.mark.parametrize("name", SMOOTH)
def test_partials_are_mpmaths(name: str) -> None:
    points = [
        p
        for p in points_of(name, 30 if name in SLOW else 120, salt=1)
        if not any(map(subnormal, p))
    ]
    if name == "floor_divide":  # flat between jumps, and taken as flat at them
        assert not any(np.any(p) for p in evaluate(name, [p for p in points if p[1]])[1:])
        return
    if name == "arctan2":  # where hypot overflows, slopes of 1e-309 come out as 0
        points = [p for p in points if max(map(abs, p)) < LARGEST / 2]
    points = [p for p in points if differentiable(name, p)]
    assert len(points) > 20
    wrong = slopes_off(name, points)
    assert not wrong, (
        f"{len(wrong)} of {len(points)}; (times too far off, which, at, got, exact): {wrong[:5]}"
    )


@pytest.mark.parametrize("name", SMOOTH)
def test_partials_at_subnormal_arguments(name: str) -> None:
    points = [
        p
        for p in points_of(name, 200, salt=2)
        if any(map(subnormal, p)) and differentiable(name, p)
    ]
    points = points[: 4 if name in SLOW else 40]
    if name == "floor_divide":
        return
    if name == "power":  # of b a**(b - 1) the power overflows where a tiny b would bring it back
        points = [p for p in points if not subnormal(p[0]) or abs(p[1]) > 0.1 or p[1] == 0]
    wrong = slopes_off(name, points)
    assert not wrong, (
        f"{len(wrong)} of {len(points)}; (times too far off, which, at, got, exact): {wrong[:5]}"
    )
