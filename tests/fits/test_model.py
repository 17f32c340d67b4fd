# SPDX-License-Identifier: BSD-3-Clause
"""Models that are traced once and kept: values, fits of one sample and of many."""

import pickle
import threading

import numpy as np
import pytest
from curve_cases import SIGMAS, T, decay, noisy
from fit_cases import P0, decays, same_bits, with_gaps
from fit_cases import T as TIMES
from fit_cases import decay as falling

import thalweg as tw
from thalweg._fits.arguments import Sample, check_shapes, residuals
from thalweg._fits.soundness import FACTORS
from thalweg._fits.squares import tries_from

# ---- many samples --------------------------------------------------------------------------------


def test_a_kept_model_fits_many():
    _, y = decays(30)
    gaps = with_gaps(y, 0.1)
    M = tw.model(falling, TIMES, P0)
    for model in (M, pickle.loads(pickle.dumps(M))):
        same_bits(model.fit_many(y), tw.curve_fit_many(falling, TIMES, y, P0))
        same_bits(model.fit_many(gaps), tw.curve_fit_many(falling, TIMES, gaps, P0))
        how = {"fixed": {"c": 0.2}, "loss": "huber", "f_scale": 0.05, "sigma": 0.5}
        same_bits(model.fit_many(y, **how), tw.curve_fit_many(falling, TIMES, y, P0, **how))
        same_bits(model.fit_many(y, 2 * P0), tw.curve_fit_many(falling, TIMES, y, 2 * P0))
        bounds = ([0, 0.9, -1], [6, 1.2, 1])
        same_bits(
            model.fit_many(y, bounds=bounds),
            tw.curve_fit_many(falling, TIMES, y, P0, bounds=bounds),
        )
    assert M.fit_many(y[0]).popt.tolist() == M.fit(y[0])[0].tolist()


def test_a_kept_model_is_the_one_that_was_traced():
    rate = [1.0]
    M = tw.model(lambda x, a: a * np.exp(-rate[0] * x), TIMES)
    rate[0] = 2.0
    fits = M.fit_many(np.outer([1.0, 2.0], np.exp(-TIMES)))
    np.testing.assert_allclose(fits.popt, [[1.0], [2.0]])


def test_a_model_that_is_not_traced_fits_no_many():
    with pytest.raises(TypeError, match="needs a traced model"):
        tw.model(falling, TIMES, P0, trace=False).fit_many(np.ones((2, 20)))
    with pytest.raises(ValueError, match="p0 must have 3 entries, got 2"):
        tw.model(falling, TIMES, P0).fit_many(np.ones((2, 20)), [1, 2])
    with pytest.raises(ValueError, match="ydata has 7 values along its last axis"):
        tw.model(falling, TIMES, P0).fit_many(np.ones((2, 7)))


def test_python_threads_share_a_kept_model():
    _, y = decays(2000)
    M = tw.model(falling, TIMES, P0)
    expected = tw.curve_fit_many(falling, TIMES, y, P0)
    told = []

    def work():
        told.extend(M.fit_many(y, threads=2) for _ in range(3))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert len(told) == 12
    for fits in told:
        same_bits(fits, expected)


# ---- one sample ----------------------------------------------------------------------------------


def test_model_gives_values_and_fits_without_tracing_again():
    calls = []

    def f(x, a, b, c):
        calls.append(1)
        return decay(x, a, b, c)

    M = tw.model(f, T)
    assert M.names == ["a", "b", "c"]
    assert "a, b, c" in repr(M)
    np.testing.assert_allclose(M(2.5, 1.3, 0.5), decay(T, 2.5, 1.3, 0.5), rtol=1e-14)
    assert M([1.0, 2.0], 1.0, 0.0).shape == (2, 50)
    for seed in range(3):
        popt, pcov = M.fit(noisy(seed))
        direct = tw.curve_fit(decay, T, noisy(seed))
        np.testing.assert_array_equal(popt, direct[0])
        np.testing.assert_array_equal(pcov, direct[1])
    assert len(calls) == 1


