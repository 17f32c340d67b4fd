# SPDX-License-Identifier: BSD-3-Clause
"""Arguments of one fit: starts, data, errors, settings, and what is refused in SciPy's words."""

import numpy as np
import pytest
from curve_cases import SIGMAS, T, X, Y, decay, line, noisy, same_fit
from scipy import optimize

import thalweg as tw

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
