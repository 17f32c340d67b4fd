# SPDX-License-Identifier: BSD-3-Clause
"""First-order rules make Optax's numbers; schedules and options of theirs."""

import inspect
import json
import pickle
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from optax_cases import CASES, PROBLEMS, SCHEDULES, STEPS, Scheduled

import thalweg as tw
from thalweg import _core, schedules
from thalweg._methods.method import classes, make, memory_of
from thalweg._tracing.tracer import Tracer

DATA = Path(__file__).parents[1] / "data"
RULES = list(tw.methods("rules"))
OPTIONS = {"clip_value": 1.5, "clip_norm": 2.0, "weight_decay": 0.05}
rules = pytest.mark.parametrize("rule", RULES)


@cache
def optax(kind):
    return json.loads((DATA / f"optax_{kind}.json").read_text("utf-8"))


def made(value):
    """A number, or the schedule that a `Scheduled` names."""
    if not isinstance(value, Scheduled):
        return value
    return getattr(schedules, value.name)(**value.arguments)


def descend(problem, rule, hyper, *, trace=True, steps=100, **more):
    """A descent of exactly so many steps."""
    function, start, _ = PROBLEMS[problem]
    more = {"gtol": 0, "record": True, "max_iter": steps, "trace": trace} | more
    if not trace:
        F = tw.objective(lambda x: function(np, x), start)
        more |= {"jac": F.grad}
    return tw.minimize(lambda x: function(np, x), start, rule, **hyper, **more)


def bits(*arrays):
    return b"".join(np.ascontiguousarray(a).tobytes() for a in arrays)


# ---- Optax's numbers -----------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=str)
def test_points_are_those_of_optax(case):
    hyper = {k: made(v) for k, v in (case.hyper | case.options).items()}
    path = descend(case.problem, case.rule, hyper).path.x
    wanted = np.array(optax("rules")[case.name])
    got = path[list(STEPS)]
    # 100 steps of a few roundings each, of the largest variable.
    size = np.max(np.abs(wanted), axis=1, keepdims=True)
    assert np.max(np.abs(got - wanted) / size) <= 1e-12


def test_every_rule_is_compared_with_optax_on_every_problem_option_and_schedule():
    seen = {case.name for case in CASES}
    assert seen == set(optax("rules"))
    compared = [rule for rule in RULES if f"{rule}-rosenbrock" in seen]
    assert len(compared) >= 13  # a rule may be added that Optax has not
    for rule in compared:
        assert {f"{rule}-{problem}" for problem in PROBLEMS} <= seen
        for option in OPTIONS:
            own = option in tw.methods("rules")[rule]
            assert own or f"{rule}-rosenbrock-{option}" in seen
        if rule != "rprop":
            assert {f"{rule}-least_squares-{s}" for s in SCHEDULES} <= seen
    assert {s.name for s in SCHEDULES.values()} == set(schedules.__all__) - {"Schedule"}


@rules
@pytest.mark.parametrize("problem", ["rosenbrock", "omega"])
def test_told_and_traced_objectives_make_the_same_steps(rule, problem):
    hyper = {"learning_rate": 0.001} | OPTIONS
    if rule != "rprop":
        hyper["learning_rate"] = tw.schedules.cosine(0.001, 30)
    traced = descend(problem, rule, hyper, steps=40).path.x
    told = descend(problem, rule, hyper, steps=40, trace=False).path.x
    # Only fused multiply-adds of the gradient may differ.
    np.testing.assert_allclose(told, traced, rtol=1e-12)


# ---- schedules -----------------------------------------------------------------------------------


def test_a_constant_schedule_is_a_number():
    for rule in RULES:
        if rule == "rprop":
            continue
        number = descend("rosenbrock", rule, {"learning_rate": 0.001}).path.x
        for constant in (lambda t: 0.001 + 0 * t, tw.schedules.piecewise(0.001),
                         tw.schedules.cosine(0.001, 10, alpha=1.0)):  # fmt: skip
            got = descend("rosenbrock", rule, {"learning_rate": constant}).path.x
            np.testing.assert_allclose(got, number, rtol=1e-13)


def test_the_step_count_starts_at_zero():
    """Where the slope is 1, x goes down by learning_rate(t)."""
    result = tw.minimize(lambda x: x, 0.0, "gradient_descent", learning_rate=lambda t: t + 1,
                         max_iter=4, record=True)  # fmt: skip
    assert result.path.x.tolist() == [0, -1, -3, -6, -10]


