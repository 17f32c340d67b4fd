# SPDX-License-Identifier: BSD-3-Clause
"""Schedules: Optax's values, those computed by hand, and what is refused."""

import inspect
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from optax_cases import SCHEDULES, Scheduled

import thalweg as tw
from thalweg import schedules
from thalweg.schedules import Schedule

OPTAX = json.loads((Path(__file__).parent / "data" / "optax_schedules.json").read_text("utf-8"))


def made(value):
    """A number, or the schedule that a `Scheduled` names."""
    if not isinstance(value, Scheduled):
        return value
    return getattr(schedules, value.name)(**value.arguments)


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_have_the_values_of_optax(name):
    wanted = np.array(OPTAX[name])
    schedule = made(SCHEDULES[name])
    t = np.arange(wanted.size)
    # A cosine near its end is a difference of ones.
    np.testing.assert_allclose(schedule(t), wanted, rtol=1e-14, atol=1e-15)
    # NumPy's powers of arrays and of numbers differ in the last bit.
    np.testing.assert_allclose([schedule(int(k)) for k in t], schedule(t), rtol=1e-15)
    assert type(schedule(3)) is float
    assert schedule(t.reshape(11, 11)).shape == (11, 11)


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("cosine", {"init_value": np.nan, "decay_steps": 5}, "init_value"),
        ("cosine", {"init_value": 0.1, "decay_steps": 0}, "decay_steps must be .* >= 1, got 0"),
        ("cosine", {"init_value": 0.1, "decay_steps": 2.5}, "decay_steps .* whole .* 2.5"),
        ("exponential", {"init_value": 0.1, "transition_steps": 5, "decay_rate": 0}, "decay_rate"),
        ("exponential", {"init_value": 0.1, "transition_steps": 5, "decay_rate": 0.5,
                         "transition_begin": -1}, "transition_begin"),
        ("piecewise", {"init_value": 0.1, "boundaries_and_scales": {5: -1.0}}, "scales"),
        ("piecewise", {"init_value": 0.1, "boundaries_and_scales": {-5: 1.0}}, "boundary"),
        ("warmup_cosine", {"init_value": 0, "peak_value": 1, "warmup_steps": 9, "decay_steps": 9},
         "decay_steps must be .* >= 10, got 9"),
        ("one_cycle", {"transition_steps": 5, "peak_value": "high"}, "peak_value.*'high'"),
        ("one_cycle", {"transition_steps": 5, "peak_value": 1, "pct_start": 1}, "pct_start"),
        ("one_cycle", {"transition_steps": 5, "peak_value": 1, "div_factor": 0}, "div_factor"),
    ],
)  # fmt: skip
def test_arguments_of_schedules_are_checked(name, arguments, words):
    with pytest.raises(ValueError, match=words):
        getattr(schedules, name)(**arguments)


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_show_themselves_compare_and_pickle(name):
    schedule = made(SCHEDULES[name])
    again = eval(repr(schedule), {"schedules": schedules})
    assert again == schedule
    assert hash(again) == hash(schedule)
    assert pickle.loads(pickle.dumps(schedule)) == schedule
    assert schedule != made(SCHEDULES[name].times(2.0))
    signature = inspect.signature(getattr(schedules, SCHEDULES[name].name))
    assert list(schedule.arguments) == list(signature.parameters)
    method = tw.Adam(schedule)
    assert pickle.loads(pickle.dumps(method)) == method
    assert isinstance(method.hyper["learning_rate"], Schedule)


def test_half_a_cosine_falls_by_halves():
    rate = schedules.cosine(0.8, 100, alpha=0.25)
    np.testing.assert_allclose(rate([0, 50, 100, 1000]), [0.8, 0.5, 0.2, 0.2], rtol=1e-15)
    # cos(pi / 3) = 1/2, so a third of the way leaves 3/4 of what is to be lost
    assert schedules.cosine(1.0, 3)(1) == pytest.approx(0.75, rel=1e-15)
    assert schedules.cosine(1.0, 3, exponent=2.0)(1) == pytest.approx(0.5625, rel=1e-15)


