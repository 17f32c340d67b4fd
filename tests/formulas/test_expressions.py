# SPDX-License-Identifier: BSD-3-Clause
"""The command line's expressions: what they mean, and what is refused."""

import copy
import inspect
import math
import pickle

import numpy as np
import pytest

import thalweg as tw
from thalweg import _core
from thalweg._formulas.expressions import ALIASES, ExpressionError, arities, operation, parse

OPERATIONS = {o["name"]: o["arity"] for o in _core.operations()}


def test_variables_come_in_order_of_first_appearance():
    f = parse("y * x + exp(z) - y")
    assert f.variables == ("y", "x", "z")
    assert list(inspect.signature(f).parameters) == ["y", "x", "z"]


@pytest.mark.parametrize(
    ("text", "at", "value"),
    [
        ("exp(x) - log(x)", (1.6,), math.exp(1.6) - math.log(1.6)),
        ("85 - x**2 * (x - 6) * y**2 * (y - 6) / 90", (4, 4), 85 - 1024 / 90),
        ("-x**2", (3,), -9),
        ("2**3**x", (2,), 512),
        ("+x - -x", (3,), 6),
        ("7 // x + 7 % x", (4,), 4),
        ("x * pi + e", (2,), 2 * math.pi + math.e),
        ("where(x < 0, -x, 2 * x)", (3,), 6),
        ("clip(x, 0, 1)", (3,), 1),
        ("max(x, 2, y) + min(x, 2, y)", (1, 3), 4),
        ("abs(x) + pow(x, 2)", (-3,), 12),
        ("(x >= 2) * 5", (2,), 5),
        ("1e-3 + .5 * x + 1_000", (2,), 1001.001),
        ("α**2\n  + β", (3, 1), 10),
    ],
)
def test_values(text, at, value):
    assert parse(text)(*at) == pytest.approx(value, rel=1e-15)


def test_constants_need_no_variable():
    assert parse("pi / 2").variables == ()
    assert parse("pi / 2")() == math.pi / 2


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_can_be_called_and_traced(name):
    inside = ["x", "x + 1", "x + 2"][: OPERATIONS[name]]
    text = f"{name}({', '.join(inside)})" if name != "polygamma" else "polygamma(1, x)"
    f = parse(text)
    assert f.variables == ("x",)
    point = 1.25 if name in ("arccosh",) else 0.25
    value = float(f(point))  # NumPy's, or the core's where NumPy has none
    assert tw.objective(f, point)(point) == pytest.approx(value, rel=1e-14, nan_ok=True)


@pytest.mark.parametrize("alias", ALIASES)
def test_aliases_mean_what_they_stand_for(alias):
    assert ALIASES[alias] in OPERATIONS
    arguments = ", ".join(["x / 2"] * OPERATIONS[ALIASES[alias]])
    assert parse(f"{alias}({arguments})").steps == parse(f"{ALIASES[alias]}({arguments})").steps


def test_special_functions_need_no_scipy():
    assert float(parse("erf(0.5) * x")(2.0)) == pytest.approx(2 * math.erf(0.5), rel=1e-14)
    assert tw.objective(parse("erf(0.5) * x"), 2.0)(2.0) == pytest.approx(2 * math.erf(0.5))
    np.testing.assert_allclose(
        operation("gammaln")(np.array([2.5, 3.5])), [math.lgamma(2.5), math.lgamma(3.5)]
    )


def test_the_function_is_traced_with_its_own_names():
    F = tw.objective(parse("u**2 + 3*v"), [1.0, 2.0])
    assert list(F.names) == ["u", "v"]
    assert F([2.0, 1.0]) == 7
    np.testing.assert_array_equal(F.grad([2.0, 1.0]), [4, 3])


def test_huge_powers_are_numbers_not_work():
    assert parse("9**9**9 * x")(1.0) == math.inf


