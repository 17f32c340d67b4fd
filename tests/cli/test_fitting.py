# SPDX-License-Identifier: BSD-3-Clause
"""`thalweg fit`: what it reads, what it prints, and what it refuses in one line."""

import io
import json
import os
import threading
import time

import numpy as np
import pytest
from test_parser import fields, refused, run

import thalweg as tw

T = np.linspace(0.0, 5.0, 20)
Y = 8.0 * np.exp(-T / 1.5) + 1.0 + 0.1 * np.random.default_rng(0).standard_normal(20)
MODEL = "a * exp(-x / b) + c"
START = ["--start", "a=1", "--start", "b=1", "--start", "c=0"]


def decay(x, a, b, c):
    return a * np.exp(-x / b) + c


def written(path, lines):
    path.write_text("\n".join(lines), "utf-8")
    return path


@pytest.fixture
def data(tmp_path):
    rows = [
        f"{t!r},{y!r},{0.1 + 0.01 * i}"
        for i, (t, y) in enumerate(zip(T.tolist(), Y.tolist(), strict=True))
    ]
    return written(tmp_path / "data.csv", ["time,counts,error", *rows])


def test_parameters_and_their_errors_are_curve_fits(capsys, data):
    status, out, err = run(
        capsys, "fit", data, MODEL, "--x", "time", "--y", "counts", *START
    )  # fmt: skip
    popt, pcov = tw.curve_fit(decay, T, Y, [1, 1, 0])
    told = fields(out)
    assert status == 0
    assert err == ""
    for i, name in enumerate("abc"):
        value, sign, error = told[name].split()
        assert float(value) == popt[i]
        assert sign == "±"
        assert float(error) == pytest.approx(np.sqrt(pcov[i, i]), rel=5e-3)  # three digits shown
    assert told["data"] == "20"
    assert told["degrees of freedom"] == "17"
    assert "termination condition" in told["message"]


def test_parameters_that_the_data_leave_open_are_said(capsys, data):
    start = ["--start", "a=1", "--start", "b=2"]
    status, out, _ = run(capsys, "fit", data, "a * b * x", "--x", "time", "--y", "counts", *start)
    told = fields(out)
    assert status == 1
    assert told["success"] == "True"
    assert told["determined"] == "False"
    assert told["message"].endswith("; the data do not determine a, b; a constant would fit better")
    assert told["worse"] == "than a constant"
    given = ["fit", data, MODEL, "--x", "time", "--y", "counts", *START, "--json"]
    assert run(capsys, *given)[0] == 0
    _, out, _ = run(capsys, *given)
    assert json.loads(out)["determined"] is True
    assert json.loads(out)["worse"] is False


def test_json_holds_everything(capsys, data):
    status, out, _ = run(
        capsys, "fit", data, MODEL, "--x", "time", "--y", "counts", "--sigma", "error",
        "--absolute-sigma", "--bounds", "b=0.1:9", *START, "--json",
    )  # fmt: skip
    told = json.loads(out)
    sigma = 0.1 + 0.01 * np.arange(20)
    bounds = ([-np.inf, 0.1, -np.inf], [np.inf, 9, np.inf])
    popt, pcov = tw.curve_fit(decay, T, Y, [1, 1, 0], sigma, absolute_sigma=True, bounds=bounds)
    assert status == 0
    assert list(told["popt"].values()) == popt.tolist()
    np.testing.assert_allclose(told["pcov"], pcov, rtol=1e-9)
    np.testing.assert_allclose(list(told["perr"].values()), np.sqrt(np.diag(pcov)), rtol=1e-9)
    assert told["parameters"] == ["a", "b", "c"]
    assert told["predictors"] == {"x": "time"}
    assert told["reason"] in ("gradient_small", "value_settled", "step_small")
    assert told["success"] is True


