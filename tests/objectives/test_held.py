# SPDX-License-Identifier: BSD-3-Clause
"""Values that are not finite for the data's sake: which array, and where; other endings' words."""

import os
import pickle
import signal
import threading
from functools import partial

import numpy as np
import pytest

import thalweg as tw

GAP = np.array([1.0, np.nan, 2.0])
LONG = np.linspace(0.0, 1.0, 1000)
LONG[777] = -np.inf
LISTED = [1.0, float("nan")]


class Holder:
    """An objective whose data are an attribute."""

    def __init__(self):
        self.data = GAP

    def cost(self, v):
        return np.sum((v - self.data) ** 2)

    def __call__(self, v):
        return np.sum((v - self.data) ** 2)


def nested():
    data = GAP

    def model(v):
        return v - data

    return lambda v: np.sum(model(v) ** 2)


def closed():
    own = GAP.copy()
    return lambda v: np.mean((own - v) ** 2)


DATA = {
    "global": (lambda v: np.mean((v - GAP) ** 2), (), "nan (`GAP` at index 1)"),
    "closure": (closed(), (), "nan (`own` at index 1)"),
    "long": (lambda v: np.mean((v * LONG - 1) ** 2), (), "-inf (`LONG` at index 777)"),
    "list": (lambda v: np.sum((v - LISTED) ** 2), (), "nan (`LISTED` at index 1)"),
    "method": (Holder().cost, (), "nan (`self.data` at index 1)"),
    "callable": (Holder(), (), "nan (`self.data` at index 1)"),
    "partial": (partial(lambda v, d: np.sum((v - d) ** 2), d=GAP), (), "nan (`d` at index 1)"),
    "default": (lambda v, d=GAP: np.sum((v - d) ** 2), (), "nan (`d` at index 1)"),
    "inner function": (nested(), (), "nan (`data` at index 1)"),
    "derived": (
        lambda v: np.sum((v - np.stack([GAP, GAP])) ** 2), (),
        "nan (an array of shape (2, 3) at index (0, 1))",
    ),
    "args": (lambda v, x, y: np.sum((v * x - y) ** 2), (1.0, GAP), "nan (args[1] at index 1)"),
    "number in args": (lambda v, k: v * k, (np.inf,), "inf (args[0])"),
}  # fmt: skip


@pytest.mark.parametrize("method", ["lbfgs", "gradient_descent", "newton", "compass"])
@pytest.mark.parametrize("case", DATA)
def test_data_that_are_not_finite_are_named(case, method):
    f, args, said = DATA[case]
    how = {"learning_rate": 0.1} if method == "gradient_descent" else {}
    res = tw.minimize(f, 0.5, method, args=args, **how)
    assert not res.success
    assert str(res.reason) == "non_finite"
    assert f"the data contain {said}" in res.message
    assert "rate" not in res.message


def test_a_number_that_is_not_finite_is_told():
    res = tw.minimize(lambda v: v * np.nan, 0.5)
    assert str(res.reason) == "non_finite"
    assert "a number in the function is NaN or infinite" in res.message


def test_data_of_many_starts_are_named():
    f = DATA["global"][0]
    res = tw.minimize_many(f, np.zeros(3))
    assert {str(r.reason) for r in res} == {"non_finite"}
    assert "the data contain nan (`GAP` at index 1)" in res[0].message
    lanes = tw.minimize_many(lambda v, k: (v - k) ** 2, np.zeros(3), lane_args=(GAP,))
    assert [str(r.reason) for r in lanes] == ["gradient_small", "non_finite", "gradient_small"]
    assert "the data contain nan (args[0]" in lanes[1].message


def test_data_that_a_function_leaves_out_do_no_harm():
    for f in (
        lambda v: np.nansum((v - GAP) ** 2),
        lambda v: np.sum(np.where(np.isnan(GAP), 0.0, v - GAP) ** 2),
    ):
        assert tw.minimize(f, 0.0).x == pytest.approx(1.5)


def test_an_objective_from_a_pickle_knows_no_names():
    F = tw.objective(lambda v: np.mean((v - GAP) ** 2), 0.5)
    message = tw.minimize(pickle.loads(pickle.dumps(F)), 0.5).message
    assert message.startswith("not finite: ")
    assert "rate" not in message


