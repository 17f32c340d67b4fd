# SPDX-License-Identifier: BSD-3-Clause
"""States: a descent continues from one, bit for bit, and wrong ones are refused."""

import copy
import dataclasses
import pickle

import numpy as np
import pytest
from descent_cases import GD, NO_TESTS, bits, bowl
from problems import BY_NAME

import thalweg as tw
from thalweg._descents.state import State


@pytest.mark.parametrize("method", ["gradient_descent", "momentum", "adam"])
@pytest.mark.parametrize("problem", ["rosenbrock", "quadratic_50", "waves"])
def test_state_continues_bit_for_bit(method, problem):
    p = BY_NAME[problem]
    how = {"method": method, "learning_rate": 1e-3, **NO_TESTS}
    whole = tw.minimize(p.function, p.x0, max_iter=25, **how)
    first = tw.minimize(p.function, p.x0, max_iter=10, **how)
    state = pickle.loads(pickle.dumps(first.state))
    second = tw.minimize(p.function, p.x0, max_iter=15, state=state, **how)
    assert bits(second.last.x, second.last.fun, second.last.jac) == bits(
        whole.last.x, whole.last.fun, whole.last.jac
    )
    assert second.nit == 15
    assert bits(*second.state.memory) == bits(*whole.state.memory)
    assert second.state.nit == whole.state.nit == 25


def test_state_continues_from_the_last_point_not_the_best():
    how = {"learning_rate": 1.1, **GD, **NO_TESTS}
    first = tw.minimize(bowl, np.zeros(1), max_iter=3, **how)
    assert first.x != first.last.x
    whole = tw.minimize(bowl, np.zeros(1), max_iter=5, **how)
    second = tw.minimize(bowl, np.zeros(1), max_iter=2, state=first.state, **how)
    assert bits(second.last.x) == bits(whole.last.x)


def test_state_is_small_and_its_own():
    F = tw.objective(lambda x: np.sum(x * np.arange(10_000.0)[:2]), np.zeros(2))
    res = tw.minimize(F, np.zeros(2), "adam", learning_rate=0.1, max_iter=3)
    assert len(pickle.dumps(res.state)) < 2000
    state = copy.deepcopy(res.state)
    tw.minimize(F, np.zeros(2), "adam", learning_rate=0.1, max_iter=3, state=res.state)
    assert bits(state.x, *state.memory) == bits(res.state.x, *res.state.memory)


@pytest.mark.parametrize(
    ("state", "how", "said"),
    [
        (3, {}, "state must be the state of a result, got int"),
        ({}, {}, "got dict"),
        ("adam", {}, "from momentum with 2 variables, got adam with 2"),
        ("short", {}, "from momentum with 2 variables, got momentum with 1"),
        (
            ("momentum", np.zeros(2), (np.zeros(1),), 1),
            {},
            "of momentum with 2 variables must hold v (2,), got",
        ),
        (("momentum", np.zeros(2), (), 1), {}, "got arrays of shapes []"),
        (("momentum", np.zeros(2), [np.zeros(2)], 1), {}, "vectors of floats"),
        (("momentum", np.zeros(2), (np.zeros(2, object),), 1), {}, "vectors of floats"),
        (("momentum", None, (np.zeros(2),), 1), {}, "vectors of floats"),
        (("momentum", np.zeros(2), (np.zeros(2),), None), {}, "iterations in nit, got None"),
        (("momentum", np.zeros(2), (np.zeros(2),), -1), {}, "iterations nit, got -1"),
        ((None, np.zeros(2), (np.zeros(2),), 1), {}, "name its method, got NoneType"),
    ],
)
def test_states_that_do_not_fit_are_refused(state, how, said):
    if isinstance(state, tuple):
        state = State(*state)
    elif state == "adam":
        state = tw.minimize(bowl, np.zeros(2), "adam", learning_rate=0.1, max_iter=1).state
    elif state == "short":
        state = tw.minimize(bowl, np.zeros(1), "momentum", learning_rate=0.1, max_iter=1).state
    with pytest.raises((TypeError, ValueError)) as caught:
        tw.minimize(bowl, np.zeros(2), "momentum", learning_rate=0.1, state=state)
    assert said in str(caught.value)


@pytest.mark.parametrize("method", ["momentum", "adam", "rprop"])
def test_a_state_that_remembers_another_number_of_things_is_refused(method):
    how = {"learning_rate": 0.1}
    state = tw.minimize(bowl, np.zeros(2), method, max_iter=1, **how).state
    for memory in (
        tuple(m[:1] for m in state.memory),
        tuple(np.zeros(1000) for _ in state.memory),
        state.memory[:-1],
        (*state.memory, np.zeros(2), np.zeros(2)),
    ):
        wrong = dataclasses.replace(state, memory=memory)
        with pytest.raises(ValueError, match=f"of {method} with 2 variables must hold .*, got"):
            tw.minimize(bowl, np.zeros(2), method, state=wrong, **how)


@pytest.mark.parametrize("method", ["lbfgs", "newton", "compass"])
def test_a_solvers_memory_is_one_vector_and_others_are_not_read(method):
    state = tw.minimize(bowl, np.zeros(2), method, max_iter=1).state
    assert len(state.memory) == 1
    more = dataclasses.replace(state, memory=(*state.memory, np.zeros(3)))
    assert repr(tw.minimize(bowl, np.zeros(2), method, state=more).x) == repr(
        tw.minimize(bowl, np.zeros(2), method, state=state).x
    )
    short = dataclasses.replace(state, memory=(state.memory[0][:-1],))
    with pytest.raises(ValueError, match="the state must hold"):
        tw.minimize(bowl, np.zeros(2), method, state=short)


def chain(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


@pytest.mark.parametrize(("method", "n"), [("lbfgs", 500), ("bfgs", 80), ("newton_cg", 2000),
                                           ("cg", 1000), ("steepest", 3000)])  # fmt: skip
def test_long_states_are_written_when_they_are_read(method, n):
    F = tw.objective(chain, np.zeros(n))
    x0 = np.where(np.arange(n) % 2 == 0, 1.3, 0.7)
    how = {"bounds": [(-2, 1.5)] * n} if method == "cg" else {}
    solve = F.minimizer(method, max_iter=6, **how)
    seen, own = solve(x0).state, x0.copy()
    later = solve(own)
    own[:] = later.x[:] = 7.0  # the descent goes by copies of both
    later = pickle.loads(pickle.dumps(later)).state
    assert bits(later.x, *later.memory) == bits(seen.x, *seen.memory)
    whole = F.minimizer(method, max_iter=11, **how)(x0)
    rest = tw.minimize(F, x0, method, max_iter=5, state=seen, **how)
    assert bits(rest.last.x, rest.last.fun) == bits(whole.last.x, whole.last.fun)
    assert bits(*rest.state.memory) == bits(*whole.state.memory)
