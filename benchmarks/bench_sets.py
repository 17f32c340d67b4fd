# SPDX-License-Identifier: BSD-3-Clause
"""Each instruction set against the baseline, and its machine code against its handlers."""

import pytest
import sets
from conftest import Compare

WORKS = {work.name: work for work in sets.works()}


@pytest.mark.parametrize(
    ("name", "rival"), [(name, k) for name, work in WORKS.items() for k in range(len(work.rivals))]
)
def test_set_is_no_slower_than_the_baseline_or_its_handlers(
    compare: Compare, name: str, rival: int
) -> None:
    work = WORKS[name]
    row = compare(work, work.rivals[rival])
    assert row["met"], row
