# SPDX-License-Identifier: BSD-3-Clause
"""Compute starts of fits: candidates for the shapes, linear least squares for the rest.

Ready models are linear in some parameters (an amplitude) once the others (a center, a width) are
known. For each term of a sum, a model names candidates for the latter. The sum of squares that is
left after linear least squares decides (G. H. Golub and V. Pereyra, "The differentiation of
pseudo-inverses and nonlinear least squares problems whose variables separate", SIAM J. Numer.
Anal. 10, 1973, 413-432, https://doi.org/10.1137/0710036). Terms are taken one after another, each
orthogonal to those before it, as in orthogonal matching pursuit (Y. C. Pati, R. Rezaiifar and
P. S. Krishnaprasad, 27th Asilomar Conference, 1993, https://doi.org/10.1109/ACSSC.1993.342465),
and then once more beside all others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from thalweg.models.samples import FloatArray, Sample, dot, orthonormal, projected, without_gaps

__all__ = ["Shaped", "starts"]

# How often each term of a sum is chosen once more, beside all others.
ROUNDS = 1

Shape = tuple[Any, ...]


class Shaped(Protocol):
    """What a term of a sum offers."""

    @property
    def degree(self) -> int | None:
        """The degree of a polynomial; None for other terms."""

    @property
    def linear(self) -> int:
        """How many parameters follow from the columns' coefficients. If 0, there are none."""

    @property
    def broad(self) -> bool:
        """Whether the term is broader than a peak, and so is chosen before peaks."""

    def shapes(self, _: Sample) -> Iterable[Shape]:
        """Return candidates for the parameters that do not multiply columns."""

    def columns(self, x: Any, *shape: Any) -> list[Any]:
        """Return the functions of x that parameters multiply."""

    def joined(self, coefficients: Sequence[Any], *shape: Any) -> Sequence[Any]:
        """Return all parameters from coefficients of the columns and a shape."""


@dataclass
class _Chosen:
    """The shape chosen for a term, and its columns."""

    shape: Shape
    columns: list[FloatArray]


def starts(terms: Sequence[tuple[float, Shaped]], sample: Sample) -> list[FloatArray]:
    """Return the parameters (k, p) of each term of a sum, whose factors are known."""
    y = sample.y
    size = np.max(np.abs(y), axis=1, keepdims=True)
    size = np.where(size > 0, size, 1.0)
    search = _Search(sample, y / size, size, [each for each in terms if each[1].degree is None])
    found, fitted = search.best()
    rest = y - size * fitted
    values = iter(found)
    degree, free = search_degree(terms), True
    trend = polynomial(_first(sample.x), rest, sample.kept, degree) if degree >= 0 else []
    result = []
    for factor, term in terms:
        if term.degree is None:
            parts = next(values)
        elif free and term.degree == degree:
            parts, free = list(term.joined([c / factor for c in trend])), False
        else:
            parts = [np.zeros((1, 1))] * (term.degree + 1)
        shape = (len(y), 1)
        result.append(np.concatenate([np.broadcast_to(p, shape) for p in parts], axis=1))
    return result


def search_degree(terms: Sequence[tuple[float, Shaped]]) -> int:
    """Return the degree of the baseline: that of the largest polynomial, or -1 without one."""
    return max((term.degree for _, term in terms if term.degree is not None), default=-1)


