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


P = np.abs(X) + 0.3  # positive
OF_POSITIVE = {
    "loggamma": ss.loggamma, "rgamma": ss.rgamma, "exp1": ss.exp1, "expi": ss.expi,
    "sici": lambda x: ss.sici(x)[0] + 2 * ss.sici(x)[1], "zeta": lambda x: ss.zeta(1 + x),
    "zeta of two": lambda x: ss.zeta(2.5, x), "zetac": lambda x: ss.zetac(1 + x),
    "expn": lambda x: ss.expn(3, x) + ss.expn(0, x), "chdtr": lambda x: ss.chdtr(x, 2.0),
    "chdtrc": lambda x: ss.chdtrc(3.0, x), "gdtr": lambda x: ss.gdtr(2.0, x, 1.3),
    "gdtrc": lambda x: ss.gdtrc(x, 2.0, 1.3), "pdtr": lambda x: ss.pdtr(2, x),
    "pdtrc": lambda x: ss.pdtrc(2, x), "fdtr": lambda x: ss.fdtr(x, 3.0, 1.2),
    "fdtrc": lambda x: ss.fdtrc(2.0, 3.0, x), "legendre": lambda x: ss.eval_legendre(4, x),
    "legendre 0": lambda x: x * ss.eval_legendre(0, x) + ss.eval_legendre(-2, x),
    "stdtrit": lambda x: ss.stdtrit(1 + x, x / 5), "binom": lambda x: ss.binom(4.0, x),
    "stdtrit at 1/2": lambda x: ss.stdtrit(3.0, 0.5 + 0 * x) + x, "cosm1": ss.cosm1,
    "bdtr": lambda x: ss.bdtr(2, 5, x / 4) + ss.bdtrc(3, 5, x / 4) + ss.bdtr(5, 5, x / 4),
    "nbdtr": lambda x: ss.nbdtr(2, 5, x / 4) + ss.nbdtrc(3, 5, x / 4),
    "boxcox1p": lambda x: ss.boxcox1p(x, 0.3) + ss.inv_boxcox1p(x, 0.3) + ss.boxcox1p(x, 0.0),
    "ndtri": lambda x: ss.ndtri(x / 4), "spherical_jn": lambda x: ss.spherical_jn(2, x),
    "its slope": lambda x: ss.spherical_jn(0, x, True) + ss.spherical_jn(3, x, derivative=True),
    "j0 and its kin": lambda x: ss.j0(x) + ss.j1(x) + ss.y0(x) + ss.y1(x) + ss.jv(2, x),
    "i0 and its kin": lambda x: ss.i0(x) + ss.i1(x) + ss.i0e(x) + ss.i1e(x) + ss.iv(3, x),
    "k0 and its kin": lambda x: ss.k0(x) + ss.k1(x) + ss.k0e(x) + ss.k1e(x) + ss.kn(2, x),
}  # fmt: skip


@pytest.mark.parametrize("name", OF_POSITIVE)
def test_functions_of_positive_numbers_are_scipys(name):
    f = OF_POSITIVE[name]
    weights = np.random.default_rng(0).normal(size=P.shape)

    def g(x):
        return np.sum(weights * f(x))

    F = tw.objective(g, P)
    assert F(P) == pytest.approx(g(P), rel=1e-13)
    v = np.random.default_rng(1).normal(size=P.shape)
    coarse, fine = ((g(P + h * v) - g(P - h * v)) / (2 * h) for h in (2e-4, 1e-4))
    slope = (4 * fine - coarse) / 3
    assert np.sum(F.grad(P) * v) == pytest.approx(slope, rel=1e-8, abs=1e-9)
    if name in ("zeta", "zetac"):  # whose second slope is not offered
        assert np.isnan(F.hvp(P, v)).all()
        return
    h = 1e-5
    turn = (F.grad(P + h * v) - F.grad(P - h * v)) / (2 * h)
    np.testing.assert_allclose(F.hvp(P, v), turn, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: ss.jv(x[0, 0], 1.0),
        lambda x: ss.kv(0.5, x[0, 0]),
        lambda x: ss.spherical_jn(x[0, 0], 1.0),
        lambda x: ss.iv(np.array([0, 1]), x[0, :2]).sum(),
    ],
)
def test_orders_must_be_whole_constants(f):
    with pytest.raises(tw.TraceError, match="order must be"):
        tw.objective(f, P)


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
