# SPDX-License-Identifier: BSD-3-Clause
"""Robust losses: their values and derivatives are SciPy's, and outliers move fits less."""

import numpy as np
import pytest
from mpmath import mp
from scipy import optimize

import thalweg as tw
from thalweg._fits.robust import LOSSES as ALL
from thalweg._fits.robust import checked_loss, curvature, weighted

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


# ---- rho and its derivatives ---------------------------------------------------------------------

# The formulas of scipy.optimize.least_squares, in mpmath.
FORMULAS = {
    "soft_l1": lambda z: 2 * (mp.sqrt(1 + z) - 1),
    "huber": lambda z: z if z <= 1 else 2 * mp.sqrt(z) - 1,
    "cauchy": lambda z: mp.log(1 + z),
    "arctan": lambda z: mp.atan(z),
}


@pytest.mark.parametrize("loss", FORMULAS)
def test_rho_and_its_derivatives_are_those_of_the_formula(loss):
    z = np.array([1e-12, 1e-3, 0.5, 0.999, 1.001, 3.0, 1e4])
    rho, first, second = checked_loss(loss)(z)
    with mp.workdps(40):
        for i, at in enumerate(z):
            point = mp.mpf(float(at))
            # NumPy's functions err by up to 4 ulp, and a few roundings follow.
            assert rho[i] == pytest.approx(float(FORMULAS[loss](point)), rel=2e-15)
            slope, bend = (float(mp.diff(FORMULAS[loss], point, k, h=1e-16)) for k in (1, 2))
            assert first[i] == pytest.approx(slope, rel=1e-12)
            assert second[i] == pytest.approx(bend, rel=1e-9, abs=1e-15)


@pytest.mark.parametrize("loss", FORMULAS)
def test_small_residuals_are_squared_as_without_a_loss(loss):
    rho, first, second = (float(v) for v in checked_loss(loss)(np.array(0.0)))
    assert (rho, first) == (0.0, 1.0)
    assert np.isfinite(second)


def test_the_joint_of_huber_is_smooth():
    rho, first, _ = checked_loss("huber")(np.array([1.0, np.nextafter(1.0, 2.0)]))
    assert rho[0] == rho[1] == 1.0
    assert first[0] == first[1] == 1.0


def test_losses_have_names_or_are_functions():
    assert checked_loss("linear") is None
    assert checked_loss("huber") is ALL["huber"]
    assert checked_loss(cubic) is cubic
    assert list(ALL) == LOSSES
    for wrong in ("Huber", 3, None):
        with pytest.raises(ValueError, match=r"`loss` must be one of \['linear', .* got"):
            checked_loss(wrong)


def test_cost_and_weight_of_a_residual_by_hand():
    # huber: rho(9) = 2 sqrt(9) - 1 = 5, rho' = 1/3; scaled by 2: z = (6 / 2)**2.
    cost, weight = weighted(ALL["huber"], np.array([6.0, 1.0]), 2.0)
    assert cost.tolist() == [0.5 * 4 * 5, 0.5 * 4 * 0.25]
    np.testing.assert_allclose(weight, [1 / 3, 1.0])


def test_curvature_is_kept_positive():
    # cauchy: rho' + 2 z rho'' = (1 - z) / (1 + z)**2, which is negative beyond z = 1.
    got = curvature(ALL["cauchy"], np.array([0.5, 3.0]), 1.0)
    assert got[0] == pytest.approx((1 - 0.25) / 1.25**2)
    assert got[1] == np.finfo(float).eps


def test_a_loss_of_another_shape_is_refused():
    with pytest.raises(ValueError, match="return value of `loss` callable has wrong shape"):
        weighted(lambda z: (z, z), np.ones(3), 1.0)
    with pytest.raises(ValueError, match="wrong shape"):
        curvature(lambda z: (z, z, z[:2]), np.ones(3), 1.0)
