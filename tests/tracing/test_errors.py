# SPDX-License-Identifier: BSD-3-Clause
"""Trace errors: each names the statement and the line of the user, and what to write instead."""

import fractions
import linecache
import math
import re
import statistics

import numpy as np
import pytest
import scipy.sparse
from scipy import integrate, interpolate
from traced_values import (
    BIG,
    FP,
    XP,
    as_objects,
    check_message,
    failing,
)

import thalweg as tw
from thalweg._tracing import errors
from thalweg._tracing.errors import TraceError


def with_if(x):
    if x > 0:
        return x
    return -x


def with_while(x):
    while x > 0:
        x = x - 1
    return x


def fill(x):
    out = np.zeros(3)
    for i in range(3):
        out[i] = x[i] ** 2
    return out.sum()


def fill_like(x):
    out = np.empty_like(x)
    out[:] = x
    return out


def add_to_array(x):
    total = np.zeros(3)
    total += x
    return total


# name, function, shapes, what the message says
REFUSED = [
    ("if", with_if, [()], "`if x > 0`", "np.where"),
    ("while", with_while, [()], "`while x > 0`", "for"),
    ("conditional", lambda x: x if x > 0 else -x, [()], "if x > 0 else", "np.where"),
    ("and", lambda x: x > 0 and x, [()], "truth value", "a & b"),
    ("not", lambda x: not x, [()], "`not x`", "~a"),
    ("chain", lambda x: x * (0 < x < 1), [()], "`0 < x < 1`", "(a < x) & (x < b)"),
    ("comprehension", lambda x: sum(v for v in x if v > 0), [(3,)], "`v > 0`", "np.where"),
    ("in", lambda x: 3.0 in x, [(3,)], "`3.0 in x`", "np.any"),
    ("builtin max", lambda x: max(x[0], 0), [(3,)], "`max(x[0], 0)`", "np.maximum"),
    ("builtin any", lambda x: any(x > 0), [(3,)], "`any(x > 0)`", "np.any"),
    ("sorted", lambda x: sorted(x), [(3,)], "`sorted(x)`", ""),
    ("math.exp", lambda x: math.exp(x), [()], "`math.exp(x)`", "np.exp"),
    ("math.atan2", lambda x: math.atan2(x, 1), [()], "`math.atan2(x, 1)`", "np.arctan2"),
    ("math.lgamma", lambda x: math.lgamma(x), [()], "math.lgamma", "scipy.special.gammaln"),
    ("float", lambda x: float(x), [()], "`float(x)`", "Leave out float(...)"),
    ("int", lambda x: int(x), [()], "`int(x)`", "np.trunc"),
    ("complex", lambda x: complex(x), [()], "`complex(x)`", "Write a + 1j * b"),
    ("item", lambda x: x.item(), [()], "x.item()", ""),
    ("format", lambda x: f"{x:.3f}", [()], "needs a number", ""),
    ("range", lambda x: list(range(x)), [()], "`range(x)`", "np.where"),
    ("list index", lambda x: [1, 2][x], [()], "[1, 2][x]", "np.where"),
    ("array index", lambda x: BIG[x], [()], "BIG[x]", "np.where"),
    ("fill", fill, [(3,)], "`out[i] = ...`", "np.stack"),
    ("fill all", fill_like, [(3,)], "`out[:] = ...`", "np.stack"),
    ("add to an array", add_to_array, [(3,)], "out", "a = a + x"),
    ("method", lambda x: x.argsort(), [(3,)], "no method `argsort`", ""),
    ("attribute", lambda x: x.wings, [(3,)], "no attribute `wings`", ""),
    ("object function", lambda x: np.sin(as_objects([1.0, x[0]])), [(3,)], "np.sin", "np.stack"),
    (
        "object compare",
        lambda x: np.maximum(as_objects([x[0], x[1]]), 0),
        [(3,)],
        "np.maximum",
        "np.stack",
    ),
    (
        "object method",
        lambda x: np.arctan2(as_objects([x[0], 1.0]), 2),
        [(3,)],
        "arctan2",
        "np.stack",
    ),
    ("object signs", lambda x: np.signbit(as_objects([x[0], x[1]])), [(3,)], "signbit", "np.stack"),
    ("trace", lambda x: x.trace(), [(3, 3)], "x.trace()", "np.trace(x)"),
    ("object mean", lambda x: np.mean(as_objects([x[0], x[1]])), [(3,)], "np.mean", "np.stack"),
    ("object max", lambda x: np.max(as_objects(x)), [(3,)], "np.max", "leave out np.asarray(x)"),
    (
        "object table",
        lambda x: np.interp(as_objects(x), XP, FP),
        [(3,)],
        "np.interp",
        "leave out np.asarray(x)",
    ),
    ("complex", lambda x: np.floor(x * 1j), [(3,)], "np.floor of complex values", "no traced form"),
    ("pandas method", lambda x: x.abs(), [(3,)], "no attribute `abs`", "np.abs(x)"),
]


