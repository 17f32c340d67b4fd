# SPDX-License-Identifier: BSD-3-Clause
"""`grad` and its kin: functions of the function's own arguments, cached, and checked."""

import gc
import weakref

import numpy as np
import pytest
from problems import PROBLEMS

import thalweg as tw


def cubic(x, y):
    return 3 * x**2 * y**3


def weighted(x, w):
    return np.sum(w * x**2)


# ---- values --------------------------------------------------------------------------------------


def test_gradient_is_with_respect_to_the_first_argument():
    assert tw.grad(cubic)(2.0, 1.0) == 12.0
    assert isinstance(tw.grad(cubic)(2.0, 1.0), float)


@pytest.mark.parametrize(
    ("argnums", "gradient"),
    [(0, 12.0), (1, 36.0), (-1, 36.0), ((0,), (12.0,)), ((0, 1), (12.0, 36.0)),
     ((1, 0), (36.0, 12.0)), ([0, 1], (12.0, 36.0))],
)  # fmt: skip
def test_argnums_choose_what_is_differentiated(argnums, gradient):
    assert tw.grad(cubic, argnums=argnums)(2.0, 1.0) == gradient
    value, slope = tw.value_and_grad(cubic, argnums)(2.0, 1.0)
    assert value == 12.0
    assert slope == gradient


@pytest.mark.parametrize("argnums", [2, -3, (0, 5)])
def test_argnums_out_of_range_are_refused(argnums):
    with pytest.raises(TypeError, match="2 positional arguments, got"):
        tw.grad(cubic, argnums)(2.0, 1.0)


@pytest.mark.parametrize("argnums", [1.0, "x", None, (0, 0)])
def test_argnums_that_are_no_positions_are_refused(argnums):
    with pytest.raises((TypeError, ValueError), match="argnums"):
        tw.grad(cubic, argnums)(2.0, 1.0)


def test_gradients_have_the_arguments_shapes():
    x, w = np.arange(6.0).reshape(2, 3), np.full((2, 3), 0.5)
    np.testing.assert_array_equal(tw.grad(weighted)(x, w), x)
    np.testing.assert_array_equal(tw.grad(weighted, 1)(x, w), x**2)
    both = tw.grad(weighted, (0, 1))(x, w)
    assert [g.shape for g in both] == [(2, 3), (2, 3)]
    one = tw.grad(weighted)(np.array([2.0]), 1.0)
    np.testing.assert_array_equal(one, [4.0])
    assert one.shape == (1,)


def test_lists_integers_and_booleans_are_numbers():
    np.testing.assert_array_equal(tw.grad(weighted)([1, 2], 2), [4, 8])
    np.testing.assert_array_equal(tw.grad(weighted)((1, 2), [1, 10]), [2, 40])
    assert tw.grad(cubic)(2, 1) == 12.0


def test_hessian_of_one_argument():
    H = tw.hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
    np.testing.assert_array_equal(H, [[4, 2], [2, 0]])
    assert tw.hessian(cubic)(2.0, 1.0) == 6.0
    assert tw.hessian(cubic, 1)(2.0, 1.0) == 72.0
    assert isinstance(tw.hessian(cubic)(2.0, 1.0), float)
    assert tw.hessian(lambda x: np.sum(x**2))(np.ones((2, 3))).shape == (2, 3, 2, 3)


def test_hessian_of_several_arguments_is_blocks():
    H = tw.hessian(cubic, (0, 1))(2.0, 1.0)
    assert H == ((6.0, 36.0), (36.0, 72.0))
    blocks = tw.hessian(lambda a, b: a * np.sum(b**2), (0, 1))(2.0, np.array([1.0, 3.0]))
    assert blocks[0][0] == 0.0
    np.testing.assert_array_equal(blocks[0][1], [2, 6])
    np.testing.assert_array_equal(blocks[1][0], [2, 6])
    np.testing.assert_array_equal(blocks[1][1], [[4, 0], [0, 4]])


def test_hvp_is_the_hessian_times_the_vector():
    x, v = np.array([1.0, 2.0]), np.array([1.0, -1.0])
    f = lambda x: x[0] ** 2 * x[1]  # noqa: E731
    np.testing.assert_array_equal(tw.hvp(f)(x, v), tw.hessian(f)(x) @ v)
    assert tw.hvp(cubic)(2.0, 1.0, 10.0) == 60.0
    assert tw.hvp(cubic, 1)(2.0, 1.0, 10.0) == 720.0
    with pytest.raises(TypeError, match="and then the vector"):
        tw.hvp(f)(x)
    with pytest.raises(ValueError, match="shape"):
        tw.hvp(f)(x, np.ones(3))


