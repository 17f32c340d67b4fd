# SPDX-License-Identifier: BSD-3-Clause
"""Options that commands share: methods and their hyper-parameters, limits, pictures."""

import json

import pytest
from command_cases import COURSE, GD, refused, run

import thalweg as tw

# ---- What comes out ------------------------------------------------------------------------------


@pytest.mark.parametrize("method", tw.methods("rules"))
def test_every_method_runs_and_takes_its_hyper_parameters(capsys, method):
    hyper = {
        name: 0.05 if default is None else default
        for name, default in tw.methods("rules")[method].items()
    }
    words = [w for k, v in hyper.items() for w in ("--" + k.replace("_", "-"), repr(v))]
    status, out, err = run(
        capsys,
        "minimize",
        "(x - 1)**2",
        "--start",
        "x=1.6",
        "--method",
        method,
        "--max-iter",
        50,
        "--json",
        *words,
    )
    assert status == 0, err
    assert json.loads(out)["method"] == {"name": method, **hyper}


def test_every_method_takes_the_options(capsys):
    words = ["--clip-value", 0.5, "--clip-norm", 0.4, "--weight-decay", 0.25]
    start = ["minimize", "100 * x", "--start", "x=2", "--max-iter", 1, "--json"]
    status, out, err = run(capsys, *start, *GD, 0.5, *words)
    assert status == 0, err
    told = json.loads(out)
    assert told["x"]["x"] == pytest.approx(2 - 0.5 * (0.4 + 0.25 * 2))
    assert told["method"]["clip_norm"] == 0.4
    _, help_text, _ = run(capsys, "minimize", "--help")
    assert "--clip-norm" in help_text
    assert "adamw has its own, default: 0.0001" in " ".join(help_text.split())


# ---- Pictures ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_plot_draws_a_file(capsys, tmp_path, kind):
    pytest.importorskip("matplotlib")
    file = tmp_path / f"d.{kind}"
    assert run(capsys, *COURSE, "--plot", file)[0] == 0
    start = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[kind]
    assert file.read_bytes().startswith(start)


@pytest.mark.parametrize(
    "words",
    [
        ["x**2 + 3*y**2", "--start", "x=1", "--start", "y=2"],
        ["x**2 + y**2 + z**2", "--start", "x=1", "--start", "y=2", "--start", "z=3"],
    ],
)
def test_plots_of_more_variables(capsys, tmp_path, words):
    pytest.importorskip("matplotlib")
    file = tmp_path / "d.png"
    assert run(capsys, "minimize", *words, *GD, "0.1", "--plot", file)[0] == 0
    assert file.stat().st_size > 5000


def test_a_missing_matplotlib_is_told_before_the_run(capsys, monkeypatch, tmp_path):
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *a: None if name == "matplotlib" else real(name, *a),
    )
    monkeypatch.setattr(tw, "minimize", lambda *_, **__: pytest.fail("it ran"))
    said = refused(capsys, *COURSE, "--plot", tmp_path / "d.png")
    assert said == '--plot needs Matplotlib: pip install "thalweg[plot]"'


def test_a_plot_that_cannot_be_written_is_told_before_the_run(capsys, monkeypatch, tmp_path):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(tw, "minimize", lambda *_, **__: pytest.fail("it ran"))
    assert "there is no folder" in refused(capsys, *COURSE, "--plot", tmp_path / "no" / "d.png")
    assert ".png" in refused(capsys, *COURSE, "--plot", tmp_path / "d.doc")
