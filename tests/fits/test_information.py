# SPDX-License-Identifier: BSD-3-Clause
"""Warnings of fits, and SciPy's infodict."""

import sys
import warnings

import numpy as np
import pytest
from curve_cases import SCIPY, T, X, Y, decay, line, noisy
from scipy import linalg, optimize

import thalweg as tw
from thalweg._fits.information import information, pivots, warn

# ---- the dictionary ------------------------------------------------------------------------------


def test_full_output_has_what_scipy_documents():
    popt, pcov, info, message, ier = tw.curve_fit(decay, T, noisy(), full_output=True)
    theirs = optimize.curve_fit(decay, T, noisy(), full_output=True, **SCIPY)
    assert set(theirs[2]) <= set(info)
    np.testing.assert_allclose(info["fvec"], theirs[2]["fvec"], atol=1e-6)
    np.testing.assert_allclose(info["fvec"], decay(T, *popt) - noisy(), atol=1e-15)
    np.testing.assert_array_equal(info["ipvt"], theirs[2]["ipvt"])
    # R of J P = Q R: its signs are free.
    ours_r, their_r = (np.triu(i["fjac"].T[:3]) for i in (info, theirs[2]))
    np.testing.assert_allclose(np.abs(ours_r), np.abs(their_r), rtol=1e-5)
    assert isinstance(message, str)
    assert ier in (1, 2, 3, 4)
    assert (info["rank"], info["active_mask"].tolist()) == (3, [0, 0, 0])
    assert 1 < info["cond"] < 100
    np.testing.assert_array_equal(pcov, tw.curve_fit(decay, T, noisy())[1])


# ---- warnings ------------------------------------------------------------------------------------


def test_covariance_that_cannot_be_had_is_infinite_and_warned_of():
    for f, x, y in [
        (lambda x, a, b: a * x + 0 * b, X, Y),  # b does nothing
        (lambda x, a, b: (a + b) * x, X, Y),  # nor does a - b
        (line, X[:2], Y[:2]),  # nothing is left to estimate errors from
    ]:
        with pytest.warns(optimize.OptimizeWarning, match="could not be estimated") as caught:
            popt, pcov = tw.curve_fit(f, x, y)
        assert issubclass(caught[0].category, tw.OptimizeWarning)
        assert caught[0].filename == __file__
        assert (pcov == np.inf).all()
        assert np.isfinite(popt).all()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tw.curve_fit(line, X[:2], Y[:2], sigma=0.1, absolute_sigma=True)


def test_absolute_sigma_without_sigma_is_warned_of():
    with pytest.warns(tw.OptimizeWarning, match="absolute_sigma=True without sigma") as caught:
        tw.curve_fit(line, X, Y, absolute_sigma=True)
    assert caught[0].filename == __file__
    with pytest.warns(tw.OptimizeWarning, match="absolute_sigma=True without sigma") as caught:
        tw.model(line, X).fit(Y, absolute_sigma=True)
    assert caught[0].filename == __file__


# ---- numbers by hand -----------------------------------------------------------------------------

JACOBIAN = np.array([[3.0, 0.0], [4.0, 0.0], [0.0, 2.0]])  # columns of lengths 5 and 2


def test_information_of_orthogonal_columns():
    r = np.array([1.0, 2.0, 3.0])
    info = information(7, r, JACOBIAN, np.zeros(2, dtype=int))
    assert info["nfev"] == 7
    assert info["fvec"] is r
    assert info["rank"] == 2
    assert info["cond"] == pytest.approx(1.0)
    assert info["ipvt"].tolist() == [0, 1]
    np.testing.assert_allclose(np.abs(np.triu(info["fjac"].T[:2])), [[5, 0], [0, 2]], atol=1e-15)
    # Q' r: the columns of Q are (3, 4, 0) / 5 and (0, 0, 1), up to signs.
    np.testing.assert_allclose(np.abs(info["qtf"]), [11 / 5, 3.0])


def test_columns_are_taken_in_order_of_what_is_left_of_their_lengths():
    assert pivots(JACOBIAN[:, ::-1]).tolist() == [1, 0]
    # The second column is long, but nearly all of it lies along the first.
    columns = np.array([[10.0, 9.0, 0.0], [0.0, 0.5, 1.0], [0.0, 0.0, 1.0]])
    assert pivots(columns).tolist() == [0, 2, 1]
    assert pivots(np.zeros((3, 2))).tolist() == [0, 1]


@pytest.mark.parametrize("seed", range(5))
def test_pivots_are_those_of_scipys_qr(seed):
    jacobian = np.random.default_rng(seed).normal(size=(9, 5)) * [1, 10, 0.1, 3, 30]
    assert pivots(jacobian).tolist() == linalg.qr(jacobian, mode="r", pivoting=True)[1].tolist()


def test_rank_and_condition_do_not_depend_on_units():
    jacobian = np.random.default_rng(0).normal(size=(9, 3))
    plain = information(1, np.zeros(9), jacobian, np.zeros(3, dtype=int))
    scaled = information(1, np.zeros(9), jacobian * [1e-20, 1, 1e20], np.zeros(3, dtype=int))
    unit = jacobian / np.linalg.norm(jacobian, axis=0)
    assert plain["cond"] == pytest.approx(np.linalg.cond(unit))
    assert scaled["cond"] == pytest.approx(plain["cond"])
    assert scaled["rank"] == plain["rank"] == 3


def test_dependent_columns_have_no_condition_and_held_ones_do_not_count():
    twice = np.array([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]])
    info = information(1, np.zeros(3), twice, np.zeros(2, dtype=int))
    assert info["rank"] == 1
    assert info["cond"] > 1e14
    info = information(1, np.zeros(3), twice, np.array([0, 1]))
    assert (info["rank"], info["cond"]) == (1, pytest.approx(1.0))
    dead = information(1, np.zeros(3), np.zeros((3, 2)), np.zeros(2, dtype=int))
    assert (dead["rank"], dead["cond"]) == (0, np.inf)
    held = information(1, np.zeros(3), twice, np.array([1, -1]))
    assert (held["rank"], held["active_mask"].tolist()) == (0, [1, -1])


def test_warnings_are_of_scipys_class_only_where_scipy_is_there(monkeypatch):
    with pytest.warns(tw.OptimizeWarning, match="hear") as caught:
        warn("hear")
    assert issubclass(caught[0].category, optimize.OptimizeWarning)
    assert caught[0].filename == __file__
    monkeypatch.delitem(sys.modules, "scipy.optimize")
    with pytest.warns(tw.OptimizeWarning, match="hear") as caught:
        warn("hear")
    assert caught[0].category is tw.OptimizeWarning
