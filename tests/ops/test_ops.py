# SPDX-License-Identifier: BSD-3-Clause
"""Every elementary operation of the core: value, slopes, corners against mpmath and NumPy."""

import itertools
import math
import warnings
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import mpmath
import numpy as np
import pytest
import scipy.special
from mpmath import mp, mpf
from operation_values import (
    BOUND,
    CASES,
    CHOICES,
    EPS,
    LARGEST,
    NEAR_ZEROS_ABSOLUTE,
    OPERATIONS,
    OTHERWISE,
    SMALLEST,
    SMOOTH,
    VALUE_BITS,
    Point,
    allowed_ulps,
    evaluate,
    exact_value,
    points_of,
    reference_of,
    ulps_off,
)


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


# Of the others, test_special_functions.py says what they are at special values.
WITH_PEERS = [name for name in OPERATIONS if peer_of(name) is not None and name not in CASES]


@pytest.mark.parametrize("name", WITH_PEERS)
def test_special_values_are_numpys(name: str) -> None:
    peer = peer_of(name)
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
SLOW = {"gammaln", "digamma", "polygamma", "faddeeva_real", "faddeeva_imag"}


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
