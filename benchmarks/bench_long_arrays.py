# SPDX-License-Identifier: BSD-3-Clause
"""Sums over many rows, long vectors: value and gradient against NumPy and JAX."""

from functools import cache

import long_arrays
import pytest
from conftest import Compare
from workloads import Work

NAMES = [
    "least_squares_32", "logistic_32", "least_squares_100", "logistic_100", "softmax",
    "rosenbrock_1000", "rosenbrock_100000", "rosenbrock_1000000", "log_sum_exp",
    "adam_network",
]  # fmt: skip


@cache
def made(name: str, quick: bool) -> Work:
    """A work, made once for its rivals."""
    return long_arrays.works(quick)[NAMES.index(name)]()


@pytest.mark.parametrize("size", ["quick", "full"])
@pytest.mark.parametrize("rival", [0, 1], ids=["first", "second"])
@pytest.mark.parametrize("name", NAMES)
def test_long_arrays(compare: Compare, name: str, rival: int, size: str) -> None:
    work = made(name, size == "quick")
    assert work.name == name
    compare(work, work.rivals[rival], rounds=15)
