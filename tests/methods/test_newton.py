# SPDX-License-Identifier: BSD-3-Clause
"""Newton's method and its truncated kin: published problems, saddles, borders, large problems."""

import numpy as np
import pytest
from published import MGH, NIST

import thalweg as tw
from thalweg import _core
from thalweg._methods.method import make

BOTH = pytest.mark.parametrize("method", ["newton", "newton_cg"])


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def descend(problem, method, factor=1.0, **settings):
    return tw.minimize(problem.function, factor * problem.x0, method, unpack=False, **settings)


# ---- published problems --------------------------------------------------------------------------


def test_newton_solves_what_trust_exact_solves_in_no_more_evaluations():
    runs = [descend(p, "newton") for p in MGH]
    assert all(p.solved(r.fun) for p, r in zip(MGH, runs, strict=True))
    assert all(r.success for r in runs)
    scipys = sum(p.scipy["trust_exact"]["nfev"] for p in MGH)
    assert sum(r.nfev for r in runs) <= 1.05 * scipys
    # Two problems take SciPy most of its evaluations; so also without them.
    rest = [(r.nfev, p.scipy["trust_exact"]["nfev"]) for p, r in zip(MGH, runs, strict=True)
            if p.name not in ("Brown badly scaled", "Meyer")]  # fmt: skip
    assert sum(ours for ours, _ in rest) <= 1.05 * sum(theirs for _, theirs in rest)


@BOTH
@pytest.mark.parametrize(("factor", "least"), [(1, 20), (10, 18), (100, 17)])
def test_more_garbow_hillstrom_is_solved(method, factor, least):
    # Meyer's and Osborne's from afar: valleys of 1e4 evaluations, and minima at infinity.
    solved = sum(p.solved(descend(p, method, factor, max_nfev=600).fun) for p in MGH)
    assert solved >= least


@pytest.mark.parametrize(("method", "least"), [("newton", 27), ("newton_cg", 25)])
def test_nist_fits_are_solved_as_sums_of_squares(method, least):
    digits = []
    for fit, start in NIST:
        r = tw.minimize(fit.function, fit.starts[start], method, gtol=0, unpack=False)
        digits.append(fit.digits(r.x))
    assert sum(d > 4 for d in digits) >= least
    assert np.mean(digits) > 9


# ---- curvature -----------------------------------------------------------------------------------


def test_a_saddle_is_left_though_the_gradient_says_nothing():
    # The gradient has no component along x, so the way out is an eigenvector (the hard case).
    r = tw.minimize(lambda x, y: (x**2 - 1) ** 2 + y**2, [0.0, 1.0], "newton")
    assert r.success
    assert r.fun < 1e-15


@BOTH
def test_negative_curvature_is_followed_downhill(method):
    r = tw.minimize(lambda x: x**4 - x**2, 1e-3, method)
    assert r.success
    assert abs(r.x) == pytest.approx(np.sqrt(0.5), abs=1e-8)
    r = tw.minimize(lambda x: np.sum(x**4 - x**2), np.full(30, -1e-3), method)
    assert r.fun == pytest.approx(-7.5, abs=1e-12)


@BOTH
def test_a_quadratic_takes_a_few_steps(method):
    A = np.array([[4.0, 1.0, 0.0], [1.0, 3.0, 0.5], [0.0, 0.5, 1.0]])
    r = tw.minimize(lambda x: 0.5 * x @ A @ x - np.sum(x), np.zeros(3), method)
    np.testing.assert_allclose(r.x, np.linalg.solve(A, np.ones(3)), rtol=1e-7)
    assert r.nit <= 5


def test_scales_of_the_variables_matter_little():
    scale = np.array([1e-6, 1e5])
    start = np.array([-1.2, 1.0])
    plain = tw.minimize(rosenbrock, start, "newton")
    scaled = tw.minimize(lambda z: rosenbrock(z / scale), start * scale, "newton", gtol=0)
    np.testing.assert_allclose(scaled.x / scale, plain.x, rtol=1e-6)
    assert scaled.nfev < 3 * plain.nfev


# ---- ends ----------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("f", [
    lambda x: 1e6 + rosenbrock(x),
    lambda x: np.sum(np.cosh(x - 1)) + 1e-3 * rosenbrock(x),
    rosenbrock,
])  # fmt: skip
def test_the_limit_of_precision_is_a_success(method, f):
    r = tw.minimize(f, np.array([-1.2, 1.0, 0.5]), method, gtol=0)
    assert r.reason == tw.Reason.precision_limit
    assert r.success
    assert "rounding" in r.message
    # f tells x only to 1e-8 there; slopes tell more.
    slope = np.abs(tw.grad(f)(r.x)).max()
    assert slope < 1e-7
    assert r.nfev < 120


@BOTH
def test_a_trial_that_is_not_finite_shortens_the_step(method):
    r = tw.minimize(lambda x: np.log(x) ** 2, 8.0, method)
    assert r.success
    assert r.x == pytest.approx(1.0, abs=1e-8)
    r = tw.minimize(lambda x: np.sum(x - np.log(x)), np.array([100.0, 1e-3]), method)
    assert r.success
    np.testing.assert_allclose(r.x, 1.0, rtol=1e-8)


@BOTH
def test_a_function_without_end_diverges(method):
    r = tw.minimize(lambda x: np.sum(x), np.zeros(2), method)
    assert not r.success
    assert r.reason == tw.Reason.diverged


