# SPDX-License-Identifier: BSD-3-Clause
"""Results of one descent: read by attribute and by key, copied, saved, shown."""

import copy
import dataclasses
import pickle

import numpy as np
import pytest

import thalweg as tw
from thalweg._results.reasons import (
    Reason,
)
from thalweg._results.result import LastPoint, Path, Result

KEYS = [
    "x", "fun", "jac", "nit", "nfev", "njev", "nhev", "success", "status", "message", "reason",
    "last", "active_mask", "path", "state", "elapsed", "epochs",
]  # fmt: skip


def make(**changes):
    x = np.array([0.5, 2.0])
    told = {
        "x": x, "fun": 1.25, "jac": np.array([1e-9, 0.0]), "nit": 3, "nfev": 4, "njev": 4,
        "nhev": 0,
        "success": True, "status": 0, "message": "gradient norm 1e-09 <= 1e-08 after 3 iterations",
        "reason": Reason.gradient_small, "last": LastPoint(x, 1.25, np.zeros(2)),
        "elapsed": 1.234e-5,
    } | changes  # fmt: skip
    return Result(**told)


def test_attributes_and_keys_agree():
    res = make()
    assert list(res) == list(res.keys()) == KEYS
    assert len(res) == len(KEYS)
    for key, value in res.items():
        assert res[key] is value
        assert getattr(res, key) is value
        assert key in res
    assert dict(res)["nit"] == 3
    assert res.get("nit") == 3
    assert res.get("hess") is None
    assert {**res}["fun"] == 1.25


@pytest.mark.parametrize("key", ["hess", "_objective", "plot", "keys", ""])
def test_other_keys_are_missing(key):
    res = make()
    assert key not in res
    with pytest.raises(KeyError):
        res[key]


def test_results_do_not_change():
    res = make()
    with pytest.raises(dataclasses.FrozenInstanceError):
        res.x = 1.0
    with pytest.raises(TypeError):
        res["x"] = 1.0


def test_comparison_is_identity_and_never_asks_arrays_for_truth():
    assert make() != make()
    res = make()
    assert res == res
    assert {res: 1}[res] == 1


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy])
def test_copies_keep_everything(again):
    objective = object()
    res = make(_objective=objective)
    new = again(res)
    np.testing.assert_array_equal(new.x, res.x)
    assert (new.x is res.x) == (again is copy.copy)
    assert new._objective is objective
    assert new.message == res.message


def test_pickles_keep_everything_but_the_function():
    path = Path(np.zeros((4, 2)), np.zeros(4), np.zeros(4))
    res = make(_objective=lambda x: x, path=path)
    new = pickle.loads(pickle.dumps(res))
    assert new._objective is None
    assert new.reason is Reason.gradient_small
    np.testing.assert_array_equal(new.last.x, res.last.x)
    assert new.path.x.shape == (4, 2)
    assert list(new) == KEYS


def test_it_reads_well():
    assert repr(make()) == (
        "message: gradient norm 1e-09 <= 1e-08 after 3 iterations\n"
        "success: True    reason: gradient_small    status: 0\n"
        "    fun: 1.25\n"
        "      x: [0.5, 2. ]\n"
        "    jac: [1.e-09, 0.e+00]\n"
        "    nit: 3    nfev: 4    njev: 4\n"
        "elapsed: 12.3 µs"
    )


def test_the_last_point_is_shown_where_it_is_not_the_best():
    last = LastPoint(np.array([-0.5, np.nan]), np.nan, np.zeros(2))
    text = repr(make(last=last))
    assert "last.x: [-0.5,  nan]" in text
    assert "last.fun: nan" in text
    assert "last" not in repr(make())
    assert "fun=nan" in repr(last)


def test_long_arrays_are_abbreviated():
    x = np.arange(1e6)
    text = repr(make(x=x, jac=x, last=LastPoint(x, 0.0, x), path=Path(x, x, x)))
    assert "..." in text
    assert len(text) < 700
    assert "1000000 points" in text


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (0.1 + 0.2, "x: 0.30000000000000004"),
        (np.array(1.5), "x: 1.5"),
        ((1.0, np.array([2.0])), "x: (1.0, [2.])"),
        ({"m": 0.5, "b": np.float64(2)}, "x: {m: 0.5, b: 2.0}"),
        (np.ones((2, 2)), "x: [[1., 1.],\n          [1., 1.]]"),
    ],
)
def test_every_structure_is_shown(x, said):
    assert said in repr(make(x=x, last=LastPoint(x, 1.25, x)))


def test_active_bounds_are_shown():
    assert "active_mask: [-1,  0]" in repr(make(active_mask=np.array([-1, 0], dtype=np.int8)))
    assert "active_mask" not in repr(make(active_mask=np.array([0, 0], dtype=np.int8)))


def test_notebooks_get_a_table_and_no_markup_from_messages():
    page = make(message="<script>alert(1)</script> & more")._repr_html_()
    assert page.startswith("<table>")
    assert page.endswith("</table>")
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in page


def test_a_real_descent_fills_it():
    res = tw.minimize(
        lambda x: np.exp(x) - np.log(x), 1.6, "gradient_descent",
        learning_rate=0.1, max_iter=25, record=True,
    )  # fmt: skip
    assert list(res) == KEYS
    assert res.path.x.shape == res.path.fun.shape == res.path.grad_norm.shape == (26,)
    assert "26 points" in repr(res)
    again = pickle.loads(pickle.dumps(res))
    assert again.x == res.x
