# SPDX-License-Identifier: BSD-3-Clause
"""Machines that find faults: random programs, fits, pickles and command lines. See README.md."""

import sys
from pathlib import Path

# The generators and oracles of the tests stand beside this package.
_tests = str(Path(__file__).resolve().parent.parent)
if _tests not in sys.path:
    sys.path.insert(0, _tests)
