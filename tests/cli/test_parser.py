# SPDX-License-Identifier: BSD-3-Clause
"""The command line: what it prints, where, and its exit status."""

import json
import math
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import thalweg as tw
from thalweg.cli import main
from thalweg.cli.report import plain

OMEGA = ["minimize", "exp(x) - log(x)"]
GD = ["--method", "gradient_descent", "--learning-rate"]
COURSE = [*OMEGA, "--start", "x=1.6", *GD, "0.1", "--max-iter", "25"]
# What main() would do, as a program of its own.
PROGRAM = [sys.executable, "-c", "import sys; from thalweg.cli import main; sys.exit(main())"]


def run(capsys, *words):
    """Exit status, standard output, standard error."""
    status = main([str(w) for w in words])
    told = capsys.readouterr()
    return status, told.out, told.err


def fields(text):
    return dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)


def refused(capsys, *words):
    """The one line on standard error with which these words are refused."""
    status, out, err = run(capsys, *words)
    assert status == 2, (out, err)
    assert out == ""
    assert err.startswith("thalweg: ")
    assert err.count("\n") == 1
    assert len(err) < 400
    return err.removeprefix("thalweg: ").rstrip("\n")


# What comes out


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


def test_starts_may_be_expressions_and_expressions_may_begin_with_a_minus(capsys):
    status, out, _ = run(capsys, "minimize", "-cos(x)", "--start", "x=pi/8", *GD, "0.5")
    assert status == 0
    assert abs(float(fields(out)["x"])) < 1e-7
    assert run(capsys, "minimize", "-x * (1 - x)", "--start", "x=-1", *GD, "0.4")[0] == 0


def test_bounds_hold(capsys):
    words = ["minimize", "x + y**2", "--start", "x=2", "--start", "y=1", *GD, "0.1"]
    status, out, _ = run(capsys, *words, "--bounds", "x=0.5:", "--json")
    assert status == 0
    told = json.loads(out)
    assert told["x"]["x"] == 0.5
    assert told["active_mask"] == {"x": -1, "y": 0}
    assert run(capsys, "minimize", "x", "--start", "x=0", *GD, 1, "--bounds", "x=-3:1")[0] == 0


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


# Pictures


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


# Bad input


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


# Help, version, info


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


# On a terminal, in a pipe, interrupted


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


# Many descents

HIMMELBLAU = "(x**2 + y - 11)**2 + (x + y**2 - 7)**2"
SQUARE = ["--bounds", "x=-5:5", "--bounds", "y=-5:5"]
UNIFORM = ["--sampling", "uniform"]  # no import of SciPy


def table(text):
    """The rows of a printed table, the heading first."""
    return [line.split("\t") for line in text.splitlines() if "\t" in line]


def test_multistart_prints_the_minima_best_first(capsys):
    status, out, err = run(capsys, "multistart", HIMMELBLAU, *SQUARE, *UNIFORM, "--n", 300)
    assert (status, err) == (0, "")
    assert fields(out)["minima"] == "4"
    assert fields(out)["starts"] == "300"
    assert fields(out)["elsewhere"] == "none"
    heading, *rows = table(out)
    assert heading == ["minimum", "x", "y", "fun", "starts"]
    values = [float(row[3]) for row in rows]
    assert values == sorted(values)
    assert sum(int(row[4]) for row in rows) == 300
    known = {(3.0, 2.0), (-2.805, 3.131), (-3.779, -3.283), (3.584, -1.848)}
    assert {(round(float(r[1]), 3), round(float(r[2]), 3)) for r in rows} == known


def test_multistart_json_is_keyed_by_variables(capsys):
    status, out, _ = run(
        capsys, "multistart", "b + a**2", "--bounds", "b=0:5", "--bounds", "a=-1:1", *UNIFORM,
        "--seed", 3, "--n", 20, "--json", "--threads", 1,
    )  # fmt: skip
    assert status == 0
    told = json.loads(out, parse_constant=pytest.fail)
    assert told["variables"] == ["b", "a"]
    assert told["bounds"] == {"b": [0, 5], "a": [-1, 1]}
    (minimum,) = told["minima"]
    assert minimum["x"]["b"] == 0
    assert minimum["at_bounds"] == {"b": -1, "a": 0}
    assert minimum["starts"] == 20
    assert minimum["eigenvalues"] == [pytest.approx(2)]
    assert (told["n"], told["seed"], told["sampling"]) == (20, 3, "uniform")