def test_wrong_number_of_values_is_told():
    with pytest.raises(TypeError, match=r"expected 2 values \(x, y\), got 1"):
        parse("x + y")(1.0)


def test_expressions_are_copied_and_pickled():
    f = parse("x**2 + y")
    for again in (copy.copy(f), pickle.loads(pickle.dumps(f))):
        assert again(2, 3) == 7
        assert again.variables == ("x", "y")


@pytest.mark.parametrize(
    ("text", "said", "column"),
    [
        ("", "empty", 0),
        ("   ", "empty", 0),
        ("foo(x)", "unknown function 'foo'", 1),
        ("x + sni(x)", "did you mean sin", 5),
        ("ln(x)", "write log(x)", 1),
        ("sigmoid(x)", "expit", 1),
        ("x^2", "write ** for a power", 1),
        ("2 + np.exp(x)", "write exp(x), not np.exp(x)", 5),
        ("x.real", "no dots", 1),
        ("x if x else y", "where", 1),
        ("x and y", "logical_and", 1),
        ("not x", "logical_not", 1),
        ("0 < x < 1", "logical_and", 1),
        ("2x", "cannot read", 1),
        ("x +* 2", "cannot read", 4),
        ("x y", "cannot read", 3),
        ("(x", "cannot read", 1),
        ("x = 2", "cannot read", 3),
        ("(x := 2)", "==", 2),
        ("x[0]", "no elements", 1),
        ("[x]", "not a list", 1),
        ("x, y", "not several", 1),
        ("lambda x: x", "cannot use", 1),
        ("[y for y in x]", "cannot use", 1),
        ("{x}", "cannot use", 1),
        ("f'{x}'", "cannot use", 1),
        ("'a'", "real number", 1),
        ("1j * x", "real number", 1),
        ("True", "real number", 1),
        ("None", "real number", 1),
        ("...", "real number", 1),
        ("9" * 400, "too large", 1),
        ("9" * 5000, "cannot read", 0),
        ("sin", "sin is a function", 1),
        ("sin()", "takes 1 argument, got 0", 1),
        ("hypot(x)", "takes 2 arguments, got 1", 1),
        ("sin(x, out=y)", "positional arguments only", 1),
        ("sin(*x)", "cannot use", 5),
        ("sin(x)(y)", "cannot use", 1),
        ("(lambda: 1)()", "cannot use", 2),
        ("__import__('os')", "unknown function", 1),
        ("__builtins__", "cannot use", 1),
        ("x # a comment", "'#'", 3),
        ("x\0", "null bytes", 0),
        ("é + foo(x)", "foo", 5),
        ("  é + foo(x)", "foo", 7),
        ("~x", "cannot use", 1),
        ("x @ y", "cannot use", 1),
        ("x is y", "cannot use", 1),
        ("await x", "cannot", 1),
    ],
)
def test_everything_else_is_refused_with_its_place(text, said, column):
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    plain = said.replace("\\", "")
    assert plain in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400
    if column:
        assert caught.value.column == column
        assert f"column {column}" in str(caught.value)


@pytest.mark.parametrize(
    "text", ["x+" * 3000 + "x", "(" * 150 + "x" + ")" * 150 + "+", "-" * 5000 + "x",
             "sin(" * 3000, "x**" * 3000 + "x", "x" * 20_000],
)  # fmt: skip
def test_long_and_deep_texts_are_refused(text):
    with pytest.raises(ExpressionError):
        parse(text)


def test_sums_of_hundreds_of_terms_are_read():
    f = parse("+".join(["x"] * 900))
    assert f(1.0) == 900


def test_names_are_those_of_the_operations_list():
    assert set(arities()) == set(OPERATIONS) | {"clip"}


def test_bytes_that_are_no_text_are_refused():
    """A terminal passes them as lone surrogates, which UTF-8 cannot hold."""
    with pytest.raises(ExpressionError, match="cannot read"):
        parse("x**2 + \udcff")
