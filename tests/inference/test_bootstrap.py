# SPDX-License-Identifier: BSD-3-Clause
"""Fits to data drawn anew."""

import numpy as np
import pytest
from curve_cases import decay, line

import thalweg as tw

RNG = np.random.default_rng(8)
X = np.linspace(0.0, 4.0, 40)
START = [2.0, 1.0, 0.0]


DECAYS = decay(X, np.array([[1.5], [2.0], [2.5]]), 1.3, 0.2) + 0.1 * RNG.normal(size=(3, 40))


@pytest.mark.parametrize("kind", ["residual", "parametric"])
@pytest.mark.parametrize("known", [{}, {"sigma": 0.1, "absolute_sigma": True}])
def test_errors_of_lines_are_those_of_the_covariance(kind, known):
    fit = tw.curve_fit(line, X, line(X, 1.0, 0.5) + 0.1 * RNG.normal(size=40), **known)
    drawn = fit.bootstrap(20000, kind)
    assert drawn.popt.shape == (20000, 2)
    assert drawn.failed == 0
    # Residuals are drawn with their own spread, whatever is known of it. A standard deviation of
    # 20,000 draws has an error of 0.5 %: four of these.
    spread = np.sqrt(fit.reduced_chi2) if known and kind == "residual" else 1.0
    np.testing.assert_allclose(drawn.perr / fit.perr, spread, rtol=0.02)
    np.testing.assert_allclose(drawn.bias / fit.perr, 0.0, atol=4 / np.sqrt(20000))
    lower, upper = drawn.interval(0.95)
    np.testing.assert_allclose((upper - lower) / drawn.perr, 2 * 1.96, rtol=0.03)
    np.testing.assert_allclose(lower, drawn.estimate - 1.96 * drawn.perr, atol=0.1 * fit.perr[0])


def test_residuals_drawn_are_those_of_the_fit():
    """The mean of y has no other parameter, so its draws are means of draws."""
    y = np.array([1.0, 2.0, 4.0, 9.0])
    fit = tw.curve_fit(lambda x, a: a + 0.0 * x, np.arange(4.0), y, [1.0])
    drawn = fit.bootstrap(500)
    steps = (drawn.popt[:, 0] - 4.0) * 4 / np.sqrt(4 / 3)
    # Sums of four of the residuals -3, -2, 0, 5 are whole numbers; fits end at 1e-10.
    np.testing.assert_allclose(steps, np.rint(steps), atol=1e-6)
    assert set(np.rint(steps)) <= set(range(-12, 21))
    assert steps.std() == pytest.approx(np.sqrt(38), rel=0.15)  # of 500 draws: 5 of its errors


def test_pairs_are_fits_with_counts_as_weights():
    fit = tw.curve_fit(decay, X, DECAYS[0], START)
    drawn = fit.bootstrap(5, "pairs", seed=3)
    random = np.random.default_rng(np.random.SeedSequence(3, spawn_key=(0,)))
    counts = random.multinomial(40, np.full(40, 1 / 40), 5)
    for k in range(5):
        again = np.repeat(np.arange(40), counts[k])
        one = tw.curve_fit(decay, X[again], DECAYS[0][again], fit.popt)
        np.testing.assert_allclose(drawn.popt[k], one.popt, rtol=1e-6)  # both end at 1e-10


def test_a_fit_has_the_draws_it_has_among_others():
    fits = tw.curve_fit_many(decay, X, DECAYS, START)
    for kind in ("residual", "parametric", "pairs"):
        together = fits.bootstrap(20, kind, seed=5)
        for part in (fits[1:2], fits[[2, 1]]):
            alone = part.bootstrap(20, kind, seed=5)
            np.testing.assert_array_equal(together.popt[1], alone.popt[-1])
        assert together.popt.shape == (3, 20, 3)
        assert (together.popt[0] != together.popt[1]).any()
        assert (fits.bootstrap(20, kind, seed=6).popt != together.popt).any()


def test_missing_data_bounds_fixed_parameters_and_failed_fits():
    data = DECAYS.copy()
    data[:, 5] = np.nan
    data[2] = np.nan
    fits = tw.curve_fit_many(
        decay, X, data, [2.0, 1.3, 0.0], bounds={"b": (1.2, 1.4)}, fixed={"c": [0.2, 0.1, 0.0]}
    )
    assert not fits.success[2]
    for kind in ("residual", "parametric", "pairs"):
        drawn = fits.bootstrap(50, kind)
        assert np.isnan(drawn.popt[2]).all()
        assert drawn.failed.tolist() == [0, 0, 50]
        np.testing.assert_array_equal(drawn.popt[:2, :, 2], [[0.2] * 50, [0.1] * 50])
        b = drawn.popt[:2, :, 1]
        assert b.min() >= 1.2
        assert b.max() <= 1.4
        lower, upper = drawn.interval(0.9, "basic")
        assert np.isnan(lower[2]).all()
        assert np.isnan(drawn.perr[2]).all()
        assert (lower[:2, 0] < upper[:2, 0]).all()


def test_counts_are_drawn_from_their_distribution():
    y = np.random.default_rng(1).poisson(decay(X, 50.0, 1.3, 5.0))[None].astype(float)
    fits = tw.curve_fit_many(decay, X, y, [40.0, 1.0, 4.0], likelihood="poisson")
    drawn = fits.bootstrap(4000, "parametric")
    # To first order in the errors, of which those of the decay are 5 %.
    np.testing.assert_allclose(drawn.perr / fits.perr, 1.0, rtol=0.1)
    with pytest.raises(ValueError, match="counts are drawn from their distribution"):
        fits.bootstrap(10)


def test_correlated_errors_stay_correlated():
    covariance = 0.01 * 0.8 ** np.abs(np.subtract.outer(np.arange(40), np.arange(40)))
    y = line(X, 1.0, 0.5) + np.linalg.cholesky(covariance) @ RNG.normal(size=40)
    fit = tw.curve_fit(line, X, y, sigma=covariance, absolute_sigma=True)
    drawn = fit.bootstrap(4000, "parametric")
    np.testing.assert_allclose(drawn.perr / fit.perr, 1.0, rtol=0.05)  # four of 1.1 %
    with pytest.raises(ValueError, match="do not correlate"):
        fit.bootstrap(10, "pairs")


def test_what_cannot_be_is_said():
    fit = tw.curve_fit(decay, X, DECAYS[0], START, loss="soft_l1")
    with pytest.raises(ValueError, match="robust loss"):
        fit.bootstrap(10, "pairs")
    with pytest.raises(ValueError, match="kind must be one of"):
        fit.bootstrap(10, "jackknife")
    with pytest.raises(ValueError, match="n must be a whole number from 1, got 0"):
        fit.bootstrap(0)
    with pytest.raises(ValueError, match="seed must be a whole number from 0, got -1"):
        fit.bootstrap(10, seed=-1)
    with pytest.raises(ValueError, match="method must be one of"):
        fit.bootstrap(10).interval(method="bca")
