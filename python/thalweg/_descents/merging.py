# SPDX-License-Identifier: BSD-3-Clause
"""Merge nearby points among millions by hashing grid cells, with care at the cells' borders."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from thalweg._objectives.points import FloatArray

__all__ = ["cells_of", "grouped", "merged"]

Indices = npt.NDArray[np.intp]

# Odd multipliers of 64 bits with no pattern: the golden ratio's, and one of Steele's (SplitMix64).
_SPREAD, _MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)
# Cells are this many tolerances wide, so that 2 n / 64 of the points lie near a border and few
# minima share a cell.
_TOLERANCES = 64
# A point is compared with at most this many lower points of its cell, and is rounded after that.
# Only a continuum of minima has more.
_ROUNDS = 128


def cells_of(
    points: FloatArray, scale: FloatArray | float = 1.0, offset: FloatArray | float = 0.0
) -> npt.NDArray[np.uint64]:
    """Hash the cell of ``scale * x + offset`` for each point x (k, n), as numbers (k,).

    Cells have side 1. Two different cells share a number with probability 2**-64.
    """
    k, n = points.shape
    number, at = np.zeros(k, np.uint64), np.empty(k)
    scales, offsets = np.broadcast_to(scale, n).tolist(), np.broadcast_to(offset, n).tolist()
    with np.errstate(invalid="ignore", over="ignore"):
        for column, a, b in zip(points.T, scales, offsets, strict=True):
            np.multiply(column, a, out=at)
            np.add(at, b, out=at)
            cell = np.floor(at, out=at).astype(np.int64).view(np.uint64)
            number ^= cell
            number *= _SPREAD
            number ^= number >> np.uint64(29)
        number *= _MIX
        number ^= number >> np.uint64(32)
    return number


def grouped(numbers: npt.NDArray[np.uint64]) -> Indices:
    """Return for each number the index of the first number that equals it.

    This is a hash table for arrays. Every number writes its index to the slot given by its low
    bits, in reverse order so that the first one wins. Numbers that read back the index of a
    different number try again among themselves.
    """
    k = len(numbers)
    size = 1 << max(4, int(2 * k - 1).bit_length())
    table = np.empty(size, np.intp)  # only what is written is read
    left, keys, first = np.arange(k), numbers, np.empty(0, np.intp)
    while left.size:
        slots = (keys & np.uint64(size - 1)).view(np.intp)
        table[slots[::-1]] = left[::-1]
        found = table[slots]
        same = numbers[found] == keys
        if not first.size:
            if same.all():
                return found
            first = np.empty(k, np.intp)
        first[left[same]] = found[same]
        left, keys = left[~same], keys[~same]
    return first


def merged(points: FloatArray, values: FloatArray) -> Indices:
    """Return for each point (k, n) the index of the point it is merged into: itself or a lower one.

    Points are taken in order of increasing value. A point is merged into a lower point that was
    kept if they differ by at most 1 in every coordinate. Two such points share a cell in at least
    one of n + 1 grids shifted along the diagonal, because in each coordinate a border separates
    them in at most one grid.
    """
    k, n = points.shape
    order = np.argsort(values, kind="stable")
    points = points[order]
    parent = np.arange(k)
    wide = float(max(_TOLERANCES, n + 1))
    waiting = np.arange(k)
    for j in range(n + 1):
        if len(waiting) < 2:
            break
        shift = j / (n + 1)
        _merge_in_cells(points, parent, waiting, wide, shift)
        # Keep only points that a border may have separated from others in every grid so far.
        waiting = waiting[parent[waiting] == waiting]
        inside = points[waiting] / wide + shift
        inside -= np.floor(inside)
        waiting = waiting[((inside * wide <= 1.0) | ((1.0 - inside) * wide <= 1.0)).any(axis=1)]
    while (above := parent[parent]).tobytes() != parent.tobytes():
        parent = above
    found = np.empty(k, np.intp)
    found[order] = order[parent]
    return found


def _merge_in_cells(
    points: FloatArray, parent: Indices, left: Indices, wide: float, shift: float
) -> None:
    """Merge points into the lowest point of their cell, then into the next lowest, and so on."""
    numbers = cells_of(points[left], 1.0 / wide, shift)
    for _ in range(_ROUNDS):
        heads = left[grouped(numbers)]
        others = heads != left
        near = (np.abs(points[left] - points[heads]) <= 1.0).all(axis=1) & others
        parent[left[near]] = heads[near]
        others &= ~near
        left, numbers = left[others], numbers[others]
        if not left.size:
            return
    parent[left] = left[grouped(cells_of(points[left], 1.0, shift))]
