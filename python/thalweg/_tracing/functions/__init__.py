# SPDX-License-Identifier: BSD-3-Clause
"""Register the traced forms of NumPy's functions, with one module for each kind."""

from thalweg._tracing.functions import einsum, elements, joining, products, shaping

__all__ = ["einsum", "elements", "joining", "products", "shaping"]