def test_fixed_loss_and_likelihood(capsys, data, tmp_path):
    _, out, _ = run(
        capsys, "fit", data, MODEL, "--x", "time", "--y", "counts", *START[:4],
        "--fixed", "c=1", "--loss", "huber", "--f-scale", "0.1",
    )  # fmt: skip
    told = fields(out)
    assert told["c"] == "1.0 fixed"
    fits = tw.curve_fit_many(decay, T, Y, [1, 1, 1], fixed={"c": 1}, loss="huber", f_scale=0.1)
    assert float(told["a"].split()[0]) == fits.popt[0]
    counts = np.random.default_rng(0).poisson(decay(T, 30, 1.5, 2))
    file = written(
        tmp_path / "n.txt", [f"{t!r} {n}" for t, n in zip(T.tolist(), counts, strict=True)]
    )
    status, out, _ = run(
        capsys, "fit", file, MODEL, "--x", "1", "--y", "2", "--likelihood", "poisson",
        "--start", "a=9", "--start", "b=1", "--start", "c=1", "--json",
    )  # fmt: skip
    fits = tw.curve_fit_many(decay, T, counts, [9, 1, 1], likelihood="poisson")
    assert status == 0
    assert list(json.loads(out)["popt"].values()) == fits.popt.tolist()


def test_several_predictors(capsys, tmp_path):
    rng = np.random.default_rng(0)
    u, v = rng.standard_normal((2, 10))
    rows = [f"{a!r}\t{b!r}\t{2 * a - 3 * b!r}" for a, b in zip(u.tolist(), v.tolist(), strict=True)]
    file = written(tmp_path / "t.tsv", ["u\tside\tz", *rows])
    words = ["--y", "z", "--start", "a=1", "--start", "b=1", "--json"]
    status, out, _ = run(
        capsys, "fit", file, "a * u + b * v", "--x", "u", "--x", "v=side", *words
    )  # fmt: skip
    assert status == 0
    told = json.loads(out)["popt"]
    assert told["a"] == pytest.approx(2.0)
    assert told["b"] == pytest.approx(-3.0)


def test_files_of_many_kinds(capsys, tmp_path, monkeypatch):
    words = ["--x", "t", "--y", "y", "--start", "m=1", "--json"]
    for between in (",", ";", "\t", "   ", " , "):
        lines = [between.join(row) for row in (("t", "y"), ("1", "2.5"), ("2", "5"), ("3", "7.5"))]
        file = written(tmp_path / "f", ["# what it is", "# " + lines[0], *lines[1:], "", "# end"])
        for f in (file, written(tmp_path / "g", ["\ufeff" + lines[0], *lines[1:]])):
            status, out, err = run(capsys, "fit", f, "m * x", *words)
            assert status == 0, err
            assert json.loads(out)["popt"]["m"] == pytest.approx(2.5)
    monkeypatch.setattr("sys.stdin", io.StringIO("t,y\n1,2\n2,4\n"))
    status, out, _ = run(capsys, "fit", "-", "m * x", *words)
    assert json.loads(out)["popt"]["m"] == pytest.approx(2.0)


def test_missing_cells_leave_their_rows_out(capsys, tmp_path):
    lines = ["t,y,s", "1,2,1", ",9,1", "2,,1", "3,6,1", "4,NaN,1", "5,10,nan", "6,12,1"]
    file = written(tmp_path / "f.csv", lines)
    words = ["fit", file, "m * x + k", "--x", "t", "--y", "y", "--start", "m=1", "--start", "k=1"]
    _, out, _ = run(capsys, *words, "--sigma", "s")
    assert fields(out)["data"] == "3, 4 missing"
    assert float(fields(out)["m"].split()[0]) == pytest.approx(2.0)


def test_exit_status_tells_whether_it_converged(capsys, data):
    words = ["fit", data, MODEL, "--x", "time", "--y", "counts"]
    assert run(capsys, *words, *START, "--max-nfev", "2")[0] == 0  # a limit that was given
    status, out, _ = run(
        capsys, *words[:2], "a * log(b - x) + c", *words[3:], *START
    )  # fmt: skip
    assert status == 1
    assert fields(out)["reason"] == "left_domain"


def test_a_parameter_at_its_bound_says_so(capsys, data):
    _, out, _ = run(
        capsys, "fit", data, MODEL, "--x", "time", "--y", "counts", *START, "--bounds", "b=0.1:1.2"
    )
    assert fields(out)["b"] == "1.2 (at a bound)"


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