@pytest.mark.parametrize(
    ("name", "function", "shapes", "what", "instead"), REFUSED, ids=[c[0] for c in REFUSED]
)
def test_what_cannot_be_traced_says_where_and_what_instead(name, function, shapes, what, instead):
    check_message(function, shapes, what, instead, __file__)


special = pytest.importorskip("scipy.special")


@pytest.mark.parametrize(
    "name",
    ["logaddexp", "modf", "copysign", "heaviside", "signbit", "divmod", "ndtr", "expit", "xlogy"],
)
def test_ufuncs_that_take_no_objects_say_so(name):
    """NumPy's and SciPy's error after np.asarray(x) is a TypeError that names no line."""
    ufunc = getattr(np, name, None) or getattr(special, name)
    others = [2.0] * (ufunc.nin - 1)
    with pytest.raises(TraceError, match=r"object array.*leave out np\.asarray\(x\)") as raised:
        failing(lambda x: ufunc(as_objects(x), *others), (3,))
    assert f'"{__file__}", line ' in str(raised.value)


def test_error_names_function_and_line():
    first = with_if.__code__.co_firstlineno
    with pytest.raises(TraceError, match=f'in with_if .*test_errors.py", line {first + 1}\\)'):
        failing(with_if, ())


def test_place_is_the_users_also_inside_numpy():
    def inner(v):
        return v if v > 0 else -v

    with pytest.raises(TraceError, match="in inner "):
        failing(lambda x: np.vectorize(inner)(x), (3,))


def test_refusal_without_source_is_generic():
    scope = {}
    exec(compile("def f(x):\n    return x if x > 0 else 0", "<nowhere>", "exec"), scope)
    with pytest.raises(TraceError, match=r"a truth value in f .*<nowhere>.*line 2.*np\.where"):
        failing(scope["f"], ())


def test_assert_is_named():
    # pytest rewrites the asserts of a test file, so this one is compiled by itself
    lines = ["def f(x):\n", "    assert x > 0\n", "    return x\n"]
    linecache.cache["asserting.py"] = (len(lines), None, lines, "asserting.py")
    scope = {}
    exec(compile("".join(lines), "asserting.py", "exec"), scope)
    with pytest.raises(TraceError, match=r"`assert x > 0` in f \("):
        failing(scope["f"], ())


# ---- other libraries ----

HERE = re.escape(f'"{__file__}", line ')

X = np.linspace(0.0, 1.0, 30)
LINE = 2 * X + 1


def line(x, a, b):
    return a * x + b


OTHERS = {
    "sparse product": (lambda p: np.sum(scipy.sparse.csr_array(np.eye(2)) @ p), "A.toarray()"),
    "interpolation": (lambda p: np.sum(interpolate.interp1d([0, 1], [0, 1])(p)), "interp1d"),
    "integral": (lambda p: integrate.quad(lambda t: t * p[0], 0, 1)[0], "integrate.quad"),
    "ufunc": (lambda p: np.sum(special.struve(0, p)), "struve"),
    "Python's own": (lambda p: statistics.mean(p), "statistics.mean(p)"),
    "C": (lambda p: math.fsum(p), "math.fsum(p)"),
}


@pytest.mark.parametrize("case", OTHERS)
def test_refusals_of_other_libraries_name_the_users_line(case):
    f, said = OTHERS[case]
    with pytest.raises(tw.TraceError) as raised:
        tw.minimize(f, np.full(2, 0.5))
    message = str(raised.value)
    assert message.startswith("cannot trace ")
    assert said in message
    assert f'"{__file__}", line ' in message
    assert "trace=False" in message


def test_refusals_of_sympy_name_the_users_line():
    sympy = pytest.importorskip("sympy", reason="SymPy is optional: formulas")
    for f in (lambda p: sympy.sin(p), lambda p: sympy.pi * p):
        with pytest.raises(tw.TraceError, match=HERE):
            tw.minimize(f, 1.0)


def test_compiled_functions_are_refused_and_may_be_called():
    numba = pytest.importorskip("numba", reason="numba is no part of thalweg: compiled functions")
    lazy = numba.njit(lambda p: (p[0] - 1) ** 2)
    eager = numba.njit("float64(float64[:])")(lambda p: (p[0] - 1) ** 2)
    inner = numba.njit(lambda v: v * v)
    for f in (lazy, eager, lambda p: inner(p[0])):
        with pytest.raises(tw.TraceError, match=r"a compiled function accepts only .* trace=False"):
            tw.minimize(f, np.zeros(1))
    with pytest.raises(tw.TraceError, match="`inner"):
        tw.minimize(lambda p: inner(p[0]), np.zeros(1))
    assert tw.minimize(lazy, np.zeros(1), trace=False).x[0] == pytest.approx(1, abs=1e-6)
    assert tw.minimize(lazy.py_func, np.zeros(1)).x[0] == pytest.approx(1)
    compiled = numba.njit(line)
    with pytest.raises(tw.TraceError, match="trace=False"):
        tw.curve_fit(compiled, X, LINE)
    np.testing.assert_allclose(tw.curve_fit(compiled, X, LINE, trace=False)[0], [2, 1])


