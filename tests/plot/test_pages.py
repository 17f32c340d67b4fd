# SPDX-License-Identifier: BSD-3-Clause
"""Pages that explore a function without Python: their descents are the core's, in a browser too."""

import json
import re

import numpy as np
import pytest
from javascript_engine import evaluated, floats
from page_cases import core_path, course
from test_course import FACTS, FUNCTIONS, point

import thalweg as tw
from thalweg import _core
from thalweg.plot import explore_html
from thalweg.plot.scene import trail_of

pytest.importorskip("matplotlib")

# Starts and rates for functions that the course does not descend on.
MORE = [
    ("bowl", [2, 3], 0.1, 60), ("bowl", [-3.5, 1], 0.45, 60), ("monomial", [1.5, 1], 0.01, 40),
    ("power_lines", [0, 0], 0.05, 200), ("advertising", [0, 0], 0.4, 80),
]  # fmt: skip


def descents():
    """Start, rate and steps of every descent of the course that converges, and of some more."""
    cases = list(MORE)
    for fact in FACTS["descents"]:
        # Where a descent bounces about or leaves the domain, roundings grow with every step.
        if re.search("bounces|leaves", fact.get("ends", "")):
            continue
        count = fact.get("iterations", len(fact.get("path", [])) - 1)
        start = point(fact["start"]) if isinstance(fact["start"], list) else float(fact["start"])
        cases.append((fact["function"], start, float(fact["learning_rate"]), count))
    return cases


def logic(page):
    """The page's script that computes, without the one that draws."""
    return re.search(r"<script>(.*?)</script>", page.read_text("utf-8"), re.DOTALL)[1]


def test_every_function_of_the_course_is_descended_on():
    assert {name for name, *_ in descents()} == set(FUNCTIONS) | {"advertising"}


