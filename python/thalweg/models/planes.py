# SPDX-License-Identifier: BSD-3-Clause
"""Peaks in a plane."""

from __future__ import annotations

from collections.abc import Iterable
from math import log, pi, sqrt
from typing import Any, ClassVar

import numpy as np

from thalweg.models.peaks import POSITIVE, Peak
from thalweg.models.samples import Sample, dot, pick
from thalweg.models.starts import Shape

__all__ = ["Gaussian2D"]


class Gaussian2D(Peak):
    """A Gaussian peak in a plane, of volume `amplitude`; x is a tuple of two coordinates.

    ``amplitude / (2 pi sigmax sigmay) exp(-(x - centerx)**2 / (2 sigmax**2) - (y - centery)**2 /
    (2 sigmay**2))``

    Parameters
    ----------
    prefix : str
        What the names of the parameters begin with.

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> x, y = (a.ravel() for a in np.meshgrid(np.arange(20.0), np.arange(15.0)))
    >>> spot = tw.models.Gaussian2D()
    >>> popt, pcov = spot.fit((x, y), spot((x, y), 100.0, 9.0, 6.5, 2.0, 1.5))
    >>> popt.round(6)
    array([100. ,   9. ,   6.5,   2. ,   1.5])
    """

    limits: ClassVar = {"sigmax": POSITIVE, "sigmay": POSITIVE}

    @staticmethod
    def formula(
        x: Any, amplitude: Any, centerx: Any, centery: Any, sigmax: Any, sigmay: Any
    ) -> Any:
        """Evaluate the formula."""
        u, v = (x[0] - centerx) / sigmax, (x[1] - centery) / sigmay
        return amplitude / (2.0 * pi * sigmax * sigmay) * np.exp(-0.5 * (u**2 + v**2))

    def shapes(self, sample: Sample) -> Iterable[Shape]:
        """Return means and spreads of the points, weighted by the data above some level."""
        if not isinstance(sample.x, tuple) or len(sample.x) != 2:
            raise ValueError("x of Gaussian2D must be a tuple of two arrays")
        x, y = sample.x
        data = sample.y if sample.kept is None else sample.y * sample.kept
        levels = [np.zeros((1, 1))]
        if sample.level >= 0:
            levels.append(np.median(data, axis=1, keepdims=True))
        found = []
        for level in levels:
            v = data - level
            high, low = v.max(axis=1, keepdims=True), v.min(axis=1, keepdims=True)
            v = v * np.where(high >= -low, 1.0, -1.0)
            top = np.maximum(high, -low)
            at = np.argmax(v, axis=1)[:, None]
            for share in (0.25, 0.5, 0.7):
                factor = _narrowed(share)
                w = np.maximum(v - share * top, 0.0)
                total = dot(w, np.ones((1, 1)))
                place, spread = [], []
                for each in (x, y):
                    middle = dot(w, each) / total
                    second = dot(w, (each - middle) ** 2) / total
                    place.append(middle)
                    spread.append(np.sqrt(second) / factor)
                extent = [np.ptp(each, axis=1, keepdims=True) for each in (x, y)]
                count = sqrt(max(v.shape[1], 1))
                width = [
                    np.maximum(s, 0.3 * e / count) for s, e in zip(spread, extent, strict=True)
                ]
                found.append((*place, *width))
            tops = [pick(each, at) for each in (x, y)]
            found += [(*tops, *(e * part for e in extent)) for part in (0.03, 0.08, 0.2)]
        return found


def _narrowed(share: float) -> float:
    """Return how much smaller the spread of a Gaussian's top is than its own, in the plane.

    The top is weighted by what is above some share s of the height. With t = r**2 / (2 sigma**2),
    the mean of x**2 is sigma**2 times the mean of t under the weights exp(-t) - s, up to log(1/s).
    """
    end = -log(share)
    first = 1.0 - share * (1.0 + end) - 0.5 * share * end**2
    return sqrt(first / (1.0 - share - share * end))
