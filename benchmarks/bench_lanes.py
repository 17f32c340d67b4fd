# SPDX-License-Identifier: BSD-3-Clause
"""Many descents, whole calls: against one thread, another method and SciPy."""

import lanes
import pytest
from conftest import Compare

WORKS = {work.name: work for work in lanes.works()}


@pytest.mark.parametrize("name", WORKS)
def test_lanes(compare: Compare, name: str) -> None:
    work = WORKS[name]
    compare(work, work.rivals[0], rounds=3)