def test_exponentials_halve_and_stay_within_their_limit():
    rate = schedules.exponential(1.0, 10, 0.5, transition_begin=5, end_value=0.2)
    np.testing.assert_array_equal(rate([0, 5, 15, 25, 35, 500]), [1.0, 1.0, 0.5, 0.25, 0.2, 0.2])
    steps = schedules.exponential(1.0, 10, 0.5, staircase=True)
    np.testing.assert_array_equal(steps([9, 10, 19, 20]), [1.0, 0.5, 0.5, 0.25])
    rising = schedules.exponential(1.0, 1, 2.0, end_value=5.0)
    np.testing.assert_array_equal(rising([0, 1, 2, 3]), [1.0, 2.0, 4.0, 5.0])


def test_pieces_multiply_from_their_boundary_on_in_any_order():
    rate = schedules.piecewise(1.0, {20: 0.1, 10: 0.5})
    np.testing.assert_allclose(rate([9, 10, 19, 20]), [1.0, 0.5, 0.5, 0.05], rtol=1e-15)
    assert schedules.piecewise(3.0)(7) == schedules.piecewise(3.0, {})(7) == 3.0
    np.testing.assert_array_equal(schedules.piecewise(3.0)([0, 1]), [3.0, 3.0])
    assert schedules.piecewise(1.0, {5: 0.0})(5) == 0.0


def test_warm_up_is_a_line_to_the_peak():
    rate = schedules.warmup_cosine(0.5, 2.0, warmup_steps=3, decay_steps=13, end_value=1.0)
    np.testing.assert_allclose(
        rate([0, 1, 2, 3, 8, 13, 99]), [0.5, 1, 1.5, 2, 1.5, 1, 1], rtol=1e-15
    )
    at_once = schedules.warmup_cosine(0.5, 2.0, warmup_steps=0, decay_steps=10)
    np.testing.assert_allclose(at_once([0, 5, 10]), [2.0, 1.0, 0.0], atol=1e-15)


def test_one_cycle_rises_and_falls_along_cosines():
    rate = schedules.one_cycle(100, 1.0, pct_start=0.4, div_factor=10.0, final_div_factor=100.0)
    half_up, half_down = (0.1 + 1.0) / 2, (1.0 + 0.001) / 2
    np.testing.assert_allclose(
        rate([0, 20, 40, 70, 100, 500]), [0.1, half_up, 1.0, half_down, 0.001, 0.001], rtol=1e-14
    )
    falling = schedules.one_cycle(10, 1.0, pct_start=0.0)
    assert falling(0) == 1.0


def test_schedules_of_a_kind_share_a_step_and_equal_ones_all():
    first, second = schedules.cosine(0.1, 100), schedules.cosine(0.2, 7, alpha=0.3)
    assert first.kind == second.kind
    assert first != second
    assert first == schedules.cosine(0.1, decay_steps=100, exponent=1)
    assert schedules.piecewise(1.0, {1: 0.5}).kind != schedules.piecewise(1.0, {1: 0.5, 2: 1}).kind
    assert len({first, schedules.cosine(0.1, 100), second}) == 2
    assert first != 0.1


def test_schedules_print_the_call_that_makes_them():
    assert repr(schedules.cosine(0.1, 100)) == (
        "schedules.cosine(init_value=0.1, decay_steps=100, alpha=0.0, exponent=1.0)"
    )
    assert repr(schedules.piecewise(1.0, {3: 0.5})) == (
        "schedules.piecewise(init_value=1.0, boundaries_and_scales={3: 0.5})"
    )


def test_a_schedule_of_a_traced_step_is_traced():
    F = tw.objective(schedules.warmup_cosine(0.0, 1.0, 4, 12), 1.0)
    assert F(2.0) == 0.5
    assert F.grad(2.0) == 0.25  # of the line to the peak
    assert F.grad(8.0) == pytest.approx(-np.pi / 16, rel=1e-14)  # of half a cosine over 8 steps


@pytest.mark.parametrize("bad", [np.nan, np.inf, "0.1", None, 1j, [0.1]])
def test_numbers_that_are_none_are_named_in_every_schedule(bad):
    calls = {
        "alpha": lambda: schedules.cosine(0.1, 5, alpha=bad),
        "init_value": lambda: schedules.piecewise(bad),
        "scale": lambda: schedules.piecewise(0.1, {1: bad}),
        "end_value": lambda: schedules.warmup_cosine(0.0, 1.0, 1, 5, end_value=bad),
        "final_div_factor": lambda: schedules.one_cycle(5, 1.0, final_div_factor=bad),
        "decay_steps": lambda: schedules.cosine(0.1, bad),
    }
    for name, call in calls.items():
        with pytest.raises(ValueError, match=f"{name} must be a finite number, got"):
            call()
