# SPDX-License-Identifier: BSD-3-Clause
"""`sweep`: every combination of hyper-parameters, and a verdict on each."""

import json
import pickle
import sys
import types
from pathlib import Path

import numpy as np
import pytest

import thalweg as tw
from thalweg._descents.sweep import verdicts_of
from thalweg._results.reasons import Reason

FACTS = json.loads((Path(__file__).parents[1] / "data" / "course_facts.json").read_text("utf-8"))
V = tw.Verdict


def omega(x):
    return np.exp(x) - np.log(x)


def sauna(x, y):
    return 85 - x**2 * (x - 6) * y**2 * (y - 6) / 90


def verdict_of(result, max_iter):
    """The verdict on a recorded run of a rule, from its path: docs/guide/many_descents.md."""
    by_reason = {
        Reason.diverged: V.diverged, Reason.left_domain: V.left_domain,
        Reason.non_finite: V.non_finite,
    }  # fmt: skip
    if result.success:
        return V.converged
    if result.reason in by_reason:
        return by_reason[result.reason]
    steps = np.diff(result.path.fun)
    late = steps[max_iter // 2 :]
    if len(late) == max_iter - max_iter // 2 and np.all(late > 0):
        return V.diverged
    if np.all(steps < 0):
        return V.too_small
    if np.sum(late > 0) >= (max_iter - max_iter // 2) / 4:
        return V.oscillating
    return V.unfinished


CASES = [
    (omega, 1.6, "gradient_descent", {"learning_rate": np.geomspace(1e-3, 1, 40)}, 100),
    (sauna, [0.5, 0.6], "gradient_descent", {"learning_rate": np.linspace(0.01, 0.8, 40)}, 20),
    (lambda x: x**2, 1.0, "gradient_descent", {"learning_rate": [0.1, 0.99, 1.0, 1.001, 1e9]}, 25),
    (omega, 1.6, "momentum", {"learning_rate": [0.01, 0.1, 0.2], "momentum": [0.3, 0.9, 0.99]}, 51),
    (lambda x: np.sin(x) + 0.05 * x**2, 4.0, "adam", {"b1": [0.5, 0.9, 0.99],
                                                      "learning_rate": [0.1, 1.0, 10.0]}, 30),
    (lambda x: x**4 - x, 3.0, "rprop", {"learning_rate": [0.1, 2.0]}, 10),
]  # fmt: skip


@pytest.mark.parametrize("case", range(len(CASES)))
def test_verdicts_are_those_of_recorded_paths(case):
    fun, x0, method, swept, max_iter = CASES[case]
    fixed = {"learning_rate": 0.1} if "learning_rate" not in swept else {}
    s = tw.sweep(fun, x0, method, max_iter=max_iter, **swept, **fixed)
    assert s.shape == tuple(len(v) for v in swept.values())
    for at in np.ndindex(s.shape):
        hyper = {name: float(v[i]) for (name, v), i in zip(swept.items(), at, strict=True)}
        alone = tw.minimize(fun, x0, method, max_iter=max_iter, record=True, **hyper, **fixed)
        assert s.verdict[at] == verdict_of(alone, max_iter), (hyper, str(V(s.verdict[at])))
        assert s.nit[at] == alone.nit
        assert s.reason[at] == alone.reason
        assert np.asarray(s.x[at]).tobytes() == np.asarray(alone.x).tobytes()


def test_all_verdicts_of_values_occur_among_the_cases():
    found = set()
    for fun, x0, method, swept, max_iter in CASES:
        fixed = {"learning_rate": 0.1} if "learning_rate" not in swept else {}
        found |= set(tw.sweep(fun, x0, method, max_iter=max_iter, **swept, **fixed).verdict.flat)
    assert {V.converged, V.too_small, V.oscillating, V.diverged, V.left_domain} <= found


# max_iter, rises in the last half, steps that did not fall: the verdict.
COUNTED = [
    (8, 0, 0, V.too_small), (8, 0, 1, V.unfinished), (8, 1, 1, V.oscillating),
    (8, 3, 3, V.oscillating), (8, 4, 4, V.diverged), (9, 1, 1, V.unfinished),
    (9, 2, 2, V.oscillating), (9, 4, 4, V.oscillating), (9, 5, 5, V.diverged),
    (1, 0, 0, V.too_small), (1, 1, 1, V.diverged), (0, 0, 0, V.unfinished),
]  # fmt: skip


@pytest.mark.parametrize(("max_iter", "rises", "not_falls", "verdict"), COUNTED)
def test_verdicts_follow_their_formulas_at_the_limits(max_iter, rises, not_falls, verdict):
    out = {
        "reason": np.array([Reason.max_iterations], np.int8), "nit": np.array([max_iter]),
        "late_rises": np.array([rises]), "not_falls": np.array([not_falls]),
    }  # fmt: skip
    assert verdicts_of(out, max_iter).tolist() == [verdict]


def test_the_courses_learning_rates_get_their_verdicts():
    rates = [0.04, 0.1, 0.3, 0.5]
    s = tw.sweep(omega, 1.6, learning_rate=rates, max_iter=25, gtol=1e-6)
    told = [str(V(v)) for v in s.verdict]
    assert told == ["too_small", "converged", "converged", "left_domain"]
    bounces = tw.sweep(sauna, [0.5, 0.6], learning_rate=[0.15, 0.25, 0.5], max_iter=20, gtol=1e-4)
    assert [str(V(v)) for v in bounces.verdict] == ["too_small", "converged", "oscillating"]


def test_axes_are_in_the_order_given_and_each_run_knows_its_own():
    s = tw.sweep(omega, 1.6, "momentum", momentum=[0.1, 0.5], learning_rate=(0.01, 0.1, 0.2))
    assert list(s.axes) == ["momentum", "learning_rate"]
    assert s.verdict.shape == s.fun.shape == s.x.shape == (2, 3)
    assert s[1, 2].momentum == 0.5
    assert s[1, 2].learning_rate == 0.2
    assert s.learning_rate[:, 1].tolist() == [0.1, 0.1]
    assert isinstance(s[1, 2].verdict, tw.Verdict)
    assert s[0, 0].message.startswith(f"{s[0, 0].verdict}: ")


def test_the_best_converged_in_the_fewest_iterations():
    s = tw.sweep(omega, 1.6, learning_rate=np.linspace(0.01, 0.5, 60), max_iter=100)
    good = s.verdict == V.converged
    assert s.best.nit == s.nit[good].min()
    tied = good & (s.nit == s.best.nit)
    assert s.best.fun == s.fun[tied].min()
    assert s.best.verdict is V.converged
    with pytest.raises(ValueError, match="none of 2 runs converged: too_small 2"):
        tw.sweep(omega, 1.6, learning_rate=[1e-5, 1e-4], max_iter=10).best  # noqa: B018


def test_solvers_are_swept_by_their_reasons():
    s = tw.sweep(omega, 1.6, "lbfgs", memory=[2, 5, 10])
    assert s.axes["memory"].dtype == np.int64
    assert s[1].memory == 5
    assert np.all(s.verdict == V.converged)
    short = tw.sweep(omega, 1.6, "lbfgs", memory=[2, 5], max_iter=1)
    assert np.all(short.verdict == V.unfinished)


def test_numbers_and_schedules_beside_the_sequences_hold_for_all():
    rate = tw.schedules.exponential(0.3, 10, 0.9)
    s = tw.sweep(omega, 1.6, "momentum", momentum=[0.0, 0.3], learning_rate=rate, max_iter=50)
    alone = tw.minimize(omega, 1.6, "momentum", momentum=0.3, learning_rate=rate, max_iter=50)
    assert s.x[1] == alone.x
    assert list(s.axes) == ["momentum"]


def test_bounds_hold_in_a_sweep():
    s = tw.sweep(omega, 1.6, learning_rate=[0.1, 3.0], bounds=(1.0, 2.0))
    assert s.x.tolist() == [1.0, 1.0]
    assert np.all(s.verdict == V.converged)


def test_results_do_not_depend_on_threads():
    rates = np.geomspace(1e-3, 1, 500)
    one, two = (tw.sweep(omega, 1.6, learning_rate=rates, threads=t) for t in (1, 2))
    assert one.x.tobytes() == two.x.tobytes()
    assert one.verdict.tobytes() == two.verdict.tobytes()


def test_a_sweep_prints_pickles_and_is_picked_from(tmp_path):
    s = tw.sweep(omega, 1.6, learning_rate=np.linspace(0.01, 0.6, 30), max_iter=100)
    assert "runs: 30" in repr(s)
    assert "0.01 to 0.6, 30 values" in repr(s)
    assert "left_domain" in repr(s)
    assert f"{s.best.nit} iterations" in repr(s)
    again = pickle.loads(pickle.dumps(s))
    assert repr(again) == repr(s)
    good = s[s.verdict == V.converged]
    assert type(good) is type(s)
    assert good.best.learning_rate == s.best.learning_rate
    assert "axes" not in good
    assert "converged" in repr(good)
    assert sum(s.verdict_counts.values()) == 30
    assert s.verdicts.tolist() == [str(V(v)) for v in s.verdict]
    np.savez(tmp_path / "sweep.npz", **s)
    with np.load(tmp_path / "sweep.npz") as saved:
        assert {"learning_rate", "verdict", "axes.learning_rate"} <= set(saved.files)


def test_plot_hands_over_to_the_pictures(monkeypatch):
    drawn = types.ModuleType("thalweg.plot")
    drawn.sweep = lambda s, **kw: (s, kw)
    monkeypatch.setitem(sys.modules, "thalweg.plot", drawn)
    monkeypatch.setattr(tw, "plot", drawn, raising=False)
    s = tw.sweep(omega, 1.6, learning_rate=[0.1])
    assert s.plot(ax=3) == (s, {"ax": 3})


REFUSED = [
    ({}, ValueError, r"needs a sequence of values.*learning_rate=\[.*got none"),
    ({"learning_rate": 0.1}, ValueError, "needs a sequence of values"),
    ({"learning_rate": []}, ValueError, "learning_rate must hold at least one number"),
    ({"learning_rate": [0.1, -1]}, ValueError, "learning_rate must be > 0 and finite, got -1"),
    ({"learning_rate": [0.1, np.nan]}, ValueError, "learning_rate must be > 0"),
    ({"learning_rate": [0.1, np.inf]}, ValueError, "learning_rate must be > 0"),
    ({"learning_rate": ["a"]}, TypeError, "learning_rate must be a sequence of numbers"),
    ({"learning_rate": [[0.1]]}, ValueError, r"one sequence of numbers, got shape \(1, 1\)"),
    ({"learning_rate": [np.sqrt]}, TypeError, "but it contains a schedule"),
    ({"learning_rate": [[0.1], [0.1, 0.2]]}, TypeError, "must be a sequence of numbers"),
    ({"learning_rate": np.array([0.1j])}, TypeError, "must be a sequence of numbers"),
    ({"learning_rate": [0.1, None]}, TypeError, "must be a sequence of numbers"),
    ({"learning_rate": {0.1}}, ValueError, r"got learning_rate=\{0.1\}"),
    ({"learning_rate": [0.1], "momentum": 0.5}, TypeError, "unexpected keyword 'momentum'"),
    ({"momentum": [0.1]}, TypeError, "unexpected keyword 'momentum'|needs learning_rate"),
    ({"method": "lbfgs", "memory": [2.5]}, ValueError, "memory must be a whole number"),
    ({"method": tw.Adam(0.1), "b1": [0.5]}, TypeError, "the hyper-parameters must be set in"),
    ({"learning_rate": [0.1], "x0": [1.0, 2.0]}, ValueError, "one value|x0 must be one start"),
    ({"learning_rate": [0.1], "x0": np.nan}, ValueError, "x0 must be finite"),
    ({"learning_rate": [0.1], "bounds": (2, 3)}, ValueError, "x0 must lie within the bounds"),
    ({"learning_rate": [0.1], "threads": 0}, ValueError, "threads must be >= 1"),
    ({"learning_rate": [0.1], "max_iter": -1}, ValueError, "max_iter must be >= 0"),
    (
        {"method": "momentum", "learning_rate": np.full(2**14, 0.1), "momentum": np.zeros(2**14)},
        ValueError, "at most 134,217,728 runs, got 268,435,456",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("changed", "kind", "words"), REFUSED)
def test_what_does_not_fit_is_told(changed, kind, words):
    call = {"fun": omega, "x0": 1.6} | changed
    with pytest.raises(kind, match=words):
        tw.sweep(**call)


def test_verdicts_have_names():
    assert [str(v) for v in V][:5] == [
        "converged", "too_small", "oscillating", "diverged", "left_domain"
    ]  # fmt: skip
    assert f"{V.too_small:>10}" == " too_small"
    assert pickle.loads(pickle.dumps(V.stuck)) is V.stuck
