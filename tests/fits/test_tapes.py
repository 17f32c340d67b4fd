# SPDX-License-Identifier: BSD-3-Clause
"""Tapes that many fits share: likelihoods of counts, values left out, and domains."""

import numpy as np
import pytest
from fit_cases import P0, TIGHT, T, decay, with_gaps
from scipy import optimize, stats

import thalweg as tw
from thalweg import _core
from thalweg._fits.robust import LOSSES, weighted
from thalweg._fits.slots import Inputs, Layout
from thalweg._fits.soundness import LOOSE
from thalweg._fits.tapes import FitTapes
from thalweg._results.reasons import Reason


def counts(k=30, seed=0):
    rng = np.random.default_rng(seed)
    true = np.column_stack([rng.uniform(5, 40, k), rng.uniform(0.5, 2, k), rng.uniform(0.5, 3, k)])
    return true, rng.poisson(decay(T, *true.T[:, :, None]))


def test_poisson_is_the_maximum_of_the_likelihood():
    true, y = counts()
    assert (y == 0).any()
    fits = tw.curve_fit_many(decay, T, y, true, likelihood="poisson", **TIGHT)
    assert fits.success.all()
    for i, row in enumerate(y):

        def negative_log(p, row=row):
            mean = decay(T, *p)
            return -stats.poisson.logpmf(row, mean).sum() if (mean > 0).all() else np.inf

        best = optimize.minimize(
            negative_log, fits.popt[i], method="Nelder-Mead",
            options={"xatol": 1e-9, "fatol": 1e-13, "maxiter": 4000, "maxfev": 8000},
        )  # fmt: skip
        # Values of a function that is flat at its minimum tell a point to half their digits; its
        # slopes tell better.
        np.testing.assert_allclose(fits.popt[i], best.x, rtol=1e-5, atol=1e-5)
        a, b, c = fits.popt[i]
        e = np.exp(-T / b)
        score = np.stack([e, a * T / b**2 * e, np.ones_like(T)]) @ (1 - row / decay(T, a, b, c))
        assert (np.abs(fits.pcov[i] @ score) < 1e-6 * fits.perr[i]).all()
        assert negative_log(fits.popt[i]) <= best.fun + 1e-12 * abs(best.fun)
        saturated = -stats.poisson.logpmf(row, np.maximum(row, 1e-300)).sum()
        np.testing.assert_allclose(fits.cost[i], best.fun - saturated, rtol=1e-9)


def test_poisson_errors_are_the_inverse_of_fishers_information():
    true, y = counts(10)
    fits = tw.curve_fit_many(decay, T, y, true, likelihood="poisson")
    for i in range(10):
        a, b, c = fits.popt[i]
        e = np.exp(-T / b)
        jacobian = np.column_stack([e, a * T / b**2 * e, np.ones_like(T)])
        fisher = jacobian.T @ (jacobian / decay(T, a, b, c)[:, None])
        np.testing.assert_allclose(fits.pcov[i], np.linalg.inv(fisher), rtol=1e-8)


def test_poisson_estimates_scatter_as_their_errors_say():
    rng = np.random.default_rng(0)
    truth = np.array([30.0, 1.0, 3.0])
    y = rng.poisson(decay(T, *truth), (4000, T.size))
    fits = tw.curve_fit_many(decay, T, y, truth, likelihood="poisson")
    pulls = (fits.popt - truth) / fits.perr
    # Bias and skewness of order 1 / counts; 4000 pulls know a deviation to 1 %.
    assert fits.success.all()
    assert (np.abs(pulls.mean(axis=0)) < 0.15).all()
    assert (np.abs(pulls.std(axis=0) - 1) < 0.06).all()


def test_poisson_with_gaps_bounds_and_fixed():
    true, y = counts(12)
    gaps = with_gaps(y.astype(float), 0.1)
    how = {"likelihood": "poisson", "bounds": ([0, 0.1, 0.1], [99, 9, 9])}
    fits = tw.curve_fit_many(decay, T, gaps, true, **how)
    for i, row in enumerate(gaps):
        there = ~np.isnan(row)
        alone = tw.curve_fit_many(decay, T[there], row[there], true[i], **how)
        np.testing.assert_allclose(fits.popt[i], alone.popt, rtol=1e-7)
        np.testing.assert_allclose(fits.pcov[i], alone.pcov, rtol=1e-6)
    fits = tw.curve_fit_many(decay, T, y, true, likelihood="poisson", fixed={"c": true[:, 2]})
    assert (fits.popt[:, 2] == true[:, 2]).all()
    assert fits.success.all()


