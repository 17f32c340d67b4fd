# SPDX-License-Identifier: BSD-3-Clause
"""SymPy's expressions as steps: operands before operations, and the numbers they give."""

import numpy as np
import pytest
import sympy as sp
from sympy_values import CLOSE, OPERATIONS

import thalweg as tw
from thalweg._formulas.sympy_steps import Writer, functions

x, y = sp.symbols("x y")


EXPRESSIONS = [
    3 * x**2 * y**3,
    sp.exp(x) - sp.log(y),
    x / y - 2 * x / (3 * y**2) - sp.sqrt(x * y) + 1 / sp.sqrt(y),
    x ** sp.Rational(2, 3) + 2**y + sp.pi * x - sp.E + sp.sqrt(2),
    sp.Piecewise((x**2, x > y), (sp.sin(y), x > 0), (5, True)),
    sp.Piecewise((x, sp.And(x > 0, y > 0, x + y < 5)), (0, sp.Or(x < -1, sp.Ne(y, 2))), (1, True)),
    sp.Max(x, y, 1) - sp.Min(x, 2 * y) + sp.Abs(x - y) + sp.sign(x),
    sp.floor(x) + sp.ceiling(y) + sp.Mod(x, y) + sp.Heaviside(x - y, sp.Rational(1, 3)),
    sp.cot(x) + sp.sec(y) + sp.csc(x) + sp.coth(x) + sp.sech(y) + sp.csch(x),
    sp.sinc(x - y) + sp.factorial(x) + sp.gamma(y) + sp.loggamma(x) + sp.digamma(y),
    sp.polygamma(2, x) + sp.erf(y) + sp.erfc(x) + sp.atan2(y, x),
    sp.asin(x / 10)
    + sp.acos(y / 10)
    + sp.atan(x)
    + sp.asinh(y)
    + sp.acosh(x + 2)
    + sp.atanh(y / 9),
    sp.sinh(x) + sp.cosh(y) + sp.tanh(x) + sp.tan(y),
    sp.Piecewise((x, sp.Xor(x > 1, y > 1)), (y, sp.ITE(x > y, x > 2, y > 2)), (1, True)),
    sp.Integral(2 * x, (x, 0, y)) + sp.Derivative(x**3, x),
    sp.Integer(7) + 0 * x,
]


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=lambda e: str(e)[:40])
def test_objective_of_an_expression_gives_its_numbers_and_slopes(expression):
    F = tw.from_sympy(expression, [x, y])
    done = expression.doit()
    for a, b in [(1.75, 0.625), (0.5, 2.25), (3.125, 1.5)]:
        at = {x: sp.Rational(a), y: sp.Rational(b)}
        assert F(a, b) == pytest.approx(float(done.subs(at).evalf(30)), rel=CLOSE, abs=CLOSE)
    check = tw.check_grad(F, [1.75, 0.625])
    assert check.error < 1e-7  # differences


@pytest.mark.parametrize("name", [n for n, (_, count) in functions().items() if count == 1])
def test_functions_of_the_table_exist_in_sympy_and_here(name):
    assert hasattr(sp, name) or name == "Not"
    assert functions()[name][0] in OPERATIONS


def written(expression):
    writer = Writer([x, y])
    writer.write(expression)
    return writer.steps


UNEVALUATED = {"evaluate": False}
STEPS = [
    (x, [0]),
    (sp.Integer(3), [3.0]),
    (sp.pi / 2, [np.pi / 2]),
    (sp.true, [1.0]),
    (sp.false, [0.0]),
    (sp.Symbol("x") + 2, [0, 2.0]),
    (x - y, [0, 1, ("subtract", 2)]),
    (x / y, [0, 1, ("divide", 2)]),
    (1 / x, [0, ("reciprocal", 1)]),
    (sp.sqrt(x), [0, ("sqrt", 1)]),
    (1 / sp.sqrt(x), [0, ("sqrt", 1), ("reciprocal", 1)]),
    (x**3, [0, 3.0, ("power", 2)]),
    (x**y, [0, 1, ("power", 2)]),
    (sp.exp(x), [0, ("exp", 1)]),
    (sp.asinh(x), [0, ("arcsinh", 1)]),
    (sp.gamma(x), [0, ("gammaln", 1), ("exp", 1)]),
    (sp.digamma(x), [0, ("digamma", 1)]),
    (sp.polygamma(2, x), [2.0, 0, ("polygamma", 2)]),
    (sp.Max(x, y), {("maximum", 2): 1, 0: 1, 1: 1}),
    (sp.Eq(x, y), [0, 1, ("equal", 2)]),
    (sp.Not(sp.Eq(x, y)), [0, 1, ("not_equal", 2)]),
]


@pytest.mark.parametrize(("expression", "steps"), STEPS, ids=lambda v: str(v)[:30])
def test_steps_of_an_expression(expression, steps):
    got = written(expression)
    if isinstance(steps, dict):  # SymPy's order of the arguments is its own
        assert {step: got.count(step) for step in got} == steps
        assert got[-1] == ("maximum", 2)
    elif expression == x + 2:
        assert got in ([0, 2.0, ("add", 2)], [2.0, 0, ("add", 2)])
    else:
        assert got == steps


def test_terms_with_a_minus_are_subtracted_and_factors_below_divide():
    assert written(x - 2 * y).count(("subtract", 2)) == 1
    assert ("add", 2) not in written(x - 2 * y)
    quotient = written(2 * x / (3 * y))
    assert quotient.count(("divide", 2)) == 1
    assert quotient[-1] == ("divide", 2)
    assert ("reciprocal", 1) not in quotient


def test_pieces_end_in_nan_where_no_condition_holds():
    got = written(sp.Piecewise((x, x > 0)))
    assert got[:4] == [0, 0.0, ("greater", 2), 0]
    assert np.isnan(got[4])
    assert got[5:] == [("where", 3)]
    F = tw.from_sympy(sp.Piecewise((x, x > 0), (y, y > 0)), [x, y])
    assert (F(1.0, 2.0), F(-1.0, 2.0)) == (1.0, 2.0)
    assert np.isnan(F(-1.0, -2.0))


def test_folds_of_many_arguments_have_one_operation_less():
    got = written(sp.Min(x, y, 3, x * y))
    assert got.count(("minimum", 2)) == 3
    assert written(sp.And(x > 0, y > 0, x > y)).count(("logical_and", 2)) == 2


def test_functions_that_sympy_rewrites_are_written_by_what_is_known():
    for e in (sp.cot(x), sp.sec(x), sp.sech(x), sp.factorial(x)):
        operations = {step[0] for step in written(e) if isinstance(step, tuple)}
        assert operations <= set(OPERATIONS)


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        (sp.I, "the expression must be real, got I"),
        (sp.sqrt(-2) * 1.0, "the expression must be real"),
        (sp.zeta(x), "no operation for zeta in zeta"),
        (sp.Function("g")(x, y), "no operation for g in g"),
    ],
    ids=str,
)
def test_what_has_no_steps_is_named(expression, said):
    with pytest.raises(TypeError, match=said):
        written(expression)
