# SPDX-License-Identifier: BSD-3-Clause
"""The Faddeeva function in the whole plane, and what is made of it, against mpmath and SciPy."""

import mpmath
import numpy as np
import pytest
import scipy.special as ss
from mpmath import mp, mpf
from operation_values import faddeeva

import thalweg as tw
from thalweg._tracing.ufuncs import operation

EPS = 2.0**-52


def parts_and_slopes(points):
    """w(z) and w'(z) of the core at points (x, y)."""
    real = tw.objective(lambda p: operation("faddeeva_real")(p[0], p[1]), np.ones(2))
    imag = tw.objective(lambda p: operation("faddeeva_imag")(p[0], p[1]), np.ones(2))
    # d/dx of both parts is w'; d/dy of the real part is minus the imaginary part of w'.
    a, b = real.grad(points), imag.grad(points)
    np.testing.assert_array_equal(a[:, 1], -b[:, 0])
    np.testing.assert_array_equal(a[:, 0], b[:, 1])
    return real(points) + 1j * imag(points), a[:, 0] + 1j * b[:, 0]


def exact(x, y):
    x, y = mpf(float(x)), mpf(float(y))
    z = mpmath.mpc(x, y)
    w = faddeeva(x, y)
    slope = 2j / mpmath.sqrt(mpmath.pi) - 2 * z * w
    return w, slope, abs(z * (w + z * slope)) * 2


@pytest.mark.parametrize("side", [1, -1])
def test_the_plane_by_size(side):
    """Near its zeros below the real axis only the size of an error can be small."""
    rng = np.random.default_rng(5)
    n = 400
    x = rng.choice([-1, 1], n) * 2.0 ** rng.uniform(-30, 30, n)
    y = side * 2.0 ** rng.uniform(-30, 4.6 if side < 0 else 30, n)
    w, slope = parts_and_slopes(np.stack([x, y], axis=1))
    with mp.workprec(200):
        for k in range(n):
            value, derivative, turn = exact(x[k], y[k])
            assert abs(mpmath.mpc(w[k]) - value) <= 6 * EPS * abs(value), (x[k], y[k])
            room = 1e-13 * max(abs(derivative), turn)
            assert abs(mpmath.mpc(slope[k]) - derivative) <= room, (x[k], y[k])


def test_on_the_real_axis_a_tiny_part_keeps_its_slope():
    """Re w(x) is exp(-x**2), whose logarithm is the normal density's."""
    log_real = tw.objective(lambda x: np.log(operation("faddeeva_real")(x, 0.0)), 1.0)
    for x in (0.5, 3.0, 9.9, 10.1, 20.0, -15.0):
        assert log_real(x) == pytest.approx(-(x**2), rel=1e-13)
        assert log_real.grad(x) == pytest.approx(-2 * x, rel=1e-13)


COMPOSED = {
    "erfcx": (ss.erfcx, lambda x: mpmath.exp(x * x) * mpmath.erfc(x), (-5.0, 30.0)),
    "dawsn": (
        ss.dawsn,
        lambda x: mpmath.sqrt(mpmath.pi) / 2 * mpmath.exp(-x * x) * mpmath.erfi(x),
        (-30.0, 30.0),
    ),
    "erfi": (ss.erfi, mpmath.erfi, (-20.0, 20.0)),
    "log_ndtr": (ss.log_ndtr, lambda x: mpmath.log(mpmath.ncdf(x)), (-35.0, 8.0)),
}


@pytest.mark.parametrize("name", COMPOSED)
def test_functions_of_one_number(name):
    f, reference, (low, high) = COMPOSED[name]
    x = np.random.default_rng(3).uniform(low, high, 60)
    F = tw.objective(lambda x: f(x), 1.0)
    values, slopes = F(x), F.grad(x)
    with mp.workdps(60):
        for k, at in enumerate(map(mpf, x)):
            value, slope = reference(at), mpmath.diff(reference, at)
            # exp(x**2) multiplies the rounding of x**2 by x**2
            room = 8 * EPS * (1 + float(x[k] ** 2 if name in ("erfi", "erfcx") else 0))
            assert abs(values[k] - value) <= room * abs(value), x[k]
            turn = abs(at * mpmath.diff(reference, at, 2))
            assert abs(slopes[k] - slope) <= (1e-13 + room) * max(abs(slope), turn), x[k]


