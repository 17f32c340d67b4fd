# SPDX-License-Identifier: BSD-3-Clause
"""Turn a NumPy function into a graph of the core's operations."""
