# SPDX-License-Identifier: BSD-3-Clause
"""Ufuncs of NumPy and SciPy, and their methods, against their own values."""

import math
import zlib

import mpmath
import numpy as np
import pytest
from traced_values import check_message, check_value, failing, traced

from thalweg._tracing.errors import TraceError
from thalweg._tracing.trace import Trace

# name, function, shapes of its arguments. Where NumPy's value is a tuple the function stacks it.
CASES = [
    (
        "np logic",
        lambda x, y: (
            np.logical_and(x > 0, y) * 1.0
            + np.logical_or(x > 0, y > 0) * 2.0
            + np.logical_xor(x > 0, y > 0) * 4.0
        ),
        [(5,), (5,)],
    ),
    (
        "bitwise",
        lambda x, y: np.bitwise_and(x > 0, y > 0) * 1.0 + np.bitwise_or(x > 0, y > 0) * 2.0,
        [(5,), (5,)],
    ),
    (
        "bool sums of numpy",
        lambda x, y: np.add(x > 0, y > 0) * 1.0 + np.multiply(x > 0, y > 0) * 2.0,
        [(5,), (5,)],
    ),
    ("isfinite", lambda x: np.isfinite(x) * 1.0 + np.isnan(x) * 2.0 + np.isinf(x) * 4.0, [(5,)]),
    ("signbit", lambda x: np.signbit(x) * 1.0, [(5,)]),
    ("exponentials", lambda x: np.exp(x) + np.exp2(x) + np.expm1(x), [(3,)]),
    (
        "logarithms",
        lambda x: np.log(abs(x)) + np.log2(abs(x)) + np.log10(abs(x)) + np.log1p(abs(x)),
        [(3,)],
    ),
    ("roots of numpy", lambda x: np.sqrt(abs(x)) + np.cbrt(x) + np.reciprocal(x), [(3,)]),
    ("trigonometric", lambda x: np.sin(x) + np.cos(x) + np.tan(x), [(3,)]),
    (
        "inverse trigonometric",
        lambda x: np.arcsin(np.sin(x)) + np.arccos(np.cos(x)) + np.arctan(x),
        [(3,)],
    ),
    ("hyperbolic", lambda x: np.sinh(x) + np.cosh(x) + np.tanh(x), [(3,)]),
    (
        "inverse hyperbolic",
        lambda x: np.arcsinh(x) + np.arccosh(1 + x**2) + np.arctanh(np.tanh(x)),
        [(3,)],
    ),
    (
        "two arguments",
        lambda x, y: np.hypot(x, y) + np.arctan2(x, y) + np.logaddexp(x, y) + np.logaddexp2(x, y),
        [(3,), (2, 3)],
    ),
    (
        "copysign",
        lambda x, y: np.copysign(x, y) + np.fmod(x, y) + np.heaviside(x, 0.5),
        [(3,), (3,)],
    ),
    (
        "maximum",
        lambda x, y: np.maximum(x, y) + 2 * np.minimum(x, 0) + np.fmax(x, y) + np.fmin(y, 0.1),
        [(3,), (3,)],
    ),
    ("rounding", lambda x: np.floor(x) + np.ceil(x) + np.rint(x) + np.trunc(x) + np.fix(x), [(5,)]),
    (
        "sign",
        lambda x: np.sign(x) + np.positive(x) + np.conjugate(x) + np.real(x) + x.real + x.conj(),
        [(5,)],
    ),
    ("angles", lambda x: np.deg2rad(x) + np.radians(x) + np.rad2deg(x) + np.degrees(x), [(5,)]),
    (
        "true_divide",
        lambda x, y: np.true_divide(x, y) + np.add(x, y) + np.subtract(x, 1) * np.multiply(2, y),
        [(3,), (3,)],
    ),
    ("modf", lambda x: np.stack(np.modf(10 * x)), [(5,)]),
    ("matvec", lambda x, y: np.matmul(x, y).sum() + np.vecdot(x, y), [(2, 3), (3,)]),
    ("add.reduce", lambda x: np.add.reduce(x) + np.add.reduce(x, axis=0), [(3,)]),
    (
        "reduce",
        lambda x: (
            np.multiply.reduce(x, axis=1)
            + np.maximum.reduce(x, axis=1)
            - np.minimum.reduce(x, axis=(1,))
        ),
        [(2, 3)],
    ),
    ("reduce all", lambda x: np.add.reduce(x, axis=None, keepdims=True), [(2, 3)]),
    (
        "logaddexp.reduce",
        lambda x: np.logaddexp.reduce(x) + np.logaddexp.reduce(x, axis=1, keepdims=True),
        [(3, 3)],
    ),
    ("accumulate", lambda x: np.add.accumulate(x) + np.multiply.accumulate(x, axis=1), [(2, 3)]),
    ("ufunc.outer", lambda x, y: np.add.outer(x, y) + np.multiply.outer(x, y), [(2,), (3,)]),
]


