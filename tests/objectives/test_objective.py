# SPDX-License-Identifier: BSD-3-Clause
"""Objectives: how x0 reaches the function, in which form answers come, what is kept and saved."""

# ruff: noqa: ARG005 - signatures are what is tested

import copy
import functools
import importlib
import os
import pickle
import pickletools
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from problems import PROBLEMS

import thalweg as tw
from thalweg._objectives import saving as saved
from thalweg._objectives.objective import restore_objective
from thalweg._objectives.points import parameter_count, structure_of

# tw.objective, the function, hides the module of that name.
programs = importlib.import_module("thalweg._objectives.programs")


def bits(*values):
    return b"".join(np.ascontiguousarray(v, dtype=np.float64).tobytes() for v in values)


def seen(function, x0, **options):
    """Shapes of what the function gets, by tracing it."""
    got = []

    @functools.wraps(function)
    def spy(*args, **named):
        got.extend(np.shape(a) for a in args)
        got.extend((k, np.shape(v)) for k, v in named.items())
        return function(*args, **named)

    F = tw.objective(spy, x0, **options)
    return got, F


def total(*p, **named):
    return sum(np.sum(v) for v in (*p, *named.values()))


# ---- how x0 reaches the function -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "x0", "shapes"),
    [
        (lambda x: np.sum(x), 1.6, [()]),
        (lambda x: np.sum(x), 2, [()]),
        (lambda x: np.sum(x), np.float32(2), [()]),
        (lambda x: np.sum(x), np.array(1.6), [()]),
        (lambda x: np.sum(x), [1.6], [(1,)]),
        (lambda x: np.sum(x), [1.0, 2.0], [(2,)]),
        (lambda x: np.sum(x), (1.0, 2.0), [(2,)]),
        (lambda x: np.sum(x), [[1.0, 2.0, 3.0]], [(1, 3)]),
        (lambda x: np.sum(x), np.ones((2, 3, 4)), [(2, 3, 4)]),
        (lambda x, y: x + y, [1.0, 2.0], [(), ()]),
        (lambda x, y: x + y, np.array([1, 2]), [(), ()]),
        (lambda x, y: x + y, (1.0, 2.0), [(), ()]),
        (lambda x, y: x + np.sum(y), (1.0, [1.0, 2.0]), [(), (2,)]),
        (lambda x, y: np.sum(x) + np.sum(y), (np.ones((2, 2)), [[1.0], [2.0]]), [(2, 2), (2, 1)]),
        (lambda x, y, z: x + y + z, [1.0, 2.0, 3.0], [(), (), ()]),
        (lambda x, y=2.0: np.sum(x) + y, [1.0, 2.0], [(2,)]),
        (lambda x, y, z=5.0: x + y + z, [1.0, 2.0], [(), ()]),
        (lambda x, *, y=2.0: np.sum(x) + y, [1.0, 2.0], [(2,)]),
        (lambda x, /, y: x + y, [1.0, 2.0], [(), ()]),
        (total, [1.0, 2.0], [(2,)]),
        (total, (1.0, [2.0, 3.0]), [(), (2,)]),
        (total, {"a": 1.0, "b": [1.0, 2.0]}, [("a", ()), ("b", (2,))]),
        (lambda m, b: m + b, {"b": 1.0, "m": 2.0}, [("b", ()), ("m", ())]),
        (lambda m, b=3.0: m + b, {"m": 2.0}, [("m", ())]),
    ],
)
def test_x0_reaches_the_function_as_its_signature_says(function, x0, shapes):
    got, _ = seen(function, x0)
    assert got == shapes


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


def test_count_of_parameters_says_whether_it_means_anything():
    assert parameter_count(lambda x, y, z=1: 0) == (2, True)
    assert parameter_count(lambda *p: 0) == (1, False)
    assert parameter_count(lambda x, *p: 0) == (1, False)
    assert parameter_count(Spring(1.0).energy) == (2, True)


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


def test_args_are_inputs_and_closures_are_constants():
    a = 2.5
    with_args = tw.objective(lambda x, a: np.exp(a * x), 1.0, args=(a,))
    closed = tw.objective(lambda x: np.exp(a * x), 1.0)
    assert "2.5" not in str(with_args.tape)
    assert "2.5" in str(closed.tape)
    assert with_args(1.0) == closed(1.0)


def test_closures_and_globals_are_frozen_when_traced():
    scale = 2.0
    small = np.array([1.0, 2.0])
    F = tw.objective(lambda x: scale * np.sum(small * x), [1.0, 1.0])
    before = F([1.0, 1.0]), F.grad([1.0, 1.0])
    scale = 3.0
    small = np.array([7.0, 7.0])
    assert F([1.0, 1.0]) == before[0] == 6.0
    np.testing.assert_array_equal(F.grad([1.0, 1.0]), before[1])


@pytest.mark.parametrize("n", [3, 16, 17, 1000])
def test_function_is_called_once(n):
    calls = []

    def f(x):
        calls.append(1)
        return np.sum(x**2)

    F = tw.objective(f, np.ones(n))
    F(np.ones(n)), F.grad(np.ones(n)), F.hvp(np.ones(n), np.ones(n))
    tw.minimize(F, np.ones(n), "gradient_descent", learning_rate=0.1, max_iter=5)
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("x0", "error", "said"),
    [
        (1j, TypeError, "x0 must be real, got complex128"),
        ([1.0, 1j], TypeError, "x0 must be real, got complex128"),
        ("1.6", TypeError, "x0 must be numbers, got str"),
        (["a", "b"], TypeError, "x0 must be numbers, got list"),
        ([None], TypeError, "x0 must be numbers, got list"),
        (np.array(["1"]), TypeError, "x0 must be numbers, got dtype <U1"),
        (np.array([1, "a"], object), TypeError, "x0 must be numbers, got dtype object"),
        (np.array("2020-01-01", "M8[D]"), TypeError, "x0 must be numbers, got dtype datetime64"),
        (object(), TypeError, "x0 must be numbers, got object"),
        ([[1.0], [1.0, 2.0]], ValueError, "x0 must be an array of numbers, got a ragged sequence"),
        ([], ValueError, "x0 must not be empty, got shape (0,)"),
        (np.zeros((3, 0)), ValueError, "x0 must not be empty, got shape (3, 0)"),
        ({}, ValueError, "x0 must not be empty, got {}"),
        ({1: 2.0}, TypeError, "keys of x0 must be names"),
        ({"x": 1j}, TypeError, "x0['x'] must be real"),
        ((1.0, 1j), TypeError, "must be real, got complex128"),
        (None, TypeError, "needs x0"),
    ],
)
def test_bad_x0_is_refused(x0, error, said):
    with pytest.raises(error) as caught:
        tw.objective(lambda x: np.sum(x), x0)
    assert said in str(caught.value)


