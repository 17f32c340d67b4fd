# SPDX-License-Identifier: BSD-3-Clause
"""Value and first two slopes at and near points where a closed form is 0 / 0, or is written so.

Exact: central differences in 4500 bits, by a step of 2**-1200, of the same function in mpmath.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import mpmath
import numpy as np
import pytest
from mpmath import mp, mpf
from numpy.typing import NDArray
from scipy import special

import thalweg as tw

FloatArray = NDArray[np.float64]

NEAR = (1e-300, 1e-17, 1e-9, 1e-5, 1e-3, 0.1, 1.0)
AROUND = (0.0, *NEAR, *(-d for d in NEAR))
BITS = 4500
STEP = mpf(2) ** -1200


def _sinc(a: Any) -> Any:
    return mpmath.sin(a) / a if a else mpf(1)


def _exprel(a: Any) -> Any:
    return mpmath.expm1(a) / a if a else mpf(1)


def _expit(a: Any) -> Any:
    return 1 / (1 + mpmath.exp(-a))


def _ndtr(a: Any) -> Any:
    return mpmath.erfc(-a / mpmath.sqrt(2)) / 2


def _kl(x: Any, y: Any) -> Any:
    return x * mpmath.log(x / y) - x + y


def _logsumexp(*z: Any) -> Any:
    return mpmath.log(sum(mpmath.exp(v) for v in z))


def _gelu_by_tanh(x: Any) -> Any:
    inner = mpmath.sqrt(2 / mp.pi) * (x + mpf(0.044715) * x**3)
    return x * (1 + mpmath.tanh(inner)) / 2


@dataclass
class Smooth:
    """A function of one number, its exact twin, where to look, and how near the slopes must be.

    `floor` says from which size on each of value, first and second slope is judged absolutely: 0
    is relative throughout, as where a limit itself is reached without a difference of large terms.
    """

    f: Callable[[Any], Any]
    exact: Callable[[Any], Any]
    floor: tuple[float, float, float] = (0.0, 0.0, 0.0)
    at: float = 0.0
    least: float = 0.0  # smallest distance from `at`: beside a kink, not on it
    top: float = 1.0  # and the largest


L = tw.losses
nn = tw.nn
CASES: dict[str, Smooth] = {
    # removable singularities
    "sinc": Smooth(np.sinc, lambda x: _sinc(mp.pi * x)),
    "exprel": Smooth(special.exprel, _exprel),
    # even functions of an absolute value
    "cos of abs": Smooth(lambda x: np.cos(np.abs(x)), mp.cos),
    "cosh of abs": Smooth(lambda x: np.cosh(np.abs(x)), mp.cosh),
    "cos of norm": Smooth(
        lambda x: np.cos(np.linalg.norm(np.stack([x, 2 * x]))),
        lambda x: mp.cos(mp.sqrt(5) * x),
        top=0.1,
    ),
    "cosh of norm": Smooth(
        lambda x: np.cosh(np.linalg.norm(np.stack([x, 2 * x]))), lambda x: mp.cosh(mp.sqrt(5) * x)
    ),
    "cos of a norm by a rate": Smooth(
        lambda x: np.cos(np.linalg.norm(np.stack([x, 2 * x])) / 4),
        lambda x: mp.cos(mp.sqrt(5) * x / 4),
    ),
    "cosh of an absolute value by a rate": Smooth(
        lambda x: np.cosh(np.abs(x) * -3.0), lambda x: mp.cosh(3 * x)
    ),
    "copysign of itself": Smooth(lambda x: np.copysign(x, x), lambda x: x),
    "the square of copysign": Smooth(lambda x: np.copysign(x, x) ** 2, lambda x: x * x),
    "the square by the sign of another": Smooth(
        lambda x: np.copysign(x, np.cos(3 * x)) ** 2, lambda x: x * x
    ),
    "cos by the sign of another": Smooth(
        lambda x: np.cos(2 * np.copysign(x, -1.0)), lambda x: mp.cos(2 * x)
    ),
    "sinc of a square": Smooth(lambda x: np.sinc(x**2), lambda x: _sinc(mp.pi * x**2)),
    "sinc squared": Smooth(lambda x: np.sinc(x) ** 2, lambda x: _sinc(mp.pi * x) ** 2),
    "product with exprel": Smooth(lambda x: x * special.exprel(-x), lambda x: x * _exprel(-x)),
    "sin(x) / x": Smooth(
        lambda x: np.where(x == 0, 1.0, np.sin(x) / np.where(x == 0, 1.0, x)),
        _sinc,
        least=1e-300,
    ),
    "sin(x) / x with 1 for 0": Smooth(
        lambda x: (lambda t: np.sin(t) / t)(np.where(x == 0, 1.0, x)), _sinc, least=1e-300
    ),
    "expm1(x) / x": Smooth(
        lambda x: np.where(x == 0, 1.0, np.expm1(2 * x) / (2 * x)),
        lambda x: _exprel(2 * x),
        least=1e-300,
    ),
    "1 at 0 and sin(x) / x": Smooth(lambda x: np.where(x == 0, 1.0, np.sin(x) / x), _sinc),
    "1 at 0 and sin(pi x) / (pi x)": Smooth(
        lambda x: np.where(x == 0, 1.0, np.sin(np.pi * x) / (np.pi * x)),
        lambda x: _sinc(mpf(np.pi) * x),
        (1, 1, 1),
    ),
    "1 at 0 and sin(x) / x, guarded": Smooth(
        lambda x: (lambda t: np.where(x == 0, 1.0, np.sin(t) / t))(np.where(x == 0, 1.0, x)), _sinc
    ),
    "1 at 0 and sin(x) / x, half guarded": Smooth(
        lambda x: np.where(x == 0, 1.0, np.sin(x) / np.where(x == 0, 1.0, x)), _sinc
    ),
    "sin(x) / x and 1 at 0": Smooth(lambda x: np.where(x != 0, np.sin(x) / x, 1.0), _sinc),
    "1 at 0 and expm1(x) / x": Smooth(
        lambda x: np.where(x == 0, 1, np.expm1(-3 * x) / (-3 * x)), lambda x: _exprel(-3 * x)
    ),
    # corners that a square rounds off
    "norm squared": Smooth(lambda x: np.linalg.norm(np.stack([x, 2 * x])) ** 2, lambda x: 5 * x**2),
    "norm times norm": Smooth(
        lambda x: (lambda r: r * r)(np.linalg.norm(np.stack([x, 2 * x]))), lambda x: 5 * x**2
    ),
    "norm in units": Smooth(
        lambda x: (np.linalg.norm(np.stack([x, 2 * x])) / 4) ** 2, lambda x: 5 * x**2 / 16
    ),
    "minus a norm by a rate": Smooth(
        lambda x: np.exp(-((-0.5 * np.linalg.norm(np.stack([x, x]))) ** 2)),
        lambda x: mpmath.exp(-(x**2) / 2),
    ),
    "a factor by norm by norm": Smooth(
        lambda x: (lambda r: 0.5 * (1 + x) * r * r)(np.linalg.norm(np.stack([x, 2 * x]))),
        lambda x: (1 + x) * 5 * x**2 / 2,
        top=0.1,
    ),
    "norm by a factor by norm": Smooth(
        lambda x: (lambda r: -(r * np.exp(x)) * (r / (2 + x)))(np.linalg.norm(np.stack([x, x]))),
        lambda x: -2 * x**2 * mpmath.exp(x) / (2 + x),
        top=0.1,
    ),
    "abs cubed as a product": Smooth(
        lambda x: np.abs(x) * np.abs(x) * np.abs(x), lambda x: abs(x) ** 3, least=1e-17
    ),
    "products of two corners": Smooth(
        lambda x: (np.abs(x) * np.hypot(1 + x, x) / 3) ** 2,
        lambda x: x**2 * ((1 + x) ** 2 + x**2) / 9,
        top=0.1,
    ),
    "hypot squared": Smooth(lambda x: np.hypot(x, 3 * x) ** 2, lambda x: 10 * x**2),
    "hypot times hypot": Smooth(
        lambda x: np.hypot(x, 3 * x) * np.hypot(x, 3 * x), lambda x: 10 * x**2
    ),
    "abs squared": Smooth(lambda x: np.abs(x) ** 2, lambda x: x**2),
    "abs by a width, squared": Smooth(
        lambda x: np.power(np.abs(x) / (2 + x), 2.0), lambda x: (x / (2 + x)) ** 2, top=0.1
    ),
    "std squared": Smooth(lambda x: np.std(np.stack([x, -x])) ** 2, lambda x: x**2),
    "root squared": Smooth(lambda x: np.sqrt(x**2) ** 2, lambda x: x**2),
    # scipy.special and NumPy's own
    "expit": Smooth(special.expit, _expit, (0, 0, 1)),
    "log_expit": Smooth(special.log_expit, lambda x: mpmath.log(_expit(x))),
    "erf": Smooth(special.erf, mpmath.erf),
    "erfc": Smooth(special.erfc, mpmath.erfc),
    "ndtr": Smooth(special.ndtr, _ndtr),
    "xlogy": Smooth(lambda x: special.xlogy(x, 2.0), lambda x: x * mpmath.log(2)),
    "xlogy in b": Smooth(
        lambda x: special.xlogy(3.0, x), lambda x: 3 * mpmath.log(x), at=1.0, top=0.1
    ),
    "xlogy in both": Smooth(
        lambda x: special.xlogy(x, x), lambda x: x * mpmath.log(x), at=1.0, top=0.1
    ),
    "xlog1py": Smooth(lambda x: special.xlog1py(x, x), lambda x: x * mpmath.log1p(x), top=0.1),
    "entr": Smooth(special.entr, lambda x: -x * mpmath.log(x), at=1.0, top=0.1),
    "rel_entr": Smooth(
        lambda x: special.rel_entr(x, 1.0), lambda x: x * mpmath.log(x), at=1.0, top=0.1
    ),
    "rel_entr in y": Smooth(
        lambda y: special.rel_entr(1.0, y), lambda y: -mpmath.log(y), at=1.0, top=0.1
    ),
    "kl_div": Smooth(lambda x: special.kl_div(x, 1.0), lambda x: _kl(x, 1), at=1.0, top=0.1),
    "kl_div in y": Smooth(lambda y: special.kl_div(1.0, y), lambda y: _kl(1, y), at=1.0, top=0.1),
    "kl_div of small ones": Smooth(
        lambda x: special.kl_div(x, 1e-200), lambda x: _kl(x, mpf(1e-200)), at=1e-200, top=0.1
    ),
    "huber": Smooth(lambda x: special.huber(1.5, x), lambda x: x**2 / 2),
    "pseudo_huber": Smooth(
        lambda x: special.pseudo_huber(1.5, x),
        lambda x: mpf(2.25) * (mpmath.sqrt(1 + (x / mpf(1.5)) ** 2) - 1),
    ),
    "exp10": Smooth(special.exp10, lambda x: mpf(10) ** x),
    "logit": Smooth(special.logit, lambda x: mpmath.log(x / (1 - x)), (0, 0, 1), at=0.5, top=0.1),
    "gammaln": Smooth(special.gammaln, mpmath.loggamma, (1, 0, 0), at=1.0, top=0.1),
    "log1p": Smooth(np.log1p, mpmath.log1p, top=0.1),
    "expm1": Smooth(np.expm1, mpmath.expm1),
    "tanh": Smooth(np.tanh, mpmath.tanh, (0, 0, 1)),
    "sinh": Smooth(np.sinh, mpmath.sinh),
    "arcsinh": Smooth(np.arcsinh, mpmath.asinh),
    "arctan": Smooth(np.arctan, mpmath.atan),
    "arctanh": Smooth(np.arctanh, mpmath.atanh, (0, 0, 1), top=0.1),
    "arcsin": Smooth(np.arcsin, mpmath.asin, (0, 0, 1), top=0.1),
    "logaddexp": Smooth(
        lambda x: np.logaddexp(x, 0.5), lambda x: _logsumexp(x, mpf(0.5)), (0, 0, 1)
    ),
    "logaddexp2": Smooth(
        lambda x: np.logaddexp2(x, 0.5),
        lambda x: mpmath.log(mpf(2) ** x + mpmath.sqrt(2)) / mpmath.log(2),
        (0, 0, 1),
    ),
    "log-sum-exp": Smooth(
        lambda x: np.logaddexp.reduce(np.stack([x, 0.25, -x])),
        lambda x: _logsumexp(x, mpf(0.25), -x),
        (0, 1, 1),
    ),
    # thalweg.nn
    "softplus": Smooth(nn.softplus, lambda x: mpmath.log1p(mpmath.exp(x))),
    "sigmoid": Smooth(nn.sigmoid, _expit, (0, 0, 1)),
    "nn.tanh": Smooth(nn.tanh, mpmath.tanh, (0, 0, 1)),
    "silu": Smooth(nn.silu, lambda x: x * _expit(x)),
    "swish": Smooth(lambda x: nn.swish(x, 1.7), lambda x: x * _expit(mpf(1.7) * x)),
    "gelu": Smooth(nn.gelu, lambda x: x * _ndtr(x)),
    "gelu by tanh": Smooth(lambda x: nn.gelu(x, approximate=True), _gelu_by_tanh),
    "elu": Smooth(nn.elu, lambda x: x if x > 0 else mpmath.expm1(x), least=1e-17),
    "relu": Smooth(nn.relu, lambda x: max(x, mpf(0)), least=1e-17),
    "leaky_relu": Smooth(
        lambda x: nn.leaky_relu(x, 0.25), lambda x: x if x > 0 else x / 4, least=1e-17
    ),
    # thalweg.losses
    "squared": Smooth(lambda x: L.squared(x, 0.0), lambda x: x**2),
    "losses.huber": Smooth(lambda x: L.huber(x, 0.0, 1.5), lambda x: x**2 / 2),
    "logistic of 1": Smooth(lambda x: L.logistic(x, 1.0), lambda x: mpmath.log1p(mpmath.exp(-x))),
    "logistic of 0": Smooth(lambda x: L.logistic(x, 0.0), lambda x: mpmath.log1p(mpmath.exp(x))),
    "logistic of a half": Smooth(
        lambda x: L.logistic(x, 0.5), lambda x: mpmath.log1p(mpmath.exp(x)) - x / 2, (0, 1, 1)
    ),
    "poisson": Smooth(lambda x: L.poisson(x, 1.0), lambda x: mpmath.exp(x) - x, (0, 1, 0)),
    "softmax_cross_entropy": Smooth(
        lambda x: L.softmax_cross_entropy(np.stack([x, 0.25, -x]), 1),
        lambda x: _logsumexp(x, mpf(0.25), -x) - mpf(0.25),
        (1, 1, 1),
    ),
    "softmax_cross_entropy of probabilities": Smooth(
        lambda x: L.softmax_cross_entropy(np.stack([x, 0.25, -x]), [1.0, 0.0, 0.0]),
        lambda x: _logsumexp(x, mpf(0.25), -x) - x,
        (1, 1, 1),
    ),
    "hinge": Smooth(lambda x: L.hinge(x, 1.0), lambda x: max(1 - x, mpf(0)), top=0.1),
}


def points_of(case: Smooth) -> list[float]:
    """The points around a case's own, each a double that the exact twin is given too."""
    near = [d for d in AROUND if case.least <= abs(d) <= case.top]
    return sorted({case.at * (1 + d) if case.at else d for d in near})


