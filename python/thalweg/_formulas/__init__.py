# SPDX-License-Identifier: BSD-3-Clause
"""Graphs as formulas: to and from SymPy and text, and to JavaScript."""
