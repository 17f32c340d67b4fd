# SPDX-License-Identifier: BSD-3-Clause
"""Peaks and resonances."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf, log, pi, sqrt
from typing import Any, ClassVar

import numpy as np

from thalweg._tracing.elementary import operation
from thalweg.models.curve import Curve
from thalweg.models.samples import Sample, pick
from thalweg.models.starts import Shape

__all__ = [
    "FWHM", "POSITIVE", "BreitWigner", "ExponentialGaussian", "Gaussian", "Lognormal", "Lorentzian",
    "Moffat", "Peak", "PseudoVoigt", "SkewedGaussian", "SplitLorentzian", "Voigt",
]  # fmt: skip

_erfc, _faddeeva = operation("erfc"), operation("faddeeva_real")

POSITIVE = (0.0, inf)
# The full width at half maximum of a Gaussian over its standard deviation.
FWHM = 2.0 * sqrt(2.0 * log(2.0))


class Peak(Curve):
    """What peaks share: in sums, broader terms are chosen first."""

    broad = False


class Gaussian(Peak):
    """A Gaussian peak of area `amplitude` and standard deviation `sigma`.

    ``amplitude / (sigma sqrt(2 pi)) exp(-(x - center)**2 / (2 sigma**2))``

    Its height is ``amplitude / (sigma sqrt(2 pi))`` and its full width at half maximum is
    ``2 sqrt(2 log(2)) sigma``, about 2.3548 `sigma`.

    Parameters
    ----------
    prefix : str
        What the names of the parameters begin with.

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> x = np.linspace(0.0, 10.0, 50)
    >>> y = 5.0 / (0.5 * np.sqrt(2 * np.pi)) * np.exp(-((x - 4.0) ** 2) / (2 * 0.5**2))
    >>> popt, pcov = tw.models.Gaussian().fit(x, y)
    >>> popt.round(6)
    array([5. , 4. , 0.5])
    """

    limits: ClassVar = {"sigma": POSITIVE}

    @staticmethod
    def formula(x: Any, amplitude: Any, center: Any, sigma: Any) -> Any:
        """Evaluate the formula."""
        return amplitude / (sigma * sqrt(2.0 * pi)) * np.exp(-0.5 * ((x - center) / sigma) ** 2)

    def shapes(self, sample: Sample) -> Iterable[Shape]:
        """Return centers and widths of measured peaks."""
        return [(peak.center, peak.fwhm / FWHM) for peak in sample.peaks()]


class Lorentzian(Peak):
    """A Lorentzian (Cauchy) peak of area `amplitude` and half width at half maximum `sigma`.

    ``amplitude / (pi sigma) / (1 + ((x - center) / sigma)**2)``

    Its height is ``amplitude / (pi sigma)`` and its full width at half maximum is ``2 sigma``.

    Parameters
    ----------
    prefix : str
        What the names of the parameters begin with.

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> x = np.linspace(0.0, 10.0, 50)
    >>> popt, pcov = tw.models.Lorentzian().fit(x, 2.0 / (1.0 + ((x - 4.0) / 0.5) ** 2))
    >>> popt.round(6)
    array([3.141593, 4.      , 0.5     ])
    """

    limits: ClassVar = {"sigma": POSITIVE}

    @staticmethod
    def formula(x: Any, amplitude: Any, center: Any, sigma: Any) -> Any:
        """Evaluate the formula."""
        return amplitude / (pi * sigma) / (1.0 + ((x - center) / sigma) ** 2)

    def shapes(self, sample: Sample) -> Iterable[Shape]:
        """Return centers and widths of measured peaks."""
        return [(peak.center, 0.5 * peak.fwhm) for peak in sample.peaks()]


class Voigt(Peak):
    """A Gaussian of standard deviation `sigma` convolved with a Lorentzian of half width `gamma`.

    ``amplitude Re w((x - center + i gamma) / (sigma sqrt(2))) / (sigma sqrt(2 pi))`` with the
    Faddeeva function w, as `scipy.special.voigt_profile`. Its area is `amplitude`. Its full width
    at half maximum is ``0.5346 L + sqrt(0.2166 L**2 + G**2)`` to 0.02 %, with ``L = 2 gamma`` and
    ``G = 2 sqrt(2 log(2)) sigma`` [1]_.

    Parameters
    ----------
    prefix : str
        What the names of the parameters begin with.

    References
    ----------
    .. [1] J. J. Olivero and R. L. Longbothum, J. Quant. Spectrosc. Radiat. Transf. 17, 1977,
       233-236, https://doi.org/10.1016/0022-4073(77)90161-3

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> x = np.linspace(-5.0, 5.0, 60)
    >>> voigt = tw.models.Voigt()
    >>> popt, pcov = voigt.fit(x, voigt(x, 3.0, 0.5, 0.4, 0.7))
    >>> popt.round(6)
    array([3. , 0.5, 0.4, 0.7])
    """

    limits: ClassVar = {"sigma": POSITIVE, "gamma": POSITIVE}

    @staticmethod
    def formula(x: Any, amplitude: Any, center: Any, sigma: Any, gamma: Any) -> Any:
        """Evaluate the formula."""
        unit = sqrt(0.5) / sigma
        return amplitude * (unit / sqrt(pi)) * _faddeeva((x - center) * unit, gamma * unit)

    def shapes(self, sample: Sample) -> Iterable[Shape]:
        """Return centers and widths of measured peaks, with different shares of both widths."""
        found = []
        for peak in sample.peaks():
            for ratio in (0.1, 1.0, 4.0):  # of the full widths, Lorentzian over Gaussian
                width = peak.fwhm / (0.5346 * ratio + sqrt(0.2166 * ratio**2 + 1.0))
                found.append((peak.center, width / FWHM, 0.5 * ratio * width))
        return found


class PseudoVoigt(Peak):
    """A sum of a Gaussian and a Lorentzian of equal full width at half maximum, 2 `sigma`.

    ``(1 - fraction) G + fraction L``, with the Lorentzian ``L = amplitude / (pi sigma) / (1 + ((x -
    center) / sigma)**2)`` and a Gaussian G of area `amplitude` and standard deviation
    ``sigma / sqrt(2 log(2))``. Its height is ``amplitude / sigma ((1 - fraction) sqrt(log(2) / pi)
    + fraction / pi)``.

    Parameters
    ----------
    prefix : str
        What the names of the parameters begin with.

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> x = np.linspace(-5.0, 5.0, 60)
    >>> peak = tw.models.PseudoVoigt()
    >>> popt, pcov = peak.fit(x, peak(x, 3.0, 0.5, 0.8, 0.3))
    >>> popt.round(6)
    array([3. , 0.5, 0.8, 0.3])
    """

    limits: ClassVar = {"sigma": POSITIVE, "fraction": (0.0, 1.0)}

    @staticmethod
    def formula(x: Any, amplitude: Any, center: Any, sigma: Any, fraction: Any) -> Any:
        """Evaluate the formula."""
        u = ((x - center) / sigma) ** 2
        gauss = sqrt(log(2.0) / pi) * np.exp(-log(2.0) * u)
        return amplitude / sigma * ((1.0 - fraction) * gauss + fraction / (pi * (1.0 + u)))

    def shapes(self, sample: Sample) -> Iterable[Shape]:
        """Return centers and widths of measured peaks, with different fractions."""
        shares = [np.full((1, 1), share) for share in (0.15, 0.5, 0.85)]
        return [(p.center, 0.5 * p.fwhm, share) for p in sample.peaks() for share in shares]


class Moffat(Peak):
    """Moffat's peak, of height `amplitude`: a point seen through turbulent air.

    ``amplitude / (1 + ((x - center) / sigma)**2)**beta``

    Its full width at half maximum is ``2 sigma sqrt(2**(1 / beta) - 1)``.

    Parameters
    ----------
    prefix : str
        What the names of the parameters begin with.

    References
    ----------
    A. F. J. Moffat, Astron. Astrophys. 3, 1969, 455-461.

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> x = np.linspace(-5.0, 5.0, 60)
    >>> popt, pcov = tw.models.Moffat().fit(x, 3.0 / (1.0 + ((x - 0.5) / 1.2) ** 2) ** 2.5)
    >>> popt.round(6)
    array([3. , 0.5, 1.2, 2.5])
    """

    limits: ClassVar = {"sigma": POSITIVE, "beta": POSITIVE}

    @staticmethod
    def formula(x: Any, amplitude: Any, center: Any, sigma: Any, beta: Any) -> Any:
        """Evaluate the formula."""
        return amplitude * np.exp(-beta * np.log1p(((x - center) / sigma) ** 2))

    def shapes(self, sample: Sample) -> Iterable[Shape]:
        """Return centers and widths of measured peaks, with different exponents."""
        found = []
        for peak in sample.peaks():
            for beta in (0.7, 1.5, 4.0):
                sigma = 0.5 * peak.fwhm / sqrt(2.0 ** (1.0 / beta) - 1.0)
                found.append((peak.center, sigma, np.full((1, 1), beta)))
        return found


class SplitLorentzian(Peak):
    """A Lorentzian peak of area `amplitude` with half widths `sigma` on the left, `sigma_r` right.

    ``2 amplitude / (pi (sigma + sigma_r)) / (1 + ((x - center) / s)**2)``, where s is `sigma` below
    the center and `sigma_r` above it. Its height is ``2 amplitude / (pi (sigma + sigma_r))``, and
    its full width at half maximum ``sigma + sigma_r``.

    Parameters
    ----------
    prefix : str
        What the names of the parameters begin with.

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> x = np.linspace(-5.0, 5.0, 60)
    >>> peak = tw.models.SplitLorentzian()
    >>> popt, pcov = peak.fit(x, peak(x, 3.0, 0.5, 0.4, 1.2))
    >>> popt.round(6)
    array([3. , 0.5, 0.4, 1.2])
    """

    limits: ClassVar = {"sigma": POSITIVE, "sigma_r": POSITIVE}

    @staticmethod
    def formula(x: Any, amplitude: Any, center: Any, sigma: Any, sigma_r: Any) -> Any:
        """Evaluate the formula."""
        u = (x - center) / np.where(x < center, sigma, sigma_r)
        return 2.0 * amplitude / (pi * (sigma + sigma_r)) / (1.0 + u**2)

    def shapes(self, sample: Sample) -> Iterable[Shape]:
        """Return tops and one-sided widths of measured peaks."""
        return [(peak.top, peak.left, peak.right) for peak in sample.peaks()]


class Lognormal(Peak):
    """A log-normal peak of area `amplitude`, for x > 0: a Gaussian in log(x), divided by x.

    ``amplitude / (x sigma sqrt(2 pi)) exp(-(log(x) - center)**2 / (2 sigma**2))``, and 0 for
    x <= 0. `center` and `sigma` are those of log(x).

    Parameters
    ----------
    prefix : str
        What the names of the parameters begin with.

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> x = np.linspace(0.1, 10.0, 60)
    >>> peak = tw.models.Lognormal()
    >>> popt, pcov = peak.fit(x, peak(x, 3.0, 1.0, 0.4))
    >>> popt.round(6)
    array([3. , 1. , 0.4])
    """

    limits: ClassVar = {"sigma": POSITIVE}

    @staticmethod
    def formula(x: Any, amplitude: Any, center: Any, sigma: Any) -> Any:
        """Evaluate the formula."""
        inside = x > 0
        safe = np.where(inside, x, 1.0)
        return np.where(
            inside, Gaussian.formula(np.log(safe), amplitude, center, sigma) / safe, 0.0
        )

    def shapes(self, sample: Sample) -> Iterable[Shape]:
        """Return centers and widths from the points of half height.

        Their logarithms are center - sigma**2 -+ sqrt(2 log(2)) sigma.
        """
        found = []
        least, _ = sample.positive
        for peak in sample.peaks():
            low, high = (
                np.log(np.maximum(at, 0.5 * least))
                for at in (peak.top - peak.left, peak.top + peak.right)
            )
            sigma = (high - low) / FWHM
            found += [(0.5 * (low + high) + s**2, s) for s in (sigma, 0.6 * sigma)]
        return found


class ExponentialGaussian(Peak):
    """A Gaussian convolved with an exponential decay of rate `gamma` towards larger x.

    ``amplitude gamma / 2 exp(gamma (center - x + gamma sigma**2 / 2)) erfc((center + gamma sigma**2
    - x) / (sqrt(2) sigma))``: a chromatographic peak, with area `amplitude`. It is computed from
    the scaled complementary error function where that keeps the digits.

    Parameters
    ----------
    prefix : str
        What the names of the parameters begin with.

    References
    ----------
    E. Grushka, Anal. Chem. 44, 1972, 1733-1738, https://doi.org/10.1021/ac60319a011

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> x = np.linspace(0.0, 10.0, 80)
    >>> peak = tw.models.ExponentialGaussian()
    >>> popt, pcov = peak.fit(x, peak(x, 3.0, 2.0, 0.4, 0.8))
    >>> popt.round(6)
    array([3. , 2. , 0.4, 0.8])
    """

    limits: ClassVar = {"sigma": POSITIVE, "gamma": POSITIVE}

    @staticmethod
    def formula(x: Any, amplitude: Any, center: Any, sigma: Any, gamma: Any) -> Any:
        """Evaluate the formula."""
        u = (x - center) / sigma
        rate = gamma * sigma
        z = sqrt(0.5) * (rate - u)
        front = z > 0
        # exp(-u**2 / 2) erfcx(z) on one side; on the other erfc is between 1 and 2.
        rising = np.exp(-0.5 * u**2) * _faddeeva(0.0, np.where(front, z, 0.0))
        falling = np.exp(np.where(front, 0.0, rate * (0.5 * rate - u)))
        falling = falling * _erfc(np.where(front, 0.0, z))
        return 0.5 * amplitude * gamma * np.where(front, rising, falling)

    def shapes(self, sample: Sample) -> Iterable[Shape]:
        """Return measured peaks; sums of a Gaussian's and a decay's width."""
        found = []
        for peak in sample.peaks():
            for share in (0.3, 0.9):
                sigma = share * 2.0 * peak.left / FWHM
                for tail in (0.5, 2.0):
                    decay = np.maximum(peak.right - share * peak.left, 0.1 * peak.right) * tail
                    found.append((peak.top - 0.5 * np.minimum(decay, sigma), sigma, 1.0 / decay))
        return found


class SkewedGaussian(Peak):
    """A skewed Gaussian peak of area `amplitude`: a Gaussian times a step of slope `gamma`.

    ``amplitude / (sigma sqrt(2 pi)) exp(-(x - center)**2 / (2 sigma**2)) (1 + erf(gamma (x -
    center) / (sqrt(2) sigma)))``. It leans to larger x if `gamma` is positive; `center` is not its
    top.

    Parameters
    ----------
    prefix : str
        What the names of the parameters begin with.

    References
    ----------
    A. Azzalini, Scand. J. Statist. 12, 1985, 171-178.

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> x = np.linspace(0.0, 10.0, 80)
    >>> peak = tw.models.SkewedGaussian()
    >>> popt, pcov = peak.fit(x, peak(x, 3.0, 4.0, 1.2, 2.5))
    >>> popt.round(6)
    array([3. , 4. , 1.2, 2.5])
    """

    limits: ClassVar = {"sigma": POSITIVE}

    @staticmethod
    def formula(x: Any, amplitude: Any, center: Any, sigma: Any, gamma: Any) -> Any:
        """Evaluate the formula."""
        u = (x - center) / sigma
        skew = _erfc(-sqrt(0.5) * gamma * u)
        return amplitude / (sigma * sqrt(2.0 * pi)) * np.exp(-0.5 * u**2) * skew

    def shapes(self, sample: Sample) -> Iterable[Shape]:
        """Return measured peaks with different skews, by the mean and variance of each.

        With d = gamma / sqrt(1 + gamma**2) the mean is center + sqrt(2 / pi) d sigma, and the
        variance is (1 - 2 d**2 / pi) sigma**2.
        """
        found = []
        for peak in sample.peaks():
            for gamma in (-6.0, -1.5, 0.0, 1.5, 6.0):
                d = gamma / sqrt(1.0 + gamma**2)
                sigma = peak.fwhm / FWHM / sqrt(1.0 - 2.0 * d**2 / pi)
                center = peak.center - sqrt(2.0 / pi) * d * sigma
                found.append((center, sigma, np.full((1, 1), gamma)))
        return found


class BreitWigner(Peak):
    """The resonance of Breit, Wigner and Fano, of width `sigma` and asymmetry `q`.

    ``amplitude (q sigma / 2 + x - center)**2 / ((sigma / 2)**2 + (x - center)**2)``. Far from the
    resonance it is `amplitude`.

    Parameters
    ----------
    prefix : str
        What the names of the parameters begin with.

    References
    ----------
    U. Fano, Phys. Rev. 124, 1961, 1866-1878, https://doi.org/10.1103/PhysRev.124.1866

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> x = np.linspace(0.0, 10.0, 80)
    >>> fano = tw.models.BreitWigner()
    >>> popt, pcov = fano.fit(x, fano(x, 3.0, 4.0, 0.8, 1.5))
    >>> popt.round(6)
    array([3. , 4. , 0.8, 1.5])
    """

    limits: ClassVar = {"sigma": POSITIVE}

    @staticmethod
    def formula(x: Any, amplitude: Any, center: Any, sigma: Any, q: Any) -> Any:
        """Evaluate the formula."""
        half, u = 0.5 * sigma, x - center
        return amplitude * (q * half + u) ** 2 / (half**2 + u**2)

    def shapes(self, sample: Sample) -> Iterable[Shape]:
        """Return resonances from the places and values of the largest and the smallest data.

        The maximum 1 + q**2 is at 1 / q half widths from the center, and the zero at -q.
        """
        return _resonances(sample)


def _resonances(sample: Sample) -> list[Shape]:
    x, y = sample.x, sample.y
    sign = np.where(np.median(y, axis=1, keepdims=True) >= 0, 1.0, -1.0)
    v = y * sign
    few = max(v.shape[1] // 10, 1)
    ends = np.concatenate([v[:, :few], v[:, -few:]], axis=1)
    base = np.median(ends, axis=1, keepdims=True)
    high, low = (pick(x, f(v, axis=1)[:, None]) for f in (np.argmax, np.argmin))
    top = v.max(axis=1, keepdims=True)
    middle = np.median(v, axis=1, keepdims=True)
    found: list[Shape] = []
    for level in (base, 0.7 * base, 0.3 * base, middle):
        excess = np.maximum(top / np.where(level > 0, level, np.inf) - 1.0, 1e-4)
        q = np.sqrt(excess) * np.where(high >= low, 1.0, -1.0)
        sigma = 2.0 * np.abs(high - low) * np.abs(q) / (1.0 + q**2)
        sigma = np.maximum(sigma, 0.25 * sample.span / v.shape[1])
        found.append((high - 0.5 * sigma / q, sigma, q))
    # Where one of both is in the noise, the other is a symmetric peak or dip.
    for peak in sample.with_y(v - middle, -1).peaks():
        for q in (-8.0, -2.0, -0.5, 0.0, 0.5, 2.0, 8.0):
            shape = np.full((1, 1), q)
            move = 0.5 * peak.fwhm / q if abs(q) > 1 else -0.5 * q * peak.fwhm
            found.append((peak.top - 0.7 * move, 0.7 * peak.fwhm, shape))
    return found
