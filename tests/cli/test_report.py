# SPDX-License-Identifier: BSD-3-Clause
"""The result of `thalweg minimize`, as lines, as a table and as JSON."""

import json
import math
import os
import subprocess
import sys

import pytest
from command_cases import COURSE, GD, OMEGA, run

import thalweg as tw
from thalweg.cli.report import plain

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
