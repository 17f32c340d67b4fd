# SPDX-License-Identifier: BSD-3-Clause
"""Many results in arrays: entries by name, one or several picked, sorted, copied, shown."""

import copy
import pickle

import numpy as np
import pytest

from thalweg._results.collection import Many, One
from thalweg._results.reasons import Reason


def test_sort_puts_nan_last_and_keeps_the_order_of_equals():
    values = np.array([2.0, np.nan, 1.0, 2.0])
    many = Many({"fun": values, "k": np.arange(4)}, (4,))
    assert many.sort().k.tolist() == [2, 0, 3, 1]
    assert many.sort(descending=True).k.tolist() == [0, 3, 2, 1]
    assert many.sort([3, 2, 1, 0]).k.tolist() == [3, 2, 1, 0]
    assert many.sort("k", descending=True).fun[0] == 2.0


def test_sorting_many_equals_keeps_their_order():
    fun = np.random.default_rng(0).integers(0, 3, 1000).astype(float)
    many = Many({"fun": fun, "k": np.arange(1000)}, (1000,)).sort()
    for value in range(3):
        assert np.all(np.diff(many.k[many.fun == value]) > 0)


def test_sorting_needs_one_number_an_ending():
    many = Many({"x": np.zeros((4, 2)), "fun": np.zeros(4)}, (4,))
    with pytest.raises(ValueError, match=r"by='x' must be one number for each descent, of shape"):
        many.sort("x")
    with pytest.raises(ValueError, match=r"got .* of shape \(3,\)"):
        many.sort([1, 2, 3])
    with pytest.raises(KeyError, match="no entry 'y'"):
        many.sort("y")


def test_lanes_may_have_several_axes():
    fun = np.arange(6.0).reshape(2, 3)
    many = Many({"fun": fun, "x": np.arange(12.0).reshape(2, 3, 2)}, (2, 3), {"elapsed": 1.0})
    assert len(many) == 2
    assert many.size == 6
    assert many[1, 2].fun == 5.0
    np.testing.assert_array_equal(many[1, 2].x, [10.0, 11.0])
    assert many[1].shape == (3,)
    np.testing.assert_array_equal(many[..., 0].fun, fun[..., 0])
    np.testing.assert_array_equal(many[fun > 3].fun, [4.0, 5.0])
    np.testing.assert_array_equal(many[:, 1:].x, many.x[:, 1:])
    assert many.sort(descending=True).fun.tolist() == [5.0, 4.0, 3.0, 2.0, 1.0, 0.0]


def test_lanes_may_have_no_axis_at_all():
    single = Many({"fun": np.array(2.0), "x": np.arange(3.0)}, ())
    assert single.size == 1
    assert single[()].fun == 2.0
    assert single[()].x.tolist() == [0.0, 1.0, 2.0]
    with pytest.raises(TypeError, match="a single result has no length"):
        len(single)


def test_arrays_that_do_not_fit_the_lanes_are_refused():
    with pytest.raises(ValueError, match=r"x.b must have the leading axes \(4,\), got"):
        Many({"x": {"a": np.zeros((4, 2)), "b": np.zeros(3)}}, (4,))


def many(**more):
    """Three results of two named entries and one that they share."""
    entries = {"x": {"W": np.arange(6.0).reshape(3, 2), "b": np.array([7.0, 8.0, 9.0])}}
    entries |= {"reason": np.array([0, 4, 4], np.int8), "nit": np.array([5, 10, 15])}
    return Many(entries, (3,), {"elapsed": 0.5}, {"left": np.arange(3.0)}, more)


def test_entries_come_by_name_and_by_part():
    m = many()
    assert m.keys() == ["x.W", "x.b", "reason", "nit", "elapsed"]
    assert [key for key, _ in m.items()] == m.keys()
    assert m["x.b"] is m["x"]["b"] is m.x["b"]
    assert m["elapsed"] == m.elapsed == m.values()[-1] == 0.5
    for key in ("x", "x.W", "elapsed"):
        assert key in m
    for key in ("W", "x.c", "left", 0, "message"):
        assert key not in m
    for key in ("x.c", "W", "left"):
        with pytest.raises(KeyError, match=f"no entry '{key}'; the entries are x.W, x.b, reason"):
            m[key]
    with pytest.raises(AttributeError, match="Many has no 'left'; it has x, reason, nit, elapsed"):
        m.left  # noqa: B018
    with pytest.raises(AttributeError, match=r"^Many has no '_left'$"):
        m._left  # noqa: B018
    assert {"x", "elapsed", "sort"} <= set(dir(m))


