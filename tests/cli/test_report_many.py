# SPDX-License-Identifier: BSD-3-Clause
"""The results of many descents, as lines, as tables and as JSON."""

import json

import pytest
from command_cases import OMEGA, SQUARE, UNIFORM, fields, run

import thalweg as tw
from thalweg._formulas.expressions import parse
from thalweg.cli.report_many import Found, Swept

HIMMELBLAU = "(x**2 + y - 11)**2 + (x + y**2 - 7)**2"


def table(text):
    """The rows of a printed table, the heading first."""
    return [line.split("\t") for line in text.splitlines() if "\t" in line]


def test_multistart_prints_the_minima_best_first(capsys):
    status, out, err = run(capsys, "multistart", HIMMELBLAU, *SQUARE, *UNIFORM, "--n", 300)
    assert (status, err) == (0, "")
    assert fields(out)["minima"] == "4"
    assert fields(out)["starts"] == "300"
    assert fields(out)["elsewhere"] == "none"
    heading, *rows = table(out)
    assert heading == ["minimum", "x", "y", "fun", "starts"]
    values = [float(row[3]) for row in rows]
    assert values == sorted(values)
    assert sum(int(row[4]) for row in rows) == 300
    known = {(3.0, 2.0), (-2.805, 3.131), (-3.779, -3.283), (3.584, -1.848)}
    assert {(round(float(r[1]), 3), round(float(r[2]), 3)) for r in rows} == known


def test_multistart_json_is_keyed_by_variables(capsys):
    status, out, _ = run(
        capsys, "multistart", "b + a**2", "--bounds", "b=0:5", "--bounds", "a=-1:1", *UNIFORM,
        "--seed", 3, "--n", 20, "--json", "--threads", 1,
    )  # fmt: skip
    assert status == 0
    told = json.loads(out, parse_constant=pytest.fail)
    assert told["variables"] == ["b", "a"]
    assert told["bounds"] == {"b": [0, 5], "a": [-1, 1]}
    (minimum,) = told["minima"]
    assert minimum["x"]["b"] == 0
    assert minimum["at_bounds"] == {"b": -1, "a": 0}
    assert minimum["starts"] == 20
    assert minimum["eigenvalues"] == [pytest.approx(2)]
    assert (told["n"], told["seed"], told["sampling"]) == (20, 3, "uniform")


def test_no_minimum_exits_1_and_says_what_happened(capsys):
    words = ["multistart", "log(-1 - x**2)", "--bounds", "x=0:1", *UNIFORM, "--n", "8"]
    status, out, _ = run(capsys, *words)
    assert status == 1
    assert fields(out)["minima"] == "0"
    assert fields(out)["elsewhere"] == "left_domain 8"
    assert table(out) == []


def test_basins_tell_labels_axes_and_minima(capsys):
    words = ["basins", HIMMELBLAU, *SQUARE, "--shape", "5x4"]
    status, out, _ = run(capsys, *words, "--json")
    assert status == 0
    told = json.loads(out, parse_constant=pytest.fail)
    assert told["axes"]["x"] == [-5, -2.5, 0, 2.5, 5]
    assert len(told["axes"]["y"]) == 4
    assert [len(row) for row in told["labels"]] == [4] * 5
    corner = told["minima"][told["labels"][4][3]]["x"]
    assert (round(corner["x"], 6), round(corner["y"], 6)) == (3, 2)
    status, out, _ = run(capsys, *words)
    assert fields(out)["starts"] == "20"
    assert len(table(out)) == 5


def test_sweep_prints_verdicts_the_best_and_on_request_every_run(capsys):
    words = ["sweep", *OMEGA[1:], "--start", "x=1.6", "--learning-rate", "0.001,0.1,0.3,0.5",
             "--max-iter", "100"]  # fmt: skip
    status, out, _ = run(capsys, *words)
    assert status == 0
    told = fields(out)
    assert (told["runs"], told["converged"], told["left_domain"]) == ("4", "2", "1")
    assert told["best learning_rate"] == "0.3"
    assert table(out) == []
    heading, *rows = table(run(capsys, *words, "--runs")[1])
    assert heading == ["learning_rate", "verdict", "nit", "x", "fun"]
    assert [row[1] for row in rows] == ["too_small", "converged", "converged", "left_domain"]


