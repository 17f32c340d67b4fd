# SPDX-License-Identifier: BSD-3-Clause
"""Formulas: every operation as SymPy writes it, arrays, names; and SymPy expressions as objectives.

What is compared are numbers: SymPy's of the exact formula, to 30 digits, and the core's.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.special
import sympy as sp

import thalweg as tw
from thalweg import _core
from thalweg._formulas.sympy_forms import forms, number
from thalweg._formulas.sympy_steps import functions
from thalweg._tracing import ufuncs

FACTS = json.loads((Path(__file__).parents[1] / "data" / "course_facts.json").read_text("utf-8"))
OPERATIONS = {o["name"]: o["arity"] for o in _core.operations()}

# The core's operations are within 4 ulp of the exact value, and a few of them follow each other;
# erfc and gammaln lose some digits of what they cancel near their zeros, which these points avoid.
CLOSE = 1e-12

POINTS = [(0.7, 0.3), (-1.9, 0.6), (2.5, -1.25), (0.5, 2.0), (-2.5, -0.5), (3.5, 3.5)]
POSITIVE = [(abs(a) + 0.1, abs(b) + 0.2) for a, b in POINTS]
INSIDE = [(0.7, 0.0), (0.25, 0.0), (0.125, 0.0), (0.9, 0.0)]  # of (0, 1), and so of (-1, 1)
ON = {
    **dict.fromkeys(["sqrt", "log", "log2", "log10", "gammaln", "digamma"], POSITIVE),
    **dict.fromkeys(["power", "xlogy", "xlog1py", "log1p"], POSITIVE),
    **dict.fromkeys(["logit", "arcsin", "arccos", "arctanh"], INSIDE),
    "arccosh": [(1.1, 0.0), (2.5, 0.0), (7.0, 0.0)],
}


def exactly(formula, names, point):
    """The formula's value at numbers taken as they are, to 30 digits."""
    exact = {sp.Symbol(n): sp.Rational(float(v)) for n, v in zip(names, point, strict=True)}
    return float(sp.sympify(formula).subs(exact).evalf(30))


def assert_same_numbers(F, names, points):
    """The formulas of value and gradient give what the core gives."""
    value, slopes = tw.formula(F, simplify=False), tw.formula(F.grad, simplify=False)
    for point in points:
        at = np.asarray(point[: len(names)])
        x = at if F.structure.form != "whole" or F.structure.shapes[0] else at[0]
        assert exactly(value, names, at) == pytest.approx(F(x), rel=CLOSE, abs=CLOSE)
        wanted = np.ravel(F.grad(x))
        found = [
            exactly(s, names, at) for s in (slopes if isinstance(slopes, sp.Matrix) else [slopes])
        ]
        np.testing.assert_allclose(found, wanted, rtol=CLOSE, atol=CLOSE)


def test_operations_have_a_form_or_are_refused_by_name():
    """An operation may be added to the core's list alone; what is in the table is in the list."""
    assert set(forms()) <= set(OPERATIONS)
    assert len(forms()) >= 70
    for name in set(OPERATIONS) - set(forms()):
        F = tw.objective(lambda x, name=name: ufuncs.operation(name)(x), 1.0)
        with pytest.raises(NotImplementedError, match=f"'{name}' has no SymPy form"):
            tw.formula(F)


@pytest.mark.parametrize("name", [n for n in forms() if n not in ("polygamma", "where")])
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


def test_where_becomes_piecewise():
    F = tw.objective(lambda x: np.where(x > 0, x**2, np.abs(x)), 1.0)
    x = sp.Symbol("x")
    assert tw.formula(F) == sp.Piecewise((x**2, x > 0), (sp.Abs(x), True))
    assert_same_numbers(F, ["x"], [(2.0,), (-3.0,)])


def test_truth_values_count_as_one_and_nothing_and_join():
    F = tw.objective(lambda x, y: (x > 1) * x + ((x > 0) & ~(y > x)) * y + (x == y), [1.0, 1.0])
    assert_same_numbers(F, ["x", "y"], [(2.0, 1.0), (0.5, 2.0), (-1.0, 3.0), (2.0, 2.0)])


