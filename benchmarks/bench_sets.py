# SPDX-License-Identifier: BSD-3-Clause
"""Each instruction set of this machine against the baseline."""

import pytest
import sets
from conftest import Compare

WORKS = {work.name: work for work in sets.works()}


@pytest.mark.parametrize("name", WORKS)
def test_set_is_no_slower_than_the_baseline(compare: Compare, name: str) -> None:
    work = WORKS[name]
    row = compare(work, work.rivals[0])
    assert row["met"], row
