# SPDX-License-Identifier: BSD-3-Clause
"""What all ready models share: names, bounds, starts and fits."""

import copy
import inspect
import pickle
from typing import ClassVar

import numpy as np
import pytest
from ready_models import CASES, LINE

import thalweg as tw

M = tw.models


def test_signature_has_the_names_of_the_parameters():
    peak = M.Gaussian("a_")
    assert peak.names == ("a_amplitude", "a_center", "a_sigma")
    assert list(inspect.signature(peak).parameters) == ["x", *peak.names]
    assert list(inspect.signature(M.Gaussian).parameters) == ["prefix"]


def test_curve_is_a_function_for_every_kind_of_fit():
    peak = M.Gaussian()
    y = peak(LINE, 3.0, 2.0, 0.7)
    want = [3.0, 2.0, 0.7]
    start = [1.0, 1.5, 1.0]
    # 1e-8: stopping tests of 1e-10 leave no more of data without noise
    np.testing.assert_allclose(tw.curve_fit(peak, LINE, y, start)[0], want, rtol=1e-8)
    fits = tw.curve_fit_many(peak, LINE, [y, 2 * y], start)
    assert fits.names == ["amplitude", "center", "sigma"]
    np.testing.assert_allclose(fits.popt, [want, [6.0, 2.0, 0.7]], rtol=1e-8)
    model = tw.model(peak, LINE, start)
    assert model.names == ["amplitude", "center", "sigma"]
    assert "Gaussian()" in repr(model)


@pytest.mark.parametrize("name", CASES)
def test_curve_is_pickled_compared_and_unchangeable(name):
    curve = CASES[name].model
    for other in (pickle.loads(pickle.dumps(curve)), copy.copy(curve), copy.deepcopy(curve)):
        assert other == curve
        assert hash(other) == hash(curve)
        assert repr(other) == repr(curve)
    with pytest.raises(AttributeError, match="does not change"):
        curve.prefix = "b_"
    assert curve != (M.Line("z_") if name != "Line" else M.Constant())


@pytest.mark.parametrize("name", CASES)
def test_guess_in_lanes_is_that_of_one_bit_for_bit(name):
    case = CASES[name]
    y = case.values(case.parameters(3, 300))
    y += 0.02 * np.ptp(y, axis=1, keepdims=True) * np.random.default_rng(0).normal(size=y.shape)
    y[5, 7] = np.nan
    y[11, -4:] = np.inf
    together = case.model.guess(case.x, y)
    assert np.isfinite(together).all()
    for i in (0, 5, 6, 11, 150, 299):
        np.testing.assert_array_equal(case.model.guess(case.x, y[i]), together[i])
    np.testing.assert_array_equal(
        case.model.guess(case.x, y.reshape(3, 100, -1)), together.reshape(3, 100, -1)
    )


@pytest.mark.parametrize("name", CASES)
def test_guess_lies_within_the_bounds(name):
    case = CASES[name]
    lower, upper = case.model.bounds
    noise = np.random.default_rng(0).normal(size=(200, np.shape(case.x)[-1]))
    flat = np.ones((1, noise.shape[1]))
    for y in (noise, 1e-200 * noise, 1e200 * noise, 0.0 * flat, flat, -flat):
        start = case.model.guess(case.x, y)
        assert np.isfinite(start).all()
        assert (start >= lower).all()
        assert (start <= upper).all()


def test_guess_does_not_depend_on_the_number_of_threads():
    case = CASES["Gaussian"]
    y = case.values(case.parameters(3, 4000))
    alone = case.model.guess(case.x, y, threads=1)
    np.testing.assert_array_equal(case.model.guess(case.x, y, threads=3), alone)
    fits = [case.model.fit_many(case.x, y, threads=t).popt for t in (1, 3)]
    np.testing.assert_array_equal(*fits)
    np.testing.assert_array_equal(fits[0][77], case.model.fit_many(case.x, y[77]).popt)


def test_guess_does_not_depend_on_the_order_of_points():
    y = M.Gaussian()(LINE, 3.0, 2.0, 0.7) + 0.1
    order = np.random.default_rng(0).permutation(LINE.size)
    curve = M.Gaussian() + M.Constant()
    np.testing.assert_array_equal(curve.guess(LINE[order], y[order]), curve.guess(LINE, y))


