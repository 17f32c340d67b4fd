# SPDX-License-Identifier: BSD-3-Clause
"""Methods that converge, whole calls, against SciPy's."""

import pytest
import solving
from conftest import Compare

WORKS = {work.name: work for work in solving.works()}


@pytest.mark.parametrize("name", WORKS)
def test_solving(compare: Compare, name: str) -> None:
    work = WORKS[name]
    compare(work, work.rivals[0], rounds=15)
