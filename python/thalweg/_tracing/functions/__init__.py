# SPDX-License-Identifier: BSD-3-Clause
"""NumPy's functions that have a traced form, by kind; each module registers its own."""

from thalweg._tracing.functions import einsum, elements, joining, products, shaping

__all__ = ["einsum", "elements", "joining", "products", "shaping"]
