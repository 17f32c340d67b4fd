# SPDX-License-Identifier: BSD-3-Clause
"""Fit by least squares: one problem, one curve, or many data sets at once."""
