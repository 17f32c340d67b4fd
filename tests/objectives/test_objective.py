# SPDX-License-Identifier: BSD-3-Clause
"""Objectives: in which form answers come, what is kept, and vector functions."""

# ruff: noqa: ARG005 - signatures are what is tested

import threading

import numpy as np
import pytest
from objective_cases import STRUCTURES, assert_same, bits

import thalweg as tw


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


def test_no_function_is_refused():
    with pytest.raises(TypeError, match="must be callable, got int"):
        tw.objective(3, 1.0)


# ---- structures: what comes back -----------------------------------------------------------------


structures = pytest.mark.parametrize("form", STRUCTURES)


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


# ---- what is shown -------------------------------------------------------------------------------


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


# ---- many threads ----------------------------------------------------------------


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
