# SPDX-License-Identifier: BSD-3-Clause
"""`thalweg fit`: what it reads, what it prints, and what it refuses in one line."""

import json

import numpy as np
import pytest
from command_cases import fields, run
from fitting_cases import MODEL, START, T, Y, written

import thalweg as tw


def decay(x, a, b, c):
    return a * np.exp(-x / b) + c


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


def test_ties_and_priors_of_the_command_line(capsys, data):
    words = ["fit", data, MODEL, "--x", "time", "--y", "counts", "--sigma", "0.1"]
    status, out, _ = run(
        capsys, *words, "--start", "b=1", "--start", "c=0", "--tie", "a = 2*b + c",
        "--prior", "b=1.5±0.01", "--prior", "a=3+-1", "--json",
    )  # fmt: skip
    told = json.loads(out)
    assert status == 0
    fits = tw.curve_fit_many(
        decay, T, Y, {"b": 1, "c": 0}, sigma=0.1, ties={"a": lambda b, c: 2 * b + c},
        priors={"b": (1.5, 0.01), "a": (3, 1)},
    )  # fmt: skip
    np.testing.assert_allclose(list(told["popt"].values()), fits.popt, rtol=1e-12)  # another graph
    np.testing.assert_allclose(list(told["perr"].values()), fits.perr, rtol=1e-9)
    assert told["ties"] == {"a": "2*b + c"}
    assert told["start"] == {"b": 1.0, "c": 0.0}
    for wrong, message in (
        (["--tie", "a=q"], "'q' is no parameter"), (["--tie", "q=a"], "the expression has no 'q'"),
        (["--tie", "a=b", "--fixed", "a=1"], "it is fixed too"),
        (["--prior", "b=1"], "takes NAME=MEAN±SD"), (["--prior", "b=1±0"], "a positive sd"),
    ):  # fmt: skip
        status, _, err = run(capsys, *words, *START, *wrong)
        assert status == 2
        assert message in err


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


def test_a_parameter_at_its_bound_says_so(capsys, data):
    _, out, _ = run(
        capsys, "fit", data, MODEL, "--x", "time", "--y", "counts", *START, "--bounds", "b=0.1:1.2"
    )
    assert fields(out)["b"] == "1.2 (at a bound)"
