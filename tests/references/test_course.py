# SPDX-License-Identifier: BSD-3-Clause
"""Every number of the course that gradient descent can reach comes out, to the digits shown.

`data/course_facts.json` is walked: a number of 16 digits and an integer are met to 4 ulp, a shorter
one to the digits that stand there. Descents run with gtol = xtol = ftol = 0, as there.
"""

import ast
import json
import re
from decimal import Decimal
from math import ulp
from pathlib import Path

import numpy as np
import pytest

import thalweg as tw

DATA = Path(__file__).parents[1] / "data"
FACTS = json.loads((DATA / "course_facts.json").read_text("utf-8"), parse_float=Decimal)
NO_TESTS = {"gtol": 0, "xtol": 0, "ftol": 0}


def names_of(text):
    """The variables of a formula, in the order x, y or m, b."""
    found = {n.id for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Name)}
    return [name for name in ("x", "y", "m", "b") if name in found]


def function(name, which="formula"):
    """The function that a formula of the file stands for, in bare NumPy names."""
    text = FACTS["functions"][name][which]
    return eval(f"lambda {', '.join(names_of(text))}: {text}", dict(vars(np)))


FUNCTIONS = [name for name, f in FACTS["functions"].items() if "formula" in f]


def flat(value):
    """Decimals and integers of nested lists, in order."""
    return [v for item in value for v in flat(item)] if isinstance(value, list) else [value]


def assert_digits(got, shown):
    """Each number agrees with what is shown, to the digits that are."""
    got = np.ravel(got).tolist()
    shown = flat(shown)
    assert len(got) == len(shown)
    for g, s in zip(got, shown, strict=True):
        if isinstance(s, int) or len(s.as_tuple().digits) >= 16:
            tolerance = 4 * ulp(float(s))
        else:
            # NumPy prints eight decimals but for zeros at their end: 4.0 is 4.00000000.
            places = 8 if s == s.to_integral_value() else -s.as_tuple().exponent
            tolerance = 0.5000001 * 10.0**-places
        assert abs(g - float(s)) <= tolerance, f"got {g!r}, shown {s}"


def point(at):
    return [float(v) for v in flat(at)]


def traced(name):
    f = function(name)
    return tw.objective(f, [1.0] * f.__code__.co_argcount if f.__code__.co_argcount > 1 else 1.0)


def start_of(fact):
    return point(fact["start"]) if isinstance(fact["start"], list) else float(fact["start"])


def label(fact):
    rate = fact.get("learning_rate", "")
    return f"{fact['function']}-{fact.get('start', fact.get('at'))}-{rate}".replace(" ", "")


def run(fact, **more):
    stops = NO_TESTS | {"max_iter": fact.get("iterations", len(fact.get("path", [])) - 1)} | more
    rate = float(fact["learning_rate"])
    return tw.minimize(
        function(fact["function"]), start_of(fact), "gradient_descent",
        learning_rate=rate, record=True, **stops,
    )  # fmt: skip


# ---- values, gradients, planes -------------------------------------------------------------------


@pytest.mark.parametrize("fact", FACTS["values"], ids=label)
def test_value_and_gradient_at_a_point(fact):
    F = traced(fact["function"])
    at = point(fact["at"])
    value, gradient = F.value_and_grad(*at)
    if "value" in fact:
        assert_digits(value, fact["value"])
        assert F(*at) == value
    if "gradient" in fact:
        assert_digits(gradient, fact["gradient"])


def test_tangent_plane_touches_the_bowl():
    fact = next(f for f in FACTS["values"] if "tangent_plane" in f)
    F, at = traced(fact["function"]), np.array(point(fact["at"]))
    value, gradient = F.value_and_grad(at)
    plane = eval("lambda x, y: " + fact["tangent_plane"].removeprefix("z = "))
    for step in ([0, 0], [1, 0], [0, 1], [-3, 2]):  # small integers: no rounding
        assert value + gradient @ step == plane(*(at + step))


