# SPDX-License-Identifier: BSD-3-Clause
"""Bound methods: the bits and messages of `minimize`, errors, threads, pickles, Ctrl-C."""

import _thread
import copy
import gc
import pickle
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from descent_cases import bits, bowl
from problems import omega, rosenbrock

import thalweg as tw

HYPER = {"learning_rate": 1e-3}
METHODS = {name: {k: HYPER[k] for k in hyper if k in HYPER} for name, hyper in tw.methods().items()}


def told(result):
    """Every entry but the time, as text that holds all digits."""
    with np.printoptions(precision=17, floatmode="unique", threshold=10**6):
        state = result.state
        return {
            **{k: repr(v) for k, v in result.items() if k not in ("elapsed", "state")},
            "state": (state.method, state.nit, bits(state.x, *state.memory)),
        }


# ---- what minimize gives -------------------------------------------------------------------------


@pytest.mark.parametrize("bounds", [None, [(-2.0, 0.7), (-1.0, 3.0)]], ids=["free", "bounded"])
@pytest.mark.parametrize("method", METHODS)
def test_it_gives_what_minimize_gives(method, bounds):
    F = tw.objective(rosenbrock, np.zeros(2))
    how = {"max_iter": 60, "bounds": bounds, **METHODS[method]}
    solve = F.minimizer(method, **how)
    for start in np.random.default_rng(1).uniform(-1, 0.7, (6, 2)):
        assert told(solve(start)) == told(tw.minimize(F, start, method, **how))


@pytest.mark.parametrize(
    "settings",
    [
        {"gtol": 1e-3}, {"gtol": 0, "xtol": 1e-4}, {"gtol": 0, "ftol": 1e-6}, {"max_iter": 0},
        {"max_nfev": 3}, {"max_time": 1e-9, "gtol": 0}, {"memory": 3}, {"threads": 2},
        {"gtol": None},
    ],
    ids=str,
)  # fmt: skip
def test_settings_are_those_of_minimize(settings):
    F = tw.objective(rosenbrock, np.zeros(3))
    here = told(F.minimizer(**settings)(np.zeros(3)))
    there = told(tw.minimize(F, np.zeros(3), **settings))
    if "max_time" in settings:
        here.pop("message"), there.pop("message")
    assert here == there


def test_args_are_those_of_the_objective_or_of_the_call():
    F = tw.objective(lambda x, a, b: np.sum(a * (x - b) ** 2), np.zeros(2), args=(1.0, np.ones(2)))
    solve = F.minimizer("bfgs")
    assert bits(solve([0, 0]).x) == bits(tw.minimize(F, np.zeros(2), "bfgs").x)
    for b in np.random.default_rng(0).normal(size=(3, 2)):
        ours, theirs = solve([0, 0], 2.0, b), tw.minimize(F, [0, 0], "bfgs", args=(2.0, b))
        assert told(ours) == told(theirs)
        assert ours._objective(b) == 0.0
    assert bits(solve([0, 0]).x) == bits(np.ones(2))


@pytest.mark.parametrize(
    ("function", "x0"),
    [
        (omega, 1.5), (lambda x, y: x**2 + (y - 1) ** 4, [2.0, 3.0]),
        (lambda w, b: np.sum((w - b) ** 2) + b**2, (np.ones(3), 2.0)),
        (lambda w, b: np.sum((w - b) ** 2) + b**2, {"b": 2.0, "w": np.ones(3)}),
        (lambda x: np.sum(x**4), np.ones((2, 2))),
    ],
    ids=["number", "elements", "tuple", "dict", "array"],
)  # fmt: skip
def test_starts_have_every_form(function, x0):
    F = tw.objective(function, x0)
    assert told(F.minimizer()(x0)) == told(tw.minimize(F, x0))


def test_endings_that_are_not_finite_are_explained():
    F = tw.objective(lambda x: np.sqrt(x[0] - 2 * x[1]), np.zeros(2))
    solve = F.minimizer("gradient_descent", learning_rate=1.0)
    assert told(solve([1.0, 0.4])) == told(
        tw.minimize(F, [1.0, 0.4], "gradient_descent", learning_rate=1.0)
    )
    with pytest.warns(RuntimeWarning, match="does not depend on x"):
        tw.objective(lambda _: 3.0, 1.0).minimizer()(2.0)


def test_bounds_are_copied():
    upper = np.array([2.0, 2.0])
    solve = tw.objective(bowl, np.zeros(2)).minimizer(bounds=tw.Bounds(0.0, upper))
    upper[:] = 1.0
    assert bits(solve([0, 0]).x) == bits([2.0, 2.0])


