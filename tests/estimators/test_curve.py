# SPDX-License-Identifier: BSD-3-Clause
"""CurveRegressor follows scikit-learn's conventions and gives curve_fit's parameters."""

import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="estimators need scikit-learn")
from sklearn.utils.estimator_checks import parametrize_with_checks

import thalweg as tw
from thalweg.estimators import CurveRegressor


def line(x, a, b):
    return a + b * np.atleast_2d(x)[0]


def decay(t, a, tau):
    return a * np.exp(-t / tau)


t = np.linspace(0.0, 5.0, 40)
y = decay(t, 3.0, 2.0) + 0.01 * np.cos(7 * t)


def name_of(given):
    """The name of a check; scikit-learn's own names hold the address of `line`."""
    return getattr(getattr(given, "func", given), "__name__", type(given).__name__)


CHECKS = parametrize_with_checks([CurveRegressor(line)]).args[1]


@pytest.mark.filterwarnings("ignore")  # the checks make warnings on purpose
@pytest.mark.parametrize(("estimator", "check"), CHECKS, ids=name_of)
def test_every_check_of_scikit_learn_passes(estimator, check):
    check(estimator)


def test_parameters_and_errors_are_those_of_curve_fit():
    ours = CurveRegressor(decay, p0=[1.0, 1.0], bounds=(0, 10)).fit(t[:, None], y)
    popt, pcov = tw.curve_fit(decay, t, y, [1.0, 1.0], bounds=(0, 10))
    np.testing.assert_array_equal(ours.params_, popt)
    np.testing.assert_array_equal(ours.perr_, np.sqrt(np.diag(pcov)))
    copy = pickle.loads(pickle.dumps(ours))
    np.testing.assert_array_equal(copy.predict(t[:, None]), decay(t, *popt))


def test_a_weight_of_zero_leaves_a_row_out():
    wild = y.copy()
    wild[3] = 100.0
    weights = np.ones(40)
    weights[3] = 0.0
    ours = CurveRegressor(decay, p0=[1.0, 1.0]).fit(t[:, None], wild, weights)
    left = CurveRegressor(decay, p0=[1.0, 1.0]).fit(np.delete(t, 3)[:, None], np.delete(wild, 3))
    # Whether sigma is ones or not given changes no more than rounding.
    np.testing.assert_allclose(ours.params_, left.params_, rtol=1e-9)
