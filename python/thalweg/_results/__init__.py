# SPDX-License-Identifier: BSD-3-Clause
"""Build and print the results that calls return, and explain why descents ended."""
