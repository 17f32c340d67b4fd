# SPDX-License-Identifier: BSD-3-Clause
"""Arguments of one fit: starts, data, errors, settings, and what is refused in SciPy's words."""

import numpy as np
import pytest
from curve_cases import SIGMAS, T, X, Y, decay, line, noisy, same_fit
from scipy import optimize

import thalweg as tw
from thalweg._fits.arguments import (
    Sample,
    between,
    box_of,
    check_method,
    checked_data,
    is_data,
    parameters,
    squares_settings,
    weights_of,
)
from thalweg._fits.settings import FREE

# ---- SciPy's documented behaviour ----------------------------------------------------------------


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


# ---- what both refuse, in SciPy's words ----------------------------------------------------------


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


# ---- one argument at a time ----------------------------------------------------------------------


def test_the_kind_of_a_sample_is_that_of_its_arrays():
    y = np.arange(4.0)
    plain = Sample(y, None, None)
    assert plain.kind == ((4,), None, True)
    assert Sample(y + 1, None, None).kind == plain.kind
    weighed = Sample(y, np.ones(4), y > 1)
    assert weighed.kind == ((4,), (4,), False)
    assert [a.tolist() for a in weighed.arrays()] == [[0, 1, 2, 3], [1] * 4, [0, 0, 1, 1]]
    assert len(plain.arrays()) == 1
    other = weighed.with_arrays(["y", "weights", "kept"])
    assert other == ("y", "weights", "kept")
    assert plain.with_arrays(["y"]) == ("y", None, None)


def test_numbers_are_data_and_other_objects_are_not():
    assert all(is_data(x) for x in ([1.0], (1.0, 2.0), np.ones(3)))
    assert not any(is_data(x) for x in ({"u": [1.0]}, "abc", None, 3.0))


def test_names_of_parameters_come_from_the_signature_and_p0():
    assert parameters(decay, None)[0] == ["a", "b", "c"]
    assert parameters(decay, None)[1].tolist() == [1.0, 1.0, 1.0]
    names, start = parameters(lambda x, *p: x * p[0], [2, 3])
    assert (names, start.tolist()) == (["p0", "p1"], [2.0, 3.0])
    assert parameters(decay, [5.0, 6.0])[0] == ["a", "b"]  # c has a default, perhaps
    assert parameters(lambda x, a: x * a, 7)[1].tolist() == [7.0]


def test_bounds_without_an_end_are_no_box():
    for bounds in (FREE, (-np.inf, np.inf), None):
        assert box_of(bounds, ["a", "b"]) == []
    lower, upper = box_of((0, [1, np.inf]), ["a", "b"])
    assert lower.tolist() == [0, 0]
    assert upper.tolist() == [1, np.inf]
    lower, upper = box_of(tw.Bounds([0, 1], 5), ["a", "b"])
    assert (lower.tolist(), upper.tolist()) == ([0, 1], [5, 5])


@pytest.mark.parametrize("method", [None, "lm", "trf", "dogbox"])
def test_methods_of_scipy_are_taken(method):
    check_method(method, False)
    if method == "lm":
        with pytest.raises(ValueError, match="Method 'lm' only works for unconstrained problems"):
            check_method(method, True)
    else:
        check_method(method, True)


def test_data_are_checked_unless_that_is_forbidden():
    gap = [1.0, np.nan, np.inf]
    with pytest.raises(ValueError, match="infs or NaNs: ydata holds nan at index 1"):
        checked_data(gap, "ydata", None, None)
    np.testing.assert_array_equal(checked_data(gap, "ydata", False, None), gap)
    np.testing.assert_array_equal(checked_data(gap, "ydata", None, "omit"), gap)
    with pytest.raises(ValueError, match="infs or NaNs"):
        checked_data(gap, "ydata", True, "omit")
    with pytest.raises(ValueError, match="contains nan values: xdata holds nan at index 1"):
        checked_data(gap, "xdata", None, "raise")
    assert checked_data([], "xdata", None, None).size == 0
    huge = np.full(3, 1e300)  # finite, though their squares are not
    assert checked_data(huge, "ydata", True, None) is huge


def test_weights_are_inverse_errors():
    y = np.zeros(3)
    assert weights_of(None, y, None) is None
    assert weights_of([4.0], y, None).shape == ()
    assert weights_of(4.0, y, None) == 0.25
    assert weights_of([1, 2, -4], y, None).tolist() == [1.0, 0.5, -0.25]
    with pytest.raises(ValueError, match=r"must not be 0, because .* got 0 at index 1"):
        weights_of([1, 0, 2], y, None)
    with pytest.raises(ValueError, match="`sigma` must not be NaN: it holds nan at index 2"):
        weights_of([1, 2, np.nan], y, None)
    kept = np.array([True, True, False])  # what is left out needs no error
    for missing in (np.nan, 0.0):
        assert weights_of([1, 2, missing], y, kept).tolist() == [1.0, 0.5, 1.0]


def test_weights_of_a_covariance_make_its_inverse():
    covariance = np.array([[4.0, 1, 0], [1, 3, 1], [0, 1, 2]])
    W = weights_of(covariance, np.zeros(3), None)
    np.testing.assert_allclose(W.T @ W, np.linalg.inv(covariance), rtol=1e-14)
    kept = np.array([True, False, True])
    W = weights_of(covariance, np.zeros(3), kept)
    assert not W[1].any()
    assert not W[:, 1].any()
    some = np.ix_(kept, kept)
    np.testing.assert_allclose(W[some].T @ W[some], np.linalg.inv(covariance[some]), rtol=1e-14)
    covariance[1] = covariance[:, 1] = np.nan  # what is left out needs no covariance
    np.testing.assert_array_equal(weights_of(covariance, np.zeros(3), kept), W)
    with pytest.raises(ValueError, match=r"must not be NaN: it holds nan at index \(0, 1\)"):
        weights_of(covariance, np.zeros(3), None)
    with pytest.raises(ValueError, match="must be positive definite"):
        weights_of(np.ones((3, 3)), np.zeros(3), None)
    with pytest.raises(ValueError, match=r"expected one number, \(3,\) or \(3, 3\), got \(2,\)"):
        weights_of([1, 2], np.zeros(3), None)


def test_keywords_of_leastsq_have_our_names():
    assert squares_settings({}) is squares_settings({})  # nothing is built for the usual call
    assert squares_settings({"maxfev": 7}).max_nfev == 7
    assert squares_settings({"maxfev": 7, "max_nfev": 9}).max_nfev == 9
    assert squares_settings({"maxfev": 0}).max_nfev is None
    assert squares_settings({"diag": [2.0, 4.0]}).x_scale.tolist() == [0.5, 0.25]
    assert squares_settings({"epsfcn": 1e-3, "loss": "huber"}).loss == "huber"
    with pytest.raises(TypeError, match="unexpected keyword argument 'kaboom'"):
        squares_settings({"kaboom": 1})
    with pytest.raises(ValueError, match="'args' is not a supported keyword"):
        squares_settings({"args": ()})


def test_a_start_lies_between_the_bounds():
    inf = np.inf
    lower, upper = np.array([0.0, 2.0, -inf, -inf]), np.array([4.0, inf, 7.0, inf])
    assert between(lower, upper).tolist() == [2.0, 3.0, 6.0, 1.0]