def test_jacobian_has_the_values_shape_then_the_arguments():
    def f(x, a):
        return np.stack([x[0] * x[1], a * x[0], x[1]])

    J = tw.jacobian(f)(np.array([2.0, 3.0]), 5.0)
    np.testing.assert_array_equal(J, [[3, 2], [5, 0], [0, 1]])
    np.testing.assert_array_equal(tw.jacobian(f, 1)(np.array([2.0, 3.0]), 5.0), [0, 2, 0])
    by_x, by_a = tw.jacobian(f, (0, 1))(np.array([2.0, 3.0]), 5.0)
    np.testing.assert_array_equal(by_x, J)
    np.testing.assert_array_equal(by_a, [0, 2, 0])
    assert tw.jacobian(lambda x: x @ x.T)(np.ones((2, 3))).shape == (2, 2, 2, 3)
    assert tw.jacobian(lambda x: [x, x**2])(3.0).tolist() == [1.0, 6.0]


@pytest.mark.parametrize("problem", PROBLEMS, ids=str)
def test_gradients_are_those_of_the_objective(problem):
    F = tw.objective(problem.function, problem.x0)
    if F.structure.form == "elements":
        argnums = tuple(range(F.n))
        got = tw.grad(problem.function, argnums)(*problem.x0)
    else:
        got = tw.grad(problem.function)(problem.x0)
    np.testing.assert_array_equal(got, F.grad(problem.x0))


def test_vector_functions_have_no_gradient():
    with pytest.raises(TypeError, match=r"one value, got shape \(2,\)"):
        tw.grad(lambda x: x)(np.ones(2))


@pytest.mark.parametrize("transform", [tw.grad, tw.value_and_grad, tw.hessian, tw.hvp, tw.jacobian])
def test_transforms_take_functions_only(transform):
    with pytest.raises(TypeError, match="takes a function, got int"):
        transform(3)


@pytest.mark.parametrize(
    ("x", "said"),
    [(1j, "real"), ("a", "numbers"), (None, "numbers"), ([[1], [1, 2]], "ragged"), ([], "empty")],
)
def test_arguments_that_are_no_numbers_cannot_be_differentiated(x, said):
    with pytest.raises((TypeError, ValueError), match=said):
        tw.grad(lambda x: np.sum(x))(x)


def test_no_arguments_are_refused():
    with pytest.raises(TypeError, match="0 positional arguments"):
        tw.grad(cubic)()


def test_name_and_signature_of_the_function_are_kept():
    assert tw.grad(cubic).__name__ == "cubic"
    assert "grad" in tw.grad(cubic).__doc__


# ---- keywords ------------------------------------------------------------------------------------


def test_keywords_pass_through():
    def f(x, *, power=2, name="sum", flag=False):
        return getattr(np, name)(x**power) * (-1 if flag else 1)

    x = np.array([1.0, 2.0])
    np.testing.assert_array_equal(tw.grad(f)(x), [2, 4])
    np.testing.assert_array_equal(tw.grad(f)(x, power=3), [3, 12])
    np.testing.assert_array_equal(tw.grad(f)(x, power=3, flag=True), [-3, -12])
    np.testing.assert_array_equal(tw.grad(f)(x, name="mean"), [1, 2])
    np.testing.assert_array_equal(tw.grad(f)(x), [2, 4])


@pytest.mark.parametrize("make", [
    lambda k: np.full(3, float(k)), lambda k: [float(k)] * 3, lambda k: np.full(40, float(k))[:3],
], ids=["array", "list", "view"])  # fmt: skip
def test_keyword_arrays_count_by_content(make):
    g = tw.grad(lambda x, w=None: np.sum(x * np.asarray(w)))
    for k in range(20):  # each array dies before the next is made, which may take its place
        np.testing.assert_array_equal(g(np.ones(3), w=make(k)), np.full(3, float(k)))


def test_keyword_array_changed_in_place_counts_anew():
    g = tw.grad(lambda x, w=None: np.sum(x * w))
    for n in (3, 40):
        w = np.ones(n)
        np.testing.assert_array_equal(g(np.ones(n), w=w), 1.0)
        w[:] = 5.0
        np.testing.assert_array_equal(g(np.ones(n), w=w), 5.0)


def test_unhashable_arguments_count_by_content():
    g = tw.grad(lambda x, options: x ** options["power"])
    for k in range(1, 20):  # each dictionary dies before the next is made
        assert g(2.0, {"power": k}) == k * 2.0 ** (k - 1)
    options = {"power": 2}
    assert g(2.0, options) == 4.0
    options["power"] = 3
    assert g(2.0, options) == 12.0


def test_positional_arrays_are_inputs():
    calls = []

    def f(x, w):
        calls.append(1)
        return np.sum(w * x**2)

    g = tw.grad(f)
    for k in range(5):
        np.testing.assert_array_equal(g(np.ones(3), np.full(3, float(k))), 2.0 * k)
    assert len(calls) == 1


# ---- the cache -----------------------------------------------------------------------------------


