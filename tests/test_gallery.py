# SPDX-License-Identifier: BSD-3-Clause
"""The gallery: every page runs, as a script and cell by cell, and has the numbers of the course."""

import io
import json
import re
import runpy
from contextlib import redirect_stdout
from functools import cache
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

from thalweg import gallery

mpl.use("agg")
from matplotlib import pyplot as plt

ROOT = Path(__file__).parents[1]
FACTS = json.loads((ROOT / "tests" / "data" / "course_facts.json").read_text("utf-8"))
EXACT = json.loads((ROOT / "tests" / "data" / "advertising_ols.json").read_text("utf-8"))
PAGES = sorted(file.stem for file in (ROOT / "docs" / "examples").glob("*.py"))

# The course's sixteen digits are met to 4 ulp; where it prints eight, to half of the last.
SIXTEEN, EIGHT = 1e-15, 5.1e-9


@cache
def run_cells(name):
    """What a page's cells leave behind, run one after the other as a notebook does: no __file__."""
    text = (ROOT / "docs" / "examples" / f"{name}.py").read_text("utf-8")
    left = {"__name__": "__main__"}
    said = io.StringIO()
    with redirect_stdout(said), pytest.MonkeyPatch.context() as patch:
        patch.setattr(plt, "show", lambda: None)
        for cell in re.split(r"^# %%.*$", text, flags=re.MULTILINE):
            exec(compile(cell, f"{name}.py", "exec"), left)
    left["said"], left["figures"] = said.getvalue(), len(plt.get_fignums())
    plt.close("all")
    return left


def descents(function):
    return [d for d in FACTS["descents"] if d["function"] == function]


@pytest.mark.parametrize("name", PAGES)
def test_page_runs_cell_by_cell_prints_and_draws(name):
    left = run_cells(name)
    assert left["figures"] >= 1
    assert re.search(r"\d", left["said"])


@pytest.mark.parametrize("name", PAGES)
def test_page_opens_with_a_title_and_says_what_it_shows(name):
    title, under, empty, *text = (
        gallery.path(name).read_text("utf-8").split('"""')[1].split("\n")[1:]
    )
    assert under == "=" * len(title)
    assert empty == ""
    assert text[0]
    assert gallery.title(name) == title


def test_the_order_of_pages_names_every_page_and_no_other():
    order = runpy.run_path(str(ROOT / "docs" / "gallery_order.py"))
    assert set(PAGES) <= set(order["PAGES"])
    made = sorted([*PAGES, "zz"], key=order["Order"]("folder"))
    assert made == [*(p for p in order["PAGES"] if p in PAGES), "zz"]


def test_partial_derivatives_are_those_of_the_course():
    left = run_cells("partial_derivatives")
    bowl = {tuple(v["at"]): v for v in FACTS["values"] if v["function"] == "bowl"}
    assert left["F"].grad([2, 3]).tolist() == bowl[2, 3]["gradient"]
    assert left["F"](2, 4) == bowl[2, 4]["value"]
    assert left["plane"].gradient.tolist() == [4, 8]
    assert "20.0 + 4 (x - 2) + 8 (y - 4)" in left["said"]
    assert "y = 4, x = 0.5: slope 1.0" in left["said"]
    for slope in FACTS["functions"]["monomial"]["gradient"]:
        assert slope in left["said"]


def test_sauna_is_coolest_where_the_course_says():
    left = run_cells("sauna")
    minimum = FACTS["functions"]["sauna"]["minimum"]
    assert left["F"](4, 4) == minimum["fun"]
    assert (4, 4) in left["candidates"]
    assert left["F"].grad([4.0, 4.0]).tolist() == [0, 0]
    np.testing.assert_allclose(left["result"].x, minimum["x"], rtol=1e-8)
    at_start = next(v for v in FACTS["values"] if v["at"] == [0.5, 0.6])
    np.testing.assert_allclose(left["F"].grad([0.5, 0.6]), at_start["gradient"], rtol=SIXTEEN)
    told = {(tuple(d["start"]), d["learning_rate"]): d for d in descents("sauna")}
    np.testing.assert_allclose(
        left["slow"].path.x, told[(0.5, 0.6), 0.05]["path"], rtol=0, atol=EIGHT
    )
    ends = {
        ((0.5, 0.6), 0.25): "rate 0.25, 30 steps",
        ((0.5, 0.6), 0.15): "rate 0.15, 20 steps: too small",
        ((0.5, 0.6), 0.5): "rate 0.5, 20 steps: too large",
        ((3.5, 3.6), 0.15): "rate 0.15, 20 steps, from (3.5, 3.6)",
    }
    for key, name in ends.items():
        wanted = told[key].get("result") or told[key]["printed"]
        # "4.0, 4.0" is what the course prints of a point that is there to a few digits.
        digits = EIGHT if "result" in told[key] else 1e-5
        np.testing.assert_allclose(left["walks"][name].last.x, wanted, rtol=0, atol=digits)


def test_omega_walks_end_where_the_course_says():
    left = run_cells("omega")
    walks = {(1.6, 0.1, 25): left["good"], **left["walks"]}
    seen = 0
    for d in descents("omega"):
        if "path" in d:
            np.testing.assert_allclose(left["short"].path.x, d["path"], rtol=SIXTEEN)
            continue
        walk = walks[d["start"], d["learning_rate"], d["iterations"]]
        if "leaves the domain" in d.get("ends", ""):
            assert not walk.success
            assert "left the domain: log(" in walk.message
        else:
            wanted = d.get("result") or d["printed"]
            np.testing.assert_allclose(walk.last.x, wanted, rtol=SIXTEEN)
        seen += 1
    assert seen == 8
    # The best rate is one over the curvature at the minimum.
    assert left["sweep"].best.learning_rate == pytest.approx(1 / left["curvature"], rel=0.05)
    assert left["minimum"] == pytest.approx(FACTS["functions"]["omega"]["minimum"]["x"], rel=1e-15)


