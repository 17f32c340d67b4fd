# SPDX-License-Identifier: BSD-3-Clause
"""Functions of every kind, and how a start reaches them: partials, methods, callables, dicts."""

# ruff: noqa: ARG005 - signatures are what is tested

import functools
from functools import partial, wraps

import numpy as np
import pytest
from objective_cases import seen

import thalweg as tw
from thalweg._objectives.signatures import Parameters

X = np.linspace(0.0, 1.0, 30)
LINE = 2 * X + 1


def line(x, a, b):
    return a * x + b


class Line:
    """The same line as a method of each kind."""

    def method(self, x, a, b):
        return a * x + b

    @classmethod
    def of_class(cls, x, a, b):
        return a * x + b

    @staticmethod
    def static(x, a, b):
        return a * x + b

    def __call__(self, x, a, b):
        return a * x + b


@wraps(line)
def decorated(*args, **kwargs):
    return line(*args, **kwargs)


def by_name(x, *, a, b):
    return a * x + b


def mixed(x, a, c=0.0, *, b, d=0.0):
    return a * x + b + c + d


LINES = {
    "function": line, "method": Line().method, "class method": Line.of_class,
    "static method": Line.static, "callable": Line(), "decorated": decorated,
    "keywords alone": by_name, "defaults": mixed, "partial of a method": partial(Line().method),
    "default bound": partial(mixed, d=0.0), "first bound": partial(Line.method, None),
}  # fmt: skip


@pytest.mark.parametrize("trace", [True, False])
@pytest.mark.parametrize("name", LINES)
def test_models_of_every_kind_are_fitted(name, trace):
    np.testing.assert_allclose(tw.curve_fit(LINES[name], X, LINE, trace=trace)[0], [2, 1])


@pytest.mark.parametrize("name", LINES)
def test_many_fits_take_models_of_every_kind(name):
    fits = tw.curve_fit_many(LINES[name], X, np.stack([LINE, 3 * LINE]))
    assert fits.names == ["a", "b"]
    np.testing.assert_allclose(fits.popt, [[2, 1], [6, 3]])
    np.testing.assert_allclose(tw.model(LINES[name], X).fit(LINE)[0], [2, 1])


@pytest.mark.parametrize(("bound", "left"), [({"a": 2}, [1]), ({"b": 1}, [2])])
def test_a_bound_keyword_is_no_parameter(bound, left):
    model = partial(line, **bound)
    np.testing.assert_allclose(tw.curve_fit(model, X, LINE)[0], left)
    np.testing.assert_allclose(tw.curve_fit(model, X, LINE, trace=False)[0], left)
    np.testing.assert_allclose(tw.curve_fit_many(model, X, LINE).popt, left)


def test_jacobian_of_a_called_model_takes_what_the_model_takes():
    def jac(x, *, a, b):
        return np.stack([x + 0 * a, np.ones_like(x) + 0 * b], axis=1)

    popt, _ = tw.curve_fit(by_name, X, LINE, jac=jac, trace=False)
    np.testing.assert_allclose(popt, [2, 1])


@pytest.mark.parametrize("trace", [True, False])
def test_the_last_of_the_values_go_to_keywords(trace):
    def f(u, *, v):
        return np.sum((u - 1) ** 2) + (v - 2) ** 2

    how = {"trace": trace}
    np.testing.assert_allclose(tw.minimize(f, [0.0, 0.0], **how).x, [1, 2], atol=1e-6)
    res = tw.minimize(f, ([0.0, 3.0], 0.0), **how)
    np.testing.assert_allclose(res.x[0], [1, 1], atol=1e-6)
    assert res.x[1] == pytest.approx(2, abs=1e-6)
    np.testing.assert_allclose(tw.minimize(f, [0.0, 3.0], args=(4.0,), **how).x, [1, 1], atol=1e-6)


def test_parameters_are_those_that_python_tells():
    known = Parameters.of(mixed)
    assert (known.positional, known.required) == (("x", "a", "c"), 2)
    assert (known.named, known.optional) == (("b",), ("d",))
    assert Parameters.of(partial(mixed)) == known
    assert Parameters.of(decorated).positional == ("x", "a", "b")
    assert Parameters.of(dict.update) == Parameters(takes_any=True, known=False)
    assert not Parameters.of(type).known


