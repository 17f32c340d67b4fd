# SPDX-License-Identifier: BSD-3-Clause
"""Basins, sweeps and the minima among a million ends, whole calls, against NumPy."""

import maps
import pytest
from conftest import Compare

WORKS = {work.name: work for work in maps.works()}


@pytest.mark.parametrize("name", WORKS)
def test_maps(compare: Compare, name: str) -> None:
    work = WORKS[name]
    compare(work, work.rivals[0], rounds=9)
