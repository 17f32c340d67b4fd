# SPDX-License-Identifier: BSD-3-Clause
"""Robust losses: their values and derivatives are SciPy's, and outliers move fits less."""

import numpy as np
import pytest
from scipy import optimize

import thalweg as tw

LOSSES = ["linear", "soft_l1", "huber", "cauchy", "arctan"]


def parabola(x, a=0.0):
    return (x - a) ** 2 + 5.0


def cubic(z):
    t = 1 + z
    return 3 * (t ** (1 / 3) - 1), t ** (-2 / 3), -2 / 3 * t ** (-5 / 3)


@pytest.mark.parametrize("loss", [*LOSSES[1:], cubic])
@pytest.mark.parametrize("f_scale", [0.3, 1.0, 10.0, 20.0])
def test_cost_gradient_and_jacobian_of_losses_are_scipys(loss, f_scale):
    theirs_loss = (lambda z: np.array(cubic(z))) if loss is cubic else loss
    for x0 in (2.0, -0.7):
        ours = tw.least_squares(parabola, [x0], loss=loss, f_scale=f_scale, max_nfev=1)
        theirs = optimize.least_squares(
            parabola, [x0], lambda x: np.array([2 * x]), loss=theirs_loss, f_scale=f_scale,
            max_nfev=1, method="trf",
        )  # fmt: skip
        # The same formulas: a few roundings apart, also in differences (1 - ...) of losses.
        for name in ("cost", "grad", "jac", "fun"):
            np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("loss", [*LOSSES, cubic])
def test_losses_find_their_minima(loss):
    res = tw.least_squares(parabola, 2.0, loss=loss)
    # Flat: a change of the cost by rounding, 1e-16, is one of x by its root.
    assert abs(res.x) < 1e-7
    assert res.fun[0] == parabola(res.x)


def test_losses_that_fill_an_array_are_called():
    def filled(z):
        rho = np.empty((3, z.size))
        rho[0], rho[1], rho[2] = cubic(z)
        return rho

    t = np.linspace(-1, 1, 40)
    y = 1 + np.exp(0.7 * t) + 0.1 * np.sin(50 * t)
    y[3::10] += 5.0
    by = {
        loss: tw.least_squares(lambda p: p[0] + np.exp(p[1] * t) - y, [0.0, 0.0], loss=loss)
        for loss in (filled, cubic)
    }
    np.testing.assert_allclose(by[filled].x, by[cubic].x, rtol=1e-7)
    assert by[filled].nfev == by[cubic].nfev


@pytest.mark.parametrize("loss", LOSSES[1:])
def test_robust_fits_agree_with_scipy(loss):
    rng = np.random.default_rng(7)
    t = np.linspace(0, 10, 60)
    y = 3 * np.exp(-0.4 * t) + 0.5 + 0.05 * rng.normal(size=60)
    y[::9] += 3 * rng.random(7)

    def residuals(p):
        return p[0] * np.exp(-p[1] * t) + p[2] - y

    ours = tw.least_squares(residuals, [1.0, 1.0, 0.0], loss=loss, f_scale=0.1)
    theirs = optimize.least_squares(
        residuals, [1.0, 1.0, 0.0], loss=loss, f_scale=0.1, ftol=1e-14, xtol=1e-14, gtol=1e-14
    )
    assert ours.success
    assert ours.cost <= theirs.cost * (1 + 1e-9)
    if theirs.cost <= ours.cost * (1 + 1e-9):  # else SciPy is in another minimum
        # SciPy's ends by its cost, whose change is the square of that of x.
        np.testing.assert_allclose(ours.x, theirs.x, rtol=1e-5)
    assert np.abs(ours.grad).max() < 1e-5  # where ftol ended it


def test_outliers_move_robust_fits_less():
    rng = np.random.default_rng(1)
    t = np.linspace(-1, 1, 40)
    y = 1 + np.exp(0.7 * t) + 0.1 * rng.normal(size=40)
    y[3::10] += 5.0
    best = {
        loss: np.abs(
            tw.least_squares(
                lambda p: p[0] + np.exp(p[1] * t) - y, [0.0, 0.0], loss=loss, f_scale=0.1
            ).x
            - [1, 0.7]
        ).max()
        for loss in LOSSES
    }
    assert all(best[loss] < 0.5 * best["linear"] for loss in LOSSES[1:])
