# SPDX-License-Identifier: BSD-3-Clause
"""Fits of data that Dask holds: lazy in, lazy out, one task for each chunk."""
