# SPDX-License-Identifier: BSD-3-Clause
"""The arguments that one descent and a training share: what `minimize` makes of the user's."""

import inspect
import time

import numpy as np
import pytest
from descent_cases import bowl

import thalweg as tw
from thalweg._descents import minimize as front
from thalweg._descents import training
from thalweg._descents.arguments import Arguments


@pytest.fixture
def caught(monkeypatch):
    """Calls `minimize` and returns the `Arguments` that it made."""

    def call(*args, **how):
        kept = []
        monkeypatch.setattr(front, "_descend", kept.append)
        tw.minimize(*args, **how)
        return kept[0]

    return call


def test_every_entry_is_an_argument_of_minimize():
    parameters = inspect.signature(tw.minimize).parameters
    limits = {"gtol", "xtol", "ftol", "max_iter", "max_nfev", "max_time"}  # these are `stops`
    assert limits <= set(parameters)
    assert set(Arguments._fields) - {"stops", "began"} <= set(parameters)


def test_what_is_not_given_has_the_defaults_of_the_signature(caught):
    x0 = np.zeros(2)
    given = caught(bowl, x0)
    parameters = inspect.signature(tw.minimize).parameters
    for name in set(Arguments._fields) - {"fun", "x0", "method", "stops", "began"}:
        assert getattr(given, name) is parameters[name].default, name
    assert given.fun is bowl
    assert given.x0 is x0
    assert given.method.name == "lbfgs"
    assert given.stops == {}


def test_what_is_given_is_held_as_it_is(caught):
    def listen(x):
        pass

    bounds = [(0, 1), (0, 1)]
    before = time.perf_counter()
    given = caught(
        bowl, [0.5, 0.5], "adam", learning_rate=0.1, args=(1.0,), bounds=bounds, callback=listen,
        progress=True, record=True, threads=2, unpack=False, trace=False, jac=listen,
    )  # fmt: skip
    assert before <= given.began <= time.perf_counter()
    assert (given.args, given.bounds, given.callback) == ((1.0,), bounds, listen)
    assert (given.progress, given.record, given.threads, given.unpack) == (True, True, 2, False)
    assert (given.trace, given.jac) == (False, listen)
    assert given.method == tw.Adam(learning_rate=0.1)


def test_one_argument_may_stand_alone(caught):
    assert caught(bowl, [0.0], args=3.0).args == (3.0,)
    assert caught(bowl, [0.0], args=[3.0, 4.0]).args == ([3.0, 4.0],)


def test_stops_hold_the_limits_that_were_given_in_either_spelling(caught):
    given = caught(bowl, [0.0], max_iter=7, xtol=1e-3, options={"maxfev": 9, "disp": True})
    assert given.stops == {"max_iter": 7, "xtol": 1e-3, "max_nfev": 9}
    assert given.progress
    assert caught(bowl, [0.0], tol=1e-4).stops == {"gtol": 1e-4}
    assert caught(bowl, [0.0], gtol=1e-3, tol=1e-4).stops == {"gtol": 1e-3}


def test_a_training_gets_the_same_arguments(monkeypatch):
    kept = []
    monkeypatch.setattr(training, "train", lambda *given: kept.append(given))
    rows = np.ones((3, 2))
    tw.minimize(bowl, [0.0, 0.0], "adam", learning_rate=0.1, data=rows, record=True)
    ((given, data, dealt),) = kept
    assert data is rows
    assert dealt == (None, None, None, None, None, True, False, False)
    assert isinstance(given, Arguments)
    assert given.record
