# SPDX-License-Identifier: BSD-3-Clause
"""curve_fit and model against SciPy's: what it documents, its errors, and where we depart."""

import pickle
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize

import thalweg as tw

T = np.linspace(0.0, 4.0, 50)
X = np.array([1.0, 2.0, 3.0, 4.0])
Y = np.array([1.0, 3.2, 9.5, 13.7])
# SciPy ends at 1.5e-8 of the cost, which leaves 1e-5 of a deviation; asked for more, it agrees.
SCIPY = {"ftol": 1e-13, "xtol": 1e-13, "gtol": 1e-13}


def decay(x, a, b, c):
    return a * np.exp(-b * x) + c


def line(x, a, b):
    return a * x + b


def noisy(seed=0):
    return decay(T, 2.5, 1.3, 0.5) + 0.2 * np.random.default_rng(seed).normal(size=T.size)


def same_fit(f, x, y, **how):
    """Fit by both, and compare; ours."""
    quiet = how.pop("quiet", False)
    with warnings.catch_warnings():
        if quiet:
            warnings.simplefilter("ignore")
        ours, theirs = tw.curve_fit(f, x, y, **how), optimize.curve_fit(f, x, y, **(SCIPY | how))
    deviations = np.sqrt(np.diag(theirs[1]))
    assert ours[0].shape == theirs[0].shape
    assert ours[1].shape == theirs[1].shape
    # To a small part of the standard deviations; where these vanish, of the parameters.
    near = np.maximum(1e-5 * np.where(np.isfinite(deviations), deviations, 0), 1e-8)
    assert (np.abs(ours[0] - theirs[0]) <= near * np.maximum(1, np.abs(theirs[0]))).all()
    return ours, theirs


# ---- SciPy's documented behaviour


SIGMAS = {
    "none": None,
    "scalar": 0.2,
    "array of one": [0.2],
    "one each": np.linspace(0.1, 0.3, T.size),
    "integers": np.arange(1, 1 + T.size),
    "covariance": np.diag(np.linspace(0.1, 0.3, T.size) ** 2) + 0.01,
}


@pytest.mark.parametrize("sigma", SIGMAS)
@pytest.mark.parametrize("absolute", [False, True])
@pytest.mark.parametrize("method", [None, "lm", "trf", "dogbox"])
def test_sigma_of_every_shape(sigma, absolute, method):
    how = {"sigma": SIGMAS[sigma], "absolute_sigma": absolute, "method": method}
    ours, theirs = same_fit(decay, T, noisy(), **how, quiet=sigma == "none" and absolute)
    # Their derivatives are differences.
    np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-5, atol=1e-5 * np.abs(theirs[1]).max())


@given(st.integers(0, 10**6))
def test_random_models_agree_with_scipy(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 5))
    basis = [np.sin(T * (k + 1) + rng.normal()) + rng.normal() for k in range(n)]
    bend = rng.normal(size=n) * 0.2

    def f(x, *p):
        return sum(p[k] * basis[k] + bend[k] * np.tanh(p[k]) for k in range(n))

    y = f(T, *rng.normal(size=n)) + 0.1 * rng.normal(size=T.size)
    sigma = [None, 0.3, rng.uniform(0.1, 1, T.size)][int(rng.integers(3))]
    ours, theirs = same_fit(f, T, y, p0=rng.normal(size=n), sigma=sigma)
    np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-4, atol=1e-5 * np.abs(theirs[1]).max())


def test_start_comes_from_the_signature():
    popt, pcov = tw.curve_fit(lambda x, a: x**a, X, Y)
    np.testing.assert_allclose(popt, [1.9149], atol=1e-4)
    assert pcov.shape == (1, 1)

    class Holder:
        def f(self, x, a, b):
            return b * x**a

    np.testing.assert_allclose(tw.curve_fit(Holder().f, X, Y)[0], [1.7989, 1.1642], atol=1e-4)
    for f in (lambda x: x, lambda x, *p: x * p[0]):
        with pytest.raises(ValueError, match="Unable to determine number of fit parameters"):
            tw.curve_fit(f, X, Y)


def test_start_within_bounds():
    for bounds in [(0, [3.0, 1.0, 0.5]), ([0, 0, -np.inf], [np.inf, 5, 2]), (-np.inf, [5, 3, 3])]:
        same_fit(decay, T, noisy(), bounds=bounds)


