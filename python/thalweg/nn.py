# SPDX-License-Identifier: BSD-3-Clause
"""Apply activation functions to numbers, arrays or traced values, element by element.

Each function and its slope are accurate to rounding for every argument, and no intermediate value
overflows.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from thalweg._tracing.elementary import operand, operation, where

__all__ = [
    "elu",
    "gelu",
    "leaky_relu",
    "relu",
    "sigmoid",
    "silu",
    "softplus",
    "swish",
    "tanh",
]

_expit, _log_expit, _erfc = map(operation, ("expit", "log_expit", "erfc"))

# The approximation of gelu uses tanh(sqrt(2 / pi) (x + c x**3)); Hendrycks and Gimpel fitted c.
_GELU_CUBIC = 0.044715
_GELU_RATE = 2.0 * math.sqrt(2.0 / math.pi)  # doubled: (1 + tanh(u)) / 2 = expit(2 u)


def relu(x: Any) -> Any:
    """Return the rectifier, max(x, 0), with slope 0 at 0.

    Parameters
    ----------
    x : array_like or traced
        The argument, of any shape.

    Returns
    -------
    float, ndarray or traced
        The value, in the shape of `x`. NaN stays NaN.

    References
    ----------
    V. Nair and G. E. Hinton, ICML 2010.

    Examples
    --------
    >>> import thalweg as tw
    >>> tw.nn.relu([-2.0, 0.0, 3.0])
    array([0., 0., 3.])
    >>> tw.grad(tw.nn.relu)(0.0)
    0.0
    """
    x = operand(x)
    return where(x <= 0, 0.0, x)


def leaky_relu(x: Any, slope: Any = 0.01) -> Any:
    """Return the leaky rectifier: x above 0, and ``slope * x`` elsewhere, also at 0.

    Parameters
    ----------
    x : array_like or traced
        The argument, of any shape.
    slope : float, array_like or traced, default 0.01
        The slope at 0 and below, in a shape that broadcasts to `x`. It may be a traced parameter.

    Returns
    -------
    float, ndarray or traced
        The value, in the shape of `x`.

    References
    ----------
    A. L. Maas, A. Y. Hannun and A. Y. Ng, ICML 2013.

    Examples
    --------
    >>> import thalweg as tw
    >>> tw.nn.leaky_relu([-2.0, 0.0, 3.0])
    array([-0.02,  0.  ,  3.  ])
    """
    x = operand(x)
    return where(x <= 0, slope * x, x)


def elu(x: Any, alpha: Any = 1.0) -> Any:
    """Return the exponential linear unit: x above 0, and ``alpha * (exp(x) - 1)`` elsewhere.

    Parameters
    ----------
    x : array_like or traced
        The argument, of any shape.
    alpha : float, array_like or traced, default 1
        The slope at 0; the limit at minus infinity is ``-alpha``.

    Returns
    -------
    float, ndarray or traced
        The value, in the shape of `x`.

    References
    ----------
    D.-A. Clevert, T. Unterthiner and S. Hochreiter, ICLR 2016.

    Examples
    --------
    >>> import thalweg as tw
    >>> tw.nn.elu([-1000.0, -1.0, 0.0, 2.0])
    array([-1.        , -0.63212056,  0.        ,  2.        ])
    """
    x = operand(x)
    below = x <= 0
    return where(below, alpha * np.expm1(where(below, x, 0.0)), x)


def gelu(x: Any, approximate: bool = False) -> Any:
    """Return the Gaussian error linear unit: x times the normal distribution function of x.

    Parameters
    ----------
    x : array_like or traced
        The argument, of any shape.
    approximate : bool, default False
        Whether to use ``x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))) / 2``, whose error is
        below 5e-4. JAX uses it by default; PyTorch uses the exact form by default, as here.

    Returns
    -------
    float, ndarray or traced
        The value, in the shape of `x`. The relative error is small far below 0 too, where the value
        is nearly 0.

    References
    ----------
    D. Hendrycks and K. Gimpel, arXiv:1606.08415 (2016).

    Examples
    --------
    >>> import thalweg as tw
    >>> tw.nn.gelu([-1.0, 0.0, 1.0])
    array([-0.15865525,  0.        ,  0.84134475])
    >>> tw.nn.gelu([-1.0, 0.0, 1.0], approximate=True)
    array([-0.15880801,  0.        ,  0.84119199])
    """
    x = operand(x)
    if approximate:
        return x * _expit(_GELU_RATE * (x * (1.0 + _GELU_CUBIC * np.square(x))))
    return x * (0.5 * _erfc(x * -math.sqrt(0.5)))


def softplus(x: Any) -> Any:
    """Return the smooth rectifier, log(1 + exp(x)).

    Parameters
    ----------
    x : array_like or traced
        The argument, of any shape.

    Returns
    -------
    float, ndarray or traced
        The value, in the shape of `x`.

    References
    ----------
    C. Dugas, Y. Bengio, F. Bélisle, C. Nadeau and R. Garcia, NIPS 2000.

    Examples
    --------
    >>> import thalweg as tw
    >>> tw.nn.softplus([-800.0, 0.0, 800.0])
    array([0.00000000e+00, 6.93147181e-01, 8.00000000e+02])
    """
    return -_log_expit(-operand(x))


def sigmoid(x: Any) -> Any:
    """Return the logistic function, 1 / (1 + exp(-x)), like `scipy.special.expit`.

    Parameters
    ----------
    x : array_like or traced
        The argument, of any shape.

    Returns
    -------
    float, ndarray or traced
        The value, in the shape of `x`.

    References
    ----------
    P.-F. Verhulst, Nouv. Mém. Acad. Roy. Bruxelles 18 (1845).

    Examples
    --------
    >>> import thalweg as tw
    >>> tw.nn.sigmoid([-1000.0, 0.0, 1000.0])
    array([0. , 0.5, 1. ])
    """
    return _expit(x)


def tanh(x: Any) -> Any:
    """Return the hyperbolic tangent; `np.tanh` is the same function.

    Parameters
    ----------
    x : array_like or traced
        The argument, of any shape.

    Returns
    -------
    float, ndarray or traced
        The value, in the shape of `x`.

    Examples
    --------
    >>> import thalweg as tw
    >>> tw.nn.tanh([-1000.0, 0.0, 1000.0])
    array([-1.,  0.,  1.])
    """
    return np.tanh(operand(x))


def swish(x: Any, beta: Any = 1.0) -> Any:
    """Return swish, ``x * sigmoid(beta * x)``, which is `silu` if `beta` is 1.

    Parameters
    ----------
    x : array_like or traced
        The argument, of any shape.
    beta : float, array_like or traced, default 1
        The slope of the sigmoid. With 0 the value is x / 2; large values approach the rectifier.

    Returns
    -------
    float, ndarray or traced
        The value, in the shape of `x`.

    References
    ----------
    S. Elfwing, E. Uchibe and K. Doya, Neural Networks 107 (2018), 3-11; P. Ramachandran, B. Zoph
    and Q. V. Le, arXiv:1710.05941 (2017).

    Examples
    --------
    >>> import thalweg as tw
    >>> tw.nn.swish([-1000.0, 0.0, 1.0])
    array([-0.        ,  0.        ,  0.73105858])
    """
    x = operand(x)
    return x * _expit(beta * x)


def silu(x: Any) -> Any:
    """Return the sigmoid linear unit, ``x * sigmoid(x)``, which is `swish` with `beta` = 1.

    Parameters
    ----------
    x : array_like or traced
        The argument, of any shape.

    Returns
    -------
    float, ndarray or traced
        The value, in the shape of `x`.

    Examples
    --------
    >>> import thalweg as tw
    >>> float(tw.nn.silu(1.0))
    0.7310585786300049
    """
    return swish(x)
