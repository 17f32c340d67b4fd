"""NumPy's linear algebra: values and slopes against NumPy and mpmath, in lanes and alone."""

import pickle

import mpmath
import numpy as np
import pytest
import scipy.linalg as sl
from traced_values import check_slope, failing, traced

import thalweg as tw
from thalweg._tracing.errors import TraceError

_rng = np.random.default_rng(16)
B, V = _rng.normal(size=(4, 3)), _rng.normal(size=4)
EYE = np.eye(4)


def definite(x):
    """A positive definite matrix from any matrix."""
    return x @ np.swapaxes(x, -1, -2) + 2 * np.eye(x.shape[-1])


def of_symmetric(f):
    """A function of a symmetric matrix, which no sign of an eigenvector changes."""

    def call(x):
        w, v = np.linalg.eigh(x)
        return (v * f(w)[..., None, :]) @ np.swapaxes(v, -1, -2)

    return call


def parts(*arrays):
    return np.concatenate([np.ravel(a) for a in arrays])


def smooth_of_svd(x):
    u, s, v = np.linalg.svd(x, full_matrices=False)
    return (u * np.exp(-s)) @ v


# name: function, shape of its argument
CASES = {
    "cholesky": (lambda x: np.linalg.cholesky(definite(x)), (4, 4)),
    "cholesky of the lower triangle": (lambda x: np.linalg.cholesky(x + 20 * EYE), (4, 4)),
    "upper": (lambda x: np.linalg.cholesky(x + 20 * EYE, upper=True), (4, 4)),
    "cholesky of a batch": (lambda x: np.linalg.cholesky(definite(x)), (2, 3, 4, 4)),
    "solve": (lambda x: np.linalg.solve(x, B), (4, 4)),
    "solve for a vector": (lambda x: np.linalg.solve(x, x[0] + V), (4, 4)),
    "solve a batch": (lambda x: np.linalg.solve(x, B), (2, 4, 4)),
    "solve one for a batch": (lambda x: np.linalg.solve(x[0], x), (3, 4, 4)),
    "solve a constant": (lambda x: np.linalg.solve(EYE + np.tri(4), x), (4, 4)),
    "inv": (np.linalg.inv, (4, 4)),
    **{f"det {n}": (np.linalg.det, (2, n, n)) for n in (1, 2, 3, 4, 6)},
    "slogdet": (lambda x: np.stack(np.linalg.slogdet(x)), (3, 5, 5)),
    "logdet": (lambda x: np.linalg.slogdet(x).logabsdet, (1, 1)),
    "matrix_power": (lambda x: sum(np.linalg.matrix_power(x, k) for k in (-2, 0, 1, 5)), (3, 3)),
    "eigvalsh": (np.linalg.eigvalsh, (4, 4)),
    "eigvalsh of the upper triangle": (lambda x: np.linalg.eigvalsh(x, "U"), (4, 4)),
    "eigh": (of_symmetric(np.tanh), (2, 4, 4)),
    "eigenvectors": (lambda x: np.linalg.eigh(x).eigenvectors ** 2, (4, 4)),
    "qr": (lambda x: parts(*np.linalg.qr(x)), (5, 3)),
    "qr of a wide matrix": (lambda x: parts(*np.linalg.qr(x)), (3, 5)),
    "r": (lambda x: np.linalg.qr(x, "r"), (2, 4, 4)),
    "svd": (smooth_of_svd, (5, 3)),
    "singular vectors": (lambda x: np.linalg.svd(x, full_matrices=False).U ** 2, (5, 3)),
    "right singular vectors": (lambda x: np.linalg.svd(x).Vh ** 2, (4, 4)),
    "svdvals": (np.linalg.svdvals, (3, 5)),
    "svdvals by svd": (lambda x: np.linalg.svd(x, compute_uv=False, hermitian=True), (4, 4)),
    "pinv": (np.linalg.pinv, (5, 3)),
    "pinv of a wide matrix": (lambda x: np.linalg.pinv(x, rtol=None), (2, 3, 4)),
    "pinv of less than full rank": (lambda x: np.linalg.pinv(x[:, :2] @ x[:2], 1e-10), (4, 4)),
    "lstsq": (lambda x: parts(*np.linalg.lstsq(x, V, rcond=None)[:2]), (4, 2)),
    "lstsq of columns": (lambda x: parts(*np.linalg.lstsq(x, B)), (4, 2)),
    "underdetermined": (lambda x: np.linalg.lstsq(x, V[:2], rcond=-1)[0], (2, 4)),
    "matrix_rank": (lambda x: x * np.linalg.matrix_rank(x) + np.linalg.matrix_rank(x[0]), (4, 3)),
    "norms": (lambda x: sum(np.linalg.norm(x, p) for p in (2, -2, "nuc")), (4, 3)),
    "norm along axes": (lambda x: np.linalg.norm(x, 2, (0, 2), keepdims=True), (4, 2, 3)),
    "cond": (lambda x: sum(np.linalg.cond(x, p) for p in (None, 1, -2, "fro")), (4, 4)),
    "vander": (lambda x: parts(np.vander(x), np.vander(x, 3, increasing=True)), (4,)),
    "tensorsolve": (lambda x: np.linalg.tensorsolve(x, np.ones((2, 3))), (2, 3, 6)),
    "tensorinv": (lambda x: np.linalg.tensorinv(x, 1), (6, 2, 3)),
    # of more than 16 or 32 rows: one matrix at a time
    "large cholesky": (lambda x: np.linalg.cholesky(x + 200 * np.eye(70)), (70, 70)),
    "large solve": (lambda x: np.linalg.solve(x + 20 * np.eye(40), x[:, :3]), (40, 40)),
    "large inv": (lambda x: np.linalg.inv(x + 20 * np.eye(34)), (34, 34)),
    "large slogdet": (lambda x: np.linalg.slogdet(x + 20 * np.eye(70)).logabsdet, (70, 70)),
    "large det": (lambda x: np.linalg.det(np.eye(34) + x / 20), (34, 34)),
    "large eigvalsh": (np.linalg.eigvalsh, (20, 20)),
    "large eigh": (of_symmetric(np.tanh), (20, 20)),
    "large qr": (lambda x: np.linalg.qr(x)[0], (20, 18)),
    "large svd": (smooth_of_svd, (20, 18)),
}


