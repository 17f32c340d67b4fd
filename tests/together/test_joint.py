# SPDX-License-Identifier: BSD-3-Clause
"""What fits with shared parameters return: shown, selected and pickled."""

import pickle

import numpy as np
import pytest
from together_cases import SHARED, START, T, decay, decays

import thalweg as tw


@pytest.fixture(scope="module")
def fits():
    return tw.curve_fit_many(decay, T, decays(6), START, shared=SHARED)


def test_shared_columns_are_equal_in_every_row(fits):
    assert isinstance(fits, tw.SharedFits)
    assert (fits.popt[:, 2:] == list(fits.joint.shared.values())).all()
    assert (fits.perr[:, 2:] == list(fits.joint.errors.values())).all()
    assert fits.joint.cost == pytest.approx(fits.cost.sum(), rel=1e-14)


def test_shared_parameters_are_shown(fits):
    shown = repr(fits)
    assert f"t1 = {fits.joint.shared['t1']:.6g}" in shown
    assert fits.joint.message in shown
    assert fits.joint.message in repr(fits.joint)


def test_selections_keep_what_is_shared(fits):
    assert fits[2:4].joint is fits.joint
    assert fits[1].popt.tolist() == fits.popt[1].tolist()


def test_results_are_pickled(fits):
    again = pickle.loads(pickle.dumps(fits))
    assert type(again) is tw.SharedFits
    assert again.joint.shared == fits.joint.shared
    assert np.array_equal(again.popt, fits.popt)


def test_joint_entries_are_keys(fits):
    assert fits.joint["nit"] == fits.joint.nit
    assert "covariance" in fits.joint
