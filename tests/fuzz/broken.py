# SPDX-License-Identifier: BSD-3-Clause
"""Trials that are broken on purpose, for the test of the runner: seeds 1 to 3."""

import os
import signal
import time

SECONDS = 1.0
ISAS = False


def trial(seed: int) -> list[str]:
    if seed == 1:
        os.kill(os.getpid(), signal.SIGSEGV)
    elif seed == 2:
        time.sleep(60)
    elif seed == 3:
        raise ZeroDivisionError("of the trial")
    return []
