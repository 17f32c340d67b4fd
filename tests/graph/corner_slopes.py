# SPDX-License-Identifier: BSD-3-Clause
"""Value, gradient and Hessian of a function at a corner, against those that are stated."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

import thalweg as tw

FloatArray = NDArray[np.float64]

Function = Callable[..., Any]

# A few roundings: what is exact but for the last digits.
CLOSE = {"rtol": 1e-13, "atol": 1e-300}


def slopes(f: Function, x: Any) -> tuple[Any, FloatArray, FloatArray]:
    """Value, gradient, Hessian at an array; the gradient among lanes must be the same."""
    x = np.asarray(x, dtype=np.float64)
    F = tw.objective(f, x)
    value, gradient = F.value_and_grad(x)
    lanes = np.stack([x] * 3)
    np.testing.assert_array_equal(np.asarray(F.grad(lanes))[1], gradient)
    return value, np.asarray(gradient), np.asarray(F.hessian(x))


def check(
    f: Function, x: Any, value: Any = None, gradient: Any = None, hessian: Any = None
) -> None:
    got = slopes(f, x)
    for what, mine, wanted in zip(
        ("value", "gradient", "Hessian"), got, (value, gradient, hessian), strict=True
    ):
        if wanted is not None:
            wanted = np.broadcast_to(np.asarray(wanted, dtype=np.float64), np.shape(mine))
            np.testing.assert_allclose(mine, wanted, **CLOSE, err_msg=what)
