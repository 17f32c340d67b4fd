# SPDX-License-Identifier: BSD-3-Clause
"""Predictors of guesses."""

import numpy as np
import pytest

from thalweg.models.predictors import Predictors, in_pieces


def test_one_row_serves_all_data_sets():
    x = Predictors([1.0, 2.0, 3.0], (4, 2), 3)
    assert not x.differ
    assert x.read(2, 5).shape == (1, 3)


def test_rows_are_read_where_data_sets_differ():
    own = np.arange(24.0).reshape(4, 2, 3)
    x = Predictors((own, [1.0, 2.0, 3.0]), (4, 2), 3)
    assert x.differ
    first, second = x.read(3, 5)
    np.testing.assert_array_equal(first, own.reshape(8, 3)[3:5])
    assert second.shape == (1, 3)


def test_array_of_predictors_is_read_as_in_scipy():
    both = Predictors(np.ones((2, 3)), (5,), 3).read(0, 5)
    assert [each.shape for each in both] == [(1, 3), (1, 3)]


def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match=r"x\[1\] must have shape \(3,\) or \(5, 3\), got \(2,\)"):
        Predictors(([1.0, 2.0, 3.0], [1.0, 2.0]), (5,), 3)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(("k", "m"), [(0, 10), (1, 1_000_000), (10_000, 100)])
def test_pieces_cover_all_data_sets_once(k, m, threads):
    found = in_pieces(lambda a, b: np.arange(float(a), float(b))[:, None], k, m, threads)
    np.testing.assert_array_equal(found[:, 0], np.arange(k))
