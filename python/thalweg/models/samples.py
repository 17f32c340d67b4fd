# SPDX-License-Identifier: BSD-3-Clause
"""Read data for guesses: many data sets in rows, by ascending x, without gaps; and measure them.

Every value is computed within its row, in an order that depends on the row's length alone. A guess
is therefore the same, bit for bit, alone and among a million others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

__all__ = [
    "FloatArray",
    "Measured",
    "Sample",
    "dot",
    "orthonormal",
    "pick",
    "projected",
    "without_gaps",
]


class Measured(NamedTuple):
    """The largest peak or dip of each data set.

    Attributes
    ----------
    center : ndarray (k, 1)
        The middle between the places where it falls to half of its height.
    fwhm : ndarray (k, 1)
        Its full width there.
    left, right : ndarray (k, 1)
        The distances of these places from its top.
    top : ndarray (k, 1)
        The place of its top.
    """

    center: FloatArray
    fwhm: FloatArray
    left: FloatArray
    right: FloatArray
    top: FloatArray


@dataclass(frozen=True)
class Sample:
    """Data sets from which starts are computed.

    Attributes
    ----------
    x : ndarray (1, m) or (k, m), or tuple of these
        The predictor, ascending in each row; or several predictors, in the order given.
    y : ndarray (k, m)
        The data; gaps are filled from their neighbours.
    kept : ndarray (1, m) or (k, m), optional
        1 for data, 0 for filled gaps; None if there are none.
    level : int
        Whether a baseline lies below the data: its degree, or -1.
    sharp : bool
        Whether to measure peaks with the least smoothing only, so that neighbours stay apart.
    rest : bool
        Whether the data are what other terms have left.
    """

    x: Any
    y: FloatArray
    kept: FloatArray | None = None
    level: int = -1
    sharp: bool = False
    rest: bool = False

    @classmethod
    def of(cls, x: Any, y: FloatArray, level: int = -1) -> Sample:
        """Sort the data by x, and fill gaps: values of y or x that are not finite."""
        several = isinstance(x, tuple)
        kept = np.isfinite(y)
        for each in x if several else (x,):
            kept = kept & np.isfinite(each)
        whole = bool(kept.all())
        if several:
            filled = tuple(each if whole else np.where(np.isfinite(each), each, 0.0) for each in x)
            return cls(
                filled, y if whole else np.where(kept, y, 0.0), _as_weights(kept, whole), level
            )
        order: Any = None
        if not whole:
            x = np.where(np.isfinite(x), x, np.inf)
        if (np.diff(x, axis=1) < 0).any():
            order = np.argsort(x, axis=1, kind="stable")
            x = np.take_along_axis(x, order, axis=1)
            if len(order) == 1:
                y, kept = np.ascontiguousarray(y[:, order[0]]), kept[:, order[0]]
            else:
                y, kept = (np.take_along_axis(a, order, axis=1) for a in (y, kept))
        if not whole:
            last = np.max(np.where(np.isfinite(x), x, -np.inf), axis=1, keepdims=True)
            x = np.where(np.isfinite(x), x, np.where(np.isfinite(last), last, 0.0))
            y = without_gaps(y, kept)
        return cls(x, y, _as_weights(kept, whole), level)

    @property
    def low(self) -> FloatArray:
        """The smallest x, (1, 1) or (k, 1)."""
        return np.asarray(self.x[:, :1])

    @property
    def high(self) -> FloatArray:
        """The largest x."""
        return np.asarray(self.x[:, -1:])

    @property
    def span(self) -> FloatArray:
        """The length of the range of x, or 1 if it is a point."""
        length = self.high - self.low
        return np.where(length > 0, length, 1.0)

    @property
    def positive(self) -> tuple[FloatArray, FloatArray]:
        """The smallest positive x and the largest, or 1 where none is positive."""
        least = np.min(np.where(self.x > 0, self.x, np.inf), axis=1, keepdims=True)
        most = np.max(self.x, axis=1, keepdims=True)
        none = ~np.isfinite(least)
        return np.where(none, 1.0, least), np.where(none, 1.0, most)

    def peaks(self) -> Iterator[Measured]:
        """Measure the largest peak or dip, with different baselines and degrees of smoothing."""
        m = self.y.shape[1]
        halves = [0] if m <= 8 else sorted({1, m // 32 or 1, m // 10})
        for level in _levels(self):
            v = self.y - level
            sums = np.zeros((len(v), m + 1))
            np.cumsum(v, axis=1, out=sums[:, 1:])
            for half in halves[:1] if self.sharp else halves:
                yield _peak(self.x, _smoothed(v, sums, half))

    def steps(self) -> list[FloatArray]:
        """Return the places of the largest rise from 0 and of the largest fall to 0.

        With a baseline, return the place of the best split into two levels. The sum of squares that
        a split explains is computed for all splits from cumulative sums.
        """
        y = self.y if self.kept is None else self.y * self.kept
        m = y.shape[1]
        ones = np.ones((1, m)) if self.kept is None else self.kept
        sums, counts = np.cumsum(y, axis=1), np.cumsum(ones, axis=1)
        after, rest = sums[:, -1:] - sums, counts[:, -1:] - counts
        beyond = after**2 / np.where(rest > 0, rest, np.inf)
        before = sums**2 / np.where(counts > 0, counts, np.inf)
        middle = 0.5 * (self.x[:, :-1] + self.x[:, 1:])
        scores = (beyond, before) if self.level < 0 else (beyond + before,)
        return [pick(middle, np.argmax(score[:, :-1], axis=1)[:, None]) for score in scores]

    def even(self, most: int = 1024) -> tuple[FloatArray, FloatArray]:
        """Interpolate the data at evenly spaced places; return their distance and the values."""
        m = self.y.shape[1]
        count = min(max(m, 8), most)
        step = self.span / (count - 1)
        places = self.low + step * np.arange(count)
        x, y = np.broadcast_to(self.x, (max(len(self.x), 1), m)), self.y
        # The number of x below each place: sorted together, places follow the x that equal them.
        both = np.concatenate([x, np.broadcast_to(places, (len(x), count))], axis=1)
        order = np.argsort(both, axis=1, kind="stable")
        is_place = order >= m
        below = np.cumsum(~is_place, axis=1)[is_place].reshape(len(x), count)
        right = np.clip(below, 1, m - 1)
        if m == 1:
            return step, np.broadcast_to(y, (len(y), count)).copy()
        a, b = pick(x, right - 1), pick(x, right)
        share = np.clip(np.where(b > a, (places - a) / np.where(b > a, b - a, 1.0), 0.0), 0.0, 1.0)
        return step, pick(y, right - 1) * (1.0 - share) + pick(y, right) * share

    def frequencies(self) -> list[FloatArray]:
        """Return angular frequencies of the strongest oscillation, and of less than one period."""
        step, values = self.even()
        count = values.shape[1]
        values = values - values.mean(axis=1, keepdims=True)
        size = 1 << (4 * count - 1).bit_length()
        window = np.hanning(count + 2)[1:-1]
        found = []
        for shaped in (values, values * window):
            power = np.abs(np.fft.rfft(shaped, size, axis=1)) ** 2
            at = np.clip(np.argmax(power, axis=1)[:, None], 1, power.shape[1] - 2)
            a, b, c = pick(power, at - 1), pick(power, at), pick(power, at + 1)
            bend = a - 2.0 * b + c
            shift = np.where(bend < 0, 0.5 * (a - c) / np.where(bend < 0, bend, 1.0), 0.0)
            found.append(2.0 * np.pi * (at + np.clip(shift, -0.5, 0.5)) / (size * step))
        slow = [
            2.0 * np.pi * periods / self.span for periods in (0.15, 0.3, 0.5, 0.7, 0.9, 1.2, 1.6)
        ]
        return found + slow

    def over(self, x: FloatArray, y: FloatArray) -> Sample:
        """Return the sample with other points, in the same order, and other data."""
        return replace(self, x=x, y=y)

    def with_y(self, y: FloatArray, level: int, rest: bool = False) -> Sample:
        """Return the sample with other data, such as what earlier terms have left."""
        return replace(self, y=y, level=level, rest=rest)


def pick(values: npt.NDArray[Any], at: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the elements of each row at positions (k, n); one row serves all."""
    if len(values) == 1:
        return np.asarray(values[0][at])
    at = np.broadcast_to(at, (len(values), at.shape[1]))
    return np.take_along_axis(values, at, axis=1)