A = np.array([[1.0, -2.0, 0.5], [0.25, 3.0, -1.0]])
ARRAYS = {
    "sum of squares": lambda x: np.sum((A @ x - np.array([1.0, 2.0])) ** 2),
    "product": lambda x: np.prod(x + 1) + np.prod(np.stack([x, x * x]), axis=0)[1],
    "largest": lambda x: np.max(x) - 2 * np.min(np.stack([x, x[::-1]]), axis=0)[0],
    "running": lambda x: np.sum(np.cumsum(x) * np.cumprod(x)),
    "slices": lambda x: np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2),
    "gathered": lambda x: np.sum(x[np.array([2, 0, 0, 1])] * np.arange(4.0)),
    "joined": lambda x: np.sum(np.concatenate([x, x[:2]]).reshape(5, 1) @ np.ones((1, 2))),
    "table": lambda x: np.sum(np.interp(x, [-2.0, 0.0, 1.0, 4.0], [0.0, 1.0, -1.0, 2.0])),
    "norm": lambda x: np.linalg.norm(x) + np.std(x) + np.dot(x, x),
    "softmax": lambda x: np.log(np.sum(np.exp(x - np.max(x)))),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_formula_of_arrays_gives_their_numbers(name):
    F = tw.objective(ARRAYS[name], np.zeros(3))
    assert_same_numbers(F, ["x0", "x1", "x2"], [(0.3, 1.7, -0.6), (-1.5, 0.2, 2.2)])


def test_course_formulas_come_out_in_the_users_own_letters():
    x, y = sp.symbols("x y")
    F = tw.objective(lambda x, y: 3 * x**2 * y**3, [1.0, 1.0])
    assert tw.formula(F) == 3 * x**2 * y**3
    assert tw.formula(F.grad) == sp.Matrix([6 * x * y**3, 9 * x**2 * y**2])
    assert tw.formula(F.hessian) == sp.hessian(3 * x**2 * y**3, [x, y])
    sauna = tw.objective(lambda x, y: 85 - x**2 * (x - 6) * y**2 * (y - 6) / 90, [1.0, 1.0])
    along_x, _ = tw.formula(sauna.grad)
    assert along_x == -x * y**2 * (x - 4) * (y - 6) / 30


def test_power_lines_expand_to_the_polynomial_of_the_course():
    wanted = sp.sympify(FACTS["functions"]["power_lines"]["expanded"])
    F = tw.objective(
        lambda m, b: (m + b - 2) ** 2 + (2 * m + b - 5) ** 2 + (3 * m + b - 3) ** 2, [0.0, 0.0]
    )
    assert sp.expand(tw.formula(F)) == wanted
    gradient = [sp.sympify(g) for g in FACTS["functions"]["power_lines"]["gradient"]]
    assert [sp.expand(g) for g in tw.formula(F.grad)] == gradient


def test_variables_have_the_functions_names_and_places_in_arrays():
    F = tw.objective(
        lambda W1, b, s: s * np.sum(W1) + np.sum(b), (np.ones((1, 2)), np.ones(2), 1.0)
    )
    names = {symbol.name for symbol in tw.formula(F).free_symbols}
    assert names == {"W1_0_0", "W1_0_1", "b0", "b1", "s"}
    G = tw.objective(lambda W1: np.sum(W1), {"W1": np.ones(2)})
    assert {s.name for s in tw.formula(G).free_symbols} == {"W1_0", "W1_1"}
    H = tw.objective(lambda x, x0: np.sum(x) * x0, {"x": np.ones(2), "x0": 1.0})
    assert {s.name for s in tw.formula(H).free_symbols} == {"x_0", "x_1", "x0"}


def test_gradient_comes_in_the_form_of_the_start():
    F = tw.objective(lambda a, w: a * np.sum(w**2), {"a": 1.0, "w": np.ones(2)})
    slopes = tw.formula(F.grad)
    a, w0, w1 = sp.symbols("a w0 w1")
    assert slopes == {"a": w0**2 + w1**2, "w": sp.Matrix([2 * a * w0, 2 * a * w1])}
    G = tw.objective(lambda x, y: x * y, (1.0, 1.0))
    assert tw.formula(G.grad) == sp.symbols("y x")
    assert tw.formula(tw.objective(lambda x: x**2, 1.0).grad) == 2 * sp.Symbol("x")


