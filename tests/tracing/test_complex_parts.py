"""Arithmetic and elementary functions of complex values, against NumPy and mpmath."""

import mpmath
import numpy as np
import pytest
from traced_values import KINDS, C, check_complex

import thalweg as tw
from thalweg._tracing.trace import Trace

UFUNCS = {
    "abs": lambda z: np.abs(z),
    "square of abs": lambda z: abs(z) ** 2,
    "angle": np.angle,
    "angle in degrees": lambda z: np.angle(z, deg=True),
    "times a constant": lambda z: (z * C).real,
    "by a constant": lambda z: (z / C).imag,
    "constant by it": lambda z: (C / z).imag,
    "one by it": lambda z: (1 / z).real,
    "times itself": lambda z: (z * z).imag,
    "exp": lambda z: np.exp(z).real,
    "log": lambda z: np.log(z).real,
    "angle of log": lambda z: np.log(z).imag,
    "sqrt": lambda z: np.sqrt(z).real,
    "imaginary part of sqrt": lambda z: np.sqrt(z).imag,
    "squared": lambda z: (z**2).real,
    "cubed": lambda z: (z**3).imag,
    "to -3": lambda z: (z**-3).imag,
    "to one half": lambda z: (z**0.5).imag,
    "to 1.7": lambda z: (z**1.7).imag,
    "to a complex number": lambda z: (z ** (0.3 + 0.2j)).real,
    "to itself": lambda z: (z**z).real,
    "two to it": lambda z: (2.0**z).real,
    "i to it": lambda z: (1j**z).real,
    "to zero": lambda z: (z**0).real,
    "sin": lambda z: np.sin(z).imag,
    "cos": lambda z: np.cos(z).imag,
    "tan": lambda z: np.tan(z).real,
    "sinh": lambda z: np.sinh(z).imag,
    "cosh": lambda z: np.cosh(z).imag,
    "tanh": lambda z: np.tanh(z).imag,
    "real part of tanh": lambda z: np.tanh(z).real,
    "log2": lambda z: np.log2(z).real,
    "log10": lambda z: np.log10(z).imag,
    "exp2": lambda z: np.exp2(z).imag,
    "sign": lambda z: np.sign(z).real,
    "reciprocal": lambda z: np.reciprocal(z).imag,
    "square": lambda z: np.square(z).real,
    "times its conjugate": lambda z: (z.conj() * z).real,
    "np.conj": lambda z: np.conj(z).imag,
    "np.conjugate": lambda z: np.conjugate(z).imag,
    "abs of minus": lambda z: abs(-z),
    "plus": lambda z: (+z).imag,
    "equal": lambda z: np.where(z == C, 1.0, z.real),
    "not equal": lambda z: np.where(z != C, 1.0, z.real),
    "isfinite": lambda z: np.where(np.isfinite(z), z.imag, 0.0),
    "outer": lambda z: np.multiply.outer(z, C).imag,
    "add.reduce": lambda z: np.add.reduce(z).imag,
    "multiply.reduce": lambda z: np.multiply.reduce(z).imag,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", UFUNCS)
def test_values_and_slopes_are_those_of_numpy(name, kind):
    check_complex(UFUNCS[name], kind)


def at(function, re, im):
    """The traced function of the complex number re + i im."""
    z = np.array([re, im])
    return [
        tw.objective(lambda p, side=side: getattr(function(p[0] + 1j * p[1]), side), z)(z)
        for side in ("real", "imag")
    ]


@pytest.mark.parametrize("angle", [0.1, 1.0, 3.0, -2.0])
@pytest.mark.parametrize("excess", [1e-3, -1e-6, 1e-9])
def test_the_logarithm_keeps_its_digits_near_the_unit_circle(angle, excess):
    re, im = (1 + excess) * np.cos(angle), (1 + excess) * np.sin(angle)
    with mpmath.workdps(40):
        exact = mpmath.log(mpmath.mpc(re, im))
    got = at(np.log, re, im)
    assert abs(got[0] - float(exact.real)) <= 4e-16 * (abs(float(exact.real)) + 1)
    assert got[1] == pytest.approx(float(exact.imag), rel=1e-15)


def test_quotients_and_roots_do_not_overflow():
    assert at(lambda z: 1e200 / z, 3e200, 4e200) == pytest.approx([0.12, -0.16], rel=1e-15)
    assert at(lambda z: z / (1e-200 + 1e-200j), 2e-200, 0.0) == pytest.approx([1.0, -1.0])
    root = at(np.sqrt, 1e308, 1e308)
    exact = np.sqrt(1e308 + 1e308j)
    assert root == pytest.approx([exact.real, exact.imag], rel=1e-15)


def test_special_points():
    assert at(lambda z: z**2.5, 0.0, 0.0) == [0.0, 0.0]
    assert at(lambda z: z**0, 0.0, 0.0) == [1.0, 0.0]
    assert at(np.sqrt, -4.0, 0.0) == [0.0, 2.0]
    assert at(np.sqrt, -4.0, -0.0) == [0.0, -2.0]
    assert at(np.sign, 0.0, 0.0) == [0.0, 0.0]
    assert at(np.tanh, 800.0, 1.0) == pytest.approx([1.0, 0.0])


def test_a_second_derivative():
    def f(p):
        return np.abs(np.exp((0.3 + 1j) * p[0]) + p[1] ** 2 / (1 + 1j * p[0])) ** 2

    x = np.array([0.4, 0.7])
    h = 1e-5
    rows = [(tw.grad(f)(x + h * e) - tw.grad(f)(x - h * e)) / (2 * h) for e in np.eye(2)]
    np.testing.assert_allclose(tw.hessian(f)(x), rows, rtol=1e-7)


def test_parts_that_are_zero_cost_nothing():
    def nodes(function):
        trace = Trace()
        function(trace.input(0, ()))
        return len(trace.graph)

    assert nodes(lambda t: np.exp(1j * t).real) <= 5  # t, 1, 1 t, cos, sin