def test_what_cannot_be_read_is_told_in_one_line(capsys, data, tmp_path):
    words = ["--x", "time", "--y", "counts", *START]

    def told(file, *others):
        return refused(capsys, "fit", file, MODEL, *(others or words))

    assert "No such file" in told(tmp_path / "none.csv")
    assert "Is a directory" in told(tmp_path)
    assert "is empty" in told(written(tmp_path / "e", ["", " "]))
    assert "no rows" in told(written(tmp_path / "h", ["time,counts"]))
    binary = tmp_path / "b"
    binary.write_bytes(b"\xff\xfe\x00\x81")
    assert "not text in UTF-8" in told(binary)
    bad = written(tmp_path / "bad", ["time,counts", "1,2", "2,x1", "3,4"])
    assert told(bad).endswith("bad, line 3, column counts: 'x1' is not a number")
    ragged = written(tmp_path / "r", ["time,counts", "1,2", "2"])
    assert "line 3: expected 2 cells, as in the first line, got 1" in told(ragged)
    twice = written(tmp_path / "t", ["time,time,counts", "1,2,3"])
    assert "2 columns named 'time'" in told(twice)
    assert "no column 'when'; it has time, counts, error" in told(
        data, "--x", "when", "--y", "counts", *START
    )


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


HEAD = "x,y\n"
MALFORMED = {
    "a cell that is too long": (HEAD + '1,"' + "2" * 200_000 + '"\n', "line 2: field larger than"),
    "a quote that is not closed": (HEAD + '1,"2\n3,4\n', "line 2: unexpected end of data"),
    "a heading that is not closed": ('"x,y\n1,2\n', "line 1: unexpected end of data"),
    "infinite data": (HEAD + "1,2\n2,inf\n3,4\n", "y is inf in row 2 of the data"),
    "data that overflow": (HEAD + "1,2\n2,1e999\n3,4\n", "y is inf in row 2 of the data"),
    "zeros": ("\0" * 1_500_000, "line 1 is longer than 1,000,000 characters"),
    "a long row": (HEAD + "1," * 300_000, "line 2: expected 2 cells"),
    "many columns": (",".join(f"c{i}" for i in range(10_000)) + "\n1\n", "(10000 columns)"),
    "a word that is long": (HEAD + "1," + "a" * 10_000 + "\n", "is not a number"),
    "a null": (HEAD + "1,2\0\n", "is not a number"),
    "comments alone": ("# one\n# two\n", "no column 'x'"),
    "no value at all": (HEAD + "1,nan\n,4\n", "must not be empty"),
}
FIT = ["a * x + b", "--x", "x", "--y", "y", "--start", "a=1", "--start", "b=0"]


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_files_are_told_in_one_short_line(capsys, tmp_path, case):
    text, said = MALFORMED[case]
    file = tmp_path / "f.csv"
    file.write_text(text, "utf-8")
    told = refused(capsys, "fit", file, *FIT)
    assert said in told
    assert len(told) < 500 + len(str(file))


@pytest.mark.skipif(os.name != "posix", reason="devices and named pipes are POSIX's")
def test_devices_and_pipes_that_never_end_or_begin_are_refused(capsys, tmp_path, monkeypatch):
    for device in ("/dev/zero", "/dev/null"):
        assert "is a device, not a file with rows" in refused(capsys, "fit", device, *FIT)
    assert "the file has no name" in refused(capsys, "fit", "", *FIT)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    monkeypatch.setattr("thalweg.cli.tables._PATIENCE", 0.2)
    began = time.monotonic()
    assert "a pipe to which nobody wrote within 0.2 s" in refused(capsys, "fit", pipe, *FIT)
    assert time.monotonic() - began < 5
    monkeypatch.setattr("thalweg.cli.tables._PATIENCE", 60.0)
    writer = threading.Thread(target=lambda: pipe.write_text(HEAD + "1,3\n2,5\n3,7\n"))
    writer.start()
    status, out, _ = run(capsys, "fit", pipe, *FIT)
    writer.join()
    assert status == 0
    assert fields(out)["a"].startswith(("2.0 ", "1.99999999", "2.00000000"))


def test_standard_input_that_is_closed_is_told(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", None)
    assert "standard input is closed" in refused(capsys, "fit", "-", *FIT)


def test_long_files_are_read_with_little_memory(tmp_path):
    import tracemalloc

    from thalweg.cli.tables import read_table

    file = tmp_path / "long.csv"
    file.write_text(HEAD + "0.5,1.25\n" * 200_000)
    tracemalloc.start()
    table = read_table(str(file), ["x", "y"])
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(table["y"]) == 200_000
    assert table["y"][-1] == 1.25
    assert most < 200_000 * 2 * 8 * 2  # two columns of doubles, and room to grow
