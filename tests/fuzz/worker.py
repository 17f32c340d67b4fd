# SPDX-License-Identifier: BSD-3-Clause
"""A worker of `runner`: `python -m tests.fuzz.worker KIND FIRST LAST`."""

import sys

from .runner import work

if __name__ == "__main__":
    work(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