# ---- dicts taken whole ---------------------------------------------------------------------------

START = {"a": 0.0, "b": np.zeros(3)}


def cost(p):
    return (p["a"] - 1) ** 2 + np.sum((p["b"] - 2) ** 2)


WHOLE = {
    "alone": (cost, (), {}),
    "a default beside it": (lambda p, k=1.0: cost(p) * k, (), {}),
    "options beside it": (lambda p, **_: cost(p), (), {}),
    "args behind it": (lambda p, k, m: cost(p) * k + m, (1.0, 0.0), {}),
    "any number": (lambda *p: cost(p[0]), (), {}),
    "method": (type("M", (), {"cost": lambda _, p: cost(p)})().cost, (), {}),
    "said so": (lambda a: cost(a), (), {"unpack": False}),
}


@pytest.mark.parametrize("trace", [True, False])
@pytest.mark.parametrize("case", WHOLE)
def test_a_dict_is_taken_whole(case, trace):
    f, args, how = WHOLE[case]
    res = tw.minimize(f, START, args=args, trace=trace, **how)
    assert list(res.x) == ["a", "b"]
    assert res.x["a"] == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(res.x["b"], 2, atol=1e-6)


NAMED = {
    "one": (lambda a: (a - 1) ** 2, {"a": 0.0}, {}),
    "several": (lambda a, b: (a - 1) ** 2 + b**2, {"a": 0.0, "b": 1.0}, {}),
    "any name": (lambda **p: (p["a"] - 1) ** 2, {"a": 0.0}, {}),
    "keyword beside args": (lambda k, *, a: (a - k) ** 2, {"a": 0.0}, {"args": (1.0,)}),
    "keyword args": (lambda *, k, a: (a - k) ** 2, {"a": 0.0}, {"args": (1.0,)}),
    "said so": (lambda *p, **q: (q["a"] - 1) ** 2 + len(p), {"a": 0.0}, {"unpack": True}),
}


@pytest.mark.parametrize("trace", [True, False])
@pytest.mark.parametrize("case", NAMED)
def test_a_dict_whose_keys_are_parameters_goes_by_name(case, trace):
    f, x0, how = NAMED[case]
    assert tw.minimize(f, x0, trace=trace, **how).x["a"] == pytest.approx(1, abs=1e-6)


def test_a_dict_taken_whole_is_evaluated_and_differentiated():
    F = tw.objective(cost, START)
    assert F(START) == F(**START) == cost(START) == 13
    assert F.grad(START)["a"] == -2
    np.testing.assert_array_equal(F.grad(START)["b"], [-4, -4, -4])
    np.testing.assert_array_equal(F.hessian(START), 2 * np.eye(4))
    many = tw.minimize_many(cost, {"a": np.zeros(2), "b": np.ones((2, 3))})
    np.testing.assert_allclose(many.x["b"], 2, atol=1e-6)
    assert tw.check_grad(cost, START).error < 1e-9
    r = tw.least_squares(lambda p: np.append(p["b"] - 2, p["a"] - 1), START)
    np.testing.assert_allclose([r.x["a"], *r.x["b"]], [1, 2, 2, 2])


def test_a_key_that_is_no_parameter_is_named():
    with pytest.raises(TypeError, match=r"key 'b' .* takes a, c; unpack=False passes the dict"):
        tw.minimize(lambda a, c: a + c, {"a": 1.0, "b": 2.0})


@pytest.mark.parametrize("trace", [True, False])
def test_a_tuple_of_several_shapes_is_taken_whole(trace):
    def f(p):
        w, b = p
        return np.sum((w - 1) ** 2) + (b - 2) ** 2

    w, b = tw.minimize(f, (np.zeros(3), 0.0), trace=trace).x
    np.testing.assert_allclose(w, 1, atol=1e-6)
    assert b == pytest.approx(2, abs=1e-6)


# ---- how many parameters a function has ----------------------------------------------------------


class Spring:
    def __init__(self, k):
        self.k = k

    def energy(self, x, y):
        return self.k * (x - y) ** 2

    @staticmethod
    def pair(x, y):
        return x - y

    @classmethod
    def scaled(cls, x, y):
        return x * y

    def __call__(self, x, y):
        return self.energy(x, y)


