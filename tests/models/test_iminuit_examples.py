# SPDX-License-Identifier: BSD-3-Clause
"""The examples of iminuit's tutorials, with the numbers of iminuit 2.33.

The notebooks at https://scikit-hep.org/iminuit/tutorials.html (MIT licence) are stored without
their results, so these were computed by iminuit with `strategy = 2` and `tol = 1e-5`, and are given
to the digits that this leaves: five of values and errors.
"""

import numpy as np
import pytest

import thalweg as tw


def line(x, a, b):
    return a + x * b


def measured():
    """The data of basic.ipynb."""
    rng = np.random.default_rng(1)
    x = np.linspace(0, 1, 10)
    return x, rng.normal(line(x, 1, 2), 0.1)


def test_line_of_the_quick_start():
    """basic.ipynb: values, errors and the cost"""
    x, y = measured()
    popt, pcov, info, *_ = tw.curve_fit(
        line, x, y, [0.0, 0.0], 0.1, absolute_sigma=True, full_output=True
    )
    np.testing.assert_allclose(popt, [1.0240436, 1.99689446], rtol=1e-6)
    np.testing.assert_allclose(np.sqrt(np.diag(pcov)), [0.05877535, 0.09908668], rtol=1e-5)
    assert np.sum(info["fvec"] ** 2) == pytest.approx(3.9594362732650206, rel=1e-9)


def test_parameter_at_its_limit():
    """basic.ipynb: limits"""
    x, y = measured()
    popt, _ = tw.curve_fit(line, x, y, {"a": 0.0, "b": 0.0}, 0.1, True, bounds={"a": (0, 0.9)})
    # 1e-5: iminuit comes no nearer to a bound than its transformation allows
    np.testing.assert_allclose(popt, [0.9, 2.17316884], rtol=1e-5)


def test_fixed_parameter():
    """basic.ipynb: fixed"""
    x, y = measured()
    fits = tw.curve_fit_many(
        line, x, y, [1.0, 0.0], sigma=0.1, absolute_sigma=True, fixed={"a": 1.0}
    )
    assert fits.popt[1] == pytest.approx(2.03106167, rel=1e-6)
    assert fits.perr[1] == pytest.approx(0.0533114, rel=1e-5)
    assert 2 * fits.cost == pytest.approx(4.126779414871683, rel=1e-9)


def test_normal_constraint():
    """cost_functions.ipynb: a sum of LeastSquares and NormalConstraint"""
    x, y = measured()
    start = {"a": 0.0, "b": 0.0}
    popt, pcov = tw.curve_fit(line, x, y, start, 0.1, True, priors={"a": (1.0, 0.02)})
    np.testing.assert_allclose(popt, [1.00249509, 2.02751602], rtol=1e-6)
    np.testing.assert_allclose(np.sqrt(np.diag(pcov)), [0.01893384, 0.0597163], rtol=1e-5)


def test_two_samples_that_share_a_width():
    """simultaneous_fits.ipynb: a sum of two unbinned likelihoods, and Hesse's errors"""
    rng = np.random.default_rng(1)
    first, second = rng.normal(0, 2.0, 1000), rng.normal(5, 2.0, 1000)

    def cost(mu1, mu2, sigma):
        each = (tw.stats.norm.logpdf(first, mu1, sigma), tw.stats.norm.logpdf(second, mu2, sigma))
        return -(np.sum(each[0]) + np.sum(each[1]))

    bounds = [(None, None), (None, None), (0, None)]
    result = tw.minimize(cost, [1.0, 2.0, 1.0], bounds=bounds, gtol=1e-8)
    # iminuit leaves 3e-5 of a standard error of 0.06; the means of the samples are the answer
    np.testing.assert_allclose(result.x, [-0.10850805, 5.05491338, 2.01153412], atol=2e-6)
    np.testing.assert_allclose(result.x[:2], [first.mean(), second.mean()], rtol=1e-7)
    hessian = tw.objective(cost, result.x).hessian(result.x)
    errors = np.sqrt(np.diag(np.linalg.inv(hessian)))
    np.testing.assert_allclose(errors, [0.06361029, 0.0636103, 0.03180508], rtol=1e-5)


def test_two_models_that_share_a_slope():
    """cost_functions.ipynb: a sum of two LeastSquares with a parameter of one name"""
    rng = np.random.default_rng(1)
    x, z = np.linspace(0, 1, 10), np.linspace(0, 2, 15)
    y1, y2 = rng.normal(1 + 2 * x, 0.1), rng.normal(3 * np.exp(-z * 0.5) + 2 * z, 0.2)
    first = tw.model(lambda x, a, b: a + b * x, x, [0.0, 1.0])
    second = tw.model(lambda z, c, r, b: c * np.exp(-r * z) + b * z, z, [1.0, 1.0, 1.0])
    both = tw.fit_together(
        [first, second], [y1, y2], shared="b", sigma=[0.1, 0.2], absolute_sigma=True
    )
    found = [both.fits[0].popt[0], both.shared["b"], *both.fits[1].popt[:2]]
    # 1e-6: iminuit's own precision at tol = 1e-6
    np.testing.assert_allclose(found, [1.03150384, 1.98197399, 3.00713153, 0.50958701], rtol=1e-6)
    assert 2 * both.cost == pytest.approx(15.83314888825915, rel=1e-9)
    errors = [both.fits[0].perr[0], both.fits[0].perr[1], *both.fits[1].perr[:2]]
    # Hesse's errors have second derivatives of the model, which ours leave out: 1 % here
    np.testing.assert_allclose(errors, [0.0555148, 0.09125553, 0.12316253, 0.08523646], rtol=0.01)


def test_ends_of_minos_are_where_chi_squared_has_risen_by_1():
    """hesse_and_minos.ipynb: what Minos finds, on a decay whose errors are not symmetric"""
    rng = np.random.default_rng(1)
    x = np.linspace(0, 4, 12)

    def decay(x, a, tau, c):
        return a * np.exp(-x / tau) + c

    y = rng.normal(decay(x, 2.0, 1.0, 0.5), 0.1)
    start = {"a": 2.0, "tau": 1.0, "c": 0.5}
    settings = {"sigma": 0.1, "absolute_sigma": True}
    popt, _, info, *_ = tw.curve_fit(decay, x, y, start, full_output=True, **settings)
    np.testing.assert_allclose(popt, [2.01700113, 0.94647861, 0.54162192], rtol=2e-6)
    best = np.sum(info["fvec"] ** 2)
    assert best == pytest.approx(3.8669124057116604, rel=1e-8)
    for name, ends in {
        "a": [-0.09704050, 0.09704096],
        "tau": [-0.10591843, 0.12548335],
        "c": [-0.06581925, 0.05936514],
    }.items():
        values = popt[list(start).index(name)] + np.array(ends)
        data = np.broadcast_to(y, (2, 12))
        fits = tw.curve_fit_many(decay, x, data, popt, fixed={name: values}, **settings)
        # chi squared rises by the square: an end that is off by 2e-4 of its distance gives 4e-4
        np.testing.assert_allclose(2 * fits.cost - best, 1.0, atol=4e-4)
