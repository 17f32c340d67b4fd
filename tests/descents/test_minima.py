# SPDX-License-Identifier: BSD-3-Clause
"""Distinct minima: which starts lead to them, what did not, and how they are picked and saved."""

import pickle

import numpy as np
import pytest
from problems import camel, himmelblau, three_wells

import thalweg as tw
from thalweg._descents.minima import _lowest_in_cells, find_minima
from thalweg._descents.stationary import Box, Kind
from thalweg._results.reasons import Reason


def test_labels_say_where_each_start_went():
    found = tw.multistart(himmelblau, [(-5, 5)] * 2, n=300)
    for start, label in list(zip(found.starts, found.labels, strict=True))[::30]:
        end = tw.minimize(himmelblau, start, bounds=[(-5, 5)] * 2)
        np.testing.assert_allclose(end.x, found.x[label], atol=1e-6)
    np.testing.assert_allclose(found.ends.x, found.x[found.labels], atol=1e-6)


def test_what_did_not_end_at_a_minimum_has_no_label():
    found = tw.multistart(lambda x: np.exp(x) - np.log(x), (0.01, 3), 64, "gradient_descent",
                          learning_rate=0.4, max_iter=50)  # fmt: skip
    assert len(found) == 1
    away = found.labels < 0
    assert away.any()
    assert not away.all()
    wrong = {Reason.left_domain, Reason.max_iterations, Reason.diverged}
    assert set(found.ends.reason[away].tolist()) <= {int(r) for r in wrong}
    assert np.all(found.kinds[away] == Kind.unfinished)
    assert f"{int(away.sum())} starts: " in repr(found)


def test_descents_that_were_hardly_begun_are_at_no_minimum():
    found = tw.multistart(three_wells, [(0, 5), (0, 5)], 500, "gradient_descent",
                          learning_rate=1e-6, max_iter=3)  # fmt: skip
    # Only those that started within tol of one.
    for start, label in zip(found.starts, found.labels, strict=True):
        if label >= 0:
            assert np.abs(start - found.x[label]).max() <= 2 * 1e-3 * 5
    assert (found.labels < 0).sum() >= 490
    with pytest.raises(ValueError, match="no start ended at a minimum: 500 starts: max_iter"):
        found[:0].best if len(found) else found.best


def test_success_by_a_loose_test_is_no_minimum():
    found = tw.multistart(himmelblau, [(-5, 5)] * 2, 100, "gradient_descent",
                          learning_rate=1e-4, xtol=0.1)  # fmt: skip
    assert found.ends.success.all()  # the first step was small
    for x, label in zip(found.ends.x, found.labels, strict=True):
        near = np.abs(found.x - x).max(axis=1) <= 2 * 1e-3 * 10 if len(found) else np.zeros(0)
        assert near[label] if label >= 0 else not near.any()
    assert (found.labels < 0).sum() > 90


def test_minima_are_picked_sorted_and_saved_with_their_labels(tmp_path):
    found = tw.multistart(camel, [(-3, 3), (-2, 2)], n=500)
    first = found[:2]
    assert np.array_equal(first.labels, np.where(found.labels < 2, found.labels, -1))
    assert "minimum left out here" in repr(first)
    turned = found.sort("counts", descending=True)
    assert np.array_equal(turned.x[turned.labels], found.x[found.labels])
    again = pickle.loads(pickle.dumps(found))
    assert np.array_equal(again.x, found.x)
    assert again.ends.tally == found.ends.tally
    assert repr(again) == repr(found)
    np.savez(tmp_path / "minima.npz", **found)
    with np.load(tmp_path / "minima.npz") as saved:
        assert {"x", "fun", "counts", "labels", "eigenvalues"} <= set(saved.files)
    assert found[1].message == f"a minimum: {found.counts[1]} of 500 starts ended here"
    assert found.best.fun == found.fun.min()


def test_a_function_that_is_never_finite_has_no_minima():
    found = tw.multistart(lambda x: np.log(-1 - x**2), (0, 1), n=16)
    assert len(found) == 0
    assert np.all(found.labels == -1)
    assert "minima: 0, from 16 starts" in repr(found)
    assert "left_domain 16" in repr(found)


# ---- cells, labels and counts --------------------------------------------------------------------


