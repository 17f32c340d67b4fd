# SPDX-License-Identifier: BSD-3-Clause
"""Functions that are called from traced ones, and derivatives of one's own."""

import math
import pickle
import threading

import numpy as np
import pytest
import scipy.optimize

import thalweg as tw

POINTS = np.random.default_rng(0).normal(size=(37, 3))


def outside(a, b):
    """Something with branches that only numbers can take."""
    assert isinstance(a, float)
    return np.array([math.sin(a) * b[0], b[1] if b[1] > 0 else 2 * b[1]])


def its_jacobian(a, b):
    """The derivatives by a and by b."""
    by_a = np.array([math.cos(a) * b[0], 0.0])
    return by_a, np.array([[math.sin(a), 0.0], [0.0, 1.0 if b[1] > 0 else 2.0]])


def objective(x):
    """The called function between traced parts."""
    y = tw.call(outside, (x[0], x[1:] ** 2 - 0.5), 2, jac=its_jacobian)
    return np.sum(y**2) + x[0]


class TestCall:
    def test_values_and_gradients(self):
        F = tw.objective(objective, POINTS[0])
        for x in POINTS[:5]:
            assert F(x) == pytest.approx(objective(x), rel=1e-14)
            differences = scipy.optimize.approx_fprime(x, objective, 1e-7)
            np.testing.assert_allclose(F.grad(x), differences, atol=1e-5)
        np.testing.assert_array_equal(F(POINTS), [F(x) for x in POINTS])
        np.testing.assert_array_equal(F.grad(POINTS), [F.grad(x) for x in POINTS])
        J = tw.jacobian(lambda x: tw.call(outside, (x[0], x[1:]), 2, jac=its_jacobian))(POINTS[0])
        a, b = its_jacobian(POINTS[0][0], POINTS[0][1:])
        np.testing.assert_allclose(J, np.column_stack([a, b]))

    def test_descents_and_many_of_them(self):
        def f(x):
            return (tw.call(math.cos, x, jac=lambda a: -math.sin(a)) - 0.5) ** 2

        found = tw.minimize(f, 1.0)
        assert found.success
        assert found.x == pytest.approx(math.pi / 3, abs=1e-6)
        many = tw.minimize_many(f, np.linspace(0.5, 1.5, 100), threads=2)
        assert many.success.all()
        np.testing.assert_allclose(many.x, math.pi / 3, atol=1e-6)

    def test_one_point_is_one_call(self):
        calls = []
        F = tw.objective(lambda x: tw.call(lambda a: calls.append(a) or a, x) * 2.0, 0.0)
        assert not calls
        assert F(3.0) == 6.0
        assert calls == [3.0]

    def test_without_numbers_nothing_is_recorded(self):
        assert tw.call(math.cos, 0.0) == 1.0

    def test_long_arrays(self):
        def f(x):
            return np.sum(tw.call(np.sort, x, 1000, jac=lambda x: np.eye(1000)[np.argsort(x)]) ** 2)

        x = np.random.default_rng(1).normal(size=1000)
        F = tw.objective(f, x)
        assert F(x) == pytest.approx(np.sum(x**2), rel=1e-13)
        np.testing.assert_allclose(F.grad(x), 2 * x, rtol=1e-13)

    def test_errors_are_raised_as_they_are(self):
        def fails(a):
            if a > 1:
                raise KeyError("no such entry")
            return a

        def f(x):
            return tw.call(fails, x, jac=lambda _: 1.0) ** 2 - 10.0 * x

        F = tw.objective(f, 0.0)
        for what in (
            lambda: F(2.0),
            lambda: F(np.linspace(0.0, 2.0, 1000)),
            lambda: tw.minimize(f, 0.0),
            lambda: tw.minimize_many(f, np.linspace(0.0, 0.5, 1000), threads=2),
        ):
            with pytest.raises(KeyError, match="no such entry"):
                what()
        assert F(0.5) == 0.25 - 5.0  # as before

    def test_wrong_shapes_and_missing_derivatives_are_named(self):
        F = tw.objective(lambda x: np.sum(tw.call(lambda a: a[:1], x, 2)), np.ones(2))
        with pytest.raises(ValueError, match=r"must return the shape \(2,\), got \(1,\)"):
            F(np.ones(2))
        F = tw.objective(lambda x: np.sum(tw.call(np.sin, x, 2)), np.ones(2))
        with pytest.raises(ValueError, match="pass jac="):
            F.grad(np.ones(2))
        F = tw.objective(lambda x: np.sum(tw.call(np.sin, x, 2, jac=np.cos)), np.ones(2))
        with pytest.raises(ValueError, match=r"jac must return the shape \(2, 2\).*got \(2,\)"):
            F.grad(np.ones(2))
        with pytest.raises(tw.TraceError, match=r"z\.real"):
            tw.objective(lambda x: np.abs(tw.call(np.exp, 1j * x)), 1.0)

    def test_pickles_hold_functions_by_name(self):
        F = tw.objective(objective, POINTS[0])
        assert pickle.loads(pickle.dumps(F))(POINTS[1]) == F(POINTS[1])
        G = tw.objective(lambda x: tw.call(lambda a: a, x), 1.0)
        with pytest.raises((pickle.PicklingError, AttributeError)):
            pickle.dumps(G)

    def test_from_another_thread(self):
        F, found = tw.objective(objective, POINTS[0]), []
        thread = threading.Thread(target=lambda: found.append(F(POINTS[0])))
        thread.start()
        thread.join()
        assert found == [F(POINTS[0])]


