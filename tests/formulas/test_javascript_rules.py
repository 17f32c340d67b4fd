# SPDX-License-Identifier: BSD-3-Clause
"""Rules written as JavaScript make the steps of the core, for one variable and several."""

import json

import numpy as np
import pytest
from javascript_engine import evaluated, floats

import thalweg as tw
from thalweg import _core
from thalweg._formulas.javascript import literal
from thalweg._formulas.javascript_rules import rules

STEPS = 6
CENTRE = np.array([1.0, -2.0, 0.5])
WEIGHT = np.array([1.0, 3.0, 0.2])
RULES = {rule["name"]: rule for rule in _core.rules()}


def hyper_of(rule):
    """A number for each hyper-parameter: its default, or 0.05 if it has none."""
    return [0.05 if default is None else default for _, default, *_ in rule["hyper"]]


def bowl(x):
    return np.sum(WEIGHT[: np.size(x)] * (x - CENTRE[: np.size(x)]) ** 2)


# The loop of a page: the gradient of the bowl, and the step with its memory.
LOOP = """
const hyperOf = { @HYPER@ };
const out = {};
for (const [name, rule] of Object.entries(rules)) {
  const hyper = hyperOf[name], points = [];
  let memory = rule.memory.map(([value, each, from]) => {
    const begun = from < 0 ? value : hyper[from];
    return each && @N@ > 1 ? Float64Array.from({ length: @N@ }, () => begun) : begun;
  });
  let x = Float64Array.from(@START@);
  for (let k = 0; k < @STEPS@; ++k) {
    const g = x.map((v, i) => 2 * @WEIGHT@[i] * (v - @CENTRE@[i]));
    let norm;
    [x, memory, norm] = rule.step(x, g, memory, hyper, @BOUNDS@);
    points.push([...x, norm].map(String));
  }
  out[name] = points;
}
report(out);
"""


def steps(n, bounds, tmp_path):
    """Points and norms of the projected gradient after each step, by rule."""
    values = {
        "HYPER": ", ".join(
            f"{name}: [{', '.join(map(literal, hyper_of(rule)))}]" for name, rule in RULES.items()
        ),
        "START": json.dumps([0.25] * n), "N": n, "STEPS": STEPS,
        "WEIGHT": WEIGHT[:n].tolist(), "CENTRE": CENTRE[:n].tolist(),
        "BOUNDS": json.dumps(bounds),
    }  # fmt: skip
    code = LOOP
    for name, value in values.items():
        code = code.replace(f"@{name}@", str(value))
    got = evaluated(rules(n, bounds is not None) + code, tmp_path)
    return {name: np.array([floats(p) for p in points]) for name, points in got.items()}


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("bounded", [False, True])
def test_steps_are_those_of_a_descent(n, bounded, tmp_path):
    box = [[-0.1] * n, [0.35] * n] if bounded else None
    got = steps(n, box, tmp_path)
    assert set(got) == set(RULES)
    for name, rule in RULES.items():
        hyper = dict(zip([h[0] for h in rule["hyper"]], hyper_of(rule), strict=True))
        more = {"bounds": tw.Bounds(*map(np.array, box))} if bounded else {}
        path = tw.minimize(bowl, np.full(n, 0.25), name, gtol=0, max_iter=STEPS, record=True,
                           **hyper, **more).path  # fmt: skip
        np.testing.assert_allclose(
            got[name][:, :n], path.x[1:], rtol=1e-12, atol=1e-14, err_msg=name
        )
        # a step is given the gradient of the point before it
        np.testing.assert_allclose(
            got[name][:, n], path.grad_norm[:-1], rtol=1e-12, atol=1e-14, err_msg=name
        )
        if bounded:
            assert np.all((got[name][:, :n] >= -0.1) & (got[name][:, :n] <= 0.35))


def test_what_a_page_shows_of_a_rule_is_the_cores(tmp_path):
    code = (
        rules(2, False)
        + """report(Object.fromEntries(Object.entries(rules).map(([name, r]) =>
        [name, { summary: r.summary, hyper: r.hyper, memory: r.memory }])));"""
    )
    got = evaluated(code, tmp_path)
    for name, rule in RULES.items():
        assert got[name]["summary"] == rule["summary"]
        assert [h[0] for h in got[name]["hyper"]] == [h[0] for h in rule["hyper"]]
        assert [h[1] for h in got[name]["hyper"]] == [h[1] for h in rule["hyper"]]
        wanted = [[initial, each, source] for _, initial, each, source in rule["memory"]]
        assert got[name]["memory"] == wanted
