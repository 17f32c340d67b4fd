# SPDX-License-Identifier: BSD-3-Clause
"""Ctrl-C at random moments: it is there within 100 ms, and carries what there is."""

import copy
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import thalweg as tw
from thalweg._descents import lanes
from thalweg._descents.interrupts import Interrupted, carried

SCRIPT = Path(__file__).parents[1] / "interrupting.py"
# One of each kind; `python interrupting.py all 50 0` is the long run, with larger ones.
SHORT = [
    "recorded", "newton", "bfgs", "bfgs in a box", "many", "many recorded", "multistart", "basins",
    "training", "least_squares", "least_squares_many", "curve_fit_many",
]  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="reads another process's clock")
@pytest.mark.parametrize("call", SHORT)
def test_an_interrupt_at_a_random_moment_comes_in_time_and_carries_a_result(call: str) -> None:
    ran = subprocess.run(
        [sys.executable, str(SCRIPT), call, "3", "1"], capture_output=True, text=True, timeout=300,
        check=False, env=os.environ,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert told["late"], "every run was over before its signal"
    assert told["lost"] == 0
    # Processor time. The one in the middle: caches are shared with other programs.
    assert sorted(told["late"])[len(told["late"]) // 2] < 0.1, told["late"]


def test_three_million_starts_that_were_not_begun_cost_an_interrupt_nothing() -> None:
    code = """
import sys
sys.path.insert(0, sys.argv[1])
import interrupting as i
run = i.many(3_000_000, "gradient_descent", learning_rate=1e-3, threads=1)
late, error = i.interrupted(run, 0.6)
r = error.result
assert r.fun.shape == (3_000_000,)
begun = r.nfev > 0
assert 0 < begun.sum() < 3_000_000 and (r.reason[~begun] == i.tw.Reason.interrupted).all()
x, slopes = i.np.stack(r.x, axis=1), i.np.stack(r.jac, axis=1)
assert i.np.isnan(r.fun[~begun]).all() and i.np.isnan(slopes[~begun]).all()
assert (x[~begun] == i.starts(3_000_000)[~begun]).all() and i.np.isfinite(r.fun[begun]).all()
print(late)
"""
    ran = subprocess.run(
        [sys.executable, "-c", code, str(SCRIPT.parent)], capture_output=True, text=True,
        timeout=300, check=False, env=os.environ,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert float(ran.stdout) < 0.1


def chain(x: Any) -> Any:
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def bits(x: Any) -> bytes:
    return np.asarray(x).tobytes()


@pytest.mark.parametrize("method", ["newton", "bfgs"])
@pytest.mark.parametrize("bounds", [None, [(-1.5, 0.9)] * 400])
def test_a_descent_that_time_ended_within_a_matrix_goes_on_to_the_bit(
    method: str, bounds: Any
) -> None:
    F, x0 = tw.objective(chain, np.zeros(400)), np.linspace(-1, 0.8, 400)
    how: dict[str, Any] = {"bounds": bounds, "gtol": 0.0}
    first = tw.minimize(F, x0, method, max_time=0.02, max_iter=10**6, **how)
    assert first.reason == tw.Reason.max_time
    steps = first.nit + 3
    whole = tw.minimize(F, x0, method, max_iter=steps, **how)
    rest = tw.minimize(F, x0, method, max_iter=3, state=first.state, **how)
    assert bits(rest.last.x) == bits(whole.last.x)
    assert first.fun <= F(x0)
    np.testing.assert_array_equal(first.jac, F.grad(first.x))


@pytest.mark.parametrize("method", ["newton", "bfgs"])
def test_max_time_is_kept_between_rows_of_a_matrix(method: str) -> None:
    F, x0 = tw.objective(chain, np.zeros(900)), np.linspace(-1, 1, 900)
    r = tw.minimize(F, x0, method, max_time=0.02, gtol=0.0, max_iter=10**6)
    assert r.reason == tw.Reason.max_time
    assert np.isfinite(r.fun)
    assert r.fun <= F(x0)


@pytest.mark.parametrize("method", ["newton", "bfgs"])
def test_every_lane_of_a_block_that_time_ended_within_a_matrix_says_where_it_stood(
    method: str,
) -> None:
    x0s = np.random.default_rng(0).uniform(-1, 1, (20, 200))
    F = tw.objective(chain, x0s[0])
    r = tw.minimize_many(F, x0s, method, max_time=0.05, gtol=0.0, max_iter=10**6, threads=1)
    begun = r.nfev > 0
    assert begun.any()
    assert (r.reason == tw.Reason.max_time).all()
    np.testing.assert_array_equal(r.fun[begun], F(r.x[begun]))
    assert (r.fun[begun] <= F(x0s[begun])).all()
    assert np.isnan(r.fun[~begun]).all()
    assert (r.x[~begun] == x0s[~begun]).all()


def test_starts_that_a_limit_of_time_kept_from_beginning_are_what_they_were() -> None:
    x0s = np.random.default_rng(0).uniform(-2, 2, (50_000, 2))
    r = tw.minimize_many(lambda x: np.sum((x * x - 1) ** 2), x0s, max_time=0.0, threads=1)
    waiting = r.nfev == 0
    assert waiting.sum() > 40_000
    assert (r.reason == tw.Reason.max_time).all()
    assert (r.x[waiting] == x0s[waiting]).all()
    assert np.isnan(r.fun[waiting]).all()
    assert np.isfinite(r.jac[~waiting]).all()


def test_an_interrupt_while_results_are_made_carries_all_of_them(monkeypatch: Any) -> None:
    def interrupt(*_: Any, **__: Any) -> Any:
        monkeypatch.undo()
        raise KeyboardInterrupt

    x0s = np.random.default_rng(0).uniform(-2, 2, (50, 2))
    whole = tw.minimize_many(chain, x0s)
    monkeypatch.setattr(lanes.Results, "of_outcome", interrupt)
    with pytest.raises(KeyboardInterrupt) as caught:
        tw.minimize_many(chain, x0s)
    for name in ("x", "fun", "jac", "reason", "nit"):
        assert bits(caught.value.result[name]) == bits(whole[name])


def test_an_interrupt_while_a_function_is_traced_has_no_result_yet() -> None:
    def f(x: Any) -> Any:
        raise KeyboardInterrupt("mine")

    for call in (tw.minimize, tw.minimize_many):
        with pytest.raises(KeyboardInterrupt, match="mine") as caught:
            call(f, np.ones((2, 2)))
        assert caught.value.result is None


def test_an_interrupt_of_the_users_own_class_is_raised_as_it_is() -> None:
    class Mine(KeyboardInterrupt):
        pass

    def stop(x: Any) -> None:
        raise Mine("now")

    with pytest.raises(Mine, match="now") as caught:
        tw.minimize(chain, [0.5, 0.5], callback=stop)
    assert caught.value.result.nit == 1


def test_a_result_is_made_when_it_is_read_and_once() -> None:
    made: list[int] = []

    def run(parts: Any) -> None:
        raise KeyboardInterrupt

    def tell(parts: Any, seconds: float) -> int:
        made.append(len(parts))
        return len(made)

    with pytest.raises(Interrupted) as caught:
        carried(0.0, run, tell, str)
    assert not made
    assert [caught.value.result, caught.value.result] == [1, 1]
    for twin in (pickle.loads(pickle.dumps(caught.value)), copy.copy(caught.value)):
        assert twin.result == 1
