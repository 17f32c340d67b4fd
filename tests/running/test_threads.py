# SPDX-License-Identifier: BSD-3-Clause
"""Rows of long arrays shared out to threads: the same bits, and interrupts on the way."""

import _thread
import functools
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import thalweg as tw

# Threads take 65,536 rows at a time: one more or less, and several with a rest.
LENGTHS = (65_535, 65_537, 131_073, 200_001)


def rosenbrock(x: Any) -> Any:
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "Rosenbrock": rosenbrock,
    "stencil of five": lambda x: np.sum((x[4:] - 2 * x[2:-2] + x[:-4]) ** 4) + np.sum(x[1:] ** 2),
    "far apart": lambda x: np.sum(x[: len(x) // 2] * x[len(x) - len(x) // 2 :]) + np.sum(np.sin(x)),
    "every second": lambda x: np.sum(x[: len(x) // 2 * 2 : 2] * x[1 : len(x) // 2 * 2 : 2]),
    "log-sum-exp": lambda x: np.log(np.sum(np.exp(x - np.max(x)))) + np.max(x),
    "extremes and products": lambda x: np.max(x) - np.min(x) + np.prod(1 + 1e-6 * x),
    "columns": lambda x: np.sum(np.mean(np.stack([x, x * x, np.cos(x)], axis=1), axis=0) ** 2),
}


def bits(objective: tw.Objective, x: Any) -> tuple[bytes, bytes]:
    value, slope = objective.value_and_grad(x)
    return np.asarray(value).tobytes(), np.asarray(slope).tobytes()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_bits_do_not_depend_on_the_number_of_threads(name: str) -> None:
    for n in LENGTHS:
        x = np.random.default_rng(n).standard_normal(n)
        alone = bits(tw.objective(FUNCTIONS[name], x), x)
        for threads in (2, 3, 7):
            shared = tw.objective(FUNCTIONS[name], x, threads=threads)
            assert bits(shared, x) == alone
            assert bits(shared, x) == alone  # again, with the memory of the first run


@pytest.mark.parametrize("n", LENGTHS)
def test_what_rows_add_to_the_next_threads_rows_arrives(n: int) -> None:
    x = np.random.default_rng(n).standard_normal(n)
    a = x[1:] - x[:-1] ** 2
    slope = np.zeros(n)
    slope[:-1] = -400 * x[:-1] * a - 2 * (1 - x[:-1])
    slope[1:] += 200 * a
    got = tw.objective(rosenbrock, x, threads=2).grad(x)
    # Three roundings of terms that may cancel.
    np.testing.assert_allclose(got, slope, rtol=1e-12, atol=1e-12 * np.abs(slope).max())


def test_sums_over_data_do_not_depend_on_the_number_of_threads() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((150_000, 5)), rng.standard_normal(150_000)
    for data in (X, np.asfortranarray(X)):

        def loss(w: Any, X: Any = data) -> Any:
            return np.mean(np.logaddexp(0.0, -y * (X @ w)))

        w = np.linspace(-1, 1, 5)
        alone = bits(tw.objective(loss, w), w)
        assert bits(tw.objective(loss, w, threads=2), w) == alone
        one, two = (
            tw.minimize(loss, w, "momentum", learning_rate=0.5, max_iter=20, threads=t)
            for t in (1, 2)
        )
        assert one.x.tobytes() == two.x.tobytes()
        assert one.fun == two.fun


@pytest.mark.parametrize(("threads", "kind"), [(0, ValueError), (-1, ValueError), (1.5, TypeError),
                                               (True, TypeError), ("2", TypeError)])  # fmt: skip
def test_a_wrong_number_of_threads_is_refused(threads: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="threads must be"):
        tw.objective(rosenbrock, np.zeros(300), threads=threads)
    with pytest.raises(kind, match="threads must be"):
        tw.minimize(
            rosenbrock, np.zeros(300), "gradient_descent", learning_rate=1e-3, threads=threads
        )


@pytest.mark.parametrize("threads", [1, 2])
def test_an_evaluation_is_interrupted_on_its_way(threads: int) -> None:
    x = np.linspace(0, 1, 400_000)

    def slow(w: Any) -> Any:
        z = x * w[0]
        for _ in range(60):
            z = np.sin(z) + w[1]
        return np.sum(z)

    objective = tw.objective(slow, np.ones(2), threads=threads)
    points = np.ones((200, 2))  # some 10 s
    sent: list[float] = []

    def interrupt() -> None:
        sent.append(time.monotonic())
        _thread.interrupt_main()

    timer = threading.Timer(0.3, interrupt)
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            objective(points)
        late = time.monotonic() - sent[0]
    finally:
        timer.cancel()
    assert late < 1.0  # 0.1 s on a machine of one's own
    assert np.isfinite(objective(points[0]))  # and the objective is as good as before


def together(works: list[Callable[[], Any]]) -> list[Any]:
    """What each says, all of them begun at once."""
    ready, said = threading.Barrier(len(works)), [None] * len(works)

    def begin(i: int) -> None:
        ready.wait()
        said[i] = works[i]()

    threads = [threading.Thread(target=begin, args=(i,)) for i in range(len(works))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return said


FIRST: list[Callable[[tw.Objective, Any], Any]] = [
    lambda F, x: F(x),
    lambda F, x: F.grad(x),
    lambda F, x: F.hessian(x) if x.size < 50 else F.hvp(x, x),
    lambda F, x: F.hvp(x, np.ones_like(x)),
    lambda F, x: F(np.stack([x] * 9)),
    lambda F, x: tw.minimize(F, x, "gradient_descent", learning_rate=1e-4, max_iter=20).x,
    lambda F, x: tw.minimize(F, x, "newton" if x.size < 50 else "newton_cg", max_iter=5).x,
    lambda F, x: (
        tw.minimize(F, x, "momentum", learning_rate=lambda t: 1e-4 / (1 + t), max_iter=20).x
    ),
]


@pytest.mark.parametrize("n", [3, 20, 300])
def test_eight_threads_that_are_the_first_to_ask_get_what_each_gets_alone(n: int) -> None:
    x, data = np.linspace(-1.0, 1.0, n), np.linspace(0, 1, n, dtype=np.float32)

    def fresh() -> tw.Objective:
        made: tw.Objective = tw.objective(lambda x: rosenbrock(x) + np.sum(np.exp(x) * data), x)
        return made

    alone = [np.asarray(ask(fresh(), x)).tobytes() for ask in FIRST]
    for _ in range(5):
        F = fresh()
        said = together([functools.partial(ask, F, x) for ask in FIRST])
        assert [np.asarray(s).tobytes() for s in said] == alone


def test_threads_may_trace_one_function_for_more_shapes_than_are_kept() -> None:
    def f(x: Any) -> Any:
        return np.sum(x * x)

    grad = tw.grad(f)

    def ask(first: int) -> bool:
        sizes = [1 + (first + i) % 200 for i in range(200)]
        return all(np.array_equal(grad(np.ones(n)), 2 * np.ones(n)) for n in sizes)

    assert all(together([functools.partial(ask, 25 * i) for i in range(8)]))