def test_one_of_many_has_pythons_own_numbers():
    one = many()[1]
    assert list(one) == ["x", "reason", "nit", "message"]
    assert (type(one.nit), one.nit) == (int, 10)
    assert (type(one.x["b"]), one.x["b"]) == (float, 8.0)
    np.testing.assert_array_equal(one.x["W"], [2.0, 3.0])
    assert one.reason is Reason.max_iterations
    assert one.message == one["message"] == "max_iterations"
    with pytest.raises(AttributeError, match="this result has no 'fun'; it has x, reason, nit"):
        one.fun  # noqa: B018
    with pytest.raises(KeyError, match="fun"):
        one["fun"]
    assert {"x", "nit", "message"} <= set(dir(one))


def test_a_message_is_made_once_and_when_it_is_read():
    made = []
    one = One({"fun": 1.0}, lambda: made.append(1) or "said")
    assert made == []
    assert (one.message, one.message, one["message"]) == ("said",) * 3
    assert made == [1]
    assert repr(one) == "message: said\n    fun: 1.0"
    again = pickle.loads(pickle.dumps(One({"fun": 1.0}, lambda: "late")))
    assert (again.message, again.fun) == ("late", 1.0)


def test_results_without_reasons_have_no_message():
    assert Many({"fun": np.zeros(2)}, (2,))[0].message == ""


def test_what_is_picked_takes_all_arrays_along():
    m = many()
    for key, rows in (
        (slice(None, None, -1), [2, 1, 0]),
        ([True, False, True], [0, 2]),
        ([1, 1], [1, 1]),
    ):
        picked = m[key]
        np.testing.assert_array_equal(picked.x["W"], m.x["W"][rows])
        np.testing.assert_array_equal(picked.nit, m.nit[rows])
        np.testing.assert_array_equal(picked._own["left"], m._own["left"][rows])
        assert (picked.shape, picked.elapsed) == ((len(rows),), 0.5)
    assert len(list(m)) == 3
    assert m[np.int64(-1)].nit == 15
    assert m[True].shape == (1, 3)  # a mask, as in NumPy


def test_other_leading_axes_are_views():
    m = Many({"fun": np.arange(6.0), "x": np.arange(12.0).reshape(6, 2)}, (6,))
    arrays, _ = m._in_shape((2, 3))
    assert arrays["fun"].shape == (2, 3)
    assert arrays["x"].shape == (2, 3, 2)
    assert np.shares_memory(arrays["x"], m.x)


def test_copies_share_and_pickles_leave_the_objective_out():
    m = many(objective=len, lane_args=(1,), max_nfev=9)
    assert copy.copy(m).nit is m.nit
    assert copy.copy(m)._about["objective"] is len
    again = pickle.loads(pickle.dumps(m))
    assert again._about == {"max_nfev": 9}
    np.testing.assert_array_equal(again._own["left"], m._own["left"])
    assert again.elapsed == 0.5


def test_rows_tell_how_many_and_how_long():
    assert repr(many()) == (
        "results: 3\n"
        " reason: max_iterations 2\n"
        "         gradient_small 1\n"
        "    nit: 5 to 15, median 10\n"
        "elapsed: 500 ms"
    )
    same = Many({"nit": np.array([1234, 1234])}, (2,))
    assert repr(same) == "results: 2\n    nit: 1,234"
    assert repr(Many({"nit": np.zeros(0, int)}, (0,))) == "results: 0"


def test_rows_of_a_frame_are_numbered_by_every_axis():
    pytest.importorskip("pandas", reason="an optional extra")
    reason = np.array([[0, 4], [7, 0]], np.int8)
    frame = Many(
        {"x": (np.zeros((2, 2, 2)), np.ones((2, 2))), "reason": reason}, (2, 2)
    ).to_dataframe()
    assert list(frame.columns) == ["x.0[0]", "x.0[1]", "x.1", "reason"]
    assert list(frame.index) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert frame["reason"].tolist() == [
        "gradient_small",
        "max_iterations",
        "diverged",
        "gradient_small",
    ]
    assert len(frame["reason"].cat.categories) == len(Reason)