@pytest.mark.parametrize("name", CASES)
def test_values_and_slopes_are_numpys(name):
    function, shape = CASES[name]
    check_slope(function, np.random.default_rng(len(name)).normal(size=shape), rtol=1e-7)


@pytest.mark.parametrize("name", [n for n in CASES if not n.startswith("large")])
def test_hessians_are_differences_of_gradients(name):
    function, shape = CASES[name]
    rng = np.random.default_rng(len(name))
    x, v = rng.normal(size=shape), rng.normal(size=shape)
    w = rng.normal(size=np.shape(function(x)))
    objective = tw.objective(lambda x: np.sum(w * function(x)), x)
    got = objective.hvp(x, v)

    def slope(h):
        return (objective.grad(x + h * v) - objective.grad(x - h * v)) / (2 * h)

    wanted = (4 * slope(1e-5) - slope(2e-5)) / 3
    assert np.abs(got - wanted).max() <= 1e-6 * max(1, np.abs(wanted).max())


@pytest.mark.parametrize("name", CASES)
def test_lanes_have_the_bits_of_one_point_alone(name):
    function, shape = CASES[name]
    x = np.random.default_rng(len(name)).normal(size=(13, *shape))
    w = np.random.default_rng(0).normal(size=np.shape(function(x[0])))
    objective = tw.objective(lambda x: np.sum(w * function(x)), x[0])
    values, gradients = objective.value_and_grad(x)
    for k, point in enumerate(x):
        value, gradient = objective.value_and_grad(point)
        assert value == values[k]
        np.testing.assert_array_equal(gradient, gradients[k])


