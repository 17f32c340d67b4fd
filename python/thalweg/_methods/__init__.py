# SPDX-License-Identifier: BSD-3-Clause
"""The methods as objects, their settings and their stopping tests."""
