"""Linear algebra of complex matrices, against NumPy."""

import numpy as np
import pytest
from traced_values import check_slope

import thalweg as tw
from thalweg._tracing.errors import TraceError

_rng = np.random.default_rng(18)
A = _rng.normal(size=(3, 3)) + 1j * _rng.normal(size=(3, 3))
B = _rng.normal(size=(3, 2)) + 1j * _rng.normal(size=(3, 2))
EYE = np.eye(3)


def hermitian(z):
    return z @ np.conj(np.swapaxes(z, -1, -2)) + EYE


def both(z):
    return np.stack([z.real, z.imag])


CASES = {
    "solve": lambda z: both(np.linalg.solve(z, B)),
    "solve for a vector": lambda z: both(np.linalg.solve(z, z[0])),
    "solve a real system": lambda z: both(np.linalg.solve(z.real, z)),
    "solve for real columns": lambda z: both(np.linalg.solve(z, EYE)),
    "inv": lambda z: both(np.linalg.inv(z)),
    "pinv": lambda z: both(np.linalg.pinv(z[:, :2])) + both(np.linalg.pinv(z[:, :2], rtol=None)),
    "cholesky": lambda z: both(np.linalg.cholesky(hermitian(z))),
    "cholesky of a triangle": lambda z: both(np.linalg.cholesky(z + 9 * EYE)),
    "upper": lambda z: both(np.linalg.cholesky(z + 9 * EYE, upper=True)),
    "eigvalsh": lambda z: np.linalg.eigvalsh(z),
    "eigvalsh of the upper triangle": lambda z: np.linalg.eigvalsh(z, "U"),
    "svdvals": lambda z: np.linalg.svdvals(z) + np.linalg.svd(z[:, :2].T, compute_uv=False)[0],
    "det": lambda z: both(np.linalg.det(z) + np.linalg.det(z[:2, :2]) + np.linalg.det(z[:1, :1])),
    "norms": lambda z: sum(np.linalg.norm(z, p) for p in (2, -2, "nuc", 1, "fro")),
    "norm along axes": lambda z: np.linalg.norm(z[None], 2, (1, 2), keepdims=True),
    "matrix_norm": lambda z: np.linalg.matrix_norm(z) + np.linalg.matrix_norm(z, ord=2),
    "vector_norm": lambda z: np.linalg.vector_norm(z, axis=0),
}


@pytest.mark.parametrize("name", CASES)
def test_values_and_slopes_are_numpys(name):
    check_slope(lambda p: CASES[name](p[0] + 1j * p[1]), np.stack([A.real, A.imag]), rtol=1e-7)


def test_a_batch_and_lanes():
    z = np.stack([A, A + 1, 2j * A])

    def f(p):
        return np.sum(np.abs(np.linalg.solve(p[0] + 1j * p[1], B)) ** 2)

    p = np.stack([z.real, z.imag])
    objective = tw.objective(f, p[:, 0])
    each = [objective(p[:, k]) for k in range(3)]
    assert tw.objective(f, p)(p) == pytest.approx(sum(each), rel=1e-14)
    np.testing.assert_array_equal(objective(np.moveaxis(p, 1, 0)), each)


def test_an_impedance_by_the_equations_of_its_nodes():
    """A bridge of resistances with a coil: the current from the first node to ground."""

    def current(p):
        g, y = 1 / p[0], 1 / (p[1] + 1j * p[2])
        nodes = np.array([[2 * g, -g], [-g, 2 * g + y]])
        return abs(np.linalg.solve(nodes, np.array([1.0, 0.0]))[0])

    check_slope(current, np.array([2.0, 0.5, 1.5]))


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (lambda z: np.linalg.svd(z)[1], "with vectors"),
        (lambda z: np.linalg.det(np.kron(z, EYE)), "more than three rows"),
        (lambda z: np.linalg.eigh(z)[0], "np.linalg.eigh of complex values"),
    ],
)
def test_what_has_no_complex_form_is_refused_by_name(function, name):
    with pytest.raises(TraceError, match=name):
        tw.objective(lambda p: np.sum(abs(function(p + 1j * p))), np.ones((3, 3)))
