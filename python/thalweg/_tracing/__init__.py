# SPDX-License-Identifier: BSD-3-Clause
"""Turns a NumPy function into a graph of the core's operations."""
