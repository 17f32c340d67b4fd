# SPDX-License-Identifier: BSD-3-Clause
"""`thalweg fit` as a command: its options, pictures, exit status, and what is refused."""

import argparse
import inspect

import pytest
from command_cases import fields, refused, run
from fitting_cases import MODEL, START, written

import thalweg as tw
from thalweg.cli.fit import add_fit


def test_exit_status_tells_whether_it_converged(capsys, data):
    words = ["fit", data, MODEL, "--x", "time", "--y", "counts"]
    assert run(capsys, *words, *START, "--max-nfev", "2")[0] == 0  # a limit that was given
    status, out, _ = run(
        capsys, *words[:2], "a * log(b - x) + c", *words[3:], *START
    )  # fmt: skip
    assert status == 1
    assert fields(out)["reason"] == "left_domain"


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_plot_writes_a_picture(capsys, data, tmp_path, kind):
    file = tmp_path / f"fit.{kind}"
    status, out, err = run(
        capsys, "fit", data, MODEL, "--x", "time", "--y", "counts", "--sigma", "error", *START,
        "--plot", file,
    )  # fmt: skip
    assert status == 0, err
    assert file.stat().st_size > 5000
    assert fields(out)["success"] == "True"
    assert "No such file" in refused(
        capsys, "fit", tmp_path / "none", MODEL, "--x", "time", "--y", "counts", *START,
        "--plot", file,
    )  # fmt: skip


def test_words_that_do_not_fit_are_told_in_one_line(capsys, data):
    xy = ["--x", "time", "--y", "counts"]
    assert "no start for c: add --start c=..." in refused(
        capsys, "fit", data, MODEL, *xy, *START[:4]
    )
    cases = [
        (["fit", data, MODEL, "--y", "counts", *START], "no predictor: add --x COLUMN"),
        (["fit", data, MODEL, "--x", "time", *START], "there are no data to fit: add --y COLUMN"),
        (["fit", data, "a*t", *xy, "--start", "a=1"], "the expression has no 'x'"),
        (["fit", data, MODEL, "--x", "x=time", "--x", "x=error", "--y", "counts", *START],
         "--x x is given twice"),
        (["fit", data, MODEL, "--x", "=time", "--y", "counts", *START], "--x takes COLUMN or"),
        (["fit", data, "2 * x", *xy], "has no parameter to fit"),
        (["fit", data, MODEL, *xy, "--fixed", "a=1", "--fixed", "b=1", "--fixed", "c=1"],
         "nothing is left to fit"),
        (["fit", data, MODEL, *xy, "--fixed", "q=1", *START], "the expression has no 'q'"),
        (["fit", data, MODEL, *xy, *START, "--loss", "l1"], "`loss` must be one of"),
        (["fit", data, MODEL, *xy, *START, "--likelihood", "cauchy"], "invalid choice"),
        (["fit", data, MODEL, *xy, *START, "--likelihood", "poisson", "--sigma", "1"],
         "takes no `sigma`"),
        (["fit", data, MODEL, *xy, *START, "--sigma", "0"], "`sigma` must be positive"),
        (["fit", data, MODEL, *xy, *START, "--bounds", "a=2:9"], "lies outside"),
        (["fit", data, MODEL, *xy, *START, "--max-nfev", "0"], "max_nfev"),
        (["fit", data, MODEL, *xy, *START, "--plot", "x.gif"], "--plot needs a file that ends in"),
        (["fit", data, "a * u * v", "--x", "u=time", "--x", "v=error", "--y", "counts",
          "--start", "a=1", "--plot", "x.png"], "--plot needs one predictor, got 2"),
    ]  # fmt: skip
    for words, text in cases:
        assert text in refused(capsys, *words)


def test_a_fit_that_is_not_sound_exits_1_though_it_converged(capsys, tmp_path):
    file = written(tmp_path / "d.csv", ["x,y", "0,5.0", "1,5.1", "2,4.9", "3,5.0"])
    words = ["fit", file, "a * x", "--x", "x", "--y", "y", "--start", "a=1"]
    status, out, _ = run(capsys, *words)
    assert fields(out)["success"] == "True"
    assert fields(out)["worse"] == "than a constant"
    assert status == 1


def test_a_limit_that_was_not_given_exits_1(capsys, data):
    words = ["fit", data, "a * log(b - x) + c", "--x", "time", "--y", "counts", *START]
    assert run(capsys, *words)[0] == 1
    # Another reason than the limit that was given.
    assert run(capsys, *words, "--max-nfev", "50")[0] == 1


def test_help_describes_file_expression_and_options(capsys):
    status, out, _ = run(capsys, "fit", "--help")
    assert status == 0
    for word in ("the file:", "the expression:", "exit status:", "examples:", "--absolute-sigma",
                 "[NAME=]COLUMN", "poisson for counts", "a constant fits better"):  # fmt: skip
        assert word in out
    assert max(map(len, out.splitlines())) <= 100


def test_the_commands_options_are_built_only_where_it_runs():
    for command, wanted in (("fit", True), ("minimize", False)):
        parser = argparse.ArgumentParser()
        commands = parser.add_subparsers()
        add_fit(commands, command, "")
        flags = {flag for a in commands.choices["fit"]._actions for flag in a.option_strings}
        assert ("--likelihood" in flags) == wanted


def test_defaults_are_those_of_curve_fit_many():
    parser = argparse.ArgumentParser()
    add_fit(parser.add_subparsers(), "fit", "")
    given = parser.parse_args(["fit", "f", "a*x"])
    assert (given.loss, given.f_scale, given.likelihood) == ("linear", 1.0, "gaussian")
    assert (given.x, given.start, given.bounds, given.fixed) == ([], [], [], [])
    assert not given.absolute_sigma
    defaults = inspect.signature(tw.curve_fit_many).parameters
    for name in ("loss", "f_scale", "likelihood", "sigma", "absolute_sigma", "max_nfev"):
        assert getattr(given, name) == defaults[name].default, name
