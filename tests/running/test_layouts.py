# SPDX-License-Identifier: BSD-3-Clause
"""Same bits: alone, among any lanes, in any order, beside any neighbours, in both layouts."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import special

import thalweg as tw
from thalweg._formulas.expressions import operation

FloatArray = NDArray[np.float64]
Function = Callable[..., Any]

RNG = np.random.default_rng(2024)
DATA = RNG.standard_normal((40, 5))
TARGET = RNG.standard_normal(40)


def same_bits(a: Any, b: Any) -> bool:
    """Equal to the last bit; one NaN is as good as another."""
    a, b = (
        np.atleast_1d(np.asarray(a, dtype=np.float64)),
        np.atleast_1d(np.asarray(b, dtype=np.float64)),
    )
    return a.shape == b.shape and bool(
        np.all((a.view(np.int64) == b.view(np.int64)) | (np.isnan(a) & np.isnan(b)))
    )


def test_the_measure_sees_a_last_bit_and_a_sign_of_zero() -> None:
    assert same_bits([1.0, np.nan], [1.0, np.nan])
    assert not same_bits([1.0], [np.nextafter(1.0, 2)])
    assert not same_bits([0.0], [-0.0])


# ---- few variables: how many lanes, in which order, beside what ----------------------------------

SMALL: dict[str, Function] = {
    "three wells": lambda x: np.sum(0.1 * x**4 - x**2 + 0.2 * x) + np.prod(np.cos(x[:2])),
    "rosenbrock": lambda x: np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2),
    "angles": lambda x: np.sum(np.sin(x) * np.cos(3 * x) + np.tan(0.3 * x)),
    "exponentials": lambda x: (
        np.log(np.sum(np.exp(x))) + np.sum(np.expm1(-x) * np.log1p(x * x)) + np.sum(np.exp2(x))
    ),
    "powers": lambda x: np.sum(np.abs(x) ** 1.7 + (1 + x * x) ** x[0]) + np.sum(np.cbrt(x)),
    "hyperbolic": lambda x: (
        np.sum(np.tanh(x) + np.sinh(0.1 * x) * np.arcsinh(x) + np.arctan(x))
        + np.sum(np.cosh(x) ** -1)
    ),
    "special": lambda x: np.sum(
        special.erf(x) + special.erfc(0.5 * x) * special.expit(x) + special.gammaln(1 + x * x)
    ),
    "two by two": lambda x: np.sum(
        np.hypot(x[1:], x[:-1]) + np.arctan2(x[1:], x[:-1]) + np.logaddexp(x[1:], x[:-1])
    ),
    "choices": lambda x: np.sum(
        np.where(x > 0.1, np.log(np.abs(x)), x * x) + np.maximum(x, x[::-1]) + np.clip(x, -1, 1)
    ),
    "remainders": lambda x: np.sum(np.remainder(x, 0.7) * x + np.fmod(x, 0.3) + np.floor(x) * x),
    "running": lambda x: (
        np.sum(np.cumsum(x) ** 2) + np.sum(np.cumprod(1 + 0.1 * x)) + np.max(x) * np.min(x)
    ),
    "gathers": lambda x: (
        np.sum(np.sin(x[[0, 2, 2, 4, 1]]) * np.concatenate([x[2:], x[:2]])) + x[3] * x[-1]
    ),
    "matrices": lambda x: np.sum((np.outer(x, x) @ np.cos(x)) ** 2) + np.linalg.norm(x) + np.std(x),
    "least squares": lambda x: np.sum((DATA @ x - TARGET) ** 2) + 0.1 * np.sum(np.abs(x)),
    "logistic": lambda x: -np.sum(special.log_expit(TARGET * (DATA @ x))) + 0.5 * np.dot(x, x),
    "polygamma": lambda x: np.sum(
        operation("polygamma")(2, 1 + x * x) + special.digamma(1 + np.abs(x))
    ),
}

SMALL["special functions"] = lambda x: np.sum(
    special.voigt_profile(x, 0.7, 0.1 + x[::-1] ** 2)
    + special.gammainc(0.3 + x[::-1] ** 2, np.abs(x))
    + special.jv(2, x)
    + special.i0e(x)
    + special.betainc(1.3, 0.4 + x * x, special.expit(x))
)

POINTS = RNG.standard_normal((200, 5)) * 10.0 ** RNG.uniform(-2, 0.7, (200, 1))


@pytest.mark.parametrize("name", SMALL)
def test_every_number_of_lanes_from_1_to_200_gives_the_bits_of_one(name: str) -> None:
    F = tw.objective(SMALL[name], POINTS[0])
    alone = [F.value_and_grad(x) for x in POINTS]
    values, slopes = np.array([v for v, _ in alone]), np.array([g for _, g in alone])
    assert np.isfinite(values).all()
    # Without the gradient other products are used once, and so fused: its bits are its own.
    plain = np.array([F(x) for x in POINTS])
    for k in range(1, 201):
        got, gradient = F.value_and_grad(POINTS[:k])
        assert same_bits(got, values[:k]), k
        assert same_bits(gradient, slopes[:k]), k
        assert same_bits(F(POINTS[:k]), plain[:k]), k


@pytest.mark.parametrize("name", SMALL)
def test_any_order_of_lanes_gives_the_same_bits(name: str) -> None:
    F = tw.objective(SMALL[name], POINTS[0])
    values, slopes = F.value_and_grad(POINTS)
    rng = np.random.default_rng(1)
    for order in (
        np.arange(200)[::-1],
        *(rng.permutation(200) for _ in range(4)),
        np.zeros(77, int),
    ):
        got, gradient = F.value_and_grad(POINTS[order])
        assert same_bits(got, values[order])
        assert same_bits(gradient, slopes[order])


NEIGHBOURS = (
    np.nan,
    np.inf,
    -np.inf,
    1e300,
    -1e300,
    1e22,
    6381956970095103 * 2.0**797,
    5e-324,
    -0.0,
    1e5,
    -745.2,
    1e-310,
)


@pytest.mark.parametrize("name", SMALL)
def test_neighbours_change_nothing(name: str) -> None:
    F = tw.objective(SMALL[name], POINTS[0])
    values, slopes = F.value_and_grad(POINTS[:64])
    H = F.hvp(POINTS[:64], np.ones((64, 5)))
    for stranger in NEIGHBOURS:
        for every in (2, 3, 8):
            beside = POINTS[:64].copy()
            strange = np.arange(64) % every == 1
            beside[strange] = stranger
            beside[strange, ::2] = 1.5
            got, gradient = F.value_and_grad(beside)
            assert same_bits(got[~strange], values[~strange]), stranger
            assert same_bits(gradient[~strange], slopes[~strange]), stranger
            second = F.hvp(beside, np.ones((64, 5)))
            assert same_bits(second[~strange], H[~strange]), stranger
            # And the strangers themselves have the bits that they have alone.
            first = int(np.argmax(strange))
            assert same_bits(got[first], F.value_and_grad(beside[first])[0]), stranger


@pytest.mark.parametrize("name", SMALL)
def test_products_with_the_hessian_at_one_point_are_those_at_many(name: str) -> None:
    # One point and many directions: the point is computed once; at many points in every lane.
    F = tw.objective(SMALL[name], POINTS[0])
    directions = RNG.standard_normal((17, 5))
    uniform = F.hvp(POINTS[3], directions)
    varying = F.hvp(np.stack([POINTS[3]] * 17), directions)
    one_by_one = np.stack([F.hvp(POINTS[3], v) for v in directions])
    assert same_bits(uniform, varying)
    assert same_bits(uniform, one_by_one)


# ---- long vectors: elements across the vector against lanes across it ----------------------------

LENGTHS = [5, 31, 32, 33, 64, 100, 1000, 5000, 10_000]

LONG: dict[str, Function] = {
    "sum": np.sum,
    "mean of squares": lambda x: np.mean(x * x),
    "dot": lambda x: np.dot(x, np.sin(x)),
    "vdot of halves": lambda x: np.vdot(x[: len(x) // 2], x[-(len(x) // 2) :]),
    "sum of exponentials": lambda x: np.sum(np.exp(x)),
    "log-sum-exp": lambda x: np.max(x) + np.log(np.sum(np.exp(x - np.max(x)))),
    "variance": lambda x: np.var(x) + np.std(x),
    "norms": lambda x: (
        np.linalg.norm(x) + np.linalg.norm(x, 1) + np.linalg.norm(x, np.inf) + np.linalg.norm(x, 3)
    ),
    "rosenbrock": SMALL["rosenbrock"],
    "max and min": lambda x: np.max(x) * np.min(np.cos(x)),
    "prod": lambda x: np.prod(1 + 1e-3 * x),
    "running sum": lambda x: np.sum(np.cumsum(x) ** 2),
    "running product": lambda x: np.sum(np.cumprod(1 + 1e-3 * x)),
    "trapezoid": lambda x: np.trapezoid(np.sin(x), dx=0.1),
    "differences": lambda x: np.sum(np.abs(np.diff(x)) ** 1.5) + np.sum(np.diff(x, 2) ** 2),
    "reversed": lambda x: np.sum(x[::-1] * np.cumsum(np.sin(x))),
    "rolled": lambda x: np.sum(np.roll(x, 3) * np.cos(x)),
    "every second": lambda x: np.sum(x[::2] ** 2) * np.sum(np.tanh(x[1::2])),
    "where": lambda x: np.sum(np.where(x > 0, np.sqrt(x), np.exp(x))),
    "gather": lambda x: np.sum(x[np.arange(len(x)) * 7 % len(x)] * np.sin(x)),
    "convolution": lambda x: np.sum(np.convolve(x, [0.25, 0.5, 0.25], "same") ** 2),
    "interp": lambda x: np.sum(np.interp(x, [-1.0, 0.0, 0.5, 2.0], [1.0, -1.0, 3.0, 0.0]) * x),
    "polyval": lambda x: np.sum(np.polyval([0.1, -0.2, 0.3, 1.0], x)),
    "mixed functions": lambda x: np.sum(
        np.tanh(x) * np.arctan(x) + special.erf(x) - special.gammaln(1 + x * x) + np.tan(0.1 * x)
    ),
    "many sums": lambda x: (
        np.sum(x) * np.sum(x * x) - np.sum(np.sin(x)) * np.sum(np.cos(x)) / (1 + np.sum(np.abs(x)))
    ),
    "broadcast scalar": lambda x: np.sum((x - np.mean(x)) ** 2 * np.exp(-x[0] * 0.01)),
    "joined": lambda x: np.sum(np.concatenate([np.sin(x), x[:3], np.cos(x)]) ** 2),
    "orders of polygamma": lambda x: np.sum(
        operation("polygamma")(np.arange(len(x)) % 3 + 1.0, 1 + x * x)
    ),
}

LONG["special functions"] = lambda x: np.sum(
    special.gammaincc(1.0 + x * x, 2.0) * special.j1(x)
    + special.betainc(2.0, 1.0 + np.abs(x), 0.3)
    - special.voigt_profile(x, 1.0, 0.5)
)

LONG_MATRIX: dict[str, Function] = {
    "row sums": lambda x: np.sum(np.sum(x, axis=1) ** 2),
    "column sums": lambda x: np.sum(np.sum(x, axis=0) ** 2),
    "row maxima": lambda x: np.sum(np.max(x, axis=1) ** 2) + np.sum(np.min(x, axis=0)),
    "row products": lambda x: np.sum(np.prod(1 + 0.1 * x, axis=1)),
    "softmax rows": lambda x: np.sum(np.log(np.sum(np.exp(x), axis=1))),
    "matmul": lambda x: np.sum((x.T @ x) ** 2),
    "matmul with data": lambda x: np.sum(np.sin(np.resize(DATA, (3, x.shape[1])) @ x.T) ** 2),
    "matrix times vector": lambda x: np.sum((x @ np.sin(x[0])) ** 2),
    "transposed": lambda x: np.sum(x.T.reshape(-1) * np.cos(x.reshape(-1))),
    "einsum": lambda x: np.sum(np.einsum("ij,ik->jk", x, np.sin(x))),
    "running along axes": lambda x: np.sum(np.cumsum(x, axis=0) * np.cumsum(x, axis=1)),
    "row norms": lambda x: np.sum(np.linalg.norm(x, axis=1)),
    "standardized": lambda x: np.sum(((x - np.mean(x, axis=0)) / np.std(x, axis=0)) ** 3),
}


def compare_alone_and_among(f: Function, x: FloatArray, counts: tuple[int, ...]) -> None:
    F = tw.objective(f, x)
    value, gradient = F.value_and_grad(x)
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()
    rng = np.random.default_rng(3)
    for k in counts:
        others = rng.standard_normal((k, *x.shape))
        at = int(rng.integers(k))
        others[at] = x
        values, gradients = F.value_and_grad(others)
        assert same_bits(values[at], value), (k, at)
        assert same_bits(gradients[at], gradient), (k, at)
        assert same_bits(F(others)[at], F(x)), (k, at)
    # NumPy sums in another order: n roundings. What it says of a dead branch is its own affair.
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(value, float(f(x)), rtol=1e-10, atol=1e-9)


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("name", LONG)
def test_a_long_vector_alone_has_the_bits_it_has_among_lanes(name: str, n: int) -> None:
    x = np.random.default_rng(n).standard_normal(n)
    compare_alone_and_among(LONG[name], x, (1, 2, 3, 9) if n <= 1000 else (2,))


@pytest.mark.parametrize("shape", [(7, 5), (33, 3), (3, 33), (100, 8), (1000, 5), (4, 1000)])
@pytest.mark.parametrize("name", LONG_MATRIX)
def test_a_matrix_alone_has_the_bits_it_has_among_lanes(name: str, shape: tuple[int, int]) -> None:
    x = np.random.default_rng(shape[0]).standard_normal(shape)
    compare_alone_and_among(LONG_MATRIX[name], x, (2, 9))


@pytest.mark.parametrize("n", [5, 33, 100, 1000])
@pytest.mark.parametrize(
    "name",
    ["dot", "log-sum-exp", "rosenbrock", "running sum", "where", "mixed functions", "many sums"],
)
def test_hessian_products_of_long_vectors_have_the_same_bits(name: str, n: int) -> None:
    rng = np.random.default_rng(n)
    x, v = rng.standard_normal((2, n))
    F = tw.objective(LONG[name], x)
    alone = F.hvp(x, v)
    others, directions = rng.standard_normal((2, 5, n))
    others[2], directions[2] = x, v
    assert same_bits(F.hvp(others, directions)[2], alone)
    assert same_bits(F.hvp(x, directions)[2], alone)


def test_data_shared_by_all_lanes_gives_the_same_bits() -> None:
    rng = np.random.default_rng(8)
    A, b = rng.standard_normal((3000, 4)), rng.standard_normal(3000)
    for f in (
        lambda w: np.sum((A @ w - b) ** 2),
        lambda w: np.mean(np.log1p(np.exp(-b * (A @ w)))),
        lambda w: np.sum(np.abs(b - w[0] * np.exp(-w[1] * np.abs(A[:, 0])) + w[2] * w[3])),
        lambda w: np.max(A @ w) + np.sum(np.sin(A * w)),
    ):
        compare_alone_and_among(f, rng.standard_normal(4), (1, 2, 3, 8, 9, 65))
