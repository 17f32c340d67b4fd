# SPDX-License-Identifier: BSD-3-Clause
"""The examples of lmfit's documentation, with the numbers that it prints.

The figures are those of the pages at https://lmfit.github.io/lmfit-py/ (lmfit 1.3.4, BSD licence),
named in each test. lmfit's derivatives are differences, and it stops at 1.5e-8. That leaves up to
2e-4 of a standard error in values, and four to five digits of the standard errors.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import special, stats

import thalweg as tw

M = tw.models
DATA = Path(__file__).parents[1] / "data"


def normal(size: int, scale: float = 1.0, seed: int = 0) -> np.ndarray:
    """The noise of lmfit's examples: NumPy's old generator."""
    return np.random.RandomState(seed).normal(scale=scale, size=size)


def check(popt, pcov, values, errors):
    np.testing.assert_array_less(np.abs(popt - values), 2e-4 * np.array(errors))
    np.testing.assert_allclose(np.sqrt(np.diag(pcov)), errors, rtol=2e-4)


def test_two_gaussians_and_an_exponential_of_nist():
    """examples/documentation/builtinmodels_nistgauss.html: ours starts from a guess of its own."""
    problems = [
        json.loads(line.strip().rstrip(","))
        for line in (DATA / "nist_more.json").read_text("utf-8").splitlines()
        if '"Gauss2"' in line
    ]
    (data,) = problems
    x, y = np.array(data["x"]), np.array(data["y"])
    model = M.Gaussian("g1_") + M.Gaussian("g2_") + M.Exponential("exp_")
    popt, pcov, info, *_ = model.fit(x, y, full_output=True)
    values = [4257.77360, 107.030956, 16.6725772, 2493.41735, 153.270102, 13.8069464,
              99.0183278, 90.9508853]  # fmt: skip
    errors = [42.3836478, 0.15006851, 0.16048381, 36.1697789, 0.19466802, 0.18679695,
              0.53748593, 1.10310778]  # fmt: skip
    check(popt, pcov, values, errors)
    assert np.sum(info["fvec"] ** 2) == pytest.approx(1247.52821, abs=1e-5)


def test_step_on_a_line():
    """examples/documentation/builtinmodels_stepmodel.html"""
    x = np.linspace(0.0, 10.0, 201)
    y = np.ones_like(x)
    y[:48] = 0.0
    y[48:77] = np.arange(77 - 48) / (77.0 - 48)
    y = 110.2 * (y + 9e-3 * normal(x.size)) + 12.0 + 2.22 * x
    model = M.Step(prefix="step_") + M.Line("line_")
    popt, pcov = model.fit(x, y)
    values = [112.858605, 3.13494787, 0.67393526, 1.87162051, 12.0964556]
    errors = [0.65391558, 0.00516601, 0.01091153, 0.09318576, 0.27606000]
    check(popt, pcov, values, errors)
    assert pcov[3, 0] / np.sqrt(pcov[3, 3] * pcov[0, 0]) == pytest.approx(-0.8791, abs=5e-5)


def test_damped_sine_within_bounds():
    """examples/documentation/parameters_basic.html"""
    x = np.linspace(0.0, 15.0, 301)
    noise = normal(x.size, 0.2, 2021)
    y = 5.0 * np.sin(2.0 * x - 0.1) * np.exp(-x * x * 0.025) + noise

    def f(x, amp, decay, shift, omega):
        return amp * np.sin(x * omega + shift) * np.exp(-x * x * decay)

    half = np.pi / 2
    bounds = ([0.0, -np.inf, -half, -np.inf], [np.inf, np.inf, half, np.inf])
    popt, pcov, info, *_ = tw.curve_fit(
        f, x, y, [10.0, 0.1, 0.0, 3.0], bounds=bounds, full_output=True
    )
    values = [5.03088059, 0.02495457, -0.10264952, 2.00026310]
    check(popt, pcov, values, [0.04005824, 4.5396e-04, 0.01022294, 0.00326183])
    chi2 = np.sum(info["fvec"] ** 2)
    assert chi2 == pytest.approx(12.1867036, abs=1e-7)
    assert 301 * np.log(chi2 / 301) + 2 * 4 == pytest.approx(-957.236198, abs=1e-6)


def test_peaks_of_one_width_a_distance_apart():
    """examples/example_fit_with_inequality.html: ties, and a bound on the distance."""
    x = np.linspace(0.0, 20.0, 601)
    y = M.Gaussian()(x, 21.0, 6.1, 1.2) + M.Lorentzian()(x, 10.0, 9.6, 1.3) + normal(x.size, 0.1)

    def f(x, amp_g, cen_g, wid, amp_l, split):
        return M.Gaussian()(x, amp_g, cen_g, wid) + M.Lorentzian()(x, amp_l, cen_g + split, wid)

    bounds = ([-np.inf] * 4 + [0.0], [np.inf] * 4 + [5.0])
    popt, pcov = tw.curve_fit(f, x, y, [10.0, 5.0, 1.0, 10.0, 2.5], bounds=bounds)
    values = [21.2722842, 6.10496396, 1.21434954, 9.46504173, 3.52163544]
    check(popt, pcov, values, [0.05138772, 0.00334613, 0.00327317, 0.05445415, 0.01004618])
    # the center of the second peak is the sum of two parameters
    spread = np.sqrt(pcov[1, 1] + pcov[4, 4] + 2 * pcov[1, 4])
    assert popt[1] + popt[4] == pytest.approx(9.62659940, abs=1e-6)
    assert spread == pytest.approx(0.01066172, rel=2e-4)


def test_peaks_that_are_tied_to_one_another():
    """examples/example_fit_with_algebraic_constraint.html: expr='1.5+g_center', '2*g_sigma'"""
    x = np.linspace(0.0, 20.0, 601)
    y = M.Gaussian()(x, 21.0, 8.1, 1.2) + M.Lorentzian()(x, 10.0, 9.6, 2.4)
    y = y + 0.01 + x * 0.05 + normal(x.size, 0.23)
    model = M.Gaussian("g_") + M.Lorentzian("l_") + M.Line("line_")
    ties = {
        "l_center": lambda g_center: 1.5 + g_center,
        "l_sigma": lambda g_sigma: 2 * g_sigma,
    }
    popt, pcov, info, *_ = model.fit(x, y, sigma=0.021, ties=ties, full_output=True)
    values = [21.1877635, 8.11125903, 1.20925819, 9.41261441, 9.61125903, 2.41851637,
              0.04615727, 0.05128584]  # fmt: skip
    errors = [0.32192128, 0.01162987, 0.01170853, 0.61672968, 0.01162987, 0.02341707,
              0.00170178, 0.02448063]  # fmt: skip
    check(popt, pcov, values, errors)
    assert np.sum(info["fvec"] ** 2) == pytest.approx(71878.3055, abs=1e-3)
    # the sum of both amplitudes, which lmfit fits in place of the second
    spread = np.sqrt(pcov[0, 0] + pcov[3, 3] + 2 * pcov[0, 3])
    assert popt[0] + popt[3] == pytest.approx(30.6003779, abs=2e-4 * 0.36481425)
    assert spread == pytest.approx(0.36481425, rel=2e-4)


def test_intervals_of_a_hyperbola_have_a_start_to_go_from():
    """examples/documentation/confidence_basic.html: the fit itself."""
    x, y = hyperbola()
    popt, pcov = tw.curve_fit(lambda x, a, b: 1 / (a * x) + b, x, y, [0.1, 1.0])
    check(popt, pcov, [0.09943896, 1.98476942], [1.9322e-04, 0.01222678])
    assert pcov[0, 1] / np.sqrt(pcov[0, 0] * pcov[1, 1]) == pytest.approx(0.6008, abs=5e-5)


def hyperbola():
    x = np.linspace(0.3, 10.0, 100)
    return x, 1 / (0.1 * x) + 2 + 0.1 * normal(x.size)


def two_decays():
    x = np.linspace(1.0, 10.0, 250)
    y = 3.0 * np.exp(-x / 2) - 5.0 * np.exp(-(x - 0.1) / 10.0) + 0.1 * normal(x.size)
    return x, y


def decays(x, a1, a2, t1, t2):
    return a1 * np.exp(-x / t1) + a2 * np.exp(-(x - 0.1) / t2)


def test_two_decays_that_are_hard_to_tell_apart():
    """examples/documentation/confidence_advanced.html: the fit itself, from our own start."""
    x, y = two_decays()
    popt, pcov = tw.curve_fit(decays, x, y, [4.0, -4.0, 3.0, 10.0])
    values = [2.98622095, -4.33526363, 1.30994276, 11.8240337]
    check(popt, pcov, values, [0.14867027, 0.11527574, 0.13121215, 0.46316956])
    start = M.BiExponential().guess(x, y)
    popt = M.BiExponential().fit(x, y)[0]
    assert np.isfinite(start).all()
    moved = [popt[0], popt[1], popt[2] / np.exp(0.1 / popt[3]), popt[3]]
    np.testing.assert_allclose(moved, [values[0], values[2], values[1], values[3]], rtol=1e-6)


def test_report_has_the_numbers_of_lmfits():
    """examples/documentation/builtinmodels_stepmodel.html"""
    x = np.linspace(0.0, 10.0, 201)
    y = np.ones_like(x)
    y[:48] = 0.0
    y[48:77] = np.arange(77 - 48) / (77.0 - 48)
    y = 110.2 * (y + 9e-3 * normal(x.size)) + 12.0 + 2.22 * x
    fit = (M.Step(prefix="step_") + M.Line("line_")).fit(x, y)
    assert fit.chi2 == pytest.approx(593.709621, abs=1e-6)
    assert fit.reduced_chi2 == pytest.approx(3.02913072, abs=1e-8)
    assert fit.aic == pytest.approx(227.700173, abs=1e-6)
    assert fit.bic == pytest.approx(244.216698, abs=1e-6)
    assert fit.r2 == pytest.approx(0.99897798, abs=1e-8)
    text = " ".join(fit.report().split())
    for line in (
        "# data points = 201", "# variables = 5", "chi-square = 593.709621",
        "C(step_amplitude, line_slope) = -0.8791", "C(step_amplitude, step_sigma) = +0.5643",
        "C(step_sigma, line_slope) = -0.4569", "C(step_center, line_intercept) = +0.4269",
        "C(line_slope, line_intercept) = -0.3093", "C(step_center, line_slope) = -0.2338",
        "C(step_sigma, line_intercept) = -0.1372", "C(step_amplitude, line_intercept) = -0.1173",
        "C(step_amplitude, step_center) = +0.1095",
    ):  # fmt: skip
        assert line in text, line


def profile(f, x, y, popt, names, name, offsets):
    """The confidence at which an F test rejects each value: the others are fitted, in lanes."""
    at = names.index(name)
    data = np.broadcast_to(y, (len(offsets), y.size))
    fits = tw.curve_fit_many(f, x, data, popt, fixed={name: popt[at] + np.array(offsets)})
    best = 0.5 * np.sum((y - f(x, *popt)) ** 2)
    dof = y.size - len(popt)
    return stats.f.cdf((fits.cost / best - 1.0) * dof, 1, dof)


@pytest.mark.parametrize(
    ("name", "offsets"),
    [
        ("a", [-0.00059, -0.00039, -0.00019, 0.00019, 0.00039, 0.00060]),
        ("b", [-0.03764, -0.02477, -0.01229, 0.01229, 0.02477, 0.03764]),
    ],
)
def test_confidence_intervals_of_a_hyperbola(name, offsets):
    """examples/documentation/confidence_basic.html: the table of conf_interval"""
    x, y = hyperbola()

    def f(x, a, b):
        return 1 / (a * x) + b

    popt, _ = tw.curve_fit(f, x, y, [0.1, 1.0])
    check_interval(f, x, y, popt, ["a", "b"], name, offsets, (3, 2, 1, 1, 2, 3))


@pytest.mark.parametrize(
    ("name", "offsets"),
    [
        ("a1", [-0.27285, -0.14165, 0.16354, 0.36343]),
        ("a2", [-0.30440, -0.13219, 0.10689, 0.19684]),
        ("t1", [-0.23392, -0.12494, 0.14660, 0.32369]),
        ("t2", [-1.01937, -0.48813, 0.46045, 0.90439]),
    ],
)
def test_confidence_intervals_of_two_decays(name, offsets):
    """examples/documentation/confidence_advanced.html: the table of conf_interval"""
    x, y = two_decays()
    popt, _ = tw.curve_fit(decays, x, y, [4.0, -4.0, 3.0, 10.0])
    check_interval(decays, x, y, popt, ["a1", "a2", "t1", "t2"], name, offsets, (2, 1, 1, 2))


def check_interval(f, x, y, popt, names, name, offsets, sigmas):
    """The printed ends are where the profile has the confidence of so many standard deviations.

    An end is printed with five decimals. lmfit's search for it stops at 5e-5 of its value, which is
    up to 1e-3 of the confidence.
    """
    levels = special.erf(np.array(sigmas) / np.sqrt(2))
    outward = 0.5e-5 * np.sign(offsets)
    inner = profile(f, x, y, popt, names, name, offsets - outward)
    outer = profile(f, x, y, popt, names, name, offsets + outward)
    assert (inner <= levels + 1e-3).all()
    assert (outer >= levels - 1e-3).all()
    assert (np.abs(inner - levels) < 0.03).all()


def test_data_sets_that_share_a_width():
    """examples/example_fit_multi_datasets.html: sig_2 to sig_5 have expr='sig_1'"""
    rng = np.random.RandomState(2021)
    x = np.linspace(-1.0, 2.0, 151)
    data = []
    for _ in range(5):
        amp, cen, sig = (
            0.60 + 9.50 * rng.rand(),
            -0.20 + 1.20 * rng.rand(),
            0.25 + 0.03 * rng.rand(),
        )
        clean = amp * np.exp(-((x - cen) ** 2) / (2.0 * sig**2))
        data.append(clean + rng.normal(size=x.size, scale=0.1))

    def f(x, amp, cen, sig):
        return amp * np.exp(-((x - cen) ** 2) / (2.0 * sig**2))

    start = {"amp": 0.5, "cen": 0.4, "sig": 0.3}
    bounds = {"amp": (0.0, 200.0), "cen": (-2.0, 2.0), "sig": (0.01, 3.0)}
    fits = tw.curve_fit_many(f, x, data, start, bounds=bounds, shared="sig")
    values = np.array([
        [6.32742010, 0.68049261], [6.98604753, 0.50433700], [7.11643510, -0.08260274],
        [6.10197422, 0.07386098], [9.23910555, 0.34443083],
    ])  # fmt: skip
    errors = np.array([
        [0.02279089, 0.00126458], [0.02296733, 0.00114536], [0.02300415, 0.00112437],
        [0.02273421, 0.00131130], [0.02368872, 8.6605e-04],
    ])  # fmt: skip
    np.testing.assert_array_less(np.abs(fits.popt[:, :2] - values), 2e-4 * errors)
    np.testing.assert_allclose(fits.perr[:, :2], errors, rtol=2e-4)
    np.testing.assert_allclose(fits["sig"], 0.25755570, atol=2e-4 * 4.9426e-04)
    np.testing.assert_allclose(fits.perr[:, 2], 4.9426e-04, rtol=2e-4)
    assert 2 * fits.cost.sum() == pytest.approx(8.19521421, abs=1e-7)
    # the ready model, without a start
    ready = M.Gaussian().fit_many(x, data, shared="sigma")
    np.testing.assert_allclose(ready["sigma"], fits["sig"], rtol=1e-6)
    np.testing.assert_allclose(ready["center"], fits["cen"], rtol=1e-5)