@pytest.mark.parametrize(("name", "function", "shapes"), CASES, ids=[c[0] for c in CASES])
def test_traced_value_is_numpys(name, function, shapes):
    check_value(name, function, shapes)


# name, function, shapes, what the message says
REFUSED = [
    ("ufunc unknown", lambda x: np.nextafter(x, 1), [(3,)], "np.nextafter", "no traced form"),
    ("ufunc.at", lambda x: np.add.at(x, [0], 1), [(3,)], "np.add.at", "no traced form"),
    ("divide.accumulate", lambda x: np.divide.accumulate(x), [(3,)], "np.divide.accumulate", ""),
    ("frompyfunc", lambda x: np.frompyfunc(abs, 1, 1)(x), [(3,)], "ufunc abs", "no traced form"),
]


@pytest.mark.parametrize(
    ("name", "function", "shapes", "what", "instead"), REFUSED, ids=[c[0] for c in REFUSED]
)
def test_what_cannot_be_traced_says_where_and_what_instead(name, function, shapes, what, instead):
    check_message(function, shapes, what, instead, __file__)


special = pytest.importorskip("scipy.special")


SPECIAL = [
    ("expit", lambda x: special.expit(x) + special.log_expit(x)),
    ("logit", lambda x: special.logit(special.expit(x))),
    ("erf", lambda x: special.erf(x) + special.erfc(x) + special.ndtr(x)),
    (
        "gammaln",
        lambda x: special.gammaln(abs(x)) + special.digamma(abs(x)) + special.psi(2 + x**2),
    ),
    (
        "xlogy",
        lambda x: special.xlogy(x, abs(x)) + special.xlog1py(x, x**2) + special.xlogy(0, 0 * x),
    ),
    ("entropies", lambda x: special.entr(abs(x)) + special.rel_entr(x**2, 2 + x)),
    ("kl_div", lambda x: special.kl_div(x**2, abs(x))),
    ("huber", lambda x: special.huber(0.7, x) + special.pseudo_huber(0.7, x)),
    ("exprel", lambda x: special.exprel(x) + special.exprel(0 * x) + special.exp10(x)),
    ("own copies", lambda x: special.cbrt(x) + special.expm1(x) + special.exp2(x)),
]


@pytest.mark.parametrize(("name", "function"), SPECIAL, ids=[c[0] for c in SPECIAL])
def test_scipy_ufuncs_are_known_by_name(name, function):
    x = np.random.default_rng(zlib.crc32(name.encode())).normal(size=7)
    np.testing.assert_allclose(traced(function, x), function(x), rtol=2e-12, atol=2e-13)


# ---- compositions, where their plain formulas cancel, overflow or are undefined ------------------


def exact(name, x, y):
    """SciPy's definition with 50 digits."""
    with mpmath.workdps(50):
        x, y = mpmath.mpf(x), mpmath.mpf(y)
        return float(x * mpmath.log(x / y) - (x - y if name == "kl_div" else 0))


@pytest.mark.parametrize("gap", [0.0, 1e-12, -1e-12, 1e-6, -1e-3, 0.2, -0.24, 0.26, 3.0, 1e200])
@pytest.mark.parametrize("name", ["kl_div", "rel_entr"])
def test_relative_entropies_do_not_cancel_near_their_zero(name, gap):
    y = 0.75
    x = y + gap * y
    got = traced(getattr(special, name), np.array([x]), np.array([y]))[0]
    assert got == pytest.approx(exact(name, x, y), rel=4e-15, abs=0)


@pytest.mark.parametrize("name", ["kl_div", "rel_entr"])
def test_relative_entropies_at_the_edges_are_scipys(name):
    values = [0.0, -0.0, 0.5, 2.0, -1.0, np.nan]
    x, y = (a.ravel() for a in np.meshgrid(values, values))
    f = getattr(special, name)
    np.testing.assert_allclose(traced(f, x, y), f(x, y), rtol=4e-15, atol=0)


def test_small_ratios_are_finite_where_scipy_overflows():
    got = traced(special.kl_div, np.array([1.0, 1e-300]), np.array([5e-324, 1e300]))
    np.testing.assert_allclose(got, [-math.log(5e-324) - 1.0, 1e300], rtol=1e-15)