def test_function_is_traced_once_for_each_set_of_shapes():
    calls = []

    def f(x):
        calls.append(np.shape(x))
        return np.sum(x**2)

    for _ in range(3):
        tw.grad(f)(np.ones(3)), tw.value_and_grad(f)(np.zeros(3)), tw.hvp(f)(np.ones(3), np.ones(3))
    assert calls == [(3,)]
    tw.grad(f)(np.ones(4)), tw.grad(f)(1.0), tw.grad(f)(np.ones(3)), tw.grad(f)(np.ones((1, 3)))
    assert calls == [(3,), (4,), (), (1, 3)]


def test_closures_are_frozen_while_cached():
    scale = 2.0

    def f(x):
        return scale * x

    assert tw.grad(f)(1.0) == 2.0
    scale = 3.0
    assert tw.grad(f)(1.0) == 2.0  # as documented: promise 11
    assert tw.grad(f)(np.ones(()).reshape(1))[0] == 3.0  # another shape is traced anew


def test_functions_of_the_same_code_are_not_confused():
    made = [lambda x, k=k: k * x for k in range(10)]
    assert [tw.grad(f)(1.0) for f in made] == list(range(10))


def test_short_lived_functions_are_not_confused():
    # Each dies before the next is made, and its place in memory is taken again.
    assert [tw.grad(lambda x, k=k: k * x)(1.0) for k in range(50)] == list(range(50))


def test_cache_lets_functions_go():
    def make():
        big = np.ones(100_000)
        return lambda x: np.sum(big * x)

    f = make()
    tw.grad(f)(1.0)
    gone = weakref.ref(f)
    del f
    gc.collect()
    assert gone() is None


def test_methods_and_objects_are_taken():
    class Model:
        def __init__(self, k):
            self.k = k

        def f(self, x):
            return self.k * x**2

        def __call__(self, x):
            return self.f(x)

    a, b = Model(1.0), Model(2.0)
    assert (tw.grad(a.f)(1.0), tw.grad(b.f)(1.0)) == (2.0, 4.0)
    assert (tw.grad(a)(1.0), tw.grad(b)(1.0)) == (2.0, 4.0)
    assert tw.grad(np.sum)(np.ones(2)).tolist() == [1.0, 1.0]


def test_errors_of_the_function_are_not_cached():
    broken = [True]

    def f(x):
        if broken[0]:
            raise KeyError("mine")
        return x**2

    with pytest.raises(KeyError, match="mine"):
        tw.grad(f)(1.0)
    broken[0] = False
    assert tw.grad(f)(1.0) == 2.0


# ---- check_grad ----------------------------------------------------------------------------------


@pytest.mark.parametrize("problem", PROBLEMS, ids=str)
def test_check_finds_nothing_wrong_with_right_gradients(problem):
    start = np.asarray(problem.x0, float) + 0.01  # not at the minimum's symmetry
    start = start if start.ndim else float(start)
    found = tw.check_grad(problem.function, start)
    assert found.error < 1e-9
    assert float(found) == found.error


@pytest.mark.parametrize("wrong_by", [1e-6, 1e-3, 1.0])
def test_check_finds_a_wrong_gradient_and_where(monkeypatch, wrong_by):
    right = tw.Objective.rows_value_and_grad

    def spoiled(self, rows):
        value, slope = right(self, rows)
        slope = slope.copy()
        slope[:, 2] *= 1 + wrong_by
        return value, slope

    monkeypatch.setattr(tw.Objective, "rows_value_and_grad", spoiled)
    found = tw.check_grad(lambda x: np.sum(np.exp(x)), np.linspace(0.0, 1.0, 5))
    assert found.index == 2
    # Relative to the component, or to the mean of all where that is larger: 1.73 here.
    assert wrong_by * 0.4 < found.error < wrong_by * 1.1
    assert found.gradient == pytest.approx(found.reference * (1 + wrong_by), rel=1e-9)
    assert found.reference == pytest.approx(np.exp(0.5), rel=1e-9)


def test_check_takes_objectives_args_and_structures():
    F = tw.objective(lambda x: np.sum(np.sin(x)), np.ones(3))
    assert tw.check_grad(F, np.ones(3)).error < 1e-9
    assert tw.check_grad(lambda x, a: np.sin(a * x), 1.0, args=(2.0,)).error < 1e-9
    assert tw.check_grad(lambda a, b: a * np.sum(b**3), {"a": 1.0, "b": [2.0, 3.0]}).error < 1e-9
    assert tw.check_grad(lambda a, b: a * np.sum(b**3), (1.0, np.ones(2))).error < 1e-9


def test_check_works_at_the_edge_of_the_domain():
    assert tw.check_grad(lambda x: np.log(x) + np.sqrt(x), 1e-4).error < 1e-9


def test_check_refuses_bad_points():
    with pytest.raises(ValueError, match="x0 must be finite, got nan"):
        tw.check_grad(lambda x: x**2, np.nan)
    with pytest.raises(TypeError, match="x0 must be real"):
        tw.check_grad(lambda x: x**2, 1j)


def test_check_refuses_vector_functions():
    with pytest.raises((TypeError, ValueError), match="one value"):
        tw.check_grad(lambda x: x**2, np.ones(3))
