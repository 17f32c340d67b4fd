# SPDX-License-Identifier: BSD-3-Clause
"""Define robust losses rho(z) of squared residuals z, with their first two derivatives.

The same code is used for arrays and for traced values.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["LOSSES", "Rho", "checked_loss", "curvature", "weighted"]

Rho = Callable[[Any], Any]

_EPS = float(np.finfo(np.float64).eps)


def _soft_l1(z: Any) -> tuple[Any, Any, Any]:
    t = 1.0 + z
    root = np.sqrt(t)
    # 2 (sqrt(t) - 1), written so that nothing cancels near z = 0.
    return 2.0 * z / (root + 1.0), 1.0 / root, -0.5 / (t * root)


def _huber(z: Any) -> tuple[Any, Any, Any]:
    outer = np.maximum(z, 1.0)
    root = np.sqrt(outer)
    inside = z <= 1.0
    return (
        np.where(inside, z, 2.0 * root - 1.0),
        1.0 / root,
        np.where(inside, 0.0, -0.5 / (outer * root)),
    )


def _cauchy(z: Any) -> tuple[Any, Any, Any]:
    t = 1.0 + z
    return np.log1p(z), 1.0 / t, -1.0 / (t * t)


def _arctan(z: Any) -> tuple[Any, Any, Any]:
    t = 1.0 + z * z
    return np.arctan(z), 1.0 / t, -2.0 * z / (t * t)


# The losses of scipy.optimize.least_squares. A user's own loss is a function of the same kind.
LOSSES: dict[str, Rho | None] = {
    "linear": None,
    "soft_l1": _soft_l1,
    "huber": _huber,
    "cauchy": _cauchy,
    "arctan": _arctan,
}


def checked_loss(loss: Any) -> Rho | None:
    """Return a loss, given by name or as a function, as a function; None for the linear loss."""
    if isinstance(loss, str) and loss in LOSSES:
        return LOSSES[loss]
    if callable(loss):
        own: Rho = loss
        return own
    raise ValueError(
        f"`loss` must be one of {list(LOSSES)} or a callable that returns rho and its first two "
        f"derivatives, got {loss!r}"
    )


def _rho(rho: Rho, residuals: Any, scale: Any) -> tuple[Any, Any, Any, Any]:
    z = (residuals / scale) ** 2
    value = rho(z)
    if len(value) != 3 or any(np.shape(v) != np.shape(z) for v in value):
        raise ValueError(
            "The return value of `loss` callable has wrong shape: it must return rho and its first "
            "two derivatives, each in the shape of its argument"
        )
    return z, value[0], value[1], value[2]


def weighted(rho: Rho, residuals: Any, scale: Any) -> tuple[Any, Any]:
    """Return the cost of each residual, and its weight in the gradient and the normal matrix.

    This is iteratively reweighted least squares: the matrix leaves out the second derivative of the
    loss, so it stays positive semidefinite; the solver learns the missing part (solvers/lm.hpp).
    Compared with a matrix that includes the second derivative, bounded below as in `curvature`, it
    needs half as many evaluations and ends in fewer bad minima.
    """
    _, value, first, _ = _rho(rho, residuals, scale)
    return 0.5 * scale * scale * value, first


def curvature(rho: Rho, residuals: Any, scale: Any) -> Any:
    """Return the weight of each residual in the Gauss-Newton matrix of SciPy's `jac`.

    The weight is kept positive. Triggs, McLauchlan, Hartley and Fitzgibbon 2000, Bundle Adjustment,
    section 4.3.
    """
    z, _, first, second = _rho(rho, residuals, scale)
    return np.maximum(first + 2.0 * z * second, _EPS)
