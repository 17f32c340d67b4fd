# SPDX-License-Identifier: BSD-3-Clause
"""Operations and numbers as SymPy writes them, by their values."""

import numpy as np
import pytest
import sympy as sp
from sympy_values import OPERATIONS, assert_same_numbers

import thalweg as tw
from thalweg._formulas.sympy_forms import counted, forms, number, truth
from thalweg._tracing import ufuncs

POINTS = [(0.7, 0.3), (-1.9, 0.6), (2.5, -1.25), (0.5, 2.0), (-2.5, -0.5), (3.5, 3.5)]


POSITIVE = [(abs(a) + 0.1, abs(b) + 0.2) for a, b in POINTS]


INSIDE = [(0.7, 0.0), (0.25, 0.0), (0.125, 0.0), (0.9, 0.0)]  # of (0, 1), and so of (-1, 1)


ON = {
    **dict.fromkeys(["sqrt", "log", "log2", "log10", "gammaln", "digamma"], POSITIVE),
    **dict.fromkeys(["power", "xlogy", "xlog1py", "log1p"], POSITIVE),
    **dict.fromkeys(["logit", "arcsin", "arccos", "arctanh"], INSIDE),
    **dict.fromkeys(["gamma", "beta", "betaln"], POSITIVE),
    "erfinv": INSIDE,
    "arccosh": [(1.1, 0.0), (2.5, 0.0), (7.0, 0.0)],
}


def test_operations_have_a_form_or_are_refused_by_name():
    """An operation may be added to the core's list alone; what is in the table is in the list."""
    assert set(forms()) <= set(OPERATIONS)
    assert len(forms()) >= 70
    for name in set(OPERATIONS) - set(forms()):
        arguments = [1.0] * (OPERATIONS[name] - 1)
        F = tw.objective(lambda x, name=name, rest=arguments: ufuncs.operation(name)(*rest, x), 1.0)
        with pytest.raises(NotImplementedError, match=f"'{name}' has no SymPy form"):
            tw.formula(F)


OF_ORDERS = ("polygamma", "polygamma_rise", "jn", "yn", "iv", "kn")


@pytest.mark.parametrize("name", [n for n in forms() if n not in (*OF_ORDERS, "where")])
def test_formula_of_an_operation_gives_its_numbers(name):
    call = ufuncs.operation(name)
    if OPERATIONS[name] == 1:
        F = tw.objective(lambda x: 1.0 * call(x), 1.0)
        assert_same_numbers(F, ["x"], ON.get(name, POINTS))
    else:
        F = tw.objective(lambda x, y: 1.0 * call(x, y), [1.0, 1.0])
        # At a tie SymPy's Max and the core's agree too: the slope is the core's own formula.
        assert_same_numbers(F, ["x", "y"], ON.get(name, POINTS))


@pytest.mark.parametrize("order", range(1, 6))
def test_formula_of_polygamma_gives_its_numbers(order):
    call = ufuncs.operation("polygamma")
    assert_same_numbers(tw.objective(lambda x: call(float(order), x), 1.0), ["x"], POSITIVE)


@pytest.mark.parametrize("name", ["jn", "yn", "iv", "kn"])
@pytest.mark.parametrize("order", range(3))
def test_formula_of_a_bessel_function_gives_its_numbers(name, order):
    call = ufuncs.operation(name)
    assert_same_numbers(tw.objective(lambda x: call(float(order), x), 1.0), ["x"], POSITIVE)


def test_where_becomes_piecewise():
    F = tw.objective(lambda x: np.where(x > 0, x**2, np.abs(x)), 1.0)
    x = sp.Symbol("x")
    assert tw.formula(F) == sp.Piecewise((x**2, x > 0), (sp.Abs(x), True))
    assert_same_numbers(F, ["x"], [(2.0,), (-3.0,)])