FITS = {
    "ydata": (lambda: tw.curve_fit(lambda x, a: a * x, np.ones(3), GAP), "ydata holds nan at"),
    "xdata": (lambda: tw.curve_fit(lambda x, a: a * x, GAP, np.ones(3)), "xdata holds nan at"),
    "infinite": (
        lambda: tw.curve_fit(lambda x, a: a * x, np.ones(2), [1, -np.inf]),
        "ydata holds -inf at index 1",
    ),
    "sigma": (
        lambda: tw.curve_fit(lambda x, a: a * x, np.ones(3), np.ones(3), sigma=GAP),
        "`sigma` must not be NaN: it holds nan at index 1",
    ),
    "sigma of 0": (
        lambda: tw.curve_fit(lambda x, a: a * x, np.ones(3), np.ones(3), sigma=[1, 1, 0]),
        "got 0 at index 2",
    ),
    "unchecked ydata": (
        lambda: tw.curve_fit(lambda x, a: a * x, np.ones(3), GAP, check_finite=False),
        "the data contain nan (ydata at index 1)",
    ),
    "unchecked xdata": (
        lambda: tw.curve_fit(lambda x, a: a * x, GAP, np.ones(3), check_finite=False),
        "the data contain nan (`xdata` at index 1)",
    ),
    "closure": (
        lambda: tw.curve_fit(lambda x, a: a * x + GAP, np.ones(3), np.ones(3)),
        "the data contain nan (`GAP` at index 1)",
    ),
    "residuals": (lambda: tw.least_squares(lambda v: v - GAP, 0.0), "(`GAP` at index 1)"),
    "residuals of args": (
        lambda: tw.least_squares(lambda v, y: v - y, 0.0, args=(GAP,)), "(args[0] at index 1)",
    ),
    "called residuals": (
        lambda: tw.least_squares(lambda v: v - GAP, 0.0, trace=False), "holds nan at index 1",
    ),
    "many": (
        lambda: tw.curve_fit_many(
            lambda x, a: a * x, np.ones(3), [[1, 2, 3], GAP], nan_policy="raise"
        ),
        "ydata of fit 1 holds nan at index 1",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", FITS)
def test_data_of_fits_that_are_not_finite_are_named(case):
    call, said = FITS[case]
    with pytest.raises((ValueError, RuntimeError)) as raised:
        call()
    assert said in str(raised.value)


def test_infinite_data_of_many_fits_are_not_the_models_fault_alone():
    fits = tw.curve_fit_many(lambda x, a: a * x, np.ones(3), [[1, np.inf, 2], [1, 2, 3]])
    assert fits.success.tolist() == [False, True]
    assert "the data are infinite" in fits[0].message


# ---- what else a message must not get wrong ------------------------------------------------------


def test_a_schedule_that_gives_zero_is_named():
    def descend(**how):
        return tw.minimize(lambda v: np.sum(v**2), [9.0, 9.0], "gradient_descent", **how)

    with pytest.raises(ValueError, match="clip_norm must be > 0 and finite, got 0 at t = 0"):
        descend(learning_rate=0.1, clip_norm=lambda t: 0.0 * t)
    res = descend(learning_rate=0.1, clip_norm=lambda t: np.maximum(3.0 - t, 0.0), max_iter=9)
    assert not res.success
    assert "the schedule of clip_norm must be > 0, got 0 at t = 8" in res.message
    res = descend(learning_rate=lambda t: 0.1 / (3.0 - t))
    assert "got inf at t = 3" in res.message


@pytest.mark.parametrize(
    ("f", "x0", "said"),
    [
        (lambda v: np.exp(v), 800.0, "exp(800) = inf"),
        (lambda v: np.prod(v), np.full(400, 10.0), "prod(...) = inf"),
        (lambda v: np.sum(v), np.full(20, 1e307), "sum(...) = inf"),
        (lambda v: np.cumsum(v)[-1], np.full(20, 1e307), "a running sum or product(...) = inf"),
        (lambda v: np.sum(np.full((2, 2), 1e308) @ v), np.full(2, 1e10), "matmul(...) = inf"),
    ],
)
def test_overflow_names_the_operation(f, x0, said):
    assert said in tw.minimize(f, x0).message


CALLS = {
    "solver": {},
    "rule": {"method": "adam", "learning_rate": 0.1},
    "called": {"trace": False},
    "minibatches": {"method": "adam", "learning_rate": 0.1, "data": (np.ones(600),), "epochs": 9},
}


@pytest.mark.parametrize("true", [True, np.True_])
@pytest.mark.parametrize("case", CALLS)
def test_a_callback_that_returns_true_ends_a_descent(case, true):
    seen = []

    def callback(x):
        seen.append(x)
        return true if len(seen) == 3 else len(seen)  # a number is no answer

    f = (lambda v, d: np.mean((v[0] - d) ** 4)) if "data" in CALLS[case] else lambda v: v[0] ** 4
    res = tw.minimize(f, [3.0], callback=callback, **CALLS[case])
    assert str(res.reason) == "stopped_by_callback"
    assert len(seen) == 3


def test_an_intermediate_result_may_end_a_descent_too():
    res = tw.minimize(
        lambda v: np.sum((v - 1) ** 4), np.zeros(2),
        callback=lambda intermediate_result: intermediate_result.nit >= 3,
    )  # fmt: skip
    assert (str(res.reason), res.nit) == ("stopped_by_callback", 3)


RUNS = {
    "one": (
        lambda: tw.minimize(
            lambda v: np.sum(v**4), np.ones(3), "gradient_descent", learning_rate=1e-9,
            max_iter=10**12,
        ),
        r"\.result of this exception holds the best point of \d+ iterations",
    ),
    "many": (
        lambda: tw.minimize_many(
            lambda v: np.sum(v**4), np.ones((5000, 3)), "gradient_descent", learning_rate=1e-9,
            max_iter=10**7,
        ),
        r"\.result of this exception holds \d+ of 5,000 results",
    ),
    "minibatches": (
        lambda: tw.minimize(
            lambda v, d: np.mean((v - d) ** 2), 0.0, "adam", learning_rate=0.1,
            data=(np.ones(1000),), epochs=10**9,
        ),
        r"\.result of this exception holds the point after \d+ epochs",
    ),
}  # fmt: skip


@pytest.mark.skipif(os.name != "posix", reason="the signal is sent as POSIX has it")
@pytest.mark.parametrize("case", RUNS)
def test_an_interrupt_says_what_its_result_holds(case):
    run, said = RUNS[case]
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt, match=said) as raised:
        run()
    assert raised.value.result is not None
