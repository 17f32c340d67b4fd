# SPDX-License-Identifier: BSD-3-Clause
"""The result of many fits: indexed, sliced, sorted, saved, shown as a table."""

import pickle

import numpy as np
import pytest
from fit_cases import P0, T, decay, decays, same_bits

import thalweg as tw
from thalweg._fits.fits import Fits
from thalweg._results.reasons import Reason


def test_fits_are_sorted_by_a_parameter():
    _, y = decays(5)
    by_name = tw.curve_fit_many(decay, T, y, P0).sort("b", descending=True)
    assert np.all(np.diff(by_name["b"]) < 0)


def test_fits_index_slice_save_and_print(tmp_path):
    _, y = decays(12)
    y[4, 2] = np.nan
    fits = tw.curve_fit_many(decay, T, y.reshape(3, 4, 20), P0)
    assert fits.names == ["a", "b", "c"]
    assert fits["b"].shape == (3, 4)
    one = fits[1, 2]
    np.testing.assert_array_equal(one.popt, fits.popt[1, 2])
    assert "largest cosine" in one.message
    assert "nan" not in one.message
    assert fits[1:].popt.shape == (2, 4, 3)
    assert fits[fits.success].popt.shape == (12, 3)
    np.savez(tmp_path / "f.npz", **fits)
    with np.load(tmp_path / "f.npz") as saved:
        np.testing.assert_array_equal(saved["pcov"], fits.pcov)
        assert saved["names"].tolist() == ["a", "b", "c"]
    again = pickle.loads(pickle.dumps(fits))
    same_bits(again, fits)
    best = fits[0].sort()
    assert (np.diff(best.cost) >= 0).all()
    table = fits.to_dataframe()
    assert table["b"].tolist() == fits["b"].ravel().tolist()
    assert {"a", "perr[c]", "pcov[a, b]", "cost", "reason"} <= set(table.columns)
    text = repr(fits)
    for word in ("fits: 3 x 4", "a = ", "±", "missing: 1 values in 1 fits", "reason", "nfev"):
        assert word in text, text
    with pytest.raises(ValueError, match="two leading axes"):
        fits[0].plot()
    axes = fits.plot()
    assert axes.shape == (2, 3)
    assert [ax.get_title() for ax in axes[0]] == ["a", "b", "c"]


# ---- made by hand --------------------------------------------------------------------------------


def two_fits(**changes):
    """Two fits of a and b, of which the second did not converge."""
    arrays = {
        "popt": np.array([[1.0, 2.0], [3.0, 5.0]]), "perr": np.array([[0.1, 0.2], [0.3, np.inf]]),
        "cost": np.array([0.5, 0.25]), "success": np.array([True, False]),
        "reason": np.array([Reason.gradient_small, Reason.max_evaluations], dtype=np.int8),
        "nit": np.array([3, 8]), "nfev": np.array([4, 9]), "n_missing": np.array([0, 2]),
        "determined": np.array([True, False]), "worse": np.array([False, True]),
    }  # fmt: skip
    own = {"left": np.array([1e-12, 9.0]), "right": np.array([1e-10, 9.0]),
           "open": np.array([0.0, 2.0])}  # fmt: skip
    shared = {"names": ["a", "b"], "elapsed": 0.5}
    about = {"max_nfev": 9, "free": [0, 1]}
    return Fits(arrays | changes.pop("arrays", {}), (2,), shared, own, about | changes)


def test_parameters_are_read_by_name():
    fits = two_fits()
    assert fits["a"].tolist() == [1.0, 3.0]
    assert fits["b"].tolist() == [2.0, 5.0]
    assert fits["cost"].tolist() == [0.5, 0.25]
    with pytest.raises(KeyError, match="no entry 'c'"):
        fits["c"]
    named = Fits({"popt": np.ones((2, 1)), "cost": np.array([7.0, 8.0])}, (2,), {"names": ["cost"]})
    assert named["cost"].tolist() == [7.0, 8.0]  # an entry stands before a parameter of its name


def test_sorting_goes_by_cost_or_by_a_parameter():
    assert two_fits().sort().cost.tolist() == [0.25, 0.5]
    assert two_fits().sort("b", descending=True)["b"].tolist() == [5.0, 2.0]


def test_messages_say_how_a_fit_ended_and_what_is_wrong_with_it():
    good, bad = two_fits()
    assert good.message == (
        "`gtol` termination condition is satisfied: largest cosine between the residuals and a "
        "column of the Jacobian 1e-12 <= 1e-10 after 4 evaluations"
    )
    assert bad.message == (
        "The maximum number of function evaluations is exceeded: 9 evaluations, max_nfev = 9; not "
        "converged; the data do not determine b; a constant would fit better"
    )


def test_bits_of_undetermined_parameters_count_the_free_ones():
    # With a fixed, the second free parameter would be c.
    fits = two_fits(free=[1, 2])
    fits._shared["names"] = ["a", "b", "c"]
    assert "do not determine c" in fits[1].message


@pytest.mark.parametrize(
    ("reason", "left", "said"),
    [
        (Reason.non_finite, 3.0, "the model or its derivatives, at a point beyond popt"),
        (Reason.non_finite, np.nan, "the data are infinite, or there are fewer data than "),
        (Reason.left_domain, 3.0, "counts must be >= 0, and the model must be > 0 at the start"),
    ],
)  # fmt: skip
def test_what_was_not_finite_is_explained(reason, left, said):
    fits = two_fits(arrays={"reason": np.array([0, reason], dtype=np.int8)})
    fits._own["left"][1] = left
    assert said in fits[1].message


def test_the_table_sums_up():
    lines = [line.strip() for line in repr(two_fits()).splitlines()]
    assert lines[:7] == [
        "fits: 2",
        "median: a = 2 ± 0.2",
        "b = 3.5 ± 0.2",  # the error that is infinite has no part
        "missing: 2 values in 1 fits",
        "determined: not by the data in 1 fits",
        "worse: than a constant in 1 fits",
        "perr: infinite in 1 fits: not determined by the data",
    ]
    bare = two_fits()
    for name in ("perr", "n_missing", "determined", "worse"):
        del bare._arrays[name]
    text = repr(bare)
    assert "b = 3.5\n" in text
    assert not any(word in text for word in ("±", "missing", "determined", "worse"))


def test_fits_that_all_failed_have_no_median():
    none = two_fits(arrays={"popt": np.full((2, 2), np.nan)})
    assert "a = nan" in repr(none)


def test_columns_of_a_table_have_the_names_of_parameters():
    pytest.importorskip("pandas")
    arrays = {"pcov": np.arange(8.0).reshape(2, 2, 2)}
    table = two_fits(arrays=arrays).to_dataframe()
    assert {"a", "b", "perr[a]", "pcov[a, b]", "pcov[b, b]"} <= set(table.columns)
    assert table["pcov[a, b]"].tolist() == [1.0, 5.0]
    assert len(table) == 2


def test_maps_need_two_leading_axes():
    with pytest.raises(ValueError, match=r"two leading axes, got 1: \(2,\)"):
        two_fits().plot()


def test_the_heading_shows_the_leading_axes():
    many = Fits({"cost": np.zeros((1200, 3))}, (1200, 3), {"names": []})
    assert many._heading() == ("fits", "1,200 x 3")
