# SPDX-License-Identifier: BSD-3-Clause
"""Steps, growth that saturates, and isotherms."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf, pi
from typing import Any, ClassVar

import numpy as np

from thalweg._tracing.elementary import operation
from thalweg.models.curve import Curve
from thalweg.models.samples import FloatArray, Sample
from thalweg.models.starts import Shape

__all__ = ["BET", "Hill", "Langmuir", "Logistic", "MichaelisMenten", "Step"]

_expit, _erfc = operation("expit"), operation("erfc")

POSITIVE = (0.0, inf)


class Logistic(Curve):
    """Logistic growth, ``amplitude / (1 + exp(-rate (x - center)))``.

    Parameters
    ----------
    prefix : str
        What the names of the parameters begin with.

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> x = np.linspace(0.0, 10.0, 30)
    >>> popt, pcov = tw.models.Logistic().fit(x, 3.0 / (1.0 + np.exp(-1.5 * (x - 4.0))))
    >>> popt.round(6)
    array([3. , 4. , 1.5])
    """

    @staticmethod
    def formula(x: Any, amplitude: Any, center: Any, rate: Any) -> Any:
        """Evaluate the formula."""
        return amplitude * _expit(rate * (x - center))

    def shapes(self, sample: Sample) -> Iterable[Shape]:
        """Return places of the largest step, and a grid of rates."""
        rates = [1.0 / width for width in _widths(sample)]
        centers = _centers(sample)
        if sample.level >= 0:  # a fall is a negative rise
            return [(c, r) for c in centers for r in rates]
        rise, fall, *grid = centers
        both = [(c, s * r) for c in grid for r in rates for s in (1.0, -1.0)]
        return [*((rise, r) for r in rates), *((fall, -r) for r in rates), *both]


class Step(Curve):
    """A step of height `amplitude` at `center`, of width `sigma`.

    ``amplitude S((x - center) / sigma)``, where S(u) is ``(1 + erf(u)) / 2``, ``1/2 + atan(u) /
    pi`` or ``1 / (1 + exp(-u))``.

    Parameters
    ----------
    form : {'erf', 'atan', 'logistic'}
        The shape of the step.
    prefix : str
        What the names of the parameters begin with.

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> x = np.linspace(0.0, 10.0, 40)
    >>> edge = tw.models.Step("atan")
    >>> popt, pcov = edge.fit(x, 3.0 * (0.5 + np.arctan((x - 4.0) / 0.7) / np.pi))
    >>> popt.round(6)
    array([3. , 4. , 0.7])
    """

    limits: ClassVar = {"sigma": POSITIVE}
    form: str

    def __init__(self, form: str = "erf", prefix: str = "") -> None:
        if form not in ("erf", "atan", "logistic"):
            raise ValueError(f"form must be 'erf', 'atan' or 'logistic', got {form!r}")
        object.__setattr__(self, "form", form)
        self._keep(prefix, form)

    def __repr__(self) -> str:
        return f"Step({self.form!r}{', ' + repr(self.prefix) if self.prefix else ''})"

    @property
    def own_names(self) -> tuple[str, ...]:
        """The names of the parameters."""
        return ("amplitude", "center", "sigma")

    def formula(self, x: Any, amplitude: Any, center: Any, sigma: Any) -> Any:
        """Evaluate the formula."""
        u = (x - center) / sigma
        if self.form == "erf":
            return amplitude * (0.5 * _erfc(-u))
        return amplitude * (_expit(u) if self.form == "logistic" else 0.5 + np.arctan(u) / pi)

    def shapes(self, sample: Sample) -> Iterable[Shape]:
        """Return places of the largest step, and a grid of widths."""
        centers = _centers(sample)
        if sample.level < 0:
            del centers[1]  # a fall to 0, which is no such step
        return [(c, w) for c in centers for w in _widths(sample)]


class MichaelisMenten(Curve):
    """The rate of an enzyme's reaction, ``vmax x / (km + x)``, for x >= 0.

    Parameters
    ----------
    prefix : str
        What the names of the parameters begin with.

    References
    ----------
    L. Michaelis and M. L. Menten, Biochem. Z. 49, 1913, 333-369.

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> x = np.linspace(0.0, 10.0, 20)
    >>> popt, pcov = tw.models.MichaelisMenten().fit(x, 3.0 * x / (1.5 + x))
    >>> popt.round(6)
    array([3. , 1.5])
    """

    limits: ClassVar = {"km": POSITIVE}

    @staticmethod
    def formula(x: Any, vmax: Any, km: Any) -> Any:
        """Evaluate the formula."""
        return vmax * x / (km + x)

    def shapes(self, sample: Sample) -> Iterable[Shape]:
        """Return a grid of concentrations."""
        return [(k,) for k in _concentrations(sample, 16)]


class Hill(Curve):
    """Hill's equation, ``vmax x**n / (k**n + x**n)``, for x >= 0: a dose and its response.

    Add a `Constant` for the four-parameter logistic curve of dose and response.

    Parameters
    ----------
    prefix : str
        What the names of the parameters begin with.

    References
    ----------
    A. V. Hill, J. Physiol. 40, 1910, iv-vii.

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> x = np.linspace(0.0, 10.0, 20)
    >>> popt, pcov = tw.models.Hill().fit(x, 3.0 * x**2.5 / (4.0**2.5 + x**2.5))
    >>> popt.round(6)
    array([3. , 4. , 2.5])
    """

    limits: ClassVar = {"k": POSITIVE, "n": POSITIVE}

    @staticmethod
    def formula(x: Any, vmax: Any, k: Any, n: Any) -> Any:
        """Evaluate the formula, as 1 / (1 + (k / x)**n)."""
        inside = x > 0
        share = _expit(n * (np.log(np.where(inside, x, 1.0)) - np.log(k)))
        return vmax * np.where(inside, share, 0.0)

    def shapes(self, sample: Sample) -> Iterable[Shape]:
        """Return a grid of concentrations and exponents."""
        powers = [np.full((1, 1), n) for n in (0.5, 1.0, 2.0, 4.0, 10.0)]
        return [(k, n) for k in _concentrations(sample, 12) for n in powers]


class Langmuir(Curve):
    """Langmuir's isotherm, ``qmax k x / (1 + k x)``: what is adsorbed at the pressure x >= 0.

    Parameters
    ----------
    prefix : str
        What the names of the parameters begin with.

    References
    ----------
    I. Langmuir, J. Am. Chem. Soc. 40, 1918, 1361-1403, https://doi.org/10.1021/ja02242a004

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> x = np.linspace(0.0, 10.0, 20)
    >>> popt, pcov = tw.models.Langmuir().fit(x, 3.0 * 0.5 * x / (1.0 + 0.5 * x))
    >>> popt.round(6)
    array([3. , 0.5])
    """

    limits: ClassVar = {"k": POSITIVE}

    @staticmethod
    def formula(x: Any, qmax: Any, k: Any) -> Any:
        """Evaluate the formula."""
        return qmax * k * x / (1.0 + k * x)

    def shapes(self, sample: Sample) -> Iterable[Shape]:
        """Return a grid of constants."""
        return [(1.0 / k,) for k in _concentrations(sample, 16)]


class BET(Curve):
    """The isotherm of Brunauer, Emmett and Teller, ``vm c x / ((1 - x) (1 + (c - 1) x))``.

    x is the pressure over that of saturation, below 1; `vm` is the amount in one layer.

    Parameters
    ----------
    prefix : str
        What the names of the parameters begin with.

    References
    ----------
    S. Brunauer, P. H. Emmett and E. Teller, J. Am. Chem. Soc. 60, 1938, 309-319,
    https://doi.org/10.1021/ja01269a023

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> x = np.linspace(0.05, 0.35, 20)
    >>> bet = tw.models.BET()
    >>> popt, pcov = bet.fit(x, bet(x, 3.0, 80.0))
    >>> popt.round(6)
    array([ 3., 80.])
    """

    limits: ClassVar = {"c": POSITIVE}

    @staticmethod
    def formula(x: Any, vm: Any, c: Any) -> Any:
        """Evaluate the formula."""
        return vm * c * x / ((1.0 - x) * (1.0 + (c - 1.0) * x))

    def shapes(self, _: Sample) -> Iterable[Shape]:
        """Return a grid of constants."""
        return [(np.full((1, 1), c),) for c in np.geomspace(0.1, 1e5, 25)]


def _centers(sample: Sample) -> list[FloatArray]:
    """Return places of the largest step, and a coarse grid."""
    grid = [sample.low + share * sample.span for share in (0.1, 0.3, 0.5, 0.7, 0.9)]
    return [*sample.steps(), *grid]


def _widths(sample: Sample) -> list[FloatArray]:
    """Return widths from a third of the mean distance of points to the span."""
    least = 0.3 / max(sample.y.shape[1], 2)
    return [sample.span * w for w in np.geomspace(least, 0.5, 6)]


def _concentrations(sample: Sample, count: int) -> list[FloatArray]:
    """Return concentrations around the positive x, evenly in their logarithms."""
    least, most = sample.positive
    low, high = np.log(0.1 * least), np.log(20.0 * most)
    return [np.exp(low + share * (high - low)) for share in np.linspace(0.0, 1.0, count)]