def test_saved_objectives_are_the_same():
    x = np.random.default_rng(1).normal(size=(4, 4))

    def f(x):
        w, v = np.linalg.eigh(definite(x))
        return (
            np.sum(np.linalg.cholesky(definite(x)) * v)
            + np.linalg.slogdet(x)[1]
            + np.sum(np.linalg.solve(x, np.linalg.pinv(x)) * w)
            + np.sum(np.linalg.qr(x)[0] * sl.expm(x))
        )

    before = tw.objective(f, x)
    after = pickle.loads(pickle.dumps(before))
    np.testing.assert_array_equal(after.grad(x), before.grad(x))


def test_a_kalman_filter_is_a_loop_of_small_systems():
    noise = np.random.default_rng(6).normal(size=(50, 2))
    seen = np.cumsum(0.1 * noise, axis=0) + 0.3 * noise[::-1]
    move, eye = np.array([[1.0, 1.0], [0.0, 1.0]]), np.eye(2)

    def surprise(t):
        drift = np.exp(t[0]) * np.array([[1 / 3, 0.5], [0.5, 1.0]])

        def step(carry, now):
            mean, spread, total = carry
            mean, spread = move @ mean, move @ spread @ move.T + drift
            expected = spread + np.exp(t[1]) * eye
            gain = np.linalg.solve(expected, spread).T
            off = now - mean
            here = np.linalg.slogdet(expected)[1] + off @ np.linalg.solve(expected, off)
            return (mean + gain @ off, spread - gain @ expected @ gain.T, total + 0.5 * here), None

        return tw.scan(step, (np.zeros(2), eye, 0.0), seen)[0][2]

    check_slope(surprise, np.array([-3.0, -1.0]))
    starts = np.random.default_rng(7).normal(size=(9, 2)) - 2
    objective = tw.objective(surprise, starts[0])
    for k, gradient in enumerate(objective.grad(starts)):
        np.testing.assert_array_equal(gradient, objective.grad(starts[k]))


def test_long_batches_are_right():
    """More than 256 matrices along the leading axis, which other arrays go through by rows."""
    x = definite(np.random.default_rng(2).normal(size=(300, 3, 3)))

    def f(x):
        return np.sum(np.linalg.solve(x, np.linalg.cholesky(x)) * np.linalg.slogdet(x)[1][0])

    assert tw.objective(f, x)(x) == pytest.approx(f(x), rel=1e-13)
    one = tw.grad(lambda y: np.sum(np.linalg.inv(y)))(x[7])
    many = tw.grad(lambda y: np.sum(np.linalg.inv(y)))(x)
    np.testing.assert_allclose(many[7], one, rtol=1e-13)


OF_A_BATCH = {
    "cholesky": lambda x: np.linalg.cholesky(definite(x)),
    "solve": lambda x: np.linalg.solve(x, B),
    "inv": np.linalg.inv,
    "det": np.linalg.det,
    "slogdet": lambda x: np.linalg.slogdet(x)[1],
    "eigh": lambda x: np.linalg.eigh(x)[1],
    "qr": lambda x: np.linalg.qr(x)[0],
    "svd": lambda x: np.linalg.svd(x)[2],
    "pinv": np.linalg.pinv,
    "expm": lambda x: sl.expm(x),
}


@pytest.mark.parametrize("name", OF_A_BATCH)
def test_a_batch_has_the_bits_of_its_matrices(name):
    """Matrices of a batch are computed several at a time, as lanes are."""
    function = OF_A_BATCH[name]
    x = np.random.default_rng(5).normal(size=(21, 4, 4))
    together = traced(function, x)
    for k, one in enumerate(x):
        np.testing.assert_array_equal(together[k], traced(function, one))


def test_lists_of_traced_values_and_objects_that_are_numbers_are_matrices():
    objects = np.array([[2.0, 1.0], [1.0, 3.0]], dtype=object)

    def f(x):
        return np.linalg.det([[x[0], 1.0], [2.0, x[1]]]) + x[0] * np.linalg.det(objects)

    assert tw.objective(f, np.ones(2))([2.0, 3.0]) == pytest.approx(14.0)


# ---- what is in the libraries --------------------------------------------------------------------