def test_local_minima_are_those_of_the_course():
    left = run_cells("local_minima")
    for d in descents("three_wells"):
        walk = left["walks"][f"from ({d['start'][0]}, {d['start'][1]})"]
        digits = SIXTEEN if "printed" in d else EIGHT
        np.testing.assert_allclose(walk.last.x, d.get("printed") or d["result"], atol=digits)
    minima = FACTS["functions"]["three_wells"]["minima"]
    wells = left["tw"].multistart(left["wells"], left["box"], n=200)
    for minimum, x in zip(minima, wells.x, strict=True):
        np.testing.assert_allclose(x, minimum["x"], atol=EIGHT)
    assert wells.best.fun == pytest.approx(minima[0]["fun"], rel=SIXTEEN)
    for d in descents("waves"):
        end = float(re.search(rf"from {d['start']}: x = (\S+),", left["said"])[1])
        assert end == pytest.approx(d["printed"], rel=SIXTEEN)


def test_power_lines_have_the_line_of_the_course():
    left = run_cells("power_lines")
    minimum = FACTS["functions"]["power_lines"]["minimum"]
    m, b = left["m"], left["b"]
    assert float(left["exact"][m]) == minimum["m"]
    assert float(left["exact"][b]) == minimum["b"]
    assert float(left["formula"].subs(left["exact"])) == pytest.approx(minimum["fun"])
    for way in ("result", "at_once"):
        np.testing.assert_allclose(left[way].x, [minimum["m"], minimum["b"]], rtol=1e-7)
    assert "3*b**2 + 12*b*m - 20*b + 14*m**2 - 42*m + 38" in left["said"]


def test_advertising_line_is_the_exact_one_by_descent_and_at_once():
    left = run_cells("advertising")
    exact = EXACT["sales ~ 1 + TV"]
    height, slope = map(float, exact["coef"])
    np.testing.assert_allclose([left["b"], left["m"]], [height, slope], rtol=1e-9)
    np.testing.assert_allclose(left["errors"][::-1], [float(e) for e in exact["se"]], rtol=1e-7)
    # The descent ends at a gradient of 1e-8.
    np.testing.assert_allclose([left["height"], left["slope"]], [height, slope], rtol=1e-7)


def test_perceptron_and_network_learn():
    left = run_cells("perceptron")
    assert all(left["accuracy"](r.x) > 0.9 for r in left["results"].values())
    network = run_cells("small_network")
    best = {
        key: network["right_answers"](r.x, network["activations"][key[1]])
        for key, r in network["results"].items()
    }
    assert best["logistic", "tanh"] > 0.93
    guessing = max(np.mean(network["label"]), 1 - np.mean(network["label"]))
    assert all(share > guessing + 0.2 for share in best.values())


def test_newton_doubles_its_digits_and_descent_does_not():
    left = run_cells("newton")
    omega = FACTS["functions"]["omega"]["minimum"]["x"]
    slow, fast = (np.abs(np.array(left[name]) - omega) for name in ("by_rate", "by_curvature"))
    assert np.all(fast[1:4] < 1.5 * fast[:3] ** 2)
    assert np.all(slow[1:] > 0.4 * slow[:-1])
    assert left["runs"]["newton"].nit < 30 < 1000 < left["runs"]["gradient_descent"].nit


def test_global_fit_finds_the_truth_within_its_errors_and_gains():
    left = run_cells("global_fit")
    assert abs(left["joint"].shared["tau"] - 2.5) < 3 * left["error"]
    assert all(left["error"] < alone for _, alone in left["alone"])


def test_loop_tracks_the_vehicle_and_saves_by_the_last_answer():
    left = run_cells("solver_in_a_loop")
    assert np.sqrt(np.mean((left["track"] - left["path"]) ** 2)) < 0.05
    assert sum(left["evaluations"]) < sum(r.nfev for r in left["cold"])
    np.testing.assert_allclose(left["descent"].x, left["cold"][0].x, rtol=1e-6)


def test_methods_page_says_of_whom_it_is_true():
    left = run_cells("choosing_a_method")
    methods = (*left["rules"], *left["solvers"])
    solved = dict(zip(methods, np.isfinite(left["counts"]).sum(axis=1), strict=True))
    assert all(solved[m] == 4 for m in ("cg", "bfgs", "lbfgs", "newton", "newton_cg", "compass"))
    assert solved["gradient_descent"] < 4


@pytest.mark.parametrize("name", PAGES)
def test_text_of_every_page_is_for_a_terminal_too(name):
    cells = gallery._cells(gallery.path(name))
    assert len([cell for cell in cells if cell.text]) >= 3
    for cell in cells:
        assert not re.search(r"^#|:\w+:`|^\.\. |``|`_", cell.text, re.MULTILINE)


def test_fault_in_a_page_names_its_line(tmp_path, monkeypatch):
    page = tmp_path / "broken.py"
    page.write_text('"""\nTitle\n=====\n"""\n\n# %%\n# Text.\n\n1 / 0\n', "utf-8")
    monkeypatch.setattr(gallery, "path", lambda _: page)
    with pytest.raises(ZeroDivisionError) as caught:
        gallery.run("broken", show=False)
    assert (str(caught.traceback[-1].path), caught.traceback[-1].lineno + 1) == (str(page), 9)
    plt.close("all")


def test_unknown_pages_and_data_are_named():
    with pytest.raises(ValueError, match="unknown example 'omegas'; did you mean omega"):
        gallery.path("omegas")
    with pytest.raises(FileNotFoundError, match="no data file 'nothing"):
        gallery.data("nothing.csv")
