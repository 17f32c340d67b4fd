# SPDX-License-Identifier: BSD-3-Clause
"""Reports: the sections and digits that users of lmfit know, and what went wrong in words."""

import pickle
import re
import warnings

import numpy as np
from fit_cases import P0, T, decay, decays

import thalweg as tw


def sample():
    rng = np.random.default_rng(0)
    x = np.linspace(0, 4, 50)
    return x, decay(x, 2.5, 0.8, 0.5) + 0.1 * rng.normal(size=50)


def test_a_report_has_the_sections_and_digits_of_lmfit():
    """It prints, in version 1.3.4, b:  0.70646335 +/- 0.03078750 (4.36%) (init = 1)."""
    x, y = sample()
    said = tw.curve_fit(decay, x, y, [1, 1, 0]).report()
    lines = said.splitlines()
    for title in ("[[Model]]", "[[Fit Statistics]]", "[[Variables]]"):
        assert title in lines
    assert "[[Correlations]] (unreported correlations are < 0.100)" in lines
    assert "    # data points      = 50" in lines
    assert "    Akaike info crit   = -242.809387" in lines
    (b,) = [line for line in lines if line.startswith("    b: ")]
    assert b.startswith("    b: 0.70646")
    assert b.endswith("(4.36%) (init = 1)")
    assert lines[-3:] == [
        "    C(b, c) = -0.6993", "    C(a, b) = -0.3993", "    C(a, c) = -0.1054",
    ]  # fmt: skip


def test_small_correlations_are_left_out():
    x, y = sample()
    said = tw.curve_fit(decay, x, y, [1, 1, 0]).report(min_correl=0.5)
    assert "C(b, c)" in said
    assert "C(a, b)" not in said
    assert "are < 0.500)" in said


def test_a_report_says_what_is_fixed_and_what_ended_at_a_bound():
    x, y = sample()
    fit = tw.curve_fit(decay, x, y, [1, 1, 0.7], bounds=([0, 0, 0.65], [9, 9, 1]))
    assert "c: 0.650000000 at its bound (init = 0.7)" in fit.report()
    fixed = tw.curve_fit_many(decay, x, y, [1, 1, 0.5], fixed={"c": 0.5})
    assert "c: 0.500000000 (fixed)" in fixed.report()


def test_a_report_names_what_the_data_do_not_determine():
    x, y = sample()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the same is said in a warning
        fit = tw.curve_fit(lambda x, a, b, c: a * b * np.exp(-x) + c, x, y, [1, 1, 0])
    assert not fit.determined
    (a, b, c) = [line for line in fit.report().splitlines() if line[4:6] in ("a:", "b:", "c:")]
    assert "not determined by the data" in a
    assert "not determined by the data" in b
    assert "not determined" not in c
    assert "ended because" in fit.report()


def test_a_report_of_many_gives_counts_and_medians():
    _, y = decays(7)
    y[2, 3], y[5] = np.nan, np.inf
    fits = tw.curve_fit_many(decay, T, y, P0)
    said = fits.report()
    assert "# fits                  = 7" in said
    assert "# missing values        = 1" in said
    assert "# non_finite            = 1" in said
    assert f"{np.nanmedian(fits.popt[:, 0]):#.9g}" in said
    assert "[[Median correlations]]" in said


def test_a_report_outlives_its_data():
    x, y = sample()
    fit = tw.curve_fit(decay, x, y, [1, 1, 0])
    assert pickle.loads(pickle.dumps(fit)).report() == fit.report()
    _, many = decays(4)
    fits = tw.curve_fit_many(decay, T, many, P0)
    text = fits[1].report()
    assert "R-squared" in text
    again = pickle.loads(pickle.dumps(fits[1])).report()  # knows neither the function nor starts
    assert again.replace("    f(x", "    decay(x") == re.sub(r" \(init = .*\)", "", text)
