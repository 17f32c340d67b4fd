# SPDX-License-Identifier: BSD-3-Clause
"""Test problems for counting evaluations, in NumPy, from their published definitions.

The twenty problems of J. J. Moré, B. S. Garbow and K. E. Hillstrom (ACM Trans. Math. Softw. 7(1),
1981, 17-41) in tests/data, their others but Osborne 2, and problems of other kinds: ill-conditioned
fits, nonconvex functions with bounds, noisy values, separable and banded functions of 100 and 1,000
variables. CUTE is I. Bongartz, A. R. Conn, N. I. M. Gould and P. L. Toint (ACM Trans. Math. Softw.
21(1), 1995, 123-160); HS is W. Hock and K. Schittkowski (Lecture Notes in Economics and
Mathematical Systems 187, Springer 1981); Toint is P. L. Toint (Math. Comp. 32(143), 1978, 839-851).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "shared"))
from published import MGH, NIST

__all__ = ["PROBLEMS", "Problem"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Problem:
    """A function of a vector, its start, and bounds or None.

    Attributes
    ----------
    kind : str
        "mgh", "fit", "separable", "banded", "noisy" or "bounded".
    bounds : tuple of float or of ndarray (n,), or None
        Lower and upper bounds.
    """

    name: str
    kind: str
    function: Callable[[Any], Any]
    x0: Array
    bounds: tuple[Any, Any] | None = None

    def __str__(self) -> str:
        return self.name


PROBLEMS: list[Problem] = [Problem(p.name, "mgh", p.function, p.x0) for p in MGH]


def problem(
    kind: str, name: str, x0: Any, bounds: tuple[Any, Any] | None = None
) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    """Add the decorated function to `PROBLEMS`."""

    def add(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        PROBLEMS.append(Problem(name, kind, function, np.array(x0, dtype=np.float64), bounds))
        return function

    return add


# ---- Moré, Garbow and Hillstrom; the number in the paper follows each name


@problem("mgh", "Powell badly scaled", [0, 1])  # 3
def powell_badly_scaled(x: Any) -> Any:
    return (1e4 * x[0] * x[1] - 1) ** 2 + (np.exp(-x[0]) + np.exp(-x[1]) - 1.0001) ** 2


@problem("mgh", "Jennrich and Sampson", [0.3, 0.4])  # 6
def jennrich_sampson(x: Any) -> Any:
    i = np.arange(1, 11)
    return np.sum((2 + 2 * i - (np.exp(i * x[0]) + np.exp(i * x[1]))) ** 2)


@problem("mgh", "Bard", [1, 1, 1])  # 8
def bard(x: Any) -> Any:
    y = np.array([14, 18, 22, 25, 29, 32, 35, 39, 37, 58, 73, 96, 134, 210, 439]) / 100
    u = np.arange(1.0, 16)
    v = 16 - u
    return np.sum((y - (x[0] + u / (v * x[1] + np.minimum(u, v) * x[2]))) ** 2)


@problem("mgh", "Gulf research and development", [5, 2.5, 0.15])  # 11
def gulf(x: Any) -> Any:
    t = np.arange(1, 100) / 100
    y = 25 + (-50 * np.log(t)) ** (2 / 3)
    return np.sum((np.exp(-(np.abs(y - x[1]) ** x[2]) / x[0]) - t) ** 2)


@problem("mgh", "Box, three dimensions", [0, 10, 20])  # 12
def box_3d(x: Any) -> Any:
    t = np.arange(1, 11) / 10
    r = np.exp(-t * x[0]) - np.exp(-t * x[1]) - x[2] * (np.exp(-t) - np.exp(-10 * t))
    return np.sum(r**2)


@problem("mgh", "Kowalik and Osborne", [0.25, 0.39, 0.415, 0.39])  # 15
def kowalik_osborne(x: Any) -> Any:
    y = np.array(
        [0.1957, 0.1947, 0.1735, 0.16, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246]
    )
    u = np.array([4, 2, 1, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625])
    return np.sum((y - x[0] * (u**2 + u * x[1]) / (u**2 + u * x[2] + x[3])) ** 2)


@problem("mgh", "Watson", np.zeros(6))  # 20
def watson(x: Any) -> Any:
    t = np.arange(1, 30)[:, None] / 29
    j = np.arange(6)
    slope = np.sum(j[1:] * x[1:] * t ** j[:-1], axis=1)
    value = np.sum(x * t**j, axis=1)
    return np.sum((slope - value**2 - 1) ** 2) + x[0] ** 2 + (x[1] - x[0] ** 2 - 1) ** 2


@problem("mgh", "Extended Powell singular", np.tile([3, -1, 0, 1], 5))  # 22
def extended_powell_singular(x: Any) -> Any:
    a, b, c, d = x[0::4], x[1::4], x[2::4], x[3::4]
    return np.sum((a + 10 * b) ** 2 + 5 * (c - d) ** 2 + (b - 2 * c) ** 4 + 10 * (a - d) ** 4)


@problem("mgh", "Penalty II", np.full(10, 0.5))  # 24
def penalty_ii(x: Any) -> Any:
    n, a = 10, 1e-5
    e = np.exp(x / 10)
    y = np.exp(np.arange(2, n + 1) / 10) + np.exp(np.arange(1, n) / 10)
    return (
        (x[0] - 0.2) ** 2
        + a * np.sum((e[1:] + e[:-1] - y) ** 2)
        + a * np.sum((e[1:] - np.exp(-0.1)) ** 2)
        + (np.sum((n - np.arange(n)) * x**2) - 1) ** 2
    )


@problem("mgh", "Trigonometric", np.full(10, 0.1))  # 26
def trigonometric(x: Any) -> Any:
    i = np.arange(1, 11)
    return np.sum((10 - np.sum(np.cos(x)) + i * (1 - np.cos(x)) - np.sin(x)) ** 2)


@problem("mgh", "Discrete integral equation", np.arange(1, 11) / 11 * (np.arange(1, 11) / 11 - 1))
def discrete_integral(x: Any) -> Any:  # 29
    n = 10
    t = np.arange(1, n + 1) / (n + 1)
    cube = (x + t + 1) ** 3
    below = np.tril(np.ones((n, n)))
    r = (1 - t) * (below @ (t * cube)) + t * ((1 - below) @ ((1 - t) * cube))
    return np.sum((x + r / (2 * (n + 1))) ** 2)


@problem("mgh", "Broyden banded", np.full(10, -1))  # 31
def broyden_banded(x: Any) -> Any:
    i, j = np.indices((10, 10))
    band = np.where((i != j) & (j >= i - 5) & (j <= i + 1), 1.0, 0.0)
    return np.sum((x * (2 + 5 * x**2) + 1 - band @ (x * (1 + x))) ** 2)


@problem("mgh", "Linear, rank 1", np.ones(10))  # 33
def linear_rank_1(x: Any) -> Any:
    i = np.arange(1, 21)
    return np.sum((i * np.sum(np.arange(1, 11) * x) - 1) ** 2)


@problem("mgh", "Chebyquad", np.arange(1, 9) / 9)  # 35
def chebyquad(x: Any) -> Any:
    total, before, now = 0.0, 1.0, 2 * x - 1
    for i in range(1, 9):
        integral = -1 / (i**2 - 1) if i % 2 == 0 else 0.0
        total = total + (np.mean(now) - integral) ** 2
        before, now = now, 2 * (2 * x - 1) * now - before
    return total


# ---- ill-conditioned fits: NIST's, as sums of squares from their nearer starts, and others

PROBLEMS += [
    Problem(f"NIST {fit.name}", "fit", fit.function, fit.starts[start])
    for fit, start in NIST
    if start == 1 and fit.name in {"Misra1a", "Lanczos1", "Kirby2", "MGH17", "Thurber", "Rat42"}
]


@problem("fit", "Hilbert's matrix", np.ones(8))
def hilbert(x: Any) -> Any:
    i, j = np.indices((8, 8))
    return x @ ((1 / (i + j + 1)) @ x) / 2 + np.sum(x)


@problem("fit", "Polynomial in its powers", np.zeros(7))
def polynomial(x: Any) -> Any:
    t = np.linspace(0, 1, 30)
    return np.sum((t[:, None] ** np.arange(7) @ x - np.exp(-2 * t) * np.cos(5 * t)) ** 2)


@problem("fit", "Logistic regression", np.zeros(6))
def logistic_regression(x: Any) -> Any:
    t = np.linspace(-1, 1, 60)
    rows = t[:, None] ** np.arange(6) * np.array([1, 10, 1, 100, 1, 1])
    signs = np.where(np.sin(7 * t) + 0.3 * np.cos(40 * t) > 0, 1.0, -1.0)
    return np.sum(np.logaddexp(0, -signs * (rows @ x))) + 1e-3 * np.sum(x**2)


@problem("fit", "Two exponentials and a base", [1, 1, 1, 0.1, 0])
def two_exponentials(x: Any) -> Any:
    t = np.linspace(0, 10, 50)
    data = 5 * np.exp(-1.2 * t) + 3 * np.exp(-0.3 * t) + 1 + 0.01 * np.cos(12 * t)
    return np.sum((x[0] * np.exp(-x[1] * t) + x[2] * np.exp(-x[3] * t) + x[4] - data) ** 2)


# ---- separable


@problem("separable", "Styblinski and Tang, n = 20", np.linspace(-4, -1, 20))
def styblinski_tang(x: Any) -> Any:
    return np.sum(x**4 - 16 * x**2 + 5 * x) / 2


@problem("separable", "Exponentials and lines, n = 50", np.zeros(50))
def exponentials_and_lines(x: Any) -> Any:
    i = np.arange(1, 51)
    return np.sum(np.exp(x) - np.sqrt(i) * x)


@problem("separable", "Quadratic of condition 1e6, n = 50", np.ones(50))
def conditioned(x: Any) -> Any:
    return np.sum(np.logspace(0, 6, 50) * x**2) / 2


@problem("separable", "QUARTC (CUTE), n = 100", np.full(100, 2))
def quartc(x: Any) -> Any:
    return np.sum((x - np.arange(1, 101)) ** 4)


@problem("separable", "Smoothed absolute values, n = 100", np.linspace(-3, 5, 100))
def smoothed_absolute(x: Any) -> Any:
    return np.sum(np.sqrt(1 + np.arange(1, 101) * (x - 1) ** 2))


# ---- banded: each neighbour or two together, n = 100 and 1,000


def banded(name: str, start: Callable[[int], Any]) -> Callable[[Any], Any]:
    """Add a function of any number of variables with n = 100 and 1,000."""

    def add(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        for n in (100, 1000):
            x0 = np.asarray(start(n), dtype=np.float64)
            PROBLEMS.append(Problem(f"{name}, n = {n:,}", "banded", function, x0))
        return function

    return add


@banded("ARWHEAD (CUTE)", np.ones)
def arwhead(x: Any) -> Any:
    return np.sum((x[:-1] ** 2 + x[-1] ** 2) ** 2 - 4 * x[:-1] + 3)


@banded("BDQRTIC (CUTE)", np.ones)
def bdqrtic(x: Any) -> Any:
    a, b, c, d = x[:-4] ** 2, x[1:-3] ** 2, x[2:-2] ** 2, x[3:-1] ** 2
    return np.sum((3 - 4 * x[:-4]) ** 2 + (a + 2 * b + 3 * c + 4 * d + 5 * x[-1] ** 2) ** 2)


@banded("DIXON3DQ (CUTE)", lambda n: -np.ones(n))
def dixon3dq(x: Any) -> Any:
    return (x[0] - 1) ** 2 + np.sum((x[1:-1] - x[2:]) ** 2) + (x[-1] - 1) ** 2


@banded("DQDRTIC (CUTE)", lambda n: np.full(n, 3.0))
def dqdrtic(x: Any) -> Any:
    return np.sum(x[:-2] ** 2 + 100 * x[1:-1] ** 2 + 100 * x[2:] ** 2)


@banded("EDENSCH (CUTE)", np.zeros)
def edensch(x: Any) -> Any:
    a, b = x[:-1], x[1:]
    return 16 + np.sum((a - 2) ** 4 + (a * b - 2 * b) ** 2 + (b + 1) ** 2)


@banded("ENGVAL1 (CUTE)", lambda n: np.full(n, 2.0))
def engval1(x: Any) -> Any:
    return np.sum((x[:-1] ** 2 + x[1:] ** 2) ** 2 - 4 * x[:-1] + 3)


@banded("LIARWHD (CUTE)", lambda n: np.full(n, 4.0))
def liarwhd(x: Any) -> Any:
    return np.sum(4 * (x**2 - x[0]) ** 2 + (x - 1) ** 2)


@banded("SCHMVETT (CUTE)", lambda n: np.full(n, 0.5))
def schmvett(x: Any) -> Any:
    a, b, c = x[:-2], x[1:-1], x[2:]
    wave = np.sin((np.pi * b + c) / 2)
    return np.sum(-1 / (1 + (a - b) ** 2) - wave - np.exp(-(((a + c) / b - 2) ** 2)))


@banded("TRIDIA (CUTE)", np.ones)
def tridia(x: Any) -> Any:
    i = np.arange(2, x.shape[0] + 1)
    return (x[0] - 1) ** 2 + np.sum(i * (2 * x[1:] - x[:-1]) ** 2)


@banded("Chained Rosenbrock (Toint)", lambda n: np.tile([-1.2, 1.0], n // 2))
def chained_rosenbrock(x: Any) -> Any:
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


# ---- values with noise, which is a function of x too small to matter to its gradient's trend


@problem("noisy", "Rosenbrock over 1e8", [-1.2, 1])
def far_rosenbrock(x: Any) -> Any:
    return 1e8 + 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2


@problem("noisy", "Eighth power, expanded", [0.0, 0.3])
def expanded(x: Any) -> Any:
    powers = [1, -8, 28, -56, 70, -56, 28, -8, 1]
    return sum(c * x[0] ** (8 - k) for k, c in enumerate(powers)) + (x[0] - x[1]) ** 2


@problem("noisy", "Difference of large sums, n = 10", np.linspace(1, 2, 10))
def large_sums(x: Any) -> Any:
    i = np.arange(1, 11)
    return np.sum((x + 1e5) ** 2) - np.sum(x**2) - 2e5 * np.sum(x) + np.sum(i * (x - 1) ** 4) - 1e11


@problem("noisy", "Ripples of 1e-9, n = 4", [3.0, -2.0, 1.0, 0.0])
def ripples(x: Any) -> Any:
    return np.sum(np.arange(1, 5) * (x - 1) ** 2) + 1e-9 * np.sum(np.sin(1e4 * x))


# ---- bounds


@problem("bounded", "Concave, n = 100", np.full(100, 0.5), (-1e5, 1e6))
def concave(x: Any) -> Any:
    i = np.arange(1, 101)
    return np.sum(-i * x**2 / 2 + i * x)


@problem("bounded", "Concave, n = 1,000", np.full(1000, 0.5), (-1e5, 1e6))
def concave_long(x: Any) -> Any:
    i = np.arange(1, 1001)
    return np.sum(-i * x**2 / 2 + i * x)


@problem("bounded", "HS 1", [-2, 1], ([-np.inf, -1.5], np.inf))
@problem("bounded", "HS 2", [-2, 1.5], ([-np.inf, 1.5], np.inf))
def hs1(x: Any) -> Any:
    return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2


@problem("bounded", "HS 4", [1.125, 0.125], ([1, 0], np.inf))
def hs4(x: Any) -> Any:
    return (x[0] + 1) ** 3 / 3 + x[1]


@problem("bounded", "HS 5", [0, 0], ([-1.5, -3], [4, 3]))
def hs5(x: Any) -> Any:
    return np.sin(x[0] + x[1]) + (x[0] - x[1]) ** 2 - 1.5 * x[0] + 2.5 * x[1] + 1


@problem("bounded", "HS 38", [-3, -1, -3, -1], (-10, 10))
def hs38(x: Any) -> Any:
    a, b, c, d = x[0], x[1], x[2], x[3]
    return (
        100 * (b - a**2) ** 2 + (1 - a) ** 2 + 90 * (d - c**2) ** 2 + (1 - c) ** 2
        + 10.1 * ((b - 1) ** 2 + (d - 1) ** 2) + 19.8 * (b - 1) * (d - 1)
    )  # fmt: skip


@problem("bounded", "HS 45", [1, 2, 2, 2, 2], (0, np.arange(1, 6)))
def hs45(x: Any) -> Any:
    return 2 - np.prod(x) / 120


@problem("bounded", "HS 110", np.full(10, 9), (2.001, 9.999))
def hs110(x: Any) -> Any:
    return np.sum(np.log(x - 2) ** 2 + np.log(10 - x) ** 2) - np.prod(x) ** 0.2


@problem("bounded", "Chained Rosenbrock, n = 50", np.full(50, -0.5), (-1, 0.8))
def bounded_rosenbrock(x: Any) -> Any:
    return chained_rosenbrock(x)


@problem("bounded", "Saddle with walls, n = 20", np.full(20, 0.1), (-2, 3))
def saddle(x: Any) -> Any:
    sign = np.where(np.arange(20) % 2 == 0, 1.0, -1.0)
    return np.sum(sign * np.arange(1, 21) * (x - 0.2) ** 2) + 0.1 * np.sum(x[1:] * x[:-1])


GRID = np.indices((9, 9)) + 1
EDGE = np.minimum(GRID, 10 - GRID).min(axis=0).ravel() / 10  # the distance to the bar's surface


@problem("bounded", "Torsion (MINPACK-2), n = 81", np.zeros(81), (-EDGE, EDGE))
def torsion(x: Any) -> Any:
    """Elastic-plastic torsion of a square bar (B. M. Averick, R. G. Carter and J. J. Moré 1991)."""
    h = 1 / 10
    v = np.pad(x.reshape(9, 9), 1)
    down, right = v[1:, :] - v[:-1, :], v[:, 1:] - v[:, :-1]
    return (np.sum(down**2) + np.sum(right**2)) / 2 - 5 * h**2 * np.sum(x)


@problem("bounded", "Positive least squares, n = 30", np.ones(30), (0, np.inf))
def positive_least_squares(x: Any) -> Any:
    i, j = np.indices((40, 30))
    rows = np.cos(i * j / 7) + np.where(i == j, 2.0, 0.0)
    return np.sum((rows @ x - np.sin(np.arange(40))) ** 2)
