# SPDX-License-Identifier: BSD-3-Clause
"""Fits that share a tape: neighbours do not show in the bits, and failures stay alone."""

import numpy as np
import pytest
from fit_cases import FAMILIES, P0, T, decay, decays, same_bits, with_gaps

import thalweg as tw
from thalweg import _core
from thalweg._fits import reading
from thalweg._fits.chunks import LeadingRows
from thalweg._fits.groups import DescentSettings, FitGroup, _unsound
from thalweg._fits.reading import FitReader
from thalweg._fits.slots import Layout
from thalweg._fits.soundness import FACTORS
from thalweg._fits.tapes import FitTapes
from thalweg._results.reasons import Reason

# ---- missing values ------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_fits_without_gaps_have_the_same_bits_beside_others_with_gaps(family):
    f, x, ranges, noise = FAMILIES[family]
    rng = np.random.default_rng(0)
    true = np.column_stack([rng.uniform(*r, 80) for r in ranges])
    y = f(x, *true.T[:, :, None]) + noise * rng.standard_normal((80, x.size))
    gaps = y.copy()
    gaps[::3] = with_gaps(y[::3], 0.3)
    whole, mixed = tw.curve_fit_many(f, x, y, true), tw.curve_fit_many(f, x, gaps, true)
    clean = mixed.n_missing == 0
    assert 20 < clean.sum() < 80
    same_bits(whole[clean], mixed[clean])


def test_a_fit_with_too_few_data_is_nan_and_says_so():
    _, y = decays(4)
    y[1] = np.nan
    y[2, 2:] = np.nan
    fits = tw.curve_fit_many(decay, T, y, P0)
    assert fits.success.tolist() == [True, False, False, True]
    assert np.isnan(fits.popt[1:3]).all()
    assert np.isnan(fits.perr[1:3]).all()
    assert fits.n_missing.tolist() == [0, 20, 18, 0]
    assert (fits.status[1:3] == -3).all()
    assert "fewer data than parameters" in fits[1].message


def test_as_many_data_as_parameters_have_no_errors():
    _, y = decays(2)
    y[1, 3:] = np.nan
    fits = tw.curve_fit_many(decay, T, y, P0)
    assert fits.success.all()
    assert np.isinf(fits.pcov[1]).all()
    assert np.isfinite(fits.pcov[0]).all()


# ---- the same bits -------------------------------------------------------------------------------


HARD = {"bounds": ([0, 0.1, -2], [4.5, 5, 2]), "loss": "soft_l1", "f_scale": 0.05}


def hard_data(k=150):
    """With gaps, infinities, nothing at all, and fits that do not end well."""
    _, y = decays(k, seed=7)
    y[::5] = with_gaps(y[::5], 0.2)
    y[3] = np.inf
    y[10] = np.nan
    y[20] = 0.0
    y[30] = 1e200
    y[40] *= 1e-200
    return y


@pytest.mark.parametrize("how", [{}, HARD], ids=["plain", "bounds, loss"])
def test_same_bits_for_any_chunk_thread_and_order_and_one_by_one(how, monkeypatch):
    y = hard_data()
    whole = tw.curve_fit_many(decay, T, y, P0, threads=1, **how)
    same_bits(whole, tw.curve_fit_many(decay, T, y, P0, threads=2, **how))
    order = np.random.default_rng(0).permutation(len(y))
    same_bits(whole[order], tw.curve_fit_many(decay, T, y[order], P0, **how))
    for size in (64, 100):
        monkeypatch.setattr(reading.FitReader, "most", size)
        same_bits(whole, tw.curve_fit_many(decay, T, y, P0, **how))
    for i in [*range(0, 50, 7), 3, 10, 20, 30, 40]:
        alone = tw.curve_fit_many(decay, T, y[i], P0, **how)
        same_bits(whole[i : i + 1], alone[None])


# ---- infinities ----------------------------------------------------------------------------------


def test_infinite_data_fail_alone():
    _, y = decays(4)
    y[1, 2] = np.inf
    y[2, 2] = 1e200  # its square overflows
    fits = tw.curve_fit_many(decay, T, y, P0)
    assert fits.success.tolist() == [True, False, False, True]
    assert (fits.reason[1:3] == Reason.non_finite).all()


# ---- tries ---------------------------------------------------------------------------------------

LIMITS = {"gtol": 1e-10, "xtol": 1e-10, "ftol": 1e-10, "max_iter": 10**6, "max_nfev": 3000}


def settings(size=None, **limits):
    stopping = _core.Stopping(**LIMITS | {"max_time": 1e9, "threads": 1} | limits)
    return DescentSettings(stopping=stopping, scale=None, size=size)