def soft(x):
    """A kink that shall have a slope like tanh."""
    return np.abs(x)


class TestCustom:
    def test_the_derivative_is_the_given_one(self):
        g = tw.custom(soft, lambda x: np.tanh(x))
        F = tw.objective(lambda x: np.sum(g(x) ** 2), POINTS[0])
        assert F(POINTS[1]) == np.sum(POINTS[1] ** 2)
        x = POINTS[1]
        np.testing.assert_allclose(F.grad(x), 2 * np.abs(x) * np.tanh(x), rtol=1e-14)
        np.testing.assert_array_equal(F.grad(POINTS), [F.grad(x) for x in POINTS])
        second = 2 * np.tanh(x) ** 2 + 2 * np.abs(x) / np.cosh(x) ** 2
        np.testing.assert_allclose(F.hessian(x), np.diag(second), rtol=1e-13)
        assert pickle.loads(pickle.dumps(F)).grad(x).tolist() == F.grad(x).tolist()
        assert g(-2.0) == 2.0  # of numbers

    def test_a_jacobian_in_full(self):
        A = np.random.default_rng(1).normal(size=(2, 3))
        g = tw.custom(lambda x: A @ np.sin(x), lambda x: A * np.cos(x))
        F = tw.objective(lambda x: np.sum(g(x) ** 3), POINTS[0])
        G = tw.objective(lambda x: np.sum((A @ np.sin(x)) ** 3), POINTS[0])
        np.testing.assert_allclose(F.grad(POINTS), G.grad(POINTS), rtol=1e-12)
        np.testing.assert_allclose(F.hessian(POINTS[0]), G.hessian(POINTS[0]), rtol=1e-11)

    def test_several_arguments(self):
        g = tw.custom(lambda x, y: x * np.exp(y), lambda x, y: (np.exp(y), x * np.exp(y)))
        F = tw.objective(lambda x: g(x[0], x[1]) * x[2], POINTS[0])
        G = tw.objective(lambda x: x[0] * np.exp(x[1]) * x[2], POINTS[0])
        np.testing.assert_allclose(F.grad(POINTS), G.grad(POINTS), rtol=1e-14)
        np.testing.assert_allclose(F.hessian(POINTS[0]), G.hessian(POINTS[0]), rtol=1e-13)

    def test_no_derivative_at_all(self):
        constant = tw.custom(lambda x: x**2, lambda _: None)
        F = tw.objective(lambda x: x * constant(x), 3.0)
        assert F(3.0) == 27.0
        assert F.grad(3.0) == 9.0

    def test_an_argument_that_broadcasts(self):
        g = tw.custom(lambda a, x: a * x, lambda a, x: (x, a * np.ones_like(x)))
        F = tw.objective(lambda p: np.sum(g(p[0], p[1:]) ** 2), POINTS[0])
        G = tw.objective(lambda p: np.sum((p[0] * p[1:]) ** 2), POINTS[0])
        np.testing.assert_allclose(F.grad(POINTS), G.grad(POINTS), rtol=1e-14)

    def test_mistakes_are_named(self):
        with pytest.raises(TypeError, match="derivative must be callable, got float"):
            tw.custom(np.sin, 1.0)
        g = tw.custom(np.sin, lambda _: np.ones(2))
        with pytest.raises(ValueError, match=r"the shape \(3, 3\) or \(3,\), got \(2,\)"):
            tw.objective(lambda x: np.sum(g(x)), np.ones(3))
        g = tw.custom(lambda x, y: x * y, lambda _, y: y)
        with pytest.raises(ValueError, match="a tuple of 2"):
            tw.objective(lambda x: g(x[0], x[1]), np.ones(2))
