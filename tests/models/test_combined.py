# SPDX-License-Identifier: BSD-3-Clause
"""Sums, differences and products of ready models."""

import pickle

import numpy as np
import pytest
from ready_models import AFTER, LINE, SUMS, recovered

import thalweg as tw

M = tw.models


@pytest.mark.parametrize("name", SUMS)
@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_sums_are_recovered_from_their_own_starts(name, noise):
    hard = {"two peaks on a slope": 0.97 if noise else 0.99, "a peak on a decay": 0.96}
    assert recovered(SUMS[name], noise) >= hard.get(name, 0.99)


@pytest.mark.parametrize("name", SUMS)
def test_guess_of_a_sum_in_lanes_is_that_of_one_bit_for_bit(name):
    case = SUMS[name]
    y = case.values(case.parameters(3, 200))
    y += 0.02 * np.ptp(y, axis=1, keepdims=True) * np.random.default_rng(0).normal(size=y.shape)
    y[5, 7] = np.nan
    together = case.model.guess(case.x, y)
    for i in (0, 5, 6, 150, 199):
        np.testing.assert_array_equal(case.model.guess(case.x, y[i]), together[i])


def test_arithmetic_of_models_is_that_of_their_values():
    a, b = M.Gaussian("a_"), M.Line("b_")
    p, q = (2.0, 1.0, 0.5), (0.3, 1.0)
    f, g = a(LINE, *p), b(LINE, *q)
    for curve, want in (
        (a + b, f + g), (a - b, f - g), (a * b, f * g), (2.0 * a, 2.0 * f), (a / 4, f / 4),
        (1 - a, 1 - f), (-a, -f), (a + 1.5, f + 1.5), (np.float64(2) * a - 3, 2 * f - 3),
    ):  # fmt: skip
        given = (*p, *q) if len(curve.names) == 5 else p
        np.testing.assert_array_equal(curve(LINE, *given), want)


def test_repr_is_the_expression():
    curve = 2.0 * (M.Gaussian("a_") + M.Line()) - M.Step("atan", "s_") * M.Polynomial(2, "b_")
    want = "2.0 * (Gaussian('a_') + Line()) - Step('atan', 's_') * Polynomial(2, 'b_')"
    assert repr(curve) == want
    assert eval(want, vars(M)) == curve
    assert pickle.loads(pickle.dumps(curve)) == curve


def test_equal_names_are_an_error_that_says_what_to_do():
    with pytest.raises(ValueError, match=r"'amplitude': give one a prefix, such as Lorentzian\(p"):
        M.Gaussian() + M.Lorentzian()
    with pytest.raises(ValueError, match="'b_center': give one a prefix"):
        (M.Gaussian("a_") + M.Gaussian("b_")) * M.Function(peak, prefix="b_")


def test_what_is_no_number_cannot_be_added():
    for other in ("a", np.ones(3), None):
        with pytest.raises(TypeError):
            M.Line() + other
    with pytest.raises(TypeError):
        M.Line() / M.Constant()
    for number in (np.nan, np.inf):
        with pytest.raises(ValueError, match="finite numbers"):
            M.Line() + number
    with pytest.raises(ValueError, match="other than 0"):
        0 * M.Line()


def test_bounds_of_a_sum_are_those_of_its_terms():
    lower, upper = (M.PseudoVoigt() + M.Constant()).bounds
    np.testing.assert_array_equal(lower, [-np.inf, -np.inf, 0.0, 0.0, -np.inf])
    np.testing.assert_array_equal(upper, [np.inf, np.inf, np.inf, 1.0, np.inf])


@pytest.mark.parametrize(
    ("curve", "x", "p"),
    [
        (2.0 * M.Gaussian() - 3.0, LINE, [4.0, 2.0, 0.5]),
        (5.0 - M.Line() / 2, LINE, [4.0, 2.0]),
        (-(M.Gaussian() + 1.0), LINE, [4.0, 2.0, 0.5]),
        (M.Gaussian() - (M.Line("b_") - 2.0 * M.Lorentzian("c_")), LINE,
         [4.0, 2.0, 0.5, 0.2, 1.0, 3.0, 5.5, 0.3]),
    ],
)  # fmt: skip
def test_factors_and_constants_are_undone_in_starts(curve, x, p):
    y = curve(x, *p)
    np.testing.assert_allclose(curve.fit(x, y)[0], p, rtol=1e-7)


def test_products_start_from_pairs_of_candidates():
    curve = M.Sine("s_") * M.Exponential("e_")
    y = 3.0 * np.sin(4.0 * AFTER + 0.5) * np.exp(-AFTER / 4.0)
    popt = curve.fit_many(AFTER, y, fixed={"e_amplitude": 1.0}).popt
    np.testing.assert_allclose(popt, [3.0, 4.0, 0.5, 1.0, 4.0], rtol=1e-7)
    slanted = M.Gaussian("g_") * M.Line("l_")
    y = slanted(LINE, 1.0, 2.0, 0.8, 0.5, 2.0)
    popt = slanted.fit_many(LINE, y, fixed={"g_amplitude": 1.0}).popt
    np.testing.assert_allclose(popt, [1.0, 2.0, 0.8, 0.5, 2.0], rtol=1e-7)
    nested = M.Exponential("e_") * (M.Sine("s_") + 1.5)
    y = nested(AFTER, 3.0, 4.0, 1.0, 5.0, 0.3)
    near = dict(zip(nested.names, (2.0, 3.0, 1.0, 4.9, 0.5), strict=True))
    popt = nested.fit_many(AFTER, y, near, fixed={"s_amplitude": 1.0}).popt
    np.testing.assert_allclose(popt, [3.0, 4.0, 1.0, 5.0, 0.3], rtol=1e-7)


def peak(x, center):
    return np.exp(-((x - center) ** 2))


def bent(x, a, b):
    return a * np.tanh(b * x)


def test_functions_of_your_own_combine_with_models():
    def start(x, y):
        return np.stack([np.ptp(y, axis=1) / 2, 0.0 * y[:, 0] + 1.0], axis=1)

    for given in (start, [2.0, 1.0]):
        curve = M.Function(bent, given, {"b": (0.0, None)}, "f_") + M.Gaussian("g_")
        assert curve.names[:2] == ("f_a", "f_b")
        y = curve(LINE, 3.0, 1.5, 2.0, 4.0, 0.4)
        np.testing.assert_allclose(curve.fit(LINE, y)[0], [3.0, 1.5, 2.0, 4.0, 0.4], rtol=1e-7)
    alone = M.Function(bent, prefix="f_")
    assert repr(alone) == "Function(bent, prefix='f_')"
    assert pickle.loads(pickle.dumps(alone)) == alone
    np.testing.assert_array_equal(alone.guess(LINE, LINE), [1.0, 1.0])


def test_functions_without_named_parameters_are_refused():
    with pytest.raises(ValueError, match=r"must name its parameters: f\(x, a, b"):
        M.Function(lambda x, *p: x * p[0])
    with pytest.raises(TypeError, match="must be a function"):
        M.Function(3)
    with pytest.raises(ValueError, match="start must have 2 entries, got 1"):
        M.Function(bent, [1.0])
    with pytest.raises(ValueError, match="bounds names 'c', but the parameters are a, b"):
        M.Function(bent, bounds={"c": (0, 1)})
    wrong = M.Function(bent, lambda *_: np.ones(3))
    with pytest.raises(ValueError, match=r"start must return shape \(1, 2\) .* got \(3,\)"):
        wrong.guess(LINE, LINE)