@pytest.mark.parametrize("sigma", SIGMAS)
def test_model_takes_errors_of_every_shape(sigma):
    M = tw.model(decay, T)
    for seed in range(2):
        ours = M.fit(noisy(seed), sigma=SIGMAS[sigma])
        direct = tw.curve_fit(decay, T, noisy(seed), sigma=SIGMAS[sigma])
        np.testing.assert_array_equal(ours[0], direct[0])
        np.testing.assert_array_equal(ours[1], direct[1])


@pytest.mark.parametrize("sigma", SIGMAS)
def test_model_leaves_out_nan(sigma):
    y = noisy()
    y[[4, 30]] = np.nan
    M = tw.model(decay, T)
    ours = M.fit(y, sigma=SIGMAS[sigma], nan_policy="omit")
    cut = tw.curve_fit(decay, T, y, sigma=SIGMAS[sigma], nan_policy="omit")
    # The same sums with two zeros in them: another order of adding.
    np.testing.assert_allclose(ours[0], cut[0], rtol=1e-8)
    np.testing.assert_allclose(ours[1], cut[1], rtol=1e-7)
    with pytest.raises(ValueError, match="array must not contain infs or NaNs"):
        M.fit(y)


@pytest.mark.parametrize("trace", [True, False])
def test_data_that_are_left_out_need_no_errors(trace):
    y, errors = noisy(), SIGMAS["one each"].copy()
    y[[4, 30]] = np.nan
    plain = tw.curve_fit(decay, T, y, sigma=errors, nan_policy="omit")[0]
    errors[[4, 30]] = np.nan, 0.0
    M = tw.model(decay, T, trace=trace)
    for sigma in (errors, np.diag(errors**2)):
        popt, _ = M.fit(y, sigma=sigma, nan_policy="omit")
        np.testing.assert_allclose(popt, plain, rtol=1e-7)


def test_model_is_not_moved_by_later_changes_of_the_data():
    x = T.copy()
    M = tw.model(decay, x)
    before = M(1, 1, 1)
    x[:] = 0.0
    np.testing.assert_array_equal(M(1, 1, 1), before)


def test_model_takes_bounds_starts_and_losses():
    M = tw.model(decay, T, [1, 1, 1])
    popt, pcov = M.fit(noisy(), bounds=(0, [3.0, 1.0, 0.5]), p0=[1, 0.5, 0.2])
    assert popt[1] == 1.0
    assert np.isnan(pcov[1, 1])
    assert M.fit(noisy(), loss="soft_l1", f_scale=0.1, full_output=True)[4] in (1, 2, 3)
    with pytest.raises(ValueError, match="p0 must have 3 entries, got 2"):
        M.fit(noisy(), p0=[1, 2])
    with pytest.raises(ValueError, match="Method 'lm' only works"):
        M.fit(noisy(), bounds=(0, 1), method="lm")
    with pytest.raises(TypeError, match="the model takes 3 parameters, got 2"):
        M(1.0, 2.0)


def test_models_can_be_pickled_without_their_function():
    M = tw.model(lambda x, a, b: a * np.exp(-b * x), T)
    again = pickle.loads(pickle.dumps(M))
    np.testing.assert_array_equal(again(2.0, 1.0), M(2.0, 1.0))
    y = M(2.5, 1.3) + 0.1 * np.sin(9 * T)
    np.testing.assert_array_equal(again.fit(y)[0], M.fit(y)[0])


def test_model_that_is_called():
    M = tw.model(decay, T, trace=False)
    np.testing.assert_allclose(M.fit(noisy())[0], tw.curve_fit(decay, T, noisy())[0], rtol=1e-7)
    np.testing.assert_array_equal(M(1.0, 2.0, 3.0), decay(T, 1.0, 2.0, 3.0))


