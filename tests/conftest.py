# SPDX-License-Identifier: BSD-3-Clause
"""Settings for every test: no screen, and random examples that are the same in every run."""

import os
import signal

from hypothesis import settings

os.environ["MPLBACKEND"] = "Agg"  # also for the programs that tests start

# A shell that runs the tests in the background has SIGINT ignored; some of them send it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# deadline: another program on the machine must not fail a test.
settings.register_profile("thalweg", derandomize=True, deadline=None, database=None)
settings.load_profile("thalweg")