def test_any_number_of_parameters_with_p0():
    ours, _ = same_fit(lambda x, *p: p[0] * x + p[1] + p[2] * x**2, T, noisy(), p0=[1, 1, 1])
    assert ours[0].shape == (3,)


def test_lists_and_other_types_of_numbers():
    np.testing.assert_allclose(tw.curve_fit(line, [1, 2, 3], [3, 5, 7.5])[0], [2.25, 2 / 3])
    for kind in (np.float32, np.int64):
        popt, _ = tw.curve_fit(line, X.astype(kind), np.array([1, 3, 5, 8]).astype(kind))
        np.testing.assert_allclose(popt, [2.3, -1.5], rtol=1e-7)


def test_xdata_may_be_anything_that_the_model_reads():
    with pytest.warns(tw.OptimizeWarning, match="could not be estimated"):
        popt, _ = tw.curve_fit(lambda _, a, b: a * np.arange(3.0) + 0 * b, None, [0.0, 2.0, 4.0])
    assert popt[0] == pytest.approx(2.0)

    class Table:
        columns = {"u": T, "v": np.cos(T)}  # noqa: RUF012 - nobody writes into it

    y = 2 * T - np.cos(T)
    ours = tw.curve_fit(lambda t, a, b: a * t.columns["u"] + b * t.columns["v"], Table(), y)[0]
    np.testing.assert_allclose(ours, [2, -1])
    both = np.array([T, np.cos(T)])
    same_fit(lambda x, a, b: a * x[0] + b * x[1], both, y + 0.1 * np.sin(9 * T))


def test_data_may_go_through_what_cannot_be_traced():
    from scipy.special import jv

    y = 2 * jv(0, T) + 1
    popt, _ = tw.curve_fit(lambda x, a, b: a * jv(0, x) + b if x.max() > 3 else x, T, y)
    np.testing.assert_allclose(popt, [2, 1])


def test_one_datum_is_broadcast():
    target = 4.7 * X**2 + 3.5 * X + np.cos(9 * X)

    def f(x, a, b):
        return a * x**2 + b * x - target

    each, one = tw.curve_fit(f, X, np.zeros(4)), tw.curve_fit(f, X, 0)
    np.testing.assert_array_equal(each[0], one[0])
    np.testing.assert_array_equal(each[1], one[1])


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


def test_told_functions_and_their_jacobian():
    def jac(x, a, b, c):
        e = np.exp(-b * x)
        return np.stack([e, -a * x * e, np.ones_like(x)], axis=1)

    traced = tw.curve_fit(decay, T, noisy())
    covariance = SIGMAS["covariance"]
    for sigma in (None, 0.2, SIGMAS["one each"], covariance):
        traced = tw.curve_fit(decay, T, noisy(), sigma=sigma)
        for how in (None, jac):
            told = tw.curve_fit(decay, T, noisy(), sigma=sigma, jac=how, trace=False)
            np.testing.assert_allclose(told[0], traced[0], rtol=1e-7)
            np.testing.assert_allclose(told[1], traced[1], rtol=1e-6)
    for how in (jac, "2-point", "cs"):  # accepted; derivatives are exact anyway
        np.testing.assert_array_equal(tw.curve_fit(decay, T, noisy(), jac=how)[0],
                                      tw.curve_fit(decay, T, noisy())[0])  # fmt: skip


def test_limits_of_evaluations_by_both_names():
    for name in ("maxfev", "max_nfev"):
        popt, _ = tw.curve_fit(lambda x, p: p * x, X, 2 * X + Y * 0, bounds=(0, 3), **{name: 100})
        assert popt[0] == pytest.approx(2.0)
        with pytest.raises(RuntimeError, match="Optimal parameters not found: The maximum number"):
            tw.curve_fit(decay, T, noisy(), **{name: 2})


