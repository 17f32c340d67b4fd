# SPDX-License-Identifier: BSD-3-Clause
"""Baselines, growth and decay."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf
from typing import Any, ClassVar

import numpy as np

from thalweg.models.curve import Curve
from thalweg.models.samples import FloatArray, Sample, dot
from thalweg.models.starts import Shape

__all__ = [
    "Arrhenius", "BiExponential", "Constant", "Exponential", "Line", "Polynomial", "PowerLaw",
    "StretchedExponential",
]  # fmt: skip

POSITIVE = (0.0, inf)
# The molar gas constant in J / (mol K), exact since 2019 (CODATA 2018).
GAS_CONSTANT = 8.31446261815324


class Constant(Curve):
    """A constant, ``c``.

    Parameters
    ----------
    prefix : str
        What the name of the parameter begins with.

    Examples
    --------
    >>> import thalweg as tw
    >>> popt, pcov = tw.models.Constant().fit([1.0, 2.0, 3.0], [4.0, 5.0, 6.0])
    >>> popt
    array([5.])
    """

    @staticmethod
    def formula(x: Any, c: Any) -> Any:
        """Evaluate the formula."""
        x = x[0] if isinstance(x, tuple) else x
        return c + 0.0 * x if np.ndim(x) == 1 else c

    def columns(self, *_: Any) -> list[Any]:
        """Return 1."""
        return [np.ones((1, 1))]

    @property
    def degree(self) -> int:
        """The degree of the polynomial."""
        return 0


class Line(Curve):
    """A straight line, ``slope x + intercept``.

    Parameters
    ----------
    prefix : str
        What the names of the parameters begin with.

    Examples
    --------
    >>> import thalweg as tw
    >>> popt, pcov = tw.models.Line().fit([1.0, 2.0, 3.0], [3.0, 5.0, 7.0])
    >>> popt.round(6)
    array([2., 1.])
    """

    @staticmethod
    def formula(x: Any, slope: Any, intercept: Any) -> Any:
        """Evaluate the formula."""
        return slope * x + intercept

    @property
    def degree(self) -> int:
        """The degree of the polynomial."""
        return 1

    @property
    def linear(self) -> int:
        """How many parameters follow from the columns' coefficients."""
        return 2

    def columns(self, x: Any, *_: Any) -> list[Any]:
        """Return 1 and x."""
        return [np.ones_like(x), x]

    def joined(self, coefficients: Sequence[Any], *_: Any) -> Sequence[Any]:
        """Return the coefficients of 1 and x as slope and intercept."""
        return [coefficients[1], coefficients[0]]


class Polynomial(Curve):
    """A polynomial, ``c0 + c1 x + c2 x**2`` and so on to ``cn x**n``.

    Parameters
    ----------
    n : int
        The degree, at least 0.
    prefix : str
        What the names of the parameters begin with.

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> x = np.linspace(0.0, 2.0, 9)
    >>> popt, pcov = tw.models.Polynomial(2).fit(x, 1.0 - 2.0 * x + 3.0 * x**2)
    >>> popt.round(6)
    array([ 1., -2.,  3.])
    """

    n: int

    def __init__(self, n: Any, prefix: str = "") -> None:
        if not isinstance(n, int | np.integer) or n < 0:
            raise ValueError(f"n must be a whole number of at least 0, got {n!r}")
        object.__setattr__(self, "n", int(n))
        self._keep(prefix, self.n)

    def __repr__(self) -> str:
        return f"Polynomial({self.n}{', ' + repr(self.prefix) if self.prefix else ''})"

    @property
    def own_names(self) -> tuple[str, ...]:
        """The names of the coefficients."""
        return tuple(f"c{i}" for i in range(self.n + 1))

    @staticmethod
    def formula(x: Any, *c: Any) -> Any:
        """Evaluate the polynomial by Horner's scheme."""
        total = c[-1] + 0.0 * x
        for each in c[-2::-1]:
            total = total * x + each
        return total

    @property
    def degree(self) -> int:
        """The degree of the polynomial."""
        return self.n

    @property
    def linear(self) -> int:
        """How many parameters follow from the columns' coefficients."""
        return self.n + 1

    def columns(self, x: Any, *_: Any) -> list[Any]:
        """Return the powers of x."""
        return [x**i if i else np.ones_like(x) for i in range(self.n + 1)]

    def joined(self, coefficients: Sequence[Any], *_: Any) -> Sequence[Any]:
        """Return the coefficients."""
        return coefficients


