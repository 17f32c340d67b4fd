# SPDX-License-Identifier: BSD-3-Clause
"""Save results in files, and read them again."""