def test_poisson_outside_its_domain():
    _, y = counts(4)
    y[1, 3] = -1
    start = np.array([[20.0, 1, 1], [20, 1, 1], [20, 1, -30], [20, 1, 1]])
    fits = tw.curve_fit_many(decay, T, y, start, likelihood="poisson")
    assert fits.success.tolist() == [True, False, False, True]
    assert (fits.reason[1:3] == Reason.left_domain).all()
    assert "counts must be >= 0" in fits[1].message
    # A step to where the model is not positive is a step too far, not an end.
    wild = tw.curve_fit_many(decay, T, y[[0, 3]], [1.0, 0.05, 0.5], likelihood="poisson")
    assert not (wild.reason == Reason.left_domain).any()


def test_poisson_takes_neither_sigma_nor_loss():
    _, y = counts(2)
    with pytest.raises(ValueError, match="takes no `sigma`"):
        tw.curve_fit_many(decay, T, y, P0, likelihood="poisson", sigma=1.0)
    with pytest.raises(ValueError, match="takes no `loss`"):
        tw.curve_fit_many(decay, T, y, P0, likelihood="poisson", loss="huber")
    with pytest.raises(ValueError, match="likelihood must be one of"):
        tw.curve_fit_many(decay, T, y, P0, likelihood="binomial")


# ---- one set of tapes ----------------------------------------------------------------------------

LINE_X = np.array([0.0, 1.0, 2.0, 3.0])
DESIGN = np.stack([LINE_X, np.ones(4)], axis=1)
Y = np.array([[1.0, 2.5, 5.5, 7.0], [0.0, 1.0, 1.0, 3.0], [2.0, 2.0, 2.0, 2.5]])


def line(trace, predictors, parameters):
    a, b = parameters
    return a * trace.wrap(LINE_X) + b


def tapes(layout=None, values=line, missing=False, box=(), absolute=False, known=()):
    return FitTapes(values, layout or Layout(4, (0, 1)), missing, list(box), absolute, known)


def inputs(layout=None, x=None, y=Y, **arrays):
    layout = layout or Layout(4, (0, 1))
    given = {"x": np.zeros((len(y), 2)) if x is None else np.asarray(x, dtype=float), "y": y}
    return Inputs(layout, given | {"f_scale": np.array(0.7), "rows": np.array(4.0)} | arrays)


def one(at, fit):
    """Return a function of the points of one fit, from one of many."""
    return lambda p: [values[0] for values in at(np.array([fit]), p[None])]


def stopping(**how):
    tight = {"gtol": 1e-12, "xtol": 0.0, "ftol": 0.0, "max_iter": 99, "max_nfev": 99}
    return _core.Stopping(**tight | {"max_time": 1e9} | how)


def test_a_line_is_fitted_in_every_lane():
    out = tapes().minimize(inputs(), 1.0, stopping(), None, None)
    for i, y in enumerate(Y):
        right, rest = np.linalg.lstsq(DESIGN, y)[:2]
        np.testing.assert_allclose(out["x"][i], right, rtol=1e-10)
        assert out["fun"][i] == pytest.approx(0.5 * rest[0], rel=1e-12)


def test_covariances_and_errors_are_those_of_the_normal_matrix():
    points = np.stack([np.linalg.lstsq(DESIGN, y)[0] for y in Y])
    pcov, perr, doubtful, unclear = tapes().covariances(inputs(x=points), 1)
    for i, y in enumerate(Y):
        rest = np.sum((DESIGN @ points[i] - y) ** 2) / 2  # four data, two parameters
        right = np.linalg.inv(DESIGN.T @ DESIGN) * rest
        np.testing.assert_allclose(pcov[i].reshape(2, 2), right, rtol=1e-12)
        np.testing.assert_allclose(perr[i], np.sqrt(np.diag(right)), rtol=1e-12)
    assert not doubtful.any()
    large = perr > LOOSE * np.abs(points)
    assert unclear[:, 0].tolist() == large.any(axis=1).tolist()
    absolute = tapes(absolute=True).covariances(inputs(x=points), 1)[0]
    np.testing.assert_allclose(absolute[0].reshape(2, 2), np.linalg.inv(DESIGN.T @ DESIGN))


def test_fixed_parameters_have_no_errors_and_keep_their_places():
    layout = Layout(4, (1,), (0,))
    own = tapes(layout)
    given = inputs(layout, x=np.zeros((3, 1)), fixed=np.array([2.0]))
    out = own.minimize(given, 1.0, stopping(), None, None)
    np.testing.assert_allclose(out["x"][:, 0], (Y - 2 * LINE_X).mean(axis=1), atol=1e-12)
    pcov = own.covariances(given.with_arrays(x=out["x"]), 1)[0].reshape(3, 2, 2)
    assert not pcov[:, 0].any()
    assert not pcov[:, :, 0].any()
    rest = np.sum((2 * LINE_X + out["x"] - Y) ** 2, axis=1)
    np.testing.assert_allclose(pcov[:, 1, 1], rest / 3 / 4, rtol=1e-12)