def test_truth_values_count_as_one_and_nothing_and_join():
    F = tw.objective(lambda x, y: (x > 1) * x + ((x > 0) & ~(y > x)) * y + (x == y), [1.0, 1.0])
    assert_same_numbers(F, ["x", "y"], [(2.0, 1.0), (0.5, 2.0), (-1.0, 3.0), (2.0, 2.0)])


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        (2.0, sp.Integer(2)),
        (0.1, sp.Rational(1, 10)),
        (-1 / 3, sp.Rational(-1, 3)),
        (2 * np.pi, 2 * sp.pi),
        (3 * np.pi / 2, 3 * sp.pi / 2),
        (np.e, sp.E),
        (np.sqrt(2), sp.sqrt(2)),
        (0.1 + 0.2, sp.Rational(3, 10)),
        (-np.inf, -sp.oo),
    ],
)
def test_numbers_are_written_as_people_mean_them(value, meant):
    assert number(float(value)) == meant


@pytest.mark.parametrize("value", [0.1234567890123456, 1.1e-300, 6.02214076e23, 1.9e308 / 2])
def test_other_numbers_keep_every_digit(value):
    assert float(number(value)) == value


@pytest.mark.parametrize(
    ("name", "points", "values"),
    [
        ("rint", [0.5, 1.5, -0.5, -1.5, 2.25], [0, 2, 0, -2, 2]),
        ("trunc", [2.75, -2.75, 0.0], [2, -2, 0]),
        ("cbrt", [8.0, -27.0], [2, -3]),
        ("exprel", [0.0], [1]),
        ("sinc", [0.0, 1.0, 0.5], [1, 0, 2 / sp.pi]),
        ("logical_not", [0.0, 2.0], [True, False]),
        ("isfinite", [1.0], [True]),
    ],
)
def test_forms_of_one_number_are_exact(name, points, values):
    for point, value in zip(points, values, strict=True):
        assert sp.simplify(forms()[name](sp.Rational(point))) == value


@pytest.mark.parametrize(
    ("name", "points", "values"),
    [
        ("remainder", [(7, 3), (-7, 3), (7, -3)], [1, 2, -2]),
        ("fmod", [(7, 3), (-7, 3), (7, -3)], [1, -1, 1]),
        ("floor_divide", [(7, 3), (-7, 3)], [2, -3]),
        ("copysign", [(2, -1), (-2, 1), (2, 0)], [-2, 2, 2]),
        ("xlogy", [(0, 0), (0, 5), (2, 1)], [0, 0, 0]),
        ("logical_xor", [(1, 0), (2, 3)], [True, False]),
        ("heaviside", [(0, 5), (-1, 5), (2, 5)], [5, 0, 1]),
    ],
)
def test_forms_of_two_numbers_are_exact(name, points, values):
    for (a, b), value in zip(points, values, strict=True):
        assert sp.simplify(forms()[name](sp.Integer(a), sp.Integer(b))) == value


def test_conditions_and_numbers_are_made_of_each_other():
    x = sp.Symbol("x", real=True)
    assert truth(x > 0) == (x > 0)
    assert truth(sp.true) == sp.true
    assert truth(x) == sp.Ne(x, 0)
    assert counted(x > 0) == sp.Piecewise((1, x > 0), (0, True))
    assert counted(x) is x
    assert counted(truth(x)).subs(x, 3) == 1
    assert counted(sp.false) == 0


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        (0.0, sp.Integer(0)),
        (-0.0, sp.Integer(0)),
        (999 / 1000, sp.Rational(999, 1000)),
        (1 / 1024, sp.Float(1 / 1024, 17)),  # its denominator is more than 1000
        (1e14, sp.Integer(10) ** 14),
        (np.pi / 12, sp.pi / 12),
        (-7 * np.pi / 4, -7 * sp.pi / 4),
        (float(1 / sp.log(10)), 1 / sp.log(10)),
        (float(-sp.sqrt(2 * sp.pi)), -sp.sqrt(2 * sp.pi)),
        (np.euler_gamma, sp.EulerGamma),
        (np.inf, sp.oo),
        (np.nan, sp.nan),
    ],
)
def test_numbers_at_the_borders_of_what_is_meant(value, meant):
    got = number(float(value))
    assert got == meant or (got is sp.nan and meant is sp.nan)
    assert type(got) is type(meant)


def test_numbers_near_a_fraction_are_themselves():
    for value in (1 / 3 + 1e-12, np.pi + 1e-12, np.nextafter(1.0, 2.0) + 1e-15):
        assert isinstance(number(float(value)), sp.Float)
        assert float(number(float(value))) == value
