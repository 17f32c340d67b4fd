# SPDX-License-Identifier: BSD-3-Clause
"""The command line as a program: commands, help, exit status, and what is refused in one line."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from command_cases import COURSE, GD, OMEGA, fields, refused, run

import thalweg as tw
from thalweg.cli import main

# What main() would do, as a program of its own.
PROGRAM = [sys.executable, "-c", "import sys; from thalweg.cli import main; sys.exit(main())"]


# ---- What comes out ------------------------------------------------------------------------------


def test_the_course_example_comes_out_to_its_digits(capsys):
    status, out, err = run(capsys, *COURSE)
    told = fields(out)
    assert told["x"] == "0.5671434156768685"
    assert told["reason"] == "max_iterations"
    assert told["nit"] == "25"
    assert status == 0  # a limit that the user gave
    assert err == ""


def test_a_converged_run_exits_0(capsys):
    status, out, _ = run(capsys, *OMEGA, "--start", "x=1.6", *GD, "0.3")
    assert status == 0
    assert fields(out)["success"] == "True"


def test_a_limit_that_was_not_given_exits_1(capsys):
    status, out, _ = run(capsys, *OMEGA, "--start", "x=1.6", *GD, "1e-6")
    assert status == 1
    assert fields(out)["reason"] == "max_iterations"
    assert "1000" in fields(out)["message"]


def test_the_limit_that_was_given_must_be_the_one_reached(capsys):
    words = [*OMEGA, "--start", "x=1.6", *GD, "1e-6"]
    assert run(capsys, *words, "--max-nfev", "5000")[0] == 1  # ended at max_iter's default
    assert run(capsys, *words, "--max-nfev", "50")[0] == 0


def test_a_run_that_leaves_the_domain_exits_1_and_names_the_operation(capsys):
    status, out, _ = run(capsys, *OMEGA, "--start", "x=1.6", *GD, "0.5", "--max-iter", "25")
    assert status == 1
    assert fields(out)["reason"] == "left_domain"
    assert "log(-0.564" in fields(out)["message"]
    assert fields(out)["last"].startswith("x = -0.564")


def test_special_functions_run_without_scipy():
    code = (
        "import sys; from thalweg.cli import main\n"
        "status = main(['minimize', 'erf(x)**2 + gammaln(x + 2)', '--start', 'x=1',"
        " '--method', 'adam', '--learning-rate', '0.1'])\n"
        "sys.exit(status or 'scipy' in sys.modules or 'matplotlib' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_progress_goes_to_standard_error(capsys):
    status, out, err = run(capsys, *COURSE, "--progress", "--json")
    assert status == 0
    json.loads(out)
    assert "iteration 25 of 25" in err


# ---- Bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "COMMAND"),
        (["maximize", "x"], "maximize"),
        (["minimize"], "EXPR"),
        (["minimize", "x**2", *GD, "1"], "no start for x: add --start x=..."),
        (["minimize", "x*y", "--start", "x=1", *GD, "1"], "no start for y: add --start y=..."),
        (["minimize", "x^2", "--start", "x=1", *GD, "1"], "write ** for a power, not ^ (column 1)"),
        (["minimize", "foo(x)", "--start", "x=1", *GD, "1"], "unknown function 'foo'"),
        (["minimize", "__import__('os').system('true')", "--start", "x=1", *GD, "1"], "cannot use"),
        (["minimize", "3 + 4", *GD, "1"], "has no variable"),
        (["minimize", "", *GD, "1"], "empty"),
        (["minimize", "x**2", "--start", "y=1", *GD, "1"], "has no 'y'; it has x"),
        (["minimize", "x**2", "--start", "x", *GD, "1"], "NAME=VALUE, got 'x'"),
        (["minimize", "x**2", "--start", "x=", *GD, "1"], "NAME=VALUE"),
        (["minimize", "x**2", "--start", "x=a", *GD, "1"], "must be a number, got 'a'"),
        (["minimize", "x**2", "--start", "x=nan", *GD, "1"], "must be a number"),
        (["minimize", "x**2", "--start", "x=inf", *GD, "1"], "finite"),
        (["minimize", "x**2", "--start", "x=9**9**9", *GD, "1"], "finite"),
        (["minimize", "x**2", "--start", "x=1", "--start", "x=2", *GD, "1"], "twice"),
        (["minimize", "x**2", "--start", "x=1", *GD[:2]], "gradient_descent needs --learning-rate"),
        (["minimize", "x**2", "--start", "x=1", *GD, "a"], "'a'"),
        (["minimize", "x**2", "--start", "x=1", *GD, "-1"], "learning_rate"),
        (["minimize", "x**2", "--start", "x=1", "--method", "sgd"], "'sgd'"),
        (
            ["minimize", "x**2", "--start", "x=1", *GD, "1", "--b1", "1"],
            "has no --b1; it has --learning-rate",
        ),
        (["minimize", "x**2", "--start", "x=1", *GD, "1", "--max-it", "1"], "--max-it"),
        ([*COURSE, "--bounds", "x=3"], "LOW:HIGH"),
        ([*COURSE, "--bounds", "x=3:1"], "above"),
        ([*COURSE, "--bounds", "y=0:1"], "has no 'y'"),
        ([*COURSE, "--bounds", "x=0:1"], "lies outside"),
        ([*COURSE, "--bounds", "x=a:1"], "must be a number"),
        ([*COURSE, "--max-iter", "2.5"], "2.5"),
        ([*COURSE, "--max-iter", "-3"], "max_iter"),
        ([*COURSE, "--gtol", "nan"], "gtol"),
        ([*COURSE, "--gtol", "-1"], "gtol"),
        ([*COURSE, "--frobnicate"], "--frobnicate"),
        (["info", "x"], "x"),
    ],
)
def test_bad_input_is_told_in_one_line(capsys, words, said):
    assert said in refused(capsys, *words)


def test_no_traceback_from_a_program():
    done = subprocess.run([*PROGRAM, "minimize", "x +", *GD, "1"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("thalweg: expression: cannot read 'x +'")


# ---- Help, version, info -------------------------------------------------------------------------


def test_help_teaches_by_example(capsys):
    status, out, _ = run(capsys, "--help")
    assert status == 0
    assert 'thalweg minimize "exp(x) - log(x)"' in out
    status, out, _ = run(capsys, "minimize", "--help")
    assert status == 0
    for word in ("--start", *GD, "--plot", "exit status", "examples", *tw.methods("rules")):
        assert word in out
    assert max(map(len, out.splitlines())) <= 100


def examples_of(text):
    """The commands of a help text, with their lines joined."""
    lines = text.split("examples:\n")[-1].replace("\\\n", "").splitlines()
    return [line for line in lines if line.lstrip().startswith("thalweg ")]


@pytest.mark.parametrize("command", [None, "minimize", "multistart", "basins", "sweep"])
def test_every_example_in_help_runs(capsys, tmp_path, monkeypatch, command):
    import shlex

    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    rows = [f"{t},{3 * np.exp(-t / 2) + 1 + 0.01 * (t % 2)}" for t in range(10)]
    (tmp_path / "data.csv").write_text("\n".join(["time,counts", *rows]), "utf-8")
    status, text, _ = run(capsys, *filter(None, [command]), "--help")
    assert status == 0
    assert max(map(len, text.splitlines())) <= 100
    commands = [line for line in examples_of(text) if "COMMAND" not in line]
    assert len(commands) >= 4
    pictures = []
    for line in commands:
        program, *words = shlex.split(line)
        assert program == "thalweg"
        status, _, err = run(capsys, *words)
        assert status == 0, (line, err)
        pictures += [words[words.index("--plot") + 1]] if "--plot" in words else []
    assert pictures
    for name in pictures:  # of several that an example draws, the first
        first = next(tmp_path.glob(f"{name.removesuffix('.png')}*.png"))
        assert first.stat().st_size > 1000


def test_version(capsys):
    assert run(capsys, "--version") == (0, f"thalweg {tw.__version__}\n", "")


def test_info(capsys):
    status, out, _ = run(capsys, "info")
    assert status == 0
    for word in (tw.__version__, "avx2", "baseline", "cores", "numpy", "matplotlib", "dask"):
        assert word in out
    status, out, _ = run(capsys, "info", "--json")
    told = json.loads(out)
    assert told["version"] == tw.__version__
    assert told["instruction_set"] in told["supported_instruction_sets"]
    assert set(told["optional"]) == {"matplotlib", "rich", "scipy", "sympy", "pandas", "dask"}


def test_info_imports_no_optional_part():
    code = (
        "import sys; from thalweg.cli import main; main(['info'])\n"
        "sys.exit(any(m in sys.modules for m in ('scipy', 'matplotlib', 'rich', 'sympy', 'dask')))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


# ---- On a terminal, in a pipe, interrupted -------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes of this kind")
def test_a_broken_pipe_is_quiet():
    with subprocess.Popen(
        [*PROGRAM, *COURSE, "--record"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.close()
        err = process.stderr.read()
    assert err == b""
    assert process.returncode == 141


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
def test_ctrl_c_prints_the_best_so_far():
    words = ["minimize", "(x - 3)**2", "--start", "x=1", *GD, "1e-12"]
    words += ["--max-iter", "1000000000000", "--gtol", "0", "--json"]
    ready = PROGRAM[2].replace("sys.exit", "print('ready', file=sys.stderr, flush=True); sys.exit")
    with subprocess.Popen(
        [*PROGRAM[:2], ready, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr.readline() == "ready\n"  # a busy machine imports for seconds
        time.sleep(1.0)
        process.send_signal(signal.SIGINT)
        try:
            out, err = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 130, err
    assert "Traceback" not in err
    told = json.loads(out)
    assert told["reason"] == "interrupted"
    assert 1 < told["x"]["x"] < 3
    assert told["nit"] > 0


# ---- Many descents -------------------------------------------------------------------------------


def test_what_does_not_fit_into_memory_is_told_in_one_line(capsys):
    words = ["sweep", "x**2", "--start", "x=1", "--learning-rate", f"0.1:1:{10**15}"]
    assert main(words) == 1
    said = capsys.readouterr().err
    assert said.startswith("thalweg: not enough memory: ")
    assert said.count("\n") == 1
