# SPDX-License-Identifier: BSD-3-Clause
"""Pages that explore a function without Python: their descents are the core's, in a browser too."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from javascript_engine import chromium, evaluated
from test_course import FACTS, FUNCTIONS, function, point
from test_javascript import floats

import thalweg as tw
from thalweg.plot import explore_html

pytest.importorskip("matplotlib")

BOXES = {
    "omega": (0.01, 2), "waves": (0.001, 2), "power_lines": [(-1, 2), (0, 5)],
    "bowl": [(-4, 4), (-4, 4)], "monomial": [(-2, 2), (-2, 2)],
}  # fmt: skip
# Starts and rates for functions that the course does not descend on.
MORE = [
    ("bowl", [2, 3], 0.1, 60), ("bowl", [-3.5, 1], 0.45, 60), ("monomial", [1.5, 1], 0.01, 40),
    ("power_lines", [0, 0], 0.05, 200), ("advertising", [0, 0], 0.4, 80),
]  # fmt: skip


def advertising():
    data = np.loadtxt(
        Path(__file__).parents[1] / "data" / "advertising.csv", delimiter=",", skiprows=1
    )
    tv, sales = data[:, 0], data[:, 3]
    tv = (tv - tv.mean()) / tv.std()
    return lambda m, b: np.sum((m * tv + b - sales) ** 2) / (2 * len(sales))


def course(name):
    """A function of the course, and the box to look at it in."""
    if name == "advertising":
        return advertising(), [(0, 8), (8, 20)]
    box = BOXES.get(name) or FACTS["functions"][name]["box"]
    return function(name), np.asarray(box, dtype=float)


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


def core_path(fun, start, rate, count, **more):
    """The same descent in C++."""
    kw = {"learning_rate": rate, "max_iter": count, "gtol": 0, "record": True} | more
    path = tw.minimize(fun, start, "gradient_descent", **kw).path
    return np.asarray(path.x).reshape(len(path.fun), -1), path.fun


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
    with pytest.raises(ValueError, match=r"less than 200000 bytes.*too much data"):
        explore_html(lambda m: np.mean((m * big) ** 2), (0, 1), file)
    fun, box = course("bowl")
    with pytest.raises(ValueError, match="box must"):
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


# ---- in a browser


@pytest.fixture(scope="module")
def browser():
    starting, program = chromium()
    with starting as playwright:
        # --no-sandbox: containers' root has none.
        running = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield running
        running.close()


class Shown:
    """A page in the browser, and everything that it said or asked for."""

    def __init__(self, browser, file, scheme="light"):
        self.context = browser.new_context(
            color_scheme=scheme, offline=True, viewport={"width": 1000, "height": 700}
        )
        self.page = self.context.new_page()
        self.said, self.asked = [], []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(file.as_uri())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()

    def told(self, name):
        return self.page.evaluate(f"thalweg.{name}")

    def rectangle(self):
        """The picture's own rectangle on the screen: left, top, width, height."""
        box = self.page.locator("#view rect.axis").bounding_box()
        return box["x"], box["y"], box["width"], box["height"]

    def pixel(self, at, box):
        """Where a point (x, y) is on the screen."""
        left, top, width, height = self.rectangle()
        (x0, x1), (y0, y1) = box
        return left + (at[0] - x0) / (x1 - x0) * width, top + (y1 - at[1]) / (y1 - y0) * height


@pytest.fixture
def wells(browser, tmp_path):
    fun, box = course("three_wells")
    file = explore_html(fun, box, tmp_path / "wells.html", learning_rate=0.2, iterations=60)
    with Shown(browser, file) as shown:
        yield shown, fun, box
        assert shown.said == []
        assert shown.asked == [file.as_uri()]


