# SPDX-License-Identifier: BSD-3-Clause
"""Programs compiled for an objective: each once, for one point or many, within the memory."""

import importlib
import threading
import time

import numpy as np
import pytest
from objective_cases import bits

import thalweg as tw
from thalweg import _core

# tw.objective, the function, hides the module of that name.
programs = importlib.import_module("thalweg._objectives.programs")


_table = np.random.default_rng(6).normal(size=40)


def waves(x):
    return np.sum(np.sin(x[0] * _table + x[1]))


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


def test_one_objective_serves_four_threads_at_once():
    F = tw.objective(waves, np.ones(4))
    points = np.random.default_rng(9).normal(size=(64, 4))
    G = tw.objective(waves, np.ones(4))  # its own answers, made alone
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


def test_tape_holds_no_dead_code():
    def f(x):
        np.sin(x)  # nobody reads it
        return np.exp(x)

    assert "sin" not in str(tw.objective(f, 1.0).tape)


# ---- threads and memory --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("threads", "error", "said"),
    [
        (True, TypeError, "threads must be a whole number, got True"),
        (2.0, TypeError, r"threads must be a whole number, got 2\.0"),
        ("2", TypeError, "threads must be a whole number, got '2'"),
        (None, TypeError, "threads must be a whole number, got None"),
        (0, ValueError, "threads must be >= 1, got 0"),
        (np.int64(-3), ValueError, "threads must be >= 1, got -3"),
    ],
)
def test_threads_that_are_no_number_are_refused(threads, error, said):
    with pytest.raises(error, match=said):
        programs.checked_threads(threads)


def test_threads_are_a_number_that_the_core_can_take():
    assert programs.checked_threads(np.int8(3)) == 3
    assert type(programs.checked_threads(np.int8(3))) is int
    assert programs.checked_threads(2**40) == 4096


def test_memory_is_refused_from_the_first_byte_that_is_missing(monkeypatch):
    monkeypatch.setattr(programs, "_available_memory", lambda: 8 * 10**2 * 3)
    programs.check_memory(2400, "it", "use less")
    programs.check_square(10, "it", "use less", 3)
    with pytest.raises(MemoryError, match=r"^it needs 2\.4e\+03 bytes; use less$"):
        programs.check_memory(2401, "it", "use less")
    with pytest.raises(MemoryError, match=r"^it of 11 variables needs 2\.9e\+03 bytes; use less$"):
        programs.check_square(11, "it", "use less", 3)


def test_memory_that_the_system_does_not_tell_is_enough(monkeypatch):
    def unknown(_):
        raise ValueError("unrecognized configuration name")

    monkeypatch.setattr(programs.os, "sysconf", unknown)
    assert programs._available_memory() == 2**62


# ---- each program is made once -------------------------------------------------------------------


def test_each_program_is_compiled_once():
    F = tw.objective(lambda x: np.sum(np.exp(x)), np.ones(2))
    x = np.ones((1, 2))
    F.rows_value_and_grad(x)
    F.rows_hvp(x, x)
    kept = dict(F._functions)
    F.rows_value_and_grad(2 * x)
    F.rows_hvp(x, np.ones((3, 2)))
    assert F._functions == kept
    assert {"value_and_grad", "hvp"} <= set(kept)
    first = F.stepper("adam", bounds=False, norm=True, change=False)
    assert F.stepper("adam", bounds=False, norm=True, change=False) is first
    assert F.stepper("adam", bounds=True, norm=True, change=False) is not first
    assert F.solver("lbfgs") is F.solver("lbfgs")


def test_squares_are_built_once_for_each_key(monkeypatch):
    F = tw.objective(lambda x: x**2, np.ones(2))
    built = []

    def build(graph, value, variables, inputs):
        built.append((graph is F._graph, value == F._f, variables == F.x_node, inputs))
        return object()

    first = F.kept_squares("a", build)
    assert F.kept_squares("a", build) is first
    assert F.kept_squares("b", build) is not first
    assert built == [(True, True, True, 1)] * 2
    monkeypatch.setattr(programs, "_available_memory", lambda: 8 * 2 * 2 * 3 - 1)
    with pytest.raises(
        MemoryError, match=r"least squares of 2 variables .*use minimize, with lbfgs"
    ):
        F.kept_squares("c", build)


def test_a_function_of_the_values_is_traced_once():
    F = tw.objective(lambda x: np.outer(x, x), np.array([1.0, 2.0]))
    calls = []

    def build(trace, values, variables):
        calls.append((values.shape, variables.shape))
        return [np.sum(values * trace.wrap(np.arange(4.0))).node, np.prod(variables).node]

    for _ in range(2):
        f = F.kept_function("weighted", build, 1)
        total, product = f([np.array([[3.0, 5.0]])], [True], 1)
        assert total[0, 0] == 0 * 9 + 1 * 15 + 2 * 15 + 3 * 25
        assert product[0, 0] == 15.0
    assert calls == [((4,), (2,))]


# ---- values, slopes and products -----------------------------------------------------------------


def cubes(x, a):
    return np.sum(a * x**3)