# ---- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x0", "args", "error", "said"),
    [
        ([1.0], (), ValueError, r"x0 must have shape (..., 2), got (1,)"),
        (np.zeros((3, 2)), (), ValueError, "x0 must be one start, got 3"),
        ([1.0, np.nan], (), ValueError, "x0 must be finite, got nan at index 1"),
        (["a", "b"], (), TypeError, "x0 must be numbers"),
        ([1j, 0], (), TypeError, "x0 must be real"),
        (None, (), TypeError, "x0 must be numbers"),
        ([1.0, 5.0], (), ValueError, "x0 must lie within the bounds, got 5.0"),
        ([1.0, 1.0], (1.0, 2.0), ValueError, "args must hold 1 arrays, got 2"),
        ([1.0, 1.0], (np.ones(3),), ValueError, "args[0] must have shape (), got (3,)"),
    ],
)
def test_what_does_not_fit_is_refused(x0, args, error, said):
    F = tw.objective(lambda x, a: np.sum((x - a) ** 2), np.zeros(2), args=(1.0,))
    with pytest.raises(error) as caught:
        F.minimizer(bounds=[(-2, 2)] * 2)(x0, *args)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("how", "error", "said"),
    [
        ({"method": "nonsense"}, ValueError, "method must be one of"),
        ({"method": "lm"}, ValueError, "least_squares"),
        ({"max_iter": -1}, ValueError, "max_iter must be >= 0"),
        ({"callback": print}, TypeError, "unexpected keyword 'callback'"),
        ({"threads": 0}, ValueError, "threads must be >= 1"),
        ({"bounds": [(1, 0)] * 2}, ValueError, "bounds must have lower <= upper"),
    ],
)
def test_bad_settings_are_refused_when_they_are_bound(how, error, said):
    F = tw.objective(bowl, np.zeros(2))
    with pytest.raises(error, match=said):
        F.minimizer(**how)


def test_a_vector_function_is_refused():
    with pytest.raises(ValueError, match="must return one value"):
        tw.objective(lambda x: np.stack([x, x]), 1.0).minimizer()


# ---- threads, Ctrl-C, memory ---------------------------------------------------------------------


@pytest.mark.parametrize("method", ["lbfgs", "newton", "adam"])
def test_many_threads_call_one(method):
    F = tw.objective(rosenbrock, np.zeros(4))
    solve = F.minimizer(method, max_iter=200, **METHODS[method])
    starts = np.random.default_rng(2).normal(size=(200, 4))
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(solve, starts))
    for start, result in zip(starts, together, strict=True):
        assert bits(result.x, result.jac) == bits(solve(start).x, solve(start).jac)


def test_many_threads_read_one_result():
    result = tw.objective(rosenbrock, np.zeros(4)).minimizer()(np.zeros(4))
    wanted, seen = threading.Barrier(8), []

    def read():
        wanted.wait()
        seen.append(told(result))

    threads = [threading.Thread(target=read) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(seen) == 8
    assert all(each == seen[0] for each in seen)


def test_an_interrupt_holds_the_best_point():
    F = tw.objective(rosenbrock, np.zeros(2))
    solve = F.minimizer("gradient_descent", learning_rate=1e-9, max_iter=10**15, gtol=0)
    timer = threading.Timer(0.1, _thread.interrupt_main)
    timer.start()
    with pytest.raises(KeyboardInterrupt) as caught:
        solve([-1.2, 1.0])
    assert caught.value.result.reason is tw.Reason.interrupted
    assert caught.value.result.nit > 0
    assert "the best point of" in str(caught.value)
    timer.join()


class Interrupting:
    """A start whose conversion is interrupted."""

    def __array__(self, dtype=None, copy=None):
        raise KeyboardInterrupt


def test_an_interrupt_before_the_descent_holds_nothing():
    with pytest.raises(KeyboardInterrupt) as caught:
        tw.objective(bowl, np.zeros(2)).minimizer()(Interrupting())
    assert caught.value.result is None


@pytest.mark.parametrize("method", ["lbfgs", "adam"])
@pytest.mark.parametrize("again", [copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))])
def test_it_is_pickled_with_its_objective(method, again):
    F = tw.objective(lambda x, a: np.sum((x - a) ** 4), np.zeros(2), args=(1.0,))
    solve = F.minimizer(method, bounds=[(-1, 0.5)] * 2, max_iter=50, **METHODS[method])
    other = again(solve)
    assert told(other([0.1, 0.2])) == told(solve([0.1, 0.2]))
    assert told(other([0.1, 0.2], 0.3)) == told(solve([0.1, 0.2], 0.3))
    assert other.method == solve.method
    assert repr(other) == repr(solve)


def test_a_schedule_that_cannot_be_pickled_is_an_error():
    solve = tw.objective(bowl, np.zeros(2)).minimizer("adam", learning_rate=lambda t: 0.1 / (1 + t))
    assert solve(np.zeros(2)).nit > 0
    with pytest.raises((AttributeError, pickle.PicklingError)):
        pickle.dumps(solve)


def test_it_keeps_its_objective_alive_and_nothing_keeps_it():
    F = tw.objective(bowl, np.zeros(2))
    solve, gone = F.minimizer(), weakref.ref(F)
    del F
    result = solve(np.zeros(2))
    del solve
    assert gone() is not None  # the result explains itself with it
    assert result.success
    gc.disable()
    try:
        del result
        assert gone() is None  # without the collector: there are no cycles
    finally:
        gc.enable()
