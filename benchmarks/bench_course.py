# SPDX-License-Identifier: BSD-3-Clause
"""The course's functions: whole calls, tracing included, against a student's loop and SciPy."""

import pytest
from conftest import Compare
from course import course
from workloads import Rival, Work

PAIRS = [(work, rival) for work in course() for rival in work.rivals]


@pytest.mark.parametrize(("work", "rival"), PAIRS, ids=[f"{w.name}-{r.name}" for w, r in PAIRS])
def test_course(compare: Compare, work: Work, rival: Rival) -> None:
    compare(work, rival)
