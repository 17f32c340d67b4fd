# SPDX-License-Identifier: BSD-3-Clause
"""Arguments of many fits: predictors, starts, fixed parameters, outputs, and what is refused."""

import numpy as np
import pytest
from fit_cases import P0, T, decay, decays, same_bits

import thalweg as tw
from thalweg._fits.arguments_many import (
    box_around,
    check_finite,
    check_starts,
    data_of,
    errors_of,
    fixed_of,
    outputs_of,
    parameters_of,
    predictors_of,
    starts_of,
)
from thalweg._fits.chunks import LeadingRows
from thalweg._parameters.plan import Plan
from thalweg._results.reasons import Reason

BOTH = Plan((0, 1))

# ---- predictors ----------------------------------------------------------------------------------


def test_several_predictors_shared_and_of_each_fit():
    rng = np.random.default_rng(0)
    u, v = rng.uniform(0, 2, 15), rng.uniform(0, 2, (30, 15))

    def f(X, a, b):
        u, v = X
        return np.exp(-a * u) + b * v

    y = np.exp(-1.3 * u) + 0.7 * v + 0.01 * rng.standard_normal(v.shape)
    fits = tw.curve_fit_many(f, (u, v), y)
    for i, row in enumerate(y):
        np.testing.assert_array_equal(fits.popt[i], tw.curve_fit(f, (u, v[i]), row)[0])
    shared = np.stack([u, v[0]])
    for x in (shared, (u, v[0])):
        same_bits(tw.curve_fit_many(f, x, y), tw.curve_fit_many(f, shared, y))


def test_xdata_of_each_fit():
    rng = np.random.default_rng(0)
    x = np.sort(rng.uniform(0, 5, (30, 20)))
    y = decay(x, 2.0, 1.2, 0.3) + 0.01 * rng.standard_normal(x.shape)
    fits = tw.curve_fit_many(decay, x, y, P0)
    for i, row in enumerate(y):
        # There x is a constant of the graph, here an input: products fuse in other ways.
        np.testing.assert_allclose(fits.popt[i], tw.curve_fit(decay, x[i], row, P0)[0], rtol=1e-9)


def test_xdata_of_any_other_kind_is_handed_on():
    class Where:
        at = T

    _, y = decays(3)
    fits = tw.curve_fit_many(lambda w, a, b, c: decay(w.at, a, b, c), Where(), y, P0)
    np.testing.assert_array_equal(fits.popt, tw.curve_fit_many(decay, T, y, P0).popt)


# ---- starts --------------------------------------------------------------------------------------


def test_starts_shared_of_each_and_from_the_data():
    _, y = decays(20)

    def guess(data):
        assert data.dtype == np.float64
        assert data.ndim == 2
        return np.column_stack([data[:, 0] - data[:, -1], np.ones(len(data)), data[:, -1]])

    by_hand = tw.curve_fit_many(decay, T, y, guess(y))
    same_bits(tw.curve_fit_many(decay, T, y, guess), by_hand)
    same_bits(tw.curve_fit_many(decay, T, y, lambda _: P0), tw.curve_fit_many(decay, T, y, P0))
    np.testing.assert_allclose(by_hand.popt, tw.curve_fit_many(decay, T, y, P0).popt, rtol=1e-6)


def test_starts_of_a_function_are_moved_into_the_bounds_and_nan_ends_alone():
    _, y = decays(4)

    def guess(data):
        start = np.tile([99.0, 1.0, 0.0], (len(data), 1))
        start[2] = np.nan
        return start

    bounds = ([0, 0.1, -2], [6, 9, 2])
    fits = tw.curve_fit_many(decay, T, y, guess, bounds=bounds)
    # One evaluation says where it began.
    once = tw.curve_fit_many(decay, T, y, guess, bounds=bounds, max_nfev=1)
    assert once.popt[0].tolist() == [6.0, 1.0, 0.0]
    assert once.cost[0] == pytest.approx(0.5 * np.sum((decay(T, 6, 1, 0) - y[0]) ** 2))
    assert fits.success.tolist() == [True, True, False, True]
    assert fits.reason[2] == Reason.non_finite
    assert np.isnan(fits.popt[2]).all()


def test_start_without_p0_lies_between_the_bounds():
    _, y = decays(3)
    bounds = ([0, 2, -1], [9, 4, 1])
    same_bits(
        tw.curve_fit_many(decay, T, y, bounds=bounds),
        tw.curve_fit_many(decay, T, y, [4.5, 3, 0], bounds=bounds),
    )


