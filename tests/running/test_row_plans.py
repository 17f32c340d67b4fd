# SPDX-License-Identifier: BSD-3-Clause
"""Plans of rows: time and memory that they take, and random programs."""

import gc
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import random_rows
from row_cases import (
    VECTORS,
    Function,
    check,
    table,
    vector,
)

import thalweg as tw


def seconds(work: Callable[[], Any], times: int = 3) -> float:
    """Processor time of the fastest of a few."""

    def once() -> float:
        start = time.process_time()
        work()
        return time.process_time() - start

    return min(once() for _ in range(times))


def test_tracing_and_lowering_do_not_look_at_a_long_vector() -> None:
    x = np.zeros(1_000_000)
    assert seconds(lambda: tw.objective(VECTORS["rosenbrock"], x).tape, 5) < 0.005


def in_a_loop(n: int) -> Function:
    return lambda x: sum(np.sin(x[i]) * x[i + 1] for i in range(n)) + np.sum(x * x)


def one_after_another(n: int) -> Function:
    def f(x: Any) -> Any:
        for _ in range(n):
            x = x - 0.1 * np.mean(x)
        return np.sum(x * x)

    return f


@pytest.mark.parametrize("make", [in_a_loop, one_after_another])
def test_planning_is_linear(make: Function) -> None:
    x = vector(4500)

    def work(n: int) -> None:
        tw.objective(make(n), x).value_and_grad(x)

    # 8 times as much; quadratic would be 64 times, and was 40 where some of it was.
    assert seconds(lambda: work(4000), 2) < 20 * seconds(lambda: work(500))


def test_single_elements_in_a_loop_beside_sums() -> None:
    check(in_a_loop(290), vector(300))
    check(in_a_loop(999), vector(1000))
    check(one_after_another(20), vector(300))


GROWTH = """
import numpy as np, thalweg as tw

def peak():
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmHWM")) / 1024

X, y = np.ones((1_000_000, 10)), np.ones(1_000_000)
def loss(w): return np.sum((X @ w - y) ** 2)
tw.objective(lambda w: np.sum((X[:300] @ w - y[:300]) ** 2), np.ones(10)).grad(np.ones(10))
before = peak()
F = tw.objective(loss, np.ones(10))
value, gradient = F.value_and_grad(np.ones(10))
assert value == 81e6 and (gradient == 18e6).all()
F.hvp(np.ones(10), np.ones(10))
tw.minimize(F, np.ones(10), "momentum", learning_rate=1e-9, max_iter=2)
print(peak() - before)
"""


@pytest.mark.skipif(not os.access("/proc/self/status", os.R_OK), reason="needs /proc")
def test_least_squares_over_a_million_rows_copies_none_of_them() -> None:
    run = subprocess.run([sys.executable, "-c", GROWTH], capture_output=True, text=True, check=True)
    assert float(run.stdout) < 32  # MB; the rows are 80 of them, their residuals 8


def test_data_lives_as_long_as_its_objective() -> None:
    def build() -> Any:
        X, y = table(2000, 9), vector(2000)
        F = tw.objective(lambda w: np.sum((X @ w - y) ** 2) + np.sum(np.cos(y) * w[0]), np.ones(9))
        return F, F.value_and_grad(np.ones(9))

    F, (value, gradient) = build()
    gc.collect()
    rubbish = [np.full((2000, 9), np.nan) for _ in range(20)]
    again, slope = F.value_and_grad(np.ones(9))
    assert np.isnan(rubbish[0]).all()
    assert again == value
    assert np.array_equal(slope, gradient)
    copy = pickle.loads(pickle.dumps(F))
    del F
    assert copy.value_and_grad(np.ones(9))[0] == value


@pytest.mark.parametrize("seed", range(150))
def test_random_programs(seed: int) -> None:
    program = random_rows.Program(seed)
    with np.errstate(all="ignore"):  # of dead branches of data
        check(program.function, program.x, second=program.x.size < 1000)


def test_random_programs_are_of_many_kinds() -> None:
    text = "\n".join(random_rows.Program(seed).source for seed in range(60))
    for word in ("concatenate", "stack", "@", "::-1", ".T", "axis=0", "axis=-1", "where", "cumsum",
                 "np.max", "reshape", "None", "convolve", "arange", "broadcast_to"):  # fmt: skip
        assert text.count(word) >= 5, word