def assert_is_the_cores(shown, fun):
    """The path that is shown is the core's from the same start, and the line drawn is that path."""
    start, rate, count = shown.told("start"), shown.told("rate"), shown.told("count")
    x, values = core_path(fun, np.array(start), rate, count)
    path = np.array(shown.told("path"))
    np.testing.assert_allclose(path, x, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(shown.told("values"), values, rtol=1e-12)
    return path


def test_a_click_starts_a_descent_there(wells):
    shown, fun, box = wells
    for at in ([2.0, 3.0], [4.0, 0.5], [0.5, 3.0]):
        shown.page.mouse.click(*shown.pixel(at, box))
        # A click lands on a pixel of some 500: a hundredth of the box.
        np.testing.assert_allclose(shown.told("start"), at, atol=0.02)
        path = assert_is_the_cores(shown, fun)
        assert len(path) == 61
    minima = [m["x"] for m in FACTS["functions"]["three_wells"]["minima"]]
    np.testing.assert_allclose(path[-1], np.array(minima[0], float), atol=1e-3)


def test_the_line_on_the_screen_is_the_path(wells):
    shown, fun, box = wells
    shown.page.mouse.click(*shown.pixel([2.0, 3.0], box))
    path = assert_is_the_cores(shown, fun)
    line = shown.page.locator("#path polyline.path").get_attribute("points")
    drawn = np.array([p.split(",") for p in line.split()], dtype=float)
    view = shown.page.locator("#view").bounding_box()
    wanted = np.array([shown.pixel(p, box) for p in path]) - [view["x"], view["y"]]
    np.testing.assert_allclose(drawn, wanted, atol=0.51)  # rectangles are told in whole pixels
    assert shown.page.locator("#path circle.start").count() == 1
    assert shown.page.locator("#path polygon.best").count() == 1


def test_sliders_change_rate_and_iterations(wells):
    shown, fun, _ = wells
    old = shown.told("rate")
    shown.page.locator("#rate").fill("560")
    rate = shown.told("rate")
    assert rate > old
    assert_is_the_cores(shown, fun)
    assert float(shown.page.locator("#rate-shown").inner_text()) == rate
    shown.page.locator("#count").fill("7")
    assert len(assert_is_the_cores(shown, fun)) == 8
    shown.page.locator("#rate").focus()
    shown.page.keyboard.press("ArrowLeft")
    assert shown.told("rate") < rate


def test_dragging_draws_the_path_anew_at_once(wells):
    shown, fun, box = wells
    mouse = shown.page.mouse
    mouse.move(*shown.pixel([1.0, 4.0], box))
    mouse.down()
    mouse.move(*shown.pixel([3.0, 2.5], box))
    np.testing.assert_allclose(shown.told("start"), [3.0, 2.5], atol=0.02)
    assert_is_the_cores(shown, fun)
    mouse.up()
    mouse.move(*shown.pixel([1.0, 1.0], box))
    np.testing.assert_allclose(shown.told("start"), [3.0, 2.5], atol=0.02)


def test_a_start_can_be_typed(wells):
    shown, fun, _ = wells
    shown.page.locator("#start-0").fill("1.25")
    shown.page.locator("#start-1").fill("3.5")
    assert shown.told("start") == [1.25, 3.5]
    assert_is_the_cores(shown, fun)
    assert "6." in shown.page.locator("#told").inner_text()


def test_one_variable_is_a_curve_with_the_path_on_it(browser, tmp_path):
    fun, box = course("omega")
    file = explore_html(fun, box, tmp_path / "omega.html", start=1.6, learning_rate=0.1)
    with Shown(browser, file) as shown:
        assert shown.page.locator("#view polyline.curve").count() == 1
        x, _ = core_path(fun, 1.6, 0.1, 50)
        np.testing.assert_allclose(shown.told("path"), x, rtol=1e-12)
        left, top, width, height = shown.rectangle()
        shown.page.mouse.click(left + width / 2, top + height / 2)
        np.testing.assert_allclose(shown.told("start"), [np.mean(box)], atol=0.01)
        shown.page.locator("#rate").fill("900")  # too large: it leaves the domain, and says so
        assert "no value" in shown.page.locator("#told").inner_text()
        assert shown.said == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_light_and_dark(browser, tmp_path, scheme):
    file = explore_html(*course("bowl"), tmp_path / "bowl.html")
    with Shown(browser, file, scheme) as shown:
        for selector in ("h1", "p", "#view svg text"):
            style = f"getComputedStyle(document.querySelector('{selector}'))"
            ink = shown.page.evaluate(f"{style}.{'fill' if 'svg' in selector else 'color'}")
            paper = shown.page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert contrast(ink, paper) > 4.5, selector  # what WCAG asks of text
        light = luminance(paper) > 0.5
        assert light == (scheme == "light")


def luminance(color):
    channels = np.array([int(c) for c in re.findall(r"\d+", color)[:3]]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(a, b):
    low, high = sorted([luminance(a), luminance(b)])
    return (high + 0.05) / (low + 0.05)


def test_the_map_shows_every_level(browser, tmp_path):
    fun, box = course("sauna")
    with Shown(browser, explore_html(fun, box, tmp_path / "sauna.html")) as shown:
        colors = shown.page.evaluate(
            """(() => {
              const c = document.querySelector('canvas');
              const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data, seen = {};
              for (let i = 0; i < d.length; i += 4) seen[[d[i], d[i + 1], d[i + 2]]] = 1;
              return Object.keys(seen).length;
            })()"""
        )
        assert colors > 10