# ---- what a model is made of ---------------------------------------------------------------------


def test_what_is_no_function_is_no_model():
    with pytest.raises(TypeError, match=r"f must be a function f\(x, a, b, ...\), got int"):
        tw.model(3, T)
    with pytest.raises(ValueError, match="Unable to determine number of fit parameters"):
        tw.model(lambda x, *p: x * p[0], T)


def test_a_model_shows_its_name_parameters_and_shape():
    assert repr(tw.model(decay, T)) == "<thalweg.Model decay: a, b, c, values of shape (50,)>"
    assert repr(tw.model(decay, T, trace=False)) == "<thalweg.Model decay: a, b, c>"
    M = tw.model(lambda x, *p: x * p[0] + p[1], T, [1.0, 2.0])
    assert (M.names, M.n, M.p0.tolist()) == (["p0", "p1"], 2, [1.0, 2.0])


def test_residuals_are_weighted_differences():
    y, values = np.array([1.0, 2.0, 4.0]), np.array([2.0, 2.0, 2.0])
    assert residuals(values, Sample(y, None, None)).tolist() == [1.0, 0.0, -2.0]
    assert residuals(values, Sample(y, np.array(3.0), None)).tolist() == [3.0, 0.0, -6.0]
    kept = np.array([1.0, 1.0, 0.0])
    assert residuals(values, Sample(y, np.array([1.0, 2.0, 4.0]), kept)).tolist() == [1.0, 0.0, 0.0]
    W = np.array([[1.0, 0, 0], [1, 1, 0], [0, 0, 2]])
    assert residuals(values, Sample(y, W, None)).tolist() == [1.0, 1.0, -4.0]
    gap = np.array([1.0, 2.0, np.nan])
    assert residuals(values, Sample(gap, None, kept)).tolist() == [1.0, 0.0, 0.0]


def test_values_have_the_shape_of_the_data():
    check_shapes((3,), (3,))
    check_shapes((), (3,))  # a constant
    check_shapes((4,), ())  # one datum for all
    check_shapes((2, 3), (2, 3))
    with pytest.raises(ValueError, match=r"the model's values, \(4,\), got \(3,\)$"):
        check_shapes((4,), (3,))
    with pytest.raises(ValueError, match=r"got \(1, 3\): ravel\(\) makes one axis of both"):
        check_shapes((3, 1), (1, 3))


def test_tries_start_from_the_start_and_then_from_the_scales():
    start = np.array([1.0, 2.0])
    tries = tries_from(start, (100.0, 0.01), [])
    assert [factor for _, factor in tries] == [*FACTORS, FACTORS[0], FACTORS[0]]
    assert [x.tolist() for x, _ in tries] == [[1, 2], [1, 2], [100, 100], [0.01, 0.01]]
    boxed = tries_from(start, (100.0,), [np.zeros(2), np.array([5.0, 200.0])])
    assert boxed[-1][0].tolist() == [5.0, 100.0]


def test_residuals_are_traced_once_for_each_kind_of_sample():
    M = tw.model(decay, T)
    for seed in range(3):
        M.fit(noisy(seed))
    assert len(M._residuals) == 1
    M.fit(noisy(), sigma=0.2)
    M.fit(noisy(), sigma=SIGMAS["one each"])
    assert len(M._residuals) == 3
    assert not pickle.loads(pickle.dumps(M))._residuals


def test_a_fit_that_finds_nothing_is_an_error_with_its_reason():
    M = tw.model(lambda x, a: np.log(a) * x, T)
    with pytest.raises(RuntimeError, match=r"Optimal parameters not found: .*log\(-1\) = nan"):
        M.fit(noisy(), p0=[-1.0])
    with pytest.raises(ValueError, match="`ydata` must not be empty!"):
        M.fit([])
    two = tw.model(decay, T[:2])
    with pytest.raises(TypeError, match="parameters=3 must not exceed the number of data points=2"):
        two.fit([1.0, 2.0])