def test_sweep_json_lists_every_combination(capsys):
    status, out, _ = run(
        capsys, "sweep", *OMEGA[1:], "--start", "x=1.6", "--method", "momentum", "--momentum",
        "0:0.9:4", "--learning-rate", "0.01:1:3:log", "--json",
    )  # fmt: skip
    assert status == 0
    told = json.loads(out, parse_constant=pytest.fail)
    assert told["shape"] == [3, 4]  # in the order of the method's own table
    assert told["method"]["momentum"] == pytest.approx([0, 0.3, 0.6, 0.9])
    assert told["method"]["learning_rate"] == pytest.approx([0.01, 0.1, 1])
    assert len(told["runs"]) == 12
    assert sum(told["verdicts"].values()) == 12
    assert told["best"] in told["runs"]
    assert told["best"]["verdict"] == "converged"


def test_a_sweep_in_which_none_converges_exits_1(capsys):
    words = ["sweep", *OMEGA[1:], "--start", "x=1.6", "--learning-rate", "1e-5,1e-4"]
    status, out, _ = run(capsys, *words)
    assert status == 1
    assert "best fun" not in fields(out)
    assert json.loads(run(capsys, *words, "--json")[1])["best"] is None


# ---- one report ----------------------------------------------------------------------------------


def found(text, box, **how):
    expression = parse(text)
    minima = tw.multistart(expression, box, sampling="uniform", unpack=True, **how)
    return Found(expression, box, "lbfgs", {"memory": 5}, minima, {"n": minima.labels.size})


def test_minima_are_data_with_what_is_known_of_each():
    report = found("(x**2 - 1)**2 + 0.1*x + (y - 3)**2", [(-2.0, 2.0), (0.0, 2.0)], n=40)
    data = report.data()
    assert report.success
    assert data["method"] == {"name": "lbfgs", "memory": 5}
    assert data["bounds"] == {"x": [-2.0, 2.0], "y": [0.0, 2.0]}
    assert data["n"] == 40
    assert [m["x"]["x"] < 0 for m in data["minima"]] == [True, False]  # the lower one first
    for i, minimum in enumerate(data["minima"]):
        assert minimum["x"]["y"] == 2.0
        assert minimum["at_bounds"] == {"x": 0, "y": 1}
        assert len(minimum["eigenvalues"]) == 1  # y is held by its bound
        assert minimum["fun"] == report.minima.fun[i]
        assert minimum["flat"] is False
    assert sum(m["starts"] for m in data["minima"]) + sum(data["elsewhere"].values()) == 40
    json.dumps(data, allow_nan=False)


def test_lines_and_planes_of_minima_are_said_to_be_so(capsys):
    found("(x - y)**2", [(0.0, 1.0), (0.0, 1.0)], n=30).show()
    told = fields(capsys.readouterr().out)
    assert told["flat"] == f"{told['minima']}: points on lines or planes of minima"
    found("x**2", [(-1.0, 1.0)], n=30).show()
    assert "flat" not in fields(capsys.readouterr().out)


def test_no_minima_are_no_success_and_no_table(capsys):
    report = found("log(-1 - x**2)", [(0.0, 1.0)], n=8)
    assert not report.success
    assert report.data()["minima"] == []
    report.show()
    out = capsys.readouterr().out
    assert table(out) == []
    assert fields(out)["elsewhere"] == "left_domain 8"


def swept(every=False, rates=(0.001, 0.3, 0.45)):
    expression = parse("exp(x) - log(x)")
    sweep = tw.sweep(expression, [1.6], "gradient_descent", unpack=True,
                     learning_rate=list(rates), max_iter=100)  # fmt: skip
    return Swept(
        expression, [1.6], "gradient_descent", {"learning_rate": list(rates)}, sweep, every
    )


def test_a_sweep_is_data_of_every_run():
    report = swept()
    data = report.data()
    assert report.success
    assert data["shape"] == [3]
    assert [run["learning_rate"] for run in data["runs"]] == [0.001, 0.3, 0.45]
    assert [run["fun"] for run in data["runs"]] == report.sweep.fun.tolist()
    assert data["best"] == min(
        (run for run in data["runs"] if run["verdict"] == "converged"), key=lambda run: run["nit"]
    )
    assert sum(data["verdicts"].values()) == 3
    assert data["start"] == {"x": 1.6}


def test_a_table_of_runs_is_printed_on_request(capsys):
    swept().show()
    plain = capsys.readouterr().out
    assert table(plain) == []
    assert fields(plain)["runs"] == "3"
    swept(every=True).show()
    heading, *rows = table(capsys.readouterr().out)
    assert heading == ["learning_rate", "verdict", "nit", "x", "fun"]
    assert [row[0] for row in rows] == ["0.001", "0.3", "0.45"]


def test_where_none_converged_there_is_no_best(capsys):
    report = swept(rates=(1e-5, 1e-4))
    assert not report.success
    assert report.data()["best"] is None
    report.show()
    assert not any(name.startswith("best") for name in fields(capsys.readouterr().out))