@pytest.mark.parametrize("module", [np.linalg, sl])
def test_every_function_is_traced_or_refused(module):
    def outcome(name, k):
        space = {"module": module}
        exec(f"def f(*x): return module.{name}(*x[:{k}])", space)
        try:
            failing(space["f"], (4, 4), (4, 4), (4, 4), (4, 4))
        except TraceError:
            return "refused"
        except Exception:  # another number or kind of arguments
            return "mistake"
        return "traced"

    # Those of shapes that are not (4, 4), which have tests of their own.
    others = {"cross", "outer", "cho_solve", "lu_solve", "cho_solve_banded"}
    for name in set(module.__all__) - others:
        function = getattr(module, name)
        if callable(function) and not isinstance(function, type):
            assert {outcome(name, k) for k in (1, 2, 3, 4)} != {"mistake"}, name


# ---- accuracy, against mpmath --------------------------------------------------------------------

EPS = np.finfo(float).eps


def exactly(f, a, along=None):
    """The value of a function of mpmath's matrices, or its derivative along a direction."""
    with mpmath.workdps(60):
        x = mpmath.matrix(a.tolist())
        if along is None:
            value = f(x)
        else:
            h = mpmath.mpf(10) ** -25
            e = mpmath.matrix(along.tolist()) * h
            value = (f(x + e) - f(x - e)) / (2 * h)
        if isinstance(value, mpmath.matrix):
            return np.array(value.tolist(), dtype=float)
        return float(value)


def conditioned(rng, n, kappa):
    """A matrix with singular values from 1 to 1 / kappa."""
    u, v = (np.linalg.qr(rng.normal(size=(n, n)))[0] for _ in range(2))
    return (u * np.geomspace(1, 1 / kappa, n)) @ v


def _mp_definite(x):
    return x * x.T


def _mp_eigenvalues(x):
    values = mpmath.eigsy(x + x.T, eigvals_only=True)
    return mpmath.matrix(sorted(values))


def _mp_pinv(x):
    return (x.T * x) ** -1 * x.T


def _mp_lower(x):
    n = x.rows
    return mpmath.matrix([[x[i, j] if i >= j else 0 for j in range(n)] for i in range(n)])


def _mp_logdet(x):
    return mpmath.log(abs(mpmath.det(x)))


# name: in NumPy, in mpmath, the bound of its derivative in units of that of its argument
ACCURACY = {
    "inv": (np.linalg.inv, lambda x: x**-1, lambda a: np.linalg.norm(np.linalg.inv(a), 2) ** 2),
    "solve": (
        lambda x: np.linalg.solve(x, V[: len(x)]),
        lambda x: mpmath.lu_solve(x, mpmath.matrix(V[: x.rows].tolist())),
        lambda a: np.linalg.norm(np.linalg.inv(a), 2) ** 2 * np.linalg.norm(V),
    ),
    "det": (np.linalg.det, mpmath.det, lambda a: abs(np.linalg.det(a)) * np.linalg.cond(a)),
    "logdet": (
        lambda x: np.linalg.slogdet(x)[1],
        _mp_logdet,
        lambda a: np.linalg.norm(np.linalg.inv(a), "nuc"),
    ),
    "cholesky": (
        lambda x: np.linalg.cholesky(x + x.T + 3 * np.eye(len(x))),
        lambda x: mpmath.cholesky(x + x.T + 3 * mpmath.eye(x.rows)),
        lambda a: 1 + np.linalg.norm(a),
    ),
    "eigvalsh": (
        lambda x: np.linalg.eigvalsh(x + x.T),
        _mp_eigenvalues,
        lambda a: 2 * np.linalg.norm(a, 2),
    ),
    "svdvals": (
        np.linalg.svdvals,
        lambda x: mpmath.svd_r(x, compute_uv=False),
        lambda a: np.linalg.norm(a, 2),
    ),
    "pinv": (
        lambda x: np.linalg.pinv(x[:, 1:]),
        lambda x: _mp_pinv(x[:, 1:]),
        lambda a: 3 * np.linalg.norm(np.linalg.pinv(a[:, 1:]), 2) ** 2,
    ),
    "lstsq": (
        lambda x: np.linalg.lstsq(x[:, 1:], V[: len(x)], rcond=None)[0],
        lambda x: _mp_pinv(x[:, 1:]) * mpmath.matrix(V[: x.rows].tolist()),
        lambda a: 3 * np.linalg.norm(np.linalg.pinv(a[:, 1:]), 2) ** 2 * np.linalg.norm(V),
    ),
    "qr": (
        lambda x: np.abs(np.linalg.qr(x, "r")),
        lambda x: mpmath.qr(x)[1].apply(abs),
        lambda a: np.linalg.norm(a, 2),
    ),
    "solve_triangular": (
        lambda x: sl.solve_triangular(x, V[: len(x)], lower=True),
        lambda x: _mp_lower(x) ** -1 * mpmath.matrix(V[: x.rows].tolist()),
        lambda a: np.linalg.norm(np.linalg.inv(np.tril(a)), 2) ** 2 * np.linalg.norm(V),
    ),
    "expm": (sl.expm, mpmath.expm, lambda a: np.exp(np.linalg.norm(a, 2))),
}


