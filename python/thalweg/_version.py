# SPDX-License-Identifier: BSD-3-Clause
"""The version: the one place it stands. The build reads it from here."""

__version__ = "0.1.0"
