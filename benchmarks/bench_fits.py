# SPDX-License-Identifier: BSD-3-Clause
"""Many fits at once, whole calls, against SciPy one by one and JAX."""

import fits
import pytest
from conftest import Compare

WORKS = {work.name: work for work in fits.works()}
PAIRS = [(name, i) for name, work in WORKS.items() for i in range(len(work.rivals))]


@pytest.mark.parametrize(("name", "which"), PAIRS)
def test_fits(compare: Compare, name: str, which: int) -> None:
    work = WORKS[name]
    compare(work, work.rivals[which], rounds=9)
