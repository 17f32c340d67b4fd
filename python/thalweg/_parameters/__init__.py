# SPDX-License-Identifier: BSD-3-Clause
"""Read parameters by name: which are fitted, fixed or tied to others, and what is known of them."""