def test_singular_matrices_are_doubtful():
    def twice(trace, predictors, parameters):
        a, b = parameters
        return (a + b) * trace.wrap(LINE_X)

    assert tapes(values=twice).covariances(inputs(), 1)[2].all()


def test_missing_values_count_for_nothing():
    y, x = Y.copy(), np.tile(LINE_X, (3, 1))
    y[0, 1] = x[1, 3] = np.nan
    layout = Layout(4, (0, 1), predictors=1)

    def own(trace, predictors, parameters):
        a, b = parameters
        return a * predictors[0] + b

    shared = [np.array([1.0, 1.0, np.nan, 1.0])]
    given = inputs(layout, y=y, **{"predictor 0": x})
    for known, gone in (((), []), (shared, [2])):
        out = tapes(layout, own, True, known=known).minimize(given, 1.0, stopping(), None, None)
        for i in range(3):
            kept = np.delete(np.arange(4), gone)
            kept = kept[~np.isnan(y[i] + x[i])[kept]]
            right = np.linalg.lstsq(DESIGN[kept], y[i, kept])[0]
            np.testing.assert_allclose(out["x"][i], right, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("loss", ["linear", "huber", "cauchy"])
def test_one_fit_is_linear_at_a_point_as_its_cost_says(loss):
    layout = Layout(4, (0, 1), weights=(4,), rho=LOSSES[loss])
    w = np.array([1.0, 2.0, 0.5, 1.0])
    at = one(tapes(layout).linear(inputs(layout, weights=w), 1), 1)
    p, h = np.array([0.4, -0.3]), 1e-6
    r = w * (DESIGN @ p - Y[1])
    cost, residuals, columns = at(p)
    if loss == "linear":
        assert cost == pytest.approx(0.5 * r @ r, rel=1e-14)
        np.testing.assert_allclose(columns, (w[:, None] * DESIGN).T, rtol=1e-14)
    else:
        assert cost == pytest.approx(weighted(LOSSES[loss], r, 0.7)[0].sum(), rel=1e-14)
    for i in range(2):
        step = h * np.eye(2)[i]
        central = (at(p + step)[0] - at(p - step)[0]) / (2 * h)
        assert columns[i] @ residuals == pytest.approx(central, rel=1e-7)


def test_jacobians_are_weighted_as_the_covariance():
    layout = Layout(4, (0, 1), poisson=True)
    points = np.array([[1.0, 2.0], [0.5, 1.0], [0.1, 3.0]])
    columns, cost = tapes(layout).jacobians(inputs(layout, x=points), 1)
    for i, p in enumerate(points):
        mean = DESIGN @ p
        np.testing.assert_allclose(columns[i].reshape(2, 4), (DESIGN / np.sqrt(mean)[:, None]).T)
        some = np.where(Y[i] > 0, Y[i], 1.0)
        deviance = np.sum(np.where(Y[i] > 0, Y[i] * np.log(some / mean), 0.0) - (Y[i] - mean))
        assert cost[i, 0] == pytest.approx(deviance, rel=1e-12)


def test_points_outside_the_domain_are_told():
    def root(trace, predictors, parameters):
        a, b = parameters
        return a * np.sqrt(b + trace.wrap(LINE_X))

    points = [[1.0, 1.0], [1.0, -1.0], [1.0, 0.0]]
    assert tapes(values=root).outside(inputs(x=points)).tolist() == [False, True, False]
    counts = Layout(4, (0, 1), poisson=True)
    y = np.where(np.arange(12).reshape(3, 4) == 9, -1.0, Y)
    means = [[1.0, 1.0], [1.0, -1.0], [1.0, 1.0]]  # the second is not positive; a count is negative
    told = tapes(counts).outside(inputs(counts, x=means, y=y))
    assert told.tolist() == [False, True, True]


def test_models_return_one_value_for_each_of_the_data():
    def constant(trace, predictors, parameters):
        return parameters[0] + 0 * parameters[1]

    at = one(tapes(values=constant).linear(inputs(), 1), 0)
    np.testing.assert_array_equal(at(np.array([3.0, 1.0]))[1], 3.0 - Y[0])
    layout = Layout(4, (0, 1))

    def square(trace, predictors, parameters):
        return trace.wrap(LINE_X.reshape(2, 2)) * parameters[0] + parameters[1]

    at = one(tapes(layout, square).linear(inputs(), 1), 0)
    np.testing.assert_array_equal(at(np.array([1.0, 1.0]))[1], LINE_X + 1 - Y[0])
    with pytest.raises(ValueError, match=r"ydata has 7 values .*, but f returns .* shape \(4,\)"):
        tapes(Layout(7, (0, 1)))
