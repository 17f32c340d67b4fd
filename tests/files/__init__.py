# SPDX-License-Identifier: BSD-3-Clause
"""A package, because another room has modules, and so test files, of the same names."""
