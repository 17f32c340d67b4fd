# SPDX-License-Identifier: BSD-3-Clause
"""Provide the command line: `thalweg` and its commands."""

from thalweg.cli.parser import main

__all__ = ["main"]
