# SPDX-License-Identifier: BSD-3-Clause
"""Many endings kept together: picked, sorted, saved, shown."""

import copy
import pickle
import sys

import numpy as np
import pytest

import thalweg as tw
from thalweg import _core
from thalweg._methods.method import make
from thalweg._results.reasons import STATUS_MANY, SUCCESS, Reason
from thalweg._results.results import Many, One, Results

NAMES = ["x", "fun", "jac", "success", "status", "reason", "nit", "nfev", "nhev", "elapsed"]


def omega(x):
    return np.exp(x) - np.log(x)


def told(fun=omega, x0=1.6, rates=(0.1, 0.5, 0.3, 0.2), **more):
    """Endings of gradient descents with these rates, named as the core numbers them."""
    f = tw.objective(fun, x0)
    method = make("gradient_descent", {"learning_rate": 0.1})
    stepper = f.stepper(method, False, True, False, True)
    rows = np.repeat(f.start[None, :], len(rates), axis=0)
    out = stepper.run(
        _core.Starts(rows), [np.array(rates)], [], _core.Stopping(gtol=1e-8, max_iter=25)
    )  # fmt: skip
    out["jac"] = f.rows_value_and_grad(out["x"])[1]
    return Results.of_outcome(out, f, max_nfev=2**62, elapsed=1e-3, **more)


@pytest.fixture
def four():
    """Converged alone is the last; the second leaves the domain."""
    results = told()
    results.reason[1] = Reason.left_domain
    return results


def test_entries_are_attributes_and_keys(four):
    assert four.keys() == NAMES
    for name, value in four.items():
        assert four[name] is value
        assert getattr(four, name) is value
    assert "fun" in four
    assert "message" not in four
    assert 0 not in four
    assert set(NAMES) <= set(dir(four))


def test_success_and_status_belong_to_the_reason(four):
    fresh = told()
    assert fresh.success.tolist() == [SUCCESS[r] for r in fresh.reason]
    assert fresh.status.tolist() == [STATUS_MANY[r] for r in fresh.reason]
    assert fresh.success.dtype == bool
    assert fresh.status.dtype == fresh.reason.dtype == np.int8


def test_an_unknown_name_is_told_with_those_there_are(four):
    with pytest.raises(KeyError, match="no entry 'value'; the entries are x, fun, jac"):
        four["value"]
    with pytest.raises(AttributeError, match="Results has no 'value'; it has x, fun, jac"):
        four.value  # noqa: B018
    with pytest.raises(AttributeError):
        four.fun = 3.0
    with pytest.raises(KeyError, match="one name at a time"):
        four["x", "fun"]


def test_an_index_gives_one_ending(four):
    one = four[0]
    assert isinstance(one, One)
    assert [*one] == [*NAMES[:-1], "message"]
    assert one.x == one["x"] == four.x[0]
    assert type(one.x) is float
    assert type(one.nit) is int
    assert type(one.success) is bool
    assert one.reason is Reason.max_iterations
    assert four[-1].reason is Reason.gradient_small
    assert four[np.int64(3)].fun == four.fun[3]
    assert [e.nit for e in four] == four.nit.tolist()


def test_sentences_carry_both_sides_as_those_of_minimize_do(four):
    for i, rate in enumerate((0.1, 0.5, 0.3, 0.2)):
        alone = tw.minimize(omega, 1.6, "gradient_descent", learning_rate=rate, max_iter=25)
        assert four[i].message == alone.message
        assert four[i].fun == alone.fun


def test_a_sentence_has_the_gradient_on_the_left_and_gtol_on_the_right(four):
    slope = abs(four.jac[3]) if np.isfinite(four.jac[3]) else abs(
        tw.objective(omega, 1.6).grad(four.x[3])
    )  # fmt: skip
    assert four[3].message.startswith(f"gradient norm {slope:.3g} <= 1e-08 after ")


def test_the_sentence_follows_its_ending_through_sorting_and_slicing(four):
    blamed = "left the domain: log(-0.564016) = nan in the value after 1 iteration"
    assert four[1].message == blamed
    turned = four[::-1]
    assert turned[2].message == blamed
    assert four.sort("nit")[0].message == blamed


def test_the_sentence_of_a_lane_uses_its_own_args():
    def shifted(x, a):
        return np.log(x - a)

    f = tw.objective(shifted, 1.0, args=(0.0,))
    bad = np.array([[0.5], [0.75]])
    nan = np.full(2, np.nan)
    out = {
        "x": bad, "jac": bad, "fun": nan, "reason": np.full(2, 8, np.int8), "left": nan,
        "right": nan, "nit": np.ones(2, int), "nfev": np.ones(2, int), "nhev": np.zeros(2, int),
        "last_x": bad, "last_fun": nan,
    }  # fmt: skip
    rows = np.array([1.5, 3.75])
    results = Results.of_outcome(out, f, max_nfev=9, elapsed=0.0, lane_args=[rows])
    assert "log(-1) = nan" in results[0].message
    assert "log(-3) = nan" in results[1].message
    assert "log(-3) = nan" in results[1:][0].message


