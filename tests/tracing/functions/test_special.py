"""Functions of scipy.special that are no ufuncs, against SciPy and mpmath."""

import mpmath
import numpy as np
import pytest
import scipy.special as ss

import thalweg as tw

X = np.array([[0.3, -0.7, 1.1], [2.0, 0.1, -3.0]])
CASES = {
    "logsumexp": lambda x: ss.logsumexp(x),
    "logsumexp along an axis": lambda x: ss.logsumexp(x, axis=0),
    "logsumexp along axes": lambda x: ss.logsumexp(x, axis=(0, 1), keepdims=True),
    "logsumexp with weights": lambda x: ss.logsumexp(x, b=[1.0, 0.5, 0.0], axis=1),
    "logsumexp with signs": lambda x: ss.logsumexp(x, b=[-1.0, 0.5, 2.0], return_sign=True)[0],
    "sign": lambda x: x * ss.logsumexp(x, b=[-1.0, 0.5, 2.0], axis=0, return_sign=True)[1],
    "logsumexp, traced weights": lambda x: ss.logsumexp(np.zeros(3), b=x**2, axis=-1),
    "logsumexp of a list": lambda x: ss.logsumexp([x[0, 0], 1.0]),
    "softmax": lambda x: ss.softmax(x),
    "softmax along an axis": lambda x: ss.softmax(x, axis=1),
    "log_softmax": lambda x: ss.log_softmax(x, axis=0),
    "sinc": lambda x: ss.sinc(x),
}


@pytest.mark.parametrize("name", CASES)
def test_values_and_slopes_are_scipys(name):
    f = CASES[name]
    weights = np.random.default_rng(0).normal(size=np.shape(f(X)))

    def g(x):
        return np.sum(weights * f(x))

    assert tw.objective(g, X)(X) == pytest.approx(g(X), rel=1e-14)
    v = np.random.default_rng(1).normal(size=X.shape)
    coarse, fine = ((g(X + h * v) - g(X - h * v)) / (2 * h) for h in (2e-4, 1e-4))
    slope = (4 * fine - coarse) / 3
    assert np.sum(tw.grad(g)(X) * v) == pytest.approx(slope, rel=1e-9, abs=1e-9)


def test_nothing_overflows():
    x = np.array([1000.0, 1001.0])
    with mpmath.workdps(40):
        exact = float(mpmath.log(mpmath.exp(1000) + mpmath.exp(1001)))
    assert tw.objective(lambda x: ss.logsumexp(x), x)(x) == pytest.approx(exact, rel=1e-15)
    minus = np.array([-np.inf, -np.inf])
    assert tw.objective(lambda x: ss.logsumexp(x), x)(minus) == -np.inf
    assert tw.objective(lambda x: ss.log_softmax(x)[1], x)(-x) == pytest.approx(-np.log1p(np.e))


def test_constants_are_left_to_scipy():
    f = tw.objective(lambda x: x[0, 0] * ss.logsumexp([1.0, 2.0]) + ss.softmax([0.0, 0.0])[0], X)
    assert f(X) == pytest.approx(0.3 * ss.logsumexp([1.0, 2.0]) + 0.5)