def wrapped(f):
    @functools.wraps(f)
    def inner(*args, **kwargs):
        return f(*args, **kwargs)

    return inner


@pytest.mark.parametrize(
    "function",
    [
        Spring(2.0).energy,
        Spring(2.0),
        Spring.pair,
        Spring.scaled,
        functools.partial(lambda k, x, y: k * (x - y) ** 2, 2.0),
        functools.partial(lambda x, y, k: k * (x - y) ** 2, k=2.0),
        wrapped(lambda x, y: 2.0 * (x - y) ** 2),
        np.hypot,
    ],
    ids=["method", "callable", "static", "class", "partial", "partial keyword", "wraps", "ufunc"],
)
def test_parameters_of_every_kind_of_callable_are_counted(function):
    unpack = True if function is np.hypot else None  # NumPy's own have no signature to read
    F = tw.objective(function, [3.0, 1.0], unpack=unpack)
    assert F(3.0, 1.0) == function(3.0, 1.0)
    assert F.n == 2


@pytest.mark.parametrize("builtin", [np.sum, np.linalg.norm, np.prod, np.mean])
def test_functions_without_a_plain_signature_get_x0_whole(builtin):
    F = tw.objective(builtin, [3.0, 4.0])
    assert F([3.0, 4.0]) == pytest.approx(builtin([3.0, 4.0]), rel=1e-15)


@pytest.mark.parametrize(
    ("function", "x0", "args", "said"),
    [
        (lambda x, y: x, [1.0, 2.0, 3.0], (), ["2 positional", "shape (3,)"]),
        (lambda x, y: x, np.ones((2, 2)), (), ["2 positional", "shape (2, 2)"]),
        (lambda x, y: x, (1.0, 2.0, 3.0), (), ["2 positional", "3 entries"]),
        (lambda x, y: x, 1.0, (), ["2 positional", "shape ()"]),
        (lambda x, y: x, [1.0], (), ["2 positional", "shape (1,)"]),
        (lambda: 1.0, 1.0, (), ["0 positional", "shape ()"]),
        (lambda x=1.0: x, 1.0, (), ["0 positional", "shape ()"]),
        (lambda x: x, 1.0, (2.0,), ["0 positional", "shape ()"]),
        (lambda x, y, a: x, [1.0, 2.0, 3.0], (2.0,), ["2 positional", "shape (3,)"]),
    ],
)
def test_x0_that_does_not_fit_is_refused_with_both_numbers(function, x0, args, said):
    with pytest.raises(TypeError) as caught:
        tw.objective(function, x0, args=args)
    for part in said:
        assert part in str(caught.value)
    assert "x0" in str(caught.value)


def test_unpack_overrides_the_signature():
    got, _ = seen(lambda *p: sum(p), [1.0, 2.0, 3.0], unpack=True)
    assert got == [(), (), ()]
    got, _ = seen(lambda x, y=None: np.sum(x), [1.0, 2.0], unpack=False)
    assert got == [(2,)]
    got, _ = seen(lambda x, y: x + y, [1.0, 2.0], unpack=True)
    assert got == [(), ()]
    with pytest.raises(TypeError, match="unpack"):
        tw.objective(lambda x: x, 1.0, unpack=True)


def test_unpack_false_passes_a_tuple_whole():
    got, _ = seen(lambda x, y=None: np.sum(x), (1.0, 2.0), unpack=False)
    assert got == [(2,)]


def test_defaults_are_never_filled_from_x0():
    F = tw.objective(lambda x, y=10.0: np.sum(x) * y, [1.0, 2.0])
    assert F([1.0, 2.0]) == 30.0


def test_args_follow_the_parameters():
    F = tw.objective(lambda x, y, a, b: a * x + b * y, [1.0, 2.0], args=(10.0, 100.0))
    assert F(1.0, 2.0) == 210.0
    G = tw.objective(lambda x, a: a * np.sum(x), [1.0, 2.0], args=3.0)  # SciPy: a lone one
    assert G([1.0, 2.0]) == 9.0


def test_args_that_are_no_numbers_go_in_as_they_are():
    def f(x, power, how):
        return getattr(np, how)(x) ** power["p"]

    F = tw.objective(f, [1.0, 2.0], args=({"p": 2}, "sum"))
    assert F([1.0, 2.0]) == 9.0