def outcome(x, reason):
    """What many descents hand over: where they ended and why."""
    x = np.asarray(x, dtype=float)
    return {"x": x, "reason": np.full(len(x), reason, np.int8)}


def found_at(function, x, box, tol=1e-3, reason=Reason.gradient_small):
    F = tw.objective(function, np.zeros(2))
    ends = outcome(x, reason)
    return find_minima(F, box, ends | {"fun": F(ends["x"])}, tol)


SQUARE = Box(np.array([-5.0, -5.0]), np.array([5.0, 5.0]), True)


def test_the_lowest_point_of_a_cell_stands_for_it():
    x = np.array([[0.1, 0.1], [3.2, 0.1], [0.3, 0.2], [0.2, 0.3]])
    chosen, number = _lowest_in_cells(x, np.array([3.0, 9.0, 1.0, 1.0]), SQUARE, 0.1)
    assert sorted(chosen.tolist()) == [1, 2]  # of equals the first
    assert chosen[number].tolist() == [2, 1, 2, 2]


def test_ends_near_one_another_are_one_minimum_polished():
    ends = [[3.0, 2.001], [2.999, 2.0], [3.0, 1.9995]]
    minima, others, labels, kinds = found_at(lambda x: himmelblau(x[0], x[1]), ends, SQUARE)
    np.testing.assert_allclose(minima["x"], [[3.0, 2.0]], atol=1e-12)
    assert minima["fun"][0] <= 1e-25
    assert minima["counts"].tolist() == [3]
    assert labels.tolist() == [0, 0, 0]
    assert kinds.tolist() == [Kind.minimum] * 3
    assert len(others["fun"]) == 0
    # The Hessian of Himmelblau's function at (3, 2) is [[74, 20], [20, 34]].
    np.testing.assert_allclose(
        minima["eigenvalues"], [[54 - np.sqrt(800), 54 + np.sqrt(800)]], rtol=1e-12
    )


def test_minima_come_best_first_and_saddles_apart():
    # (x**2 - 1)**2 + 0.1 x + y**2: the left well is the lower one; near 0 there is a saddle.
    def f(x):
        return (x[0] ** 2 - 1) ** 2 + 0.1 * x[0] + x[1] ** 2

    right, middle, left = sorted(np.roots([4.0, 0.0, -4.0, 0.1]).real, reverse=True)
    ends = [[right, 0.0], [left, 0.0], [middle, 0.0], [left, 0.0]]
    minima, others, labels, kinds = found_at(f, ends, SQUARE)
    np.testing.assert_allclose(minima["x"][:, 0], [left, right], atol=1e-12)
    assert minima["counts"].tolist() == [2, 1]
    assert labels.tolist() == [1, 0, -1, 0]
    assert kinds.tolist() == [Kind.minimum, Kind.minimum, Kind.saddle, Kind.minimum]
    assert others["kind"].tolist() == [Kind.saddle]
    assert others["counts"].tolist() == [1]


@pytest.mark.parametrize("reason", [Reason.diverged, Reason.left_domain, Reason.non_finite])
def test_descents_that_went_astray_are_at_no_minimum_wherever_they_stand(reason):
    minima, _, labels, kinds = found_at(lambda x: np.sum(x**2), [[0.0, 0.0]], SQUARE, reason=reason)
    assert len(minima["fun"]) == 0
    assert labels.tolist() == [-1]
    assert kinds.tolist() == [Kind.unfinished]


def test_elsewhere_counts_every_start_that_reached_no_minimum():
    found = tw.multistart(lambda x: np.exp(x) - np.log(x), (0.01, 3), 64, "gradient_descent",
                          learning_rate=0.4, max_iter=50)  # fmt: skip
    assert sum(found.elsewhere.values()) + found.counts.sum() == 64
    none = found[:0]
    assert none.elsewhere["minimum left out here"] == found.counts.sum()
    with pytest.raises(ValueError, match="no start ended at a minimum: 64 starts: "):
        none.best  # noqa: B018


def test_a_long_list_is_shown_in_part():
    found = tw.multistart(lambda x: np.cos(20 * x) + 0.01 * x, (-3, 3), 300)
    assert len(found) > 8
    assert f"{len(found) - 8} more" in repr(found)
    assert "minimum" in found[0].message
