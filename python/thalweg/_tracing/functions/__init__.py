# SPDX-License-Identifier: BSD-3-Clause
"""Register the traced forms of NumPy's functions, with one module for each kind."""

from thalweg._tracing.functions import (
    conversions,
    einsum,
    elements,
    joining,
    of_complex,
    products,
    shaping,
    special,
)

__all__ = [
    "conversions", "einsum", "elements", "joining", "of_complex", "products", "shaping", "special",
]  # fmt: skip
