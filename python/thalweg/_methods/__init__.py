# SPDX-License-Identifier: BSD-3-Clause
"""Represent methods as objects, with their hyper-parameters and stopping limits."""
