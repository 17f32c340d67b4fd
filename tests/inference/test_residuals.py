# SPDX-License-Identifier: BSD-3-Clause
"""Statistics of minimized residuals are those of the same fit of a model."""

import pickle

import numpy as np
import pytest
from fit_cases import T, decay, decays

import thalweg as tw

NUMBERS = ("dof", "chi2", "reduced_chi2", "aic", "bic", "condition")
Y = decays(5)[1]
# A bound for the constant, which the second of the decays reaches.
LEAST = tw.curve_fit(decay, T, Y[1], [1.0, 1.0, 0.0]).popt[2] + 0.01


def residuals(p, y):
    return decay(T, p[0], p[1], p[2]) - y


def named(y, a, b, c):
    return decay(T, a, b, c) - y


@pytest.mark.parametrize("loss", ["linear", "soft_l1"])
@pytest.mark.parametrize("bounds", [(-np.inf, np.inf), ([0, 0, LEAST], [9, 9, 9])], ids=["", "box"])
def test_one_descent_says_what_the_fit_of_the_model_says(loss, bounds):
    said = {"loss": loss, "f_scale": 0.05, "bounds": bounds}
    fit = tw.curve_fit(decay, T, Y[1], [1.0, 1.0, 1.0], **said)
    res = tw.least_squares(residuals, [1.0, 1.0, 1.0], args=(Y[1],), **said)
    # Both end at 1e-10 of their parameters; costs and errors are as good.
    for name in NUMBERS:
        assert getattr(res, name) == pytest.approx(getattr(fit, name), rel=1e-6), name
    np.testing.assert_allclose(res.pcov, fit.pcov, rtol=1e-5)
    np.testing.assert_allclose(res.perr, fit.perr, rtol=1e-6)
    np.testing.assert_allclose(res.correlations, fit.correlations, rtol=1e-5)
    for own, other in zip(res.interval(0.9)[:2], fit.interval(0.9, "wald")[:2], strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-6)


@pytest.mark.parametrize("loss", ["linear", "huber"])
@pytest.mark.parametrize("bounds", [(-np.inf, np.inf), ([0, 0, LEAST], [9, 9, 9])], ids=["", "box"])
def test_many_descents_say_what_each_says_alone(loss, bounds):
    said = {"loss": loss, "f_scale": 0.05, "bounds": bounds}
    starts = np.tile([1.0, 1.0, 1.0], (5, 1))
    many = tw.least_squares_many(residuals, starts, lane_args=(Y,), **said)
    for i, one in enumerate(many):
        alone = tw.least_squares(residuals, starts[0], args=(Y[i],), **said)
        for name in NUMBERS:
            # One inverts J'J, the other has QR of J.
            assert getattr(one, name) == pytest.approx(getattr(alone, name), rel=1e-9), name
            assert getattr(one, name) == getattr(many, name)[i], name
        for name in ("pcov", "perr", "correlations"):
            np.testing.assert_allclose(getattr(many, name)[i], getattr(alone, name), rtol=1e-8)
            np.testing.assert_array_equal(getattr(one, name), getattr(many, name)[i])
        assert one.names == alone.names == ["x[0]", "x[1]", "x[2]"]
    some = many[[3, 1]].sort("cost")
    order = [3, 1] if many.cost[3] < many.cost[1] else [1, 3]
    np.testing.assert_array_equal(some.perr, many.perr[order])
    np.testing.assert_array_equal(some.interval().lower, many.interval().lower[order])


def test_names_come_from_the_start():
    fit = tw.least_squares(named, {"a": 1.0, "b": 1.0, "c": 0.0}, args=(Y[0],))
    assert fit.names == ["a", "b", "c"]
    assert "C(a, b)" in fit.report() or "C(b, c)" in fit.report()
    starts = {"w": np.ones((5, 2)), "c": np.zeros(5)}
    many = tw.least_squares_many(
        lambda y, w, c: decay(T, w[0], w[1], c) - y, starts, lane_args=(Y,)
    )
    assert many.names == ["w[0]", "w[1]", "c"]
    assert many[2].names == many.names
    pair = tw.least_squares(lambda u, v: np.stack([u - 1, v - 2, u * v]), (1.0, 1.0))
    assert pair.names == ["x[0]", "x[1]"]


def test_reports_have_what_applies():
    res = tw.least_squares(residuals, [1.0, 1.0, 0.0], args=(Y[0],))
    text = res.report()
    assert text.startswith("[[Model]]\n    residuals(x[0], x[1], x[2])\n")
    assert f"# data points      = {T.size}" in text
    assert f"    ended because      = {res.message}" in text
    assert "R-squared" not in text
    many = tw.least_squares_many(residuals, np.ones((5, 3)), lane_args=(Y,))
    text = many.report()
    assert "# fits           = 5" in text
    assert "missing" not in text
    assert "[[Median correlations]]" in text
    assert many[0].message in many[0].report()


def test_undetermined_variables_have_infinite_errors():
    def sums(p):
        return np.stack([p[0] + p[1] - 1, 2 * p[0] + 2 * p[1]] * 2)

    res = tw.least_squares(sums, [1.0, 1])
    assert not res.determined
    assert np.isinf(res.perr).all()
    assert "not determined by the data" in res.report()
    many = tw.least_squares_many(
        lambda p: np.stack([p[0] + p[1] - 1, p[0] + p[1]] * 2), np.ones((2, 2))
    )
    assert np.isinf(many.perr).all()
    # Of rounding, or infinite.
    assert (many.condition > 1e15).all()


def test_many_variables_are_described_by_qr():
    a = np.random.default_rng(0).normal(size=(40, 20))
    b = np.random.default_rng(1).normal(size=(3, 40))
    many = tw.least_squares_many(lambda p, b: a @ p - b, np.zeros((3, 20)), lane_args=(b,))
    np.testing.assert_allclose(many.condition, np.linalg.cond(a / np.linalg.norm(a, axis=0)))
    own = np.linalg.inv(a.T @ a) * many.reduced_chi2[:, None, None]
    np.testing.assert_allclose(many.pcov, own, rtol=1e-9, atol=1e-12)


def test_a_descent_that_did_not_begin_has_no_statistics():
    def powers(p):
        return np.log(p[0]) + p[1] * T - np.cos(T)

    many = tw.least_squares_many(powers, [[1.0, 1.0], [-1.0, 1.0]])
    assert np.isnan(many.perr).all(axis=1).tolist() == [False, True]
    assert np.isnan(many.aic).tolist() == [False, True]
    assert np.isnan(many.condition).tolist() == [False, True]


def test_pickles_keep_what_needs_no_function():
    res = tw.least_squares(residuals, [1.0, 1.0, 0.0], args=(Y[0],))
    again = pickle.loads(pickle.dumps(res))
    np.testing.assert_array_equal(again.perr, res.perr)
    assert again.report() == res.report()
    many = tw.least_squares_many(residuals, np.ones((5, 3)), lane_args=(Y,))
    with pytest.raises(ValueError, match="needs the function of the residuals"):
        _ = pickle.loads(pickle.dumps(many)).perr


def test_profiles_of_residuals_are_refused_with_a_reason():
    res = tw.least_squares(residuals, [1.0, 1.0, 0.0], args=(Y[0],))
    with pytest.raises(ValueError, match="method must be 'wald' for residuals, got 'profile'"):
        res.interval(method="profile")
