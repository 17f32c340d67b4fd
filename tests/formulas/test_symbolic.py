# SPDX-License-Identifier: BSD-3-Clause
"""Formulas of objectives: arrays and names; and objectives of SymPy expressions, there and back.

What is compared are numbers: SymPy's of the exact formula, to 30 digits, and the core's.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.special
import sympy as sp
from sympy_values import CLOSE, assert_same_numbers

import thalweg as tw

FACTS = json.loads((Path(__file__).parents[1] / "data" / "course_facts.json").read_text("utf-8"))

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
