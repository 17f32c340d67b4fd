# SPDX-License-Identifier: BSD-3-Clause
"""Tables in text files: every kind of file, gaps, and what cannot be read."""

import io
import json
import os
import threading
import time

import numpy as np
import pytest
from command_cases import fields, refused, run
from fitting_cases import MODEL, START, written

from thalweg.cli.tables import read_table
from thalweg.cli.words import BadInputError


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


HEAD = "x,y\n"
MALFORMED = {
    "a cell that is too long": (HEAD + '1,"' + "2" * 200_000 + '"\n', "line 2: field larger than"),
    "a quote that is not closed": (HEAD + '1,"2\n3,4\n', "line 2: unexpected end of data"),
    "a heading that is not closed": ('"x,y\n1,2\n', "line 1: unexpected end of data"),
    "infinite data": (HEAD + "1,2\n2,inf\n3,4\n", "y is inf in row 2 of the data"),
    "an infinite predictor": (HEAD + "1,2\n-inf,3\n3,4\n", "x is -inf in row 2 of the data"),
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

    file = tmp_path / "long.csv"
    file.write_text(HEAD + "0.5,1.25\n" * 200_000)
    tracemalloc.start()
    table = read_table(str(file), ["x", "y"])
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(table["y"]) == 200_000
    assert table["y"][-1] == 1.25
    assert most < 200_000 * 2 * 8 * 2  # two columns of doubles, and room to grow


# ---- one table -----------------------------------------------------------------------------------


def read(tmp_path, text, *columns):
    file = tmp_path / "t.txt"
    file.write_text(text, "utf-8")
    return {name: list(column) for name, column in read_table(str(file), list(columns)).items()}


def test_columns_are_read_by_name_as_doubles(tmp_path):
    text = "a,b c,a b\n1,2,3\n-4.5e3, +.5 ,1_000\n"
    assert read(tmp_path, text, "b c", "a") == {"b c": [2.0, 0.5], "a": [1.0, -4500.0]}
    assert read(tmp_path, text, "a b")["a b"] == [3.0, 1000.0]
    (tmp_path / "d.csv").write_text(text)
    assert read_table(str(tmp_path / "d.csv"), ["a"])["a"].typecode == "d"


def test_columns_without_names_are_numbered(tmp_path):
    assert read(tmp_path, "1 2\n3 4\n", "2", "1") == {"2": [2.0, 4.0], "1": [1.0, 3.0]}
    assert read(tmp_path, "nan 2\n3 4\n", "2") == {"2": [2.0, 4.0]}  # a gap is a number too


def test_cells_may_be_quoted(tmp_path):
    assert read(tmp_path, '"a, b",c\n"1","2"\n', "a, b", "c") == {"a, b": [1.0], "c": [2.0]}


@pytest.mark.parametrize("gap", ["", "NA", "n/a", "NaN", "null", "None", "-"])
def test_gaps_have_many_names(tmp_path, gap):
    got = read(tmp_path, f"a;b\n{gap};1\n2;{gap}\n", "a", "b")
    np.testing.assert_array_equal(got["a"], [np.nan, 2.0])
    np.testing.assert_array_equal(got["b"], [1.0, np.nan])


def test_the_first_separator_that_occurs_counts(tmp_path):
    # Tabs before semicolons before commas: the others belong to the cells.
    assert read(tmp_path, "a,b\tc;d\n1\t2\n", "a,b", "c;d") == {"a,b": [1.0], "c;d": [2.0]}
    assert read(tmp_path, "a b;c\n1;2\n", "a b") == {"a b": [1.0]}
    assert read(tmp_path, "  a   b \n 1\t2\n", "a", "b") == {"a": [1.0], "b": [2.0]}


def test_comments_are_skipped_and_the_last_before_the_rows_is_the_heading(tmp_path):
    text = "# made today\n# a b\n1 2\n# between\n  # indented\n3 4\n"
    assert read(tmp_path, text, "a", "b") == {"a": [1.0, 3.0], "b": [2.0, 4.0]}


def test_lines_are_counted_with_the_blank_ones(tmp_path):
    with pytest.raises(BadInputError, match=r"t.txt, line 5, column b: 'x' is not a number"):
        read(tmp_path, "a,b\n\n1,2\n\n3,x\n", "b")
    # A cell that nobody asked for may hold anything.
    assert read(tmp_path, "a,b\n\n1,2\n\n3,x\n", "a") == {"a": [1.0, 3.0]}


def test_carriage_returns_end_lines_too(tmp_path):
    file = tmp_path / "t.csv"
    file.write_bytes(b"a,b\r\n1,2\r\n3,4\r\n")
    assert list(read_table(str(file), ["b"])["b"]) == [2.0, 4.0]


def test_a_name_that_no_file_has_is_refused():
    with pytest.raises(BadInputError, match="must not contain a null character"):
        read_table("a\0b", ["a"])
    with pytest.raises(BadInputError, match="the file has no name"):
        read_table("", ["a"])


def test_long_lists_of_columns_are_shortened(tmp_path):
    with pytest.raises(BadInputError) as caught:
        read(tmp_path, ",".join(f"column{i}" for i in range(99)) + "\n", "z")
    assert str(caught.value).endswith("... (99 columns)")
    assert len(str(caught.value)) < 300 + len(str(tmp_path))
