# SPDX-License-Identifier: BSD-3-Clause
"""Settings for every test: no screen, and random examples that are the same in every run."""

import os

from hypothesis import settings

os.environ["MPLBACKEND"] = "Agg"  # also for the programs that tests start

# deadline: another program on the machine must not fail a test.
settings.register_profile("thalweg", derandomize=True, deadline=None, database=None)
settings.load_profile("thalweg")
