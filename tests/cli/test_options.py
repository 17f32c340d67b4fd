# SPDX-License-Identifier: BSD-3-Clause
"""Options that commands share: methods and their hyper-parameters, limits, pictures."""

import argparse
import json

import pytest
from command_cases import COURSE, GD, refused, run

import thalweg as tw
from thalweg.cli import options
from thalweg.cli.words import BadInputError

# ---- methods -------------------------------------------------------------------------------------


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


# ---- one option at a time ------------------------------------------------------------------------


def parsed(*words, default="lbfgs"):
    parser = argparse.ArgumentParser()
    options.method_options(parser, default)
    options.stop_options(parser)
    options.hyper_options(parser)
    return parser.parse_args([str(w) for w in words])


def test_names_become_flags():
    assert options.flag("learning_rate") == "--learning-rate"


def test_only_limits_that_are_given_are_passed_on():
    assert options.stops_given(parsed()) == {}
    given = options.stops_given(parsed("--max-iter", 0, "--gtol", "1e-3", "--max-time", 2))
    assert given == {"max_iter": 0, "gtol": 1e-3, "max_time": 2.0}
    assert tuple(options.STOPS) == ("max_iter", "max_nfev", "max_time", "gtol", "xtol", "ftol")


def test_hyper_parameters_are_those_of_the_method():
    given = options.hyper_given(parsed("--method", "adam", "--learning-rate", 0.1, "--b1", 0.5))
    assert given == {"learning_rate": 0.1, "b1": 0.5}
    assert options.hyper_given(parsed("--clip-norm", 2)) == {"clip_norm": 2.0}
    with pytest.raises(BadInputError, match=r"^lbfgs has no --b1; it has --memory"):
        options.hyper_given(parsed("--b1", 0.5))
    with pytest.raises(BadInputError, match=r"^momentum needs --learning-rate$"):
        options.hyper_given(parsed("--method", "momentum", "--momentum", 0.5))


def test_help_says_which_methods_take_a_hyper_parameter_and_its_default():
    parser = argparse.ArgumentParser()
    options.hyper_options(parser)
    helps = {action.dest: action.help for action in parser._actions}
    tables = tw.methods()
    for name in {name for table in tables.values() for name in table}:
        assert f"hyper_{name}" in helps
    users = [m for m, table in tables.items() if "memory" in table]
    assert helps["hyper_memory"] == f"for {', '.join(users)}; default: {tables['lbfgs']['memory']}"
    assert helps["hyper_learning_rate"].endswith("; required")


def test_pictures_are_checked_before_the_run(tmp_path):
    pytest.importorskip("matplotlib")
    for name in ("a.png", "b.SVG", "c.pdf"):
        assert options.picture(str(tmp_path / name)) == str(tmp_path / name)
    with pytest.raises(BadInputError, match=r"ends in .png, .*; got 'a.gif'"):
        options.picture("a.gif")
    with pytest.raises(BadInputError, match="there is no folder"):
        options.picture(str(tmp_path / "none" / "a.png"))


def test_pictures_that_cannot_be_written_are_told_in_one_line(tmp_path):
    def without():
        raise ImportError("no backend")

    with pytest.raises(BadInputError, match=r"--plot needs Matplotlib: .* \(no backend\)"):
        options.save_picture(without, "a.png")
    plt = pytest.importorskip("matplotlib.pyplot")
    figure, axes = plt.subplots()
    file = tmp_path / "folder.png"
    file.mkdir()
    with pytest.raises(BadInputError, match="Is a directory"):
        options.save_picture(lambda: axes, str(file))
    options.save_picture(lambda: axes, str(tmp_path / "a.png"))
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    plt.close(figure)


def test_json_is_strict_and_in_one_line(capsys):
    options.print_json({"a": [1, 2.5], "b": "é"})
    assert capsys.readouterr().out == '{"a": [1, 2.5], "b": "\\u00e9"}\n'
    with pytest.raises(ValueError, match="JSON"):
        options.print_json({"a": float("nan")})