class _Search:
    """Choose shapes for the terms of a sum."""

    def __init__(
        self, sample: Sample, y: FloatArray, size: FloatArray, terms: list[tuple[float, Shaped]]
    ) -> None:
        self.sample, self.size, self.terms = sample, size, terms
        self.y = y if sample.kept is None else y * sample.kept
        self.trend = trend_basis(sample)

    def best(self) -> tuple[list[list[FloatArray]], FloatArray]:
        """Return the parameters of each term, and the values of all in units of `size`.

        Terms are chosen in several orders, and the order that leaves the least is kept. Several
        peaks are also looked for with the least smoothing, which keeps neighbours apart.
        """
        best: Any = None
        ways = [(order, False) for order in self._orders()]
        if sum(not term.broad for _, term in self.terms) > 1:
            ways.append((ways[0][0], True))
        for order, sharp in ways:
            parameters, fitted = self._run(order, sharp)
            rest = projected(self.y - self._kept(fitted), self.trend)
            left = dot(rest, rest)
            if best is None:
                best, found, values = left, parameters, fitted
                continue
            better = left < best
            best = np.where(better, left, best)
            values = np.where(better, fitted, values)
            found = [
                [np.where(better, a, b) for a, b in zip(new, old, strict=True)]
                for new, old in zip(parameters, found, strict=True)
            ]
        return found, values

    def _orders(self) -> list[list[int]]:
        """Return orders of the terms: broad ones first or last, and each kind first or last."""
        broad = [i for i, (_, term) in enumerate(self.terms) if term.broad]
        narrow = [i for i, (_, term) in enumerate(self.terms) if not term.broad]
        orders = [broad + narrow]
        if self._differ(broad):
            orders.append(broad[::-1] + narrow)
        if self._differ(narrow):
            orders.append(broad + narrow[::-1])
        if broad and narrow:
            orders.append(narrow + broad)
        return orders

    def _differ(self, part: list[int]) -> bool:
        """Whether terms are of different kinds."""
        return len({type(self.terms[i][1]) for i in part}) > 1

    def _run(self, order: list[int], sharp: bool) -> tuple[list[list[FloatArray]], FloatArray]:
        """Choose all shapes in some order, and solve for the coefficients."""
        terms = self.terms
        self.sample = replace(self.sample, sharp=sharp)
        found: dict[int, _Chosen] = {}
        for i in order:
            found[i] = self._best(*terms[i], list(found.values()))
        for i in order * (ROUNDS if len(terms) > 1 else 0):
            others = [each for j, each in found.items() if j != i]
            found[i] = self._best(*terms[i], others, found[i])
        chosen = [found[i] for i in range(len(terms))]
        solved = self._solved(chosen)
        parameters = []
        fitted: Any = np.zeros((1, 1))
        for (factor, term), each, own in zip(terms, chosen, solved, strict=True):
            for column, coefficient in zip(each.columns, own, strict=True):
                fitted = fitted + column * coefficient
            values = [c * self.size / factor for c in own]
            parameters.append(list(term.joined(values, *each.shape) if term.linear else each.shape))
        return parameters, np.asarray(fitted)

    def _basis(self, chosen: list[_Chosen]) -> list[FloatArray]:
        basis = list(self.trend)
        for each in chosen:
            for column in each.columns:
                basis.append(orthonormal(self._kept(column), basis))
        return basis

    def _kept(self, column: FloatArray) -> FloatArray:
        return column if self.sample.kept is None else column * self.sample.kept

    def _best(
        self, factor: float, term: Shaped, others: list[_Chosen], known: _Chosen | None = None
    ) -> _Chosen:
        """Choose the shape that explains most of what the other terms leave."""
        basis = self._basis(others)
        rest = projected(self.y, basis)
        kept = self.sample.kept
        planar = isinstance(self.sample.x, tuple)
        seen = rest if kept is None or planar else without_gaps(rest, kept)
        level = len(self.trend) - 1
        scale = self.size / factor
        data = seen if term.linear else seen * scale
        measured = self.sample.with_y(data, level, bool(others))
        shapes = list(term.shapes(measured))
        if known is not None:
            shapes.append(known.shape)
        best: Any = None
        found: Shape = ()
        for shape in shapes:
            columns = self._columns(term, scale, shape)
            gain = self._gain(columns, basis, rest, term.linear > 0)
            sound = [np.isfinite(dot(column, column)) for column in columns]
            gain = np.where(
                np.logical_and.reduce(np.broadcast_arrays(gain > -np.inf, *sound)), gain, -np.inf
            )
            if best is None:
                best, found = gain, shape
                continue
            better = gain > best
            best = np.where(better, gain, best)
            found = tuple(np.where(better, a, b) for a, b in zip(shape, found, strict=True))
        return _Chosen(found, self._columns(term, scale, found))

    def _columns(self, term: Shaped, scale: FloatArray, shape: Shape) -> list[FloatArray]:
        columns = [np.atleast_2d(np.asarray(c, float)) for c in term.columns(self.sample.x, *shape)]
        columns = columns if term.linear else [c / scale for c in columns]
        ones = np.ones((1, self.y.shape[1]))
        return [c if c.shape[1] > 1 else c * ones for c in columns]

    def _gain(
        self, columns: list[FloatArray], basis: list[FloatArray], rest: FloatArray, scaled: bool
    ) -> FloatArray:
        """Return the part of the sum of squares that the columns explain."""
        if not scaled:
            column = projected(self._kept(columns[0]), basis)
            return 2.0 * dot(rest, column) - dot(column, column)
        total: Any = 0.0
        own = list(basis)
        for column in columns:
            q = orthonormal(self._kept(column), own)
            own.append(q)
            total = total + dot(q, rest) ** 2
        return np.asarray(total)

    def _solved(self, chosen: list[_Chosen]) -> list[list[FloatArray]]:
        """Return the coefficients of the columns of each term, by QR of all columns."""
        trend, own = self.trend, list[FloatArray]()
        triangle, free = [], []
        for (_, term), each in zip(self.terms, chosen, strict=True):
            for column in each.columns:
                kept = self._kept(column)
                own.append(orthonormal(kept, trend + own))
                triangle.append([dot(q, kept) for q in own])
                free.append(term.linear > 0)
        y = projected(self.y, trend)
        values = [dot(q, y) for q in own]
        for j in reversed(range(len(own))):
            for i in range(j + 1, len(own)):
                values[j] = values[j] - triangle[i][j] * values[i]
            size = triangle[j][j]
            solved = np.where(size != 0, values[j] / np.where(size != 0, size, 1.0), 0.0)
            values[j] = solved if free[j] else np.ones((1, 1))
        rest = iter(values)
        return [[next(rest) for _ in each.columns] for each in chosen]