def test_complex_entry_of_a_tuple_is_named():
    with pytest.raises(TypeError, match=r"x0\[1\] must be real, got complex128"):
        tw.objective(lambda x, y: x, (1.0, 1j))


def test_unknown_name_in_a_dict_is_refused():
    with pytest.raises(TypeError, match="a key 'y' that is not a parameter of the function"):
        tw.objective(lambda x: x, {"x": 1.0, "y": 2.0})


def test_no_function_is_refused():
    with pytest.raises(TypeError, match="must be callable, got int"):
        tw.objective(3, 1.0)


@pytest.mark.parametrize("dtype", [np.int8, np.uint64, np.int64, np.bool_, np.float16, np.float32])
def test_numbers_of_other_types_become_float64(dtype):
    x = np.array([0, 1, 1], dtype)
    F = tw.objective(lambda x: np.sum((x - 0.5) ** 2), x)
    value, gradient = F.value_and_grad(x)
    assert isinstance(value, float)
    assert value == 0.75
    assert gradient.dtype == np.float64
    np.testing.assert_array_equal(gradient, [-1, 1, 1])


def test_strided_and_foreign_arrays_are_read_in_their_order():
    base = np.arange(12.0).reshape(3, 4)
    F = tw.objective(lambda x: np.sum(x * np.arange(12.0).reshape(4, 3)), base.T)
    assert F(base.T) == np.sum(base.T * np.arange(12.0).reshape(4, 3))
    G = tw.objective(lambda x: np.sum(x * np.arange(4)), np.arange(8.0)[::2])
    assert G(np.arange(8.0)[::-2]) == np.sum(np.arange(8.0)[::-2] * np.arange(4))
    swapped = np.arange(4.0).astype(">f8")
    assert G(swapped) == 14.0


# ---- structures: what comes back -----------------------------------------------------------------

B = np.array([[1.0, 2.0], [3.0, 4.0]])

# x0, function, a point, value, gradient, Hessian over all variables in order
STRUCTURES = {
    "scalar": (1.0, lambda x: x**3, 2.0, 8.0, 12.0, 12.0),
    "one element": ([1.0], lambda x: np.sum(x**3), [2.0], 8.0, np.array([12.0]), [[12.0]]),
    "array": ([1.0, 1.0], lambda x: x[0] ** 2 * x[1], [2.0, 3.0], 12.0, np.array([12.0, 4.0]),
              [[6.0, 4.0], [4.0, 0.0]]),
    "elements": ([1.0, 1.0], lambda x, y: x**2 * y, [2.0, 3.0], 12.0, np.array([12.0, 4.0]),
                 [[6.0, 4.0], [4.0, 0.0]]),
    "tuple": ((1.0, np.ones(2)), lambda a, b: a**2 * np.sum(b), (2.0, np.array([3.0, 5.0])), 32.0,
              (32.0, np.array([4.0, 4.0])), [[16.0, 4.0, 4.0], [4.0, 0.0, 0.0], [4.0, 0.0, 0.0]]),
    "dict": ({"a": 1.0, "b": np.ones(2)}, lambda a, b: a**2 * np.sum(b),
             {"a": 2.0, "b": np.array([3.0, 5.0])}, 32.0, {"a": 32.0, "b": np.array([4.0, 4.0])},
             [[16.0, 4.0, 4.0], [4.0, 0.0, 0.0], [4.0, 0.0, 0.0]]),
    "matrix": (np.ones((2, 2)), lambda x: np.sum(x**2) / 2 + x[0, 1] * x[1, 0], B, 21.0,
               np.array([[1.0, 5.0], [5.0, 4.0]]),
               np.array([[1, 0, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 1.0]])
               .reshape(2, 2, 2, 2)),
}  # fmt: skip
structures = pytest.mark.parametrize("form", STRUCTURES)


def assert_same(got, wanted):
    """Equal, of one structure, floats where floats are wanted."""
    assert type(got) is type(wanted)
    if isinstance(wanted, dict):
        assert list(got) == list(wanted)
        for k in wanted:
            assert_same(got[k], wanted[k])
    elif isinstance(wanted, tuple):
        assert len(got) == len(wanted)
        for g, w in zip(got, wanted, strict=True):
            assert_same(g, w)
    else:
        np.testing.assert_array_equal(got, wanted)
        assert np.shape(got) == np.shape(wanted)


def mapped(structure, f):
    if isinstance(structure, dict):
        return {k: f(v) for k, v in structure.items()}
    return tuple(map(f, structure)) if isinstance(structure, tuple) else f(structure)


def flattened(structure):
    parts = structure.values() if isinstance(structure, dict) else structure
    parts = parts if isinstance(structure, dict | tuple) else [structure]
    return np.concatenate([np.ravel(p) for p in parts])


@structures
def test_value_and_gradient_come_in_the_form_of_x0(form):
    x0, f, x, value, gradient, _ = STRUCTURES[form]
    F = tw.objective(f, x0)
    assert_same(F(x), value)
    assert_same(F.grad(x), gradient)
    got = F.value_and_grad(x)
    assert_same(got[0], value)
    assert_same(got[1], gradient)


@structures
def test_hessian_runs_over_all_variables_in_order(form):
    x0, f, x, _, _, hessian = STRUCTURES[form]
    got = tw.objective(f, x0).hessian(x)
    np.testing.assert_array_equal(got, hessian)
    assert np.shape(got) == np.shape(hessian)


