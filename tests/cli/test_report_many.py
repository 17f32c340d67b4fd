# SPDX-License-Identifier: BSD-3-Clause
"""The results of many descents, as lines, as tables and as JSON."""

import json

import pytest
from command_cases import OMEGA, SQUARE, UNIFORM, fields, run

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
