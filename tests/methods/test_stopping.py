# SPDX-License-Identifier: BSD-3-Clause
"""Stopping limits: their defaults, and what is taken as one."""

import numpy as np
import pytest

import thalweg as tw
from thalweg import _core
from thalweg._methods import stopping
from thalweg._methods.method import make
from thalweg._methods.stopping import FOREVER, Default, checked_given, checked_stop, defaults
from thalweg._results.reasons import Reason


@pytest.mark.parametrize(
    "verb",
    [tw.minimize, tw.minimize_many, tw.multistart, tw.basins, tw.sweep],
    ids=lambda v: v.__name__,
)
def test_defaults_of_limits_stand_in_signatures(verb):
    from inspect import signature

    found = {name: signature(verb).parameters[name].default for name in ("gtol", "xtol", "ftol")}
    assert found == {"gtol": 1e-8, "xtol": 0.0, "ftol": 0.0}
    assert repr(found["gtol"]) == "1e-08"


def test_a_limit_that_is_given_stands_before_scipys_spelling():
    def f(x):
        return np.sum(x**4)

    for how in ({"tol": 1e-2}, {"options": {"gtol": 1e-2}}):
        assert "<= 0.01" in tw.minimize(f, np.ones(2), **how).message
        assert "<= 0.001" in tw.minimize(f, np.ones(2), gtol=1e-3, **how).message
        assert "<= 1e-08" in tw.minimize(f, np.ones(2), gtol=1e-8, **how).message


def test_stopping_is_made_and_changed_by_name():
    stopping = _core.Stopping(gtol=1e-3, max_nfev=7)
    changed = stopping.replace(max_nfev=9, threads=2)
    assert (changed.gtol, changed.max_nfev, changed.threads) == (1e-3, 9, 2)
    assert (stopping.max_nfev, stopping.threads, stopping.max_iter) == (7, 1, 1000)
    with pytest.raises(TypeError, match="Stopping has no 'gtoll'"):
        stopping.replace(gtoll=1.0)
    with pytest.raises(AttributeError):
        stopping.gtol = 1.0


def test_facts_that_python_spells_are_the_cores():
    assert [*_core.reasons(), "not_run"] == [reason.name for reason in Reason]
    assert _core.Stopping.limits == tuple(defaults(make("lbfgs", {})))
    faults = [_core.Fault.none, _core.Fault.not_finite, _core.Fault.infinite]
    assert [f.value for f in (*faults, _core.Fault.outside_domain)] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("name", "value", "taken"),
    [
        ("max_iter", 0, 0),
        ("max_iter", 25.0, 25),
        ("max_iter", np.int8(7), 7),
        ("max_iter", np.inf, FOREVER),
        ("max_iter", 10**30, FOREVER),
        ("max_nfev", 1, 1),
        ("gtol", 0, 0.0),
        ("gtol", "1e-3", 1e-3),
        ("xtol", np.float32(0.5), 0.5),
        ("ftol", True, 1.0),
        ("max_time", np.inf, 1e300),
        ("max_time", 2, 2.0),
    ],
)
def test_limits_become_numbers_of_the_core(name, value, taken):
    got = checked_stop(name, value)
    assert got == taken
    assert type(got) is type(taken)


@pytest.mark.parametrize(
    ("name", "value", "error", "said"),
    [
        ("max_iter", -1, ValueError, "max_iter must be >= 0, got -1"),
        ("max_nfev", 0, ValueError, "max_nfev must be >= 1, got 0"),
        ("max_iter", 2.5, TypeError, r"max_iter must be a whole number, got 2\.5"),
        ("max_iter", np.nan, TypeError, "max_iter must be a whole number, got nan"),
        ("max_iter", -np.inf, TypeError, "max_iter must be a whole number, got -inf"),
        ("max_iter", True, TypeError, "max_iter must be a whole number, got True"),
        ("max_nfev", "9", TypeError, "max_nfev must be a whole number, got '9'"),
        ("gtol", -1e-300, ValueError, "gtol must be >= 0, got -1e-300"),
        ("ftol", np.nan, ValueError, "ftol must be >= 0, got nan"),
        ("xtol", "small", TypeError, "xtol must be a number, got str"),
        ("max_time", [1.0, 2.0], TypeError, "max_time must be a number, got list"),
        ("gtol", 1j, TypeError, "gtol must be a number, got complex"),
        ("tol", 1.0, TypeError, "stopping limits are gtol, xtol, .*; unexpected keyword 'tol'"),
    ],
)
def test_what_is_no_limit_is_named(name, value, error, said):
    with pytest.raises(error, match=said):
        checked_stop(name, value)


def test_limits_that_are_not_given_are_left_to_the_method():
    stops = {"gtol": stopping.GTOL, "xtol": None, "ftol": 0.0, "max_iter": 7}
    assert checked_given(stops) == {"ftol": 0.0, "max_iter": 7}
    assert checked_given({}) == {}
    assert checked_given({"gtol": 1e-8}) == {"gtol": 1e-8}  # given, though it is the default
    for value in (None, stopping.GTOL, Default(3.0)):
        assert not stopping.is_given(value)
    for value in (0.0, 1e-8, False, np.float64(1e-8)):
        assert stopping.is_given(value)


def test_solvers_have_ten_times_the_iterations_of_rules():
    solver, rule = defaults(make("lbfgs", {})), defaults(make("adam", {"learning_rate": 0.1}))
    assert (solver["max_iter"], rule["max_iter"]) == (10_000, 1000)
    assert {**solver, "max_iter": 0} == {**rule, "max_iter": 0}
    assert rule["gtol"] == float(stopping.GTOL) == 1e-8
    assert type(rule["gtol"]) is float
    assert (rule["max_nfev"], rule["max_time"]) == (FOREVER, np.inf)


def test_limits_are_found_among_the_arguments_of_a_call():
    arguments = dict.fromkeys(_core.Stopping.limits, 3) | {"x0": 1.0, "callback": None}
    assert stopping.limits_among(arguments) == dict.fromkeys(_core.Stopping.limits, 3)
    with pytest.raises(KeyError):
        stopping.limits_among({"gtol": 1.0})


def test_only_true_itself_is_true():
    """A callback may return the value that it printed, or an array."""
    assert stopping.is_true(True)
    assert stopping.is_true(np.True_)
    for answer in (False, np.False_, None, 1, 1.0, "yes", [True], np.array([True])):
        assert not stopping.is_true(answer)


@pytest.mark.parametrize("method", ["lbfgs", "adam"])
def test_limits_of_a_call_are_made_once_for_the_core(method):
    limits = defaults(make(method, {"learning_rate": 0.1} if method == "adam" else {}))
    limits = limits | {"gtol": 0.5, "max_nfev": 7, "max_time": 3.0, "threads": 2}
    made = stopping.stopping_of(*limits.values())
    for name, value in limits.items():
        assert getattr(made, name) == value
    assert stopping.stopping_of(*limits.values()) is made
    with pytest.raises(ValueError, match="shorter"):
        stopping.stopping_of(1e-8)
