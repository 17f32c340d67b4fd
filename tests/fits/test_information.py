# SPDX-License-Identifier: BSD-3-Clause
"""Warnings of fits, and SciPy's infodict."""

import warnings

import numpy as np
import pytest
from curve_cases import SCIPY, T, X, Y, decay, line, noisy
from scipy import optimize

import thalweg as tw

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