@structures
def test_hvp_is_the_hessian_times_the_direction(form):
    x0, f, x, _, gradient, hessian = STRUCTURES[form]
    F = tw.objective(f, x0)
    v = mapped(x, lambda e: np.ones_like(e) * 0.5 + e)
    product = F.hvp(x, v)
    n = F.n
    np.testing.assert_array_equal(flattened(product), np.reshape(hessian, (n, n)) @ flattened(v))
    assert_same(mapped(product, np.shape), mapped(gradient, np.shape))


@structures
def test_minimize_gives_points_in_the_form_of_x0(form):
    x0, f, *_ = STRUCTURES[form]
    res = tw.minimize(f, x0, "gradient_descent", learning_rate=0.01, max_iter=3, record=True)
    like = mapped(np.asarray(x0, float) if isinstance(x0, list) else x0, np.shape)
    for p in (res.x, res.jac, res.last.x, res.last.jac):
        assert_same(mapped(p, np.shape), like)
    assert_same(
        mapped(res.path.x, np.shape),
        mapped(like, lambda s: (4, *s))
        if isinstance(like, dict)
        else tuple((4, *s) for s in like)
        if isinstance(x0, tuple)
        else (4, *like),
    )
    if form == "scalar":
        assert isinstance(res.x, float)
        assert isinstance(res.jac, float)


@structures
def test_lanes_in_front_give_each_points_own_bits(form):
    x0, f, x, *_ = STRUCTURES[form]
    F = tw.objective(f, x0)
    random = np.random.default_rng(4)
    lanes = mapped(x, lambda e: random.normal(size=(3, 5, *np.shape(e))))
    if isinstance(x, list):
        lanes = random.normal(size=(3, 5, len(x)))
    values, gradients = F.value_and_grad(lanes)
    hessians = F.hessian(lanes)
    assert values.shape == F(lanes).shape == (3, 5)
    for i in range(3):
        for j in range(5):
            one = mapped(lanes, lambda e, at=(i, j): e[at])
            value, gradient = F.value_and_grad(one)
            assert bits(values[i, j]) == bits(value) == bits(F(one)) == bits(F(lanes)[i, j])
            lane = mapped(gradients, lambda e, at=(i, j): e[at])
            assert bits(flattened(lane)) == bits(flattened(gradient))
            assert bits(hessians[i, j]) == bits(F.hessian(one))


def test_lanes_of_a_tuples_entries_broadcast():
    F = tw.objective(lambda a, b: a * np.sum(b), (1.0, np.ones(2)))
    a, b = np.arange(3.0), np.ones((4, 1, 2))
    assert F(a, b).shape == (4, 3)
    np.testing.assert_array_equal(F(a, b), np.broadcast_to(2 * a, (4, 3)))
    da, db = F.grad(a, b)
    assert (da.shape, db.shape) == ((4, 3), (4, 3, 2))
    with pytest.raises(ValueError, match="leading axes of x do not agree"):
        F(np.arange(3.0), np.ones((4, 2)))


def test_no_lanes_give_empty_arrays():
    F = tw.objective(lambda x: np.sum(x**2), np.ones(3))
    none = np.zeros((0, 3))
    assert F(none).shape == (0,)
    assert F.grad(none).shape == (0, 3)
    assert F.hessian(none).shape == (0, 3, 3)
    assert F.hvp(none, np.ones(3)).shape == (0, 3)


def test_arguments_may_be_given_one_by_one():
    F = tw.objective(lambda x, y: x**2 * y, [1.0, 1.0])
    assert F(2.0, 3.0) == F([2.0, 3.0]) == F((2.0, 3.0)) == 12.0
    np.testing.assert_array_equal(F.grad(2.0, 3.0), [12, 4])
    np.testing.assert_array_equal(F(np.arange(3.0), 2.0), [0, 2, 8])
    D = tw.objective(lambda m, b: m * b, {"m": 1.0, "b": 1.0})
    assert D(m=2.0, b=3.0) == D({"b": 3.0, "m": 2.0}) == 6.0
    assert D.grad(m=2.0, b=3.0) == {"m": 3.0, "b": 2.0}


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda F: F(1.0, 2.0, 3.0), TypeError, "2 arguments; got 3"),
        (lambda F: F(), TypeError, "got 0 arguments"),
        (lambda F: F([1.0, 2.0, 3.0]), ValueError, "x must have shape (..., 2), got (3,)"),
        (lambda F: F(1.0), ValueError, "x must have shape (..., 2), got ()"),
        (lambda F: F(x=1.0, y=2.0), TypeError, "whose x0 was a dict"),
        (lambda F: F([1j, 2.0]), TypeError, "x must be real"),
        (lambda F: F(["a", "b"]), TypeError, "x must be numbers"),
        (lambda F: F.hvp([1.0, 2.0], [1.0]), ValueError, "v must have shape (..., 2), got (1,)"),
        (lambda F: F.jvp([1.0, 2.0], 1.0), ValueError, "v must have shape (..., 2), got ()"),
    ],
)
def test_points_that_do_not_fit_are_refused(call, error, said):
    F = tw.objective(lambda x, y: x * y, [1.0, 2.0])
    with pytest.raises(error) as caught:
        call(F)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("point", "said"),
    [
        ({"a": 1.0}, "keys ['a', 'b'], got ['a']"),
        ({"a": 1.0, "c": 1.0}, "keys ['a', 'b'], got ['a', 'c']"),
        ([1.0, 2.0], "keys ['a', 'b'], got list"),
    ],
)
def test_dicts_that_do_not_fit_are_refused(point, said):
    F = tw.objective(lambda a, b: a * b, {"a": 1.0, "b": 1.0})
    with pytest.raises(ValueError, match="x must be a dict") as caught:
        F(point)
    assert said in str(caught.value)


def test_one_value_in_any_shape_will_do():
    for f in (lambda x: x, lambda x: np.sum(x, keepdims=True), lambda x: [[np.sum(x)]]):
        F = tw.objective(f, [2.0])
        assert F.grad([3.0]) == np.array([1.0])
        res = tw.minimize(lambda x, f=f: np.square(f(x)), [2.0], "gradient_descent",
                          learning_rate=0.4)  # fmt: skip
        assert res.success
        assert isinstance(res.fun, float)