def _first(x: Any) -> FloatArray:
    """Return the predictor, or the first of several, over which polynomials are constant."""
    return np.asarray(x[0] if isinstance(x, tuple) else x)


def trend_basis(sample: Sample) -> list[FloatArray]:
    """Return orthonormal polynomials up to the degree of the sample's baseline."""
    if sample.level < 0:
        return []
    x = _first(sample.x)
    ones = np.ones((1, x.shape[1])) if sample.kept is None else sample.kept
    low, high = np.min(x, axis=1, keepdims=True), np.max(x, axis=1, keepdims=True)
    t = (x - 0.5 * (low + high)) / np.where(high > low, 0.5 * (high - low), 1.0)
    basis = [orthonormal(ones, [])]
    for _ in range(sample.level):
        basis.append(orthonormal(basis[-1] * t, basis))
    return basis


def polynomial(
    x: FloatArray, y: FloatArray, kept: FloatArray | None, degree: int
) -> list[FloatArray]:
    """Fit polynomials by least squares; return the coefficients of 1, x, x**2, ...

    Orthogonal polynomials are built by their recurrence (G. E. Forsythe, J. SIAM 5, 1957, 74-88)
    in x moved and scaled to [-1, 1], and then written in powers of x.
    """
    ones = np.ones((1, y.shape[1])) if kept is None else kept
    low, high = np.min(x, axis=1, keepdims=True), np.max(x, axis=1, keepdims=True)
    middle, unit = 0.5 * (low + high), np.where(high > low, 0.5 * (high - low), 1.0)
    t = (x - middle) / unit
    zero = np.zeros((1, 1))
    before: tuple[Any, list[Any], Any] = (0.0 * ones, [zero], 1.0)
    p, powers = ones, [zero + 1.0]
    total: list[Any] = [zero] * (degree + 1)
    for k in range(degree + 1):
        size = dot(p, p)
        there = size > 0
        size = np.where(there, size, 1.0)
        c = np.where(there, dot(y, p) / size, 0.0)
        total = [s + c * a for s, a in zip(total, powers + [zero] * (degree - k), strict=True)]
        a, b = dot(t * p, p) / size, size / before[2] if k else zero
        old = [*before[1], *[zero] * (len(powers) + 1 - len(before[1]))]
        shifted, same = [zero, *powers], [*powers, zero]
        following = [s - a * q - b * o for s, q, o in zip(shifted, same, old, strict=True)]
        p, powers, before = (t - a) * p - b * before[0], following, (p, powers, size)
    # sum total[k] ((x - middle) / unit)**k by Horner's scheme in powers of x
    result: list[Any] = [zero]
    for c in reversed(total):
        shifted = [zero, *result]
        same = [*result, zero]
        result = [(s - middle * r) / unit for s, r in zip(shifted, same, strict=True)]
        result[0] = result[0] + c
    return result[: degree + 1]
