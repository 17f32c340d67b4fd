# SPDX-License-Identifier: BSD-3-Clause
"""Covariances of shared and local parameters, against those of the dense problem."""

import numpy as np
import pytest
from together_cases import SHARED, START, T, decay, decays, dense_jacobian, dense_point

import thalweg as tw


def dense_covariance(fits, k):
    """The inverse of J'J by QR of the dense Jacobian at the fits' own parameters."""
    inverse = np.linalg.inv(np.linalg.qr(dense_jacobian(dense_point(fits))).R)
    return inverse @ inverse.T


def test_covariance_is_that_of_the_dense_problem():
    k = 20
    y = decays(k)
    fits = tw.curve_fit_many(decay, T, y, START, shared=SHARED)
    whole = dense_covariance(fits, k) * fits.joint.reduced_chi2
    assert fits.joint.dof == y.size - 2 - 2 * k
    assert fits.joint.reduced_chi2 == pytest.approx(2 * fits.cost.sum() / fits.joint.dof)
    for i in range(k):
        at = [2 + 2 * i, 3 + 2 * i, 0, 1]
        # Both are factored from the same Jacobian: only its condition of 1e3 separates them.
        assert fits.pcov[i] == pytest.approx(whole[np.ix_(at, at)], rel=1e-11)
    assert fits.joint.covariance == pytest.approx(whole[:2, :2], rel=1e-11)


def test_known_errors_scale_nothing():
    y, k = decays(10), 10
    fits = tw.curve_fit_many(decay, T, y, START, shared=SHARED, sigma=0.5, absolute_sigma=True)
    whole = 0.25 * dense_covariance(fits, k)
    assert fits.joint.covariance == pytest.approx(whole[:2, :2], rel=1e-11)


def test_parameters_at_bounds_are_left_out():
    y = decays(10)
    bounds = ([0, 0, 0.1, 0.1], [2.0, 9, 9, 3.3])
    fits = tw.curve_fit_many(decay, T, y, [1, 1, 0.5, 3], shared=SHARED, bounds=bounds)
    held = fits["a"] == 2.0
    assert 0 < held.sum() < 10
    assert np.isnan(fits.perr[held, 0]).all()
    assert np.isfinite(fits.perr[~held, 0]).all()
    assert np.isfinite(fits.perr[:, 1]).all()
    assert fits.joint.shared["t2"] == 3.3
    assert np.isnan(fits.joint.errors["t2"])
    assert fits.joint.dof == y.size - 1 - 20 + held.sum()


def test_shared_parameters_that_local_ones_absorb_are_named():
    fits = tw.curve_fit_many(
        lambda t, a, b, tau: a * b * np.exp(-t / tau), T, decays(5), shared=("b", "tau")
    )
    assert not fits.joint.determined
    assert fits.joint.message.endswith("; the data do not determine b")
    assert not fits.determined.any()
    assert "the data do not determine b" in fits[0].message
    assert np.isinf(fits.perr).all()


def test_undetermined_local_parameters_are_named_for_their_set_alone():
    y = 2.0 * np.exp(-T / 1.5) + 0.3 + 0.01 * np.random.default_rng(0).normal(size=(6, T.size))
    y[2] = 0.3  # no decay: its lifetime has no effect

    def model(t, a, tau, c):
        return a * np.exp(-t / tau) + c

    fits = tw.curve_fit_many(model, T, y, shared="c")
    assert fits.determined.tolist() == [True, True, False, True, True, True]
    assert "do not determine" in fits[2].message
    assert fits.perr[2, 1] > 1e7  # an exponential of any lifetime has no amplitude
    assert np.isfinite(fits.perr[:, 2]).all()


def test_without_degrees_of_freedom_errors_are_infinite():
    x = np.array([0.0, 1.0])
    fits = tw.curve_fit_many(lambda x, a, b: a + b * x, x, [[1.0, 2.0]], shared="b")
    assert fits.joint.dof == 0
    assert np.isinf(fits.perr).all()
    assert fits.popt[0] == pytest.approx([1.0, 1.0])