@pytest.mark.parametrize("case", descents(), ids=lambda c: f"{c[0]}-{c[1]}-{c[2]}".replace(" ", ""))
def test_descents_agree_with_the_core(case, tmp_path):
    name, start, rate, count = case
    fun, box = course(name)
    page = explore_html(fun, box, tmp_path / "page.html", start=start, learning_rate=rate)
    at = json.dumps(np.ravel(start).tolist())
    code = f"const r = thalweg.descend({at}, {rate!r}, {count});"
    code += "report([...r.path.flat(), ...r.values].map(String));"
    got = floats(evaluated(logic(page) + code, tmp_path))
    x, values = core_path(fun, start, rate, count)
    np.testing.assert_allclose(got[: x.size].reshape(x.shape), x, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(got[x.size :], values, rtol=1e-12, atol=1e-12)


def test_a_descent_that_leaves_the_domain_ends_where_the_cores_does(tmp_path):
    fun, box = course("omega")
    page = explore_html(fun, box, tmp_path / "page.html")
    code = "const r = thalweg.descend([1.6], 0.5, 25);"
    code += "report([...r.path.flat(), ...r.values].map(String));"
    got = floats(evaluated(logic(page) + code, tmp_path)).reshape(2, -1)
    x, values = core_path(fun, 1.6, 0.5, 25)
    assert np.isnan(values[-1])
    np.testing.assert_allclose(got, [x[:, 0], values], rtol=1e-12)


def test_bounds_hold_in_the_page(tmp_path):
    fun, box = course("bowl")
    bounds = [(0.5, None), (-1, 2)]
    page = explore_html(fun, box, tmp_path / "page.html", start=[3, 2], within=bounds)
    code = "report(thalweg.descend([3, 2], 0.1, 50).path.flat().map(String));"
    got = floats(evaluated(logic(page) + code, tmp_path)).reshape(-1, 2)
    x, _ = core_path(fun, [3.0, 2.0], 0.1, 50, bounds=bounds)
    np.testing.assert_allclose(got, x, rtol=1e-12, atol=1e-12)
    assert got[-1, 0] == 0.5


RUNS = {"three_wells": [2.0, 3.0], "omega": 1.6}


@pytest.mark.parametrize("bounded", [False, True])
@pytest.mark.parametrize("name", RUNS)
def test_every_rule_of_the_core_makes_the_cores_iterates(name, bounded, tmp_path):
    fun, box = course(name)
    start = np.array(RUNS[name])[()]
    bounds = None if not bounded else (0.7, 1.7) if name == "omega" else [(1, 4), (2.5, None)]
    page = explore_html(fun, box, tmp_path / "page.html", start=start, within=bounds)
    at, count, rules = json.dumps(np.ravel(start).tolist()), 60, _core.rules()
    code = f"""const out = {{}};
    for (const [name, rate] of Object.entries(thalweg.scene.rates)) {{
      const r = thalweg.descend({at}, rate, {count}, name);
      out[name] = [rate, [...r.path.flat(), ...r.values].map(String)];
    }}
    report(out);"""
    got = evaluated(logic(page) + code, tmp_path)
    assert list(got) == [rule["name"] for rule in rules]
    for rule, (rate, texts) in got.items():
        kw = {"learning_rate": rate, "max_iter": count, "gtol": 0, "bounds": bounds}
        path = tw.minimize(fun, start, rule, record=True, **kw).path
        np.testing.assert_allclose(
            floats(texts), np.r_[np.ravel(path.x), path.fun], rtol=1e-13, atol=1e-13, err_msg=rule
        )
        assert len(np.unique(path.fun)) > 3, "the default rate makes steps"


def test_hyper_parameters_are_the_cores_and_can_be_chosen(tmp_path):
    fun, box = course("three_wells")
    page = explore_html(fun, box, tmp_path / "page.html")
    code = """report([Object.entries(thalweg.rules).map(([name, r]) => [name, r.hyper]),
      thalweg.descend([2, 3], 0.1, 30, "adam", { b1: 0.5 }).path.flat().map(String)]);"""
    hyper, path = evaluated(logic(page) + code, tmp_path)
    wanted = [[m["name"], [list(h[:3]) for h in m["hyper"]]] for m in _core.rules()]
    assert hyper == wanted
    adam = tw.Adam(learning_rate=0.1, b1=0.5)
    x = tw.minimize(fun, [2.0, 3.0], adam, max_iter=30, gtol=0, record=True).path.x
    np.testing.assert_allclose(floats(path), np.ravel(x), rtol=1e-13)


# Function, start, rate, steps.
ENDINGS = {
    "a logarithm": (lambda x: np.exp(x) - np.log(x), 1.6, 0.5, 25),
    "growth": (lambda x, y: x**2 + y**2, [1.0, 1.0], 1.1, 5000),
    "a slope": (lambda x: np.sqrt(x) + 0 * x, 1.0, 2.0, 25),
    "the start": (lambda x: np.log(x), -1.0, 0.1, 5),
    "one of two": (lambda x, y: np.log(x) + x * np.log(y), [1.0, 0.5], 1.0, 25),
    "a power": (lambda x: x**1.5 - 5 * x + 8 * x**2, 1.0, 0.5, 25),
    "a branch": (lambda x: np.where(x > 0, x * np.exp(x), np.log(x + 0.5)), 1.0, 0.25, 25),
    "an element": (lambda x: np.sum(np.log(x - np.array([1.0, 2, 3]) + 3)), 1.0, 0.6, 25),
    "0 / 0": (lambda x, y: x / y + y**2, [1.0, 1.0], 1.0, 30),
    "a step too long": (lambda x: np.sin(x) + x, 1.0, 1e308, 5),
    "a maximum": (lambda x, y: np.maximum(np.log(x), y) ** 2 + x, [1.0, 1.0], 0.7, 30),
    "a product of vectors": (lambda v: np.sqrt(v @ np.array([1.0, -1])), [2.0, 1.0], 1.5, 30),
    "none": (lambda x: np.exp(np.exp(x)) - x, 2.0, 1e-3, 25),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_endings_are_told_in_the_cores_words(name, tmp_path):
    fun, start, rate, count = ENDINGS[name]
    box = (-1, 3) if np.ndim(start) == 0 else [(-1, 3), (-1, 3)]
    page = explore_html(fun, box, tmp_path / "page.html", start=start)
    code = f"const r = thalweg.descend({json.dumps(np.ravel(start).tolist())}, {rate!r}, {count});"
    code += "report([r.message, r.reason, r.path.length, r.settled]);"
    message, reason, length, settled = evaluated(logic(page) + code, tmp_path)
    kw = {"learning_rate": rate, "max_iter": count, "gtol": 0, "record": True}
    result = tw.minimize(fun, np.array(start)[()], "gradient_descent", **kw)
    assert (message, reason) == (result.message, str(result.reason))
    assert length == len(result.path.fun)
    assert settled == trail_of(result, tw.objective(fun, np.array(start)[()])).settled


def test_a_descent_that_jumps_about_has_not_settled(tmp_path):
    fun, box = course("sauna")
    page = explore_html(fun, box, tmp_path / "page.html")
    code = "report([0.25, 0.5].map(rate => thalweg.descend([0.5, 0.6], rate, 60).settled));"
    assert evaluated(logic(page) + code, tmp_path) == [True, False]


def test_numbers_are_written_as_python_writes_them(tmp_path):
    page = explore_html(*course("bowl"), tmp_path / "page.html")
    values = [0.0, 1.0, -2.5, 1e-4, 1.5e-5, 123456.0, 1234567.0, 1e300, 5e-324, 0.1 + 0.2, 99999.95]
    code = f"report({json.dumps(values)}.map(v => thalweg.shown(v)));"
    assert evaluated(logic(page) + code, tmp_path) == [f"{v:.6g}" for v in values]


def test_title_and_formula_stand_on_the_page(tmp_path):
    def valley(x, y):
        return 100 * (y - x**2) ** 2 + (1 - x) ** 2

    box = [(-1, 1), (-1, 1)]
    text = explore_html(valley, box, tmp_path / "page.html").read_text("utf-8")
    assert "<title>valley</title>" in text
    assert "<h1>valley</h1>" in text
    assert "f(x, y) = 100 (y − x²)² + (1 − x)²</p>" in text
    text = explore_html(lambda x: np.sum(x * np.arange(3.0)), (0, 1), tmp_path / "page.html")
    assert '<h1>f(x)</h1>\n<p id="formula">f(x)</p>' in text.read_text("utf-8")


def test_pages_are_small_and_ask_for_nothing(tmp_path):
    for name in [*FUNCTIONS, "advertising"]:
        page = explore_html(*course(name), tmp_path / f"{name}.html")
        text = page.read_text("utf-8")
        assert page.stat().st_size < 200_000
        assert "default-src 'none'" in text
        assert not re.search(r"(src|href)=\"(?!data:)", text)
        assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")
        assert "https://" not in text
        assert "@" not in re.sub("@media", "", text), "a part of the template was left"


def test_names_stand_on_the_page_and_cannot_break_it(tmp_path):
    names = ["</script><b>", 'a"&']
    page = explore_html(*course("bowl"), tmp_path / "page.html", names=names)
    text = page.read_text("utf-8")
    assert text.count("</script>") == 2
    assert "<b>" not in text
    assert "f(&lt;/script&gt;&lt;b&gt;, a&quot;&amp;)" in text
    assert evaluated(logic(page) + "report(thalweg.scene.names);", tmp_path) == names


def test_what_cannot_be_a_page_is_refused(tmp_path):
    file = tmp_path / "page.html"
    with pytest.raises(ValueError, match=r"one or two variables.*slice"):
        explore_html(lambda x, y, z: x + y + z, [(0, 1)] * 3, file)
    with pytest.raises(tw.TraceError):
        explore_html(lambda x: float(x) ** 2, (0, 1), file)
    big = np.random.default_rng(0).normal(size=20_000)
    with pytest.raises(ValueError, match=r"fewer than 200000 bytes.*too much data"):
        explore_html(lambda m: np.mean((m * big) ** 2), (0, 1), file)
    fun, box = course("bowl")
    with pytest.raises(ValueError, match="bounds must"):
        explore_html(fun, [(0, 1), (3, 2)], file)
    with pytest.raises(ValueError, match="start"):
        explore_html(fun, box, file, start=[np.nan, 1])
    with pytest.raises(ValueError, match="learning_rate must be"):
        explore_html(fun, box, file, learning_rate=-1)
    with pytest.raises(ValueError, match="iterations must be"):
        explore_html(fun, box, file, iterations=1.5)
    assert not file.exists()


def test_the_usual_rate_makes_steps_that_are_seen(tmp_path):
    for name in [*FUNCTIONS, "advertising"]:
        fun, box = course(name)
        text = explore_html(fun, box, tmp_path / "page.html").read_text("utf-8")
        rate = float(re.search(r'"rate":([0-9.e+-]+)', text)[1])
        axes = [np.linspace(*pair, 21) for pair in np.reshape(box, (-1, 2))]
        points = np.stack([g.ravel() for g in np.meshgrid(*axes)], axis=-1)
        F = tw.objective(fun, np.ones(2) if points.shape[1] == 2 else 1.0)
        with np.errstate(all="ignore"):
            g = F.grad(points if points.shape[1] == 2 else points[:, 0])
        steps = np.linalg.norm(rate * np.reshape(g, points.shape) / np.ptp(points, axis=0), axis=1)
        assert 0.015 < np.nanmedian(steps) < 0.08, name
