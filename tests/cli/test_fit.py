# SPDX-License-Identifier: BSD-3-Clause
"""`thalweg fit` as a command: its options, pictures, exit status, and what is refused."""

import pytest
from command_cases import fields, refused, run
from fitting_cases import MODEL, START


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