@pytest.mark.parametrize("name", ACCURACY)
@pytest.mark.parametrize("kappa", [2e0, 1e3, 1e7])
def test_values_and_derivatives_are_right_to_100_kappa_ulp(name, kappa):
    function, exact, bound = ACCURACY[name]
    rng = np.random.default_rng(3)
    for n in (2, 4):
        a, along = conditioned(rng, n, kappa), rng.normal(size=(n, n))
        wanted, slope = exactly(exact, a), exactly(exact, a, along)
        shape = np.shape(wanted)
        flat = tw.jacobian(lambda x: np.ravel(function(x)))
        got = np.tensordot(flat(a).reshape(-1, n, n), along, 2)
        value = np.array([
            tw.objective(lambda x, k=k: np.ravel(function(x))[k], a)(a)
            for k in range(int(np.prod(shape)))
        ]).reshape(shape)  # fmt: skip
        kappa_here = np.linalg.cond(a)
        size = max(np.linalg.norm(wanted), bound(a) * np.linalg.norm(a) / kappa_here)
        assert np.linalg.norm(value - wanted) <= 100 * kappa_here * EPS * size
        scale = max(np.linalg.norm(slope), bound(a) * np.linalg.norm(along))
        assert np.linalg.norm(got.reshape(shape) - slope) <= 100 * kappa_here * EPS * scale


# ---- where there is no value, or no slope --------------------------------------------------------


def test_a_matrix_that_is_not_positive_definite_is_a_domain():
    def f(x):
        return np.sum(np.linalg.cholesky(x * np.eye(3) - np.ones((3, 3))))

    objective = tw.objective(f, 4.0)
    values = objective(np.array([4.0, 1.0, 5.0]))
    assert np.isnan(values).tolist() == [False, True, False]
    assert values[2] == objective(5.0)
    message = tw.minimize(f, 1.0).message
    assert "left the domain: cholesky of a matrix that is not positive definite" in message


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (lambda x: np.sum(np.linalg.inv(x * np.ones((3, 3)))), "inv"),
        (lambda x: np.sum(np.linalg.solve(x * np.ones((3, 3)), np.ones(3))), "solve"),
        (lambda x: np.sum(sl.solve_triangular(np.tri(3) - x, np.ones(3))), "solve_triangular"),
    ],
)
def test_a_singular_matrix_is_a_domain(function, name):
    message = tw.minimize(function, 1.0).message
    assert f"left the domain: {name} of a singular matrix" in message


