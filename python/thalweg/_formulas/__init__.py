# SPDX-License-Identifier: BSD-3-Clause
"""Convert graphs to and from formulas of SymPy and text, and write them as JavaScript."""