def test_points_may_differ_by_data_set():
    x = LINE + np.arange(4.0)[:, None]
    y = M.Gaussian()(x, 3.0, 4.0, 0.7)
    np.testing.assert_array_equal(M.Gaussian().guess(x, y)[2], M.Gaussian().guess(x[2], y[2]))
    np.testing.assert_allclose(M.Gaussian().fit_many(x, y).popt, [[3.0, 4.0, 0.7]] * 4, rtol=1e-8)


def test_missing_and_masked_values_are_left_out():
    curve = M.Exponential() + M.Constant()
    x = np.linspace(0.0, 5.0, 30)
    y = 3.0 * np.exp(-x / 1.5) + 1.0
    gaps = y.copy()
    gaps[[0, 3, 4, 20, 29]] = np.nan
    masked = np.ma.masked_invalid(np.where(np.isnan(gaps), 1e9, gaps))
    masked[np.isnan(gaps)] = np.ma.masked
    kept = np.isfinite(gaps)
    # 0.02 of the truth: the grid of decays alone leaves 20 %, least squares the rest
    alone = curve.guess(x[kept], y[kept])
    for data in (gaps, masked):
        np.testing.assert_allclose(curve.guess(x, data), alone, rtol=0.2)
    np.testing.assert_allclose(curve.fit(x, gaps, nan_policy="omit")[0], [3.0, 1.5, 1.0], rtol=1e-8)
    np.testing.assert_allclose(curve.fit_many(x, [gaps, y]).popt, [[3.0, 1.5, 1.0]] * 2, rtol=1e-8)


def test_data_sets_without_enough_values_have_no_guess():
    y = np.stack([M.Gaussian()(LINE, 3.0, 2.0, 0.7)] * 3)
    y[1, 2:] = np.nan
    y[2] = np.nan
    start = M.Gaussian().guess(LINE, y)
    assert np.isnan(start[1:]).all()
    assert np.isfinite(start[0]).all()
    fits = M.Gaussian().fit_many(LINE, y)
    assert fits.success.tolist() == [True, False, False]


def test_too_few_data_are_an_error_that_says_so():
    with pytest.raises(ValueError, match=r"Gaussian\(\) has 3 parameters.* got 2: pass p0"):
        M.Gaussian().guess([0.0, 1.0], [1.0, 2.0])
    for y, got in (([], "shape \\(0,\\)"), (1.0, "a single number")):
        with pytest.raises(ValueError, match=f"y must have shape .* got {got}"):
            M.Gaussian().guess([], y)
    with pytest.raises(TypeError, match="y must be numbers, got str"):
        M.Gaussian().guess([0.0, 1.0, 2.0], "abc")
    with pytest.raises(ValueError, match=r"3 finite values for a guess of Gaussian.* got 2"):
        M.Gaussian().fit(np.arange(4.0), [1.0, np.nan, 2.0, np.nan], nan_policy="omit")
    with pytest.raises(ValueError, match=r"x must have shape \(3,\), got \(2,\)"):
        M.Line().guess([0.0, 1.0], [1.0, 2.0, 3.0])


def test_starts_and_bounds_may_be_given_by_name():
    peak = M.Gaussian("a_") + M.Gaussian("b_")
    y = peak(LINE, 3.0, 1.0, 0.5, 2.0, 4.0, 0.8)
    want = [2.0, 4.0, 0.8, 3.0, 1.0, 0.5]
    bounds = {"a_center": (3.0, None)}
    popt = peak.fit(LINE, y, {"a_center": 4.2, "b_center": 0.9}, bounds=bounds)[0]
    np.testing.assert_allclose(popt, want, rtol=1e-8)
    several = {"a_center": np.array([4.2, 3.9]), "b_center": 0.9}
    np.testing.assert_allclose(peak.fit_many(LINE, [y, y], several).popt, [want] * 2, rtol=1e-8)
    every = dict(zip(peak.names, want, strict=True))
    np.testing.assert_allclose(peak.fit(LINE, y, every)[0], want, rtol=1e-8)
    np.testing.assert_allclose(peak.fit(LINE, y, want)[0], want, rtol=1e-8)
    for keyword in ({"p0": {"center": 1.0}}, {"bounds": {"center": (0.0, 1.0)}}):
        with pytest.raises(ValueError, match="names 'center', but the parameters are a_amplitude"):
            peak.fit(LINE, y, **keyword)


