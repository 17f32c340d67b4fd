# SPDX-License-Identifier: BSD-3-Clause
"""A million starts by methods that converge, maps of them, Gaussian processes, transforms."""

import algebra
import lanes
import maps
import pytest
import transforms
from conftest import Compare

ROUNDS = {"lanes": 3, "maps": 9, "algebra": 9, "transforms": 200}
WORKS = {
    work.name: (work, ROUNDS[module.__name__])
    for module in (lanes, maps, algebra, transforms)
    for work in module.works()
}
PAIRS = [(name, k) for name, (work, _) in WORKS.items() for k in range(len(work.rivals))]


@pytest.mark.parametrize(("name", "rival"), PAIRS)
def test_lanes(compare: Compare, name: str, rival: int) -> None:
    work, rounds = WORKS[name]
    compare(work, work.rivals[rival], rounds=rounds)
