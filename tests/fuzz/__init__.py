# SPDX-License-Identifier: BSD-3-Clause
"""Machines that find faults: random programs, fits, pickles and command lines. See README.md."""

import sys
from pathlib import Path

# The generators and oracles that the tests share, and the values that they are compared with.
for _room in ("shared", "references"):
    _path = str(Path(__file__).resolve().parents[1] / _room)
    if _path not in sys.path:
        sys.path.insert(0, _path)
