# SPDX-License-Identifier: BSD-3-Clause
"""The result of `thalweg minimize`, as lines, as a table and as JSON."""

import json
import math
import os
import subprocess
import sys

import numpy as np
import pytest
from command_cases import COURSE, GD, OMEGA, run

import thalweg as tw
from thalweg._formulas.expressions import parse
from thalweg.cli import report
from thalweg.cli.report import Run, plain

# ---- What comes out ------------------------------------------------------------------------------


def test_json_is_strict_and_keyed_by_variables(capsys):
    status, out, _ = run(
        capsys, "minimize", "(a - 1)**2 + 3*(b + 2)**2", "--start", "b=1", "--start", "a=0",
        *GD, "0.1", "--json", "--record", "--max-iter", "5",
    )  # fmt: skip
    assert status == 0
    told = json.loads(out, parse_constant=pytest.fail)
    assert told["start"] == {"a": 0, "b": 1}
    assert list(told["x"]) == ["a", "b"]
    assert told["method"] == {"name": "gradient_descent", "learning_rate": 0.1}
    assert told["reason"] == "max_iterations"
    assert told["nit"] == 5
    assert len(told["path"]["x"]["a"]) == len(told["path"]["fun"]) == 6
    assert told["path"]["x"]["b"][0] == 1
    assert told["thalweg"] == tw.__version__
    assert out.count("\n") == 1


def test_json_tells_what_is_not_a_number_as_text(capsys):
    _, out, _ = run(capsys, *OMEGA, "--start", "x=1.6", *GD, "0.5", "--max-iter", "9", "--json")
    told = json.loads(out, parse_constant=pytest.fail)
    assert told["last"]["fun"] == "NaN"
    assert math.isnan(float(told["last"]["fun"]))
    assert plain([math.inf, -math.inf]) == ["Infinity", "-Infinity"]


def test_record_prints_the_path(capsys):
    _, out, _ = run(capsys, *COURSE, "--record")
    rows = [line.split("\t") for line in out.splitlines() if "\t" in line]
    assert rows[0] == ["nit", "x", "fun", "max|jac|"]
    assert len(rows) == 27
    assert float(rows[1][1]) == 1.6


# ---- On a terminal, in a pipe, interrupted -------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX")
@pytest.mark.parametrize("rich", [True, False])
def test_a_terminal_gets_a_table(rich):
    import pty

    if rich:
        pytest.importorskip("rich")
    block = "" if rich else "sys.modules['rich'] = None; "
    code = f"import sys; {block}from thalweg.cli import main; sys.exit(main())"
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", code, *COURSE, "--record"],
        stdout=follower, stderr=subprocess.PIPE,
        env=os.environ | {"COLUMNS": "100", "TERM": "xterm"},
    )  # fmt: skip
    os.close(follower)
    shown = b""
    try:
        while part := os.read(leader, 4096):
            shown += part
    except OSError:  # the other end is closed
        pass
    os.close(leader)
    err = process.communicate(timeout=60)[1]
    assert process.returncode == 0, err
    assert err == b""
    text = shown.decode()
    assert "0.5671434156768685" in text
    assert "max_iterations" in text
    assert "x: " not in text
    assert ("\x1b[" in text) == rich


# ---- one report ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.array([1.0, np.nan]), [1.0, "NaN"]),
        ({"a": np.int64(3), 2: (1, -np.inf)}, {"a": 3, "2": [1, "-Infinity"]}),
        (np.float64("inf"), "Infinity"),
        (np.bool_(True), True),
        (np.array([[True], [False]]), [[True], [False]]),
        ("NaN", "NaN"),
        (None, None),
    ],
)
def test_values_become_strict_json(value, expected):
    got = plain(value)
    assert got == expected
    assert type(got) is type(expected)
    json.dumps(got, allow_nan=False)


def report_of(text, start, **how):
    expression = parse(text)
    point = start[0] if len(start) == 1 else start
    result = tw.minimize(expression, point, "gradient_descent", learning_rate=0.1, **how)
    return Run(expression, start, "gradient_descent", {"learning_rate": 0.1}, result)


def test_rows_hold_numbers_in_full():
    told = report_of("(x - 1)**2 + 3*y**2", [0.25, 1.0], max_iter=3)
    rows = dict(told.rows())
    r = told.result
    assert list(rows)[:4] == ["x", "y", "fun", "max|jac|"]
    assert [float(rows["x"]), float(rows["y"])] == r.x.tolist()
    assert float(rows["fun"]) == r.fun
    assert rows["max|jac|"] == f"{np.abs(r.jac).max():.3g}"
    assert "last" not in rows
    assert (rows["success"], rows["reason"], rows["nit"], rows["nfev"]) == (
        "False", "max_iterations", "3", "4"
    )  # fmt: skip


def test_the_last_point_has_a_row_where_it_is_not_the_best():
    told = report_of("-x**2 + 0*y", [0.0, 1.0], max_iter=3)
    assert "last" not in dict(told.rows())
    climbing = Run(parse("x**2"), [1.0], "gradient_descent", {}, tw.minimize(
        lambda x: x**2, 1.0, "gradient_descent", learning_rate=1.5, max_iter=2))  # fmt: skip
    assert dict(climbing.rows())["last"] == "x = 4.0, fun = 16.0"  # 1, -2, 4


def test_the_path_has_a_heading_and_a_row_for_each_point():
    told = report_of("x**2 + y", [1.0, 0.0], max_iter=2, record=True)
    heading, *rows = told.path()
    assert heading == ("nit", "x", "y", "fun", "max|jac|")
    assert [(row[0], row[-1]) for row in rows] == [("0", "2"), ("1", "1.6"), ("2", "1.28")]
    # x shrinks to 0.8 of itself, y falls by 0.1 in a step; text that is read gives the number back.
    points = [[float(v) for v in row[1:3]] for row in rows]
    assert points == told.result.path.x.tolist()
    np.testing.assert_allclose(points, [[1, 0], [0.8, -0.1], [0.64, -0.2]], rtol=1e-15)
    assert [float(row[3]) for row in rows] == told.result.path.fun.tolist()
    assert report_of("x**2", [1.0], max_iter=2).path() == []


def test_data_are_keyed_by_variables_and_have_what_there_is():
    data = report_of(" x**2 + y ", [1.0, 0.0], max_iter=2, bounds=[(0, 2), (0, 1)]).data()
    assert data["expression"] == "x**2 + y"
    assert data["start"] == {"x": 1.0, "y": 0.0}
    assert data["active_mask"] == {"x": 0, "y": -1}
    assert "path" not in data
    assert data["last"]["x"] == data["x"]
    assert report_of("x**2", [1.0], max_iter=1).data()["jac"] == {"x": 1.6}
    assert "active_mask" not in report_of("x**2", [1.0], max_iter=1).data()


def test_without_rich_columns_are_aligned(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "rich", None)
    report._table([("a", "1"), ("long", "2")], [("nit", "x"), ("0", "1.5")], True)
    assert capsys.readouterr().out == "   a  1\nlong  2\nnit    x\n  0  1.5\n"


def test_elsewhere_than_on_a_terminal_there_are_plain_lines(capsys):
    report.shown([("a", "1"), ("b", "2: 3")], [("nit", "x"), ("0", "1.5")], False)
    assert capsys.readouterr().out == "a: 1\nb: 2: 3\nnit\tx\n0\t1.5\n"