def test_arguments_stand_as_the_numbers_they_are():
    F = tw.objective(lambda x, a: a * x**2, 1.0, args=(3.0,))
    x = sp.Symbol("x")
    assert tw.formula(F) == 3 * x**2
    assert tw.formula(F.with_args([5.0])) == 5 * x**2


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


def test_what_has_no_formula_is_named():
    F = tw.objective(lambda x: x**2, 1.0)
    with pytest.raises(TypeError, match=r"an objective F, F\.grad or F\.hessian, got"):
        tw.formula(F.hvp)
    with pytest.raises(TypeError, match="formula takes an objective"):
        tw.formula(lambda x: x)
    R = tw.objective(lambda x: [x[0], x[1] ** 2], [1.0, 2.0])
    x1 = sp.Symbol("x1")
    assert tw.formula(R)[1] == x1**2
    with pytest.raises(TypeError, match="a gradient needs a function with one value"):
        tw.formula(R.grad)


def test_formula_that_nobody_could_read_is_refused_at_once():
    def doubled(x):
        for _ in range(60):  # 2**60 terms, if it were written out
            x = x * x + x
        return x

    with pytest.raises(ValueError, match=r"at most 20,000 operations, this one has up to \S+e\+"):
        tw.formula(tw.objective(doubled, 1.0))
    y = np.arange(100_000.0)
    with pytest.raises(ValueError, match="fewer rows"):
        tw.formula(tw.objective(lambda a: np.mean((a - y) ** 2), 1.0))


# ---- from SymPy

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


def test_there_and_back_is_the_same_function():
    def f(x, y):
        return np.where(x > y, np.exp(-x * y), np.hypot(x, y)) / 3 + np.arctan2(x, y)

    F = tw.objective(f, [1.0, 1.0])
    back = tw.from_sympy(tw.formula(F), [x, y])
    for point in ([1.5, 0.25], [0.5, 2.0]):
        assert back(point) == pytest.approx(F(point), rel=CLOSE)
        np.testing.assert_allclose(back.grad(point), F.grad(point), rtol=CLOSE)


def test_objective_of_one_symbol_takes_a_number_and_descends_to_omega():
    F = tw.from_sympy(sp.exp(x) - sp.log(x), x)
    result = tw.minimize(F, 1.6)
    assert result.x == pytest.approx(FACTS["functions"]["omega"]["minimum"]["x"], abs=1e-9)
    assert F.names == ["x"]
    assert result.x == pytest.approx(float(scipy.special.lambertw(1).real), abs=1e-9)


@pytest.mark.parametrize(
    ("expression", "variables", "error", "words"),
    [
        ("x**2", [x], TypeError, "expr must be one SymPy expression, got str"),
        (sp.Matrix([x, y]), [x, y], TypeError, "expr must be one SymPy expression, got"),
        (x * y, [x], ValueError, "missing: y"),
        (x, [x, x], ValueError, "different symbols"),
        (x, [], ValueError, "one or more"),
        (x, None, TypeError, "a symbol or a sequence of symbols, got None"),
        (x * y, {x, y}, TypeError, "a symbol or a sequence of symbols, got {"),
        (x, ["x"], TypeError, "variables must be SymPy symbols, got 'x'"),
        (sp.Symbol("a b"), [sp.Symbol("a b")], ValueError, "must be identifiers, got 'a b'"),
        (sp.I * x, [x], TypeError, "the expression must be real, got I"),
        (sp.zeta(x), [x], TypeError, "no operation for zeta in zeta"),
        (sp.Function("g")(x), [x], TypeError, "no operation for g in g"),
    ],
    ids=str,
)
def test_what_makes_no_objective_is_named(expression, variables, error, words):
    with pytest.raises(error, match=words):
        tw.from_sympy(expression, variables)


def test_sympy_is_asked_for_by_name(monkeypatch):
    monkeypatch.setitem(sys.modules, "sympy", None)
    F = tw.objective(lambda x: x**2, 1.0)
    for call in (lambda: tw.formula(F), lambda: tw.from_sympy(1, [])):
        with pytest.raises(
            ImportError, match=r'formulas need SymPy: pip install "thalweg\[sympy\]"'
        ):
            call()
