# SPDX-License-Identifier: BSD-3-Clause
"""Methods that converge, the course's functions with tracing, matrices, transforms and loops."""

import algebra
import pytest
import solving
import transforms
from conftest import Compare
from course import course
from workloads import Rival, Work

WORKS = {work.name: work for work in solving.works()}
PAIRS = [
    (work, rival)
    for work in (*course(), *algebra.works(), *transforms.works())
    for rival in work.rivals
]


@pytest.mark.parametrize("name", WORKS)
def test_solving(compare: Compare, name: str) -> None:
    work = WORKS[name]
    compare(work, work.rivals[0], rounds=15)


@pytest.mark.parametrize(("work", "rival"), PAIRS, ids=[f"{w.name}-{r.name}" for w, r in PAIRS])
def test_with_each_rival(compare: Compare, work: Work, rival: Rival) -> None:
    compare(work, rival)
