# SPDX-License-Identifier: BSD-3-Clause
"""One start (W1, W2), a million starts (W3, its variants, W4), tracing.

Each case with many starts comes in two sizes: `-k "not full"` leaves the million out.
"""

from functools import cache

import first_calls
import pytest
import single
import starts
from conftest import Compare
from starts import VARIANTS
from workloads import Rival, Work

SMALL = [(w, r) for w in (*single.single_starts(), *first_calls.tracing()) for r in w.rivals]
COUNTS = {"quick": 100_000, "full": 1_000_000}
WELLS = [r.name for r in starts.wells(8000).rivals]
WAVES = [r.name for r in starts.wave(8000).rivals]


@cache
def made(name: str, count: int) -> Work:
    """A work over many starts, made once for its rivals."""
    if name in VARIANTS:
        return starts.variant(name, count)
    return starts.wells(count) if name == "wells" else starts.wave(count)


def rival_of(work: Work, name: str) -> Rival:
    return next(r for r in work.rivals if r.name == name)


@pytest.mark.parametrize(("work", "rival"), SMALL, ids=[f"{w.name}-{r.name}" for w, r in SMALL])
def test_one_start(compare: Compare, work: Work, rival: Rival) -> None:
    compare(work, rival)


@pytest.mark.parametrize("size", COUNTS)
@pytest.mark.parametrize("rival", WELLS)
def test_three_wells(compare: Compare, rival: str, size: str) -> None:
    work = made("wells", COUNTS[size])
    compare(work, rival_of(work, rival), rounds=5)


@pytest.mark.parametrize("size", COUNTS)
@pytest.mark.parametrize("rival", WAVES)
def test_waves(compare: Compare, rival: str, size: str) -> None:
    work = made("waves", COUNTS[size])
    compare(work, rival_of(work, rival), rounds=5)


@pytest.mark.parametrize("size", COUNTS)
@pytest.mark.parametrize("name", VARIANTS)
def test_variant(compare: Compare, name: str, size: str) -> None:
    work = made(name, COUNTS[size])
    compare(work, work.rivals[0], rounds=5)


@pytest.mark.parametrize("size", COUNTS)
@pytest.mark.parametrize("name", VARIANTS)
def test_variant_per_operation(compare: Compare, name: str, size: str) -> None:
    work = starts.per_operation(name, COUNTS[size])
    compare(work, work.rivals[0], rounds=5)
