# SPDX-License-Identifier: BSD-3-Clause
"""Oscillations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf
from typing import Any, ClassVar

import numpy as np

from thalweg.models.curve import Curve
from thalweg.models.samples import Sample
from thalweg.models.starts import Shape

__all__ = ["DampedSine", "Sine"]

POSITIVE = (0.0, inf)


class Sine(Curve):
    """A sine, ``amplitude sin(frequency x + shift)``.

    `frequency` is angular, 2 pi over the period. A start has a positive amplitude, and a shift
    between -pi and pi.

    Parameters
    ----------
    prefix : str
        What the names of the parameters begin with.

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> x = np.linspace(0.0, 20.0, 100)
    >>> popt, pcov = tw.models.Sine().fit(x, 3.0 * np.sin(2.5 * x + 0.7))
    >>> popt.round(6)
    array([3. , 2.5, 0.7])
    """

    limits: ClassVar = {"frequency": POSITIVE}

    @staticmethod
    def formula(x: Any, amplitude: Any, frequency: Any, shift: Any) -> Any:
        """Evaluate the formula."""
        return amplitude * np.sin(frequency * x + shift)

    @property
    def linear(self) -> int:
        """How many parameters follow from the columns' coefficients."""
        return 2

    def shapes(self, sample: Sample) -> Iterable[Shape]:
        """Return the frequencies of the largest values of the periodogram."""
        return [(frequency,) for frequency in sample.frequencies()]

    def columns(self, x: Any, *shape: Any) -> list[Any]:
        """Return sine and cosine."""
        return [np.sin(shape[0] * x), np.cos(shape[0] * x)]

    def joined(self, coefficients: Sequence[Any], *shape: Any) -> Sequence[Any]:
        """Return amplitude, frequency and shift."""
        a, b = coefficients
        return [np.hypot(a, b), shape[0], np.arctan2(b, a)]


class DampedSine(Curve):
    """A damped sine, ``amplitude exp(-x / decay) sin(frequency x + shift)``.

    `frequency` is angular, 2 pi over the period. A start has a positive amplitude, and a shift
    between -pi and pi.

    Parameters
    ----------
    prefix : str
        What the names of the parameters begin with.

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> x = np.linspace(0.0, 20.0, 100)
    >>> popt, pcov = tw.models.DampedSine().fit(x, 3.0 * np.exp(-x / 5.0) * np.sin(2.5 * x + 0.7))
    >>> popt.round(6)
    array([3. , 2.5, 0.7, 5. ])
    """

    limits: ClassVar = {"frequency": POSITIVE, "decay": POSITIVE}

    @staticmethod
    def formula(x: Any, amplitude: Any, frequency: Any, shift: Any, decay: Any) -> Any:
        """Evaluate the formula."""
        return amplitude * np.exp(-x / decay) * np.sin(frequency * x + shift)

    @property
    def linear(self) -> int:
        """How many parameters follow from the columns' coefficients."""
        return 2

    def shapes(self, sample: Sample) -> Iterable[Shape]:
        """Return frequencies of the periodogram, each with a grid of decays."""
        times = [sample.span * t for t in (0.03, 0.08, 0.2, 0.5, 1.5, 8.0)]
        return [(f, t) for f in sample.frequencies() for t in times]

    def columns(self, x: Any, *shape: Any) -> list[Any]:
        """Return the damped sine and cosine."""
        frequency, decay = shape
        fall = np.exp(-x / decay)
        return [fall * np.sin(frequency * x), fall * np.cos(frequency * x)]

    def joined(self, coefficients: Sequence[Any], *shape: Any) -> Sequence[Any]:
        """Return amplitude, frequency, shift and decay."""
        a, b = coefficients
        return [np.hypot(a, b), shape[0], np.arctan2(b, a), shape[1]]