@pytest.mark.parametrize("value", [3.0, 3, True, np.float64(3), np.ones(()), [3.0]])
def test_a_constant_is_a_function_too(value):
    F = tw.objective(lambda x: value, np.ones(2))
    assert np.ravel(F(np.ones(2)))[0] == np.ravel(value)[0]
    np.testing.assert_array_equal(F.grad(np.ones(2)), [0, 0])
    np.testing.assert_array_equal(F.hessian(np.ones(2)), np.zeros((2, 2)))


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, "is a `return` missing"), ("a", "got str"), ({}, "got dict"), (1j, "complex")],
)
def test_functions_that_return_no_numbers_are_refused(value, said):
    with pytest.raises(TypeError) as caught:
        tw.objective(lambda x: value, 1.0)
    assert said in str(caught.value)


def test_errors_of_the_function_come_through_unchanged():
    mine = KeyError("mine")

    def f(x):
        raise mine

    with pytest.raises(KeyError) as caught:
        tw.objective(f, 1.0)
    assert caught.value is mine


# ---- vector functions ----------------------------------------------------------------------------


def triple(x):
    return [x[0] ** 2, x[0] * x[1], 3.0 * x[1]]


JACOBIAN = np.array([[4.0, 0.0], [3.0, 2.0], [0.0, 3.0]])  # at (2, 3)


@pytest.mark.parametrize("kind", [list, tuple, np.stack, np.array], ids=lambda k: k.__name__)
def test_vector_functions_may_return_lists_tuples_and_arrays(kind):
    R = tw.objective(lambda x: kind(triple(x)), [1.0, 1.0])
    assert R.shape == (3,)
    np.testing.assert_array_equal(R([2.0, 3.0]), [4, 6, 9])


def test_jacobian_has_the_values_shape_then_the_points():
    R = tw.objective(triple, [1.0, 1.0])
    np.testing.assert_array_equal(R.jacobian([2.0, 3.0]), JACOBIAN)
    assert R.jacobian(np.ones((4, 5, 2))).shape == (4, 5, 3, 2)
    M = tw.objective(lambda x: x @ x.T, np.ones((2, 3)))
    assert M.jacobian(np.ones((2, 3))).shape == (2, 2, 2, 3)
    S = tw.objective(lambda x: [x, x**2], 1.0)
    np.testing.assert_array_equal(S.jacobian(3.0), [1, 6])
    T = tw.objective(lambda a, b: a * b, (1.0, np.ones(2)))
    np.testing.assert_array_equal(T.jacobian(2.0, [3.0, 5.0]), [[3, 2, 0], [5, 0, 2]])


def test_wide_and_tall_jacobians_are_transposes():
    A = np.random.default_rng(5).normal(size=(7, 3))
    tall = tw.objective(lambda x: np.sin(A @ x), np.ones(3))
    wide = tw.objective(lambda x: np.sin(A.T @ x), np.ones(7))
    x, y = np.linspace(-1, 1, 3), np.linspace(-1, 1, 7)
    # One product each: two roundings from NumPy's.
    np.testing.assert_allclose(tall.jacobian(x), np.cos(A @ x)[:, None] * A, rtol=1e-13)
    np.testing.assert_allclose(wide.jacobian(y), np.cos(A.T @ y)[:, None] * A.T, rtol=1e-13)


