# SPDX-License-Identifier: BSD-3-Clause
"""Register the traced forms of NumPy's functions, with one module for each kind."""

from thalweg._tracing.functions import einsum, elements, joining, of_complex, products, shaping

__all__ = ["einsum", "elements", "joining", "of_complex", "products", "shaping"]
