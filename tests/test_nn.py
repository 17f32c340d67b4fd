# SPDX-License-Identifier: BSD-3-Clause
"""Activations against mpmath: values, slopes and second slopes, from -1e3 to 1e3 and at corners."""

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import mpmath
import numpy as np
import pytest
from mpmath import mp, mpf

import thalweg as tw
from thalweg import nn

EPS = 2.0**-52
POINTS = np.array(
    [
        *(sign * x for x in (1e3, 745.5, 710.0, 100.0, 37.5, 26.0, 10.0) for sign in (-1, 1)),
        *(sign * x for x in (2.5, 1.0, 0.6, 1e-3, 1e-8, 1e-300) for sign in (-1, 1)),
        *(0.0, -0.0),
    ]
)

Real = Callable[[Any], Any]


def pieces(below: Real, above: Real) -> Callable[[float], Real]:
    """The smooth piece that holds at a point; 0 belongs to the one below."""
    return lambda at: below if at <= 0 else above


def smooth(f: Real) -> Callable[[float], Real]:
    return lambda _at: f


def gelu_by_tanh(x: Any) -> Any:
    inner = mpmath.sqrt(2 / mp.pi) * (x + mpf(0.044715) * x**3)
    return x / (1 + mpmath.exp(-2 * inner))


def identity(x: Any) -> Any:
    return x


ACTIVATIONS: dict[str, tuple[Callable[[Any], Any], Callable[[float], Real]]] = {
    "relu": (nn.relu, pieces(lambda x: 0 * x, identity)),
    "leaky_relu": (nn.leaky_relu, pieces(lambda x: mpf(0.01) * x, identity)),
    "leaky_relu 0.25": (partial(nn.leaky_relu, slope=0.25), pieces(lambda x: x / 4, identity)),
    "elu": (nn.elu, pieces(mpmath.expm1, identity)),
    "elu 1.5": (partial(nn.elu, alpha=1.5), pieces(lambda x: 1.5 * mpmath.expm1(x), identity)),
    "gelu": (nn.gelu, smooth(lambda x: x * mpmath.erfc(-x / mpmath.sqrt(2)) / 2)),
    "gelu by tanh": (partial(nn.gelu, approximate=True), smooth(gelu_by_tanh)),
    "softplus": (nn.softplus, smooth(lambda x: mpmath.log1p(mpmath.exp(x)))),
    "sigmoid": (nn.sigmoid, smooth(lambda x: 1 / (1 + mpmath.exp(-x)))),
    "tanh": (nn.tanh, smooth(mpmath.tanh)),
    "swish": (nn.swish, smooth(lambda x: x / (1 + mpmath.exp(-x)))),
    "swish 2": (partial(nn.swish, beta=2.0), smooth(lambda x: x / (1 + mpmath.exp(-2 * x)))),
    "silu": (nn.silu, smooth(lambda x: x / (1 + mpmath.exp(-x)))),
}


def exact(name: str, order: int) -> np.ndarray:
    """A derivative at every point, rounded once."""
    with mp.workprec(300):
        piece = ACTIVATIONS[name][1]
        return np.array([float(mpmath.diff(piece(x), mpf(x), order)) for x in POINTS.tolist()])


def tolerance(name: str) -> np.ndarray:
    """Relative: some operations of up to 4 ulp; exp(-x**2 / 2) also multiplies x's own rounding."""
    tail = {"gelu": POINTS**2, "gelu by tanh": np.abs(POINTS) ** 3}.get(name, np.abs(POINTS))
    # Beyond, every function here is 0, its limit, or linear.
    return EPS * (20 + 2 * np.minimum(tail, 750.0))


def assert_near(got: Any, wanted: np.ndarray, rtol: np.ndarray, atol: float) -> None:
    wrong = ~(np.abs(got - wanted) <= rtol * np.abs(wanted) + atol)
    assert not wrong.any(), [*zip(POINTS[wrong], got[wrong], wanted[wrong], strict=True)]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_values_are_exact_plain_and_traced(name):
    f = ACTIVATIONS[name][0]
    wanted = exact(name, 0)
    # A product of what underflows is lost below 2.2e-308.
    for got in (f(POINTS), tw.objective(f, 0.0)(POINTS), tw.objective(f, POINTS)(POINTS)):
        assert_near(got, wanted, tolerance(name), atol=1e-305)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_slopes_are_exact(name):
    F = tw.objective(ACTIVATIONS[name][0], 0.0)
    assert_near(F.grad(POINTS), exact(name, 1), tolerance(name), atol=1e-303)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_second_slopes_are_exact(name):
    F = tw.objective(ACTIVATIONS[name][0], 0.0)
    # Terms up to 1 cancel where the slope has a maximum.
    assert_near(F.hessian(POINTS), exact(name, 2), 10 * tolerance(name), atol=4 * EPS)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_nothing_overflows_and_nan_stays(name):
    f = ACTIVATIONS[name][0]
    with warnings.catch_warnings(), np.errstate(over="raise", invalid="raise", divide="raise"):
        warnings.simplefilter("error")
        assert np.isfinite(f(POINTS)).all()
    assert np.isnan(f(np.nan))
    assert np.isnan(tw.objective(f, 0.0)(np.nan))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_numbers_lists_and_shapes(name):
    f = ACTIVATIONS[name][0]
    assert np.ndim(f(0.5)) == 0
    assert isinstance(f(0.5), float)
    assert f([0.5, 1.0]).shape == (2,)
    assert f(np.zeros((2, 0, 3))).shape == (2, 0, 3)
    integers = f(np.array([[-2, 3]], dtype=np.int8))
    assert integers.dtype == np.float64
    np.testing.assert_array_equal(integers, f(np.array([[-2.0, 3.0]])))
    # np.array([...]) of traced values is an object array
    F = tw.objective(lambda a, b: np.sum(f(np.array([a, b])) + f([b, a])), (0.5, 1.0))
    assert F(0.5, 1.0) == pytest.approx(2 * (f(0.5) + f(1.0)), rel=1e-14)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_complex_numbers_are_refused(name):
    with pytest.raises(TypeError, match="real"):
        ACTIVATIONS[name][0](1j)


def test_slopes_at_zero_are_those_stated():
    for name, slope in [("relu", 0.0), ("leaky_relu", 0.01), ("elu", 1.0), ("elu 1.5", 1.5)]:
        F = tw.objective(ACTIVATIONS[name][0], 0.0)
        np.testing.assert_array_equal(F.grad(np.array([0.0, -0.0])), slope)


def test_shapes_of_activations_may_be_parameters():
    x = np.array([-2.0, -0.5, 1.0])
    for f, slope in [
        (lambda p: np.sum(nn.leaky_relu(x, p)), -2.5),
        (lambda p: np.sum(nn.elu(x, p)), np.expm1(-2) + np.expm1(-0.5)),
        (
            lambda p: np.sum(nn.swish(x, p)),
            sum(v**2 * nn.sigmoid(0.3 * v) * nn.sigmoid(-0.3 * v) for v in x),
        ),
    ]:
        assert tw.grad(f)(0.3) == pytest.approx(slope, rel=1e-14)


def test_gelu_by_tanh_is_near_gelu():
    x = np.linspace(-8, 8, 4001)
    apart = np.abs(nn.gelu(x, approximate=True) - nn.gelu(x)).max()
    assert 1e-4 < apart < 5e-4  # as its docstring says; not the same function