# Shapes of NaN, as SciPy's tests have them.
@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("sigma", ["none", "scalar", "one each", "covariance"])
def test_rows_with_nan_are_left_out(axes, sigma):
    rng = np.random.default_rng(5)
    x = np.stack([T, np.cos(T)]) if axes > 1 else T.copy()
    y = noisy()
    errors = SIGMAS[sigma]
    y[[3, 17]] = np.nan
    (x if axes == 1 else x[1])[[8, 17]] = np.nan
    x = x[None] if axes == 3 else x
    kept = np.delete(np.arange(T.size), [3, 8, 17])

    def f(x, a, b):
        return a * x + b if axes == 1 else a * x[..., 0, :].squeeze() + b * x[..., 1, :].squeeze()

    if np.ndim(errors) == 1:
        cut = errors[kept]
    elif np.ndim(errors) == 2:
        cut = errors[np.ix_(kept, kept)]
    else:
        cut = errors
    ours = tw.curve_fit(f, x, y, sigma=errors, nan_policy="omit")
    same = tw.curve_fit(f, x[..., kept], y[kept], sigma=cut)
    np.testing.assert_array_equal(ours[0], same[0])
    np.testing.assert_array_equal(ours[1], same[1])
    theirs = optimize.curve_fit(f, x, y, sigma=errors, nan_policy="omit")
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-6)
    assert rng is not None


# ---- what both refuse, in SciPy's words