class PowerLaw(Curve):
    """A power law, ``amplitude x**exponent``, for x > 0.

    Parameters
    ----------
    prefix : str
        What the names of the parameters begin with.

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> x = np.linspace(1.0, 5.0, 20)
    >>> popt, pcov = tw.models.PowerLaw().fit(x, 3.0 * x**-1.5)
    >>> popt.round(6)
    array([ 3. , -1.5])
    """

    @staticmethod
    def formula(x: Any, amplitude: Any, exponent: Any) -> Any:
        """Evaluate the formula."""
        return amplitude * x**exponent

    def shapes(self, sample: Sample) -> Iterable[Shape]:
        """Return slopes in logarithmic axes, and a grid."""
        slope = _log_slope(sample, np.log(np.where(sample.x > 0, sample.x, 1.0)))
        grid = (-6.0, -4.0, -3.0, -2.0, -1.0, -0.5, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0)
        return [(slope,), *((np.full((1, 1), e),) for e in grid)]


class Exponential(Curve):
    """Exponential decay, ``amplitude exp(-x / decay)``; growth if `decay` is negative.

    Parameters
    ----------
    prefix : str
        What the names of the parameters begin with.

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> x = np.linspace(0.0, 5.0, 20)
    >>> popt, pcov = tw.models.Exponential().fit(x, 3.0 * np.exp(-x / 1.5))
    >>> popt.round(6)
    array([3. , 1.5])
    """

    @staticmethod
    def formula(x: Any, amplitude: Any, decay: Any) -> Any:
        """Evaluate the formula."""
        return amplitude * np.exp(-x / decay)

    def shapes(self, sample: Sample) -> Iterable[Shape]:
        """Return a grid of decays and of growths."""
        times = _times(sample, 16)
        return [(t,) for t in times] + [(-t,) for t in times]


class BiExponential(Curve):
    """Two exponential decays, ``amplitude1 exp(-x / decay1) + amplitude2 exp(-x / decay2)``.

    A start has `decay1` < `decay2`.

    Parameters
    ----------
    prefix : str
        What the names of the parameters begin with.

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> x = np.linspace(0.0, 10.0, 60)
    >>> y = 3.0 * np.exp(-x / 0.5) + 2.0 * np.exp(-x / 4.0)
    >>> popt, pcov = tw.models.BiExponential().fit(x, y)
    >>> popt.round(6)
    array([3. , 0.5, 2. , 4. ])
    """

    limits: ClassVar = {"decay1": POSITIVE, "decay2": POSITIVE}

    @staticmethod
    def formula(x: Any, amplitude1: Any, decay1: Any, amplitude2: Any, decay2: Any) -> Any:
        """Evaluate the formula."""
        return amplitude1 * np.exp(-x / decay1) + amplitude2 * np.exp(-x / decay2)

    @property
    def linear(self) -> int:
        """How many parameters follow from the columns' coefficients."""
        return 2

    def shapes(self, sample: Sample) -> Iterable[Shape]:
        """Return pairs of a grid of decays."""
        times = _times(sample, 9)
        return [(a, b) for i, a in enumerate(times) for b in times[i + 1 :]]

    def columns(self, x: Any, *shape: Any) -> list[Any]:
        """Return both decays."""
        return [np.exp(-x / decay) for decay in shape]

    def joined(self, coefficients: Sequence[Any], *shape: Any) -> Sequence[Any]:
        """Return amplitudes and decays in turn."""
        return [coefficients[0], shape[0], coefficients[1], shape[1]]


