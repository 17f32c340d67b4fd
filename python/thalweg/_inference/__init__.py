# SPDX-License-Identifier: BSD-3-Clause
"""What fits say: statistics, reports, predictions, intervals, bootstraps, and files."""