def test_losses_of_scipy_at_the_edges():
    r = np.array([-1e200, -2.0, -0.5, 0.0, 0.5, 1e200])
    np.testing.assert_allclose(
        traced(lambda r: special.huber(2.0, r), r), [2e200, 2.0, 0.125, 0.0, 0.125, 2e200]
    )
    root = 4 * (math.sqrt(1 + 0.25**2) - 1)  # delta**2 (sqrt(1 + (r / delta)**2) - 1)
    np.testing.assert_allclose(
        traced(lambda r: special.pseudo_huber(2.0, r), r),
        [2e200, 4 * (math.sqrt(2) - 1), root, 0.0, root, 2e200],
        rtol=1e-15,
    )
    for f in (special.huber, special.pseudo_huber):
        assert np.array_equal(traced(lambda r, f=f: f(0.0, r), r), np.zeros(6))
        assert np.array_equal(traced(lambda r, f=f: f(-1.0, r), r), np.full(6, np.inf))


def test_log_sum_exp_neither_overflows_nor_makes_nan():
    f = np.logaddexp.reduce
    x = np.array([1000.0, 1000.0])
    assert traced(f, x) == pytest.approx(1000 + math.log(2), rel=1e-15)
    assert traced(f, np.array([-np.inf, -np.inf])) == -np.inf
    assert traced(f, np.array([np.inf, 0.0])) == np.inf
    assert np.isnan(traced(f, np.array([np.nan, 0.0])))
    assert traced(lambda x: f(x[:0]), x) == -np.inf
    assert traced(lambda x: f(x, axis=0, keepdims=True), np.ones((3, 2))).shape == (1, 2)


def test_parts_of_infinity_have_its_sign():
    x = np.array([np.inf, -np.inf, -0.0, -2.5, np.nan])
    got = traced(lambda x: np.stack(np.modf(x)), x)
    np.testing.assert_array_equal(got, np.modf(x))
    np.testing.assert_array_equal(np.signbit(got[1]), np.signbit(np.modf(x)[1]))


def test_rounding_of_scipy_has_no_negative_zero():
    x = np.array([-0.4, 0.5, 1.5, -2.5])
    got = traced(special.round, x)
    np.testing.assert_array_equal(got, special.round(x))
    assert not np.signbit(got[0])


def test_power_of_a_traced_constant_is_a_square_or_a_root():
    trace = Trace()
    x = trace.input(0, (3,))

    def kind(y):
        return trace.graph.describe(y.node)[1]

    two, half = trace.wrap(2.0), trace.wrap(0.5)
    assert kind(np.power(x, two)) == kind(np.float_power(x, two)) == "square"
    assert kind(np.power(x, half)) == "sqrt"
    assert kind(np.power(x, x)) == "power"


# ---- methods of ufuncs ---------------------------------------------------------------------------


def test_accumulating_needs_one_axis():
    for f in (np.add.accumulate, np.multiply.accumulate):
        with pytest.raises(TypeError, match="cannot accumulate on a scalar"):
            failing(f, ())
        with pytest.raises(ValueError, match="accumulate does not allow multiple axes"):
            failing(lambda x, f=f: f(x, axis=None), (2, 3))
        assert traced(lambda x, f=f: f(x, axis=None), np.ones(3)).shape == (3,)


def test_outer_takes_every_pair():
    x, y = np.array([[0.5, 2.0]]), np.array([1.0, -3.0, 4.0])
    for f in (np.subtract, np.arctan2, np.power):
        got = traced(f.outer, np.abs(x), y)
        assert got.shape == (1, 2, 3)
        np.testing.assert_allclose(got, f.outer(np.abs(x), y), rtol=1e-14)


def test_reductions_of_ufuncs_refuse_other_arguments():
    for kwargs, said in (({"initial": 1.0}, "initial"), ({"where": np.ones(3, bool)}, "where")):
        with pytest.raises(TraceError, match=rf"np\.add\.reduce\(\.\.\., {said}=\)"):
            failing(lambda x, k=kwargs: np.add.reduce(x, **k), (3,))


def test_ufuncs_are_methods_of_traced_values():
    """NumPy calls them on the elements of arrays of objects."""
    trace = Trace()
    x = trace.input(0, ())
    assert x.exp().node == np.exp(x).node
    assert x.hypot(2.0).node == np.hypot(x, 2.0).node
    assert x.conjugate() is x.conj() is x
    assert x.deg2rad().node == (x * (math.pi / 180)).node
    assert x.exp.__doc__ == "Do the same as `numpy.exp`."
