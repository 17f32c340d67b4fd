# SPDX-License-Identifier: BSD-3-Clause
"""Define the version, which the build reads from this file."""

__version__ = "0.1.0"
