# SPDX-License-Identifier: BSD-3-Clause
"""Loops that stay loops: values, derivatives and layouts against loops in Python."""

import pickle
import re
from typing import NamedTuple

import numpy as np
import pytest

import thalweg as tw
from thalweg._tracing import bodies

RNG = np.random.default_rng(0)


class Cell(NamedTuple):
    """A carry with names."""

    h: object
    total: object


def unrolled(step, carry, xs, reverse=False):
    """Do what scan does, in Python, step by step."""
    ys = []
    for t in range(len(xs))[:: -1 if reverse else 1]:
        carry, y = step(carry, xs[t])
        ys.append(y)
    return carry, np.stack(ys[:: -1 if reverse else 1])


def network(p, scan):
    """A small recurrent network: products of matrices, several values carried."""
    A = np.stack([p[:3], p[3:6], p[6:9]])
    xs = np.random.default_rng(1).normal(size=(20, 3))

    def step(c, x):
        h = np.tanh(A @ c[:3] + x * p[9])
        return np.concatenate([h, np.stack([c[3] + np.sum(h**2)])]), h * np.exp(-c[3])

    c, ys = scan(step, np.zeros(4), xs)
    return np.sum(np.sin(ys)) + np.sum(c * p[:4])


def decay(p, scan, reverse=False):
    """A nonlinear recurrence that starts from a parameter and drives others."""

    def step(c, x):
        return c * p[0] + np.sin(x * p[1]) - 0.1 * c**2, c * x

    c, ys = scan(step, p[2] * np.ones(2), np.linspace(0.0, 1.0, 53), reverse=reverse)
    return np.sum(c) + np.sum(ys**2)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("kept", [bodies.KEPT, 30])
def test_derivatives_are_those_of_the_unrolled_loop(reverse, kept, monkeypatch):
    monkeypatch.setattr(bodies, "KEPT", kept)
    p = np.array([0.5, 1.0, 0.3])
    F = tw.objective(lambda p: decay(p, tw.scan, reverse), p)
    G = tw.objective(lambda p: decay(p, unrolled, reverse), p)
    assert F(p) == pytest.approx(decay(p, unrolled, reverse), rel=1e-13)
    np.testing.assert_allclose(F.grad(p), G.grad(p), rtol=1e-12)
    np.testing.assert_allclose(F.hessian(p), G.hessian(p), rtol=1e-11)
    u, v = RNG.normal(size=(2, 3))
    np.testing.assert_allclose(F.jvp(p, v), G.jvp(p, v), rtol=1e-12)
    np.testing.assert_allclose(F.hvp(p, u), G.hvp(p, u), rtol=1e-11)