@cache
def exact(name: str, x: float) -> tuple[float, float, float]:
    case = CASES[name]
    with mp.workprec(BITS):
        h = STEP * (abs(mpf(case.at)) or 1)
        f, up, down = (mpf(case.exact(mpf(x) + s * h)) for s in (0, 1, -1))
        return float(f), float((up - down) / (2 * h)), float((up - 2 * f + down) / h**2)


# Of compositions of a few operations of up to 4 units in the last place each.
TOLERANCE = 1e-14
WHAT = ("value", "slope", "second slope")


@pytest.mark.parametrize("name", CASES)
def test_value_and_slopes_are_mpmaths(name: str) -> None:
    case = CASES[name]
    x = np.array(points_of(case))
    F = tw.objective(case.f, float(x[0]))
    wrong = []
    for at in x.tolist():
        got = float(F(at)), float(F.grad(at)), float(np.squeeze(F.hessian(at)))
        product = float(np.squeeze(F.hvp(at, 1.0)))
        # 1e-300 squared is below the smallest double.
        for what, mine, wanted, floor in zip(
            (*WHAT, "product with the Hessian"),
            (*got, product),
            (*exact(name, at), exact(name, at)[2]),
            (*case.floor, case.floor[2]),
            strict=True,
        ):
            if not abs(mine - wanted) <= TOLERANCE * max(abs(wanted), floor) + 1e-320:
                wrong.append((at, what, mine, wanted))
    assert not wrong, wrong[:6]


@pytest.mark.parametrize("name", CASES)
def test_slopes_among_lanes_and_elements_are_those_of_one(name: str) -> None:
    case = CASES[name]
    x = np.array(points_of(case))
    F = tw.objective(case.f, float(x[0]))
    one = np.array([float(F.grad(at)) for at in x.tolist()])
    np.testing.assert_array_equal(F.grad(x), one)