def test_arguments_may_vary_with_the_points():
    F = tw.objective(cubes, np.ones(2), args=(2.0,))
    rows = np.array([[1.0, 2.0], [3.0, 4.0], [0.0, -1.0]])
    values, slopes = F.rows_value_and_grad(rows)
    np.testing.assert_array_equal(values, [18.0, 182.0, -2.0])
    np.testing.assert_array_equal(slopes, 6 * rows**2)
    a = np.array([[1.0], [10.0], [100.0]])
    values, slopes = F.values_and_grads(rows, [a], [True])
    np.testing.assert_array_equal(values, [9.0, 910.0, -100.0])
    np.testing.assert_array_equal(slopes, 3 * a * rows**2)


def test_products_are_of_one_point_with_many_directions_or_of_pairs():
    F = tw.objective(cubes, np.ones(2), args=(2.0,))
    directions = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    np.testing.assert_array_equal(
        F.rows_hvp(np.array([[1.0, 2.0]]), directions), [[12.0, 0.0], [0.0, 24.0], [12.0, 24.0]]
    )
    points = np.array([[1.0, 2.0], [1.0, 3.0], [2.0, 2.0]])
    np.testing.assert_array_equal(
        F.rows_hvp(points, directions), [[12.0, 0.0], [0.0, 36.0], [24.0, 24.0]]
    )


def test_residuals_and_their_derivatives():
    F = tw.objective(lambda x: np.stack([x[0] * x[1], x[0], x[1] ** 2]), np.ones(2))
    residuals, jacobian = F.residuals_and_jacobian(np.array([[2.0, 3.0]]))
    np.testing.assert_array_equal(residuals, [6.0, 2.0, 9.0])
    np.testing.assert_array_equal(jacobian, [[3.0, 2.0], [1.0, 0.0], [0.0, 6.0]])


# ---- what is not finite --------------------------------------------------------------------------


def test_the_operation_at_fault_is_found():
    F = tw.objective(lambda x: np.sum(np.log(x) + np.sqrt(x)), np.ones(2))
    assert F.diagnose(np.array([[1.0, 4.0]]), gradient=False) is None
    operation, inputs, value, outside = F.diagnose(np.array([[1.0, -2.0]]), gradient=False)
    assert (operation, inputs, outside) == ("log", [-2.0], True)
    assert np.isnan(value)
    G = tw.objective(lambda x: np.sqrt(x) * 2.0, 1.0)
    assert G.diagnose(np.zeros((1, 1)), gradient=False) is None
    assert G.diagnose(np.zeros((1, 1)), gradient=True) is not None  # the slope at 0 is infinite
    R = tw.objective(lambda x: np.exp(x), np.ones(2))
    operation, inputs, value, outside = R.diagnose_residuals(np.array([[0.0, 800.0]]), False)
    assert (operation, inputs, value, outside) == ("exp", [800.0], np.inf, False)


def test_data_that_are_not_finite_are_described_with_their_names():
    F = tw.objective(cubes, np.ones(2), args=(np.array([1.0, np.nan]),))
    assert F.bad_data([np.ones(2)]) == ""
    assert "args[0]" in F.bad_data()
    assert "sigma" in F.bad_data(names=["sigma"])


def test_each_point_has_its_own_fault():
    F = tw.objective(lambda x: np.log(x[0]) + np.exp(x[1]), np.ones(2))
    rows = np.array([[1.0, 0.0], [-1.0, 0.0], [1.0, 1000.0]])
    faults = F.faults(rows, [], [], gradient=False)
    assert faults.shape == (3,)
    assert len(set(faults.tolist())) == 3  # none, outside the domain, overflow
    assert faults[0] == F.faults(rows[:1], [], [], gradient=True)[0]


# ---- fits and rows of data -----------------------------------------------------------------------


def test_a_fit_is_built_once_and_finds_the_least_squares(monkeypatch):
    t = np.array([0.0, 1.0, 2.0, 3.0])
    F = tw.objective(lambda p, y: p[0] + p[1] * t - y, np.ones(2), args=(2.0 + 0.5 * t,))
    stopping = _core.Stopping(gtol=1e-10, max_iter=100, max_nfev=100)
    F.fit(np.ones(2), F.args, [], None, 1, stopping, 1.0)
    built = F._minimizers["fit"]
    x, *_ = F.fit(np.zeros(2), F.args, [], None, 1, stopping, 1.0)
    assert F._minimizers["fit"] is built
    np.testing.assert_allclose(x, [2.0, 0.5], rtol=1e-10)
    G = tw.objective(lambda p: p, np.ones(2))
    monkeypatch.setattr(programs, "_available_memory", lambda: 8 * 2 * 2 * 3 - 1)
    with pytest.raises(MemoryError, match=r"a fit of 2 variables .*use minimize, with lbfgs"):
        G.fit(np.ones(2), [], [], None, 1, stopping, 1.0)


def test_programs_over_rows_are_of_the_value_alone_or_with_its_gradient():
    X, w = np.arange(12.0).reshape(6, 2), np.array([1.0, -2.0])
    F = tw.objective(lambda w, X, c: c * np.mean((X @ w) ** 2), w, args=(X[:3], 2.0))
    value, gradient = 2 * np.mean((X @ w) ** 2), 4 * X.T @ (X @ w) / 6
    for slopes, wanted in ((False, [value]), (True, [value, *gradient])):
        over = _core.OnBatches(F.on_rows(1, 3, slopes), None, [X], None, [np.array([2.0])])
        np.testing.assert_allclose(over.mean(w, 1)[0], wanted, rtol=1e-14)