class StretchedExponential(Curve):
    """Kohlrausch's stretched exponential, ``amplitude exp(-(x / decay)**beta)``, for x >= 0.

    Parameters
    ----------
    prefix : str
        What the names of the parameters begin with.

    References
    ----------
    R. Kohlrausch, Ann. Phys. 167, 1854, 179-214, https://doi.org/10.1002/andp.18541670203

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> x = np.linspace(0.0, 5.0, 30)
    >>> popt, pcov = tw.models.StretchedExponential().fit(x, 3.0 * np.exp(-((x / 1.5) ** 0.6)))
    >>> popt.round(6)
    array([3. , 1.5, 0.6])
    """

    limits: ClassVar = {"decay": POSITIVE, "beta": POSITIVE}

    @staticmethod
    def formula(x: Any, amplitude: Any, decay: Any, beta: Any) -> Any:
        """Evaluate the formula."""
        inside = x > 0
        u = np.log(np.where(inside, x, 1.0)) - np.log(decay)
        return amplitude * np.where(inside, np.exp(-np.exp(beta * u)), 1.0)

    def shapes(self, sample: Sample) -> Iterable[Shape]:
        """Return a grid of decays and exponents."""
        betas = [np.full((1, 1), beta) for beta in (0.35, 0.6, 1.0, 1.7)]
        return [(t, beta) for t in _times(sample, 12) for beta in betas]


class Arrhenius(Curve):
    """Arrhenius' law, ``amplitude exp(-energy / (R x))``: a rate at the temperature x in kelvin.

    `energy` is the activation energy in J/mol, and R = 8.31446261815324 J/(mol K).

    Parameters
    ----------
    prefix : str
        What the names of the parameters begin with.

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> T = np.linspace(280.0, 340.0, 20)
    >>> rate = tw.models.Arrhenius()
    >>> popt, pcov = rate.fit(T, rate(T, 1e12, 75e3))
    >>> popt[1].round(3), (popt[0] / 1e12).round(6)
    (np.float64(75000.0), np.float64(1.0))
    """

    @staticmethod
    def formula(x: Any, amplitude: Any, energy: Any) -> Any:
        """Evaluate the formula."""
        return amplitude * np.exp(-energy / (GAS_CONSTANT * x))

    def shapes(self, sample: Sample) -> Iterable[Shape]:
        """Return energies from slopes of log(y) over 1 / x, and a grid."""
        inverse = 1.0 / np.where(sample.x > 0, sample.x, 1.0)
        slope = _log_slope(sample, inverse)
        width = np.max(inverse, axis=1, keepdims=True) - np.min(inverse, axis=1, keepdims=True)
        unit = GAS_CONSTANT / np.where(width > 0, width, 1.0)
        grid = (-3.0, -1.0, -0.3, 0.1, 0.3, 1.0, 2.0, 4.0, 8.0)
        return [(-GAS_CONSTANT * slope,), *((unit * e,) for e in grid)]


def _times(sample: Sample, count: int) -> list[FloatArray]:
    """Return times from half the mean distance of points to 30 times the span, evenly in log."""
    least = 0.5 / max(sample.y.shape[1], 2)
    return [sample.span * t for t in np.geomspace(least, 30.0, count)]


def _log_slope(sample: Sample, z: FloatArray) -> FloatArray:
    """Return the slope of log(y) over z, by least squares with weights y**2.

    These weights make up for the logarithm: data of equal errors d have errors d / y in log(y).
    Data of the sign that is rarer by these weights are left out.
    """
    y = sample.y if sample.kept is None else sample.y * sample.kept
    sign = np.where(dot(y, np.abs(y)) >= 0, 1.0, -1.0)
    v = y * sign
    w = np.where((v > 0) & (sample.x > 0), v, 0.0)
    w = w * w
    logs = np.log(np.where(w > 0, v, 1.0))
    total = dot(w, np.ones((1, 1)))
    total = np.where(total > 0, total, 1.0)
    za, la = dot(w, z) / total, dot(w, logs) / total
    bend = dot(w, (z - za) ** 2)
    there = bend > 0
    slope = dot(w, (z - za) * (logs - la)) / np.where(there, bend, 1.0)
    return np.where(there & np.isfinite(slope), slope, 0.0)