def dot(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return the inner products of rows, (k, 1), each added in the same order, not by BLAS."""
    return np.asarray(np.einsum("ij,ij->i", a, b)[:, None])


def projected(column: FloatArray, basis: list[FloatArray]) -> FloatArray:
    """Return a column without its part in the span of an orthonormal basis."""
    for q in basis:
        column = column - q * dot(q, column)
    return column


def orthonormal(column: FloatArray, basis: list[FloatArray]) -> FloatArray:
    """Return the unit vector that a column adds to a basis, or 0 if it adds none.

    Gram and Schmidt's process is repeated once, which is enough (Giraud, Langou and Rozloznik,
    Comput. Math. Appl. 50, 2005, 1069-1075).
    """
    before = dot(column, column)
    rest = projected(projected(column, basis), basis)
    size = dot(rest, rest)
    # A remainder below the square root of the rounding error has no correct digits to speak of.
    there = (size > 1e-16 * before) & (before > 0) & np.isfinite(before)
    return np.where(there, rest, 0.0) / np.sqrt(np.where(there, size, 1.0))


def _as_weights(kept: npt.NDArray[np.bool_], whole: bool) -> FloatArray | None:
    return None if whole else kept.astype(np.float64)


def without_gaps(y: FloatArray, kept: npt.NDArray[Any]) -> FloatArray:
    """Fill gaps with the last value before them, or with the first value after them."""
    m = y.shape[1]
    at = np.arange(m)
    before = np.maximum.accumulate(np.where(kept > 0, at, -1), axis=1)
    after = np.minimum.accumulate(np.where(kept > 0, at, m)[:, ::-1], axis=1)[:, ::-1]
    source = np.where(before >= 0, before, after)
    none = source >= m
    filled = np.take_along_axis(y, np.where(none, 0, source), axis=1)
    return np.where(none, 0.0, filled)


def _levels(sample: Sample) -> Iterator[FloatArray]:
    """Return baselines above which a peak may stand."""
    x, y = sample.x, sample.y
    yield np.zeros((1, 1))
    m = y.shape[1]
    few = max(m // 10, 1)
    first, last = (np.median(part, axis=1, keepdims=True) for part in (y[:, :few], y[:, -few:]))
    if sample.level == 0:
        yield 0.5 * (first + last)
        yield np.median(y, axis=1, keepdims=True)
    if sample.level > 0 or sample.rest:
        a, b = x[:, :few].mean(axis=1, keepdims=True), x[:, -few:].mean(axis=1, keepdims=True)
        yield first + (last - first) * ((x - a) / np.where(b > a, b - a, 1.0))


def _smoothed(v: FloatArray, sums: FloatArray, half: int) -> FloatArray:
    """Return means over 2 half + 1 neighbours, fewer at the ends, from cumulative sums."""
    if half == 0:
        return v
    m, width = v.shape[1], 2 * half + 1
    means = np.empty(v.shape)
    np.subtract(sums[:, width:], sums[:, :-width], out=means[:, half : m - half])
    means[:, :half] = sums[:, half + 1 : width]
    np.subtract(sums[:, -1:], sums[:, m - 2 * half : m - half], out=means[:, m - half :])
    at = np.arange(m)
    counts = np.minimum(at + half + 1, m) - np.maximum(at - half, 0)
    means /= counts
    return means


def _peak(x: FloatArray, v: FloatArray) -> Measured:
    """Measure the largest peak of each row, or its largest dip if that is larger."""
    m = v.shape[1]
    high, low = v.max(axis=1, keepdims=True), v.min(axis=1, keepdims=True)
    v = v * np.where(high >= -low, 1.0, -1.0)
    top = np.argmax(v, axis=1)[:, None]
    half = 0.5 * pick(v, top)
    at = np.arange(m)
    below = v < half
    before, after = below & (at < top), below & (at > top)
    left = m - 1 - np.argmax(before[:, ::-1], axis=1)[:, None]
    right = np.argmax(after, axis=1)[:, None]
    left = np.where(pick(before, left), left, -1)
    right = np.where(pick(after, right), right, m)
    place = pick(x, top)

    def crossing(outer: Any, inner: Any, there: Any) -> tuple[FloatArray, Any]:
        outer, inner = np.clip(outer, 0, m - 1), np.clip(inner, 0, m - 1)
        a, b = pick(v, outer), pick(v, inner)
        share = np.where(b > a, (half - a) / np.where(b > a, b - a, 1.0), 0.5)
        xa, xb = pick(x, outer), pick(x, inner)
        return np.where(there, xa + (xb - xa) * share, place), there

    begin, has_begin = crossing(left, left + 1, left >= 0)
    end, has_end = crossing(right, right - 1, right < m)
    span = x[:, -1:] - x[:, :1]
    span = np.where(span > 0, span, 1.0)
    near = np.where(has_begin, place - begin, np.where(has_end, end - place, 0.25 * span))
    far = np.where(has_end, end - place, near)
    # A width is at least half a distance between neighbours, or the shape would be a spike.
    least = 0.25 * span / m
    near, far = np.maximum(near, least), np.maximum(far, least)
    center = np.where(has_begin & has_end, 0.5 * (begin + end), place)
    return Measured(center, near + far, near, far, place)
