# SPDX-License-Identifier: BSD-3-Clause
"""Ready peaks: values by independent formulas, and starts that lead to the truth."""

import numpy as np
import pytest
from mpmath import mp
from ready_models import CASES, LINE, of, recovered
from scipy import special, stats

import thalweg as tw

M = tw.models
X = LINE[:, None]


def values(name: str, *p: float) -> np.ndarray:
    return getattr(M, name)()(LINE, *p)


@pytest.mark.parametrize("name", of("peaks"))
@pytest.mark.parametrize("noise", [0.0, 0.01, 0.05])
def test_peaks_are_recovered_from_their_own_starts(name, noise):
    assert recovered(CASES[name], noise) >= 0.99


def test_values_are_those_of_scipys_distributions():
    # 1e-12: exponents up to 100 lose two of sixteen digits
    a, c, s = 3.0, 1.2, 0.8
    same = np.testing.assert_allclose
    same(values("Gaussian", a, c, s), a * stats.norm.pdf(LINE, c, s), rtol=1e-12)
    same(values("Lorentzian", a, c, s), a * stats.cauchy.pdf(LINE, c, s), rtol=1e-12)
    voigt = a * special.voigt_profile(LINE - c, s, 0.4)
    same(values("Voigt", a, c, s, 0.4), voigt, rtol=1e-12)
    inside = LINE > 0
    lognormal = np.where(inside, a * stats.lognorm.pdf(LINE, s, scale=np.exp(c)), 0.0)
    same(values("Lognormal", a, c, s), lognormal, rtol=1e-12)
    emg = a * stats.exponnorm.pdf(LINE, 1.0 / (s * 0.9), c, s)
    same(values("ExponentialGaussian", a, c, s, 0.9), emg, rtol=1e-11)
    skewed = a * stats.skewnorm.pdf(LINE, -2.5, c, s)
    same(values("SkewedGaussian", a, c, s, -2.5), skewed, rtol=1e-11)


def test_values_are_those_of_the_stated_formulas():
    a, c, s = 3.0, 1.2, 0.8
    u = (LINE - c) / s
    same = np.testing.assert_allclose
    same(values("Moffat", a, c, s, 1.7), a / (1 + u**2) ** 1.7, rtol=1e-12)
    gauss = a * stats.norm.pdf(LINE, c, s / np.sqrt(2 * np.log(2)))
    mixed = 0.7 * gauss + 0.3 * a * stats.cauchy.pdf(LINE, c, s)
    same(values("PseudoVoigt", a, c, s, 0.3), mixed, rtol=1e-12)
    wide = np.where(c > LINE, s, 0.3)
    split = 2 * a / (np.pi * (s + 0.3)) * wide**2 / ((LINE - c) ** 2 + wide**2)
    same(values("SplitLorentzian", a, c, s, 0.3), split, rtol=1e-12)
    fano = a * (1.5 * s / 2 + LINE - c) ** 2 / ((s / 2) ** 2 + (LINE - c) ** 2)
    same(values("BreitWigner", a, c, s, 1.5), fano, rtol=1e-12)


def test_values_are_those_of_lmfit():
    lmfit = pytest.importorskip("lmfit", reason="lmfit's own models are the reference")
    from lmfit import lineshapes

    assert lmfit
    for name, other, p in (
        ("Gaussian", "gaussian", (3.0, 1.2, 0.8)),
        ("Lorentzian", "lorentzian", (3.0, 1.2, 0.8)),
        ("Voigt", "voigt", (3.0, 1.2, 0.8, 0.3)),
        ("PseudoVoigt", "pvoigt", (3.0, 1.2, 0.8, 0.3)),
        ("Moffat", "moffat", (3.0, 1.2, 0.8, 1.3)),
        ("SplitLorentzian", "split_lorentzian", (3.0, 1.2, 0.8, 0.3)),
        ("BreitWigner", "breit_wigner", (3.0, 1.2, 0.8, 0.3)),
        ("ExponentialGaussian", "expgaussian", (3.0, 1.2, 0.8, 0.9)),
        ("SkewedGaussian", "skewed_gaussian", (3.0, 1.2, 0.8, 0.9)),
    ):
        # 1e-10: theirs loses digits in exp(...) erfc(...)
        want = getattr(lineshapes, other)(LINE, *p)
        np.testing.assert_allclose(values(name, *p), want, rtol=1e-10, atol=1e-15)
    right = LINE[LINE > 0]
    np.testing.assert_allclose(
        M.Lognormal()(right, 3.0, 1.2, 0.8), lineshapes.lognormal(right, 3.0, 1.2, 0.8), rtol=1e-12
    )


@pytest.mark.parametrize("gamma", [1e-3, 0.5, 30.0, 1e4])
def test_exponential_gaussian_keeps_its_digits_at_every_rate(gamma):
    mp.dps = 50
    a, c, s = mp.mpf(3), mp.mpf("1.2"), mp.mpf("0.8")
    g = mp.mpf(gamma)
    x = np.array([-8.0, -2.0, 0.0, 1.2, 1.5, 4.0, 12.0])
    want = [
        a
        * g
        / 2
        * mp.exp(g * (c - t + g * s**2 / 2))
        * mp.erfc((c + g * s**2 - t) / (mp.sqrt(2) * s))
        for t in map(mp.mpf, x)
    ]
    # 1e-12: (x - c) / s is rounded, and the exponent is up to 66
    got = M.ExponentialGaussian()(x, 3.0, 1.2, 0.8, gamma)
    np.testing.assert_allclose(got, [float(v) for v in want], rtol=1e-12)


def test_areas_are_the_amplitudes():
    x = np.linspace(-400.0, 400.0, 400_001)
    for name, p in (
        ("Gaussian", (0.5,)), ("Lorentzian", (0.5,)), ("Voigt", (0.5, 0.4)),
        ("PseudoVoigt", (0.5, 0.4)), ("SplitLorentzian", (0.5, 0.3)),
        ("ExponentialGaussian", (0.5, 0.7)),
    ):  # fmt: skip
        area = np.trapezoid(getattr(M, name)()(x, 2.0, 1.0, *p), x)
        # what a Lorentzian has beyond 400 half widths of 0.5 is 2 * 0.5 / (pi * 400)
        assert area == pytest.approx(2.0, abs=2.0 * 0.001)


def test_small_dips_on_large_levels_are_found():
    curve = M.Constant() - M.Gaussian()
    y = curve(LINE, 1e6, 3.0, 2.0, 0.4)
    # 1e-7: a dip of 3 on a level of 1e6 has ten digits
    np.testing.assert_allclose(curve.fit(LINE, y)[0], [1e6, 3.0, 2.0, 0.4], rtol=1e-7)


def test_half_a_peak_at_the_edge_is_found():
    y = values("Gaussian", 2.0, LINE[0], 0.9)
    np.testing.assert_allclose(M.Gaussian().fit(LINE, y)[0], [2.0, LINE[0], 0.9], rtol=1e-7)