def test_a_function_of_the_step_is_a_schedule():
    decay = lambda t: np.where(t < 5, 0.1, 0.1 / np.sqrt(t + 1))  # noqa: E731
    x, wanted = 1.6, []
    for t in range(10):
        x -= float(decay(t)) * (np.exp(x) - 1 / x)
        wanted.append(x)
    got = descend("omega", "gradient_descent", {"learning_rate": decay}, steps=10).path.x
    np.testing.assert_allclose(got[1:, 0], wanted, rtol=1e-14)


def test_schedules_compose():
    warm = tw.schedules.cosine(0.1, 50)
    half = descend("omega", "adam", {"learning_rate": lambda t: warm(t) / 2}).path.x
    same = descend("omega", "adam", {"learning_rate": tw.schedules.cosine(0.05, 50)}).path.x
    np.testing.assert_allclose(half, same, rtol=1e-13)


def test_another_schedule_of_the_kind_takes_the_same_step():
    F = tw.objective(lambda x: np.exp(x) - np.log(x), 1.6)

    def run(rate, **more):
        return tw.minimize(F, 1.6, "adam", learning_rate=rate, max_iter=5, **more)

    def steppers():
        return len(F._steppers)

    run(tw.schedules.cosine(0.1, 100))
    assert steppers() == 1
    first = run(tw.schedules.cosine(0.1, 100))
    second = run(tw.schedules.cosine(0.2, 7, alpha=0.3, exponent=2.0))
    assert steppers() == 1
    assert first.x != second.x
    F = tw.objective(lambda x: np.exp(x) - np.log(x), 1.6)
    fresh = run(tw.schedules.cosine(0.2, 7, alpha=0.3, exponent=2.0))
    assert bits(fresh.x) == bits(second.x)
    run(tw.schedules.exponential(0.1, 10, 0.5))
    run(tw.schedules.exponential(0.2, 5, 2.0, 3, True, 1.0))
    assert steppers() == 2
    run(tw.schedules.piecewise(0.1, {5: 0.5}))
    run(tw.schedules.piecewise(0.1, {2: 0.1}))
    run(tw.schedules.piecewise(0.1, {2: 0.1, 3: 0.1}))
    assert steppers() == 4
    run(0.1, clip_norm=1.0)
    run(0.2, clip_norm=3.0)
    assert steppers() == 5


def test_plain_functions_are_frozen_anew_at_each_call():
    F = tw.objective(lambda x: x, 0.0)
    rate = 1.0

    def schedule(t):
        return rate + 0 * t

    for rate in (1.0, 2.0):
        result = tw.minimize(F, 0.0, "gradient_descent", learning_rate=schedule, max_iter=1)
        assert result.last.x == -rate
    assert F._steppers == {}  # nothing of them is kept


@rules
@pytest.mark.parametrize("cut", [1, 7, 30])
def test_state_continues_bit_for_bit(rule, cut):
    hyper = {"learning_rate": 0.002} | OPTIONS
    if rule != "rprop":
        hyper["learning_rate"] = tw.schedules.warmup_cosine(0.0, 0.002, 10, 50)
    whole = descend("rosenbrock", rule, hyper, steps=60)
    begun = descend("rosenbrock", rule, hyper, steps=cut)
    state = pickle.loads(pickle.dumps(begun.state))
    rest = descend("rosenbrock", rule, hyper, steps=60 - cut, state=state)
    assert bits(rest.path.x) == bits(whole.path.x[cut:])
    assert bits(*rest.state.memory) == bits(*whole.state.memory)
    assert rest.state.nit == whole.state.nit == 60


def test_state_continues_into_and_out_of_a_schedule():
    number, schedule = {"learning_rate": 0.001}, {"learning_rate": tw.schedules.cosine(0.001, 40)}
    begun = descend("rosenbrock", "momentum", number, steps=10)
    onward = descend("rosenbrock", "momentum", schedule, steps=10, state=begun.state)
    assert onward.state.memory[-1] == 20  # counted from the start of all
    late = {"learning_rate": lambda t: schedule["learning_rate"](t) * (t >= 10) + 0.001 * (t < 10)}
    np.testing.assert_allclose(
        onward.path.x, descend("rosenbrock", "momentum", late, steps=20).path.x[10:], rtol=1e-13
    )
    back = descend("rosenbrock", "momentum", number, steps=5, state=onward.state)
    assert len(back.state.memory) == len(memory_of("momentum"))


