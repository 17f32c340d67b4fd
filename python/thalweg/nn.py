# SPDX-License-Identifier: BSD-3-Clause
"""Activations: plain functions of numbers, arrays and traced values, element by element.

Each is exact to rounding over the whole line, with its slope; nothing overflows on the way.
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

# gelu by tanh: tanh(sqrt(2 / pi) (x + c x**3)), c fitted by Hendrycks and Gimpel.
_GELU_CUBIC = 0.044715
_GELU_RATE = 2.0 * math.sqrt(2.0 / math.pi)  # doubled: (1 + tanh(u)) / 2 = expit(2 u)


def relu(x: Any) -> Any:
    """Rectifier, max(x, 0), with slope 0 at 0.

    Parameters
    ----------
    x : array_like or traced
        Of any shape.

    Returns
    -------
    float, ndarray or traced
        In the shape of `x`; NaN stays NaN.

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
    """Rectifier that leaks: x above 0, ``slope * x`` up to 0; its slope at 0 is `slope`.

    Parameters
    ----------
    x : array_like or traced
        Of any shape.
    slope : float, array_like or traced, default 0.01
        Slope at and below 0; an array or traced (a parameter) in a shape that broadcasts to `x`.

    Returns
    -------
    float, ndarray or traced
        In the shape of `x`.

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
    """Exponential linear unit: x above 0, ``alpha * (exp(x) - 1)`` up to 0.

    Parameters
    ----------
    x : array_like or traced
        Of any shape.
    alpha : float, array_like or traced, default 1
        Minus the limit at -infinity, and the slope at 0.

    Returns
    -------
    float, ndarray or traced
        In the shape of `x`.

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
    """Gaussian error linear unit: x times the normal distribution function of x.

    Parameters
    ----------
    x : array_like or traced
        Of any shape.
    approximate : bool, default False
        Use ``x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))) / 2``, which is within 5e-4. It
        is JAX's default; PyTorch's is the exact form, as here.

    Returns
    -------
    float, ndarray or traced
        In the shape of `x`; small relative errors far below 0 too, where it is nearly 0.

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
    """Smooth rectifier, log(1 + exp(x)).

    Parameters
    ----------
    x : array_like or traced
        Of any shape.

    Returns
    -------
    float, ndarray or traced
        In the shape of `x`.

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
    """Logistic function, 1 / (1 + exp(-x)); `scipy.special.expit`.

    Parameters
    ----------
    x : array_like or traced
        Of any shape.

    Returns
    -------
    float, ndarray or traced
        In the shape of `x`.

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
    """Hyperbolic tangent: `np.tanh`, here so that activations are found in one place.

    Parameters
    ----------
    x : array_like or traced
        Of any shape.

    Returns
    -------
    float, ndarray or traced
        In the shape of `x`.

    Examples
    --------
    >>> import thalweg as tw
    >>> tw.nn.tanh([-1000.0, 0.0, 1000.0])
    array([-1.,  0.,  1.])
    """
    return np.tanh(operand(x))


def swish(x: Any, beta: Any = 1.0) -> Any:
    """Swish, ``x * sigmoid(beta * x)``; with `beta` = 1 it is also called SiLU (`silu`).

    Parameters
    ----------
    x : array_like or traced
        Of any shape.
    beta : float, array_like or traced, default 1
        0 gives x / 2, large values the rectifier.

    Returns
    -------
    float, ndarray or traced
        In the shape of `x`.

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
    """Sigmoid linear unit, ``x * sigmoid(x)``: `swish` with `beta` = 1.

    Parameters
    ----------
    x : array_like or traced
        Of any shape.

    Returns
    -------
    float, ndarray or traced
        In the shape of `x`.

    Examples
    --------
    >>> import thalweg as tw
    >>> float(tw.nn.silu(1.0))
    0.7310585786300049
    """
    return swish(x)
