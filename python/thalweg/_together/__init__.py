# SPDX-License-Identifier: BSD-3-Clause
"""Fit many data sets that share parameters: `curve_fit_many(shared=)` and `fit_together`."""
