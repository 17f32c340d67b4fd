# SPDX-License-Identifier: BSD-3-Clause
"""Ready steps, saturating growth and isotherms."""

import numpy as np
import pytest
from ready_models import AFTER, CASES, DOSES, LINE, of, recovered
from scipy import special

import thalweg as tw

M = tw.models


@pytest.mark.parametrize("name", of("responses"))
@pytest.mark.parametrize("noise", [0.0, 0.01, 0.05])
def test_responses_are_recovered_from_their_own_starts(name, noise):
    assert recovered(CASES[name], noise) >= 0.99


def test_values_are_those_of_the_stated_formulas():
    same = np.testing.assert_allclose
    u = (LINE - 1.2) / 0.8
    same(M.Step()(LINE, 3.0, 1.2, 0.8), 1.5 * special.erfc(-u), rtol=1e-13)
    same(M.Step("atan")(LINE, 3.0, 1.2, 0.8), 3.0 * (0.5 + np.arctan(u) / np.pi), rtol=1e-13)
    same(M.Step("logistic")(LINE, 3.0, 1.2, 0.8), 3.0 / (1 + np.exp(-u)), rtol=1e-13)
    same(M.Logistic()(LINE, 3.0, 1.2, -2.0), 3.0 / (1 + np.exp(2.0 * (LINE - 1.2))), rtol=1e-13)
    same(M.MichaelisMenten()(AFTER, 3.0, 1.2), 3.0 * AFTER / (1.2 + AFTER), rtol=1e-15)
    hill = 3.0 * DOSES**2.5 / (1.2**2.5 + DOSES**2.5)
    same(M.Hill()(DOSES, 3.0, 1.2, 2.5), hill, rtol=1e-13)
    same(M.Langmuir()(AFTER, 3.0, 1.2), 3.0 * 1.2 * AFTER / (1 + 1.2 * AFTER), rtol=1e-14)
    x = np.linspace(0.0, 0.9, 10)
    same(M.BET()(x, 3.0, 80.0), 3.0 * 80 * x / ((1 - x) * (1 + 79 * x)), rtol=1e-14)


def test_slopes_of_hills_equation_at_0_are_finite():
    slopes = tw.jacobian(lambda p: M.Hill()(DOSES, *p))([3.0, 1.2, 2.5])
    np.testing.assert_array_equal(slopes[0], [0.0, 0.0, 0.0])
    assert np.isfinite(slopes).all()


def test_unknown_form_of_a_step_is_named():
    with pytest.raises(ValueError, match="'erf', 'atan' or 'logistic', got 'linear'"):
        M.Step("linear")
