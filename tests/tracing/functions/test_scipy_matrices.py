"""scipy.linalg's functions of matrices, patterns and equations of matrices, against SciPy."""

import numpy as np
import pytest
import scipy.linalg as sl
from traced_values import check_slope, failing

import thalweg as tw

_rng = np.random.default_rng(17)
B, V = _rng.normal(size=(4, 3)), _rng.normal(size=4)
EYE = np.eye(4)
CASES = {
    "expm": (lambda x: sl.expm(x), (4, 4)),
    "expm of a batch": (lambda x: sl.expm(3 * x) * 1e-2, (2, 3, 3)),
    "large expm": (lambda x: sl.expm(x / 8), (20, 20)),
    "expm_frechet": (lambda x: sum(sl.expm_frechet(x[:3], x[1:])), (4, 3)),
    "derivative of expm": (lambda x: sl.expm_frechet(x, EYE, compute_expm=False), (4, 4)),
    "cosm, sinm, tanm": (lambda x: sl.cosm(x) + sl.sinm(x) + sl.tanm(0.2 * x), (3, 3)),
    "hyperbolic": (lambda x: sl.coshm(x) + sl.sinhm(x) + sl.tanhm(x), (3, 3)),
    "polar": (lambda x: sl.polar(x)[0] @ sl.polar(x, side="left")[1], (3, 3)),
    "orthogonal_procrustes": (lambda x: sl.orthogonal_procrustes(x, B)[0] * x[0], (4, 3)),
    "solve_sylvester": (lambda x: sl.solve_sylvester(x, B[:3], x[:, :3]), (4, 4)),
    "solve_lyapunov": (lambda x: sl.solve_continuous_lyapunov(x, EYE), (4, 4)),
    "solve_discrete_lyapunov": (lambda x: sl.solve_discrete_lyapunov(x, EYE), (4, 4)),
    "solve_banded": (lambda x: sl.solve_banded((1, 2), x[:, :], V), (4, 4)),
    "solveh_banded": (lambda x: sl.solveh_banded(x + 9 * EYE[-1][:, None], V), (4, 4)),
    "solveh_banded, lower": (
        lambda x: sl.solveh_banded(x + 9 * EYE[0][:, None], B, lower=True),
        (4, 4),
    ),
    "solve_toeplitz": (lambda x: sl.solve_toeplitz(x, V) + sl.solve_toeplitz((x, V), V), (4,)),
    "solve_circulant": (lambda x: sl.solve_circulant(x, V), (4,)),
    "eigh_tridiagonal": (lambda x: sl.eigh_tridiagonal(x[0], x[1, 1:])[0], (2, 4)),
    "eigvalsh_tridiagonal": (lambda x: sl.eigvalsh_tridiagonal(x[0], x[1, 1:]), (2, 4)),
    "companion": (lambda x: sl.companion(x), (4,)),
    "block_diag": (lambda x: sl.block_diag(x, 2.0, x[0], x[:2]), (3, 3)),
    "toeplitz": (lambda x: sl.toeplitz(x[0], x[1, :2]), (3, 3)),
    "symmetric toeplitz": (lambda x: sl.toeplitz(x), (4,)),
    "hankel": (lambda x: sl.hankel(x) + sl.hankel(x, x[::-1]), (4,)),
    "circulant": (lambda x: sl.circulant(x), (4,)),
}


@pytest.mark.parametrize("name", CASES)
def test_values_and_slopes_are_scipys(name):
    function, shape = CASES[name]
    check_slope(function, np.random.default_rng(len(name)).normal(size=shape), rtol=1e-7)


def test_the_hyperbolic_sine_of_small_matrices_does_not_cancel():
    a = 1e-9 * np.arange(4.0).reshape(2, 2)
    assert tw.objective(lambda x: sl.sinhm(x)[1, 1], a)(a) == pytest.approx(3e-9, rel=1e-15)


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="one more element"):
        failing(lambda x: sl.eigvalsh_tridiagonal(x[0], x[1]), (2, 4))