@pytest.mark.parametrize("model", [network, decay])
def test_lanes_have_the_bits_of_one_point(model):
    points = 0.3 * RNG.normal(size=(43, 10)) + 0.4
    F = tw.objective(lambda p: model(p, tw.scan), points[0])
    values, slopes = F(points), F.grad(points)
    np.testing.assert_array_equal(values, [F(p) for p in points])
    np.testing.assert_array_equal(slopes, [F.grad(p) for p in points])
    G = tw.objective(lambda p: model(p, unrolled), points[0])
    np.testing.assert_allclose(slopes, G.grad(points), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(F.hessian(points[1]), G.hessian(points[1]), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("kept", [bodies.KEPT, 30])
def test_saved_loops_are_the_same(kept, monkeypatch):
    monkeypatch.setattr(bodies, "KEPT", kept)
    p = np.array([0.5, 1.0, 0.3])
    F = tw.objective(lambda p: decay(p, tw.scan), p)
    again = pickle.loads(pickle.dumps(F))
    assert again(p) == F(p)
    np.testing.assert_array_equal(again.grad(p), F.grad(p))


def test_nested_values_keep_their_form():
    def f(p):
        def step(c, x):
            h = p * c.h + x["a"]
            return Cell(h, c.total + np.sum(h * x["b"])), {"h": h, "none": None, "pair": [c.total]}

        xs = {"a": np.arange(6.0).reshape(3, 2), "b": np.ones(3)}
        c, ys = tw.scan(step, Cell(np.zeros(2), 0.0), xs)
        assert isinstance(c, Cell)
        assert set(ys) == {"h", "none", "pair"}
        assert ys["none"] is None
        assert ys["h"].shape == (3, 2)
        assert ys["pair"][0].shape == (3,)
        return c.total + np.sum(ys["h"]) + np.sum(ys["pair"][0])

    p = np.array([0.5, 0.2])
    F = tw.objective(f, p)
    assert F(p) == pytest.approx(f(p), rel=1e-14)
    assert tw.check_grad(F, p).error < 1e-7


def test_loops_in_loops():
    def f(p):
        def outer(c, x):
            inner = tw.fori(3, lambda i, u: u * p[0] + x * p[1] + 0.1 * i, c)
            return np.sin(inner), inner * p[1]

        c, ys = tw.scan(outer, p[2], np.arange(4.0))
        return c + np.sum(ys**2)

    p = np.array([0.5, 0.2, 0.1])
    F = tw.objective(f, p)
    assert F(p) == pytest.approx(f(p), rel=1e-14)
    assert tw.check_grad(F, p).error < 1e-7
    h = 1e-6 * np.eye(3)
    differences = [(F.grad(p + e) - F.grad(p - e)) / 2e-6 for e in h]
    np.testing.assert_allclose(F.hessian(p), differences, atol=1e-7)


def test_complex_values_are_carried():
    def f(p):
        def step(z, x):
            z = z * np.exp(1j * p[0] * x) * p[1]
            return z, np.abs(z) + z.real

        z, ys = tw.scan(step, 1.0 + 0.5j, np.linspace(0.0, 1.0, 9))
        return np.sum(ys) + np.abs(z) ** 2

    p = np.array([0.7, 0.9])
    F = tw.objective(f, p)
    assert F(p) == pytest.approx(f(p), rel=1e-14)
    assert tw.check_grad(F, p).error < 1e-7
    with pytest.raises(tw.TraceError, match="Begin with a complex one"):
        tw.objective(lambda p: np.abs(tw.scan(lambda z, _: (z * 1j, None), p, length=3)[0]), 1.0)


def test_parameters_that_only_the_step_reads():
    """Nothing that scan is called with is traced."""
    F = tw.objective(lambda p: tw.scan(lambda c, x: (c * p + x, None), 1.0, np.arange(4.0))[0], 0.5)
    assert F(0.5) == pytest.approx(1 / 16 + 1 / 4 + 2 / 2 + 3, rel=1e-15)
    assert F.grad(0.5) == pytest.approx(4 / 8 + 1 * 2 / 2 + 2, rel=1e-15)


def test_unused_inputs_and_constant_results():
    def f(p):
        c, ys = tw.scan(lambda c, x: (p[0], (c, 1.0, x)), p[1], np.arange(5.0))
        return c + np.sum(ys[0] * ys[1] * ys[2])

    p = np.array([0.5, 0.2])
    F = tw.objective(f, p)
    assert F(p) == pytest.approx(f(p), rel=1e-15)
    np.testing.assert_allclose(F.grad(p), [11.0, 0.0])
    points = RNG.normal(size=(21, 2))
    np.testing.assert_array_equal(F(points), [F(q) for q in points])


def test_long_loops_run_in_lanes():
    r = RNG.normal(size=600)

    def garch(p, r):
        def step(v, r_t):
            return p[0] + p[1] * r_t**2 + p[2] * v, np.log(v) + r_t**2 / v

        return np.sum(tw.scan(step, 1.0, r)[1])

    start = np.array([0.2, 0.1, 0.7])
    F = tw.objective(garch, start, args=(r,))
    points = start + 0.05 * RNG.uniform(size=(37, 3))
    np.testing.assert_array_equal(F(points), [F(p) for p in points])
    np.testing.assert_array_equal(F.grad(points), [F.grad(p) for p in points])
    found = tw.minimize(F, start, bounds=[(1e-6, 2.0)] * 3)
    assert found.success
    assert found.fun < F(start)


def test_numbers_run_in_numpy():
    c, ys = tw.scan(lambda c, x: (c + x, c * x), 0, [1, 2, 3])
    assert c == 6
    assert ys.tolist() == [0, 2, 9]
    c, ys = tw.scan(lambda c, x: (c + x, c * x), 0, [1, 2, 3], reverse=True)
    assert c == 6
    assert ys.tolist() == [5, 6, 0]
    table = [10, 20, 30]
    assert tw.fori(3, lambda i, c: c + table[i], 0) == 60  # an index, since nothing is traced
    assert tw.fori(0, lambda _, c: c + 1, 5) == 5
    assert tw.scan(lambda c, _: (c, None), (1, 2), length=2) == ((1, 2), None)


def test_a_body_is_traced_once():
    calls = []

    def f(p):
        def step(c, x):
            calls.append(1)
            return c * p, None

        return tw.scan(step, p, length=1000)[0]

    F = tw.objective(f, 0.9)
    assert len(calls) == 1
    assert F.tape.count("scan") == 2
    assert F(0.999) == pytest.approx(0.999**1001, rel=1e-12)


@pytest.mark.parametrize(
    ("f", "error", "match"),
    [
        (lambda p: tw.scan(lambda c, _: (c, None), p)[0], ValueError, "length="),
        (lambda p: tw.scan(lambda c, _: (c, None), p, [1.0], 2)[0], ValueError, r"\[1, 2\]"),
        (lambda p: tw.scan(lambda c, _: (c, None), p, 1.0)[0], ValueError, "leading axis"),
        (lambda p: tw.scan(lambda c, _: c, p, [1.0])[0], TypeError, "a pair"),
        (lambda p: tw.scan(lambda c, _: ((c, c), None), p, [1.0])[0], ValueError, "the form"),
        (
            lambda p: np.sum(tw.scan(lambda c, _: (c * np.ones(2), None), p, [1.0])[0]),
            ValueError,
            r"the shape \(\) that it got, returned \(2,\)",
        ),
        (lambda p: tw.fori(-1, lambda _, c: c, p), ValueError, "n must not be negative"),
        (lambda p: tw.fori(2, lambda i, c: c + [1.0, 2.0][i], p), TypeError, "index"),
    ],
)
def test_mistakes_are_named(f, error, match):
    with pytest.raises(error, match=match):
        tw.objective(f, 0.5)


def test_values_of_a_body_stay_inside():
    kept = []

    def f(p):
        tw.scan(lambda c, _: (kept.append(c * p) or c, None), p, length=3)
        return kept[0]

    with pytest.raises(tw.TraceError, match="Return it from the step"):
        tw.objective(f, 0.5)


def test_formulas_say_what_has_no_form():
    F = tw.objective(lambda p: tw.fori(3, lambda _, c: c * p, p), 0.5)
    with pytest.raises(NotImplementedError, match=r"tw\.scan and tw\.fori have no SymPy form"):
        tw.formula(F)


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (lambda c, p: np.log(c) - p, r"left the domain: log\(-1\.90139\) = nan"),
        (lambda c, p: c * p * 1e200, r"not finite: multiply\(2\.7e\+201, 1e\+200\) = inf"),
        (
            lambda c, p: (
                c + np.linalg.cholesky(np.stack([np.stack([p, 2 * c]), [0.0, 1.0]]).T)[1, 1]
            ),
            "left the domain: cholesky of a matrix that is not positive definite in the value",
        ),
    ],
)
def test_the_operation_inside_that_failed_is_named(step, said):
    def f(p):
        return tw.scan(lambda c, _: (step(c, p), None), p, length=5)[0] ** 2

    assert re.search(said, tw.minimize(f, 3.0).message)
    many = tw.minimize_many(f, np.full(9, 3.0))
    assert (many.reason == tw.minimize(f, 3.0).reason).all()
