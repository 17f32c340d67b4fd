# SPDX-License-Identifier: BSD-3-Clause
"""Merging of nearby points: against comparison one by one, and at the borders of cells."""

import numpy as np
import pytest

from thalweg._descents.merging import cells_of, grouped, merged


@pytest.mark.parametrize("n", [2, 3, 10])
def test_points_are_merged_as_one_by_one_comparison_does(n):
    rng = np.random.default_rng(n)
    centers = rng.random((80, n)) * 30
    points = np.repeat(centers, 9, axis=0) + rng.normal(size=(720, n)) * 0.03
    values = rng.random(720)
    kept, expected = [], np.arange(720)
    for i in np.argsort(values, kind="stable"):
        near = [j for j in kept if np.abs(points[i] - points[j]).max() <= 1]
        expected[i] = near[0] if near else i
        kept += [] if near else [i]
    assert len(kept) > 10
    found = merged(points, values)
    # Where a point is near two that were kept, either is right.
    assert np.array_equal(np.unique(found), np.unique(expected))
    assert np.abs(points - points[found]).max() <= 1


def test_points_on_the_border_of_a_cell_are_merged():
    at = np.arange(-640, 640)[:, None] * np.ones(3)  # every border of every grid, and beside it
    points = np.concatenate([at - 1e-9, at + 1e-9]) * 4.0
    found = merged(points, np.arange(len(points), dtype=float))
    assert np.array_equal(found, np.tile(np.arange(1280), 2))


def test_equal_numbers_are_grouped_under_the_first():
    rng = np.random.default_rng(0)
    for numbers in (rng.integers(0, 50, 1000), rng.integers(0, 2**62, 1000) << 1, np.zeros(7, int)):
        first = {}
        expected = [first.setdefault(v, i) for i, v in enumerate(numbers.tolist())]
        assert grouped(numbers.astype(np.uint64)).tolist() == expected
    assert grouped(np.zeros(0, np.uint64)).size == 0


def test_other_cells_have_other_numbers():
    corners = np.stack(np.meshgrid(*[np.arange(-20, 21) + 0.5] * 3), axis=-1).reshape(-1, 3)
    assert len(np.unique(cells_of(corners))) == 41**3
    assert np.array_equal(cells_of(corners), cells_of(corners + 0.49))
