# SPDX-License-Identifier: BSD-3-Clause
"""Pages that explore a function, in a headless browser: what they show, clicks, keys, sliders."""

import re

import numpy as np
import pytest
from javascript_engine import chromium
from page_cases import core_path, course
from test_course import FACTS

import thalweg as tw
from thalweg.plot import explore_html

pytest.importorskip("matplotlib")


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

    def state(self, name):
        return self.page.evaluate(f"thalweg.{name}")

    def wait_for(self, condition):
        """Wait at most some seconds; playwright's own waiting is against the page's policy."""
        for _ in range(400):
            if self.page.evaluate(condition):
                return
            self.page.wait_for_timeout(20)
        raise AssertionError(f"it never came to {condition}")

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
    start, rate, count = shown.state("start"), shown.state("rate"), shown.state("count")
    x, values = core_path(fun, np.array(start), rate, count)
    path = np.array(shown.state("path"))
    np.testing.assert_allclose(path, x, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(shown.state("values"), values, rtol=1e-12)
    return path


def test_a_click_starts_a_descent_there(wells):
    shown, fun, box = wells
    for at in ([2.0, 3.0], [4.0, 0.5], [0.5, 3.0]):
        shown.page.mouse.click(*shown.pixel(at, box))
        # A click lands on a pixel of some 500: a hundredth of the box.
        np.testing.assert_allclose(shown.state("start"), at, atol=0.02)
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
    np.testing.assert_allclose(drawn, wanted, atol=0.51)  # rectangles are given in whole pixels
    assert shown.page.locator("#path circle.start").count() == 1
    assert shown.page.locator("#path polygon.best").count() == 1


def test_sliders_change_rate_and_iterations(wells):
    shown, fun, _ = wells
    old = shown.state("rate")
    shown.page.locator("#rate").fill("560")
    rate = shown.state("rate")
    assert rate > old
    assert_is_the_cores(shown, fun)
    assert float(shown.page.locator("#rate-shown").inner_text()) == rate
    shown.page.locator("#count").fill("7")
    assert len(assert_is_the_cores(shown, fun)) == 8
    shown.page.locator("#rate").focus()
    shown.page.keyboard.press("ArrowLeft")
    assert shown.state("rate") < rate


def test_dragging_draws_the_path_anew_at_once(wells):
    shown, fun, box = wells
    mouse = shown.page.mouse
    mouse.move(*shown.pixel([1.0, 4.0], box))
    mouse.down()
    mouse.move(*shown.pixel([3.0, 2.5], box))
    np.testing.assert_allclose(shown.state("start"), [3.0, 2.5], atol=0.02)
    assert_is_the_cores(shown, fun)
    mouse.up()
    mouse.move(*shown.pixel([1.0, 1.0], box))
    np.testing.assert_allclose(shown.state("start"), [3.0, 2.5], atol=0.02)


def test_a_start_can_be_typed(wells):
    shown, fun, _ = wells
    shown.page.locator("#start-0").fill("1.25")
    shown.page.locator("#start-1").fill("3.5")
    assert shown.state("start") == [1.25, 3.5]
    assert_is_the_cores(shown, fun)
    assert "6." in shown.page.locator("#state").inner_text()


def test_one_variable_is_a_curve_with_the_path_on_it(browser, tmp_path):
    fun, box = course("omega")
    file = explore_html(fun, box, tmp_path / "omega.html", start=1.6, learning_rate=0.1)
    with Shown(browser, file) as shown:
        assert shown.page.locator("#view polyline.curve").count() == 1
        x, _ = core_path(fun, 1.6, 0.1, 50)
        np.testing.assert_allclose(shown.state("path"), x, rtol=1e-12)
        left, top, width, height = shown.rectangle()
        shown.page.mouse.click(left + width / 2, top + height / 2)
        np.testing.assert_allclose(shown.state("start"), [np.mean(box)], atol=0.01)
        shown.page.locator("#rate").fill("900")  # too large: it leaves the domain, and says so
        assert "left the domain: log(-" in shown.page.locator("#state").inner_text()
        assert shown.page.locator("#path polygon.best").count() == 0
        assert shown.page.locator("#turning").is_hidden()
        assert shown.said == []


def test_another_rule_has_its_own_settings(wells):
    shown, fun, _ = wells
    shown.page.locator("#rule").select_option("adam")
    start, rate, count = shown.state("start"), shown.state("rate"), shown.state("count")
    assert rate == shown.state("scene.rates.adam")
    shown.page.locator("#more summary").click()
    assert shown.page.locator("#hyper-b2").input_value() == "0.999"
    shown.page.locator("#hyper-b1").fill("0.5")
    adam = tw.Adam(learning_rate=rate, b1=0.5)
    x = tw.minimize(fun, np.array(start), adam, max_iter=count, gtol=0, record=True).path.x
    np.testing.assert_allclose(shown.state("path"), x, rtol=1e-12, atol=1e-12)
    shown.page.locator("#rule").select_option("gradient_descent")
    assert shown.page.locator("#more").is_hidden()
    assert_is_the_cores(shown, fun)


def test_a_cross_stands_where_a_descent_did_not_come_to_rest(wells):
    shown, _, box = wells
    shown.page.mouse.click(*shown.pixel([2.0, 3.0], box))
    assert shown.page.locator("#path polygon.best").count() == 1
    shown.page.locator("#count").fill("3")
    assert shown.page.locator("#path polygon.best").count() == 0
    assert shown.page.locator("#path polygon.end").count() == 1


def test_play_shows_the_path_step_by_step(wells):
    shown, _, box = wells
    shown.page.mouse.click(*shown.pixel([0.5, 3.0], box))
    shown.page.locator("#count").fill("40")
    shown.page.locator("#play").click()
    shown.wait_for("thalweg.step >= 3")
    part = shown.page.evaluate(
        "[thalweg.step, document.querySelector('#path polyline.path').getAttribute('points')]"
    )
    assert part[0] < shown.state("last")
    assert len(part[1].split()) == part[0] + 1
    assert "iteration" in shown.page.locator("#step-shown").inner_text()
    shown.wait_for("document.querySelector('#play').textContent.includes('play')")
    assert shown.state("step") == shown.state("last")
    line = shown.page.locator("#path polyline.path").get_attribute("points")
    assert len(line.split()) == 41
    shown.page.locator("#play").click()
    shown.page.locator("#play").click()  # stops, and shows the whole
    assert shown.state("step") == shown.state("last")


def test_values_have_a_log_axis(wells):
    shown, _, box = wells
    shown.page.mouse.click(*shown.pixel([2.0, 3.0], box))
    powers = shown.page.locator("#history tspan.power").all_text_contents()
    powers = [int(p.replace("−", "-")) for p in powers]
    assert len(powers) >= 3
    assert len(set(np.diff(powers))) == 1
    line = shown.page.locator("#history polyline").get_attribute("points")
    height = np.array([p.split(",") for p in line.split()], dtype=float)[:, 1]
    above = np.array(shown.state("values")) - min(shown.state("values"))
    logs = np.log10(above[above > 0])
    # Heights on the picture go with the logarithms, downwards; points are state to a hundredth.
    slope = np.polyfit(logs, height, 1)
    np.testing.assert_allclose(np.polyval(slope, logs), height, atol=0.02)
    assert slope[0] < 0


def test_the_surface_turns_with_the_mouse_and_by_keys(wells):
    shown, _, _ = wells
    space = shown.page.locator("#space")
    look = "document.querySelector('#space').toDataURL()"
    space.scroll_into_view_if_needed()
    first = shown.page.evaluate(look)
    place = space.bounding_box()
    x, y = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
    shown.page.mouse.move(x, y)
    shown.page.mouse.down()
    shown.page.mouse.move(x + 60, y - 10, steps=3)
    shown.page.mouse.up()
    second = shown.page.evaluate(look)
    assert second != first
    space.focus()
    shown.page.keyboard.press("ArrowLeft")
    assert shown.page.evaluate(look) != second
    assert shown.state("turned")["yaw"] == pytest.approx(-0.6 + 0.6 - 0.1, abs=0.02)


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