def test_slices_have_the_slopes_shown():
    fact = next(f for f in FACTS["values"] if "slices" in f)
    slices = re.findall(r"(\w) = (\d): slope (\d)(\w)", fact["slices"])
    assert len(slices) == 2
    F = traced(fact["function"])
    for held, at, factor, free in slices:
        for t in (-1.5, 0.0, 2.0):
            x = {held: float(at), free: t}
            slope = F.grad(x["x"], x["y"])["xy".index(free)]
            assert slope == float(factor) * t


@pytest.mark.parametrize("name", [n for n in FUNCTIONS if "gradient" in FACTS["functions"][n]])
def test_gradient_is_the_formula_of_the_course(name):
    f, F = function(name), traced(name)
    names = f.__code__.co_varnames
    points = np.random.default_rng(1).uniform(-3, 3, (20, len(names)))
    for k, text in enumerate(FACTS["functions"][name]["gradient"]):
        slope = eval(f"lambda {', '.join(names)}: {text}")
        # Another order of operations: terms up to 500 cancel, each rounded to 1e-16 of itself.
        np.testing.assert_allclose(F.grad(points)[:, k], slope(*points.T), rtol=1e-13, atol=1e-12)


def test_expanded_power_lines_are_the_same_function():
    short, long = function("power_lines"), function("power_lines", "expanded")
    points = np.random.default_rng(2).uniform(-3, 3, (20, 2))
    F, G = tw.objective(short, [1.0, 1.0]), tw.objective(long, [1.0, 1.0])
    np.testing.assert_allclose(F(points), G(points), rtol=1e-13, atol=1e-12)  # as above
    np.testing.assert_allclose(F.grad(points), G.grad(points), rtol=1e-13, atol=1e-12)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_is_numpys_at_random_points(name):
    f, F = function(name), traced(name)
    points = np.random.default_rng(3).uniform(0.1, 2, (50, F.n))
    got = F(points) if F.n > 1 else F(points[:, 0])
    # NumPy's own functions are within 1 ulp a step; values near a zero of sin cancel.
    np.testing.assert_allclose(got, f(*points.T), rtol=1e-14, atol=1e-14)


def test_saunas_critical_points():
    F = traced("sauna")
    lines = np.array([[0, t] for t in range(6)] + [[t, 0] for t in range(6)], dtype=float)
    np.testing.assert_array_equal(F(lines), 85.0)
    np.testing.assert_array_equal(F.grad(lines), 0.0)
    for at in ((4.0, 4.0), (6.0, 6.0)):
        np.testing.assert_array_equal(F.grad(at), 0.0)
    assert np.all(np.linalg.eigvalsh(F.hessian(4.0, 4.0)) > 0)


# ---- minima --------------------------------------------------------------------------------------

RATES = {"omega": 0.3, "sauna": 0.1, "three_wells": 0.2, "power_lines": 0.05}  # these converge
MINIMA = []
for _name in FUNCTIONS:
    _f = FACTS["functions"][_name]
    for _k, _m in enumerate(_f.get("minima", [_f["minimum"]] if "minimum" in _f else [])):
        MINIMA.append(pytest.param(_name, _m, id=f"{_name}-{_k}"))


@pytest.mark.parametrize(("name", "minimum"), MINIMA)
def test_minimum_is_reached(name, minimum):
    shown = minimum.get("x", [minimum.get("m"), minimum.get("b")])
    near = np.array(point(shown)) + 0.05
    res = tw.minimize(
        function(name), near if near.size > 1 else near[0], "gradient_descent",
        learning_rate=RATES[name], max_iter=5000,
    )  # fmt: skip
    assert res.success
    assert res.reason == tw.Reason.gradient_small
    # gtol 1e-8 leaves x 1e-8 / curvature away: 1.5e-8 with power_lines' 0.7.
    np.testing.assert_allclose(np.ravel(res.x), point(shown), rtol=0, atol=1.5e-8)
    if "fun" in minimum:
        assert_digits(res.fun, minimum["fun"])


def test_global_minimum_of_three_wells_is_the_lowest():
    wells = FACTS["functions"]["three_wells"]["minima"]
    values = traced("three_wells")([point(w["x"]) for w in wells])
    assert [w["kind"] for w in wells][np.argmin(values)] == "global"


