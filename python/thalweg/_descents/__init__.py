# SPDX-License-Identifier: BSD-3-Clause
"""Runs descents of one start, of many starts, and on minibatches."""
