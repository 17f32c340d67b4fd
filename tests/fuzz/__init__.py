# SPDX-License-Identifier: BSD-3-Clause
"""Machines that find faults: random programs, fits, pickles and command lines. See README.md."""

import sys
from pathlib import Path

# The generators and oracles that the tests share.
_shared = str(Path(__file__).resolve().parents[1] / "shared")
if _shared not in sys.path:
    sys.path.insert(0, _shared)