# ---- descents ------------------------------------------------------------------------------------

ARRIVING = [d for d in FACTS["descents"] if "printed" in d or "result" in d]
LEAVING = [d for d in FACTS["descents"] if "domain" in d.get("ends", "")]
UNFINISHED = [d for d in ARRIVING if "ends" in d]


def test_every_descent_of_the_file_is_tested():
    paths = [d for d in FACTS["descents"] if "path" in d]
    assert len(ARRIVING) + len(LEAVING) + len(paths) == len(FACTS["descents"])


@pytest.mark.parametrize("fact", ARRIVING, ids=label)
def test_descent_ends_where_it_is_printed(fact):
    res = run(fact)
    assert_digits(res.last.x, fact.get("printed", fact.get("result")))
    assert res.nit == fact["iterations"]
    assert res.reason == tw.Reason.max_iterations  # no test was on


@pytest.mark.parametrize("fact", [d for d in FACTS["descents"] if "path" in d], ids=label)
def test_descent_passes_the_points_shown(fact):
    res = run(fact)
    assert_digits(res.path.x, fact["path"])


@pytest.mark.parametrize("fact", LEAVING, ids=label)
@pytest.mark.parametrize("stops", [NO_TESTS, {}], ids=["without tests", "with the usual tests"])
def test_descent_that_leaves_the_domain_says_so(fact, stops):
    res = run(fact, **stops)
    assert not res.success
    assert res.reason == tw.Reason.left_domain
    assert res.status == 3
    assert res.last.x < 0
    assert np.isnan(res.last.fun)
    assert f"log({res.last.x:.6g})" in res.message  # the operation and what it was given
    assert "domain" in res.message
    assert res.nit < fact["iterations"]
    assert res.x > 0  # the best point that was seen
    assert np.isfinite(res.fun)
    assert res.fun == np.nanmin(res.path.fun)


@pytest.mark.parametrize("fact", UNFINISHED, ids=label)
def test_descent_that_does_not_converge_says_so(fact):
    res = run(fact, gtol=None)  # the usual test is on
    assert not res.success
    assert res.reason == tw.Reason.max_iterations
    assert res.status == 1
    assert f"{fact['iterations']} iterations >= max_iter = {fact['iterations']}" in res.message
    assert "not converged" in res.message


# ---- least squares, two ways ---------------------------------------------------------------------


def advertising():
    table = np.genfromtxt(DATA / "advertising.csv", delimiter=",", names=True)
    assert table.size == 200
    exact = json.loads((DATA / "advertising_ols.json").read_text("utf-8"))["sales ~ 1 + TV"]
    return table["TV"], table["sales"], exact


def test_descent_finds_the_least_squares_line_of_the_advertising_data():
    tv, sales, exact = advertising()
    scaled = (tv - tv.mean()) / tv.std()

    def cost(m, b):
        return np.sum((m * scaled + b - sales) ** 2) / (2 * len(sales))

    res = tw.minimize(cost, [0.0, 0.0], "gradient_descent", learning_rate=0.5, gtol=1e-12)
    assert res.success
    m = res.x[0] / tv.std()
    b = res.x[1] - m * tv.mean()
    # Gradients to 1e-12, curvature 1; the scaling is undone with a few roundings.
    np.testing.assert_allclose([b, m], [float(c) for c in exact["coef"]], rtol=1e-11)
    assert 2 * len(sales) * res.fun == pytest.approx(float(exact["rss"]), rel=1e-13)


def test_gradient_of_the_advertising_cost_vanishes_at_the_exact_line():
    tv, sales, exact = advertising()
    b, m = map(float, exact["coef"])
    F = tw.objective(lambda m, b: np.sum((m * tv + b - sales) ** 2) / (2 * tv.size), [0.0, 0.0])
    value, gradient = F.value_and_grad(m, b)
    assert value == pytest.approx(float(exact["rss"]) / 400, rel=1e-13)
    # Sums of 200 terms up to 3,000, each rounded to 2e-16 of itself, over 200.
    np.testing.assert_allclose(gradient, 0.0, atol=1e-11)
