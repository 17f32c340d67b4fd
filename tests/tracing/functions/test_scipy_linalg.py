"""Functions of scipy.linalg, against SciPy."""

import numpy as np
import pytest
import scipy.linalg as sl
from traced_values import check_slope, failing

import thalweg as tw
from thalweg._tracing.errors import TraceError

_rng = np.random.default_rng(17)
B, V = _rng.normal(size=(4, 3)), _rng.normal(size=4)
EYE = np.eye(4)
CONSTANT = sl.lu_factor(_rng.normal(size=(4, 4)))
FACTOR = sl.cho_factor(EYE + 0.1)


def definite(x):
    return x @ x.T + 2 * EYE


CASES = {
    "cholesky": (lambda x: sl.cholesky(x + 20 * EYE), (4, 4)),
    "lower": (lambda x: sl.cholesky(x + 20 * EYE, lower=True), (4, 4)),
    "cho_solve": (lambda x: sl.cho_solve(sl.cho_factor(x + 20 * EYE), B), (4, 4)),
    "cho_solve, lower": (lambda x: sl.cho_solve(sl.cho_factor(x + 20 * EYE, True), V), (4, 4)),
    "cho_solve of a constant": (lambda x: sl.cho_solve(FACTOR, x), (4, 4)),
    **{
        f"solve_triangular {trans} {lower} {unit}": (
            lambda x, t=trans, lo=lower, u=unit: sl.solve_triangular(
                x + 3 * EYE, B, trans=t, lower=lo, unit_diagonal=u
            ),
            (4, 4),
        )
        for trans in (0, 1, "T", "N")
        for lower in (True, False)
        for unit in (True, False)
    },
    "solve_triangular of a vector": (lambda x: sl.solve_triangular(x + 3 * EYE, V), (4, 4)),
    "solve": (lambda x: sl.solve(x, B) + sl.solve(x, B, assume_a="gen"), (4, 4)),
    "solve, positive": (lambda x: sl.solve(x + 20 * EYE, V, assume_a="pos"), (4, 4)),
    "solve, symmetric": (lambda x: sl.solve(x, V, assume_a="sym"), (4, 4)),
    "solve, triangular": (lambda x: sl.solve(np.tril(x), V, assume_a="lower triangular"), (4, 4)),
    "solve, transposed": (lambda x: sl.solve(x, V, transposed=True), (4, 4)),
    "lu_solve": (lambda x: sl.lu_solve(sl.lu_factor(x), B), (4, 4)),
    "lu_solve, transposed": (lambda x: sl.lu_solve(sl.lu_factor(x), V, trans=1), (4, 4)),
    "lu_solve of a constant": (lambda x: sl.lu_solve(CONSTANT, x), (4, 4)),
    "transposed, of a constant": (lambda x: sl.lu_solve(CONSTANT, x, trans=1), (4, 4)),
    "inv, det, norm": (lambda x: sl.inv(x) + sl.det(x) + sl.norm(x, 2), (4, 4)),
    "pinv": (lambda x: sl.pinv(x), (4, 3)),
    "lstsq": (lambda x: sl.lstsq(x, V)[0], (4, 3)),
    "svdvals": (lambda x: sl.svdvals(x) + sl.svd(x, compute_uv=False), (4, 3)),
    "svd": (lambda x: sl.svd(x, full_matrices=False)[0] ** 2, (4, 3)),
    "qr": (lambda x: sl.qr(x, mode="economic")[1], (4, 3)),
    "r": (lambda x: sl.qr(x, mode="r")[0], (3, 4)),
    "eigvalsh": (lambda x: sl.eigvalsh(x) + sl.eigvalsh(x, lower=False), (4, 4)),
    "eigh": (lambda x: sl.eigh(x)[1] ** 2, (4, 4)),
    "some eigenvalues": (lambda x: sl.eigvalsh(x, subset_by_index=[1, 2]), (4, 4)),
    "generalized": (lambda x: sl.eigvalsh(x, definite(x)), (4, 4)),
    "generalized vectors": (lambda x: sl.eigh(x + x.T, definite(x))[1] ** 2, (4, 4)),
}


@pytest.mark.parametrize("name", CASES)
def test_values_and_slopes_are_scipys(name):
    function, shape = CASES[name]
    check_slope(function, np.random.default_rng(len(name)).normal(size=shape), rtol=1e-7)


def test_constants_are_left_to_scipy():
    f = tw.objective(lambda x: x * sl.det(2 * EYE) + np.sum(sl.expm(np.zeros((2, 2)))), 1.0)
    assert f(3.0) == 50.0


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (lambda x: sl.sqrtm(x), "np.linalg.eigh"),
        (lambda x: sl.logm(x), "np.linalg.eigh"),
        (lambda x: sl.lu(x), "lu_solve"),
        (lambda x: np.diag(sl.lu_factor(x)[0]), "slogdet"),
        (lambda x: sl.qr(x[:, :2]), "economic"),
        (lambda x: sl.qr(x, mode="economic", pivoting=True), "pivoting"),
        (lambda x: sl.inv(1j * x), "complex"),
        (lambda x: sl.pinv(x, atol=0.1), "atol"),
        (lambda x: sl.eigh(x, x, type=2), "type"),
    ],
)
def test_what_has_no_traced_form_says_what_to_write(function, text):
    with pytest.raises(TraceError, match=text):
        failing(function, (4, 4))
