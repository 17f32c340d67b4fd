# SPDX-License-Identifier: BSD-3-Clause
"""Bounds that differ between fits: each has the bits of the fit alone with its bounds."""

import numpy as np
import pytest

import thalweg as tw

T = np.linspace(0.0, 5.0, 30)


def decay(t, a, tau, c):
    return a * np.exp(-t / tau) + c


def data(k=150, t=T):
    rng = np.random.default_rng(4)
    a, tau = rng.uniform(1, 3, (k, 1)), rng.uniform(0.5, 2, (k, 1))
    y = decay(t, a, tau, 0.3) + 0.02 * rng.normal(size=(k, t.size))
    low, high = rng.uniform(0.1, 0.9, k), rng.uniform(1.1, 3, k)
    low[::7], high[::5] = -np.inf, np.inf
    return y, {"tau": (low, high), "a": (0.5, np.linspace(1.2, 4, k)), "c": (None, 0.35)}


def of_one(bounds, i):
    """The bounds of one fit."""

    def end(e):
        return e if e is None or np.ndim(e) == 0 else e.ravel()[i]

    return {name: (end(low), end(high)) for name, (low, high) in bounds.items()}


CASES = {
    "plain": {}, "loss": {"loss": "soft_l1", "f_scale": 0.02}, "scaled": {"x_scale": [1, 2, 3]},
    "fixed": {"fixed": {"c": 0.3}}, "tied": {"ties": {"c": lambda a: 0.1 * a}},
    "start": {"p0": lambda y: np.stack([y[:, 0], 0 * y[:, 0] + 9, y[:, -1]], axis=-1)},
    "known": {"sigma": 0.02, "absolute_sigma": True, "priors": {"tau": (1.0, 0.5)}},
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_each_fit_has_the_bits_of_one_with_its_bounds(case):
    y, bounds = data()
    how = CASES[case]
    if case in ("fixed", "tied"):
        del bounds["c"]
    fits = tw.curve_fit_many(decay, T, y, bounds=bounds, **how)
    low, high = bounds["tau"]
    assert ((fits["tau"] >= low) & (fits["tau"] <= high)).all()
    held = (fits["tau"] == low) | (fits["tau"] == high)
    assert 10 < held.sum() < 140
    np.testing.assert_array_equal(np.isnan(fits.perr[:, 1]), held)
    for i in range(0, 150, 11):
        one = tw.curve_fit_many(decay, T, y[i], bounds=of_one(bounds, i), **how)
        for name in ("popt", "pcov", "cost", "reason", "nfev", "determined"):
            np.testing.assert_array_equal(fits[name][i], one[name], name)
        if not callable(how.get("p0")) and case != "known":
            popt, _ = tw.curve_fit(decay, T, y[i], bounds=of_one(bounds, i), **how)
            np.testing.assert_array_equal(fits.popt[i], popt)


def test_results_do_not_depend_on_threads_masks_or_chunks(monkeypatch):
    y, bounds = data()
    whole = tw.curve_fit_many(decay, T, y, bounds=bounds, threads=1)
    mask = np.arange(150) % 3 > 0
    some = tw.curve_fit_many(decay, T, y, bounds=bounds, threads=2, mask=mask)
    np.testing.assert_array_equal(some.popt[mask], whole.popt[mask])
    monkeypatch.setattr("thalweg._fits.chunks.CHUNK", 1e4)
    np.testing.assert_array_equal(tw.curve_fit_many(decay, T, y, bounds=bounds).pcov, whole.pcov)


def test_bounds_that_are_the_same_for_all_have_the_bits_of_common_ones():
    y, _ = data()
    common = tw.curve_fit_many(decay, T, y, bounds={"tau": (0.8, 1.5)})
    each = tw.curve_fit_many(decay, T, y, bounds={"tau": (np.full(150, 0.8), 1.5)})
    np.testing.assert_array_equal(each.popt, common.popt)
    np.testing.assert_array_equal(each.pcov, common.pcov)


def test_long_data_and_many_parameters_have_bounds_of_their_own():
    """Long data are fitted one after the other; six parameters have no code of their own."""
    t = np.linspace(0.0, 5.0, 600)
    y, bounds = data(9, t)
    fits = tw.curve_fit_many(decay, t, y, bounds=bounds)
    for i in range(9):
        popt, _ = tw.curve_fit(decay, t, y[i], bounds=of_one(bounds, i))
        np.testing.assert_array_equal(fits.popt[i], popt)

    def six(t, a, tau, c, d, e, f):
        return decay(t, a, tau, c) + 0.01 * (d * t + e * t**2 + f * np.sin(t))

    y, bounds = data(40)
    fits = tw.curve_fit_many(six, T, y, bounds=bounds)
    for i in range(0, 40, 7):
        one = tw.curve_fit_many(six, T, y[i], bounds=of_one(bounds, i))
        np.testing.assert_array_equal(fits.popt[i], one.popt)


def test_a_singular_fit_goes_on_within_its_bounds():
    """Two exponentials with nearly equal rates; J'J is singular to rounding."""

    def twins(t, a, b, r):
        return a * np.exp(-r * t) + b * np.exp(-(r + 1e-7) * t)

    y = np.stack([2 * np.exp(-T), 3 * np.exp(-1.1 * T), 4 * np.exp(-0.9 * T)])
    bounds = {"a": (0, np.array([0.5, 1.0, 9.0]))}
    fits = tw.curve_fit_many(twins, T, y, p0=[0.4, 0.4, 1.0], bounds=bounds)
    for i in range(3):
        own = of_one(bounds, i)
        one = tw.curve_fit_many(twins, T, y[i], p0=[0.4, 0.4, 1.0], bounds=own)
        np.testing.assert_array_equal(fits.popt[i], one.popt)
        assert 0 <= fits["a"][i] <= own["a"][1]


def test_counts_have_bounds_of_their_own():
    rng = np.random.default_rng(5)
    counts = rng.poisson(decay(T, 40, 1.0, 5), size=(30, T.size))
    high = np.linspace(0.8, 1.3, 30)
    how = {"likelihood": "poisson", "p0": [40, 0.7, 5]}
    fits = tw.curve_fit_many(decay, T, counts, bounds={"tau": (0.1, high)}, **how)
    for i in (0, 13, 29):
        one = tw.curve_fit_many(decay, T, counts[i], bounds={"tau": (0.1, high[i])}, **how)
        np.testing.assert_array_equal(fits.pcov[i], one.pcov)


def test_bounds_that_cannot_be_kept_are_refused():
    y, _ = data(4)
    with pytest.raises(ValueError, match=r"got .2.0, 1.5. for tau of fit 2"):
        tw.curve_fit_many(decay, T, y, bounds={"tau": (np.array([0, 1, 2, 1.0]), 1.5)})
    with pytest.raises(ValueError, match=r"0.5 is outside .0.9, inf. for tau of fit 3"):
        tw.curve_fit_many(
            decay, T, y, [1, 0.5, 0], bounds={"tau": (np.array([0, 0, 0, 0.9]), None)}
        )
    with pytest.raises(ValueError, match="must be a number or have shape"):
        tw.curve_fit_many(decay, T, y, bounds={"tau": (np.zeros(3), None)})
    with pytest.raises(ValueError, match="the same for all data that share"):
        tw.curve_fit_many(decay, T, y, bounds={"tau": (np.zeros(4), None)}, shared="c")
