# SPDX-License-Identifier: BSD-3-Clause
"""Import, process start to first result, the wheel's size."""

import first_calls
import pytest
from conftest import Compare
from first_calls import EXTRA, WHEEL_LIMIT
from workloads import MissingError, Rival, Work

PAIRS = [(work, rival) for work in first_calls.startup() for rival in work.rivals]


@pytest.mark.parametrize(("work", "rival"), PAIRS, ids=[f"{w.name}-{r.name}" for w, r in PAIRS])
def test_process(compare: Compare, work: Work, rival: Rival) -> None:
    row = compare(work, rival, rounds=11)
    if rival.name == "import numpy":
        row["beyond_numpy_min"] = row["thalweg_min"] - row["rival_min"]
        row["wanted_beyond_numpy"] = EXTRA[work.name]
        row["met"] = row["beyond_numpy_min"] < EXTRA[work.name]


def test_wheel() -> None:
    try:
        path = first_calls.wheel()
    except MissingError as missing:
        pytest.skip(str(missing))
    assert path.stat().st_size < WHEEL_LIMIT * 1e6
