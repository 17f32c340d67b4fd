# SPDX-License-Identifier: BSD-3-Clause
"""Verdicts on many fits: the arrays of results, fits that were not made, and better tries."""

import numpy as np
import pytest

import thalweg as tw
from thalweg._fits.verdicts import (
    AGAIN,
    CONVERGED,
    SIDES,
    bits_of,
    failed,
    fields_of,
    put_better,
    verdicts,
)
from thalweg._results.reasons import STATUS_MANY, Reason


def test_success_and_status_follow_from_the_reason():
    reasons = np.array(list(Reason), dtype=np.int8)
    told = verdicts(reasons)
    assert told["reason"] is reasons
    assert told["success"].tolist() == CONVERGED.tolist()
    assert told["status"].tolist() == list(STATUS_MANY)
    assert told["status"].dtype == np.int8


def test_only_endings_from_which_something_can_be_tried_start_again():
    ended = {r.name for r in Reason if AGAIN[r]} - {r.name for r in Reason if CONVERGED[r]}
    assert ended == {"stuck", "max_evaluations", "diverged", "non_finite", "left_domain"}
    assert CONVERGED[np.flatnonzero(AGAIN)].any()


def test_fields_are_the_arrays_of_fits():
    fits = tw.curve_fit_many(lambda x, a, b: a * x + b, [0.0, 1.0, 2.0], np.ones((4, 3)))
    for name, (own, kind) in fields_of(2).items():
        assert fits[name].shape == (4, *own), name
        assert fits[name].dtype == kind, name


def test_fits_that_were_not_made_hold_nan():
    arrays = failed(3, 2, Reason.interrupted)
    assert set(arrays) == {*fields_of(2), *SIDES}
    assert arrays["popt"].shape == (3, 2)
    assert arrays["pcov"].shape == (3, 2, 2)
    for name in ("popt", "pcov", "perr", "cost", "left", "right"):
        assert np.isnan(arrays[name]).all(), name
    for name in ("nit", "nfev", "n_missing", "determined", "worse", "open", "success"):
        assert not arrays[name].any(), name
    assert (arrays["reason"] == Reason.interrupted).all()
    assert (arrays["status"] == STATUS_MANY[Reason.interrupted]).all()


def endings(cost, reason, nfev=10):
    cost = np.array(cost)
    return {
        "cost": cost, "reason": np.array(reason, dtype=np.int8), "popt": cost[:, None] * 100,
        "nfev": np.full(len(cost), nfev),
    }  # fmt: skip


def test_better_endings_replace_worse_ones_and_evaluations_add_up():
    good, bad = Reason.gradient_small, Reason.max_evaluations
    best = endings([5.0, 5.0, 5.0, np.nan, 1.0], [good, good, bad, bad, good])
    part = endings([4.0, 6.0, 6.0, 9.0], [good, good, good, bad], nfev=7)
    put_better(best, part, np.array([0, 1, 2, 3]))
    # A lower cost; a higher one; success in place of failure; a finite cost in place of none.
    assert best["cost"].tolist() == [4.0, 5.0, 6.0, 9.0, 1.0]
    assert best["popt"].ravel().tolist() == [400.0, 500.0, 600.0, 900.0, 100.0]
    assert best["reason"].tolist() == [good, good, good, bad, good]
    assert best["nfev"].tolist() == [17, 17, 17, 17, 10]


def test_failure_never_replaces_success():
    best = endings([5.0], [Reason.gradient_small])
    put_better(best, endings([1.0], [Reason.stuck]), np.array([0]))
    assert best["cost"].tolist() == [5.0]
    assert best["reason"].tolist() == [Reason.gradient_small]


@pytest.mark.parametrize("n", [1, 3, 52, 60])
def test_selected_parameters_are_bits(n):
    which = np.random.default_rng(n).random((20, n)) < 0.3
    which[4] = False
    numbers = bits_of(which)
    assert numbers[4] == 0
    for row, number in zip(which, numbers, strict=True):
        expected = sum(1 << i for i in np.flatnonzero(row) if i < 52)  # as a double holds
        assert int(number) == expected
