# SPDX-License-Identifier: BSD-3-Clause
"""Methods that converge, and the course's functions with tracing: whole calls against SciPy's."""

import pytest
import solving
from conftest import Compare
from course import course
from workloads import Rival, Work

WORKS = {work.name: work for work in solving.works()}
PAIRS = [(work, rival) for work in course() for rival in work.rivals]


@pytest.mark.parametrize("name", WORKS)
def test_solving(compare: Compare, name: str) -> None:
    work = WORKS[name]
    compare(work, work.rivals[0], rounds=15)


@pytest.mark.parametrize(("work", "rival"), PAIRS, ids=[f"{w.name}-{r.name}" for w, r in PAIRS])
def test_course(compare: Compare, work: Work, rival: Rival) -> None:
    compare(work, rival)
