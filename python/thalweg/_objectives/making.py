# SPDX-License-Identifier: BSD-3-Clause
"""Trace a function and keep it, or take an objective that was traced before."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from thalweg._objectives.objective import Objective

__all__ = ["objective", "objective_of"]


def objective_of(
    fun: Callable[..., Any] | Objective, x0: Any, args: Any, unpack: bool | None
) -> Objective:
    """Trace a function at `x0`, or set the `args` of an objective; require a single value."""
    if isinstance(fun, Objective):
        if unpack is not None:
            raise TypeError("unpack= was fixed when the objective was traced; leave it out")
        found = fun.with_args(args if isinstance(args, tuple) else (args,)) if args != () else fun
    else:
        found = Objective(fun, x0, args, unpack)
    if prod(found.shape) != 1:
        raise ValueError(
            f"the function must return one value, got shape {found.shape}; "
            "to minimize the sum of squares of residuals, use least_squares"
        )
    return found


def objective(
    fun: Callable[..., Any] | None = None,
    x0: Any = None,
    args: Any = (),
    unpack: bool | None = None,
    threads: int = 1,
    stable: bool = True,
) -> Any:
    """Trace a function once and keep it for evaluation, differentiation and descents.

    It is a decorator too: ``@tw.objective(x0=...)``.

    Parameters
    ----------
    fun : callable
        A function written in NumPy. It is called once, with traced arguments. The values in its
        closure and in globals are frozen at that moment.
    x0 : array_like, tuple or dict
        A point that gives the form and the shapes.
    args : tuple, optional
        Further positional arguments after those of `x0`.
    unpack : bool, optional
        Whether to pass the elements of `x0` as separate arguments. By default, the signature of
        `fun` decides.
    threads : int, default 1
        The number of threads that share the rows of long arrays. The results are the same for any
        number, bit for bit.
    stable : bool, default True
        Whether forms that overflow or lose their digits, such as `log(1 + exp(u))`, are replaced by
        operations that do not. The guide lists them.

    Returns
    -------
    Objective
        The traced function, with `grad`, `hessian`, `jacobian` and other derivatives.

    Raises
    ------
    TraceError
        If the function cannot be traced; the message names the operation and its replacement.
    TypeError
        If `x0` does not match the function's parameters.

    See Also
    --------
    minimize : Minimize a function or an objective.
    grad : Differentiate a function of its own arguments.

    References
    ----------
    .. [1] A. Griewank and A. Walther, *Evaluating Derivatives: Principles and Techniques of
       Algorithmic Differentiation*, 2nd ed., SIAM, 2008, https://doi.org/10.1137/1.9780898717761

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> F = tw.objective(lambda x: np.sum((x - 1) ** 2), np.zeros(3))
    >>> F(np.array([1.0, 2.0, 3.0]))
    5.0
    >>> F.grad([1.0, 2.0, 3.0])
    array([0., 2., 4.])
    """
    if x0 is None:
        raise TypeError(
            "objective needs x0, a point that gives the form and the shapes of the arguments"
        )
    if fun is None:
        return lambda f: Objective(f, x0, args, unpack, threads, stable)
    return Objective(fun, x0, args, unpack, threads, stable)
