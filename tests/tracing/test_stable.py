# SPDX-License-Identifier: BSD-3-Clause
"""Forms that overflow: values and slopes at large, small and zero arguments, against mpmath."""

import pickle

import mpmath
import numpy as np
import pytest

import thalweg as tw
from thalweg import nn

ANY = [
    0.0,
    1e-300,
    1e-9,
    1e-3,
    0.3,
    0.69,
    0.7,
    0.99,
    1.01,
    2.5,
    20.0,
    36.0,
    37.5,
    700.0,
    720.0,
    1e4,
]
BOTH = sorted({s * u for u in ANY for s in (-1, 1)})
BELOW = [-u for u in ANY if u]  # where log(1 - exp(u)) is defined
ABOVE = [u for u in ANY if u]
AWAY = [u for u in BOTH if abs(u) > 1e-10]  # from a pole

# NumPy as users write it, the same for mpmath, and where it is defined.
FORMS = {
    "log(1 + exp(u))": (lambda u: np.log(1 + np.exp(u)), lambda u: mp_softplus(u), BOTH),
    "log(exp(-u) + 1)": (lambda u: np.log(np.exp(-u) + 1.0), lambda u: mp_softplus(-u), BOTH),
    "log1p(exp(u))": (lambda u: np.log1p(np.exp(u)), lambda u: mp_softplus(u), BOTH),
    "1 / (1 + exp(-u))": (lambda u: 1 / (1 + np.exp(-u)), lambda u: mp_expit(u), BOTH),
    "reciprocal": (lambda u: (1 + np.exp(-u)) ** -1, lambda u: mp_expit(u), BOTH),
    "3 / (1 + exp(u))": (lambda u: 3 / (1 + np.exp(u)), lambda u: 3 * mp_expit(-u), BOTH),
    "exp(u) / (1 + exp(u))": (lambda u: np.exp(u) / (1 + np.exp(u)), lambda u: mp_expit(u), BOTH),
    "exp(u) / (exp(u) + exp(2))": (
        lambda u: np.exp(u) / (np.exp(u) + np.exp(0 * u + 2)),
        lambda u: mp_expit(u - 2),
        BOTH,
    ),
    "logistic density": (
        lambda u: np.exp(-u) / (1 + np.exp(-u)) ** 2,
        lambda u: mp_expit(u) * mp_expit(-u),
        BOTH,
    ),
    "1 - logistic": (lambda u: 1 - 1 / (1 + np.exp(-u)), lambda u: mp_expit(-u), BOTH),
    "log of logistic": (
        lambda u: np.log(1 / (1 + np.exp(-u))) + 2 * np.log(1 - 1 / (1 + np.exp(-u))),
        lambda u: -mp_softplus(-u) - 2 * mp_softplus(u),
        BOTH,
    ),
    "log1p of logistic": (
        lambda u: np.log1p(-1 / (1 + np.exp(-u))), lambda u: -mp_softplus(u), BOTH,
    ),
    "log(1 - exp(u))": (lambda u: np.log(1 - np.exp(u)), lambda u: mp_log1mexp(u), BELOW),
    "log1p(-exp(u))": (lambda u: np.log1p(-np.exp(u)), lambda u: mp_log1mexp(u), BELOW),
    "log(-expm1(-u))": (lambda u: np.log(-np.expm1(-u)), lambda u: mp_log1mexp(-u), ABOVE),
    "log(exp(u) - 1)": (lambda u: np.log(np.exp(u) - 1), lambda u: u + mp_log1mexp(-u), ABOVE),
    "log(expm1(u))": (lambda u: np.log(np.expm1(u)), lambda u: u + mp_log1mexp(-u), ABOVE),
    "log(cosh(u))": (lambda u: np.log(np.cosh(u)), lambda u: mpmath.log(mpmath.cosh(u)), BOTH),
    "u / (exp(u) - 1)": (lambda u: u / (np.exp(u) - 1), lambda u: mp_bernoulli(u), BOTH),
    "u / expm1(u)": (lambda u: u / np.expm1(u), lambda u: mp_bernoulli(u), BOTH),
    "guarded u / (exp(u) - 1)": (
        lambda u: np.where(u == 0, 1.0, u / (np.exp(u) - 1)), lambda u: mp_bernoulli(u), BOTH,
    ),
    "u**3 / (exp(u) - 1)": (
        lambda u: u**3 / (np.exp(u) - 1), lambda u: u**3 / mpmath.expm1(u), AWAY,
    ),
    "exp(u) / expm1(u)": (
        lambda u: np.exp(u) / np.expm1(u), lambda u: -1 / mpmath.expm1(-u), AWAY,
    ),
    "exp(u) - 1": (
        lambda u: np.exp(np.minimum(u, 300.0)) - 1, lambda u: mpmath.expm1(min(u, 300)), BOTH,
    ),
    "sin(u) / u": (lambda u: np.sin(u) / u, lambda u: mp_sinc(u), BOTH),
    "guarded sin(2 u) / (2 u)": (
        lambda u: np.where(u != 0, np.sin(2 * u) / (2 * u), 1.0), lambda u: mp_sinc(2 * u), BOTH,
    ),
    "sqrt(u**2 + 9 u**2)": (
        lambda u: np.sqrt(u**2 + (3 * u) * (3 * u)),
        lambda u: mpmath.sqrt(10) * abs(u), [*AWAY, 1e200, -1e-200],
    ),
}  # fmt: skip


