# SPDX-License-Identifier: BSD-3-Clause
"""Nothing is kept that nobody holds: resident memory after many objectives, descents and errors.

`THALWEG_TEST_TRACES` sets how many objectives are traced (100,000 if it is not there: some 3 s).
"""

import gc
import os
import pickle
import subprocess
import sys
import textwrap
import weakref

import numpy as np
import pytest
from problems import rosenbrock, sauna

import thalweg as tw

TRACES = int(os.environ.get("THALWEG_TEST_TRACES", "100000"))
MB = 1_000_000
# 30 bytes for each of 1e5: a leaked node would be more. Below that the allocator breathes.
ALLOWED = 3 * MB

statm = "/proc/self/statm"
pytestmark = pytest.mark.skipif(not os.access(statm, os.R_OK), reason="needs /proc")


def resident():
    gc.collect()
    with open(statm) as f:  # noqa: PTH123 - not a file of ours
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def growth(work, times, warm_up=None):
    """Bytes by which resident memory grows over `times` calls, after others that warm up."""
    for i in range(warm_up or max(times // 10, 10)):
        work(-i)
    before = resident()
    for i in range(times):
        work(i)
    return resident() - before


def test_traced_objectives_leave_nothing():
    def work(i):
        tw.objective(lambda x, y: sauna(x, y) + i, [1.0, 2.0])

    grown = growth(work, TRACES)
    assert grown < ALLOWED, f"{grown / MB:.1f} MB after {TRACES} objectives"


def test_evaluated_objectives_leave_nothing():
    x, v = np.array([1.0, 2.0]), np.array([1.0, 0.0])
    data = np.arange(100.0)

    def work(i):
        F = tw.objective(lambda x, y: sauna(x, y) + np.sum(np.sin(data * x)) * i, x)
        F(x), F.grad(x), F.hvp(x, v), F.hessian(x), F.tape

    grown = growth(work, TRACES // 50)
    assert grown < ALLOWED, f"{grown / MB:.1f} MB"


def test_descents_leave_nothing():
    def work(i):
        tw.minimize(sauna, [0.5, 0.6], "adam", learning_rate=0.1, max_iter=20, record=True,
                    callback=id, bounds=[(0, 5)] * 2)  # fmt: skip

    grown = growth(work, TRACES // 50)
    assert grown < ALLOWED, f"{grown / MB:.1f} MB"


def test_called_functions_leave_nothing():
    def work(i):
        tw.minimize(lambda x: float(rosenbrock(x)), np.ones(2) * 0.9, "momentum",
                    learning_rate=1e-4, max_iter=5, trace=False)  # fmt: skip

    grown = growth(work, TRACES // 100)
    assert grown < ALLOWED, f"{grown / MB:.1f} MB"


def test_errors_leave_nothing():
    def fails(x):
        raise KeyError("mine")

    def stops(x):
        raise ValueError("mine")

    def work(i):
        with pytest.raises(KeyError):
            tw.objective(fails, 1.0)
        with pytest.raises(tw.TraceError):
            tw.objective(lambda x: float(x), 1.0)
        with pytest.raises(ValueError, match="mine"):
            tw.minimize(rosenbrock, np.zeros(2), "momentum", learning_rate=1e-3, callback=stops)
        with pytest.raises(KeyError):
            tw.minimize(fails, np.zeros(2), "momentum", learning_rate=1e-3, trace=False)

    grown = growth(work, TRACES // 200)
    assert grown < ALLOWED, f"{grown / MB:.1f} MB"


def test_pickling_leaves_nothing():
    data = np.arange(100.0)
    F = tw.objective(lambda x: np.sum(np.sin(data * x[0] + x[1])), np.ones(2))

    def work(i):
        pickle.loads(pickle.dumps(F)).grad(np.ones(2))

    grown = growth(work, TRACES // 50)
    assert grown < ALLOWED, f"{grown / MB:.1f} MB"


def test_one_objective_called_often_does_not_grow():
    F = tw.objective(sauna, [1.0, 2.0])
    x, lanes = np.array([1.0, 2.0]), np.ones((100, 2))

    def work(i):
        F(x), F(lanes), F.value_and_grad(x), F.hvp(x, x), F.hessian(x), F.tape
        tw.minimize(F, x, "gradient_descent", learning_rate=0.01, max_iter=3)

    grown = growth(work, TRACES // 20)
    assert grown < ALLOWED, f"{grown / MB:.1f} MB"


def test_cached_gradients_of_many_shapes_are_bounded():
    def f(x):
        return np.sum(x**2)

    def work(i):
        tw.grad(f)(np.ones(1 + abs(i) % 500))

    grown = growth(work, 5000, warm_up=600)
    assert grown < ALLOWED, f"{grown / MB:.1f} MB"


def test_gradients_of_many_functions_leave_nothing():
    def work(i):
        tw.grad(lambda x: np.sum(x**2) + i)(np.ones(3))

    grown = growth(work, TRACES // 20)
    assert grown < ALLOWED, f"{grown / MB:.1f} MB"


def test_data_is_let_go_with_the_objective():
    class Array(np.ndarray):  # can be watched
        pass

    def traced():
        data = np.arange(1000.0).view(Array)
        return tw.objective(lambda x: np.sum(data * x), 1.0), weakref.ref(data)

    F, gone = traced()
    G = pickle.loads(pickle.dumps(F))
    assert F(1.0) == G(1.0) == 499_500.0
    gc.collect()
    assert F(1.0) == 499_500.0  # held as long as it is needed
    del F
    gc.collect()
    assert gone() is None
    assert G(1.0) == 499_500.0


def test_callback_and_function_are_let_go():
    def make():
        def f(x):
            return float(np.sum(x**2))

        def callback(x):
            pass

        return f, callback

    f, callback = make()
    held = weakref.ref(f), weakref.ref(callback)
    res = tw.minimize(f, np.ones(2), "momentum", learning_rate=0.01, trace=False, callback=callback)
    del res, f, callback
    gc.collect()
    assert [r() for r in held] == [None, None]


def test_naming_what_went_wrong_at_many_points_takes_little_memory():
    code = """
        import numpy as np, thalweg as tw
        d = np.linspace(0.0, 1.0, 100_000)
        f = lambda x: np.sum(np.log(x[0] * d + x[1]) * np.exp(-d * x[1]))
        starts = np.tile([-2.0, 1.0], (200, 1))
        r = tw.minimize_many(f, starts, "gradient_descent", learning_rate=0.1, max_iter=1)
        assert (r.reason == tw.Reason.left_domain).all()
        with open("/proc/self/status") as f:  # not getrusage: that counts the parent's peak too
            print(next(line.split()[1] for line in f if line.startswith("VmHWM")))
    """
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    # All values of all points at once would take 1.4 GB.
    assert int(run.stdout) < 700_000, f"{int(run.stdout) / 1000:.0f} MB"
