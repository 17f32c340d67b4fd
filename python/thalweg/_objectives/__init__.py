# SPDX-License-Identifier: BSD-3-Clause
"""Traced functions that are kept and evaluated, the points they take and their derivatives."""