def mp_expit(u):
    return 1 / (1 + mpmath.exp(-u))


def mp_softplus(u):
    return mpmath.log1p(mpmath.exp(u))


def mp_log1mexp(u):
    return mpmath.log(-mpmath.expm1(u))


def mp_bernoulli(u):
    return u / mpmath.expm1(u) if u else 1 - u / 2 + u**2 / 12


def mp_sinc(u):
    return mpmath.sin(u) / u if u else 1 - u**2 / 6


def exact(f, u, order):
    """The derivative of a function that is smooth at u, by differences with many digits."""
    with mpmath.workdps(1600):
        if order == 0:
            return f(mpmath.mpf(u))
        h = mpmath.mpf(10) ** -400 * max(1, abs(u))
        points = [f(mpmath.mpf(u) + k * h) for k in (-1, 0, 1)]
        if order == 1:
            return (points[2] - points[0]) / (2 * h)
        return (points[2] - 2 * points[1] + points[0]) / h**2


@pytest.mark.parametrize("name", FORMS)
def test_values_and_slopes_are_right_at_every_argument(name):
    f, in_mpmath, arguments = FORMS[name]
    points = np.array(arguments)[:, None]
    F = tw.objective(lambda x: f(x[0]), points[0])
    values, slopes = F(points), F.grad(points)[:, 0]
    tiny = 1e-307  # below it, numbers have fewer digits
    for k, u in enumerate(arguments):
        value, slope, curvature = (exact(in_mpmath, u, order) for order in range(3))
        # 4 ulp an operation; near a zero, of the numbers that are subtracted there.
        bound = 4e-15 * abs(value) + (3e-16 if 0.1 < abs(u) < 3 else 0)
        assert abs(values[k] - value) <= bound + tiny, (u, values[k], float(value))
        if name == "sin(u) / u" and abs(u) > 700:
            continue  # the angle's own rounding
        bound = 1e-13 * abs(slope) + 1e-15 * min(1, abs(value))
        assert abs(slopes[k] - slope) <= bound + tiny, (u, slopes[k], float(slope))
        if abs(u) > 1e-100:
            second = F.hessian(points[k])[0, 0]
            bound = 1e-12 * max(abs(curvature), abs(slope), abs(slope / u))
            assert abs(second - curvature) <= bound + tiny, (u, second, float(curvature))
    assert pickle.loads(pickle.dumps(F))(points[0]) == F(points[0])


@pytest.mark.parametrize("name", FORMS)
def test_in_lanes_as_alone(name):
    f, _, arguments = FORMS[name]
    points = np.array(arguments)[:, None]
    F = tw.objective(lambda x: f(x[0]), points[0])
    alone = [F.value_and_grad(x) for x in points]
    np.testing.assert_array_equal(F(points), [v for v, _ in alone])
    np.testing.assert_array_equal(F.grad(points), [g for _, g in alone])


