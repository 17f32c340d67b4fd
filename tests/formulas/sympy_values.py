# SPDX-License-Identifier: BSD-3-Clause
"""Compare the numbers of SymPy's formulas, exact to 30 digits, with those of the core."""

import numpy as np
import pytest
import sympy as sp

import thalweg as tw
from thalweg import _core

OPERATIONS = {o["name"]: o["arity"] for o in _core.operations()}

# The core's operations are within 4 ulp of the exact value, and a few of them follow each other;
# erfc and gammaln lose some digits of what they cancel near their zeros, which these points avoid.
CLOSE = 1e-12


def exactly(formula, names, point):
    """The formula's value at numbers taken as they are, to 30 digits."""
    exact = {sp.Symbol(n): sp.Rational(float(v)) for n, v in zip(names, point, strict=True)}
    return float(sp.sympify(formula).subs(exact).evalf(30))


def assert_same_numbers(F, names, points):
    """The formulas of value and gradient give what the core gives."""
    value, slopes = tw.formula(F, simplify=False), tw.formula(F.grad, simplify=False)
    for point in points:
        at = np.asarray(point[: len(names)])
        x = at if F.structure.form != "whole" or F.structure.shapes[0] else at[0]
        assert exactly(value, names, at) == pytest.approx(F(x), rel=CLOSE, abs=CLOSE)
        wanted = np.ravel(F.grad(x))
        found = [
            exactly(s, names, at) for s in (slopes if isinstance(slopes, sp.Matrix) else [slopes])
        ]
        np.testing.assert_allclose(found, wanted, rtol=CLOSE, atol=CLOSE)
