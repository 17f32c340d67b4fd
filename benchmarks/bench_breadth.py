# SPDX-License-Identifier: BSD-3-Clause
"""Loops, transforms and matrices against JAX, SciPy and NumPy."""

import algebra
import pytest
import scans
import transforms
from conftest import Compare

WORKS = {work.name: work for work in (*scans.works(), *algebra.works(), *transforms.works())}
PAIRS = [(name, i) for name, work in WORKS.items() for i in range(len(work.rivals))]


@pytest.mark.parametrize(("name", "which"), PAIRS)
def test_breadth(compare: Compare, name: str, which: int) -> None:
    work = WORKS[name]
    compare(work, work.rivals[which], rounds=9)
