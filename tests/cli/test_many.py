# SPDX-License-Identifier: BSD-3-Clause
"""`thalweg multistart`, `basins` and `sweep`: their arguments, and what is refused."""

import json
import sys

import pytest
from command_cases import SQUARE, UNIFORM, refused, run

import thalweg as tw


def test_free_descents_leave_the_bounds(capsys):
    words = ["multistart", "(x - 7)**2", "--bounds", "x=0:1", *UNIFORM, "--json"]
    assert json.loads(run(capsys, *words)[1])["minima"][0]["x"]["x"] == 1
    assert json.loads(run(capsys, *words, "--free")[1])["minima"][0]["x"]["x"] == 7


def test_basins_of_one_variable_and_with_one_held(capsys):
    _, out, _ = run(capsys, "basins", "cos(x)", "--bounds", "x=0.1:9", "--shape", "50", "--json")
    assert len(json.loads(out)["labels"]) == 50
    held = ["--bounds", "z=0.5:0.5", "--shape", "3x3", "--json"]
    _, out, _ = run(capsys, "basins", "x**2 + (y - z)**2", *SQUARE, *held)
    assert json.loads(out)["minima"][0]["x"] == {"x": 0, "y": 0.5, "z": 0.5}


def test_scipy_is_asked_for_in_one_line(capsys, monkeypatch):
    for name in [m for m in sys.modules if m == "scipy" or m.startswith("scipy.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "scipy", None)
    said = refused(capsys, "multistart", "x**2", "--bounds", "x=-1:1")
    assert 'pip install "thalweg[scipy]"' in said


START = ["--start", "x=1.6"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["multistart", "x + y", "--bounds", "x=0:1"], "no bounds for y: add --bounds y=LOW:HIGH"),
        (["multistart", "x", "--bounds", "x=0:"], "--bounds x must be finite"),
        (["multistart", "x", "--bounds", "x=0:inf"], "--bounds x must be finite"),
        (["multistart", "x", "--bounds", "x=2:1"], "the lower bound 2.0 is above the upper 1.0"),
        (["multistart", "x", "--bounds", "x=1:1"], "leave a variable free"),
        (["multistart", "x", "--bounds", "x=0:1", "--bounds", "z=0:1"], "has no 'z'"),
        (["multistart", "3", "--bounds", "x=0:1"], "has no variable"),
        (["multistart", "x", "--bounds", "x=0:1", "--n", "0", *UNIFORM], "n must be >= 1, got 0"),
        (["multistart", "x", "--bounds", "x=0:1", "--n", "many"], "invalid int value"),
        (
            ["multistart", "x", "--bounds", "x=0:1", "--merge-tol", "2"],
            "merge_tol must be a fraction",
        ),
        (["multistart", "x", "--bounds", "x=0:1", "--seed", "-1"], "seed must be >= 0"),
        (["multistart", "x", "--bounds", "x=0:1", "--threads", "0"], "threads must be >= 1"),
        (["multistart", "x", "--bounds", "x=0:1", "--method", "adam"], "needs --learning-rate"),
        (["multistart", "x+y+z", *SQUARE, "--bounds", "z=0:1", "--plot", "a.png"], "one or two"),
        (["basins", "x", "--bounds", "x=0:1", "--shape", "4x4"], "each of 1 variables"),
        (["basins", "x", "--bounds", "x=0:1", "--shape", "4.5"], "whole numbers such as 512x512"),
        (["basins", "x", "--bounds", "x=0:1", "--shape", "1"], "shape must be >= 2"),
        (["sweep", "x**2", *START], "needs --learning-rate"),
        (["sweep", "x**2", *START, "--learning-rate", "0.1"], "needs a sequence"),
        (["sweep", "x**2", *START, "--learning-rate", "0.1:1"], "takes LOW:HIGH:COUNT"),
        (["sweep", "x**2", *START, "--learning-rate", "0.1:1:5:cube"], "takes LOW:HIGH:COUNT"),
        (["sweep", "x**2", *START, "--learning-rate", "0:1:5:log"], "must be > 0"),
        (["sweep", "x**2", *START, "--learning-rate", "0.1:1:1"], "a COUNT >= 2"),
        (["sweep", "x**2", *START, "--learning-rate", "0.1,-1"], "learning_rate must be > 0"),
        (["sweep", "x**2", *START, "--learning-rate", "0.1,,1"], "--learning-rate"),
        (["sweep", "x**2", *START, "--learning-rate", "0.1,a"], "must be a number"),
        (["sweep", "x**2", *START, "--learning-rate", "0.1,1", "--momentum", "1"], "has no"),
    ],
)
def test_what_many_descents_cannot_use_is_told_in_one_line(capsys, words, said):
    assert said in refused(capsys, *words)


def test_pictures_of_three_hyper_parameters_are_refused_before_the_run(capsys, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(tw, "sweep", lambda *_, **__: pytest.fail("it ran"))
    said = refused(
        capsys, "sweep", "x**2", "--start", "x=1", "--method", "adam", "--learning-rate", "0.1,1",
        "--b1", "0.5,0.9", "--b2", "0.9,0.99", "--plot", "a.png",
    )  # fmt: skip
    assert said == "--plot draws one or two hyper-parameters with several values"