@pytest.mark.parametrize("n", [1, 2, 3, 4, 7, 40])
def test_the_slopes_of_a_determinant_are_right_at_singular_matrices(n):
    rng = np.random.default_rng(n)
    u, _, v = np.linalg.svd(rng.normal(size=(n, n)))
    for missing in range(1, min(n, 2) + 1):
        s = np.linspace(1.5, 0.5, n)
        s[n - missing :] = 0
        a = (u * s) @ v
        wanted = np.zeros((n, n))
        if missing == 1:
            sign = np.linalg.det(u) * np.linalg.det(v)
            wanted = sign * np.prod(s[: n - 1]) * np.outer(u[:, -1], v[-1])
        np.testing.assert_allclose(tw.grad(np.linalg.det)(a), wanted, atol=1e-14 * n)


def test_equal_eigenvalues_have_no_share_in_each_others_slopes():
    a = np.diag([1.0, 1.0, 3.0])
    f = of_symmetric(np.exp)
    slopes = tw.grad(lambda x: np.sum(np.diag(f(x))))(a)
    np.testing.assert_allclose(slopes, np.diag(np.exp([1.0, 1.0, 3.0])), atol=1e-13)
    np.testing.assert_allclose(tw.grad(lambda x: np.sum(np.linalg.eigvalsh(x)))(a), np.eye(3))


def test_singular_vectors_are_those_of_the_matrix_at_any_rank():
    for a in (np.zeros((4, 3)), np.ones((4, 3)), np.eye(4)[:, :3]):

        def part(x, k):
            return parts(*np.linalg.svd(x, full_matrices=False))[k]

        flat = np.array([tw.objective(lambda x, k=k: part(x, k), a)(a) for k in range(24)])
        u, s, v = flat[:12].reshape(4, 3), flat[12:15], flat[15:].reshape(3, 3)
        np.testing.assert_allclose((u * s) @ v, a, atol=1e-15)
        np.testing.assert_allclose(u.T @ u, np.eye(3), atol=1e-14)
        np.testing.assert_allclose(v.T @ v, np.eye(3), atol=1e-14)


# ---- what is refused, and mistakes ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (lambda x: np.linalg.qr(x, "complete"), "reduced"),
        (lambda x: np.linalg.svd(x[:, :2]), "full_matrices=False"),
        (lambda x: np.linalg.eig(x), "np.linalg.eigh"),
        (lambda x: np.linalg.qr(1j * x), "complex"),
    ],
)
def test_what_has_no_traced_form_says_what_to_write(function, text):
    with pytest.raises(TraceError, match=text):
        failing(function, (4, 4))


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (lambda x: np.linalg.inv(x[:2]), "must be square"),
        (lambda x: np.linalg.det(x[0]), "at least two-dimensional"),
        (lambda x: np.linalg.eigvalsh(x, "X"), "UPLO"),
        (lambda x: np.linalg.qr(x, "X"), "Unrecognized mode"),
        (lambda x: np.linalg.solve(x, np.ones(3)), "mismatch in its core dimension"),
        (lambda x: np.linalg.lstsq(x, np.ones(3)), "Incompatible dimensions"),
        (lambda x: np.linalg.pinv(x, 0.1, rtol=0.1), "can't be both set"),
        (lambda x: np.linalg.matrix_power(x, 1.5), "must be an integer"),
        (lambda x: np.vander(x), "one-dimensional"),
        (lambda x: np.linalg.tensorinv(x, 0), "Invalid ind"),
    ],
)
def test_mistakes_raise_numpys_errors(function, text):
    with pytest.raises((ValueError, TypeError), match=text):
        failing(function, (4, 4))
    with pytest.raises((ValueError, TypeError)):
        function(np.ones((4, 4)))


def test_empty_matrices_are_numpys():
    def f(x):
        none = x[:, :0, :0]
        return (
            np.sum(np.linalg.det(none))
            + np.sum(np.linalg.slogdet(none)[0])
            + np.sum(np.linalg.inv(none))
        )

    x = np.ones((2, 3, 3))
    assert tw.objective(f, x)(x) == f(x) == 4.0
    for g in (np.linalg.cholesky, np.linalg.eigvalsh, np.linalg.svdvals, np.linalg.pinv, sl.expm):
        assert tw.objective(lambda x, g=g: np.sum(x) + np.sum(g(x[:0, :0])), x[0])(x[0]) == 9.0