def test_bounds_may_differ_by_data_set():
    curve = M.Gaussian()
    y = curve(LINE, 3.0, [[1.0], [4.0]], 0.5)
    ends = np.array([1.5, 3.5])
    fits = curve.fit_many(LINE, y, bounds={"center": (None, ends)})
    np.testing.assert_allclose(fits["center"], ends.clip(max=[1.0, 3.5]), rtol=1e-7)
    fits = curve.fit_many(LINE, y, {"sigma": np.array([0.4, 0.6])}, bounds={"center": (None, ends)})
    np.testing.assert_allclose(fits["center"], ends.clip(max=[1.0, 3.5]), rtol=1e-7)


def test_parameters_may_be_fixed_and_tied_by_name():
    peak = M.Gaussian("a_") + M.Gaussian("b_")
    p = [3.0, 1.0, 0.5, 2.0, 4.0, 0.5]
    y = peak(LINE, *p)
    ties = {"b_sigma": lambda a_sigma: a_sigma}
    fixed = {"b_center": 4.0}
    start = {"a_center": 1.1}
    np.testing.assert_allclose(peak.fit(LINE, y, start, ties=ties, fixed=fixed)[0], p, rtol=1e-7)
    fits = peak.fit_many(LINE, [y, y], start, ties=ties, fixed=fixed)
    np.testing.assert_allclose(fits.popt, [p, p], rtol=1e-7)
    held = peak.fit(LINE, y, {"a_center": 1.1, "b_center": 4.0}, fixed=("b_center",))[0]
    np.testing.assert_allclose(held, p, rtol=1e-7)
    priors = {"b_center": (4.0, 1.0)}
    np.testing.assert_allclose(peak.fit(LINE, y, start, 0.1, priors=priors)[0], p, rtol=1e-7)
    fits = peak.fit_many(LINE, [y, y], start, sigma=0.1, priors=priors)
    np.testing.assert_allclose(fits.popt, [p, p], rtol=1e-7)


def test_parameters_may_be_passed_by_name():
    line = M.Line()
    np.testing.assert_array_equal(line([0.0, 1.0], intercept=1.0, slope=2.0), [1.0, 3.0])
    with pytest.raises(TypeError, match="takes slope, intercept, got 1 values"):
        line([0.0, 1.0], 2.0)
    with pytest.raises(TypeError, match="has no parameter 'width'"):
        line([0.0, 1.0], 2.0, width=1.0)
    with pytest.raises(TypeError, match="got 'slope' twice"):
        line([0.0, 1.0], 2.0, slope=1.0)


def test_lmfits_names_are_known():
    for theirs, ours in (("GaussianModel", "Gaussian"), ("LinearModel", "Line")):
        with pytest.raises(AttributeError, match=f"lmfit's {theirs} is {ours} here"):
            getattr(M, theirs)
    with pytest.raises(AttributeError, match=r"no attribute 'DoniachModel'$"):
        M.DoniachModel  # noqa: B018


def test_prefix_that_begins_no_name_is_an_error():
    with pytest.raises(ValueError, match="able to begin a name, such as 'a_', got '1 '"):
        M.Gaussian("1 ")
    with pytest.raises(TypeError, match="prefix must be a str, got int"):
        M.Gaussian(1)


def test_slopes_match_complex_steps():
    p = np.array([3.0, 2.1, 0.7])
    model = tw.model(M.Gaussian(), LINE, p)
    jacobian = tw.jacobian(lambda p: M.Gaussian()(LINE, *p))(p)
    h = 1e-30
    for j in range(3):
        moved = p.astype(complex)
        moved[j] += 1j * h
        step = M.Gaussian.formula(LINE, *moved).imag / h
        # 1e-13 of the largest: rounding of exp's argument, up to 70, and of a few products
        np.testing.assert_allclose(jacobian[:, j], step, atol=1e-13 * np.abs(step).max())
    np.testing.assert_allclose(model(*p), M.Gaussian()(LINE, *p), rtol=1e-13)


def test_a_model_of_your_own_is_a_class_with_a_formula():
    class Sech(M.Curve):
        limits: ClassVar = {"width": (0.0, np.inf)}

        @staticmethod
        def formula(x, amplitude, center, width):
            return amplitude / np.cosh((x - center) / width)

        def shapes(self, sample):
            return [(p.center, p.fwhm / 2.634) for p in sample.peaks()]

    curve = Sech("s_") + M.Constant()
    y = curve(LINE, -3.0, 2.0, 0.4, 5.0)
    np.testing.assert_allclose(curve.fit(LINE, y)[0], [-3.0, 2.0, 0.4, 5.0], rtol=1e-8)