REFUSED = {
    "nan": (line, [1, np.nan, 3], [1, 2, 3], {}, ValueError, "array must not contain infs or NaNs"),
    "inf": (line, [1, 2, 3], [1, np.inf, 3], {}, ValueError, "array must not contain infs or NaNs"),
    "checked": (line, [1, np.nan, 3], [1, 2, 3], {"check_finite": True}, ValueError, "array must"),
    "raise": (
        line, [1, np.nan, 3], [1, 2, 3], {"nan_policy": "raise"}, ValueError,
        "The input contains nan",
    ),
    "propagate": (
        line, X, Y, {"nan_policy": "propagate"}, ValueError, "`nan_policy='propagate'` is not",
    ),
    "policy": (line, X, Y, {"nan_policy": "hi"}, ValueError, "nan_policy must be one of {"),
    "empty": (lambda x, a: a * x, [], [], {}, ValueError, "`ydata` must not be empty!"),
    "no data": (
        lambda x, a: a * x, [1], [], {"bounds": (1, 2)}, ValueError, "`ydata` must not be empty!",
    ),
    "lm with bounds": (
        line, X, Y, {"bounds": (0, 1), "method": "lm"}, ValueError,
        "Method 'lm' only works for unconstrained problems. Use 'trf' or 'dogbox' instead.",
    ),
    "method": (
        line, X, Y, {"method": "unknown"}, ValueError, "`method` must be 'trf', 'dogbox' or 'lm'",
    ),
    "sigma": (line, X, Y, {"sigma": [1, 2, 3]}, ValueError, "`sigma` has incorrect shape"),
    "singular": (
        line, X, Y, {"sigma": np.ones((4, 4))}, ValueError, "`sigma` must be positive definite",
    ),
    "args": (line, X, Y, {"args": (1,)}, ValueError, "'args' is not a supported keyword argument"),
    "too few": (
        lambda x, a, b, c, d, e: a * x + b + c + d + e, X, Y, {}, TypeError,
        "The number of func parameters=5 must not exceed the number of data points=4",
    ),
    "outside": (
        line, X, Y, {"p0": [1, 1], "bounds": (2, 3)}, ValueError,
        "Initial guess is outside of provided bounds",
    ),
    "crossed": (
        line, X, Y, {"p0": [1, 1], "bounds": (3, 2)}, ValueError,
        "Each lower bound must be strictly less than each upper bound",
    ),
    "shapes": (
        line, X, Y, {"p0": [1, 1], "bounds": ([0, 0, 0], 2)}, ValueError,
        "Inconsistent shapes between bounds and `x0`",
    ),
    "three bounds": (
        line, X, Y, {"p0": [1, 1], "bounds": (0, 1, 2)}, ValueError,
        "`bounds` must contain 2 elements, got 3",
    ),
    "word": (line, X, Y, {"kaboom": 1}, TypeError, "kaboom"),
    "loss": (line, X, Y, {"loss": "hinge", "method": "trf"}, ValueError, "`loss` must be one of"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_scipy_refuses_is_refused_in_its_words(case):
    f, x, y, how, error, words = REFUSED[case]
    with pytest.raises(error):
        optimize.curve_fit(f, x, y, **how)
    import re

    with pytest.raises(error, match=re.escape(words)):
        tw.curve_fit(f, x, y, **how)


def test_errors_of_zero_and_what_cannot_be_traced_are_named():
    with pytest.raises(ValueError, match="`sigma` must not be 0"):
        tw.curve_fit(line, X, Y, sigma=[1, 0, 1, 1])
    import math

    with pytest.raises(tw.TraceError, match=r"np\.exp"):
        tw.curve_fit(lambda x, a: x * math.exp(a), X, Y)
    with pytest.raises(ValueError, match="p0 must be real"):
        tw.curve_fit(line, X, Y, p0=[1, 1j])


# ---- covariance


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


def test_parameters_at_a_bound_are_left_out_of_the_covariance():
    popt, pcov, info, _, _ = tw.curve_fit(
        decay, T, noisy(), bounds=(0, [3.0, 1.0, 0.5]), full_output=True
    )
    assert info["active_mask"].tolist() == [0, 1, 0]
    assert np.isnan(pcov[1]).all()
    assert np.isnan(pcov[:, 1]).all()
    assert info["rank"] == 2
    free = np.ix_([0, 2], [0, 2])
    rest, covariance = tw.curve_fit(lambda x, a, c: decay(x, a, 1.0, c), T, noisy())
    np.testing.assert_allclose(popt[[0, 2]], rest, rtol=1e-9)
    np.testing.assert_allclose(pcov[free], covariance, rtol=1e-9)


def test_covariance_holds_in_any_units():
    # Their threshold of rank, relative to the largest column, takes c for nothing.
    x, y = T, noisy()
    small = 1e-20
    ours = tw.curve_fit(lambda x, a, b, c: decay(x, a, b, c / small), x, y, [1, 1, small])[1]
    plain = tw.curve_fit(decay, x, y)[1]
    units = np.array([1, 1, small])
    np.testing.assert_allclose(ours, plain * np.outer(units, units), rtol=1e-6)


@given(st.integers(0, 10**6))
def test_covariance_is_the_inverse_of_the_normal_matrix(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 7))
    m = n + int(rng.integers(1, 30))
    columns = rng.normal(size=(n, m)) * np.exp(5 * rng.normal(size=(n, 1)))
    held = rng.random(n) < 0.3
    covariance, rank, pivot, loose = tw._core.covariance(columns, held)
    assert not loose.any()
    assert 0 < pivot <= 1
    free = ~held
    assert rank == free.sum()
    assert np.isnan(covariance[held]).all()
    assert np.isnan(covariance[:, held]).all()
    some = covariance[np.ix_(free, free)]
    lengths = np.linalg.norm(columns[free], axis=1)
    scaled = columns[free] / lengths[:, None]
    exact = np.linalg.inv(scaled @ scaled.T) if free.any() else some
    # Ten more: the error of the inverse is eps times the condition of the normal matrix.
    worst = np.linalg.cond(scaled @ scaled.T) if free.any() else 1.0
    np.testing.assert_allclose(
        some * np.outer(lengths, lengths), exact, atol=1e-14 * worst * np.abs(exact).max(initial=1)
    )
    np.testing.assert_array_equal(some, some.T)


def test_dependent_columns_are_counted():
    columns = np.array([[1.0, 2, 3, 4], [2.0, 4, 6, 8], [1.0, 0, 1, 0]])
    covariance, rank, pivot, loose = tw._core.covariance(columns)
    assert (rank, pivot) == (2, 0.0)
    assert loose.tolist() == [True, True, False]
    assert (covariance == np.inf).all()
    assert tw._core.covariance(np.zeros((2, 5)))[1] == 0
    assert tw._core.covariance(np.ones((3, 2)))[1] == 1
    assert tw._core.covariance(np.full((1, 3), np.nan))[1] == 0


def test_robust_fits_are_scipys():
    y = noisy()
    y[::7] += 4.0
    for loss in ("soft_l1", "huber", "cauchy"):
        how = {"loss": loss, "f_scale": 0.2, "method": "trf", "p0": [2, 1, 0.5]}
        ours, theirs = same_fit(decay, T, y, **how)
        np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-3)


# ---- kept models


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