@pytest.mark.parametrize("hyper", ["b1", "eps", "weight_decay", "clip_norm"])
def test_any_hyper_parameter_may_be_a_schedule(hyper):
    fixed = {"learning_rate": 0.01, hyper: 0.5}
    stepped = fixed | {hyper: tw.schedules.piecewise(0.5, {20: 0.5})}
    got, kept = (descend("rosenbrock", "adam", h, steps=40).path.x for h in (stepped, fixed))
    np.testing.assert_allclose(got[:21], kept[:21], rtol=1e-13)
    assert np.all(got[22] != kept[22])


# ---- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schedule", "error", "words"),
    [
        (lambda t: np.array([0.1, 0.2]) * t, TypeError, r"must give one number.*\(2,\)"),
        (lambda _: None, TypeError, "must give one number, got None"),
        (lambda _: "fast", TypeError, "must give one number"),
        (lambda t: -0.1 - t, ValueError, "must be >= 0.*-0.1 at t = 0"),
        (lambda _: np.nan, ValueError, "must be .* nan"),
        (lambda _: np.inf, ValueError, "must be .*finite"),
    ],
)
def test_a_schedule_that_gives_no_rate_is_refused(schedule, error, words):
    with pytest.raises(error, match="the schedule of learning_rate " + words):
        tw.Adam(learning_rate=schedule)


def test_a_schedule_that_cannot_be_traced_is_named():
    def branching(t):
        if t > 10:
            return 0.1
        return 0.2

    with pytest.raises(tw.TraceError, match=r"schedule of learning_rate.*") as caught:
        tw.minimize(lambda x: x**2, 1.0, "adam", learning_rate=branching)
    assert "t > 10" in str(caught.value)
    assert "trace=False" not in str(caught.value)  # which would not help

    def growing(t):
        return 0.1 * np.ones(3) if isinstance(t, Tracer) else 0.1

    with pytest.raises(TypeError, match=r"learning_rate must give one number, got shape \(3,\)"):
        tw.minimize(lambda x: x**2, 1.0, "adam", learning_rate=growing)


def test_what_memory_begins_as_cannot_be_a_schedule():
    schedule = tw.schedules.cosine(0.1, 10)
    for cls, name in ((tw.Rprop, "learning_rate"), (tw.RMSProp, "initial_scale"),
                      (tw.AdaGrad, "initial_accumulator_value")):  # fmt: skip
        with pytest.raises(TypeError, match=f"{name} of .* must be a number, got a schedule"):
            cls(**{"learning_rate": 0.1, name: schedule})


# ---- options -------------------------------------------------------------------------------------


@rules
def test_every_rule_takes_the_options(rule):
    options = inspect.signature(classes[rule]).parameters
    for name, *_ in _core.options():
        assert name in options
        assert f"\n{name} : float" in classes[rule].__doc__
    method = make(rule, {"learning_rate": 0.1} | OPTIONS)
    assert {k: method.hyper[k] for k in OPTIONS} == OPTIONS
    plain = {"learning_rate": 0.1}
    assert make(rule, plain | {"clip_norm": None}) == make(rule, plain)
    assert eval(repr(method), {classes[rule].__name__: classes[rule]}) == method
    for name in OPTIONS:
        for bad in (np.nan, np.inf, -1.0, "hard"):
            with pytest.raises((TypeError, ValueError), match=name):
                make(rule, {"learning_rate": 0.1, name: bad})
    with pytest.raises(TypeError, match=r"clip_norm.*unexpected keyword 'clip'"):
        make(rule, {"learning_rate": 0.1, "clip": 1.0})


@rules
def test_options_that_do_nothing_change_nothing(rule):
    hyper = {"learning_rate": 0.001}
    plain = descend("rosenbrock", rule, hyper).path.x
    own = "weight_decay" in tw.methods("rules")[rule]
    idle = {"clip_value": 1e9, "clip_norm": 1e9} | ({} if own else {"weight_decay": 0.0})
    assert bits(descend("rosenbrock", rule, hyper | idle).path.x) == bits(plain)