def test_an_index_outside_is_told_with_the_number_of_endings(four):
    for i in (4, -5):
        with pytest.raises(IndexError, match=f"there are 4 results, got index {i}"):
            four[i]
    with pytest.raises(IndexError):
        four[np.array([True, False])]


def test_slices_masks_and_index_arrays_give_others_of_the_kind(four):
    for key in (slice(1, 3), four.success, np.array([3, 0, 0]), [2], slice(0, 0)):
        picked = four[key]
        assert type(picked) is Results
        assert len(picked) == len(four.fun[key])
        for name in NAMES[:-1]:
            np.testing.assert_array_equal(picked[name], four[name][key])
        assert picked.elapsed == four.elapsed


def test_points_keep_the_structure_of_x0():
    def f(W, b):
        return np.sum((W - b) ** 2)

    named = told(f, {"W": np.ones((2, 3)), "b": 0.0})
    assert named.x["W"].shape == (4, 2, 3)
    assert named.x["b"].shape == (4,)
    assert named.keys()[:3] == ["x.W", "x.b", "fun"]
    assert named["x.W"] is named.x["W"]
    assert named["x"] is named.x
    one = named[2]
    assert one.x["W"].shape == (2, 3)
    assert type(one.x["b"]) is float
    assert named[1:].x["b"].shape == (3,)
    placed = told(f, (np.ones((2, 3)), 0.0))
    assert placed.keys()[:3] == ["x.0", "x.1", "fun"]
    np.testing.assert_array_equal(placed["x.0"], named["x.W"])


def test_the_best_is_the_lowest_of_those_that_converged(four):
    assert four.best.nit == four.nit[3]
    assert four[:3].best.fun == np.nanmin(four.fun[:3])
    with pytest.raises(ValueError, match="there is no best result"):
        four[:0].best  # noqa: B018


def test_tally_counts_the_reasons(four):
    assert four.tally == {
        Reason.max_iterations: 2,
        Reason.gradient_small: 1,
        Reason.left_domain: 1,
    }


def test_savez_saves_the_arrays(four, tmp_path):
    np.savez(tmp_path / "four.npz", **four)
    with np.load(tmp_path / "four.npz") as saved:
        assert saved.files == NAMES
        for name in NAMES:
            np.testing.assert_array_equal(saved[name], four[name])


def test_pickles_keep_everything_but_the_function(four):
    again = pickle.loads(pickle.dumps(four))
    assert type(again) is Results
    for name in NAMES:
        np.testing.assert_array_equal(again[name], four[name])
    assert again[3].message == four[3].message
    assert again[1].message == "left the domain after 1 iteration"  # whose operation is not known
    one = pickle.loads(pickle.dumps(four[1]))
    assert one.message == four[1].message
    assert one.reason is Reason.left_domain


def test_copies_keep_the_function_too(four):
    assert copy.copy(four)[1].message == four[1].message
    deep = copy.deepcopy(four)
    deep.fun[0] = 7.0
    assert four.fun[0] != 7.0
    assert deep[3].message == four[3].message


def test_prints_how_many_ended_why(four):
    shown = repr(four)
    assert "descents: 4, of which 1 converged" in shown
    assert "max_iterations 2" in shown
    assert "left_domain    1" in shown
    assert f"fun {four[3].fun!r}, index 3" in shown
    assert "<table>" in four._repr_html_()
    assert "max_iterations" in four._repr_html_()
    assert repr(four[:0]).startswith("descents: 0, of which 0 converged")
    assert "left the domain: log(-0.564016)" in repr(four[1])


def test_a_million_endings_print_in_a_moment():
    k = 1_000_000
    reason = np.zeros(k, np.int8)
    many = Results({"x": np.zeros((k, 2)), "fun": np.zeros(k), "reason": reason,
                    "nit": np.arange(k)}, (k,))  # fmt: skip
    assert "1,000,000, of which 1,000,000 converged" in repr(many)
    assert "0 to 999,999, median 500,000" in repr(many)


def test_dataframe_has_a_row_an_ending_and_reasons_by_name(four):
    pytest.importorskip("pandas", reason="an optional extra")
    frame = four.to_dataframe()
    assert list(frame.columns) == NAMES[:-1]
    assert frame["reason"].tolist() == [str(Reason(int(r))) for r in four.reason]
    assert frame["fun"].to_numpy().tolist() == four.fun.tolist()

    def f(W, b):
        return np.sum((W - b) ** 2)

    columns = list(told(f, {"W": np.ones((1, 2)), "b": 0.0}).to_dataframe().columns)
    assert columns[:4] == ["x.W[0, 0]", "x.W[0, 1]", "x.b", "fun"]
    grid = Many({"fun": np.arange(6.0).reshape(2, 3)}, (2, 3)).to_dataframe()
    assert grid["fun"].loc[1, 2] == 5.0


def test_pandas_is_asked_for_by_name(four, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r'to_dataframe needs pandas: pip install "thalweg\['):
        four.to_dataframe()