def group(values, y, start, shared=None, layout=None, box=(), **how):
    """A group of fits of a model with one parameter, unless the layout says otherwise."""
    y = np.asarray(y, dtype=float)
    layout = layout or Layout(y.shape[1], (0,))
    reader = FitReader(
        k=len(y), layout=layout, y=LeadingRows(y, y.shape[:1]), predictors=[], known=[],
        start=np.asarray(start, dtype=float), box=list(box), sigma=None, weights=None,
        fixed=how.get("fixed", []), f_scale=1.0,
    )  # fmt: skip
    tapes = FitTapes(values, layout, False, list(box), False)
    return FitGroup(shared or settings(), reader, tapes, reader.read(0, len(y)))


X = np.arange(5.0)


def growth(trace, predictors, parameters):
    return np.exp(parameters[0] * trace.wrap(X))


def test_every_fit_has_its_answer():
    y = np.exp(np.outer([0.1, -0.5, 0.3], X))
    shared = settings()
    arrays, error = group(growth, y, [0.0], shared).fit()
    assert error is None
    np.testing.assert_allclose(arrays["popt"], [[0.1], [-0.5], [0.3]], rtol=1e-6)
    assert arrays["success"].all()
    assert arrays["determined"].all()
    assert not arrays["worse"].any()
    assert not arrays["open"].any()
    assert shared.done == 3


def test_fixed_parameters_are_put_between_the_others():
    def both(trace, predictors, parameters):
        return parameters[0] + parameters[1] * trace.wrap(X)

    layout = Layout(5, (1,), (0,))
    arrays, _ = group(both, [2 + 3 * X, 2 - X], [9.0, 1.0], layout=layout, fixed=[2.0]).fit()
    np.testing.assert_allclose(arrays["popt"], [[2, 3], [2, -1]])


def test_a_fit_that_is_not_sound_starts_again_from_the_scale_of_x():
    # From 1, exp(-b x) for x near 1e6 is 0 with all of its slopes.
    far = 1e6 + X

    def decay(trace, predictors, parameters):
        return np.exp(-parameters[0] * trace.wrap(far))

    y = np.exp(-2e-6 * far)[None] * (1 + 0.01 * np.cos(9 * X))
    given, _ = group(decay, y, [1.0]).fit()
    assert not given["determined"][0]
    assert given["open"][0] == 1.0
    again, _ = group(decay, y, [1.0], settings(size=float(far.max()))).fit()
    assert again["determined"][0]
    assert again["popt"][0, 0] == pytest.approx(2e-6, rel=0.01)
    assert again["nfev"][0] > given["nfev"][0]


def test_starts_of_all_tries_keep_within_the_bounds():
    box = [np.array([0.0]), np.array([0.5])]
    one = group(growth, np.ones((2, 5)), [0.25], settings(size=100.0), box=box)
    starts = one._starts()
    assert [factor for _, factor in starts] == [*FACTORS, FACTORS[0], FACTORS[0]]
    assert [x.ravel().tolist() for x, _ in starts] == [[0.25] * 2] * 2 + [[0.5] * 2, [0.01] * 2]
    assert len(group(growth, np.ones((2, 5)), [0.25])._starts()) == len(FACTORS)


def test_only_what_is_not_sound_starts_again():
    reasons = [Reason.gradient_small, Reason.gradient_small, Reason.gradient_small, Reason.stuck,
               Reason.max_time, Reason.non_finite]  # fmt: skip
    best = {
        "reason": np.array(reasons, dtype=np.int8),
        "determined": np.array([True, False, True, True, True, True]),
        "worse": np.array([False, False, True, False, False, False]),
    }
    assert _unsound(best, FACTORS[0]).tolist() == [1, 2, 3, 5]
    assert _unsound(best, FACTORS[1]).tolist() == [1, 2, 3]  # what could not begin cannot again


def test_a_fit_that_could_not_begin_has_no_answer():
    y = np.ones((2, 5))
    y[1, 2] = np.inf
    arrays, error = group(growth, y, [0.1]).fit()
    assert error is None
    assert arrays["reason"][1] == Reason.non_finite
    for name in ("popt", "perr", "pcov", "cost"):
        assert np.isnan(arrays[name][1]).all(), name
    assert not arrays["determined"][1]
    assert arrays["success"].tolist() == [True, False]


def test_progress_counts_those_before():
    told = []
    shared = settings()
    assert shared.counter() is None
    shared.progress = told.append
    shared.count(40)
    shared.counter()(2)
    assert told == [40, 42]
