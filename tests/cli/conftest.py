# SPDX-License-Identifier: BSD-3-Clause
"""Fixtures of the tests of the command line."""

import pytest
from fitting_cases import T, Y, written


@pytest.fixture
def data(tmp_path):
    rows = [
        f"{t!r},{y!r},{0.1 + 0.01 * i}"
        for i, (t, y) in enumerate(zip(T.tolist(), Y.tolist(), strict=True))
    ]
    return written(tmp_path / "data.csv", ["time,counts,error", *rows])