def test_voigt_profile_and_its_limits():
    F = tw.objective(lambda p: ss.voigt_profile(p[0], p[1], p[2]), np.ones(3))
    rng = np.random.default_rng(4)
    points = np.stack([rng.normal(size=50) * 3, *rng.uniform(0.05, 3, (2, 50))], axis=1)

    def reference(x, sigma, gamma):
        w = faddeeva(x / (sigma * mpmath.sqrt(2)), gamma / (sigma * mpmath.sqrt(2)))
        return mpmath.re(w) / (sigma * mpmath.sqrt(2 * mpmath.pi))

    values, slopes = F(points), F.grad(points)
    with mp.workdps(50):
        for k, point in enumerate(points):
            at = tuple(map(mpf, point))
            assert float(reference(*at)) == pytest.approx(values[k], rel=8 * EPS)
            exact = [
                float(mpmath.diff(reference, at, tuple(int(i == j) for i in range(3))))
                for j in range(3)
            ]
            np.testing.assert_allclose(slopes[k], exact, rtol=1e-12, atol=1e-14)
    for point in ([0.3, 0.0, 0.7], [0.3, 0.7, 0.0], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0]):
        assert F(np.array(point)) == pytest.approx(ss.voigt_profile(*point), rel=1e-15)
    assert np.isfinite(F.grad(np.array([0.3, 0.7, 0.0]))).all()


@pytest.mark.parametrize("n", [1, 3, 4, 5, 8, 13, 60])
@pytest.mark.parametrize("number", ["a variable", "computed", "a constant"])
@pytest.mark.parametrize("which", [0, 1])
def test_an_array_with_a_number_has_the_bits_of_each_alone(which, number, n):
    points, w = np.linspace(-3.0, 4.0, n), 0.75
    real, slope = operation("faddeeva_real"), operation("faddeeva_slope_imag")
    one = {
        "a variable": lambda x: x[-1],
        "computed": lambda x: x[-1] * 0.5,
        "a constant": lambda _: w,
    }

    def both(x, y):
        pair = (y, x) if which == 0 else (x, y)
        return real(*pair) + 3.0 * slope(*pair)

    at = np.append(points, {"a variable": w, "computed": 2 * w, "a constant": 0.0}[number])
    F = tw.objective(lambda x: both(x[:-1], one[number](x)), at)
    alone = tw.objective(lambda p: both(p[0], p[1]), np.ones(2))
    expected = [alone(np.array([x, w])) for x in points]
    np.testing.assert_array_equal(F(at), expected)
    np.testing.assert_array_equal(F(np.stack([at] * 9)), [expected] * 9)


def test_wofz_of_a_complex_value():
    F = tw.objective(lambda p: np.abs(ss.wofz(p[0] + 1j * p[1])) ** 2, np.ones(2))
    assert F(np.array([0.4, 1.3])) == pytest.approx(abs(ss.wofz(0.4 + 1.3j)) ** 2, rel=1e-14)
    G = tw.objective(lambda x: np.imag(ss.wofz(x)), 1.0)
    assert G(0.7) == pytest.approx(ss.wofz(0.7).imag, rel=1e-14)


def test_box_cox_and_back():
    def f(p):
        return ss.boxcox(p[0], p[1])

    def g(p):
        return ss.inv_boxcox(p[0], p[1])

    for power in (0.0, 1e-9, 0.5, -1.2):
        assert tw.objective(f, np.ones(2))(np.array([2.3, power])) == pytest.approx(
            ss.boxcox(2.3, power), rel=1e-14
        )
        assert tw.objective(g, np.ones(2))(np.array([0.3, power])) == pytest.approx(
            ss.inv_boxcox(0.3, power), rel=1e-14
        )
        # d/dpower at 0 is log(x)**2 / 2
    assert tw.objective(f, np.ones(2)).grad(np.array([2.3, 0.0]))[1] == pytest.approx(
        np.log(2.3) ** 2 / 2, rel=1e-14
    )
