# SPDX-License-Identifier: BSD-3-Clause
"""The evidence of a Gaussian process and its gradient, one large and many small, against JAX."""

import algebra
import pytest
from conftest import Compare

WORKS = {work.name: work for work in algebra.works()}
PAIRS = [(work.name, k) for work in WORKS.values() for k in range(len(work.rivals))]


@pytest.mark.parametrize(("name", "rival"), PAIRS)
def test_linear_algebra(compare: Compare, name: str, rival: int) -> None:
    work = WORKS[name]
    compare(work, work.rivals[rival], rounds=9)