@pytest.mark.parametrize("name", FORMS)
def test_switched_off(name):
    f, _, arguments = FORMS[name]
    points = np.array([u for u in arguments if 0.3 <= abs(u) <= 3])[:, None]
    on, off = (tw.objective(lambda x: f(x[0]), points[0], stable=s) for s in (True, False))
    assert str(on.tape) != str(off.tape)
    np.testing.assert_allclose(on(points), off(points), rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(off(points), f(points[:, 0]), rtol=1e-13)


# ---- sums of exponentials ------------------------------------------------------------------------

SHAPES = {"all": (None, False), "rows": (1, False), "columns": (0, True), "two": ((0, 2), False)}


@pytest.mark.parametrize("size", [1.0, 1e-3, 300.0, 1e5])
@pytest.mark.parametrize("name", SHAPES)
def test_sums_of_exponentials(name, size):
    axis, keepdims = SHAPES[name]
    shape = (3, 4, 2) if name == "two" else (3, 4)
    u = size * np.random.default_rng(0).normal(size=shape) + size
    weights = np.random.default_rng(1).normal(size=shape)

    def of_shifted(u, with_shift):
        top = np.max(u, axis=axis, keepdims=True) if with_shift else 0.0
        e = np.exp(u - top) if with_shift else np.exp(u)
        total = np.log(np.mean(e, axis=axis, keepdims=keepdims))
        if with_shift:
            total = total + (top if keepdims else np.squeeze(top, axis=axis))
        share = e / np.sum(e, axis=axis, keepdims=True)
        return np.sum(np.sin(total)) + np.sum(weights * share)

    def log_share(u):
        return np.log(np.exp(u) / np.sum(np.exp(u), axis=axis, keepdims=True))

    F = tw.objective(lambda u: of_shifted(u, False), u)
    S = tw.objective(lambda u: of_shifted(u, True), u)
    assert F(u) == pytest.approx(of_shifted(u, True), rel=1e-13, abs=1e-13)
    np.testing.assert_allclose(F.grad(u), S.grad(u), rtol=1e-11, atol=1e-13)
    if size < 1e3:
        np.testing.assert_allclose(
            F.hvp(u, weights), S.hvp(u, weights), rtol=1e-10, atol=1e-12 * (1 + size)
        )
    L = tw.objective(log_share, u)
    top = np.max(u, axis=axis, keepdims=True)
    wanted = u - top - np.log(np.sum(np.exp(u - top), axis=axis, keepdims=True))
    np.testing.assert_allclose(L(u), wanted, rtol=1e-13, atol=1e-13)


def test_infinite_exponents_mean_what_they_did():
    F = tw.objective(lambda u: np.log(np.sum(np.exp(u))), np.zeros(2))
    assert F([-np.inf, -np.inf]) == -np.inf
    assert F([np.inf, 0.0]) == np.inf
    assert F([-np.inf, 3.0]) == 3.0
    assert np.isnan(F([np.nan, 0.0]))


def test_many_terms():
    def f(u):
        return np.log(np.exp(u[0]) + np.exp(u[1]) + 2 + np.exp(u[2]))

    F = tw.objective(f, np.zeros(3))
    assert F([1e3, 1e3, 0.0]) == pytest.approx(1e3 + np.log(2), rel=1e-15)
    np.testing.assert_allclose(F.grad([1e3, 1e3, 0.0]), [0.5, 0.5, 0.0])
    assert F([0.1, -0.2, 0.3]) == pytest.approx(f(np.array([0.1, -0.2, 0.3])), rel=1e-15)


def test_a_sum_over_a_long_axis():
    u = np.linspace(-1e3, 1e3, 100_000)
    F = tw.objective(lambda u: np.log(np.sum(np.exp(u))), u)
    assert F(u) == pytest.approx(1e3 + np.log(np.sum(np.exp(u - 1e3))), rel=1e-14)
    np.testing.assert_allclose(F.grad(u), softmax(u), rtol=1e-11)


def softmax(u):
    e = np.exp(u - u.max())
    return e / e.sum()


def test_the_distance_at_the_origin():
    F = tw.objective(lambda x: np.sqrt(x[0] ** 2 + x[1] ** 2), [1.0, 2.0])
    np.testing.assert_array_equal(F.grad([0.0, 0.0]), [0.0, 0.0])
    assert F([3e200, 4e200]) == pytest.approx(5e200, rel=1e-15)
    np.testing.assert_allclose(F.grad([3e-200, 4e-200]), [0.6, 0.8])
    S = tw.objective(lambda x: np.sqrt(x[0] ** 2 + x[1] ** 2) ** 2, [1.0, 2.0])
    np.testing.assert_allclose(S.hessian([0.0, 0.0]), 2 * np.eye(2))


def test_branches_that_are_not_chosen():
    """Each branch is stable, so the one that is not chosen gives no NaN."""

    def f(u):
        return np.where(u > 0, u + np.log(1 + np.exp(-u)), np.log(1 + np.exp(u)))

    F = tw.objective(f, 0.0)
    u = np.array([-1e3, -1.0, 0.0, 1.0, 1e3])
    np.testing.assert_allclose(F(u), np.logaddexp(0, u), rtol=1e-15)
    np.testing.assert_allclose(F.grad(u), nn.sigmoid(u), rtol=1e-14)


def test_an_exponential_that_is_used_elsewhere_too():
    def f(u):
        e = np.exp(u)
        return np.log(1 + e) + e / (1 + e) + 1e-3 * e

    u = np.linspace(-30, 30, 7)
    F = tw.objective(f, 0.0)
    wanted = np.logaddexp(0, u) + nn.sigmoid(u) + 1e-3 * np.exp(u)
    np.testing.assert_allclose(F(u), wanted, rtol=1e-14)
    assert F(800.0) == np.inf


def test_bodies_of_loops():
    def f(x):
        def step(c, u):
            return np.log(1 + np.exp(c + u)), 1 / (1 + np.exp(-c))

        last, shares = tw.scan(step, x[0], 100.0 * x[1] * np.arange(20.0))
        return last + np.sum(shares)

    def by_hand(x):
        c, total = x[0], 0.0
        for u in 100.0 * x[1] * np.arange(20.0):
            total, c = total + nn.sigmoid(c), np.logaddexp(0, c + u)
        return c + total

    F, G = (tw.objective(g, [1.0, 1.0]) for g in (f, by_hand))
    assert F([0.5, 1.0]) == pytest.approx(G([0.5, 1.0]), rel=1e-15)
    np.testing.assert_allclose(F.grad([0.5, 1.0]), G.grad([0.5, 1.0]), rtol=1e-13)
    assert tw.objective(f, [1.0, 1.0], stable=False)([0.5, 1.0]) == np.inf


UNTOUCHED = {
    "logaddexp": lambda x: np.sum(np.logaddexp(0, x)),
    "softmax": lambda x: np.sum(np.exp(x - np.max(x)) / np.sum(np.exp(x - np.max(x))) * x),
    "log-sum-exp": lambda x: np.max(x) + np.log(np.sum(np.exp(x - np.max(x)))),
    "sigmoid": lambda x: np.sum(nn.sigmoid(x) ** 2),
    "softplus": lambda x: np.sum(np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0)),
    "Gaussian": lambda x: np.sum(1 / (1 + np.exp(-0.5 * x**2))),
    "norm": lambda x: np.sqrt(np.sum(x**2)),
    "polynomial": lambda x: np.sum(np.sqrt(1 + x**2) + np.log(1 + x**2) / (1 + x**2)),
    "decay": lambda x: np.sum(x[0] * (1 - np.exp(-x[1] * np.arange(5.0)))),
    "guarded sinc": lambda x: np.sum(np.sin(np.where(x == 0, 1, x)) / np.where(x == 0, 1, x)),
}


@pytest.mark.parametrize("name", UNTOUCHED)
def test_programs_without_such_forms_are_untouched(name):
    on, off = (tw.objective(UNTOUCHED[name], np.ones(3), stable=s) for s in (True, False))
    assert str(on.tape) == str(off.tape)


def test_fits_and_descents_have_stable_forms():
    x = np.linspace(-40.0, 40.0, 41)
    y = 1 / (1 + np.exp(-(x - 3) * 2))
    for popt in (
        tw.curve_fit(lambda x, m, s: 1 / (1 + np.exp(-(x - m) * s)), x, y, p0=[0.0, 30.0])[0],
        tw.curve_fit_many(
            lambda x, m, s: 1 / (1 + np.exp(-(x - m) * s)), x, y[None], p0=[0.0, 30.0]
        ).popt[0],
    ):
        np.testing.assert_allclose(popt, [3.0, 2.0], rtol=1e-6)
    F = tw.minimize(lambda b: np.sum(np.log(1 + np.exp(-(2 * (x > 0) - 1) * (x * b[0])))), [-900.0])
    assert np.isfinite(F.fun)
    assert F.fun < 1.0
