# SPDX-License-Identifier: BSD-3-Clause
"""What calls return, and the words in which an ending is explained."""