def test_no_minimum_exits_1_and_says_what_happened(capsys):
    words = ["multistart", "log(-1 - x**2)", "--bounds", "x=0:1", *UNIFORM, "--n", "8"]
    status, out, _ = run(capsys, *words)
    assert status == 1
    assert fields(out)["minima"] == "0"
    assert fields(out)["elsewhere"] == "left_domain 8"
    assert table(out) == []


def test_free_descents_leave_the_bounds(capsys):
    words = ["multistart", "(x - 7)**2", "--bounds", "x=0:1", *UNIFORM, "--json"]
    assert json.loads(run(capsys, *words)[1])["minima"][0]["x"]["x"] == 1
    assert json.loads(run(capsys, *words, "--free")[1])["minima"][0]["x"]["x"] == 7


def test_basins_tell_labels_axes_and_minima(capsys):
    words = ["basins", HIMMELBLAU, *SQUARE, "--shape", "5x4"]
    status, out, _ = run(capsys, *words, "--json")
    assert status == 0
    told = json.loads(out, parse_constant=pytest.fail)
    assert told["axes"]["x"] == [-5, -2.5, 0, 2.5, 5]
    assert len(told["axes"]["y"]) == 4
    assert [len(row) for row in told["labels"]] == [4] * 5
    corner = told["minima"][told["labels"][4][3]]["x"]
    assert (round(corner["x"], 6), round(corner["y"], 6)) == (3, 2)
    status, out, _ = run(capsys, *words)
    assert fields(out)["starts"] == "20"
    assert len(table(out)) == 5


def test_basins_of_one_variable_and_with_one_held(capsys):
    _, out, _ = run(capsys, "basins", "cos(x)", "--bounds", "x=0.1:9", "--shape", "50", "--json")
    assert len(json.loads(out)["labels"]) == 50
    held = ["--bounds", "z=0.5:0.5", "--shape", "3x3", "--json"]
    _, out, _ = run(capsys, "basins", "x**2 + (y - z)**2", *SQUARE, *held)
    assert json.loads(out)["minima"][0]["x"] == {"x": 0, "y": 0.5, "z": 0.5}


def test_sweep_prints_verdicts_the_best_and_on_request_every_run(capsys):
    words = ["sweep", *OMEGA[1:], "--start", "x=1.6", "--learning-rate", "0.001,0.1,0.3,0.5",
             "--max-iter", "100"]  # fmt: skip
    status, out, _ = run(capsys, *words)
    assert status == 0
    told = fields(out)
    assert (told["runs"], told["converged"], told["left_domain"]) == ("4", "2", "1")
    assert told["best learning_rate"] == "0.3"
    assert table(out) == []
    heading, *rows = table(run(capsys, *words, "--runs")[1])
    assert heading == ["learning_rate", "verdict", "nit", "x", "fun"]
    assert [row[1] for row in rows] == ["too_small", "converged", "converged", "left_domain"]


def test_sweep_json_lists_every_combination(capsys):
    status, out, _ = run(
        capsys, "sweep", *OMEGA[1:], "--start", "x=1.6", "--method", "momentum", "--momentum",
        "0:0.9:4", "--learning-rate", "0.01:1:3:log", "--json",
    )  # fmt: skip
    assert status == 0
    told = json.loads(out, parse_constant=pytest.fail)
    assert told["shape"] == [3, 4]  # in the order of the method's own table
    assert told["method"]["momentum"] == pytest.approx([0, 0.3, 0.6, 0.9])
    assert told["method"]["learning_rate"] == pytest.approx([0.01, 0.1, 1])
    assert len(told["runs"]) == 12
    assert sum(told["verdicts"].values()) == 12
    assert told["best"] in told["runs"]
    assert told["best"]["verdict"] == "converged"


def test_a_sweep_in_which_none_converges_exits_1(capsys):
    words = ["sweep", *OMEGA[1:], "--start", "x=1.6", "--learning-rate", "1e-5,1e-4"]
    status, out, _ = run(capsys, *words)
    assert status == 1
    assert "best fun" not in fields(out)
    assert json.loads(run(capsys, *words, "--json")[1])["best"] is None


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


def test_what_does_not_fit_into_memory_is_told_in_one_line(capsys):
    words = ["sweep", "x**2", "--start", "x=1", "--learning-rate", f"0.1:1:{10**15}"]
    assert main(words) == 1
    said = capsys.readouterr().err
    assert said.startswith("thalweg: not enough memory: ")
    assert said.count("\n") == 1
