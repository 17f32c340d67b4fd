# SPDX-License-Identifier: BSD-3-Clause
"""Run descents from one start, from many starts, and on minibatches."""