def test_clipping_acts_before_weight_decay():
    function = lambda x: np.sum(np.array([3.0, -4.0]) * x)  # noqa: E731

    def first_step(**options):
        result = tw.minimize(function, [10.0, 20.0], "gradient_descent", learning_rate=1.0,
                             max_iter=1, **options)  # fmt: skip
        return np.array([10.0, 20.0]) - result.last.x

    np.testing.assert_allclose(first_step(clip_value=3.5), [3.0, -3.5], rtol=1e-15)
    np.testing.assert_allclose(first_step(clip_norm=2.5), [1.5, -2.0], rtol=1e-15)
    np.testing.assert_allclose(first_step(weight_decay=0.1), [4.0, -2.0], rtol=1e-15)
    both = first_step(clip_value=3.0, clip_norm=np.sqrt(4.5))
    np.testing.assert_allclose(both, [1.5, -1.5], rtol=1e-15)
    every = first_step(clip_value=3.0, clip_norm=np.sqrt(4.5), weight_decay=0.1)
    np.testing.assert_allclose(every, [2.5, 0.5], rtol=1e-15)


def test_an_exploding_gradient_is_cut_to_length():
    """Its square would overflow; and a gradient of 0 is left as it is."""
    for scale, wanted in ((1e-310, 1e-310), (0.2, 0.2), (1.0, 0.2), (1e200, 0.2), (1e307, 0.2)):
        slope = np.array([3.0, -4.0]) * scale
        result = tw.minimize(lambda x, s=slope: np.sum(s * x), [0.0, 0.0], "gradient_descent",
                             learning_rate=1.0, clip_norm=1.0, max_iter=1, gtol=0)  # fmt: skip
        np.testing.assert_allclose(result.last.x, [-3 * wanted, 4 * wanted], rtol=1e-14)
    flat = tw.minimize(lambda x: np.sum(x**4), [0.0, 0.0], "adam", learning_rate=0.1,
                       clip_norm=1.0, max_iter=3, gtol=0)  # fmt: skip
    assert flat.last.x.tolist() == [0.0, 0.0]


def test_the_gradient_test_reads_the_objectives_own_gradient():
    hyper = {"learning_rate": 0.1, "clip_value": 1e-12, "clip_norm": 1e-12}
    result = descend("omega", "gradient_descent", hyper, steps=2, gtol=1e-8)
    assert result.reason is tw.Reason.max_iterations
    np.testing.assert_allclose(result.path.grad_norm[0], np.exp(1.6) - 1 / 1.6, rtol=1e-14)
    decayed = descend("omega", "gradient_descent", {"learning_rate": 0.1, "weight_decay": 1.0},
                      steps=2000, gtol=1e-8)  # fmt: skip
    # exp(x) - 1/x + x = 0 is where it rests: not a minimum of the function.
    x = decayed.last.x[0]
    assert abs(np.exp(x) - 1 / x + x) < 1e-9
    assert decayed.reason is tw.Reason.max_iterations


@rules
def test_a_function_without_slope_stays_where_it_is(rule):
    eps = {"eps": 1e-8} if "eps" in tw.methods("rules")[rule] else {}
    decay = {"weight_decay": 0.0}
    result = tw.minimize(lambda x: 1.0 + 0 * np.floor(x), 1.6, rule, learning_rate=0.1, max_iter=3,
                         gtol=0, **eps, **decay, clip_norm=1.0, clip_value=1.0)  # fmt: skip
    assert result.last.x == 1.6


# ---- the same bits -------------------------------------------------------------------------------


@rules
def test_lanes_with_schedules_and_options_have_the_bits_of_each_alone(rule):
    function, start, _ = PROBLEMS["rosenbrock"]
    F = tw.objective(lambda x: function(np, x), start)
    hyper = {"learning_rate": 0.002} | OPTIONS
    if rule != "rprop":
        hyper["learning_rate"] = tw.schedules.one_cycle(25, 0.01)
    method = make(rule, hyper)
    stepper = F.stepper(method, False, False, False)
    starts = np.random.default_rng(7).uniform(-2, 2, (70, 2))

    def run(rows):
        out = stepper.run(
            _core.Starts(np.ascontiguousarray(rows)), method.inputs(), [],
            _core.Stopping(max_iter=30), remember=True,
        )  # fmt: skip
        return [bits(*(c[i] for c in (out["x"], out["last_x"], out["fun"], *out["memory"])))
                for i in range(len(rows))]  # fmt: skip

    alone = [run(row[None, :])[0] for row in starts]
    for size in (2, 9, 33, 70):
        assert run(starts[:size]) == alone[:size]
    for i in (0, 13):
        result = tw.minimize(F, starts[i], method, gtol=0, max_iter=30)
        assert alone[i].startswith(bits(result.x, result.last.x))