def test_jvp_and_vjp_are_products_with_the_jacobian():
    R = tw.objective(triple, [1.0, 1.0])
    x, v, u = [2.0, 3.0], np.array([1.0, -2.0]), np.array([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(R.jvp(x, v), JACOBIAN @ v)
    np.testing.assert_array_equal(R.vjp(x, u), u @ JACOBIAN)
    assert R.jvp(x, np.ones((6, 2))).shape == (6, 3)
    assert R.vjp(x, np.ones((6, 3))).shape == (6, 2)
    assert R.jvp(np.ones((5, 1, 2)), np.ones((6, 2))).shape == (5, 6, 3)
    assert R.vjp(np.ones((5, 1, 2)), np.ones((6, 3))).shape == (5, 6, 2)


def test_jvp_and_vjp_of_structures():
    R = tw.objective(lambda a, b: a * b, {"a": 1.0, "b": np.ones(2)})
    x = {"a": 2.0, "b": [3.0, 5.0]}
    np.testing.assert_array_equal(R.jvp(x, {"a": 1.0, "b": [0.0, 1.0]}), [3, 7])
    assert_same(R.vjp(x, [1.0, 10.0]), {"a": 53.0, "b": np.array([2.0, 20.0])})
    G = tw.objective(lambda x: x**3, 1.0)
    assert G.jvp(2.0, 1.0) == G.vjp(2.0, 1.0) == 12.0
    assert isinstance(G.jvp(2.0, 1.0), float)


def test_vjp_refuses_weights_of_another_shape():
    R = tw.objective(triple, [1.0, 1.0])
    with pytest.raises(ValueError, match=r"u must have shape .*3.*, got \(2,\)"):
        R.vjp([1.0, 1.0], [1.0, 2.0])


@pytest.mark.parametrize("what", ["grad", "value_and_grad", "hessian"])
def test_gradients_of_vector_functions_name_the_alternative(what):
    R = tw.objective(triple, [1.0, 1.0])
    with pytest.raises(TypeError, match=r"one value, got shape \(3,\); use jacobian"):
        getattr(R, what)([1.0, 1.0])
    with pytest.raises(TypeError, match=r"one value, got shape \(3,\); use jvp"):
        R.hvp([1.0, 1.0], [1.0, 1.0])


# ---- memory is checked before it is taken --------------------------------------------------------


def test_huge_hessian_is_refused_with_its_size_and_the_alternative(monkeypatch):
    F = tw.objective(lambda x: np.sum(x**2), np.zeros(3000))
    monkeypatch.setattr(programs, "_available_memory", lambda: 8 * 3000**2 - 1)
    with pytest.raises(MemoryError, match=r"3000 variables .*7\.2e\+07 bytes.*hvp"):
        F.hessian(np.zeros(3000))
    np.testing.assert_array_equal(F.hvp(np.zeros(3000), np.ones(3000)), 2.0)


def test_truly_huge_hessian_is_refused_before_anything_is_made():
    F = tw.objective(lambda x: np.sum(x**2), np.zeros(3_000_000))  # 72 TB
    began = time.perf_counter()
    with pytest.raises(MemoryError, match="hvp"):
        F.hessian(np.zeros(3_000_000))
    assert time.perf_counter() - began < 1.0


def test_huge_jacobian_is_refused_with_the_alternative(monkeypatch):
    F = tw.objective(lambda x: x**2, np.zeros(300))
    monkeypatch.setattr(programs, "_available_memory", lambda: 8 * 300**2 * 2 - 1)
    assert F.jacobian(np.zeros(300)).shape == (300, 300)
    with pytest.raises(MemoryError, match="use jvp or vjp"):
        F.jacobian(np.zeros((2, 300)))


# ---- the decorator, what is shown ----------------------------------------------------------------


def test_objective_is_a_decorator():
    @tw.objective(x0=[1.0, 1.0])
    def f(x, y):
        return x**2 * y

    assert isinstance(f, tw.Objective)
    assert f(2.0, 3.0) == 12.0
    assert f.n == 2
    assert "f: 2 variables" in repr(f)

    @tw.objective(x0=1.0, args=(3.0,))
    def g(x, a):
        return a * x

    assert g(2.0) == 6.0


def test_decorator_needs_x0():
    with pytest.raises(TypeError, match="needs x0"):

        @tw.objective
        def f(x):
            return x


def test_tape_prints_one_instruction_a_line():
    F = tw.objective(lambda x: np.exp(x) - np.log(x), 1.6)
    lines = repr(F.tape).splitlines()
    assert all(line.strip() for line in lines)
    text = "\n".join(lines)
    assert text.count("exp(") == 1  # value and gradient share it
    assert text.count("log(") == 1
    assert str(F.tape).strip() == text
    vector = tw.objective(triple, [1.0, 1.0])
    assert repr(vector.tape)


def test_tape_holds_no_dead_code():
    def f(x):
        np.sin(x)  # nobody reads it
        return np.exp(x)

    assert "sin" not in str(tw.objective(f, 1.0).tape)


# ---- pickling ------------------------------------------------------------------------------------

_random = np.random.default_rng(6)
_table = _random.normal(size=40)
_matrix = _random.normal(size=(4, 4))
# Each is a function of one array of 4 and needs another kind of node.
KINDS = {
    "constant": lambda x: 3.0,
    "operations": lambda x: np.sum(np.exp(-(x**2)) + np.where(x > 0, x, np.sin(x))),
    "small data": lambda x: np.sum(x * np.arange(4.0)),
    "large data": lambda x: np.sum(np.sin(x[0] * _table + x[1])),
    "max": lambda x: np.max(x) + np.min(x**2),
    "prod": lambda x: np.prod(x) + np.prod(np.outer(x, x), axis=1).sum(),
    "reductions": lambda x: np.sum(np.mean(np.outer(x, x), axis=0) * np.std(x)),
    "matmul": lambda x: x @ _matrix @ x + np.sum(np.outer(x, x) @ _matrix),
    "batch": lambda x: np.sum(np.einsum("bij,bjk->bik", np.stack([np.outer(x, x)] * 3),
                                        np.ones((3, 4, 2)))),
    "views": lambda x: np.sum(x[1:] * x[:-1][::-1]) + np.sum(np.outer(x, x).T[1:, ::2] * 2.0),
    "gather": lambda x: np.sum(x[[3, 0, 0, 1]] * np.arange(4)) + np.sum(np.roll(x, 1) * x),
    "assemble": lambda x: np.sum(np.concatenate([x, 2 * x, [1.0]]) ** 2 * np.arange(9)),
    "scan": lambda x: np.sum(np.cumsum(x) * np.arange(4)) + np.sum(np.cumprod(x)[::2]),
    "lookup": lambda x: np.sum(np.interp(x, np.linspace(-2, 2, 40), np.sort(_table))),
    "vector": lambda x: [x[0], x[1] * x[2], np.sum(x)],
}  # fmt: skip


def evaluations(F):
    points = np.random.default_rng(7).normal(size=(9, 4))
    out = [F(points), F(points[0])]
    if F.shape == ():
        out += [F.grad(points), F.grad(points[0]), F.hvp(points, points[::-1])]
    else:
        out += [F.jacobian(points), F.vjp(points, np.ones(F.shape))]
    return bits(*out)


@pytest.mark.parametrize("kind", KINDS)
def test_pickled_objective_gives_the_same_bits(kind):
    F = tw.objective(KINDS[kind], np.ones(4))
    before = evaluations(F)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(F, protocol=protocol))
        assert evaluations(again) == before
    twice = pickle.loads(pickle.dumps(again))
    for made in (twice, copy.copy(F), copy.deepcopy(F)):
        assert isinstance(made, tw.Objective)
        assert evaluations(made) == before
    assert repr(again) == repr(F)
    assert again.shape == F.shape
    assert again.names == F.names


def valley(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


UNUSED = {
    "choices": lambda x: np.where(x > 0, x, 0.0),
    "products and slices": lambda x: (x[1:] * x[:-1], 200 * (np.sin(x) * x)),
    "sines": lambda x: (np.cos(x), np.cos(np.sin(x) * x)),
    "long arrays": lambda x: np.sum(np.outer(np.ones(300), x), axis=0),
}


@pytest.mark.parametrize("kind", UNUSED)
def test_what_nothing_uses_changes_no_bit(kind):
    def made(unused):
        def f(x):
            unused(x)
            return valley(np.sin(x) * x) + valley(x)

        return tw.objective(f, np.ones(6))

    F, plain = made(UNUSED[kind]), made(lambda _: None)
    G = pickle.loads(pickle.dumps(F))
    points = np.random.default_rng(3).normal(size=(50, 6))
    plain.hessian(points[0])  # what a transform made before must not be seen either
    for x in points:
        assert bits(F(x), F.grad(x), F.hessian(x), F.hvp(x, x)) == bits(
            G(x), G.grad(x), G.hessian(x), G.hvp(x, x)
        )
        assert bits(F(x), F.grad(x)) == bits(plain(x), plain.grad(x))
    assert bits(F.grad(points)) == bits(G.grad(points)) == bits(plain.grad(points))


@pytest.mark.parametrize("problem", PROBLEMS, ids=str)
def test_pickled_objective_descends_to_the_same_bits(problem):
    F = tw.objective(problem.function, problem.x0)
    G = pickle.loads(pickle.dumps(F))
    how = {"method": "momentum", "learning_rate": 1e-4, "max_iter": 30}
    a, b = tw.minimize(F, problem.x0, **how), tw.minimize(G, problem.x0, **how)
    assert bits(a.x, a.fun, a.jac, a.last.x) == bits(b.x, b.fun, b.jac, b.last.x)


@structures
def test_pickled_objective_keeps_its_structure(form):
    x0, f, x, value, gradient, _ = STRUCTURES[form]
    G = pickle.loads(pickle.dumps(tw.objective(f, x0)))
    assert_same(G(x), value)
    assert_same(G.grad(x), gradient)


def test_pickled_objective_keeps_its_args():
    F = tw.objective(lambda x, a, b: np.sum(a * x) * b, np.ones(3), args=(np.arange(3), 2))
    G = pickle.loads(pickle.dumps(F))
    assert G(np.ones(3)) == F(np.ones(3)) == 6.0


def test_out_of_band_buffers_are_read():
    F = tw.objective(KINDS["large data"], np.ones(4))
    buffers = []
    text = pickle.dumps(F, protocol=5, buffer_callback=buffers.append)
    copied = [bytes(b) for b in buffers]  # read-only, as from a shared file
    assert evaluations(pickle.loads(text, buffers=copied)) == evaluations(F)


def test_another_process_reads_what_this_one_saved(tmp_path):
    F = tw.objective(KINDS["large data"], np.ones(4))
    path = tmp_path / "f.pickle"
    path.write_bytes(pickle.dumps(F))
    code = (
        "import pickle, sys, numpy as np\n"
        f"F = pickle.load(open({str(path)!r}, 'rb'))\n"
        "print(F(np.arange(4.0)).hex(), *(g.hex() for g in F.grad(np.arange(4.0))))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        cwd=tmp_path, timeout=60,
    )  # fmt: skip
    # The file is left open until the process ends: that warning is not ours.
    x = np.arange(4.0)
    assert done.stdout.split() == [F(x).hex(), *(g.hex() for g in F.grad(x))], done.stderr


def test_pickle_holds_operation_names_and_no_code():
    text = pickle.dumps(tw.objective(KINDS["operations"], np.ones(4)))
    strings = {arg for op, arg, _ in pickletools.genops(text) if isinstance(arg, str)}
    assert {"exp", "sin", "where"} <= strings
    assert "thalweg._objectives.objective" in strings  # the format's name
    assert b"lambda x: np" not in text


def forged(change, kind="large data", digest=True):
    """A saved objective with one thing changed, and a checksum that agrees."""
    F = tw.objective(KINDS[kind], np.ones(4))
    whole = copy.deepcopy(saved.saved_objective(F))
    change(whole)
    if digest and isinstance(whole.get("body"), dict):
        whole["sha256"] = saved._digest(whole["body"])
    return whole


@pytest.mark.parametrize("what", [None, 3, [], {}, {"format": "other"}, "text", (1, 2)])
def test_foreign_pickles_are_refused(what):
    with pytest.raises(ValueError, match="not a saved thalweg objective"):
        restore_objective(what)


@pytest.mark.parametrize("version", [0, 2, "1", None, 1.5])
def test_other_versions_are_refused_with_both_numbers(version):
    whole = forged(lambda w: w.update(version=version))
    with pytest.raises(ValueError, match=r"must have format version 1, got") as caught:
        restore_objective(whole)
    assert repr(version) in str(caught.value)


def test_changed_numbers_are_refused():
    def change(w):
        w["body"]["start"][0] = 7.0

    with pytest.raises(ValueError, match="damaged: its checksum"):
        restore_objective(forged(change, digest=False))


def test_flipped_bytes_are_refused_or_do_no_harm():
    F = tw.objective(KINDS["large data"], np.ones(4))
    text = bytearray(pickle.dumps(F))
    before = evaluations(F)
    random = np.random.default_rng(8)
    at = text.index(_table[3].tobytes())  # a number of the data
    for place in [at, at + 7, *random.integers(0, len(text), 200)]:
        damaged = bytearray(text)
        damaged[place] ^= 1 << random.integers(8)
        try:
            again = pickle.loads(bytes(damaged))
        except Exception:
            continue  # pickle's own errors are of every type
        # A flip in the pickle's framing may leave all that is saved as it was.
        if isinstance(again, tw.Objective):
            assert evaluations(again) == before


def test_truncated_pickles_are_refused():
    text = pickle.dumps(tw.objective(KINDS["large data"], np.ones(4)))
    for end in (10, len(text) // 2, len(text) - 1):
        with pytest.raises((pickle.UnpicklingError, EOFError, ValueError)):
            pickle.loads(text[:end])


def node_of_kind(whole, kind):
    return next(i for i, n in enumerate(whole["body"]["nodes"]) if n[0] == kind)


def replace(kind, position, value):
    def change(whole):
        nodes = whole["body"]["nodes"]
        i = node_of_kind(whole, kind)
        node = list(nodes[i])
        node[position] = value(node[position]) if callable(value) else value
        nodes[i] = tuple(node)

    return change


FORGERIES = {
    "unknown kind": ("operations", replace("elementwise", 0, "rootkit")),
    "unknown operation": ("operations", replace("elementwise", 1, "rm")),
    "operation by number": ("operations", replace("elementwise", 1, 0)),
    "too many operands": ("operations", replace("elementwise", 2, lambda i: [0, 0, 0, 0])),
    "no operands": ("operations", replace("elementwise", 2, [])),
    "operand behind it": ("operations", replace("elementwise", 2, lambda i: [10**6] * len(i))),
    "negative operand": ("operations", replace("elementwise", 2, lambda i: [-1] * len(i))),
    "operand no number": ("operations", replace("elementwise", 2, lambda i: ["x"] * len(i))),
    "another shape": ("operations", replace("elementwise", 3, (1000,))),
    "negative shape": ("views", replace("view", 3, (-1,))),
    "huge shape": ("views", replace("view", 3, (2**62, 2**62))),
    "view beyond the end": ("views", replace("view", 4, lambda p: [2**40, *p[1:]])),
    "view before the start": ("views", replace("view", 4, lambda p: [-1, *p[1:]])),
    "view with long strides": (
        "views", replace("view", 4, lambda p: [p[0]] + [2**40] * len(p[1:]))),
    "view whose end overflows": ("views", replace("view", 4, lambda p: [2] + [2**62] * len(p[1:]))),
    "view that goes back far": (
        "views", replace("view", 4, lambda p: [0] + [-(2**62)] * len(p[1:]))),
    "view with no strides": ("views", replace("view", 4, lambda p: p[:1])),
    "view without offset": ("views", replace("view", 4, [])),
    "gather beyond the end": ("gather", replace("gather", 4, lambda t: [10**9] * len(t))),
    "gather before the start": ("gather", replace("gather", 4, lambda t: [-2] * len(t))),
    "gather of another length": ("gather", replace("gather", 4, lambda t: t[:-1])),
    "assemble elsewhere": (
        "assemble", replace("assemble", 4, lambda p: [(10**9, s, t) for _, s, t in p])),
    "assemble all in one place": (
        "assemble", replace("assemble", 4, lambda p: [(0, s, t) for _, s, t in p])),
    "assemble before the start": (
        "assemble", replace("assemble", 4, lambda p: [(-5, s, t) for _, s, t in p])),
    "assemble with too few parts": ("assemble", replace("assemble", 4, lambda p: p[:-1])),
    "assemble that adds": ("assemble", replace("assemble", 1, True)),
    "data of another size": ("large data", replace("data", 4, np.ones(7))),
    "data that is no array": ("large data", replace("data", 4, "abc")),
    "complex data": ("large data", replace("data", 4, np.ones(40) * 1j)),
    "unknown reduction": ("max", replace("reduce", 1, "median")),
    "reduction of another shape": ("max", replace("reduce", 4, [5, 5, 5])),
    "reduction of short shape": ("max", replace("reduce", 4, [])),
    "matmul without flags": ("matmul", replace("matmul", 4, [])),
    "matmul of other shapes": ("matmul", replace("matmul", 2, [0, 0])),
    "scan of another shape": ("scan", replace("scan", 4, [7, 7, 7, 0])),
    "scan without a shape": ("scan", replace("scan", 4, [])),
    "lookup with short tables": (
        "lookup", replace("lookup", 4, lambda p: (p[0], p[1][:2], p[2], p[3]))),
    "lookup with short slopes": (
        "lookup", replace("lookup", 4, lambda p: (p[0], p[1], p[2][:2], p[3]))),
    "lookup without breaks": ("lookup", replace("lookup", 4, lambda p: ([], [], [], 0.0))),
    "input that is not there": ("operations", replace("input", 1, 9)),
    "input of another shape": ("operations", replace("input", 3, (5,))),
    "no nodes": ("operations", lambda w: w["body"].update(nodes=[])),
    "nodes missing": ("operations", lambda w: w["body"].pop("nodes")),
    "unknown form": ("operations", lambda w: w["body"].update(structure=("heap", ((4,),), ()))),
    "structure of another size": (
        "operations", lambda w: w["body"].update(structure=("whole", ((5,),), ()))),
    "dict without keys": (
        "operations", lambda w: w["body"].update(structure=("dict", ((4,),), ()))),
    "structure of no shape": (
        "operations", lambda w: w["body"].update(structure=("whole", (), ()))),
    "negative structure": (
        "operations", lambda w: w["body"].update(structure=("tuple", ((-4,), (8,)), ()))),
    "start of another size": ("operations", lambda w: w["body"].update(start=np.ones(3))),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGERIES)
def test_forged_pickles_are_refused(name):
    kind, change = FORGERIES[name]
    whole = forged(change, kind)
    with pytest.raises(ValueError, match="damaged"):
        restore_objective(whole)


def test_forger_changes_what_it_says():
    """The forgeries above fail for what they change: unchanged, the same objective is taken."""
    for kind in {k for k, _ in FORGERIES.values()}:
        restore_objective(forged(lambda w: None, kind))


INTEGERS = [-7, -1, 0, 1, 2, 3, 5, 16, 1000, 2**31, 2**32 + 1, 2**40, 2**62, -(2**62)]
NAMES = ["exp", "sum", "where", "power", "view", "gather", "matmul", "scan", "lookup", "assemble"]


def mutated(item, random):
    """A part of a saved node with one thing in it changed, dropped or doubled."""
    if isinstance(item, list | tuple):
        parts = list(item)
        if not parts:
            return type(item)([1])
        i, choice = random.integers(len(parts)), random.random()
        if choice < 0.1:
            del parts[i]
        elif choice < 0.2:
            parts.insert(i, parts[i])
        else:
            parts[i] = mutated(parts[i], random)
        return type(item)(parts)
    if isinstance(item, int):
        small = item + int(random.integers(-3, 4))
        return INTEGERS[random.integers(len(INTEGERS))] if random.random() < 0.6 else small
    if isinstance(item, float):
        return [0.0, np.nan, np.inf, -1.0, 1e300][random.integers(5)]
    if isinstance(item, str):
        return NAMES[random.integers(len(NAMES))]
    return item[:-1] if isinstance(item, np.ndarray) else item


def try_forgeries(seed):
    """Evaluate what is not refused; how many were refused, and how many were not."""
    random, refused, taken = np.random.default_rng(seed), 0, 0
    for function in KINDS.values():
        base = saved.saved_objective(tw.objective(function, np.ones(4)))
        for _ in range(60):
            whole = copy.deepcopy(base)
            nodes = whole["body"]["nodes"]
            i = random.integers(len(nodes))
            node = list(nodes[i])
            part = random.choice([0, 1, 2, 3, 4, 4])
            node[part] = mutated(node[part], random)
            nodes[i] = tuple(node)
            whole["sha256"] = saved._digest(whole["body"])
            try:
                F = restore_objective(whole)
            except (ValueError, MemoryError):
                refused += 1
                continue
            taken += 1
            evaluations(F) if F.n == 4 else None
    return refused, taken


@pytest.mark.parametrize("seed", range(4))
def test_random_forgeries_never_crash(seed, tmp_path):
    # In a process of its own: a crash must not take the other tests along.
    code = f"import test_objective as t; print(*t.try_forgeries({seed}))"
    here = os.path.dirname(__file__)  # noqa: PTH120 - joined with other strings
    tests = os.path.dirname(here)  # noqa: PTH120
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([here, tests, *filter(None, sys.path)])},
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, f"ended with {done.returncode}: {done.stderr[-800:]}"
    refused, taken = map(int, done.stdout.split())
    assert refused > 100
    assert taken > 100  # many changes do no harm: a constant, an operation of the same arity


# ---- many threads, long functions ----------------------------------------------------------------


def test_one_objective_serves_four_threads_at_once():
    F = tw.objective(KINDS["large data"], np.ones(4))
    points = np.random.default_rng(9).normal(size=(64, 4))
    G = tw.objective(KINDS["large data"], np.ones(4))  # its own answers, made alone
    wanted = [bits(G(p), *G.value_and_grad(p), G.hvp(p, p), G.hessian(p)) for p in points]
    errors, gate = [], threading.Barrier(4)

    def work(seed):
        try:
            gate.wait(30)
            for i in np.random.default_rng(seed).permutation(64):
                p = points[i]
                got = bits(F(p), *F.value_and_grad(p), F.hvp(p, p), F.hessian(p))
                assert got == wanted[i]
                res = tw.minimize(F, p, "adam", learning_rate=0.01, max_iter=20)
                again = tw.minimize(G, p, "adam", learning_rate=0.01, max_iter=20)
                assert bits(res.x) == bits(again.x)
        except BaseException as e:
            errors.append(e)

    threads = [threading.Thread(target=work, args=(s,)) for s in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert errors == []


def test_tracing_in_threads_at_once():
    errors = []

    def work(k):
        try:
            for i in range(100):
                F = tw.objective(lambda x, y, c=k + i: x**2 * y + c, [1.0, 1.0])
                assert F(2.0, 3.0) == 12.0 + k + i
        except BaseException as e:
            errors.append(e)

    threads = [threading.Thread(target=work, args=(1000 * s,)) for s in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert errors == []


def unrolled(n):
    def f(x):
        s = x[0]
        for i in range(n // 3):  # three operations a turn
            s = np.sin(s) * 0.5 + x[i % 10]
        return s

    return f


def time_of(n):
    began = time.perf_counter()
    F = tw.objective(unrolled(n), np.full(10, 0.3))
    gradient = F.grad(np.full(10, 0.3))
    del F
    return time.perf_counter() - began, gradient


def test_unrolled_loop_has_the_right_gradient():
    s, d = 0.3, np.zeros(10)
    d[0] = 1.0
    for i in range(1000 // 3):
        s, d = np.sin(s) * 0.5 + 0.3, np.cos(s) * 0.5 * d
        d[i % 10] += 1.0
    np.testing.assert_allclose(time_of(1000)[1], d, rtol=1e-13)  # 300 products shrink by halves


def test_loop_of_1e5_operations_takes_linear_time():
    small = min(time_of(10_000)[0] for _ in range(2))
    # Ten times the work; four times that for caches and a busy machine. Quadratic would be 100.
    large, _ = time_of(30_000)  # so that a failure does not take minutes
    assert large < 3 * 3 * small, f"{small:.3f} s for 1e4 operations, {large:.3f} s for 3e4"
    large, gradient = time_of(100_000)
    assert large < 40 * small, f"{small:.3f} s for 1e4 operations, {large:.3f} s for 1e5"
    assert np.all(np.isfinite(gradient))


def test_loop_over_the_elements_takes_linear_time():
    def time_for(n):
        def f(x):
            s = 0.0
            for i in range(n):
                s = s + x[i] ** 2
            return s

        began = time.perf_counter()
        F = tw.objective(f, np.ones(n))
        np.testing.assert_array_equal(F.grad(np.ones(n)), 2.0)
        return time.perf_counter() - began

    small = min(time_for(3000) for _ in range(2))
    large = time_for(30_000)
    assert large < 40 * small, f"{small:.3f} s for 3e3 elements, {large:.3f} s for 3e4"


def test_deep_expressions_do_not_overflow_the_stack(tmp_path):
    # A thread with the smallest stack: recursion 3e4 deep would end the process.
    code = (
        "import threading, numpy as np, thalweg as tw, pickle\n"
        "threading.stack_size(256 * 1024)\n"
        "def f(x):\n"
        "    for i in range(15_000):\n"
        "        x = np.sin(x) + 0.5\n"
        "    return x\n"
        "def work():\n"
        "    F = tw.objective(f, 0.3)\n"
        "    F.grad(0.3)\n"
        "    pickle.loads(pickle.dumps(F))\n"
        "    del F\n"
        "    print('done')\n"
        "t = threading.Thread(target=work); t.start(); t.join()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.returncode} {done.stderr[-500:]}"
    assert done.stdout.strip() == "done"


def test_structure_of_flattens_in_order():
    s, flat = structure_of({"b": [1.0, 2.0], "a": 3.0}, lambda a, b: a, 0, None)
    np.testing.assert_array_equal(flat, [1, 2, 3])
    assert s.size == 3
    assert_same(s.restore(flat[None, :]), {"b": np.array([1.0, 2.0]), "a": 3.0})
