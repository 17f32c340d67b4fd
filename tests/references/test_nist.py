# SPDX-License-Identifier: BSD-3-Clause
"""Certified nonlinear regressions (StRD of NIST), all with one setting: digits that are right."""

import json
from pathlib import Path

import numpy as np
import pytest

import thalweg as tw

DATA = Path(__file__).parents[1] / "data"
NAMES = {
    name: getattr(np, name)
    for name in ("exp", "log", "sin", "cos", "arctan", "sqrt", "where", "pi")
}


class Problem:
    """A model, its data, and what NIST certifies."""

    def __init__(self, told, shared):
        self.name, self.shared = told["name"], shared
        exact = told.get("refined", told["certified"])
        self.b = np.array([float(v) for v in exact["b"]])
        self.sd = np.array([float(v) for v in exact["sd"]])
        self.rss = float(told["certified"]["rss"])
        self.starts = told["starts"]
        self.x, self.y = np.array(told["x"]), np.array(told["y"])
        predictors = told.get("x_names", ["x"])
        given = ", ".join(f"b{i + 1}" for i in range(self.b.size))
        rows = "x" if predictors == ["x"] else f"({', '.join(predictors)})"
        source = f"lambda data, {given}: (lambda {', '.join(predictors)}: {told['model']})"
        self.f = eval(source + ("(data)" if rows == "x" else "(*data)"), dict(NAMES))


def problems():
    shared = [json.loads(p.read_text("utf-8")) for p in sorted((DATA / "nist").glob("*.json"))]
    more = json.loads((DATA / "nist_more.json").read_text("utf-8"))
    return [Problem(p, True) for p in shared] + [Problem(p, False) for p in more]


PROBLEMS = {p.name: p for p in problems()}
RUNS = [(name, start) for name in PROBLEMS for start in (0, 1)]


def digits(found, exact):
    """Decimal digits that are right, of the worst entry; 11 at most, as many as are certified."""
    error = np.abs(found - exact) / np.abs(exact)
    return float(np.clip(-np.log10(np.maximum(error, 1e-99)), 0.0, 11.0).min())


def fit(name, start, **setting):
    p = PROBLEMS[name]
    return tw.curve_fit(p.f, p.x, p.y, p.starts[start], full_output=True, **setting)


@pytest.fixture(scope="module")
def fits():
    return {run: fit(*run) for run in RUNS}


# One documented setting that leaves the ending to the limit of precision.
TIGHT = {"ftol": None, "xtol": None, "gtol": 1e-15}


def test_data_are_those_of_the_collection():
    assert len(PROBLEMS) == 27
    for p in PROBLEMS.values():
        residuals = p.f(p.x, *p.b) - p.y
        if p.name != "Lanczos1":  # its residuals, 1e-13, are rounding of the data
            assert residuals @ residuals == pytest.approx(p.rss, rel=1e-6), p.name


@pytest.mark.parametrize(("name", "start"), RUNS)
def test_every_parameter_has_more_than_four_digits(fits, name, start):
    assert digits(fits[name, start][0], PROBLEMS[name].b) > 4.0


@pytest.mark.parametrize(("name", "start"), RUNS)
def test_standard_deviations_have_four_digits(fits, name, start):
    pcov = fits[name, start][1]
    # The least squares of Lanczos1, 1e-25, are rounding to three digits, and so its deviations.
    assert digits(np.sqrt(np.diag(pcov)), PROBLEMS[name].sd) >= (3.0 if name == "Lanczos1" else 4.0)


def test_mean_number_of_digits(fits):
    # Wanted: 9.4 for those that we were given. The others are the same to a few tenths.
    for shared in (True, False):
        found = [
            digits(fits[name, start][0], p.b)
            for name, p in PROBLEMS.items()
            for start in (0, 1)
            if p.shared is shared
        ]
        assert np.mean(found) >= 9.4


def test_tight_setting_ends_at_the_limit_of_precision():
    found = []
    for name, start in RUNS:
        popt, _, _, message, ier = fit(name, start, **TIGHT)
        assert ier in (1, 2)
        assert "precision" in message or "gtol" in message, (name, start)
        found.append(digits(popt, PROBLEMS[name].b))
    assert min(found) > 4.0
    assert np.mean(found) > 9.5


def test_no_run_takes_long(fits):
    # MINPACK takes 759 for Bennett5 from its first start, by the same tolerances.
    assert max(fits[run][2]["nfev"] for run in RUNS) < 1000


@pytest.mark.parametrize("name", ["Misra1a", "Thurber", "Nelson", "Gauss1"])
def test_told_residuals_reach_the_same_minimum(name):
    p = PROBLEMS[name]
    with np.errstate(all="ignore"):
        popt, pcov = tw.curve_fit(p.f, p.x, p.y, p.starts[1], trace=False)
    # Central differences: their error, 1e-10 of a slope, shifts the minimum by about as much.
    assert digits(popt, p.b) > 4.0
    assert digits(np.sqrt(np.diag(pcov)), p.sd) > 3.5


@pytest.mark.parametrize(("name", "start"), RUNS)
def test_kept_model_fits_like_curve_fit(fits, name, start):
    p = PROBLEMS[name]
    popt, pcov = tw.model(p.f, p.x, p.starts[1 - start]).fit(p.y, p.starts[start])
    np.testing.assert_array_equal(popt, fits[name, start][0])
    np.testing.assert_array_equal(pcov, fits[name, start][1])
