# SPDX-License-Identifier: BSD-3-Clause
"""Register the traced forms of NumPy's functions, with one module for each kind."""

from thalweg._tracing.functions import (
    complex_linear_algebra,
    conversions,
    convolutions,
    cosines,
    cumulative,
    einsum,
    elements,
    filters,
    fourier,
    grids,
    joining,
    linear_algebra,
    missing,
    of_complex,
    order,
    polynomials,
    products,
    scipy_linalg,
    scipy_matrices,
    shaping,
    special,
    statistics,
    tables,
)

__all__ = [
    "complex_linear_algebra", "conversions", "convolutions", "cosines", "cumulative", "einsum",
    "elements", "filters", "fourier", "grids", "joining", "linear_algebra", "missing", "of_complex",
    "order", "polynomials", "products", "scipy_linalg", "scipy_matrices", "shaping", "special",
    "statistics", "tables",
]  # fmt: skip
