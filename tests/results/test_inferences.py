# SPDX-License-Identifier: BSD-3-Clause
"""What every result of a fit says, in the same words for one fit and for many."""

import numpy as np
import pytest
from fit_cases import P0, T, decay, decays

import thalweg as tw
from thalweg._results.inferences import Inferences


def test_one_fit_one_of_many_and_many_say_the_same():
    _, y = decays(3)
    fits = tw.curve_fit_many(decay, T, y, P0)
    fit = tw.curve_fit(decay, T, y[1], P0)
    for each in (fit, fits, fits[1]):
        assert isinstance(each, Inferences)
    for name in ("dof", "chi2", "reduced_chi2", "aic", "bic", "r2"):
        assert isinstance(getattr(fit, name), float | int | np.generic), name
        assert getattr(fits, name).shape == (3,), name
        assert getattr(fit, name) == pytest.approx(getattr(fits[1], name), rel=1e-12), name
    # One comes from QR of the Jacobian, the other from the normal matrix.
    np.testing.assert_allclose(fits.correlations[1], fit.correlations, rtol=1e-12)
    assert fits.params["b"].shape == (3,)
