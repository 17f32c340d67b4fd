# SPDX-License-Identifier: BSD-3-Clause
"""Loops that unroll to tens of thousands of operations: right, in time that grows with them."""

import math
import os
import subprocess
import sys
import time

import numpy as np
import pytest

import thalweg as tw
from thalweg import _core


def logistic_growth(steps):
    """A sum of squares over a loop, and its gradient by the chain rule, in Python's numbers."""

    def traced(p):
        y, ys = p[0], []
        for _ in range(steps):
            y = y + 0.001 * p[1] * y * (1 - y)
            ys.append(y)
        return np.sum(np.stack(ys) ** 2)

    def by_hand(p):
        y, dy0, dy1, terms = p[0], 1.0, 0.0, []
        for _ in range(steps):
            slope = 1 + 0.001 * p[1] * (1 - 2 * y)
            dy0, dy1 = slope * dy0, slope * dy1 + 0.001 * y * (1 - y)
            y = y + 0.001 * p[1] * y * (1 - y)
            terms.append((y * y, 2 * y * dy0, 2 * y * dy1))
        value, *gradient = map(math.fsum, zip(*terms, strict=True))
        return value, gradient

    return traced, by_hand


# Around 2^13 steps a stage between rows has 32,768 inputs, as many as 16 bits count.
@pytest.mark.parametrize("steps", [8191, 8192, 8193, 10_000])
def test_a_loop_of_ten_thousand_steps_is_differentiated(steps):
    traced, by_hand = logistic_growth(steps)
    p = np.array([0.1, 0.5])
    f = tw.objective(traced, p)
    value, gradient = by_hand(p)
    # Rounding of as many steps, most of it cancelling.
    np.testing.assert_allclose(f(p), value, rtol=1e-12)
    np.testing.assert_allclose(f.grad(p), gradient, rtol=1e-11)


def test_an_array_of_forty_thousand_traced_numbers_is_differentiated():
    v = np.linspace(-1.0, 1.0, 20_000)
    c = np.random.default_rng(0).normal(size=(2, v.size))
    f = tw.objective(lambda v: np.sum(c * np.array([v, 2 * v]) ** 2), v)
    np.testing.assert_allclose(f(v), np.sum(c * np.array([v, 2 * v]) ** 2), rtol=1e-12)
    np.testing.assert_allclose(f.grad(v), 2 * v * c[0] + 8 * v * c[1], rtol=1e-12, atol=1e-15)


def pendulum(steps, h):
    """The end of a swing, by Runge and Kutta's method of order 4."""

    def end(p):
        def slope(a, w):
            return w, -p[0] * np.sin(a) - p[1] * w

        a, w = p[2], 0.0
        for _ in range(steps):
            a1, w1 = slope(a, w)
            a2, w2 = slope(a + h / 2 * a1, w + h / 2 * w1)
            a3, w3 = slope(a + h / 2 * a2, w + h / 2 * w2)
            a4, w4 = slope(a + h * a3, w + h * w3)
            a = a + h / 6 * (a1 + 2 * a2 + 2 * a3 + a4)
            w = w + h / 6 * (w1 + 2 * w2 + 2 * w3 + w4)
        return a**2 + w**2

    return end


def test_runge_kutta_over_thousands_of_steps_matches_complex_steps():
    end, p = pendulum(4000, 1e-3), np.array([9.0, 0.2, 1.0])
    f = tw.objective(end, p)
    steps = [end(p + 1e-30j * e).imag / 1e-30 for e in np.eye(3)]
    np.testing.assert_allclose(f.grad(p), steps, rtol=1e-10)


