# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of the command line share: running it, and reading what it printed."""

from thalweg.cli import main

OMEGA = ["minimize", "exp(x) - log(x)"]
GD = ["--method", "gradient_descent", "--learning-rate"]
COURSE = [*OMEGA, "--start", "x=1.6", *GD, "0.1", "--max-iter", "25"]


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


SQUARE = ["--bounds", "x=-5:5", "--bounds", "y=-5:5"]
UNIFORM = ["--sampling", "uniform"]  # no import of SciPy