# ---- outputs -------------------------------------------------------------------------------------


def test_out_is_filled(tmp_path):
    _, y = decays(30)
    y = y.reshape(5, 6, 20)
    whole = tw.curve_fit_many(decay, T, y, P0)
    popt = np.memmap(tmp_path / "popt", np.float32, "w+", shape=(5, 6, 3))
    turned = np.zeros((3, 6, 5)).T
    fits = tw.curve_fit_many(decay, T, y, P0, out={"popt": popt, "perr": turned, "pcov": None})
    assert fits.popt is popt
    assert fits.perr is turned
    np.testing.assert_array_equal(popt, whole.popt.astype(np.float32))
    np.testing.assert_array_equal(turned, whole.perr)
    assert "pcov" not in fits
    with pytest.raises(AttributeError, match="has no 'pcov'"):
        fits.pcov  # noqa: B018
    again = tw.curve_fit_many(decay, T, y + 1, P0, out=whole)
    assert again.popt is whole.popt
    bad = {
        "out has 'q'": {"q": popt},
        "must be an array of shape": {"popt": np.zeros((5, 6))},
        "must be a writeable array": {"popt": np.zeros((5, 6, 3), int)},
        "None|must be an array": {"popt": None},
    }
    for text, out in bad.items():
        with pytest.raises(ValueError, match=text):
            tw.curve_fit_many(decay, T, y, P0, out=out)
    with pytest.raises(TypeError, match="out must be a dict"):
        tw.curve_fit_many(decay, T, y, P0, out=popt)


# ---- what is refused -----------------------------------------------------------------------------


def test_what_does_not_fit_is_told():
    _, y = decays(4)
    cases = [
        (TypeError, "ydata must be real", {"ydata": y + 1j}),
        (TypeError, "ydata must be numbers", {"ydata": np.array([["a"] * 20])}),
        (TypeError, "ydata must be numbers", {"ydata": y.astype(object)}),
        (ValueError, "got a ragged sequence: fill shorter data sets up with NaN",
         {"ydata": [[1.0, 2.0], [1.0]]}),
        (ValueError, "single number", {"ydata": 3.0}),
        (ValueError, "must not be empty", {"ydata": np.empty((4, 0))}),
        (TypeError, "must not exceed the number of data", {"ydata": y[:, :2], "xdata": T[:2]}),
        (ValueError, "ydata has 20 values along its last axis", {"xdata": T[:7]}),
        (TypeError, "xdata must be numbers", {"xdata": np.array(["a", "b"])}),
        (ValueError, r"xdata\[1\] must have shape", {"xdata": (T, T[:3])}),
        (TypeError, r"xdata\[1\] must be real", {"xdata": (T, T + 1j)}),
        (ValueError, "p0 must have 3|a value|p0 must", {"p0": np.ones((4, 2, 3))}),
        (ValueError, "p0 must have shape", {"p0": np.ones((3, 3))}),
        (ValueError, "p0 must not be empty", {"p0": []}),
        (ValueError, "p0 must be finite, got nan for b", {"p0": [1, np.nan, 1]}),
        (ValueError, "p0 must be finite, got inf for a of fit 2",
         {"p0": np.where(np.arange(12).reshape(4, 3) == 6, np.inf, 1)}),
        (TypeError, "p0 must be real", {"p0": [1j, 1, 1]}),
        (ValueError, r"p0 must return shape \(4, 3\)", {"p0": lambda _: np.ones((2, 3))}),
        (ValueError, r"p0 must return shape \(4, 3\)", {"p0": lambda _: 1.0}),
        (TypeError, "p0 must be real", {"p0": lambda _: 1j * P0}),
        (ValueError, "strictly less.*for b", {"bounds": ([0, 2, 0], [1, 1, 1])}),
        (ValueError, "strictly less.*nan", {"bounds": ([0, np.nan, 0], [1, 1, 1])}),
        (ValueError, "Inconsistent shapes", {"bounds": ([0, 0], [1, 1])}),
        (ValueError, "must contain 2 elements", {"bounds": (0, 1, 2)}),
        (ValueError, "outside of provided bounds: 2.0 is outside .* for a of fit 0",
         {"bounds": ([5, 0, -1], [9, 9, 1]), "p0": P0}),
        (ValueError, "sigma` must be positive, got 0", {"sigma": 0.0}),
        (ValueError, "sigma` must be positive, got -1", {"sigma": np.full(20, -1.0)}),
        (ValueError, "sigma` must be positive, got 0.0 for value 3 of fit 1",
         {"sigma": np.where(np.arange(80).reshape(4, 20) == 23, 0.0, 1.0)}),
        (ValueError, "sigma` has incorrect shape", {"sigma": np.ones(7)}),
        (TypeError, "sigma must be real", {"sigma": 1j}),
        (TypeError, "fixed must be a dict", {"fixed": "c"}),
        (ValueError, "fixed names 'd', but the parameters are a, b, c", {"fixed": {"d": 1.0}}),
        (ValueError, "must leave a parameter", {"fixed": {"a": 1.0, "b": 1.0, "c": 1.0}}),
        (ValueError, r"fixed\['c'\] must be a number or have shape", {"fixed": {"c": [1, 2, 3]}}),
        (ValueError, r"fixed\['c'\] must be finite", {"fixed": {"c": np.nan}}),
        (ValueError, "`loss` must be one of", {"loss": "l2"}),
        (ValueError, "`f_scale` must be a positive", {"f_scale": -1.0}),
        (ValueError, "`x_scale` must be", {"x_scale": [1, 2]}),
        (ValueError, "tolerances must be higher", {"ftol": None, "xtol": None, "gtol": None}),
        (ValueError, "`max_nfev` must be", {"max_nfev": 0}),
        (TypeError, "threads must be a whole number", {"threads": 1.5}),
        (ValueError, "threads must be >= 1", {"threads": 0}),
        (TypeError, "f must be a function", {"f": 3}),
        (tw.TraceError, "if", {"f": lambda x, a: x if a > 0 else a}),
        (ValueError, "Unable to determine", {"f": lambda x, *p: x * p[0]}),
    ]  # fmt: skip
    for kind, text, change in cases:
        how = {"f": decay, "xdata": T, "ydata": y} | change
        with pytest.raises(kind, match=text):
            tw.curve_fit_many(**how)


