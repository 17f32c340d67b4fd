# SPDX-License-Identifier: BSD-3-Clause
"""Least squares: one problem, one curve, or a fit in every pixel."""