# ---- the functions behind the messages ----


def test_refusals_collects_what_the_users_except_catches():
    def with_fallback(x):
        try:
            return math.exp(x)
        except TypeError:
            return np.exp(x)

    with errors.refusals() as outer:
        failing(with_fallback, ())
        with errors.refusals() as inner:
            failing(with_fallback, ())
        failing(with_fallback, ())
    assert [len(inner), len(outer)] == [1, 2]
    assert all("`math.exp(x)`" in str(e) for e in (*inner, *outer))
    failing(with_fallback, ())
    assert len(outer) == 2


def test_a_place_without_a_frame_is_empty():
    place = errors.Place(None)
    assert (str(place), place.text, place.index_holds(int)) == ("", "", False)
    said = str(errors.cannot_trace("np.f", "it has no traced form.", place=place))
    assert said == f"cannot trace np.f: it has no traced form. {errors.LAST_RESORT}"


def test_a_place_is_the_statement_that_raised():
    def f(values):
        return 1.0 + (
            values[
                99
            ]
        )  # fmt: skip

    with pytest.raises(IndexError) as raised:
        f([1.0])
    place = errors.place_of(raised.tb)
    assert place.text == "values[ 99 ]"
    assert str(place) == f' in f ("{__file__}", line {f.__code__.co_firstlineno + 2})'
    assert place.index_holds(int) is False  # the index is no variable


def test_a_place_knows_the_types_in_an_index():
    def f(values, k):
        return values[k]

    with pytest.raises(IndexError) as raised:
        f([1.0], 7)
    place = errors.place_of(raised.tb)
    assert place.index_holds(int)
    assert not place.index_holds(float)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("values", "It is already an array: leave out `.values`."),
        ("iloc", "It is an array: write x[i]."),
        ("pow", "Write x**y."),  # although np.pow exists
        ("exp2", "Write np.exp2(x) instead of x.exp2()."),
        ("pi", ""),  # np.pi cannot be called
        ("wings", ""),
    ],
)
def test_attributes_of_other_arrays_have_a_replacement(name, said):
    assert errors.instead_of_attribute(name) == said


@pytest.mark.parametrize(
    ("name", "better"),
    [
        ("acos", "np.arccos"),
        ("fsum", "np.sum"),
        ("lgamma", "scipy.special.gammaln"),
        ("tanh", "np.tanh"),  # has its name in NumPy too
        ("median", ""),  # np.median is no ufunc
        ("", ""),
    ],
)
def test_functions_of_python_have_a_name_in_numpy(name, better):
    assert errors._numpy_name(name) == better


def test_errors_in_the_users_own_code_are_not_those_of_a_library():
    def own():
        return np.zeros(2).wings

    with pytest.raises(AttributeError) as raised:
        own()
    assert errors.foreign(raised.value, "`own`", errors.place_of(raised.tb)) is None
    assert not errors.comes_of_masks(raised.value)


def test_a_library_that_takes_no_traced_value_is_named():
    """Its own error does not say what it was given."""
    with pytest.raises(TraceError) as raised:
        failing(lambda x: float(fractions.Fraction(x)), ())
    said = str(raised.value)
    assert said.startswith("cannot trace `fractions.Fraction(x)` in <lambda> ")
    assert "fractions does not accept a traced value (TypeError: argument should be" in said
    assert isinstance(raised.value.__cause__, TypeError)


def test_recursion_of_the_users_own_comes_through():
    def endless(x):
        return endless(x)

    with pytest.raises(RecursionError):
        failing(endless, ())


@pytest.mark.parametrize(
    ("function", "instead"),
    [
        (lambda x: np.fromiter(x, float), "Write np.stack([...]) without dtype to make"),
        (lambda x: math.fsum(x), "Write np.sum instead."),
        (lambda x: math.erf(x[0]), "Write scipy.special.erf instead."),
        (lambda x: math.isclose(x[0], 1.0), "Use NumPy's functions: np.exp instead of math.exp"),
        (lambda x: bool(x[0]), "Write a comparison, x != 0 instead."),
        (lambda x: x[0] == 1 or x[1] == 1, "Write a & b instead of `a and b`, a | b instead of"),
        (lambda x: [v for v in x if v > 0], "Write np.where(condition, a, 0) instead of leaving"),
        (lambda x: 1 not in x, "Write np.any(a == b) instead of `b in a`."),
    ],
)
def test_what_to_write_instead_of_a_number_or_a_truth_value(function, instead):
    with pytest.raises(TraceError) as raised:
        failing(function, (3,))
    assert instead in str(raised.value)


@pytest.mark.parametrize("order", [0, 1])
def test_images_of_scipy_are_refused(order):
    ndimage = pytest.importorskip("scipy.ndimage")
    with pytest.raises(TraceError, match=r"scipy does not accept.*use tw\.call"):
        tw.objective(lambda x: np.sum(ndimage.gaussian_filter(x, 1.0, order)), np.ones(9))
