# SPDX-License-Identifier: BSD-3-Clause
"""curve_fit and model against SciPy's: what it documents, its errors, and where we depart."""

import numpy as np
import pytest
from curve_cases import SIGMAS, T, X, decay, noisy, same_fit
from hypothesis import given
from hypothesis import strategies as st

import thalweg as tw

# ---- SciPy's documented behaviour ----------------------------------------------------------------


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


# ---- covariance ----------------------------------------------------------------------------------


def test_robust_fits_are_scipys():
    y = noisy()
    y[::7] += 4.0
    for loss in ("soft_l1", "huber", "cauchy"):
        how = {"loss": loss, "f_scale": 0.2, "method": "trf", "p0": [2, 1, 0.5]}
        ours, theirs = same_fit(decay, T, y, **how)
        np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-3)