# ---- one argument at a time ----------------------------------------------------------------------


def test_data_are_not_copied_and_have_leading_axes():
    y = np.ones((2, 3, 4), np.float32)
    data, lead = data_of(y)
    assert data is y
    assert lead == (2, 3)
    assert data_of([1.0, 2.0])[1] == ()


def test_predictors_are_shared_or_each_fits_own():
    each, shared = np.zeros((5, 4)), np.arange(4.0)
    joined, varying, known = predictors_of(each, (5,), 4)
    assert varying[0] is each
    assert (joined(["traced"]), known) == ("traced", [])
    joined, varying, known = predictors_of(shared, (5,), 4)
    assert joined([]).tolist() == shared.tolist()
    assert (varying, known) == ([], [])
    shared[0] = 9.0
    assert joined([])[0] == 0.0  # a copy
    joined, varying, _ = predictors_of((shared, each), (5,), 4)
    first, second = joined(["traced"])
    assert (first.tolist(), second) == (shared.tolist(), "traced")
    assert varying[0] is each
    thing = object()
    assert predictors_of(thing, (5,), 4)[0]([]) is thing


def test_gaps_in_shared_predictors_are_known():
    gap = np.array([0.0, np.nan, 2.0])
    assert predictors_of(gap, (5,), 3)[2][0] is not gap
    np.testing.assert_array_equal(predictors_of(gap, (5,), 3)[2], [gap])
    both = np.stack([gap, np.ones(3)])
    np.testing.assert_array_equal(predictors_of(both, (5,), 3)[2], both)
    # Beside predictors that differ, only the shared ones with gaps are listed.
    known = predictors_of((gap, np.ones(3), np.ones((5, 3))), (5,), 3)[2]
    np.testing.assert_array_equal(known, [gap])
    with pytest.raises(ValueError, match=r"xdata contains NaN, so its shape \(3,\) must end in 7"):
        predictors_of(gap, (5,), 7)


def test_names_and_starts_of_many():
    y = np.ones((5, 4))
    names, start = parameters_of(decay, None, (5,), y)
    assert (names, start.tolist()) == (["a", "b", "c"], [1.0, 1.0, 1.0])
    names, start = parameters_of(lambda x, *p: x * p[0], np.zeros((5, 2)), (5,), y)
    assert (names, start.shape) == (["p0", "p1"], (5, 2))
    seen = []

    def guess(data):
        seen.append(data.shape)
        return np.ones((len(data), 2))

    names, start = parameters_of(lambda x, *p: x * p[0], guess, (5,), y)
    assert names == ["p0", "p1"]
    assert start is guess
    assert seen == [(1, 4)]  # one fit tells how many there are