@pytest.mark.parametrize("method", ["newton", "newton_cg"])
@pytest.mark.parametrize("n", [2, 3, 40])
def test_descents_without_a_minimum_end_as_diverged_before_lengths_overflow(method, n):
    """Fourth powers of lengths did: steps were rejected for ever, or called precise."""
    for f in (
        lambda x: -np.sum(x * x),
        lambda x: np.sum(np.where(np.arange(x.size) % 2 == 0, -x * x, (x - 1) ** 2)),
    ):
        r = tw.minimize(f, np.linspace(0.5, 1, n), method, max_nfev=3000)
        assert (r.reason, r.success) == (tw.Reason.diverged, False), r.message
    assert "falls without bound" in r.message


@BOTH
def test_counts_say_what_was_evaluated(method):
    r = tw.minimize(rosenbrock, np.array([-1.2, 1.0]), method)
    assert r.nit < r.nfev
    assert r.njev == r.nfev
    if method == "newton":
        assert r.nhev == r.nit + 1  # at every iterate
    else:
        assert r.nit < r.nhev <= 4 * r.nfev


# ---- sizes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 3, 16, 17, 40])
def test_newton_at_sizes_where_the_hessian_is_made_otherwise(n):
    center = np.linspace(-1, 1, n)
    r = tw.minimize(
        lambda x: np.sum(np.cosh(x - center)) + np.sum(x) ** 4 + np.prod(np.cos(x[:2])),
        np.ones(n), "newton",
    )  # fmt: skip
    assert r.success
    assert np.abs(r.jac).max() < 1e-8
    assert r.nit < 25


def test_newton_cg_takes_ten_thousand_variables():
    weights = np.linspace(1, 100, 10_000)
    r = tw.minimize(
        lambda x: np.sum(weights * np.cosh(x)) + np.sum((x[1:] - x[:-1] - 1e-3) ** 2),
        np.full(10_000, 2.0), "newton_cg",
    )  # fmt: skip
    assert r.success
    assert r.nit < 30
    assert r.nhev < 400


def test_newton_says_what_to_use_where_the_matrix_does_not_fit():
    with pytest.raises(MemoryError, match="newton_cg"):
        tw.minimize(lambda x: np.sum(x**2), np.ones(10_000_000), "newton")


@BOTH
def test_second_derivatives_need_a_traced_function(method):
    with pytest.raises(TypeError, match="second derivatives"):
        tw.minimize(lambda x: x**2, 1.0, method, trace=False)


# ---- promises ------------------------------------------------------------------------------------


def together(method, F, starts, **stops):
    """Descents side by side, as the core runs them."""
    stopping = _core.Stopping(**{"gtol": 1e-8, "max_iter": 200, "max_nfev": 1000} | stops)
    return F.solver(method).run(
        _core.Starts(np.ascontiguousarray(starts)), make(method, {}).numbers(), [], stopping
    )  # fmt: skip


@BOTH
@pytest.mark.parametrize("n", [2, 5, 20])
def test_lanes_have_the_bits_of_a_lone_start(method, n):
    F = tw.objective(rosenbrock, np.zeros(n))
    starts = np.random.default_rng(0).normal(size=(70, n))
    starts[3] = 1e160  # overflows at once
    starts[11] = 1.0
    block = together(method, F, starts)
    for k in range(0, 70, 7 if n > 5 else 1):
        alone = together(method, F, starts[k : k + 1])
        for name in ("x", "fun", "nit", "nfev", "nhev", "reason"):
            np.testing.assert_array_equal(block[name][k], alone[name][0], err_msg=f"{name} {k}")


@BOTH
@pytest.mark.parametrize("bounds", [None, tw.Bounds(-1.5, [0.9, 2.0, 2.0])], ids=["free", "box"])
def test_a_state_continues_bit_for_bit(method, bounds):
    x0 = np.array([-1.2, 0.5, 0.3])
    whole = tw.minimize(rosenbrock, x0, method, bounds=bounds, record=True)
    for cut in range(1, whole.nit):
        part = tw.minimize(rosenbrock, x0, method, bounds=bounds, max_iter=cut)
        rest = tw.minimize(rosenbrock, x0, method, bounds=bounds, state=part.state, record=True)
        np.testing.assert_array_equal(rest.path.x, whole.path.x[cut:])
        np.testing.assert_array_equal(rest.x, whole.x)


@BOTH
def test_ask_and_tell_go_the_same_way(method):
    x0 = np.array([-1.2, 1.0, 0.4])
    F = tw.objective(rosenbrock, x0)
    talk = make(method, {}).start(x0)
    while (asked := talk.ask()) is not None:
        x = asked.x[0]
        h = None
        if asked.curvature[0]:
            h = F.hessian(x) if method == "newton" else F.hvp(x, asked.v[0])
        talk.tell(*F.value_and_grad(x), h)
    direct = tw.minimize(F, x0, method)
    np.testing.assert_allclose(talk.x, direct.x, rtol=1e-6)
    assert talk.nit == direct.nit
    assert talk.success


@BOTH
def test_functions_whose_derivatives_do_not_read_the_point(method):
    weights = np.array([4.0, 3.0, 1.0])
    r = tw.minimize(lambda x: np.sum(0.5 * weights * x**2 - x), np.zeros(3), method)
    np.testing.assert_allclose(r.x, 1 / weights, rtol=1e-7)
    box = tw.Bounds(-2.0, 1.0)
    r = tw.minimize(lambda x: np.sum(weights * x), np.zeros(3), method, bounds=box)
    np.testing.assert_array_equal(r.x, [-2.0, -2.0, -2.0])
    r = tw.minimize(lambda x: 5.0 + 0 * np.sum(x), np.zeros(3), method)
    assert (r.success, r.nit, r.fun) == (True, 0, 5.0)