def test_garch_over_thousands_of_returns_matches_complex_steps():
    r = 0.01 * np.random.default_rng(3).standard_t(5, size=10_000)

    def likelihood(p):
        h, terms = p[0] / (1 - p[1] - p[2]), []
        for x in r:
            terms.append(np.log(h) + x * x / h)
            h = p[0] + p[1] * x * x + p[2] * h
        return sum(terms) / len(terms)

    p = np.array([1e-6, 0.08, 0.9])
    f = tw.objective(likelihood, p)
    steps = [likelihood(p + 1e-30j * e).imag / 1e-30 for e in np.eye(3)]
    np.testing.assert_allclose(f(p), likelihood(p), rtol=1e-12)
    np.testing.assert_allclose(f.grad(p), steps, rtol=1e-9)


def test_a_hundred_thousand_negations_need_no_stack():
    def f(x):
        y = x
        for _ in range(100_000):
            y = -y
        return np.sum(y * np.ones((3, 1))) + np.sum(x * y)

    x = np.array([1.0, 2.0])
    np.testing.assert_allclose(tw.objective(f, x).grad(x), 3.0 + 2.0 * x)


def test_arrays_joined_in_a_loop_need_no_stack():
    def f(x):
        all_of = x[:1]
        for k in range(1, 300):
            all_of = np.concatenate([all_of, all_of[-1:] * x[k]])
        return np.sum(all_of)

    x = np.full(300, 1.01)
    runs = np.array([np.sum(1.01 ** np.arange(k, 300)) for k in range(300)])
    np.testing.assert_allclose(tw.objective(f, x).grad(x), runs, rtol=1e-12)


def test_what_is_too_large_is_refused():
    g = _core.Graph()
    with pytest.raises(ValueError, match=r"shape \(1048576, 1048576, 1048576\) is too large"):
        g.input(0, (1 << 20, 1 << 20, 1 << 20))
    with pytest.raises(ValueError, match="too large"):
        g.input(0, (0, 1 << 40, 1 << 40))  # nothing in it, but its strides would overflow
    with pytest.raises(ValueError, match=r"axes must not be negative, got .* \(3, -1\)"):
        g.input(0, (3, -1))
    with pytest.raises(ValueError, match="may have at most 64 axes, got 65"):
        g.input(0, (1,) * 65)
    with pytest.raises(TypeError):
        g.input(1 << 31, (3,))


def scaled_sums(steps):
    def f(p):
        y, total = p[0], 0.0
        for _ in range(steps):
            y = 0.999 * y
            total = total + (p[1] * y) ** 2
        return total

    return f, np.array([1.0, 0.5])


def switching_sums(steps):
    def f(p):
        s, y, total = np.exp(p), 0.0, 0.0
        for k in range(steps):
            y = np.where(s[k] > 1.0, 0.9 * y + s[k], 0.5 * y - s[k])
            total = total + y * y
        return total

    return f, np.linspace(-0.1, 0.1, steps)


@pytest.mark.parametrize(
    "make", [scaled_sums, switching_sums, lambda n: (pendulum(n, 0.01), np.ones(3))]
)
def test_derivatives_grow_with_the_function_and_no_faster(make):
    def nodes(steps):
        function, x = make(steps)
        f = tw.objective(function, x)
        f.grad(x)
        f.hvp(x, x)
        return len(f._graph)

    assert nodes(800) < 2.1 * nodes(400)  # 4 times as many, were it quadratic


def test_branches_over_slices_of_an_array_are_differentiated():
    function, x = switching_sums(60)
    f = tw.objective(function, x)
    h = 1e-6  # of central differences: h^2 and eps / h, 1e-9 of sums of some 100
    slopes = [(f(x + h * e) - f(x - h * e)) / (2 * h) for e in np.eye(60)]
    np.testing.assert_allclose(f.grad(x), slopes, rtol=1e-6, atol=1e-6)
    products = [(f.grad(x + h * e) - f.grad(x - h * e)) / (2 * h) for e in np.eye(60)[:3]]
    for e, product in zip(np.eye(60), products, strict=False):
        np.testing.assert_allclose(f.hvp(x, e), product, rtol=1e-6, atol=1e-5)


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