def test_starts_are_broadcast_over_the_leading_axes():
    assert starts_of([1, 2], (5, 6)).shape == (2,)
    assert starts_of(np.ones((6, 2)), (5, 6)).shape == (5, 6, 2)
    assert starts_of(np.ones((5, 1, 2)), (5, 6)).shape == (5, 6, 2)
    with pytest.raises(ValueError, match=r"p0 must have shape \(p,\) or \(5, 6, 'p'\), got"):
        starts_of(np.ones((5, 2)), (5, 6))


def test_errors_are_shared_as_weights_or_each_fits_own():
    assert errors_of(None, (5,), 4) == (None, None)
    assert errors_of([0.5], (5,), 4)[1].shape == ()
    assert errors_of(0.5, (5,), 4)[1] == 2.0
    assert errors_of([1, 2, 4, 8], (5,), 4)[1].tolist() == [1.0, 0.5, 0.25, 0.125]
    each, weights = errors_of(np.full((5, 1), 2.0), (5,), 4)
    assert (each.shape, weights) == ((5, 4), None)
    masked = np.ma.array(np.ones((5, 4)), mask=False)
    assert isinstance(errors_of(masked, (5,), 4)[0], np.ma.MaskedArray)


def test_fixed_values_are_numbers_or_rows():
    assert fixed_of(None, ["a"], (5,)) == {}
    fixed = fixed_of({"a": 2, "b": np.arange(5)}, ["a", "b"], (5,))
    assert fixed["a"] == 2.0
    assert fixed["b"].read(1, 3).tolist() == [1.0, 2.0]
    assert fixed_of({"a": [7.0]}, ["a"], ())["a"] == 7.0


def test_boxes_have_room():
    assert box_around((-np.inf, np.inf), ["a", "b"], BOTH) == []
    lower, upper = box_around((0, [1, 2]), ["a", "b"], BOTH)
    assert (lower.tolist(), upper.tolist()) == ([0, 0], [1, 2])
    with pytest.raises(ValueError, match=r"strictly less .*, got \(1.0, 1.0\) for b"):
        box_around(([0, 1], [1, 1]), ["a", "b"], BOTH)


def test_starts_of_fixed_parameters_may_lie_anywhere():
    box = [np.array([0.0, 0.0]), np.array([1.0, 1.0])]
    check_starts(np.array([9.0, 0.5]), box, [1], ["a", "b"])
    check_starts(np.array([np.nan, 0.5]), [], [1], ["a", "b"])
    with pytest.raises(ValueError, match=r"9.0 is outside .* for a of fit 0"):
        check_starts(np.array([9.0, 0.5]), box, [0, 1], ["a", "b"])
    with pytest.raises(ValueError, match="p0 must have 2 entries, got 3"):
        check_starts(np.ones(3), [], [0, 1], ["a", "b"])
    check_starts(lambda _: None, box, [0, 1], ["a", "b"])  # checked when it has returned


def test_starts_are_checked_in_pieces_and_counted_in_all():
    start = np.full((70_000, 1), 0.5)
    start[66_000] = 2.0
    with pytest.raises(ValueError, match=r"2.0 is outside .* for a of fit 66000"):
        check_starts(start, [np.zeros(1), np.ones(1)], [0], ["a"])
    start[66_000] = np.nan
    with pytest.raises(ValueError, match="p0 must be finite, got nan for a of fit 66000"):
        check_starts(start, [], [0], ["a"])


def test_the_first_row_that_is_not_finite_is_named():
    rows = np.ones((4, 3))
    check_finite(LeadingRows(rows, (4,)), "ydata", 4)
    rows[2, 1] = np.inf
    rows[2, 2] = -np.inf  # their sum is NaN
    with pytest.raises(ValueError, match="ydata of fit 2 holds inf at index 1"):
        check_finite(LeadingRows(rows, (4,)), "ydata", 4)


def test_outputs_are_made_where_none_are_given():
    popt = np.zeros((4, 2))
    arrays = outputs_of({"popt": popt, "perr": None}, (4,), 2)
    assert arrays["popt"] is popt
    assert "perr" not in arrays
    assert arrays["pcov"].shape == (4, 2, 2)
    assert arrays["success"].dtype == np.bool_
    popt.flags.writeable = False
    with pytest.raises(ValueError, match=r"out\['popt'\] must be a writeable array of float64"):
        outputs_of({"popt": popt}, (4,), 2)
    with pytest.raises(ValueError, match=r"shape \(4,\), got list"):
        outputs_of({"cost": [0.0] * 4}, (4,), 2)
